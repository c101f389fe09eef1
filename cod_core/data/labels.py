"""What a raw value of a label column means among the labels of a project. Plain strings; knows no file and no screen."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cod_core.said import say, together
from cod_core.text import folded

NONE = -1
_TRUTH = {"true": 1, "false": 0}


def same_name(value: str, labels: Sequence[str]) -> int:
    """Position of the label that `value` spells, in whatever letter case and with whatever spaces; NONE where none is."""
    names = [folded(label) for label in labels]
    return labels.index(value) if value in labels else names.index(folded(value)) if folded(value) in names else NONE


def number(value: str) -> int | None:
    """The whole number that a value is, written as 1, 1.0 or TRUE; None for all others."""
    found = re.fullmatch(r"(-?[0-9]{1,9})(?:\.0{1,9})?", value.strip())
    return int(found[1]) if found else _TRUTH.get(value.strip().lower())


def guess_label(value: str, values: Sequence[str], labels: Sequence[str]) -> int:
    """Position of the label that a raw value most likely means; NONE where nothing fits. For a person to confirm.

    Same name first; else numbers by order: as many as there are labels, or all of 0, 1, ... among others.
    """
    if (place := same_name(value, labels)) != NONE:
        return place
    numbers = {v: number(v) for v in values}
    known = {n for n in numbers.values() if n is not None}
    if len(known) == len(labels) and None not in numbers.values():
        return sorted(known).index(numbers.get(value, number(value)) or 0)
    mine = number(value)
    if mine is not None and set(range(len(labels))) <= known and 0 <= mine < len(labels):
        return mine
    starts = [i for i, label in enumerate(labels) if len(value) > 1 and folded(label).startswith(folded(value))]
    return starts[0] if len(starts) == 1 else NONE


def named_labels(values: Iterable[str], labels: Sequence[str]) -> dict[str, str]:
    """Raw value -> label for the values that spell one. Nobody confirms these, so nothing else is guessed."""
    return {value: labels[place] for value in values if (place := same_name(value, labels)) != NONE}


@dataclass(frozen=True)
class Meaning:
    """names: raw value -> label. note: what was not spelled out and taken to mean so, in a sentence; "" where nothing was."""

    names: Mapping[str, str]
    note: str = ""


def meaning(values: Sequence[str], labels: Sequence[str]) -> Meaning:
    """What the values of a label column mean where nobody confirms it: the labels that they spell, and the one other case
    that is said. Values that are all of 0, 1, ..., as many as there are labels, or FALSE and TRUE, count them in order."""
    named = named_labels(values, labels)
    numbers = {value: number(value) for value in values}
    if named or not values or set(numbers.values()) != set(range(len(labels))):
        return Meaning(named)
    counted = {value: labels[n] for value, n in numbers.items() if n is not None}
    shown = together((say("{value} as {label!r}", value=value, label=label) for value, label in sorted(counted.items())[:8]), ", ")
    return Meaning(counted, say("The labels of the file are numbers, read in the order of the project's labels: {labels}.", labels=shown))


def from_values(values: Iterable[str], order: Sequence[str] = ()) -> tuple[str, ...]:
    """The labels that a file has: one for each value, those that differ in letter case or spaces only as one.

    order: the file's own order of its labels, where it has one; else numbers by size, names by the alphabet.
    """
    first: dict[str, str] = {}
    for value in values:
        first.setdefault(folded(value), value)
    if order and set(first) <= {folded(name) for name in order}:
        return tuple(dict.fromkeys(order))
    found = list(first.values())
    numbers = [number(value) for value in found]
    if all(n is not None for n in numbers):
        return tuple(value for _, value in sorted(zip((n or 0 for n in numbers), found)))
    return tuple(sorted(found, key=str.casefold))
