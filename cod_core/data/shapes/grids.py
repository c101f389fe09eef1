"""Tables whose labels do not stand in one column of one row a text: told by their columns, or named by the person.

One column of 0 and 1 a label; a row an annotator; a column an annotator; the flat exports of Label Studio and doccano.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cod_core.data.raw import Asked, Gap, Raw
from cod_core.data.shapes.labelstudio import NO_CHOICE
from cod_core.data.shapes.votes import Case, raw_of
from cod_core.errors import BadInput
from cod_core.said import and_more, say

_YES, _NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no", ""}
_PEOPLE = re.compile(r"(annotator|rater|coder|labell?er|worker|reviewer|user|username|completed_by)([ _-]?(id|name|email))?", re.I)
_PERSON = re.compile(r"(annotator|rater|coder|labell?er|expert|reviewer|reader|label)[ _.-]*(\d{1,2}|[a-h])", re.I)
_LABEL_NAMES = {"label", "labels", "class", "category", "gold", "target", "majority", "final", "consensus"}
_OF_LABEL_STUDIO = {"annotator", "annotation_id", "created_at", "updated_at", "lead_time", "inner_id", "predictions", "agreement"}
_MOST_LABEL = 200
_ONE_HOT = 0.8


@dataclass(frozen=True)
class Grid:
    """A table as it was read: unique names, a number a row, cells as wide as the names."""

    names: Sequence[str]
    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]

    def column(self, name: str) -> list[str]:
        """The cells of a column without outer space."""
        at = self.names.index(name)
        return [row[at].strip() for row in self.rows]

    def named(self, wanted: Callable[[str], object]) -> list[str]:
        """The names that `wanted` takes."""
        return [name for name in self.names if wanted(name)]

    def fields(self, i: int, without: Sequence[str] = ()) -> dict[str, object]:
        """The cells of row i by name."""
        return {name: cell for name, cell in zip(self.names, self.rows[i]) if name not in without}


def _binary(grid: Grid, strange: int = 0) -> list[str]:
    """The columns that say nothing but yes and no, in figures or in words, and yes at least once. strange: so many cells of a column
    may say something else."""
    out = []
    for name in grid.names:
        cells = [cell.lower() for cell in grid.column(name)]
        if sum(cell not in _YES | _NO for cell in cells) <= strange and not _YES.isdisjoint(cells):
            out.append(name)
    return out


def _ones(grid: Grid, names: Sequence[str]) -> list[list[str]]:
    """The names that hold yes, row by row."""
    columns = {name: grid.column(name) for name in names}
    return [[name for name in names if columns[name][i].lower() in _YES] for i in range(len(grid.rows))]


def one_hot(grid: Grid, forced: bool) -> Raw | None:
    """A column of 0 and 1 for each label: the label of a row is the column that holds 1."""
    if not forced and any(name.lower() in _LABEL_NAMES for name in grid.names):
        return None
    whole = _binary(grid)
    # a damaged cell must not turn a column of labels into a column like others, and another one into the label
    names = whole if _exclusive(grid, whole, forced) else _binary(grid, max(1, len(grid.rows) // 20))
    if not _exclusive(grid, names, forced):
        return None
    columns = {name: grid.column(name) for name in names}
    cases = []
    for i, found in enumerate(_ones(grid, names)):
        case = Case(grid.numbers[i], grid.fields(i, names))
        odd = [name for name in names if columns[name][i].lower() not in _YES | _NO]
        case.vote("label", [] if odd else found, _gap_of_ones(odd, found))
        cases.append(case)
    said = say("A column of 0 and 1 for each label: {labels}.", labels=and_more(names, 8))
    return raw_of(cases, ["label"], said, "one-hot", "")


def _exclusive(grid: Grid, names: Sequence[str], forced: bool) -> bool:
    """Whether these columns are labels of which a row has one: in most rows, unless the person says so."""
    if len(names) < 2:
        return False
    ones = _ones(grid, names)
    return forced or sum(len(found) == 1 for found in ones) >= _ONE_HOT * len(ones)


def _gap_of_ones(odd: Sequence[str], found: Sequence[str]) -> Gap | None:
    """Why a row has no label: cells that are neither 0 nor 1, or none that is 1."""
    if odd:
        return Gap("not labelled", say("The column {column!r} of this row holds neither 0 nor 1.", column=odd[0]))
    return None if found else Gap("not labelled", say("None of the label columns of this row holds 1."))


def yes_no_note(grid: Grid) -> str:
    """What to say of columns of 0 and 1 that are no labels excluding each other; '' where there are none."""
    names = _binary(grid)
    if len(names) < 3 or any(name.lower() in _LABEL_NAMES for name in grid.names):
        return ""
    many = sum(len(found) > 1 for found in _ones(grid, names))
    if not many:
        return ""
    return say(
        "The columns {columns} each say yes or no, and {n:,} rows have several of them. Labels here exclude each "
        "other: choose one of these columns as the label, and make a project for each.",
        columns=", ".join(names[:8]),
        n=many,
    )


def _label_like(cells: Sequence[str]) -> bool:
    values = {cell for cell in cells if cell}
    return bool(values) and len(values) <= max(2, len(cells) / 2) and max(map(len, values)) <= _MOST_LABEL


def _long(grid: Grid, who: str, by: str, questions: Sequence[str], said: str, shape: str) -> Raw:
    """A row a text of a table with a row an annotation. by: the column that tells texts apart."""
    cases: dict[str, Case] = {}
    keys, columns = grid.column(by), {question: grid.column(question) for question in questions}
    for i, key in enumerate(keys):
        case = cases.setdefault(key, Case(grid.numbers[i], grid.fields(i, [who, *questions, *_OF_LABEL_STUDIO])))
        for question in questions:
            labels = _choices_of(columns[question][i])
            case.vote(question, labels, None if labels else NO_CHOICE)
    name = "id" if "id" in grid.names else ""
    return raw_of(list(cases.values()), questions, said, shape, "text" if "text" in grid.names else "", name)


def _choices_of(cell: str) -> list[str]:
    """The labels in a cell: one as it stands, several as Label Studio writes them."""
    if cell.startswith("{") and '"choices"' in cell[:40]:
        try:
            found = json.loads(cell).get("choices")
        except (ValueError, RecursionError, AttributeError):
            return [cell]
        return [str(one) for one in found] if isinstance(found, list) else [cell]
    return [cell] if cell else []


def label_studio_flat(grid: Grid, forced: bool) -> Raw | None:
    """Label Studio's CSV or JSON-MIN: a row an annotation, its choices in columns of their own."""
    lower = {name.lower() for name in grid.names}
    if not ({"annotation_id"} <= lower or {"annotator", "lead_time"} <= lower):
        return None
    own = {"id", "annotator", *_OF_LABEL_STUDIO}
    rest = grid.named(lambda name: name.lower() not in own)
    by = "id" if "id" in grid.names else _text_of(grid, rest)
    questions = [name for name in rest if name.lower() != "text" and (_choice_cells(grid.column(name)) or _label_like(grid.column(name)))]
    if not by or not questions:
        return None
    who = next((name for name in grid.names if name.lower() == "annotator"), "")
    said = say("A Label Studio table (CSV or JSON-MIN) of {n:,} texts.", n=len(set(grid.column(by))))
    return _long(grid, who, by, questions, said, "label-studio-table")


def _choice_cells(cells: Sequence[str]) -> bool:
    return any(cell.startswith('{"choices"') for cell in cells)


def _text_of(grid: Grid, names: Sequence[str]) -> str:
    """The column with the longest cells, '' where there is none."""
    return max(names, key=lambda name: sum(map(len, grid.column(name))), default="")


def annotator_rows(grid: Grid, forced: bool) -> Raw | None:
    """A row for each annotator of a text: the same text several times, labelled by different people."""
    people = grid.named(_PEOPLE.fullmatch)
    if not people:
        return None
    who = people[0]
    others = [name for name in grid.names if name != who]
    by = _text_of(grid, others)
    if not by:
        return None
    texts = Counter(grid.column(by))
    pairs = Counter(zip(grid.column(by), grid.column(who)))
    if not forced and (len(texts) > 0.9 * len(grid.rows) or len(pairs) < 0.9 * len(grid.rows)):
        return None
    questions = [name for name in others if name != by and name.lower() != "id" and _label_like(grid.column(name))]
    wanted = [name for name in questions if name.lower() in _LABEL_NAMES] or questions[:1]
    if not wanted:
        return None
    said = say("A row for each annotator ({name!r}) of {n:,} texts.", name=who, n=len(texts))
    raw = _long(grid, who, by, wanted, said, "annotators")
    raw.known = type(raw.known)(by, raw.known.labels, raw.known.name)
    return raw


def annotator_columns(grid: Grid, forced: bool) -> Raw | None:
    """A column for each annotator of a text, which hold the same labels."""
    people = grid.named(_PERSON.fullmatch)
    if len(people) < 2 or (not forced and any(name.lower() in _LABEL_NAMES for name in grid.names)):
        return None
    columns = {name: grid.column(name) for name in people}
    values = [{cell for cell in cells if cell} for cells in columns.values()]
    if not forced and (
        not set.union(*values) or len(set.union(*values)) > 2 * max(map(len, values)) or not all(map(_label_like, columns.values()))
    ):
        return None
    cases = []
    for i, number in enumerate(grid.numbers):
        case = Case(number, grid.fields(i, people))
        for name in people:
            if cell := columns[name][i]:
                case.vote("label", [cell])
        cases.append(case)
    said = say("A column for each annotator: {names}.", names=", ".join(people[:8]))
    return raw_of(cases, ["label"], said, "annotators", "")


def doccano_flat(grid: Grid, forced: bool) -> Raw | None:
    """doccano's CSV, where several labels of a text are joined by #."""
    if not {"text", "label"} <= set(grid.names) or (not forced and not set(grid.names) <= {"id", "text", "label", "Comments", "username"}):
        return None
    cells = grid.column("label")
    parts = Counter(part for cell in cells for part in cell.split("#"))
    joined = [cell for cell in cells if "#" in cell]
    if not joined or (not forced and not all(part and parts[part] > 1 for cell in joined for part in cell.split("#"))):
        return None
    cases = []
    for i, cell in enumerate(cells):
        case = Case(grid.numbers[i], grid.fields(i, ["label"]))
        case.vote("label", filter(None, cell.split("#")))
        cases.append(case)
    said = say("A doccano table of {n:,} texts; # joins the labels of a text.", n=len(cases))
    return raw_of(cases, ["label"], said, "doccano-table", "text", "id")


@dataclass(frozen=True)
class GridShape:
    """key: as a person names it. title: on screens. read: a table to rows, None where it is not so; forced: the person says so."""

    key: str
    title: str
    read: Callable[[Grid, bool], Raw | None]


SHAPES = (
    GridShape("label-studio-table", say("Label Studio, CSV or JSON-MIN"), label_studio_flat),
    GridShape("doccano-table", "doccano, CSV", doccano_flat),
    GridShape(
        "annotators",
        say("several annotators, in rows or columns"),
        lambda grid, forced: annotator_columns(grid, forced) or annotator_rows(grid, forced),
    ),
    GridShape("one-hot", say("a column of 0 and 1 for each label"), one_hot),
)


def read(grid: Grid, asked: Asked) -> Raw | None:
    """The rows that the table is in its writer's sense; None for a plain table. Raises BadInput where the person names a shape
    that the table cannot have."""
    if asked.format == "table" or not grid.rows:
        return None
    named = next((shape for shape in SHAPES if shape.key == asked.format), None)
    if named is None:
        return next((raw for shape in SHAPES if (raw := shape.read(grid, False)) is not None), None)
    raw = named.read(grid, True)
    if raw is None:
        raise BadInput(
            say(
                "The columns ({columns}) do not look like this: {title}. Choose a plain table, or let the app find out.",
                columns=", ".join(grid.names),
                title=named.title,
            )
        )
    return raw


def titles() -> Mapping[str, str]:
    """Key -> title of every shape of tables."""
    return {shape.key: shape.title for shape in SHAPES}
