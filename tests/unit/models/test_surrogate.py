"""The linear stand-in for a teacher, on the packaged encoder."""

import numpy as np
import pytest

from cod_core.errors import NotEnoughData
from cod_core.models.encoder import Encoder
from cod_core.models.sensitivity import FirstOrder
from cod_core.models.surrogate import FEWEST, fit_surrogate

pytestmark = pytest.mark.slow
LABELS = ("food", "money", "sport")
WORDS = {
    "food": ("soup", "bread", "cheese", "dinner", "kitchen"),
    "money": ("bank", "loan", "shares", "profit", "tax"),
    "sport": ("goal", "match", "coach", "race", "team"),
}
TEXTS = [
    f"This {place} note is about the {word}."
    for label in LABELS
    for word in WORDS[label]
    for place in ("short", "long", "first", "last", "old")
]
ROWS = np.log(np.repeat(np.full((3, 3), 0.05) + 0.85 * np.eye(3), 25, axis=0))


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


@pytest.fixture(scope="module")
def surrogate(encoder):
    return fit_surrogate(encoder, encoder.encode(TEXTS), ROWS, LABELS)


def test_it_follows_the_teacher_beyond_the_texts_it_learned_from(surrogate):
    rows = surrogate.logprobs(["They cooked a meal.", "The company raised money.", "She won the tournament."])
    assert rows.argmax(1).tolist() == [0, 1, 2]
    assert np.allclose(np.exp(rows).sum(1), 1)


@pytest.mark.parametrize("classes", [2, 3])
def test_estimates_start_from_the_margin_that_is_scored(encoder, classes):
    """A module that pooled or scaled otherwise would rank edits for another line."""
    n = 25 * classes
    made = fit_surrogate(encoder, encoder.encode(TEXTS[:n]), ROWS[:n, :classes], LABELS[:classes])
    text = "This old note is about the bread."
    row = made.logprobs([text])[0]
    margin, gains = FirstOrder(made).estimate(text, [(27, 32, "profit"), (27, 32, "bread")], 1)
    assert margin == pytest.approx(row[1] - np.delete(row, 1).max(), abs=1e-4)
    assert gains[0] > 0 and abs(gains[1]) < 1e-4


def test_too_few_texts_of_a_class_are_named(encoder):
    """Ten texts of a class would make a judge of ten texts."""
    n = 25 + FEWEST - 1
    with pytest.raises(NotEnoughData, match=r"money \(19\)"):
        fit_surrogate(encoder, encoder.encode(TEXTS[:n]), ROWS[:n, :2], LABELS[:2])
