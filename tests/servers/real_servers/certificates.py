"""A private authority, and the certificate that it gave to a server on this machine."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form: the authority that clients trust; certificate and key of a server at 127.0.0.1."""

    authority: Path
    certificate: Path
    key: Path


def private_certificates(folder: Path) -> Certificates:
    """Write certificates, good for a day, into `folder`."""
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    ours = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made.authority.write_bytes(_signed("tests authority", ours, ours, of_authority=True))
    made.certificate.write_bytes(_signed("tests server", theirs, ours, of_authority=False))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made.key.write_bytes(theirs.private_bytes(*form))
    return made


def _signed(subject: str, key: rsa.RSAPrivateKey, by: rsa.RSAPrivateKey, *, of_authority: bool) -> bytes:
    now = dt.datetime.now(dt.UTC)
    issuer, owner = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("tests authority", subject)
    )
    made = x509.CertificateBuilder(issuer, owner, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    made = made.add_extension(x509.BasicConstraints(ca=of_authority, path_length=None), critical=True)
    if not of_authority:
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([here]), critical=False)
    return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
