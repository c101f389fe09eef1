"""Models that a backup names: none is loaded that only an owner may name, and none before an owner says so. Nothing is loaded here."""

import io
import json
import zipfile
from hashlib import sha256
from types import SimpleNamespace

import pytest

from cod_core.errors import BadInput, CodError, ModelUnavailable
from cod_core.models.student import HEAD_FILE, load_student
from cod_core.roles import Actor
from cod_core.store import projects, schema
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.unit.workspace.test_several_people import LABELS, TEACHER

FOLDERS = [
    "/etc/model",
    "../other",
    "./here",
    "~/model",
    "C:\\model",
    "\\\\host\\share",
    "../../teachers/x",
    "model.gguf",
    "/etc/model@4,6",
]


@pytest.fixture
def w(tmp_path):
    return Workspace(tmp_path / "home")


def finetuned(w, encoder, name="P") -> str:
    """A project with a teacher in its own folder, as training leaves it; its description names an encoder."""
    pid = w.create_project(name, Task("Good?", LABELS))
    folder = w.project(pid).place.folder("teachers") / "abc"
    folder.mkdir()
    about = {"encoder": encoder, "base": "b", "labels": list(LABELS), "rank": 4, "max_tokens": 128}
    (folder / "teacher.json").write_text(json.dumps(about))
    (folder / "adapter.safetensors").write_bytes(b"weights")
    projects.set_teacher(w.db, pid, {"kind": "finetuned", "path": str(folder), "name": "mine", "id": "finetuned:abc", "revision": "r"})
    return pid


def rewritten(data: bytes, change) -> bytes:
    """A backup whose parts were changed by somebody who keeps its sums right. change: name -> bytes, in place."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    about = json.loads(parts.pop("backup.json"))
    about["sha256"] = {name: sha256(body).hexdigest() for name, body in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in {**parts, "backup.json": json.dumps(about)}.items():
            archive.writestr(name, body)
    return out.getvalue()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_restored_teacher_names_no_folder_as_its_encoder(w, folder):
    """teacher.json in a backup had any folder of this machine loaded as a model, whoever wrote it."""
    pid = finetuned(w, folder)
    assert w.project(w.restore(w.project(pid).keeping.backup())).row.teacher is None
    copied = w.project(w.duplicate(w.project(pid), "Copy"))
    assert copied.row.teacher and not copied.teacher.unconfirmed(), "what was named here stays named in a copy made here"


def test_a_judge_in_a_backup_names_no_folder_as_its_encoder(w):
    pid = finetuned(w, "/etc/model")
    judge = w.project(pid).row.teacher
    projects.set_teacher(w.db, pid, {"kind": "generative", "local": "gemma", "judge": judge})
    assert w.project(w.restore(w.project(pid).keeping.backup())).row.teacher is None


def test_what_is_no_description_names_nothing_and_stops_nothing(w):
    for body in (b"", b"[]", b"[" * 100_000, b"\xff", b'{"encoder": 3}', b'{"encoder": null}'):
        pid = finetuned(w, "all-MiniLM-L6-v2")
        (w.project(pid).place.folder("teachers") / "abc" / "teacher.json").write_bytes(body)
        assert w.project(w.restore(w.project(pid).keeping.backup())).teacher.unconfirmed()


@pytest.mark.parametrize("folder", FOLDERS)
def test_students_that_read_with_a_folder_are_left_out_of_a_backup_that_comes_in(w, folder):
    """A student's record named the folder that was loaded on the Results page."""
    pid = finetuned(w, "all-MiniLM-L6-v2")
    with w.db.begin() as c:
        for name, encoder in (("bad", folder), ("good", "all-MiniLM-L6-v2@4,6")):
            config = {"encoder": encoder, "arm": "kd", "seed": 0, "shots": 8, "student": "linear"}
            c.execute(schema.runs.insert().values(project_id=pid, run_id=name, config=config, result={}, created_at="2025"))

    def kept(of) -> list[str]:
        with w.db.read() as c:
            return list(c.execute(schema.runs.select().where(schema.runs.c.project_id == of)).mappings().all())

    restored, copied = w.restore(w.project(pid).keeping.backup()), w.duplicate(w.project(pid), "Copy")
    assert [row["run_id"] for row in kept(restored)] == ["good"] and len(kept(copied)) == 2


@pytest.mark.parametrize("config", [None, [], "x", {"encoder": 3}, {"encoder": ["/etc"]}])
def test_a_students_record_of_another_shape_is_left_out_or_harmless(w, config):
    pid = finetuned(w, "all-MiniLM-L6-v2")
    with w.db.begin() as c:
        c.execute(schema.runs.insert().values(project_id=pid, run_id="odd", config=config, result={}, created_at="2025"))
    w.restore(w.project(pid).keeping.backup())


def test_a_teacher_from_a_backup_is_loaded_once_an_owner_confirms_it(w, monkeypatch):
    """Whatever lay in the file was loaded by the first page that anybody opened."""
    pid = w.restore(w.project(finetuned(w, "all-MiniLM-L6-v2")).keeping.backup())
    owner = w.acting(Actor("rob")).people
    owner.set_role("rob", "owner", "rob")
    owner.set_role("ann", "reviewer", "rob")
    ann, rob = (w.acting(Actor(name)).project(pid) for name in ("ann", "rob"))
    loaded = []
    monkeypatch.setattr(type(ann.loader), "load", lambda *_: loaded.append(1) or SimpleNamespace(id="finetuned:abc", revision="r"))
    with pytest.raises(BadInput, match="came with a backup.*teacher .* confirm"):
        assert ann.teacher.classifier().wrapped
    with pytest.raises(CodError, match="Ask an owner"):
        ann.teacher.confirm()
    assert not loaded and ann.teacher.unconfirmed()
    rob.teacher.confirm()
    assert ann.teacher.classifier().wrapped
    assert loaded and not ann.teacher.unconfirmed()
    with pytest.raises(BadInput, match="needs no confirmation"):
        rob.teacher.confirm()


def test_a_backup_that_says_its_teacher_needs_no_confirmation_is_not_believed(w):
    pid = finetuned(w, "all-MiniLM-L6-v2")
    w.project(pid).place.update(confirm_teacher=False)
    assert w.project(w.restore(w.project(pid).keeping.backup())).teacher.unconfirmed()


def test_a_built_in_teacher_needs_no_confirmation(w):
    pid = finetuned(w, "all-MiniLM-L6-v2")
    projects.set_teacher(w.db, pid, TEACHER)
    assert not w.project(w.restore(w.project(pid).keeping.backup())).teacher.unconfirmed()


@pytest.mark.parametrize(
    ("teacher", "loaded"),
    [
        ({"kind": "finetuned", "id": "finetuned:good", "revision": "r"}, ("finetuned:abc", "r")),
        ({"kind": "finetuned", "id": "builtin:movies", "revision": "r"}, ("finetuned:abc", "r")),
        ({"kind": "transformers", "name": "evil/model", "id": "transformers:good", "revision": "r"}, ("transformers:model", "r")),
        ({"kind": "transformers", "name": "evil/good", "id": "transformers:good", "revision": "r"}, ("transformers:good", "s")),
        ({"kind": "llm", "base_url": "http://evil/v1", "model": "m", "id": "llm:m@good", "revision": "r"}, ("llm:m@evil", "r")),
        ({"kind": "llm", "local": "gemma", "id": "llm:m@good", "revision": "r"}, ("llm:gemma@this computer", "r")),
    ],
)
def test_a_restored_teacher_answers_under_no_other_teachers_name(w, monkeypatch, teacher, loaded):
    """Predictions are kept by a teacher's name for all projects: one that borrowed a name wrote the verdicts of another."""
    pid = finetuned(w, "all-MiniLM-L6-v2")
    projects.set_teacher(w.db, pid, {**w.project(pid).row.teacher, **teacher} if teacher["kind"] == "finetuned" else teacher)
    project = w.project(w.restore(w.project(pid).keeping.backup()))
    if project.teacher.unconfirmed():
        project.teacher.confirm()
    monkeypatch.setattr(type(project.loader), "load", lambda *_: SimpleNamespace(id=loaded[0], revision=loaded[1]))
    with pytest.raises(BadInput, match="another teacher's name"):
        assert project.teacher.classifier().wrapped


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_student_file_names_no_folder(tmp_path, folder):
    """A linear student's description named the folder that was loaded with it."""
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros((2, 4), np.float32), "bias": np.zeros(2, np.float32)}, tmp_path / HEAD_FILE)
    (tmp_path / "student.json").write_text(json.dumps({"kind": "linear", "encoder": folder, "labels": ["a", "b"]}))
    with pytest.raises(ModelUnavailable, match="a folder that its file names"):
        load_student(tmp_path)
    assert load_student(tmp_path, SimpleNamespace(id="mine", encode=None)).labels == ("a", "b")
