"""A metadata store in MySQL or MariaDB."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_metadata_stores() -> Iterator[Flavor]:
    """Announce the store."""
    yield Flavor(
        "mysql",
        contract=1,
        config="dovetail_mysql.settings:MysqlMetadataStoreConfig",
        implementation="dovetail_mysql.store:MysqlMetadataStore",
        summary="runs of many hosts in one MySQL or MariaDB database",
    )
