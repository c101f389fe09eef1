"""The plan of a sweep: which shots the data allow, which cells it has, what each row of an arm is."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.students.settings import (
    Memory,
    check_student,
    memory_for,
    shots_by_share,
    student_settings,
    swapped,
    tightened,
    to_all_classes,
)
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import items
from cod_core.types import ALL_ARMS, ARMS, Counterfactual, Example

SHOTS = (8, 16, 32, 64, 128, 256, 512)


NO_TEST = "There are no test texts: upload a test file (best 100 texts or more) or unlabelled texts, otherwise nothing can be measured."


class SweepPlans(Room):
    """From a request to cells. Trains nothing."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws

    def shots_allowed(self, pairs: int | None = None) -> list[int]:
        """k at which CoD can be compared: k/2 accepted pairs (pairs_allow where None) and k labelled training texts."""
        pairs = self.draws.pairs_allow(self.pairs.kept()) if pairs is None else pairs
        pool = sum(n for (split, label), n in items.count_examples(self.db, self.id).items() if split == "train" and label is not None)
        step = len(self.labels) * 2
        wanted = sorted({*SHOTS, *([2 * pairs] if 0 < 2 * pairs < 8 else []), *([step] if pairs and pool < 8 else [])})
        return [k for k in wanted if k // 2 <= pairs and k <= max(pool, 2)]

    def cells(self, params: dict, progress: Progress = silent) -> tuple[list, list[str], list[int]]:
        """(cells, sentences on what the data do not allow, shots) of a sweep. Trains nothing; asks the teacher.

        params may hold draw_to and pairs_first, so that sweeps over other shots or arms use the very same draws: how
        many rows are drawn, and how many of them, the first ones, have a counterfactual. Raises BadInput, NotEnoughData: also
        where there is no text to judge students on.
        """
        from cod_core.distill.sweep import plan_cells

        check_student(params)
        teacher, settings, arms = self.teacher.classifier(), student_settings(params), tuple(params.get("arms") or ARMS)
        count = int(params.get("seeds", 20))
        if strange := [arm for arm in arms if arm not in ALL_ARMS]:
            raise BadInput(f"Unknown arms: {', '.join(strange)}. Choose from {', '.join(ALL_ARMS)}.")
        if count < 1:
            raise BadInput(f"The number of draws must be 1 or more, not {count}.")
        if warning := self.teacher.seen_in_training():
            raise BadInput(warning)
        shots = [int(k) for k in params.get("shots") or self.shots_allowed()]
        if not shots:
            raise NotEnoughData("Accept more counterfactuals first: the smallest comparison needs one for each label.")
        if any(k < 2 for k in shots):
            raise BadInput("The number of training rows must be 2 or more.")
        if not any(self.texts.judging()):
            raise NotEnoughData(NO_TEST)
        first = int(params.get("first_seed", 0))
        seeds = range(first, first + count)
        pool, source = self.texts.pool(), settings.get("cf_source", "")
        pairs, unfair = self.draws.fair(
            {i: cf for i, (cf, _) in self.pairs.chosen(params.get("only")).items() if source in ("", cf.origin.kind, cf.origin.name)}, pool
        )
        available = self.draws.balanced(pairs, pool)
        need_pairs = int(params.get("pairs_first") or max(k if "cod_plus" in arms and k <= available else k // 2 for k in shots))
        progress(0, 1, "drawing the training rows")
        draw_to = int(params.get("draw_to") or max(shots))
        orders = self.draws.sweep_orders(seeds, draw_to, min(available, need_pairs), pairs)
        second = self.second_rows(arms, pool, pairs, source)
        drawn = [([arm for arm in arms if arm != "unverified"], orders)]
        if "unverified" in arms:  # whoever never asks the teacher cannot leave out the rows that it refuses
            proposed = second["unverified"]
            enough = min(self.draws.balanced(proposed, pool), need_pairs)
            drawn.append((["unverified"], self.draws.sweep_orders(seeds, draw_to, enough, proposed, frozenset())))
        cells, left_out, refused = [], unfair, None
        soften = self.softener(settings)
        for (part, order), (share, ks) in product(drawn, shots_by_share(params, shots).items()):
            if not part:
                continue
            try:
                more, sentences = plan_cells(
                    order,
                    ks,
                    part,
                    pool,
                    pairs,
                    teacher.logprobs,
                    second,
                    soften,
                    teacher_id=teacher.id,
                    teacher_revision=teacher.revision,
                    **settings,
                    **({} if share is None else {"cf_share": share}),
                )
            except NotEnoughData as error:
                refused = error
                continue
            cells, left_out = cells + more, left_out + sentences
        if not cells and refused:
            raise refused
        return list({cell.config.run_id: cell for cell in cells}.values()), left_out, shots

    def memory(self, params: dict) -> Memory:
        """What training one student of these parameters takes (students/settings.py), for students trained step by step."""
        longest = max((len(e.text) for e in self.texts.pool().values()), default=0)
        return memory_for(student_settings(params), longest)

    def softener(self, settings: Mapping):
        """(texts, seed) -> soft labels where they are not the teacher's own; None where they are."""
        kind, teacher = settings.get("soft_labels", "teacher"), self.teacher.classifier()
        if kind == "random":
            from cod_core.distill.softlabels import random_logprobs

            return lambda texts, seed: random_logprobs(texts, len(teacher.labels), seed)
        if kind == "scaled":
            from cod_core.distill.linear import log_softmax
            from cod_core.distill.softlabels import calibration_temperature

            dev = [e for e in items.examples(self.db, self.id, split="validation") if e.label is not None]
            gold = np.array([teacher.labels.index(e.label) for e in dev], dtype=int)
            t = calibration_temperature(teacher.logprobs([e.text for e in dev]), gold)
            return lambda texts, seed: log_softmax(np.maximum(teacher.logprobs(texts), -700.0), t)
        return None

    def second_rows(
        self, arms: Sequence[str], pool: Mapping[str, Example], pairs: Mapping[str, Counterfactual], source: str = ""
    ) -> dict[str, dict[str, Counterfactual]]:
        """arm -> example id -> what stands where cod has its verified counterfactual. Only for texts that have one; never a
        text that students are judged on."""
        out: dict[str, dict[str, Counterfactual]] = {}
        current, judged = self.pairs.state(), self.texts.judged()
        if "swap" in arms:
            out["swap"] = swapped(self.teacher.classifier(), pool, pairs)
        if "unverified" in arms:
            first: dict[str, Counterfactual] = {}
            for cf in current.counterfactuals:
                if cf.derived_from is None and cf.example_id in pool and source in ("", cf.origin.kind, cf.origin.name):
                    first.setdefault(cf.example_id, cf)
            out["unverified"] = self.draws.fair(first, pool)[0]
        if "tightened" in arms:
            out["tightened"] = tightened(current, pairs, judged)
        if "cod_all" in arms:
            out["cod_all"] = to_all_classes(current, pairs, self.labels, judged)
        return out
