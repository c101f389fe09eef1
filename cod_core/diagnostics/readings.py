"""What a person's work added, read three ways: by whoever decides, by the expert who did it, by a researcher.

All three speak of one comparison: the same texts without and with their counterfactuals, which is what the work added. The
researcher's view at equal numbers of rows is diagnostics/sentence.py. Numbers in, words out; no model, no screen.
"""

import math
from dataclasses import dataclass

from cod_core.diagnostics.sentence import excludes_zero, percent, points
from cod_core.diagnostics.stats import Effect

MOST_TEXTS = 20_000  # test texts beyond which nobody is asked for more


@dataclass(frozen=True)
class Worth:
    """pairs: counterfactuals, of as many texts. before, after: share right of the student without and with them, of n_rows rows.

    rows_are: what these are. right: what counts as right, "right" or "answered like the teacher". macro_f1: (before, after)
    where the labels of the test are skewed.
    """

    pairs: int
    before: float
    after: float
    effect: Effect
    n_rows: int
    rows_are: str = "test texts"
    right: str = "right"
    macro_f1: tuple[float, float] | None = None

    @property
    def sure(self) -> bool:
        """Whether the interval excludes 0: only then anything rose or fell."""
        return excludes_zero(self.effect)

    @property
    def enough(self) -> int | None:
        """Rows at which an interval around this difference would just exclude 0; None where it does, or where so many are not to be had."""
        e = self.effect
        if self.sure or e.low is None or e.high is None or not e.mean:
            return None
        wanted = max(1.1 * self.n_rows, self.n_rows * ((e.high - e.low) / 2 / abs(e.mean)) ** 2)
        return _round_up(wanted) if wanted <= MOST_TEXTS else None

    def decider(self) -> str:
        """At most 25 words: a count out of the rows, and what would make it sure."""
        right = f"{self.rows_are} are {self.right}"
        count = f"{self._count(self.after)} of {self.n_rows:,} {right} instead of {self._count(self.before)}"
        if self.sure:
            pays = "pays off" if self.effect.mean > 0 else "does not pay off"
            return f"The work {pays}: with {self._their}, {count}."
        if self._count(self.before) == self._count(self.after):
            same = f"{self._count(self.after)} of {self.n_rows:,} {right}"
            return f"No difference can be seen: with {self._their}, {same}, as without."
        tell = f"{self.enough:,} {self.rows_are} would tell" if self.enough else "more pairs would tell"
        return f"With {self._their}, {count}. This may be chance; {tell}."

    def expert(self) -> str:
        """Shares and the likely difference, in points."""
        digits = 0 if percent(self.before) != percent(self.after) else 1
        before, after = percent(self.before, digits), percent(self.after, digits)
        out = f"With your {self._their}, {after} " + (f"are {self.right}, as without" if before == after else f"instead of {before}")
        e = self.effect
        if e.low is not None and e.high is not None and points(e.low) != points(e.high):
            chance = "" if self.sure else "; this may be chance"
            out += f", likely between {points(e.low)} and {points(e.high)} points{chance}"
        out += f" ({self.n_rows:,} {self.rows_are})."
        if self.macro_f1:
            out += f" Counting every label alike (macro-F1): {percent(self.macro_f1[1])} instead of {percent(self.macro_f1[0])}."
        return out

    @property
    def _their(self) -> str:
        return "1 counterfactual" if self.pairs == 1 else f"{self.pairs:,} counterfactuals"

    def _count(self, share: float) -> str:
        return f"{math.floor(share * self.n_rows + 0.5):,}"


def _round_up(n: float) -> int:
    """To two digits, upwards."""
    unit: int = 10 ** max(0, len(str(int(n))) - 2)
    return math.ceil(n / unit - 1e-9) * unit
