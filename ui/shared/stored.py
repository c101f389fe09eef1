"""Sentences that come in English from the data folder or from the process of a job, in the language of the screen.

Such a sentence no longer knows how it was made: it is held against the forms it may have. What has none of them stays as it is.
"""

import string
from collections.abc import Sequence
from functools import cache

from cod_core.said import Said, msg, say
from ui.frame.words import language, t

ENDED = (
    msg("This job does not exist (any more)."),
    msg("The work was interrupted; press Resume. What was finished is kept."),
    msg("No worker took this job. Start one (`cod worker` on this data folder), then press Resume."),
    msg("Something went wrong that should not have (details in the log file). What was finished is kept."),
    msg("Cancelled. What was finished is kept."),
)
"""Why a job ended, and what is said of one that is gone."""

FOUND = (
    msg(
        "Nothing that reads well was found for {n} of {of} texts. Let any change that flips be offered instead, "
        "ask a language model, or write your own."
    ),
)
"""What the result of a job keeps in words."""

DOING = (
    msg("waiting"),
    msg("waiting for the worker"),
    msg("waiting for your other job to finish"),
    msg("waiting for another job to finish"),
    msg("starting"),
    msg("done"),
    msg("asking the teacher"),
    msg("checking again"),
    msg("comparing the lines"),
    msg("comparing the new teacher with the one before"),
    msg("cross-validating"),
    msg("drawing the training rows"),
    msg("fetching the sample"),
    msg("fine-tuning the student"),
    msg("judging students on the new texts"),
    msg("loading the language model"),
    msg("making held-out pairs"),
    msg("measuring the teacher"),
    msg("reading texts"),
    msg("reading the development texts"),
    msg("reading the pairs"),
    msg("reading the proposals"),
    msg("reading your own texts"),
    msg("saving the sample"),
    msg("searching for small edits that change the teacher's mind"),
    msg("a second judge learns from the teacher's answers to your texts"),
    msg("taking back edits that are not needed"),
    msg("the language model writes"),
    msg("training students"),
    msg("training students: {task}"),
    msg("training the teacher"),
    msg("training the teacher, round {round} of at most {most}"),
    msg("training the teacher, once more on all texts"),
    msg("writing and checking the small model"),
    msg("sending {n} requests to {host}"),
    msg("{n} of {total} requests are answered; {host} has a day for them"),
    msg("{n} texts from {model}"),
)
"""What a job reports while it works, and with it what its process sends."""


def spoken(sentence: str, forms: Sequence[str]) -> str:
    """The sentence in the language of the screen, by the first of the forms that it has. forms: templates marked by msg."""
    if language() == "en" or not sentence:
        return sentence
    if isinstance(sentence, Said):
        return t(sentence)
    for form in forms:
        values = _values(_pieces(str(form)), sentence)
        if values is not None:
            return t(say(str(form), **values))
    return sentence


@cache
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """(words, name of the value after them) of a template."""
    return tuple((words, name) for words, name, _, _ in string.Formatter().parse(template))


def _values(pieces: Sequence[tuple[str, str | None]], sentence: str) -> dict[str, str] | None:
    """What stands at the template's names, each as short as can be and never empty; None where the sentence has another form. One
    pass, whatever the sentence holds."""
    found: dict[str, str] = {}
    at, name = 0, None
    for i, (words, following) in enumerate(pieces):
        last = i == len(pieces) - 1 and following is None
        start = len(sentence) - len(words) if last and name else sentence.find(words, at + 1) if name and words else at
        if name and not words:
            start = len(sentence)
        if start < at + bool(name) or not sentence.startswith(words, start):
            return None
        if name:
            found[name] = sentence[at:start]
        at, name = start + len(words), following
    if name:
        found[name], at = sentence[at:], len(sentence) if sentence[at:] else -1
    return found if at == len(sentence) else None
