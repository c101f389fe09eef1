"""The teacher's verdict on proposals: one FlipCheck for one exact text. Knows no store and no screen."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from cod_core import text as tx
from cod_core.types import Classifier, Counterfactual, FlipCheck, Prediction, now

READ = "read/1"  # ends the revision of a proposal's origin where judges have read it (grading.py)
Embed = Callable[[Sequence[str]], np.ndarray]


def target_of(before: Prediction) -> str:
    """The class to aim at: the likeliest one that is not the teacher's class (the other one, for two)."""
    ranked = sorted(range(len(before.labels)), key=lambda i: -before.logprobs[i])
    return before.labels[ranked[1]]


def check(
    original: str, cf: Counterfactual, teacher: Classifier, before: Prediction, after: Prediction, similarity: float | None = None
) -> FlipCheck:
    """The verdict from two predictions of `teacher` on `original` and on cf.text."""
    return FlipCheck(
        counterfactual_id=cf.id,
        teacher_id=teacher.id,
        teacher_revision=teacher.revision,
        before=before,
        after=after,
        target=cf.target,
        token_edits=tx.token_distance(original, cf.text),
        edit_fraction=tx.edit_fraction(original, cf.text),
        char_edits=tx.char_distance(original, cf.text),
        similarity=similarity,
        truncated=teacher.chars_read(cf.text) < len(cf.text),
        checked_at=now(),
    )


def verify(pairs: Sequence[tuple[str, Counterfactual]], teacher: Classifier, embed: Embed | None = None) -> list[FlipCheck]:
    """Verdicts on (original text, counterfactual) pairs, in batches.

    embed: texts -> (n, d) unit rows, for the cosine similarity; None leaves it unmeasured.
    """
    if not pairs:
        return []
    originals, texts = [a for a, _ in pairs], [cf.text for _, cf in pairs]
    befores, afters = teacher.predict(originals), teacher.predict(texts)
    cosines: list[float | None] = [None] * len(pairs)
    if embed is not None:
        cosines = [float(v) for v in np.sum(embed(originals) * embed(texts), axis=1)]
    return [check(a, cf, teacher, before, after, cosine) for (a, cf), before, after, cosine in zip(pairs, befores, afters, cosines)]


def first_offer(cfs: Sequence[Counterfactual], checks: dict[str, FlipCheck]) -> list[Counterfactual]:
    """Proposals in the order they are offered: flips first, then fewest edits, then the clearest flip.

    Texts that only lost words come after those that replaced or negated: they read as fragments. Where a teacher
    generates, the edits that move its answer furthest come before all that. What judges have read keeps the order that they
    gave it and comes first, what was made smaller since before the rest.
    """

    def key(cf: Counterfactual) -> tuple[int, float, int, int, bool, float]:
        verdict = checks.get(cf.id)
        if verdict is None:
            return (2, 0.0, 0, 0, False, 0.0)
        if READ in cf.origin.revision.split():
            return (0 if verdict.valid else 1, -(verdict.shift or 0.0), 0, 0 if cf.derived_from else 1, False, 0.0)
        return (
            0 if verdict.valid else 1,
            -(verdict.shift or 0.0),
            1,
            verdict.token_edits,
            _only_lost_words(cf.note),
            -verdict.after.margin_of(cf.target),
        )

    return sorted(cfs, key=key)


def _only_lost_words(note: str) -> bool:
    """Whether a note of the search (moves.told) tells of deletions and nothing else."""
    return all(part.startswith("deleted ") for part in note.split("; ")) or re.match(r"\d+ left out\b", note) is not None
