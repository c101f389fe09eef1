"""What a person's work added, read three ways: by whoever decides, by the expert who did it, by a researcher.

All three speak of one comparison: the same texts without and with their counterfactuals, which is what the work added. The
researcher's view at equal numbers of rows is diagnostics/sentence.py. Numbers in, words out; no model, no screen.
"""

import math
from dataclasses import dataclass

from cod_core.diagnostics.sentence import alike, counted, excludes_zero, percent, points
from cod_core.diagnostics.stats import Effect
from cod_core.said import Said, say, several, together

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

    def decider(self) -> Said:
        """At most 25 words: a count out of the rows, and what would make it sure."""
        said: dict[str, Said] = {"pairs": several(self.pairs, "counterfactual"), "right": self._right()}
        instead = say("{right} instead of {before:,}", right=said["right"], before=self._count(self.before))
        if self.sure:
            if self.effect.mean > 0:
                return say("The work pays off: with {pairs}, {count}.", pairs=said["pairs"], count=instead)
            return say("The work does not pay off: with {pairs}, {count}.", pairs=said["pairs"], count=instead)
        if self._count(self.before) == self._count(self.after):
            return say("No difference can be seen: with {pairs}, {right}, as without.", **said)
        tell = say("{rows} would tell", rows=counted(self.enough, self.rows_are)) if self.enough else say("more pairs would tell")
        return say("With {pairs}, {count}. This may be chance; {tell}.", pairs=said["pairs"], count=instead, tell=tell)

    def expert(self) -> Said:
        """Shares and the likely difference, in points."""
        digits = 0 if percent(self.before) != percent(self.after) else 1
        before, after = percent(self.before, digits), percent(self.after, digits)
        pairs, rows = several(self.pairs, "counterfactual"), counted(self.n_rows, self.rows_are)
        if before != after:
            head = say("With your {pairs}, {after} instead of {before}", pairs=pairs, after=after, before=before)
        elif self.right == "right":
            head = say("With your {pairs}, {after} are right, as without", pairs=pairs, after=after)
        else:
            head = say("With your {pairs}, {after} are answered like the teacher, as without", pairs=pairs, after=after)
        e, likely = self.effect, say("{head} ({rows}).", head=head, rows=rows)
        if e.low is not None and e.high is not None and points(e.low) != points(e.high):
            values: dict[str, object] = {"head": head, "low": points(e.low), "high": points(e.high), "rows": rows}
            likely = (
                say("{head}, likely between {low} and {high} points ({rows}).", **values)
                if self.sure
                else say("{head}, likely between {low} and {high} points; this may be chance ({rows}).", **values)
            )
        return together((likely, alike(*self.macro_f1))) if self.macro_f1 else likely

    def _right(self) -> Said:
        """ "81 of 100 test texts are right"."""
        count = {"some": self._count(self.after), "of": self.n_rows}
        if self.rows_are == "unlabelled texts":
            return say("{some:,} of {of:,} unlabelled texts are answered like the teacher", **count)
        if self.right == "right":
            return say("{some:,} of {of:,} test texts are right", **count)
        return say("{some:,} of {of:,} test texts are answered like the teacher", **count)

    def _count(self, share: float) -> int:
        return math.floor(share * self.n_rows + 0.5)


def _round_up(n: float) -> int:
    """To two digits, upwards."""
    unit: int = 10 ** max(0, len(str(int(n))) - 2)
    return math.ceil(n / unit - 1e-9) * unit
