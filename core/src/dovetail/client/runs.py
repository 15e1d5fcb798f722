"""Runs in pages, and the pipelines they are runs of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from dovetail.client.records import Records
from dovetail.client.views import RunView
from dovetail.components.metadata_store import RunQuery
from dovetail.errors import UsageError
from dovetail.records.record import moment

_PAGE = 100


class Runs:
    """Runs, newest first, fetched page by page as they are iterated over.

    `runs[0]` is the last run. There is no counting from the end: the oldest run is seldom meant.
    """

    def __init__(self, records: Records, query: RunQuery, limit: int | None = None) -> None:
        self._records = records
        self._query = query
        self._limit = limit

    def __iter__(self) -> Iterator[RunView]:
        return islice(self._pages(), self._limit)

    def _pages(self) -> Iterator[RunView]:
        size = _PAGE if self._limit is None else min(_PAGE, self._limit)
        before = self._query.before
        while True:
            page = self._records.metadata.runs(replace(self._query, before=before, limit=size))
            yield from (RunView(self._records, each) for each in page)
            if len(page) < size:
                return
            before = page[-1].sequence

    def __getitem__(self, index: int) -> RunView:
        if index < 0:
            raise UsageError(
                f"runs[{index}] counts from the end, which is the oldest run",
                hint="the newest run comes first: runs[0]",
            )
        for each in islice(self, index, None):
            return each
        raise IndexError(f"there are no {index + 1} runs")

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __repr__(self) -> str:
        shown = [repr(each) for each in islice(self, 3)]
        return f"[{', '.join(shown)}{', ...' if len(shown) > 2 else ''}]"  # noqa: PLR2004 - two are shown whole


class PipelineView:
    """A pipeline that has run: its name, how often, and its runs."""

    def __init__(self, records: Records, name: str, count: int, last: int) -> None:
        self._records = records
        self.name = name
        self.count = count
        self.last_started = moment(last)

    @property
    def runs(self) -> Runs:
        """The runs of the pipeline, newest first."""
        return Runs(self._records, RunQuery(pipeline=self.name))

    @property
    def last_run(self) -> RunView:
        """The newest run."""
        return self.runs[0]

    def __repr__(self) -> str:
        return f"<pipeline {self.name!r}, {self.count} run{'' if self.count == 1 else 's'}>"
