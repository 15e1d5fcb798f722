"""The base of every metadata store that keeps its facts in a relational database."""

from dovetail.components.sql.schema import SCHEMA, Schema
from dovetail.components.sql.server import ServerMetadataStore
from dovetail.components.sql.store import Hold, SqlLease, SqlMetadataStore

__all__ = ["SCHEMA", "Hold", "Schema", "ServerMetadataStore", "SqlLease", "SqlMetadataStore"]
