"""A metadata store in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_metadata_stores() -> Iterator[Flavor]:
    """Announce the store."""
    yield Flavor(
        "postgresql",
        contract=1,
        config="dovetail_postgresql.settings:PostgresqlMetadataStoreConfig",
        implementation="dovetail_postgresql.store:PostgresqlMetadataStore",
        summary="runs of many hosts in one PostgreSQL database",
    )
