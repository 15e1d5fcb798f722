from __future__ import annotations

import subprocess
import sys

import dovetail_numpy


def test_announcing_imports_neither_numpy_nor_the_rest_of_dovetail() -> None:
    heavy = {"numpy", "pydantic", "sqlalchemy", "fsspec"}
    program = f"import sys, dovetail_numpy; print(sorted({heavy} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_arrays_and_scalars_are_announced_by_their_public_names() -> None:
    found = {each.name: each.types for each in dovetail_numpy.dovetail_materializers()}
    assert found == {"array": ("numpy.ndarray",), "scalar": ("numpy.generic",)}
