"""What Parquet does not keep of a frame: names, categories, some dtypes; noted beside it and put back.

A frame is taken apart into one that Parquet stores well (`flat`) and notes (`plan`). Columns and index
levels are named by place: `c0`, `c1`, ... and `i0`, `i1`, ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dovetail.plugin import MaterializerError

# What `pandas.api.types.infer_dtype` may find in a column of objects that comes back equal.
_OBJECTS = {"string", "bytes", "decimal", "date", "boolean", "empty"}


@dataclass(frozen=True, slots=True)
class Parts:
    """A frame that Parquet can store, and the categories that were replaced by codes, by place."""

    flat: pd.DataFrame
    categories: dict[str, pd.Index[Any]]


def plain_labels(columns: pd.Index[Any]) -> bool:
    """Say whether column labels are names as Parquet has them: text, unique, themselves without a name."""
    return (
        columns.nlevels == 1
        and columns.name is None
        and columns.is_unique
        and columns.dtype in {np.dtype(object), pd.Index(["a"]).dtype}
        and all(type(label) is str for label in columns)
    )


def take_apart(frame: pd.DataFrame) -> Parts:
    """Replace in a shallow copy what Parquet would lose: categoricals by codes, byte order by the native one.

    Raises:
        MaterializerError: a column or level holds objects that would come back as something else.
    """
    categories: dict[str, pd.Index[Any]] = {}
    flat = frame.copy(deep=False)
    flat.attrs = {}
    for number, label in enumerate(frame.columns):
        if (simple := _simplified(frame[label], f"c{number}", f"column {label!r}", categories)) is not None:
            flat[label] = simple
    if not isinstance(frame.index, pd.RangeIndex):
        flat.index = _flat_index(frame.index, categories)
    elif not _natural(frame.index.name):
        flat.index = frame.index.rename(None)
    return Parts(flat, categories)


def plan(frame: pd.DataFrame, parts: Parts, empty: pd.DataFrame) -> dict[str, Any]:
    """Return the notes with which `put_together` makes `frame` of what Parquet gives back.

    `empty` is what it gives back of the frame's first zero rows.

    Raises:
        MaterializerError: a dtype or a label would not come back.
    """
    wanted = dict(_arrays(frame))
    casts = {
        place: _text(wanted[place].dtype)
        for place, found in _arrays(empty)
        if place not in parts.categories and _text(found.dtype) != _text(wanted[place].dtype)
    }
    ordered = {place: bool(wanted[place].dtype.ordered) for place in parts.categories}
    notes: dict[str, Any] = {"casts": casts, "categories": ordered}
    notes["names"] = [name_to_json(name) for name in frame.index.names]
    _check(frame, put_together(empty, notes, parts.categories))
    if isinstance(frame.index, pd.RangeIndex):
        notes["range"] = [frame.index.start, frame.index.stop, frame.index.step]
    elif isinstance(frame.index, pd.DatetimeIndex | pd.TimedeltaIndex) and frame.index.freq is not None:
        notes["freq"] = frame.index.freq.freqstr
    return notes


def categorical_places(notes: dict[str, Any]) -> list[str]:
    """Return where categories have to be put back."""
    return [str(place) for place in notes["categories"]]


def put_together(
    flat: pd.DataFrame, notes: dict[str, Any], categories: dict[str, pd.Index[Any]]
) -> pd.DataFrame:
    """Undo `take_apart`; changes `flat` in place."""
    restored = {
        place: _restored(array, place, notes, categories)
        for place, array in _arrays(flat)
        if place in notes["casts"] or place in notes["categories"]
    }
    for number, label in enumerate(flat.columns):
        if f"c{number}" in restored:
            flat[label] = restored[f"c{number}"]
    names = [name_from_json(name) for name in notes["names"]]
    if any(place.startswith("i") for place in restored):
        levels = [restored.get(place, array) for place, array in _arrays(flat) if place.startswith("i")]
        multiple = flat.index.nlevels > 1
        flat.index = pd.MultiIndex.from_arrays(levels) if multiple else pd.Index(levels[0])
    if "range" in notes:
        # Without a column Parquet has no rows either.
        flat.index = pd.RangeIndex(*notes["range"])
    flat.index.names = names
    if notes.get("freq") and isinstance(flat.index, pd.DatetimeIndex | pd.TimedeltaIndex):
        flat.index.freq = notes["freq"]  # type: ignore[misc] # the stubs have it without its setter
    return flat


def name_to_json(name: object) -> object:
    """Return the name of a series or of an index level as a JSON value.

    Raises:
        MaterializerError: it is neither None, text, number nor a tuple of such.
    """
    value = name.item() if isinstance(name, np.generic) else name
    if isinstance(value, tuple):
        return {"tuple": [name_to_json(each) for each in value]}
    if value is None or type(value) in {str, int, bool} or (type(value) is float and np.isfinite(value)):
        return value
    raise MaterializerError(
        f"the name {name!r} ({type(name).__qualname__}) cannot be stored",
        hint="rename it to a text: series.rename('...'), frame.rename_axis('...')",
    )


def name_from_json(value: object) -> Any:  # noqa: ANN401 - any hashable
    """Return the name that `name_to_json` took."""
    if isinstance(value, dict):
        return tuple(name_from_json(each) for each in value["tuple"])
    return value


def _arrays(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Yield every column and every index level with its place."""
    for number, label in enumerate(frame.columns):
        yield f"c{number}", frame[label]
    for number in range(frame.index.nlevels):
        yield f"i{number}", frame.index.get_level_values(number)


def _flat_index(index: pd.Index[Any], categories: dict[str, pd.Index[Any]]) -> pd.Index[Any]:
    levels = []
    for number, name in enumerate(index.names):
        level = index.get_level_values(number)
        simple = _simplified(
            level, f"i{number}", f"index level {number if name is None else repr(name)}", categories
        )
        levels.append(level if simple is None else simple)
    given = list(index.names)
    names = [name if _natural(name) and given.count(name) == 1 else None for name in given]
    if index.nlevels > 1:
        return pd.MultiIndex.from_arrays(levels, names=names)
    single: pd.Index[Any] = pd.Index(levels[0]).rename(names[0])
    return single


def _natural(name: object) -> bool:
    return name is None or type(name) is str


def _simplified(array: Any, place: str, what: str, categories: dict[str, pd.Index[Any]]) -> Any:  # noqa: ANN401
    """Return what to store instead of a column or level, None where it can stay as it is."""
    dtype = array.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories[place] = dtype.categories
        return array.cat.codes if isinstance(array, pd.Series) else pd.Index(array.codes)
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        found = pd.api.types.infer_dtype(array, skipna=True)
        if found not in _OBJECTS:
            raise MaterializerError(
                f"{what} has dtype object and holds {found} values, which would not come back equal",
                hint="give it a dtype: .astype('Int64'), 'string', 'boolean', 'category' ...",
            )
    elif isinstance(dtype, np.dtype) and not dtype.isnative:
        return array.astype(dtype.newbyteorder("="))
    return None


def _restored(
    array: Any,  # noqa: ANN401 - a series or an index
    place: str,
    notes: dict[str, Any],
    categories: dict[str, pd.Index[Any]],
) -> Any:  # noqa: ANN401
    if place in notes["categories"]:
        dtype = pd.CategoricalDtype(categories[place], ordered=notes["categories"][place])
        values = pd.Categorical.from_codes(array.to_numpy(), dtype=dtype)
        return pd.Series(values, index=array.index) if isinstance(array, pd.Series) else values
    text = notes["casts"][place]
    cast = array.astype(text)
    # As an object a missing text is None, whatever the string dtype it was read as calls it.
    return cast.where(cast.notna(), None) if text == "object" else cast


def _text(dtype: Any) -> str:  # noqa: ANN401 - of numpy or an extension
    """Return the text from which pandas makes the dtype again."""
    if isinstance(dtype, pd.StringDtype) and str(dtype) == "string":
        return f"string[{dtype.storage}]"
    return str(dtype)


def _check(frame: pd.DataFrame, restored: pd.DataFrame) -> None:
    """Compare what comes back with what was there, without its rows."""
    found = dict(_arrays(restored))
    for place, array in _arrays(frame):
        if place not in found or _text(found[place].dtype) != _text(array.dtype):
            got = found[place].dtype if place in found else "nothing"
            raise MaterializerError(
                f"a column or index level of dtype {_text(array.dtype)!r} comes back from Parquet as {got}",
                hint="convert it with .astype(...) to a dtype that Parquet keeps",
            )
    if list(frame.index.names) != list(restored.index.names) or not frame.columns.equals(restored.columns):
        raise MaterializerError(
            f"labels {list(frame.index.names)!r} or {list(frame.columns)[:5]!r} ... would not come back",
            hint="rename them to plain texts: frame.rename_axis(...), frame.rename(columns=...)",
        )
