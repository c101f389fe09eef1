"""On how many processes of this machine students are trained: as many as have room, and on one where they would share a GPU unasked."""

import pytest

from cod_core.compute import engine, local
from cod_core.distill.memory import Memory
from cod_core.distill.settings import StudentSettings
from cod_core.types import Task
from cod_core.workspace import Workspace


@pytest.mark.parametrize(("asked", "processes", "shared"), [("", 3, False), ("2", 2, True), ("8", 3, True)])
def test_students_share_a_gpu_only_where_workers_were_asked_for(tmp_path, monkeypatch, asked, processes, shared):
    """The room for three was taken for a wish of three: each put a model of its own on the one GPU."""
    monkeypatch.setattr(engine, "cores", lambda: 16)
    monkeypatch.setattr(engine, "memory_bytes", lambda: 64 << 30)
    monkeypatch.setattr(local, "on_gpu", lambda: True)
    monkeypatch.setenv("COD_WORKERS", asked)
    w = Workspace(tmp_path)
    students = w.project(w.create_project("Plans", Task("Good?", ("no", "yes")))).students
    monkeypatch.setattr(students.plan, "memory", lambda settings: Memory(2 << 30, 7 << 30, 32))
    found = students.engine_for(StudentSettings(student="finetuned"))
    assert found.slots == processes and found.worth_starting(1e6, 0, gpu=True) is shared
