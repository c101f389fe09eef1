"""The result in one sentence: the effect, its interval, whether it is clear, exact about the budget.

Numbers in, words out; no model, no screen. The word "clear" appears only where docs/method.md section 6 allows it:
not with one possible draw, not below 100 labelled test rows (agreement with the teacher then comes first).
"""

import math
from dataclasses import dataclass

from cod_core.diagnostics.stats import FEW_DRAWS, FEW_OF_LABELS, FEW_ROWS, MIN_ROWS, ONE_DRAW, SHARED, UNKNOWN, Effect
from cod_core.said import Said, msg, say, several, together

ACCURACY = msg("accuracy")
AGREEMENT = msg("agreement with the teacher")


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
) -> Said:
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
        unknown = say("There are no labelled test texts, so nothing is known of accuracy.")
        return together((_sentence(start, AGREEMENT, measured, 0, named=True), unknown))
    few = n_test < MIN_ROWS
    if few and agreement is not None:
        text = [_sentence(start, AGREEMENT, agreement, n_test, named=True), _sentence(None, ACCURACY, measured, n_test, named=True)]
    else:
        text = [_sentence(start, ACCURACY, measured, n_test, named=few)]
    if majority is not None and after <= majority:
        text.append(say("Always giving the commonest label would reach {share}.", share=percent(majority)))
    if macro_f1 is not None:
        text.append(alike(*macro_f1))
    return together(text)


def alike(before: float, after: float) -> Said:
    """macro-F1 without and with counterfactuals."""
    return say("Counting every label alike (macro-F1): {after} instead of {before}.", after=percent(after), before=percent(before))


def budget(k: int, arm: str = "cod", real: int | None = None) -> Said:
    """The training rows of the arm beside those of KD, in words. real: texts among cod's k rows, half where None.

    Raises ValueError for another arm, or an odd k to be halved.
    """
    if arm == "cod_plus":
        return say(
            "With {rows} training rows ({real} of your texts and {theirs}, instead of the {texts} alone)",
            rows=2 * k,
            real=k,
            theirs=_their(k),
            texts=several(k, "text"),
        )
    if arm != "cod" or (real is None and k % 2):
        raise ValueError(f"the arm is 'cod' with an even k or its texts counted, or 'cod_plus'; got {arm!r} with k = {k}")
    real = k // 2 if real is None else real
    theirs = _their(real) if k == 2 * real else say("counterfactuals of {some} of them", some=k - real)
    return say("With {rows} training rows ({real} of your texts and {theirs}, instead of {rows} texts)", rows=k, real=real, theirs=theirs)


def verdict(effect: Effect, n_labelled: int, measure: str = ACCURACY) -> Said:
    """What may be said of an effect (docs/method.md section 6). n_labelled: labelled test texts behind the result."""
    if effect.caveat == ONE_DRAW:
        return say("this may be chance")
    if effect.caveat == FEW_OF_LABELS:
        return say("too few rows of each label to compare")
    if effect.caveat == FEW_DRAWS:
        return say("too few draws to be sure")
    if effect.caveat == SHARED:
        return say("the draws share many of their texts, so other texts may not show it")
    if effect.caveat == UNKNOWN:
        return say("what the draws share is not on record, so this may be chance (distil again to know)")
    if effect.clear and measure == AGREEMENT and n_labelled < MIN_ROWS:
        if effect.mean > 0:
            return say("the student follows its teacher more closely")
        return say("the student follows its teacher less closely")
    if effect.caveat == FEW_ROWS or (measure == ACCURACY and n_labelled < MIN_ROWS):
        return say("too few texts to be sure")
    if effect.clear:
        return say("a clear gain") if effect.mean > 0 else say("a clear loss")
    return say("the difference may be chance")


def excludes_zero(effect: Effect) -> bool:
    """Whether the 95 % interval lies on one side of 0: only then anything may be said to have risen or fallen."""
    return effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high


def percent(share: float, digits: int = 0) -> Said:
    """ "62 %"."""
    return Said(f"{{share:.{digits}f}} %", {"share": _rounded(100 * share, digits)})


def points(difference: float, digits: int = 0) -> Said:
    """A difference of shares in percentage points with its sign; a true minus for negative ones."""
    value = _rounded(100 * difference, digits)
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return Said(f"{sign}{{points:.{digits}f}}", {"points": abs(value)})


def _sentence(start: Said | None, measure: str, m: Measured, labelled: int, named: bool) -> Said:
    """ "With ... accuracy rose from 62 % to 71 %, 95 % interval ..., 20 draws: a clear gain."; "Accuracy ..." without a start."""
    digits = _digits(m)
    low, high = percent(m.before, digits), percent(m.after, digits)
    one = m.effect.caveat == ONE_DRAW
    if m.effect.low is None or m.effect.high is None:
        interval = say("no interval can be given")
    else:
        ends = {"low": points(m.effect.low, digits), "high": points(m.effect.high, digits)}
        interval = (
            say("95 % interval of the difference {low} to {high} points (from the choice of test texts alone)", **ends)
            if one
            else say("95 % interval of the difference {low} to {high} points", **ends)
        )
    return say(
        "{moved}, {interval}, {draws}: {verdict}.",
        moved=_moved(start, measure, m, low, high, _on(m, measure) if named else ""),
        interval=interval,
        draws=say(ONE_DRAW) if one else several(m.effect.n_seeds, "draw"),
        verdict=verdict(m.effect, labelled, measure),
    )


def _moved(start: Said | None, measure: str, m: Measured, low: Said, high: Said, on: Said | str) -> Said:
    """ "With ... accuracy rose from 62 % to 71 % on 120 test texts"."""
    values: dict[str, object] = {"low": low, "high": high, "on": on}
    if start is None:
        if low == high:
            return say("Accuracy stayed at {high}{on}", high=high, on=on)
        if not excludes_zero(m.effect):
            return say("Accuracy is {high} instead of {low}{on}", **values)
        if m.after > m.before:
            return say("Accuracy rose from {low} to {high}{on}", **values)
        return say("Accuracy fell from {low} to {high}{on}", **values)
    values |= {"start": start, "measure": say(measure)}
    if low == high:
        del values["low"]
        return say("{start} {measure} stayed at {high}{on}", **values)
    if not excludes_zero(m.effect):
        return say("{start} {measure} is {high} instead of {low}{on}", **values)
    if m.after > m.before:
        return say("{start} {measure} rose from {low} to {high}{on}", **values)
    return say("{start} {measure} fell from {low} to {high}{on}", **values)


def _on(m: Measured, measure: str) -> Said:
    """ " on only 60 labelled test texts"."""
    rows = counted(m.n_rows, m.rows_are, labelled=measure == ACCURACY)
    return say(" on only {rows}", rows=rows) if m.n_rows < MIN_ROWS else say(" on {rows}", rows=rows)


def counted(n: int, rows_are: str, labelled: bool = False) -> Said:
    """ "120 test texts". rows_are: "test texts", "unlabelled texts" or what else was measured on."""
    if rows_are == "unlabelled texts":
        return several(n, "unlabelled text")
    if rows_are == "test texts":
        return several(n, "labelled test text") if labelled else several(n, "test text")
    return several(n, rows_are.removesuffix("s"))


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


def _their(n: int) -> Said:
    return say("its counterfactual") if n == 1 else say("their {n} counterfactuals", n=n)
