"""Whether the training of a student fits into the memory that is free, asked before it starts. Trains nothing."""

from dataclasses import dataclass

from cod_core.distill.settings import StudentSettings
from cod_core.models.encoder import DEFAULT_ENCODER, split_name
from cod_core.said import Said, say, together


@dataclass(frozen=True)
class Memory:
    """Bytes a training step needs and bytes free; rows: texts a forward pass that fit, 0 where too few do."""

    need: int
    free: int
    rows: int

    @property
    def sentence(self) -> Said:
        gb = 1 << 30
        said = say("Training needs about {need:.1f} GB of memory; {free:.1f} GB are free.", need=self.need / gb, free=self.free / gb)
        if self.rows:
            return said
        return together((said, say("Choose a smaller model, freeze more of its layers, or shorten the longest texts.")))


def memory_for(settings: StudentSettings, longest_text: int) -> Memory:
    """What one step of a student's training takes. longest_text: characters.

    Minibatches that do not fit are split, which changes no result; but not the contrastive student's, which compares all texts
    of a minibatch. Raises ModelUnavailable for an unknown encoder.
    """
    from cod_core.models.device import best_device
    from cod_core.models.memory import free_bytes, rows_that_fit, size_of, training_bytes
    from cod_core.models.trainable import LORA_ABOVE, LORA_RANK

    fields = settings.config_fields()  # what was given, else the kind's recipe
    size, batch = size_of(fields["encoder"]), int(fields.get("batch_size") or 16)
    tokens = min(256, max(16, longest_text // 3))
    frozen, half = int(fields.get("frozen_layers", 0)), best_device().type == "cuda"
    rank = int(fields.get("lora_rank") or (LORA_RANK if size.parameters > LORA_ABOVE else 0))
    free = free_bytes()
    rows = rows_that_fit(size, batch, tokens, free, frozen_layers=frozen, half=half, lora_rank=rank)
    whole = not settings.kind.splits_batches
    if whole and rows < batch:
        rows = 0
    need = training_bytes(size, rows or (batch if whole else 2), tokens, frozen_layers=frozen, half=half, lora_rank=rank)
    return Memory(need, free, rows)


def check_encoder(encoder: str) -> None:
    """Raises ModelUnavailable where no student can start from such a model: to be asked before a job starts."""
    from cod_core.models.memory import size_of

    if split_name(encoder or DEFAULT_ENCODER)[0] != DEFAULT_ENCODER:
        size_of(encoder)
