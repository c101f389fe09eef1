"""A PostgreSQL server that goes away for a while: said in words, nothing lost, and the app goes on once it is back."""

import pytest

from benchmarks.faults_places import Server
from cod_core.errors import CodError
from cod_core.jobs import queue
from cod_core.store import items, projects
from cod_core.store.database import open_database
from cod_core.types import Example, Task
from tests import postgres


@pytest.fixture
def server(tmp_path):
    if postgres.missing():
        pytest.skip("PostgreSQL is not installed (initdb, pg_ctl)")
    made = Server(tmp_path / "pg")
    yield made
    made.stop()


def test_a_database_that_went_away_is_said_so_and_used_again_once_it_is_back(server):
    """What the driver says names the server's address and port, and the sentence around it sent a person to the rights of a folder."""
    db = open_database(server.url(server.new()))
    pid = projects.create_project(db, "p", Task("Good?", ("good", "bad")))
    items.add_examples(db, pid, [Example("a", "kept", "good")])
    with pytest.raises(CodError, match="does not answer"), db.begin() as c:  # in the middle of a transaction
        server.stop()
        c.exec_driver_sql("DELETE FROM examples")
    for ask in (lambda: items.examples(db, pid), lambda: items.add_examples(db, pid, [Example("b", "new", "good")])):
        with pytest.raises(CodError) as error:
            ask()
        assert "does not answer" in str(error.value) and str(server.folder) not in str(error.value)
    with pytest.raises(CodError, match="does not answer"):
        open_database(server.url("d0"))
    server.start()
    assert [e.id for e in items.examples(db, pid)] == ["a"] and items.add_examples(db, pid, [Example("b", "new", "good")]) == 1
    db.engine.dispose()


def test_a_job_whose_database_was_away_at_its_end_says_why_it_failed(server, tmp_path, monkeypatch):
    """The worker ended with a traceback, and the job was called interrupted: nobody learned that the database had been away."""
    from cod_core.jobs import worker
    from cod_core.project.jobs import Jobs
    from cod_core.workspace import Workspace

    monkeypatch.setenv("COD_DATABASE_URL", server.url(server.new()))
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.2)
    w, asked = Workspace(), []
    pid = w.create_project("p", Task("Good?", ("good", "bad")))
    job = queue.enqueue(w.db, pid, "recheck")

    def run(self, job, progress):
        server.stop()
        self.place.update(done=True)

    ending = queue.finish

    def finish(*given, **named):
        asked.append(1)
        if len(asked) == 3:
            server.start()
        return ending(*given, **named)

    monkeypatch.setattr(Jobs, "run", run)
    monkeypatch.setattr(queue, "finish", finish)
    assert worker.main([job, "--home", str(tmp_path / "home")], w) == "failed"
    assert len(asked) == 3 and "does not answer" in queue.get(w.db, job).error
    w.db.engine.dispose()
