"""The local language model behind the same `chat` as an endpoint: generators and teachers do not know which they ask.

Replies are kept by the same callables under the same kind of key. A model that was not made for conversation
gets the messages as one text to continue, up to the end of the line.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cod_core.errors import BadInput
from cod_core.models.chat import Messages, Reply, reply_key
from cod_core.models.local_llm import DEFAULT_LLM, LocalLLM
from cod_core.progress import Progress, silent

BATCH = 16
MAX_TOKENS = 160
LINE_END = ("\n",)


@dataclass(frozen=True)
class LocalSettings:
    """What LLMSettings is for an endpoint. model: name, folder or GGUF file. Costs nothing and sends nothing."""

    model: str = DEFAULT_LLM
    temperature: float = 0.7
    n: int = 4
    base_url: str = "this computer"
    max_in_flight: int = 1

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BadInput("Give the name, the folder or the .gguf file of the language model.")
        if not 0 <= self.temperature <= 2:
            raise BadInput(f"The temperature must lie between 0 and 2; got {self.temperature}.")
        if not 1 <= self.n <= 50:
            raise BadInput(f"n must lie between 1 and 50; got {self.n}.")

    @property
    def host(self) -> str:
        """Where texts go: nowhere."""
        return "this computer"

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Always 0 USD."""
        return 0.0


class LocalClient:
    """An LLMClient whose model is on this machine. load: makes the LocalLLM, called on the first new prompt."""

    def __init__(
        self,
        settings: LocalSettings,
        load: Callable[[], LocalLLM],
        get_reply: Callable[[str], dict[str, Any] | None] | None = None,
        put_reply: Callable[[str, dict[str, Any]], object] | None = None,
    ) -> None:
        memory: dict[str, dict[str, Any]] = {}
        self.settings, self._load = settings, load
        self._get, self._put = get_reply or memory.get, put_reply or memory.__setitem__
        self._lock = threading.Lock()

    @property
    def llm(self) -> LocalLLM:
        """The model, loaded where it was not yet."""
        return self._load()

    def chat(
        self,
        messages: Messages,
        sample: int = 0,
        temperature: float | None = None,
        top_logprobs: int | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
        ahead: int = 0,
    ) -> Reply:
        """As LLMClient.chat. Token log-probabilities are not given: see LocalTeacher, which reads whole label words."""
        heat = self.settings.temperature if temperature is None else temperature
        self.prepare([(messages, sample + i) for i in range(ahead + 1)], heat, max_tokens)
        known = self._get(self._key(messages, heat, sample))
        assert known is not None  # prepare has just written it
        return Reply.from_dict(known)

    def prepare(
        self,
        asked: Sequence[tuple[Messages, int]],
        temperature: float | None = None,
        max_tokens: int | None = None,
        progress: Progress = silent,
    ) -> int:
        """Write the replies that are not known yet, 16 at a time, each batch kept at once; returns how many.

        A model on a processor writes 16 replies in little more time than one: callers with many prompts call this
        first and then chat(), which finds them.
        """
        heat = self.settings.temperature if temperature is None else temperature
        with self._lock:
            todo = [(m, s) for m, s in dict.fromkeys(asked) if self._get(self._key(m, heat, s)) is None]
            prompts = {m: as_prompt(m, self.llm) for m, _ in todo}
            todo.sort(key=lambda one: len(prompts[one[0]]))  # rows of one batch are padded to its longest
            for at in range(0, len(todo), BATCH):
                batch = todo[at : at + BATCH]
                self._write(batch, prompts, heat, max_tokens)
                progress(min(at + BATCH, len(todo)), len(todo), "the language model writes")
        return len(todo)

    def _write(self, batch: Sequence[tuple[Messages, int]], prompts: dict[Messages, str], heat: float, max_tokens: int | None) -> None:
        llm = self.llm
        told = llm.complete(
            [prompts[m] for m, _ in batch],
            [seed_of(prompts[m], s) for m, s in batch],
            max_tokens or MAX_TOKENS,
            heat,
            () if llm.chats else LINE_END,
        )
        for (messages, sample), (text, ending) in zip(batch, told):
            count_in, count_out = (len(llm.tokenizer(t)["input_ids"]) for t in (prompts[messages], text))
            reply = Reply(text.strip(), finish_reason=ending, tokens_in=count_in, tokens_out=count_out)
            self._put(self._key(messages, heat, sample), {k: v for k, v in asdict(reply).items() if k != "cached"})

    def _key(self, messages: Messages, heat: float, sample: int) -> str:
        return reply_key(self.settings, messages, heat, sample)


def as_prompt(messages: Messages, llm: LocalLLM) -> str:
    """Messages as the model reads them: through its own chat template, else as one text to continue."""
    if not llm.chats:
        return "\n\n".join(content for _, content in messages if content)
    wire = [{"role": role, "content": content} for role, content in messages]
    try:
        said: str = llm.tokenizer.apply_chat_template(wire, tokenize=False, add_generation_prompt=True)
    except Exception:  # a template's own refusal: some know no system role
        joined = "\n\n".join(content for _, content in messages if content)
        said = llm.tokenizer.apply_chat_template([{"role": "user", "content": joined}], tokenize=False, add_generation_prompt=True)
    start = llm.tokenizer.bos_token
    return said.removeprefix(start) if start else said  # the tokenizer adds it again


def seed_of(prompt: str, sample: int) -> int:
    """A seed that belongs to one prompt and sample index."""
    return int.from_bytes(hashlib.sha256(f"{sample}\x1f{prompt}".encode()).digest()[:7], "big")
