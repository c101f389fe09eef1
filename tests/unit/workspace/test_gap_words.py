"""What may be said of the gap between the lines: as careful about draws as the headline is."""

import numpy as np
import pytest

from cod_core.diagnostics import gaps
from cod_core.diagnostics.stats import ONE_DRAW, SHARED, UNKNOWN
from cod_core.distill.row_sets import Drawn
from cod_core.project.results.chapters import gap_sentence
from cod_core.project.results.diagnosis import gap_values

PAIRS = [(f"good film {i}", f"bad film {i}") for i in range(60)]
LOGITS = np.log([[0.2, 0.8], [0.8, 0.2]])


def values(drawn, draws=20, pairs=PAIRS, turned=1.0):
    """Gaps of students of which the second kind lies nearer to the teacher's line (farther where turned is -1)."""
    found, rng = gaps.paths(pairs), np.random.default_rng(0)
    phi, teacher = rng.normal(size=(len(found.texts), 4)), np.tile(LOGITS, (len(pairs), 1))
    measured = {}
    for arm, off in (("kd", 0.9), ("cod", 0.4)):
        students = np.repeat(teacher[None], draws, axis=0)
        students[:, :, 0] += off + 0.05 * rng.normal(size=(draws, 1))
        measured[arm] = gaps.gaps(found, teacher, students, [1.0] * len(pairs))
    if turned < 0:
        measured = {"kd": measured["cod"], "cod": measured["kd"]}
    return gap_values(found, measured, phi, pairs, draws, drawn)


def test_many_draws_that_share_little_may_say_it():
    assert "20 draws: counterfactuals brought the lines together." in gap_sentence(values(Drawn(20, 0.05)), 32)
    assert "20 draws: counterfactuals drove the lines apart." in gap_sentence(values(Drawn(20, 0.05), turned=-1), 32)


@pytest.mark.parametrize(
    "drawn, draws, caveat, said",
    [
        (Drawn(1, 1.0), 20, ONE_DRAW, "one possible draw: this may be chance."),
        (Drawn(1, 1.0), 1, ONE_DRAW, "one possible draw: this may be chance."),
        (Drawn(20, 0.8), 20, SHARED, "20 draws: the draws share many of their texts"),
        (None, 20, UNKNOWN, "20 draws: what the draws share is not on record"),
        (Drawn(4, 0.05), 4, "few draws", "4 draws: too few draws to be sure."),
    ],
)
def test_a_caveat_takes_the_place_of_the_claim(drawn, draws, caveat, said):
    """One draw and 60 pairs said "counterfactuals brought the lines together"."""
    found = values(drawn, draws)
    assert found.effect.high < 0 and found.effect.caveat == caveat
    sentence = gap_sentence(found, 32)
    assert said in sentence and "lines together" not in sentence and "apart" not in sentence


def test_a_handful_of_pairs_is_too_few():
    found = values(Drawn(20, 0.05), pairs=PAIRS[:20])
    assert "too few texts to be sure" in gap_sentence(found, 32)
