from __future__ import annotations

import subprocess
import sys

import dovetail_postgresql
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-postgresql"


def imported_by(module: str, heavy: set[str]) -> str:
    program = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_announcing_imports_neither_the_driver_nor_the_rest_of_dovetail() -> None:
    assert imported_by("dovetail_postgresql", {"psycopg", "pydantic", "sqlalchemy", "fsspec"}) == "[]"


def test_registering_needs_no_driver() -> None:
    assert imported_by("dovetail_postgresql.settings", {"psycopg", "sqlalchemy"}) == "[]"


def test_the_store_is_announced() -> None:
    (flavor,) = dovetail_postgresql.dovetail_metadata_stores()
    assert (flavor.name, flavor.contract) == ("postgresql", 1)
