import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.sentence import AGREEMENT, Measured, budget, percent, points, result_sentence
from cod_core.diagnostics.stats import CHANCE, FEW_DRAWS, FEW_ROWS, ONE_DRAW, SHARED, UNKNOWN, Effect


def effect(mean, low, high, caveat="", seeds=20, n=2000):
    return Effect(mean, low, high, 0.001, seeds, not caveat, caveat, n)


def test_a_gain_reads_as_the_project_promised():
    assert result_sentence(16, 0.62, 0.71, effect(0.09, 0.06, 0.12), 2000) == (
        "With 16 training rows (8 of your texts and their 8 counterfactuals, instead of 16 texts) accuracy rose from "
        "62 % to 71 %, 95 % interval of the difference +6 to +12 points, 20 draws: a clear gain."
    )


def test_a_loss_is_said_as_plainly():
    text = result_sentence(16, 0.71, 0.62, effect(-0.09, -0.12, -0.06), 2000)
    assert "accuracy fell from 71 % to 62 %" in text and "−12 to −6 points" in text and text.endswith("a clear loss.")


@pytest.mark.parametrize(
    "caveat, said",
    [
        (CHANCE, "20 draws: the difference may be chance."),
        (FEW_DRAWS, "too few draws to be sure."),
        (ONE_DRAW, "one possible draw: this may be chance."),
        (SHARED, "the draws share many of their texts"),
        (UNKNOWN, "what the draws share is not on record"),
        ("a caveat of another version", "the difference may be chance."),
    ],
)
def test_what_is_not_clear_never_contains_the_word(caveat, said):
    """'Unclear' is read as 'clear' by whoever skims."""
    text = result_sentence(16, 0.62, 0.71, effect(0.09, 0.06, 0.12, caveat), 2000)
    assert said in text and "clear" not in text


def test_one_possible_draw_is_not_counted_as_twenty():
    text = result_sentence(16, 0.62, 0.71, effect(0.09, 0.06, 0.12, ONE_DRAW), 2000)
    assert "20 draws" not in text and "from the choice of test texts alone" in text


def test_few_labelled_rows_lead_with_agreement_and_show_both_counts():
    agreed = Measured(0.70, 0.80, effect(0.10, 0.07, 0.13, n=1500), 1500)
    text = result_sentence(16, 0.62, 0.71, effect(0.09, -0.06, 0.22, FEW_ROWS), 40, agreement=agreed)
    assert text.index("agreement with the teacher rose from 70 % to 80 % on 1,500 unlabelled texts") < text.index(
        "Accuracy is 71 % instead of 62 % on only 40 labelled test texts"
    )
    assert "−6 to +22 points" in text and "follows its teacher more closely" in text and "clear" not in text


@pytest.mark.parametrize("n", [1, 40, 99])
def test_below_100_labelled_rows_nothing_is_clear_even_where_the_effect_says_so(n):
    text = result_sentence(8, 0.6, 0.8, effect(0.2, 0.1, 0.3), n)
    assert "clear" not in text and f"on only {n} labelled test text" in text
    assert "clear" not in result_sentence(8, 0.6, 0.8, effect(0.2, 0.1, 0.3), n, AGREEMENT)


def test_without_labelled_rows_agreement_says_what_it_does_not_know():
    text = result_sentence(8, 0.8, 0.6, effect(-0.2, -0.3, -0.1), 500, AGREEMENT, rows_are="unlabelled texts")
    assert "agreement with the teacher fell from 80 % to 60 % on 500 unlabelled texts" in text
    assert "less closely" in text and text.endswith("nothing is known of accuracy.")


def test_no_interval_is_said_in_words():
    text = result_sentence(8, 0.0, 1.0, effect(1.0, None, None, ONE_DRAW, 1), 1)
    assert "no interval can be given, one possible draw" in text and "None" not in text


def test_small_effects_get_a_decimal_instead_of_a_contradiction():
    """'Stayed at 62 %: a clear gain' or '+0 to +1' would be nonsense."""
    text = result_sentence(16, 0.621, 0.624, effect(0.003, 0.001, 0.005), 9999)
    assert "rose from 62.1 % to 62.4 %" in text and "+0.1 to +0.5 points" in text
    assert "stayed at 62 %" in result_sentence(16, 0.62, 0.62, effect(0.0, -0.02, 0.02, CHANCE), 2000)


def test_a_student_below_the_commonest_label_is_told_so():
    skewed = result_sentence(8, 0.55, 0.6, effect(0.05, 0.02, 0.08), 500, majority=0.69)
    assert skewed.endswith("Always giving the commonest label would reach 69 %.")
    assert "commonest" not in result_sentence(8, 0.55, 0.75, effect(0.2, 0.1, 0.3), 500, majority=0.69)


def test_many_unlabelled_texts_are_not_called_too_few():
    """Agreement on 5,000 texts that may be chance was said to rest on too few texts, since none of them has a label."""
    text = result_sentence(8, 0.70, 0.71, effect(0.01, -0.01, 0.03, CHANCE), 5000, AGREEMENT, rows_are="unlabelled texts")
    assert "on 5,000 unlabelled texts" in text and "the difference may be chance" in text and "too few" not in text


def test_budgets_count_every_training_row():
    assert "32 training rows (16 of your texts and their 16 counterfactuals, instead of the 16 texts alone)" in budget(16, "cod_plus")
    assert "2 training rows (1 of your texts and its counterfactual, instead of 2 texts)" in budget(2)
    assert "9 training rows (7 of your texts and counterfactuals of 2 of them, instead of 9 texts)" in budget(9, real=7)
    for k, arm in ((7, "cod"), (8, "kd")):
        with pytest.raises(ValueError):
            budget(k, arm)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.3), st.sampled_from(["", CHANCE, ONE_DRAW]), st.integers(0, 300))
def test_words_and_signs_agree_for_any_numbers(before, after, half, caveat, n):
    mean = after - before
    caveat = caveat or ("" if abs(mean) > half else CHANCE)
    text = result_sentence(8, before, after, effect(mean, mean - half, mean + half, caveat), n)
    assert ("rose" in text) <= (after > before) and ("fell" in text) <= (after < before)
    assert ("a clear gain" in text) == (not caveat and n >= 100 and mean > 0)
    assert "-" not in text and "nan" not in text and text.endswith(".")


def test_numbers_round_alike_on_both_sides_of_zero():
    assert points(0.005) == "+1" and points(-0.005) == "−1" and points(0.0) == points(-0.0001) == "0"
    assert percent(0.625) == "63 %" and percent(0.6249) == "62 %" and points(0.0049, 1) == "+0.5"
