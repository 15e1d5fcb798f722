"""The stores that views read from, opened when the first question needs them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from dovetail.components.artifact_store import ArtifactStore
from dovetail.components.metadata_store import MetadataStore
from dovetail.errors import NotFoundError, StoreError
from dovetail.materializers.registry import Registry
from dovetail.records.artifact import ArtifactRecord
from dovetail.records.plan import Plan
from dovetail.records.run import StepRunRecord
from dovetail.records.stack import StackRecord
from dovetail.stacks.assemble import active_stack_record, assemble, material_registry
from dovetail.stacks.stack import LiveStack

_KEPT = 8


class Records:
    """Metadata and artifacts of one stack.

    A live stack's own components are used as they are and left open; of a record they are made here, and
    closed by `close`.
    """

    def __init__(self, stack: StackRecord | LiveStack | str | None = None, home: Path | None = None) -> None:
        self._stack = stack
        self._home = home
        self._opened = ExitStack()
        self._plans: dict[str, Plan] = {}
        self._steps: dict[str, dict[str, StepRunRecord]] = {}
        self._others: dict[str, ArtifactStore] = {}
        self._stores: dict[str, ArtifactStore] = {}

    @cached_property
    def stack(self) -> StackRecord:
        """The stack whose stores are read."""
        if isinstance(self._stack, LiveStack):
            return self._stack.record
        return self._stack if isinstance(self._stack, StackRecord) else active_stack_record(self._stack)

    @cached_property
    def metadata(self) -> MetadataStore:
        """The opened metadata store."""
        store = self._live("metadata_store").metadata_store
        store.open()
        return store

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """The artifact store."""
        return self._live("artifact_store").artifact_store

    def artifacts_of(self, stack: StackRecord) -> ArtifactStore:
        """Return the artifact store of a run's own stack, whichever stack is read here.

        Of two with one name the one of this stack is taken: where it lies was changed since.
        """
        mine, theirs = (each.components.get("artifact_store") for each in (self.stack, stack))
        if theirs is None or (mine is not None and mine.name == theirs.name):
            return self.artifacts
        settings = theirs.model_dump_json()
        if settings not in self._others:
            live = self._opened.enter_context(assemble(stack, home=self._home, only={"artifact_store"}))
            self._others[settings] = live.artifact_store
        return self._others[settings]

    def store_of(self, artifact: ArtifactRecord) -> ArtifactStore:
        """Return the store that an artifact lies in: that of the run that made it; this one if it is gone."""
        if artifact.run_id not in self._stores:
            run = self.metadata.run(artifact.run_id)
            store = self.artifacts if run is None else self.artifacts_of(run.stack)
            _keep(self._stores, artifact.run_id, store)
        return self._stores[artifact.run_id]

    @cached_property
    def materializers(self) -> Registry:
        """What loads the artifacts."""
        return material_registry()

    def _live(self, kind: str) -> LiveStack:
        if isinstance(self._stack, LiveStack):
            return self._stack
        return self._opened.enter_context(assemble(self.stack, home=self._home, only={kind}))

    def plan(self, digest: str) -> Plan:
        """Return a plan by its digest.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        if digest not in self._plans:
            content = self.metadata.plan(digest)
            if content is None:
                raise StoreError(f"the plan {digest!r} is not in the metadata store", hint="restore a backup")
            try:
                plan = Plan.from_json(content)
            except ValidationError as error:
                raise StoreError(
                    f"the plan {digest!r} cannot be read: {error}", hint="was it made by a newer program?"
                ) from error
            _keep(self._plans, digest, plan)
        return self._plans[digest]

    def steps(self, run_id: str, *, ended: bool) -> dict[str, StepRunRecord]:
        """Return the recorded steps of a run by name; those of an ended run are read once."""
        known = self._steps.get(run_id)
        if known is None:
            known = {each.step: each for each in self.metadata.steps(run_id)}
            if ended:
                _keep(self._steps, run_id, known)
        return known

    def artifact(self, artifact_id: str) -> ArtifactRecord:
        """Return an artifact by its id.

        Raises:
            NotFoundError: it is not there.
        """
        found = self.metadata.artifacts_by_id([artifact_id])
        if artifact_id not in found:
            raise NotFoundError(f"no artifact {artifact_id!r}", hint="`dovetail artifact list` lists them")
        return found[artifact_id]

    def close(self) -> None:
        """Close what was opened here."""
        self._opened.close()
        self._others.clear()
        self._stores.clear()
        for name in ("metadata", "artifacts"):
            self.__dict__.pop(name, None)


def _keep(cache: dict, key: str, value: object) -> None:  # type: ignore[type-arg] # of any values
    """Put something into a small cache; the oldest goes."""
    while len(cache) >= _KEPT:
        del cache[next(iter(cache))]
    cache[key] = value
