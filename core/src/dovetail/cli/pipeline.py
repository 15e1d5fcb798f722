"""`dovetail pipeline list|show|compile`: pipelines that have run, and plans of those that may."""

from __future__ import annotations

from dovetail.cli.lazy import LazyGroup

group = LazyGroup(
    "pipeline",
    help="Compile pipelines, and list those that have run.",
    verbs={
        "list": ("dovetail.cli.pipeline_queries:list_pipelines", "List the pipelines that have run."),
        "show": ("dovetail.cli.pipeline_queries:show", "Show a pipeline and its newest runs."),
        "compile": ("dovetail.cli.pipeline_compile:command", "Compile a pipeline to a plan."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
