"""Which rows of an upload meet texts that are stored already: the same text, the same words, the same source document.

`split` keeps what belongs together on one side within one upload; this does it between uploads, and within a file that names
its own splits. Knows Examples; nothing of tables, models or the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cod_core.said import say, together
from cod_core.text import folded
from cod_core.types import Example

PLACES = {
    "train": say("a training text"),
    "validation": say("a development text"),
    "test": say("a test text"),
    "unlabelled": say("a text without a label"),
}


@dataclass(frozen=True)
class Meeting:
    """new: texts to add. labelled: stored texts without a label, as they are with the label, split, source and columns that came.

    refused: (place in what was found, why) of all others, in order.
    """

    new: list[Example]
    labelled: list[Example]
    refused: list[tuple[int, str]]


def meet(found: Sequence[Example], stored: Iterable[Example]) -> Meeting:
    """The rows found, sorted by what is stored. Among the rows found the first one decides for its words and source.

    A text is refused if it is there already, or if its words (case and blanks aside) or its source are in another split.
    """
    stored = list(stored)
    found, by_id = with_sources(found, stored), {e.id: e for e in stored}
    given = {e.id for e in found if e.label is not None}
    side = _sides(e for e in stored if not (e.split == "unlabelled" and e.id in given))  # the rest go where their label comes from
    new, labelled, refused = [], [], []
    for place, e in enumerate(found):
        same = by_id.get(e.id)
        bare = _labelled_now(same, e)
        problem = _already(e, same) if same is not None and bare is None else _elsewhere(e, side)
        if problem:
            refused.append((place, problem))
            if bare is not None:
                _settle(bare, side)
            continue
        _settle(e, side)
        if bare is not None:
            labelled.append(replace(bare, label=e.label, split=e.split, source_id=e.source_id, metadata={**bare.metadata, **e.metadata}))
        else:
            new.append(e)
    return Meeting(new, labelled, refused)


def with_sources(found: Sequence[Example], stored: Iterable[Example]) -> list[Example]:
    """The rows found; those that name no source have the one that their text is stored with."""
    source_of = {e.id: e.source_id for e in stored}
    return [replace(e, source_id=e.source_id or source_of.get(e.id)) for e in found]


def beside_stored(found: Sequence[Example], divided: Sequence[Example], stored: Iterable[Example]) -> list[Example]:
    """The rows as an automatic split divided them, but those that meet stored texts on the stored ones' side.

    found: before, divided: after the split. Rows join through a third row, as they do in the split.
    """
    side = _sides(e for e in stored if e.label is not None)
    grown = -1
    while grown != len(side):
        grown = len(side)
        for e in found:
            split = next((side[key] for key in _keys(e) if key in side), None)
            if split is not None:
                for key in _keys(e):
                    side.setdefault(key, split)
    out = []
    for e in divided:
        split = next((side[key] for key in _keys(e) if key in side), None)
        out.append(replace(e, split=split) if split is not None else e)
    return out


def _keys(e: Example) -> Iterator[tuple[str, str]]:
    """What identifies a text. The source of a text without a label ties it to nothing, as in the split."""
    yield "text", folded(e.text)
    if e.source_id and e.split != "unlabelled":
        yield "source", e.source_id


def _labelled_now(same: Example | None, e: Example) -> Example | None:
    """The stored text `same` if it has no label and `e`, the same text once more, brings one; else None."""
    return same if same is not None and same.label is None and e.label is not None else None


def _sides(examples: Iterable[Example]) -> dict[tuple[str, str], str]:
    """Key of a text (_keys) -> split of the first of these examples that has it."""
    side: dict[tuple[str, str], str] = {}
    for e in examples:
        _settle(e, side)
    return side


def _settle(e: Example, side: dict[tuple[str, str], str]) -> None:
    for key in _keys(e):
        side.setdefault(key, e.split)


def _already(e: Example, known: Example) -> str:
    """Why a text that is stored cannot be added once more."""
    place = PLACES[known.split]
    if e.label is not None and known.label is not None and e.label != known.label:
        return say(
            "This text is in the project already, as {place} labelled {label!r}. It stays so: where the new label is right, "
            "begin a new project with it.",
            place=place,
            label=known.label,
        )
    if e.split != known.split and e.label is not None:
        return say(
            "This text is in the project already, as {place}. It stays there: a text has one use, or students would be asked "
            "what they learnt.",
            place=place,
        )
    return say("This text is in the project already, as {place}.", place=place)


def _elsewhere(e: Example, side: dict[tuple[str, str], str]) -> str | None:
    """Why a text cannot stand on its side; None where it can."""
    for kind, value in _keys(e):
        other = side.get((kind, value), e.split)
        if other == e.split:
            continue
        if kind == "source":
            return say(
                "Another text of the source {source!r} is {other}, so this cannot be {place}: texts of one "
                "source stay together. Leave it out, or import it as {other}.",
                source=value[:60],
                other=PLACES[other],
                place=PLACES[e.split],
            )
        remedy = (
            say("Write it letter by letter as it is there, and that text gets this label.")
            if other == "unlabelled"
            else say("Leave it out: students would be asked what they learnt.")
        )
        why = say(
            "The same words, in other case or spacing, are {other} already, so this cannot be {place}.",
            other=PLACES[other],
            place=PLACES[e.split],
        )
        return together([why, remedy])
    return None
