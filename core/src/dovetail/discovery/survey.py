"""The survey after an installation: every announcing integration is asked once, in a child process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dovetail.components.flavor import CORE_TYPES, ComponentType
from dovetail.discovery import integration as plain
from dovetail.discovery import verdict
from dovetail.discovery.fingerprint import stamp
from dovetail.discovery.inquiry import Answer, Inquiry
from dovetail.discovery.integration import BUILTIN, CORE_WHEEL, Integration, State
from dovetail.discovery.inventory import Announcement, announced, normalized
from dovetail.errors import ConfigurationError

LIMIT = 5.0


@dataclass(slots=True)
class Findings:
    """What a survey found.

    `watched` maps files whose change makes it out of date to their stamps; `deaths` tells the next survey
    which wheels end the process that asks them.
    """

    integrations: list[Integration] = field(default_factory=list)
    watched: dict[str, str] = field(default_factory=dict)
    deaths: dict[str, dict[str, Any]] = field(default_factory=dict)


def survey(
    lines: Sequence[str], disabled: Iterable[str], deaths: Mapping[str, Mapping[str, Any]]
) -> Findings:
    """Ask every installed integration what it announces.

    Args:
        lines: the fingerprint of what is installed.
        disabled: integrations that are not to be asked.
        deaths: those of an earlier survey; a wheel that has not changed since is not asked again.
    """
    findings = Findings()
    points = announced()
    wheels = _stamps(lines)
    unasked = {id(each): found for each in points if (found := _not_asked(each, points, set(disabled)))}
    with Inquiry(limit()) as inquiry:
        rounds = _Rounds(inquiry, findings, wheels, deaths)
        asked = {id(each): rounds.announce(each) for each in points if id(each) not in unasked}
        types, owners = _types(points, asked)
        for each in points:
            if id(each) in asked and asked[id(each)].good:
                asked[id(each)] = rounds.flavors(each, asked[id(each)], types)
    reserved = _reserved(points, asked)
    for each in points:
        found = unasked.get(id(each)) or verdict.judge(each, asked[id(each)], types, owners, reserved)
        findings.integrations.append(verdict.with_namesakes(found, each, points))
    return findings


def limit() -> float:
    """Return for how many seconds one integration may be asked: DOVETAIL_INDEX_TIMEOUT, or 5."""
    text = os.environ.get("DOVETAIL_INDEX_TIMEOUT", "")
    try:
        seconds = float(text or LIMIT)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:  # noqa: PLR2004 - an hour
        raise ConfigurationError(
            f"DOVETAIL_INDEX_TIMEOUT is {text!r}, not a number of seconds",
            hint="unset it, or give for instance 10",
        )
    return seconds


class _Rounds:
    """Asks, and notes what has to be watched and what the process died of."""

    def __init__(
        self,
        inquiry: Inquiry,
        findings: Findings,
        wheels: Mapping[str, str],
        deaths: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._inquiry = inquiry
        self._findings = findings
        self._wheels = wheels
        self._deaths = deaths

    def announce(self, point: Announcement) -> Answer:
        """Ask what it announces, unless the process died of it before and it is still the same."""
        key = f"{point.name} = {point.value} | {self._wheels.get(point.wheel)}"
        known = self._deaths.get(key)
        if known and all(stamp(file) == seen for file, seen in known["files"].items()):
            self._findings.deaths[key] = dict(known)
            self._findings.watched.update(known["files"])
            return Answer(death=known["death"])
        answer = self._inquiry.ask("announce", name=point.name, value=point.value)
        files = self._watch(point, answer)
        if answer.death:
            self._findings.deaths[key] = {"death": answer.death, "files": files}
        return answer

    def flavors(self, point: Announcement, answer: Answer, types: Mapping[str, ComponentType]) -> Answer:
        """Ask for flavors of types that have no hook of their own, and add them to what it announced."""
        if not answer.result["generic"]:
            return answer
        flavors = dict(answer.result["flavors"])
        printed = [answer.printed]
        for kind in sorted(set(types) - {each.name for each in CORE_TYPES}):
            more = self._inquiry.ask("flavors", name=point.name, value=point.value, component_type=kind)
            if not more.good:
                return more
            flavors[kind] = more.result
            printed.append(more.printed)
        return replace(
            answer, result={**answer.result, "flavors": flavors}, printed=" ".join(filter(None, printed))
        )

    def _watch(self, point: Announcement, answer: Answer) -> dict[str, str]:
        """Note the sources of an editable wheel; those of others change only with an installation."""
        if not point.editable:
            return {}
        located = self._inquiry.ask("sources", value=point.value)
        found = [*(located.result or []), *answer.failure.get("files", [])]
        files = {
            file: stamp(file) for file in (*found, *(_own_sources() if point.wheel == CORE_WHEEL else ()))
        }
        self._findings.watched.update(files)
        return files


def _own_sources() -> list[str]:
    """Return the files that decide what an index looks like: who edits the core sees what that does."""
    room = Path(__file__).parent
    core = room.parent
    return [
        *map(str, sorted(room.glob("*.py"))),
        str(core / "hookspecs.py"),
        str(core / "components" / "flavor.py"),
    ]


def _stamps(lines: Sequence[str]) -> dict[str, str]:
    """Return the line of the fingerprint for each wheel by its normalized name; the first place counts."""
    found: dict[str, str] = {}
    for line in lines:
        name, ending, _ = line.partition(".dist-info ")
        if ending:
            found.setdefault(normalized(name.rpartition("-")[0]), line)
    return found


def _not_asked(point: Announcement, points: Sequence[Announcement], disabled: set[str]) -> Integration | None:
    """Return what is said of an integration that is not asked at all, None where it is asked."""
    if point.wheel == CORE_WHEEL:
        return None
    if point.fault:
        return verdict.entry(point, State.BROKEN, point.fault, f"upgrade {point.wheel}, or remove it")
    if point.name in disabled:
        return verdict.entry(
            point, State.DISABLED, "disabled here", f"dovetail integration enable {point.name}"
        )
    rival = next((each for each in points if each.wheel != point.wheel and _same_code(each, point)), None)
    if rival is not None:
        cause = f"{rival.wheel} {rival.version} brings the module {point.module!r} as well"
        return verdict.entry(point, State.CONFLICT, cause, "remove one of the two, and reinstall the other")
    if point.name == BUILTIN:
        cause = f"the name {BUILTIN!r} is reserved for what the core brings along"
        return verdict.entry(
            point, State.CONFLICT, cause, f"remove {point.wheel}; ask its authors for another name"
        )
    return None


def _same_code(one: Announcement, other: Announcement) -> bool:
    """Say whether one module is the other, or lies in it: then one wheel has overwritten the other's."""
    first, second = f"{one.module}.", f"{other.module}."
    return first.startswith(second) or second.startswith(first)


def _types(
    points: Sequence[Announcement], asked: Mapping[int, Answer]
) -> tuple[dict[str, ComponentType], dict[str, list[str]]]:
    """Return all component types that can be used, and for each announced one the wheels that announce it."""
    types = {each.name: each for each in CORE_TYPES}
    flags = {each.flag for each in CORE_TYPES}
    owners: dict[str, list[str]] = {}
    found: dict[str, ComponentType] = {}
    for point in points:
        answer = asked.get(id(point))
        for each in answer.result["types"] if answer and answer.good else ():
            announced_type = plain.component_type(each)
            owners.setdefault(announced_type.name, []).append(point.wheel)
            found[announced_type.name] = announced_type
    for name, announced_type in sorted(found.items()):
        if verdict.refuse_type(announced_type, owners):
            continue
        flag = announced_type.flag if announced_type.flag not in flags else None
        flags.add(flag)
        types[name] = replace(announced_type, flag=flag, hook=None)
    return types, owners


def _reserved(points: Sequence[Announcement], asked: Mapping[int, Answer]) -> dict[str, set[str]]:
    """Return the flavor names of the core, by type."""
    for point in points:
        answer = asked.get(id(point))
        if point.wheel == CORE_WHEEL and point.name == BUILTIN and answer and answer.good:
            found: dict[str, list[dict[str, Any]]] = answer.result["flavors"]
            return {kind: {each["name"] for each in flavors} for kind, flavors in found.items()}
    return {}
