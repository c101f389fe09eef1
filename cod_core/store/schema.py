"""The tables. Migrations make them; this file says what they are. No column ever holds a key."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()


def _project() -> Column[Any]:
    return Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)


projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("task", JSON, nullable=False),
    Column("teacher", JSON),
    Column("settings", JSON, nullable=False),
    Column("created_at", String, nullable=False),
    Column("archived_at", String),
    Column("created_by", String),  # None: at the command line, or before this was kept
)
uploads = Table(
    "uploads",
    metadata,
    _project(),
    Column("sha256", String, primary_key=True),
    Column("name", String),
    Column("role", String),
    Column("rows", Integer),
    Column("created_at", String),
    Column("person", String),  # whose allowance the rows and bytes count to
    Column("bytes", BigInteger),
)
examples = Table(
    "examples",
    metadata,
    _project(),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_hash", String, nullable=False),
    Column("label", String),
    Column("split", String, nullable=False),
    Column("source_id", String),
    Column("metadata", JSON),
    Index("ix_examples_split", "project_id", "split", "position"),
    Index("ix_examples_hash", "text_hash"),
    Index("ix_examples_position", "project_id", "position"),
)
counterfactuals = Table(
    "counterfactuals",
    metadata,
    _project(),
    Column("id", String, primary_key=True),
    Column("example_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_hash", String, nullable=False),
    Column("source", String),
    Column("target", String),
    Column("origin", JSON),
    Column("raw_reply", Text),
    Column("derived_from", String),
    Column("note", Text),
    Column("created_at", String),
    Index("ix_cf_example", "project_id", "example_id"),
    Index("ix_cf_hash", "text_hash"),
    Index("ix_cf_position", "project_id", "position"),
)
flip_checks = Table(
    "flip_checks",
    metadata,
    _project(),
    Column("counterfactual_id", String, primary_key=True),
    Column("teacher_id", String, primary_key=True),
    Column("teacher_revision", String, primary_key=True),
    Column("before", JSON),
    Column("after", JSON),
    Column("target", String),
    Column("token_edits", Integer),
    Column("edit_fraction", Float),
    Column("char_edits", Integer),
    Column("similarity", Float),
    Column("truncated", Boolean),
    Column("checked_at", String),
    Column("touched", Integer, nullable=False, server_default="0"),  # grows with every write of the project's verdicts
    Column("shift", Float),
    Index("ix_checks_touched", "project_id", "touched"),
)
decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("counterfactual_id", String, nullable=False),
    Column("example_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("annotator", String, nullable=False),
    Column("reasons", JSON),
    Column("override_reason", Text),
    Column("comment", Text),
    Column("decided_at", String),
    Column("lead_time_s", Float),
    Column("guideline_version", Integer),
    Column("undoes", Integer),
    Column("batch", String),
    Column("purpose", String, nullable=False, server_default=""),
    Index("ix_decisions_project", "project_id", "seq"),
    Index("ix_decisions_undoes", "undoes"),
    Index("ix_decisions_example", "project_id", "example_id", "seq"),
    sqlite_autoincrement=True,
)
label_corrections = Table(  # new_label: NULL where a person confirmed the old one
    "label_corrections",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("example_id", String, nullable=False),
    Column("old_label", String, nullable=False),
    Column("new_label", String),
    Column("annotator", String, nullable=False),
    Column("corrected_at", String),
    Column("undoes", Integer),
    Index("ix_corrections_project", "project_id", "seq"),
    sqlite_autoincrement=True,
)
text_changes = Table(  # change: corrected, removed, restored. row: the text's columns before it
    "text_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("example_id", String, nullable=False),
    Column("change", String, nullable=False),
    Column("row", JSON, nullable=False),
    Column("annotator", String, nullable=False),
    Column("changed_at", String),
    Column("undoes", Integer),
    Index("ix_text_changes_project", "project_id", "seq"),
    sqlite_autoincrement=True,
)
drafts = Table(
    "drafts",
    metadata,
    _project(),
    Column("example_id", String, primary_key=True),
    Column("annotator", String, primary_key=True),
    Column("base_id", String),
    Column("text", Text),
    Column("saved_at", String),
)
predictions = Table(
    "predictions",
    metadata,
    Column("classifier_id", String, primary_key=True),
    Column("revision", String, primary_key=True),
    Column("text_hash", String, primary_key=True),
    Column("logprobs", JSON, nullable=False),
)
embeddings = Table(
    "embeddings",
    metadata,
    Column("encoder_id", String, primary_key=True),
    Column("text_hash", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)
replies = Table(
    "replies",
    metadata,
    Column("key", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("reply", JSON),
    Column("created_at", String),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("params", JSON),
    Column("state", String, nullable=False),
    Column("done", Integer),
    Column("total", Integer),
    Column("message", Text),
    Column("heartbeat", Float),
    Column("cancel", Boolean),
    Column("pid", Integer),
    Column("result", JSON),
    Column("error", Text),
    Column("created_at", Float),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("actor", JSON),
    Column("light", Boolean, nullable=False, server_default=false()),  # waits for somebody else's machine most of its time
)
turns = Table(  # when a job of this person was last begun, light ones and others apart
    "turns",
    metadata,
    Column("person", String, primary_key=True),
    Column("lane", String, primary_key=True),
    Column("at", Float, nullable=False),
)
runs = Table(
    "runs",
    metadata,
    _project(),
    Column("run_id", String, primary_key=True),
    Column("config", JSON),
    Column("result", JSON),
    Column("created_at", String),
)
guidelines = Table(
    "guidelines",
    metadata,
    _project(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("reasons", JSON),
    Column("examples", JSON),
    Column("note", Text),
    Column("author", String),
    Column("created_at", String),
)
people = Table(
    "people",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("added_by", String),
    Column("added_at", String),
    Column("issuer", String),
    Column("subject", String),
    Column("removed_at", String),
    Column("not_before", Float),
)
leases = Table(
    "leases",
    metadata,
    _project(),
    Column("example_id", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("person", String),
    Column("until", Float, nullable=False),
)
places = Table(
    "places",
    metadata,
    _project(),
    Column("person", String, primary_key=True),
    Column("page", String),
    Column("item", String),
    Column("at", String),
)
