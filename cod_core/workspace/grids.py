"""Declared grids: many sweeps over many projects, finished cells skipped, spread over processes or machines."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from cod_core.compute.engine import Engine, engine_of
from cod_core.distill.cells import CellSpec, Done
from cod_core.distill.grid import GridRun, read_grid
from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.project import Project
from cod_core.project.students.store import judged_mark
from cod_core.settings import ComputePlace, Settings
from cod_core.store import runs
from cod_core.store.database import Database
from cod_core.types import RunResult

NO_SETTING = ("arms", "shots", "seeds", "first_seed", "draw_to", "pairs_first")  # what a row of the table does not repeat


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One sweep of a grid with its project and cells. left_out: sentences on what the data do not allow."""

    run: GridRun
    project: Project
    cells: list[CellSpec]
    left_out: list[str]


class Count:
    """How many cells of a grid are finished, and how many of them were trained now."""

    def __init__(self, total: int, progress: Progress):
        self.total = total
        self.progress = progress
        self.finished = self.new = 0

    def add(self, finished: int, task: str, new: int = 0) -> None:
        self.finished, self.new = self.finished + finished, self.new + new
        self.progress(self.finished, self.total, f"training students: {task}")


class Grids:
    """Grids of students. A cell's numbers never depend on when, where or beside which others it was trained.

    named: finds the project that a grid means by a name.
    """

    def __init__(self, db: Database, settings: Settings, named: Callable[[str], Project]):
        self.db = db
        self.settings = settings
        self.named = named

    def run(
        self, declared: object, progress: Progress = silent, workers: int | None = None, scheduler: str | None = None
    ) -> dict[str, Any]:
        """Train every cell of a declaration (distill/grid.py) that is not finished; each is saved as it comes.

        Heads of linear students are kept; of students trained step by step only answers and numbers are (train the
        one wanted with distill). workers: processes on this machine; scheduler: of a Dask cluster instead; where neither is
        given, the place that the settings name.
        Returns {"cells", "new", "left_out", "table"}.
        """
        plans = [self._planned(run, progress) for run in read_grid(declared)]
        count = Count(sum(len(plan.cells) for plan in plans), progress)
        asked, usual = ComputePlace(scheduler, workers or 0), self.settings.compute
        with engine_of(asked if scheduler or workers else usual) as engine:
            for plan in plans:
                self._train(plan, count, engine)
        left_out = [f"{plan.run.task}: {sentence}" for plan in plans for sentence in plan.left_out]
        table = [row for plan in plans for row in self._table(plan)]
        return {"cells": count.total, "new": count.new, "left_out": left_out, "table": table}

    def rerun(self, declared: object, run_id: str) -> dict[str, Any]:
        """Train one cell of a grid again, beside what is on record: {"run_id", "recorded", "again", "same"}.

        Nothing is saved. Raises BadInput where the grid has no such cell.
        """
        for run in read_grid(declared):
            plan = self._planned(run, silent)
            chosen = [cell for cell in plan.cells if cell.config.run_id == run_id]
            if chosen:
                with engine_of(ComputePlace(workers=1)) as engine:
                    [[again_done]] = self._trained(plan, chosen, engine, lambda: None)
                again = again_done.result
                recorded = self._on_record(plan.project).get(run_id)
                return {
                    "run_id": run_id,
                    "recorded": recorded.test if recorded else None,
                    "again": again.test,
                    "same": recorded is not None and recorded.test == again.test,
                }
        raise BadInput(f"The grid has no cell {run_id!r}. The table lists the ids.")

    def _planned(self, run: GridRun, progress: Progress) -> PlannedRun:
        sweep = run.plan
        if sweep.student.method in ("lwd", "ted"):
            raise BadInput("Layer methods need the teacher's own states: run them with distill, not in a grid.")
        project = self.named(run.task)
        try:
            cells, left_out, _ = project.plan.cells(sweep, progress)
        except NotEnoughData as error:
            raise NotEnoughData(f"{run.task}: {error}") from error
        return PlannedRun(run, project, cells, left_out)

    def _train(self, plan: PlannedRun, count: Count, engine: Engine) -> None:
        """Train the cells of one sweep that are not finished, and keep each block as it comes."""
        store, cells, task = plan.project.store, plan.cells, plan.run.task
        store.record_rows(cells)
        sets = plan.project.texts.eval_sets()
        done, mark = store.finished(sets), judged_mark(sets)
        todo = [cell for cell in cells if cell.config.run_id not in done]
        count.add(len(cells) - len(todo), task)

        def keep(batch: list[Done]) -> None:
            store.save(batch, mark)
            count.add(len(batch), task, new=len(batch))

        if todo:
            with closing(self._trained(plan, todo, engine, lambda: count.add(0, task), keep)) as batches:
                for batch in batches:
                    keep(batch)

    @staticmethod
    def _trained(
        plan: PlannedRun,
        cells: Sequence[CellSpec],
        engine: Engine,
        tick: Callable[[], None],
        late: Callable[[list[Done]], object] | None = None,
    ) -> Generator[list[Done], None, None]:
        """Students of a plan that come back as numbers, answers and heads."""
        sets, settings = plan.project.texts.eval_sets(), plan.run.plan.student
        return plan.project.students.trained(cells, sets, settings, engine, lambda *_: tick(), keep=False, late=late)

    def _on_record(self, project: Project) -> dict[str, RunResult]:
        return {r.config.run_id: r for r in runs.runs(self.db, project.id)}

    def _table(self, plan: PlannedRun) -> list[dict[str, Any]]:
        """One row an arm and k of a sweep: mean and deviation of each measure over its draws, and the cells' ids."""
        on_record = self._on_record(plan.project)
        groups: dict[tuple[str, int], list[RunResult]] = {}
        for cell in plan.cells:
            if cell.config.run_id in on_record:
                groups.setdefault((cell.config.arm, cell.config.plotted_k), []).append(on_record[cell.config.run_id])
        settings = {key: value for key, value in plan.run.params.items() if key not in NO_SETTING}
        return [
            {
                "task": plan.run.task,
                **settings,
                "arm": arm,
                "k": k,
                "cells": len(results),
                **over_draws(results),
                "run_ids": [r.config.run_id for r in results],
            }
            for (arm, k), results in groups.items()
        ]


def over_draws(results: Sequence[RunResult]) -> dict[str, float | None]:
    """ "<split>_<measure>" and "..._sd" of the students of one arm and k: mean and deviation, None of a single draw."""
    out: dict[str, float | None] = {}
    for split in ("test", "dev"):
        measured = [r.test if split == "test" else r.dev for r in results]
        for name in ("accuracy", "mcc", "agreement", "kl"):
            values = [metrics[name] for metrics in measured if name in metrics]
            if values:
                out[f"{split}_{name}"] = float(np.mean(values))
                out[f"{split}_{name}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return out
