"""Texts that a person corrected, took out or put back: who and when, with the row as it was. Append-only, as decisions are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "text_changes",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("example_id", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("annotator", sa.String(), nullable=False),
        sa.Column("changed_at", sa.String()),
        sa.Column("undoes", sa.Integer()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_text_changes_project", "text_changes", ["project_id", "seq"])


def downgrade() -> None:
    raise NotImplementedError("Going back would lose texts that were taken out: put back a copy of the database instead.")
