"""Distil: train, score and keep the students of a sweep; ask finished ones about any text."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cod_core.compute.engine import Engine, engine_of, processes_of
from cod_core.distill.blocks import Bench, Shared, cut_parts, watched, work_of
from cod_core.distill.cells import CellSpec, Done, EvalSet, Judge, RowsOf, Training, answers, left_to_do, no_lap
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.student import load_student
from cod_core.progress import Progress, silent
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.results.results import Results
from cod_core.project.students.costs import Costs
from cod_core.project.students.plan import SweepPlans
from cod_core.project.students.store import StudentStore, judged_mark
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.settings import ComputePlace
from cod_core.store import runs
from cod_core.types import Prediction, RunResult


@dataclass(frozen=True)
class Said:
    """What one classifier says of one text. run_id: None for the teacher. rows: training rows of a student, real: texts of
    the project among them."""

    name: str
    run_id: str | None
    arm: str | None
    rows: int | None
    real: int | None
    prediction: Prediction


class Students(Room):
    """From accepted pairs to measured students."""

    def __init__(
        self,
        place: Place,
        models: Models,
        texts: Texts,
        teacher: Teacher,
        store: StudentStore,
        plan: SweepPlans,
        costs: Costs,
        results: Results,
    ):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.store = store
        self.plan = plan
        self.costs = costs
        self.results = results

    def check(self, plan: SweepPlan) -> None:
        """Raises CodError where the students' encoder is a folder, which only an owner may name."""
        self.place.need_for_files(plan.student.encoder, "encoder folder")

    @needs("distil")
    def distil(self, plan: SweepPlan, progress: Progress = silent) -> dict[str, Any]:
        """Train and score every student of a sweep; finished ones are skipped, each is saved at once.

        Returns {"students", "new", "left_out", "report"}.
        """
        self.check(plan)
        cells, left_out, shots = self.plan.cells(plan, progress)
        self.store.record_rows(cells)
        new = self.run_cells(cells, plan, progress)
        only = dict(plan.only) if plan.only else None
        ids, without = [cell.config.run_id for cell in cells], self.plan.left_out()
        report = self.results.write_report(ids, left_out, shots, only, self.plan.overruled(cells), without)
        return {"students": len(cells), "new": len(new), "left_out": left_out, "report": report["made_at"]}

    @needs("distil")
    def run_cells(self, cells: Sequence[CellSpec], plan: SweepPlan, progress: Progress = silent) -> list[RunResult]:
        """Train, score and keep the cells of a plan that are not finished; returns their results."""
        from cod_core.distill.energy import Meter

        self.check(plan)
        meter = Meter(bool(plan.energy))
        try:
            results = self._run_cells(cells, plan.student, progress, meter.lap, here=meter.works)
            if meter.works:
                self.costs.measure_reading(cells[0].config.encoder, meter.lap)
            return results
        finally:
            meter.close()

    def _run_cells(
        self, cells: Sequence[CellSpec], settings: StudentSettings, progress: Progress, lap: Callable[[], float | None], here: bool
    ) -> list[RunResult]:
        """here: electricity is measured, which tells of this process alone."""
        sets = self.texts.eval_sets(self.plan.left_out())
        mark, done = judged_mark(sets), self.store.finished(sets, kept=True)
        if not settings.kind.solved:
            judged = Training(self.labels, sets, self.teacher.classifier().logprobs, progress=progress)
            done |= self._judge_again({cell.config.run_id for cell in cells} - done, judged, mark)
        here = here or cells[0].config.method != "kd"  # layer methods read the teacher's own states
        results: list[RunResult] = []

        def keep(batch: list[Done]) -> None:
            self.store.save(batch, mark)
            results.extend(one.result for one in batch)

        with engine_of(ComputePlace(workers=1)) if here else self.engine_for(settings) as engine:
            with closing(self.trained(left_to_do(cells, done), sets, settings, engine, progress, lap, late=keep)) as batches:
                for batch in batches:
                    keep(batch)
        return results

    def trained(
        self,
        cells: Sequence[CellSpec],
        sets: tuple[EvalSet, EvalSet, EvalSet],
        settings: StudentSettings,
        engine: Engine,
        progress: Progress = silent,
        lap: Callable[[], float | None] = no_lap,
        keep: bool = True,
        late: Callable[[list[Done]], object] | None = None,
    ) -> Generator[list[Done], None, None]:
        """Train and score cells of one kind and encoder wherever the engine works, in their order; whoever asks saves what comes.

        keep: whether students trained step by step come with their weights. late: told of those that were finished ahead of their turn
        where the run ends early. Raises BadInput before anything is trained where
        settings cannot be.
        """
        if not cells:
            return
        config, teacher = cells[0].config, self.teacher.classifier()
        embed = self.models.encoder(config.encoder).encode if settings.kind.solved else None
        progress(0, len(cells), msg("reading texts"))
        rows, parts = cut_parts(cells, self.labels, embed)
        shared = Shared(
            self.labels,
            rows,
            sets,
            _each_of(sets, teacher.logprobs),
            _each_of(sets, embed) if embed else None,
            0 if settings.kind.solved else self._micro_batch(settings),
            keep,
        )
        finished = 0

        def seen(done: int = 0, _total: int = 0, message: str = msg("training students")) -> None:
            progress(finished + done, len(cells), message)

        def kit() -> Bench:
            return watched(shared, seen, lap, teacher.wrapped if config.method != "kd" else None)

        ahead = None if late is None else lambda _number, batch: late(batch)
        with closing(engine.run(work_of(settings.kind), shared, parts, kit, seen, ahead)) as batches:
            for batch in batches:
                yield batch
                finished += len(batch)
                seen()

    def engine_for(self, settings: StudentSettings) -> Engine:
        """Where students of this kind are trained: on no more processes of this machine than have room to train one each."""
        place = self.place.settings.compute
        if place.scheduler or settings.kind.solved or processes_of(place) == 1:
            return engine_of(place)
        memory = self.plan.memory(settings)
        return engine_of(place, most=max(1, memory.free // max(1, memory.need)))

    def _micro_batch(self, settings: StudentSettings) -> int:
        """Rows a forward pass at most. Raises BadInput where training does not fit into memory."""
        memory = self.plan.memory(settings)
        if not memory.rows:
            raise BadInput(memory.sentence)
        return settings.micro_batch or memory.rows

    def _judge_again(self, ids: set[str], training: Training, mark: str) -> set[str]:
        """Judge those of these students whose weights are kept on the texts of today; returns their ids. None is trained."""
        kept = self.store.with_weights(ids)
        if not kept:
            return set()
        judge = Judge(self.labels, training.teacher_logprobs, *training.sets)
        for i, run in enumerate(kept):
            training.progress(i, len(kept), msg("judging students on the new texts"))
            student = load_student(self.store.weights(run.config.run_id))
            logprobs = {name: student.logprobs(list(s.texts)) for name, s in judge.sets.items()}
            dev, test = judge.score(logprobs)
            self.store.save([Done(replace(run, dev=dev, test=test), answers(logprobs))], mark)
        return {r.config.run_id for r in kept}

    def predict_side_by_side(self, texts: Sequence[str], run_ids: Sequence[str] | None = None) -> list[list[Said]]:
        """For each text what the teacher and the students say, the teacher first. run_ids: those that the store keeps where None.

        Raises NotEnoughData before the first sweep, BadInput for an empty text or a project that does not exist.
        """
        if any(not text.strip() for text in texts):
            raise BadInput(say("Type a text first."))
        chosen = self.store.kept()
        if run_ids is not None:
            chosen = [r for r in runs.runs(self.db, self.id) if r.config.run_id in set(run_ids)]
        if not chosen:
            raise NotEnoughData(say("There is no student yet. Distil first."))
        out = [[Said("teacher", None, None, None, None, p)] for p in self.teacher.classifier().predict(list(texts))]
        for run in chosen:
            for row, prediction in zip(out, self.store.load(run.config.run_id).predict(list(texts))):
                c = run.config
                row.append(Said(c.student, c.run_id, c.arm, c.shots, c.real_shots, prediction))
        return out


def _each_of(sets: Sequence[EvalSet], rows: RowsOf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A matrix of rows a set: test, dev, unlabelled. No model is asked, nor loaded, about an empty one."""
    test, dev, unlabelled = (np.asarray(rows(list(s.texts))) if s.texts else np.zeros((0, 0)) for s in sets)
    return test, dev, unlabelled
