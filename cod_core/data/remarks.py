"""What is said of the rows of a file: once a kind and not once a row, with the rows' numbers and what mends it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cod_core.data.reading import Problem
from cod_core.said import and_more, say

SHOWN = 30  # numbers of rows


@dataclass(frozen=True)
class Kind:
    """title: what these rows are, in a phrase. remedy: what mends it, in a sentence. option: of the command, "" where none does."""

    title: str
    remedy: str = ""
    option: str = ""


_UNLABELLED = "--role unlabelled takes such texts without labels"
KINDS = {
    "empty": Kind(say("no text")),
    "no label": Kind(say("no label"), say("Add them as texts without labels, or label them first."), _UNLABELLED),
    "unknown label": Kind(
        say("a label that is not one of this project's"), say("Say what it means, or correct it in the file."), "--label-map JSON"
    ),
    "several": Kind(say("more than one label"), say("Keep one label for each text, or make a project for each label."), ""),
    "spans": Kind(say("labels of parts of the text only"), say("Export labels of whole texts."), ""),
    "rejected": Kind(say("a label that was rejected"), say("A rejected label says what a text is not: label it again."), _UNLABELLED),
    "ignored": Kind(say("an answer that was ignored"), say("Label them again, or add them as texts without labels."), _UNLABELLED),
    "skipped": Kind(say("skipped by the annotator"), say("Label them again, or add them as texts without labels."), _UNLABELLED),
    "discarded": Kind(say("discarded by the annotator"), say("Label them again, or add them as texts without labels."), _UNLABELLED),
    "nothing chosen": Kind(say("submitted without a choice"), say("Label them again, or add them as texts without labels."), _UNLABELLED),
    "not labelled": Kind(say("not labelled yet"), say("Add them as texts without labels, or label them first."), _UNLABELLED),
    "tie": Kind(say("annotators who disagree, without a majority"), say("Settle them in the file, or leave them out."), _UNLABELLED),
    "no majority": Kind(
        say("annotators who disagree, without a majority"), say("Settle them in the file, or leave them out."), _UNLABELLED
    ),
    "repeated": Kind(say("a text that stands in the file before")),
    "known": Kind(say("in the project already")),
    "elsewhere": Kind(say("words or a source that stand in another part of the project")),
    "letters": Kind(say("letters that cannot be read"), say("Choose the encoding in which the letters look right."), "--encoding NAME"),
    "encoding": Kind("", say("Choose another encoding if they do not."), "--encoding NAME"),
    "control": Kind(say("characters that no text has"), say("Remove them, or export the file again.")),
    "long": Kind(say("a text that is too long"), say("Shorten or divide it.")),
    "record": Kind(
        say("a JSON record in place of a text"), say("Choose the format JSON, or the column that holds the text."), "--format json"
    ),
    "split": Kind(say("a split that is not train, validation or test"), say("Correct it in the file.")),
    "width": Kind(say("more cells than the table has columns")),
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
        first, message = self.rows[0], self.messages[0]
        if len(self.rows) == 1:
            return say("row {row}: {message}", row=first, message=message) if first else message
        n, numbers = len(self.rows), and_more([*map(str, self.rows)], SHOWN)
        if len(self.messages) == 1 or not known.title:
            return say("{n:,} rows ({numbers}): {message}", n=n, numbers=numbers, message=message)
        return say(
            "{n:,} rows ({numbers}): {kind}. For example row {row}: {message}",
            n=n,
            numbers=numbers,
            kind=known.title,
            row=first,
            message=message,
        )

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
