"""A teacher trained on the person's own texts."""

from dataclasses import asdict, dataclass
from typing import Any

from cod_core.errors import NotEnoughData
from cod_core.models.choice import FinetunedChoice, FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER, needs_safetensors, resolve
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example

FEWEST_STEPS, BATCH_ROWS = 60, 32  # of a teacher's training


def usual_rounds(rows: int) -> int:
    """How often a teacher's training goes over its texts where nobody says so.

    Below 400 texts ten times, and so often that FEWEST_STEPS batches are seen: 36 triage notes of three labels were not even
    learnt by heart in ten rounds (36 % right on them, 34 % on others: guessing); in 30 they were (86 % and 63 %).
    """
    few = max(10, -(-FEWEST_STEPS // max(1, -(-rows // BATCH_ROWS))))
    return 2 if rows >= 2000 else 4 if rows >= 400 else few


@dataclass(frozen=True)
class TrainingReport:
    """rows: texts trained on. accuracy: on the texts that measured_on names, None where there are none. estimate: what a
    simpler model, a linear head, reaches in cross-validation, where there is no accuracy and rows are few. warning: about few rows.
    """

    rows: int
    accuracy: float | None = None
    measured_on: str | None = None
    estimate: float | None = None
    warning: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The result of the job, and what the command prints."""
        return asdict(self)


class Training(Room):
    """Trains a teacher and chooses it."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def check(self, options: FinetuneOptions) -> None:
        """Refuse a training that could only fail, before it is queued: no weights are read for that.

        Raises ModelUnavailable where there is no such model, NotEnoughData where a label has no training text.
        """
        from cod_core.models.decoder import is_decoder
        from cod_core.models.finetune import needs_every_label
        from cod_core.models.gguf import is_there
        from cod_core.models.local_llm import is_gguf

        self.place.need_for_files(options.encoder, "encoder folder")
        needs_every_label([e.label for e in items.examples(self.db, self.id, split="train")], self.labels)
        encoder = options.encoder or DEFAULT_ENCODER
        if is_gguf(encoder):
            return is_there(encoder)
        is_decoder(encoder)
        needs_safetensors(resolve(encoder))

    @needs("teach")
    def finetune(self, options: FinetuneOptions, progress: Progress = silent) -> TrainingReport:
        """Train a teacher on the project's training rows and choose it; how well it does on the test split."""
        from cod_core.models.finetune import FEW_ROWS, finetune_teacher
        from cod_core.models.local_llm import resolve_llm

        self.place.need_for_files(options.encoder, "encoder folder")
        rows = self._labelled("train")
        texts, labels = [e.text for e, _ in rows], [label for _, label in rows]
        encoder = resolve_llm(options.encoder or DEFAULT_ENCODER, self.place.settings.folder("llm"))
        name = short_hash(encoder, options.epochs, *(e.id + label for e, label in rows))
        folder = self.place.folder("teachers") / name
        epochs = options.epochs or usual_rounds(len(rows))
        finetune_teacher(texts, labels, self.labels, encoder, folder, epochs=epochs, progress=progress)
        few, test = len(rows) < FEW_ROWS, self._labelled("test")
        estimate = self._estimate(texts, labels, encoder) if few and not test else None
        named = f"{self.row.name} ({len(rows)} texts)"
        self.teacher.choose(FinetunedChoice(str(folder), named, tuple(e.id for e, _ in rows)))
        return TrainingReport(
            rows=len(rows),
            accuracy=self._accuracy(test) if test else None,
            measured_on=f"{len(test)} test texts" if test else None,
            estimate=estimate,
            warning=f"Only {len(rows)} texts to train on: expect mistakes. {FEW_ROWS} or more make a teacher to trust." if few else None,
        )

    def _labelled(self, split: str) -> list[tuple[Example, str]]:
        return [(e, e.label) for e in items.examples(self.db, self.id, split=split) if e.label is not None]

    def _estimate(self, texts: list[str], labels: list[str], encoder: str) -> float | None:
        """What a linear head reaches in cross-validation; None where a label has too few texts for that."""
        from cod_core.models.finetune import cross_validate

        try:
            return cross_validate(texts, labels, self.labels, encoder)
        except NotEnoughData:
            return None

    def _accuracy(self, rows: list[tuple[Example, str]]) -> float:
        """Share of these rows on which the present teacher names the label."""
        predictions = self.teacher.classifier().predict([e.text for e, _ in rows])
        return sum(p.label == label for p, (_, label) in zip(predictions, rows)) / len(rows)
