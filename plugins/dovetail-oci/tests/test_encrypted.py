"""A registry that speaks HTTPS with a certificate of a private authority."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dovetail.plugin import ConfigurationError, StoreError
from dovetail.testing.container_registry import blobs, write_layout
from dovetail_oci.container_registry import OciRegistry
from real_servers.oci_registry import encrypted_registry

pytestmark = pytest.mark.real
Make = Callable[..., OciRegistry]


@pytest.fixture(scope="module")
def encrypted() -> Iterator[tuple[int, Path]]:
    """Port of a registry, and the file of the authority that it has its certificate from."""
    with encrypted_registry() as made:
        yield made


@pytest.fixture
def other_authority(tmp_path: Path, encrypted: tuple[int, Path]) -> Path:
    """The file of an authority that knows nothing of the registry: that of another one."""
    with encrypted_registry() as (_, authority):
        (tmp_path / "other.pem").write_bytes(authority.read_bytes())
    return tmp_path / "other.pem"


def test_an_image_goes_there_and_back(encrypted: tuple[int, Path], make: Make, tmp_path: Path) -> None:
    port, authority = encrypted
    write_layout(tmp_path / "layout", os.urandom(100_000))
    registry = make(port, certificate_authority=authority)
    registry.pull(registry.push(tmp_path / "layout", "private/image", "one"), tmp_path / "pulled")
    assert blobs(tmp_path / "pulled") == blobs(tmp_path / "layout")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_setting_counts_more_than_variables_of_other_programs(
    encrypted: tuple[int, Path],
    other_authority: Path,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    port, authority = encrypted
    monkeypatch.setenv(variable, str(other_authority))
    registry = make(port, certificate_authority=authority)
    registry.authenticate()
    assert registry.resolve("private/nothing", "one") is None


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    encrypted: tuple[int, Path], other_authority: Path, make: Make
) -> None:
    with pytest.raises(StoreError, match="its certificate is not trusted") as caught:
        make(encrypted[0], certificate_authority=other_authority).authenticate()
    assert "certificate_authority" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "no certificate"),
        (b"rubbish", "no certificate"),
        (b"\xff\0", "no certif"),
    ],
)
def test_a_file_without_certificates_is_named(
    encrypted: tuple[int, Path], make: Make, tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as caught:
        make(encrypted[0], certificate_authority=file).authenticate()
    assert str(file) in str(caught.value)


def test_plain_http_to_it_is_told_as_such(encrypted: tuple[int, Path], make: Make) -> None:
    with pytest.raises(StoreError, match="it speaks HTTPS, and was asked in plain HTTP"):
        make(encrypted[0]).authenticate()


def test_https_to_plain_http_is_told_as_such(basic: int, encrypted: tuple[int, Path], make: Make) -> None:
    with pytest.raises(StoreError, match="or it speaks plain HTTP"):
        make(basic, certificate_authority=encrypted[1]).authenticate()
