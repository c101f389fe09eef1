"""Argilla's records: of version 2 (to_json, a data set folder, datasets' columns), and of the two kinds of version 1.

https://docs.argilla.io: responses are people's labels, suggestions are a model's and no labels.
"""

from collections.abc import Iterator, Mapping, Sequence

from cod_core.data.raw import Gap, Raw
from cod_core.data.shapes.votes import NOT_LABELLED, Case, raw_of
from cod_core.said import say, together

DISCARDED = Gap("discarded", say("This text was discarded in Argilla, so it has no label."))
DRAFT = Gap("not labelled", say("The label of this text is a draft that nobody submitted in Argilla."))
_RESPONSES = ".responses"
Answer = tuple[str, list[object], Gap | None]  # question, labels, why there are none


def looks(record: Mapping[str, object]) -> bool:
    """Whether a record is one of Argilla's."""
    if isinstance(record.get("fields"), dict):
        return "responses" in record or "suggestions" in record or "external_id" in record
    old = "annotation" in record and ("prediction" in record or "annotation_agent" in record) and ("text" in record or "inputs" in record)
    return old or any(key.endswith(_RESPONSES) for key in record)


def read(records: Sequence[tuple[int, dict[str, object]]], about: Mapping[str, object]) -> Raw:
    """A row a record, a column of labels for each question. about: the settings of a data set folder."""
    cases, questions = [], dict[str, None]()
    told = _questions(about)
    for number, record in records:
        case = Case(number, _fields(record))
        for question, labels, gap in _answers(record):
            if told and question not in told:
                continue
            questions[question] = None
            case.vote(question, labels, gap)
        cases.append(case)
    for case in cases:
        for question in questions:
            if question not in case.votes:
                case.vote(question, [], NOT_LABELLED)
    suggested = sum(bool(record.get("suggestions") or record.get("prediction")) for _, record in records)
    more = say("Suggestions on {n:,} of them are not read as labels.", n=suggested) if suggested else ""
    said = together([say("Argilla's records of {n:,} texts.", n=len(cases)), more])
    raw = raw_of(cases, list(questions), said, "argilla", "text", "id")
    raw.guideline = str(about.get("guidelines") or "")
    first = next(iter(questions), "")
    raw.descriptions = told.get(first, {})
    raw.order = tuple(told.get(first, {}))
    return raw


def _fields(record: Mapping[str, object]) -> dict[str, object]:
    """The columns of a record: its fields, its metadata and its id."""
    fields = record.get("fields")
    if not isinstance(fields, dict):
        fields = record.get("inputs")
    if not isinstance(fields, dict):
        fields = {k: v for k, v in record.items() if "." not in k and not isinstance(v, dict | list)}
        for own in ("annotation", "annotation_agent", "prediction_agent", "_server_id"):
            fields.pop(own, None)
    out = dict(fields)
    metadata = record.get("metadata")
    out |= {k: v for k, v in metadata.items() if k not in out} if isinstance(metadata, dict) else {}
    name = record.get("external_id") or record.get("id")
    if name is not None:
        out.setdefault("id", name)
    return out


def _answers(record: Mapping[str, object]) -> Iterator[Answer]:
    """What people said of a record."""
    responses = record.get("responses")
    if isinstance(responses, dict):
        for question, given in responses.items():
            for one in given if isinstance(given, list) else []:
                if isinstance(one, dict):
                    yield _answer(str(question), one.get("value"), one.get("status"))
    elif isinstance(responses, list):
        yield from _of_version_1(responses)
    elif "annotation" in record:
        yield _answer("label", record["annotation"], "discarded" if record.get("status") == "Discarded" else None)
    else:
        yield from _of_columns(record)


def _of_version_1(responses: list[object]) -> Iterator[Answer]:
    for one in responses:
        values = one.get("values") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(values, dict):
            for question, value in values.items():
                yield _answer(str(question), value.get("value") if isinstance(value, dict) else value, one.get("status"))


def _of_columns(record: Mapping[str, object]) -> Iterator[Answer]:
    for key, values in record.items():
        if key.endswith(_RESPONSES) and isinstance(values, list):
            states = record.get(f"{key}.status")
            for i, value in enumerate(values):
                yield _answer(key.removesuffix(_RESPONSES), value, states[i] if isinstance(states, list) and i < len(states) else None)


def _answer(question: str, value: object, status: object) -> Answer:
    if status == "discarded":
        return question, [], DISCARDED
    if status == "draft":
        return question, [], DRAFT
    labels = value if isinstance(value, list) else [value]
    good: list[object] = [label for label in labels if isinstance(label, str | int | float) and not isinstance(label, bool)]
    return question, good, None if good else NOT_LABELLED


def _questions(settings: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Question of labels -> label -> its description, of a folder's settings; {} where there are none."""
    out: dict[str, dict[str, str]] = {}
    questions = settings.get("questions")
    for question in questions if isinstance(questions, list) else []:
        kind = question.get("settings") if isinstance(question, dict) else None
        options = kind.get("options") if isinstance(kind, dict) else None
        if isinstance(question, dict) and isinstance(options, list):
            out[str(question.get("name"))] = {
                str(one.get("value")): str(one.get("description") or "") for one in options if isinstance(one, dict)
            }
    return out
