"""What judged proposals teach a student, against the earlier ones and against real texts: 20 draws of the same originals.

    python -m benchmarks.blind offers TASK --texts 160 --draw 31 --home FOLDER --out OUT      first: what either way offers
    python -m benchmarks.teaching TASK... --home FOLDER --out OUT

Originals are the texts for which both ways had an offer. earlier, judged: k/2 of them with that way's first offer; kd: the same and k/2
more texts. The linear student with its usual settings, test texts of the task; of the incident notes, half of all. k: two, four and
eight times the number of labels, as far as there are texts. Leaves benchmarks/results/teaching.json.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.blind import project_of
from benchmarks.cells import RESULTS
from benchmarks.held import Held
from benchmarks.ways import apart, guesses, of_pool, orders, overlap, scored, with_pairs
from cod_core.errors import NotEnoughData
from cod_core.store import items
from cod_core.types import Example
from cod_core.workspace import Workspace

PATH = RESULTS / "teaching.json"
TIMES, MOST_TEST = (2, 4, 8), 1000


def arrays(w: Workspace, task: str, found: dict[str, Any]) -> dict[str, Held]:
    """Either way's pairs of the originals that both have: "old" and "new", alike but for the counterfactuals."""
    project = w.project(project_of(w, task))
    labels, encoder, teacher = project.row.task.labels, project.models.encoder(), project.teacher.classifier()
    place = {label: i for i, label in enumerate(labels)}
    both = sorted(set(found["old"]["offers"]) & set(found["new"]["offers"]))
    test = [e for e in items.examples(w.db, project.id, split="test") if e.label][:MOST_TEST]
    if not test:  # half of all texts are judged on
        every = items.examples(w.db, project.id)
        both = sorted(random.Random(0).sample(both, min(len(both), len(every) // 2)))
        test = [e for e in every if e.id not in set(both)]
    rest = [e for e in items.examples(w.db, project.id, split="train") if e.label and e.id not in set(both)]
    pool = [Example(i, *found["texts"][i]) for i in both] + (rest if test[0].split == "test" else [])
    nothing, none = np.zeros((0, 384), dtype=np.float32), np.zeros(0, dtype=int)

    def of(rows: list[Example], part: str) -> dict[str, np.ndarray]:
        texts = [e.text for e in rows]
        gold = np.array([place[str(e.label)] for e in rows], dtype=int)
        return {f"{part}_phi": encoder.encode(texts), f"{part}_gold": gold, f"{part}_told": teacher.logprobs(texts)}

    alike = of(pool, "pool") | of(test, "test")
    alike |= {"seen_phi": nothing, "seen_gold": none, "dev_phi": nothing, "dev_gold": none, "dev_told": nothing}
    out = {}
    for way in ("old", "new"):
        offers = [found[way]["offers"][i] for i in both]
        texts = [offer["text"] for offer in offers]
        out[way] = Held(
            labels=np.array(labels),
            ids=np.array([e.id for e in pool]),
            of=np.arange(len(both)),
            aim=np.array([place[offer["target"]] for offer in offers], dtype=int),
            cf_phi=encoder.encode(texts),
            cf_told=teacher.logprobs(texts),
            **alike,
        )
    return out


def measured(w: Workspace, task: str, found: dict[str, Any]) -> dict[str, Any]:
    """Cells and differences at each k that the originals allow."""
    ways = arrays(w, task, found)
    new, old = ways["new"], ways["old"]
    rows = np.arange(len(new.ids))
    out: dict[str, Any] = {
        "texts": len(found["texts"]),
        "offers": {"earlier": len(found["old"]["offers"]), "judged": len(found["new"]["offers"])},
        "originals": len(new.of),
        "classes": new.classes,
        "n_test": len(new.test_gold),
        "teacher": scored(new, new.test_told.argmax(-1)[None])["accuracy"],
        "cells": {"kd": {}, "earlier": {}, "judged": {}},
        "effects": {"judged - kd": {}, "judged - earlier": {}, "earlier - kd": {}},
    }
    for k in (times * new.classes for times in TIMES):
        try:
            drawn = [order for order in orders(new, rows, True, k // 2) if len(order) >= k]
        except NotEnoughData:
            continue
        if len(drawn) < 2:
            continue
        told = {
            "kd": guesses(new, [of_pool(new, order[:k]) for order in drawn]),
            "earlier": guesses(old, [with_pairs(old, order[: k // 2]) for order in drawn]),
            "judged": guesses(new, [with_pairs(new, order[: k // 2]) for order in drawn]),
        }
        shared = overlap([order[: k // 2] for order in drawn])
        for arm, said in told.items():
            out["cells"][arm][str(k)] = scored(new, said)
        for name in out["effects"]:
            more, less = name.split(" - ")
            out["effects"][name][str(k)] = apart(new, told[less], told[more], shared)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--home", required=True)
    parser.add_argument("--out", required=True)
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    for task in chosen.tasks:
        whole = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
        whole[task] = measured(w, task, json.loads((Path(chosen.out) / f"{task}.json").read_text(encoding="utf-8")))
        PATH.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        print(task, json.dumps(whole[task]), flush=True)


if __name__ == "__main__":
    main()
