"""Declared grids: many sweeps over many projects, finished cells skipped, spread over processes or machines."""

from collections.abc import Callable, Mapping

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.project import Project
from cod_core.project.students.store import judged_mark
from cod_core.settings import Settings
from cod_core.store import runs
from cod_core.store.database import Database

BLOCK = {"linear": 20, "retrieval": 50}


class Grids:
    """Grids of students. A cell's numbers never depend on when, where or beside which others it was trained.

    named: finds the project that a grid means by a name.
    """

    def __init__(self, db: Database, settings: Settings, named: Callable[[str], Project]):
        self.db = db
        self.settings = settings
        self.named = named

    def run(self, declared: Mapping, progress: Progress = silent, workers: int = 1, scheduler: str | None = None) -> dict:
        """Train every cell of a declaration (distill/grid.py) that is not finished; each is saved as it comes.

        Heads of linear students are kept; of students trained step by step only answers and numbers are (train the
        one wanted with distill). workers, scheduler: as in distill/executor.py; COD_SCHEDULER where None.
        Returns {"cells", "new", "left_out", "table"}.
        """
        from cod_core.distill.blocks import do_block
        from cod_core.distill.executor import spread
        from cod_core.distill.grid import read_grid

        scheduler = scheduler or self.settings.scheduler
        plans = [(run, *self._grid_cells(run, progress)) for run in read_grid(declared)]
        total = sum(len(cells) for _, _, cells, _ in plans)
        finished = new = 0
        for run, project, cells, _ in plans:
            project.store.record_rows(cells)
            sets = project.texts.eval_sets()
            done, mark = project.store.finished(sets), judged_mark(sets)
            todo = [cell for cell in cells if cell.config.run_id not in done]
            finished += len(cells) - len(todo)
            progress(finished, total, f"training students: {run.task}")

            def keep(batch, project=project, run=run, mark=mark) -> None:
                nonlocal finished, new
                project.store.keep_done(batch, mark)
                finished, new = finished + len(batch), new + len(batch)
                progress(finished, total, f"training students: {run.task}")

            blocks = self._blocks(project, todo, run.params) if todo else []
            spread(do_block, blocks, keep, workers, scheduler, gpu=not cells[0].config.student.startswith(tuple(BLOCK)))
        left_out = [f"{run.task}: {sentence}" for run, _, _, sentences in plans for sentence in sentences]
        return {"cells": total, "new": new, "left_out": left_out, "table": self._grid_rows(plans)}

    def rerun(self, declared: Mapping, run_id: str) -> dict:
        """Train one cell of a grid again, beside what is on record: {"run_id", "recorded", "again", "same"}.

        Nothing is saved. Raises BadInput where the grid has no such cell.
        """
        from cod_core.distill.blocks import do_block
        from cod_core.distill.grid import read_grid

        for run in read_grid(declared):
            project, cells, _ = self._grid_cells(run, silent)
            chosen = [cell for cell in cells if cell.config.run_id == run_id]
            if chosen:
                again = do_block(self._blocks(project, chosen, run.params)[0])[0].result
                recorded = next((r for r in runs.runs(self.db, project.id) if r.config.run_id == run_id), None)
                return {
                    "run_id": run_id,
                    "recorded": recorded.test if recorded else None,
                    "again": again.test,
                    "same": recorded is not None and recorded.test == again.test,
                }
        raise BadInput(f"The grid has no cell {run_id!r}. The table lists the ids.")

    def _grid_cells(self, run, progress: Progress) -> tuple[Project, list, list[str]]:
        if run.params.get("method") in ("lwd", "ted"):
            raise BadInput("Layer methods need the teacher's own states: run them with distill, not in a grid.")
        project = self.named(run.task)
        try:
            cells, left_out, _ = project.plan.cells(run.params, progress)
        except NotEnoughData as error:
            raise NotEnoughData(f"{run.task}: {error}") from error
        return project, cells, left_out

    def _blocks(self, project: Project, cells: list, params: Mapping) -> list:
        from cod_core.distill.blocks import Shared, cut_blocks

        kind, encoder, teacher = cells[0].config.student.partition(":")[0], cells[0].config.encoder, project.teacher.classifier()
        sets, frozen = project.texts.eval_sets(), kind in BLOCK
        shared = Shared(
            project.row.task.labels,
            sets,
            tuple(teacher.logprobs(list(s.texts)) for s in sets),
            tuple(project.models.encoder(encoder).encode(list(s.texts)) for s in sets) if frozen else None,
            int(params.get("micro_batch") or 0),
        )
        return cut_blocks(cells, shared, project.models.encoder(encoder).encode if frozen else None, BLOCK.get(kind, 1))

    def _grid_rows(self, plans) -> list[dict]:
        """One row an arm and k of every run: mean and deviation of each measure over its draws, and the cells' ids."""
        rows = []
        for run, project, cells, _ in plans:
            on_record = {r.config.run_id: r for r in runs.runs(self.db, project.id)}
            groups: dict[tuple, list] = {}
            for cell in cells:
                if cell.config.run_id in on_record:
                    groups.setdefault((cell.config.arm, cell.config.plotted_k), []).append(on_record[cell.config.run_id])
            for (arm, k), found in groups.items():
                row = {
                    "task": run.task,
                    **{
                        key: value
                        for key, value in run.params.items()
                        if key not in ("arms", "shots", "seeds", "first_seed", "draw_to", "pairs_first")
                    },
                    "arm": arm,
                    "k": k,
                    "cells": len(found),
                }
                for split, metrics in (("test", "test"), ("dev", "dev")):
                    for name in ("accuracy", "mcc", "agreement", "kl"):
                        values = [getattr(r, metrics)[name] for r in found if name in getattr(r, metrics)]
                        if values:
                            row[f"{split}_{name}"] = float(np.mean(values))
                            row[f"{split}_{name}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
                rows.append(row | {"run_ids": [r.config.run_id for r in found]})
        return rows
