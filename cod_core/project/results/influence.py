"""What each kept counterfactual was worth to the student: its influence on the development loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cod_core.project.curation.pairs import Pairs
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.results.development import Development
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts

CHECKED = 10  # students trained anew to see how good the estimates are


@dataclass(frozen=True)
class Worth:
    """values: one a kept pair, best first, {id, text, counterfactual, nll}; nll: development loss without the
    counterfactual less with it, in nats: above 0 it helped. n_dev: texts that were measured on, measured_on: what they are.
    checked: the estimates against retraining, None where that was not asked for."""

    values: list[dict[str, Any]]
    n_dev: int
    measured_on: str
    checked: "Checked | None"


@dataclass(frozen=True)
class Checked:
    """Estimates against what retraining gave: how many, their rank correlation (None for two or fewer), the largest error over
    the largest effect."""

    n: int
    spearman: float | None
    error: float


def agreement_of(estimates: ArrayLike, retrained: ArrayLike) -> Checked:
    """How good estimates (n,) are against what retraining gave (n,)."""
    from scipy.stats import spearmanr

    quick, slow = np.asarray(estimates), np.asarray(retrained)
    largest = float(np.abs(slow).max()) or 1.0
    rank = float(spearmanr(quick, slow)[0]) if len(quick) > 2 else None
    return Checked(len(quick), rank, float(np.abs(quick - slow).max()) / largest)


class Influence(Room):
    """The worth of each pair."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, pairs: Pairs, development: Development):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.development = development

    def measure(self, check: int = CHECKED) -> Worth | None:
        """What each kept counterfactual was worth to the linear student of all kept pairs, in development loss.

        check: how many are verified by training anew without them. None where there are too few pairs, or no text
        to measure on: labelled development texts, else unlabelled ones with the teacher's class as truth.
        """
        from cod_core.diagnostics.worth import Rows, retrained, worths

        labels, pool, encoder = self.labels, self.texts.pool(), self.models.encoder()
        kept = [(pool[i], cf) for i, (cf, _) in self.pairs.kept().items() if i in pool]
        judged = self.development.set(ask=True)
        if len(kept) < 2 or not judged.texts:
            return None
        dev, gold = encoder.encode(judged.texts).astype(np.float64), judged.truth
        texts = [e.text for e, _ in kept] + [cf.text for _, cf in kept]
        hard = np.array([labels.index(str(e.label)) for e, _ in kept] + [labels.index(cf.target) for _, cf in kept])
        rows = Rows(encoder.encode(texts).astype(np.float64), hard, self.teacher.classifier().logprobs(texts))
        which = np.arange(len(kept), 2 * len(kept))
        found = worths(rows, which, dev, gold)
        values = [{"id": e.id, "text": e.text, "counterfactual": cf.text, "nll": float(v)} for (e, cf), v in zip(kept, found)]
        some = np.linspace(0, len(kept) - 1, min(check, len(kept))).astype(int)
        compared = agreement_of(found[some], retrained(rows, which[some], dev, gold)) if check else None
        return Worth(sorted(values, key=lambda v: -v["nll"]), len(gold), judged.measured_on, compared)
