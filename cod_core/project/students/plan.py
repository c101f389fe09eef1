"""The plan of a sweep: which shots the data allow, which cells it has, what each row of an arm is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from cod_core.distill.arms import Partners
from cod_core.distill.cells import CellSpec
from cod_core.distill.memory import Memory, check_encoder, memory_for
from cod_core.distill.second_rows import Proposals, comes_from, first_proposals, swapped, tightened, to_all_classes
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.distill.softlabels import Soften, differing, softener
from cod_core.distill.sweep import plan_cells
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.cached import CachedClassifier
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Latest, Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import items
from cod_core.types import Counterfactual, Example

SHOTS = (8, 16, 32, 64, 128, 256, 512)


NO_TEST = "There are no test texts: upload a test file (best 100 texts or more) or unlabelled texts, otherwise nothing can be measured."


@dataclass(frozen=True, eq=False)
class FairPairs:
    """kept: of how many accepted pairs. fair: text's id -> the counterfactual that a student may learn from. left_out: a sentence for
    each reason why others may not. allow: how many of the fair ones a balanced draw can use."""

    kept: int
    fair: dict[str, Counterfactual]
    left_out: list[str]
    allow: int


@dataclass(frozen=True, eq=False)
class Draw:
    """The nested orders (seed -> texts' ids) that these arms share."""

    arms: list[str]
    orders: dict[int, list[str]]


class SweepPlans(Room):
    """From a request to cells. Trains nothing."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.last = place.once("fair", Latest[tuple[object, object, FairPairs]])

    def fair_pairs(self) -> FairPairs:
        """The accepted pairs that a student may learn from; counted once until something changes."""
        state, judged = self.pairs.state(), self.texts.judged()  # the same objects until then
        known = self.last.value
        if known is None or known[0] is not state or known[1] is not judged:
            known = self.last.value = state, judged, self._counted({i: cf for i, (cf, _) in self.pairs.kept().items()})
        return known[2]

    def _counted(self, kept: Mapping[str, Counterfactual]) -> FairPairs:
        pool = self.texts.pool_of(kept)
        fair, left_out = self.draws.fair(kept, pool)
        return FairPairs(len(kept), fair, left_out, self.draws.balanced(fair, pool))

    def pairs_of(self, plan: SweepPlan) -> FairPairs:
        """Of the pairs that a sweep is restricted to, those that a student may learn from."""
        source = plan.student.cf_source
        if not plan.only and not source:
            return self.fair_pairs()
        chosen = self.pairs.chosen(dict(plan.only) if plan.only else None)
        return self._counted({i: cf for i, (cf, _) in chosen.items() if comes_from(cf, source or "")})

    def shots_allowed(self) -> list[int]:
        """k at which CoD can be compared: k/2 accepted pairs and k labelled training texts."""
        pairs = self.fair_pairs().allow
        pool = items.counts(self.db, self.id).labelled("train")
        step = len(self.labels) * 2
        wanted = sorted({*SHOTS, *([2 * pairs] if 0 < 2 * pairs < 8 else []), *([step] if pairs and pool < 8 else [])})
        return [k for k in wanted if k // 2 <= pairs and k <= max(pool, 2)]

    def cells(self, plan: SweepPlan, progress: Progress = silent) -> tuple[list[CellSpec], list[str], list[int]]:
        """(cells, sentences on what the data do not allow, shots) of a sweep. Trains nothing; asks the teacher.

        Raises BadInput, ModelUnavailable, NotEnoughData: also where there is no text to judge students on.
        """
        check_encoder(plan.student.encoder or "")
        teacher = self.teacher.classifier()  # raises where none is chosen: that comes before what the data lack
        shots = self.shots_of(plan)
        pool, pairs = self.texts.pool(), self.pairs_of(plan)
        progress(0, 1, "drawing the training rows")
        second = self.second_rows(plan.compared, pool, pairs.fair)
        drawn = []
        if checked := [arm for arm in plan.compared if arm != "unverified"]:
            drawn.append(Draw(checked, self._orders(plan, shots, pool, pairs.fair, pairs.allow)))
        if "unverified" in plan.compared:  # whoever never asks the teacher cannot leave out the rows that it refuses
            second["unverified"] = proposed = self.unverified(pool, plan.student.cf_source or "")
            drawn.append(Draw(["unverified"], self._orders(plan, shots, pool, proposed, pairs.allow, frozenset())))
        cells, left_out = self._cells_of(plan, teacher, drawn, shots, pool, pairs.fair, second)
        return list({cell.config.run_id: cell for cell in cells}.values()), pairs.left_out + left_out, shots

    def overruled(self, cells: Sequence[CellSpec]) -> int:
        """On how many training texts of these cells a person's word stands in the teacher's place."""
        pool = self.texts.pool()
        mine = self.draws.answered_for(pool)
        drawn = sorted({row.example_id for cell in cells for row in cell.rows if not row.is_cf and row.example_id in mine})
        right = [self.labels.index(str(pool[i].label)) for i in drawn]
        return len(differing(self.teacher.classifier().logprobs([pool[i].text for i in drawn]), right)) if drawn else 0

    def shots_of(self, plan: SweepPlan) -> list[int]:
        """The k of a sweep. Raises BadInput, NotEnoughData where none can be trained or judged."""
        if warning := self.teacher.seen_in_training():
            raise BadInput(warning)
        shots = list(plan.shots or self.shots_allowed())
        if not shots:
            raise NotEnoughData("Accept more counterfactuals first: the smallest comparison needs one for each label.")
        if not any(self.texts.judging()):
            raise NotEnoughData(NO_TEST)
        return shots

    def _orders(
        self,
        plan: SweepPlan,
        shots: Sequence[int],
        pool: Mapping[str, Example],
        pairs: Mapping[str, Counterfactual],
        allow: int,
        lost: frozenset[str] | None = None,
    ) -> dict[int, list[str]]:
        """seed -> nested order of texts' ids, the first of them with a counterfactual: as many as the largest k takes. allow: how
        many verified pairs a balanced draw can use. lost: as in Draws.sweep_orders."""
        need = plan.pairs_first or max(k if "cod_plus" in plan.compared and k <= allow else k // 2 for k in shots)
        enough = min(self.draws.balanced(pairs, pool), need)
        return self.draws.sweep_orders(plan.draws, plan.draw_to or max(shots), enough, pairs, lost)

    def _cells_of(
        self,
        plan: SweepPlan,
        teacher: CachedClassifier,
        drawn: Sequence[Draw],
        shots: Sequence[int],
        pool: Mapping[str, Example],
        pairs: Mapping[str, Counterfactual],
        second: Mapping[str, Partners],
    ) -> tuple[list[CellSpec], list[str]]:
        """(cells, what was left out) over every draw and share of counterfactuals. Raises NotEnoughData where none has a cell."""
        told, soften = self.draws.told(pool), self.softener(plan.student, pool)
        fields = plan.student.config_fields() | {"teacher_id": teacher.id, "teacher_revision": teacher.revision}
        cells: list[CellSpec] = []
        left_out: list[str] = []
        refused = None
        for draw, (share, ks) in product(drawn, plan.student.by_share(shots).items()):
            settings = fields if share is None else fields | {"cf_share": share}
            try:
                more, sentences = plan_cells(draw.orders, ks, draw.arms, pool, pairs, told, second, soften, **settings)
            except NotEnoughData as error:
                refused = error
                continue
            cells, left_out = cells + more, left_out + sentences
        if not cells and refused:
            raise refused
        return cells, left_out

    def memory(self, settings: StudentSettings) -> Memory:
        """What training one such student takes (distill/memory.py), for students trained step by step."""
        longest = max((len(e.text) for e in self.texts.pool().values()), default=0)
        return memory_for(settings.config_fields(), longest)

    def softener(self, settings: StudentSettings, pool: Mapping[str, Example]) -> Soften | None:
        """(texts, seed) -> soft labels where they are not those of Draws.told; None where they are."""
        teacher = self.teacher.classifier()

        def development() -> tuple[list[str], np.ndarray]:
            dev = [(e.text, e.label) for e in items.examples(self.db, self.id, split="validation") if e.label is not None]
            return [text for text, _ in dev], np.array([teacher.labels.index(label) for _, label in dev], dtype=int)

        return softener(settings.soft_labels or "teacher", self.draws.told(pool), len(teacher.labels), development)

    def unverified(self, pool: Mapping[str, Example], source: str = "") -> dict[str, Counterfactual]:
        """Each text's first proposal, whether it flips or not, if a student may learn from it. source: of its origin."""
        return self.draws.fair(first_proposals(self._proposals(), pool, source), pool)[0]

    def second_rows(self, arms: Sequence[str], pool: Mapping[str, Example], pairs: Mapping[str, Counterfactual]) -> dict[str, Partners]:
        """arm -> example id -> what stands where cod has its verified counterfactual, of the arms on texts that have one. Never a
        text that students are judged on."""
        out: dict[str, Partners] = {}
        if "swap" in arms:
            out["swap"] = swapped(self.teacher.classifier(), pool, pairs)
        if "tightened" in arms:
            out["tightened"] = tightened(self._proposals(), pairs, self.texts.judged())
        if "cod_all" in arms:
            out["cod_all"] = to_all_classes(self._proposals(), pairs, self.labels, self.texts.judged())
        return out

    def _proposals(self) -> Proposals:
        current = self.pairs.state()
        return Proposals(current.counterfactuals, current.checks)
