"""Who one is to AWS: clients of its library find that in the environment, in files, and on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest


def forget_identity(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Keep whoever runs the tests out of them: for a test, nobody is known; files would lie in `place`."""
    for name in (
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "PROFILE",
        "REGION",
        "DEFAULT_REGION",
    ):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
