"""Ready counterfactuals from a table, matched to the project's examples by their text.

Two shapes are read: one pair a row (columns for original and counterfactual, perhaps the counterfactual's label),
and two rows a pair joined by a batch id, as counterfactually augmented data is published. Knows no teacher beyond
the two callables it is handed; every row that cannot be used is reported with its number.
"""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cod_core.data.parsing import UNREADABLE
from cod_core.data.tables import Problem, Table, clean_text
from cod_core.errors import BadInput
from cod_core.settings import MAX_CHARS
from cod_core.text import short_hash, tokens
from cod_core.types import Counterfactual, Example, Origin, Task, now

ORIGINAL = ("original", "original_text", "before", "text", "sentence", "x")
COUNTERFACTUAL = ("counterfactual", "counterfactual_text", "after", "cf", "cfe", "edited_text", "revised_text")
LABEL = ("counterfactual_label", "target", "target_label", "new_label", "label")
BATCH = ("batch_id", "pair_id")
PAIR_TEXT, PAIR_LABEL = ("text", "sentence"), ("sentiment", "label", "class")


@dataclass(frozen=True)
class PairColumns:
    """Which columns hold what. batch: set for two rows a pair; then original names the text column."""

    original: str
    counterfactual: str | None = None
    label: str | None = None
    batch: str | None = None


@dataclass(frozen=True)
class ImportedSet:
    """counterfactuals: matched and usable, unverified. problems: every row that is not used, in order."""

    counterfactuals: list[Counterfactual]
    problems: list[Problem]


@dataclass(frozen=True)
class _Pair:
    row: int
    original: str
    text: str
    label: str | None


def guess_pair_columns(columns: Sequence[str]) -> PairColumns | None:
    """The columns by their names, or None where they do not look like pairs."""
    by_name = {name.strip().casefold().replace(" ", "_"): name for name in columns}

    def first(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    counterfactual, original = first(COUNTERFACTUAL), first(ORIGINAL)
    if counterfactual is not None and original is not None:
        return PairColumns(original, counterfactual, first(LABEL))
    batch, text = first(BATCH), first(PAIR_TEXT)
    return PairColumns(text, None, first(PAIR_LABEL), batch) if batch and text else None


def import_pairs(
    table: Table,
    examples: Sequence[Example],
    task: Task,
    columns: PairColumns | None = None,
    labels: dict[str, str] | None = None,
    name: str = "import",
    source_of: Callable[[Example], str | None] | None = None,
    target_of: Callable[[str], str | None] | None = None,
) -> ImportedSet:
    """Counterfactuals of the table for those of `examples` whose text they start from.

    labels: raw label -> project label, by equal names where None. name: of the file, kept as origin. source_of: the
    teacher's class at an example, its gold label where absent. target_of: the class aimed at for a text that comes
    with no label; where absent the other class of two, and with more classes the row is a problem.
    Raises BadInput where the columns are not there.
    """
    chosen = columns or guess_pair_columns(table.columns)
    if chosen is None:
        raise BadInput(
            "No pairs were found in this table. Name the columns 'original' and 'counterfactual', or give two rows "
            f"a pair with 'text', 'label' and 'batch_id'. Its columns are: {', '.join(table.columns)}."
        )
    for column in (chosen.original, chosen.counterfactual, chosen.label, chosen.batch):
        if column is not None and column not in table.columns:
            raise BadInput(f"There is no column {column!r}. The columns are: {', '.join(table.columns)}.")
    match = _Matcher(examples)
    names = {label.casefold(): label for label in task.labels}
    names |= {raw.casefold().strip(): label for raw, label in (labels or {}).items()}
    problems: list[Problem] = []
    made: dict[str, Counterfactual] = {}
    pairs = list(_two_rows(table, chosen, problems, match) if chosen.batch else _one_row(table, chosen))
    of_original = _labels_of_originals(pairs, chosen, match, names)
    for pair in pairs:
        example = match.find(pair.original)
        given = None if of_original else pair.label
        message = _unusable(pair, example, given, names)
        if message is None:
            source = (source_of(example) if source_of else None) or example.label
            text = _mended(pair.text, example)
            aimed = target_of(text) if target_of and not given else _other(task, source)
            target = names[given.casefold().strip()] if given else aimed
            message = _wrong_classes(source, target, task)
        if message is None:
            identity = short_hash(example.id, target, text, "import")
            if identity in made:
                message = "This counterfactual stands in the file more than once; the first is used."
            else:
                made[identity] = Counterfactual(
                    identity, example.id, text, source, target, Origin("import", name), note=f"from {name}", created_at=now()
                )
        if message is not None:
            problems.append(Problem(pair.row, message))
    return ImportedSet(list(made.values()), sorted(problems, key=lambda problem: problem.row))


def _one_row(table: Table, columns: PairColumns):
    at = {name: i for i, name in enumerate(table.columns)}
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        label = _without_apostrophe(row[at[columns.label]]).strip() if columns.label else ""
        yield _Pair(number, row[at[columns.original]], row[at[columns.counterfactual]], label or None)


def _two_rows(table: Table, columns: PairColumns, problems: list[Problem], match: "_Matcher"):
    """Pairs by batch id. The original is the row whose text is the project's, the first where both or none are."""
    at = {name: i for i, name in enumerate(table.columns)}
    groups: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        label = _without_apostrophe(row[at[columns.label]]).strip() if columns.label else ""
        groups[row[at[columns.batch]].strip()].append((number, row[at[columns.original]], label or None))
    for batch, rows in groups.items():
        if len(rows) != 2:
            problems.extend(Problem(number, f"The pair {batch!r} has {len(rows)} row(s); it needs exactly 2.") for number, _, _ in rows)
            continue
        first, second = rows
        if match.find(first[1]) is None and match.find(second[1]) is not None:
            first, second = second, first
        yield _Pair(second[0], first[1], second[1], second[2])


def _labels_of_originals(pairs: list[_Pair], columns: PairColumns, match: "_Matcher", names: dict[str, str]) -> bool:
    """Whether a column called just 'label' holds the originals' labels: equal to the gold label in every match."""
    if columns.batch or columns.label is None or columns.label.strip().casefold() != "label":
        return False
    seen = [
        (names.get(pair.label.casefold()), example.label)
        for pair in pairs
        if pair.label and (example := match.find(pair.original)) is not None and example.label
    ]
    return bool(seen) and all(label == gold for label, gold in seen)


def _unusable(pair: _Pair, example: Example | None, label: str | None, names: dict[str, str]) -> str | None:
    if not pair.original.strip():
        return "The original is empty."
    if pair.text.strip() in ("", "null", "None", "nan"):
        return "The counterfactual is empty."
    if len(pair.text) > MAX_CHARS:
        return f"The counterfactual has {len(pair.text)} characters; at most {MAX_CHARS} are read."
    if "\0" in pair.text or UNREADABLE in pair.text:
        return "The counterfactual holds a NUL character, or letters in a bad encoding. Save the file as UTF-8 and import it again."
    if example is None:
        return "The original is not among this project's texts. Upload it there first."
    if tokens(_mended(pair.text, example)) == tokens(example.text):
        return "The counterfactual is the same as its original."
    if label is not None and label.casefold().strip() not in names:
        known = ", ".join(dict.fromkeys(names.values()))
        return f"The label {label!r} is none of this project's. Its labels are: {known}."
    return None


def _wrong_classes(source: str | None, target: str | None, task: Task) -> str | None:
    if source is None:
        return "The original has no label and no teacher is chosen, so its class is not known. Choose a teacher first."
    if target is None:
        return "It is not known which class the counterfactual aims at. Add a column 'counterfactual_label'."
    if target not in task.labels:
        return f"The class {target!r} is none of this project's. Its labels are: {', '.join(task.labels)}."
    if source == target:
        return f"Original and counterfactual are both of class {source!r}; a counterfactual changes the class."
    return None


def _other(task: Task, source: str | None) -> str | None:
    others = [label for label in task.labels if label != source]
    return others[0] if len(task.labels) == 2 and source is not None else None


class _Matcher:
    """Finds an example by its text: exactly, else without markup, spacing and the apostrophe of safe spreadsheets."""

    def __init__(self, examples: Sequence[Example]):
        self._exact = {example.text: example for example in reversed(examples)}
        self._loose = {_loosely(example.text): example for example in reversed(examples)}

    def find(self, text: str) -> Example | None:
        return self._exact.get(text) or self._loose.get(_loosely(text))


def _plain(text: str) -> str:
    """Without line-break tags, entities and the apostrophe put before = + - @ for spreadsheets."""
    return " ".join(html.unescape(re.sub(r"<br\s*/?>", " ", clean_text(_without_apostrophe(text)))).split())


def _without_apostrophe(cell: str) -> str:
    return re.sub(r"^'(?=[=+\-@\t\r])", "", cell)


def _loosely(text: str) -> str:
    return _plain(text).casefold()


def _mended(text: str, example: Example) -> str:
    """The counterfactual in the form of its original: mended only where the original was, else trimmed."""
    if "<br" not in example.text and "<br" in text:
        return _plain(text)
    return clean_text(_without_apostrophe(text))
