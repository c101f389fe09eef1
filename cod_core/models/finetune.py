"""Fine-tune a teacher: LoRA adapters on an encoder or a decoder plus a classification head. Knows no store, no screen.

Hu et al. 2021, arXiv:2106.09685. Rank 8 on attention and feed-forward layers (of a decoder its upper half: nothing below
needs a gradient then). An encoder's head reads the mean of its states and starts from the linear solution (pooled.py); it is
trained until it has learnt (learning.py, settling.py), kept if that fits held-out rows better than the line it started from
(line.py), and calibrated on rows that it did not train on. The folder that comes
out holds adapter and head in fp16 safetensors (about 0.6 MB for the built-in encoder) and the model's name, not its weights.
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cod_core.errors import NotEnoughData
from cod_core.models.adapters import adapted
from cod_core.models.choice import usual_minutes
from cod_core.models.decoder import is_decoder, load_decoder
from cod_core.models.encoder import libraries, load_pretrained, load_tokenizer, pinned, resolve, revision_of, weights_revision
from cod_core.models.learning import Learnt, Rows, Trainer, logits_of
from cod_core.models.line import SCALE, start_from_the_line, unseen
from cod_core.models.pooled import pooled_classifier
from cod_core.models.protocols import Model, Tokenizer
from cod_core.models.settling import REFIT_BELOW, Bounds, calibrated, clearly_better, hold_out, looked_at, most_rounds
from cod_core.progress import Progress, silent
from cod_core.said import msg, say

TEACHER_FILE = "teacher.json"
TARGETS = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
FEW_ROWS = 200
RATE, RATE_DECODER, FULL_RATE_ROWS = 1e-3, 5e-4, 1000
SHORT, LONG = 128, 256
FIRST_FIT = 0.45  # of them, where a second fit on all rows follows
FRESH_STEPS, LINE_STEPS = 60, 30  # that a training may take at least: from a fresh head, from the linear solution


@dataclass(frozen=True)
class Training:
    """How a teacher was trained, as its folder tells it. held_out: rows that said when to stop. temperature: by which its
    logits are divided, so that "83 % sure" is right 83 times in 100. refit: trained again on all rows for as many rounds. line:
    the training was dropped, since the line that it started from fits the held-out rows as well."""

    learnt: Learnt
    held_out: int
    temperature: float
    refit: bool
    line: bool = False


def finetune_teacher(
    texts: Sequence[str],
    labels: Sequence[str],
    label_names: Sequence[str],
    encoder: str,
    folder: Path,
    *,
    development: tuple[Sequence[str], Sequence[str]] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    learning_rate: float | None = None,
    batch_size: int = 32,
    rank: int = 8,
    max_tokens: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Train on (texts, labels) and write the teacher to `folder`; returns the folder.

    labels: one of label_names per text. development: (texts, labels) that say when it has learnt and how sure it may be; where
    None a part of the rows is held out (settling.hold_out). epochs: exactly so many rounds instead. minutes: bound of all of it,
    where epochs is None, by this clock, in seconds; None for usual_minutes. learning_rate: rate_for(rows) for an encoder, 5e-4 for a
    decoder where None. max_tokens: word pieces of a text; where None 128, or 256 where more than a tenth of the texts is longer.
    Raises NotEnoughData where a label has no text. Measured in docs/experiments.md ("A teacher worth asking").
    """
    import torch

    needs_every_label(labels, label_names)
    usual = usual_minutes(len(texts))
    until = clock() + 60 * (minutes or usual) if epochs is None else math.inf
    # the one place that needs a seeded process: transformers and peft initialise from the global generator
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = is_decoder(encoder)
        model, tokenizer = (with_adapter if decoder else with_pooling)(encoder, label_names, rank)
        rate = learning_rate or (RATE_DECODER if decoder else rate_for(len(texts)))
        ids, limit = word_pieces(tokenizer, texts, max_tokens)
        rows = Rows(ids, _classes(labels, label_names))
        seen, held = _parted(rows, development, tokenizer, limit, label_names, epochs, seed)
        phi = None if decoder else start_from_the_line(model, tokenizer, seen, len(label_names))
        trainer = Trainer(model, tokenizer, len(label_names), rate, batch_size, seed, clock)
        bounds = Bounds(
            trainer.batches(seen),
            epochs,
            FRESH_STEPS if decoder else LINE_STEPS,
            most_rounds(len(rows), len(label_names), len(seen) < len(rows) < REFIT_BELOW),
            max(1.0, (minutes or usual) / usual),
        )
        how = _learnt(trainer, rows, seen, held, phi, bounds, until, progress)
    return _save(model, folder, encoder, label_names, len(texts), limit, rank, how)


def _learnt(
    trainer: Trainer, rows: Rows, seen: Rows, held: Rows, phi: np.ndarray | None, bounds: Bounds, until: float, progress: Progress
) -> Training:
    """Train the trainer's model on the rows seen, then on all of them where they are few. held: none of the rows where they are
    development texts. phi: embeddings of the rows seen where the head starts from the line, None for a fresh one."""
    model, tokenizer, n_classes = trainer.model, trainer.tokenizer, trainer.n_classes
    refits = len(seen) < len(rows) < REFIT_BELOW
    at_line = logits_of(model, tokenizer, held.ids) if phi is not None and len(held) else None
    begun = trainer.clock()
    learnt = trainer.until_learnt(seen, held, bounds, begun + (until - begun) * (FIRST_FIT if refits else 1), progress)
    took = trainer.clock() - begun
    if not len(held):  # too few to hold any out, or so many rounds as somebody chose
        own = unseen(phi, seen.classes, n_classes) if phi is not None and bounds.rounds is None else np.zeros((0, n_classes))
        return Training(learnt, 0, round(calibrated(own, seen.classes[: len(own)]), 4), refit=False)
    found = logits_of(model, tokenizer, held.ids)
    if at_line is not None and not clearly_better(found, at_line, held.classes):
        trainer.reset()
        own = unseen(start_from_the_line(model, tokenizer, rows, n_classes), rows.classes, n_classes)
        return Training(learnt, len(held), round(calibrated(own, rows.classes), 4), refit=len(seen) < len(rows), line=True)
    refits = refits and trainer.clock() + took * len(rows) / len(seen) < until
    if refits:
        trainer.again(rows, learnt, until, progress)
    return Training(learnt, len(held), round(calibrated(found, held.classes), 4), refits)


def rate_for(rows: int) -> float:
    """The learning rate from the linear solution: 1e-3 from FULL_RATE_ROWS rows on, in proportion below.

    100 rows of twelve intents, two choices of them: .903 .933, .922 .942, .939 .944 right at 1, .5, .25 thousandths; .936 .956 by
    the line that it starts from, which so few rows can hardly better.
    """
    return RATE * min(1.0, rows / FULL_RATE_ROWS)


def _classes(labels: Sequence[str], label_names: Sequence[str]) -> np.ndarray:
    order = {name: i for i, name in enumerate(label_names)}
    return np.array([order[label] for label in labels], dtype=int)


def _parted(
    rows: Rows,
    development: tuple[Sequence[str], Sequence[str]] | None,
    tokenizer: Tokenizer,
    limit: int,
    label_names: Sequence[str],
    epochs: int | None,
    seed: int,
) -> tuple[Rows, Rows]:
    """(rows to train on, rows that say when to stop)."""
    if development is not None and len(development[0]):
        ids = tokenizer(list(development[0]), truncation=True, max_length=limit)["input_ids"]
        every = Rows(ids, _classes(development[1], label_names))
        return rows, every.take(np.random.default_rng(seed).permutation(len(every))[: looked_at(len(every), len(rows))])
    held = hold_out(rows.classes, len(label_names), seed) if epochs is None else np.zeros(0, dtype=int)
    return rows.take(np.setdiff1d(np.arange(len(rows)), held)), rows.take(held)


def word_pieces(tokenizer: Tokenizer, texts: Sequence[str], limit: int | None = None) -> tuple[list[list[int]], int]:
    """(word pieces of each text, the most that are read of one): limit where given, else 128, or 256 for long texts."""
    ids = tokenizer(list(texts), truncation=True, max_length=limit or LONG)["input_ids"]
    if limit is not None:
        return ids, limit
    limit = LONG if sum(len(row) > SHORT for row in ids) > len(ids) / 10 else SHORT
    cut = [row if len(row) <= limit else tokenizer(text, truncation=True, max_length=limit)["input_ids"] for row, text in zip(ids, texts)]
    return cut, limit


def needs_every_label(labels: Sequence[str | None], label_names: Sequence[str]) -> None:
    """Raises NotEnoughData where a label has no text: its output would never be trained."""
    missing = [name for name in label_names if name not in set(labels)]
    if missing:
        raise NotEnoughData(say("No training text has the label {labels}. Add texts with it and try again.", labels=", ".join(missing)))


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


def with_pooling(encoder: str, label_names: Sequence[str], rank: int, **options: Any) -> tuple[Model, Tokenizer]:
    """(mean-pooled classifier over `encoder` with fresh LoRA adapters and a head of zeros, its tokenizer)."""
    libraries()
    from transformers import AutoModel

    base = load_pretrained(AutoModel, encoder, **options)
    where = {"target_modules": _attention_and_feed_forward(base), "task_type": "FEATURE_EXTRACTION"}
    adapters = adapted(base, r=rank, lora_alpha=2 * rank, lora_dropout=0.05, **where)
    shape = (len(label_names), int(base.config.hidden_size))
    return pooled_classifier(adapters, np.zeros(shape), np.zeros(shape[0]), SCALE, trained=True), load_tokenizer(encoder, **options)


def _attention_and_feed_forward(model: Model) -> list[str] | str:
    """The linear maps of a BERT-like encoder by name, of another one all of them."""
    names = [name for name, _ in model.named_modules()]
    return TARGETS if any(name.endswith(TARGETS[0]) for name in names) else "all-linear"


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


def _save(
    model: Model, folder: Path, encoder: str, label_names: Sequence[str], rows: int, max_tokens: int, rank: int, how: Training
) -> Path:
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    pooled = hasattr(model, "model") and not is_decoder(encoder)
    state = get_peft_model_state_dict(model.model if pooled else model)
    state |= {"head.weight": model.weight, "head.bias": model.bias} if pooled else {}
    save_file({name: value.detach().cpu().half().contiguous() for name, value in state.items()}, folder / "adapter.safetensors")
    where = resolve(encoder)
    about = {
        "encoder": encoder,
        "labels": list(label_names),
        "rank": rank,
        "max_tokens": max_tokens,
        "rows": rows,
        "base": revision_of(where),
        "head": "mean" if pooled else "standard",
        "temperature": how.temperature,
        "training": asdict(how),
    }
    (folder / TEACHER_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return folder


def training_of(folder: str | Path) -> Training | None:
    """How the teacher in a folder was trained; None for one of an earlier version."""
    about = json.loads((Path(folder) / TEACHER_FILE).read_text(encoding="utf-8")).get("training")
    return None if about is None else Training(**{**about, "learnt": Learnt(**about["learnt"])})


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
    except (ValueError, KeyError, TypeError, RecursionError):
        return own
    base = weights_revision(where) if Path(where).is_dir() else base
    return f"{own}-{hashlib.sha256(told + base.encode()).hexdigest()[:6]}"


def load_finetuned(folder: Path) -> tuple[Model, Tokenizer, dict[str, Any]]:
    """(model, tokenizer, about) of a folder written by finetune_teacher, adapters merged into the weights."""
    libraries()
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    about = json.loads((Path(folder) / TEACHER_FILE).read_text(encoding="utf-8"))
    pooled = about.get("head") == "mean"
    model, tokenizer = (with_pooling if pooled else with_adapter)(
        about["encoder"], about["labels"], about["rank"], **pinned(resolve(about["encoder"]), about.get("base"))
    )
    state = {name: value.float() for name, value in load_file(Path(folder) / "adapter.safetensors").items()}
    if not pooled:
        set_peft_model_state_dict(model, state)
        return model.merge_and_unload().eval(), tokenizer, about
    weight, bias = state.pop("head.weight").numpy(), state.pop("head.bias").numpy()
    set_peft_model_state_dict(model.model, state)
    return pooled_classifier(model.model.merge_and_unload(), weight, bias, SCALE).eval(), tokenizer, about


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
        raise NotEnoughData(say("Cross-validation needs at least 2 texts of each label. Add texts and try again."))
    progress(0, 1, msg("cross-validating"))
    features = Encoder(encoder).encode(list(texts))
    splits = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    scores = cross_val_score(LogisticRegression(C=10.0, max_iter=500), features, np.array(labels), cv=splits)
    return float(scores.mean())
