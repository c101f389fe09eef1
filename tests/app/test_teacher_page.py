"""What the Teacher page says of a teacher that is of no use, and of one that cannot be chosen."""

import json

import pytest
from conftest_app import LABELS, prediction, words
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from benchmarks.earlier_teacher import usual_rounds
from cod_core.commands.shell import app
from cod_core.errors import LabelMismatch, NotEnoughData
from cod_core.export.report import build
from cod_core.jobs import queue
from cod_core.models.choice import BuiltinChoice, FinetuneOptions
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Example, Task
from ui.teacher import first_choice


def measured_on(w, pid: str, n: int, right: float) -> None:
    """n further test texts, of which the teacher is right on this share."""
    teacher = w.project(pid).teacher.classifier()
    rows = [Example(f"t{i}", f"Another test film, number {i}.", LABELS[i % 2], "test") for i in range(n)]
    said = {e.text: (e.label == LABELS[1]) == ((i // 2) % 10 < 10 * right) for i, e in enumerate(rows)}
    items.add_examples(w.db, pid, rows)
    cache.put_predictions(
        w.db, teacher.id, teacher.revision, {text_hash(t): prediction(0.9 if positive else 0.1).logprobs for t, positive in said.items()}
    )


def test_a_teacher_that_guesses_is_named_with_what_to_do(filled, screen, workspace):
    measured_on(workspace, filled, 100, 0.5)
    test = screen("teacher", filled)
    said = words(test)
    assert [b.label for b in test.main.button if b.proto.type == "primary"] == ["Use this teacher"]
    assert "This teacher does no better than guessing on your texts" in said and "Choose another teacher" in said
    assert workspace.project(filled).trust.report().warning in said.replace("&#x27;", "'")


@pytest.mark.parametrize(("n", "right"), [(100, 0.7), (2, 0.0)])
def test_a_weak_teacher_and_a_few_texts_raise_no_alarm(filled, screen, workspace, n, right):
    measured_on(workspace, filled, n, right)
    assert "no better than guessing" not in words(screen("teacher", filled))


def test_a_teacher_with_fewer_labels_says_that_it_cannot_judge_and_asks_for_no_mapping(workspace):
    pid = workspace.create_project("Three", Task("Tone?", ("negative", "neutral", "positive")))
    with pytest.raises(LabelMismatch, match="knows these 2 labels: negative, positive.*Choose another teacher") as refused:
        workspace.project(pid).teacher.choose(BuiltinChoice("movies"))
    assert "Say which" not in str(refused.value)


def test_a_teacher_named_after_a_project_keeps_its_slash(empty, workspace):
    projects.set_teacher(workspace.db, empty, {"kind": "finetuned", "path": "/x/y", "name": "Pain/No pain (52 texts)", "id": "f"})
    assert workspace.project(empty).teacher.label() == "Teacher fine-tuned on your texts: Pain/No pain (52 texts)"
    projects.set_teacher(workspace.db, empty, {"kind": "transformers", "name": "/home/me/model", "id": "m"})
    assert workspace.project(empty).teacher.label() == "Hugging Face classifier: model"


def training(screen, pid):
    """The Teacher page with training chosen."""
    page = screen("teacher", pid)
    return page.segmented_control(key="teacher-kind").set_value("finetune").run()


def test_a_training_is_asked_for_until_it_has_learnt_unless_somebody_names_rounds(filled, screen, workspace, monkeypatch):
    """The page filled in a number of rounds that followed the number of rows: two rounds for ten labels taught none of them."""
    asked = []
    monkeypatch.setattr("ui.shared.jobs_panel.start", lambda project, kind, options: asked.append((kind, options)))
    page = training(screen, filled)
    page.button(key="use").click().run()
    page.number_input(key="rounds").set_value(3).run()
    page.button(key="use").click().run()
    usual = {"encoder": "all-MiniLM-L6-v2"}
    assert [(kind, options.to_json()) for kind, options in asked] == [
        ("finetune_teacher", usual),
        ("finetune_teacher", usual | {"epochs": 3}),
    ]


@pytest.mark.parametrize(("model", "said"), [("no-such/model", "There is no model"), ("/no/such.gguf", "There is no file such.gguf")])
def test_a_model_that_is_not_there_is_refused_before_training_begins(filled, screen, workspace, model, said):
    """It was queued, failed, and offered to be resumed, which failed again."""
    page = training(screen, filled)
    [name] = [t for t in page.text_input if t.label == "Model to start from"]
    name.set_value(model)
    page = page.button(key="use").click().run()
    assert said in words(page) and workspace.project(filled).jobs.newest() is None


def test_a_label_without_texts_is_named_before_training_begins(workspace):
    pid = workspace.create_project("One sided", Task("Good or bad?", LABELS))
    items.add_examples(workspace.db, pid, [Example("a", "A fine film.", LABELS[1])])
    with pytest.raises(NotEnoughData, match=f"No training text has the label {LABELS[0]}"):
        workspace.project(pid).jobs.start("finetune_teacher", FinetuneOptions())
    assert workspace.project(pid).jobs.newest() is None


def test_after_a_cancelled_training_it_can_be_started_again(filled, screen, workspace):
    """The page went back to the built-in teachers and 'Train a teacher' was gone; Resume promised what was not kept."""
    queue.enqueue_alone(workspace.db, filled, "finetune_teacher")
    job = workspace.project(filled).jobs.newest()
    workspace.project(filled).jobs.cancel(job.id)
    page = screen("teacher", filled)
    [train] = [b for b in page.main.button if b.label == "Train a teacher"]
    assert not train.disabled and "training was stopped" in words(page) and not [b for b in page.main.button if b.label == "Resume"]


def three(workspace, n=60):
    """A project of three labels; n training texts and some test texts; those of the last label read like the first one's."""
    pid = workspace.create_project("Notes", Task("What came of it?", ("harm", "near miss", "no harm")))
    say = {
        "harm": "Patient fell in the bathroom and broke a wrist, number {}.",
        "near miss": "Wrong drug was drawn up but noticed in time, number {}.",
        "no harm": "Nothing happened to anybody on the ward that night, number {}.",
    }
    test = say | {"no harm": say["harm"]}
    rows = [("harm", "train")] * (n * 6 // 10) + [("near miss", "train")] * (n * 3 // 10) + [("no harm", "train")] * (n // 10)
    rows += [("harm", "test")] * 12 + [("near miss", "test")] * 9 + [("no harm", "test")] * 5
    items.add_examples(
        workspace.db,
        pid,
        [Example(f"n{i}", (test if split == "test" else say)[label].format(i), label, split) for i, (label, split) in enumerate(rows)],
    )
    return pid


def kinds(page):
    return page.segmented_control(key="teacher-kind")


def test_what_is_offered_first_can_work_with_the_labels_and_texts(screen, workspace, empty):
    """Film reviewers came first for notes on falls, and were refused with a message that no control could answer."""
    page = screen("teacher", three(workspace))
    assert kinds(page).value == "finetune" and [b for b in page.main.button if b.label == "Train a teacher"]
    few = screen("teacher", three(workspace, 30))
    assert kinds(few).value == "llm" and "You have 30 labelled training texts" in words(few)
    assert kinds(screen("teacher", empty)).value == "builtin"
    assert first_choice.kind(("a", "b", "c", "d"), 500) == "finetune" and first_choice.builtins(("a", "b", "c", "d")) == []


def test_labels_that_are_not_a_built_in_teachers_are_mapped_by_hand(screen, workspace):
    pid = three(workspace)
    page = screen("teacher", pid)
    kinds(page).set_value("builtin").run()
    assert page.button(key="use").disabled
    for theirs, ours in zip(("negative", "neutral", "positive"), ("harm", "near miss", "no harm")):
        page.selectbox(key=f"builtin-news-{theirs}").set_value(ours).run()
    page.button(key="use").click().run()
    assert workspace.project(pid).teacher.choice().label_map == {"negative": "harm", "neutral": "near miss", "positive": "no harm"}


@pytest.mark.slow
def test_a_dead_label_is_named_on_the_page_by_the_command_and_in_the_report(screen, workspace, home):
    """81 % right, and not one text of 'no harm' found: no place said so."""
    pid = three(workspace)
    project = workspace.project(pid)
    project.training.finetune(FinetuneOptions(epochs=usual_rounds(60)))  # as many as the number of rows gave before
    [first, *_] = project.trust.report().sentences
    assert first.startswith(
        ("It never says 'no harm': 0 of 5. Train it again", "It names 'no harm' right in none of 5 texts. Train it again")
    )
    page = screen("teacher", pid)
    assert first in words(page).replace("&#x27;", "'") and [b for b in page.main.button if b.label == "Train again until it has learnt"]
    command = CliRunner().invoke(app, ["teacher", pid, "report", "--json", "--home", str(home)])
    assert json.loads(command.output)["sentences"][0] == first
    [labels, *_] = sections = project.report.teacher_sections()
    assert not labels.technical and first in build("R", [], "s", sections).replace("&#x27;", "'")


def test_disagreements_are_listed_once_and_few_controls_are_in_view(filled, screen, workspace):
    """A table of disagreements stood beside the list in which labels are corrected, under four closed boxes."""
    measured_on(workspace, filled, 100, 0.7)
    page = screen("teacher", filled)
    assert [e.label for e in page.main.expander][:1] == ["More"] and "Labels that may be wrong" in "".join(m.value for m in page.markdown)
    assert not [d for d in page.main.dataframe if "teacher says" in d.value.columns]


def test_a_warning_and_advice_are_one_box_the_most_important_first(filled, screen, workspace):
    measured_on(workspace, filled, 100, 0.5)
    boxes = [h.value for h in screen("teacher", filled).main.html if "cod-warn" in h.value]
    assert len(boxes) == 1 and "no better than guessing" in boxes[0]
