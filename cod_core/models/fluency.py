"""How well a text reads: mean negative log-likelihood per token, by a language model or by word pairs of own texts.

The fluency ratio of a change is judge(x') / judge(x): above 1 it reads worse than the original. Knows no teacher.
Each judge carries the name that is shown beside its numbers; where none can judge, there is no number.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from cod_core.models.local_llm import LocalLLM
from cod_core.text import tokens

_START = "\x02"
_DISCOUNT = 0.75


class LMFluency:
    """Mean NLL per token under a causal language model, in nats. load: makes the model on first use."""

    def __init__(self, name: str, load: Callable[[], LocalLLM]):
        self.name, self._load = f"{name}, mean NLL a token", load

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) nats; nan for a text without tokens. Case and spacing are judged too."""
        return self.model.nll(texts)

    @property
    def model(self) -> LocalLLM:
        """The model, loaded where it was not yet."""
        return self._load()


class WordPairFluency:
    """The fallback: word pairs of the person's own texts, interpolated with absolute discounting.

    A weak judge that sees two words at a time and knows no word that the texts do not hold: its name says so.
    Ney, Essen & Kneser 1994, with the discount .75 of common practice.
    """

    def __init__(self, texts: Sequence[str]):
        """texts: what counts as fluent. Raises ValueError where they hold no word."""
        self._pairs: Counter[tuple[str, str]] = Counter()
        words: Counter[str] = Counter()
        for text in texts:
            row = self._words(text)
            words.update(row[1:])
            self._pairs.update(zip(row, row[1:]))
        if not words:
            raise ValueError("fluency cannot be learned from texts without words")
        self._before: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for (first, _), count in self._pairs.items():
            self._before[first] += count
            self._kinds[first] += 1
        total = sum(words.values())
        self._single = {w: max(c - _DISCOUNT, 0) / total for w, c in words.items()}
        self._spare = _DISCOUNT * len(words) / total / (len(words) + 1)  # for each word, known or not
        self.name = f"word pairs of {len(texts)} own texts (no language model installed)"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) nats per token; nan for a text without tokens."""
        return np.array([self._mean(self._words(text)) for text in texts])

    def logprob(self, before: str, word: str) -> float:
        """Natural log of the probability of a word after another; '\\x02' begins a text."""
        single = self._single.get(word, 0.0) + self._spare
        seen = self._before[before]
        if not seen:
            return math.log(single)
        held_back = _DISCOUNT * self._kinds[before] / seen
        return math.log(max(self._pairs[before, word] - _DISCOUNT, 0) / seen + held_back * single)

    def _mean(self, row: list[str]) -> float:
        pairs = list(zip(row, row[1:]))
        return -sum(self.logprob(a, b) for a, b in pairs) / len(pairs) if pairs else float("nan")

    @staticmethod
    def _words(text: str) -> list[str]:
        return [_START, *(w.casefold() for w in tokens(text))]


def ratio(before: float | None, after: float | None) -> float | None:
    """after / before; None where one of them was not measured or cannot be divided by."""
    if before is None or after is None or not math.isfinite(before) or not math.isfinite(after) or before <= 0:
        return None
    return after / before
