"""What it does that rows are drawn from texts with a counterfactual: the same student on any texts, in numbers and words.

Rows of both arms come from texts that have a counterfactual, which may be easier or harder to learn from than others. Numbers in, words
out; no model, no screen.
"""

from dataclasses import dataclass

from cod_core.diagnostics.sentence import excludes_zero, percent, points, verdict
from cod_core.diagnostics.stats import Effect
from cod_core.said import Said, say, together


@dataclass(frozen=True)
class Against:
    """A kind of student beside the one on any texts. share: right, mean over draws. effect: share less the other's."""

    share: float
    effect: Effect

    @property
    def gains(self) -> bool:
        """Whether the interval lies above 0."""
        return self.effect.mean > 0 and excludes_zero(self.effect)


@dataclass(frozen=True)
class FreeDraw:
    """One k. free: share right of students on k of any texts. paired: of those on k texts, the first ones with a counterfactual. changed:
    of those on half texts, half counterfactuals, None where they are missing. gained: whether these beat `paired` beyond chance.
    measure, n_labelled: as in sentence.verdict."""

    k: int
    free: float
    paired: Against
    changed: Against | None
    gained: bool
    measure: str
    n_labelled: int

    def sentence(self) -> Said:
        """What the choice of texts did, and whether the gain of counterfactuals is owed to it."""
        return together((self.measured(), self.owed()))

    def measured(self) -> Said:
        """Both differences, each with its interval."""
        head = say(
            "With {rows} of your texts alone, {measure} is {paired} where texts with a counterfactual come first, and {free} where "
            "any may be drawn ({difference}).",
            rows=self.k,
            measure=say(self.measure),
            paired=percent(self.paired.share, 1),
            free=percent(self.free, 1),
            difference=self._difference(self.paired),
        )
        if self.changed is None:
            return head
        beside = say(
            "Half counterfactuals reach {changed}, against any of your texts {difference}.",
            changed=percent(self.changed.share, 1),
            difference=self._difference(self.changed),
        )
        return together((head, beside))

    def numbers(self) -> dict[str, object]:
        """A row of a file: shares and differences, each with its interval."""
        out: dict[str, object] = {"k": self.k, "any_texts": self.free}
        for name, one in (("texts_with_counterfactual", self.paired), ("half_counterfactuals", self.changed)):
            if one is not None:
                e = one.effect
                out |= {name: one.share, f"{name}_less_any": e.mean, f"{name}_low": e.low, f"{name}_high": e.high, f"{name}_clear": e.clear}
        return out

    def _difference(self, one: Against) -> Said:
        """ "−2.1 points, 95 % interval −5.0 to +1.0; the difference may be chance"."""
        e = one.effect
        said = verdict(e, self.n_labelled, self.measure)
        if e.low is None or e.high is None:
            return say("{mean} points; {verdict}", mean=points(e.mean, 1), verdict=said)
        ends = {"mean": points(e.mean, 1), "low": points(e.low, 1), "high": points(e.high, 1)}
        return say("{mean} points, 95 % interval {low} to {high}; {verdict}", **ends, verdict=said)

    def owed(self) -> Said | str:
        """Whether the gain may be owed to the choice; nothing where there is no gain."""
        if not self.gained or self.changed is None:
            return ""
        if self.changed.gains:
            return say("The gain is not owed to the choice of texts.")
        return say("The gain may be owed to the choice of texts.")
