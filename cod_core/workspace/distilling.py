"""Distil and compare: pre-flight, the sweep over shots, seeds and arms, students kept for later."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.store import items, runs
from cod_core.text import short_hash
from cod_core.types import ALL_ARMS, ARMS, KEPT
from cod_core.workspace.base import Base
from cod_core.workspace.filing import write_whole

SHOTS = (8, 16, 32, 64, 128, 256, 512)
SECONDS_A_TEXT = 0.02
PREDICTED = {"test_predicted": 0, "unlabelled_predicted": 2}  # name in the file -> place among the judged sets
SOLVED = ("linear", "retrieval")  # students that are not trained step by step
SECONDS_A_LINEAR = 0.02
SECONDS_A_STEPWISE = 15.0
NO_TEST = "There are no test texts: upload a test file (best 100 texts or more) or unlabelled texts, otherwise nothing can be measured."


@dataclass(frozen=True)
class Preflight:
    """What a sweep would do. n_kept: accepted pairs; n_pairs: those that a balanced draw can use. messages: plain
    sentences. blocked: cannot start."""

    n_kept: int
    n_pairs: int
    shots_allowed: list[int]
    seconds_estimate: float
    n_test: int
    messages: list[str]
    blocked: bool


def thin_targets(labels: Sequence[str], targets: Sequence[str]) -> list[str]:
    """A sentence for each label that fewer counterfactuals are aimed at than half of its fair share, of three labels or more.

    The nearest other class can leave one out altogether: docs/experiments.md, AG News.
    """
    fair, n = len(targets) / len(labels), Counter(targets)
    if len(labels) < 3 or fair < 2:
        return []
    return [
        (f"Only {n[label]} of {len(targets)}" if n[label] else f"None of the {len(targets)}") + f" accepted counterfactuals turn a "
        f"text into “{label}”, so students may miss that label. Aim more at it on the Proposals page."
        for label in labels
        if n[label] < fair / 2
    ]


class Distilling(Base):
    """From accepted pairs to measured students."""

    def shots_allowed(self, pid: str, pairs: int | None = None) -> list[int]:
        """k at which CoD can be compared: k/2 accepted pairs (pairs_allow where None) and k labelled training texts."""
        pairs = self.pairs_allow(pid, self.kept_pairs(pid)) if pairs is None else pairs
        pool = sum(n for (split, label), n in items.count_examples(self.db, pid).items() if split == "train" and label is not None)
        step = len(self.project(pid).task.labels) * 2
        wanted = sorted({*SHOTS, *([2 * pairs] if 0 < 2 * pairs < 8 else []), *([step] if pairs and pool < 8 else [])})
        return [k for k in wanted if k // 2 <= pairs and k <= max(pool, 2)]

    def preflight(
        self, pid: str, student: str = "linear", seeds: int = 20, shots: Sequence[int] = (), arms: Sequence[str] = ARMS
    ) -> Preflight:
        """Whether and how a sweep can run, in plain words; over every k that is allowed where shots are empty. Asks no model."""
        project, kept = self.project(pid), self.kept_pairs(pid)
        texts = self._pool_of(pid, kept)
        fair, unfair = self.fair_pairs(pid, kept, texts)
        pairs = self.balanced(pid, fair, texts)
        allowed = self.shots_allowed(pid, pairs)
        n_test, n_free = self._judging(pid)
        waiting, accepted = self.waiting(pid), self._accepted(pid)
        messages, blocked = [waiting] if waiting else [], False
        if project.teacher is None:
            messages = [waiting or "Choose a teacher first, on the Teacher page."]
            blocked = True
        elif not allowed and not (waiting and accepted > len(kept)):
            need = len(project.task.labels)
            one = len(kept) == 1
            told = (
                f"{len(kept)} counterfactual{' is' if one else 's are'} accepted"
                if accepted == len(kept)
                else f"{len(kept)} of the {accepted} accepted counterfactuals turn{'s' if one else ''} this teacher's verdict around"
            )
            messages.append(
                f"{told}. The smallest comparison needs {need} or more, as many for each label. Accept more on the Curate page."
            )
            blocked = True
        elif not allowed:
            blocked = True
        else:
            if pairs < len(fair):
                messages.append(f"{pairs:,} of the {len(fair):,} accepted pairs fit a fair comparison, which takes as many of each label.")
            messages += thin_targets(project.task.labels, [cf.target for cf, _ in fair.values()])
        if warning := self.seen_in_training(pid):
            messages.append(warning)
            blocked = True
        messages += unfair
        if n_test == 0 and n_free == 0:
            messages.append(NO_TEST)
            blocked = True
        elif 0 < n_test < MIN_ROWS:
            messages.append(f"Only {n_test} labelled test texts: differences will be uncertain. 100 or more are better.")
        cells = seeds * sum(len(arms) - ("cod_plus" in arms and k > pairs) for k in shots or allowed)
        each = SECONDS_A_LINEAR if student == "linear" else SECONDS_A_STEPWISE
        return Preflight(len(kept), pairs, allowed, 5 + n_test * SECONDS_A_TEXT + cells * each, n_test, messages, blocked)

    def _judging(self, pid: str) -> tuple[int, int]:
        """(labelled test texts, unlabelled texts): what students can be judged on."""
        counts = items.count_examples(self.db, pid)
        return (
            sum(n for (split, label), n in counts.items() if split == "test" and label is not None),
            sum(n for (split, _), n in counts.items() if split == "unlabelled"),
        )

    def _accepted(self, pid: str) -> int:
        """Texts with an accepted counterfactual, whatever the present teacher says of it."""
        return sum(d.status in KEPT for d in self._state(pid).outcome.values())

    def distill(self, pid: str, params: dict, progress: Progress = silent) -> dict:
        """Train and score every student of a sweep; finished ones are skipped, each is saved at once.

        params: shots, seeds, first_seed, arms, and the student as workspace/students.py reads it.
        Returns {"students", "new", "left_out", "report"}.
        """
        cells, left_out, shots = self.plan_sweep(pid, params, progress)
        self.keep_rows(pid, cells)
        found = self.run_cells(pid, cells, params, progress)
        report = self.write_report(pid, [cell.config.run_id for cell in cells], left_out, shots, params.get("only"))
        return {"students": len(cells), "new": len(found), "left_out": left_out, "report": report["made_at"]}

    def plan_sweep(self, pid: str, params: dict, progress: Progress = silent) -> tuple[list, list[str], list[int]]:
        """(cells, sentences on what the data do not allow, shots) of a sweep. Trains nothing; asks the teacher.

        params may hold draw_to and pairs_first, so that sweeps over other shots or arms use the very same draws: how
        many rows are drawn, and how many of them, the first ones, have a counterfactual. Raises BadInput, NotEnoughData: also
        where there is no text to judge students on.
        """
        from cod_core.distill.sweep import plan_cells
        from cod_core.workspace.students import second_rows, shots_by_share, softener, student_settings

        self.check_student(params)
        teacher, settings, arms = self.teacher(pid), student_settings(params), tuple(params.get("arms") or ARMS)
        count = int(params.get("seeds", 20))
        if strange := [arm for arm in arms if arm not in ALL_ARMS]:
            raise BadInput(f"Unknown arms: {', '.join(strange)}. Choose from {', '.join(ALL_ARMS)}.")
        if count < 1:
            raise BadInput(f"The number of draws must be 1 or more, not {count}.")
        if warning := self.seen_in_training(pid):
            raise BadInput(warning)
        shots = [int(k) for k in params.get("shots") or self.shots_allowed(pid)]
        if not shots:
            raise NotEnoughData("Accept more counterfactuals first: the smallest comparison needs one for each label.")
        if any(k < 2 for k in shots):
            raise BadInput("The number of training rows must be 2 or more.")
        if not any(self._judging(pid)):
            raise NotEnoughData(NO_TEST)
        first = int(params.get("first_seed", 0))
        seeds = range(first, first + count)
        pool, source = self.pool(pid), settings.get("cf_source", "")
        pairs, unfair = self.fair_pairs(
            pid,
            {i: cf for i, (cf, _) in self.chosen_pairs(pid, params.get("only")).items() if source in ("", cf.origin.kind, cf.origin.name)},
            pool,
        )
        available = self.balanced(pid, pairs, pool)
        need_pairs = int(params.get("pairs_first") or max(k if "cod_plus" in arms and k <= available else k // 2 for k in shots))
        progress(0, 1, "drawing the training rows")
        draw_to = int(params.get("draw_to") or max(shots))
        orders = self.sweep_orders(pid, seeds, draw_to, min(available, need_pairs), pairs)
        second = second_rows(self, pid, arms, pool, pairs, source)
        drawn = [([arm for arm in arms if arm != "unverified"], orders)]
        if "unverified" in arms:  # whoever never asks the teacher cannot leave out the rows that it refuses
            proposed = second["unverified"]
            enough = min(self.balanced(pid, proposed, pool), need_pairs)
            drawn.append((["unverified"], self.sweep_orders(pid, seeds, draw_to, enough, proposed, frozenset())))
        cells, left_out, refused = [], unfair, None
        soften = softener(self, pid, settings)
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

    def run_cells(self, pid: str, cells: Sequence, params: dict, progress: Progress = silent) -> list:
        """Train, score and keep the cells that are not finished; returns their results.

        params["energy"]: estimate the electricity too, where codecarbon is installed.
        """
        from cod_core.distill.energy import Meter

        meter = Meter(bool(params.get("energy")))
        try:
            found = self._run_cells(pid, cells, params, progress, meter.lap)
            if meter.works:
                self.measure_reading(pid, cells[0].config.encoder, meter.lap)
            return found
        finally:
            meter.close()

    def _run_cells(self, pid, cells, params, progress, lap) -> list:
        from cod_core.distill.sweep import run_linear_sweep

        labels, teacher, sets = self.project(pid).task.labels, self.teacher(pid), self.eval_sets(pid)
        folder, done = self.settings.folder("students", pid), self.finished(pid, sets, kept=True)
        kind, encoder = cells[0].config.student.partition(":")[0], cells[0].config.encoder
        if kind == "linear":
            return run_linear_sweep(
                cells,
                labels,
                self.encoder(encoder).encode,
                teacher.logprobs,
                *sets,
                done=done,
                progress=progress,
                on_results=self._linear_keeper(pid, folder, labels, encoder, sets),
                lap=lap,
            )
        keep = self._prediction_keeper(pid, folder, judged_mark(sets))
        if kind == "retrieval":
            from cod_core.distill.retrieval import run_retrieval_sweep

            return run_retrieval_sweep(
                cells, labels, self.encoder(encoder).encode, teacher.logprobs, *sets, done=done, progress=progress, on_results=keep
            )
        done |= self._judge_again(pid, {cell.config.run_id for cell in cells} - done, sets, keep, progress)
        from cod_core.distill.finetuned import load_encoder
        from cod_core.distill.stepwise import run_stepwise_sweep

        memory = self.memory(pid, params)
        if not memory.rows:
            raise BadInput(memory.sentence)
        return run_stepwise_sweep(
            cells,
            labels,
            load_encoder(cells[0].config.student),
            teacher.logprobs,
            *sets,
            done=done,
            on_results=keep,
            progress=progress,
            teacher=teacher.wrapped if cells[0].config.method != "kd" else None,
            folder=folder,
            micro_batch=int(params.get("micro_batch") or memory.rows),
            lap=lap,
        )

    def eval_sets(self, pid: str) -> tuple:
        """(test, development, unlabelled) texts that students are judged on, as EvalSets."""
        from cod_core.distill.sweep import EvalSet

        return tuple(
            EvalSet(tuple(e.text for e in rows), tuple(e.label for e in rows) if split != "unlabelled" else None)
            for split in ("test", "validation", "unlabelled")
            for rows in [items.examples(self.db, pid, split=split)]
        )

    def finished(self, pid: str, sets: Sequence, kept: bool = False) -> set[str]:
        """Ids of the students on record that were judged on these texts.

        kept: of those trained step by step, only the ones whose weights are there. Students of earlier versions tell
        the number of texts only.
        """
        mark, n = judged_mark(sets), (len(sets[0].texts), len(sets[2].texts))
        return {
            r.config.run_id
            for r in runs.runs(self.db, pid)
            if (r.judged == mark if r.judged else (r.test.get("n", 0), r.test.get("n_unlabelled", 0)) == n)
            and (not kept or r.path or r.config.student in SOLVED)
        }

    def _judge_again(self, pid: str, ids: set[str], sets: Sequence, keep, progress: Progress) -> set[str]:
        """Judge those of these students whose weights are kept on the texts of today; returns their ids. None is trained."""
        from cod_core.distill.sweep import Judge
        from cod_core.models.student import load_student

        folder = self.settings.folder("students", pid)
        found = [r for r in runs.runs(self.db, pid) if r.config.run_id in ids and r.path and (folder / r.path).is_dir()]
        if not found:
            return set()
        judge = Judge(self.project(pid).task.labels, self.teacher(pid).logprobs, *sets)
        for i, run in enumerate(found):
            progress(i, len(found), "judging students on the new texts")
            student = load_student(folder / run.config.run_id)
            told = {name: student.logprobs(list(s.texts)) for name, s in judge.sets.items()}
            dev, test = judge.score(told)
            keep([(replace(run, dev=dev, test=test), told)])
        return {r.config.run_id for r in found}

    def student_recipe(self, student: str, encoder: str = "") -> dict:
        """The settings of such a student where nothing else is asked for; {} for those solved in one step."""
        from cod_core.workspace.students import RECIPES, recipe

        return recipe(student, *([encoder] if encoder else [])) if student in RECIPES else {}

    def check_student(self, params: dict) -> None:
        """Raises BadInput, ModelUnavailable where no student of these parameters can be made: to be asked before a job starts."""
        from cod_core.models.encoder import DEFAULT_ENCODER, split_name
        from cod_core.workspace.students import student_settings

        encoder = student_settings(params)["encoder"]
        if split_name(encoder)[0] != DEFAULT_ENCODER:
            from cod_core.models.memory import size_of

            size_of(encoder)

    def memory(self, pid: str, params: dict):
        """What training one student of these parameters takes (students.Memory), for students trained step by step."""
        from cod_core.workspace.students import memory_for, student_settings

        longest = max((len(e.text) for e in self.pool(pid).values()), default=0)
        return memory_for(student_settings(params), longest)

    def _linear_keeper(self, pid: str, folder: Path, labels, encoder: str, sets):
        """A function that keeps heads and predictions of a batch, then the results: no result lacks its student."""
        from safetensors.numpy import save_file

        from cod_core.distill.linear import SCALE, linear_logits

        about = {"labels": json.dumps(list(labels)), "encoder": encoder, "scale": str(SCALE)}
        spaces, mark = {}, judged_mark(sets)

        def keep(batch: Sequence[tuple]) -> None:
            if not spaces:
                spaces.update({name: self.encoder(encoder).encode(sets[i].texts) for name, i in PREDICTED.items() if sets[i].texts})
            for result, weight, bias in batch:
                told = {name: linear_logits(phi, weight, bias).argmax(-1).astype("uint8") for name, phi in spaces.items()}
                arrays = {"weight": weight.astype("float32"), "bias": bias.astype("float32"), **told}
                write_whole(folder / f"{result.config.run_id}.safetensors", partial(save_file, arrays, metadata=about), sync=False)
            runs.put_runs(self.db, pid, [replace(r, path=f"{r.config.run_id}.safetensors", judged=mark) for r, _, _ in batch])

        return keep

    def _prediction_keeper(self, pid: str, folder: Path, mark: str):
        """A function that keeps what a student answered, then its result; its weights, if any, are saved already."""
        from safetensors.numpy import save_file

        def keep(batch: Sequence[tuple]) -> None:
            for result, logprobs in batch:
                told = {
                    f"{name}_predicted": logprobs[name].argmax(-1).astype("uint8") for name in ("test", "unlabelled") if len(logprobs[name])
                }
                arrays = told or {"none": np.zeros(1, np.uint8)}
                write_whole(folder / f"{result.config.run_id}.safetensors", partial(save_file, arrays), sync=False)
                runs.put_runs(self.db, pid, [replace(result, path=result.config.run_id if result.path else None, judged=mark)])

        return keep


def judged_mark(sets: Sequence) -> str:
    """Changes whenever a text or a gold label that students are judged on does."""
    return short_hash(*(part for s in sets for part in ("set", *s.texts, *(s.gold or ()))))
