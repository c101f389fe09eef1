"""Tables of strings to Examples: columns guessed, every unusable row named, the rest importable.

Knows labels and roles; nothing of files beyond what `reading` gives, nothing of models or the store.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cod_core.data import column_names
from cod_core.data.labels import from_values
from cod_core.data.raw import UNREADABLE, Gap
from cod_core.data.reading import Problem, Table, read_table
from cod_core.errors import BadInput
from cod_core.said import msg, say
from cod_core.settings import MAX_CHARS
from cod_core.text import CONTROL, short_hash
from cod_core.types import Example

__all__ = ["Columns", "Import", "Problem", "Table", "guess_columns", "label_values", "read_table", "to_examples"]

ROLES = ("labelled", "test", "unlabelled")
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
_SAMPLE = 500  # rows by which a column is told, taken from the whole table
_MOST_LABEL = 200  # characters
_RECORD = re.compile(r"\s{0,100}(?:\[\s{0,100})?\{\s{0,100}\"[^\"]{0,200}\"\s{0,100}:")


@dataclass(frozen=True)
class Columns:
    """Names of the columns to use; extras: the other columns there are. None where there is none.

    name: what each row is called, by which a case can be found again; kept with the text.
    """

    text: str
    label: str | None = None
    source_id: str | None = None
    split: str | None = None
    extras: list[str] = field(default_factory=list)
    name: str | None = None


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
    """The likeliest text, label, name, source and split columns: those that the format tells, by name, then by content.

    A guess to be confirmed by the person, or said. `extras` lists the other columns; none of them is kept unless ticked.
    """
    step, known = max(1, len(table.rows) // _SAMPLE), table.known
    cells = {name: [cell.strip() for cell in table.column(name)[::step]] for name in table.columns}
    left = list(table.columns)

    def take(name: str | None) -> str | None:
        if name is not None:
            left.remove(name)
        return name

    split = take(known.split or _named(left, column_names.SPLIT, lambda n: sum(c.lower() in _SPLITS for c in cells[n]) * 2 > len(cells[n])))
    told = [name for name in known.labels if name in left]
    text = known.text or _text_column([name for name in left if name not in told], cells)
    take(text)
    label = take(told[0] if told else _label_column(left, cells))
    source = take(_named(left, column_names.SOURCE, lambda n: any(cells[n])))
    name = take(known.name if known.name in left else _name_column(left, cells))
    return Columns(text, label, source, split, left, name)


def _text_column(names: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    """The column with the texts: by its name, else the one with the longest cells. Raises BadInput where there is none."""
    own = [n for n in names if _own_words(cells[n])]  # labels can be longer than texts, but they repeat
    found = _named(names, column_names.TEXT, lambda n: any(cells[n])) or max(
        own or names, key=lambda n: _mean_length(cells[n]), default=None
    )
    if found is None:
        raise BadInput(msg("The table has no column that could hold texts."))
    return found


def _own_words(cells: Sequence[str]) -> bool:
    """Whether cells are of several words that mostly stand in one row only."""
    return 2 * len(set(cells)) > len(cells) and sum(len(cell.split()) for cell in cells) >= 2 * len(cells)


def _name_column(left: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str | None:
    """The column that calls each row by a name of its own, such as a case number."""
    return next((n for n in left if column_names.NAME.fullmatch(n.strip()) and _each_once(cells[n])), None)


def _label_column(left: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str | None:
    """The column with the labels: by its name or a word of it, else the one whose values repeat most, places and times last."""
    named = _named(left, column_names.LABEL, lambda n: _like_labels(cells[n], 1))
    named = named or next((n for n in left if _words(n) & set(column_names.LABEL) and _like_labels(cells[n], 2)), None)
    others = [
        n for n in left if n.lower() not in column_names.SOURCE and not column_names.NAME.fullmatch(n.strip()) and _like_labels(cells[n], 2)
    ]
    return named or min(others, key=lambda n: (bool(_words(n) & column_names.ASIDE), len(set(cells[n]))), default=None)


def _words(name: str) -> set[str]:
    """The words of a column's name: 'Type of event' has three."""
    return set(re.findall(r"[^\W_]+", name.lower()))


def _each_once(cells: Sequence[str]) -> bool:
    return all(cells) and len(set(cells)) == len(cells)


def text_columns(table: Table, columns: Columns) -> list[str]:
    """The columns that hold texts, the chosen one first: several where texts were not joined (title and body, two sentences)."""
    step = max(1, len(table.rows) // _SAMPLE)
    used = {columns.text, columns.label, columns.source_id, columns.split, columns.name}
    out = [columns.text]
    for name in table.columns:
        cells = [cell.strip() for cell in table.column(name)[::step]]
        if name not in used and cells and _own_words(cells) and not re.match(r"(votes|agreement)\b", name):
            out.append(name)
    return out


def _named(names: Sequence[str], usual: Sequence[str], fits: Callable[[str], bool]) -> str | None:
    by_name = {name.lower().replace(" ", "_"): name for name in names}
    return next((by_name[u] for u in usual if u in by_name and fits(by_name[u])), None)


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))


def _like_labels(cells: Sequence[str], least: int) -> bool:
    """Looks like labels: values that repeat, where there are more than a handful of rows; `least` of them, however many."""
    values = {cell for cell in cells if cell}
    return least <= len(values) and max(map(len, values)) <= _MOST_LABEL and (len(cells) < 8 or len(values) <= len(cells) / 2)


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
        raise BadInput(say("The role of a file is one of {roles}, not {role!r}.", roles=", ".join(ROLES), role=role))
    if role != "unlabelled" and columns.label is None:
        raise BadInput(say("Choose the column that holds the labels. The file has: {columns}.", columns=", ".join(table.columns)))
    if role != "unlabelled":
        check_single(table, columns)
    rows = rows_of(table, columns, role, keep)
    examples: list[Example] = []
    numbers: list[int] = []
    problems = list(table.problems)
    first: dict[str, tuple[int, str | None]] = {}
    gaps = table.gaps.get(columns.label or "", {})
    for row in rows:
        made = example_of(row, labels, role)
        if isinstance(made, Example) and made.text in first:
            made = _repeated(made, *first[made.text])
        if isinstance(made, Gap):
            why = gaps.get(row.number, made) if made.kind == "no label" else made
            problems.append(Problem(row.number, why.why, kind=why.kind))
            continue
        first[made.text] = (row.number, made.label)
        examples.append(made)
        numbers.append(row.number)
    counts = Counter(e.label for e in examples if e.label is not None)
    problems += _only_label(counts, role)
    problems.sort(key=lambda p: p.row)
    return Import(examples, problems, dict(counts), role != "labelled" or any(row.split for row in rows), rows=numbers)


def check_single(table: Table, columns: Columns) -> None:
    """Raises BadInput where most texts have several labels, or labels of their parts: such a file is no file of single labels."""
    gaps = Counter(gap.kind for gap in table.gaps.get(columns.label or "", {}).values())
    labelled = sum(label_values(table, columns).values())
    if gaps["several"] > labelled:
        raise BadInput(
            say(
                "{n:,} of {of:,} labelled texts have more than one label. Labels here exclude each other: make "
                "a file for each label that says yes or no, and a project for each file.",
                n=gaps["several"],
                of=gaps["several"] + labelled,
            )
        )
    if gaps["spans"] > labelled:
        raise BadInput(
            say(
                "The labels of {n:,} rows mark parts of their texts. Here a label belongs to the whole text: "
                "export labels of whole texts, or import these as texts without labels.",
                n=gaps["spans"],
            )
        )


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
    kept = {name: cells(name) for name in dict.fromkeys([*filter(None, [columns.name]), *keep])}
    return [
        TableRow(number, texts[i], labels[i], sources[i], splits[i], {name: own[i] for name, own in kept.items() if own[i]})
        for i, number in enumerate(table.row_numbers)
    ]


def example_of(row: TableRow, labels: Mapping[str, str] | None, role: str) -> Example | Gap:
    """The row as an Example, or why it cannot be one. labels, role: as in to_examples."""
    text = clean_text(row.text)
    label, problem = _label(row.label, labels) if role != "unlabelled" else (None, None)
    split = role if role in ("test", "unlabelled") else _SPLITS.get(row.split.lower() or "train")
    if why := text_gap(text) or problem:
        return why
    if split is None:
        return Gap("split", say("The split {split!r} is not train, validation or test.", split=row.split[:40]))
    metadata = {name: CONTROL.sub(" ", cell)[:MAX_CHARS] for name, cell in row.metadata.items()}
    return Example(short_hash(text), text, label, split, CONTROL.sub(" ", row.source)[:200] or None, metadata)


def _repeated(example: Example, row: int, label: str | None) -> Gap:
    """Why an example cannot come twice. row, label: of the first one."""
    if label == example.label:
        return Gap("repeated", say("This is the same text as row {row}.", row=row))
    return Gap("repeated", say("This is the same text as row {row}, there labelled {label!r}.", row=row, label=label))


def _only_label(counts: Mapping[str, int], role: str) -> list[Problem]:
    """A note on the whole file if all its labelled rows have one label."""
    if role == "unlabelled" or len(counts) != 1:
        return []
    message = say(
        "Every row is labelled {label!r}. Distilling needs rows of at least two labels: choose another label column or add rows.",
        label=next(iter(counts)),
    )
    return [Problem(0, message, False)]


def clean_text(cell: str) -> str:
    """A cell's text as it is kept: outer space off, line ends as one newline, Unicode in composed form (NFC)."""
    return unicodedata.normalize("NFC", re.sub(r"\r\n?", "\n", cell)).strip()


def text_problem(text: str) -> str | None:
    """Why a text cannot be used, as a sentence; None where it can."""
    found = text_gap(text)
    return found.why if found else None


def text_gap(text: str) -> Gap | None:
    """Why a text cannot be used; None where it can."""
    if not text:
        return Gap("empty", say("The text is empty."))
    if "\0" in text:
        return Gap("control", say("The text holds a NUL character, which marks a damaged or binary file."))
    if UNREADABLE in text or re.search("[\ud800-\udfff]", text):
        return Gap("letters", say("The text holds letters in a bad encoding. Save the file as UTF-8 and import it again."))
    if (control := CONTROL.search(text)) is not None:
        return Gap("control", say("The text holds a control character (code {code}). Remove it.", code=ord(control.group())))
    if len(text) > MAX_CHARS:
        return Gap(
            "long", say("The text has {n:,} characters; at most {most:,} are accepted. Shorten or divide it.", n=len(text), most=MAX_CHARS)
        )
    if _RECORD.match(text):
        return Gap("record", say("The text begins as a record of JSON. Choose the format JSON, or the column that holds the text itself."))
    return None


def _label(raw: str, labels: Mapping[str, str] | None) -> tuple[str | None, Gap | None]:
    """(label name, None) or (None, what is wrong)."""
    if not raw:
        return None, Gap("no label", say("The row has no label."))
    name = raw if labels is None else labels.get(raw)
    if not name:
        why = say(
            "The label {label!r} is not one of the labels of this project. Add the file again and say what it means, or correct it there.",
            label=raw[:60],
        )
        return None, Gap("unknown label", why)
    if problem := text_problem(name):
        return None, Gap("control", problem.replace("The text", "The label"))
    return name[:200], None


def with_label(table: Table, label: str) -> tuple[Table, str]:
    """(the table with a column that holds this label in every row, its name): a file of texts of one label."""
    name = "label"
    while name in table.columns:
        name = f"{name} (of the file)"
    return replace(table, columns=[*table.columns, name], rows=[[*row, label] for row in table.rows]), name


def file_labels(table: Table, columns: Columns) -> tuple[str, ...]:
    """The labels that the label column holds, for a project that is to have them. Raises BadInput where it holds no labels."""
    values = label_values(table, columns)
    if columns.label is None or not values:
        raise BadInput(say("No column with labels was found. The file has: {columns}.", columns=", ".join(table.columns)))
    if len(values) > max(20, sum(values.values()) / 2):
        raise BadInput(
            say(
                "The column {column!r} holds {n:,} different values in {rows:,} rows, so it is probably not "
                "the label. Choose another column.",
                column=columns.label,
                n=len(values),
                rows=sum(values.values()),
            )
        )
    return from_values(values, table.order)


def usual_text(name: str) -> bool:
    """Whether a column is called as columns of texts usually are."""
    return name.lower().replace(" ", "_") in column_names.TEXT


def of_pairs(table: Table) -> str:
    """What to say of texts that are counterfactuals of others in the file, as an exported set holds them; '' where there are none."""
    if not {"pair_id", "role"} <= set(table.columns) or not (n := table.column("role").count("counterfactual")):
        return ""
    return say(
        "{n:,} of these texts are counterfactuals of others in the file. To bring them as pairs, add the file on the Proposals page, or "
        "by the command with --role pairs.",
        n=n,
    )
