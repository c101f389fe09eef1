"""Agreement beyond chance, against published numbers and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from cod_core.curation.agreement import agreement

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, missing values, nominal
OBSERVERS = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]


def units(*rows: str) -> list[dict[str, str]]:
    """One row of categories a person -> one mapping a text."""
    return [{f"p{i}": c for i, c in enumerate(column) if c != "."} for column in zip(*(r.split() for r in rows))]


def test_alpha_is_the_published_number():
    found = agreement(units(*OBSERVERS))
    assert found.alpha.value == pytest.approx(0.743, abs=0.0005)
    assert found.n == 11 and found.kappa.value is None and "two people" in found.kappa.why
    assert found.alpha.low < 0.743 < found.alpha.high


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.lists(st.tuples(st.sampled_from("kr"), st.sampled_from("kr")), min_size=12, max_size=40))
def test_kappa_is_that_of_scikit_learn(votes):
    found = agreement([{"ann": a, "ben": b} for a, b in votes], resamples=20)
    expected = cohen_kappa_score(*zip(*votes))
    if np.isnan(expected):
        assert found.kappa.value is None
    else:
        assert found.kappa.value == pytest.approx(expected)
    assert found.percent.value == pytest.approx(np.mean([a == b for a, b in votes]))


def test_people_who_answer_at_random_agree_no_better_than_chance():
    rng = np.random.default_rng(0)
    votes = [{"ann": a, "ben": b} for a, b in rng.choice(["k", "r"], (400, 2), p=[0.9, 0.1])]
    found = agreement(votes)
    assert found.percent.value > 0.75, "most answers are alike by chance alone"
    assert found.kappa.low < 0 < found.kappa.high and found.alpha.low < 0 < found.alpha.high


def test_what_cannot_be_said_is_not_said():
    """A kappa of 1 from two texts, or of nan, would be quoted."""
    assert agreement([{"ann": "k"}]).alpha.value is None
    always = agreement([{"ann": "k", "ben": "k"}] * 20)
    assert always.percent.value == 1.0 and always.alpha.value is None and "one answer" in always.alpha.why
    few = agreement([{"ann": "k", "ben": "k"}, {"ann": "r", "ben": "k"}])
    assert few.percent.low is None and "too few" in few.percent.why
    assert few.counts == {("k", "k"): 1, ("k", "r"): 1}


def test_the_order_of_people_and_the_names_of_categories_do_not_matter():
    one = agreement(units(*OBSERVERS))
    renamed = agreement([{f"z{k}": f"x{v}" for k, v in reversed(u.items())} for u in units(*OBSERVERS)])
    assert one.alpha == renamed.alpha and one.percent == renamed.percent
