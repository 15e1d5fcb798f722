"""The wheels below docs/examples work where they are installed, and are what the pages show of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dovetail import hookspecs
from dovetail.testing.command_line import CommandLine

DOCS = Path(__file__).parents[2] / "docs"
WHEELS = sorted(each.parent for each in (DOCS / "examples").glob("*/pyproject.toml"))
SHOWN = re.compile(
    r'^```\w+[^\n]* title="(dovetail-[^"]+)"[^\n]*\n(.*?)^```$', flags=re.MULTILINE | re.DOTALL
)

each_wheel = pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.name)


def installed(wheel: Path, site: Path) -> Path:
    """Lay a wheel out as an installer does, without building it: that would ask an index."""
    project = tomllib.loads((wheel / "pyproject.toml").read_text())["project"]
    shutil.copytree(wheel / "src", site)
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Name: {project['name']}\nVersion: {project['version']}\nSummary: {project['description']}"
    needs = "".join(f"\nRequires-Dist: {each}" for each in project["dependencies"])
    readme = (wheel / project["readme"]).read_text()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{head}{needs}\n\n{readme}")
    points = project["entry-points"]["dovetail.integrations"]
    lines = [f"{name} = {module}\n" for name, module in points.items()]
    (info / "entry_points.txt").write_text("".join(("[dovetail.integrations]\n", *lines)))
    return site


@each_wheel
def test_its_own_tests_pass(wheel: Path, tmp_path: Path) -> None:
    site = installed(wheel, tmp_path / "site")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        ".",
        "--confcutdir",
        str(wheel),
    ]
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [*command, str(wheel / "tests")], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_wheel
def test_it_is_found_and_all_right(wheel: Path, tmp_path: Path) -> None:
    path = {"PYTHONPATH": str(installed(wheel, tmp_path / "site"))}
    dovetail = CommandLine(tmp_path, tmp_path / "home")
    found = dovetail("integration", "list", "--json", env=path).json()
    assert [each["state"] for each in found if each["wheel"] == wheel.name] == ["ok"]


RUN = """
from array import array
from dovetail import pipeline, step

@step
def ramp(count: int = 3) -> array:
    return array("d", range(count))

@step
def total(values: array) -> float:
    return sum(values)

@pipeline
def adding():
    total(ramp())

if __name__ == "__main__":
    print(adding.run().step("total").output.load())
"""


def test_a_pipeline_passes_on_what_it_stores(tmp_path: Path) -> None:
    path = {"PYTHONPATH": str(installed(DOCS / "examples" / "dovetail-array", tmp_path / "site"))}
    dovetail = CommandLine(tmp_path, tmp_path / "home")
    dovetail.write("run.py", RUN)
    answer = dovetail.python("run.py", env=path)
    assert answer.out.strip() == "3.0", answer.err


def test_the_pages_show_the_files_as_they_are() -> None:
    shown = [(page, *found) for page in DOCS.glob("*.md") for found in SHOWN.findall(page.read_text())]
    assert shown
    kept = DOCS / "examples"
    differ = [f"{page.name}: {name}" for page, name, text in shown if (kept / name).read_text() != text]
    assert differ == []


def test_the_pages_show_every_file_that_a_wheel_is_built_from() -> None:
    shown = {name: text for page in DOCS.glob("*.md") for name, text in SHOWN.findall(page.read_text())}
    projects = [name for name in shown if name.endswith("pyproject.toml")]
    assert projects
    for name in projects:
        wheel = name.partition("/")[0]
        readme = tomllib.loads(shown[name])["project"]["readme"]
        sources = {f"{wheel}/{each.relative_to(DOCS / 'examples' / wheel)}" for each in
                   (DOCS / "examples" / wheel / "src").rglob("*.py")}  # fmt: skip
        assert {f"{wheel}/{readme}", *sources} <= set(shown)


def test_the_hooks_of_all_component_types_are_named() -> None:
    page = (DOCS / "plugins.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("dovetail_")]
    assert [name for name in hooks if f"`{name}" not in page] == []
