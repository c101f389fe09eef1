"""What the Results page draws from what is cached: the map of the texts, confusion, texts won and lost.

Reads predictions, embeddings and students on record; texts that no model was asked about are left out of the map.
"""

from dataclasses import dataclass

import numpy as np

from cod_core.distill.evaluate import decided_classes
from cod_core.distill.kinds import kind_of
from cod_core.errors import NotEnoughData
from cod_core.project.curation.pairs import Pairs
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.results import ResultsRoom
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache, items
from cod_core.text import short_hash, text_hash
from cod_core.types import Example

# SPLIT MAP_TEXTS
MAP_TEXTS, CHECKED = 2000, 10


@dataclass(frozen=True)
class TextMap:
    """Texts in two dimensions. dots: {id, text, x, y, label, split, card}; x is the teacher's margin of axis_label in
    log-odds (0 is the decision line), y the main direction of content at equal margin. pairs: {id, text, status, x0,
    y0, x1, y1} from original to counterfactual, with sx, sy where the student (first CoD draw) crosses on the way.
    shown, total: texts drawn and there. crossing: share of pairs on which the student crosses."""

    axis_label: str
    dots: list[dict]
    pairs: list[dict]
    shown: int
    total: int
    crossing: float | None


def confusion_shares(truth, told, classes: int) -> np.ndarray:
    """(C, C) mean over draws of the share of each true class (row) that was given each class (column).

    truth: (n,); told: (S, n). A class without rows has zeros.
    """
    table = np.zeros((classes, classes))
    for row in told:
        np.add.at(table, (truth, row), 1.0)
    return table / np.maximum(table.sum(1, keepdims=True), 1.0)


class Maps(Room):
    """Views of a finished comparison; pages cache them by the report's time."""

    def __init__(
        self,
        place: Place,
        models: Models,
        teacher: Teacher,
        pairs: Pairs,
        store: StudentStore,
        results: ResultsRoom,
        diagnostics: Diagnostics,
    ):
        super().__init__(place)
        self.models = models
        self.teacher = teacher
        self.pairs = pairs
        self.store = store
        self.results = results
        self.diagnostics = diagnostics

    def text_map(self, label: str | None = None, limit: int = MAP_TEXTS) -> TextMap:
        """The map for one label's margin (the task's last where None), thinned to `limit` dots.

        Raises NotEnoughData where no text has been read by teacher and encoder yet.
        """
        from cod_core.diagnostics.margins import margins
        from cod_core.diagnostics.text_map import content_axis

        labels, current = self.labels, self.pairs.state()
        at = labels.index(label) if label else len(labels) - 1
        cfs = {cf.id: cf for cf in current.counterfactuals}
        joined: dict[str, str] = {}
        for cf in current.counterfactuals:
            decision = current.outcome.get(cf.example_id)
            if cf.id in current.checks and (decision is None or decision.counterfactual_id == cf.id):
                joined.setdefault(cf.example_id, cf.id)
        every = items.examples(self.db, self.id)
        drawn, phi, z = self._known(every, set(joined), limit)
        if not drawn:
            raise NotEnoughData("No text has been read by the teacher yet. Propose counterfactuals or distil first.")
        margin = margins(z, at)
        content = content_axis(phi, margin)
        y, place = content(phi, margin), {e.id: i for i, e in enumerate(drawn)}
        ids = [i for i in joined if i in place]
        own = [place[i] for i in ids]
        cf_phi = self.models.encoder().encode([cfs[joined[i]].text for i in ids]) if ids else np.zeros((0, phi.shape[1]))
        cf_x = margins(np.array([current.checks[joined[i]].after.logprobs for i in ids]), at) if ids else np.zeros(0)
        cf_y, levels = content(cf_phi, cf_x), self._student_levels(phi[own], cf_phi)
        pairs = []
        for j, i in enumerate(ids):
            start, end = np.array([margin[own[j]], y[own[j]]]), np.array([cf_x[j], cf_y[j]])
            pair = {
                "id": i,
                "text": cfs[joined[i]].text,
                "status": current.outcome[i].status if i in current.outcome else "pending",
                **dict(zip(("x0", "y0", "x1", "y1"), map(float, (*start, *end)))),
            }
            if levels[j] is not None:
                pair |= dict(zip(("sx", "sy"), map(float, start + levels[j] * (end - start))))
            pairs.append(pair)
        dots = [
            {
                "id": e.id,
                "text": e.text,
                "x": float(margin[n]),
                "y": float(y[n]),
                "label": e.label or "",
                "split": e.split,
                "card": e.id in joined,
            }
            for n, e in enumerate(drawn)
        ]
        crossing = float(np.mean(["sx" in p for p in pairs])) if pairs and any(v is not None for v in levels) else None
        return TextMap(labels[at], dots, pairs, len(drawn), len(every), crossing)

    def _known(self, every: list[Example], first: set[str], limit: int):
        """(texts, embeddings, log-probabilities) of up to `limit` texts on record, those in `first` before others."""
        teacher = self.teacher.classifier()
        order = sorted(every, key=lambda e: (e.id not in first, e.split == "train", short_hash("map", e.id)))
        order = order[: max(2 * limit, len(first))]
        keys = [text_hash(e.text) for e in order]
        phi = cache.get_embeddings(self.db, self.models.encoder().id, keys)
        told = cache.get_predictions(self.db, teacher.id, teacher.revision, keys)
        kept = [(e, k) for e, k in zip(order, keys) if k in phi and k in told][: max(limit, len(first))]
        if not kept:
            return [], np.zeros((0, 1)), np.zeros((0, 2))
        return [e for e, _ in kept], np.stack([phi[k] for _, k in kept]), np.array([told[k] for _, k in kept])

    def _student_levels(self, start, end) -> list[float | None]:
        """Where the first CoD student of the largest k changes class between two embeddings; None where it does not."""
        from cod_core.diagnostics.boundary_sets import linear_crossing
        from cod_core.distill.linear import linear_logits

        report = self.results.report()
        k = report["effects"][-1]["k"] if report and report["effects"] else None
        seeds, configs = self.results.paired_students(report, k) if k else ([], {})
        if not seeds or not kind_of(configs["cod"][0]).head or not len(start):
            return [None] * len(start)
        weight, bias = (part[0] for part in self.store.heads(configs["cod"][:1]))
        ends = (linear_logits(np.asarray(phi, dtype=np.float64), weight, bias) for phi in (start, end))
        return [linear_crossing(a, b) for a, b in zip(*ends)]

    def confusion(self, k: int) -> dict:
        """What KD and CoD students said on the judged texts at one k, over their draws.

        {"labels", "truth" ("gold" or "teacher"), "confusion": arm -> (C, C) shares of the true class, "texts":
        [{id, text, label, kd, cod}], kd and cod the share of draws that were right, sorted by cod - kd}.
        """
        report = self.results.report()
        seeds, configs = self.results.paired_students(report, k) if report else ([], {})
        labels = self.labels
        rows, key = items.examples(self.db, self.id, split="test"), "test_predicted"
        if not rows:
            rows, key = items.examples(self.db, self.id, split="unlabelled"), "unlabelled_predicted"
        if not seeds or not rows:
            return {"labels": labels, "truth": "gold", "confusion": {}, "texts": []}
        gold = np.array([labels.index(e.label) if e.label else -1 for e in rows])
        by_teacher = not (gold >= 0).any()
        truth = decided_classes(self.teacher.classifier().logprobs([e.text for e in rows])) if by_teacher else gold
        judged, right, confusion = np.flatnonzero(truth >= 0), {}, {}
        for arm in ("kd", "cod"):
            told = [self.store.answers(c.run_id, key) for c in configs[arm]]
            told = np.array([t for t in told if t is not None and len(t) == len(rows)])
            if not len(told):
                return {"labels": labels, "truth": "gold", "confusion": {}, "texts": []}
            right[arm] = (told == truth).mean(0)
            confusion[arm] = confusion_shares(truth[judged], told[:, judged], len(labels)).tolist()
        order = judged[np.argsort(-(right["cod"] - right["kd"])[judged], kind="stable")]
        texts = [
            {"id": rows[i].id, "text": rows[i].text, "label": labels[truth[i]], "kd": float(right["kd"][i]), "cod": float(right["cod"][i])}
            for i in order
        ]
        return {"labels": labels, "truth": "teacher" if by_teacher else "gold", "confusion": confusion, "texts": texts}
