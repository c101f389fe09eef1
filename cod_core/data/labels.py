"""What a raw value of a label column means among the labels of a project. Plain strings; knows no file and no screen."""

import re
from collections.abc import Iterable, Sequence

from cod_core.text import folded

NONE = -1


def same_name(value: str, labels: Sequence[str]) -> int:
    """Position of the label that `value` spells, in whatever letter case and with whatever spaces; NONE where none is."""
    names = [folded(label) for label in labels]
    return labels.index(value) if value in labels else names.index(folded(value)) if folded(value) in names else NONE


def guess_label(value: str, values: Sequence[str], labels: Sequence[str]) -> int:
    """Position of the label that a raw value most likely means; NONE where nothing fits. For a person to confirm.

    Same name first; else numbers by order: as many as there are labels, or all of 0, 1, ... among others.
    """
    if (place := same_name(value, labels)) != NONE:
        return place
    if len(values) == len(labels) and all(re.fullmatch(r"-?\d+", v) for v in values):
        return sorted(values, key=int).index(value)
    if value.isdecimal() and {str(i) for i in range(len(labels))} <= set(values) and int(value) < len(labels):
        return int(value)
    starts = [i for i, label in enumerate(labels) if len(value) > 1 and folded(label).startswith(folded(value))]
    return starts[0] if len(starts) == 1 else NONE


def named_labels(values: Iterable[str], labels: Sequence[str]) -> dict[str, str]:
    """Raw value -> label for the values that spell one. Nobody confirms these, so nothing else is guessed."""
    return {value: labels[place] for value in values if (place := same_name(value, labels)) != NONE}
