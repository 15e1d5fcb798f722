from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.errors import ConfigurationError
from dovetail.home import home_directory


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", "/srv/dovetail")
    assert home_directory() == "/srv/dovetail"


def test_a_relative_home_is_seen_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", "here")
    assert home_directory() == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("given", "expected"), [("/data", "/data/dovetail"), ("data", "/u/.local/share/dovetail")]
)
def test_without_it_the_home_is_where_a_user_keeps_data(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.delenv("DOVETAIL_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", "/u")
    monkeypatch.setenv("XDG_DATA_HOME", given)
    assert home_directory() == expected


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOVETAIL_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda place: place)
    with pytest.raises(ConfigurationError, match="no home directory") as caught:
        home_directory()
    assert "DOVETAIL_HOME" in (caught.value.hint or "")
