"""Two exported sets side by side: which pairs were added, lost and changed. Any form that leaves is read. Knows no store."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cod_core.counterfactuals.imported import without_apostrophe
from cod_core.data.packed import parts_of
from cod_core.data.reading import Table, read_table
from cod_core.errors import BadInput
from cod_core.export.record import Record
from cod_core.export.restore import read_bundle
from cod_core.export.rows import FLIPS, NO_FLIP, NOT_CHECKED, flips_of
from cod_core.said import msg, say, several

PARTS = {
    "label": msg("label"),
    "text": msg("original"),
    "counterfactual": msg("counterfactual"),
    "counterfactual_label": msg("label of the counterfactual"),
    "flips": msg("flip"),
}
"""What of a pair may change: field -> in words."""


@dataclass(frozen=True)
class Pair:
    """A pair as a file tells it. flips: yes, no, not checked; "" where the file does not say."""

    pair_id: str
    text: str
    label: str
    counterfactual: str
    counterfactual_label: str
    flips: str = ""


@dataclass(frozen=True)
class Change:
    """A pair that is in both sets and not the same. parts: keys of PARTS."""

    before: Pair
    after: Pair
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """added: pairs of the second set only. lost: of the first only. same: how many are alike."""

    added: tuple[Pair, ...]
    lost: tuple[Pair, ...]
    changed: tuple[Change, ...]
    same: int

    @property
    def said(self) -> str:
        """The counts in a sentence."""
        if not (self.added or self.lost or self.changed):
            return say("The two sets hold the same {pairs}.", pairs=several(self.same, "pair"))
        return say(
            "{pairs} added, {lost} lost, {changed} changed, {same} the same.",
            pairs=several(len(self.added), "pair"),
            lost=len(self.lost),
            changed=len(self.changed),
            same=self.same,
        )


def changes(before: Iterable[Pair], after: Iterable[Pair]) -> Changes:
    """What became of the pairs. A pair is known by its pair_id, several of one original by their counterfactuals and their order."""
    old, new = _by_original(before), _by_original(after)
    added: list[Pair] = []
    lost: list[Pair] = []
    changed: list[Change] = []
    same = 0
    for pair_id in dict.fromkeys([*old, *new]):
        left, right = _without_common(old.get(pair_id, []), new.get(pair_id, []))
        same += len(old.get(pair_id, [])) - len(left)
        changed += [Change(a, b, _differing(a, b)) for a, b in zip(left, right)]
        lost += left[len(right) :]
        added += right[len(left) :]
    return Changes(tuple(added), tuple(lost), tuple(changed), same)


def _by_original(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    out: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        out[pair.pair_id].append(pair)
    return out


def _without_common(old: list[Pair], new: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """The pairs of one original that have no equal on the other side."""
    rest, left = list(new), []
    for pair in old:
        twin = next((other for other in rest if not _differing(pair, other)), None)
        if twin is None:
            left.append(pair)
        else:
            rest.remove(twin)
    return left, rest


def _differing(a: Pair, b: Pair) -> tuple[str, ...]:
    """The parts in which two pairs differ; a flip only where both files tell it. Blanks, and what keeps a spreadsheet from running a
    cell, are no difference."""
    return tuple(
        part for part in PARTS if _bare(getattr(a, part)) != _bare(getattr(b, part)) and not (part == "flips" and not (a.flips and b.flips))
    )


def _bare(text: str) -> str:
    return " ".join(without_apostrophe(text).split())


def of_record(record: Record) -> Pair:
    """The pair of a record."""
    return Pair(record.pair_id, record.text, record.label, record.counterfactual_text, record.counterfactual_label, flips_of(record))


def read_pairs(name: str, data: bytes) -> list[Pair]:
    """The pairs of an exported file, in its order: a bundle, records, or a form for another tool.

    Raises BadInput where the file is none of these, or holds half a pair.
    """
    if name.lower().endswith(".zip") and "manifest.json" in parts_of(data):
        return [of_record(record) for record in read_bundle(data)]
    table = read_table(name, data)
    if lost := [problem for problem in table.problems if problem.left_out]:
        raise BadInput(f"{name!r} cannot be read whole, so nothing can be said of its pairs. Row {lost[0].row}: {lost[0].message}")
    columns = set(table.columns)
    if {"pair_id", "text", "counterfactual_text"} <= columns:
        return _side_by_side(table)
    if {"pair_id", "role", "text", "label"} <= columns:
        return _two_rows(table, ("text", "label", "pair_id", "flips"))
    if {"batch_id", "Text", "Sentiment"} <= columns:
        return _two_rows(table, ("Text", "Sentiment", "batch_id", "flips"))
    raise BadInput(
        f"{name!r} holds no pairs that this app exported: it has no column pair_id or batch_id beside the texts. "
        f"Its columns are: {', '.join(table.columns)[:300]}."
    )


def _cells(table: Table, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of these columns row by row, "" for a column that is not there."""
    blank = [""] * len(table.rows)
    return list(zip(*(table.column(name) if name in table.columns else blank for name in names)))


def _side_by_side(table: Table) -> list[Pair]:
    """Of records, or of pairs.csv."""
    told = ("pair_id", "text", "label", "counterfactual_text", "counterfactual_label")
    if "verification" in table.columns:
        flips = [_flips_in(cell) for cell in table.column("verification")]
    else:
        flips = [cell for (cell,) in _cells(table, ("flips",))]
    return [Pair(a, b, c, d, e, flip) for (a, b, c, d, e), flip in zip(_cells(table, told), flips)]


def _flips_in(cell: str) -> str:
    """Whether a record's verification says that the pair flips."""
    try:
        found = json.loads(cell) if cell else None
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return NOT_CHECKED
    return FLIPS if found.get("flipped") is True and found.get("reached_target") is True else NO_FLIP


def _two_rows(table: Table, names: Sequence[str]) -> list[Pair]:
    """Of two rows a pair. names: columns of text, label, pair and flips. Where no column says which row is the original, it is the
    first of the two."""
    sides: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {}
    for row, (role,) in zip(_cells(table, names), _cells(table, ("role",))):
        originals, changed = sides.setdefault(row[2], ([], []))
        first = role == "original" if role else len(originals) == len(changed)
        (originals if first else changed).append(row)
    for pair_id, (originals, changed) in sides.items():
        if len(originals) != len(changed):
            raise BadInput(
                f"The pair {pair_id[:60]!r} has {several(len(originals), 'original')} and {several(len(changed), 'counterfactual')}. "
                "Compare the file as it was exported."
            )
    return [Pair(a[2], a[0], a[1], b[0], b[1], a[3]) for originals, changed in sides.values() for a, b in zip(originals, changed)]
