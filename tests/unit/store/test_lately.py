"""What was read is remembered exactly as long as nobody commits, in whatever process."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from cod_core.curation.index import Index
from cod_core.errors import BadInput, CodError
from cod_core.roles import Actor
from cod_core.store import items, people, projects
from cod_core.store import lately as lately_module
from cod_core.store.database import Database, open_database
from cod_core.store.lately import LOOK_AGAIN_S, FileEye, Lately, ServerEye
from cod_core.types import Counterfactual, Example, Origin, Task

TASK = Task("sentiment", ("good", "bad"))
ANN = Actor("ann")


@pytest.fixture
def here(db):
    return db


@pytest.fixture
def reads(monkeypatch):
    """How many transactions read, in whatever database."""
    counted, real = [], Database.read

    def read(self):
        counted.append(self)
        return real(self)

    monkeypatch.setattr(Database, "read", read)
    return counted


ELSEWHERE = """import sys
from sqlalchemy import create_engine
with create_engine(sys.argv[1]).begin() as connection:
    connection.exec_driver_sql(sys.argv[2])
"""


def address(db) -> str:
    return db.engine.url.render_as_string(hide_password=False)


def elsewhere(db, statement: str) -> None:
    """Another process commits this."""
    subprocess.run([sys.executable, "-c", ELSEWHERE, address(db), statement], check=True)


def look(db, pid) -> tuple[str, int, str, int]:
    return (projects.get_project(db, pid).name, items.counts(db, pid).total, people.role_of(db, ANN), len(Index(db, pid).now().examples))


def test_what_nobody_changed_is_read_once(here, reads):
    """A card asked seventy times for the project's row, and each of ten people's cards did."""
    pid = projects.create_project(here, "mine", TASK)
    index = Index(here, pid)
    for _ in range(20):
        look(here, pid)
        index.now()
    again = len(reads)
    for _ in range(20):
        projects.get_project(here, pid), items.counts(here, pid), people.role_of(here, ANN), index.now()
    assert len(reads) == again


def test_what_another_process_committed_is_seen_at_once(here):
    """Prevents: a page that shows for a moment, or for ever, what was so before."""
    pid = projects.create_project(here, "mine", TASK)
    index = Index(here, pid)
    assert look(here, pid) == ("mine", 0, "owner", 0) and index.now().number == 0
    elsewhere(here, "UPDATE projects SET name = 'theirs'")
    assert projects.get_project(here, pid).name == "theirs"
    elsewhere(here, "INSERT INTO people (name, role, added_at) VALUES ('rob', 'owner', '2026-11-28T00:00:00Z')")
    assert people.role_of(here, ANN) == "curator"
    there = open_database(address(here))
    items.add_examples(there, pid, [Example("e", "A fine film.", "good")])
    there.engine.dispose()
    assert items.counts(here, pid).total == 1
    elsewhere(here, "DELETE FROM projects")
    with pytest.raises(BadInput):
        projects.get_project(here, pid)


def test_ten_threads_that_look_while_one_writes_see_each_write(here):
    """What was read before a commit must not be remembered as what was read after it."""
    pid = projects.create_project(here, "0", TASK)
    wrong, over = [], threading.Event()
    written = [0]

    def watch():
        while not over.is_set():
            least = written[0]
            if int(projects.get_project(here, pid).settings.get("n", 0)) < least:
                wrong.append(least)

    threads = [threading.Thread(target=watch) for _ in range(10)]
    for thread in threads:
        thread.start()
    for n in range(1, 60):
        projects.update_settings(here, pid, {"n": n})
        written[0] = n
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_database_that_cannot_say_is_believed_for_a_moment_only():
    lately, values = Lately(None), iter(range(10))
    assert lately.mark() is None
    assert [lately("a", lambda: next(values)) for _ in range(2)] == [0, 1]
    assert [lately("b", lambda: next(values), 1, 60.0) for _ in range(3)] == [2, 2, 2]
    assert lately("b", lambda: next(values), 2, 60.0) == 3, "this process has written"


def test_a_transaction_that_is_still_open_is_not_taken_for_its_end(db):
    """Prevents: what was read while somebody was writing is believed after they have committed."""
    pid = projects.create_project(db, "before", TASK)
    there = open_database(address(db))
    with there.begin() as writing:
        writing.exec_driver_sql("UPDATE projects SET name = 'after'")
        assert [projects.get_project(db, pid).name for _ in range(2)] == ["before", "before"]
        mark = db.lately.mark()
    assert db.lately.mark() != mark and projects.get_project(db, pid).name == "after"
    there.engine.dispose()


def test_a_server_that_does_not_answer_is_asked_again_later_only(monkeypatch):
    """Prevents: a page that waits for a connection as often as it reads something."""
    tried = []

    class Away:
        dialect = SimpleNamespace(loaded_dbapi=SimpleNamespace(Error=OSError))

        def raw_connection(self):
            tried.append(1)
            raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(lately_module.event, "listen", lambda *_: None)
    eye = ServerEye(Away(), lambda: 0)
    assert [eye() for _ in range(5)] == [None] * 5 and len(tried) == 1
    monkeypatch.setattr(lately_module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + LOOK_AGAIN_S + 1))
    assert eye() is None and len(tried) == 2


def test_a_file_that_is_gone_is_no_mark(tmp_path):
    lately = Lately(FileEye(str(tmp_path / "none.db")))
    assert lately.mark() is None and not (tmp_path / "none.db").exists()


def test_what_is_done_together_sees_its_own_writing_and_leaves_nothing_behind(here):
    """Prevents: rows that were just written are not counted inside, or those of a refused import are counted afterwards."""
    pid = projects.create_project(here, "mine", TASK)
    assert look(here, pid)[1] == 0
    with pytest.raises(BadInput), here.together():
        items.add_examples(here, pid, [Example("a", "fine", "good")])
        assert look(here, pid)[1] == 1
        raise BadInput("no")
    assert look(here, pid)[1] == 0


def test_proposals_whose_second_read_failed_are_read_again(db, monkeypatch):
    """A server that was away between two reads lost them from this process's pages until it ended."""
    pid = projects.create_project(db, "mine", TASK)
    items.add_examples(db, pid, [Example("e", "A fine film.", "good")])
    index, real = Index(db, pid), items.numbered
    index.now()
    items.add_counterfactuals(db, pid, [Counterfactual("c", "e", "A dull film.", "good", "bad", Origin("import", "file", "1"))])
    monkeypatch.setattr(items, "numbered", lambda *_, **__: (_ for _ in ()).throw(CodError("away")))
    with pytest.raises(CodError):
        index.now()
    monkeypatch.setattr(items, "numbered", real)
    assert list(index.now().counterfactuals) == ["c"]


def test_a_look_that_hangs_holds_up_nobody_else(database_url, monkeypatch):
    """Prevents: one backend that does not answer, and no page of the process is drawn."""
    db = open_database(database_url)
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file does not hang")
    monkeypatch.setattr(lately_module, "WAIT_S", 0.05)
    pid = projects.create_project(db, "mine", TASK)
    eye = db.lately._eye
    with eye._lock:
        assert projects.get_project(db, pid).name == "mine" and db.lately.mark() is None
    assert db.lately.mark() is not None
    db.engine.dispose()
