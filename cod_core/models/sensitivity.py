"""First-order estimates of what a word change does to a classifier: one backward pass ranks thousands of edits.

HotFlip (Ebrahimi et al. 2018, arXiv:1712.06751): the margin's gradient at the input embeddings times the change of
the embedding. An estimate ranks candidates and never judges them; the search scores the best ones exactly.
Works for transformers classifiers whose input is a table of word-piece embeddings (TorchTeacher).
"""

from collections.abc import Sequence

import numpy as np

from cod_core.models.protocols import Differentiable


def gives_gradients(classifier: object) -> bool:
    """Whether estimates can be had: a transformers classifier on this machine, with a tokenizer that tells places."""
    tokenizer = getattr(classifier, "tokenizer", None)
    return hasattr(classifier, "model") and bool(getattr(tokenizer, "is_fast", False))


class FirstOrder:
    """Estimates for one TorchTeacher. Raises nothing a text can cause; texts beyond max_tokens are read up to there."""

    def __init__(self, teacher: Differentiable) -> None:
        self._teacher = teacher
        teacher.model.requires_grad_(False)  # only the input's gradient is wanted
        self._table = teacher.model.get_input_embeddings()  # asked, not read: some models scale what it holds
        mask = teacher.tokenizer.mask_token_id
        self._empty = np.zeros(self._table.weight.shape[1], dtype=np.float32) if mask is None else self._mean([mask])
        self._words: dict[str, np.ndarray] = {}

    def estimate(self, text: str, edits: Sequence[tuple[int, int, str]], aim: int) -> tuple[float, np.ndarray]:
        """(margin of class `aim` at the text, (m,) estimated changes of it by each edit).

        edits: (start, end, new), characters start:end of the text become `new`; start == end inserts. An edit
        beyond what the teacher reads is estimated at -inf. aim: index into the teacher's labels.
        """
        margin, gradient, states, offsets = self._backward(text, aim)
        out = np.full(len(edits), -np.inf)
        groups: dict[tuple[int, int], list[int]] = {}
        for at, (start, end, _) in enumerate(edits):
            groups.setdefault((start, end), []).append(at)
        for (start, end), members in groups.items():
            rows = _rows(offsets, start, end)
            if not rows:
                continue
            new = np.stack([self.embedding(edits[i][2]) for i in members])
            if start == end:
                out[members] = (new - states[rows].mean(0)) @ gradient[rows].mean(0)
            else:
                out[members] = new @ gradient[rows].sum(0) - float((states[rows] * gradient[rows]).sum())
        return margin, out

    def embedding(self, words: str) -> np.ndarray:
        """(d,) mean embedding of the words' pieces; the mask's for the empty string."""
        if words not in self._words:
            ids = self._teacher.tokenizer(words, add_special_tokens=False)["input_ids"] if words else []
            self._words[words] = self._mean(ids) if ids else self._empty
        return self._words[words]

    def _mean(self, ids: list[int]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            mean: np.ndarray = self._table(torch.tensor(ids, device=self._table.weight.device)).float().mean(0).cpu().numpy()
        return mean

    def _backward(self, text: str, aim: int) -> tuple[float, np.ndarray, np.ndarray, list[tuple[int, int]]]:
        """(margin, its gradient (T, d), input embeddings (T, d), characters of each word piece)."""
        import torch

        teacher = self._teacher
        inputs = teacher.tokenizer(text, truncation=True, max_length=teacher.max_tokens, return_tensors="pt", return_offsets_mapping=True)
        offsets = inputs.pop("offset_mapping")[0].tolist()
        with torch.no_grad():
            states = self._table(inputs["input_ids"].to(self._table.weight.device))
        states = states.clone().requires_grad_(True)
        logits = teacher.model(inputs_embeds=states, attention_mask=inputs["attention_mask"].to(states.device)).logits
        ordered = logits[0, teacher.order]
        others = torch.cat([ordered[:aim], ordered[aim + 1 :]])
        margin = ordered[aim] - others.max()
        (gradient,) = torch.autograd.grad(margin, states)
        return float(margin.detach()), gradient[0].float().cpu().numpy(), states.detach()[0].float().cpu().numpy(), offsets


def _rows(offsets: list[tuple[int, int]], start: int, end: int) -> list[int]:
    """Word pieces inside start:end; beside an insertion, the last piece before and the first after."""
    if start < end:
        return [i for i, (a, b) in enumerate(offsets) if a < b and a >= start and b <= end]
    before = [i for i, (a, b) in enumerate(offsets) if a < b <= start]
    after = [i for i, (a, b) in enumerate(offsets) if b > a >= start]
    return before[-1:] + after[:1]
