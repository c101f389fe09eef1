"""Three readings of one comparison: short enough to be read, and never surer than the interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.readings import Worth
from cod_core.diagnostics.stats import Effect


def worth(before: float, after: float, low: float | None, high: float | None, n: int = 100, **more) -> Worth:
    return Worth(28, before, after, Effect(after - before, low, high, 0.01, 20, False, "", n), n, **more)


def test_the_expert_reads_shares_and_what_is_likely():
    said = worth(0.67, 0.79, 0.04, 0.20).expert()
    assert said == "With your 28 counterfactuals, 79 % instead of 67 %, likely between +4 and +20 points (100 test texts)."


def test_whoever_decides_reads_a_count_of_texts():
    assert (
        worth(0.67, 0.79, 0.04, 0.20).decider()
        == "The work pays off: with 28 counterfactuals, 79 of 100 test texts are right instead of 67."
    )
    assert worth(0.79, 0.67, -0.20, -0.04).decider().startswith("The work does not pay off")


def test_what_may_be_chance_says_what_would_make_it_sure():
    """An interval of ±9 around +3 would exclude 0 with nine times as many texts."""
    said = worth(0.67, 0.70, -0.06, 0.12)
    assert said.enough == 900 and said.decider().endswith("This may be chance; 900 test texts would tell.")
    assert said.expert().endswith("likely between −6 and +12 points; this may be chance (100 test texts).")


def test_a_difference_too_small_for_any_test_asks_for_pairs_instead():
    said = worth(0.66, 0.67, -0.2, 0.22)
    assert said.enough is None and said.decider().endswith("This may be chance; more pairs would tell.")


def test_no_difference_is_called_none():
    assert (
        worth(0.67, 0.67, -0.05, 0.05).decider()
        == "No difference can be seen: with 28 counterfactuals, 67 of 100 test texts are right, as without."
    )


def test_two_equal_shares_are_said_once():
    """Prevents: "77.8 % instead of 77.8 %, likely between 0 and 0 points; this may be chance"."""
    assert worth(0.778, 0.778, 0.0, 0.0, n=18).expert() == "With your 28 counterfactuals, 77.8 % are right, as without (18 test texts)."
    assert "67.0 % are right, as without, likely between −5 and +5 points" in worth(0.67, 0.67, -0.05, 0.05).expert()


def test_without_labels_it_speaks_of_the_teachers_answers():
    said = worth(0.67, 0.79, 0.04, 0.20, rows_are="unlabelled texts", right="answered like the teacher").decider()
    assert "79 of 100 unlabelled texts are answered like the teacher instead of 67" in said


def test_skewed_labels_have_macro_f1_in_the_experts_reading():
    assert worth(0.8, 0.82, -0.1, 0.1, macro_f1=(0.4, 0.6)).expert().endswith("(macro-F1): 60 % instead of 40 %.")


def test_a_single_test_text_has_no_interval_and_no_claim():
    said = worth(0.0, 1.0, None, None, n=1)
    assert not said.sure and "likely" not in said.expert() and "may be chance" in said.decider()


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), st.sampled_from(["right", "answered like the teacher"]))
def test_a_deciders_sentence_has_at_most_25_words_and_claims_only_what_is_sure(n, before, after, half, right):
    mean = after - before
    said = worth(before, after, mean - half, mean + half, n=n, right=right, rows_are="unlabelled texts")
    assert len(said.decider().split()) <= 25, said.decider()
    assert ("pay" in said.decider()) == said.sure


@pytest.mark.parametrize("pairs", [1, 2])
def test_one_counterfactual_is_one(pairs):
    said = Worth(pairs, 0.5, 0.6, Effect(0.1, 0.05, 0.15, 0.01, 5, True), 200).expert()
    assert said.startswith(f"With your {pairs} counterfactual{'s' if pairs == 2 else ''}, 60 %")
