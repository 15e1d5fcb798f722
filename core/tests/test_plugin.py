from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail import plugin
from dovetail.components.flavor import CORE_TYPES
from dovetail.references import load

HEAVY = (
    "pydantic",
    "sqlalchemy",
    "alembic",
    "fsspec",
    "stevedore",
    "importlib_metadata",
    "rich",
    "click",
    "yaml",
)


@pytest.mark.parametrize("name", dir(plugin))
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(plugin, name) is not None


def test_a_name_that_is_not_there_is_told_like_any() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        plugin.Nothing  # type: ignore[attr-defined] # noqa: B018 - the access is the test


def test_the_stub_says_the_same_as_the_module() -> None:
    stub = ast.parse(Path(str(plugin.__file__)).with_suffix(".pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    declared = {alias.asname: (node.module, alias.name) for node in imports for alias in node.names}
    assert sorted(declared, key=str) == dir(plugin)
    wrong = [
        name
        for name, (module, own) in declared.items()
        if getattr(plugin, str(name)) is not load(f"{module}:{own}")
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", CORE_TYPES, ids=lambda kind: kind.name)
def test_the_abstract_class_of_every_type_is_there(kind: object) -> None:
    name = kind.base.partition(":")[2]  # type: ignore[attr-defined] # a ComponentType
    base = getattr(plugin, name)
    assert base is load(kind.base)  # type: ignore[attr-defined] # the same
    assert base.type == kind.name  # type: ignore[attr-defined] # the same
    assert base.__abstractmethods__
    assert "1. " in (base.__doc__ or ""), "its obligations are numbered"


def test_announcing_imports_nothing_heavy() -> None:
    look = f"import sys, dovetail.builtin; print([each for each in {HEAVY} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
