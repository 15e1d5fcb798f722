"""The invariants of a store: what is true of it at every moment, whatever was killed.

`violations` looks at a metadata store and an artifact store through their contracts, so that it serves
authors of other stores too; of a store in SQL it also compares the tables, of SQLite the file, and of the
local artifact store what lies below its root. `survivors` looks for processes. Both return lines.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from dovetail.builtin.local_artifact_store import LocalArtifactStore, LocalArtifactStoreConfig
from dovetail.builtin.sqlite import SqliteMetadataStore, SqliteMetadataStoreConfig
from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import ArtifactQuery, MetadataStore, RunQuery
from dovetail.components.sql.store import SqlMetadataStore
from dovetail.host.process_tree import carriers
from dovetail.materializers.intact import verify_artifact
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan, StepPlan
from dovetail.records.report import StepReport, report_path, run_directory
from dovetail.records.run import AttemptRecord, RunRecord, Status, StepRunRecord
from dovetail.testing.witness import Execution, executions

_PAGE = 500
_LOGS_OF_NO_ATTEMPT = {"warm.log"}


class Moment(IntEnum):
    """When a store is looked at, and so what may still lie about in it."""

    KILLED = 1
    """Nobody has written since something was killed. Drafts of killed writers may lie about, artifacts and
    reports that nobody took in, attempts that nobody ended: only a resume can, a look must not."""

    RESUMED = 2
    """Every run was resumed to its end, which sweeps drafts and takes in reports. Artifacts of attempts
    that were lost may be left: nobody knows under which ids those wrote before they could report."""

    PRUNED = 3
    """Nothing may be left that the index does not know."""


@dataclass(frozen=True)
class Scene:
    """What is looked at, and what was done to it on purpose.

    `live` are runs that are still going on, which are passed over; `reopened` the (run, step) whose
    artifacts were damaged, so that they had to be made again; `deleted` runs that were deleted.
    """

    metadata: MetadataStore
    artifacts: ArtifactStore
    moment: Moment = Moment.RESUMED
    live: Collection[str] = ()
    reopened: Collection[tuple[str, str]] = ()
    deleted: Collection[str] = ()
    plans: dict[str, tuple[StepPlan, ...]] = field(default_factory=dict)

    @cached_property
    def runs(self) -> dict[str, RunRecord]:
        """All runs by id."""
        found: list[RunRecord] = []
        before = None
        while page := self.metadata.runs(RunQuery(limit=_PAGE, before=before)):
            found += page
            before = page[-1].sequence
        return {each.id: each for each in reversed(found)}

    @cached_property
    def recorded(self) -> dict[str, ArtifactRecord]:
        """All recorded artifacts by id."""
        found: list[ArtifactRecord] = []
        before = None
        while page := self.metadata.artifacts(ArtifactQuery(limit=_PAGE, before=before)):
            found += page
            before = page[-1].id
        return {each.id: each for each in found}

    @cached_property
    def steps(self) -> dict[str, dict[str, StepRunRecord]]:
        """The steps of each run, by name."""
        return {run: {each.step: each for each in self.metadata.steps(run)} for run in self.runs}

    @cached_property
    def attempts(self) -> dict[str, list[AttemptRecord]]:
        """The attempts of each run."""
        return {run: self.metadata.attempts(run) for run in self.runs}

    @cached_property
    def stored(self) -> list[str]:
        """Every path of the artifact store."""
        return [path for path, _ in self.artifacts.entries()]

    def planned(self, run: RunRecord) -> tuple[StepPlan, ...]:
        """Return the steps that a run has to make; none where the store has lost its plan."""
        if run.plan_digest not in self.plans:
            content = self.metadata.plan(run.plan_digest)
            self.plans[run.plan_digest] = Plan.from_json(content).steps if content else ()
        return self.plans[run.plan_digest]


def violations(scene: Scene, witness: str | Path | None = None) -> list[str]:
    """Return what is wrong; the metadata store has to be open. `witness` is the file steps attest to."""
    found = [*_database_problems(scene)]
    for run in scene.runs.values():
        if run.id not in scene.live:
            found += [f"run {run.name!r}: {each}" for each in (*_run_problems(scene, run),)]
    found += [*_artifact_problems(scene), *_file_problems(scene), *_draft_problems(scene)]
    if witness is not None:
        found += _execution_problems(scene, executions(witness))
    return found


def local_violations(
    home: str | Path,
    moment: Moment = Moment.RESUMED,
    witness: str | Path | None = None,
    *,
    live: Collection[str] = (),
    reopened: Collection[tuple[str, str]] = (),
    deleted: Collection[str] = (),
) -> list[str]:
    """Return what is wrong with the default stores in `home` (a user's, or `.dovetail` of a project)."""
    place = Path(home, "store")
    artifacts = LocalArtifactStore("checked", LocalArtifactStoreConfig(), home=place)
    with SqliteMetadataStore("checked", SqliteMetadataStoreConfig(), home=place) as metadata:
        metadata.open()
        return violations(Scene(metadata, artifacts, moment, live, reopened, deleted), witness)


def survivors(cookie: str, patience: float = 2.0) -> list[str]:
    """Return the processes whose environment has the entry `cookie` (NAME=value) after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (alive := _alive(cookie)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [f"process {pid} survives: {_command(pid)}" for pid in alive]


def _alive(cookie: str) -> list[int]:
    """Look twice: while a process executes another program, it has no environment for a moment."""
    found = carriers(cookie)
    if not found:
        time.sleep(0.02)
        found = carriers(cookie)
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "it has just gone"


# --- runs ---


def _run_problems(scene: Scene, run: RunRecord) -> Iterator[str]:
    if scene.metadata.held([run.id]):
        yield "somebody holds its lease, though nobody should be alive"
    if not run.status.ended:
        yield f"it is {run.status} and nobody holds its lease"
    if run.status is Status.INTERRUPTED and scene.moment > Moment.KILLED:
        yield "it is interrupted, and should have been resumed"
    steps = scene.steps[run.id]
    planned = {each.name: {output.name for output in each.outputs} for each in scene.planned(run)}
    if not planned:
        yield f"its plan {run.plan_digest} is not there"
    if run.status is Status.COMPLETED and (left := planned.keys() - steps.keys()):
        yield f"it is completed, and nothing is known of {sorted(left)}"
    for step in steps.values():
        tries = [each for each in scene.attempts[run.id] if each.step == step.step]
        told = [*_step_problems(scene, run, step, planned.get(step.step)), *_try_problems(scene, step, tries)]
        yield from (f"step {step.step!r}: {each}" for each in told)
    for attempt in scene.attempts[run.id]:
        if attempt.step not in steps:
            yield f"attempt {attempt.id} is of step {attempt.step!r}, which has not begun"
        if not attempt.status.ended and run.status is not Status.INTERRUPTED:
            yield f"it is {run.status}, and attempt {attempt.number} of step {attempt.step!r} is running"


def _step_problems(
    scene: Scene, run: RunRecord, step: StepRunRecord, outputs: set[str] | None
) -> Iterator[str]:
    if outputs is None:
        yield "it is not in the plan"
    elif step.status.good and set(step.outputs) != outputs:
        yield f"it has outputs {sorted(step.outputs)}, planned were {sorted(outputs)}"
    if not step.status.good and step.outputs:
        yield f"it is {step.status} and has outputs"
    if not step.status.ended and run.status is not Status.INTERRUPTED:
        yield f"it is {step.status} in a run that is {run.status}"
    if run.status is Status.COMPLETED and not (step.status.good or step.status is Status.SKIPPED):
        yield f"it is {step.status} in a run that is completed"
    for artifact in (*step.inputs.values(), *step.outputs.values()):
        if artifact not in scene.recorded:
            yield f"its artifact {artifact} is not recorded"


def _try_problems(scene: Scene, step: StepRunRecord, tries: Sequence[AttemptRecord]) -> Iterator[str]:
    numbers = [each.number for each in tries]
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        yield f"its attempts have the numbers {numbers}"
    accepted = [each.number for each in tries if each.status is Status.COMPLETED]
    if step.status is Status.COMPLETED:
        once = accepted or "archive" in scene.runs[step.run_id].options  # imported, by no attempt
        if not once or (len(accepted) > 1 and (step.run_id, step.step) not in scene.reopened):
            yield f"it is completed, and accepted attempts are {accepted}"
        if step.attempts != len(tries):
            yield f"it counts {step.attempts} attempts, recorded are {len(tries)}"
    elif accepted and (step.run_id, step.step) not in scene.reopened:
        yield f"it is {step.status}, and attempt {accepted[0]} is accepted"
    for each in tries:
        if each.status.ended and (each.reason is None or each.finished is None):
            yield f"attempt {each.number} is {each.status} without a reason or an end"


# --- artifacts and files ---


def _artifact_problems(scene: Scene) -> Iterator[str]:
    referred = {
        artifact
        for steps in scene.steps.values()
        for step in steps.values()
        for artifact in (*step.inputs.values(), *step.outputs.values())
    }
    for record in scene.recorded.values():
        if record.run_id in scene.live:
            continue
        where = f"artifact {record.id} ({record.step}.{record.output} of run {record.run_id})"
        if record.id not in referred and (record.run_id, record.step) not in scene.reopened:
            yield f"{where}: no step refers to it"
        if record.run_id in scene.runs and record.step not in scene.steps[record.run_id]:
            yield f"{where}: its run has no such step"
        yield from (f"{where}: {each}" for each in verify_artifact(scene.artifacts, record))


def _file_problems(scene: Scene) -> Iterator[str]:
    """Compare what the artifact store has with what the index knows, both ways."""
    unknown: set[str] = set()
    reports: dict[str, str] = {}
    attempts = {each.id: each for tries in scene.attempts.values() for each in tries}
    for path in scene.stored:
        kind, *rest = path.split("/")
        if kind == "artifacts":
            unknown.update({rest[1]} - set(scene.recorded))
        elif kind == "runs" and rest[1] not in scene.live:
            yield from _run_file_problems(scene, path, rest, attempts)
            if rest[2:3] == ["reports"]:
                reports[Path(path).stem] = path
    if len(unknown) > _allowed_leftovers(scene):
        yield f"{len(unknown)} artifacts are stored and not recorded, such as {sorted(unknown)[:3]}"
    for run in scene.runs.values():
        for attempt in scene.attempts[run.id] if run.id not in scene.live else ():
            if attempt.status is Status.COMPLETED and attempt.id not in reports:
                yield f"run {run.name!r}: accepted attempt {attempt.id} has no report"


def _allowed_leftovers(scene: Scene) -> float:
    """Return how many artifacts may be stored without a record."""
    if scene.moment is Moment.PRUNED:
        return 0
    if scene.moment is Moment.KILLED or scene.live or scene.deleted:
        return float("inf")
    outputs = {
        (run.id, step.name): len(step.outputs) for run in scene.runs.values() for step in scene.planned(run)
    }
    tries = [each for attempts in scene.attempts.values() for each in attempts]
    lost = [(each.run_id, each.step) for each in tries if each.status is not Status.COMPLETED]
    return sum(outputs.get(each, 0) for each in (*lost, *scene.reopened))


def _run_file_problems(
    scene: Scene, path: str, rest: list[str], attempts: dict[str, AttemptRecord]
) -> Iterator[str]:
    run_id, name = rest[1], Path(path)
    if run_id not in scene.runs:
        if scene.moment is Moment.PRUNED or run_id not in scene.deleted:
            yield f"{path!r} is of no run"
        return
    attempt = attempts.get(name.stem)
    known = attempt is not None and attempt.run_id == run_id
    if rest[2] == "logs" and (known or name.name in _LOGS_OF_NO_ATTEMPT):
        return
    if rest[2] == "requests" and name.name.startswith("cancel-"):
        return
    if attempt is None or not known or path != report_path(run_id, name.stem):
        yield f"{path!r} is of no attempt, below {run_directory(run_id)!r}"
        return
    try:
        report = StepReport.from_json(scene.artifacts.get(path))
    except ValidationError:
        yield f"{path!r} is no whole report"
        return
    told = (report.step, report.attempt, report.number)
    if told != (attempt.step, attempt.id, attempt.number) or report.run_id != run_id:
        yield f"{path!r} speaks of {told}"
    pending = scene.moment is Moment.KILLED and not attempt.status.ended
    if report.status is Status.COMPLETED and attempt.status is not Status.COMPLETED and not pending:
        yield f"{path!r} is a published result, and was recorded as {attempt.status} ({attempt.reason})"


def _draft_problems(scene: Scene) -> Iterator[str]:
    """Look for what is not complete; without a way to see it, for what a sweep still finds."""
    if scene.moment is Moment.KILLED or scene.live:
        return
    if not isinstance(scene.artifacts, LocalArtifactStore):
        if left := scene.artifacts.sweep():
            yield f"{left} things were still there to be swept"
        return
    for folder, folders, files in os.walk(scene.artifacts.root):
        in_staging = Path(folder).name.startswith(".")
        for each in (*folders, *files):
            if in_staging or (each.startswith(".") and each != ".staging"):
                yield f"{Path(folder, each)} is a draft that nobody will complete"


# --- executions ---


def _execution_problems(scene: Scene, witnessed: Sequence[Execution]) -> Iterator[str]:
    """Compare the index with what was executed: once each, in order, and nothing after what was accepted."""
    executed: dict[tuple[str, str], list[int]] = {}
    for (run_id, step, number), times in Counter(witnessed).items():
        if times > 1:
            yield f"attempt {number} of step {step!r} of run {run_id} was executed {times} times"
        if run_id not in {*scene.live, *scene.deleted}:
            executed.setdefault((run_id, step), []).append(number)
    tries = [each for attempts in scene.attempts.values() for each in attempts]
    for (run_id, step), numbers in executed.items():
        known = {each.number for each in tries if (each.run_id, each.step) == (run_id, step)}
        if not known >= set(numbers):
            yield f"step {step!r} of run {run_id} executed {numbers}, known are attempts {sorted(known)}"
    for each in tries:
        key = (each.run_id, each.step)
        if each.status is Status.COMPLETED and key not in scene.reopened and each.run_id not in scene.live:
            numbers = executed.get(key, [])
            if each.number not in numbers:
                yield f"step {each.step!r} of run {each.run_id}: the accepted attempt was never executed"
            elif numbers[-1] != each.number:
                yield f"step {each.step!r} of run {each.run_id} completed, and was executed again: {numbers}"


# --- the database ---

_ORPHANS = {
    "step run {} of run {} has no run": """
        SELECT step, run_id FROM step_runs WHERE run_id NOT IN (SELECT id FROM runs)""",
    "attempt {} has no run {}": """
        SELECT id, run_id FROM attempts WHERE run_id NOT IN (SELECT id FROM runs)""",
    "metric {} has no run {}": """
        SELECT name, run_id FROM metrics WHERE run_id NOT IN (SELECT id FROM runs)""",
    "plan {} belongs to no run": """
        SELECT digest FROM plans WHERE digest NOT IN (SELECT plan_digest FROM runs)""",
    # The other way round a lease without a run is what a kill between taking and beginning leaves.
    "run {} has epoch {}, more than its lease": """
        SELECT id, epoch FROM runs WHERE epoch > COALESCE(
            (SELECT epoch FROM leases WHERE leases.run_id = runs.id), 0)""",
    "artifact {} says pipeline {}, not that of its run": """
        SELECT artifacts.id, artifacts.pipeline FROM artifacts JOIN runs ON runs.id = artifacts.run_id
        WHERE artifacts.pipeline <> runs.pipeline""",
}


def _database_problems(scene: Scene) -> Iterator[str]:
    if not isinstance(scene.metadata, SqlMetadataStore):
        return
    with scene.metadata.database.reading() as cursor:
        if isinstance(scene.metadata, SqliteMetadataStore):
            cursor.execute("PRAGMA integrity_check")
            yield from (f"database: {row[0]}" for row in cursor.fetchall() if row[0] != "ok")
        for text, query in _ORPHANS.items():
            cursor.execute(query)
            yield from (f"database: {text.format(*row)}" for row in cursor.fetchall())
        cursor.execute("SELECT artifact_id, run_id, step, kind, name FROM links")
        links = {tuple(row) for row in cursor.fetchall()}
        cursor.execute("SELECT run_id, step, inputs, outputs FROM step_runs")
        wanted = {
            (artifact, run_id, step, kind, name)
            for run_id, step, *texts in cursor.fetchall()
            for kind, text in zip(("input", "output"), texts, strict=True)
            for name, artifact in json.loads(text).items()
        }
    yield from (f"database: link {each} is of no step" for each in sorted(links - wanted))
    yield from (f"database: link {each} is missing" for each in sorted(wanted - links))
