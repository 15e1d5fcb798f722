"""Sessions: a run that is resumed has worked in several, and took as long as all of them together."""

from __future__ import annotations

from typing import Any

from dovetail.components.metadata_store import MetadataStore
from dovetail.records.report import Reason
from dovetail.records.run import AttemptRecord, RunRecord

SESSION = "session"
"""Where the options of a resumed run say when its last session began, and how long those before it worked."""
_SECOND = 1_000_000


def session(began: int, earlier: float) -> dict[str, Any]:
    """Return what the options of a run say of the session that begins."""
    return {SESSION: {"began": began, "earlier": earlier}}


def worked(run: RunRecord, metadata: MetadataStore) -> float:
    """Return how many seconds the sessions of a run have worked that are over.

    One that died counts up to the last that is recorded of it: ask when its reports have been taken in.
    """
    if run.finished is not None:
        return run.duration or 0.0
    said = run.options.get(SESSION, {})
    began: int = said.get("began", run.started)
    last = max(map(_last, metadata.attempts(run.id)), default=began)
    return float(said.get("earlier", 0.0)) + max(0, last - began) / _SECOND


def _last(attempt: AttemptRecord) -> int:
    """Return when the attempt was last heard of; that it is lost was found out much later."""
    lost = attempt.reason == Reason.LOST.value
    return attempt.started if lost or attempt.finished is None else attempt.finished
