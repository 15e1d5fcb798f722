"""The shape of the repository: what stands where, and what every wheel in it has."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(each.parent for each in ROOT.glob("*/dovetail-*/pyproject.toml"))
MEMBERS = [ROOT / "core", *PLUGINS]
TOP = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "conftest.py",
    "contrib",
    "core",
    "docs",
    "mkdocs.yml",
    "noxfile.py",
    "plugins",
    "pyproject.toml",
    "tests",
}


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())
    return found


def requirements(folder: Path) -> list[Requirement]:
    """Return all that a wheel asks for: to run, for its extras, and to be built."""
    settings = project(folder)
    extras = settings["project"].get("optional-dependencies", {}).values()
    texts = [*settings["project"].get("dependencies", []), *settings["build-system"]["requires"]]
    return [Requirement(text) for text in (*texts, *(each for extra in extras for each in extra))]


def floor(wanted: Requirement) -> bool:
    return any(each.operator in {">=", "~=", "==", ">"} for each in wanted.specifier)


each_member = pytest.mark.parametrize("folder", MEMBERS, ids=lambda folder: folder.name)
each_plugin = pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)


def test_the_top_level_is_what_the_map_says() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone; install git and clone the repository")
    tracked = subprocess.run([git, "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True)
    assert {line.partition("/")[0] for line in tracked.stdout.splitlines()} <= TOP
    assert [name for name in TOP if not (ROOT / name).exists()] == []


@each_member
def test_every_dependency_has_a_floor(folder: Path) -> None:
    name = project(folder)["project"]["name"]
    assert [str(each) for each in requirements(folder) if each.name != name and not floor(each)] == []


def test_the_core_runs_next_to_an_older_importlib_metadata() -> None:
    (wanted,) = [each for each in requirements(ROOT / "core") if each.name == "importlib-metadata"]
    assert wanted.specifier.contains("9.0"), "tools still hold importlib-metadata below 10"


@each_member
def test_a_member_has_the_files_of_its_shape(folder: Path) -> None:
    module = folder / "src" / project(folder)["project"]["name"].replace("-", "_")
    wanted = [folder / "README.md", folder / "tests", module / "__init__.py", module / "py.typed"]
    assert [str(path.relative_to(ROOT)) for path in wanted if not path.exists()] == []
    assert (folder / "README.md").read_text().startswith(f"# {project(folder)['project']['name']}")


@each_member
def test_a_member_carries_the_license(folder: Path) -> None:
    assert project(folder)["project"]["license"] == "Apache-2.0"
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@each_member
def test_a_member_runs_on_every_supported_python(folder: Path) -> None:
    wanted = SpecifierSet(project(folder)["project"]["requires-python"])
    assert [minor for minor in (11, 12, 13, 14) if not wanted.contains(f"3.{minor}.0")] == []
    assert not wanted.contains("3.10.9")


@each_plugin
def test_a_plugin_is_named_like_its_folder(folder: Path) -> None:
    assert project(folder)["project"]["name"] == folder.name


@each_plugin
def test_a_plugin_announces_itself_by_the_one_entry_point(folder: Path) -> None:
    module = folder.name.replace("-", "_")
    announced = project(folder)["project"]["entry-points"]["dovetail.integrations"]
    assert list(announced.values()) == [module]


@each_plugin
def test_a_plugin_sets_no_ceiling_on_dovetail(folder: Path) -> None:
    (wanted,) = [each for each in requirements(folder) if each.name == "dovetail" and not each.extras]
    assert [str(each) for each in wanted.specifier if each.operator not in {">=", ">", "!="}] == []


@each_plugin
def test_a_plugin_depends_on_no_other_plugin_to_run(folder: Path) -> None:
    wanted = [Requirement(text).name for text in project(folder)["project"].get("dependencies", [])]
    assert [name for name in wanted if name.startswith("dovetail-")] == []


def test_every_ignored_lint_rule_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.pydocstyle]")]
    entries = re.findall(r'^\s+"[A-Z]+\d*",.*$', section, flags=re.MULTILINE)
    assert len(entries) > 20
    assert [entry for entry in entries if not re.search(r'",\s+# \S', entry)] == []


def test_a_missing_program_is_a_skip_for_users_and_a_failure_in_ci(
    program: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOVETAIL_REQUIRE_REAL", "0")
    with pytest.raises(pytest.skip.Exception, match="apt-get install nothing"):
        program("no-such-program", "apt-get install nothing")
    monkeypatch.setenv("DOVETAIL_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nothing"):
        program("no-such-program", "apt-get install nothing")
