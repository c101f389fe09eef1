"""A key that was typed: looked for in every file of the data folder, in everything that leaves, and in what is said of errors."""

import logging
import zipfile

import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.jobs import queue, worker
from cod_core.store import schema
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.unit.workspace.test_several_people import LABELS, TEACHER, fill
from ui.frame import errors

KEY = "sk-THE-KEY-of-this-test"
ADDRESS = "http://127.0.0.1:9/v1"


@pytest.fixture
def w(tmp_path):
    return Workspace(tmp_path / "home")


def found_in(folder) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_key_is_in_no_file_no_backup_and_no_export(w, monkeypatch):
    """Prevents: a key that comes along with a backup to a colleague, or lies in a folder that is copied."""
    from cod_core.store import projects

    pid = w.create_project("P", Task("Good?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    fill(w, pid, 4)
    project, sent = w.project(pid), {}
    monkeypatch.setattr(queue, "start_worker", lambda job_id, home, keys=None: sent.update(job=job_id, keys=keys))
    project.endpoints.confirm(ADDRESS, KEY)
    options = LlmOptions(ADDRESS, "m")
    project.clients.remember(options)
    project.jobs.start("generate", GenerateRequest(2, 1, "llm", llm=options), key=KEY)
    assert KEY in sent["keys"].values(), "it is there to be found"
    monkeypatch.setattr(queue, "handed_keys", lambda: sent["keys"])
    worker.main([sent["job"], "--home", str(w.settings.home)], workspace=w)
    project.curation.decide("c00", "accepted", "me")
    left = {"backup": project.keeping.backup(), "bundle": project.exports.bundle(), "jsonl": project.exports.jsonl()}
    with zipfile.ZipFile(__import__("io").BytesIO(left["backup"])) as archive:
        left |= {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, body in left.items() if KEY.encode() in body] and found_in(w.settings.home) == []
    with w.db.read() as c:
        rows = [str(row) for table in schema.metadata.sorted_tables for row in c.execute(table.select())]
    assert not [row for row in rows if KEY in row] and len(rows) > 10


@pytest.mark.parametrize("kind", [ValueError, KeyError, OSError, RuntimeError, UnicodeError])
def test_a_bug_that_quotes_a_key_leaves_no_trace_of_it(w, caplog, kind):
    """Prevents: a library puts the request into its error, and the log, the job or the screen repeats it."""
    pid = w.create_project("P", Task("Good?", LABELS))
    job_id = queue.enqueue(w.db, pid, "recheck")
    said = []

    def run(job, progress):
        raise kind(f"Authorization: Bearer {KEY}") from kind(KEY)

    class Stub:
        db = w.db

        def project(self, *_):
            return type("P", (), {"jobs": type("J", (), {"run": staticmethod(run)})})

    with caplog.at_level(logging.DEBUG):
        worker.main([job_id, "--home", str(w.settings.home)], workspace=Stub())
        original, errors.box = errors.box, lambda message, kind="error": said.append(message)
        try:
            with errors.shown():
                raise kind(KEY)
        finally:
            errors.box = original
    job = queue.get(w.db, job_id)
    assert job.state == "failed" and said == [errors.BUG]
    assert KEY not in f"{job}{caplog.text}{said}" and found_in(w.settings.home) == []
