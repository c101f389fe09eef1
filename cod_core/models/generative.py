"""A generator and an attribute classifier as one teacher: predict(prompt) is the attribute of the model's answer.

The counterfactual of a prompt is then a small edit after which the answer has another attribute; the same search,
verification and curation find and judge it. The second extension of the paper's authors ranks edits by how far they
move what the model would say: `answer_shift`. Knows no task and no store.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cod_core.models.llm_teacher import Reading
from cod_core.models.local_chat import LINE_END, as_prompt, seed_of
from cod_core.models.local_llm import LocalLLM
from cod_core.text import short_hash, text_hash
from cod_core.types import Classifier, Prediction

Answer = Callable[[Sequence[str], int], list[str]]  # (prompts, sample index) -> one answer per prompt
VERSION = "answers/1"
BATCH = 16


class GenerativeTeacher:
    """A `Classifier` over prompts. answer: the generator; attribute: what judges its answers and names the labels.

    samples: answers per prompt; their probabilities are averaged, so that one unlucky word does not decide. An answer
    without a word has no attribute: a prompt that gets none but such answers is undecided, all labels alike.
    """

    def __init__(self, answer: Answer, attribute: Classifier, name: str, revision: str, samples: int = 1):
        """name, revision: of the generator. Raises ValueError where samples is below 1."""
        if samples < 1:
            raise ValueError(f"samples must be at least 1, got {samples}")
        self.labels, self._answer, self._attribute, self.samples = tuple(attribute.labels), answer, attribute, samples
        self.id = f"{name} answers, judged by {attribute.id.partition(':')[2] or attribute.id}"
        self.revision = short_hash(revision, attribute.revision, samples)
        self._said: dict[tuple[str, int], str] = {}

    def answers(self, prompts: Sequence[str], sample: int = 0) -> list[str]:
        """What the generator says, each prompt asked once per sample."""
        missing = [p for p in dict.fromkeys(prompts) if (p, sample) not in self._said]
        if missing:
            self._said |= {(p, sample): said for p, said in zip(missing, self._answer(missing, sample), strict=True)}
        return [self._said[p, sample] for p in prompts]

    def read(self, prompts: Sequence[str]) -> list[Reading]:
        """Predictions, and the share of each prompt's answers that hold a word."""
        told = np.array([[bool(said.strip()) for said in self.answers(prompts, s)] for s in range(self.samples)])
        rows = self.logprobs(prompts).tolist()
        return [Reading(Prediction(self.labels, tuple(row)), float(told[:, i].mean())) for i, row in enumerate(rows)]

    def logprobs(self, prompts: Sequence[str]) -> np.ndarray:
        """(n, C) log of the mean probability of each label over the samples that hold a word."""
        total, counted = np.zeros((len(prompts), len(self.labels))), np.zeros((len(prompts), 1))
        for sample in range(self.samples):
            said = self.answers(prompts, sample)
            told = [i for i, answer in enumerate(said) if answer.strip()]
            if told:
                total[told] += [p.probs for p in self._attribute.predict([said[i] for i in told])]
                counted[told] += 1
        mean = np.where(counted > 0, total / np.maximum(counted, 1), 1 / len(self.labels))
        return np.log(np.maximum(mean, 1e-12))

    def predict(self, prompts: Sequence[str]) -> list[Prediction]:
        """One Prediction per prompt, in order."""
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(prompts).tolist()] if len(prompts) else []

    def chars_read(self, text: str) -> int:
        """All of it: a prompt that does not fit is refused by the generator."""
        return len(text)


def local_answers(llm: LocalLLM, max_tokens: int = 24, temperature: float = 0.0, batch: int = BATCH) -> Answer:
    """An `Answer` by a local language model; greedy by default, so that a prompt has one answer.

    A model made for conversation is asked through its chat template; another goes on from the prompt to the end of
    the line. max_tokens: most tokens of an answer. Raises BadInput where a prompt is too long for the model.
    """
    stop = () if llm.chats else LINE_END

    def answer(prompts: Sequence[str], sample: int) -> list[str]:
        order, said = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), [""] * len(prompts)
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            told = llm.complete(
                [_asked(prompts[i], llm) for i in part], [seed_of(prompts[i], sample) for i in part], max_tokens, temperature, stop
            )
            for i, (text, _) in zip(part, told):
                said[i] = text.strip()
        return said

    return answer


def answer_key(revision: str, prompt: str, sample: int, max_tokens: int, temperature: float) -> str:
    """Names one answer: the model's revision, the prompt, and how it was asked. A greedy model has one sample."""
    return f"answer:{text_hash(chr(31).join(map(str, (VERSION, revision, sample, max_tokens, float(temperature), prompt))))}"


def kept_answers(
    answer: Answer,
    key: Callable[[str, int], str],
    get: Callable[[list[str]], Mapping[str, str]],
    put: Callable[[dict[str, str], float], object],
    batch: int = BATCH,
) -> Answer:
    """An `Answer` that asks only for what is not on record, and keeps each batch at once: a killed process loses the
    batch in flight. get: keys -> those known. put: told the new ones and the seconds that they took. Threads may share it.
    """
    lock = threading.Lock()

    def kept(prompts: Sequence[str], sample: int) -> list[str]:
        keys = [key(p, sample) for p in prompts]
        with lock:
            known = dict(get(list(dict.fromkeys(keys))))
            todo = sorted({k: p for k, p in zip(keys, prompts) if k not in known}.items(), key=lambda kp: len(kp[1]))
            for at in range(0, len(todo), batch):
                part, started = dict(todo[at : at + batch]), time.perf_counter()
                new = dict(zip(part, answer(list(part.values()), sample), strict=True))
                put(new, time.perf_counter() - started)
                known |= new
        return [known[k] for k in keys]

    return kept


def answer_shift(llm: LocalLLM, before: str, after: Sequence[str], continuation: str) -> np.ndarray:
    """How far each changed prompt moves what the model would say, in nats per token, at least 0.

    The mean over the tokens of `continuation` (the answer to `before`) of the fall of its log-likelihood, absolute:
    an estimate of the divergence of the two answer distributions along one sampled answer. (n,) for n prompts; nan
    where the model said nothing.
    """
    if not continuation.strip():
        return np.full(len(after), np.nan)
    said = continuation.strip() if llm.chats else f" {continuation.strip()}"
    usual, *moved = llm.continuation_nll([(_asked(p, llm), said) for p in (before, *after)])
    return np.array([float(np.mean(np.abs(row - usual))) for row in moved])


def _asked(prompt: str, llm: LocalLLM) -> str:
    """The prompt as the model reads it."""
    return as_prompt((("user", prompt),), llm) if llm.chats else prompt
