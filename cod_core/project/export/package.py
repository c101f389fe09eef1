"""The student to take home: a zip that loads without this app, and its small form for devices."""

import io
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cod_core.distill.kinds import kind_of
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.student import HEAD_SCALE, HeadStudent
from cod_core.progress import Progress, silent
from cod_core.project.filing import write_whole
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.students.store import StudentStore, standing
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items, runs
from cod_core.types import RunResult

CHECKED_TEXTS = 400


def zipped(folder: Path) -> bytes:
    """The files of a folder as one zip; weights are stored as they are, since they do not get smaller."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                how = zipfile.ZIP_STORED if path.suffix in (".safetensors", ".onnx") else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(folder), how)
    return out.getvalue()


def _measured(teacher: Any, texts: list[str]) -> dict[str, Any] | None:
    """What export.onnx.measure says of the teacher; None of one that is no model on this machine. teacher: any classifier,
    with model, tokenizer and logprobs where its weights are loaded here."""
    from cod_core.export.onnx import batched, measure

    if getattr(teacher, "model", None) is None:
        return None
    size = sum(p.numel() * 4 for p in teacher.model.parameters())
    return asdict(measure("teacher", teacher.logprobs, batched(teacher.tokenizer, texts), size, None, 20))


class StudentPackages(Room):
    """A finished student as a file."""

    def __init__(self, place: Place, models: Models, teacher: Teacher, store: StudentStore):
        super().__init__(place)
        self.models = models
        self.teacher = teacher
        self.store = store

    @needs("export")
    def student(self, run_id: str | None = None) -> bytes:
        """A student as a zip that loads without this app: the named run, else the best by development rows.

        Raises NotEnoughData before the first sweep.
        """

        return zipped(self._folder(self.chosen(run_id)))

    def chosen(self, run_id: str | None = None) -> RunResult:
        """The run named, else the present teacher's best by development rows whose weights are kept. Raises NotEnoughData,
        BadInput."""
        found = {r.config.run_id: r for r in runs.runs(self.db, self.id) if r.path is not None}
        if run_id is None:
            present = [r for r in self.store.present() if r.path is not None]
            with_cfes = [r for r in present if r.config.arm in ("cod", "cod_plus")] or present
            if not with_cfes:
                raise NotEnoughData("There is no student yet. Distil first.")
            run_id = max(with_cfes, key=standing).config.run_id
        if run_id not in found:
            raise BadInput(f"There is no student {run_id!r} whose weights are kept.")
        return found[run_id]

    def _folder(self, run: RunResult) -> Path:
        """The student as a folder with a loader beside it, written out on first use."""
        from cod_core.export.student import write_finetuned_student, write_student

        folder, labels = self.place.folder("exports") / run.config.run_id, self.labels
        info = {"arm": run.config.arm, "training_rows": run.config.shots, "test": run.test}
        if not kind_of(run.config).head:
            return write_finetuned_student(folder, self.store.weights(run.config.run_id), {"student": run.config.student, **info})
        self.models.encoder_of(run.config)
        write_student(folder, run.config.encoder, *self.store.head(run.config), labels, HEAD_SCALE, info)
        return folder

    @needs("export")
    def pack(self, run_id: str | None = None, progress: Progress = silent) -> dict[str, Any]:
        """The student of run_id (the one that `chosen` takes where None) as ONNX, fp32 and int8.

        Written beside its safetensors and card; checked on up to 400 test and unlabelled texts. Returns {"run_id",
        "file", "measured": [one a form], "teacher": the same for the teacher}.
        """
        from cod_core.export.onnx import write_onnx

        run = self.chosen(run_id)
        splits = ("test", "unlabelled", "validation", "train")
        texts = [e.text for split in splits for e in items.examples(self.db, self.id, split=split)][:CHECKED_TEXTS]
        progress(0, 2, "writing and checking the small model")
        folder = self._folder(run)
        student = self.store.load(run.config.run_id)
        if not (kind_of(run.config).onnx and isinstance(student, HeadStudent)):
            raise BadInput("Decoders are exported as transformers models; ONNX is for encoder students.")
        found = write_onnx(folder, student, texts)
        progress(1, 2, "measuring the teacher")
        beside = _measured(self.teacher.classifier().wrapped, texts[:100])
        path = self.place.folder("exports") / f"{run.config.run_id}.zip"
        write_whole(path, lambda part: part.write_bytes(zipped(folder)))
        progress(2, 2, "done")
        return {"run_id": run.config.run_id, "file": path.name, "measured": [asdict(m) for m in found], "teacher": beside}

    @needs("export")
    def packed(self, name: str) -> bytes:
        """The zip that `pack` wrote. Raises BadInput where it is gone."""
        path = self.place.folder("exports") / Path(name).name
        if not path.exists():
            raise BadInput("The packed student is no longer there. Pack it again.")
        return path.read_bytes()
