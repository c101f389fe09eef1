"""A teacher trained on the person's own texts."""

from contextlib import suppress

from cod_core.errors import NotEnoughData
from cod_core.models.encoder import DEFAULT_ENCODER, needs_safetensors, resolve
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items
from cod_core.text import short_hash

FEWEST_STEPS, BATCH_ROWS = 60, 32  # of a teacher's training


def usual_rounds(rows: int) -> int:
    """How often a teacher's training goes over its texts where nobody says so.

    Below 400 texts ten times, and so often that FEWEST_STEPS batches are seen: 36 triage notes of three labels were not even
    learnt by heart in ten rounds (36 % right on them, 34 % on others: guessing); in 30 they were (86 % and 63 %).
    """
    few = max(10, -(-FEWEST_STEPS // max(1, -(-rows // BATCH_ROWS))))
    return 2 if rows >= 2000 else 4 if rows >= 400 else few


class Training(Room):
    """Trains a teacher and chooses it."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def check(self, params: dict) -> None:
        """Refuse a training that could only fail, before it is queued: no weights are read for that.

        Raises ModelUnavailable where there is no such model, NotEnoughData where a label has no training text.
        """
        from cod_core.models.decoder import is_decoder
        from cod_core.models.finetune import needs_every_label
        from cod_core.models.gguf import is_there
        from cod_core.models.local_llm import is_gguf

        needs_every_label([e.label for e in items.examples(self.db, self.id, split="train")], self.labels)
        encoder = params.get("encoder") or DEFAULT_ENCODER
        if is_gguf(encoder):
            return is_there(encoder)
        is_decoder(encoder)
        needs_safetensors(resolve(encoder))

    def finetune(self, params: dict, progress: Progress = silent) -> dict:
        """Train a teacher on the project's training rows and choose it. params: encoder (a decoder or a GGUF file will do
        too), epochs.

        Returns {"rows", "accuracy", "measured_on", "estimate", "warning"}: its accuracy on the test split. Where there is none
        and fewer than 200 rows, the estimate instead: what a simpler model, a linear head, reaches in cross-validation.
        """
        from cod_core.models.finetune import FEW_ROWS, cross_validate, finetune_teacher
        from cod_core.models.local_llm import resolve_llm

        project, labels = self.row, self.labels
        rows = [e for e in items.examples(self.db, self.id, split="train") if e.label is not None]
        encoder = resolve_llm(params.get("encoder") or DEFAULT_ENCODER, self.place.settings.folder("llm"))
        name = short_hash(encoder, params.get("epochs"), *(e.id + str(e.label) for e in rows))
        folder = self.place.folder("teachers") / name
        finetune_teacher(
            [e.text for e in rows],
            [e.label for e in rows],
            labels,
            encoder,
            folder,
            epochs=int(params.get("epochs") or usual_rounds(len(rows))),
            progress=progress,
        )
        few = len(rows) < FEW_ROWS
        out: dict = {"rows": len(rows), "accuracy": None, "measured_on": None, "estimate": None, "warning": None}
        test = [e for e in items.examples(self.db, self.id, split="test") if e.label is not None]
        if few:
            out["warning"] = f"Only {len(rows)} texts to train on: expect mistakes. {FEW_ROWS} or more make a teacher to trust."
        if few and not test:
            with suppress(NotEnoughData):
                out["estimate"] = cross_validate([e.text for e in rows], [e.label for e in rows], labels, encoder)
        self.teacher.choose(
            {"kind": "finetuned", "path": str(folder), "name": f"{project.name} ({len(rows)} texts)", "trained_on": [e.id for e in rows]}
        )
        if test:
            right = [p.label == e.label for p, e in zip(self.teacher.classifier().predict([e.text for e in test]), test)]
            out |= {"accuracy": sum(right) / len(right), "measured_on": f"{len(test)} test texts"}
        return out
