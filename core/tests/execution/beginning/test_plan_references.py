from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dovetail.errors import PlanError
from dovetail.execution.attempt.module_file import check_module, file_of
from dovetail.execution.beginning.plan_references import check_materializers, check_modules, load_own
from dovetail.materializers.registry import JSON
from dovetail.records.plan import MaterializerRef, OutputPlan, Plan, SourceRef, StepPlan

IMPORTED = "raise AssertionError('it was imported')"
STEP = "from dovetail import step\nimport {import_}\n@step\ndef one() -> int:\n    return 1\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on the path, and a folder beside it with modules that nobody may import."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (project / "parts", elsewhere):
        folder.mkdir(parents=True)
    (project / "parts" / "__init__.py").write_text(IMPORTED)
    (project / "parts" / "own.py").write_text(IMPORTED)
    (project / "a_script.py").write_text(STEP.format(import_="sys"))
    (elsewhere / "foreign.py").write_text(IMPORTED)
    (elsewhere / "a_library.py").write_text("class Kept: pass\n")
    for folder in (elsewhere, project):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return project


def plan(module: str, path: str, ref: MaterializerRef = JSON) -> Plan:
    step = StepPlan(
        name="one",
        source=SourceRef(module=module, qualname="one", path=path),
        outputs=(OutputPlan(name="output", type="int", materializer=ref),),
    )
    return Plan(format=1, pipeline="p", steps=(step,))


def custom(reference: str) -> MaterializerRef:
    return MaterializerRef(name="custom/Kept", reference=reference)


def test_the_file_of_a_module_is_found_without_an_import(root: Path) -> None:
    assert file_of("parts.own") == root / "parts" / "own.py"
    assert file_of("foreign") == root.parent / "elsewhere" / "foreign.py"
    assert file_of("pathlib") == Path(sys.modules["pathlib"].__file__ or "")
    missing = ("parts.none", "none.at_all", "foreign.deeper", "sys", "parts..own", "")
    assert [file_of(each) for each in missing] == [None] * len(missing)


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("foreign", "a_script.py"),
        ("parts.none", "parts/own.py"),
        ("parts", "parts/own.py"),
        ("sys", "a_script.py"),
    ],
)
def test_a_module_that_is_another_file_is_refused(root: Path, module: str, path: str) -> None:
    with pytest.raises(PlanError, match=f"module '{module}' was expected in '{path}'"):
        check_modules(plan(module, path), root)
    with pytest.raises(PlanError):
        check_module(SourceRef(module=module, qualname="one", path=path), root)


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("parts.own", "parts/own.py"),
        ("a_script", "a_script.py"),
        ("own", "parts/own.py"),
        ("gone", "gone/x.py"),
    ],
)
def test_modules_scripts_and_files_that_are_gone_are_let_pass(root: Path, module: str, path: str) -> None:
    check_modules(plan(module, path), root)


@pytest.mark.parametrize(
    "ref",
    [
        custom("foreign:Kept"),
        custom("parts.none:Kept"),
        MaterializerRef(name="builtin/json", reference="foreign:Kept"),
        MaterializerRef(name="dovetail-none/json", reference=JSON.reference),
        MaterializerRef(name="builtin/pickle", reference=JSON.reference),
    ],
)
def test_a_foreign_materializer_is_refused(root: Path, ref: MaterializerRef) -> None:
    with pytest.raises(PlanError, match="step 'one'"):
        check_materializers(plan("a_script", "a_script.py", ref), root)


@pytest.mark.parametrize(
    "ref", [JSON, custom("parts.own:Kept"), custom("a_script:Kept"), custom("pathlib:Path")]
)
def test_materializers_of_wheels_of_the_project_and_of_what_is_imported_are_let_pass(
    root: Path, ref: MaterializerRef
) -> None:
    check_materializers(plan("a_script", "a_script.py", ref), root)


def test_a_materializer_of_a_library_is_one_that_the_step_imports(root: Path) -> None:
    (root / "uses.py").write_text(STEP.format(import_="a_library"))
    check_materializers(plan("uses", "uses.py", custom("a_library:Kept")), root)
    assert load_own("a_library:Kept", root) is sys.modules["a_library"].Kept


def test_what_a_plan_names_is_loaded_from_the_project_alone(root: Path) -> None:
    with pytest.raises(PlanError, match="'foreign:Kept' is named by the plan"):
        load_own("foreign:Kept", root)
    with pytest.raises(AssertionError, match="it was imported"):
        load_own("parts.own:Kept", root)
