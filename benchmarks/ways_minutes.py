"""The same minutes instead of the same rows: a line on as many labelled texts as k/2 labelled and decided pairs take. 20 draws,
held-out test rows, no teacher asked. Resumable.

    python -m benchmarks.ways_minutes [TASK...] --home FOLDER

Texts are those of benchmarks.held where FOLDER has them, else the same ones read from COD_DATA. A pool in another order gives other
draws than ways.json has: labels alone at 8, 16 and 32 are measured here again.
Writes benchmarks/results/ways_minutes.json; counterfactuals at k are those of ways.json.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import held
from benchmarks.held import Held
from benchmarks.ways import DRAWS, scored
from cod_core.curation.pace import DECISION_S, LABEL_S
from cod_core.data.draws import order_rows
from cod_core.errors import CodError
from cod_core.models.encoder import Encoder
from cod_core.types import Example

RESULTS = Path(__file__).parent / "results" / "ways_minutes.json"
NAMES = ("movies", "tweets", "amazon", "sst2", "sst5", "agnews")  # those of ways.json that have CoD at 16 and 32
KS = (16, 32)
CHECKED = (8, 16, 32)  # measured in ways.json too
MORE = (112, 224)


def labels_for(k: int) -> int:
    """Texts that can be labelled in the time that k/2 texts take to be labelled, and their counterfactuals to be decided."""
    return round(k / 2 * (LABEL_S + DECISION_S) / LABEL_S)


def arrays(home: str, name: str) -> Held:
    """The arrays of a task; without those of the teacher where only its texts are there."""
    try:
        return held.held(home, name)
    except CodError:
        pass
    task, _, rows = held.split_of(name)
    encoder, made = Encoder(), {}
    for part, split in (("pool", "train"), ("test", "test")):
        texts = [e for e in rows if e.split == split]
        made[f"{part}_phi"] = encoder.encode([e.text for e in texts])
        made[f"{part}_gold"] = np.array([task.labels.index(str(e.label)) for e in texts])
    return Held(**dict.fromkeys([f.name for f in fields(Held)], np.zeros(0)) | made | {"labels": np.array(task.labels)})


def measured(home: str, name: str) -> dict[str, Any]:
    """n -> what a logistic regression on n labelled rows reaches."""
    from sklearn.linear_model import LogisticRegression

    data = arrays(home, name)
    phi, gold = data.pool_phi, data.pool_gold
    labels = [str(label) for label in data.labels]
    rows = [Example(str(i), "", labels[c]) for i, c in enumerate(gold)]
    orders = [[int(i) for i in order_rows(rows, labels, seed)] for seed in range(DRAWS)]
    out = {}
    for n in sorted({*CHECKED, *map(labels_for, KS), *MORE}):
        told = [LogisticRegression(C=10, max_iter=2000).fit(phi[o[:n]], gold[o[:n]]).predict(data.test_phi) for o in orders]
        out[str(n)] = scored(data, np.array(told))
    return {"n_test": len(data.test_gold), "pool": len(gold), "labels": out}


def main() -> None:
    held.measure_each(__doc__, RESULTS, NAMES, measured, lambda found: {n: cell["accuracy"] for n, cell in found["labels"].items()})


if __name__ == "__main__":
    main()
