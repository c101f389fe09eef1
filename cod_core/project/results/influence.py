"""What each kept counterfactual was worth to the student: its influence on the development loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.distill.evaluate import decided_classes
from cod_core.project.curation.pairs import Pairs
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import items

# SPLIT CHECKED
MAP_TEXTS, CHECKED = 2000, 10


@dataclass(frozen=True)
class Worth:
    """values: one a kept pair, best first, {id, text, counterfactual, nll}; nll: development loss without the
    counterfactual less with it, in nats: above 0 it helped. checked: {n, spearman, error} against retraining, error
    the largest one over the largest effect."""

    values: list[dict]
    n_dev: int
    measured_on: str
    checked: dict | None


def agreement_of(quick: Sequence[float], slow: Sequence[float]) -> dict:
    """{n, spearman, error} of estimates against what retraining gave; error over the largest effect."""
    from scipy.stats import spearmanr

    quick, slow = np.asarray(quick), np.asarray(slow)
    largest = float(np.abs(slow).max()) or 1.0
    rank = float(spearmanr(quick, slow)[0]) if len(quick) > 2 else None
    return {"n": len(quick), "spearman": rank, "error": float(np.abs(quick - slow).max()) / largest}


class Influence(Room):
    """The worth of each pair."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, pairs: Pairs):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs

    def measure(self, check: int = CHECKED) -> Worth | None:
        """What each kept counterfactual was worth to the linear student of all kept pairs, in development loss.

        check: how many are verified by training anew without them. None where there are too few pairs, or no text
        to measure on: labelled development texts, else unlabelled ones with the teacher's class as truth.
        """
        from cod_core.diagnostics.worth import Rows, retrained, worths

        labels, pool, encoder = self.labels, self.texts.pool(), self.models.encoder()
        kept = [(pool[i], cf) for i, (cf, _) in self.pairs.kept().items() if i in pool]
        dev, gold, measured_on = self.development()
        if len(kept) < 2 or not len(gold):
            return None
        texts = [e.text for e, _ in kept] + [cf.text for _, cf in kept]
        hard = np.array([labels.index(str(e.label)) for e, _ in kept] + [labels.index(cf.target) for _, cf in kept])
        rows = Rows(encoder.encode(texts).astype(np.float64), hard, self.teacher.classifier().logprobs(texts))
        which = np.arange(len(kept), 2 * len(kept))
        found = worths(rows, which, dev, gold)
        values = [{"id": e.id, "text": e.text, "counterfactual": cf.text, "nll": float(v)} for (e, cf), v in zip(kept, found)]
        some = np.linspace(0, len(kept) - 1, min(check, len(kept))).astype(int)
        compared = agreement_of(found[some], retrained(rows, which[some], dev, gold)) if check else None
        return Worth(sorted(values, key=lambda v: -v["nll"]), len(gold), measured_on, compared)

    def development(self, limit: int = 1000) -> tuple[np.ndarray, np.ndarray, str]:
        """(embeddings (n, d), true classes (n,), what they are) of the texts that choices may be made on, up to limit."""
        labels = self.labels
        rows = [e for e in items.examples(self.db, self.id, split="validation") if e.label is not None][:limit]
        if rows:
            gold = np.array([labels.index(e.label) for e in rows])
            return self.models.encoder().encode([e.text for e in rows]).astype(np.float64), gold, "development texts"
        rows = items.examples(self.db, self.id, split="unlabelled")[:limit]
        if not rows:
            return np.zeros((0, 1)), np.zeros(0, int), "nothing"
        truth = decided_classes(self.teacher.classifier().logprobs([e.text for e in rows]))
        texts = [e.text for e, known in zip(rows, truth >= 0) if known]
        return (self.models.encoder().encode(texts).astype(np.float64), truth[truth >= 0], "unlabelled texts, the teacher's class as truth")
