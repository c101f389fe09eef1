"""Fine-tune a teacher: LoRA adapters on an encoder or a decoder plus a classification head. Knows no store, no screen.

Hu et al. 2021, arXiv:2106.09685. Rank 8 on attention and feed-forward layers (of a decoder its upper half: nothing below
needs a gradient then); the folder that comes out holds the adapter and head in fp16 safetensors (about 0.6 MB for the
built-in encoder) and the model's name, not its weights.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cod_core.errors import NotEnoughData
from cod_core.models.adapters import adapted
from cod_core.models.decoder import is_decoder, load_decoder
from cod_core.models.device import best_device
from cod_core.models.encoder import libraries, load_pretrained, load_tokenizer, pinned, resolve, revision_of, weights_revision
from cod_core.models.protocols import Model, Tokenizer
from cod_core.progress import Progress, silent

if TYPE_CHECKING:
    import torch

TEACHER_FILE = "teacher.json"
TARGETS = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
FEW_ROWS = 200
RATE, RATE_DECODER = 1e-3, 5e-4
SHORT, LONG = 128, 256


def finetune_teacher(
    texts: Sequence[str],
    labels: Sequence[str],
    label_names: Sequence[str],
    encoder: str,
    folder: Path,
    *,
    epochs: int = 2,
    learning_rate: float | None = None,
    batch_size: int = 32,
    rank: int = 8,
    max_tokens: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Path:
    """Train on (texts, labels) and write the teacher to `folder`; returns the folder.

    labels: one of label_names per text. learning_rate: 1e-3 for an encoder, 5e-4 for a decoder where None. max_tokens: word
    pieces of a text that are read; where None 128, or 256 where more than a tenth of the texts is longer. Batches are bucketed by
    length. Raises NotEnoughData where a label has no text. Source of the recipe: docs/method.md section 7.
    """
    import torch

    needs_every_label(labels, label_names)
    # the one place that needs a seeded process: transformers initialises the new head from the global generator
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, tokenizer = with_adapter(encoder, label_names, rank)
        learning_rate = learning_rate or (RATE_DECODER if is_decoder(encoder) else RATE)
        ids = tokenizer(list(texts), truncation=True, max_length=max_tokens or LONG)["input_ids"]
        if max_tokens is None:
            max_tokens = LONG if sum(len(row) > SHORT for row in ids) > len(ids) / 10 else SHORT
            ids = [
                row if len(row) <= max_tokens else tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
                for row, text in zip(ids, texts)
            ]
        targets = torch.tensor([list(label_names).index(label) for label in labels])
        _train(model, tokenizer, ids, targets, epochs, learning_rate, batch_size, seed, progress)
    return _save(model, folder, encoder, label_names, len(texts), max_tokens, rank)


def needs_every_label(labels: Sequence[str | None], label_names: Sequence[str]) -> None:
    """Raises NotEnoughData where a label has no text: its output would never be trained."""
    missing = [name for name in label_names if name not in set(labels)]
    if missing:
        raise NotEnoughData(f"No training text has the label {', '.join(missing)}. Add texts with it and try again.")


def with_adapter(encoder: str, label_names: Sequence[str], rank: int, **options: Any) -> tuple[Model, Tokenizer]:
    """(sequence classifier over `encoder` with fresh LoRA adapters and a fresh head, its tokenizer). options: as pinned gives them."""
    libraries()
    from peft import TaskType
    from transformers import AutoModelForSequenceClassification

    logging.getLogger("transformers.modeling_utils").setLevel(logging.ERROR)
    if is_decoder(encoder, **options):
        base, tokenizer = load_decoder(encoder, label_names, **options)
        where: dict[str, Any] = {"target_modules": _linear_names(base), "layers_to_transform": _upper_half(base)}
    else:
        base = load_pretrained(
            AutoModelForSequenceClassification,
            encoder,
            num_labels=len(label_names),
            id2label=dict(enumerate(label_names)),
            label2id={name: i for i, name in enumerate(label_names)},
            **options,
        )
        tokenizer, where = load_tokenizer(encoder, **options), {"target_modules": TARGETS}
    return adapted(base, task_type=TaskType.SEQ_CLS, r=rank, lora_alpha=2 * rank, lora_dropout=0.05, **where), tokenizer


def _linear_names(model: Model) -> list[str]:
    """Names of the linear maps inside a decoder's layers (q_proj, up_proj, ...)."""
    import torch

    return sorted(
        {
            name.rsplit(".", 1)[-1]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and ".layers." in f".{name}"
        }
    )


def _upper_half(model: Model) -> list[int]:
    layers = int(model.config.get_text_config().num_hidden_layers)
    return list(range(layers // 2, layers))


def _train(
    model: Model,
    tokenizer: Tokenizer,
    ids: list[list[int]],
    targets: "torch.Tensor",
    epochs: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    progress: Progress,
) -> None:
    import torch

    device = best_device()
    model.to(device).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    batches_a_epoch = -(-len(ids) // batch_size)
    total = epochs * batches_a_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / max(1, 0.1 * total), (total - step) / max(1, 0.9 * total))
    )
    generator, done = torch.Generator().manual_seed(seed), 0
    for _ in range(epochs):
        for batch in _bucketed(ids, batch_size, generator):
            inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
            loss = model(**inputs, labels=targets[batch].to(device)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            done += 1
            progress(done, total, "training the teacher")
    model.eval()


def _bucketed(ids: list[list[int]], batch_size: int, generator: "torch.Generator") -> list[list[int]]:
    """Random batches of texts of similar length: shuffle, sort pools of 50 batches by length, shuffle batches."""
    import torch

    order = torch.randperm(len(ids), generator=generator).tolist()
    pool, batches = 50 * batch_size, []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: len(ids[i]))
        batches += [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def _save(model: Model, folder: Path, encoder: str, label_names: Sequence[str], rows: int, max_tokens: int, rank: int) -> Path:
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().half().contiguous() for name, value in get_peft_model_state_dict(model).items()}
    save_file(state, folder / "adapter.safetensors")
    where = resolve(encoder)
    about = {
        "encoder": encoder,
        "labels": list(label_names),
        "rank": rank,
        "max_tokens": max_tokens,
        "rows": rows,
        "base": revision_of(where),
    }
    (folder / TEACHER_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return folder


def finetuned_revision(folder: str | Path) -> str:
    """What decides a fine-tuned teacher's answers: adapter and head, teacher.json, and the weights of its encoder as they are
    now (as they were in training, where they are not on this machine).

    Teachers of an earlier version, whose file does not say what they were trained on, keep the revision they had.
    """
    own, path = weights_revision(str(folder)), Path(folder) / TEACHER_FILE
    told = path.read_bytes() if path.exists() else b"{}"
    try:
        about = json.loads(told)
        where, base = resolve(str(about["encoder"])), str(about["base"])
    except (ValueError, KeyError, TypeError):
        return own
    base = weights_revision(where) if Path(where).is_dir() else base
    return f"{own}-{hashlib.sha256(told + base.encode()).hexdigest()[:6]}"


def load_finetuned(folder: Path) -> tuple[Model, Tokenizer, dict[str, Any]]:
    """(model, tokenizer, about) of a folder written by finetune_teacher, adapters merged into the weights."""
    libraries()
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    about = json.loads((Path(folder) / TEACHER_FILE).read_text(encoding="utf-8"))
    model, tokenizer = with_adapter(
        about["encoder"], about["labels"], about["rank"], **pinned(resolve(about["encoder"]), about.get("base"))
    )
    state = {name: value.float() for name, value in load_file(Path(folder) / "adapter.safetensors").items()}
    set_peft_model_state_dict(model, state)
    return model.merge_and_unload().eval(), tokenizer, about


def cross_validate(
    texts: Sequence[str],
    labels: Sequence[str],
    label_names: Sequence[str],
    encoder: str,
    *,
    folds: int = 5,
    seed: int = 0,
    progress: Progress = silent,
) -> float:
    """Mean held-out accuracy of a linear head on the frozen encoder: the cheap, honest estimate for few rows.

    Raises NotEnoughData where a label has fewer than 2 texts.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    from cod_core.models.encoder import Encoder

    smallest = min(list(labels).count(name) for name in label_names)
    if smallest < 2:
        raise NotEnoughData("Cross-validation needs at least 2 texts of each label. Add texts and try again.")
    progress(0, 1, "cross-validating")
    features = Encoder(encoder).encode(list(texts))
    splits = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    scores = cross_val_score(LogisticRegression(C=10.0, max_iter=500), features, np.array(labels), cv=splits)
    return float(scores.mean())
