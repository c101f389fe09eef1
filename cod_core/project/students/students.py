"""Distil: train, score and keep the students of a sweep; ask finished ones about any text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.results.results import Results
from cod_core.project.students.costs import Costs
from cod_core.project.students.plan import SweepPlans
from cod_core.project.students.store import StudentStore, judged_mark
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import runs
from cod_core.types import Prediction


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

    def distil(self, params: dict, progress: Progress = silent) -> dict:
        """Train and score every student of a sweep; finished ones are skipped, each is saved at once.

        params: shots, seeds, first_seed, arms, and the student as students/settings.py reads it.
        Returns {"students", "new", "left_out", "report"}.
        """
        cells, left_out, shots = self.plan.cells(params, progress)
        self.store.record_rows(cells)
        found = self.run_cells(cells, params, progress)
        report = self.results.write_report([cell.config.run_id for cell in cells], left_out, shots, params.get("only"))
        return {"students": len(cells), "new": len(found), "left_out": left_out, "report": report["made_at"]}

    def run_cells(self, cells: Sequence, params: dict, progress: Progress = silent) -> list:
        """Train, score and keep the cells that are not finished; returns their results.

        params["energy"]: estimate the electricity too, where codecarbon is installed.
        """
        from cod_core.distill.energy import Meter

        meter = Meter(bool(params.get("energy")))
        try:
            found = self._run_cells(cells, params, progress, meter.lap)
            if meter.works:
                self.costs.measure_reading(cells[0].config.encoder, meter.lap)
            return found
        finally:
            meter.close()

    def _run_cells(self, cells, params, progress, lap) -> list:
        from cod_core.distill.sweep import run_linear_sweep

        labels, teacher, sets = self.labels, self.teacher.classifier(), self.texts.eval_sets()
        folder, done = self.place.folder("students"), self.store.finished(sets, kept=True)
        kind, encoder = cells[0].config.student.partition(":")[0], cells[0].config.encoder
        if kind == "linear":
            return run_linear_sweep(
                cells,
                labels,
                self.models.encoder(encoder).encode,
                teacher.logprobs,
                *sets,
                done=done,
                progress=progress,
                on_results=self.store.linear_keeper(folder, labels, encoder, sets),
                lap=lap,
            )
        keep = self.store.prediction_keeper(folder, judged_mark(sets))
        if kind == "retrieval":
            from cod_core.distill.retrieval import run_retrieval_sweep

            return run_retrieval_sweep(
                cells, labels, self.models.encoder(encoder).encode, teacher.logprobs, *sets, done=done, progress=progress, on_results=keep
            )
        done |= self._judge_again({cell.config.run_id for cell in cells} - done, sets, keep, progress)
        from cod_core.distill.finetuned import load_encoder
        from cod_core.distill.stepwise import run_stepwise_sweep

        memory = self.plan.memory(params)
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

    def _judge_again(self, ids: set[str], sets: Sequence, keep, progress: Progress) -> set[str]:
        """Judge those of these students whose weights are kept on the texts of today; returns their ids. None is trained."""
        from cod_core.distill.sweep import Judge
        from cod_core.models.student import load_student

        folder = self.place.folder("students")
        found = [r for r in runs.runs(self.db, self.id) if r.config.run_id in ids and r.path and (folder / r.path).is_dir()]
        if not found:
            return set()
        judge = Judge(self.labels, self.teacher.classifier().logprobs, *sets)
        for i, run in enumerate(found):
            progress(i, len(found), "judging students on the new texts")
            student = load_student(folder / run.config.run_id)
            told = {name: student.logprobs(list(s.texts)) for name, s in judge.sets.items()}
            dev, test = judge.score(told)
            keep([(replace(run, dev=dev, test=test), told)])
        return {r.config.run_id for r in found}

    def predict_side_by_side(self, texts: Sequence[str], run_ids: Sequence[str] | None = None) -> list[list[Said]]:
        """For each text what the teacher and the students say, the teacher first. run_ids: those that the store keeps where None.

        Raises NotEnoughData before the first sweep, BadInput for an empty text or a project that does not exist.
        """
        if any(not text.strip() for text in texts):
            raise BadInput("Type a text first.")
        chosen = self.store.kept()
        if run_ids is not None:
            chosen = [r for r in runs.runs(self.db, self.id) if r.config.run_id in set(run_ids)]
        if not chosen:
            raise NotEnoughData("There is no student yet. Distil first.")
        out = [[Said("teacher", None, None, None, None, p)] for p in self.teacher.classifier().predict(list(texts))]
        for run in chosen:
            for row, prediction in zip(out, self.store.load(run.config.run_id).predict(list(texts))):
                c = run.config
                row.append(Said(c.student, c.run_id, c.arm, c.shots, c.real_shots, prediction))
        return out
