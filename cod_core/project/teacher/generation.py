"""The spec of a teacher that generates, a model and a judge of its answers: what decides an answer, and where answers are kept.

spec: {"kind": "generative", "local": name, folder or .gguf, "judge": the spec of a classifier, "max_tokens",
"samples", "temperature"}. Answers are replies in the store, so that no prompt is answered twice.
"""

from dataclasses import dataclass
from pathlib import Path

from cod_core.models.encoder import weights_revision
from cod_core.text import short_hash

JUDGES = ("builtin", "transformers", "finetuned")


MOST_TOKENS, MOST_SAMPLES = 256, 20


PROMPTS_A_SEARCH, PROMPTS_A_REPORT = 48, 24


@dataclass(frozen=True)
class Pace:
    """answers: written so far by this model with this length of answer. seconds: that one took."""

    answers: int
    seconds: float


def generator_revision(spec: dict) -> str:
    """Of the weights in a folder as they are now, else as they were when the teacher was chosen."""
    return weights_revision(spec["local"]) if Path(spec["local"]).is_dir() else spec["generator_revision"]


def how_asked(spec: dict) -> str:
    """What, besides the prompt and the number of samples, decides an answer."""
    return short_hash(generator_revision(spec), spec["max_tokens"], spec["temperature"])


def answer_keys(spec: dict):
    """A function (prompt, sample) -> where the store keeps that answer."""
    from cod_core.models.generative import answer_key

    revision = generator_revision(spec)
    return lambda prompt, sample: answer_key(revision, prompt, sample, spec["max_tokens"], spec["temperature"])


def pace_key(spec: dict) -> str:
    """Where the number of answers and their seconds are counted."""
    return f"pace:{how_asked(spec)}"
