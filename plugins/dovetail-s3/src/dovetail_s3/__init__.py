"""An artifact store on S3 and what speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_artifact_stores() -> Iterator[Flavor]:
    """Announce the store."""
    yield Flavor(
        "s3",
        contract=1,
        config="dovetail_s3.settings:S3ArtifactStoreConfig",
        implementation="dovetail_s3.store:S3ArtifactStore",
        summary="a bucket of S3, or of anything that speaks its protocol",
    )
