"""Frames and series in Parquet files, so that they come back as they were or are refused."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dovetail.plugin import ArtifactReader, ArtifactWriter, BaseMaterializer, MaterializerError
from dovetail_pandas import layout

FILE = "data.parquet"
_COLUMNS = "columns.parquet"
_KEY = b"dovetail"
_VALUE = "value"


class DataFrameMaterializer(BaseMaterializer):
    """Store a DataFrame as `data.parquet`, with its index, dtypes, labels and JSON-able `attrs`.

    Labels that Parquet cannot name (numbers, dates, levels, duplicates) go to `columns.parquet`.
    """

    name = "frame"
    version = 1
    deterministic = True

    def save(self, value: pd.DataFrame, files: ArtifactWriter) -> None:
        """Write the frame.

        Raises:
            MaterializerError: something in it would not come back equal; the message names the column.
        """
        if type(value) is not pd.DataFrame:
            raise _stranger(value, "DataFrame")
        plain = layout.plain_labels(value.columns)
        frame = value if plain else value.set_axis([str(place) for place in range(value.shape[1])], axis=1)
        _write(frame, FILE, files, {"attrs": _checked_attrs(value), "columns": not plain})
        if not plain:
            _write(pd.DataFrame(index=value.columns), _COLUMNS, files, {})

    def load(self, annotation: object, files: ArtifactReader) -> pd.DataFrame:
        frame, notes = _read(FILE, files)
        if notes.get("columns"):
            frame.columns = _read(_COLUMNS, files)[0].index
        frame.attrs = notes.get("attrs", {})
        return frame

    def summary(self, value: pd.DataFrame) -> dict[str, Any]:
        most = 50
        columns = {str(label): str(dtype) for label, dtype in list(value.dtypes.items())[:most]}
        return {"rows": value.shape[0], "columns": value.shape[1], "dtypes": columns}


class SeriesMaterializer(BaseMaterializer):
    """Store a Series as a frame of one column, with its index, dtype, name and JSON-able `attrs`."""

    name = "series"
    version = 1
    deterministic = True

    def save(self, value: pd.Series[Any], files: ArtifactWriter) -> None:
        if type(value) is not pd.Series:
            raise _stranger(value, "Series")
        notes = {"attrs": _checked_attrs(value), "name": layout.name_to_json(value.name)}
        _write(pd.DataFrame({_VALUE: value}, copy=False), FILE, files, notes)

    def load(self, annotation: object, files: ArtifactReader) -> pd.Series[Any]:
        frame, notes = _read(FILE, files)
        series = frame[_VALUE].rename(layout.name_from_json(notes.get("name")))
        series.attrs = notes.get("attrs", {})
        return series

    def summary(self, value: pd.Series[Any]) -> dict[str, Any]:
        return {"rows": len(value), "dtype": str(value.dtype), "name": str(value.name)}


def _write(frame: pd.DataFrame, name: str, files: ArtifactWriter, notes: dict[str, Any]) -> None:
    """Write one frame; the categories of a categorical lie in a file of their own."""
    parts = layout.take_apart(frame)
    table = _to_table(parts.flat)
    plan = layout.plan(frame, parts, _through_parquet(table.slice(0, 0)))
    metadata = dict(table.schema.metadata or {})
    metadata[_KEY] = json.dumps({**notes, "layout": plan}, sort_keys=True).encode()
    with files.create(name) as stream:
        pq.write_table(table.replace_schema_metadata(metadata), stream)
    for place, categories in parts.categories.items():
        _write(pd.DataFrame(index=categories), _categories_file(name, place), files, {})


def _read(name: str, files: ArtifactReader) -> tuple[pd.DataFrame, dict[str, Any]]:
    with files.local_path(name) as path:
        try:
            with pq.ParquetFile(path, memory_map=True) as file:
                table = file.read()
            notes = json.loads((table.schema.metadata or {})[_KEY])
            flat = table.to_pandas()
        except (pa.ArrowException, ValueError, TypeError, KeyError, OSError) as error:
            raise MaterializerError(
                f"{name!r} holds no frame that can be read: {error}",
                hint="`dovetail artifact verify` says whether it was damaged or written by something else",
            ) from error
    plan = notes["layout"]
    places = layout.categorical_places(plan)
    categories = {place: _read(_categories_file(name, place), files)[0].index for place in places}
    return layout.put_together(flat, plan, categories), notes


def _categories_file(name: str, place: str) -> str:
    return f"{name.removesuffix('.parquet')}.{place}.parquet"


def _to_table(frame: pd.DataFrame) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise MaterializerError(
            f"a frame has something that Parquet cannot hold: {' '.join(map(str, error.args))}",
            hint="convert the column to numbers, text, dates or categories; "
            "split complex numbers into two columns; make sparse ones dense with .sparse.to_dense()",
        ) from error


def _through_parquet(table: pa.Table) -> pd.DataFrame:
    """Return what a reader will make of the types of `table`."""
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(table, sink)
        read: pd.DataFrame = pq.read_table(pa.BufferReader(sink.getvalue())).to_pandas()
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise MaterializerError(
            f"a frame has a dtype that pandas does not read back from Parquet: {error}",
            hint="convert the column with .astype(...)",
        ) from error
    return read


def _checked_attrs(value: pd.DataFrame | pd.Series[Any]) -> dict[str, Any]:
    attrs = {str(key): each for key, each in value.attrs.items()}
    try:
        same = json.loads(json.dumps(attrs, allow_nan=False)) == value.attrs
    except (TypeError, ValueError):
        same = False
    if not same:
        raise MaterializerError(
            f"attrs {value.attrs!r} are no JSON values", hint="clear them before the return: frame.attrs = {}"
        )
    return attrs


def _stranger(value: object, wanted: str) -> MaterializerError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return MaterializerError(
        f"a {kind} cannot be stored as a pandas {wanted} without loss",
        hint=f"return pandas.{wanted}(value), or install the wheel that stores this type",
    )
