"""What a client encrypts a connection with, of files that settings name."""

from __future__ import annotations

import ssl
from pathlib import Path

from dovetail.errors import ConfigurationError


def _nobody_is_asked() -> str:
    return ""


def tls_context(
    *, authorities: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return what a client encrypts a connection with: names are checked, certificates are verified.

    Args:
        authorities: File of the certificates that are trusted, in PEM form; None: those of the system.
        certificate: File of the client's own certificate and what vouches for it, in PEM form.
        key: File of the key of `certificate`, not encrypted; None: it stands there, too.

    Raises:
        ConfigurationError: a file is not there, or holds something else; says which.
    """
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"{str(authorities)!r} has no certificates of authorities: {error.strerror or error}",
            hint="name a file of certificates in PEM form",
        ) from error
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key, password=_nobody_is_asked)
        except OSError as error:
            files = " and ".join(repr(str(each)) for each in (certificate, key) if each is not None)
            raise ConfigurationError(
                f"{files}: no certificate with its key: {error.strerror or error}",
                hint="name files in PEM form that belong together",
            ) from error
    return context
