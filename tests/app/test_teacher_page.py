"""What the Teacher page says of a teacher that is of no use, and of one that cannot be chosen."""

import pytest
from conftest_app import LABELS, prediction, words

from cod_core.errors import LabelMismatch
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Example, Task


def measured_on(w, pid: str, n: int, right: float) -> None:
    """n further test texts, of which the teacher is right on this share."""
    teacher = w.teacher(pid)
    rows = [Example(f"t{i}", f"Another test film, number {i}.", LABELS[i % 2], "test") for i in range(n)]
    said = {e.text: (e.label == LABELS[1]) == ((i // 2) % 10 < 10 * right) for i, e in enumerate(rows)}
    items.add_examples(w.db, pid, rows)
    cache.put_predictions(w.db, teacher.id, teacher.revision,
                          {text_hash(t): prediction(0.9 if positive else 0.1).logprobs for t, positive in said.items()})


def test_a_teacher_that_guesses_is_named_with_what_to_do(filled, screen, workspace):
    measured_on(workspace, filled, 100, 0.5)
    said = words(screen("teacher", filled))
    assert "This teacher does no better than guessing on your texts" in said and "Choose another teacher" in said
    assert workspace.teacher_report(filled).warning in said.replace("&#x27;", "'")


@pytest.mark.parametrize(("n", "right"), [(100, 0.7), (2, 0.0)])
def test_a_weak_teacher_and_a_few_texts_raise_no_alarm(filled, screen, workspace, n, right):
    measured_on(workspace, filled, n, right)
    assert "no better than guessing" not in words(screen("teacher", filled))


def test_a_teacher_with_fewer_labels_says_that_it_cannot_judge_and_asks_for_no_mapping(workspace):
    pid = workspace.create_project("Three", Task("Tone?", ("negative", "neutral", "positive")))
    with pytest.raises(LabelMismatch, match="knows these 2 labels: negative, positive.*Choose another teacher") as refused:
        workspace.set_teacher(pid, {"kind": "builtin", "name": "movies"})
    assert "Say which" not in str(refused.value)


def test_a_teacher_named_after_a_project_keeps_its_slash(empty, workspace):
    projects.set_teacher(workspace.db, empty, {"kind": "finetuned", "path": "/x/y", "name": "Pain/No pain (52 texts)", "id": "f"})
    assert workspace.teacher_label(empty) == "Teacher fine-tuned on your texts: Pain/No pain (52 texts)"
    projects.set_teacher(workspace.db, empty, {"kind": "transformers", "name": "/home/me/model", "id": "m"})
    assert workspace.teacher_label(empty) == "Hugging Face classifier: model"
