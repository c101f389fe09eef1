"""A whole training on a tiny encoder made here: what is kept of it, and what ends it."""

import itertools
import random

import pytest

from cod_core.models.finetune import finetune_teacher, training_of
from cod_core.models.teachers import FineTunedTeacher
from tests.unit.distill.tiny import LABELS, WORDS, bert, word_tokenizer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    bert().save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return str(folder)


def rows(n, seed=0):
    """n texts of five words; those with 'good' and without 'bad' are good."""
    rng = random.Random(seed)
    texts = [" ".join(rng.choices(WORDS[7:], k=4)) + f" {LABELS[i % 2]}" for i in range(n)]
    return texts, [LABELS[i % 2] for i in range(n)]


def test_the_line_is_kept_where_training_brought_nothing(encoder, tmp_path):
    """Of 100 rows of twelve intents the trained teacher was worse than the line it started from, and was used all the same."""
    texts, labels = rows(80)
    made = finetune_teacher(texts, labels, LABELS, encoder, tmp_path / "t", learning_rate=1e-9)
    how = training_of(made)
    assert how.line and how.refit and how.held_out == 12 and how.temperature < 1, "a line on few rows is less sure than it is right"
    teacher = FineTunedTeacher(made)
    said = teacher.predict(texts)
    assert sum(p.label == label for p, label in zip(said, labels)) >= 78
    assert sum(max(p.probs) for p in said) / 80 > 0.75


def test_a_training_that_brought_something_is_kept(encoder, tmp_path):
    """A line on the mean of the states hardly tells which word came first."""
    rng = random.Random(1)
    texts = [" ".join(rng.choices(["very", "film", "plot", "a"], k=2)) for _ in range(160)]
    labels = [LABELS[t.startswith("very")] for t in texts]
    how = training_of(finetune_teacher(texts, labels, LABELS, encoder, tmp_path / "t", learning_rate=0.01))
    assert not how.line and how.refit


def test_no_training_takes_more_than_its_minutes(encoder, tmp_path):
    """The second fit on all rows had no bound: on a slow machine a training of five minutes took ten."""
    ticks = itertools.count(0, 6)  # ten looks at the clock a minute
    texts, labels = rows(300)
    made = finetune_teacher(texts, labels, LABELS, encoder, tmp_path / "t", minutes=2, clock=lambda: float(next(ticks)))
    assert next(ticks) <= 1.2 * 120 and not training_of(made).learnt.settled
