"""Bring an older schema up to date; the only module that imports alembic, loaded when there is need."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from dovetail.components.sql.schema import Schema


def upgrade(connection: Connection, schema: Schema) -> None:
    """Run the missing migrations in the transaction that `connection` is in."""
    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["tables"] = schema.tables
    command.upgrade(config, schema.revision)
