"""Guidelines, people and their roles, leases, places, second opinions; what a reader needs to fetch only news."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), primary_key=True)


def _project() -> sa.Column[Any]:
    return sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), **options)


def upgrade() -> None:
    op.create_table(
        "guidelines",
        _project(),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON()),
        sa.Column("examples", sa.JSON()),
        sa.Column("note", sa.Text()),
        _text("author"),
        _text("created_at"),
    )
    op.create_table("people", _key("name"), _text("role", nullable=False), _text("added_by"), _text("added_at"))
    op.create_table(
        "leases",
        _project(),
        _key("example_id"),
        _text("holder", nullable=False),
        _text("person"),
        sa.Column("until", sa.Float(), nullable=False),
    )
    op.create_table("places", _project(), _key("person"), _text("page"), _text("item"), _text("at"))
    op.add_column("decisions", sa.Column("purpose", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_decisions_example", "decisions", ["project_id", "example_id", "seq"])
    op.create_index("ix_decisions_undoes", "decisions", ["undoes"])
    op.add_column("flip_checks", sa.Column("touched", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_checks_touched", "flip_checks", ["project_id", "touched"])
    op.create_index("ix_cf_position", "counterfactuals", ["project_id", "position"])
    op.create_index("ix_examples_position", "examples", ["project_id", "position"])


def downgrade() -> None:
    raise NotImplementedError("Going back would lose decisions: put back a copy of the database instead.")
