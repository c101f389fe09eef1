"""How far the teacher can be trusted: judged on the person's own labelled rows."""

from dataclasses import dataclass

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
        project, teacher = self.row, self.teacher.classifier()
        limit = min(limit, PROMPTS_A_REPORT) if self.teacher.generates() else limit
        trained = self.teacher.trained_on(project)
        splits = ("test", "validation") if is_own_sample(project, project.teacher) else ("test", "validation", "train")
        rows = [e for split in splits for e in items.examples(self.db, self.id, split=split) if e.label is not None]
        known = sum(n for (_, label), n in items.count_examples(self.db, self.id).items() if label is not None)
        own = [e for e in rows if e.metadata.get("label_from") == teacher.id]  # it would agree with itself
        rows, known = [e for e in rows if e not in own] if own else rows, known - len(own)
        held = [e for e in rows if not trained(e)]
        shown = held[:limit] or rows[:limit]
        predictions = teacher.predict([e.text for e in shown], progress)
        covers = [c for c in teacher.covered([e.text for e in shown]) if c is not None]
        told = [(e, p) for e, p in zip(shown, predictions) if p.decided]
        unanswered = len(shown) - len(told)
        shown, predictions = [e for e, _ in told], [p for _, p in told]
        wrong = [(e, p) for e, p in zip(shown, predictions) if p.label != e.label]
        note = "" if held or not rows else "The teacher was trained on all of these texts, so its accuracy on them says little."
        note = self.teacher.seen_in_training() or note
        accuracy = 1 - len(wrong) / len(shown) if held and shown else None
        return TeacherReport(
            self.teacher.label(),
            project.teacher["kind"],
            teacher.revision,
            accuracy,
            len(shown) if held else 0,
            known - len(held),
            wrong,
            note,
            self._guessing([e.label for e in shown], [p.label for p in predictions]) if held else "",
            unanswered,
            sum(covers) / len(covers) if covers else None,
        )

    @staticmethod
    def _guessing(gold: list[str], said: list[str]) -> str:
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
