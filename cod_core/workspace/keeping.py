"""Projects as things to keep: duplicated, put away, backed up and restored as one file, erased for good."""

import hashlib
import json
import re
import secrets
import shutil
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

from cod_core.data.archives import open_checked_zip, read_entry
from cod_core.errors import BadInput, CodError
from cod_core.progress import Progress, silent
from cod_core.settings import MAX_ARCHIVE_ENTRIES
from cod_core.store import portable, projects
from cod_core.types import now
from cod_core.workspace.base import Base

FORMAT = "cod-backup/1"
ROOMS = ("teachers", "students")
MAX_BACKUP, MAX_BACKUP_UNPACKED, MAX_BACKUP_FILES = 2 * 2**30, 8 * 2**30, MAX_ARCHIVE_ENTRIES * 10
_FILE = re.compile(rf"({'|'.join(ROOMS)})/[\w.-]+(/[\w.-]+)*\.(safetensors|json|txt|md|onnx|py)")
_WHAT = "The backup"


class Keeping(Base):
    """What happens to a project as a whole."""

    def archive(self, pid: str, yes: bool = True) -> None:
        """Put a project away (it is kept, but no longer offered), or bring it back."""
        portable.archive(self.db, pid, yes)

    def delete_project(self, pid: str) -> None:
        """Erase a project for good: texts, replies, caches, jobs, runs, and every file made for it.

        Backups and exports that were taken away are the person's own.
        """
        projects.delete_project(self.db, pid)
        self._forget(pid)
        self._keys = {held: key for held, key in self._keys.items() if held[0] != pid}
        for path in self.settings.home.glob(f"*/{pid}*"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def backup(self, pid: str, progress: Progress = silent) -> bytes:
        """The project as one file: texts, proposals, decisions, replies, models. No key is in it; none is stored.

        Raises BadInput where it would be too large to be restored.
        """
        with tempfile.TemporaryFile(dir=self.settings.folder("tmp")) as out:
            self._write_backup(pid, out, progress)
            out.seek(0)
            return out.read()

    def _write_backup(self, pid: str, out, progress: Progress) -> None:
        tables = ("projects", *portable.OWN, "predictions")
        sums = {}
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, self.db.read() as c:
            for at, table in enumerate(tables):
                progress(at, len(tables), "writing the backup")
                digest = hashlib.sha256()
                with archive.open(f"tables/{table}.jsonl", "w", force_zip64=True) as file:
                    for row in portable.rows(c, pid, table):
                        line = (json.dumps(self._packed(pid, row), ensure_ascii=False) + "\n").encode()
                        digest.update(line)
                        file.write(line)
                sums[f"tables/{table}.jsonl"] = digest.hexdigest()
            for room in ROOMS:
                folder = self.settings.home / room / pid
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    name = f"{room}/{path.relative_to(folder).as_posix()}"
                    if _FILE.fullmatch(name):
                        body = path.read_bytes()  # once: a report may be renewed between two readings
                        archive.writestr(name, body)
                        sums[name] = hashlib.sha256(body).hexdigest()
            name = self.project(pid).name
            about = {"format": FORMAT, "created_at": now(), "name": name, "sha256": sums}
            archive.writestr("backup.json", json.dumps(about, ensure_ascii=False))
            unpacked, files = sum(entry.file_size for entry in archive.infolist()), len(archive.infolist())
        if out.tell() > MAX_BACKUP or unpacked > MAX_BACKUP_UNPACKED or files > MAX_BACKUP_FILES:
            raise BadInput(
                f"The backup would be of {files:,} files and {out.tell() / 2**30:.1f} GB, and could not be restored. Copy the "
                f"data folder instead ({self.settings.home}), while the app is closed."
            )
        progress(len(tables), len(tables), "done")

    def _packed(self, pid: str, row: dict) -> dict:
        """The row with the places of the project's own models written as {room}, so that they fit any machine."""
        text = json.dumps(row, ensure_ascii=False)
        for room in ROOMS:
            text = text.replace(json.dumps(str(self.settings.home / room / pid))[1:-1], "{" + room + "}")
        return json.loads(text)

    def restore(self, data: bytes, name: str | None = None, fresh: bool = False, decisions: bool = True) -> str:
        """A project from a backup; returns its id, the old one where that is free (and not `fresh`).

        name: another name. decisions: False begins the curation anew. To a language model's address in it nothing is sent before
        somebody confirms it (see Endpoints). Raises BadInput with what is wrong with the file, CodError where the disk is full;
        nothing is restored then.
        """

        def taken(old: str) -> str:
            return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(2)}"

        with open_checked_zip(data, _WHAT, MAX_BACKUP, MAX_BACKUP_UNPACKED, MAX_BACKUP_FILES) as archive:
            self._check_backup(archive)
            project = next(self._rows(archive, "projects"), None)
            if project is None or not re.fullmatch(r"[0-9a-f]{8,32}", str(project.get("id"))) or not projects.listable(project):
                raise BadInput("The backup holds no project: it is damaged.")
            was = str(project["id"])
            if fresh or any((self.settings.home / room / project["id"]).exists() for room in ROOMS):
                project = {**project, "id": taken(project["id"])}
            settings = project.get("settings")  # an address that was confirmed elsewhere is to be confirmed here
            project["settings"] = {**settings, "endpoints": []} if isinstance(settings, dict) else {}
            project |= {"archived_at": None, "created_at": now() if fresh else project["created_at"]}
            if name:
                project["name"] = name[:120]
            left_out = () if decisions else ("decisions", "drafts", "runs", "places")

            def own(table: str):
                return iter(()) if table in left_out else self._rows(archive, table)

            with self._unpacked(archive) as files, self._moving(files) as move:
                return portable.load(self.db, project, own, taken, move, was)

    def _check_backup(self, archive: zipfile.ZipFile) -> None:
        names = set(archive.namelist())
        if "backup.json" not in names:
            raise BadInput(
                "This zip is not a backup of this app: it has no backup.json. An exported set is opened under “Open an exported set”."
            )
        try:
            about = json.loads(read_entry(archive, "backup.json", _WHAT))
            sums = dict(about["sha256"])
            known = about["format"] == FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput("The backup's own description is damaged. Nothing was restored.") from error
        if not known:
            raise BadInput(f"The backup has format {str(about['format'])[:40]!r}; this app reads {FORMAT!r}.")
        for name in names - {"backup.json"}:
            if name not in sums or not (_FILE.fullmatch(name) or re.fullmatch(r"tables/\w+\.jsonl", name)):
                raise BadInput(f"The backup holds a part that does not belong there ({name[:80]!r}). It was not restored.")
            digest = hashlib.sha256()
            with archive.open(name) as file:
                while chunk := file.read(2**20):
                    digest.update(chunk)
            if digest.hexdigest() != sums[name]:
                raise BadInput(f"The backup's part {name!r} was changed or damaged. It was not restored.")
        if missing := set(sums) - names:
            raise BadInput(f"The backup lacks its part {sorted(missing)[0]!r}: it is not complete.")

    def _rows(self, archive: zipfile.ZipFile, table: str):
        if f"tables/{table}.jsonl" not in archive.namelist():
            return
        with archive.open(f"tables/{table}.jsonl") as file:
            try:
                for line in file:
                    yield dict(json.loads(line))
            except (ValueError, TypeError, RecursionError) as error:
                raise BadInput(f"The backup's part {table!r} holds a line that cannot be read: it is damaged.") from error

    @contextmanager
    def _unpacked(self, archive: zipfile.ZipFile):
        """A folder with the backup's files, for as long as they are not in their place. Raises CodError."""
        with tempfile.TemporaryDirectory(dir=self.settings.folder("tmp")) as folder:
            try:
                for name in archive.namelist():
                    if _FILE.fullmatch(name):
                        path = Path(folder) / name
                        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                        path.write_bytes(read_entry(archive, name, _WHAT))
            except OSError as error:
                raise CodError(
                    f"The backup's files could not be written ({error.strerror}). Nothing was restored. Make room on "
                    "the disk and try again."
                ) from error
            yield Path(folder)

    @contextmanager
    def _moving(self, files: Path):
        """A function (project id, its row) -> the row whose teacher lies in the new place, the files moved there; what was
        moved is removed again where something goes wrong inside."""
        moved: list[Path] = []

        def move(pid: str, row: dict) -> dict:
            for room in ROOMS:
                if (files / room).is_dir():
                    moved.append(self.settings.folder(room) / pid)
                    shutil.move(files / room, moved[-1])
            places = {"{" + room + "}": str(self.settings.home / room / pid) for room in ROOMS}
            return {**row, "teacher": _placed(row.get("teacher"), places)}

        try:
            yield move
        except BaseException:
            for path in moved:
                shutil.rmtree(path, ignore_errors=True)
            raise

    def duplicate(self, pid: str, name: str, decisions: bool = True) -> str:
        """A copy of a project under another name; returns its id. decisions: False begins the curation anew."""
        if not name.strip():
            raise BadInput("The copy needs a name.")
        copy = self.restore(self.backup(pid), name.strip(), fresh=True, decisions=decisions)
        for site in self.project(pid).settings.get("endpoints") or ():
            self.name_endpoint(copy, site)
        return copy


def _placed(value, places: dict[str, str]):
    if isinstance(value, str):
        for mark, path in places.items():
            if value.startswith(mark):
                return path + value[len(mark) :]
    return {k: _placed(v, places) for k, v in value.items()} if isinstance(value, dict) else value
