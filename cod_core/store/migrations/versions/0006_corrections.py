"""Corrections of labels: who corrected which label when, or said that the teacher is wrong. Append-only, as decisions are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "label_corrections",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        sa.Column("example_id", sa.String(), nullable=False),
        sa.Column("old_label", sa.String(), nullable=False),
        sa.Column("new_label", sa.String()),
        sa.Column("annotator", sa.String(), nullable=False),
        sa.Column("corrected_at", sa.String()),
        sa.Column("undoes", sa.Integer()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_corrections_project", "label_corrections", ["project_id", "seq"])


def downgrade() -> None:
    raise NotImplementedError("Going back would lose corrections: put back a copy of the database instead.")
