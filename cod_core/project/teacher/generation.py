"""A teacher that generates, a model and a judge of its answers: what decides an answer, and where answers are kept.

Answers are replies in the store, so that no prompt is answered twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cod_core.models.choice import GenerativeChoice
from cod_core.models.encoder import weights_revision
from cod_core.text import short_hash

PROMPTS_A_SEARCH, PROMPTS_A_REPORT = 48, 24


@dataclass(frozen=True)
class Pace:
    """answers: written so far by this model with this length of answer. seconds: that one took."""

    answers: int
    seconds: float


def generator_revision(choice: GenerativeChoice) -> str:
    """Of the weights in a folder as they are now, else as they were when the teacher was chosen."""
    local = choice.local
    return weights_revision(local) if local and Path(local).is_dir() else choice.generator_revision or ""


def how_asked(choice: GenerativeChoice) -> str:
    """What, besides the prompt and the number of samples, decides an answer."""
    return short_hash(generator_revision(choice), choice.max_tokens, choice.temperature)


def answer_keys(choice: GenerativeChoice) -> Callable[[str, int], str]:
    """A function (prompt, sample) -> where the store keeps that answer."""
    from cod_core.models.generative import answer_key

    revision = generator_revision(choice)
    return lambda prompt, sample: answer_key(revision, prompt, sample, choice.max_tokens, choice.temperature)


def pace_key(choice: GenerativeChoice) -> str:
    """Where the number of answers and their seconds are counted."""
    return f"pace:{how_asked(choice)}"
