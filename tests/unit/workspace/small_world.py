"""A project whose every prediction and embedding is on record: sweeps are real, and no model is ever loaded.

A text's embedding holds its class in one direction and its topic in fifteen others; a counterfactual turns the class around
and keeps the topic. So counterfactuals help, as much as they do in the tables.
"""

import numpy as np

from cod_core.distill.settings import SweepPlan
from cod_core.models.choice import BuiltinChoice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now

LABELS = ("negative", "positive")
SIDES, SURE = 16, 0.95
TURN = np.array([-1.0] + [1.0] * (SIDES - 1))


class World:
    """A workspace, its project and the ids of its training texts, label after label in turn."""

    def __init__(self, w, train: int = 40, test: int = 200, labels: tuple[str, ...] = LABELS):
        self.w, self.rng, self.labels = w, np.random.default_rng(0), labels
        self.pid = w.create_project("Small", Task("Good or bad?", labels))
        projects.set_teacher(w.db, self.pid, {"kind": "builtin", "name": "movies"})
        self.identity = identity(BuiltinChoice("movies"), labels)
        self.ids = self.add_texts("train", train)
        self.add_texts("test", test)

    def add_texts(self, split: str, n: int) -> list[str]:
        """n more texts of a split; their ids."""
        start = len(items.examples(self.w.db, self.pid, split=split))
        found = [Example(f"{split}{i}", f"{split} text {i}", self.labels[i % len(self.labels)], split) for i in range(start, start + n)]
        items.add_examples(self.w.db, self.pid, found)
        for e in found:
            vector = self.rng.normal(size=SIDES)
            vector[0] = (2 * self.labels.index(e.label) - 1) * abs(self.rng.normal(0.8, 0.5))
            self._read(e.text, self.labels.index(e.label), vector)
        return [e.id for e in found]

    def keep(self, ids: list[str], to: str | None = None) -> None:
        """A verified counterfactual for each of these texts, to the next label unless one is named, accepted by ann."""
        known = {e.id: e for e in items.examples(self.w.db, self.pid, ids=ids)}
        topic = cache.get_embeddings(self.w.db, self.w.models.encoder().id, [text_hash(e.text) for e in known.values()])
        made = []
        for i in ids:
            e, at = known[i], self.labels.index(known[i].label)
            other = (at + 1) % len(self.labels) if to is None else self.labels.index(to)
            cf = Counterfactual(
                f"cf-{i}", i, f"turned {e.text}", e.label, self.labels[other], Origin("search", "search", "1"), created_at=now()
            )
            self._read(cf.text, other, topic[text_hash(e.text)] * TURN)
            made.append((cf, at))
        items.add_counterfactuals(self.w.db, self.pid, [cf for cf, _ in made])
        self.check([cf for cf, _ in made])
        for cf, _ in made:
            self.w.project(self.pid).curation.decide(cf.id, "accepted", "ann")

    def keep_against_the_teacher(self, i: str, label: str) -> None:
        """A counterfactual of this text that does not flip the teacher, kept by ann as `label`, with a reason."""
        [e] = items.examples(self.w.db, self.pid, ids=[i])
        cf = Counterfactual(f"cf-{i}", i, f"turned {e.text}", str(e.label), label, Origin("human", "expert"), created_at=now())
        self._read(cf.text, self.labels.index(str(e.label)), self.rng.normal(size=SIDES))
        items.add_counterfactuals(self.w.db, self.pid, [cf])
        self.check([cf], flips=False)
        self.w.project(self.pid).curation.decide(cf.id, "accepted", "ann", override_reason="The teacher is wrong here.")

    def check(self, cfs: list[Counterfactual], flips: bool = True) -> None:
        """The teacher's verdicts on these counterfactuals, written (again)."""
        items.add_checks(
            self.w.db,
            self.pid,
            [
                FlipCheck(
                    cf.id,
                    *self.identity,
                    sure(self.labels.index(cf.source), self.labels),
                    sure(self.labels.index(cf.target if flips else cf.source), self.labels),
                    cf.target,
                    1,
                    0.1,
                    5,
                    0.9,
                    False,
                    now(),
                )
                for cf in cfs
            ],
        )

    def sweep(self, k: int, draws: int = 20, **params):
        """Distil kd and cod at one k: the effect on accuracy as the Results page has it."""
        self.w.project(self.pid).students.distil(SweepPlan.of({"shots": [k], "seeds": draws, "arms": ["kd", "cod"], **params}))
        return self.w.project(self.pid).results.latest().effects[0]

    def _read(self, text: str, at: int, vector) -> None:
        cache.put_embeddings(self.w.db, self.w.models.encoder().id, {text_hash(text): np.float32(vector / np.linalg.norm(vector))})
        cache.put_predictions(self.w.db, *self.identity, {text_hash(text): sure(at, self.labels).logprobs})


def sure(at: int, labels: tuple[str, ...] = LABELS) -> Prediction:
    """A prediction that is SURE of one class."""
    rest = (1 - SURE) / (len(labels) - 1)
    return Prediction(labels, tuple(float(np.log(SURE if i == at else rest)) for i in range(len(labels))))
