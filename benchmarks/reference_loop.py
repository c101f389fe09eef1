"""The slow way, written to be measured against: what docs/method.md section 3 tells of the paper's code, on our models.

Batches of 8, pairs shuffled apart, 20 epochs, the teacher forward in every step, the development rows scored after every
epoch, each batch padded to its longest text. Serial. The linear reference encodes its texts anew, and asks the teacher,
in each of 200 autograd steps.
"""

import copy

import numpy as np
import torch

from cod_core.distill.losses import ce_loss, kd_loss
from cod_core.models.encoder import mean_pool

BATCH, EPOCHS, LINEAR_STEPS = 8, 20, 200


class Reference:
    """One cell at a time: encoder and head trained with CE + 20 KD, from the same head as the library's student."""

    def __init__(self, encoder, teacher, labels, rate: float, l2: float = 2.0, scale: float = 10.0):
        self.encoder, self.teacher, self.labels, self.rate, self.l2, self.scale = encoder, teacher, labels, rate, l2, scale
        self.seconds = {}

    def batch(self, tokenizer, texts):
        return tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")

    def teacher_logprobs(self, texts):
        with torch.no_grad():
            logits = self.teacher.model(**self.batch(self.teacher.tokenizer, texts)).logits[:, self.teacher.order]
        return torch.log_softmax(logits.float(), -1)

    def logits(self, model, head, texts):
        inputs = self.batch(self.encoder.tokenizer, texts)
        states = model(**inputs).last_hidden_state
        return self.scale * mean_pool(states, inputs["attention_mask"]) @ head[0].T + head[1]

    def score(self, model, head, texts, gold) -> float:
        right = 0
        with torch.no_grad():
            for i in range(0, len(texts), BATCH):
                right += int((self.logits(model, head, texts[i : i + BATCH]).argmax(-1) == gold[i : i + BATCH]).sum())
        return right / len(texts)

    def train(self, texts, hard, start, dev, test, seed: int, clock) -> float:
        """Test accuracy of one student. start: (W, b). dev, test: (texts, gold tensor). clock: a Clock."""
        model = copy.deepcopy(self.encoder.model).eval()
        head = [torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in start]
        optimizer = torch.optim.AdamW(
            [{"params": model.parameters(), "weight_decay": 0.01}, {"params": head, "weight_decay": 0.0}], lr=self.rate
        )
        generator, hard = torch.Generator().manual_seed(seed), torch.tensor(hard)
        for _ in range(EPOCHS):
            order = torch.randperm(len(texts), generator=generator).tolist()
            with clock("training"):
                for at in range(0, len(order), BATCH):
                    part = order[at : at + BATCH]
                    chosen = [texts[i] for i in part]
                    soft = self.teacher_logprobs(chosen)
                    logits = self.logits(model, head, chosen)
                    loss = ce_loss(logits, hard[part]).mean() + 20 * kd_loss(logits, soft) + self.l2 * (head[0] ** 2).sum()
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_([*model.parameters(), *head], 1.0)
                    optimizer.step()
            with clock("development rows"):
                self.score(model, head, *dev)
        with clock("test rows"):
            return self.score(model, head, *test)

    def linear(self, texts, hard, test, clock) -> float:
        """Test accuracy of a linear student whose texts are encoded anew in every step."""
        classes, width = len(self.labels), self.encoder.model.config.hidden_size
        head = [torch.zeros(classes, width, requires_grad=True), torch.zeros(classes, requires_grad=True)]
        optimizer, hard = torch.optim.Adam(head, lr=0.01), torch.tensor(hard)
        with clock("training"):
            for _ in range(LINEAR_STEPS):
                soft = self.teacher_logprobs(texts)
                with torch.no_grad():
                    inputs = self.batch(self.encoder.tokenizer, texts)
                    phi = mean_pool(self.encoder.model(**inputs).last_hidden_state, inputs["attention_mask"])
                logits = self.scale * phi @ head[0].T + head[1]
                loss = ce_loss(logits, hard).mean() + 20 * kd_loss(logits, soft) + self.l2 * (head[0] ** 2).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with clock("test rows"):
            return self.score(self.encoder.model, head, *test)


def matrix_rate(n: int = 1024, repeats: int = 10) -> float:
    """Measured float32 matrix-multiply rate in GFLOP/s: the physical limit of everything here."""
    import time

    a = torch.randn(n, n)
    a @ a
    start = time.perf_counter()
    for _ in range(repeats):
        a @ a
    return 2 * n**3 * repeats / (time.perf_counter() - start) / 1e9


def standard_error(values) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5)
