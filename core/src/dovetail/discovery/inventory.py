"""Which installed distributions announce an integration, as importlib-metadata finds them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from importlib_metadata import distributions

GROUP = "dovetail.integrations"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry point of our group, and the distribution it belongs to.

    `value` is what the entry point names (`dovetail_s3`), `editable` whether the distribution's code lies
    in somebody's working directory. `fault` says what is wrong with the entry point itself.
    """

    name: str
    value: str
    wheel: str
    version: str
    summary: str = ""
    editable: bool = False
    fault: str = ""

    @property
    def module(self) -> str:
        """Return the module that announces."""
        return self.value.partition(":")[0].strip()


def announced(paths: Sequence[str] | None = None) -> list[Announcement]:
    """Return the announcements of all distributions on `paths` (`sys.path` unless given), by wheel and name.

    Of a distribution that is there twice the first counts, as it does for imports.
    """
    everything = distributions() if paths is None else distributions(path=list(paths))
    seen: set[str] = set()
    found: list[Announcement] = []
    for each in everything:
        wheel, its = _read(each)
        if wheel not in seen:
            seen.add(wheel)
            found.extend(its)
    return sorted(found, key=lambda each: (each.wheel, each.name))


def normalized(name: str) -> str:
    """Return the form of a distribution's name that is equal for all its spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(distribution: Any) -> tuple[str, list[Announcement]]:  # noqa: ANN401 - the finder's protocol says too little
    """Return the wheel's name and its announcements; what cannot be read announces nothing."""
    try:
        text = distribution.read_text("entry_points.txt") or ""
        wheel = normalized(distribution.name or "")
        return wheel, list(_announcements(distribution, wheel)) if GROUP in text else []
    except Exception:  # noqa: BLE001 - a damaged installation of something else is none of our business
        return "", []


def _announcements(distribution: Any, wheel: str) -> Iterator[Announcement]:  # noqa: ANN401 - the same
    summary = str(distribution.metadata.get("Summary") or "")
    shared = (wheel, distribution.version or "0", summary, _is_editable(distribution))
    for point in distribution.entry_points.select(group=GROUP):
        legal = re.fullmatch(r"[A-Za-z_][\w.]*(\s*:\s*[A-Za-z_][\w.]*)?\s*", point.value)
        fault = "" if legal else f"its entry point {point.name!r} names no module: {point.value!r}"
        yield Announcement(point.name, point.value, *shared, fault=fault)


def _is_editable(distribution: Any) -> bool:  # noqa: ANN401 - the same
    """Say whether pip or uv installed it in editable mode: PEP 610."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        return bool(origin.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False
