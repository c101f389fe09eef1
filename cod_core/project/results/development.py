"""The texts that choices may be made on: the live strip and the worth of each pair measure on the same ones."""

from dataclasses import dataclass

import numpy as np

from cod_core.distill.evaluate import decided_classes
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import msg
from cod_core.store import cache, items
from cod_core.text import text_hash

LIMIT = 400  # texts: the strip reads them all before it says anything, and measures on them after every decision


@dataclass(frozen=True)
class DevelopmentSet:
    """texts, truth (n,): their true classes, measured_on: what they are, in words."""

    texts: list[str]
    truth: np.ndarray
    measured_on: str


class Development(Room):
    """Which texts, and what counts as right on them."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def set(self, ask: bool = False) -> DevelopmentSet:
        """Labelled development texts, else unlabelled ones on which the teacher decides, out of the first LIMIT.

        ask: let the teacher read unlabelled texts whose answer is not on record; they are left out else.
        """
        rows = [e for e in items.examples(self.db, self.id, split="validation") if e.label is not None][:LIMIT]
        if rows:
            labels = self.labels
            return DevelopmentSet([e.text for e in rows], np.array([labels.index(str(e.label)) for e in rows]), msg("development texts"))
        free = [e.text for e in items.examples(self.db, self.id, split="unlabelled")[:LIMIT]]
        truth = self._by_teacher(free, ask)
        free = [t for t in free if truth.get(t, -1) >= 0]
        words = msg("unlabelled texts, the teacher's class as truth") if free else ""
        return DevelopmentSet(free, np.array([truth[t] for t in free], dtype=int), words)

    def _by_teacher(self, texts: list[str], ask: bool) -> dict[str, int]:
        """text -> the teacher's class, -1 where it does not decide; without the texts it has not read."""
        if not texts or (self.row.teacher is None and not ask):
            return {}
        teacher = self.teacher.classifier()
        if ask:
            return dict(zip(texts, map(int, decided_classes(teacher.logprobs(texts)))))
        known = cache.get_predictions(self.db, teacher.id, teacher.revision, [text_hash(t) for t in texts])
        read = [t for t in texts if text_hash(t) in known]
        return dict(zip(read, map(int, decided_classes([known[text_hash(t)] for t in read]))))
