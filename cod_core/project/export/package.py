"""The student to take home: a zip that loads without this app, and its small form for devices."""

import io
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cod_core.distill.kinds import kind_of
from cod_core.distill.take_home import ARM
from cod_core.errors import BadInput
from cod_core.export.choice import STUDENT_FORMS
from cod_core.models.student import HEAD_SCALE, HeadStudent
from cod_core.progress import Progress, silent
from cod_core.project.filing import write_whole
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.students.product import Product
from cod_core.project.students.store import StudentStore
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

    def __init__(self, place: Place, models: Models, teacher: Teacher, store: StudentStore, product: Product):
        super().__init__(place)
        self.models = models
        self.teacher = teacher
        self.store = store
        self.product = product

    @needs("export")
    def student(self, run_id: str | None = None, form: str = "folder") -> bytes:
        """A student as a zip that loads without this app: the one to take home, or the named run.

        form: one of export.choice.STUDENT_FORMS. Raises NotEnoughData where none was made to take home: students of the comparison
        leave by name only, as an experiment. Raises BadInput where the student has no such form.
        """
        run = self.chosen(run_id)
        tmp = self.place.settings.folder("tmp")  # a folder a call: two people may take the same student home at once
        with tempfile.TemporaryDirectory(dir=tmp, prefix=self.id) as beside:
            folder = Path(beside) / run.config.run_id
            return zipped(self._written(run, folder) if form == "folder" else self._for_library(run, form, folder))

    def _for_library(self, run: RunResult, form: str, folder: Path) -> Path:
        """The student as a folder of another library."""
        from cod_core.export import libraries

        if form not in STUDENT_FORMS:
            raise BadInput(f"There is no form {form!r} for a student. Use one of: {', '.join(STUDENT_FORMS)}.")
        student = self.store.load(run.config.run_id)
        if form == "transformers" and not isinstance(student, HeadStudent):
            return self._written(run, folder)  # a decoder is a model of transformers as it is
        if not isinstance(student, HeadStudent):
            raise BadInput("This student is a decoder, which is no sentence encoder. Take it for transformers instead.")
        info = {"student": run.config.student, **self._facts(run)}
        write = libraries.write_transformers if form == "transformers" else libraries.write_sentence_transformers
        return write(folder, student, info)

    def chosen(self, run_id: str | None = None) -> RunResult:
        """The run named, else the student to take home. Raises NotEnoughData, BadInput."""
        if run_id is None:
            return self.product.run()
        found = {r.config.run_id: r for r in runs.runs(self.db, self.id) if r.path is not None}
        if run_id not in found:
            raise BadInput(f"There is no student {run_id!r} whose weights are kept.")
        return found[run_id]

    def _written(self, run: RunResult, folder: Path) -> Path:
        """The student as a folder with a loader beside it."""
        from cod_core.export.student import write_finetuned_student, write_student

        info = self._facts(run)
        if not kind_of(run.config).head:
            return write_finetuned_student(folder, self.store.weights(run.config.run_id), {"student": run.config.student, **info})
        self.models.encoder_of(run.config)
        write_student(folder, run.config.encoder, *self.store.head(run.config), self.labels, HEAD_SCALE, info)
        return folder

    def _facts(self, run: RunResult) -> dict[str, Any]:
        """What its card says: what it was trained on, and its figures on the test texts, once."""
        made = self.product.latest()
        if run.config.arm != ARM or made is None or made.run_id != run.config.run_id:
            experiment = "a student of a comparison, an experiment: not the one to take home"
            return {"made_for": experiment, "arm": run.config.arm, "training_rows": run.config.shots, "test": run.test}
        parts = [one for one in made.ingredients if one.rows and one.dev is not None]
        brought = {("" if one is parts[0] else "also ") + one.words: f"{one.dev:.3f}" for one in parts}
        return {
            "trained_on": made.trained_on,
            "teacher": run.config.teacher_id,
            **({f"right on {made.n_dev} development texts, with": brought} if brought else {}),
            "test texts, measured once": made.test,
        }

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
        folder = self._written(run, self.place.folder("exports") / run.config.run_id)
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
        there = {path.name: path for path in self.place.folder("exports").iterdir() if path.is_file()}
        if name not in there:
            raise BadInput("The packed student is no longer there. Pack it again.")
        return there[name].read_bytes()
