"""Values without parts that JSON has no word for: times, exact numbers, paths, ids; as JSON and back."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID

from dovetail.references import load

To = Callable[[Any], Any]


def _zone(zone: tzinfo | None) -> Any:
    if zone is None:
        return None
    if type(zone) is timezone:
        name = zone.tzname(None)
        return [*_span(zone.utcoffset(None)), None if name == str(timezone(zone.utcoffset(None))) else name]
    key = getattr(zone, "key", None)
    if type(zone).__module__.startswith("zoneinfo") and isinstance(key, str):
        return key
    raise ValueError(f"its time zone is {zone!r}; use datetime.timezone or zoneinfo.ZoneInfo")


def _to_zone(content: Any) -> tzinfo | None:
    if content is None:
        return None
    if isinstance(content, str):
        zone: tzinfo = load("zoneinfo:ZoneInfo")(content)
        return zone
    days, seconds, microseconds, name = content
    offset = timedelta(days, seconds, microseconds)
    return timezone(offset) if name is None else timezone(offset, name)


def _span(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _clock(value: datetime | time) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value.tzinfo)]


def _to_datetime(content: Any) -> datetime:
    text, fold, zone = content
    return datetime.fromisoformat(text).replace(fold=fold, tzinfo=_to_zone(zone))


def _to_time(content: Any) -> time:
    text, fold, zone = content
    return time.fromisoformat(text).replace(fold=fold, tzinfo=_to_zone(zone))


def _pure(flavor: str) -> To:
    return lambda value: [flavor, value.as_posix()]


_PATHS: dict[str, type[PurePath]] = {"here": Path, "posix": PurePosixPath, "windows": PureWindowsPath}

# By exact type: the kind under which a value is stored, and its content.
TO_TEXT: dict[type, tuple[str, To]] = {
    complex: ("complex", lambda value: [value.real, value.imag]),
    Decimal: ("decimal", str),
    Fraction: ("fraction", lambda value: [value.numerator, value.denominator]),
    UUID: ("uuid", str),
    date: ("date", date.isoformat),
    datetime: ("datetime", _clock),
    time: ("time", _clock),
    timedelta: ("timedelta", _span),
    timezone: ("timezone", _zone),
    range: ("range", lambda value: [value.start, value.stop, value.step]),
    types.EllipsisType: ("ellipsis", lambda _: None),
    PosixPath: ("path", _pure("here")),
    WindowsPath: ("path", _pure("here")),
    PurePosixPath: ("path", _pure("posix")),
    PureWindowsPath: ("path", _pure("windows")),
}

FROM_TEXT: dict[str, Callable[[Any], Any]] = {
    "complex": lambda content: complex(*content),
    "decimal": Decimal,
    "fraction": lambda content: Fraction(*content),
    "uuid": UUID,
    "date": date.fromisoformat,
    "datetime": _to_datetime,
    "time": _to_time,
    "timedelta": lambda content: timedelta(*content),
    "timezone": _to_zone,
    "range": lambda content: range(*content),
    "ellipsis": lambda _: ...,
    "path": lambda content: _PATHS[content[0]](content[1]),
}
