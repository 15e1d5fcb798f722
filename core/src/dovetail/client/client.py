"""Client: the way into what has happened on a stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Self

from dovetail.client.deletion import delete_run
from dovetail.client.records import Records
from dovetail.client.runs import PipelineView, Runs
from dovetail.client.views import ArtifactView, RunView
from dovetail.components.metadata_store import ArtifactQuery, RunQuery
from dovetail.errors import NotFoundError, did_you_mean
from dovetail.records.run import RunRecord, Status
from dovetail.records.stack import StackRecord
from dovetail.stacks.stack import LiveStack

LAST = "last"
_PAGE = 100


class Client:
    """Reads pipelines, runs, steps and artifacts from the stores of a stack, the active one by default.

    ::

        client = Client()
        run = client.run("last")
        model = run.step("trainer").output.load()

    Nothing is opened before the first question. What it gives out is read-only.
    """

    def __init__(
        self, stack: StackRecord | LiveStack | str | None = None, *, home: Path | None = None
    ) -> None:
        self.records = Records(stack, home)

    @property
    def stack(self) -> StackRecord:
        """The stack whose stores are read."""
        return self.records.stack

    @property
    def pipelines(self) -> list[PipelineView]:
        """All pipelines that have run, by name."""
        return [PipelineView(self.records, *each) for each in self.records.metadata.pipelines()]

    def get_pipelines(self) -> list[PipelineView]:
        """Return all pipelines that have run, by name."""
        return self.pipelines

    def pipeline(self, name: str) -> PipelineView:
        """Return one pipeline.

        Raises:
            NotFoundError: it has never run on this stack.
        """
        known = {each.name: each for each in self.pipelines}
        if name not in known:
            raise NotFoundError(
                f"no pipeline {name!r} has run on stack {self.stack.name!r}",
                hint=did_you_mean(name, list(known)) or "nothing has run there yet",
            )
        return known[name]

    def get_pipeline(self, name: str) -> PipelineView:
        """Return one pipeline; the same as `pipeline`."""
        return self.pipeline(name)

    def runs(
        self,
        pipeline: str | None = None,
        *,
        status: Status | str | None = None,
        name: str | None = None,
        prefix: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> Runs:
        """Return runs, newest first; they are fetched while they are iterated over.

        Args:
            pipeline: Only runs of this pipeline.
            status: Only runs in this state.
            name: Only runs of exactly this name.
            prefix: Only runs whose id or name begins so.
            before: Only runs that began before the one with this `record.sequence`.
            limit: At most so many.
        """
        wanted = None if status is None else Status(status)
        query = RunQuery(pipeline=pipeline, status=wanted, name=name, before=before, prefix=prefix)
        return Runs(self.records, query, limit)

    def run(self, reference: str = LAST) -> RunView:
        """Return one run: `last`, an id, a name, or the beginning of one that fits no other run.

        Where two processes gave one name at the same moment, it means the newer run.

        Raises:
            NotFoundError: no run fits, or several do.
        """
        store = self.records.metadata
        if reference == LAST:
            found = store.runs(RunQuery(limit=1))
        elif (exact := store.run(reference)) is not None:
            found = [exact]
        else:
            found = store.runs(RunQuery(name=reference, limit=1)) or store.runs(
                RunQuery(prefix=reference, limit=4)
            )
        if len(found) != 1 or not reference:
            raise self._no_run(reference, found)
        return self.view_run(found[0])

    def _no_run(self, reference: str, found: list[RunRecord]) -> NotFoundError:
        if found:
            names = ", ".join(each.name for each in found[:3])
            more = ", ..." if len(found) > 3 else ""  # noqa: PLR2004 - a line's worth
            return NotFoundError(
                f"several runs begin with {reference!r}: {names}{more}",
                hint="write more of the name, or the id",
            )
        recent = [each.name for each in self.records.metadata.runs(RunQuery(limit=_PAGE))]
        if not recent:
            return NotFoundError(
                f"no run {reference!r}: nothing has run on stack {self.stack.name!r} yet",
                hint="run a pipeline first: `dovetail run FILE`",
            )
        near = did_you_mean(reference, recent) or ""
        listing = "`dovetail run list` lists them"
        return NotFoundError(f"no run {reference!r}", hint=near if near.startswith("did") else listing)

    def delete_run(self, reference: str) -> None:
        """Forget a run, with its logs; artifacts stay until they are pruned.

        Raises:
            NotFoundError: no run fits, or several do.
            ConflictError: it is running.
        """
        delete_run(self.run(reference))

    def view_run(self, record: RunRecord) -> RunView:
        """Return the view of a recorded run."""
        return RunView(self.records, record)

    def artifact(self, reference: str) -> ArtifactView:
        """Return one artifact, by its id or the beginning of one that fits no other.

        Raises:
            NotFoundError: no artifact fits, or several do.
        """
        store = self.records.metadata
        found = list(store.artifacts_by_id([reference]).values())
        if not found and reference:
            found = store.artifacts(ArtifactQuery(prefix=reference, limit=2))
        if len(found) != 1:
            what = "several artifacts begin with" if found else "no artifact"
            raise NotFoundError(f"{what} {reference!r}", hint="`dovetail artifact list` lists them")
        return ArtifactView(self.records, found[0])

    def artifacts(
        self,
        *,
        run: str | None = None,
        step: str | None = None,
        output: str | None = None,
        type: str | None = None,  # noqa: A002 - what it is called everywhere else
        pipeline: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ArtifactView]:
        """Yield the artifacts that runs have made, newest first, fetched while they are iterated over.

        `run` is a reference to a run, as `run()` takes it; `before` is the id of an artifact.
        """
        query = ArtifactQuery(
            run_id=None if run is None else self.run(run).id,
            step=step,
            output=output,
            type=type,
            pipeline=pipeline,
            before=before,
            limit=_PAGE if limit is None else min(_PAGE, limit),
        )
        return islice(self._artifacts(query), limit)

    def _artifacts(self, query: ArtifactQuery) -> Iterator[ArtifactView]:
        while True:
            page = self.records.metadata.artifacts(query)
            yield from (ArtifactView(self.records, each) for each in page)
            if len(page) < query.limit:
                return
            query = replace(query, before=page[-1].id)

    def close(self) -> None:
        """Close the stores that were opened for this client."""
        self.records.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        return f"<client of stack {self.stack.name!r}>"
