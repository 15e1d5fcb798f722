"""Alerters: messages to people, and questions that people answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class Alert:
    """What people are told: a title, a text (plain, several lines allowed), and where it comes from.

    `level` is `info`, `warning` or `error`. `fields` are short facts that a service may show as a table,
    `link` a place to look at.
    """

    title: str
    text: str = ""
    level: str = "info"
    run_id: str | None = None
    step: str | None = None
    link: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """What became of a question."""

    APPROVED = "approved"
    REFUSED = "refused"
    TIMED_OUT = "timed out"


class Alerter(Component):
    """Posts to people and asks them.

    An implementation owes:

    1. `post` returns whether the message was taken, within `timeout` seconds, and raises nothing for a
       service that is down, slow or refuses: a run never fails for it.
    2. A message is posted once; where the service cannot tell, at least once.
    3. `ask` returns approved or refused only for an answer to this question by a person; anything that is
       neither, or no answer in time, is `timed out`. What it gates goes on only when approved.
    4. A service that cannot be asked raises StoreError from `ask`, at once.
    5. Text is sent as text: what looks like markup, mentions or commands of the service has no effect.
    6. Credentials are in no message and no error.
    """

    type: ClassVar[str] = "alerter"
    asks: ClassVar[bool] = False
    """Whether people can answer through it."""

    @abstractmethod
    def post(self, alert: Alert, timeout: float = 10.0) -> bool:
        """Send a message; say whether it was taken."""

    @abstractmethod
    def ask(self, alert: Alert, timeout: float) -> Verdict:
        """Put a question and wait at most `timeout` seconds for its answer."""
