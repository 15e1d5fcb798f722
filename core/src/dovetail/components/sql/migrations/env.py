"""What alembic executes: run the migrations on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["tables"],
    render_as_batch=True,
)
context.run_migrations()
