"""Which rows a student sees: class-balanced nested draws. Knows ids and labels, nothing of texts or models.

One seed gives one order of all rows; the draw of k shots is its first k ids, so the rows of k = 8 are among
those of k = 16. Where k does not divide by the number of classes, the remainder rotates over them by seed.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.types import Example


def order_rows(examples: Sequence[Example], labels: Sequence[str], seed: int) -> list[str]:
    """Ids of all examples in the order of one draw; every prefix is as class-balanced as the rows allow.

    examples: with gold labels, in any order (the result does not depend on it). labels: the task's, ordered.
    seed: 0 or more. In a prefix no longer than len(labels) * (rows of the thinnest class), class counts differ
    by at most 1; after that the classes that still have rows take turns.
    Raises BadInput where an example has no label of the task or an id occurs twice.
    """
    by_class: dict[str, list[str]] = {label: [] for label in labels}
    for example in examples:
        if example.label not in by_class:
            raise BadInput(
                f"A draw needs rows with a label of the task ({', '.join(labels)}); row {example.id} has "
                f"{example.label!r}. Leave such rows out."
            )
        by_class[example.label].append(example.id)
    if len({example.id for example in examples}) != len(examples):
        raise BadInput("A draw needs each row once, and some ids occur twice: remove duplicate texts first.")
    shuffled = []
    for index, label in enumerate(labels):
        ids = sorted(by_class[label])
        np.random.default_rng([seed, index]).shuffle(ids)
        shuffled.append(ids)
    first = seed % len(labels) if labels else 0
    turns = shuffled[first:] + shuffled[:first]
    rounds = max(map(len, turns), default=0)
    return [ids[r] for r in range(rounds) for ids in turns if r < len(ids)]


def draw(order: Sequence[str], k: int) -> list[str]:
    """The first k ids of an order. Raises BadInput for k < 1, NotEnoughData where the order is shorter."""
    if k < 1:
        raise BadInput(f"A draw needs at least 1 row, not {k}.")
    if k > len(order):
        raise NotEnoughData(f"k = {k} rows were asked for and {len(order)} can be used. Choose a smaller k or add labelled texts.")
    return list(order[:k])


def target_in_turn(label: str, n: int, labels: Sequence[str], seed: int) -> str:
    """The class that the counterfactual of a class's n-th row (from 0) should aim at: over any len(labels) - 1 rows of a
    class every other class once, and over one row of each class every class once."""
    return labels[(labels.index(label) + 1 + (n + seed) % (len(labels) - 1)) % len(labels)]


def aimed_evenly(target_of: Mapping[str, str], label_of: Mapping[str, str], labels: Sequence[str]) -> bool:
    """Whether the counterfactuals of each class aim at every other class about as often: none below half its share.

    So it is where targets were given in turn. Where each row aims at its nearest class they are not even, and to choose rows
    by their target would choose unusual rows.
    """
    counts = Counter((label_of[row], target) for row, target in target_of.items() if row in label_of)
    for label in labels:
        own = sum(counts[label, other] for other in labels)
        if any(counts[label, other] < own / (2 * (len(labels) - 1)) for other in labels if other != label):
            return False
    return True


def with_pairs_first(
    order: Sequence[str],
    pairs: Container[str],
    need: int,
    label_of: Mapping[str, str] | None = None,
    target_of: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    seed: int = 0,
) -> list[str]:
    """The order changed as little as possible so that its first `need` ids all have a counterfactual.

    pairs: ids with a valid counterfactual. label_of: id -> gold label; with it a row without a pair makes way
    for the next row of its own class that has one, so class balance and nesting hold. Without it the order of
    classes among the paired rows is whatever comes. target_of: id -> class that its counterfactual aims at; with it, more
    than two labels and targets given evenly (aimed_evenly), the next row of a class is one whose target is due
    (target_in_turn), where there is one, so that the counterfactuals of a small draw are as class-balanced as its real rows.
    The rows that gave way follow in their old order, so every arm uses one and the same order and k stays k. Raises
    NotEnoughData naming what is missing.
    """

    def class_of(row: str) -> str:
        return label_of[row] if label_of else ""

    classes = [class_of(row) for row in order[: min(need, len(order))]]
    waiting: dict[str, list[str]] = {}
    for row in order:
        if row in pairs:
            waiting.setdefault(class_of(row), []).append(row)
    _enough_pairs(classes, waiting)
    if label_of and target_of and len(labels) > 2 and aimed_evenly(target_of, label_of, labels):
        front = _in_turn(classes, waiting, target_of, labels, seed)
    else:
        front = [waiting[label].pop(0) for label in classes]
    taken = set(front)
    return front + [row for row in order if row not in taken]


def _enough_pairs(classes: Sequence[str], waiting: Mapping[str, Sequence[str]]) -> None:
    """Raises NotEnoughData if fewer rows of a class wait than it has places. classes: of each place, "" for any."""
    for label, wanted in Counter(classes).items():
        have = len(waiting.get(label, ()))
        if have < wanted:
            of_class = f" labelled {label!r}" if label else ""
            raise NotEnoughData(
                f"{wanted} texts{of_class} with a verified counterfactual are needed and {have} exist. "
                "Make or accept more counterfactuals, or choose a smaller k."
            )


def _in_turn(
    classes: Sequence[str], waiting: dict[str, list[str]], target_of: Mapping[str, str], labels: Sequence[str], seed: int
) -> list[str]:
    """A row for each place, taken out of `waiting`: the next of its class whose target is due, else the next of its class."""
    front: list[str] = []
    placed: Counter[str] = Counter()
    for label in classes:
        queue, due = waiting[label], target_in_turn(label, placed[label], labels, seed)
        front.append(queue.pop(next((i for i, row in enumerate(queue) if target_of.get(row) == due), 0)))
        placed[label] += 1
    return front
