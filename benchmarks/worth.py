"""Worth of each counterfactual: the closed form against students trained anew.

    python -m benchmarks.worth --home FOLDER

For movies, Amazon and tweets the linear student of 30 and of 150 kept pairs (as many as there are), 30 or 50 counterfactuals left out
in turn; development loss. The pairs are those of `python -m cod_core demo --sample NAME`, made in the data folder where they are not there.
Leaves benchmarks/results/worth.json.
"""

import argparse
import json
import random
import time

import numpy as np

from benchmarks.cells import RESULTS
from cod_core.diagnostics.worth import Rows, retrained, worths
from cod_core.project.project import Project
from cod_core.project.results.influence import agreement_of
from cod_core.workspace import Workspace
from cod_core.workspace.demo import run_demo

SIZES = {30: 30, 150: 50}
"""Pairs of the student -> counterfactuals left out in turn."""


def pairs_of(project: Project, n: int) -> tuple[Rows, np.ndarray]:
    """(rows of n random kept pairs, originals first; indices of the counterfactuals)."""
    pool, labels = project.texts.pool(), project.row.task.labels
    kept = sorted((i, cf) for i, (cf, _) in project.pairs.kept().items() if i in pool)
    chosen = random.Random(0).sample(kept, min(n, len(kept)))
    texts = [pool[i].text for i, _ in chosen] + [cf.text for _, cf in chosen]
    said = [str(pool[i].label) for i, _ in chosen] + [cf.target for _, cf in chosen]
    features = project.models.encoder().encode(texts).astype(np.float64)
    rows = Rows(features, np.array([labels.index(label) for label in said]), project.teacher.classifier().logprobs(texts))
    return rows, np.arange(len(chosen), 2 * len(chosen))


def measured(project: Project, pairs: int, left_out: int) -> dict[str, float | int]:
    """Rank correlation, largest error over largest effect, and the seconds of either way."""
    rows, which = pairs_of(project, pairs)
    which = which[np.linspace(0, len(which) - 1, min(left_out, len(which))).astype(int)]
    judged = project.development.set(ask=True)
    features = project.models.encoder().encode(judged.texts).astype(np.float64)
    begun = time.perf_counter()
    quick = worths(rows, which, features, judged.truth)
    between = time.perf_counter()
    slow = retrained(rows, which, features, judged.truth)
    seen = agreement_of(quick, slow)
    out = {"rows": len(rows.hard), "left out": seen.n, "rank": round(seen.spearman or 0.0, 4), "error": round(seen.error, 4)}
    return out | {"closed_s": round(between - begun, 2), "retrained_s": round(time.perf_counter() - between, 2)}


def main(home: str) -> None:
    w, path = Workspace(home), RESULTS / "worth.json"
    out = {}
    for sample in ("movies", "amazon", "tweets"):
        pid = next((p.id for p in w.projects() if p.settings.get("sample") == sample), None)
        if pid is None or len(w.project(pid).pairs.kept()) < 2:
            run_demo(w, sample, seeds=5)
            pid = next(p.id for p in w.projects() if p.settings.get("sample") == sample)
        out[sample] = [measured(w.project(pid), *size) for size in SIZES.items()]
        print(sample, out[sample], flush=True)
        path.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", required=True)
    main(parser.parse_args().home)
