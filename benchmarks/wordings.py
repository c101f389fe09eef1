"""Do two wordings of a prompt teach a student differently? GPT-4o's two recorded rewrites of the same AG News texts.

    python -m benchmarks.wordings [--home FOLDER]

Only texts that both rewrites flip, so that both wordings have the same draws. Writes benchmarks/results/wordings.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.data.tables import read_table
from cod_core.distill.settings import SweepPlan
from cod_core.store import items, projects, runs
from cod_core.text import edit_fraction
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "wordings.json"
SHOTS, SEEDS = (8, 16, 32), 20


def rewrites(source: str) -> dict[str, str]:
    """Original -> rewrite, where one could be read."""
    return {
        r["original_text"]: r["counterfactual_text"]
        for r in tasks.gpt4o_rows(source)
        if r["counterfactual_text"].strip().lower() not in ("", "null")
    }


def accuracies(w: Workspace, base: str, source: str, pairs: dict[str, str]) -> dict[tuple[str, int, int], float]:
    """(arm, k, seed) -> test accuracy of students with these counterfactuals, in a project of their own."""
    name = f"AG News, {source}"
    pid = next((p.id for p in w.projects() if p.name == name), None)
    if pid is None:
        pid = w.create_project(name, w.project(base).row.task)
        items.add_examples(w.db, pid, items.examples(w.db, base))
        projects.set_teacher(w.db, pid, w.project(base).row.teacher)
        lines = ["original\tcounterfactual", *("\t".join(pair) for pair in pairs.items())]
        w.project(pid).proposals.import_counterfactuals(read_table(f"{source}.tsv", "\n".join(lines).encode()), name=source)
        w.project(pid).curation.accept_unattended()
    w.project(pid).students.distil(SweepPlan(arms=("kd", "cod"), shots=tuple(SHOTS), seeds=SEEDS))
    return {(r.config.arm, r.config.plotted_k, r.config.seed): r.test["accuracy"] for r in runs.runs(w.db, pid)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    w = Workspace(parser.parse_args().home)
    base = tasks.project(w, "agnews")
    teacher, gold = w.project(base).teacher.classifier(), {e.text: e.label for e in items.examples(w.db, base, split="train")}
    found = {source: rewrites(source) for source in tasks.AG_SOURCES}
    texts = [t for t in found[tasks.AG_SOURCES[0]] if t in found[tasks.AG_SOURCES[1]] and t in gold]
    before = [p.label for p in teacher.predict(texts)]
    flips = {s: [p.label != b for p, b in zip(teacher.predict([found[s][t] for t in texts]), before)] for s in found}
    both = [t for i, t in enumerate(texts) if before[i] == gold[t] and all(flips[s][i] for s in found)]
    out: dict = {"texts": len(texts), "flipped by both": len(both), "wordings": {}}
    told = {}
    for source in found:
        told[source] = accuracies(w, base, source, {t: found[source][t] for t in both})
        out["wordings"][source] = {
            "flip_rate": round(float(np.mean(flips[source])), 3),
            "edit_fraction": round(float(np.median([edit_fraction(t, found[source][t]) for t in both])), 3),
            "cod": {k: round(float(np.mean([told[source]["cod", k, s] for s in range(SEEDS)])), 4) for k in SHOTS},
            "kd": {k: round(float(np.mean([told[source]["kd", k, s] for s in range(SEEDS)])), 4) for k in SHOTS},
        }
    first, second = tasks.AG_SOURCES
    for k in SHOTS:
        differences = [told[first]["cod", k, s] - told[second]["cod", k, s] for s in range(SEEDS)]
        out[f"difference at k={k}"] = {
            "mean": round(float(np.mean(differences)), 4),
            "standard_error": round(float(np.std(differences, ddof=1) / SEEDS**0.5), 4),
        }
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
