"""A teacher that guesses is named, a good one is not, and eight texts are too few to say so of anybody who may be good."""

import numpy as np
import pytest

from cod_core.diagnostics.chance import by_chance, guesses

THREE = ("negative", "neutral", "positive")


def answers(gold, recall: float, seed: int) -> list[str]:
    """A teacher that is right on this share of each label and names the others evenly."""
    rng, labels = np.random.default_rng(seed), sorted(set(gold))
    return [g if rng.random() < recall else str(rng.choice([x for x in labels if x != g])) for g in gold]


def test_thirty_one_percent_of_three_labels_is_guessing():
    gold = ["negative"] * 18 + ["neutral"] * 17 + ["positive"] * 17
    assert guesses(gold, answers(gold, 1 / 3, 5)) and guesses(gold, ["negative"] * 52)
    assert not guesses(gold, answers(gold, 0.6, 5))


@pytest.mark.parametrize("n", [6, 8, 12])
def test_a_good_teacher_on_a_few_texts_raises_no_alarm(n):
    gold = ["a", "b"] * (n // 2)
    alarms = sum(guesses(gold, answers(gold, 0.85, seed)) for seed in range(200))
    assert alarms <= 2


def test_one_that_guesses_is_found_out_on_a_hundred_texts():
    gold = list(THREE * 34)
    assert sum(guesses(gold, answers(gold, 1 / 3, seed)) for seed in range(100)) >= 90


def test_a_teacher_that_finds_the_rare_label_does_not_guess_though_the_commonest_label_is_right_more_often():
    gold = ["no"] * 180 + ["yes"] * 20
    said = answers(gold, 0.8, 0)
    assert sum(a == b for a, b in zip(gold, said)) < 180
    assert not guesses(gold, said) and guesses(gold, ["no"] * 200)
    assert by_chance(gold, ["no"] * 200) == pytest.approx(0.9)


def test_texts_of_one_label_cannot_tell():
    assert not guesses(["a"] * 50, ["b"] * 50)
