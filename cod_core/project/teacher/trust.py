"""How far the teacher can be trusted: judged on the person's own labelled rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cod_core.diagnostics import fidelity
from cod_core.diagnostics.by_class import ByClass, Finding, by_class, findings, hardest, most_mixed_up, remedy
from cod_core.models.cached import CachedClassifier
from cod_core.models.choice import FinetunedChoice
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room
from cod_core.project.teacher.generation import PROMPTS_A_REPORT
from cod_core.project.teacher.teacher import Teacher, is_own_sample
from cod_core.project.teacher.training import Training
from cod_core.said import say, together
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Prediction

ROWS_OF_A_LABEL = 40  # judged of each label, where there are so many


@dataclass(frozen=True)
class Calibration:
    """Whether "83 % sure" is right 83 times in 100. ece, low, high: None below 200 rows. bins: least sure first, [] then."""

    n: int
    ece: float | None = None
    low: float | None = None
    high: float | None = None
    bins: list[fidelity.Bin] = field(default_factory=list)


@dataclass(frozen=True)
class Advice:
    """What is wrong with a label, and what to do about it. retrain: training again may mend it; more texts otherwise."""

    found: Finding
    remedy: str
    retrain: bool


@dataclass(frozen=True)
class TeacherReport:
    """accuracy: on n of the person's labelled rows the teacher did not train on; None where there are none.

    n_left_out: rows it trained on. disagreements: rows where it differs from the gold label. unanswered: rows for which
    a language model named no label, or said nothing; they are in none of the other numbers. covered: mean share of its
    answers that named a label, or held a word, None for other teachers. warning: where it does no better than guessing.
    by_class: over the n rows and added ones, so that a rare label is judged too (judged of them); None where accuracy is.
    advice: a value a label that it does not know, the worst first. lost: the unanswered rows, and why.
    """

    name: str
    kind: str
    revision: str
    accuracy: float | None
    n: int
    n_left_out: int
    disagreements: list[tuple[Example, Prediction]]
    note: str = ""
    warning: str = ""
    unanswered: int = 0
    covered: float | None = None
    by_class: ByClass | None = None
    judged: int = 0
    advice: list[Advice] = field(default_factory=list)
    calibration: Calibration | None = None
    lost: list[tuple[Example, str]] = field(default_factory=list)

    @property
    def right(self) -> str:
        """How many of the texts it was asked about it is right on, where it gave no answer to some; "" where it answered all."""
        if not self.unanswered:
            return ""
        asked = self.n + self.unanswered
        unread = say("{some} of {of} texts got no answer that could be read.", some=self.unanswered, of=asked)
        if self.accuracy is None:
            return unread
        return together((unread, say("Right on {right} of the {of}.", right=round(self.accuracy * self.n), of=asked)))

    @property
    def sentences(self) -> list[str]:
        """What must be known beside the accuracy, the worst first: the page, the command and the file say the same."""
        if self.by_class is None:
            return []
        told: list[str] = [together((a.found.sentence, a.remedy)) for a in self.advice]
        return told or [said for said in (hardest(self.by_class),) if said]

    @property
    def mistake(self) -> str:
        """The most frequent mistake in words, "" where there is none."""
        return most_mixed_up(self.by_class) if self.by_class else ""


@dataclass(frozen=True)
class Asked:
    """What a teacher was asked to be judged. rows: that could be; held_out: of these, those that it did not train on. asked: the
    usual ones, added: more of rare labels. answered: rows with an answer."""

    rows: list[Example]
    labelled: int
    held_out: list[Example]
    asked: list[Example]
    added: list[Example]
    answered: list[tuple[Example, Prediction]]

    @property
    def known(self) -> bool:
        """Whether the answers say anything about texts it has not seen."""
        return bool(self.held_out and self.answered)

    @cached_property
    def first(self) -> list[tuple[Example, Prediction]]:
        """The answers that accuracy is measured on: without the rows added for rare labels."""
        once = {e.id for e in self.added}
        return [(e, p) for e, p in self.answered if e.id not in once]

    @property
    def accuracy(self) -> float | None:
        """Share right of the first, None where that would say nothing."""
        return sum(p.label == e.label for e, p in self.first) / len(self.first) if self.known and self.first else None

    def by_class(self, labels: Sequence[str]) -> ByClass | None:
        """What it knows of each label; None where that would say nothing."""
        if not self.known:
            return None
        return by_class([str(e.label) for e, _ in self.answered], [p.label for _, p in self.answered], labels, len(self.first))


class Trust(Room):
    """The teacher against the gold labels."""

    def __init__(self, place: Place, teacher: Teacher, training: Training):
        super().__init__(place)
        self.teacher = teacher
        self.training = training

    def report(self, limit: int = 200, progress: Progress = silent) -> TeacherReport:
        """Accuracy on up to `limit` of the person's own labelled rows (24 where a model has to answer each), what it knows of
        each label, and where teacher and gold differ."""
        teacher, choice = self.teacher.classifier(), self.teacher.choice()
        asks = choice is not None and choice.asks
        asked = self._asked(teacher, self._most(limit), asks, progress)
        seen = asked.by_class(self.labels)
        return TeacherReport(
            name=self.teacher.label() or "",
            kind=choice.kind if choice else "",
            revision=teacher.revision,
            accuracy=asked.accuracy,
            n=len(asked.first) if asked.held_out else 0,
            n_left_out=asked.labelled - len(asked.held_out),
            disagreements=[(e, p) for e, p in asked.answered if p.label != e.label],
            note=self.teacher.seen_in_training() or all_trained_on(asked.rows, asked.held_out),
            warning=_warning(asked.first) if asked.held_out else "",
            unanswered=len(asked.asked) + len(asked.added) - len(asked.answered),
            covered=_covered(teacher, asked.asked),
            by_class=seen,
            judged=len(asked.answered) if asked.held_out else 0,
            advice=self._advice(seen) if seen else [],
            calibration=_calibration(asked.first) if asked.known else None,
            lost=self._lost(asked),
        )

    def _lost(self, asked: "Asked") -> list[tuple[Example, str]]:
        """The rows without an answer, with the reason where one is on record."""
        answered = {e.id for e, _ in asked.answered}
        silent = [e for e in (*asked.asked, *asked.added) if e.id not in answered]
        whys = self.teacher.why_lost([e.text for e in silent]) if silent else {}
        return [(e, whys.get(e.text, say("The model named none of your labels."))) for e in silent]

    def _asked(self, teacher: CachedClassifier, most: int, asks: bool, progress: Progress) -> "Asked":
        """The rows that the teacher is judged on, with its answers. asks: each answer costs money or seconds."""
        rows, labelled = self._rows(teacher.id)
        trained = self.teacher.trained_on()
        held_out = [e for e in rows if not trained(e)]
        asked, added = drawn(held_out or rows, most, 0 if asks or not held_out else ROWS_OF_A_LABEL)
        return Asked(rows, labelled, held_out, asked, added, _answered(teacher, [*asked, *added], progress))

    def _advice(self, seen: ByClass) -> list[Advice]:
        """What to do about each label that it does not know."""
        rows, own = items.counts(self.db, self.id).per_label("train", self.labels), isinstance(self.teacher.choice(), FinetunedChoice)
        unfinished = own and self.training.unfinished()
        return [Advice(f, remedy(f, rows[f.label], own, unfinished), unfinished and not f.unjudged) for f in findings(seen)]

    def _most(self, limit: int) -> int:
        """Rows to ask the teacher about: few where a model has to answer each."""
        return min(limit, PROMPTS_A_REPORT) if self.teacher.generates() else limit

    def _rows(self, teacher_id: str) -> tuple[list[Example], int]:
        """(labelled rows to judge the teacher on, test texts first; how many labelled rows the project has). Rows that got
        their label from this teacher are in neither: it would agree with itself."""
        splits = ("test", "validation") if is_own_sample(self.row, self.teacher.choice()) else ("test", "validation", "train")
        rows = [e for split in splits for e in items.examples(self.db, self.id, split=split) if e.label is not None]
        independent = [e for e in rows if e.metadata.get("label_from") != teacher_id]
        return independent, items.counts(self.db, self.id).labelled() - (len(rows) - len(independent))


def drawn(rows: Sequence[Example], most: int, of_each: int) -> tuple[list[Example], list[Example]]:
    """(rows to judge on, rows added so that each label has `of_each` of them where there are so many): the same in every run.

    The first are drawn from the rows of one split after the other, as they come where none is added (asking costs money then,
    and what was asked is on record), else in an order that has nothing to do with that of the file: it may be sorted by label.
    """
    if not of_each or len(rows) <= most:
        return list(rows[:most]), []
    splits = list(dict.fromkeys(e.split for e in rows))
    mixed = sorted(rows, key=lambda e: (splits.index(e.split), short_hash("judged", e.id)))
    first, rest = mixed[:most], mixed[most:]
    have = Counter(e.label for e in first)
    added = []
    for e in rest:
        if have[e.label] < of_each:
            have[e.label] += 1
            added.append(e)
    return first, added


def _calibration(answered: Sequence[tuple[Example, Prediction]]) -> Calibration:
    sure, right = [p.prob(p.label) for _, p in answered], [float(p.label == e.label) for e, p in answered]
    return Calibration(len(answered), *fidelity.calibration_error(sure, right), fidelity.reliability(sure, right))


def _answered(teacher: CachedClassifier, rows: Sequence[Example], progress: Progress) -> list[tuple[Example, Prediction]]:
    """The rows for which the teacher named a label, with what it said."""
    return [(e, p) for e, p in zip(rows, teacher.predict([e.text for e in rows], progress)) if p.decided]


def _warning(answered: Sequence[tuple[Example, Prediction]]) -> str:
    return guessing([str(e.label) for e, _ in answered], [p.label for _, p in answered])


def _covered(teacher: CachedClassifier, rows: Sequence[Example]) -> float | None:
    """Mean share of its answers that named a label; None where the teacher does not say."""
    shares = [share for share in teacher.covered([e.text for e in rows]) if share is not None]
    return sum(shares) / len(shares) if shares else None


def all_trained_on(rows: Sequence[Example], held_out: Sequence[Example]) -> str:
    """A sentence where the teacher was trained on all of the labelled rows, else ""."""
    return "" if held_out or not rows else say("The teacher was trained on all of these texts, so its accuracy on them says little.")


def guessing(gold: Sequence[str], said: Sequence[str]) -> str:
    """A sentence where these answers are no better than guessing; empty where they are, or where so few texts cannot tell."""
    from cod_core.diagnostics.chance import guesses

    if not guesses(gold, said):
        return ""
    right, commonest = sum(a == b for a, b in zip(gold, said)), max(gold.count(label) for label in set(gold))
    return say(
        "This teacher does no better than guessing on your texts: it is right on "
        "{right} % of them, and always naming the commonest label would be right on "
        "{commonest} %. What it says of a change means little. "
        "Choose another teacher, or add labelled texts (200 or more) and train one on them.",
        right=round(100 * right / len(gold)),
        commonest=round(100 * commonest / len(gold)),
    )
