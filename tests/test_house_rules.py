"""The rules of the house that no linter knows: what may be imported where, and how large a thing may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "src" / "dovetail"
WHEELS = sorted(each.parent for each in ROOT.glob("*/dovetail-*/pyproject.toml"))
SOURCES = sorted([*CORE.rglob("*.py"), *(file for wheel in WHEELS for file in wheel.glob("src/**/*.py"))])
TESTS = [file for folder in (ROOT / "core", ROOT, *WHEELS) for file in (folder / "tests").rglob("*.py")]
TOOLS = [ROOT / "noxfile.py", ROOT / "conftest.py", *(ROOT / "docs").rglob("*.py")]

# Where something is imported after its module was loaded, and why that cannot be written otherwise.
LATE_IMPORTS = {
    "references.py": "the one door to a late import",
}
# Files that may be long: one file by design, or written by a program.
LONG_FILES = re.compile(r"/hookspecs\.py$|/migrations/versions/")
VAGUE = {"utils", "util", "common", "helpers", "helper", "constants", "types", "misc", "base"}
# They say that something happened, not what; the tree in dovetail.errors has better.
BARE_ERRORS = {"Exception", "BaseException", "RuntimeError"}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def places(file: Path, nodes: Iterator[ast.AST]) -> list[str]:
    return [f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}" for node in nodes]


def late_imports(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield imports inside functions, and calls that import by name wherever they stand."""
    for function in ast.walk(tree):
        if isinstance(function, FUNCTIONS):
            yield from (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"import_module", "__import__"}:
                yield node


def type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield uses of TYPE_CHECKING, also as an attribute."""
    for node in ast.walk(tree):
        if "TYPE_CHECKING" in (getattr(node, "id", None), getattr(node, "attr", None)):
            yield node


def imported(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each module named by an import statement, at any depth, with the statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def ours(name: str) -> bool:
    return name.partition(".")[0].startswith("dovetail")


def below(name: str, *doors: str) -> bool:
    return any(name == door or name.startswith(f"{door}.") for door in doors)


def strangers(file: Path, *doors: str) -> list[str]:
    """List what `file` imports of Dovetail that is none of `doors`."""
    names = imported(parse(file))
    return places(file, (node for name, node in names if ours(name) and not below(name, *doors)))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its decorators and docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def long_functions(tree: ast.Module, most: int) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS) and body_lines(node) > most)


def bare_errors(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield `raise RuntimeError(...)` and its like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id in BARE_ERRORS:
                yield node


def test_nothing_is_imported_late() -> None:
    files = (file for file in CORE.rglob("*.py") if str(file.relative_to(CORE)) not in LATE_IMPORTS)
    assert [place for file in files for place in places(file, late_imports(parse(file)))] == []


def test_no_import_is_hidden_from_the_floors() -> None:
    assert [place for file in SOURCES for place in places(file, type_checking(parse(file)))] == []


def test_the_public_face_imports_nothing_but_what_resolves_it_lazily() -> None:
    names = [name for name, _ in imported(parse(CORE / "__init__.py"))]
    light = ("__future__", "typing", "importlib", "dovetail.references")
    assert [name for name in names if not below(name, *light)] == []


def test_the_public_face_fits_on_a_screen() -> None:
    assert len((CORE / "__init__.py").read_text().splitlines()) <= 60


def test_builtin_uses_the_door_of_third_parties() -> None:
    files = (CORE / "builtin").rglob("*.py")
    assert [place for file in files for place in strangers(file, "dovetail.plugin", "dovetail.builtin")] == []


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.name)
def test_a_wheel_sees_of_dovetail_only_the_plugin_module(wheel: Path) -> None:
    own = wheel.name.replace("-", "_")
    files = list((wheel / "src").rglob("*.py"))
    assert files
    assert [place for file in files for place in strangers(file, "dovetail.plugin", own)] == []


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.name)
def test_the_tests_of_a_wheel_use_what_its_author_is_given(wheel: Path) -> None:
    own = wheel.name.replace("-", "_")
    public = {"dovetail", *(f"dovetail.{name}" for name in public_names())}
    doors = ("dovetail.plugin", "dovetail.testing", own)
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in (wheel / "tests").rglob("*.py")
        for name, node in imported(parse(file))
        if ours(name) and name not in public and not below(name, *doors)
    ]
    assert wrong == []


def public_names() -> set[str]:
    """Return what `from dovetail import ...` offers, as the stub declares it."""
    stub = CORE / "__init__.pyi"
    if not stub.exists():
        return set()
    return {alias.asname or alias.name for alias in _aliases(parse(stub))}


def _aliases(tree: ast.Module) -> Iterator[ast.alias]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            yield from node.names


def opens_with_a_sentence(file: Path) -> bool:
    first = (ast.get_docstring(parse(file)) or "").partition("\n\n")[0]
    return first.rstrip().endswith((".", "?", ":"))


def test_a_module_opens_with_a_sentence_about_itself() -> None:
    assert [str(file.relative_to(ROOT)) for file in SOURCES if not opens_with_a_sentence(file)] == []


def test_every_tool_and_test_of_the_house_says_what_it_is() -> None:
    files = [file for file in (*TOOLS, *(ROOT / "tests").rglob("*.py")) if "examples" not in file.parts]
    assert [str(file.relative_to(ROOT)) for file in files if not ast.get_docstring(parse(file))] == []


def test_a_module_is_a_noun_of_the_domain() -> None:
    names = {file: {file.stem, file.parent.name} & VAGUE for file in SOURCES}
    wrong = [str(file.relative_to(ROOT)) for file, found in names.items() if found]
    allowed = {"core/src/dovetail/materializers/base.py"}  # named so in the map of the core
    assert set(wrong) <= allowed


def test_no_file_is_longer_than_400_lines() -> None:
    files = [file for file in (*SOURCES, *TESTS, *TOOLS) if not LONG_FILES.search(file.as_posix())]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    files = [file for file in (*SOURCES, *TESTS, *TOOLS) if not LONG_FILES.search(file.as_posix())]
    assert [place for file in files for place in places(file, long_functions(parse(file), 50))] == []


def test_every_error_is_from_the_tree_or_says_more_than_that_it_happened() -> None:
    assert [place for file in SOURCES for place in places(file, bare_errors(parse(file)))] == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (late_imports, "def f():\n    import json"),
        (late_imports, "class A:\n    async def f(self):\n        from json import loads"),
        (late_imports, "import importlib\nx = importlib.import_module('json')"),
        (late_imports, "x = __import__('json')"),
        (type_checking, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json"),
        (type_checking, "import typing\nif typing.TYPE_CHECKING:\n    import json"),
        (bare_errors, "raise RuntimeError('no')"),
        (bare_errors, "def f():\n    raise Exception"),
        (lambda tree: long_functions(tree, 2), "def f():\n    'Say.'\n    a = 1\n    b = 2"),
    ],
)
def test_a_rule_catches_what_it_forbids(rule: object, source: str) -> None:
    assert callable(rule)
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from dovetail.plugin import Flavor", False),
        ("import dovetail.plugin", False),
        ("from dovetail import plugin", False),
        ("from dovetail import errors", True),
        ("import dovetail.execution.api", True),
        ("from dovetail_other.store import Store", True),
        ("import json", False),
    ],
)
def test_a_stranger_is_known_by_any_spelling(source: str, *, wrong: bool) -> None:
    names = [name for name, _ in imported(ast.parse(source))]
    assert any(ours(name) and not below(name, "dovetail.plugin") for name in names) is wrong
