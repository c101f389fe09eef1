"""How far the teacher can be trusted: judged on the person's own labelled rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.models.cached import CachedClassifier
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room
from cod_core.project.teacher.generation import PROMPTS_A_REPORT
from cod_core.project.teacher.teacher import Teacher, is_own_sample
from cod_core.store import items
from cod_core.types import Example, Prediction


@dataclass(frozen=True)
class TeacherReport:
    """accuracy: on n of the person's labelled rows the teacher did not train on; None where there are none.

    n_left_out: rows it trained on. disagreements: rows where it differs from the gold label. unanswered: rows for which
    a language model named no label, or said nothing; they are in none of the other numbers. covered: mean share of its
    answers that named a label, or held a word, None for other teachers. warning: where it does no better than guessing.
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


class Trust(Room):
    """The teacher against the gold labels."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def report(self, limit: int = 200, progress: Progress = silent) -> TeacherReport:
        """Accuracy on up to `limit` of the person's own labelled rows (24 where a model has to answer each), and where
        teacher and gold differ."""
        teacher, choice = self.teacher.classifier(), self.teacher.choice()
        rows, labelled = self._rows(teacher.id)
        trained = self.teacher.trained_on()
        held_out = [e for e in rows if not trained(e)]
        most = self._most(limit)
        asked = held_out[:most] or rows[:most]
        answered = _answered(teacher, asked, progress)
        wrong = [(e, p) for e, p in answered if p.label != e.label]
        return TeacherReport(
            name=self.teacher.label() or "",
            kind=choice.kind if choice else "",
            revision=teacher.revision,
            accuracy=1 - len(wrong) / len(answered) if held_out and answered else None,
            n=len(answered) if held_out else 0,
            n_left_out=labelled - len(held_out),
            disagreements=wrong,
            note=self.teacher.seen_in_training() or all_trained_on(rows, held_out),
            warning=_warning(answered) if held_out else "",
            unanswered=len(asked) - len(answered),
            covered=_covered(teacher, asked),
        )

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
    return "" if held_out or not rows else "The teacher was trained on all of these texts, so its accuracy on them says little."


def guessing(gold: Sequence[str], said: Sequence[str]) -> str:
    """A sentence where these answers are no better than guessing; empty where they are, or where so few texts cannot tell."""
    from cod_core.diagnostics.chance import guesses

    if not guesses(gold, said):
        return ""
    right, commonest = sum(a == b for a, b in zip(gold, said)), max(gold.count(label) for label in set(gold))
    return (
        "This teacher does no better than guessing on your texts: it is right on "
        f"{round(100 * right / len(gold))} % of them, and always naming the commonest label would be right on "
        f"{round(100 * commonest / len(gold))} %. What it says of a change means little. "
        "Choose another teacher, or add labelled texts (200 or more) and train one on them."
    )
