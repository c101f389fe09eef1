"""Projects kept, copied, moved to another machine, erased: what goes in comes back, and what is erased is gone."""

import errno
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.errors import BadInput, CodError
from cod_core.jobs import queue
from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, decisions, items, people, portable, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS = ("good", "bad")
MARK = "zebrafish"


@pytest.fixture
def w(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COD_DATABASE_URL", database_url)
    opened = Workspace()
    yield opened
    opened.db.engine.dispose()


@pytest.fixture
def pid(w):
    """A project with something of everything; the marker word is in every text."""
    pid = w.create_project("Mine", Task("Good or bad?", LABELS))
    made = Prediction(LABELS, (-0.1, -2.3)), Prediction(LABELS, (-1.6, -0.2))
    texts = [Example(f"e{i}", f"A good {MARK} {i}.", "good", metadata={"ward": MARK}) for i in range(3)]
    items.add_examples(w.db, pid, texts)
    cfs = [
        Counterfactual(
            f"c{i}", f"e{i}", f"A bad {MARK} {i}.", "good", "bad", Origin("llm", "m"), f"Sure: {MARK}", created_at="2026-01-01T00:00:00Z"
        )
        for i in range(3)
    ]
    items.add_counterfactuals(w.db, pid, cfs)
    folder = w.settings.folder("teachers", pid, "t1")
    (folder / "model.safetensors").write_bytes(b"weights of " + MARK.encode())
    (folder / "teacher.json").write_text("{}")
    spec = {"kind": "finetuned", "path": str(folder), "name": "mine", "id": "finetuned:t1", "revision": "r"}
    projects.set_teacher(w.db, pid, spec)
    items.add_checks(
        w.db,
        pid,
        [FlipCheck(cf.id, *identity(read_choice(spec), LABELS), *made, "bad", 1, 0.2, 3, 0.9, False, "2026-01-01T00:00:01Z") for cf in cfs],
    )
    items.save_draft(w.db, pid, "e2", "ann", "c2", f"half a {MARK}")
    cache.put_reply(w.db, pid, f"k-{pid}", {"text": MARK})
    cache.put_predictions(w.db, "t", "r", {text_hash(t.text): (-0.1, -2.0) for t in texts})
    w.project(pid).curation.decide("c0", "accepted", "ann", override_reason=f"a {MARK} is fine")
    w.project(pid).curation.decide("c1", "rejected", "ben")
    w.project(pid).curation.undo("ben")
    w.project(pid).curation.decide("c1", "rejected", "ben", reasons=["duplicate"], comment=MARK)
    w.project(pid).guideline.write(f"Keep the {MARK}.", "ann")
    people.be_at(w.db, pid, "ann", "curate", "e1")
    queue.enqueue(w.db, pid, "generate", GenerateRequest(k=1, llm=LlmOptions(model=MARK)))
    w.settings.folder("exports", pid).joinpath("set.jsonl").write_text(MARK)
    return pid


def content(w, pid) -> dict:
    """Everything a person would miss."""
    plain = [{**d.__dict__, "seq": None, "undoes": d.undoes is not None} for d in decisions.log(w.db, pid)]
    return {
        "examples": items.examples(w.db, pid),
        "cfs": items.counterfactuals(w.db, pid),
        "checks": items.any_checks(w.db, pid),
        "log": plain,
        "draft": w.project(pid).curation.draft("e2", "ann"),
        "guideline": w.project(pid).guideline.current(),
        "task": w.project(pid).row.task,
        "outcome": {i: d.status for i, d in w.project(pid).pairs.state().outcome.items()},
    }


def test_a_backup_restores_everything_on_another_machine(w, pid, tmp_path, monkeypatch):
    data, before = w.project(pid).keeping.backup(), content(w, pid)
    monkeypatch.delenv("COD_DATABASE_URL")
    other = Workspace(tmp_path / "other")
    again = other.restore(data)
    assert again != pid and content(other, again) == before
    spec = other.project(again).row.teacher
    assert spec["path"] == str(tmp_path / "other" / "teachers" / again / "t1")
    assert (tmp_path / "other" / "teachers" / again / "t1" / "model.safetensors").read_bytes().endswith(MARK.encode())
    assert other.project(again).curation.undo("ben").status == "rejected"


def test_a_backup_beside_its_original_becomes_a_second_project(w, pid):
    again = w.restore(w.project(pid).keeping.backup())
    assert again != pid and content(w, again) == content(w, pid)
    w.project(again).curation.undo("ann")
    assert content(w, again)["outcome"] != content(w, pid)["outcome"]


def test_a_copy_may_begin_the_curation_anew(w, pid):
    copy = w.duplicate(w.project(pid), "Second team", decisions=False)
    found = content(w, copy)
    assert w.project(copy).row.name == "Second team" and found["log"] == [] and found["draft"] is None
    assert found["cfs"] == content(w, pid)["cfs"] and found["guideline"] == content(w, pid)["guideline"]
    with pytest.raises(BadInput, match="needs a name"):
        w.duplicate(w.project(pid), " ")


def test_a_copy_remembers_which_texts_could_not_be_flipped(w, pid):
    """Else original and copy draw other rows, and the copy searches for all of them again."""
    cache.add_to_reply(w.db, pid, w.project(pid).draws.failed_key(), {"e0": "no flip found"})
    cache.put_reply(w.db, pid, f"tried:{pid}:x", {"found": 0})
    copy = w.duplicate(w.project(pid), "Copy")
    cache.add_to_reply(w.db, pid, w.project(pid).draws.failed_key(), {"e2": "no flip found"})
    assert w.project(copy).draws.failed() == {"e0": "no flip found"} and cache.get_reply(w.db, f"tried:{copy}:x") == {"found": 0}
    assert w.project(w.duplicate(w.project(copy), "Copy of the copy")).draws.failed() == w.project(copy).draws.failed()


def test_a_copy_keeps_its_paid_replies_when_the_original_is_deleted(w, pid):
    """And no others: what the original was told after it was copied goes with it."""
    cache.put_reply(w.db, pid, "paid", {"text": "before"})
    copy = w.duplicate(w.project(pid), "Copy")
    third = w.duplicate(w.project(copy), "Copy of the copy")
    cache.put_reply(w.db, pid, "later", {"text": "after"})
    w.project(pid).keeping.delete()
    assert cache.get_reply(w.db, "paid") == {"text": "before"} and cache.get_reply(w.db, "later") is None
    w.project(copy).keeping.delete()
    assert cache.get_reply(w.db, "paid") == {"text": "before"}
    w.project(third).keeping.delete()
    assert cache.get_reply(w.db, "paid") is None


def test_a_backup_of_a_copy_holds_its_replies_under_their_own_names(w, pid, tmp_path, monkeypatch):
    cache.put_reply(w.db, pid, "paid", {"text": "before"})
    data = w.project(w.duplicate(w.project(pid), "Copy")).keeping.backup()
    monkeypatch.delenv("COD_DATABASE_URL")
    other = Workspace(tmp_path / "other")
    again = other.restore(data)
    assert cache.get_reply(other.db, "paid", again) == {"text": "before"}


@pytest.mark.parametrize("limit", ["MAX_BACKUP", "MAX_BACKUP_UNPACKED", "MAX_BACKUP_FILES"])
def test_a_backup_that_could_not_be_restored_is_not_given_away(w, pid, monkeypatch, limit):
    """It was written, and refused on the day that it was needed."""
    monkeypatch.setattr(f"cod_core.project.keeping.{limit}", 5)
    with pytest.raises(BadInput, match="could not be restored. Copy the data folder"):
        w.project(pid).keeping.backup()
    assert not list(w.settings.folder("tmp").iterdir())


def test_a_backup_is_of_one_moment_whatever_is_decided_meanwhile(w, pid):
    """A decision came without the text that it is about, and the restored project could not be opened."""
    made = []

    def meanwhile(done, total, message=""):
        if done == 4 and not made:
            check = next(iter(w.project(pid).pairs.state().checks.values()))
            cf = Counterfactual("new", "e2", "A poor one.", "good", "bad", Origin("search", "s"), created_at=check.checked_at)
            made.append(cf)
            items.add_counterfactuals(w.db, pid, [cf])
            items.add_checks(w.db, pid, [replace(check, counterfactual_id="new")])
            decisions.append(w.db, pid, Decision("new", "e2", "accepted", "ann", decided_at=check.checked_at))

    before, out = content(w, pid), io.BytesIO()
    w.project(pid).keeping._write_backup(out, meanwhile)
    again = w.restore(out.getvalue())
    assert made and set(w.project(again).pairs.kept()) <= {"e0"} and content(w, again) == before


def test_a_file_that_is_renewed_meanwhile_does_not_spoil_the_backup(w, pid, monkeypatch):
    """It was read twice, once for its sum: no restore accepted such a backup."""
    report, read = w.settings.folder("students", pid) / "report.json", Path.read_bytes
    report.write_text("{}")

    def renewed(path):
        if path == report:
            report.write_text('{"made_at": "now"}')
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", renewed)
    data = w.project(pid).keeping.backup()
    monkeypatch.undo()
    assert (w.settings.home / "students" / w.restore(data) / "report.json").exists()


def test_no_key_is_in_a_backup(w, pid):
    w.project(pid).endpoints.remember_key("https://host/v1", "sk-secret-key")
    with zipfile.ZipFile(io.BytesIO(w.project(pid).keeping.backup())) as archive:
        assert not any(b"sk-secret" in archive.read(name) for name in archive.namelist())


def rezipped(data: bytes, change) -> bytes:
    """The backup with its parts as `change` (name, body) -> (name, body) or None makes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            made = change(name, old.read(name))
            if made:
                new.writestr(*made)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda n, b: (n, b.replace(b"A good", b"A evil")) if n.startswith("tables/examples") else (n, b), "changed or damaged"),
        (lambda n, b: None if n == "tables/decisions.jsonl" else (n, b), "not complete"),
        (lambda n, b: None if n == "backup.json" else (n, b), "not a backup"),
        (lambda n, b: ("students/x.pkl", b) if n.endswith("teacher.json") else (n, b), "does not belong"),
        (lambda n, b: ("../x.json", b) if n.endswith("teacher.json") else (n, b), "unsafe"),
        (lambda n, b: (n, b"{}") if n == "backup.json" else (n, b), "description is damaged"),
    ],
)
def test_a_damaged_or_hostile_backup_restores_nothing(w, pid, change, says):
    known = {p.id for p in w.projects()}
    with pytest.raises(BadInput, match=says):
        w.restore(rezipped(w.project(pid).keeping.backup(), change))
    assert {p.id for p in w.projects()} == known


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("decisions", '{"seq": 1, "undoes": 99, "counterfactual_id": "c0", "example_id": "e0", "status": "x", "annotator": "a"}'),
        ("decisions", '{"seq": 1, "counterfactual_id": "c0", "example_id": "e0", "status": "accepted"}'),
        ("examples", '{"id": "e0", "position": 1}'),
        ("runs", '{"run_id": "a", "config": {}}\n{"run_id": "b"}'),
        ("projects", "{"),
        ("projects", "[1]"),
        ("projects", '{"id": "abcdef0123456789"}'),
        ("projects", '{"id": "abcdef0123456789", "name": "x", "task": 3, "teacher": null, "settings": {}, "created_at": "2026"}'),
    ],
)
def test_rows_that_cannot_be_read_restore_nothing(w, pid, table, row):
    """Half a project looks like a whole one; a project that cannot be listed kept all others off the screen."""
    bad = row.encode() + b"\n"

    def change(name, body):
        if name == f"tables/{table}.jsonl":
            return name, bad
        if name == "backup.json":
            about = json.loads(body)
            about["sha256"][f"tables/{table}.jsonl"] = hashlib.sha256(bad).hexdigest()
            return name, json.dumps(about)
        return name, body

    known = {p.id for p in w.projects()}
    with pytest.raises(BadInput, match="cannot read|cannot be read|no project"):
        w.restore(rezipped(w.project(pid).keeping.backup(), change))
    assert {p.id for p in w.projects()} == known


def models_of(w) -> set[str]:
    return {str(p.relative_to(w.settings.home)) for room in ("teachers", "students", "tmp") for p in w.settings.home.glob(f"{room}/**/*")}


def test_a_full_disk_restores_nothing(w, pid, monkeypatch):
    """The rows were committed before the files came: half a project was left."""
    data, projects_before, files_before = w.project(pid).keeping.backup(), len(w.projects()), models_of(w)
    write = Path.write_bytes

    def full(path, body):
        if path.suffix == ".safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, body)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CodError, match="No space left on device.*Nothing was restored"):
        w.restore(data)
    assert len(w.projects()) == projects_before and models_of(w) == files_before


def test_where_the_rows_cannot_be_kept_no_file_stays(w, pid, monkeypatch):
    data, projects_before, files_before = w.project(pid).keeping.backup(), len(w.projects()), models_of(w)

    def refused(*_):
        raise CodError("the database is full")

    monkeypatch.setattr(portable, "_numbered", refused)
    with pytest.raises(CodError, match="the database is full"):
        w.restore(data)
    assert len(w.projects()) == projects_before and models_of(w) == files_before


def test_a_project_put_away_is_kept(w, pid):
    w.project(pid).keeping.archive()
    assert w.project(pid).row.archived_at and content(w, pid)["outcome"]
    w.project(pid).keeping.archive(False)
    assert w.project(pid).row.archived_at is None


def test_nothing_of_a_deleted_project_is_left_in_the_data_folder(w, pid, tmp_path):
    """Texts, replies, caches, jobs, models, drafts, guideline: the marker word is searched in every file."""
    w.project(pid).keeping.backup()
    w.project(pid).exports.bundle()
    held = [p for p in tmp_path.rglob("*") if p.is_file() and MARK.encode() in p.read_bytes()]
    assert held
    w.project(pid).keeping.delete()
    left = [p for p in tmp_path.rglob("*") if p.is_file() and MARK.encode() in p.read_bytes()]
    assert left == [] and w.projects() == []
