"""Limits a person: who made a project, who brought which texts; whose turn it is in the queue, and which jobs are light."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("projects", sa.Column("created_by", sa.String()))
    op.add_column("uploads", sa.Column("person", sa.String()))
    op.add_column("uploads", sa.Column("bytes", sa.BigInteger()))
    op.add_column("jobs", sa.Column("light", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "turns",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("lane", sa.String(), primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("Going back would lose who made what: put back a copy of the database instead.")
