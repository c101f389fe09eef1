"""What is said of the choice of rows."""

from dataclasses import replace

import pytest

from cod_core.diagnostics.free_draw import Against, FreeDraw
from cod_core.diagnostics.stats import CHANCE, Effect


def against(share: float, mean: float, half: float) -> Against:
    sure = abs(mean) > half
    return Against(share, Effect(mean, mean - half, mean + half, 0.01 if sure else 0.5, 20, sure, "" if sure else CHANCE, 400))


FOUND = FreeDraw(16, 0.65, against(0.629, -0.021, 0.03), against(0.7, 0.05, 0.03), True, "accuracy", 400)


def test_a_sentence_names_both_draws_and_the_gain():
    assert FOUND.sentence() == (
        "With 16 of your texts alone, accuracy is 62.9 % where texts with a counterfactual come first, and 65.0 % where any may be "
        "drawn (−2.1 points, 95 % interval −5.1 to +0.9; the difference may be chance). Half counterfactuals reach 70.0 %, against "
        "any of your texts +5.0 points, 95 % interval +2.0 to +8.0; a clear gain. The gain is not owed to the choice of texts."
    )


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"changed": against(0.66, 0.01, 0.03)}, "may be owed to the choice", "not owed"),
        ({"changed": against(0.60, -0.05, 0.03)}, "may be owed to the choice", "not owed"),
        ({"gained": False}, "+5.0 points", "owed"),
        ({"changed": None}, "where any may be drawn", "Half counterfactuals"),
        ({"paired": against(0.6, -0.05, 0.03)}, "−5.0 points, 95 % interval −8.0 to −2.0; a clear loss", "clear gain)"),
        ({"measure": "agreement with the teacher", "n_labelled": 0}, "follows its teacher more closely", "a clear gain"),
    ],
)
def test_only_what_was_found_is_claimed(changes, said, unsaid):
    """Prevents: a gain that is one beside chosen texts only, called one beside any."""
    found = replace(FOUND, **changes).sentence()
    assert said in found and unsaid not in found


def test_one_test_row_has_no_interval_to_say():
    alone = Against(0.6, Effect(-0.1, None, None, 1.0, 20, False, CHANCE, 1))
    assert "(−10.0 points; " in replace(FOUND, paired=alone).sentence()
