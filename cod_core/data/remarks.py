"""What is said of the rows of a file: once a kind and not once a row, with the rows' numbers and what mends it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cod_core.data.reading import Problem

SHOWN = 30  # numbers of rows


@dataclass(frozen=True)
class Kind:
    """title: what these rows are, in a phrase. remedy: what mends it, in a sentence. option: of the command, "" where none does."""

    title: str
    remedy: str = ""
    option: str = ""


_UNLABELLED = "--role unlabelled takes such texts without labels"
KINDS = {
    "empty": Kind("no text"),
    "no label": Kind("no label", "Add them as texts without labels, or label them first.", _UNLABELLED),
    "unknown label": Kind("a label that is not one of this project's", "Say what it means, or correct it in the file.", "--label-map JSON"),
    "several": Kind("more than one label", "Keep one label for each text, or make a project for each label.", ""),
    "spans": Kind("labels of parts of the text only", "Export labels of whole texts.", ""),
    "rejected": Kind("a label that was rejected", "A rejected label says what a text is not: label it again.", _UNLABELLED),
    "ignored": Kind("an answer that was ignored", "Label them again, or add them as texts without labels.", _UNLABELLED),
    "skipped": Kind("skipped by the annotator", "Label them again, or add them as texts without labels.", _UNLABELLED),
    "discarded": Kind("discarded by the annotator", "Label them again, or add them as texts without labels.", _UNLABELLED),
    "nothing chosen": Kind("submitted without a choice", "Label them again, or add them as texts without labels.", _UNLABELLED),
    "not labelled": Kind("not labelled yet", "Add them as texts without labels, or label them first.", _UNLABELLED),
    "tie": Kind("annotators who disagree, without a majority", "Settle them in the file, or leave them out.", _UNLABELLED),
    "no majority": Kind("annotators who disagree, without a majority", "Settle them in the file, or leave them out.", _UNLABELLED),
    "repeated": Kind("a text that stands in the file before"),
    "known": Kind("in the project already"),
    "elsewhere": Kind("words or a source that stand in another part of the project"),
    "letters": Kind("letters that cannot be read", "Choose the encoding in which the letters look right.", "--encoding NAME"),
    "encoding": Kind("", "Choose another encoding if they do not.", "--encoding NAME"),
    "control": Kind("characters that no text has", "Remove them, or export the file again."),
    "long": Kind("a text that is too long", "Shorten or divide it."),
    "record": Kind("a JSON record in place of a text", "Choose the format JSON, or the column that holds the text.", "--format json"),
    "split": Kind("a split that is not train, validation or test", "Correct it in the file."),
    "width": Kind("more cells than the table has columns"),
    "yes or no": Kind("", "", "--label-column NAME"),
    "two texts": Kind("", "", '--text-column NAME, or --sentence "{title} {body}"'),
}
"""Every kind of remark that has a remedy of its own."""


@dataclass(frozen=True)
class Remark:
    """All problems of a kind. rows: their numbers, 0 for the whole file. messages: the different sentences, in order."""

    kind: str
    rows: tuple[int, ...]
    messages: tuple[str, ...]
    left_out: bool

    @property
    def said(self) -> str:
        """One line: how many rows, what they are, which they are."""
        known = KINDS.get(self.kind, Kind(""))
        if len(self.rows) == 1:
            return f"row {self.rows[0]}: {self.messages[0]}" if self.rows[0] else self.messages[0]
        numbers = ", ".join(map(str, self.rows[:SHOWN])) + (f" and {len(self.rows) - SHOWN:,} more" if len(self.rows) > SHOWN else "")
        if len(self.messages) == 1 or not known.title:
            return f"{len(self.rows):,} rows ({numbers}): {self.messages[0]}"
        return f"{len(self.rows):,} rows ({numbers}): {known.title}. For example row {self.rows[0]}: {self.messages[0]}"

    @property
    def remedy(self) -> str:
        """What mends it, in a sentence; '' where the message says it."""
        return KINDS.get(self.kind, Kind("")).remedy

    @property
    def option(self) -> str:
        """The command's option that mends it, '' where there is none."""
        return KINDS.get(self.kind, Kind("")).option


def remarks(problems: Iterable[Problem]) -> list[Remark]:
    """The problems by kind, those about the whole file first, then in the order of their first rows."""
    groups: dict[tuple[str, bool], list[Problem]] = {}
    for problem in problems:
        whole = "" if problem.row else problem.message
        groups.setdefault((problem.kind + whole if problem.kind else problem.message, problem.left_out), []).append(problem)
    out = [_remark(group) for group in groups.values()]
    return sorted(out, key=lambda remark: remark.rows[0])


def _remark(group: Sequence[Problem]) -> Remark:
    rows = tuple(dict.fromkeys(problem.row for problem in group))
    return Remark(group[0].kind, rows, tuple(dict.fromkeys(problem.message for problem in group)), group[0].left_out)
