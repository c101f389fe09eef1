"""The result in one sentence: the effect, its interval, whether it is clear, exact about the budget.

Numbers in, words out; no model, no screen. The word "clear" appears only where docs/method.md section 6 allows it:
not with one possible draw, not below 100 labelled test rows (agreement with the teacher then comes first).
"""

import math
from dataclasses import dataclass

from cod_core.diagnostics.stats import FEW_DRAWS, FEW_OF_LABELS, FEW_ROWS, MIN_ROWS, ONE_DRAW, SHARED, UNKNOWN, Effect

ACCURACY = "accuracy"
AGREEMENT = "agreement with the teacher"


@dataclass(frozen=True)
class Measured:
    """A measure of both arms: means over draws in [0, 1], their Effect, and the rows measured on.

    rows_are: what the rows are called, "unlabelled texts" or "test texts".
    """

    before: float
    after: float
    effect: Effect
    n_rows: int
    rows_are: str = "unlabelled texts"


def result_sentence(
    k: int,
    before: float,
    after: float,
    effect: Effect,
    n_test: int,
    measure: str = ACCURACY,
    arm: str = "cod",
    agreement: Measured | None = None,
    majority: float | None = None,
    rows_are: str = "test texts",
    real: int | None = None,
    macro_f1: tuple[float, ...] | None = None,
) -> str:
    """What the counterfactuals bought against KD on k real texts.

    k: real texts of KD. before, after: mean measure in [0, 1] of KD and of the arm. effect: of after - before.
    measure: "accuracy" on n_test labelled texts, or "agreement with the teacher" where there are no labels.
    arm: "cod" (k/2 texts and their k/2 counterfactuals) or "cod_plus" (k texts and their k counterfactuals).
    agreement: leads where there are fewer than 100 labelled test texts. majority: share of the commonest label;
    said where the arm's accuracy does not exceed it. rows_are: what n_test counts. real: texts among the arm's k rows.
    macro_f1: of KD and of the arm, where the labels of the test are skewed.
    """
    measured, start = Measured(before, after, effect, n_test, rows_are), budget(k, arm, real)
    if measure != ACCURACY:
        return (
            f"{start} {AGREEMENT} {_clause(AGREEMENT, measured, 0, named=True)}. "
            "There are no labelled test texts, so nothing is known of accuracy."
        )
    few = n_test < MIN_ROWS
    if few and agreement is not None:
        text = (
            f"{start} {AGREEMENT} {_clause(AGREEMENT, agreement, n_test, named=True)}. "
            f"Accuracy {_clause(ACCURACY, measured, n_test, named=True)}."
        )
    else:
        text = f"{start} {ACCURACY} {_clause(ACCURACY, measured, n_test, named=few)}."
    if majority is not None and after <= majority:
        text += f" Always giving the commonest label would reach {percent(majority)}."
    if macro_f1 is not None:
        text += f" Counting every label alike (macro-F1): {percent(macro_f1[1])} instead of {percent(macro_f1[0])}."
    return text


def budget(k: int, arm: str = "cod", real: int | None = None) -> str:
    """The training rows of the arm beside those of KD, in words. real: texts among cod's k rows, half where None.

    Raises ValueError for another arm, or an odd k to be halved.
    """
    if arm == "cod_plus":
        return f"With {2 * k} training rows ({k} of your texts and {_their(k)}, instead of the {_count(k, 'text')} alone)"
    if arm != "cod" or (real is None and k % 2):
        raise ValueError(f"the arm is 'cod' with an even k or its texts counted, or 'cod_plus'; got {arm!r} with k = {k}")
    real = k // 2 if real is None else real
    theirs = _their(real) if k == 2 * real else f"counterfactuals of {k - real} of them"
    return f"With {k} training rows ({real} of your texts and {theirs}, instead of {k} texts)"


def verdict(effect: Effect, n_labelled: int, measure: str = ACCURACY) -> str:
    """What may be said of an effect (docs/method.md section 6). n_labelled: labelled test texts behind the result."""
    if effect.caveat == ONE_DRAW:
        return "this may be chance"
    if effect.caveat == FEW_OF_LABELS:
        return "too few rows of each label to compare"
    if effect.caveat == FEW_DRAWS:
        return "too few draws to be sure"
    if effect.caveat == SHARED:
        return "the draws share many of their texts, so other texts may not show it"
    if effect.caveat == UNKNOWN:
        return "what the draws share is not on record, so this may be chance (distil again to know)"
    if effect.clear and measure == AGREEMENT and n_labelled < MIN_ROWS:
        return f"the student follows its teacher {'more' if effect.mean > 0 else 'less'} closely"
    if effect.caveat == FEW_ROWS or (measure == ACCURACY and n_labelled < MIN_ROWS):
        return "too few texts to be sure"
    if effect.clear:
        return "a clear gain" if effect.mean > 0 else "a clear loss"
    return "the difference may be chance"


def excludes_zero(effect: Effect) -> bool:
    """Whether the 95 % interval lies on one side of 0: only then anything may be said to have risen or fallen."""
    return effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high


def percent(share: float, digits: int = 0) -> str:
    """ "62 %"."""
    return f"{_rounded(100 * share, digits):.{digits}f} %"


def points(difference: float, digits: int = 0) -> str:
    """A difference of shares in percentage points with its sign; a true minus for negative ones."""
    value = _rounded(100 * difference, digits)
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{abs(value):.{digits}f}"


def _clause(measure: str, m: Measured, labelled: int, named: bool) -> str:
    """What follows the measure: "rose from 62 % to 71 %, 95 % interval ..., 20 draws: a clear gain"."""
    digits = _digits(m)
    low, high = percent(m.before, digits), percent(m.after, digits)
    if low == high:
        moved = f"stayed at {high}"
    elif excludes_zero(m.effect):
        moved = f"{'rose' if m.after > m.before else 'fell'} from {low} to {high}"
    else:
        moved = f"is {high} instead of {low}"
    on = ""
    if named:
        rows = m.rows_are if m.n_rows != 1 else m.rows_are.removesuffix("s")
        labels = "labelled " if measure == ACCURACY else ""
        on = f" on {'only ' if m.n_rows < MIN_ROWS else ''}{m.n_rows:,} {labels}{rows}"
    if m.effect.low is None or m.effect.high is None:
        interval = "no interval can be given"
    else:
        interval = f"95 % interval of the difference {points(m.effect.low, digits)} to {points(m.effect.high, digits)} points"
    draws = _count(m.effect.n_seeds, "draw")
    if m.effect.caveat == ONE_DRAW:
        interval += " (from the choice of test texts alone)" if m.effect.low is not None else ""
        draws = ONE_DRAW
    return f"{moved}{on}, {interval}, {draws}: {verdict(m.effect, labelled, measure)}"


def _digits(m: Measured) -> int:
    """Decimals: one where whole points would contradict each other, as "stayed" beside an interval without 0."""
    ends = [v for v in (m.effect.low, m.effect.high) if v is not None]
    shown = _rounded(100 * m.after, 0) - _rounded(100 * m.before, 0)
    hides_sign = any(_rounded(100 * v, 0) == 0 and abs(v) >= 5e-4 for v in ends)
    outside = len(ends) == 2 and not _rounded(100 * ends[0], 0) <= shown <= _rounded(100 * ends[1], 0)
    still = shown == 0 and abs(m.after - m.before) >= 5e-4
    return 1 if hides_sign or outside or still else 0


def _rounded(value: float, digits: int) -> float:
    """Half away from zero, so that gains and losses are rounded alike."""
    scale = 10**digits
    return math.copysign(math.floor(abs(value) * scale + 0.5 + 1e-9) / scale, value) + 0.0


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _their(n: int) -> str:
    return "its counterfactual" if n == 1 else f"their {n} counterfactuals"
