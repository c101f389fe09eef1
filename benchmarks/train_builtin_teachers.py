"""Make the built-in teachers: LoRA adapters on the packaged encoder, one a sample, from its training split.

    python -m benchmarks.train_builtin_teachers [movies amazon tweets news]

Prints accuracy on the development and test splits and writes it beside the adapter (measured.json).
"""

import json
import sys
import time

import numpy as np

from cod_core.data.samples import SAMPLES, load_sample, sample
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.finetune import finetune_teacher
from cod_core.models.seen import write_seen
from cod_core.models.teachers import BUILTIN, FineTunedTeacher
from cod_core.settings import Settings

EPOCHS = {"movies": 2, "amazon": 4, "tweets": 4, "news": 2}


def main(names: list[str]) -> None:
    cache = Settings.load().folder("samples")
    for name in names:
        examples, task, start = load_sample(name, cache), sample(name).task, time.perf_counter()
        by_split = {s: [e for e in examples if e.split == s] for s in ("train", "validation", "test")}
        train = by_split["train"]
        folder = BUILTIN / name
        finetune_teacher([e.text for e in train], [e.label for e in train], task.labels, DEFAULT_ENCODER, folder, epochs=EPOCHS[name])
        write_seen(folder, [e.text for e in train])
        measured = {"seconds": round(time.perf_counter() - start), "epochs": EPOCHS[name]}
        teacher = FineTunedTeacher(folder, f"builtin:{name}")
        for split in ("validation", "test"):
            rows = by_split[split]
            right = [p.label == e.label for p, e in zip(teacher.predict([e.text for e in rows]), rows)]
            measured[split] = {"accuracy": round(float(np.mean(right)), 4), "n": len(rows)}
        (folder / "measured.json").write_text(json.dumps(measured) + "\n", encoding="utf-8")
        print(name, json.dumps(measured), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SAMPLES))
