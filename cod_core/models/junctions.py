"""How well a changed text reads, by a language model on this machine that reads only what is new in it.

A change leaves most of a text as it was: the model keeps its state after the original, so each changed text costs its new
tokens and a few after them. Probabilities are over the part of the vocabulary that the texts here use and the commonest
pieces, which is a sixth of the work over 262,144 words. Knows no teacher and no store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cod_core.models.local_llm import LocalLLM

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

TAIL = 8  # tokens after a change that are still read: what comes later hardly depends on it
COMMON = 24_000  # pieces of the vocabulary that every text may use; ids are ordered by how early they were merged
ROWS = 16
Change: TypeAlias = tuple[int, list[int], list[tuple[int, int]], int, int]  # number, ids, offsets, ids shared at start and end


@dataclass(frozen=True)
class Read:
    """A text as the model reads it: offsets: (start, end) of each token in characters; nll: of each, in nats;
    closing: nats of the text ending where it ends."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    nll: np.ndarray
    closing: float = 0.0

    def between(self, start: int, end: int) -> float:
        """Nats of the tokens that begin in start:end."""
        return float(sum(v for (a, b), v in zip(self.offsets, self.nll) if start <= (a if b - a < 2 else a + 1) < end))

    @property
    def mean(self) -> float:
        return float(np.mean(self.nll)) if len(self.nll) else 0.0

    @property
    def whole(self) -> float:
        """Nats of all tokens."""
        return float(np.sum(self.nll))


class JunctionReader:
    """Reads changed texts against their original. One text's originals at a time share the model's state."""

    def __init__(self, llm: LocalLLM, texts: Sequence[str]):
        """texts: of the project: their pieces are in the vocabulary that probabilities are over."""
        import torch

        self._llm, self._torch = llm, torch
        model = llm.model
        used = {i for ids in llm.tokenizer(list(texts), add_special_tokens=False)["input_ids"] for i in ids} if texts else set()
        head = model.get_output_embeddings().weight
        self._kept = np.array(sorted(used | set(range(min(COMMON, head.shape[0])))))
        self._weight = head[torch.tensor(self._kept, device=head.device)].detach()
        self._place = np.full(head.shape[0], -1)
        self._place[self._kept] = np.arange(len(self._kept))
        self._soft = getattr(model.config, "final_logit_softcapping", None)
        ends = llm.tokenizer(["\n", "\n\n", ".", "?", "!", ".\n"], add_special_tokens=False)["input_ids"]
        marks = {ids[0] for ids in ends if len(ids) == 1} | set(llm.ends)
        self._closing = torch.tensor([self._place[i] for i in sorted(marks) if self._place[i] >= 0], device=head.device)
        self.read = lru_cache(maxsize=5000)(self._read)

    def _coded(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        coded = self._llm.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return list(coded["input_ids"]), [tuple(pair) for pair in coded["offset_mapping"]]

    def _read(self, text: str) -> Read:
        ids, offsets = self._coded(text)
        ids, offsets = ids[: self._llm.max_tokens - 1], offsets[: self._llm.max_tokens - 1]
        if not ids:
            return Read((), (), np.zeros(0))
        torch = self._torch
        row = [*self._llm.beginning, *ids]
        first = len(row) - len(ids)
        with torch.inference_mode():
            states = self._llm.model.base_model(input_ids=torch.tensor([row], device=self._llm.device), use_cache=False)[0][0]
            nll = self._nll(states[max(0, first - 1) : -1], row[max(1, first) :])
            closing = float(self._close(states[-1:])[0])
        if not first:
            nll = np.concatenate([[0.0], nll])
        return Read(tuple(ids), tuple(offsets), nll, closing)

    def _nll(self, states: "torch.Tensor", ids: Sequence[int]) -> np.ndarray:
        """Nats of each id after each of these states, (n, d)."""
        torch = self._torch
        if not ids:
            return np.zeros(0)
        places = torch.tensor(self._place[np.array(ids)], device=states.device)
        logits = self._logits(states)
        said = torch.nn.functional.cross_entropy(logits, places.clamp(min=0), reduction="none")
        said = torch.where(places < 0, torch.full_like(said, 15.0), said)
        out: np.ndarray = said.cpu().numpy()
        return out

    def _logits(self, states: "torch.Tensor") -> "torch.Tensor":
        """(n, V) over the part of the vocabulary that is kept."""
        logits = states @ self._weight.T
        said: torch.Tensor = (self._torch.tanh(logits / self._soft) * self._soft if self._soft else logits).float()
        return said

    def _close(self, states: "torch.Tensor") -> np.ndarray:
        """Nats of a text ending after each of these states: a final sign, a new line or the model's own end."""
        said = self._torch.log_softmax(self._logits(states), -1)[:, self._closing]
        out: np.ndarray = -said.logsumexp(-1).cpu().numpy()
        return out

    def changed(self, original: str, texts: Sequence[str]) -> list[Read]:
        """Each changed text: what it shares with the original's beginning, and after the last few tokens read, is taken
        from the original."""
        from transformers import DynamicCache

        torch, base = self._torch, self.read(original)
        start = self._llm.beginning
        whole = [*start, *base.ids]
        found: list[Read | None] = [None] * len(texts)
        todo: list[Change] = []
        for i, text in enumerate(texts):
            ids, offsets = self._coded(text)
            ids, offsets = ids[: self._llm.max_tokens - 1], offsets[: self._llm.max_tokens - 1]
            p = _common(base.ids, ids)
            s = _common(base.ids[p:][::-1], ids[p:][::-1])
            todo.append((i, ids, offsets, p, s))
        if not start and any(p == 0 for *_, p, _ in todo):
            return [self.read(text) for text in texts]
        with torch.inference_mode():
            cache = DynamicCache(config=self._llm.model.config)
            self._llm.model.base_model(input_ids=torch.tensor([whole], device=self._llm.device), past_key_values=cache, use_cache=True)
            todo.sort(key=lambda t: len(t[1]) - t[3])
            for at in range(0, len(todo), ROWS):
                self._batch(todo[at : at + ROWS], base, cache, len(start), found)
        return [one for one in found if one is not None]

    def _batch(self, part: "list[Change]", base: Read, cache: "DynamicCache", before: int, found: list[Read | None]) -> None:
        import copy

        torch = self._torch
        rows, begins = [], []
        for _, ids, _, p, s in part:
            end = len(ids) - s + min(s, TAIL)
            at = before + p - 1  # the last shared token is read again: its state foretells the first new one
            full = [*self._llm.beginning, *ids]
            rows.append(full[at : before + end])
            begins.append(at)
        past, width = before + len(base.ids), max(map(len, rows))
        pad = self._llm.pad
        device = self._llm.device
        tokens = torch.tensor([row + [pad] * (width - len(row)) for row in rows], device=device)
        mask = torch.tensor(
            [[1] * at + [0] * (past - at) + [1] * len(row) + [0] * (width - len(row)) for at, row in zip(begins, rows)], device=device
        )
        places = torch.tensor([[at + t for t in range(width)] for at in begins], device=device)
        own = copy.deepcopy(cache)
        own.batch_repeat_interleave(len(rows))
        states = self._llm.model.base_model(
            input_ids=tokens, attention_mask=mask, position_ids=places, past_key_values=own, use_cache=True
        )[0]
        flat = torch.cat([states[r, : len(row) - 1] for r, row in enumerate(rows)])
        nll = self._nll(flat, [t for row in rows for t in row[1:]])
        closing = self._close(torch.stack([states[r, len(row) - 1] for r, row in enumerate(rows)]))
        at = 0
        for r, ((i, ids, offsets, p, _), row) in enumerate(zip(part, rows)):
            new = nll[at : at + len(row) - 1]
            at += len(row) - 1
            rest = len(ids) - p - len(new)
            tail = base.nll[len(base.nll) - rest :] if rest else np.zeros(0)
            found[i] = Read(
                tuple(ids), tuple(offsets), np.concatenate([base.nll[:p], new, tail]), base.closing if rest else float(closing[r])
            )


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many of the first items two sequences share."""
    count = 0
    for one, other in zip(a, b):
        if one != other:
            break
        count += 1
    return count
