"""Try any text on teacher and students side by side; a student packed for small devices."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.store import items, runs
from cod_core.types import Prediction, RunResult
from cod_core.workspace.base import Base
from cod_core.workspace.filing import write_whole

CHECKED_TEXTS = 400


@dataclass(frozen=True)
class Said:
    """What one classifier says of one text. run_id: None for the teacher. rows: training rows of a student, real: texts of
    the project among them."""

    name: str
    run_id: str | None
    arm: str | None
    rows: int | None
    real: int | None
    prediction: Prediction


def standing(run: RunResult) -> tuple[int, float, int]:
    """What students are ranked by, best last: rows they learnt from, development rows, the first draw."""
    return run.config.shots, run.dev.get("accuracy", run.dev.get("agreement", 0.0)), -run.config.seed


class Trying(Base):
    """Finished students at work."""

    def present_students(self, pid: str) -> list[RunResult]:
        """Finished students of the present teacher, oldest first: those of an earlier one are students of another question."""
        project = self.project(pid)
        if project.teacher is None:
            return []
        now = self._identity(project.teacher, project.task.labels)
        return [r for r in runs.runs(self.db, pid) if (r.config.teacher_id, r.config.teacher_revision) == now]

    def kept_students(self, pid: str) -> list[RunResult]:
        """Students of the present teacher whose weights are kept: the best draw by development rows of every kind and arm at
        its largest k."""
        best: dict[tuple, RunResult] = {}
        for run in self.present_students(pid):
            if run.path is None:
                continue
            key = run.config.student, run.config.arm
            if key not in best or standing(run) > standing(best[key]):
                best[key] = run
        return sorted(best.values(), key=lambda r: (r.config.student != "linear", r.config.student, r.config.arm))

    def student(self, pid: str, run_id: str):
        """A finished student as a classifier, loaded once. Raises BadInput where its weights are not kept."""
        run = next((r for r in runs.runs(self.db, pid) if r.config.run_id == run_id), None)
        if run is None or run.path is None:
            raise BadInput("This student's weights are not kept (cells of a grid keep numbers only). Distil it again.")
        return self._once(("student", pid, run_id), lambda: self._load_student(pid, run))

    def _load_student(self, pid: str, run: RunResult):
        from cod_core.distill.linear import SCALE
        from cod_core.models.student import LinearStudent, load_student

        room = self.settings.folder("students", pid)
        if run.config.student != "linear":
            return load_student(room / run.config.run_id)
        from safetensors.numpy import load_file

        head = load_file(room / f"{run.config.run_id}.safetensors")
        return LinearStudent(self.encoder_of(run.config), head["weight"], head["bias"], self.project(pid).task.labels, SCALE)

    def say(self, pid: str, texts: Sequence[str], run_ids: Sequence[str] | None = None) -> list[list[Said]]:
        """For each text what the teacher and the students say, the teacher first. run_ids: kept_students where None.

        Raises NotEnoughData before the first sweep, BadInput for an empty text or a project that does not exist.
        """
        self.project(pid)
        if any(not text.strip() for text in texts):
            raise BadInput("Type a text first.")
        chosen = self.kept_students(pid)
        if run_ids is not None:
            chosen = [r for r in runs.runs(self.db, pid) if r.config.run_id in set(run_ids)]
        if not chosen:
            raise NotEnoughData("There is no student yet. Distil first.")
        out = [[Said("teacher", None, None, None, None, p)] for p in self.teacher(pid).predict(list(texts))]
        for run in chosen:
            for row, prediction in zip(out, self.student(pid, run.config.run_id).predict(list(texts))):
                c = run.config
                row.append(Said(c.student, c.run_id, c.arm, c.shots, c.real_shots, prediction))
        return out

    def pack_student(self, pid: str, params: dict, progress: Progress = silent) -> dict:
        """The student of params["run_id"] (the one that export_student chooses where absent) as ONNX, fp32 and int8.

        Written beside its safetensors and card; checked on up to 400 test and unlabelled texts. Returns {"run_id",
        "file", "measured": [one a form], "teacher": the same for the teacher}.
        """
        from cod_core.export.onnx import batched, measure, write_onnx

        run = self.chosen_student(pid, params.get("run_id"))
        texts = [e.text for split in ("test", "unlabelled", "validation", "train") for e in items.examples(self.db, pid, split=split)][
            :CHECKED_TEXTS
        ]
        progress(0, 2, "writing and checking the small model")
        folder = self._student_folder(pid, run)
        student = self.student(pid, run.config.run_id)
        if not hasattr(student, "encoder"):
            raise BadInput("Decoders are exported as transformers models; ONNX is for encoder students.")
        found = write_onnx(folder, student, texts)
        progress(1, 2, "measuring the teacher")
        whole = self.teacher(pid).wrapped
        beside = None
        if getattr(whole, "model", None) is not None:
            size = sum(p.numel() * 4 for p in whole.model.parameters())
            beside = asdict(measure("teacher", whole.logprobs, batched(whole.tokenizer, texts[:100]), size, None, 20))
        path = self.settings.folder("exports", pid) / f"{run.config.run_id}.zip"
        write_whole(path, lambda part: part.write_bytes(zipped(folder)))
        progress(2, 2, "done")
        return {"run_id": run.config.run_id, "file": path.name, "measured": [asdict(m) for m in found], "teacher": beside}

    def packed_student(self, pid: str, name: str) -> bytes:
        """The zip that pack_student wrote. Raises BadInput where it is gone."""
        path = self.settings.folder("exports", pid) / Path(name).name
        if not path.exists():
            raise BadInput("The packed student is no longer there. Pack it again.")
        return path.read_bytes()


def zipped(folder: Path) -> bytes:
    """The files of a folder as one zip; weights are stored as they are, since they do not get smaller."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                how = zipfile.ZIP_STORED if path.suffix in (".safetensors", ".onnx") else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(folder), how)
    return out.getvalue()
