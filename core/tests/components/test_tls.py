"""What a client encrypts with: files that hold nothing are refused by name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from dovetail.errors import ConfigurationError
from dovetail.plugin import tls_context
from real_servers.certificates import Certificates, private_certificates


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    return private_certificates(tmp_path)


def test_a_context_trusts_the_file_alone_and_checks_names(files: Certificates) -> None:
    context = tls_context(authorities=files.authority)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_without_files_the_authorities_of_the_system_are_trusted() -> None:
    assert tls_context().verify_mode is ssl.CERT_REQUIRED


def test_a_client_shows_its_certificate_with_its_key(files: Certificates, tmp_path: Path) -> None:
    assert tls_context(certificate=files.certificate, key=files.key).verify_mode is ssl.CERT_REQUIRED
    both = tmp_path / "both.pem"
    both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
    assert tls_context(certificate=both).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"", "no cert"), (b"rubbish", "no cert")]
)
def test_a_file_without_authorities_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as caught:
        tls_context(authorities=file)
    assert str(file) in str(caught.value)


def test_nobody_is_asked_for_the_password_of_a_key(files: Certificates) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    encrypted = serialization.BestAvailableEncryption(b"password")
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted
    files.key.write_bytes(key.private_bytes(*form))
    with pytest.raises(ConfigurationError, match="no certificate with its key"):
        tls_context(certificate=files.certificate, key=files.key)


@pytest.mark.parametrize("key", ["nowhere.key", None, "another/server.key"])
def test_a_certificate_without_its_key_is_named(files: Certificates, tmp_path: Path, key: str | None) -> None:
    (tmp_path / "another").mkdir()
    private_certificates(tmp_path / "another")
    with pytest.raises(ConfigurationError, match="no certificate with its key") as caught:
        tls_context(certificate=files.certificate, key=key and tmp_path / key)
    assert str(files.certificate) in str(caught.value)
