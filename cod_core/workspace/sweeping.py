"""Declared grids: many sweeps over many projects, finished cells skipped, spread over processes or machines."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.store import runs
from cod_core.workspace.base import Base
from cod_core.workspace.distilling import judged_mark
from cod_core.workspace.filing import write_whole

BLOCK = {"linear": 20, "retrieval": 50}


class Sweeping(Base):
    """Grids of students. A cell's numbers never depend on when, where or beside which others it was trained."""

    def task_project(self, name: str) -> str:
        """The project that a grid calls `name`: its id, its name, or a built-in sample, made where it is missing."""
        from cod_core.data.samples import SAMPLES

        for project in self.projects():
            if name in (project.id, project.name):
                return project.id
        if name in SAMPLES:
            return self.create_sample(name)
        raise BadInput(f"There is no project called {name!r}. Give a project's id or name, or a sample: {', '.join(SAMPLES)}.")

    def run_grid(self, declared: Mapping, progress: Progress = silent, workers: int = 1, scheduler: str | None = None) -> dict:
        """Train every cell of a declaration (distill/grid.py) that is not finished; each is saved as it comes.

        Heads of linear students are kept; of students trained step by step only answers and numbers are (train the
        one wanted with distill). workers, scheduler: as in distill/executor.py; COD_SCHEDULER where None.
        Returns {"cells", "new", "left_out", "table"}.
        """
        from cod_core.distill.blocks import do_block
        from cod_core.distill.executor import spread

        scheduler = scheduler or self.settings.scheduler
        plans = [(run, *self._grid_cells(run, progress)) for run in self._grid_runs(declared)]
        total = sum(len(cells) for _, _, cells, _ in plans)
        finished = new = 0
        for run, pid, cells, _ in plans:
            self.keep_rows(pid, cells)
            sets = self.eval_sets(pid)
            done, mark = self.finished(pid, sets), judged_mark(sets)
            todo = [cell for cell in cells if cell.config.run_id not in done]
            finished += len(cells) - len(todo)
            progress(finished, total, f"training students: {run.task}")

            def keep(batch, pid=pid, run=run, mark=mark) -> None:
                nonlocal finished, new
                self._keep_done(pid, batch, mark)
                finished, new = finished + len(batch), new + len(batch)
                progress(finished, total, f"training students: {run.task}")

            blocks = self._blocks(pid, todo, run.params) if todo else []
            spread(do_block, blocks, keep, workers, scheduler, gpu=not cells[0].config.student.startswith(tuple(BLOCK)))
        left_out = [f"{run.task}: {sentence}" for run, _, _, sentences in plans for sentence in sentences]
        return {"cells": total, "new": new, "left_out": left_out, "table": self._grid_rows(plans)}

    def rerun_cell(self, declared: Mapping, run_id: str) -> dict:
        """Train one cell of a grid again, beside what is on record: {"run_id", "recorded", "again", "same"}.

        Nothing is saved. Raises BadInput where the grid has no such cell.
        """
        from cod_core.distill.blocks import do_block

        for run in self._grid_runs(declared):
            pid, cells, _ = self._grid_cells(run, silent)
            chosen = [cell for cell in cells if cell.config.run_id == run_id]
            if chosen:
                again = do_block(self._blocks(pid, chosen, run.params)[0])[0].result
                recorded = next((r for r in runs.runs(self.db, pid) if r.config.run_id == run_id), None)
                return {
                    "run_id": run_id,
                    "recorded": recorded.test if recorded else None,
                    "again": again.test,
                    "same": recorded is not None and recorded.test == again.test,
                }
        raise BadInput(f"The grid has no cell {run_id!r}. The table lists the ids.")

    def _grid_runs(self, declared: Mapping) -> list:
        from cod_core.distill.grid import read_grid

        return read_grid(declared)

    def _grid_cells(self, run, progress: Progress) -> tuple[str, list, list[str]]:
        if run.params.get("method") in ("lwd", "ted"):
            raise BadInput("Layer methods need the teacher's own states: run them with distill, not in a grid.")
        pid = self.task_project(run.task)
        try:
            cells, left_out, _ = self.plan_sweep(pid, run.params, progress)
        except NotEnoughData as error:
            raise NotEnoughData(f"{run.task}: {error}") from error
        return pid, cells, left_out

    def _blocks(self, pid: str, cells: list, params: Mapping) -> list:
        from cod_core.distill.blocks import Shared, cut_blocks

        kind, encoder, teacher = cells[0].config.student.partition(":")[0], cells[0].config.encoder, self.teacher(pid)
        sets, frozen = self.eval_sets(pid), kind in BLOCK
        shared = Shared(
            self.project(pid).task.labels,
            sets,
            tuple(teacher.logprobs(list(s.texts)) for s in sets),
            tuple(self.encoder(encoder).encode(list(s.texts)) for s in sets) if frozen else None,
            int(params.get("micro_batch") or 0),
        )
        return cut_blocks(cells, shared, self.encoder(encoder).encode if frozen else None, BLOCK.get(kind, 1))

    def _keep_done(self, pid: str, batch, mark: str) -> None:
        """Answers and heads first, then results: no result lacks what it was computed from."""
        from dataclasses import replace

        from safetensors.numpy import save_file

        from cod_core.distill.linear import SCALE

        folder = Path(self.settings.folder("students", pid))
        for done in batch:
            config = done.result.config
            about = {"labels": json.dumps(list(self.project(pid).task.labels)), "encoder": config.encoder, "scale": str(SCALE)}
            arrays = {f"{name}_predicted": told for name, told in done.told.items()}
            arrays |= {} if done.weight is None else {"weight": done.weight, "bias": done.bias}
            write_whole(
                folder / f"{config.run_id}.safetensors",
                partial(save_file, arrays or {"none": np.zeros(1, np.uint8)}, metadata=about),
                sync=False,
            )
        runs.put_runs(
            self.db,
            pid,
            [replace(d.result, path=f"{d.result.config.run_id}.safetensors" if d.weight is not None else None, judged=mark) for d in batch],
        )

    def _grid_rows(self, plans) -> list[dict]:
        """One row an arm and k of every run: mean and deviation of each measure over its draws, and the cells' ids."""
        rows = []
        for run, pid, cells, _ in plans:
            on_record = {r.config.run_id: r for r in runs.runs(self.db, pid)}
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
