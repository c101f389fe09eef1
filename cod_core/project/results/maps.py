"""What the Results page draws from what is cached: the map of the texts, confusion, texts won and lost.

Reads predictions, embeddings and students on record; texts that no model was asked about are left out of the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.distill.evaluate import decided_classes, dropped
from cod_core.distill.kinds import kind_of
from cod_core.errors import NotEnoughData
from cod_core.project.curation.pairs import Pairs, State
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.results.results import Results
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.store import cache, items
from cod_core.text import short_hash, text_hash
from cod_core.types import Counterfactual, Example, RunConfig

if TYPE_CHECKING:
    from cod_core.diagnostics.text_map import ContentAxis

MAP_TEXTS = 2000


@dataclass(frozen=True)
class TextMap:
    """Texts in two dimensions. dots: {id, text, x, y, label, split, card}; x is the teacher's margin of axis_label in
    log-odds (0 is the decision line), y the main direction of content at equal margin. pairs: {id, text, status, x0,
    y0, x1, y1} from original to counterfactual, with sx, sy where the student (first CoD draw) crosses on the way.
    shown, total: texts drawn and there. crossing: share of pairs on which the student crosses."""

    axis_label: str
    dots: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    shown: int
    total: int
    crossing: float | None


@dataclass(frozen=True)
class Placed:
    """A text, the proposal that it is joined to on the map, and what became of it."""

    example_id: str
    counterfactual: Counterfactual
    status: str


@dataclass(frozen=True)
class AnswersOf:
    """What the students of both arms said on the judged texts at one k. shares: arm -> (C, C) of each true class (row) what was
    given each class (column). by_teacher: the teacher's class counts as true, since no text is labelled. texts: {id, text,
    label, kd, cod}, kd and cod the share of draws that were right, sorted by cod - kd; none where nothing was said."""

    labels: tuple[str, ...]
    by_teacher: bool = False
    shares: dict[str, list[list[float]]] = field(default_factory=dict)
    texts: list[dict[str, Any]] = field(default_factory=list)


def confusion_shares(truth: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """(C, C) mean over draws of the share of each true class (row) that was given each class (column).

    truth: (n,); answers: (S, n). A class without rows has zeros.
    """
    table = np.zeros((classes, classes))
    for row in answers:
        np.add.at(table, (truth, row), 1.0)
    shares: np.ndarray = table / np.maximum(table.sum(1, keepdims=True), 1.0)
    return shares


def joined(current: State) -> dict[str, Placed]:
    """Text's id -> the proposal shown with it: the one decided on, else the first that the present teacher has checked."""
    out: dict[str, Placed] = {}
    for cf in current.counterfactuals:
        decision = current.outcome.get(cf.example_id)
        if cf.id in current.checks and (decision is None or decision.counterfactual_id == cf.id):
            out.setdefault(cf.example_id, Placed(cf.example_id, cf, decision.status if decision else "pending"))
    return out


def line_between(placed: Placed, start: np.ndarray, end: np.ndarray, level: float | None) -> dict[str, Any]:
    """One of TextMap.pairs. start, end (2,): where its texts stand. level: where the student crosses between them."""
    ends = dict(zip(("x0", "y0", "x1", "y1"), map(float, (*start, *end))))
    crossing = {} if level is None else dict(zip(("sx", "sy"), map(float, start + level * (end - start))))
    return {"id": placed.example_id, "text": placed.counterfactual.text, "status": placed.status, **ends, **crossing}


def dot(e: Example, x: float, y: float, card: bool) -> dict[str, Any]:
    """One of TextMap.dots. card: Curate has a card of it."""
    return {"id": e.id, "text": e.text, "x": float(x), "y": float(y), "label": e.label or "", "split": e.split, "card": card}


class Maps(Room):
    """Views of a finished comparison; pages cache them by the report's time."""

    def __init__(self, place: Place, models: Models, teacher: Teacher, pairs: Pairs, store: StudentStore, results: Results):
        super().__init__(place)
        self.models = models
        self.teacher = teacher
        self.pairs = pairs
        self.store = store
        self.results = results

    def text_map(self, label: str | None = None, limit: int = MAP_TEXTS) -> TextMap:
        """The map for one label's margin (the task's last where None), thinned to `limit` dots.

        Raises NotEnoughData where no text has been read by teacher and encoder yet.
        """
        from cod_core.diagnostics.margins import margins
        from cod_core.diagnostics.text_map import content_axis

        labels, current = self.labels, self.pairs.state()
        at = labels.index(label) if label else len(labels) - 1
        proposals, every = joined(current), items.examples(self.db, self.id)
        drawn, phi, z = self._known(every, set(proposals), limit)
        if not drawn:
            raise NotEnoughData(say("No text has been read by the teacher yet. Propose counterfactuals or distil first."))
        margin = margins(z, at)
        axis = content_axis(phi, margin)
        spots, place = np.column_stack([margin, axis(phi, margin)]), {e.id: i for i, e in enumerate(drawn)}
        shown = [placed for i, placed in proposals.items() if i in place]
        own = [place[placed.example_id] for placed in shown]
        ends, end_phi = self._counterfactuals(shown, current, axis, at, phi.shape[1])
        levels = self._student_levels(phi[own], end_phi)
        pairs = [line_between(*one) for one in zip(shown, spots[own], ends, levels)]
        dots = [dot(e, x, y, e.id in proposals) for e, (x, y) in zip(drawn, spots)]
        crossing = float(np.mean(["sx" in p for p in pairs])) if any(v is not None for v in levels) else None
        return TextMap(labels[at], dots, pairs, len(drawn), len(every), crossing)

    def behind(self, example_id: str) -> tuple[Example, bool]:
        """The text of a dot, and whether Curate has a card of it. Raises BadInput where the text is gone."""
        return items.example(self.db, self.id, example_id), example_id in joined(self.pairs.state())

    def _counterfactuals(
        self, shown: list[Placed], current: State, axis: "ContentAxis", at: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """((n, 2) places, (n, width) embeddings) of the counterfactuals shown."""
        from cod_core.diagnostics.margins import margins

        if not shown:
            return np.zeros((0, 2)), np.zeros((0, width))
        phi = self.models.encoder().encode([placed.counterfactual.text for placed in shown])
        x = margins(np.array([current.checks[placed.counterfactual.id].after.logprobs for placed in shown]), at)
        return np.column_stack([x, axis(phi, x)]), phi

    def _known(self, every: list[Example], first: set[str], limit: int) -> tuple[list[Example], np.ndarray, np.ndarray]:
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

    def _student_levels(self, start: np.ndarray, end: np.ndarray) -> list[float | None]:
        """Where the first CoD student of the largest k changes class between two embeddings; None where it does not."""
        from cod_core.diagnostics.boundary_sets import linear_crossing
        from cod_core.distill.linear import linear_logits

        report = self.results.report()
        k = report["effects"][-1]["k"] if report and report["effects"] else None
        seeds, configs = self.results.paired_students(report, k) if report and k else ([], {})
        if not seeds or not kind_of(configs["cod"][0]).head or not len(start):
            return [None] * len(start)
        weight, bias = (part[0] for part in self.store.heads(configs["cod"][:1]))
        ends = (linear_logits(np.asarray(phi, dtype=np.float64), weight, bias) for phi in (start, end))
        return [linear_crossing(a, b) for a, b in zip(*ends)]

    def answers(self, k: int) -> AnswersOf:
        """What KD and CoD students said on the judged texts at one k, over their draws."""
        labels, nothing = self.labels, AnswersOf(self.labels)
        report = self.results.report()
        seeds, configs = self.results.paired_students(report, k) if report else ([], {})
        rows, key = items.examples(self.db, self.id, split="test"), "test_predicted"
        if not rows:
            rows, key = items.examples(self.db, self.id, split="unlabelled"), "unlabelled_predicted"
        if not seeds or not rows:
            return nothing
        truth, by_teacher = self._truth(rows, report.get("without", []) if report else [])
        judged = np.flatnonzero(truth >= 0)
        answers = {arm: self._answers(configs[arm], key, len(rows)) for arm in ("kd", "cod")}
        if not all(len(a) for a in answers.values()):
            return nothing
        right = {arm: (a == truth).mean(0) for arm, a in answers.items()}
        shares = {arm: confusion_shares(truth[judged], a[:, judged], len(labels)).tolist() for arm, a in answers.items()}
        order = judged[np.argsort(-(right["cod"] - right["kd"])[judged], kind="stable")]
        texts = [
            {"id": rows[i].id, "text": rows[i].text, "label": labels[truth[i]], **{arm: float(right[arm][i]) for arm in right}}
            for i in order
        ]
        return AnswersOf(labels, by_teacher, shares, texts)

    def _truth(self, rows: list[Example], without: Sequence[str]) -> tuple[np.ndarray, bool]:
        """((n,) the class that counts as true, -1 where there is none; whether the teacher says it, as no text is labelled).
        without: labels left out of the comparison, whose texts count for nothing."""
        labels = self.labels
        out = [labels.index(label) for label in without if label in labels]
        gold = np.array([labels.index(e.label) if e.label else -1 for e in rows])
        if (gold >= 0).any():
            return dropped(gold, out), False
        return dropped(decided_classes(self.teacher.classifier().logprobs([e.text for e in rows])), out), True

    def _answers(self, configs: list[RunConfig], key: str, n: int) -> np.ndarray:
        """(S, n) classes of those students whose answers on these n texts are on record."""
        told = [self.store.answers(c.run_id, key) for c in configs]
        return np.array([t for t in told if t is not None and len(t) == n])
