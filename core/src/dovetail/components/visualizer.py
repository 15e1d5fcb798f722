"""Visualizers: a record, and where there is one its loaded value, as something to look at."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from dovetail.components.component import Component


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes with their media type; text in it is escaped, and it asks nothing of any other host."""

    media_type: str
    data: bytes


class Visualizer(Component):
    """Draws runs and artifacts.

    An implementation owes:

    1. The same subject gives the same bytes.
    2. Every text that came from a user or a plugin is escaped.
    3. The result needs no further request: no script, style, font or image from elsewhere.
    4. A subject that it cannot draw is refused with UsageError.
    5. Another run, another artifact or another value gives another picture, of the media type it states.
    """

    type: ClassVar[str] = "visualizer"

    @abstractmethod
    def draw(self, subject: Any, value: Any = None) -> Picture:  # noqa: ANN401 - any record, any value
        """Draw a `dovetail.client` run or artifact; `value` is the artifact's loaded value, if wanted."""
