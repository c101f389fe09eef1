"""The ids of one project in the hands of whoever works in another: no text, proposal, job or file is reached, and nothing is written."""

from contextlib import suppress

from cod_core.curation.filters import Filter
from cod_core.errors import CodError
from cod_core.jobs import queue
from cod_core.store import projects, schema
from cod_core.types import Task
from tests.unit.workspace.test_several_people import LABELS, TEACHER, fill

SECRET = "A secret of the other project."


def reached(mine, job: str) -> dict:
    """Every verb of a project that takes an id, called with the ids of another project."""
    return {
        "card": lambda: mine.cards.one("e0", "ann"),
        "history": lambda: mine.cards.history("e0", "ann"),
        "decide": lambda: mine.curation.decide("c00", "accepted", "ann"),
        "edit": lambda: mine.curation.edit_and_accept("e0", "c00", "Other words.", "ann"),
        "edit without a proposal": lambda: mine.curation.edit_and_accept("e0", None, "Other words.", "ann", target=LABELS[1]),
        "draft": lambda: mine.curation.draft("e1", "ann"),
        "draft, whole": lambda: mine.curation.draft_of("e1", "ann"),
        "undo": lambda: mine.curation.undo("ann"),
        "verdict": lambda: mine.curation.live_verdict("e0", "Other words.", LABELS[1]),
        "plan of a bulk act": lambda: mine.review.plan_bulk("ann", ["e0", "e1"], "accepted"),
        "settle": lambda: mine.review.adjudicate("e0", "bob", "ann"),
        "correct words": lambda: mine.editing.correct("e0", "Other words.", "ann"),
        "take out": lambda: mine.editing.take_out(["e0", "e1"], "ann"),
        "put back": lambda: mine.editing.put_back(["e0", "e1"], "ann"),
        "correct a label": lambda: mine.repair.correct("e0", LABELS[1], "ann"),
        "keep a label": lambda: mine.repair.keep("e0", "ann"),
        "tighten": lambda: mine.tightening.tighten("c01"),
        "try again": lambda: mine.retry.try_again("e0"),
        "ask a model again": lambda: mine.llm.again("e0"),
        "cancel": lambda: mine.jobs.cancel(job),
        "resume": lambda: mine.jobs.resume(job),
        "table": lambda: mine.review.table("ann", Filter(text="secret")),
        "student": lambda: mine.package.student("their-run"),
        "packed student": lambda: mine.package.packed("../theirs/student.zip"),
    }


def test_the_ids_of_another_project_reach_nothing(w, monkeypatch):
    """Prevents: a verb that looks an id up without its project: whoever knows or guesses ids reads and writes across projects."""
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    theirs, other = (w.create_project(name, Task("Good or bad?", LABELS)) for name in ("Theirs", "Mine"))
    projects.set_teacher(w.db, theirs, TEACHER)
    fill(w, theirs, 3)
    w.project(theirs).curation.save_draft("e1", "ann", None, SECRET)
    w.project(theirs).curation.decide("c20", "accepted", "ann")
    job = w.project(theirs).jobs.start("recheck")

    def rows() -> dict:
        with w.db.read() as c:
            return {name: sorted(map(repr, c.execute(table.select()))) for name, table in schema.metadata.tables.items()}

    before, said = rows(), []
    for act in reached(w.project(other), job).values():
        with suppress(CodError):
            said.append(repr(act()))
    assert rows() == before
    assert not [words for words in said if "secret" in words or "good text" in words.lower()], said
