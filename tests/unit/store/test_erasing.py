"""What is erased is gone from the database's files, or the caller is told that it may not be."""

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from cod_core.store import database, items, projects
from cod_core.types import Example, Task

MARK = "zebrafishmark"


@pytest.fixture
def pid(db):
    pid = projects.create_project(db, f"About {MARK}", Task("Good or bad?", ("good", "bad")))
    long = f" {MARK} is a fish of the order." * 200  # beyond what a row holds: PostgreSQL keeps it elsewhere
    items.add_examples(db, pid, [Example(f"e{i}", f"{MARK} {i}." + (long if i % 10 == 0 else ""), "good") for i in range(900)])
    other = projects.create_project(db, "Another", Task("Good or bad?", ("good", "bad")))  # a table that ends in free room is cut short
    items.add_examples(db, other, [Example(f"o{i}", f"A text of another project, number {i}.", "bad") for i in range(50)])
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
            connection.commit()
    return pid


def files(db) -> list[Path]:
    url = make_url(str(db.engine.url))
    if url.get_backend_name() == "sqlite":
        return [path for path in Path(url.database).parent.iterdir() if path.is_file()]
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar()
    return [path for path in (Path(url.query["host"]) / "data" / "base" / str(number)).iterdir() if path.is_file()]


def marks(db) -> int:
    return sum(path.read_bytes().count(MARK.encode()) for path in files(db))


def test_no_mark_of_an_erased_project_is_left_in_the_files(db, pid):
    """Prevents (proven): PostgreSQL kept 876 of 902 marks, for a VACUUM frees room and overwrites nothing."""
    assert marks(db) > 800, "PostgreSQL packs long texts"
    assert projects.delete_project(db, pid) == ""
    assert marks(db) == 0


def test_who_reads_meanwhile_is_told_of(db, pid, monkeypatch):
    """Prevents (proven): SQLite's log keeps everything while somebody reads, and success was said."""
    monkeypatch.setattr(database, "FORGET_S", 0.5)
    with db.read() as reader:
        assert reader.execute(text("SELECT count(*) FROM examples")).scalar() == 950
        assert "may be left" in projects.delete_project(db, pid)
        assert marks(db) > 0
    assert [p.name for p in projects.list_projects(db)] == ["Another"]
    assert projects.forget(db) == "" and marks(db) == 0, "tried again it is done"
