"""The teacher's earlier recipe, kept to be measured against: rounds by the number of rows, a fresh head, no class weighted, no
temperature, no row held out. Nothing of the app uses it."""

from collections.abc import Sequence

import numpy as np

from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.finetune import RATE, with_adapter, word_pieces
from cod_core.models.learning import bucketed, logits_of

FEWEST_STEPS, BATCH_ROWS, RANK = 60, 32, 8


def usual_rounds(rows: int) -> int:
    """How often it went over its texts: ten times below 400 (and for 60 batches at least), four times below 2,000, else twice."""
    few = max(10, -(-FEWEST_STEPS // max(1, -(-rows // BATCH_ROWS))))
    return 2 if rows >= 2000 else 4 if rows >= 400 else few


def probabilities(texts: Sequence[str], labels: Sequence[str], names: Sequence[str], test: Sequence[str], seed: int = 0) -> np.ndarray:
    """(n, C) probabilities of the test texts by a teacher trained on (texts, labels) as it was before."""
    import torch
    from scipy.special import softmax

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, tokenizer = with_adapter(DEFAULT_ENCODER, names, RANK)
        ids, limit = word_pieces(tokenizer, texts)
        targets = torch.tensor([list(names).index(label) for label in labels])
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.01)
        rounds = usual_rounds(len(ids))
        total = rounds * -(-len(ids) // BATCH_ROWS)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / max(1, 0.1 * total), (total - step) / max(1, 0.9 * total))
        )
        generator = torch.Generator().manual_seed(seed)
        model.train()
        for _ in range(rounds):
            for batch in bucketed(ids, BATCH_ROWS, generator):
                loss = model(**tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt"), labels=targets[batch]).loss
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
        model.eval()
        found = tokenizer(list(test), truncation=True, max_length=limit)["input_ids"]
        return np.asarray(softmax(logits_of(model, tokenizer, found), axis=-1))
