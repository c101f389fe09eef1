"""The plan of a sweep: which shots the data allow, which cells it has, what each row of an arm is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cod_core.distill.arms import Partners
from cod_core.distill.cells import CellSpec
from cod_core.distill.memory import Memory, check_encoder, memory_for
from cod_core.distill.second_rows import Proposals, comes_from, first_proposals, swapped, tightened, to_all_classes
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.distill.shots import drawn_evenly, offered
from cod_core.distill.softlabels import Soften, differing, overruled, softener
from cod_core.distill.sweep import plan_cells
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.cached import CachedClassifier
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Latest, Place, Room, needs
from cod_core.project.students.lacking import NO_TEST, left_out_sentence, without_pairs
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import FREE, KEPT, OVERRIDE, PAIR_ARMS, Counterfactual, Example


@dataclass(frozen=True, eq=False)
class FairPairs:
    """kept: of how many accepted pairs. fair: text's id -> the counterfactual that a student may learn from. left_out: a sentence for
    each reason why others may not. allow: how many of the fair ones a balanced draw can use. of_label: label -> fair pairs on texts of
    it, of the labels that are compared."""

    kept: int
    fair: dict[str, Counterfactual]
    left_out: list[str]
    allow: int
    of_label: dict[str, int]

    @property
    def lacking(self) -> list[str]:
        """The labels without a pair."""
        return [label for label, n in self.of_label.items() if not n]


@dataclass(frozen=True, eq=False)
class Draw:
    """The nested orders (seed -> texts' ids) that these arms share at these k. weighted: some labels have more rows than others.
    right: text -> class index of a counterfactual for which a person's word stands in the teacher's place."""

    arms: list[str]
    orders: dict[int, list[str]]
    shots: list[int]
    weighted: bool = False
    right: dict[str, int] = field(default_factory=dict)


def by_share(settings: StudentSettings, drawn: Sequence[Draw]) -> list[tuple[Draw, float | None, list[int]]]:
    """(draw, share of counterfactuals, the k of the draw that have it)."""
    return [(draw, share, ks) for draw in drawn for share, ks in settings.by_share(draw.shots).items()]


class SweepPlans(Room):
    """From a request to cells. Trains nothing."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.last = place.once("fair", Latest[tuple[object, object, list[str], FairPairs]])

    def fair_pairs(self) -> FairPairs:
        """The accepted pairs that a student may learn from; counted once until something changes."""
        state, judged = self.pairs.state(), self.texts.judged()  # the same objects until then
        known, labels = self.last.value, self.compared()
        if known is None or known[0] is not state or known[1] is not judged or known[2] != labels:
            kept = {i: cf for i, (cf, _) in self.pairs.kept().items()}
            known = self.last.value = state, judged, labels, self._counted(kept)
        return known[3]

    def _counted(self, kept: Mapping[str, Counterfactual]) -> FairPairs:
        pool, labels = self.texts.pool_of(kept), self.compared()
        fair, left_out = self.draws.fair(kept, pool)
        if out := self.left_out():
            n, fair = len(fair), {i: cf for i, cf in fair.items() if pool[i].label in labels and cf.target in labels}
            left_out = [*left_out, left_out_sentence(out, n - len(fair))]
        counts = Counter(str(pool[i].label) for i in fair)
        return FairPairs(len(kept), fair, left_out, self.draws.balanced(fair, pool, labels), {label: counts[label] for label in labels})

    def left_out(self) -> list[str]:
        """Labels that somebody left out of the comparison: no student is trained or judged on their texts."""
        out = self.row.settings.get("left_out") or []
        return [label for label in self.labels if label in out]

    def compared(self) -> list[str]:
        """The labels that are compared."""
        out = self.left_out()
        return [label for label in self.labels if label not in out]

    @needs("distil")
    def leave_out(self, labels: Sequence[str]) -> None:
        """Leave these labels out of the comparison from now on, and no others; () brings all back. Nothing is deleted.

        Raises BadInput for a label that the project has not, or where fewer than two remain.
        """
        if unknown := [label for label in labels if label not in self.labels]:
            raise BadInput(
                say("The project has no label {label!r}. Choose among: {labels}.", label=unknown[0], labels=", ".join(self.labels))
            )
        if len(set(self.labels) - set(labels)) < 2:
            raise BadInput(say("A comparison needs two labels or more. Leave fewer of them out."))
        self.place.update(left_out=[label for label in self.labels if label in labels])

    def pairs_of(self, plan: SweepPlan) -> FairPairs:
        """Of the pairs that a sweep is restricted to, those that a student may learn from."""
        source = plan.student.cf_source
        if not plan.only and not source:
            return self.fair_pairs()
        chosen = self.pairs.chosen(dict(plan.only) if plan.only else None)
        return self._counted({i: cf for i, (cf, _) in chosen.items() if comes_from(cf, source or "")})

    def shots_allowed(self) -> list[int]:
        """k at which CoD can be compared (distill/shots.py): k/2 accepted pairs, and up to all of them."""
        pairs, labels = self.fair_pairs(), self.compared()
        pool = sum(items.counts(self.db, self.id).per_label("train", labels).values())
        return offered(len(labels), pairs.allow, len(pairs.fair), pool)

    def pool(self) -> dict[str, Example]:
        """Labelled training texts of the labels that are compared, by id."""
        pool, out = self.texts.pool(), self.left_out()
        return {i: e for i, e in pool.items() if e.label not in out} if out else pool

    def cells(self, plan: SweepPlan, progress: Progress = silent) -> tuple[list[CellSpec], list[str], list[int]]:
        """(cells, sentences on what the data do not allow, shots) of a sweep. Trains nothing; asks the teacher.

        Raises BadInput, ModelUnavailable, NotEnoughData: also where there is no text to judge students on.
        """
        check_encoder(plan.student.encoder or "")
        teacher = self.teacher.classifier()  # raises where none is chosen: that comes before what the data lack
        shots = self.shots_of(plan)
        pool, pairs = self.pool(), self.pairs_of(plan)
        progress(0, 1, msg("drawing the training rows"))
        second = self.second_rows(plan.compared, pool, pairs.fair)
        drawn: list[Draw] = []
        if checked := [arm for arm in plan.compared if arm not in (FREE, "unverified", OVERRIDE)]:
            drawn += self._drawn(plan, checked, shots, pool, pairs.fair, pairs)
        if FREE in plan.compared:
            drawn += self._drawn_freely(plan, shots, pool, pairs)
        if "unverified" in plan.compared:  # whoever never asks the teacher cannot leave out the rows that it refuses
            second["unverified"] = proposed = self.unverified(pool, plan.student.cf_source or "")
            drawn += self._drawn(plan, ["unverified"], shots, pool, proposed, pairs, frozenset())
        if OVERRIDE in plan.compared:
            drawn += self._with_overrides(plan, shots, pool, pairs, second)
        cells, left_out = self._cells_of(plan, teacher, drawn, pool, pairs.fair, second)
        return list({cell.config.run_id: cell for cell in cells}.values()), pairs.left_out + left_out, shots

    def overrides(self) -> dict[str, Counterfactual]:
        """Text's id -> the counterfactual that a person kept against the teacher's verdict, and said why; of training texts with a
        label that is compared, and none that students are judged on."""
        state, judged, out = self.pairs.state(), self.texts.judged(), self.left_out()
        found = {}
        for i, decision in state.outcome.items():
            cf, check = state.snapshot.counterfactuals.get(decision.counterfactual_id), state.checks.get(decision.counterfactual_id)
            kept = decision.status in KEPT and decision.override_reason and cf is not None and check is not None and not check.valid
            if kept and cf is not None and cf.target not in out and folded(cf.text) not in judged:
                found[i] = cf
        pool = self.texts.pool_of(found)
        return {i: cf for i, cf in found.items() if i in pool and pool[i].label not in out}

    def _with_overrides(
        self, plan: SweepPlan, shots: Sequence[int], pool: Mapping[str, Example], pairs: FairPairs, second: dict[str, Partners]
    ) -> list[Draw]:
        """The draws of the arm override. Raises NotEnoughData where nobody kept anything against the teacher: it would repeat cod."""
        mine = self.overrides()
        if not mine:
            raise NotEnoughData(say("Nobody kept a counterfactual against the teacher, so the arm 'override' would repeat 'cod'."))
        second[OVERRIDE] = both = {**pairs.fair, **mine}
        right = {cf.text: self.labels.index(cf.target) for cf in mine.values()}
        return [replace(draw, right=right) for draw in self._drawn(plan, [OVERRIDE], shots, pool, both, pairs)]

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
            raise NotEnoughData(without_pairs(self.fair_pairs().lacking))
        if not any(self.texts.judging()):
            raise NotEnoughData(NO_TEST)
        return shots

    def _drawn(
        self,
        plan: SweepPlan,
        arms: list[str],
        shots: Sequence[int],
        pool: Mapping[str, Example],
        pairs: Mapping[str, Counterfactual],
        checked: FairPairs,
        lost: frozenset[str] | None = None,
    ) -> list[Draw]:
        """The draws of these arms: balanced where the checked pairs allow it, and for larger k with every pair that there is."""
        total, even = len(checked.fair), self._even(plan, shots, checked)
        out = [Draw(arms, self._orders(plan, even, pool, pairs, checked.allow, lost), even)] if even else []
        for k in [k for k in shots if k not in even]:
            need = plan.draw_to or max(k, total)
            orders = self.draws.skewed_orders(plan.draws, need, self.draws.balanced(pairs, pool, self.compared()), pairs, lost, pool)
            out.append(Draw(arms, orders, [k], k // 2 > checked.allow))
        return out

    def _drawn_freely(self, plan: SweepPlan, shots: Sequence[int], pool: Mapping[str, Example], checked: FairPairs) -> list[Draw]:
        """The draws of k texts whether or not a counterfactual of them was tried or kept: of those that the teacher sees as they are
        labelled, or that a person answers for. Labels count alike at the k at which they do so in the other arms."""
        orders = self.draws.sweep_orders(plan.draws, plan.draw_to or max(shots), 0, {}, frozenset(), pool)
        uneven = {k for k in shots if k not in self._even(plan, shots, checked) and k // 2 > checked.allow}
        groups = [k for k in shots if k not in uneven], [k for k in shots if k in uneven]
        return [Draw([FREE], orders, ks, weighted) for ks, weighted in zip(groups, (False, True)) if ks]

    @staticmethod
    def _even(plan: SweepPlan, shots: Sequence[int], checked: FairPairs) -> list[int]:
        """The k whose draws are balanced and share one order."""
        any_pairs = any(arm in PAIR_ARMS for arm in plan.compared)
        return drawn_evenly(shots, len(checked.of_label), checked.allow, len(checked.fair)) if any_pairs else list(shots)

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
        enough = min(self.draws.balanced(pairs, pool, self.compared()), need)
        return self.draws.sweep_orders(plan.draws, plan.draw_to or max(shots), enough, pairs, lost, pool)

    def _cells_of(
        self,
        plan: SweepPlan,
        teacher: CachedClassifier,
        drawn: Sequence[Draw],
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
        for draw, share, ks in by_share(plan.student, drawn):
            settings = fields | ({} if share is None else {"cf_share": share}) | ({"class_weights": True} if draw.weighted else {})
            try:
                said = overruled(told, draw.right) if draw.right else told
                more, sentences = plan_cells(draw.orders, ks, draw.arms, pool, pairs, said, second, soften, **settings)
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
        return memory_for(settings, longest)

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
