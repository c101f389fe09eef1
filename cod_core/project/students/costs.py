"""What accuracy cost: electricity of students and searches, tokens and money of the counterfactuals."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from cod_core.counterfactuals.effort import texts_scored
from cod_core.distill.kinds import kind_of
from cod_core.distill.take_home import ARM
from cod_core.project.curation.pairs import Pairs
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import cache
from cod_core.text import short_hash
from cod_core.types import PAIR_ARMS, RunConfig, RunResult

SAMPLE = 64  # texts read to learn what one takes


@dataclass(frozen=True)
class Cost:
    """Students of one kind, arm and number of rows. accuracy: mean over draws. kwh: what one of them took, made from
    nothing: its counterfactuals searched, its rows read by encoder and teacher, its training; None where it was not
    estimated. usd: what its counterfactuals cost to ask for, 0 for search and people, None where a price is missing.
    """

    student: str
    arm: str
    rows: int
    accuracy: float
    kwh: float | None
    usd: float | None
    n: int


def _settings(config: RunConfig) -> RunConfig:
    """A student's settings but for what differs within one sweep."""
    return replace(config, arm="", shots=0, seed=0, data_hash="", cf_share=0.5, cf_weight=1.0, cf_source="", class_weights=False)


def _cost(
    kind: str,
    arm: str,
    rows: int,
    group: Sequence[RunResult],
    price: float | None,
    scored: float,
    before: Callable[[RunConfig, float], float],
) -> Cost:
    """One row of the table. price: dollars a counterfactual, scored: texts that the teacher scored for it. before: see
    Costs._before_training."""
    config = group[0].config
    second = config.shots - config.real_shots if config.arm in PAIR_ARMS and config.arm != "swap" else 0
    kwh = [before(r.config, second * scored) + r.energy_kwh for r in group if r.energy_kwh is not None]
    return Cost(
        kind,
        arm,
        rows,
        accuracy=float(np.mean([r.test["accuracy"] for r in group])),
        kwh=float(np.mean(kwh)) if kwh else None,
        usd=None if second and price is None else (price or 0.0) * second,
        n=len(group),
    )


def _reading(pid: str, revision: str, encoder: str) -> str:
    return f"kwh:{pid}:{short_hash(revision, encoder)}"  # a restored project finds it by its new id


def _reading_before(pid: str, revision: str, encoder: str) -> str:
    """As earlier versions kept it."""
    return f"kwh:{short_hash(pid, revision, encoder)}"


class Costs(Room):
    """Accuracy a kWh and a dollar. All electricity is an estimate (distill/energy.py)."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, pairs: Pairs, store: StudentStore):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.store = store

    def table(self) -> list[Cost]:
        """One row an (arm, number of rows) of every kind of student that was judged on labelled test texts: those of the
        present teacher, with the settings of the last one of their kind.

        `half` is left out and `cod_plus` counts as `cod`: they are students of these arms at other numbers of rows.
        """
        price, scored, before = self.price_of_a_pair(), self._scored_a_pair(), self._before_training()
        return [_cost(kind, arm, rows, group, price, scored, before) for (kind, arm, rows), group in sorted(self._groups().items())]

    def _groups(self) -> dict[tuple[str, str, int], list[RunResult]]:
        """(kind, arm, rows) -> its judged students with the settings of the last one of their kind."""
        groups, present = defaultdict(list), self.store.present()
        last = {kind_of(run.config).name: _settings(run.config) for run in present if run.config.arm != ARM}
        for run in present:
            config, kind = run.config, kind_of(run.config).name
            if "accuracy" in run.test and config.arm not in ("half", ARM) and _settings(config) == last[kind]:
                groups[kind, "cod" if config.arm == "cod_plus" else config.arm, config.shots].append(run)
        return groups

    def price_of_a_pair(self) -> float | None:
        """Dollars a kept counterfactual: what language models took for proposals, those that came to nothing too, shared by
        all kept ones; 0 where they wrote none of these, None where there are none or a price is missing."""
        from cod_core.project.proposals.llm import proposing_key

        kept = self.pairs.kept()
        if not any(cf.origin.kind == "llm" for cf, _ in kept.values()):
            return 0.0 if kept else None
        spent = cache.get_reply(self.db, proposing_key(self.id))
        if spent is not None:
            return float(spent["cost_usd"]) / len(kept) if spent["priced"] == spent["calls"] else None
        # an earlier version, or a set from elsewhere
        written = [cf.origin.cost_usd for cf in self.pairs.snapshot().counterfactuals.values() if cf.origin.kind == "llm"]
        priced = [usd for usd in written if usd is not None]
        return sum(priced) / len(kept) if len(priced) == len(written) else None

    def measure_reading(self, encoder: str, lap: Callable[[], float | None]) -> None:
        """Keep what one of the project's texts takes, read by the teacher and by the encoder: kWh, measured once on some of them.

        A teacher that is no single model on this machine counts nothing: its electricity is used elsewhere, or by many
        passes. lap: kWh since it was called last.
        """
        teacher, texts = self.teacher.classifier(), [e.text for e in self.texts.pool().values()][:SAMPLE]
        key = _reading(self.id, teacher.revision, encoder)
        if not texts or cache.get_reply(self.db, key) is not None or lap() is None:
            return
        each = {"teacher": 0.0}
        if self.teacher.sensitivity(teacher) is not None:
            teacher.wrapped.predict(texts)
            each["teacher"] = (lap() or 0.0) / len(texts)
        self.models.encoder(encoder).wrapped.encode(texts)
        each["encoder"] = (lap() or 0.0) / len(texts)
        cache.put_reply(self.db, self.id, key, each)

    def _before_training(self) -> Callable[[RunConfig, float], float]:
        """(a student's settings, texts scored for its counterfactuals) -> kWh of all that comes before its training."""

        @lru_cache
        def a_text(revision: str, encoder: str) -> dict[str, float]:
            of_project = self.id, revision, encoder
            kept = cache.get_reply(self.db, _reading(*of_project)) or cache.get_reply(self.db, _reading_before(*of_project))
            return kept or {"teacher": 0.0, "encoder": 0.0}

        def kwh(config: RunConfig, scored: float) -> float:
            one = a_text(config.teacher_revision, config.encoder)
            return config.shots * one["encoder"] + (config.shots + scored) * one["teacher"]

        return kwh

    def _scored_a_pair(self) -> float:
        """Mean number of texts that the teacher scored for a kept counterfactual."""
        return float(np.mean([texts_scored(cf.note) for cf, _ in self.pairs.kept().values()] or [0]))
