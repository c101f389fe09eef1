"""Several people's labels of one text: their agreement, what the majority says, and why a text has no label.

Nothing is guessed: a label is what one person chose alone, or what more than half of several people chose.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cod_core.data.bounds import cell_text, check_width
from cod_core.data.raw import Gap, Known, Raw
from cod_core.said import say, together

SEVERAL = "several"


@dataclass(frozen=True)
class Vote:
    """labels: what one person chose, none where `gap` says why."""

    labels: tuple[str, ...]
    gap: Gap | None = None


@dataclass
class Case:
    """One text as a tool holds it. number: of its record. fields: its columns. votes: question -> what each person said."""

    number: int
    fields: dict[str, object]
    votes: dict[str, list[Vote]] = field(default_factory=dict)

    def vote(self, question: str, labels: Iterable[object], gap: Gap | None = None) -> None:
        """Add what one person said."""
        names = tuple(dict.fromkeys(name for label in labels if (name := cell_text(label).strip())))
        self.votes.setdefault(question, []).append(Vote(names, gap))


@dataclass(frozen=True)
class Settled:
    """label: "" where `gap` says why. tally: "praise 2, complaint 1", "" for one person. share: of the people who agree."""

    label: str = ""
    gap: Gap | None = None
    tally: str = ""
    share: str = ""


NOT_LABELLED = Gap("not labelled", say("Nobody has labelled this text yet."))


def several(labels: Sequence[str]) -> Gap:
    """The reason of a text with more than one label."""
    return Gap(SEVERAL, say("This text has {n} labels ({labels}), and one is needed.", n=len(labels), labels=_listed(labels)))


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(label[:60] for label in labels[:6])
    return say("{labels} and more", labels=shown) if len(labels) > 6 else shown


def settled(votes: Sequence[Vote]) -> Settled:
    """The label that the votes amount to. Votes without a label count for nobody; where all are so, the first says why."""
    given = [vote for vote in votes if vote.labels and vote.gap is None]
    if not given:
        return Settled(gap=next((vote.gap for vote in votes if vote.gap), NOT_LABELLED))
    if many := [vote for vote in given if len(vote.labels) > 1]:
        return Settled(gap=several(many[0].labels))
    if len(given) == 1:
        return Settled(given[0].labels[0])
    counts = Counter(vote.labels[0] for vote in given).most_common()
    tally = ", ".join(f"{label} {n}" for label, n in counts)
    label, most = counts[0]
    share = f"{most} of {len(given)}"
    if 2 * most > len(given):
        return Settled(label, None, tally, share)
    kind = "tie" if len(counts) > 1 and counts[1][1] == most else "no majority"
    return Settled("", Gap(kind, say("The annotators disagree ({tally}), and no label has a majority.", tally=tally)), tally, share)


def raw_of(cases: Sequence[Case], questions: Sequence[str], said: str, shape: str, text: str = "text", name: str = "") -> Raw:
    """The cases as rows: their fields, a column of labels for each question, and where several people labelled, their votes.

    questions: names of the label columns, in order. said: begins the sentence on what the file is; the counts are added.
    text, name: the fields that hold the text and the name of a row.
    """
    fields = list(dict.fromkeys(key for case in cases for key in case.fields))
    columns = {question: _free(question, fields) for question in questions}
    outcome = {question: [settled(case.votes.get(question, ())) for case in cases] for question in questions}
    voted = [q for q in questions if any(s.tally for s in outcome[q])]
    names = [*fields, *columns.values(), *_names_of_votes(voted, len(questions))]
    check_width(len(names))
    rows = [
        (case.number, [*(cell_text(case.fields.get(key)) for key in fields), *_cells([outcome[q][i] for q in questions], voted, questions)])
        for i, case in enumerate(cases)
    ]
    gaps = {columns[q]: {case.number: s.gap for case, s in zip(cases, outcome[q]) if s.gap} for q in questions}
    words = together((said, *(agreement(outcome[q]) for q in questions)))
    return Raw(rows, names=names, gaps=gaps, known=Known(text, tuple(columns.values()), name), said=words, shape=shape)


def _cells(found: Sequence[Settled], voted: Sequence[str], questions: Sequence[str]) -> list[str]:
    """The labels of one case, then its votes and their share for the questions that several people answered."""
    labels = [one.label for one in found]
    return labels + [cell for question, one in zip(questions, found) if question in voted for cell in (one.tally, one.share)]


def _names_of_votes(voted: Sequence[str], questions: int) -> list[str]:
    """Two columns for each question that several people answered; which question, where there is another."""
    extras = ["" if questions == 1 else f" ({question})" for question in voted]
    return [name for extra in extras for name in (f"votes{extra}", f"agreement{extra}")]


def _free(name: str, taken: list[str]) -> str:
    """The name, or one close to it that no column has."""
    free, n = name, 2
    while free in taken:
        free, n = f"{name} ({n})", n + 1
    return free


def agreement(found: Sequence[Settled]) -> str:
    """'Several people labelled 20 texts: 15 unanimously, 4 by majority, 1 without one.' ''where nobody met another."""
    shared = [one for one in found if one.tally]
    if not shared:
        return ""
    alike = sum(len(one.tally.split(", ")) == 1 or one.share.split(" of ")[0] == one.share.split(" of ")[1] for one in shared)
    open_ = sum(not one.label for one in shared)
    parts = [say("{n} unanimously", n=alike), say("{n} by majority", n=len(shared) - alike - open_), say("{n} without one", n=open_)]
    told = together((part for part in parts if part.values["n"]), ", ")
    return say("Several people labelled {n} texts: {parts}.", n=len(shared), parts=told)
