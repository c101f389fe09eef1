"""Which rows an arm trains on: from a nested draw and its counterfactuals to training rows. No model, no store.

k counts training rows, counterfactuals included (METHOD.md section 1): kd has k real rows; half the first
k/2 of them; cod those k/2 and their k/2 counterfactuals; cod_plus k real rows and their k counterfactuals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.text import short_hash
from cod_core.types import ARMS, Counterfactual, Example


@dataclass(frozen=True)
class TrainRow:
    """One training row. label: gold for a real row, target for a counterfactual. example_id joins a pair."""

    text: str
    label: str
    example_id: str
    is_cf: bool


def row_count(arm: str, k: int) -> int:
    """Training rows of an arm drawn at k: what RunConfig.shots holds."""
    _known(arm)
    return {"half": k // 2, "cod_plus": 2 * k}.get(arm, k)


def real_rows(arm: str, k: int) -> int:
    """How many ids at the head of the draw the arm uses."""
    _known(arm)
    return k if arm in ("kd", "cod_plus") else k // 2


def rows_for(arm: str, order: Sequence[str], k: int, examples: Mapping[str, Example],
             pairs: Mapping[str, Counterfactual]) -> list[TrainRow]:
    """The arm's rows, each original directly followed by its counterfactual where the arm has them.

    order: ids of one nested, class-balanced draw. examples: by id, each with a gold label. pairs: by example
    id, only counterfactuals that a person kept and the teacher confirmed. k is even in half and cod.
    Raises NotEnoughData where rows or counterfactuals are missing: training on fewer would call itself k.
    """
    if k < 2 or (arm in ("half", "cod") and k % 2):
        raise BadInput(f"The arm {arm!r} needs an even k of at least 2, got {k}. Choose 8, 16, 32 and so on.")
    need = real_rows(arm, k)
    if len(order) < need:
        raise NotEnoughData(
            f"k = {k} needs {need} labelled training texts and there are {len(order)}. "
            "Choose a smaller k or add labelled texts."
        )
    rows = []
    with_pairs = arm in ("cod", "cod_plus")
    missing = [id for id in order[:need] if id not in pairs] if with_pairs else []
    if missing:
        raise NotEnoughData(
            f"k = {k} needs an accepted counterfactual for each of {need} texts and {len(missing)} of them have none. "
            "Accept more counterfactuals or choose a smaller k."
        )
    for id in order[:need]:
        example = examples[id]
        if example.label is None:
            raise BadInput(f"The text {id} has no label, so it cannot be trained on. Label it or leave it out.")
        rows.append(TrainRow(example.text, example.label, id, False))
        if with_pairs:
            rows.append(TrainRow(pairs[id].text, pairs[id].target, id, True))
    return rows


def data_hash(rows: Sequence[TrainRow], soft_logprobs) -> str:
    """16 hex digits over the rows, their labels and soft labels ((n, C), to 6 decimals)."""
    soft = np.round(np.asarray(soft_logprobs, dtype=np.float64), 6) + 0.0
    parts = [f"{r.text}\x1e{r.label}\x1e{r.is_cf}\x1e{r.example_id}" for r in rows]
    return short_hash(*parts, soft.tolist())


def _known(arm: str) -> None:
    if arm not in ARMS:
        raise BadInput(f"There is no arm called {arm!r}. Choose among: {', '.join(ARMS)}.")
