"""What Alembic runs: the revisions, over the connection that `migrations` gave it, all in its one transaction."""

from __future__ import annotations

from alembic import context

from assistant.library.tables import REVISION, SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    version_table=REVISION.name,
    render_as_batch=True,
)
context.run_migrations()
