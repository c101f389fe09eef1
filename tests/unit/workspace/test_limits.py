"""What one person may have: refused in plain words, in the library, and never counted against anybody else."""

from dataclasses import replace

import pytest

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.data.tables import Columns, read_table
from cod_core.errors import CodError
from cod_core.export.choice import ExportChoice
from cod_core.jobs import queue
from cod_core.roles import Actor
from cod_core.settings import Limits, Settings
from cod_core.store import allowance, items
from cod_core.types import Task

LABELS = ("negative", "positive")
ANN, BOB = Actor("ann"), Actor("bob")


def limited(w, **limits) -> None:
    w.settings = replace(w.settings, limits=Limits(**limits, named=tuple(limits)))
    w._opened.clear()


def make(w, actor, name="P") -> str:
    return w.acting(actor).create_project(name, Task("Good?", LABELS))


def bring(w, actor, pid, n, first=0, word="text"):
    rows = "\n".join(f"{word} number {i},{LABELS[i % 2]}" for i in range(first, first + n))
    table = read_table("rows.csv", f"text,label\n{rows}\n".encode())
    return w.acting(actor).project(pid).uploads.import_table(table, Columns("text", "label"), "labelled", None, [], f"{first}", "rows.csv")


def count(w, pid) -> int:
    return items.counts(w.db, pid).total


def held(w, actor):
    with w.db.read() as c:
        return allowance.held(c, actor.name)


def test_projects(w):
    limited(w, projects=2)
    first = make(w, ANN)
    w.acting(ANN).create_sample("movies")
    assert w.acting(ANN).create_sample("movies"), "to open the sample again makes none"
    for act in (
        lambda: make(w, ANN),
        lambda: w.acting(ANN).create_sample("tweets"),
        lambda: w.acting(ANN).duplicate(w.project(first), "C"),
    ):
        with pytest.raises(CodError, match="made 2 projects here, and 2 is the limit.*COD_MAX_PROJECTS"):
            act()
    assert len(w.projects()) == 2
    make(w, BOB), make(w, None), make(w, None), make(w, None)
    w.project(first).keeping.delete()
    make(w, ANN)


def test_a_restored_project_counts_to_whoever_restores_it(w):
    """A backup that names somebody else as its maker, or nobody, would be free."""
    limited(w, projects=1, texts=20)
    pid = make(w, ANN)
    bring(w, ANN, pid, 8)
    data = w.project(pid).keeping.backup()
    made = w.acting(BOB).restore(data)
    assert held(w, BOB).projects == (made,) and held(w, BOB).texts == 8 and held(w, BOB).bytes > 0
    assert held(w, ANN).projects == (pid,) and held(w, ANN).texts == 8
    with pytest.raises(CodError, match="COD_MAX_PROJECTS"):
        w.acting(BOB).restore(data)
    limited(w, texts=10)
    with pytest.raises(CodError, match="brought 8 texts here. With 8 more .* limit of 10.*COD_MAX_TEXTS"):
        w.acting(BOB).restore(data)
    assert len(w.projects()) == 2


def test_texts_are_refused_before_any_is_stored(w):
    limited(w, texts=10)
    pid = make(w, BOB)
    assert len(bring(w, ANN, pid, 8).examples) == 8
    with pytest.raises(CodError, match="brought 8 texts here. With 8 more .* limit of 10.*COD_MAX_TEXTS"):
        bring(w, ANN, pid, 8, first=100)
    assert count(w, pid) == 8
    assert len(bring(w, ANN, pid, 2, first=100).examples) == 2 and len(bring(w, BOB, pid, 8, first=200).examples) == 8
    assert len(bring(w, None, pid, 30, first=300).examples) == 30, "the command line has no limits"
    w.project(pid).keeping.delete()
    assert held(w, ANN).texts == 0


def test_texts_of_an_opened_set_count_too(w):
    pid = w.create_sample("movies")
    limited(w, texts=3)
    bundle = _bundle(w, pid)
    other = make(w, ANN)
    with pytest.raises(CodError, match="COD_MAX_TEXTS"):
        w.acting(ANN).project(other).bundles.open(bundle)
    before = len(w.projects())
    with pytest.raises(CodError, match="COD_MAX_TEXTS"):
        w.acting(ANN).open_bundle(bundle)
    assert len(w.projects()) == before and count(w, other) == 0
    limited(w, texts=4)
    w.acting(ANN).project(other).bundles.open(bundle)
    assert held(w, ANN).texts == 4


def _bundle(w, pid) -> bytes:
    """Four pairs of the sample, rejected, so that no teacher is asked."""
    from cod_core.types import Counterfactual, Origin, now

    project = w.project(pid)
    for i, e in enumerate(items.examples(w.db, pid, split="train")[:4]):
        cf = Counterfactual(f"c{i}", e.id, f"Another {i}.", e.label, LABELS[0], Origin("human", "me"), created_at=now())
        items.add_counterfactuals(w.db, pid, [cf])
        project.curation.decide(cf.id, "rejected", "me", reasons=("duplicate",))
    return project.exports.bundle(choice=ExportChoice(rejected=True))


def test_bytes_of_texts_and_of_the_files_of_ones_projects(w, monkeypatch):
    """Texts of 20,000 characters, or a model a night, fill the disk of the others."""
    limited(w, megabytes=1)
    pid = make(w, ANN)
    with pytest.raises(CodError, match="over the limit of 1.*COD_MAX_MEGABYTES"):
        bring(w, ANN, pid, 100, word="x" * 19_000)
    assert count(w, pid) == 0
    bring(w, ANN, pid, 10)
    (w.project(pid).place.folder("teachers") / "weights").write_bytes(b"0" * 2_000_000)
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: pytest.fail("started"))
    for act in (lambda: bring(w, ANN, pid, 2, first=100), lambda: w.acting(ANN).project(pid).jobs.start("recheck")):
        with pytest.raises(CodError, match="takes 2 MB.*COD_MAX_MEGABYTES"):
            act()
    assert len(bring(w, BOB, pid, 2, first=100).examples) == 2, "whose files they are not"


def test_the_limits_of_jobs_hold_through_the_room(w, monkeypatch):
    limited(w, jobs=1)
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    one, two = make(w, ANN), make(w, ANN)
    w.acting(ANN).project(one).jobs.start("recheck")
    with pytest.raises(CodError, match="COD_MAX_JOBS"):
        w.acting(ANN).project(two).jobs.start("recheck")
    w.acting(BOB).project(two).jobs.start("recheck")


@pytest.mark.parametrize(
    ("params", "light"),
    [
        ({"k": 4}, False),
        ({"k": 4, "generator": "llm", "llm": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}}, True),
        ({"k": 4, "generator": "llm", "llm": {"local": "gemma"}}, False),
        ({"k": 4, "llm": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}}, False),
    ],
)
def test_only_a_run_that_asks_an_address_is_light(w, monkeypatch, params, light):
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    project = w.project(make(w, None))
    assert queue.get(w.db, project.jobs.start("generate", GenerateRequest.of(params))).light is light


def test_limits_come_from_the_environment_and_nonsense_is_named(monkeypatch, tmp_path):
    assert Settings.load(tmp_path).limits == Limits() == Limits(5, 200, 1_000_000, 20_000, 2, 4)
    for name, value in (("MAX_JOBS", "7"), ("MAX_PROJECTS", "0"), ("MAX_TEXTS", "9"), ("MAX_MEGABYTES", " 8 ")):
        monkeypatch.setenv(f"COD_{name}", value)
    monkeypatch.setenv("COD_HEAVY_JOBS", "1"), monkeypatch.setenv("COD_LIGHT_JOBS", "")
    assert Settings.load(tmp_path).limits == Limits(7, 0, 9, 8, 1, 4, ("jobs", "projects", "texts", "megabytes"))
    for name, value in (("MAX_JOBS", "many"), ("MAX_TEXTS", "-1"), ("HEAVY_JOBS", "0"), ("MAX_JOBS", "1e3"), ("MAX_TEXTS", "9" * 30)):
        with monkeypatch.context() as patched:
            patched.setenv(f"COD_{name}", value)
            with pytest.raises(CodError, match=f"COD_{name} must be a whole number"):
                Settings.load(tmp_path)


def test_nobody_at_their_own_machine_meets_a_limit_that_nobody_set(w, monkeypatch):
    """Prevents: the sixth job, or the last megabyte of a laptop's own folder, is refused to the only person who works there."""
    monkeypatch.setattr("cod_core.store.allowance.MEGABYTE", 1)
    w.settings = replace(w.settings, limits=Limits(projects=1, texts=3, megabytes=1, jobs=1))
    pid, _ = make(w, ANN), make(w, ANN)
    assert len(bring(w, ANN, pid, 8).examples) == 8
    signed_in = Actor("eve@team.example", "https://id.example", "e", signed_in=True)
    w.people.set_role(signed_in.name, "curator", "ann")
    with pytest.raises(CodError, match="COD_MAX_TEXTS"):
        bring(w, signed_in, pid, 8, first=100)
    limited(w, texts=3)
    with pytest.raises(CodError, match="COD_MAX_TEXTS"):
        bring(w, ANN, pid, 8, first=100)


def test_no_limit_is_no_limit(w):
    limited(w, projects=0, texts=0, megabytes=0, jobs=0)
    pid = make(w, ANN)
    assert len(bring(w, ANN, pid, 50).examples) == 50
