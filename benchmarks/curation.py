"""Does curation pay? Students of the proposals that a strict reader accepted, of as many taken unread, and of real texts alone.

    python -m benchmarks.curation clinc20 incidents sst2 --home FOLDER

The proposals are those of the blind readings that the app makes for such a task: the judged ones, of SST-2 single changed words
(benchmarks/results/blind_reading.json). In each of 20 draws a third of the accepted pairs is held out as a contrast set: does the
student say the old label of the original and the new one of the counterfactual? Of what is left, as many pairs as were accepted:
those (read), as many drawn from all (unread), as many drawn with the same labels aimed at (alike: a reader accepts more of some labels
than of others), as many of the refused (refused, where there are so many); and as many real texts as those are rows (real). Linear
student, usual settings; test texts of the task, of the incident notes those that no proposal is of. The draws share most of their pairs,
so intervals are a jackknife's: ten groups of proposals are left out in turn (Efron and Stein, 1981). Leaves
benchmarks/results/curation.json.
"""

import argparse
import json
from typing import Any

import numpy as np

from benchmarks import tasks
from benchmarks.blind import RESULTS as READ
from benchmarks.blind import project_of
from benchmarks.cells import RESULTS
from cod_core.distill.evaluate import macro_f1
from cod_core.distill.linear import fit_linear_batch, linear_logits
from cod_core.store import items
from cod_core.types import Example
from cod_core.workspace import Workspace

PATH = RESULTS / "curation.json"
DRAWS, HELD, MOST_TEST, GROUPS = 20, 3, 1000, 10
OFFERED = {"sst2": "old"}  # the arm of a reading that the app would show; "new" elsewhere
ARMS = ("read", "unread", "alike", "refused", "real")


def marked(task: str) -> list[dict[str, Any]]:
    """Every judged proposal of every reading once: {text, target, proposal, accepted}. Of two marks the later one counts."""
    whole = json.loads(READ.read_text(encoding="utf-8"))
    readings = [whole, *(one for one in whole.values() if isinstance(one, dict) and "tasks" in one)]
    found = {}
    for reading in readings:
        for mark in reading["tasks"].get(task, {}).get("marks", []):
            if mark["arm"] == OFFERED.get(task, "new") and "proposal" in mark:
                found[mark["text"], mark["proposal"]] = mark
    return [found[key] for key in sorted(found)]


class Sides:
    """Arrays of a task: originals and counterfactuals of its marked proposals, other real texts, test texts."""

    def __init__(self, w: Workspace, task: str):
        project = w.project(project_of(w, task))
        self.labels = project.row.task.labels
        place = {label: i for i, label in enumerate(self.labels)}
        by_id = {e.id: e for e in tasks.read(task)}
        self.marks = [m for m in marked(task) if m["text"] in by_id]
        used = {m["text"] for m in self.marks}
        rows = items.examples(w.db, project.id)
        test = [e for e in rows if e.split == "test"][:MOST_TEST] or [e for e in rows if e.id not in used]
        others = [e for e in rows if e.split == "train" and e.id not in used and e.label] if test[0].split == "test" else []
        encoder, teacher = project.models.encoder(), project.teacher.classifier()

        def of(texts: list[str], labels: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return encoder.encode(texts).astype(np.float64), np.array([place[one] for one in labels]), teacher.logprobs(texts)

        def real(some: list[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return of([e.text for e in some], [str(e.label) for e in some])

        originals = [by_id[m["text"]] for m in self.marks]
        self.before, self.after = real(originals), of([m["proposal"] for m in self.marks], [m["target"] for m in self.marks])
        self.others, self.test = real(others or originals), real(test)
        self.accepted = np.array([bool(m["accepted"]) for m in self.marks])

    def student(self, rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        x, hard, soft = rows
        weight, bias = fit_linear_batch(x[None], np.ones((1, len(hard))), hard[None], soft[None])
        return weight[0], bias[0]

    def measured(self, student: tuple[np.ndarray, np.ndarray], held: np.ndarray) -> dict[str, float]:
        """Right on test texts, macro-F1, and of the contrast set: counterfactuals right, both ends right."""
        told, before, after = (linear_logits(x, *student).argmax(-1) for x in (self.test[0], self.before[0][held], self.after[0][held]))
        follows = after == self.after[1][held]
        both = follows & (before == self.before[1][held])
        return {
            "accuracy": float((told == self.test[1]).mean()),
            "macro_f1": macro_f1(self.test[1], told),
            "follows": float(follows.mean()),
            "both": float(both.mean()),
        }


def pairs(sides: Sides, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Originals and counterfactuals of these proposals; an original that several are of stands there for each."""
    return tuple(np.concatenate([a[which], b[which]]) for a, b in zip(sides.before, sides.after))  # type: ignore[return-value]


def drawn(sides: Sides, seed: int, among: np.ndarray) -> dict[str, dict[str, float]]:
    """One draw among these proposals: arm -> what its student came to."""
    rng = np.random.default_rng(seed)
    accepted = sides.accepted[among]
    good = rng.permutation(among[accepted])
    held, read = good[: len(good) // HELD], good[len(good) // HELD :]
    n, rest = len(read), np.setdiff1d(among, held)
    refused = rng.permutation(among[~accepted])
    rows = {"read": pairs(sides, read), "unread": pairs(sides, rng.permutation(rest)[:n])}
    rows["alike"] = pairs(sides, alike(sides.after[1], read, rng.permutation(rest)))
    if len(refused) >= n:
        rows["refused"] = pairs(sides, refused[:n])
    if len(sides.others[1]) >= n:
        more = rng.permutation(len(sides.others[1]))[:n]
        rows["real"] = tuple(np.concatenate([a[read], b[more]]) for a, b in zip(sides.before, sides.others))  # type: ignore[assignment]
    return {arm: sides.measured(sides.student(one), held) for arm, one in rows.items()}


def alike(aims: np.ndarray, read: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """As many of the rest, each label aimed at as often as among those that were read."""
    return np.concatenate([rest[aims[rest] == aim][: int((aims[read] == aim).sum())] for aim in np.unique(aims[read])])


def means(sides: Sides, among: np.ndarray) -> dict[str, dict[str, float]]:
    """arm -> means over the draws."""
    draws = [drawn(sides, seed, among) for seed in range(DRAWS)]
    return {arm: {name: float(np.mean([d[arm][name] for d in draws])) for name in draws[0][arm]} for arm in ARMS if arm in draws[0]}


def measured(w: Workspace, task: str) -> dict[str, Any]:
    """Means over the draws, and the accepted ones less the others with jackknife intervals over ten groups of proposals."""
    sides = Sides(w, task)
    everything = np.arange(len(sides.accepted))
    whole = means(sides, everything)
    groups = np.array_split(np.random.default_rng(0).permutation(everything), GROUPS)
    without = [means(sides, np.setdiff1d(everything, group)) for group in groups]
    accepted = int(sides.accepted.sum())
    out: dict[str, Any] = {"proposals": len(sides.marks), "accepted": accepted, "held": accepted // HELD, "n_test": len(sides.test[1])}
    out["pairs"] = accepted - accepted // HELD
    out["arms"] = {arm: {name: round(x, 4) for name, x in found.items()} for arm, found in whole.items()}
    for other in [arm for arm in whole if arm != "read"]:
        for name in ("accuracy", "macro_f1", "follows", "both"):
            mean = whole["read"][name] - whole[other][name]
            left = np.array([one["read"][name] - one[other][name] for one in without])
            half = 1.96 * float(np.sqrt((GROUPS - 1) / GROUPS * ((left - left.mean()) ** 2).sum()))
            out.setdefault(f"read - {other}", {})[name] = {
                "mean": round(mean, 4),
                "low": round(mean - half, 4),
                "high": round(mean + half, 4),
            }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--home", required=True)
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    for task in chosen.tasks:
        whole = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
        whole[task] = measured(w, task)
        PATH.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        print(task, json.dumps(whole[task]), flush=True)


if __name__ == "__main__":
    main()
