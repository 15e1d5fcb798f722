"""A path of this machine as a setting: anchored where it was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.components.component import ComponentConfig
from dovetail.plugin import LocalPath


class Settings(ComponentConfig):
    """Settings with a path, an optional one, and several."""

    one: LocalPath = Path("here")
    perhaps: LocalPath | None = None
    more: tuple[LocalPath, ...] = ()


def test_paths_are_anchored_where_they_were_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    said = Settings.model_validate({"perhaps": "~/key", "more": ["a/b", "/c"]})
    assert said.one == tmp_path / "here"
    assert said.perhaps == Path("/home/ada/key")
    assert said.more == (tmp_path / "a/b", Path("/c"))


def test_they_go_to_json_and_back_wherever_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = Settings.model_validate({"perhaps": "key"})
    monkeypatch.chdir("/")
    assert Settings.model_validate_json(said.model_dump_json()) == said
    assert Settings.model_json_schema()["properties"]["one"]["format"] == "path"
