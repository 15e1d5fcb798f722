from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dovetail.errors import ConfigurationError, ConflictError, IllegalNameError, NotFoundError, UsageError
from dovetail.stacks.profile import Profile, Registered
from dovetail.stacks.profile_store import (
    active_profile_name,
    active_stack_name,
    create_profile,
    delete_profile,
    open_profile,
    profile_names,
    set_profile,
    set_stack,
)
from dovetail.stacks.workspace import init_workspace


def add(profile: Profile) -> None:
    profile.copy_stack("default", "dev")


def test_the_default_profile_is_there_without_a_file(home: Path) -> None:
    assert (active_profile_name(), active_stack_name("default"), profile_names()) == (
        "default", "default", ["default"],
    )  # fmt: skip
    assert list(open_profile().read().stacks) == ["default"]
    assert list(home.iterdir()) == []


def test_an_edit_is_kept_and_one_that_raises_is_not(home: Path) -> None:
    open_profile().edit(add)
    with pytest.raises(ConflictError):
        open_profile().edit(add)
    assert list(open_profile().read().stacks) == ["default", "dev"]
    assert (home / "profiles" / "default.yaml").read_text().startswith("# A profile")


def test_profiles_are_kept_apart() -> None:
    create_profile("team").edit(add)
    assert profile_names() == ["default", "team"]
    assert list(open_profile().read().stacks) == ["default"]
    set_profile("team")
    assert list(open_profile().read().stacks) == ["default", "dev"]


def test_a_profile_is_made_once_and_deleted_when_it_is_not_active() -> None:
    create_profile("team")
    with pytest.raises(ConflictError, match="'team' is there already"):
        create_profile("team")
    set_profile("team")
    with pytest.raises(ConflictError, match="'team' is the active one"):
        delete_profile("team")
    set_profile("default")
    delete_profile("team")
    assert profile_names() == ["default"]


def test_the_default_profile_is_neither_made_nor_deleted() -> None:
    with pytest.raises(ConflictError):
        create_profile("default")
    with pytest.raises(ConflictError):
        delete_profile("default")


def test_what_is_not_there_is_not_chosen() -> None:
    with pytest.raises(NotFoundError, match="no profile 'gone'"):
        set_profile("gone")
    with pytest.raises(NotFoundError, match="no stack 'gone'"):
        set_stack("gone")
    with pytest.raises(IllegalNameError):
        open_profile("../../etc/passwd")


def test_the_environment_wins_over_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    open_profile().edit(add)
    set_stack("dev")
    create_profile("team")
    monkeypatch.setenv("DOVETAIL_STACK", "other")
    monkeypatch.setenv("DOVETAIL_PROFILE", "team")
    assert (active_profile_name(), active_stack_name("default")) == ("team", "other")


def test_each_workspace_chooses_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_profile().edit(add)
    init_workspace(tmp_path / "project", bare=True)
    monkeypatch.chdir(tmp_path / "project")
    set_stack("dev")
    assert active_stack_name("default") == "dev"
    monkeypatch.chdir(tmp_path)
    assert active_stack_name("default") == "default"


def test_each_profile_has_an_active_stack_of_its_own() -> None:
    open_profile().edit(add)
    set_stack("dev")
    create_profile("team")
    assert (active_stack_name("default"), active_stack_name("team")) == ("dev", "default")


def test_eight_processes_that_register_at_once_lose_nothing() -> None:
    code = (
        "import sys; from dovetail.stacks.profile_store import open_profile\n"
        "for n in range(5): open_profile().edit(lambda p: p.copy_stack('default', f's{sys.argv[1]}_{n}'))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(each)]) for each in range(8)]
    assert [child.wait() for child in children] == [0] * 8
    assert len(open_profile().read().stacks) == 1 + 8 * 5


def test_a_profile_in_a_database_is_shared_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    create_profile("team", url).edit(add)
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "another"))
    joined = create_profile("team", url)
    assert list(joined.read().stacks) == ["default", "dev"]
    assert open_profile("team").place == url


def test_eight_processes_on_one_database_lose_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    code = (
        "import sys; from dovetail.stacks.sql_profile import SqlProfile\n"
        "for n in range(3): SqlProfile('team', sys.argv[2]).edit("
        "lambda p: p.copy_stack('default', f's{sys.argv[1]}_{n}'))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(each), url]) for each in range(8)]
    assert [child.wait() for child in children] == [0] * 8
    assert len(create_profile("team", url).read().stacks) == 1 + 8 * 3


def test_a_relative_sqlite_url_stays_where_it_was_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    create_profile("team", "sqlite:///shared.db")
    monkeypatch.chdir("/")
    assert open_profile("team").place == f"sqlite:///{tmp_path}/shared.db"


def test_a_password_in_a_url_is_refused_and_may_come_from_the_environment(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="password"):
        create_profile("team", "postgresql://me:secret@host/db")
    assert not (home / "profiles" / "team.yaml").exists()
    create_profile("my-team", f"sqlite:///{tmp_path}/a.db").edit(add)
    monkeypatch.setenv("DOVETAIL_PROFILE_MY_TEAM_URL", f"sqlite:///{tmp_path}/b.db")
    assert list(open_profile("my-team").read().stacks) == ["default"]


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://x/y", "postgresql+nodriver://x/y"])
def test_a_url_that_cannot_be_used_is_told_and_nothing_is_made(home: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL of profile 'team'"):
        create_profile("team", url)
    assert profile_names() == ["default"]


@pytest.mark.parametrize("text", ["profile: [", "profile: 1", "stacks: x", "format: 9", "- x"])
def test_a_broken_choice_is_told_with_its_file(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(text)
    with pytest.raises(ConfigurationError):
        active_profile_name()


def test_a_component_may_stand_in_a_file_that_a_person_wrote(home: Path) -> None:
    (home / "profiles").mkdir()
    (home / "profiles" / "default.yaml").write_text("components: {alerter: {me: {flavor: acme/bell}}}\n")
    assert open_profile().read().component("alerter", "me") == Registered("alerter", "me", "acme/bell", {})
