from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

# What a warm command that only lists something may not import.
HEAVY = {
    "pluggy", "stevedore", "pydantic", "pydantic_core", "sqlalchemy", "alembic", "fsspec", "rich",
    "importlib_metadata", "importlib.metadata", "yaml", "blake3", "pathlib",
}  # fmt: skip
MANY = """
from dovetail.plugin import Flavor, hookimpl

@hookimpl
def dovetail_artifact_stores():
    yield Flavor("{module}", 1, "{module}_store:Config", "{module}_store:Store")
"""


def dovetail(
    *arguments: str, python: str = sys.executable, **options: Any
) -> subprocess.CompletedProcess[str]:
    command = [python, *options.pop("flags", ()), "-m", "dovetail", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def listed(*arguments: str) -> dict[str, dict[str, Any]]:
    done = dovetail("integration", "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)}


def test_a_list_with_culprits_is_valid_json_and_says_what_to_do(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_INDEX_TIMEOUT", "2")
    site.wheel("dovetail-leaves", "import os; os._exit(3)")
    site.wheel("dovetail-sleeps", "import time; time.sleep(10)")
    site.wheel("dovetail-prints", "print('{not json')" + MANY)
    found = listed()
    assert [found[each]["state"] for each in ("leaves", "sleeps", "prints", "builtin")] == [
        "broken",
        "broken",
        "ok",
        "ok",
    ]
    assert "exit code 3" in found["leaves"]["cause"]
    assert "2 s" in found["sleeps"]["cause"]
    assert "{not json" in found["prints"]["cause"]
    assert all(found[each]["cure"] for each in ("leaves", "sleeps", "prints"))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["integration", "list"], ["integration", "list", "--json"]]
)
def test_a_warm_command_imports_no_library_that_finds_loads_or_asks(site: Any, arguments: list[str]) -> None:
    for number in range(30):
        site.wheel(f"dovetail-many{number}", MANY)
    listed()
    done = dovetail(*arguments, flags=("-X", "importtime"))
    imported = {
        line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")
    }
    assert done.returncode == 0
    assert "dovetail.discovery.keeping" in imported, "the index was not read"
    assert imported & HEAVY == set()
    assert not [name for name in imported if name.startswith("dovetail_many")]


def test_a_table_names_the_cause_and_where_to_read_on(site: Any) -> None:
    site.wheel("dovetail-lacks", "import no_such_library")
    done = dovetail("integration", "list")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("lacks")]
    assert row.split()[:4] == ["lacks", "broken", "dovetail-lacks", "1.0"]
    assert "no_such_library" in row
    assert "dovetail integration show lacks" in done.stderr


def test_show_tells_everything_of_one(site: Any) -> None:
    site.wheel("dovetail-shelf", MANY)
    done = dovetail("integration", "show", "shelf")
    assert "dovetail_shelf" in done.stdout
    assert json.loads(dovetail("integration", "show", "shelf", "--json").stdout)["state"] == "ok"


def test_show_of_an_unknown_one_says_what_is_near() -> None:
    done = dovetail("integration", "show", "sklern")
    assert done.returncode == 7
    assert "'sklern'" in done.stderr
    assert "'sklearn'" in done.stderr


def test_a_disabled_integration_stays_away_until_it_is_enabled(site: Any) -> None:
    site.wheel("dovetail-shelf", MANY)
    assert dovetail("integration", "disable", "shelf").returncode == 0
    assert listed()["shelf"]["state"] == "disabled"
    assert dovetail("integration", "enable", "shelf").returncode == 0
    assert listed()["shelf"]["state"] == "ok"
    assert dovetail("integration", "disable", "builtin").returncode == 2


def test_requirements_are_lines_that_pip_takes(site: Any) -> None:
    site.wheel("dovetail-shelf", MANY, version="3.1")
    assert dovetail("integration", "requirements", "shelf").stdout == "dovetail-shelf==3.1\n"
    assert "dovetail-shelf==3.1" in dovetail("integration", "requirements").stdout.splitlines()


def test_an_unknown_name_is_not_installed() -> None:
    done = dovetail("integration", "install", "evil-wheel", "--yes")
    assert done.returncode == 7
    assert "the catalog has no integration 'evil-wheel'" in done.stderr


@pytest.fixture
def environment(tmp_path: Path) -> str:
    """Return the interpreter of an environment with what is installed here, less the other wheels of ours."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.removeprefix("_editable_impl_").startswith("dovetail_"):
            (packages / each.name).symlink_to(each)
    return str(folder / "bin" / "python")


@pytest.fixture
def wheels(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the wheel of one name of the catalog, and keep installers off the network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    site.build("dovetail-tensorboard", tmp_path / "wheels", version="9.9")
    return tmp_path / "wheels"


def run(environment: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return dovetail("integration", *arguments, python=environment, **options)


def test_a_wheel_of_a_folder_is_installed_used_and_removed(environment: str, wheels: Path) -> None:
    done = run(environment, "install", "tensorboard", "--find-links", str(wheels), "--yes")
    assert done.returncode == 0, done.stderr
    assert "tensorboard (dovetail-tensorboard 9.9): ok" in done.stderr
    assert json.loads(run(environment, "show", "tensorboard", "--json").stdout)["version"] == "9.9"
    done = run(environment, "uninstall", "tensorboard", "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(run(environment, "show", "tensorboard", "--json").stdout)["state"] == "available"


@pytest.mark.parametrize("answer", [["--dry-run"], []])
def test_nothing_is_installed_before_it_is_agreed_to(
    environment: str, wheels: Path, answer: list[str]
) -> None:
    arguments = ("install", "tensorboard", "--find-links", str(wheels), *answer)
    done = run(environment, *arguments, input="n\n")
    assert "to install:" in done.stderr
    assert "dovetail_tensorboard-9.9-py3-none-any.whl" in done.stderr
    assert "stays as it is: dovetail==" in done.stderr
    assert done.returncode == (0 if answer else 130)
    assert not list(Path(environment).parents[1].glob("lib/*/site-packages/dovetail_tensorboard*"))


def test_where_nobody_can_agree_the_way_to_say_so_is_named(environment: str, wheels: Path) -> None:
    done = run(environment, "install", "tensorboard", "--find-links", str(wheels), input="")
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 1
    assert "--yes" in done.stderr.splitlines()[-1]


def test_a_wheel_that_is_broken_after_its_installation_is_an_error(
    site: Any, environment: str, wheels: Path
) -> None:
    site.build("dovetail-tensorboard", wheels, version="9.10", source="import no_such_library")
    done = run(environment, "install", "tensorboard", "--find-links", str(wheels), "--yes")
    assert done.returncode == 7
    assert "needs 'no_such_library'" in done.stderr
