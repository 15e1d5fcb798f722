from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

import dovetail_s3
from dovetail.testing.packaging import PackagingContract
from dovetail_s3.settings import S3ArtifactStoreConfig


class TestPackaging(PackagingContract):
    wheel = "dovetail-s3"
    settings = {"s3": {"url": "s3://bucket/folder"}}


def loaded_by(module: str) -> set[str]:
    """Return what stands in `sys.modules` after an import in a fresh interpreter."""
    program = f"import sys, {module}; print(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(child.stdout.split())


def test_the_store_is_announced() -> None:
    (flavor,) = dovetail_s3.dovetail_artifact_stores()
    assert (flavor.name, flavor.contract) == ("s3", 1)


def test_announcing_imports_nothing_heavy() -> None:
    assert not {"fsspec", "s3fs", "botocore", "aiohttp", "pydantic"} & loaded_by("dovetail_s3")


def test_registering_imports_no_library_of_the_service() -> None:
    assert not {"fsspec", "s3fs", "botocore", "aiohttp"} & loaded_by("dovetail_s3.settings")


@pytest.mark.parametrize(
    "url",
    ["bucket", "s3://", "s3:///folder", "https://bucket", "s3://b", "s3://bucket//x", "s3://bucket/a?b"],
)
def test_an_address_of_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        S3ArtifactStoreConfig(url=url)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/b c"])
def test_a_bucket_and_a_folder_are_taken(url: str) -> None:
    assert not S3ArtifactStoreConfig(url=url).url.endswith("/")


@pytest.mark.parametrize(
    "url", ["minio:9000", "ftp://minio", "http://user:word@minio:9000", "http://minio/?x=1"]
)
def test_an_address_of_no_service_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="endpoint_url"):
        S3ArtifactStoreConfig(url="s3://bucket", endpoint_url=url)


def test_keys_are_not_shown() -> None:
    config = S3ArtifactStoreConfig(url="s3://bucket", secret_access_key=SecretStr("canary"))
    assert "canary" not in f"{config!r} {config} {config.model_dump_json()}"
