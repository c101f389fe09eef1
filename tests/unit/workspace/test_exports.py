"""What leaves is exactly what was chosen; names stay at home; the counts on screen are the counts in the file."""

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cod_core.data.reading import read_table
from cod_core.data.tables import Columns, Table
from cod_core.export.choice import ExportChoice
from cod_core.export.forms import FORMS
from cod_core.models.choice import read_choice
from cod_core.project.export.exports import Exports
from cod_core.project.teacher.loader import identity
from cod_core.store import decisions, items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task

LABELS = ("good", "bad")
TEACHER = {"kind": "builtin", "name": "movies"}
WHEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def pid(w):
    """Six decided texts: e0 to e2 accepted (e2 in test), e3 kept without a flip, e4 rejected, e5 kept without a check."""
    pid = w.create_project("Wards", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    before, after = Prediction(LABELS, (-0.1, -2.3)), Prediction(LABELS, (-1.6, -0.2))
    items.add_examples(w.db, pid, [Example(f"e{i}", f"A good text {i}.", LABELS[i % 2], "test" if i == 2 else "train") for i in range(6)])
    cfs = [Counterfactual(f"c{i}", f"e{i}", f"A bad text {i}.", "good", "bad", Origin("search", "s"), created_at=WHEN) for i in range(6)]
    items.add_counterfactuals(w.db, pid, cfs)
    items.add_checks(
        w.db,
        pid,
        [
            FlipCheck(
                cf.id,
                *identity(read_choice(TEACHER), LABELS),
                before,
                before if cf.id == "c3" else after,
                "bad",
                1,
                0.2,
                3,
                0.9,
                False,
                WHEN,
            )
            for cf in cfs[:5]
        ],
    )
    for i in range(3):
        w.project(pid).curation.decide(f"c{i}", "accepted", "dr.jane@clinic.example")
    w.project(pid).curation.decide("c3", "accepted", "ben", override_reason="the teacher is wrong")
    w.project(pid).curation.decide("c4", "rejected", "ben")
    from cod_core.types import Decision

    decisions.append(w.db, pid, Decision("c5", "e5", "accepted", "ben", override_reason="no teacher at hand", decided_at=WHEN))
    return pid


def texts(data: bytes) -> list[str]:
    return [json.loads(line)["text"][-2] for line in data.splitlines()]


def test_pairs_kept_with_a_reason_count_as_exported_whether_checked_or_not(w, pid):
    """They were counted as stale and left the file all the same."""
    assert w.project(pid).exports.counts() == {"exported": 5, "rejected": 1, "other": 0, "stale": 0, "unflipped": 0}
    assert texts(w.project(pid).exports.jsonl()) == ["0", "1", "2", "3", "5"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ExportChoice(splits=("test",)), "2"),
        (ExportChoice(labels=("bad",)), "135"),
        (ExportChoice(flips_only=True), "012"),
        (ExportChoice(statuses=("edited",)), ""),
        (ExportChoice(guideline_from=2), ""),
    ],
)
def test_what_was_chosen_is_what_is_counted_and_what_leaves(w, pid, choice, expected):
    assert "".join(texts(w.project(pid).exports.jsonl(choice))) == expected
    assert w.project(pid).exports.counts(choice)["exported"] == len(expected)
    rows = list(csv.DictReader(io.StringIO(w.project(pid).exports.cad(choice).decode()), dialect="excel-tab"))
    assert len(rows) == 2 * len(expected) and [r["batch_id"] for r in rows[::2]] == [r["batch_id"] for r in rows[1::2]]


def test_names_stay_at_home_unless_asked_for(w, pid):
    data = w.project(pid).exports.bundle(choice=ExportChoice(rejected=True))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        audit = [json.loads(line) for line in archive.read("audit.jsonl").splitlines()]
        manifest = json.loads(archive.read("manifest.json"))
    assert b"jane" not in everything and {r["annotator"] for r in audit} == {"A1", "A2"}
    assert manifest["filters"]["anonymised"] and manifest["counts"]["rejected"] == 1
    named = w.project(pid).exports.jsonl(ExportChoice(anonymise=False))
    assert b"dr.jane@clinic.example" in named


def test_the_teacher_is_named_with_its_full_digest(w, pid):
    """The first 16 digits were written as if they were the whole."""
    found = json.loads(w.project(pid).exports.jsonl().splitlines()[0])["teacher"]
    assert len(found["sha256"]) == 64 and found["revision"].startswith(found["sha256"][:16])


def test_the_card_says_what_the_person_wrote_as_plain_characters(w, pid):
    w.project(pid).exports.set_card(
        {"description": "Notes ![x](https://h/y.png)", "license": "cc-by-4.0", "languages": ["en", "de"], "authors": "", "unknown": "x"}
    )
    with zipfile.ZipFile(io.BytesIO(w.project(pid).exports.bundle())) as archive:
        readme = archive.read("README.md").decode()
    head, body = readme.split("\n---\n", 1)
    assert 'license: "cc-by-4.0"' in head and '- "de"' in head
    assert r"Notes \!\[x\]" in body and "](https" not in body and "unknown" not in w.project(pid).row.settings["card"]


def test_likely_personal_data_is_named_before_it_leaves(w, pid):
    items.add_examples(w.db, pid, [Example("p", "Ask eva@clinic.example for a good text.", "good")])
    cf = Counterfactual("cp", "p", "Ask eva@clinic.example for a bad text.", "good", "bad", Origin("search", "s"), created_at=WHEN)
    items.add_counterfactuals(w.db, pid, [cf])
    verdict = w.project(pid).pairs.state().checks["c0"]
    items.add_checks(w.db, pid, [replace(verdict, counterfactual_id="cp")])
    w.project(pid).curation.decide("cp", "rejected", "ben")
    assert w.project(pid).exports.personal_data() == ({}, [])
    w.project(pid).curation.decide("cp", "accepted", "ben", override_reason="yes")
    assert w.project(pid).exports.personal_data() == ({"mail address": 1}, [("p", "mail address", "eva@clinic.example")])


def test_an_export_comes_back_in_one_step_and_twice_changes_nothing(w, pid):
    data = w.project(pid).exports.bundle(choice=ExportChoice(rejected=True))
    again, left = w.open_bundle(data)
    assert left == [] and w.project(again).bundles.open(data) == []
    assert {i: d.status for i, d in w.project(again).pairs.state().outcome.items()} == {
        i: d.status for i, d in w.project(pid).pairs.state().outcome.items()
    }
    w.project(again).curation.undo("A2")
    assert len(w.project(again).pairs.state().outcome) == 5, "an undo takes back one decision, not the whole import"


def test_somebody_who_begins_while_the_set_is_written_leaves_as_a_pseudonym_too(w, pid, monkeypatch):
    """The audit trail named them, and the pairs ended in a traceback."""
    pairs, trail = w.project(pid).selection.stream(), iter(w.project(pid).selection.audit_rows())
    first = next(pairs), next(trail)
    assert first[0].decision.annotator == first[1]["annotator"] == "A1"
    w.project(pid).curation.decide("c4", "accepted", "late@clinic.example", override_reason="it reads well")
    assert [row["annotator"] for row in trail][-1] == "A3"
    read = items.after

    def read_later(*asked):
        monkeypatch.setattr(items, "after", read)
        w.project(pid).curation.decide("c0", "accepted", "later@clinic.example")
        return read(*asked)

    pairs = w.project(pid).selection.stream()
    monkeypatch.setattr(items, "after", read_later)
    assert {i.decision.annotator for i in pairs} == {"A1", "A2", "A3", "A4"}


def more(w, pid, id: str, base: str, kind: str) -> None:
    """Another counterfactual of e0 that flips, made from `base`."""
    items.add_counterfactuals(
        w.db, pid, [Counterfactual(id, "e0", f"A bad text {id}.", "good", "bad", Origin(kind, "x"), derived_from=base, created_at=WHEN)]
    )
    items.add_checks(w.db, pid, [replace(w.project(pid).pairs.state().checks["c0"], counterfactual_id=id)])


def test_the_proposed_text_is_the_generators_and_there_where_a_person_changed_it(w, pid):
    """A tightened proposal left as if a person had changed it; a text changed twice left with the person's own first words."""

    def leaves(pid: str) -> tuple:
        record = next(r for r in map(json.loads, w.project(pid).exports.jsonl().splitlines()) if r["pair_id"] == "e0")
        return record["id"], record["proposed_text"], record["decision"]["revision_no"]

    more(w, pid, "t", "c0", "search")
    w.project(pid).curation.decide("t", "accepted", "ben")
    assert leaves(pid) == ("t", None, 1)
    more(w, pid, "h1", "t", "human")
    more(w, pid, "h2", "h1", "human")
    w.project(pid).curation.decide("h2", "edited", "ben")
    assert leaves(pid) == ("h2", "A bad text t.", 2)
    again, _ = w.open_bundle(w.project(pid).exports.bundle())
    projects.set_teacher(w.db, again, TEACHER)
    assert leaves(again) == leaves(pid)


def test_a_bundle_brings_back_which_texts_had_no_label_and_how_far_an_answer_moved(w, pid):
    """They came back among the training texts, and the verdicts without what orders a generating teacher's proposals."""
    items.add_examples(w.db, pid, [Example("u", "A good text u.", None, "unlabelled")])
    items.add_counterfactuals(
        w.db, pid, [Counterfactual("cu", "u", "A bad text u.", "good", "bad", Origin("import", "x"), created_at=WHEN)]
    )
    items.add_checks(w.db, pid, [replace(w.project(pid).pairs.state().checks["c0"], counterfactual_id="cu", shift=1.5)])
    w.project(pid).curation.decide("cu", "accepted", "ben")
    said = next(json.loads(line) for line in w.project(pid).exports.jsonl().splitlines() if b'"pair_id":"u"' in line.replace(b": ", b":"))
    assert said["label"] == "good" and json.loads(said["metadata"]) == {"label_from": said["teacher"]["id"]}
    again, _ = w.open_bundle(w.project(pid).exports.bundle())
    assert [(e.id, e.label, e.metadata) for e in w.project(again).texts.examples("unlabelled")] == [("u", None, {})]
    assert {i: k.shift for i, k in items.any_checks(w.db, again).items()}["cu"] == 1.5


def test_a_bundle_brings_back_its_guideline_and_the_next_one_has_a_higher_number(w, pid):
    """Decisions under version 3 stood beside a new guideline that was called version 2."""
    for text in ("One word.", "Two words."):
        w.project(pid).guideline.write(text, "rob")
    w.project(pid).curation.decide("c0", "accepted", "ben")
    again, _ = w.open_bundle(w.project(pid).exports.bundle())
    assert (
        (w.project(again).guideline.current().version, w.project(again).guideline.current().text)
        == (3, "Two words.")
        == (w.project(again).row.task.guideline_version, w.project(pid).guideline.current().text)
    )
    assert w.project(again).guideline.write("Three words.", "ann") == 4
    assert {d.example_id for d in w.project(again).guideline.decided_before()} == set(w.project(again).pairs.state().outcome)


def test_what_a_killed_export_leaves_behind_goes_with_its_project(w, pid, monkeypatch):
    monkeypatch.setattr(Exports, "write", lambda self, path, *_: path.write_text("set"))
    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", lambda self: self._finalizer.detach())
    assert w.project(pid).exports.jsonl() == b"set" and list(w.settings.folder("tmp").iterdir())
    w.project(pid).keeping.delete()
    assert list(w.settings.folder("tmp").iterdir()) == []


def test_personal_data_is_named_where_only_the_models_own_words_hold_it(w, pid):
    """The proposal that a person changed, and the raw reply, leave with the set too."""
    items.add_counterfactuals(
        w.db,
        pid,
        [
            Counterfactual(
                "p",
                "e4",
                "Write to eva@clinic.example.",
                "good",
                "bad",
                Origin("llm", "m"),
                "Sure! Call me: tom@model.example",
                created_at=WHEN,
            )
        ],
    )
    items.add_counterfactuals(
        w.db,
        pid,
        [Counterfactual("q4", "e4", "A bad text 4.", "good", "bad", Origin("human", "expert"), derived_from="p", created_at=WHEN)],
    )
    items.add_checks(w.db, pid, [replace(w.project(pid).pairs.state().checks["c0"], counterfactual_id=i) for i in ("p", "q4")])
    w.project(pid).curation.decide("q4", "edited", "ben")
    assert w.project(pid).exports.personal_data() == ({"mail address": 1}, [("e4", "mail address", "eva@clinic.example")])
    w.project(pid).curation.decide("p", "accepted", "ben")
    assert [piece for _, _, piece in w.project(pid).exports.personal_data()[1]] == ["eva@clinic.example", "tom@model.example"]


def test_a_file_is_written_by_the_ending_of_its_name(w, pid, tmp_path):
    w.project(pid).exports.write(tmp_path / "a.tsv")
    assert Path(tmp_path / "a.tsv").read_text().startswith("Sentiment\tText\tbatch_id\tflips\n")
    seen = []
    manifest = w.project(pid).exports.write(tmp_path / "a.zip", progress=lambda done, total, message="": seen.append((done, total)))
    assert manifest["counts"]["exported"] == 5 and seen[-1] == (6, 6)
    body = (tmp_path / "a.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert all(hashlib.sha256(archive.read(n)).hexdigest() == m["sha256"] for n, m in manifest["files"].items())


def table(rows, columns=("text", "label", "split")) -> Table:
    return Table(list(columns), [list(r) for r in rows], list(range(2, len(rows) + 2)), [])


def test_an_empty_split_column_does_not_switch_the_automatic_split_off(w):
    """A column named split without a word in it left every text in training, and no test texts."""
    pid = w.create_project("Split", Task("q", LABELS))
    rows = [(f"text {i}", LABELS[i % 2], "") for i in range(100)]
    found = w.project(pid).uploads.import_table(table(rows), Columns("text", "label", None, "split"), "labelled", None, [], "sha", "t.csv")
    assert w.project(pid).summary().n_test > 20 and "held out for the test" in found.note
    rows = [(f"more {i}", LABELS[i % 2], "") for i in range(10)]
    again = w.project(pid).uploads.import_table(table(rows), Columns("text", "label", None, "split"), "labelled", None, [], "sha2", "t.csv")
    assert "already" in again.note and w.project(pid).summary().n_train > 60


def test_a_pair_that_a_new_teacher_flips_to_a_third_label_stays_until_somebody_gives_a_reason(w):
    """It left under the label of the earlier teacher, which the present one contradicts."""
    labels = ("good", "bad", "mixed")
    pid = w.create_project("Three", Task("Good, bad or mixed?", labels))
    items.add_examples(w.db, pid, [Example("a", "A good day.", "good"), Example("b", "A good night.", "good")])
    items.add_counterfactuals(
        w.db,
        pid,
        [
            Counterfactual(i, e, text, "good", "bad", Origin("search", "s"), created_at=WHEN)
            for i, e, text in (("ca", "a", "A bad day."), ("cb", "b", "A bad night."))
        ],
    )

    def judge(teacher, second):
        projects.set_teacher(w.db, pid, teacher)
        good, bad, mixed = (Prediction(labels, tuple(-0.1 if at == best else -3.0 for at in range(3))) for best in range(3))
        made = {"bad": bad, "mixed": mixed}
        items.add_checks(
            w.db,
            pid,
            [
                FlipCheck(i, *identity(read_choice(teacher), labels), good, made[said], "bad", 1, 0.3, 3, 0.9, False, WHEN)
                for i, said in (("ca", "bad"), ("cb", second))
            ],
        )

    judge({"kind": "builtin", "name": "movies"}, "bad")
    for i in ("ca", "cb"):
        w.project(pid).curation.decide(i, "accepted", "ann")
    assert w.project(pid).exports.counts()["exported"] == 2 == len(w.project(pid).pairs.kept())
    judge({"kind": "builtin", "name": "amazon"}, "mixed")
    assert (w.project(pid).exports.counts()["exported"], w.project(pid).exports.counts()["unflipped"]) == (1, 1)
    assert list(w.project(pid).pairs.kept()) == ["a"], "what is trained on and what leaves are told by one rule"
    assert [json.loads(line)["pair_id"] for line in w.project(pid).exports.jsonl().splitlines()] == ["a"]
    assert w.project(pid).exports.cad().count(b"\n") == 3
    w.project(pid).curation.decide("cb", "accepted", "ann", override_reason="mixed is wrong")
    assert w.project(pid).exports.counts()["exported"] == 2 == len(w.project(pid).exports.jsonl().splitlines())


@pytest.mark.parametrize("form", ["bundle", "pairs", "cad"])
def test_pairs_that_are_here_already_are_recognised_and_not_doubled(w, pid, form, monkeypatch):
    """The set came back from a spreadsheet, and every text had its counterfactual twice."""
    project = w.project(pid)

    class Fake:
        id, revision = identity(read_choice(TEACHER), LABELS)
        labels = LABELS

        def predict(self, texts):
            return [Prediction(LABELS, (-0.2, -1.6) if " good " in text else (-1.6, -0.2)) for text in texts]

    monkeypatch.setattr(project.teacher, "classifier", lambda: Fake())
    before = {cf.id for cf in items.counterfactuals(w.db, pid)}
    name = next(one.name for one in FORMS if one.key == form)
    data = project.exports.form(form)
    if form == "bundle":
        done = project.proposals.import_pairs_of_bundle(data, name)
    else:
        done = project.proposals.import_counterfactuals(read_table(name, data), name=name)
    assert (done.added, done.here, done.problems) == (0, 5, []) and {cf.id for cf in items.counterfactuals(w.db, pid)} == before
    assert "here already" in done.said


def test_a_pair_that_came_by_another_file_takes_the_bundles_decision_under_its_own_id(w, pid):
    """Prevents: an opened bundle that puts each pair a second time beside the one that came by a table."""
    data = w.project(pid).exports.bundle()
    other = w.create_project("Second", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, other, TEACHER)
    items.add_examples(w.db, other, [Example("e0", "A good text 0.", "good")])
    items.add_counterfactuals(
        w.db, other, [Counterfactual("mine", "e0", "A bad  text 0.", "good", "bad", Origin("import", "pairs.csv"), created_at=WHEN)]
    )
    w.project(other).bundles.open(data)
    assert [cf.id for cf in items.counterfactuals(w.db, other, ["e0"])] == ["mine"]
    assert w.project(other).pairs.state().outcome["e0"].counterfactual_id == "mine"


def test_an_earlier_export_is_compared_with_what_would_leave_now(w, pid):
    project = w.project(pid)
    earlier = project.exports.form("doccano", ExportChoice(splits=("train",)))
    found = project.exports.since("doccano.jsonl", earlier)
    assert [pair.pair_id for pair in found.added] == ["e2"] and found.same == 4 and not found.lost and not found.changed
