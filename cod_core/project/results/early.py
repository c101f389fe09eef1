"""Whether counterfactuals pay in this project, asked of the pairs that were accepted so far: see cod_core/diagnostics/early.py.

Asks no teacher: what the pairs are held against are labelled texts whose answer is on record, as proposing leaves them there.
Reads embeddings, so it is called where nobody waits: with the numbers of the strip (cod_core/project/results/live.py).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cod_core.data.draws import order_rows
from cod_core.diagnostics.early import FIRST, Early, enough, measured
from cod_core.diagnostics.worth import Rows
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws, shares_label
from cod_core.project.models import Models
from cod_core.project.place import Latest, Place, Room
from cod_core.project.results.development import DevelopmentSet
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import cache
from cod_core.text import short_hash, text_hash
from cod_core.types import Counterfactual, Example, Prediction

OTHERS, LOOKED_AT = 200, 2000  # labelled texts to draw from; texts looked at to find them: most of a large pool was never answered
OFTEN = 50  # new verdicts after which these are looked for again


class EarlyLook(Room):
    """What the pairs bring more than as many labelled texts would."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.found = place.once("early", Latest[tuple[str, Early]])
        self.drawn_from = place.once("early others", Latest[tuple[object, list[Example]]])

    def measure(self, judged: DevelopmentSet) -> Early | None:
        """The comparison on these development texts, None where there is too little to say anything. Measured once for the
        same words."""
        kept = self.pairs.kept()
        if not enough(len(kept), len(judged.texts), len(self.labels)):
            return None
        pool = self.texts.pool_of(kept)
        fair = {i: cf for i, (cf, _) in sorted(self.draws.fair(kept, pool)[0].items())}
        if not enough(len(fair), len(judged.texts), len(self.labels)):
            return None
        others = self._others()
        if len(others) < FIRST:  # a set that was brought in with its verdicts, say
            return None
        key = self._key(fair, pool, others, judged)
        known = self.found.value
        if known is None or known[0] != key:
            known = self.found.value = key, self._compared(fair, pool, others, judged)
        return known[1]

    def _compared(
        self, fair: Mapping[str, Counterfactual], pool: Mapping[str, Example], others: Sequence[Example], judged: DevelopmentSet
    ) -> Early:
        told, encoder = self.draws.told({**{e.id: e for e in others}, **pool}), self.models.encoder()

        def rows(texts: list[str], labels: list[str]) -> Rows:
            phi = encoder.encode(texts).astype(np.float64)
            return Rows(phi, np.array([self.labels.index(label) for label in labels]), np.asarray(told(texts)))

        return measured(
            rows([pool[i].text for i in fair], [str(pool[i].label) for i in fair]),
            rows([cf.text for cf in fair.values()], [cf.target for cf in fair.values()]),
            rows([e.text for e in others], [str(e.label) for e in others]),
            encoder.encode(judged.texts),
            judged.truth,
        )

    def _others(self) -> list[Example]:
        """The first OTHERS labelled texts of seed 0 that the teacher is on record to see as they are labelled, labels in turn."""
        checks = len(self.pairs.state().checks)  # proposing asks the teacher of further texts
        key = self.texts.counts(), self.row.settings.get("labellings", 0), self.teacher.identity(), checks // OFTEN
        known = self.drawn_from.value
        if known is None or known[0] != key:
            known = self.drawn_from.value = key, self._looked_for()
        return known[1]

    def _looked_for(self) -> list[Example]:
        pool, teacher = self.texts.pool(), self.teacher.classifier()
        order = order_rows(list(pool.values()), self.labels, 0)[:LOOKED_AT]
        hashes = {i: text_hash(pool[i].text) for i in order}
        answers = cache.get_predictions(self.db, teacher.id, teacher.revision, list(hashes.values()))
        said = {i: Prediction(self.labels, answers[hashes[i]]) for i in order if hashes[i] in answers}
        return [pool[i] for i in order if i in said and shares_label(said[i], pool[i])][:OTHERS]

    def _key(
        self, fair: Mapping[str, Counterfactual], pool: Mapping[str, Example], others: Sequence[Example], judged: DevelopmentSet
    ) -> str:
        """What the comparison rests on: words, labels, the teacher, the encoder."""
        pairs = (part for i, cf in fair.items() for part in (pool[i].text, str(pool[i].label), cf.text, cf.target))
        free = (part for e in others for part in (e.text, str(e.label)))
        answered = sorted(self.draws.answered_for(pool))
        parts = (*pairs, "others", *free, "judged", *judged.texts, *map(str, judged.truth.tolist()), *answered)
        teacher = self.teacher.classifier()
        return short_hash(teacher.id, teacher.revision, self.models.encoder().id, *self.labels, *parts)
