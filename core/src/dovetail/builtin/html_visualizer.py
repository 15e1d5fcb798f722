"""The visualizer of self-contained pages: a run or an artifact as one HTML file that needs nothing else."""

from __future__ import annotations

from typing import Any

from dovetail.builtin.page.artifact_page import artifact_page
from dovetail.builtin.page.run_page import run_page
from dovetail.builtin.page.snapshot import (
    ArtifactSnapshot,
    RunSnapshot,
    snapshot_artifact,
    snapshot_run,
)
from dovetail.plugin import ComponentConfig, Picture, UsageError, Visualizer


class HtmlVisualizerConfig(ComponentConfig):
    """There is nothing to set: a page follows the light or dark scheme of whoever reads it."""


class HtmlVisualizer(Visualizer):
    """Draw runs and artifacts as HTML: no script, no request, every text escaped, same subject same bytes."""

    config_class = HtmlVisualizerConfig

    def draw(self, subject: Any, value: Any = None) -> Picture:  # noqa: ANN401 - any record, any value
        """Draw a run or an artifact of `dovetail.client`, or a snapshot of one.

        Raises:
            UsageError: it is neither.
        """
        if isinstance(subject, RunSnapshot):
            page = run_page(subject)
        elif isinstance(subject, ArtifactSnapshot):
            page = artifact_page(subject, value)
        elif hasattr(subject, "steps") and hasattr(subject, "pipeline"):
            page = run_page(snapshot_run(subject))
        elif hasattr(subject, "digest") and hasattr(subject, "step"):
            page = artifact_page(snapshot_artifact(subject), value)
        else:
            raise UsageError(
                f"a {type(subject).__module__}.{type(subject).__qualname__} cannot be drawn",
                hint="give a run or an artifact of dovetail.Client",
            )
        return Picture("text/html; charset=utf-8", page.encode("utf-8"))
