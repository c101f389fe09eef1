"""Decisions made in one bulk act share a number, so that one undo takes back all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("decisions", sa.Column("batch", sa.String()))


def downgrade() -> None:
    raise NotImplementedError("Going back would lose decisions: put back a copy of the database instead.")
