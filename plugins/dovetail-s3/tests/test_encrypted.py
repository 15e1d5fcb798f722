"""A service that speaks HTTPS with a certificate of a private authority."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dovetail.plugin import ConfigurationError, StoreError
from dovetail_s3.store import S3ArtifactStore
from real_servers.certificates import private_certificates
from real_servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.emulated
LARGE = 12 << 20


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A service whose certificate a private authority gave it."""
    with s3_server(certificates=private_certificates(tmp_path_factory.mktemp("certificates"))) as running:
        yield running


@pytest.fixture
def reached(encrypted: S3Server, made: Callable[..., S3ArtifactStore]) -> Callable[..., S3ArtifactStore]:
    """Return what makes a store in a bucket of that service."""
    url = f"s3://{encrypted.new_bucket()}/team"
    return lambda **settings: made(url=url, endpoint_url=encrypted.url, attempts=1, **settings)


@pytest.fixture
def authority(encrypted: S3Server) -> str:
    """The file of the authority of that service."""
    assert encrypted.certificates is not None
    return str(encrypted.certificates.authority)


@pytest.fixture
def other_authority(tmp_path: Path) -> str:
    return str(private_certificates(tmp_path).authority)


def test_files_go_there_and_back(
    reached: Callable[..., S3ArtifactStore], authority: str, tmp_path: Path
) -> None:
    store, content = reached(ca_bundle=authority), os.urandom(LARGE)
    store.put("a/small", b"small")
    with store.create("a/large") as stream:
        stream.write(content)
    assert store.get("a/small") == b"small"
    with store.open("a/large") as stream:
        assert stream.read() == content


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_setting_counts_more_than_variables_of_other_programs(
    reached: Callable[..., S3ArtifactStore],
    authority: str,
    other_authority: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, other_authority)
    store = reached(ca_bundle=authority)
    store.put("a/b", b"1")
    assert store.get("a/b") == b"1"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    reached: Callable[..., S3ArtifactStore], other_authority: str
) -> None:
    with pytest.raises(StoreError, match="shows no certificate that is trusted") as caught:
        reached(ca_bundle=other_authority).put("a/b", b"1")
    assert "--ca-bundle FILE" in str(caught.value.hint)


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"rubbish", "no certificate")])
def test_a_file_without_certificates_is_named(
    reached: Callable[..., S3ArtifactStore], tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as caught:
        reached(ca_bundle=str(file)).put("a/b", b"1")
    assert str(file) in str(caught.value)


def test_a_relative_file_is_meant_from_where_it_was_said(
    reached: Callable[..., S3ArtifactStore], authority: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authority.pem").write_bytes(Path(authority).read_bytes())
    monkeypatch.chdir(tmp_path)
    store = reached(ca_bundle="authority.pem")
    monkeypatch.chdir("/")
    store.put("a/b", b"1")
    assert store.get("a/b") == b"1"
