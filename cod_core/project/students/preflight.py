"""Pre-flight: whether and how a sweep can run, in plain words, before anything is trained."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.students.plan import NO_TEST, SweepPlans
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.types import ARMS, KEPT

SECONDS_A_TEXT = 0.02


SECONDS_A_LINEAR = 0.02


SECONDS_A_STEPWISE = 15.0


@dataclass(frozen=True)
class Preflight:
    """What a sweep would do. n_kept: accepted pairs; n_pairs: those that a balanced draw can use. messages: plain
    sentences. blocked: cannot start."""

    n_kept: int
    n_pairs: int
    shots_allowed: list[int]
    seconds_estimate: float
    n_test: int
    messages: list[str]
    blocked: bool


def thin_targets(labels: Sequence[str], targets: Sequence[str]) -> list[str]:
    """A sentence for each label that fewer counterfactuals are aimed at than half of its fair share, of three labels or more.

    The nearest other class can leave one out altogether: docs/experiments.md, AG News.
    """
    fair, n = len(targets) / len(labels), Counter(targets)
    if len(labels) < 3 or fair < 2:
        return []
    return [
        (f"Only {n[label]} of {len(targets)}" if n[label] else f"None of the {len(targets)}") + f" accepted counterfactuals turn a "
        f"text into “{label}”, so students may miss that label. Aim more at it on the Proposals page."
        for label in labels
        if n[label] < fair / 2
    ]


class Preflights(Room):
    """What a sweep would do."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws, plan: SweepPlans):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.plan = plan

    def check(self, student: str = "linear", seeds: int = 20, shots: Sequence[int] = (), arms: Sequence[str] = ARMS) -> Preflight:
        """Whether and how a sweep can run, in plain words; over every k that is allowed where shots are empty. Asks no model."""
        project, kept = self.row, self.pairs.kept()
        texts = self.texts.pool_of(kept)
        fair, unfair = self.draws.fair(kept, texts)
        pairs = self.draws.balanced(fair, texts)
        allowed = self.plan.shots_allowed(pairs)
        n_test, n_free = self.texts.judging()
        waiting, accepted = self.pairs.waiting(), self._accepted()
        messages, blocked = [waiting] if waiting else [], False
        if project.teacher is None:
            messages = [waiting or "Choose a teacher first, on the Teacher page."]
            blocked = True
        elif not allowed and not (waiting and accepted > len(kept)):
            need = len(project.task.labels)
            one = len(kept) == 1
            told = (
                f"{len(kept)} counterfactual{' is' if one else 's are'} accepted"
                if accepted == len(kept)
                else f"{len(kept)} of the {accepted} accepted counterfactuals turn{'s' if one else ''} this teacher's verdict around"
            )
            messages.append(
                f"{told}. The smallest comparison needs {need} or more, as many for each label. Accept more on the Curate page."
            )
            blocked = True
        elif not allowed:
            blocked = True
        else:
            if pairs < len(fair):
                messages.append(f"{pairs:,} of the {len(fair):,} accepted pairs fit a fair comparison, which takes as many of each label.")
            messages += thin_targets(project.task.labels, [cf.target for cf, _ in fair.values()])
        if warning := self.teacher.seen_in_training():
            messages.append(warning)
            blocked = True
        messages += unfair
        if n_test == 0 and n_free == 0:
            messages.append(NO_TEST)
            blocked = True
        elif 0 < n_test < MIN_ROWS:
            messages.append(f"Only {n_test} labelled test texts: differences will be uncertain. 100 or more are better.")
        cells = seeds * sum(len(arms) - ("cod_plus" in arms and k > pairs) for k in shots or allowed)
        each = SECONDS_A_LINEAR if student == "linear" else SECONDS_A_STEPWISE
        return Preflight(len(kept), pairs, allowed, 5 + n_test * SECONDS_A_TEXT + cells * each, n_test, messages, blocked)

    def _accepted(self) -> int:
        """Texts with an accepted counterfactual, whatever the present teacher says of it."""
        return sum(d.status in KEPT for d in self.pairs.state().outcome.values())
