from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from dovetail.discovery import catalog, install
from dovetail.discovery.index import Index
from dovetail.discovery.integration import Integration, State
from dovetail.errors import IntegrationError, NotFoundError, UsageError

CORE = Integration("builtin", "dovetail", "1.2", State.OK)
SHELF = Integration("shelf", "dovetail-shelf", "1.0", State.OK)


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("shelf", "rack")
    offers = {name: catalog.Offer(name, f"dovetail-{name}", "", {}, (), ()) for name in names}
    monkeypatch.setattr(catalog, "offers", lambda: offers)


def test_a_name_becomes_a_wheel_and_the_core_is_pinned() -> None:
    change = install.plan_installation(["shelf", "rack", "shelf"], Index([CORE]))
    assert change.requirements == ("dovetail-shelf", "dovetail-rack")
    assert change.pinned == "dovetail==1.2"
    assert change.shown.endswith("--constraint <dovetail==1.2> dovetail-shelf dovetail-rack")


def test_what_is_installed_is_left_alone() -> None:
    change = install.plan_installation(["shelf", "rack"], Index([CORE, SHELF]))
    assert (change.requirements, change.already) == (("dovetail-rack",), ("shelf",))


def test_what_is_broken_may_be_installed_again() -> None:
    broken = Integration("shelf", "dovetail-shelf", "1.0", State.BROKEN)
    assert install.plan_installation(["shelf"], Index([CORE, broken])).requirements == ("dovetail-shelf",)


def test_an_unknown_name_installs_nothing_of_the_rest() -> None:
    with pytest.raises(IntegrationError, match="'shelv'"):
        install.plan_installation(["rack", "shelv"], Index([CORE]))


def test_a_wheel_of_the_folder_is_named_by_its_path(tmp_path: Path) -> None:
    for version in ("1.9", "1.10", "1.10rc1"):
        (tmp_path / f"dovetail_shelf-{version}-py3-none-any.whl").touch()
    (tmp_path / "dovetail_shelf_more-9.0-py3-none-any.whl").touch()
    change = install.plan_installation(["shelf"], Index([CORE]), tmp_path)
    assert change.requirements == (str(tmp_path / "dovetail_shelf-1.10-py3-none-any.whl"),)
    assert str(tmp_path) in change.command


def test_a_folder_without_the_wheel_is_told_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "other-1.0-py3-none-any.whl").touch()
    with pytest.raises(NotFoundError, match="no wheel of 'dovetail-shelf'") as caught:
        install.plan_installation(["shelf"], Index([CORE]), tmp_path)
    assert "other-1.0-py3-none-any.whl" in str(caught.value.hint)
    with pytest.raises(NotFoundError, match="is no folder"):
        install.plan_installation(["shelf"], Index([CORE]), tmp_path / "gone")


def test_an_integration_is_removed_by_its_wheel() -> None:
    change = install.plan_removal(["shelf"], Index([CORE, SHELF]))
    assert change.requirements == ("dovetail-shelf",)
    assert "uninstall" in change.command
    assert change.pinned == ""


def test_what_is_not_installed_need_not_be_removed() -> None:
    assert install.plan_removal(["rack"], Index([CORE])) == install.Change(
        (), install.installer("uninstall"), "", ("rack",)
    )


@pytest.mark.parametrize("name", ["builtin", "dovetail"])
def test_the_core_s_own_is_not_removed(name: str) -> None:
    with pytest.raises(UsageError, match="part of Dovetail itself"):
        install.plan_removal([name], Index([CORE]))


def test_pip_of_this_environment_is_taken_before_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    assert install.installer("install")[:4] == (sys.executable, "-m", "pip", "install")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/uv")
    assert install.installer("install") == ("/bin/uv", "pip", "install", "--python", sys.executable)


def test_without_an_installer_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(IntegrationError, match="neither pip nor uv") as caught:
        install.installer("install")
    assert "ensurepip" in str(caught.value.hint)


def test_an_installer_that_fails_is_quoted_and_heard() -> None:
    said: list[str] = []
    failing = (sys.executable, "-c", "print('first'); print('no such wheel'); raise SystemExit(9)")
    with pytest.raises(IntegrationError, match="exit code 9: no such wheel"):
        install.carry_out(install.Change(("dovetail-shelf",), failing), said.append)
    assert said == ["first", "no such wheel"]


def test_the_constraint_is_a_file_only_while_it_is_needed(tmp_path: Path) -> None:
    look = "import sys, pathlib; f = pathlib.Path(sys.argv[2]); print(f); print(f.read_text())"
    said: list[str] = []
    change = install.Change(("dovetail-shelf",), (sys.executable, "-c", look), "dovetail==1.2")
    install.carry_out(change, said.append)
    assert said[1] == "dovetail==1.2"
    assert not Path(said[0]).exists()


def test_a_requirement_names_the_installed_version() -> None:
    assert install.requirement(SHELF) == "dovetail-shelf==1.0"
    assert install.requirement(Integration("rack", "dovetail-rack", None, State.AVAILABLE)) == "dovetail-rack"


def test_without_a_distribution_of_the_core_nothing_is_pinned_to_a_guess(site: Any) -> None:
    with pytest.raises(IntegrationError, match="not installed as a distribution"):
        install.core_version(Index([SHELF]))
