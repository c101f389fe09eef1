"""What a comparison of students lacks, in sentences. Labels and counts in, words out."""

from collections.abc import Sequence

from cod_core.said import Said, say, several

NO_TEST = say(
    "There are no test texts: upload a test file (best 100 texts or more) or unlabelled texts, otherwise nothing can be measured."
)


def without_pairs(labels: Sequence[str]) -> Said:
    """Why there is no comparison: the labels of which no accepted pair can be learnt from, by name."""
    named = ", ".join(f"“{label}”" for label in labels)
    return say(
        "There is no accepted pair of {labels} yet. A comparison needs at least one of each label. "
        "The command next, and the Distil page, say how to come to it.",
        labels=named,
    )


def left_out_sentence(labels: Sequence[str], pairs: int) -> Said:
    """What is not compared, and what that costs."""
    named = ", ".join(f"“{label}”" for label in labels)
    theirs = several(pairs, "accepted pair")
    if len(labels) == 1:
        return say("Left out of the comparison: {labels}, and {pairs} from or to it.", labels=named, pairs=theirs)
    return say("Left out of the comparison: {labels}, and {pairs} from or to them.", labels=named, pairs=theirs)
