"""An edition has a digest of what it holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; editions of before have none."""
    op.add_column("editions", sa.Column("digest", sa.String(64)))
