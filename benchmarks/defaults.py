"""The linear student's settings, one changed at a time, on the development rows of all tasks at once: what a default is chosen by.

    python -m benchmarks.defaults [TASK...] --home FOLDER        (python -m benchmarks.held TASK... --home FOLDER comes first)
    python -m benchmarks.defaults [TASK...] --home FOLDER --confirm OPTION...

kd, cod: k rows as benchmarks/ways.py draws them, at each of its k. few: FEW labelled texts, those with a counterfactual first, these
counterfactuals, and the teacher's answers on UNLABELLED others (FEW_DRAWS draws). all: every labelled text of the pool and every
counterfactual, a person's label in the teacher's place where they differ, as the student to take home has it. Embeddings after every
layer of the encoder are kept in the folder. --confirm scores options once on test rows. The search's sureness is not here: each value
would need counterfactuals of its own. Resumable; leaves benchmarks/results/defaults.json.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import held
from benchmarks.cells import RESULTS, keep
from benchmarks.held import DEVELOPMENT, TEST, Held
from benchmarks.ways import DRAWS, Rows, joined, of_pool, orders, overlap, sizes, with_pairs
from cod_core.diagnostics.stats import paired_interval
from cod_core.distill.linear import fit_linear_batch, linear_logits, log_softmax
from cod_core.distill.prior import folded, label_directions, label_sentences, widened
from cod_core.distill.softlabels import calibration_temperature, overruled
from cod_core.errors import CodError, NotEnoughData
from cod_core.models.encoder import DEFAULT_ENCODER, Encoder
from cod_core.store import items
from cod_core.workspace import Workspace

PATH = RESULTS / "defaults.json"
LAYERS = 6
FEW, UNLABELLED, FEW_DRAWS = 32, 500, 5


@dataclass(frozen=True)
class Option:
    """Settings of a linear student. layers: of the encoder that are read, from 1. temperature, kd_weight, l2, cf_share, cf_weight,
    names (label_prior): as in RunConfig. calibrated: soft labels at the temperature that suits development rows."""

    layers: tuple[int, ...] = (LAYERS,)
    temperature: float = 2.0
    kd_weight: float = 20.0
    l2: float = 2.0
    cf_share: float = 0.5
    cf_weight: float = 1.0
    names: float = 0.0
    calibrated: bool = False

    @property
    def reads_more(self) -> bool:
        """Whether texts have to be read after other layers than the last."""
        return self.layers != (LAYERS,)

    def same_for(self, arm: str) -> bool:
        """Whether an arm's students are those of the present setting."""
        if arm == "kd":
            return replace(self, cf_share=Option.cf_share, cf_weight=Option.cf_weight) == Option()
        return arm in ("few", "all") and self.cf_share != Option.cf_share


PRESENT = "present"
OPTIONS = {
    PRESENT: Option(),
    "penalty .1": Option(l2=0.1),
    "penalty .5": Option(l2=0.5),
    "penalty 1": Option(l2=1.0),
    "penalty 4": Option(l2=4.0),
    "no soft labels": Option(kd_weight=0.0),
    "soft labels, weight 5": Option(kd_weight=5.0),
    "soft labels, weight 80": Option(kd_weight=80.0),
    "soft labels calibrated": Option(calibrated=True),
    "T = 1": Option(temperature=1.0),
    "T = 4": Option(temperature=4.0),
    "an eighth counterfactuals": Option(cf_share=0.125),
    "a quarter counterfactuals": Option(cf_share=0.25),
    "counterfactuals weigh half": Option(cf_weight=0.5),
    "counterfactuals weigh double": Option(cf_weight=2.0),
    "layers 4, 6, penalty .5": Option(layers=(4, 6), l2=0.5),
    "names .75": Option(names=0.75),
    "names 1.5": Option(names=1.5),
    "layer 4": Option(layers=(4,)),
    "layers 4, 6": Option(layers=(4, 6)),
    "layers 5, 6": Option(layers=(5, 6)),
    "layers 4, 5, 6": Option(layers=(4, 5, 6)),
    "layers 4, 6, names 1.5": Option(layers=(4, 6), names=1.5),
}


# ------------------------------------------------------------ texts read after every layer


@dataclass(frozen=True, eq=False)
class Read:
    """Unit rows after every layer of the encoder: (n, LAYERS, d) of the texts of Held, in its order, and of the label sentences."""

    pool: np.ndarray
    dev: np.ndarray
    test: np.ndarray
    cf: np.ndarray
    names: np.ndarray

    def after(self, part: str, layers: Sequence[int]) -> np.ndarray:
        """(n, len(layers) * d) rows of length 1, as Encoder('...@4,6') gives them."""
        rows: np.ndarray = getattr(self, part)[:, [layer - 1 for layer in layers]]
        return rows.reshape(len(rows), -1) / np.sqrt(len(layers))


class Reader:
    """The rows of a task as an option reads them. The arrays of Held serve the last layer; others are read on first use."""

    def __init__(self, home: str, name: str, data: Held):
        self.home, self.name, self.data = home, name, data
        self.names = lru_cache(lambda: Encoder().encode(label_sentences([str(label) for label in data.labels])))
        self.every = lru_cache(lambda: read(home, name, data))

    def after(self, part: str, option: Option) -> np.ndarray:
        """(n, d) of pool, dev, test, cf or names."""
        if option.reads_more:
            return self.every().after(part, option.layers)
        found: np.ndarray = self.names() if part == "names" else getattr(self.data, f"{part}_phi")
        return found


def texts_of(w: Workspace, name: str, data: Held) -> dict[str, list[str]]:
    """The texts behind the arrays of a task."""
    room = w.project(held.project(w, name))
    texts = {e.id: e.text for e in items.examples(w.db, room.id, split="train")}
    fair, _ = room.draws.fair(room.pairs.kept())
    return {
        "pool": [texts[i] for i in data.ids],
        "dev": [e.text for e in items.examples(w.db, room.id, split="validation")[:DEVELOPMENT]],
        "test": [e.text for e in items.examples(w.db, room.id, split="test")[:TEST]],
        "cf": [fair[i][0].text for i in data.ids[data.of]],
        "names": label_sentences([str(label) for label in data.labels]),
    }


def read(home: str, name: str, data: Held) -> Read:
    """The rows after every layer, made on the first call. Raises CodError where the folder holds other texts than the arrays."""
    path = Path(home) / f"layers-{name}.npz"
    if not path.exists():
        encoder = Encoder(f"{DEFAULT_ENCODER}@{','.join(str(layer) for layer in range(1, LAYERS + 1))}")
        found = {part: encoder.encode(texts) for part, texts in texts_of(Workspace(home), name, data).items()}
        rows = {part: x.reshape(len(x), LAYERS, -1) * np.float32(np.sqrt(LAYERS)) for part, x in found.items()}
        with open(part := path.with_suffix(".part"), "wb") as handle:
            np.savez(handle, **rows)
        part.replace(path)
    with np.load(path) as kept:
        out = Read(**{part: kept[part] for part in ("pool", "dev", "test", "cf", "names")})
    for name_of in ("pool", "dev", "test", "cf"):
        there, again = getattr(data, f"{name_of}_phi"), out.after(name_of, (LAYERS,))
        if there.shape != again.shape or np.abs(there - again).max() > 1e-4:
            raise CodError(f"The {name_of} texts of {name} in {home} are others than its arrays were made of: make both anew.")
    return out


# ------------------------------------------------------------ students


@dataclass(frozen=True, eq=False)
class Set:
    """Rows of one student: features (n, d), hard (n,), soft (n, C), and which of them are counterfactuals."""

    rows: Rows
    cf: np.ndarray


def plain(rows: Rows) -> Set:
    return Set(rows, np.zeros(len(rows[1]), dtype=bool))


def paired(data: Held, order: Sequence[int], k: int, share: float) -> Set:
    """CoD's k rows: a share of them counterfactuals, of the first texts of the draw."""
    second = max(1, round(share * k))
    rest = list(order[second : k - second])
    rows = with_pairs(data, order[:second])
    whole = joined(rows, of_pool(data, rest)) if rest else rows
    return Set(whole, np.arange(len(whole[1])) // second == 1)


def few(data: Held, order: Sequence[int], seed: int) -> Set:
    """FEW labelled texts with the counterfactuals that they have, and the teacher's answers on others."""
    have = set(data.of.tolist())
    labelled = list(order[:FEW])
    with_one = [i for i in labelled if i in have]
    others = [int(i) for i in np.random.default_rng(seed).permutation(len(data.ids)) if i not in set(labelled)][:UNLABELLED]
    pairs, n = with_pairs(data, with_one), len(with_one)
    rest = of_pool(data, [i for i in labelled if i not in have])
    rows = joined(pairs, rest, of_pool(data, others, gold=False))
    return Set(rows, (np.arange(len(rows[1])) >= n) & (np.arange(len(rows[1])) < 2 * n))


def everything(data: Held) -> Set:
    """The student to take home where every text has its label."""
    x, hard, soft = of_pool(data, range(len(data.ids)))
    place = {str(i): int(gold) for i, gold in enumerate(hard)}
    soft = overruled(lambda texts: soft, place)(list(place))
    cf = (data.cf_phi.astype(np.float64), data.aim, data.cf_told)
    return Set(joined((x, hard, soft), cf), np.arange(len(hard) + len(data.aim)) >= len(hard))


def solved(students: Sequence[Set], option: Option, told: np.ndarray, toward: np.ndarray, calibration: float) -> np.ndarray:
    """(S, n, C) log-probabilities of the students on features (n, d). toward: directions of the label names (prior.py)."""
    out = []
    for one in students:
        x, hard, soft = one.rows
        soft = log_softmax(np.maximum(soft, -700.0), calibration) if option.calibrated else soft
        weight, bias = fit_linear_batch(
            (widened(x, toward, option.names) if option.names else x)[None],
            np.where(one.cf, option.cf_weight, 1.0)[None],
            hard[None],
            soft[None],
            temperature=option.temperature,
            kd_weight=option.kd_weight,
            l2=option.l2,
        )
        weight = folded(weight, toward, option.names) if option.names else weight
        out.append(log_softmax(linear_logits(told, weight[0], bias[0])))
    return np.array(out)


Arm = Callable[[Held, Option], list[Set]]


def arms_of(data: Held) -> dict[str, tuple[list[Arm], float]]:
    """arm -> (what makes the students of each of its sizes, from the features of `data` and an option; share of rows that draws have
    in common)."""
    agreed, ks = data.agreed(), sizes(data)
    ks = tuple(k for k in ks if _fits(data, agreed, k // 2))
    need = next(n for n in range(max(ks), 0, -1) if _fits(data, agreed, n))
    drawn = orders(data, agreed, True, need)
    labelled = orders(data, np.arange(len(data.ids)), True, next(n for n in range(FEW, 0, -1) if _fits(data, np.arange(len(data.ids)), n)))

    def kd(k: int) -> Arm:
        return lambda d, _: [plain(of_pool(d, order[:k])) for order in drawn]

    def cod(k: int) -> Arm:
        return lambda d, option: [paired(d, order, k, option.cf_share) for order in drawn]

    return {
        "kd": ([kd(k) for k in ks], overlap([order[: max(ks)] for order in drawn])),
        "cod": ([cod(k) for k in ks], overlap([order[: max(ks) // 2] for order in drawn])),
        "few": (
            [lambda d, _: [few(d, order, seed) for seed, order in enumerate(labelled[:FEW_DRAWS])]],
            overlap([o[:FEW] for o in labelled]),
        ),
        "all": ([lambda d, _: [everything(d)]], 0.0),
    }


def _fits(data: Held, allowed: np.ndarray, need: int) -> bool:
    try:
        orders(data, allowed, True, need)
    except NotEnoughData:
        return False
    return True


# ------------------------------------------------------------ measuring


def right_of(data: Held, rows: Reader, option: Option, arm: Sequence[Arm], split: str) -> tuple[np.ndarray, float]:
    """((sizes * draws, n) whether each student is right on each row of a split, seconds that solving took a student)."""
    changed = replace(data, pool_phi=rows.after("pool", option), cf_phi=rows.after("cf", option))
    told = rows.after(split, option).astype(np.float64)
    toward = label_directions(rows.after("names", option)) if option.names else np.zeros((told.shape[-1], 0))
    calibration = calibration_temperature(data.dev_told, data.dev_gold) if option.calibrated else 1.0
    sets = [make(changed, option) for make in arm]
    began = time.process_time()
    found = [solved(one, option, told, toward, calibration) for one in sets]
    seconds = (time.process_time() - began) / sum(map(len, sets))
    return np.concatenate([one.argmax(-1) == getattr(data, f"{split}_gold") for one in found]), seconds


def compared(data: Held, rows: Reader, names: Sequence[str], split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(option, arm -> mean accuracy over sizes and draws, and what it has above the present setting), the present setting first."""
    arms, present = arms_of(data), dict[str, np.ndarray]()
    for name in (PRESENT, *(n for n in names if n != PRESENT)):
        cells: dict[str, Any] = {}
        for arm, (makers, shared) in arms.items():
            if name != PRESENT and OPTIONS[name].same_for(arm):
                continue
            right, seconds = right_of(data, rows, OPTIONS[name], makers, split)
            cells[arm] = {"accuracy": round(float(right.mean()), 4), "seconds": round(seconds, 4)}
            if name == PRESENT:
                present[arm] = right
            else:
                cells[arm] |= above(present[arm], right, len(makers), shared)
        yield name, cells


def above(first: np.ndarray, second: np.ndarray, parts: int, shared: float) -> dict[str, float]:
    """second less first, a draw's sizes taken together: mean, 95 % interval (of one student: over the rows)."""
    apart = (second.astype(float) - first).reshape(parts, -1, first.shape[-1]).mean(0)
    if len(apart) == 1:
        half = 1.96 * float(apart[0].std(ddof=1)) / np.sqrt(apart.shape[-1])
        mean = float(apart.mean())
        return {"mean": round(mean, 4), "low": round(mean - half, 4), "high": round(mean + half, 4)}
    found = paired_interval(apart.mean(-1), apart, overlap=shared, min_rows=2)
    return {"mean": round(found.mean, 4), "low": round(float(found.low or 0), 4), "high": round(float(found.high or 0), 4)}


def record() -> dict[str, Any]:
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=held.NAMES)
    parser.add_argument("--home", required=True)
    parser.add_argument("--confirm", nargs="+", choices=[name for name in OPTIONS if name != PRESENT])
    parser.add_argument("--last-layer", action="store_true", help="only the options that need no text read anew")
    parser.add_argument("--again", action="store_true", help="measure what is on record too")
    chosen = parser.parse_args()
    for name in chosen.tasks:
        data = held.held(chosen.home, name)
        rows, split, key = (
            Reader(chosen.home, name, data),
            "test" if chosen.confirm else "dev",
            "confirmed" if chosen.confirm else "options",
        )
        known = {} if chosen.again else record().get(name, {}).get(key, {})
        wanted = [option for option in chosen.confirm or OPTIONS if not (chosen.last_layer and OPTIONS[option].reads_more)]
        left = [option for option in wanted if option not in known]
        began = time.perf_counter()
        about = {"n_dev": len(data.dev_gold), "n_test": len(data.test_gold), "classes": data.classes, "draws": DRAWS}
        for option, cells in compared(data, rows, left, split) if left else ():
            known = {**known, option: cells}
            keep(PATH, name, {**record().get(name, {}), **about, key: known})
            print(name, split, option, {arm: (c["accuracy"], c.get("mean")) for arm, c in cells.items()}, flush=True)
        print(name, round(time.perf_counter() - began), "s", flush=True)


if __name__ == "__main__":
    main()
