"""Pruning: what lies in the stores of a stack and no run refers to is found, and removed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from pydantic import ValidationError

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import MetadataStore, RunQuery
from dovetail.names import is_id, made_at
from dovetail.records.artifact import ArtifactRecord, artifact_directory
from dovetail.records.report import CODE, JOBS, StepReport, code_path, report_path, run_directory
from dovetail.records.run import RunRecord, Status

_PAGE = 200
_CLOCKS = 3_600_000_000
"""How far the clocks of two moments may differ, in microseconds: a clock is set back now and then."""


class Kind(StrEnum):
    """What may lie there without need."""

    ARTIFACT = "artifact"
    UNRECORDED = "unrecorded artifact"
    RUN = "files of a run"
    CODE = "code archive"


@dataclass(frozen=True, slots=True)
class Waste:
    """Something that no run refers to; `size` is that of its files in bytes, `what` a word on it.

    `run` is the run that made it, by its name where that is known, and `step` the step.
    """

    kind: Kind
    id: str
    size: int
    what: str
    run: str = ""
    step: str = ""

    @property
    def directory(self) -> str:
        """Return where its files lie in the artifact store."""
        if self.kind is Kind.CODE:
            return code_path(f":{self.id}")
        return run_directory(self.id) if self.kind is Kind.RUN else artifact_directory(self.id)


@dataclass(slots=True)
class Findings:
    """What can go, and how much stays for now because a live run may be writing it."""

    waste: list[Waste] = field(default_factory=list)
    left: int = 0


class Pruning:
    """Looks through the stores of one stack. `others` are further indexes of the same artifact store."""

    def __init__(
        self, metadata: MetadataStore, artifacts: ArtifactStore, others: Sequence[MetadataStore] = ()
    ) -> None:
        self._metadata = metadata
        self._artifacts = artifacts
        self._others = others
        self._indexes = (metadata, *others)

    def find(self) -> Findings:
        """Return what no run refers to; nothing is changed.

        The files are listed first, the live runs asked for next, the index last: whatever is listed and
        then neither recorded nor as young as a live run, nobody is about to record. Jobs, which refer to
        code, are listed after that: those of a run that has ended meanwhile are among them.
        """
        archives = _archives(self._artifacts.entries(CODE))
        stored = self._unrecorded()
        live = self._live()
        jobs: list[str] = []
        run_files = _by_directory(_noting_jobs(self._artifacts.entries("runs"), jobs), "runs")
        youngest = min((run.started for run in live), default=None)
        found = Findings(self._unreferenced({run.id for run in live}))
        needed = self._known(stored) | (self._awaited() if stored else set())
        for key in sorted(stored.keys() - needed):
            if youngest is not None and made_at(key) > youngest - _CLOCKS:
                found.left += 1
            else:
                found.waste.append(Waste(Kind.UNRECORDED, key, stored[key], "left behind by an attempt"))
        found.waste += [
            Waste(Kind.RUN, key, size, "of a run that is not recorded", run=key)
            for key, size in sorted(run_files.items())
            if not self._is_run(key)
        ]
        gone = {each.id for each in found.waste if each.kind is Kind.RUN}
        used = self._code_of(each for each in jobs if archives and each.split("/")[2] not in gone)
        for key in sorted(archives.keys() - used):
            if live:
                found.left += 1
            else:
                found.waste.append(Waste(Kind.CODE, key, archives[key], "of steps that ran elsewhere"))
        return found

    def remove(self, waste: Iterable[Waste]) -> Iterator[Waste]:
        """Remove what was found, and yield it when it is gone; what is referred to by now stays.

        A record goes before its files, so that no moment leaves a record without them.
        """
        rest = iter(waste)
        while batch := list(islice(rest, _PAGE)):
            recorded = [each.id for each in batch if each.kind is Kind.ARTIFACT]
            recorded = [each for each in recorded if each not in _known(self._others, recorded)]
            forgotten = self._metadata.forget_artifacts(recorded) if recorded else set()
            known = self._known(each.id for each in batch if each.kind is Kind.UNRECORDED)
            for each in batch:
                if each.kind is Kind.RUN:
                    goes = not self._is_run(each.id)
                elif each.kind is Kind.CODE:  # a run that has begun since may have found it there
                    goes = not self._live()
                else:
                    goes = each.id in forgotten if each.kind is Kind.ARTIFACT else each.id not in known
                if goes:
                    self._artifacts.delete(each.directory)
                    yield each

    def sweep(self) -> int:
        """Remove what killed writers left half-written; return how many things it was."""
        return self._artifacts.sweep()

    def _unreferenced(self, live: set[str]) -> list[Waste]:
        loose = [each for each in _pages(self._metadata) if each.run_id not in live]
        elsewhere = _known(self._others, [each.id for each in loose])
        runs = {each: self._metadata.run(each) for each in {each.run_id for each in loose}}
        return [
            Waste(
                Kind.ARTIFACT,
                each.id,
                each.size,
                f"output {each.output}, made anew since",
                run=run.name if (run := runs[each.run_id]) else each.run_id,
                step=each.step,
            )
            for each in loose
            if each.id not in elsewhere
        ]

    def _unrecorded(self) -> Counter[str]:
        """Return the artifacts that no index knows, with the sizes of their files."""
        unknown: Counter[str] = Counter()
        entries = self._artifacts.entries("artifacts")
        while page := list(islice(entries, _PAGE * 10)):
            sizes = _by_directory(page, "artifacts")
            for key in sizes.keys() - self._known(sizes):
                unknown[key] += sizes[key]
        return unknown

    def _live(self) -> list[RunRecord]:
        return [run for index in self._indexes for run in _runs(index, Status.RUNNING, Status.PENDING)]

    def _code_of(self, paths: Iterable[str]) -> set[str]:
        """Return the names of the archives that the jobs at these paths refer to."""
        found = [_document(self._artifacts.get(path)).get("code") for path in paths]
        return {code.partition(":")[2] for code in found if isinstance(code, str)}

    def _known(self, ids: Iterable[str]) -> set[str]:
        return _known(self._indexes, list(ids))

    def _is_run(self, run_id: str) -> bool:
        return any(index.held([run_id]) or index.run(run_id) is not None for index in self._indexes)

    def _awaited(self) -> set[str]:
        """Return the artifacts of reports that a run which goes on will take in."""
        found: set[str] = set()
        for index in self._indexes:
            for run in _runs(index, Status.INTERRUPTED, Status.FAILED, Status.CANCELLED, Status.RUNNING):
                for attempt in index.attempts(run.id):
                    if not attempt.status.ended:
                        found.update(self._reported(run.id, attempt.id))
        return found

    def _reported(self, run_id: str, attempt: str) -> list[str]:
        path = report_path(run_id, attempt)
        if self._artifacts.size(path) is None:
            return []
        try:
            return [each.id for each in StepReport.from_json(self._artifacts.get(path)).outputs]
        except ValidationError:  # counts as none when the run goes on as well
            return []


def _known(indexes: Iterable[MetadataStore], ids: list[str]) -> set[str]:
    """Return which of these artifacts an index knows."""
    return {each for index in indexes for each in index.artifacts_by_id(ids)} if ids else set()


def _runs(index: MetadataStore, *states: Status) -> Iterator[RunRecord]:
    for status in states:
        before = None
        while page := index.runs(RunQuery(status=status, before=before, limit=_PAGE)):
            yield from page
            before = page[-1].sequence


def _pages(index: MetadataStore) -> Iterator[ArtifactRecord]:
    before = None
    while page := index.unreferenced(before=before, limit=_PAGE):
        yield from page
        before = page[-1].id


def _noting_jobs(entries: Iterable[tuple[str, int]], jobs: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the entries, and put the paths of those into `jobs` that are jobs of runs."""
    for path, size in entries:
        if path.split("/")[3:4] == [JOBS]:
            jobs.append(path)
        yield path, size


def _document(data: bytes) -> dict[str, Any]:
    """Return a JSON document; a damaged one says nothing, and the run that goes on writes another."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _archives(entries: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sizes of the archives that lie where Dovetail puts them, by name."""
    found = {path.rpartition("/")[2].removesuffix(".zip"): (path, size) for path, size in entries}
    return {name: size for name, (path, size) in found.items() if path == code_path(f":{name}")}


def _by_directory(entries: Iterable[tuple[str, int]], top: str) -> Counter[str]:
    """Return the sizes of the directories that Dovetail names by an id; others are none of its own."""
    sizes: Counter[str] = Counter()
    for path, size in entries:
        parts = path.removeprefix(f"{top}/").split("/")
        if len(parts) > len(("xx", "id")) and is_id(parts[1]) and parts[1].endswith(parts[0]):
            sizes[parts[1]] += size
    return sizes
