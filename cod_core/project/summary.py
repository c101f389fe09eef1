"""Counts of everything the stepper shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from cod_core.project.curation.pairs import Pairs
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items


@dataclass(frozen=True)
class Summary:
    """Counts for the stepper. counts: (split, label) -> texts. largest_k: most balanced rows the labels allow.

    n_proposed_texts: with a proposal. n_tried: these, and the texts for which nothing was found. n_valid: with one that flips.
    """

    counts: Mapping[tuple[str, str | None], int]
    largest_k: int
    n_train: int
    n_test: int
    n_unlabelled: int
    n_proposed_texts: int
    n_tried: int
    n_valid: int
    n_decided: int
    n_accepted: int
    teacher_label: str | None
    stale: int

    @property
    def n_texts(self) -> int:
        """All texts, whatever they are for."""
        return sum(self.counts.values())


def summarise(teacher: Teacher, pairs: Pairs) -> Summary:
    """The counts as they are now; no model is asked."""
    counts = items.counts(pairs.db, pairs.id)
    train = counts.per_label("train", pairs.labels)
    state = pairs.state()
    proposed = state.snapshot.by_example
    return Summary(
        counts=counts.texts,
        largest_k=min(train.values()) * len(train),
        n_train=sum(train.values()),
        n_test=counts.of("test"),
        n_unlabelled=counts.unlabelled,
        n_proposed_texts=len(proposed),
        n_tried=len(proposed) + len(pairs.without()),
        n_valid=len(state.flipped),
        n_decided=sum(n for status, n in state.statuses.items() if status not in ("pending", "skipped")),
        n_accepted=state.n_accepted,
        teacher_label=teacher.label(),
        stale=state.stale,
    )
