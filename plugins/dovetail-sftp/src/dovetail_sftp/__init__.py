"""Artifacts on servers that speak SFTP."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_artifact_stores() -> Iterator[Flavor]:
    """Announce the store."""
    yield Flavor(
        "sftp",
        contract=1,
        config="dovetail_sftp.settings:SftpArtifactStoreConfig",
        implementation="dovetail_sftp.artifact_store:SftpArtifactStore",
        summary="a folder on any server that speaks SFTP; host keys are checked",
    )
