from __future__ import annotations

import subprocess
import sys

import dovetail_uv
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-uv"


def imported_by(program: str, *modules: str) -> str:
    code = f"import sys\n{program}\nprint(sorted({set(modules)} & set(sys.modules)))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_announcing_imports_nothing_of_uv_or_of_the_rest_of_dovetail() -> None:
    assert imported_by("import dovetail_uv", "uv", "pydantic", "sqlalchemy", "fsspec") == "[]"


def test_registering_imports_no_uv() -> None:
    assert imported_by("import dovetail_uv.settings", "uv", "dovetail_uv.operator") == "[]"


def test_the_operator_is_announced() -> None:
    (flavor,) = dovetail_uv.dovetail_step_operators()
    assert (flavor.name, flavor.contract) == ("uv", 1)
