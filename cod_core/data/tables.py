"""Tables of strings to Examples: columns guessed, every unusable row named, the rest importable.

Knows labels and roles; nothing of files beyond what `reading` gives, nothing of models or the store.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cod_core.data.parsing import UNREADABLE
from cod_core.data.reading import Problem, Table, read_table
from cod_core.errors import BadInput
from cod_core.settings import MAX_CHARS
from cod_core.text import short_hash
from cod_core.types import Example

__all__ = ["Columns", "Import", "Problem", "Table", "guess_columns", "label_values", "read_table", "to_examples"]

ROLES = ("labelled", "test", "unlabelled")
_TEXT = (
    "text",
    "sentence",
    "review",
    "comment",
    "content",
    "document",
    "message",
    "body",
    "tweet",
    "snippet",
    "original_text",
    "original",
    "description",
    "complaint",
    "note",
    "question",
)
_LABEL = ("label", "class", "category", "sentiment", "gold", "target", "label_text", "ground_truth", "rating", "stars", "answer")
_SOURCE = ("source_id", "source", "document_id", "doc_id", "review_id", "group", "group_id", "batch_id", "thread_id", "case_id")
_SPLIT = ("split", "set", "fold", "subset", "partition")
_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "held-out": "test",
    "heldout": "test",
    "eval": "test",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Columns:
    """Names of the columns to use; extras: the other columns there are. None where there is none."""

    text: str
    label: str | None = None
    source_id: str | None = None
    split: str | None = None
    extras: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Import:
    """examples: what can be imported. problems: by row. label_counts: label -> rows imported.

    split_given: the splits came from a column or the role, so no automatic split is due. note: how the texts were
    divided, in a sentence. rows: the number of each example's row. seen: the same file was imported before.
    """

    examples: list[Example]
    problems: list[Problem]
    label_counts: dict[str, int]
    split_given: bool = False
    note: str = ""
    rows: list[int] = field(default_factory=list)
    seen: bool = False

    @property
    def left_out(self) -> int:
        """How many rows are not imported."""
        return len({p.row for p in self.problems if p.left_out})


def guess_columns(table: Table) -> Columns:
    """The likeliest text, label, source and split columns, by name first and by content second.

    A guess to be confirmed by the person. `extras` lists the other columns; none of them is kept unless ticked.
    """
    cells = {name: [cell.strip() for cell in table.column(name)[:500]] for name in table.columns}
    left = list(table.columns)

    def take(name: str | None) -> str | None:
        if name is not None:
            left.remove(name)
        return name

    split = take(_named(left, _SPLIT, lambda n: sum(c.lower() in _SPLITS for c in cells[n]) * 2 > len(cells[n])))
    text = take(_named(left, _TEXT, lambda n: any(cells[n])) or max(left, key=lambda n: _mean_length(cells[n]), default=None))
    if text is None:
        raise BadInput("The table has no column that could hold texts.")
    label = take(
        _named(left, _LABEL, lambda n: _few_values(cells[n], 60))
        or min((n for n in left if _few_values(cells[n], 20) and n.lower() not in _SOURCE), key=lambda n: len(set(cells[n])), default=None)
    )
    source = take(_named(left, _SOURCE, lambda n: any(cells[n])))
    return Columns(text, label, source, split, left)


def _named(names: Sequence[str], usual: Sequence[str], fits: Callable[[str], bool]) -> str | None:
    by_name = {name.lower().replace(" ", "_"): name for name in names}
    return next((by_name[u] for u in usual if u in by_name and fits(by_name[u])), None)


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))


def _few_values(cells: Sequence[str], most: int) -> bool:
    """Looks like labels: at least two short values, repeated where there are more than a handful of rows."""
    values = {cell for cell in cells if cell}
    return 2 <= len(values) <= most and max(map(len, values)) <= 60 and (len(cells) < 8 or len(values) <= len(cells) / 2)


def label_values(table: Table, columns: Columns) -> dict[str, int]:
    """Raw value -> rows of the label column, commonest first; empty where there is no label column."""
    if columns.label is None:
        return {}
    return dict(Counter(cell.strip() for cell in table.column(columns.label) if cell.strip()).most_common())


def to_examples(
    table: Table, columns: Columns, labels: Mapping[str, str] | None = None, role: str = "labelled", keep: Sequence[str] = ()
) -> Import:
    """The rows of a table as Examples, with every row that cannot be used named.

    labels: raw value -> label name of the task; None takes the raw values as names. role: labelled, test or
    unlabelled (whose labels, where there are any, are not read). keep: other columns kept as metadata.
    An example's id is the hash of its text: the same text is one example whatever file it comes in.
    Raises BadInput for a column or role that does not exist, or labelled rows without a label column.
    """
    if role not in ROLES:
        raise BadInput(f"The role of a file is one of {', '.join(ROLES)}, not {role!r}.")
    if role != "unlabelled" and columns.label is None:
        raise BadInput(f"Choose the column that holds the labels. The file has: {', '.join(table.columns)}.")
    rows = rows_of(table, columns, role, keep)
    examples: list[Example] = []
    numbers: list[int] = []
    problems = list(table.problems)
    first: dict[str, tuple[int, str | None]] = {}
    for row in rows:
        made = example_of(row, labels, role)
        if isinstance(made, Example) and made.text in first:
            made = _repeated(made, *first[made.text])
        if isinstance(made, str):
            problems.append(Problem(row.number, made))
            continue
        first[made.text] = (row.number, made.label)
        examples.append(made)
        numbers.append(row.number)
    counts = Counter(e.label for e in examples if e.label is not None)
    problems += _only_label(counts, role)
    problems.sort(key=lambda p: p.row)
    return Import(examples, problems, dict(counts), role != "labelled" or any(row.split for row in rows), rows=numbers)


@dataclass(frozen=True)
class TableRow:
    """The cells of one row that an Example is made of, outer space off but the text's; "" where there is no column or the
    role does not read it. number: as a spreadsheet counts. metadata: the columns to keep that hold anything."""

    number: int
    text: str
    label: str
    source: str
    split: str
    metadata: Mapping[str, str]


def rows_of(table: Table, columns: Columns, role: str, keep: Sequence[str] = ()) -> list[TableRow]:
    """Every row of the table by what its cells mean. Raises BadInput for a column that does not exist."""

    def cells(name: str | None, read: bool = True) -> list[str]:
        return [cell.strip() for cell in table.column(name)] if name and read else [""] * len(table.rows)

    texts = table.column(columns.text)
    labels = cells(columns.label, role != "unlabelled")
    sources = cells(columns.source_id)
    splits = cells(columns.split, role == "labelled")
    kept = {name: cells(name) for name in keep}
    return [
        TableRow(number, texts[i], labels[i], sources[i], splits[i], {name: own[i] for name, own in kept.items() if own[i]})
        for i, number in enumerate(table.row_numbers)
    ]


def example_of(row: TableRow, labels: Mapping[str, str] | None, role: str) -> Example | str:
    """The row as an Example, or the sentence that says why it cannot be one. labels, role: as in to_examples."""
    text = clean_text(row.text)
    label, problem = _label(row.label, labels) if role != "unlabelled" else (None, None)
    split = role if role in ("test", "unlabelled") else _SPLITS.get(row.split.lower() or "train")
    if problem := text_problem(text) or problem:
        return problem
    if split is None:
        return f"The split {row.split[:40]!r} is not train, validation or test."
    metadata = {name: _CONTROL.sub(" ", cell)[:MAX_CHARS] for name, cell in row.metadata.items()}
    return Example(short_hash(text), text, label, split, _CONTROL.sub(" ", row.source)[:200] or None, metadata)


def _repeated(example: Example, row: int, label: str | None) -> str:
    """Why an example cannot come twice. row, label: of the first one."""
    return f"This is the same text as row {row}" + (f", there labelled {label!r}." if label != example.label else ".")


def _only_label(counts: Mapping[str, int], role: str) -> list[Problem]:
    """A note on the whole file if all its labelled rows have one label."""
    if role == "unlabelled" or len(counts) != 1:
        return []
    message = (
        f"Every row is labelled {next(iter(counts))!r}. Distilling needs rows of at least two labels: choose another label column "
        "or add rows."
    )
    return [Problem(0, message, False)]


def clean_text(cell: str) -> str:
    """A cell's text as it is kept: outer space off, line ends as one newline, Unicode in composed form (NFC)."""
    return unicodedata.normalize("NFC", re.sub(r"\r\n?", "\n", cell)).strip()


def text_problem(text: str) -> str | None:
    """Why a text cannot be used, as a sentence; None where it can."""
    if not text:
        return "The text is empty."
    if "\0" in text:
        return "The text holds a NUL character, which marks a damaged or binary file."
    if UNREADABLE in text or re.search("[\ud800-\udfff]", text):
        return "The text holds letters in a bad encoding. Save the file as UTF-8 and import it again."
    if (control := _CONTROL.search(text)) is not None:
        return f"The text holds a control character (code {ord(control.group())}). Remove it."
    if len(text) > MAX_CHARS:
        return f"The text has {len(text):,} characters; at most {MAX_CHARS:,} are accepted. Shorten or divide it."
    return None


def _label(raw: str, labels: Mapping[str, str] | None) -> tuple[str | None, str | None]:
    """(label name, None) or (None, what is wrong)."""
    if not raw:
        return None, "The row has no label."
    name = raw if labels is None else labels.get(raw)
    if not name:
        return None, (
            f"The label {raw[:60]!r} is not one of the labels of this project. Add the file again and say what it "
            "means, or correct it there."
        )
    if problem := text_problem(name):
        return None, problem.replace("The text", "The label")
    return name[:200], None
