"""A language model as teacher: raw against calibrated soft labels, and what a soft-label memory saves.

    python -m benchmarks.llm_teacher [--rows 64] [--home FOLDER]

Labels of SST-2 development sentences by the packaged local language model, which was never tuned for the task; needs
COD_DATA. The memory: every soft label that 20 draws of four arms at k = 8, 16, 32 look up, against memories that hold
the last M texts only, in calls to a teacher that is asked for whatever is not held.
"""

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np

from benchmarks import tasks
from benchmarks.llm_student import SEEDS, SHOTS, order
from cod_core.models.calibration import calibrated
from cod_core.models.local_llm import LocalLLM
from cod_core.models.local_teacher import LocalTeacher
from cod_core.settings import Settings

RESULTS = Path(__file__).parent / "results" / "llm_teacher.json"


def scores(probs: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Accuracy, mean negative log-likelihood in nats, Brier score, share of the first label among the answers."""
    told = probs.argmax(-1)
    return {
        "accuracy": round(float((told == gold).mean()), 3),
        "nll": round(float(-np.log(probs[np.arange(len(gold)), gold]).mean()), 3),
        "brier": round(float(((probs - np.eye(probs.shape[1])[gold]) ** 2).sum(-1).mean()), 3),
        "first_label": round(float((told == 0).mean()), 3),
    }


def lookups(labels: list[int]) -> list[str]:
    """The texts, in order, whose soft labels a sweep of kd, half, cod and cod_plus asks for: "i" a row, "i'" its CFE."""
    asked = []
    for seed in range(SEEDS):
        ids = order(labels, [True] * len(labels), seed)
        for k in SHOTS:
            real, pairs = [str(i) for i in ids[:k]], [f"{i}'" for i in ids[:k]]
            asked += [*real, *real[: k // 2], *real[: k // 2], *pairs[: k // 2], *real, *pairs]
    return asked


def calls(asked: list[str], size: int | None) -> int:
    """Calls made where the memory holds the `size` texts used last; None for one that forgets nothing."""
    held: OrderedDict[str, None] = OrderedDict()
    made = 0
    for text in asked:
        if text not in held:
            made += 1
        held[text] = None
        held.move_to_end(text)
        if size is not None and len(held) > size:
            held.popitem(last=False)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    rows = tasks.read("sst2")
    asked = lookups([tasks.TASKS["sst2"][1].labels.index(e.label) for e in rows if e.split == "train"])
    memory = {str(size): calls(asked, size) for size in (0, 16, 64, 256, 1024, None)}
    out = {"lookups": len(asked), "distinct": len(set(asked)), "calls_by_memory_size": memory}
    print(json.dumps(out), flush=True)
    task = tasks.TASKS["sst2"][1]
    held = [e for e in rows if e.split == "validation"][: chosen.rows]
    teacher = LocalTeacher(LocalLLM(cache=Settings.load(chosen.home).folder("llm")), task)
    readings = teacher.read([e.text for e in held])
    gold = np.array([task.labels.index(e.label) for e in held])
    fair = [calibrated(r.prediction, teacher.prior) for r in readings]
    out |= {
        "rows": len(held),
        "covered": round(float(np.mean([r.covered for r in readings])), 3),
        "prior": [round(p, 3) for p in teacher.prior],
        "raw": scores(np.array([r.prediction.probs for r in readings]), gold),
        "calibrated": scores(np.array([p.probs for p in fair]), gold),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
