"""The first schema: plans, leases, runs, step runs, attempts, artifacts with their links, and metrics."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

_OPTIONS: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def _short(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _long() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(2**32 - 1), "mysql", "mariadb")


def _counter() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("sequence", kind, primary_key=True, autoincrement=True)


def _text(name: str, length: int, **options: Any) -> sa.Column[str]:
    return sa.Column(name, _short(length), **{"nullable": False, **options})


def _key(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, _short(length), primary_key=True)


def _body(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, _long(), **{"nullable": False, **options})


def _number(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), **{"nullable": False, **options})


def _times(*, started: bool) -> list[sa.Column[Any]]:
    return [
        _number("started", nullable=not started),
        _number("finished", nullable=True),
        sa.Column("duration", sa.Double()),
    ]


def upgrade() -> None:
    """Make all tables."""
    _plans_and_leases()
    _runs()
    _steps()
    _artifacts()
    _metrics()


def _plans_and_leases() -> None:
    op.create_table("plans", _key("digest", 80), _body("content"), **_OPTIONS)
    op.create_table(
        "leases", _key("run_id", 32), _number("epoch"), _text("owner", 255), _number("taken"), **_OPTIONS
    )


def _runs() -> None:
    op.create_table(
        "runs",
        _counter(),
        _text("id", 32),
        _text("name", 200),
        _text("pipeline", 100),
        _text("plan_digest", 80),
        _text("status", 16),
        _number("epoch"),
        *_times(started=True),
        _text("code_commit", 80, nullable=True),
        sa.Column("dirty", sa.SmallInteger()),
        _text("host", 255),
        _text("parent", 32, nullable=True),
        _body("source_root"),
        _body("stack"),
        _body("versions"),
        _body("options"),
        _body("error", nullable=True),
        sqlite_autoincrement=True,
        **_OPTIONS,
    )
    op.create_index("runs_id", "runs", ["id"], unique=True)
    op.create_index("runs_name", "runs", ["name", "sequence"])
    op.create_index("runs_pipeline", "runs", ["pipeline", "sequence"])
    op.create_index("runs_pipeline_status", "runs", ["pipeline", "status", "sequence"])
    op.create_index("runs_status", "runs", ["status", "sequence"])
    op.create_index("runs_plan", "runs", ["plan_digest"])


def _steps() -> None:
    op.create_table(
        "step_runs",
        _counter(),
        _text("run_id", 32),
        _text("step", 200),
        _text("status", 16),
        _text("cache_key", 80),
        *_times(started=False),
        _number("attempts"),
        _text("cached_from", 32, nullable=True),
        _body("inputs"),
        _body("outputs"),
        _body("parameters"),
        _body("error", nullable=True),
        **_OPTIONS,
    )
    op.create_index("step_runs_step", "step_runs", ["run_id", "step"], unique=True)
    op.create_index("step_runs_key", "step_runs", ["cache_key", "status", "sequence"])
    op.create_table(
        "attempts",
        _counter(),
        _text("id", 32),
        _text("run_id", 32),
        _text("step", 200),
        _number("number"),
        _text("status", 16),
        *_times(started=True),
        _text("reason", 32, nullable=True),
        _body("error", nullable=True),
        _body("traceback", nullable=True),
        _body("log", nullable=True),
        **_OPTIONS,
    )
    op.create_index("attempts_id", "attempts", ["id"], unique=True)
    op.create_index("attempts_step", "attempts", ["run_id", "step", "sequence"])


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        _key("id", 32),
        _text("run_id", 32),
        _text("pipeline", 100),
        _text("step", 200),
        _text("output", 200),
        _text("type_prefix", 200),
        _body("type"),
        _body("materializer"),
        _text("digest", 80),
        _number("size"),
        _body("files"),
        _body("summary"),
        _body("metadata"),
        _number("created"),
        **_OPTIONS,
    )
    op.create_index("artifacts_run", "artifacts", ["run_id", "id"])
    op.create_index("artifacts_pipeline", "artifacts", ["pipeline", "id"])
    op.create_index("artifacts_type", "artifacts", ["type_prefix", "id"])
    op.create_table(
        "links",
        _key("artifact_id", 32),
        _key("run_id", 32),
        _key("step", 200),
        _key("kind", 8),
        _key("name", 200),
        sqlite_with_rowid=False,
        **_OPTIONS,
    )


def _metrics() -> None:
    op.create_table(
        "metrics",
        _counter(),
        _text("run_id", 32),
        _text("step", 200),
        _body("name"),
        sa.Column("value", sa.Double()),
        sa.Column("special", _short(4)),
        _number("step_index", nullable=True),
        _number("time"),
        **_OPTIONS,
    )
    op.create_index("metrics_step", "metrics", ["run_id", "step", "sequence"])
