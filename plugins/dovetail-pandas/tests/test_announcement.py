from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

import dovetail_pandas


def test_announcing_imports_neither_pandas_nor_the_rest_of_dovetail() -> None:
    heavy = {"pandas", "numpy", "pyarrow", "pydantic", "sqlalchemy", "fsspec"}
    program = f"import sys, dovetail_pandas; print(sorted({heavy} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_frames_and_series_are_announced_under_every_name_they_have_had() -> None:
    found = {each.name: each.types for each in dovetail_pandas.dovetail_materializers()}
    assert found == {
        "frame": ("pandas.DataFrame", "pandas.core.frame.DataFrame"),
        "series": ("pandas.Series", "pandas.core.series.Series"),
    }


@pytest.mark.parametrize("kind", [pd.DataFrame, pd.Series])
def test_the_installed_pandas_is_among_them(kind: type) -> None:
    announced = {name for each in dovetail_pandas.dovetail_materializers() for name in each.types}
    assert f"{kind.__module__}.{kind.__qualname__}" in announced
