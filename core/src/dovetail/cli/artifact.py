"""`dovetail artifact list|show|verify|prune|export|import`: what steps have made."""

from __future__ import annotations

from dovetail.cli.lazy import LazyGroup

group = LazyGroup(
    "artifact",
    help="List, show, verify, prune, export and import what steps have made.",
    verbs={
        "list": ("dovetail.cli.artifact_queries:list_artifacts", "List artifacts, newest first."),
        "show": ("dovetail.cli.artifact_queries:show", "Show an artifact: files, origin, readers."),
        "verify": ("dovetail.cli.artifact_verify:verify", "Check files against their sizes and digests."),
        "prune": ("dovetail.cli.artifact_prune:prune", "Remove what no run refers to."),
        "export": ("dovetail.cli.artifact_transfer:export_artifacts", "Write artifacts to an archive."),
        "import": ("dovetail.cli.artifact_transfer:import_artifacts", "Take in artifacts of an archive."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
