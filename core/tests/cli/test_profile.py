from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_profiles_are_made_chosen_listed_and_deleted(dovetail: Cli, home: Path) -> None:
    assert dovetail("profile create team --set").code == 0
    assert dovetail("profile list --json").json == [
        {"name": "default", "active": False, "place": str(home / "profiles" / "default.yaml")},
        {"name": "team", "active": True, "place": str(home / "profiles" / "team.yaml")},
    ]
    assert dovetail("profile show --json").json["active_stack"] == "default"
    assert dovetail("profile delete team").code == 6
    assert dovetail("profile set default").code == 0
    assert dovetail("profile delete team").code == 0
    assert dovetail("profile list").out.split()[:3] == ["NAME", "PLACE", "*"]


def test_a_profile_in_a_database_keeps_stacks(dovetail: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    assert dovetail(f"profile create team --set --url {url}").code == 0
    assert dovetail("stack copy default dev").code == 0
    assert [each["name"] for each in dovetail("stack list --json").json] == ["default", "dev"]
    assert dovetail("profile show --json").json["place"] == url


def test_a_database_that_is_not_there_is_told_and_nothing_is_made(dovetail: Cli, home: Path) -> None:
    outcome = dovetail("profile create team --url sqlite:////not/there/x.db")
    assert (outcome.code, "cannot be reached" in outcome.err, "Traceback" in outcome.err) == (8, True, False)
    assert not (home / "profiles" / "team.yaml").exists()


def test_the_environment_wins_and_set_says_so(dovetail: Cli, monkeypatch: Any) -> None:
    dovetail("profile create team")
    monkeypatch.setenv("DOVETAIL_PROFILE", "team")
    assert "DOVETAIL_PROFILE says otherwise" in dovetail("profile set default").out


def test_what_is_not_there_is_told(dovetail: Cli, monkeypatch: Any) -> None:
    dovetail("profile create team")
    outcome = dovetail("profile set taem")
    assert (outcome.code, "did you mean 'team'?" in outcome.err) == (5, True)
    monkeypatch.setenv("DOVETAIL_PROFILE", "gone")
    assert dovetail("stack list").code == 5
