"""The first schema. Never edited: a later change is a migration of its own."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), **options)


def _project(**options: Any) -> sa.Column[Any]:
    return sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id", ondelete="CASCADE"), **options)


def _key(name: str) -> sa.Column[Any]:
    return _text(name, primary_key=True)


def upgrade() -> None:
    op.create_table(
        "projects",
        _key("id"),
        _text("name", nullable=False),
        sa.Column("task", sa.JSON(), nullable=False),
        sa.Column("teacher", sa.JSON()),
        sa.Column("settings", sa.JSON(), nullable=False),
        _text("created_at", nullable=False),
        _text("archived_at"),
    )
    op.create_table(
        "uploads",
        _project(primary_key=True),
        _key("sha256"),
        _text("name"),
        _text("role"),
        sa.Column("rows", sa.Integer()),
        _text("created_at"),
    )
    op.create_table(
        "examples",
        _project(primary_key=True),
        _key("id"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _text("text_hash", nullable=False),
        _text("label"),
        _text("split", nullable=False),
        _text("source_id"),
        sa.Column("metadata", sa.JSON()),
    )
    op.create_index("ix_examples_split", "examples", ["project_id", "split", "position"])
    op.create_index("ix_examples_hash", "examples", ["text_hash"])
    op.create_table(
        "counterfactuals",
        _project(primary_key=True),
        _key("id"),
        _text("example_id", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _text("text_hash", nullable=False),
        _text("source"),
        _text("target"),
        sa.Column("origin", sa.JSON()),
        sa.Column("raw_reply", sa.Text()),
        _text("derived_from"),
        sa.Column("note", sa.Text()),
        _text("created_at"),
    )
    op.create_index("ix_cf_example", "counterfactuals", ["project_id", "example_id"])
    op.create_index("ix_cf_hash", "counterfactuals", ["text_hash"])
    op.create_table(
        "flip_checks",
        _project(primary_key=True),
        _key("counterfactual_id"),
        _key("teacher_id"),
        _key("teacher_revision"),
        sa.Column("before", sa.JSON()),
        sa.Column("after", sa.JSON()),
        _text("target"),
        sa.Column("token_edits", sa.Integer()),
        sa.Column("edit_fraction", sa.Float()),
        sa.Column("char_edits", sa.Integer()),
        sa.Column("similarity", sa.Float()),
        sa.Column("truncated", sa.Boolean()),
        _text("checked_at"),
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        _project(nullable=False),
        _text("counterfactual_id", nullable=False),
        _text("example_id", nullable=False),
        _text("status", nullable=False),
        _text("annotator", nullable=False),
        sa.Column("reasons", sa.JSON()),
        sa.Column("override_reason", sa.Text()),
        sa.Column("comment", sa.Text()),
        _text("decided_at"),
        sa.Column("lead_time_s", sa.Float()),
        sa.Column("guideline_version", sa.Integer()),
        sa.Column("undoes", sa.Integer()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_project", "decisions", ["project_id", "seq"])
    op.create_table(
        "drafts",
        _project(primary_key=True),
        _key("example_id"),
        _key("annotator"),
        _text("base_id"),
        sa.Column("text", sa.Text()),
        _text("saved_at"),
    )
    op.create_table(
        "predictions", _key("classifier_id"), _key("revision"), _key("text_hash"), sa.Column("logprobs", sa.JSON(), nullable=False)
    )
    op.create_table("embeddings", _key("encoder_id"), _key("text_hash"), sa.Column("vector", sa.LargeBinary(), nullable=False))
    op.create_table("replies", _key("key"), _project(), sa.Column("reply", sa.JSON()), _text("created_at"))
    op.create_table(
        "jobs",
        _key("id"),
        _project(nullable=False),
        _text("kind", nullable=False),
        sa.Column("params", sa.JSON()),
        _text("state", nullable=False),
        sa.Column("done", sa.Integer()),
        sa.Column("total", sa.Integer()),
        sa.Column("message", sa.Text()),
        sa.Column("heartbeat", sa.Float()),
        sa.Column("cancel", sa.Boolean()),
        sa.Column("pid", sa.Integer()),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.Float()),
        sa.Column("started_at", sa.Float()),
        sa.Column("finished_at", sa.Float()),
    )
    op.create_table(
        "runs",
        _project(primary_key=True),
        _key("run_id"),
        sa.Column("config", sa.JSON()),
        sa.Column("result", sa.JSON()),
        _text("created_at"),
    )


def downgrade() -> None:
    raise NotImplementedError("Going back would lose decisions: put back a copy of the database instead.")
