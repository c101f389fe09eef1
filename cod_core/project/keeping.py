"""A project as a thing to keep: put away, backed up as one file, erased for good."""

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from typing import IO, Any

from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.said import say
from cod_core.settings import MAX_ARCHIVE_ENTRIES, files_of
from cod_core.store import portable, projects
from cod_core.types import now

FORMAT = "cod-backup/1"


KEPT_FOLDERS = ("teachers", "students")


MAX_BACKUP, MAX_BACKUP_UNPACKED, MAX_BACKUP_FILES = 2 * 2**30, 8 * 2**30, MAX_ARCHIVE_ENTRIES * 10


MODEL_FILE = re.compile(rf"({'|'.join(KEPT_FOLDERS)})/[\w.-]+(/[\w.-]+)*\.(safetensors|json|txt|md|onnx|py)")


class Keeping(Room):
    """What happens to a project as a whole."""

    def __init__(self, place: Place, endpoints: Endpoints):
        super().__init__(place)
        self.endpoints = endpoints

    @needs("archive")
    def archive(self, yes: bool = True) -> None:
        """Put a project away (it is kept, but no longer offered), or bring it back."""
        portable.archive(self.db, self.id, yes)

    @needs("delete")
    def delete(self) -> str:
        """Erase a project for good: texts, replies, caches, jobs, runs, and every file made for it. Returns "", or a sentence on
        what may be left in the database's files because somebody was reading.

        Backups and exports that were taken away are the person's own.
        """
        with self.db.together():  # a process killed between them leaves the project, to be erased again, and never files of none
            projects.erase(self.db, self.id)
            for path in files_of(self.place.settings.home, self.id):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        self.endpoints.forget_keys()
        return projects.forget(self.db)

    @needs("backup")
    def backup(self, progress: Progress = silent) -> bytes:
        """The project as one file: texts, proposals, decisions, replies, models. No key is in it; none is stored.

        Raises BadInput where it would be too large to be restored.
        """
        with tempfile.TemporaryFile(dir=self.place.settings.folder("tmp")) as out:
            self._write_backup(out, progress)
            out.seek(0)
            return out.read()

    def _write_backup(self, out: IO[bytes], progress: Progress) -> None:
        tables = ("projects", *portable.OWN)
        sums = {}
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, self.db.read() as c:
            for at, table in enumerate(tables):
                progress(at, len(tables), "writing the backup")
                digest = hashlib.sha256()
                with archive.open(f"tables/{table}.jsonl", "w", force_zip64=True) as file:
                    for row in portable.rows(c, self.id, table):
                        line = (json.dumps(self._packed(row), ensure_ascii=False) + "\n").encode()
                        digest.update(line)
                        file.write(line)
                sums[f"tables/{table}.jsonl"] = digest.hexdigest()
            for kept in KEPT_FOLDERS:
                folder = self.place.settings.home / kept / self.id
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    name = f"{kept}/{path.relative_to(folder).as_posix()}"
                    if MODEL_FILE.fullmatch(name):
                        body = path.read_bytes()  # once: a report may be renewed between two readings
                        archive.writestr(name, body)
                        sums[name] = hashlib.sha256(body).hexdigest()
            name = self.row.name
            about = {"format": FORMAT, "created_at": now(), "name": name, "sha256": sums}
            archive.writestr("backup.json", json.dumps(about, ensure_ascii=False))
            unpacked, files = sum(entry.file_size for entry in archive.infolist()), len(archive.infolist())
        if out.tell() > MAX_BACKUP or unpacked > MAX_BACKUP_UNPACKED or files > MAX_BACKUP_FILES:
            raise BadInput(
                say(
                    "The backup would be of {n:,} files and {size:.1f} GB, and could not be restored. Copy the data "
                    "folder instead ({folder}), while the app is closed.",
                    n=files,
                    size=out.tell() / 2**30,
                    folder=self.place.settings.home,
                )
            )
        progress(len(tables), len(tables), "done")

    def _packed(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the places of the project's own models written as {room}, so that they fit any machine."""
        text = json.dumps(row, ensure_ascii=False)
        for kept in KEPT_FOLDERS:
            text = text.replace(json.dumps(str(self.place.settings.home / kept / self.id))[1:-1], "{" + kept + "}")
        packed: dict[str, Any] = json.loads(text)
        return packed
