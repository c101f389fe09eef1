"""A teacher judged one label at a time: counts, intervals, and the sentences that name a label it does not know.

Plain labels in, numbers and sentences out; no model, no store. One number for all labels hides a dead one: a teacher that
never says "no harm" is still right on 91 of 100 notes where 4 of 100 say so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cod_core.diagnostics.fidelity import Share, wilson
from cod_core.said import Said, say, several

FEWEST_TO_JUDGE = 3  # rows of a label from which none right is worth a sentence
FEWEST_TO_RATE = 5  # rows from which a share below POOR is
POOR = 0.5
FEW_TRAINING_ROWS = 40  # of a label: below them more rows are the better remedy


@dataclass(frozen=True)
class OfLabel:
    """recall: of the judged rows with this label, those it named right. precision: of the rows it gave this label, those that have it."""

    label: str
    recall: Share
    precision: Share
    right: int
    said: int

    @property
    def n(self) -> int:
        """Judged rows with this label."""
        return self.recall.n


@dataclass(frozen=True)
class ByClass:
    """of: a value a label, in the order of the task. table: (said, labelled) -> rows, only pairs that occur."""

    of: tuple[OfLabel, ...]
    table: Mapping[tuple[str, str], int]

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the task."""
        return tuple(one.label for one in self.of)

    @property
    def worst(self) -> OfLabel | None:
        """The label with the least recall, of those with enough rows to judge; the one with more rows where two are alike."""
        judged = [one for one in self.of if one.n >= FEWEST_TO_JUDGE]
        return min(judged, key=lambda one: (one.recall.value or 0.0, -one.n), default=None)

    def mixed_up(self) -> list[tuple[str, str, int]]:
        """(said, labelled, rows) of every mistake, the most frequent first."""
        wrong = [(said, label, n) for (said, label), n in self.table.items() if said != label]
        order = {label: i for i, label in enumerate(self.labels)}
        return sorted(wrong, key=lambda pair: (-pair[2], order[pair[1]], order[pair[0]]))

    def most_mistakes_first(self) -> list[int]:
        """Indices of the labels, those first that have part in most mistakes, as label or as answer."""
        part = Counter[str]()
        for said, label, n in self.mixed_up():
            part[said] += n
            part[label] += n
        return sorted(range(len(self.of)), key=lambda i: (-part[self.of[i].label], i))

    def shares(self) -> list[list[float]]:
        """(C, C): of the rows with label i, the share that was called j; zeros where there is no such row."""
        return [[self.table.get((said, one.label), 0) / one.n if one.n else 0.0 for said in self.labels] for one in self.of]


@dataclass(frozen=True)
class Finding:
    """A label that the teacher does not know. dead: none of its rows is named right. unjudged: there is no row to judge it on."""

    label: str
    sentence: str
    dead: bool = False
    unjudged: bool = False


def by_class(gold: Sequence[str], said: Sequence[str], labels: Sequence[str], drawn: int | None = None) -> ByClass:
    """Count answers against labels. gold, said: (n,) labels of the task.

    drawn: how many of the rows, from the first, were drawn as they come; the others were added since their label is rare. Only
    the former say how often an answer is right: with the latter a rare label would look more often right than it is.
    Raises ValueError where a label is not one of `labels`.
    """
    if strange := (set(gold) | set(said)) - set(labels):
        raise ValueError(f"not a label of the task: {', '.join(sorted(strange))}")
    table, drawn = Counter(zip(said, gold, strict=True)), len(gold) if drawn is None else drawn
    rows, answers, first = Counter(gold), Counter(said), Counter(zip(said[:drawn], gold[:drawn]))
    answered = Counter(said[:drawn])
    return ByClass(
        tuple(
            OfLabel(
                label,
                wilson(table[label, label], rows[label]),
                wilson(first[label, label], answered[label]),
                table[label, label],
                answers[label],
            )
            for label in labels
        ),
        dict(table),
    )


def findings(seen: ByClass) -> list[Finding]:
    """Labels that the teacher does not know, the worst first: dead ones, poor ones, those that nobody could judge."""
    worst_first = sorted(seen.of, key=lambda one: (one.recall.value if one.n else 2.0, -one.n))
    return [found for one in worst_first if (found := _finding(one)) is not None]


def _finding(one: OfLabel) -> Finding | None:
    name, n = f"'{one.label}'", one.n
    if not n:
        return Finding(one.label, say("No labelled text shows how well it knows {label}.", label=name), unjudged=True)
    if not one.said:
        return Finding(one.label, say("It never says {label}: 0 of {of}.", label=name, of=n), dead=True)
    if not one.right and n >= FEWEST_TO_JUDGE:
        return Finding(one.label, say("It names {label} right in none of {of} texts.", label=name, of=n), dead=True)
    if n >= FEWEST_TO_RATE and one.right < POOR * n:
        return Finding(one.label, say("It names {label} right in only {right} of {of} texts.", label=name, right=one.right, of=n))
    if one.precision.n >= FEWEST_TO_RATE and (one.precision.value or 0.0) < POOR:
        right = round((one.precision.value or 0.0) * one.precision.n)
        return Finding(
            one.label, say("When it says {label}, it is right in only {right} of {of} texts.", label=name, right=right, of=one.precision.n)
        )
    return None


def hardest(seen: ByClass) -> str:
    """One sentence on the label that it knows least; "" where none has enough rows, or where all are alike."""
    one = seen.worst
    if one is None or one.right == one.n:
        return ""
    return say("It finds '{label}' hardest: right in {right} of {of} texts.", label=one.label, right=one.right, of=one.n)


def most_mixed_up(seen: ByClass) -> str:
    """One sentence on the most frequent mistake, "" where there is none."""
    for said, label, n in seen.mixed_up()[:1]:
        return say(
            "The most frequent mistake: it said '{said}' where the label is '{label}', in {texts}.",
            said=said,
            label=label,
            texts=several(n, "text"),
        )
    return ""


def remedy(found: Finding, training_rows: int, own: bool, unfinished: bool) -> Said:
    """What to do about a label. training_rows: of this label. own: whether the teacher was trained on this project's texts;
    unfinished: by an older rule, or for so many rounds as somebody chose, so that training until it has learnt may mend it."""
    name = f"'{found.label}'"
    if found.unjudged:
        return say("Add labelled test texts of {label} on the Data page.", label=name)
    rows = several(training_rows, "training text")
    if own and unfinished:
        if training_rows == 1:
            return say("Train it again until it has learnt: there is {rows} of {label}.", rows=rows, label=name)
        return say("Train it again until it has learnt: there are {rows} of {label}.", rows=rows, label=name)
    if training_rows == 1:
        return say("Add texts of {label} on the Data page, then train a teacher: there is {rows} of it.", rows=rows, label=name)
    if training_rows < FEW_TRAINING_ROWS:
        return say("Add texts of {label} on the Data page, then train a teacher: there are {rows} of it.", rows=rows, label=name)
    if not own:
        return say("Train a teacher on your texts: there are {rows} of {label}.", rows=rows, label=name)
    return say("There are {rows} of {label}. Check that their labels are right.", rows=rows, label=name)
