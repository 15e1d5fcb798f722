"""The order of the pages: a new page appears in its section without being listed anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Pages that are read one after the other come first; those not named follow by name.
FIRST = (
    "index.md",
    "getting-started.md",
    "steps-and-pipelines.md",
    "running.md",
    "caching.md",
    "artifacts-and-materializers.md",
    "results.md",
    "stacks.md",
    "images.md",
    "step-operators.md",
    "secrets.md",
    "notebooks.md",
    "plugins.md",
    "guarantees.md",
)
SECTIONS = {"Contracts": "contracts", "Reference": "reference", "Decisions": "decisions"}


def on_config(config: Any) -> Any:  # noqa: ANN401 - mkdocs ships no types
    """Called by mkdocs once the settings are read."""
    docs = Path(config["docs_dir"])
    found = {page.name for page in docs.glob("*.md")}
    guides = [*(name for name in FIRST if name in found), *sorted(found - set(FIRST))]
    config["nav"] = [*guides]
    for title, folder in SECTIONS.items():
        pages = sorted(f"{folder}/{page.name}" for page in (docs / folder).glob("*.md"))
        if folder == "reference":
            pages.insert(0, "reference/cli.md")
        if pages:
            config["nav"].append({title: sorted(pages, key=lambda page: not page.endswith("README.md"))})
    return config
