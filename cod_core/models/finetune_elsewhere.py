"""A teacher's training as one piece of work for a process that has a GPU: texts and labels go out, the teacher's files come back.

The encoder is loaded by name there; a worker whose copy holds other weights refuses. Knows no store.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cod_core.compute.work import Work
from cod_core.models.finetune import finetune_teacher
from cod_core.models.portable import EncoderSpec, encoder_spec, same_weights

Files = dict[str, bytes]  # name -> content


@dataclass(frozen=True)
class TrainingSpec:
    """What finetune_teacher is given. development: (texts, labels), None where a part of the rows says when it has learnt."""

    texts: tuple[str, ...] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    label_names: tuple[str, ...]
    encoder: EncoderSpec
    development: tuple[tuple[str, ...], tuple[str, ...]] | None = field(default=None, repr=False)
    epochs: int | None = None
    minutes: float | None = None


def same_encoder(spec: TrainingSpec) -> TrainingSpec:
    """A process made ready. Raises BadInput where its encoder holds other weights; ModelUnavailable."""
    same_weights(encoder_spec(spec.encoder.name).revision, spec.encoder.revision, spec.encoder.name)
    return spec


def train(spec: TrainingSpec, _piece: int) -> Files:
    """The files of the trained teacher's folder. Raises NotEnoughData."""
    with tempfile.TemporaryDirectory(prefix="cod-teacher-") as folder:
        finetune_teacher(
            spec.texts,
            spec.labels,
            spec.label_names,
            spec.encoder.name,
            Path(folder),
            development=spec.development,
            epochs=spec.epochs,
            minutes=spec.minutes,
        )
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}


TRAINING = Work[TrainingSpec, TrainingSpec, int, Files](same_encoder, train, torch=True, gpu=True)
