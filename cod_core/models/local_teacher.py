"""A language model on this machine as teacher: the likelihood of each label's words after the text, all tokens counted.

Unlike an endpoint, which shows the likeliest tokens only, the model gives every label's exact probability. What it
would rather say than any label is reported as not covered. Knows no store.
"""

import math
from collections.abc import Sequence

from cod_core.models.calibration import CONTENT_FREE, calibrated, content_free_prior
from cod_core.models.llm_teacher import Reading
from cod_core.models.local_chat import as_prompt
from cod_core.models.local_llm import LocalLLM
from cod_core.text import short_hash
from cod_core.types import Prediction, Task

PROMPT_VERSION = "1"
BATCH = 16


class LocalTeacher:
    """A `Classifier` over a LocalLLM. calibrate: divide by the label prior of content-free inputs."""

    kind = "logprobs"

    def __init__(self, llm: LocalLLM, task: Task, calibrate: bool = False):
        self._llm, self._task, self.calibrate = llm, task, calibrate
        self.labels = tuple(task.labels)
        self.id = f"llm:{llm.name}@this computer"
        self.revision = short_hash(PROMPT_VERSION, self.prompt(""), llm.revision, calibrate)
        self._prior: tuple[float, ...] | None = None

    def prompt(self, text: str) -> str:
        """What the model reads before the label word."""
        about = self._task.descriptions or ("",) * len(self.labels)
        lines = [f"{label}: {said}" for label, said in zip(self.labels, about) if said]
        asked = "\n".join([f"Question: {self._task.name}", f"Answers: {', '.join(self.labels)}", *lines])
        body = f"{asked}\n\nText: {' '.join(text.split())}\nAnswer:"
        return as_prompt((("user", body),), self._llm) if self._llm.chats else body

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One Prediction per text, in order."""
        return [reading.prediction for reading in self.read(texts)]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Predictions and the probability that the model gives to all labels together."""
        found = self._raw(texts)
        if not self.calibrate:
            return found
        return [Reading(calibrated(r.prediction, self.prior), r.covered) for r in found]

    @property
    def prior(self) -> tuple[float, ...]:
        """What the prompt alone makes of each label; sums to 1."""
        if self._prior is None:
            self._prior = content_free_prior([r.prediction for r in self._raw(CONTENT_FREE)])
        return self._prior

    def chars_read(self, text: str) -> int:
        """All of it: a text that does not fit is refused."""
        return len(text)

    def _raw(self, texts: Sequence[str]) -> list[Reading]:
        answers = [label if self._llm.chats else f" {label}" for label in self.labels]
        rows = self._llm.answer_logprobs([self.prompt(t) for t in texts], answers, BATCH)
        return [_reading(row, self.labels) for row in rows.tolist()]


def _reading(logprobs: Sequence[float], labels: Sequence[str]) -> Reading:
    """From the log-probabilities of each label's words among all continuations."""
    top = max(logprobs)
    total = top + math.log(sum(math.exp(v - top) for v in logprobs))
    return Reading(Prediction(tuple(labels), tuple(v - total for v in logprobs)), min(1.0, math.exp(total)))
