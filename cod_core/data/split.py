"""Which texts train and which are held out. Knows texts, labels and sources; nothing of models.

Texts that belong together (one source document, or the same words in other case and spacing) stay on one
side, so nothing that a student learns from is asked in its test.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cod_core.errors import BadInput
from cod_core.said import say, together
from cod_core.text import folded
from cod_core.types import Example

SMALL = 40


@dataclass(frozen=True)
class Split:
    """examples: in the order given, each with its split. note: one sentence that says what was done."""

    examples: list[Example]
    note: str


@dataclass(frozen=True)
class Balance:
    """counts: label -> rows. largest_k: the largest class-balanced draw that the rows allow."""

    counts: dict[str, int]
    largest_k: int


def split_examples(examples: Sequence[Example], seed: int, test: float = 0.3, validation: float = 0.15) -> Split:
    """Labelled train rows divided into train, validation and test; every other row keeps its split.

    test, validation: shares in [0, 1), together below 1; test = 0 where a test file is to come. Rows already marked test (a
    test file, a split column) mean that no further test rows are taken; the same holds for validation. Each class is divided
    by itself, keeps at least one text for training, and gives one to the test where it can. Below 40 labelled rows all of
    them stay in training.
    Raises BadInput for shares that leave nothing to train on.
    """
    _check_shares(test, validation)
    to_come = not test
    fixed = Counter(e.split for e in examples)
    test = 0.0 if fixed["test"] else test
    validation = 0.0 if fixed["validation"] else validation
    free = [i for i, e in enumerate(examples) if e.split == "train" and e.label is not None]
    if len(free) < SMALL:
        return Split(list(examples), _undivided_note(len(free), fixed["test"]))
    out = list(examples)
    for i, split in zip(free, _assign([examples[i] for i in free], seed, test, validation), strict=True):
        out[i] = replace(out[i], split=split)
    by_source = any(examples[i].source_id for i in free)
    counts = Counter(e.split for e in out if e.label is not None)
    return Split(out, _divided_note(counts, by_source, bool(fixed["test"]), to_come))


def _check_shares(test: float, validation: float) -> None:
    if test < 0 or validation < 0 or test + validation >= 1:
        raise BadInput(
            say(
                "The shares for test ({test}) and validation ({validation}) must be 0 or more, together below 1.",
                test=test,
                validation=validation,
            )
        )


def _undivided_note(n: int, given: int) -> str:
    """n: labelled texts. given: test texts that came with the data."""
    held = (
        say("The {n} test texts were given.", n=given)
        if given
        else say("Without test texts only agreement with the teacher can be measured: upload a test file or more texts.")
    )
    used = say("All {n} labelled texts are used for training, since fewer than {small} are too few to divide.", n=n, small=SMALL)
    return together([used, held])


def _divided_note(counts: Mapping[str, int], by_source: bool, given: bool, to_come: bool) -> str:
    """counts: split -> labelled texts. given: whether the test texts came with the data. to_come: whether a file of them will."""
    if to_come and not given:
        return say(
            "{train} texts train and {dev} are for development, drawn at random. None is held out for the test: add your test file.",
            train=counts["train"],
            dev=counts["validation"],
        )
    held: dict[str, int] = {"train": counts["train"], "dev": counts["validation"], "test": counts["test"]}
    divided = (
        say(
            "{train} texts train, {dev} are for development and {test} are held out for the test, drawn at random in whole sources.", **held
        )
        if by_source
        else say("{train} texts train, {dev} are for development and {test} are held out for the test, drawn at random.", **held)
    )
    return together([divided, say("The test texts were given.") if given else ""])


def _assign(rows: Sequence[Example], seed: int, test: float, validation: float) -> list[str]:
    """The split of each row: whole groups, class by class, shares met as nearly as whole groups allow."""
    groups: dict[int, list[int]] = {}
    for index, group in enumerate(_groups(rows)):
        groups.setdefault(group, []).append(index)
    by_class: dict[str, list[list[int]]] = {}
    for members in groups.values():
        commonest = Counter(label for i in members if (label := rows[i].label) is not None).most_common(1)[0][0]
        by_class.setdefault(commonest, []).append(members)
    split_of = ["train"] * len(rows)
    for index, label in enumerate(sorted(by_class)):
        own = sorted(by_class[label], key=lambda members: min(rows[i].id for i in members))
        np.random.default_rng([seed, index]).shuffle(own)
        sides = _sides(own, test, validation)
        for members, split in zip(own, sides, strict=True):
            for i in members:
                split_of[i] = split
    return split_of


def _sides(own: Sequence[Sequence[int]], test: float, validation: float) -> list[str]:
    """The split of each group of one class: in their order until the shares are met, the last one for training.

    The development texts come first, so that they are the same whether or not a test is held out.
    """
    size, seen, sides = sum(map(len, own)), 0, []
    for members in own[:-1]:
        middle = (seen + len(members) / 2) / size
        sides.append("validation" if middle < validation else "test" if middle < test + validation else "train")
        seen += len(members)
    sides.append("train")
    if test and len(own) > 1 and "test" not in sides:  # a class that no test text has cannot be judged
        sides[min(range(len(own) - 1), key=lambda i: (sides[i] == "validation", len(own[i])))] = "test"
    return sides


def _groups(rows: Sequence[Example]) -> list[int]:
    """A group number a row: rows sharing a source id or the same words share it, also through a third row."""
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        keys = [("text", folded(row.text))]
        if row.source_id:
            keys.append(("source", row.source_id))
        for key in keys:
            j = root(first.setdefault(key, i))
            parent[root(i)] = j
    return [root(i) for i in range(len(rows))]


def largest_k(counts: Mapping[str, int], n_labels: int | None = None) -> int:
    """The largest class-balanced draw: the number of classes times the rows of the thinnest.

    counts: label -> rows; a label that is missing from it counts 0 where n_labels says how many there are.
    0 where fewer than two classes have rows.
    """
    classes = max(len(counts), n_labels or 0)
    if classes < 2 or len(counts) < classes:
        return 0
    return classes * min(counts.values())


def balance(examples: Sequence[Example], labels: Sequence[str] | None = None) -> Balance:
    """Rows a class and the largest k among the examples. labels: the task's; those without rows count 0."""
    counts = dict.fromkeys(labels or (), 0)
    for example in examples:
        if example.label is not None:
            counts[example.label] = counts.get(example.label, 0) + 1
    return Balance(counts, largest_k(counts))
