"""Ready counterfactuals from a table, matched to the project's examples by their text.

Two shapes are read: one pair a row (columns for original and counterfactual, perhaps the counterfactual's label),
and two rows a pair joined by a batch id, as counterfactually augmented data is published. Knows no teacher beyond
the two callables it is handed; every row that cannot be used is reported with its number.
"""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
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
    """counterfactuals: matched and usable, unverified. problems: every row that is not used, in order. here: rows that hold a pair
    which is known already; they are neither."""

    counterfactuals: list[Counterfactual]
    problems: list[Problem]
    here: int = 0


class _Unusable(Exception):
    """Why a row is not used, in the words of its Problem."""


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


def identity_of(cf: Counterfactual) -> tuple[str, str, str]:
    """What makes two counterfactuals the same pair, whatever file they came by: original, class aimed at, words."""
    return cf.example_id, cf.target, _words(cf.text)


def known_pairs(stored: Iterable[Counterfactual]) -> dict[tuple[str, str, str], str]:
    """Identity of each stored pair -> its id; of the same pair stored twice, the first."""
    out: dict[tuple[str, str, str], str] = {}
    for cf in stored:
        out.setdefault(identity_of(cf), cf.id)
    return out


def import_pairs(
    table: Table,
    examples: Sequence[Example],
    task: Task,
    columns: PairColumns | None = None,
    labels: dict[str, str] | None = None,
    name: str = "import",
    source_of: Callable[[Example], str | None] | None = None,
    target_of: Callable[[str], str | None] | None = None,
    known: Collection[tuple[str, str, str]] = (),
) -> ImportedSet:
    """Counterfactuals of the table for those of `examples` whose text they start from.

    labels: raw label -> project label, by equal names where None. name: of the file, kept as origin. source_of: the
    teacher's class at an example, its gold label where absent. target_of: the class aimed at for a text that comes
    with no label; where absent the other class of two, and with more classes the row is a problem. known: identities of the pairs
    that are here already (identity_of): such a row is recognised before anything is asked of a teacher.
    Raises BadInput where the columns are not there.
    """
    chosen = _known_columns(table, columns)
    match = _Matcher(examples)
    names = {label.casefold(): label for label in task.labels}
    names |= {raw.casefold().strip(): label for raw, label in (labels or {}).items()}
    problems: list[Problem] = []
    made: dict[str, Counterfactual] = {}
    here, targets = 0, _targets(known)
    pairs = list(_two_rows(table, chosen, problems, match) if chosen.batch else _one_row(table, chosen))
    of_original = _labels_of_originals(pairs, chosen, match, names)
    judge = _Classes(task, names, source_of, target_of)
    for pair in pairs:
        example, given = match.find(pair.original), None if of_original else pair.label
        if example is not None and _is_here(example, pair.text, given, names, targets):
            here += 1
            continue
        try:
            one = _counterfactual(pair, example, given, judge, name)
            if one.id in made:
                raise _Unusable("This counterfactual stands in the file more than once; the first is used.")
        except _Unusable as reason:
            problems.append(Problem(pair.row, str(reason)))
        else:
            made[one.id] = one
    return ImportedSet(list(made.values()), sorted(problems, key=lambda problem: problem.row), here)


def _targets(known: Collection[tuple[str, str, str]]) -> dict[tuple[str, str], set[str]]:
    """(original, words of the counterfactual) -> the classes that it is known to aim at."""
    out: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example_id, target, words in known:
        out[example_id, words].add(target)
    return out


def _is_here(example: Example, text: str, given: str | None, names: dict[str, str], targets: dict[tuple[str, str], set[str]]) -> bool:
    """Whether the pair is known, to the class that comes with it where one does."""
    aimed = targets.get((example.id, _words(_mended(text, example))), set())
    return bool(aimed) and (given is None or names.get(given.casefold().strip()) in aimed)


def _words(text: str) -> str:
    return " ".join(text.split())


def _known_columns(table: Table, columns: PairColumns | None) -> PairColumns:
    """The columns asked for, else those that the names tell. Raises BadInput where they are not there."""
    chosen = columns or guess_pair_columns(table.columns)
    if chosen is None:
        raise BadInput(
            "No pairs were found in this table. Name the columns 'original' and 'counterfactual', or give two rows "
            f"a pair with 'text', 'label' and 'batch_id'. Its columns are: {', '.join(table.columns)}."
        )
    for column in (chosen.original, chosen.counterfactual, chosen.label, chosen.batch):
        if column is not None and column not in table.columns:
            raise BadInput(f"There is no column {column!r}. The columns are: {', '.join(table.columns)}.")
    return chosen


@dataclass(frozen=True)
class _Classes:
    """How the classes of a pair are found; see import_pairs. names: label as written, case folded -> project label."""

    task: Task
    names: dict[str, str]
    source_of: Callable[[Example], str | None] | None
    target_of: Callable[[str], str | None] | None

    def of(self, example: Example, text: str, given: str | None) -> tuple[str, str]:
        """(class of the original, class aimed at). given: the label that came with the counterfactual. Raises _Unusable."""
        source = (self.source_of(example) if self.source_of else None) or example.label
        aimed = self.target_of(text) if self.target_of and not given else _other(self.task, source)
        return _changed(source, self.names[given.casefold().strip()] if given else aimed, self.task)


def _counterfactual(pair: _Pair, found: Example | None, given: str | None, classes: _Classes, name: str) -> Counterfactual:
    """The counterfactual of a pair, unverified. found: the example of its original. Raises _Unusable."""
    example, text = _usable(pair, found, given, classes.names)
    source, target = classes.of(example, text, given)
    identity = short_hash(example.id, target, text, "import")
    return Counterfactual(identity, example.id, text, source, target, Origin("import", name), note=f"from {name}", created_at=now())


def _one_row(table: Table, columns: PairColumns) -> Iterator[_Pair]:
    original, counterfactual = _reader(table, columns.original), _reader(table, columns.counterfactual)
    label = _reader(table, columns.label or None)
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        yield _Pair(number, original(row), counterfactual(row), without_apostrophe(label(row)).strip() or None)


def _reader(table: Table, column: str | None) -> Callable[[Sequence[str]], str]:
    """row -> its cell in that column, "" where there is no such column."""
    if column is None:
        return lambda row: ""
    at = {name: i for i, name in enumerate(table.columns)}[column]
    return lambda row: row[at]


def _two_rows(table: Table, columns: PairColumns, problems: list[Problem], match: "_Matcher") -> Iterator[_Pair]:
    """Pairs by batch id. The original is the row whose text is the project's, the first where both or none are."""
    text, label, batch_of = _reader(table, columns.original), _reader(table, columns.label or None), _reader(table, columns.batch)
    groups: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        groups[batch_of(row).strip()].append((number, text(row), without_apostrophe(label(row)).strip() or None))
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


def _usable(pair: _Pair, example: Example | None, label: str | None, names: dict[str, str]) -> tuple[Example, str]:
    """(the original's example, the counterfactual's text as that one is written). Raises _Unusable."""
    _check_readable(pair)
    if example is None:
        raise _Unusable("The original is not among this project's texts. Upload it there first.")
    text = _mended(pair.text, example)
    if tokens(text) == tokens(example.text):
        raise _Unusable("The counterfactual is the same as its original.")
    if label is not None and label.casefold().strip() not in names:
        known = ", ".join(dict.fromkeys(names.values()))
        raise _Unusable(f"The label {label!r} is none of this project's. Its labels are: {known}.")
    return example, text


def _check_readable(pair: _Pair) -> None:
    if not pair.original.strip():
        raise _Unusable("The original is empty.")
    if pair.text.strip() in ("", "null", "None", "nan"):
        raise _Unusable("The counterfactual is empty.")
    if len(pair.text) > MAX_CHARS:
        raise _Unusable(f"The counterfactual has {len(pair.text)} characters; at most {MAX_CHARS} are read.")
    if "\0" in pair.text or UNREADABLE in pair.text:
        raise _Unusable(
            "The counterfactual holds a NUL character, or letters in a bad encoding. Save the file as UTF-8 and import it again."
        )


def _changed(source: str | None, target: str | None, task: Task) -> tuple[str, str]:
    """The two classes where both are known and differ. Raises _Unusable."""
    if source is None:
        raise _Unusable("The original has no label and no teacher is chosen, so its class is not known. Choose a teacher first.")
    if target is None:
        raise _Unusable("It is not known which class the counterfactual aims at. Add a column 'counterfactual_label'.")
    if target not in task.labels:
        raise _Unusable(f"The class {target!r} is none of this project's. Its labels are: {', '.join(task.labels)}.")
    if source == target:
        raise _Unusable(f"Original and counterfactual are both of class {source!r}; a counterfactual changes the class.")
    return source, target


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
    line = re.sub(r"<br\s*/?>", " ", clean_text(without_apostrophe(text)))
    with suppress(ValueError):  # an entity of thousands of digits, which Python does not read as a number
        line = html.unescape(line)
    return " ".join(line.split())


def without_apostrophe(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return re.sub(r"^'(?=[=+\-@\t\r])", "", cell)


def _loosely(text: str) -> str:
    return _plain(text).casefold()


def _mended(text: str, example: Example) -> str:
    """The counterfactual in the form of its original: mended only where the original was, else trimmed."""
    if "<br" not in example.text and "<br" in text:
        return _plain(text)
    return clean_text(without_apostrophe(text))
