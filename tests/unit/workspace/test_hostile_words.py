"""Two hundred hostile strings as every word that a person gives the library: kept or refused in a sentence, and read back as they were.

On SQLite and PostgreSQL: what the one stores the other may refuse.
"""

import json
import time

import pytest

from cod_core.curation.filters import Filter
from cod_core.curation.view import View
from cod_core.data.tables import Columns, read_table
from cod_core.errors import CodError
from cod_core.project.texts.editing import Wanted
from cod_core.roles import Actor
from cod_core.store import items, projects, schema
from cod_core.types import GuidelineExample, Task
from tests.hostile import LETTERS, STRINGS
from tests.unit.workspace.test_several_people import LABELS, TEACHER, fill

FEWER = [*LETTERS, *STRINGS[:150:3]]  # on PostgreSQL, where each costs more
PLACES = 38  # that take words of a person, which docs/security.md says
LONG = "<b>dull</b> {0} ' % \\ " * 50_000


@pytest.fixture
def project(w):
    pid = w.create_project("Team", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    fill(w, pid, 6)
    return w.project(pid)


def words_of(w, project) -> dict:
    """Every place of the library that takes a person's words: name -> what is done with a string and its number."""
    pid, other = project.id, w.project(w.create_project("Other", Task("Good or bad?", LABELS)))

    def brought(s, i):
        table = read_table("t.csv", f"text,label\nOne text number {i},good\n".encode())
        return other.uploads.import_table(table, Columns("text", "label"), "labelled", None, [], f"{i}", s[:200])

    return {
        "name of a file": brought,
        "name of a project": lambda s, i: w.create_project(s, Task(s, ("a", "b"), (s, s))),
        "project": lambda s, i: w.project(s),
        "text": lambda s, i: project.cards.one(s, "ann"),
        "history": lambda s, i: project.cards.history(s, "ann"),
        "comment": lambda s, i: project.curation.decide(f"c{i % 5}0", "rejected", "ann", ("other",), comment=s),
        "reason to keep": lambda s, i: project.curation.decide("c50", "accepted", "ann", override_reason=s),
        "status": lambda s, i: project.curation.decide("c00", s, "ann"),
        "reason": lambda s, i: project.curation.decide("c00", "rejected", "ann", (s,)),
        "proposal": lambda s, i: project.curation.decide(s, "accepted", "ann"),
        "who decides": lambda s, i: project.curation.decide("c10", "accepted", s),
        "draft": lambda s, i: project.curation.save_draft("e1", "ann", None, s),
        "whose draft": lambda s, i: project.curation.draft("e1", s),
        "holder": lambda s, i: project.presence.claim(s, "ann", ["e2"]),
        "place": lambda s, i: project.presence.record_location("ann", s, s),
        "guideline": lambda s, i: project.guideline.write(s, "ann", {"other": s}, (GuidelineExample(s, s, True, s),), s),
        "search": lambda s, i: project.review.table("ann", Filter(text=s)),
        "history of acts": lambda s, i: project.audit.page("ann", s, None, s, page=0, size=50),
        "bulk": lambda s, i: project.review.plan_bulk("ann", [s], "accepted"),
        "find": lambda s, i: project.editing.look(Wanted(s, None, None)),
        "words of a text": lambda s, i: other.editing.correct(items.examples(w.db, other.id)[0].id, s, "ann") if i < len(STRINGS) else None,
        "taken out": lambda s, i: project.editing.take_out([s], "ann"),
        "corrected label": lambda s, i: project.repair.correct("e3", s, "ann"),
        "label": lambda s, i: other.label_set.rename(other.row.task.labels[0], s),
        "new label": lambda s, i: other.label_set.add(s, s) if i % 10 == 0 else None,
        "meaning": lambda s, i: other.label_set.describe({other.row.task.labels[0]: s}),
        "card": lambda s, i: project.exports.set_card(
            {k: s for k in ("description", "license", "authors", "citation")} | {"languages": [s]}
        ),
        "packed": lambda s, i: project.package.packed(s),
        "student": lambda s, i: project.package.student(s),
        "repository": lambda s, i: project.exports.push_to_hub(s, "") if i % 20 == 0 else None,
        "address": lambda s, i: other.endpoints.confirm(s),
        "template": lambda s, i: other.uploads.rows_as_sentences(read_table("t.csv", b"a,b\n1,2\n"), s),
        "person": lambda s, i: w.people.set_role(s, "curator", "ann"),
        "person's places": lambda s, i: w.people.locations(s),
        "view": lambda s, i: View.of({k: s for k in ("show", "sort", "find", "label", "origin", "who", "reason", "differs")}),
        "job": lambda s, i: project.jobs.cancel(s),
        "set at the hub": lambda s, i: other.uploads.import_hub(s, "train", 10),
        "actor": lambda s, i: w.acting(Actor(s)).project(pid).curation.undo(s),
    }


def attempt(act, s: str, number: int) -> str:
    """What went wrong that is no refusal in words, "" where nothing did."""
    try:
        act(s, number)
    except CodError:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return ""


def longest(w) -> dict[str, int]:
    """column -> characters of the longest word in it."""
    out: dict[str, int] = {}
    with w.db.read() as c:
        for name, table in schema.metadata.tables.items():
            for row in c.execute(table.select()).mappings():
                for column, value in row.items():
                    out[f"{name}.{column}"] = max(
                        out.get(f"{name}.{column}", 0), len(value if isinstance(value, str) else json.dumps(value, default=repr))
                    )
    return out


def test_every_word_of_a_person_is_kept_or_refused(w, project):
    """Prevents: a word that one database stores and the other refuses with an error of its own; a name that leads out of a folder."""
    places, tried = words_of(w, project), STRINGS if w.db.engine.dialect.name == "sqlite" else FEWER
    faults = {(name, s[:40], said) for name, act in places.items() for i, s in enumerate(tried) if (said := attempt(act, s, i))}
    assert not faults and len(places) >= PLACES, sorted(faults)[:20]
    project.audit.replayed(), [c.example.text for c in project.cards.all(annotator="ann")]
    again = w.project(w.restore(project.keeping.backup(), fresh=True))
    assert again.guideline.current().text == project.guideline.current().text


def test_no_word_is_longer_than_a_text_may_be(w, project):
    """Prevents: a message that goes past the field's own limit fills the disk of the others, uncounted."""
    for name, act in words_of(w, project).items():
        start = time.process_time()
        assert not (said := attempt(act, LONG, len(STRINGS))), (name, said)
        assert time.process_time() - start < 2, name
    assert not {column: n for column, n in longest(w).items() if n > 120_000}
