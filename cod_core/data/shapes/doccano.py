"""doccano's JSONL, and any records whose label is a list or an object of scores: one label is a label, several are named.

https://doccano.github.io/doccano/tutorial: text classification writes {"text": ..., "label": ["praise"]}; sequence labelling
writes places in the text, which are no labels of it.
"""

from collections.abc import Mapping, Sequence

from cod_core.data.raw import Gap, Raw
from cod_core.data.shapes.votes import Case, raw_of
from cod_core.said import say

SPANS = Gap("spans", say("The labels of this row mark parts of the text; one label for the whole text is needed."))
_LABELS = ("label", "labels")


def looks(record: Mapping[str, object]) -> bool:
    """Whether a record has its text beside a list of labels, doccano's old annotations, or spaCy's cats."""
    text = isinstance(record.get("text", record.get("data")), str)
    listed = any(isinstance(record.get(key), list) for key in _LABELS) or _old(record) is not None
    return text and (listed or isinstance(record.get("cats"), dict))


def _old(record: Mapping[str, object]) -> list[dict[str, object]] | None:
    """The annotations of doccano before version 1.0, a label and a user each."""
    found = record.get("annotations")
    good = isinstance(found, list) and all(isinstance(one, dict) and "label" in one for one in found)
    return [one for one in found if isinstance(one, dict)] if good and isinstance(found, list) else None


def read(records: Sequence[tuple[int, dict[str, object]]], about: Mapping[str, object]) -> Raw:
    """A row a record; a list of one label is that label, of none no label yet."""
    cases = [_case(number, record) for number, record in records]
    text = "text" if "text" in records[0][1] else "data"
    scores = all("cats" in record for _, record in records)
    said = (
        say("{n:,} texts with scores of labels (cats).", n=len(cases))
        if scores
        else say("{n:,} texts with a list of labels each, as doccano writes them.", n=len(cases))
    )
    return raw_of(cases, ["label"], said, "doccano", text, "id")


def _case(number: int, record: Mapping[str, object]) -> Case:
    """A record as its fields and what people said of it."""
    own = {"cats", *_LABELS} | ({"annotations"} if _old(record) is not None else set())
    case = Case(number, {key: value for key, value in record.items() if key not in own})
    if isinstance(cats := record.get("cats"), dict):
        case.vote("label", [name for name, score in cats.items() if isinstance(score, int | float) and score >= 0.5])
    elif (annotations := _old(record)) is not None:
        for one in annotations:
            case.vote("label", [one["label"]], SPANS if "start_offset" in one else None)
    else:
        _listed(case, next((record[key] for key in _LABELS if key in record), None))
    return case


def _listed(case: Case, labels: object) -> None:
    """The labels of a list as one person's vote."""
    if not isinstance(labels, list):
        case.vote("label", [] if labels is None else [labels])
    elif any(isinstance(one, list | dict) for one in labels):
        case.vote("label", [], SPANS)
    elif labels:
        case.vote("label", labels)
