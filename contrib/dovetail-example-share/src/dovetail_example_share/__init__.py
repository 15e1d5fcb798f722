"""Artifacts in a directory that several machines mount."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_artifact_stores() -> Iterator[Flavor]:
    """Announce the store. Texts only: this module is imported after every installation."""
    yield Flavor(
        "share",
        contract=1,
        config="dovetail_example_share.settings:ShareConfig",
        implementation="dovetail_example_share.share:Share",
        summary="a directory that several machines mount at the same place",
    )
