"""The request that a run ends, which another process leaves for the run's launcher to find."""

from __future__ import annotations

from typing import Literal

from dovetail.records.record import Record
from dovetail.records.report import run_directory


class EndRequest(Record):
    """Who wants a run to end, and since when. `insist` means at once, without the grace time.

    It holds for the epoch it names: who resumes a run begins without a request.
    """

    format: Literal[1]
    run_id: str
    epoch: int
    insist: bool = False
    asked: int
    host: str = ""


def request_path(run_id: str, epoch: int, *, insist: bool = False) -> str:
    """Return where a request lies in any artifact store."""
    return f"{run_directory(run_id)}/requests/cancel-{epoch}{'-now' if insist else ''}.json"
