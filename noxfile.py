"""Every check of the repository; `nox` runs the ones a change must pass, `nox -l` lists all.

`nox -s "plugin(numpy)"` checks one wheel, `nox -s full` adds `lowest` dependencies, all `pythons`,
promised `sizes` and the `contracts` themselves, `nox -s bench` prints the table of costs. With uv on the
path environments take seconds; without it pip does the same.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nox

ROOT = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Wheels whose tools cannot be installed next to those of the others: folder name -> reason. They are
# type-checked in their own plugin session.
ALONE: dict[str, str] = {}
# Starts each server once: in a session of its own, whose tests run one after the other.
THREE_STACKS = "tests/end_to_end/test_three_stacks.py"
# Tries contracts with faulty implementations, some of which hang until they are given up: `nox -s contracts`.
PLANTED_FAULTS = "tests/contracts/test_planted_faults.py"

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = [
    "lint", "floors", "types", "tests", "reliability", "stacks", "plugin", "docs", "build",
]  # fmt: skip


def _wheels() -> dict[str, Path]:
    """Return the folders of all wheels but the core, by what follows `dovetail-`."""
    folders = sorted(each.parent for each in ROOT.glob("*/dovetail-*/pyproject.toml"))
    return {folder.name.removeprefix("dovetail-"): folder for folder in folders}


WHEELS = _wheels()
MEMBERS = {"core": ROOT / "core", **WHEELS}
TOGETHER = {name: folder for name, folder in WHEELS.items() if folder.name not in ALONE}


def _project(folder: Path) -> dict[str, Any]:
    return nox.project.load_toml(folder / "pyproject.toml")


def _install_group(session: nox.Session, *groups: str) -> None:
    session.install(*nox.project.dependency_groups(_project(ROOT), *groups))


def _has_uv(session: nox.Session) -> bool:
    return session.venv_backend == "uv"


def _with_test_extra(folder: Path, path: Path) -> str:
    extras = _project(folder)["project"].get("optional-dependencies", {})
    return f"{path}[test]" if "test" in extras else str(path)


def _other_test_extras(folder: Path) -> list[str]:
    """Return the extras that ask for the tests once more, with other versions of the tool: `test-...`."""
    extras = _project(folder)["project"].get("optional-dependencies", {})
    return sorted(name for name in extras if name.startswith("test-"))


def _install_editable(session: nox.Session, *folders: Path) -> None:
    """Install members from their folders, so that none of them is looked for in an index."""
    wanted = [part for folder in folders for part in ("-e", _with_test_extra(folder, folder))]
    session.install(*wanted)


def _empty(folder: Path) -> Path:
    """Return `folder`, absolute, empty and there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder.resolve()


def _build(session: nox.Session, folder: Path, into: Path) -> Path:
    """Build the wheel of `folder` and return its path."""
    fresh = into / f".{folder.name}"
    if _has_uv(session):
        session.run("uv", "build", "--quiet", "--wheel", "-o", str(fresh), str(folder), external=True)
    else:
        session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(fresh), str(folder))
    (built,) = fresh.glob("*.whl")
    wheel = built.replace(into / built.name)
    shutil.rmtree(fresh)
    return wheel


def _test(session: nox.Session, *arguments: str, **settings: str) -> None:
    """Run pytest with byte code cached: the tests start many children."""
    env = {"PYTHONDONTWRITEBYTECODE": None, **settings}
    session.run("pytest", *arguments, *session.posargs, env=env)


def _check_types(session: nox.Session, folder: Path, *arguments: str) -> None:
    """Run mypy over the sources of one wheel, whose dependencies are installed."""
    cache = ROOT / ".mypy_cache" / folder.name
    with session.chdir(folder):
        session.run(
            "mypy",
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--cache-dir={cache}",
            *arguments,
            "src",
            env={"MYPYPATH": "src"},
        )


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` mends what can be mended."""
    _install_group(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def floors(session: nox.Session) -> None:
    """Check that imports go downward, and that wheels see only the door made for them."""
    _install_group(session, "floors", "test")
    _install_editable(session, ROOT / "core")
    session.run("lint-imports")
    _test(session, "tests/test_house_rules.py")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of every wheel, strictly."""
    _install_group(session, "types", "docs")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    session.run("mypy", *session.posargs)
    for folder in TOGETHER.values():
        _check_types(session, folder, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Test the core alone, then what needs several wheels."""
    _install_group(session, "test")
    _install_editable(session, ROOT / "core")
    _test(session, "-n2", "core/tests")
    _install_group(session, "notebook")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    _test(
        session,
        "-n2",
        "tests",
        "--ignore=tests/docs",
        "--ignore=tests/reliability",
        f"--ignore={THREE_STACKS}",
        f"--ignore={PLANTED_FAULTS}",
    )


@nox.session
def reliability(session: nox.Session) -> None:
    """Try to break what docs/guarantees.md promises: kills, full disks, damages, crowds of processes."""
    _install_group(session, "test")
    _install_editable(session, ROOT / "core")
    _test(session, "-n2", "tests/reliability")


@nox.session
def stacks(session: nox.Session) -> None:
    """Run one pipeline on stacks of several wheels, against the servers they are for."""
    _install_group(session, "test")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    _test(session, THREE_STACKS)


@nox.session
def contracts(session: nox.Session) -> None:
    """Test the contracts themselves: they find planted faults, blame nothing else, and kill mutants.

    What the core implements is tried here, what a wheel implements in the wheel's own session.
    """
    _install_group(session, "test", "mutation")
    _install_editable(session, ROOT / "core")
    counted = str(Path(session.create_tmp()).resolve() / "counted.json")
    _test(session, "-n2", "tests/contracts", DOVETAIL_TEST_SIZES="full", DOVETAIL_CONTRACTS=counted)
    session.run("python", "tests/contracts/mutation/run.py", env={"DOVETAIL_CONTRACTS": counted})


@nox.session
@nox.parametrize("name", list(WHEELS), ids=list(WHEELS))
def plugin(session: nox.Session, name: str) -> None:
    """Test one wheel as its users get it: built, and installed next to the built core."""
    folder = WHEELS[name]
    wheelhouse = _empty(Path(session.create_tmp()) / "wheelhouse")
    core = _build(session, ROOT / "core", wheelhouse)
    wheel = _build(session, folder, wheelhouse)
    _install_group(session, "test")
    # Paths, not names: no index is asked for a wheel of ours. tests/wheelhouse asserts it.
    session.install(str(core), _with_test_extra(folder, wheel))
    _test(session, "-n0", "tests/wheelhouse", DOVETAIL_WHEELHOUSE=str(wheelhouse))
    _test(session, "-n2", str(folder / "tests"))
    if folder.name in ALONE:
        _install_group(session, "types")
        _check_types(session, folder)
    for extra in _other_test_extras(folder):
        session.install(str(core), f"{wheel}[{extra}]")
        _test(session, "-n2", str(folder / "tests"))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages strictly and run every example in them and in the README."""
    _install_group(session, "docs")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    session.run("mkdocs", "build", "--strict", "--quiet", env={"NO_MKDOCS_2_WARNING": "1"})
    _test(session, "tests/docs")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheels of all members into dist/."""
    dist = _empty(ROOT / "dist")
    for folder in (ROOT / "core", *WHEELS.values()):
        wheel = _build(session, folder, dist)
        session.log(f"{wheel.stat().st_size / 1000:8.1f} kB  {wheel.relative_to(ROOT)}")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what is promised in numbers; name rows to run only those."""
    wheelhouse = _empty(Path(session.create_tmp()) / "wheelhouse")
    core = _build(session, ROOT / "core", wheelhouse)
    wheels = [_build(session, folder, wheelhouse) for folder in TOGETHER.values()]
    _install_group(session, "test")  # what starts servers for tests starts them here too
    # uv makes the environments that are measured, also where nox itself works with pip.
    session.install("uv>=0.9", str(core), *map(str, wheels))
    env = {"PYTHONDONTWRITEBYTECODE": None, "DOVETAIL_WHEELHOUSE": str(wheelhouse)}
    session.run("python", "-m", "compileall", "-q", str(Path(session.virtualenv.location) / "lib"))
    session.run("python", "tests/benchmarks/run.py", *session.posargs, env=env)


@nox.session(venv_backend="none")
def full(session: nox.Session) -> None:
    """Run the sessions that take longer: `lowest`, `pythons`, `sizes` and `contracts`. Needs uv."""
    if shutil.which("uv") is None:
        session.error("`full` resolves with uv: pip install uv")
    for name in (*(f"lowest({each})" for each in MEMBERS), "pythons", "sizes", "contracts"):
        session.notify(name)


@nox.session
@nox.parametrize("name", list(MEMBERS), ids=list(MEMBERS))
def lowest(session: nox.Session, name: str) -> None:
    """Test one wheel with the lowest versions it admits, and resolve it for every Python."""
    folder = MEMBERS[name]
    wheelhouse = _empty(Path(session.create_tmp()) / "wheelhouse")
    built = {each: _build(session, each, wheelhouse) for each in {MEMBERS["core"], folder}}
    ours = _overrides(built, folder)
    _resolve(session, folder, ours)
    _test_lowest(session, folder, built[folder], ours)


@nox.session
def pythons(session: nox.Session) -> None:
    """Check the types of every wheel for every Python."""
    _install_group(session, "test", "types", "docs", "notebook")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    for python in PYTHONS:
        session.run("mypy", f"--python-version={python}", f"--cache-dir=.mypy_cache/{python}")
        for folder in TOGETHER.values():
            _check_types(session, folder, f"--python-version={python}")


@nox.session
def sizes(session: nox.Session) -> None:
    """Run the tests of the core and across wheels in the sizes that are promised."""
    _install_group(session, "test", "notebook")
    _install_editable(session, ROOT / "core", *TOGETHER.values())
    left = ("--ignore=tests/docs", "--ignore=tests/contracts", f"--ignore={THREE_STACKS}")
    _test(session, "-n2", "core/tests", "tests", *left, DOVETAIL_TEST_SIZES="full")


def _overrides(built: dict[Path, Path], folder: Path) -> Path:
    """Write where every wheel but that of `folder` is to come from; it is itself named by its path."""
    names = {each: _project(each)["project"]["name"] for each in built if each != folder}
    ours = built[folder].parent / f"beside-{folder.name}.txt"
    ours.write_text("".join(f"{name} @ {built[each].as_uri()}\n" for each, name in names.items()))
    return ours


def _resolve(session: nox.Session, folder: Path, ours: Path) -> None:
    """Check that the dependencies of a wheel can be had for every Python."""
    for python in PYTHONS:
        options = ("--all-extras", f"--python-version={python}", f"--override={ours}", "--no-header")
        project = str(folder / "pyproject.toml")
        session.run("uv", "pip", "compile", "--quiet", *options, "-o", os.devnull, project, external=True)


def _test_lowest(session: nox.Session, folder: Path, wheel: Path, ours: Path) -> None:
    """Test one wheel with the lowest versions it admits, in an environment of its own."""
    place = Path(session.create_tmp()).resolve() / "lowest"
    session.run("uv", "venv", "--quiet", "--clear", str(place), external=True)
    install = ("uv", "pip", "install", "--quiet", f"--python={place}")
    session.run(*install, *nox.project.dependency_groups(_project(ROOT), "test"), external=True)
    # What the project file lists is then a direct requirement; what a wheel lists would not be.
    has_extra = "test" in _project(folder)["project"].get("optional-dependencies", {})
    project = ("-r", str(folder / "pyproject.toml"), *(("--extra", "test") if has_extra else ()))
    wanted = ("--resolution=lowest-direct", f"--override={ours}", *project, str(wheel))
    session.run(*install, *wanted, external=True)
    env = {"PYTHONDONTWRITEBYTECODE": None, "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    session.run(str(place / "bin" / "pytest"), str(folder / "tests"), external=True, env=env)
