"""Which rows an arm trains on: from a nested draw and its counterfactuals to training rows. No model, no store.

k counts training rows, counterfactuals included (docs/method.md): kd has k real rows; half the first
k/2 of them; cod those k/2 and their k/2 counterfactuals; cod_plus k real rows and their k counterfactuals;
kd_free k real rows of a draw of its own, which does not ask for counterfactuals.
Controls: swap puts random word swaps, relabelled by the teacher, in the place of cod's counterfactuals;
unverified the first proposals whether they flip or not; tightened counterfactuals with edits taken back.
override: as cod, where the counterfactuals that a person kept against the teacher may stand too, with the person's label.
cod_all, for more than two classes: each real row brings a counterfactual to every other class, k/C + (C - 1)k/C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cod_core.errors import BadInput, NotEnoughData
from cod_core.text import short_hash
from cod_core.types import ALL_ARMS, FREE, PAIR_ARMS, Counterfactual, Example

Partners = Mapping[str, Counterfactual | Sequence[Counterfactual]]
"""Example id -> the second row, or rows, that it brings with it."""


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


def real_rows(arm: str, k: int, cf_share: float = 0.5) -> int:
    """How many ids at the head of the draw the arm uses. cf_share: counterfactuals among the k rows, up to half."""
    _known(arm)
    if arm in ("kd", FREE, "cod_plus"):
        return k
    return k // 2 if arm == "half" else k - round(cf_share * k)


def paired_rows(arm: str, k: int, cf_share: float = 0.5) -> int:
    """How many of those rows, the first ones, bring a second row with them."""
    _known(arm)
    if arm in ("kd", FREE, "half"):
        return 0
    return k if arm == "cod_plus" else round(cf_share * k)


def rows_for(
    arm: str, order: Sequence[str], k: int, examples: Mapping[str, Example], pairs: Partners, cf_share: float = 0.5
) -> list[TrainRow]:
    """The arm's rows, each original directly followed by its counterfactual where the arm has them.

    order: ids of one nested, class-balanced draw. examples: by id, each with a gold label. pairs: by example
    id, the second rows of this arm: for cod and cod_plus only counterfactuals that a person kept and the teacher
    confirmed; for cod_all one a class. k is even in half, and in the arms with second rows at cf_share 1/2.
    Raises NotEnoughData where rows or counterfactuals are missing: training on fewer, or on none, would call itself cod at k.
    """
    if arm == "cod_all":
        return _with_all_classes(order, k, examples, pairs)
    _check_size(arm, k, cf_share)
    need, second = real_rows(arm, k, cf_share), paired_rows(arm, k, cf_share)
    _check_there(arm, k, cf_share, order, pairs, need, second)
    rows = []
    for place, id in enumerate(order[:need]):
        example = examples[id]
        if example.label is None:
            raise BadInput(f"The text {id} has no label, so it cannot be trained on. Label it or leave it out.")
        rows.append(TrainRow(example.text, example.label, id, False))
        rows += _partners(id, pairs) if place < second else []
    return rows


def _check_size(arm: str, k: int, cf_share: float) -> None:
    """Raises BadInput where no such arm can have k rows."""
    if not 0 < cf_share <= 0.5:
        raise BadInput(f"Between none and half of the rows can be counterfactuals of the others, not {cf_share:.0%}.")
    even = arm == "half" or (arm in PAIR_ARMS and arm != "cod_plus" and cf_share == 0.5)
    if k < 2 or (even and k % 2):
        raise BadInput(f"The arm {arm!r} needs an even k of at least 2, got {k}. Choose 8, 16, 32 and so on.")


def _check_there(arm: str, k: int, cf_share: float, order: Sequence[str], pairs: Partners, need: int, second: int) -> None:
    """Raises NotEnoughData where `need` real rows, or counterfactuals of the first `second` of them, are not there."""
    if len(order) < need:
        raise NotEnoughData(
            f"k = {k} needs {need} labelled training texts and there are {len(order)}. Choose a smaller k or add labelled texts."
        )
    if arm in PAIR_ARMS and not second:
        raise NotEnoughData(f"{cf_share:.1%} of k = {k} rows is not one counterfactual. Choose a larger k or a larger share.")
    if missing := sum(id not in pairs for id in order[:second]):
        raise NotEnoughData(
            f"k = {k} needs an accepted counterfactual for each of {second} texts and {missing} of them "
            f"{'has' if missing == 1 else 'have'} none. "
            "Accept more counterfactuals or choose a smaller k."
        )


def _partners(id: str, pairs: Partners) -> list[TrainRow]:
    """The second rows that an original brings with it."""
    found = pairs.get(id) or ()
    several = (found,) if isinstance(found, Counterfactual) else found
    return [TrainRow(cf.text, cf.target, id, True) for cf in several]


def _with_all_classes(order: Sequence[str], k: int, examples: Mapping[str, Example], sets: Partners) -> list[TrainRow]:
    """Real rows in order, each followed by its counterfactuals to the other classes, until there are k rows.

    sets: by example id, one counterfactual a class (fewer where a class was never reached). Raises NotEnoughData.
    """
    rows: list[TrainRow] = []
    for id in order:
        if len(rows) >= k:
            return rows[:k]
        if not sets.get(id):
            raise NotEnoughData(
                f"k = {k} needs counterfactuals to the other classes for more texts than have them. "
                "Propose for all other labels, or choose a smaller k."
            )
        rows += [TrainRow(examples[id].text, str(examples[id].label), id, False), *_partners(id, sets)]
    if len(rows) < k:
        raise NotEnoughData(f"k = {k} needs {k - len(rows)} rows more than there are. Choose a smaller k.")
    return rows[:k]


def data_hash(rows: Sequence[TrainRow], soft_logprobs: ArrayLike) -> str:
    """16 hex digits over the rows, their labels and soft labels ((n, C), to 6 decimals)."""
    soft = np.round(np.asarray(soft_logprobs, dtype=np.float64), 6) + 0.0
    parts = [f"{r.text}\x1e{r.label}\x1e{r.is_cf}\x1e{r.example_id}" for r in rows]
    return short_hash(*parts, soft.tolist())


def _known(arm: str) -> None:
    if arm not in ALL_ARMS:
        raise BadInput(f"There is no arm called {arm!r}. Choose among: {', '.join(ALL_ARMS)}.")
