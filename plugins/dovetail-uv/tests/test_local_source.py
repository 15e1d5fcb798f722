"""Requirements that point to this machine: the environment follows what is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.plugin import Reason, StepSubmission, new_id
from dovetail_uv.local_source import LocalSource, local_sources
from dovetail_uv.operator import UvStepOperator

BACKEND = """
import os, zipfile

def build_wheel(place, config_settings=None, metadata_directory=None):
    name = "mylib-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(place, name), "w") as wheel:
        wheel.write("mylib.py")
        wheel.writestr("mylib-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mylib\\nVersion: 1\\n")
        kind = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("mylib-1.dist-info/WHEEL", kind)
        wheel.writestr("mylib-1.dist-info/RECORD", "")
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "lib"
    folder.mkdir()
    for name, text in {
        "backend.py": BACKEND,
        "pyproject.toml": PROJECT,
        "mylib.py": "SAID = 'old'\n",
    }.items():
        (folder / name).write_text(text)
    return folder


def submission(*requirements: str) -> StepSubmission:
    command = ["python", "-c", "import mylib; print(mylib.SAID)"]
    return StepSubmission(
        run_id=new_id(), run_name="r", step="s", attempt=new_id(), command=command, requirements=requirements
    )


@pytest.mark.real
@pytest.mark.parametrize("written", ["mylib @ file://{}", "{}"])
@pytest.mark.parametrize("offline", [False, True])
def test_an_edited_library_is_seen_and_an_unchanged_one_runs_no_uv(
    make: Callable[..., UvStepOperator],
    counted_uv: Any,
    library: Path,
    ended: Any,
    written: str,
    offline: bool,
) -> None:
    operator = make(uv=counted_uv.path, offline=offline)

    def said() -> str:
        handle = operator.submit(submission(written.format(library)))
        assert ended(operator, handle).reason is Reason.COMPLETED, operator.logs(handle)
        return operator.logs(handle).decode().splitlines()[-1]

    assert [said(), said()] == ["old", "old"]
    assert len(counted_uv.calls) == 2
    (library / "mylib.py").write_text("SAID = 'new'\n")
    assert [said(), said()] == ["new", "new"]
    assert len(counted_uv.calls) == 4


@pytest.mark.parametrize("name", ["mylib-1-py3-none-any.whl", "mylib-1.tar.gz"])
def test_another_file_at_the_same_path_is_another_environment(
    make: Callable[..., UvStepOperator], tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(b"old")
    time = file.stat().st_mtime
    before = make().environment(submission(f"mylib @ {file.as_uri()}")).name
    file.write_bytes(b"new")
    os.utime(file, (time, time))
    assert make().environment(submission(f"mylib @ {file.as_uri()}")).name != before


WAYS = [
    "mylib @ file://{}",
    "mylib@file://localhost{}",
    "my-lib[a,b] @ file://{} ; python_version > '3'",
    "mylib @ {}",
    "{}",
    "{}[a,b]",
    "{} # as it is",
    "file://{}#subdirectory=src",
    ".{}",
    "${{PLACE}}/lib",
]


@pytest.mark.parametrize("written", WAYS)
def test_every_way_to_point_to_a_folder_is_understood(library: Path, written: str) -> None:
    (found,) = local_sources([written.format(library)], {"PLACE": str(library.parent)})
    assert found.path == library


def test_a_path_is_read_as_uv_reads_it(tmp_path: Path) -> None:
    for name in ("my lib", "my%20lib"):
        (tmp_path / name).mkdir()
    (found,) = local_sources([f"mylib @ file://{tmp_path}/my%20lib"], {})
    assert found.path.name == "my lib"
    (found,) = local_sources([f"{tmp_path}/my%20lib"], {})
    assert found.path.name == "my%20lib"


@pytest.mark.parametrize(
    "line",
    ["tmp", "numpy==2.0.2", "a @ https://x.invalid/tmp", "a @ git+file:///tmp", "a>1; os_name == '/tmp'"],
)
def test_other_requirements_are_none_and_cost_nothing(line: str) -> None:
    assert local_sources([line], {}) == []


def test_without_a_local_one_uv_is_told_nothing_more(
    make: Callable[..., UvStepOperator], library: Path
) -> None:
    assert make().environment(submission("numpy==2.0.2")).options == ()
    named = make().environment(submission("numpy==2.0.2", f"mylib @ {library.as_uri()}"))
    assert named.options == ("--reinstall-package", "mylib")


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("data/table.csv", True),
        (".gitignore", True),
        ("src/mylib/build/made.py", True),
        ("build/lib/mylib.py", False),
        ("dist/mylib-1.tar.gz", False),
        ("src/mylib.egg-info/PKG-INFO", False),
        ("__pycache__/mylib.cpython-311.pyc", False),
        (".git/index", False),
        ("env/pyvenv.cfg", False),
        ("target/CACHEDIR.TAG", False),
    ],
)
def test_what_building_leaves_does_not_count(library: Path, file: str, counts: bool) -> None:
    before = LocalSource(library, None).stamp()
    path = library / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert (LocalSource(library, None).stamp() != before) is counts


def test_linked_folders_count_and_a_circle_ends(library: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (library / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(library)
    before = LocalSource(library, None).stamp()
    (elsewhere / "more.py").write_text("x")
    assert LocalSource(library, None).stamp() != before
