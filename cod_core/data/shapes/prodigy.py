"""Prodigy's JSONL: a label that was accepted, rejected or ignored, or a choice among options.

https://prodi.gy/docs/api-interfaces: a rejected label says what a text is not, never what it is.
"""

from collections.abc import Mapping, Sequence

from cod_core.data.bounds import cell_text
from cod_core.data.raw import Gap, Raw
from cod_core.data.shapes.votes import Case, raw_of
from cod_core.said import say, together

ANSWERS = ("accept", "reject", "ignore")
IGNORED = Gap("ignored", say("This text was ignored in Prodigy, so it has no label."))
NOTHING = Gap("nothing chosen", say("This text was accepted in Prodigy without a choice among its options."))
_OWN = {"label", "answer", "options", "accept", "config", "style", "spans", "tokens", "priority", "score", "meta", "image"}


def looks(record: Mapping[str, object]) -> bool:
    """Whether a record is an example of Prodigy."""
    return record.get("answer") in ANSWERS and "text" in record and ("label" in record or "accept" in record or "_input_hash" in record)


def read(records: Sequence[tuple[int, dict[str, object]]], about: Mapping[str, object]) -> Raw:
    """A row a text: the labels that each annotator accepted. Rejected and ignored ones are no labels."""
    cases: dict[str, Case] = {}
    said: dict[str, dict[str, tuple[list[object], Gap | None]]] = {}
    for number, record in records:
        key = cell_text(record.get("_input_hash")) or cell_text(record.get("text"))
        if key not in cases:
            cases[key] = Case(number, _fields(record))
        who = cell_text(record.get("_annotator_id") or record.get("_session_id"))
        labels, gap = _answer(record)
        before, why = said.setdefault(key, {}).get(who, ([], None))
        said[key][who] = ([*before, *labels], why or gap)
    for key, voters in said.items():
        for labels, gap in voters.values():
            cases[key].vote("label", labels, None if labels else gap)
    told = [
        say("Prodigy's answers, with choices among options: {n:,} texts.", n=len(cases))
        if any("accept" in record for _, record in records)
        else say("Prodigy's answers, with labels that were accepted or rejected: {n:,} texts.", n=len(cases))
    ]
    if again := len(records) - len(cases):
        told.append(say("{n:,} further answers on the same texts are counted with them.", n=again))
    return raw_of(list(cases.values()), ["label"], together(told), "prodigy", "text", "id")


def _fields(record: Mapping[str, object]) -> dict[str, object]:
    """The columns of a record: what is not Prodigy's own, and its metadata."""
    fields = {name: value for name, value in record.items() if name not in _OWN and not name.startswith("_")}
    meta = record.get("meta")
    return fields | ({name: value for name, value in meta.items() if name not in fields} if isinstance(meta, dict) else {})


def _answer(record: Mapping[str, object]) -> tuple[list[object], Gap | None]:
    """(labels that the record gives its text, why there are none)."""
    answer, label = record.get("answer"), record.get("label")
    if answer == "ignore":
        return [], IGNORED
    if answer == "reject":
        if not label:
            return [], Gap("rejected", say("This text has no label: in Prodigy it was rejected."))
        why = say(
            "This text has no label: in Prodigy the label {label!r} was rejected, which says only what the text is not.",
            label=cell_text(label)[:60],
        )
        return [], Gap("rejected", why)
    accepted = record.get("accept")
    if not isinstance(accepted, list):
        return ([label], None) if label else ([], NOTHING)
    options = record.get("options")
    known = {
        cell_text(one.get("id")): one.get("text") or one.get("label") or one.get("id")
        for one in (options if isinstance(options, list) else [])
        if isinstance(one, dict)
    }
    return [known.get(cell_text(one), one) for one in accepted], NOTHING
