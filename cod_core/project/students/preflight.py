"""Pre-flight: whether and how a sweep can run, in plain words, before anything is trained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cod_core.compute.engine import expected_seconds, slots_of
from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.distill.kinds import kind_of
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room
from cod_core.project.students.lacking import NO_TEST, without_pairs
from cod_core.project.students.plan import FairPairs, SweepPlans
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import Said, say
from cod_core.types import ARMS

SECONDS_A_TEXT = 0.02
UNEVEN = 1.5  # times the pairs of the thinnest label from which on it is worth a word


SECONDS_A_LINEAR = 0.02


SECONDS_A_STEPWISE = 15.0


@dataclass(frozen=True)
class Preflight:
    """What a sweep would do. n_kept: accepted pairs; n_pairs: those that a balanced draw can use. messages: plain
    sentences. blocked: cannot start. waiting: what has to happen before decisions count, the first of the messages where
    there is any."""

    n_kept: int
    n_pairs: int
    shots_allowed: list[int]
    seconds_estimate: float
    n_test: int
    messages: list[str]
    blocked: bool
    waiting: str = ""

    @property
    def others(self) -> list[str]:
        """The messages but for what is waited for."""
        return self.messages[1:] if self.waiting else self.messages


def thin_targets(labels: Sequence[str], targets: Sequence[str]) -> list[str]:
    """A sentence for each label that fewer counterfactuals are aimed at than half of its fair share, of three labels or more.

    The nearest other class can leave one out altogether: docs/experiments.md, AG News.
    """
    fair, n = len(targets) / len(labels), Counter(targets)
    if len(labels) < 3 or fair < 2:
        return []
    return [
        say(
            "Only {some} of {of} accepted counterfactuals turn a text into “{label}”, so students may miss that label. Aim more at it "
            "on the Proposals page.",
            some=n[label],
            of=len(targets),
            label=label,
        )
        if n[label]
        else say(
            "None of the {of} accepted counterfactuals turn a text into “{label}”, so students may miss that label. Aim more at it "
            "on the Proposals page.",
            of=len(targets),
            label=label,
        )
        for label in labels
        if n[label] < fair / 2
    ]


def not_turned(kept: int, accepted: int) -> Said:
    """A sentence for accepted counterfactuals that the present teacher does not turn around."""
    if kept == 1:
        return say("{kept} of the {accepted} accepted counterfactuals turns this teacher's verdict around.", kept=kept, accepted=accepted)
    return say("{kept} of the {accepted} accepted counterfactuals turn this teacher's verdict around.", kept=kept, accepted=accepted)


def uneven(of_label: Mapping[str, int], even: int) -> Said:
    """A sentence for pairs of which some labels have more than others. even: pairs that a balanced draw can use."""
    thin, thick = min(of_label, key=of_label.__getitem__), max(of_label, key=of_label.__getitem__)
    return say(
        "“{thick}” has {many:,} pairs and “{thin}” {few:,}. All are used. With more than {even:,} pairs "
        "the labels are uneven, so texts of rare labels count more.",
        thick=thick,
        many=of_label[thick],
        thin=thin,
        few=of_label[thin],
        even=even,
    )


class Preflights(Room):
    """What a sweep would do."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, plan: SweepPlans):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.plan = plan

    def check(self, student: str = "linear", seeds: int = 20, shots: Sequence[int] = (), arms: Sequence[str] = ARMS) -> Preflight:
        """Whether and how a sweep can run, in plain words; over every k that is allowed where shots are empty. Asks no model."""
        pairs, allowed, waiting = self.plan.fair_pairs(), self.plan.shots_allowed(), self.pairs.waiting()
        n_test, n_free = self.texts.judging()
        messages, blocked = self._of_pairs(pairs, bool(allowed), waiting)
        if warning := self.teacher.seen_in_training():
            messages.append(warning)
            blocked = True
        messages += pairs.left_out
        if n_test == 0 and n_free == 0:
            messages.append(NO_TEST)
            blocked = True
        elif 0 < n_test < MIN_ROWS:
            messages.append(say("Only {texts} labelled test texts: differences will be uncertain. 100 or more are better.", texts=n_test))
        cells = seeds * sum(len(arms) - ("cod_plus" in arms and k > len(pairs.fair)) for k in shots or allowed)
        compute, kind = self.place.settings.compute, kind_of(student)
        each = SECONDS_A_LINEAR if kind.head else SECONDS_A_STEPWISE
        if compute.scheduler and (problem := slots_of(compute).problem):
            messages.append(problem)
            blocked = True
        seconds = 5 + n_test * SECONDS_A_TEXT + expected_seconds(compute, each, cells, torch=not kind.solved)
        return Preflight(pairs.kept, pairs.allow, allowed, seconds, n_test, messages, blocked, waiting)

    def _of_pairs(self, pairs: FairPairs, any_shots: bool, waiting: str) -> tuple[list[str], bool]:
        """(sentences, whether nothing can start) on what the teacher and the accepted pairs allow; first what is waited for."""
        messages, accepted = [waiting] if waiting else [], self._accepted()
        if self.row.teacher is None:
            return messages or [say("Choose a teacher first, on the Teacher page.")], True
        if not any_shots and waiting and accepted > pairs.kept:
            return messages, True
        if not any_shots:
            turned = [not_turned(pairs.kept, accepted)] if pairs.kept < accepted else []
            return [*messages, *turned, without_pairs(pairs.lacking)], True
        if max(pairs.of_label.values()) > UNEVEN * min(pairs.of_label.values()):
            messages.append(uneven(pairs.of_label, pairs.allow))
        return messages + thin_targets(self.plan.compared(), [cf.target for cf in pairs.fair.values()]), False

    def _accepted(self) -> int:
        """Texts with an accepted counterfactual, whatever the present teacher says of it."""
        return self.pairs.state().n_accepted
