"""A causal language model on this machine: it continues prompts and says how likely texts are.

Knows no task, no template and no store. Any causal LM of transformers by name or folder, a GGUF file, or the
packaged one. Safetensors only, no remote code.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cod_core.errors import BadInput
from cod_core.models import gguf
from cod_core.models.encoder import length_batches, load_pretrained, load_tokenizer, revision_of
from cod_core.progress import Progress, silent

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

DEFAULT_LLM = gguf.PACKAGED
TOKENS_A_BATCH = 384  # the log-probabilities of 384 tokens over a vocabulary of 262,144 take 400 MB
TOP_K, TOP_P = 64, 0.95


def is_gguf(name: str) -> bool:
    """Whether a name stands for a GGUF file, which is converted before it is loaded."""
    return name == gguf.PACKAGED or name.lower().endswith(".gguf")


def resolve_llm(name: str, cache: Path, progress: Progress = silent) -> str:
    """What transformers loads for a name: a folder, or a hub name. GGUF files are converted below `cache` first, of which
    progress hears.

    Raises ModelUnavailable.
    """
    if is_gguf(name):
        return str(gguf.converted(name, cache, progress))
    return name


class LocalLLM:
    """A loaded language model. id and revision name its weights; chats: whether it was made for conversation."""

    def __init__(self, name: str = DEFAULT_LLM, cache: str | Path = ".", progress: Progress = silent) -> None:
        """cache: folder for converted GGUF files. progress: of a conversion. Raises ModelUnavailable."""
        import torch
        from transformers import AutoModelForCausalLM

        where = resolve_llm(name, Path(cache), progress)
        self.name = Path(name).name if Path(where).is_dir() else name
        self.id = f"local:{self.name}"
        self.tokenizer = load_tokenizer(where)
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda" if cuda else "cpu")
        self.model = load_pretrained(AutoModelForCausalLM, where, dtype=torch.bfloat16 if cuda else torch.float32)
        self.model.to(self.device).eval()
        self.revision = revision_of(where)
        self.chats = self.tokenizer.chat_template is not None
        self.max_tokens = int(getattr(self.model.config, "max_position_embeddings", 2048) or 2048)
        self._prefix: tuple[tuple[int, ...], DynamicCache | None] = ((), None)

    # -------------------------------------------------------------- writing

    def complete(
        self, prompts: Sequence[str], seeds: Sequence[int], max_tokens: int = 64, temperature: float = 0.7, stop: Sequence[str] = ()
    ) -> list[tuple[str, str]]:
        """(continuation, finish reason) per prompt: 'stop' at the model's end or a stop string, 'length' where cut.

        seeds: one per prompt; a continuation depends on its prompt and seed, not on what is asked beside it.
        Sampling from the 64 likeliest tokens within .95 of the mass; greedy at temperature 0. Prompts share what
        they have in common: a long instruction is read once. Raises BadInput where a prompt is too long.
        """
        import torch

        if len(seeds) != len(prompts):
            raise BadInput(f"One seed a prompt: got {len(seeds)} for {len(prompts)}.")
        if not prompts:
            return []
        ids = self._coded(prompts, max_tokens)
        with torch.inference_mode():
            return self._decode(ids, seeds, max_tokens, temperature, tuple(stop))

    def _coded(self, prompts: Sequence[str], room: int) -> list[list[int]]:
        """Token ids of each prompt. Raises BadInput where one leaves no room for so many tokens after it."""
        ids = [self.tokenizer(p)["input_ids"] for p in prompts]
        if (longest := max(map(len, ids), default=0)) + room > self.max_tokens:
            raise BadInput(
                f"The prompt is {longest} tokens long and {self.name} reads {self.max_tokens}. Choose a shorter text or another model."
            )
        return ids

    def _decode(
        self, ids: list[list[int]], seeds: Sequence[int], max_tokens: int, temperature: float, stop: tuple[str, ...]
    ) -> list[tuple[str, str]]:
        import torch

        shared = _common_prefix(ids)
        cache = self._after(tuple(ids[0][:shared]), len(ids))
        count = len(ids)
        tokens, mask = self._left_padded([row[shared:] for row in ids])
        mask = torch.cat([mask.new_ones((count, shared)), mask], -1)
        generators = [torch.Generator(device="cpu").manual_seed(int(seed) % 2**63) for seed in seeds]
        written: list[list[int]] = [[] for _ in ids]
        ended: list[tuple[str, str] | None] = [None] * count
        for _ in range(max_tokens):
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
            out = self.model(
                input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            chosen = _sample(out.logits[:, -1].float().cpu(), temperature, generators)
            for i, token in enumerate(chosen):
                if ended[i] is None:
                    ended[i] = self._ending(written[i], token, stop)
            if all(ended):
                break
            tokens = torch.tensor([[t] for t in chosen], device=self.device)
            mask = torch.cat([mask, mask.new_ones((count, 1))], -1)
        return [end or (self._text(row), "length") for end, row in zip(ended, written)]

    def _ending(self, written: list[int], token: int, stop: tuple[str, ...]) -> tuple[str, str] | None:
        """Adds the token; the finished text where it ends here."""
        if token in self.ends:
            return self._text(written), "stop"
        written.append(token)
        text = self._text(written)
        cut = min((at for s in stop if (at := text.find(s, len(text) - len(text.lstrip()))) >= 0), default=None)
        return None if cut is None else (text[:cut], "stop")

    def _after(self, prefix: tuple[int, ...], count: int) -> "DynamicCache":
        """The state after a prefix, repeated for `count` rows; the last prefix is remembered."""
        import copy

        import torch
        from transformers import DynamicCache

        if not prefix:
            return DynamicCache(config=self.model.config)
        known, cache = self._prefix
        if known != prefix or cache is None:
            cache = DynamicCache(config=self.model.config)
            self.model(input_ids=torch.tensor([prefix], device=self.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._prefix = prefix, cache
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(count)
        return cache

    def _left_padded(self, rows: Sequence[list[int]]) -> "tuple[torch.Tensor, torch.Tensor]":
        """(tokens, mask), (B, T) each: every row ends at the right edge, where the next token is read."""
        import torch

        width = max(map(len, rows))
        tokens = torch.tensor([[self.pad] * (width - len(row)) + row for row in rows], dtype=torch.long, device=self.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], dtype=torch.long, device=self.device)
        return tokens, mask

    def _text(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    @property
    def pad(self) -> int:
        """The token that fills a batch."""
        return self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else 0

    @property
    def ends(self) -> frozenset[int]:
        """Tokens at which the model stops writing."""
        made = self.model.generation_config.eos_token_id
        listed = made if isinstance(made, list) else [made]
        return frozenset(t for t in (*listed, self.tokenizer.eos_token_id) if t is not None)

    # -------------------------------------------------------------- scoring

    def nll(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) mean negative log-likelihood per token, in nats; nan for a text without tokens. Long texts are cut."""
        return np.array([float(np.mean(row)) if len(row) else float("nan") for row in self.token_nll(texts)])

    def token_nll(self, texts: Sequence[str]) -> list[np.ndarray]:
        """For each text its tokens' negative log-likelihoods in nats, given all tokens before."""
        return self.continuation_nll([("", text) for text in texts])

    def continuation_nll(self, pairs: Sequence[tuple[str, str]]) -> list[np.ndarray]:
        """For each (prompt, continuation) the continuation's tokens' negative log-likelihoods, in nats."""
        import torch

        rows, starts = [], []
        for prompt, text in pairs:
            before = self.tokenizer(prompt)["input_ids"] if prompt else self.beginning
            after = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            rows.append([*before, *after][: self.max_tokens])
            starts.append(len(before))
        found: list[np.ndarray] = [np.zeros(0)] * len(rows)
        with torch.inference_mode():
            for batch in length_batches([len(row) for row in rows], TOKENS_A_BATCH):
                width = max(len(rows[i]) for i in batch)
                ids = torch.tensor([rows[i] + [self.pad] * (width - len(rows[i])) for i in batch], device=self.device)
                mask = torch.tensor([[1] * len(rows[i]) + [0] * (width - len(rows[i])) for i in batch], device=self.device)
                keep = width - min(starts[i] for i in batch) + 1
                logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=keep).logits.float()
                for row, i in enumerate(batch):
                    first, last = max(1, starts[i]), len(rows[i])
                    if last > first:
                        shift = width - logits.shape[1]
                        found[i] = (
                            torch.nn.functional.cross_entropy(
                                logits[row, first - 1 - shift : last - 1 - shift], ids[row, first:last], reduction="none"
                            )
                            .cpu()
                            .numpy()
                        )
        return found

    def answer_logprobs(self, prompts: Sequence[str], answers: Sequence[str], batch: int = 16) -> np.ndarray:
        """(n, C) log-probability of each answer, all of its tokens, after each prompt.

        One pass per prompt where every answer is a single token, else one for every pair. Raises BadInput where a prompt
        is too long.
        """
        coded = [self.tokenizer(a, add_special_tokens=False)["input_ids"] for a in answers]
        ids = self._coded(prompts, max(map(len, coded)))
        if all(len(row) == 1 for row in coded) and len({row[0] for row in coded}) == len(coded):
            return self._next_logprobs(ids, [row[0] for row in coded], batch)
        rows = self.continuation_nll([(p, a) for p in prompts for a in answers])
        return -np.array([float(row.sum()) for row in rows]).reshape(len(prompts), len(answers))

    def _next_logprobs(self, ids: list[list[int]], tokens: list[int], batch: int) -> np.ndarray:
        """(n, C) log-probability of each token right after each row of ids."""
        import torch

        out = np.zeros((len(ids), len(tokens)))
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        with torch.inference_mode():
            for at in range(0, len(order), batch):
                part = order[at : at + batch]
                rows, mask = self._left_padded([ids[i] for i in part])
                positions = (mask.cumsum(-1) - 1).clamp(min=0)
                said = self.model(input_ids=rows, attention_mask=mask, use_cache=False, logits_to_keep=1, position_ids=positions)
                out[part] = torch.log_softmax(said.logits[:, -1].float(), -1)[:, tokens].cpu().numpy()
        return out

    def next_words(self, prompt: str, text: str, at: Sequence[int]) -> list[dict[int, float]]:
        """For each character offset in `text` where a word begins: {token id: log-probability} of the 256 likeliest
        tokens there, given the prompt and the text before. One pass for all offsets; {} where none can be read."""
        import torch

        before = self.tokenizer(prompt)["input_ids"] if prompt else self.beginning
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        after = coded["input_ids"]
        starts = {start + (text[start:end][:1].isspace()): i for i, (start, end) in enumerate(coded["offset_mapping"])}
        if not after or len(before) + len(after) > self.max_tokens:
            return [{} for _ in at]
        with torch.inference_mode():
            logits = (
                self.model(input_ids=torch.tensor([[*before, *after]], device=self.device), use_cache=False, logits_to_keep=len(after) + 1)
                .logits[0]
                .float()
            )
        found: list[dict[int, float]] = []
        for offset in at:
            index = starts.get(offset)
            if index is None:
                found.append({})
                continue
            best = torch.log_softmax(logits[index], -1).topk(min(256, logits.shape[-1]))
            found.append(dict(zip(best.indices.tolist(), best.values.tolist())))
        return found

    @property
    def beginning(self) -> list[int]:
        """The token that every text begins with, where the model has one."""
        first = self.tokenizer.bos_token_id
        return [] if first is None else [first]


def _common_prefix(rows: Sequence[Sequence[int]]) -> int:
    """Tokens that all rows begin with; each row keeps at least its last one."""
    limit = min(map(len, rows)) - 1
    for at in range(limit):
        if any(row[at] != rows[0][at] for row in rows):
            return at
    return limit if len(rows) > 1 else 0


def _sample(logits: "torch.Tensor", temperature: float, generators: "Sequence[torch.Generator]") -> list[int]:
    """One token per row of (B, V) logits."""
    import torch

    if temperature <= 0:
        best: list[int] = logits.argmax(-1).tolist()
        return best
    values, ids = logits.topk(min(TOP_K, logits.shape[-1]), dim=-1)
    probs = torch.softmax(values / temperature, -1)
    within = probs.cumsum(-1) - probs < TOP_P
    probs = torch.where(within, probs, torch.zeros_like(probs))
    return [int(ids[i, torch.multinomial(probs[i], 1, generator=generators[i])]) for i in range(len(ids))]


@lru_cache(maxsize=1)
def hint() -> str:
    """What to do to have a language model here, in one sentence."""
    return f"Install the packaged one with: {gguf.INSTALL}"
