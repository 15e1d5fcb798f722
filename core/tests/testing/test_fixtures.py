from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from importlib_metadata import entry_points

TESTS = """
import os
from pathlib import Path

import pytest

from dovetail.discovery.index import load_index
from dovetail.records.stack import StackRecord


def test_the_home_is_empty_and_used(isolated_home):
    assert os.environ["DOVETAIL_HOME"] == str(isolated_home)
    assert "DOVETAIL_SECRET_OF_THE_USER" not in os.environ
    assert list(isolated_home.iterdir()) == []


def test_the_stack_works(throw_away_stack):
    throw_away_stack.components["artifact_store"].put("a/b", b"1")
    assert throw_away_stack.components["artifact_store"].get("a/b") == b"1"


def test_a_wheel_is_found(wheel_site, isolated_home):
    wheel_site.wheel("dovetail-mine")
    assert load_index().integration("mine").state == "ok"


@pytest.mark.parametrize("how", ["raises", "exits", "lacks"])
def test_a_broken_wheel_is_broken(how, broken_wheel, isolated_home):
    broken_wheel(how)
    assert load_index().integration(how).state == "broken"


def test_a_component_of_any_type_is_faked(fake):
    operator = fake("step_operator", wait="the end", detached=True)
    assert operator.detached
    assert (operator.wait("a", 1.0), operator.logs("a", offset=2)) == ("the end", None)
    assert operator.calls == [("wait", ("a", 1.0), {}), ("logs", ("a",), {"offset": 2})]
    assert fake("container_registry", address="here:5000").address == "here:5000"


def test_commands_run(command_line):
    assert command_line("--version").code == 0
"""


def test_an_author_loads_the_fixtures_and_they_work(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["dovetail.testing.fixtures"]\n')
    (tmp_path / "test_mine.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    env = {**os.environ, "DOVETAIL_SECRET_OF_THE_USER": "x"}
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "--confcutdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


def test_they_are_never_loaded_by_themselves() -> None:
    plugins = [each for each in entry_points(group="pytest11") if each.value.startswith("dovetail")]
    assert plugins == []
