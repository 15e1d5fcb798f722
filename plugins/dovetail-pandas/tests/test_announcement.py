from __future__ import annotations

import pandas as pd
import pytest

import dovetail_pandas
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-pandas"


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
