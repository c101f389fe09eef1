"""The whole main job through the workspace, with the built-in Amazon teacher and texts written for the test."""

import io
import json
import zipfile

import numpy as np
import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.data.tables import guess_columns, read_table
from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput, LabelMismatch, NotEnoughData
from cod_core.models.choice import BuiltinChoice, read_choice
from cod_core.project.proposals.searcher import Searcher
from cod_core.store import decisions, items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.fakes import FakeOpenAI

pytestmark = pytest.mark.slow

TEXTS = [
    ("The battery life is amazing.", "praise"),
    ("The screen is terrible.", "complaint"),
    ("This is the best phone I have ever had.", "praise"),
    ("This is the worst phone I have ever had.", "complaint"),
    ("The sound is great and clear.", "praise"),
    ("The sound is awful and weak.", "complaint"),
    ("I love this wonderful camera.", "praise"),
    ("I hate this horrible camera.", "complaint"),
    ("Setting it up was easy.", "praise"),
    ("Setting it up was difficult.", "complaint"),
    ("A good keyboard for the price.", "praise"),
    ("A bad keyboard for the price.", "complaint"),
]
TEST = [
    (f"The {thing} is {word}.", label)
    for thing in ("lens", "case", "zoom", "menu", "cable")
    for word, label in (("excellent", "praise"), ("poor", "complaint"))
]
MAP = {"positive": "praise", "negative": "complaint"}


def as_csv(rows) -> bytes:
    return ("text,label\n" + "".join(f'"{t}",{label}\n' for t, label in rows)).encode()


def load(w, pid, name, rows, role):
    table = read_table(name, as_csv(rows))
    return w.project(pid).uploads.import_table(table, guess_columns(table), role, None, [], f"sha-{name}", name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with texts, teacher and proposals by search: made once, since the models take seconds to load."""
    w = Workspace(tmp_path_factory.mktemp("home"))
    pid = w.create_project("Phones", Task("Is it praise?", ("praise", "complaint")))
    load(w, pid, "test.csv", TEST, "test")
    load(w, pid, "train.csv", TEXTS, "labelled")
    w.project(pid).teacher.choose(BuiltinChoice("amazon", MAP))
    report = w.project(pid).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search"}))
    return w, pid, report


def test_search_finds_verified_flips_for_nearly_every_text(made):
    _, _, report = made
    assert report.texts >= 10 and report.flipped >= 9


def test_the_same_file_twice_changes_nothing(made):
    w, pid, _ = made
    before = w.project(pid).summary().counts
    load(w, pid, "train.csv", TEXTS, "labelled")
    assert w.project(pid).summary().counts == before


def test_work_done_is_not_repeated(made, monkeypatch):
    """A second run must not search again: the mark of each text says that it was tried."""
    w, pid, first = made
    monkeypatch.setattr(Searcher, "proposer", lambda self, *_: lambda example, n, *_: pytest.fail("searched again"))
    again = w.project(pid).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search"}))
    assert again.tried == 0 and again.flipped == first.flipped


def test_a_card_says_what_changed_and_why_it_matters(made):
    w, pid, _ = made
    card = next(c for c in w.project(pid).cards.all(sort="edit") if c.check.valid)
    assert card.check.edit_fraction <= 0.5 and "changed" in card.reason_why
    assert card.check.after.label != card.check.before.label


def test_only_a_flip_may_be_kept_without_a_reason(made):
    w, pid, _ = made
    card = w.project(pid).cards.all()[0]
    with pytest.raises(BadInput, match="does not change its mind"):
        w.project(pid).curation.edit_and_accept(card.example.id, card.offered.id, card.example.text + " Indeed.", "ann")
    assert not [d for d in decisions.log(w.db, pid) if d.annotator == "ann"]
    kept, check, decision = w.project(pid).curation.edit_and_accept(
        card.example.id, card.offered.id, card.example.text + " Indeed.", "ann", override_reason="for the record"
    )
    assert kept.derived_from == card.offered.id and not check.valid and decision.status == "edited"
    assert card.example.id not in w.project(pid).pairs.kept(), "an overridden text must never be trained on"
    assert w.project(pid).curation.undo("ann") is not None


def test_the_verdict_is_for_the_exact_text_and_is_live(made):
    w, pid, _ = made
    example = next(e for e in w.project(pid).texts.examples("train") if "amazing" in e.text)
    assert w.project(pid).curation.verdict(example.id, "The battery life is horrible.").valid
    assert not w.project(pid).curation.verdict(example.id, "The battery life is superb.").valid
    with pytest.raises(BadInput, match="same as the original"):
        w.project(pid).curation.verdict(example.id, example.text)


def test_changing_the_teacher_makes_checks_stale_and_back_again(made):
    """A verdict of another teacher must not be trained on."""
    w, pid, _ = made
    w.project(pid).curation.accept_unattended()
    kept = len(w.project(pid).pairs.kept())
    assert kept >= 8 and w.project(pid).summary().stale == 0
    w.project(pid).teacher.choose(BuiltinChoice("tweets", MAP))
    assert w.project(pid).pairs.kept() == {} and w.project(pid).summary().stale > 0 and all(c.stale for c in w.project(pid).cards.all())
    w.project(pid).teacher.choose(BuiltinChoice("amazon", MAP))
    assert len(w.project(pid).pairs.kept()) == kept


def test_a_wrong_label_map_is_refused_with_both_lists(made):
    w, pid, _ = made
    with pytest.raises(LabelMismatch, match="Classifier: negative, positive\nProject: praise, complaint"):
        w.project(pid).teacher.choose(BuiltinChoice("amazon"))


def test_distil_measure_export_and_restore(made, tmp_path):
    w, pid, _ = made
    w.project(pid).curation.accept_unattended()
    assert 8 in w.project(pid).preflight.check().shots_allowed
    out = w.project(pid).students.distil(SweepPlan(shots=(8,), seeds=4))
    assert out["students"] >= 3 and out["new"] == out["students"]
    assert w.project(pid).students.distil(SweepPlan(shots=(8,), seeds=4))["new"] == 0
    found = w.project(pid).results.latest()
    assert "With 8 training rows (4 of your texts and their 4 counterfactuals" in found.sentence
    assert "clear gain" not in found.sentence, "10 test texts never allow to say clear"
    cod = next(r for r in found.table if r["arm"] == "cod")
    assert cod["rows"] == 8 and 0 <= cod["mean"] <= 1
    half = next(r for r in found.table if r["arm"] == "half")
    assert (half["rows"], half["k"]) == (4, 8)

    lines = [json.loads(line) for line in w.project(pid).exports.jsonl().splitlines()]
    assert len(lines) == w.project(pid).exports.counts()["exported"] >= 8
    assert all(line["verification"]["flipped"] for line in lines)
    bundle = w.project(pid).exports.bundle()
    restored, _ = w.open_bundle(bundle)
    assert w.project(restored).bundles.open(bundle) == []  # twice changes nothing
    again = [json.loads(line) for line in w.project(restored).exports.jsonl().splitlines()]
    key = lambda r: (r["text"], r["counterfactual_text"], r["decision"]["status"])  # noqa: E731
    assert sorted(map(key, again)) == sorted(map(key, lines)) or w.project(restored).row.teacher is None

    w.project(pid).product.make()
    with zipfile.ZipFile(io.BytesIO(w.project(pid).package.student())) as archive:
        assert any(name.endswith(".safetensors") for name in archive.namelist())


def test_a_killed_sweep_goes_on_with_the_same_numbers(made):
    w, pid, _ = made
    w.project(pid).curation.accept_unattended()

    def stop(done, total, message=""):
        if message == "training students" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        w.project(pid).students.distil(SweepPlan(shots=(8,), seeds=6, arms=("kd", "cod")), stop)
    w.project(pid).students.distil(SweepPlan(shots=(8,), seeds=6, arms=("kd", "cod")))
    table = w.project(pid).results.latest().table
    assert {r["arm"] for r in table} == {"kd", "cod"}


def test_an_llm_run_is_planned_first_and_its_replies_are_never_asked_for_twice(tmp_path):
    answer = json.dumps({"counterfactual": "The battery life is horrible."})
    w = Workspace(tmp_path)
    pid = w.create_project("LLM", Task("Is it praise?", ("praise", "complaint")))
    items.add_examples(w.db, pid, [Example("a", TEXTS[0][0], "praise"), Example("b", TEXTS[1][0], "complaint")])
    w.project(pid).teacher.choose(BuiltinChoice("amazon", MAP))
    with FakeOpenAI(answer) as server:
        request = GenerateRequest(2, 1, "llm", llm=LlmOptions(server.base_url, "fake"))
        plan = w.project(pid).llm.plan(request)
        assert plan.calls == 2 and "127.0.0.1" in plan.host and TEXTS[0][0] in plan.prompt or TEXTS[1][0] in plan.prompt
        assert server.requests == [], "a plan sends nothing"
        out = w.project(pid).proposals.generate(request, key="secret-key")
        assert out.flipped >= 1
        n = len(server.requests)
        w.project(pid).proposals.generate(request, key="secret-key")
        assert len(server.requests) == n
    assert b"secret-key" not in (tmp_path / "cod.db").read_bytes() + b"".join(p.read_bytes() for p in tmp_path.glob("cod.db-*"))


def test_too_few_pairs_say_what_to_do(tmp_path):
    w = Workspace(tmp_path)
    pid = w.create_project("Few", Task("Is it praise?", ("praise", "complaint")))
    flight = w.project(pid).preflight.check()
    assert flight.blocked and any("Choose a teacher" in m for m in flight.messages)
    with pytest.raises((BadInput, NotEnoughData)):
        w.project(pid).students.distil(SweepPlan())


def test_deleting_a_project_erases_its_texts(tmp_path):
    w = Workspace(tmp_path)
    pid = w.create_project("Gone", Task("q", ("praise", "complaint")))
    items.add_examples(w.db, pid, [Example("a", "marker zebrafish text", "praise")])
    w.project(pid).keeping.delete()
    left = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"zebrafish" not in left


def test_a_cached_teacher_answers_without_its_model(made):
    w, pid, _ = made
    texts = [t for t, _ in TEXTS]
    expected = w.project(pid).teacher.classifier().logprobs(texts)
    fresh = Workspace(w.settings.home)
    assert np.allclose(fresh.project(pid).teacher.classifier().logprobs(texts), expected)
    assert fresh.project(pid).teacher.classifier()._wrapped is None


def test_a_chat_model_as_teacher_keeps_its_key_in_memory_only(tmp_path):
    """A key in the database would leave with every backup."""
    w = Workspace(tmp_path)
    pid = w.create_project("Chat", Task("Is it praise?", ("praise", "complaint")))
    items.add_examples(w.db, pid, [Example("a", "Lovely.", "praise"), Example("b", "Ugly.", "complaint")])

    def answer(body):
        return "praise" if "Lovely" in body["messages"][-1]["content"] else "complaint"

    with FakeOpenAI(answer, key="secret-key", logprobs=False) as server:
        w.project(pid).teacher.choose(
            read_choice({"kind": "llm", "base_url": server.base_url, "model": "fake", "samples": 3}), key="secret-key"
        )
        assert [w.project(pid).curation.before(i).label for i in ("a", "b")] == ["praise", "complaint"]
        asked = len(server.requests)
        assert w.project(pid).curation.before("a").label == "praise" and len(server.requests) == asked
    assert b"secret-key" not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert "secret" not in json.dumps(w.project(pid).row.teacher)
