"""Fixtures for authors of wheels: `pytest_plugins = ["dovetail.testing.fixtures"]` loads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail.stacks.assemble import active_stack_record, assemble
from dovetail.stacks.stack import LiveStack
from dovetail.testing.command_line import CommandLine
from dovetail.testing.fake_component import fake_component
from dovetail.testing.site import ANNOUNCES, Site, on_the_path

KEPT = ("DOVETAIL_TEST_SIZES", "DOVETAIL_WHEELHOUSE", "DOVETAIL_REQUIRE_REAL")
"""Settings of a test run itself, which tests read."""

BROKEN = {
    "raises": "raise RuntimeError('broken')\n",
    "exits": "raise SystemExit(3)\n",
    "prints": "print('hello')\n" + ANNOUNCES,
    "hangs": "import time\ntime.sleep(3600)\n",
    "lacks": "import no_such_library_of_anybody\n",
}
"""How a wheel can be broken, and the module that announces it then."""


@pytest.fixture
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, which this process and its children use; no setting of yours is seen."""
    for name in [each for each in os.environ if each.startswith("DOVETAIL_") and each not in KEPT]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DOVETAIL_HOME", str(home))
    return home


@pytest.fixture
def throw_away_stack(isolated_home: Path) -> Iterator[LiveStack]:
    """Return the default stack with stores of its own."""
    with assemble(active_stack_record(), home=isolated_home / "stores") as stack:
        yield stack


@pytest.fixture
def wheel_site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a folder for throw-away wheels: `wheel_site.wheel("dovetail-mine", SOURCE)` installs one."""
    with on_the_path(tmp_path_factory.mktemp("site"), monkeypatch) as site:
        yield site


@pytest.fixture
def broken_wheel(wheel_site: Site) -> Callable[[str], str]:
    """Return what installs a wheel that `raises`, `exits`, `prints`, `hangs` or `lacks` a library."""

    def install(how: str) -> str:
        name = f"dovetail-{how}"
        wheel_site.wheel(name, BROKEN[how])
        return name

    return install


@pytest.fixture
def command_line(isolated_home: Path, tmp_path: Path) -> CommandLine:
    """Return the command line as a child process, in an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return CommandLine(project, isolated_home)


@pytest.fixture
def fake(tmp_path: Path) -> Callable[..., Any]:
    """Return what makes a component of any type: `fake("alerter", post=True)`; see `fake_component`."""

    def make(kind: str, **told: Any) -> Any:  # noqa: ANN401 - of any type
        return fake_component(kind, tmp_path / kind, **told)

    return make


@pytest.fixture
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep `__main__`: a script that a test executes becomes it, and multiprocessing runs that again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
