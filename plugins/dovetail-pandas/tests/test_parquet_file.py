from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from dovetail.plugin import MaterializerError
from dovetail.testing.materializer import TrialFiles
from dovetail_pandas.parquet_file import FILE, DataFrameMaterializer, SeriesMaterializer

FRAME = DataFrameMaterializer()
SERIES = SeriesMaterializer()

with_files = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def equal(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Assert that nothing differs that a user of pandas could see."""
    assert_frame_equal(first, second, check_exact=True, check_freq=True, check_flags=True)
    assert_index_equal(first.index, second.index, exact=True)
    assert_index_equal(first.columns, second.columns, exact=True)
    assert first.attrs == second.attrs


COLUMNS: dict[str, Any] = {
    "int8": np.array([1, -2], "i1"),
    "uint64": np.array([1, 2**64 - 1], "u8"),
    "float16": np.array([1.5, np.nan], "f2"),
    "float64": [0.1, -0.0],
    "bool": [True, False],
    "big-endian": np.array([1.0, 2.0], ">f8"),
    "seconds": np.array([1, 2], "M8[s]"),
    "nanoseconds": np.array([1, "NaT"], "M8[ns]"),
    "timedelta": np.array([1, 2], "m8[s]"),
    "zone": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin"),
    "offset": pd.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize(dt.timezone(dt.timedelta(hours=2))),
    "Int64": pd.array([1, None], dtype="Int64"),
    "Float32": pd.array([1, None], dtype="Float32"),
    "boolean": pd.array([True, None], dtype="boolean"),
    "text": ["a", "b"],
    "text with gap": pd.Series(["a", None]),
    "string": pd.array(["a", None], dtype="string"),
    "string[python]": pd.array(["a", None], dtype="string[python]"),
    "string[pyarrow]": pd.array(["a", None], dtype="string[pyarrow]"),
    "objects of text": pd.Series(["a", None], dtype=object),
    "bytes": pd.Series([b"a", b"\x00"], dtype=object),
    "decimal": pd.Series([Decimal("1.10"), None], dtype=object),
    "date": pd.Series([dt.date(2020, 1, 1), None], dtype=object),
    "objects of bool": pd.Series([True, None], dtype=object),
    "nothing": pd.Series([None, None], dtype=object),
    "period": pd.period_range("2020", periods=2, freq="M"),
    "interval": pd.interval_range(0, 2),
    "category": pd.Categorical(["b", "a"], categories=["unused", "b", "a"], ordered=True),
    "category of numbers": pd.Categorical([3, None], categories=[3, 1]),
    "category of intervals": pd.cut(pd.Series([1, 5]), 3),
    "category of dates": pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"])),
    "arrow": pd.array([1, None], dtype=pd.ArrowDtype(pa.int32())),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_column_comes_back_with_dtype_and_gaps(keep: Callable[..., Any], column: object) -> None:
    frame = pd.DataFrame({"number": [1, 2], "column": column})
    equal(frame, keep(FRAME, frame))
    series = frame["column"].rename(None)
    assert_series_equal(series, keep(SERIES, series))


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_no_rows_keep_the_dtype(keep: Callable[..., Any], column: object) -> None:
    frame = pd.DataFrame({"column": column}).iloc[:0]
    equal(frame, keep(FRAME, frame))


# pandas itself has no index of the first two, and pandas 2 guesses anew what a level of the third is.
UNFIT = {"float16", "big-endian", "objects of bool"}


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in UNFIT])
def test_every_dtype_can_be_an_index(keep: Callable[..., Any], name: str) -> None:
    frame = pd.DataFrame({"column": COLUMNS[name], "other": [1, 2]})
    equal(frame.set_index("column"), keep(FRAME, frame.set_index("column")))
    multiple = frame.set_index(["other", "column"])
    equal(multiple, keep(FRAME, multiple))


INDEXES: dict[str, Any] = {
    "range": pd.RangeIndex(3, 9, 3),
    "named range": pd.RangeIndex(2, name="row"),
    "range named by number": pd.RangeIndex(2, name=0),
    "named like a column": pd.Index([5, 6], name="a"),
    "named by number": pd.Index([5, 6], name=7),
    "named by tuple": pd.Index([5, 6], name=("a", 1)),
    "dates with frequency": pd.date_range("2020", periods=2, freq="MS"),
    "timedeltas with frequency": pd.timedelta_range("1h", periods=2, freq="h"),
    "duplicates": pd.Index(["x", "x"]),
    "levels": pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["one", None]),
    "levels of one name": pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["one", "one"]),
    "levels of numbers": pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=[0, 1]),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_an_index_comes_back(keep: Callable[..., Any], index: pd.Index) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=index)
    equal(frame, keep(FRAME, frame))
    assert_series_equal(frame["b"], keep(SERIES, frame["b"]))


LABELS: dict[str, Any] = {
    "numbers": pd.RangeIndex(2),
    "integers": pd.Index([7, 3]),
    "floats": pd.Index([0.5, 1.5]),
    "dates": pd.to_datetime(["2020-01-01", "2021-01-01"]),
    "named": pd.Index(["a", "b"], name="kind"),
    "duplicates": pd.Index(["a", "a"]),
    "empty text": pd.Index(["", "a"]),
    "levels": pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["one", "two"]),
    "categories": pd.CategoricalIndex(["b", "a"], categories=["b", "c", "a"]),
    "periods": pd.period_range("2020", periods=2, freq="M"),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_column_labels_come_back(keep: Callable[..., Any], labels: pd.Index) -> None:
    frame = pd.DataFrame([[1, "x"], [2, "y"]], columns=labels)
    equal(frame, keep(FRAME, frame))


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (3, 0)])
def test_a_frame_without_rows_or_columns_comes_back(keep: Callable[..., Any], shape: tuple[int, int]) -> None:
    frame = pd.DataFrame(np.zeros(shape))
    equal(frame, keep(FRAME, frame))


ELEMENTS = st.one_of(hnp.integer_dtypes(endianness="="), hnp.floating_dtypes(endianness="=", sizes=(32, 64)))


@with_files
@given(
    frame=hpd.data_frames(
        columns=[
            hpd.column("number", dtype=np.float64),
            hpd.column("text", elements=st.text(st.characters(codec="utf-8"), max_size=5), dtype=object),
            hpd.column("date", dtype="datetime64[ns]"),
            hpd.column("truth", dtype=bool),
        ],
        index=st.one_of(hpd.range_indexes(), hpd.indexes(dtype=np.int64, max_size=8)),
    )
)
def test_any_frame_comes_back(keep: Callable[..., Any], frame: pd.DataFrame) -> None:
    equal(frame, keep(FRAME, frame))


@with_files
@given(
    series=ELEMENTS.flatmap(lambda dtype: hpd.series(dtype=dtype)), name=st.none() | st.text() | st.integers()
)
def test_any_series_comes_back(keep: Callable[..., Any], series: pd.Series, name: object) -> None:
    series = series.rename(name)
    assert_series_equal(series, keep(SERIES, series), check_exact=True)


def test_attrs_come_back(keep: Callable[..., Any]) -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "survey", "years": [2020, 2021]}
    series = pd.Series([1], name=("a", 1))
    series.attrs = {"unit": "m"}
    assert keep(FRAME, frame).attrs == frame.attrs
    assert keep(SERIES, series).attrs == {"unit": "m"}
    assert keep(SERIES, series).name == ("a", 1)


class Mine(pd.DataFrame):
    pass


def with_attrs(value: object) -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"a": value}
    return frame


REFUSED: dict[str, tuple[Any, str]] = {
    "integers as objects": (pd.DataFrame({"a": pd.Series([1, None], dtype=object)}), "column 'a'.*integer"),
    "lists": (pd.DataFrame({"a": [[1], [2]]}), "column 'a'.*mixed"),
    "mixture": (pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}), "column 'a'.*mixed"),
    "complex": (pd.DataFrame({"a": [1j]}), "column a"),
    "sparse": (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "column a"),
    "arrow list": (pd.DataFrame({"a": pd.array([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int8())))}), "list"),
    "mixed labels": (pd.DataFrame([[1, 2]], columns=[1, "a"]), "index level 0 .*mixed"),
    "mixed index": (pd.DataFrame({"a": [1, 2]}, index=pd.Index([1, "a"], name="key")), "index level 'key'"),
    "index named by date": (pd.DataFrame({"a": [1]}, index=pd.Index([1], name=dt.date(2020, 1, 1))), "date"),
    "attrs": (with_attrs(object()), "attrs"),
    "attrs of tuples": (with_attrs((1, 2)), "attrs"),
    "subclass": (Mine({"a": [1]}), "Mine"),
    "no frame": ([1], r"builtins\.list"),
}


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
def test_what_would_change_is_refused_with_a_remedy(
    keep: Callable[..., Any], value: object, told: str
) -> None:
    with pytest.raises(MaterializerError, match=told) as caught:
        keep(FRAME, value)
    assert caught.value.hint


def test_a_frame_is_not_changed_by_being_stored(keep: Callable[..., Any]) -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["x"]), "b": [1]}, index=pd.CategoricalIndex(["k"], name=3))
    before = frame.copy(deep=True)
    keep(FRAME, frame)
    equal(before, frame)


def test_a_frame_that_came_back_can_be_written_to(keep: Callable[..., Any]) -> None:
    frame = keep(FRAME, pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))
    frame.loc[0, "a"] = 5
    frame["a"] += 1
    assert frame["a"].tolist() == [6, 3]


def test_other_programs_read_the_file(files: TrialFiles) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=pd.Index([5, 6], name="key"))
    FRAME.save(frame, files.writer)
    equal(frame, pd.read_parquet(files.folder / FILE))


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet PAR1"])
def test_what_is_no_frame_is_named(files: TrialFiles, content: bytes) -> None:
    with files.writer.create(FILE) as stream:
        stream.write(content)
    with pytest.raises(MaterializerError, match=FILE):
        FRAME.load(pd.DataFrame, files.reader)


def test_a_parquet_file_of_somebody_else_is_no_artifact(files: TrialFiles) -> None:
    with files.writer.create(FILE) as stream:
        pq.write_table(pa.table({"a": [1]}), stream)
    with pytest.raises(MaterializerError, match=FILE):
        FRAME.load(pd.DataFrame, files.reader)


def test_the_summary_says_rows_columns_and_dtypes() -> None:
    frame = pd.DataFrame({"a": [1, 2], 7: [0.5, 1]})
    assert FRAME.summary(frame) == {"rows": 2, "columns": 2, "dtypes": {"a": "int64", "7": "float64"}}
    assert SERIES.summary(frame[7]) == {"rows": 2, "dtype": "float64", "name": "7"}


WRITE = """
import hashlib, sys
from pathlib import Path
import numpy as np, pandas as pd
from dovetail.testing.materializer import TrialFiles
from dovetail_pandas.parquet_file import DataFrameMaterializer

frame = pd.DataFrame({"a": np.arange(1000.0), "b": ["x", "y"] * 500}, index=pd.Index(range(1000), name=3))
frame["c"] = frame["b"].astype("category")
frame.attrs = {"b": 1, "a": 2}
files = TrialFiles(Path(sys.argv[1]))
DataFrameMaterializer().save(frame, files.writer)
print({name: hashlib.sha256(content).hexdigest() for name, content in files.bytes().items()})
"""


def test_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, str(tmp_path)]
    digests = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
