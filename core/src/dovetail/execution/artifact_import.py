"""Imports: the artifacts of an archive become those of a run of their own, so that they have an origin."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from dovetail.client import Client, RunView
from dovetail.components.metadata_store import Facts, Lease
from dovetail.errors import ArtifactError, MaterializerError
from dovetail.execution.beginning.run_names import run_name
from dovetail.execution.provenance import library_versions
from dovetail.materializers.archive import Archive, Archived
from dovetail.materializers.registry import CUSTOM, PICKLE, Registry
from dovetail.names import LONGEST, new_id
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import MaterializerRef, OutputPlan, Plan, SourceRef, StepOptions, StepPlan
from dovetail.records.record import now
from dovetail.records.run import RunRecord, Status, StepRunRecord

PIPELINE = "artifact-import"
STEP = "import"
ARCHIVE = "archive"
"""The option of a run by which it is known as an import: the name of the archive."""
_LONGEST_OUTPUT = 2 * LONGEST


def import_archive(client: Client, path: Path, allowed: Collection[str] = ()) -> RunView:
    """Take in the artifacts of an archive under new ids, as the outputs of a run.

    `allowed` names what may read them although it runs code that the archive chooses: `builtin/pickle`,
    and materializers of the user's own as `module:Class`. Nothing is left where this fails.

    Raises:
        ArtifactError: the archive is not whole, or nothing of Dovetail's.
        MaterializerError: a materializer is not installed, or not allowed.
    """
    if not path.is_file() and path.exists():  # a pipe would be waited for
        raise ArtifactError(f"archive {str(path)!r} is no file", hint="name a file of `artifact export`")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ArtifactError(
            f"archive {str(path)!r} cannot be read: {error.strerror}", hint="name a file of `artifact export`"
        ) from error
    with stream:
        archive = Archive(stream, str(path))
        for each in archive.artifacts:
            _check_reader(each.record.materializer, client.records.materializers, allowed)
        outputs = _outputs(archive.artifacts)
        return _Import(client, archive, path.name, outputs).record()


class _Import:
    """One import: a run with one step, whose outputs are the artifacts by `outputs` (name to artifact)."""

    def __init__(self, client: Client, archive: Archive, name: str, outputs: dict[str, Archived]) -> None:
        self._client = client
        self._archive = archive
        self._outputs = outputs
        self._clock = time.monotonic()
        run_id, started = new_id(), now()
        self._plan = _plan(outputs)
        self._run = RunRecord(
            id=run_id,
            name=run_name(PIPELINE, run_id, started),
            pipeline=PIPELINE,
            plan_digest=self._plan.content_digest(),
            status=Status.RUNNING,
            stack=client.stack,
            started=started,
            versions=library_versions(),
            host=platform.node(),
            options={ARCHIVE: name},
        )

    def record(self) -> RunView:
        """Store the artifacts and record the run; withdraw all of it where that fails."""
        metadata = self._client.records.metadata
        lease = metadata.acquire(self._run.id)
        made: list[ArtifactRecord] = []
        try:
            # Begun before a file is stored: what a live run may be writing is not pruned.
            metadata.begin(self._run, self._plan.to_json(), lease)
            for output, archived in self._outputs.items():
                made.append(self._store(output, archived))
            self._client.records.artifacts.flush([each.stored for each in made])
            metadata.record(self._facts(made), lease)
            ended = {"status": Status.COMPLETED, "finished": now(), "duration": self._took()}
            metadata.finish(self._run.model_copy(update=ended), lease)
        except BaseException:
            self._withdraw(made, lease)
            raise
        finally:
            lease.release()
        return self._client.run(self._run.id)

    def _store(self, output: str, archived: Archived) -> ArtifactRecord:
        before = archived.record
        artifact_id = new_id()
        self._archive.unpack(archived, self._client.records.artifacts, artifact_id)
        origin = {
            "artifact": before.id,
            "run": before.run_id,
            "step": before.step,
            "output": before.output,
            "created": before.created,
        }
        new = {
            "id": artifact_id,
            "run_id": self._run.id,
            "step": STEP,
            "output": output,
            "metadata": {**before.metadata, "imported": origin},
            "created": now(),
        }
        return before.model_copy(update=new)

    def _facts(self, made: Iterable[ArtifactRecord]) -> Facts:
        step = StepRunRecord(
            run_id=self._run.id,
            step=STEP,
            status=Status.COMPLETED,
            started=self._run.started,
            finished=now(),
            duration=self._took(),
            outputs={each.output: each.id for each in made},
        )
        return Facts(steps=[step], artifacts=list(made))

    def _took(self) -> float:
        return time.monotonic() - self._clock

    def _withdraw(self, made: Iterable[ArtifactRecord], lease: Lease) -> None:
        self._client.records.metadata.delete_run(self._run.id, lease)
        for each in made:
            self._client.records.artifacts.delete(each.stored)


def _check_reader(ref: MaterializerRef, registry: Registry, allowed: Collection[str]) -> None:
    """Refuse what would run code that nobody but the archive names."""
    own = ref.name.startswith(CUSTOM)
    if not own:
        registry.check(ref)
    key = ref.reference if own else ref.name
    if (own or ref.name == PICKLE.name) and key not in allowed:
        raise MaterializerError(
            f"the archive holds an artifact that {key!r} reads, which runs code that comes with it",
            hint=f"if you trust whoever made the archive: --allow {key}",
        )


def _outputs(artifacts: Iterable[Archived]) -> dict[str, Archived]:
    """Name the artifacts as outputs of one step: as they were called, with the step where two are alike."""
    found = list(artifacts)
    uses = Counter(each.record.output for each in found)
    outputs: dict[str, Archived] = {}
    for each in found:
        name = each.record.output
        if uses[name] > 1:
            name = f"{each.record.step}.{name}"
        if name in outputs or not name.isprintable() or not 0 < len(name) <= _LONGEST_OUTPUT:
            name = each.record.id
        outputs[name] = each
    return outputs


def _plan(outputs: dict[str, Archived]) -> Plan:
    step = StepPlan(
        name=STEP,
        source=SourceRef(module="dovetail", qualname=PIPELINE),
        outputs=tuple(
            OutputPlan(name=name, type=each.record.type, materializer=each.record.materializer)
            for name, each in outputs.items()
        ),
        options=StepOptions(enable_cache=False),
    )
    return Plan(format=1, pipeline=PIPELINE, steps=(step,))
