"""The result in one sentence: the effect, its interval, whether it is clear, exact about the budget."""

from cod_core.diagnostics.stats import Effect


def result_sentence(k: int, before: float, after: float, effect: Effect, n_test: int, measure: str = "accuracy") -> str:
    """before, after: mean measure in [0, 1] of KD on k texts and of CoD on k/2 texts and their k/2
    counterfactuals. effect: of after - before, in [−1, 1]. measure: "accuracy" or "agreement with the teacher".
    """
    verb = "rose" if after > before else "fell" if after < before else "stayed"
    moved = f"{verb} from {percent(before)} to {percent(after)}" if verb != "stayed" else f"stayed at {percent(after)}"
    draws = f"{effect.n_seeds} draw{'s' if effect.n_seeds != 1 else ''}"
    interval = f"95 % interval of the difference {points(effect.low)} to {points(effect.high)} points"
    return (f"With {k} training rows ({k // 2} of your texts and their {k // 2} counterfactuals, instead of {k} texts) "
            f"{measure} {moved}, {interval}, {draws}: {verdict(effect, n_test)}.")


def verdict(effect: Effect, n_test: int) -> str:
    """What may be said of an effect (METHOD.md section 6)."""
    if effect.caveat == "one possible draw":
        return "your texts allow one possible draw only, so this may be chance"
    if effect.caveat == "few test rows":
        return f"measured on only {n_test} test texts, so this may be chance"
    if effect.clear:
        return "a clear gain" if effect.mean > 0 else "a clear loss"
    return "not clear, it may be chance"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points with its sign; a true minus for negative ones."""
    value = round(100 * difference)
    return f"+{value}" if value > 0 else f"−{-value}" if value < 0 else "0"
