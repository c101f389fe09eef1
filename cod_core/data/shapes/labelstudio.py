"""Label Studio's JSON export: tasks with annotations of several people, cancelled ones, predictions; and its flat exports.

https://labelstud.io/guide/export: JSON holds a list of tasks; JSON-MIN and CSV hold one row an annotation.
"""

from collections.abc import Mapping, Sequence

from cod_core.data.raw import Gap, Raw
from cod_core.data.shapes.votes import Case, raw_of
from cod_core.said import say, together

SKIPPED = Gap("skipped", say("This text was skipped in Label Studio, so it has no label."))
NO_CHOICE = Gap("nothing chosen", say("This text was submitted in Label Studio without a choice."))
OTHER_MARKS = Gap(
    "spans", say("The annotations of this text mark parts of it, or are no choices; one choice for the whole text is needed.")
)


def looks(record: Mapping[str, object]) -> bool:
    """Whether a record is a task of Label Studio."""
    return isinstance(record.get("data"), dict) and any(
        isinstance(record.get(k), list) for k in ("annotations", "completions", "predictions")
    )


def read(records: Sequence[tuple[int, dict[str, object]]], about: Mapping[str, object]) -> Raw:
    """A row a task, a column of labels for each control of choices. Predictions are no labels."""
    cases, questions, predicted = [], dict[str, None](), 0
    for number, task in records:
        data = task.get("data")
        fields = dict(data) if isinstance(data, dict) else {}
        fields.setdefault("id", task.get("id"))
        case = Case(number, fields)
        predicted += bool(task.get("predictions"))
        annotations = task.get("annotations") or task.get("completions")
        found = [_choices(one) for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
        for one in found:
            questions |= dict.fromkeys(one.labels)
        cases.append((case, found))
    for case, found in cases:
        for one in found:
            for question in questions:
                one.into(case, question)
    said = (
        say("A Label Studio export with {n:,} tasks.", n=len(cases)),
        say("Predictions of {n:,} tasks are not read as labels.", n=predicted) if predicted else "",
        "" if questions else say("It holds no choices, so no labels."),
    )
    return raw_of([case for case, _ in cases], list(questions), together(said), "label-studio", "text", "id")


class _Annotation:
    """labels: control -> what was chosen in it. gap: why nothing was; None where something was."""

    def __init__(self, labels: dict[str, list[object]], gap: Gap | None):
        self.labels, self.gap = labels, gap

    def into(self, case: Case, question: str) -> None:
        """Count as a vote on the question, where anything was said about it."""
        if self.gap is not None:
            case.vote(question, [], self.gap)
        elif question in self.labels:
            case.vote(question, self.labels[question])


def _choices(annotation: dict[str, object]) -> _Annotation:
    """What one annotation says: choices, ratings and leaves of a taxonomy, by the name of their control."""
    if annotation.get("was_cancelled") or annotation.get("skipped"):
        return _Annotation({}, SKIPPED)
    results = annotation.get("result")
    labels: dict[str, list[object]] = {}
    others = 0
    for result in results if isinstance(results, list) else []:
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict):
            continue
        chosen = _chosen(value)
        if chosen is None:
            others += 1
        else:
            labels.setdefault(str(result.get("from_name") or "label"), []).extend(chosen)
    if labels:
        return _Annotation(labels, None)
    return _Annotation({}, OTHER_MARKS if others else NO_CHOICE)


def _chosen(value: dict[str, object]) -> list[object] | None:
    """The labels in the value of a result; None where it holds none for the whole text."""
    if "start" in value or "end" in value:
        return None
    if isinstance(choices := value.get("choices"), list):
        return choices
    if isinstance(paths := value.get("taxonomy"), list):
        return [" > ".join(map(str, path)) if isinstance(path, list) else path for path in paths]
    return [value["rating"]] if isinstance(value.get("rating"), int | float) else None
