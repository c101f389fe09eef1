"""Opening, migrating, writing in turns, failing in plain words."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from cod_core.errors import CodError, Stale
from cod_core.roles import Actor
from cod_core.store import items, projects, schema
from cod_core.store.database import HEAD, Database, _begin, _engine, _pragmas, open_database
from cod_core.types import Example, Task
from tests import postgres

TASK = Task("sentiment", ("good", "bad"))


def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'cod.db'}"


def bare(address: str) -> Database:
    """The database as it is, without a migration."""
    engine = _engine(address, address.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _begin)
    return Database(engine)


def test_migrations_build_exactly_the_declared_tables(database_url):
    """A column declared but never migrated fails only on the first machine that was installed earlier."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from cod_core.store.database import _MIGRATIONS

    db = open_database(database_url)
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    assert ScriptDirectory(str(_MIGRATIONS)).get_current_head() == HEAD


def test_a_database_of_the_first_version_keeps_its_decisions(database_url):
    """An update of the app must never cost a person's work."""
    from cod_core.store import decisions
    from cod_core.store.database import _migrate

    empty = database_url if database_url.startswith("sqlite") else postgres.new_database(empty=True)
    old = bare(empty)
    _migrate(old, "0001")
    with old.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO projects (id, name, task, teacher, settings, created_at)
            VALUES ('p', 'old', :task, 'null', '{}', '2025-01-01T00:00:00Z')"""),
            {"task": '{"name":"t","labels":["a","b"],"descriptions":[],"guideline_version":1}'},
        )
        connection.execute(
            text("""
            INSERT INTO decisions (project_id, counterfactual_id, example_id, status, annotator, reasons)
            VALUES ('p', 'c', 'e', 'accepted', 'me', '[]')""")
        )
    old.engine.dispose()
    db = open_database(empty)
    assert [(d.status, d.purpose) for d in decisions.log(db, "p")] == [("accepted", "")]
    assert projects.get_project(db, "p").task.labels == ("a", "b")
    db.engine.dispose()


def test_people_and_jobs_from_before_accounts_are_kept_come_along(database_url):
    """An update that lost the list of people would lock a team out, or let everybody in."""
    from cod_core.jobs import queue
    from cod_core.store import people
    from cod_core.store.database import _migrate

    empty = database_url if database_url.startswith("sqlite") else postgres.new_database(empty=True)
    old = bare(empty)
    _migrate(old, "0004")
    with old.begin() as connection:
        connection.execute(text("INSERT INTO people (name, role) VALUES ('rob@x', 'owner'), ('ann@x', 'reviewer')"))
        connection.execute(
            text("""
            INSERT INTO projects (id, name, task, teacher, settings, created_at)
            VALUES ('p', 'old', :task, 'null', '{}', '2025-01-01T00:00:00Z')"""),
            {"task": '{"name":"t","labels":["a","b"],"descriptions":[],"guideline_version":1}'},
        )
        connection.execute(
            text("INSERT INTO jobs (id, project_id, kind, params, state, created_at) VALUES ('j', 'p', 'recheck', '{}', 'done', 1)")
        )
    old.engine.dispose()
    db = open_database(empty)
    assert people.roles(db) == {"ann@x": "reviewer", "rob@x": "owner"}
    assert not people.is_bound(db, "ann@x") and queue.get(db, "j").actor is None
    ann = Actor("ann@x", "https://id.example", "1", True, 5.0)
    people.admit(db, ann)
    people.sign_out(db, ann)
    assert people.is_bound(db, "ann@x") and people.role_of(db, replace(ann, issued_at=6.0)) == "reviewer"
    db.engine.dispose()


def test_opening_a_current_database_loads_no_alembic(tmp_path):
    """Every page and every worker opens the database: the first paint waits for what it imports."""
    open_database(url(tmp_path)).engine.dispose()
    code = (
        "import sys; from cod_core.store.database import open_database; "
        f"open_database({url(tmp_path)!r}); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_database_of_a_newer_app_is_refused_in_plain_words(database_url):
    db = open_database(database_url)
    with db.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CodError, match="newer version"):
        open_database(database_url)


def test_a_file_that_is_no_database_is_refused_in_plain_words(tmp_path):
    (tmp_path / "cod.db").write_bytes(b"this is a letter to a friend, not a database" * 50)
    with pytest.raises(CodError, match="damaged"):
        open_database(url(tmp_path))


def test_programs_that_start_together_migrate_once(database_url):
    """The app and the first worker open a fresh data folder at the same moment."""
    empty = database_url if database_url.startswith("sqlite") else postgres.new_database(empty=True)
    errors = []

    def start():
        try:
            open_database(empty)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_reads_before_writes_are_not_overtaken(database_url):
    """Two tabs that change different settings at once: neither change may be lost."""
    db = open_database(database_url)
    pid = projects.create_project(db, "p", TASK)
    threads = [threading.Thread(target=projects.update_settings, args=(db, pid, {str(i): i})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert projects.get_project(db, pid).settings == {str(i): i for i in range(8)}


def test_an_error_inside_a_transaction_leaves_nothing_behind(database_url):
    db = open_database(database_url)
    with pytest.raises(ZeroDivisionError), db.begin() as connection:
        connection.execute(text("INSERT INTO replies (key) VALUES ('k')"))
        _ = 1 / 0
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM replies")).scalar() == 0


def test_a_full_disk_is_said_plainly_and_keeps_what_was_saved(tmp_path):
    db = open_database(url(tmp_path))
    pid = projects.create_project(db, "p", TASK)
    items.add_examples(db, pid, [Example("a", "kept", "good")])
    with db.engine.connect().execution_options(outside=True) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(CodError, match="disk is full"):
        items.add_examples(db, pid, [Example(str(i), "x" * 5000, "good") for i in range(50)])
    assert [e.text for e in items.examples(db, pid)] == ["kept"]


def test_writing_to_a_deleted_project_says_so_without_repeating_the_text(database_url):
    """SQL errors print their parameters, and parameters are people's texts."""
    db = open_database(database_url)
    with pytest.raises(Stale, match="deleted") as caught:
        items.add_examples(db, "gone", [Example("a", "a private sentence", "good")])
    assert "private" not in str(caught.value) + str(caught.value.__cause__)


def test_commits_wait_for_the_disk(tmp_path):
    with open_database(url(tmp_path)).read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}


@pytest.mark.slow
def test_kill_9_keeps_every_decision_that_was_acknowledged(tmp_path):
    """Loses at most the decision in flight."""
    pid = projects.create_project(open_database(url(tmp_path)), "p", TASK)
    code = f"""
from cod_core.store import decisions
from cod_core.store.database import open_database
from cod_core.types import Decision
db, n = open_database({url(tmp_path)!r}), 0
while True:
    print(decisions.append(db, {pid!r}, Decision(f"c{{n}}", f"e{{n}}", "accepted", "me")), flush=True)
    n += 1
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    seen = [int(child.stdout.readline()) for _ in range(20)]
    os.kill(child.pid, signal.SIGKILL)
    seen += [int(line) for line in child.stdout.read().splitlines() if line]
    child.wait()
    from cod_core.store import decisions

    kept = [d.seq for d in decisions.log(open_database(url(tmp_path)), pid)]
    assert set(seen) <= set(kept) and len(kept) <= len(seen) + 1


def test_databases_opened_in_several_threads_at_once_are_all_migrated(tmp_path):
    """alembic keeps the migration at work in globals: two at once ended in KeyError: 'script'."""
    from concurrent.futures import ThreadPoolExecutor

    urls = [f"sqlite:///{tmp_path}/{i}.db" for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(open_database, urls))
    for db in made:
        with db.read() as c:
            assert c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == HEAD
