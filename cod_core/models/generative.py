"""A generator and an attribute classifier as one teacher: predict(prompt) is the attribute of the model's answer.

The counterfactual of a prompt is then a small edit after which the answer has another attribute; the same search,
verification and curation find and judge it. The second extension of the paper's authors ranks edits by how far they
move what the model would say: `answer_shift`. Knows no task and no store.
"""

from collections.abc import Callable, Sequence

import numpy as np

from cod_core.models.local_chat import seed_of
from cod_core.models.local_llm import LocalLLM
from cod_core.text import short_hash
from cod_core.types import Classifier, Prediction

Answer = Callable[[Sequence[str], int], list[str]]  # (prompts, sample index) -> one answer a prompt


class GenerativeTeacher:
    """A `Classifier` over prompts. answer: the generator; attribute: what judges its answers and names the labels.

    samples: answers a prompt; their probabilities are averaged, so that one unlucky word does not decide.
    """

    def __init__(self, answer: Answer, attribute: Classifier, name: str, revision: str, samples: int = 1):
        """name, revision: of the generator. Raises ValueError where samples is below 1."""
        if samples < 1:
            raise ValueError(f"samples must be at least 1, got {samples}")
        self.labels, self._answer, self._attribute, self.samples = tuple(attribute.labels), answer, attribute, samples
        self.id = f"{name}|{attribute.id}"
        self.revision = short_hash(revision, attribute.revision, samples)
        self._said: dict[tuple[str, int], str] = {}

    def answers(self, prompts: Sequence[str], sample: int = 0) -> list[str]:
        """What the generator says, each prompt asked once a sample."""
        missing = [p for p in dict.fromkeys(prompts) if (p, sample) not in self._said]
        if missing:
            self._said |= {(p, sample): said for p, said in zip(missing, self._answer(missing, sample), strict=True)}
        return [self._said[p, sample] for p in prompts]

    def logprobs(self, prompts: Sequence[str]) -> np.ndarray:
        """(n, C) log of the mean probability of each label over the samples."""
        rows = [[p.probs for p in self._attribute.predict(self.answers(prompts, s))] for s in range(self.samples)]
        return np.log(np.maximum(np.mean(rows, axis=0), 1e-12)).reshape(len(prompts), len(self.labels))

    def predict(self, prompts: Sequence[str]) -> list[Prediction]:
        """One Prediction a prompt, in order."""
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(prompts).tolist()] if len(prompts) else []

    def chars_read(self, text: str) -> int:
        """All of it: a prompt that does not fit is refused by the generator."""
        return len(text)


def local_answers(llm: LocalLLM, max_tokens: int = 24, temperature: float = 0.0, batch: int = 16,
                  stop: tuple[str, ...] = ("\n",)) -> Answer:
    """An `Answer` by a local language model; greedy by default, so that a prompt has one answer."""
    def answer(prompts: Sequence[str], sample: int) -> list[str]:
        order, said = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), [""] * len(prompts)
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            told = llm.complete([prompts[i] for i in part], [seed_of(prompts[i], sample) for i in part], max_tokens,
                                temperature, stop)
            for i, (text, _) in zip(part, told):
                said[i] = text.strip()
        return said
    return answer


def answer_shift(llm: LocalLLM, before: str, after: Sequence[str], continuation: str) -> np.ndarray:
    """How far each changed prompt moves what the model would say, in nats a token, at least 0.

    The mean over the tokens of `continuation` (the answer to `before`) of the fall of its log-likelihood, absolute:
    an estimate of the divergence of the two answer distributions along one sampled answer. (n,) for n prompts.
    """
    if not continuation.strip():
        return np.full(len(after), np.nan)
    said = f" {continuation.strip()}"
    usual, *moved = llm.continuation_nll([(p, said) for p in (before, *after)])
    return np.array([float(np.mean(np.abs(row - usual))) for row in moved])
