"""Backups read back: every part checked, then loaded as one project, or nothing at all."""

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from cod_core.data.archives import entry_lines, open_checked_zip, read_entry
from cod_core.errors import BadInput, CodError
from cod_core.project.keeping import FORMAT, KEPT_FOLDERS, MAX_BACKUP, MAX_BACKUP_FILES, MAX_BACKUP_UNPACKED, MODEL_FILE
from cod_core.roles import is_path
from cod_core.settings import Settings
from cod_core.store import portable, projects
from cod_core.store.database import Database
from cod_core.types import now

_WHAT = "The backup"
Row: TypeAlias = dict[str, Any]  # of any table: whatever columns the format has, checked when they are loaded


def restore(db: Database, settings: Settings, data: bytes, name: str | None = None, fresh: bool = False, decisions: bool = True) -> str:
    """A project from a backup; returns its id, which is always a new one.

    name: another name. fresh: made today, as a copy is. decisions: False begins the curation anew. To a language model's address
    in it nothing is sent before somebody confirms it (see Endpoints); a teacher whose files are not in the backup is left out.
    Raises BadInput with what is wrong with the file, CodError where the disk is full; nothing is restored then.
    """
    with open_checked_zip(data, _WHAT, MAX_BACKUP, MAX_BACKUP_UNPACKED, MAX_BACKUP_FILES) as archive:
        _check_backup(archive)
        project = next(_rows(archive, "projects"), None)
        if project is None or not re.fullmatch(r"[0-9a-f]{8,32}", str(project.get("id"))) or not projects.listable(project):
            raise BadInput("The backup holds no project: it is damaged.")
        kept = project.get("settings")  # an address that was confirmed elsewhere is to be confirmed here
        project["settings"] = {**kept, "endpoints": []} if isinstance(kept, dict) else {}
        project |= {"archived_at": None, "created_at": now() if fresh else project["created_at"]}
        if name:
            project["name"] = name[:120]
        left_out = () if decisions else ("decisions", "drafts", "runs", "places")

        def own(table: str) -> Iterator[Row]:
            return iter(()) if table in left_out else _rows(archive, table)

        with _unpacked(settings, archive) as files, _moving(settings, files) as move:
            return portable.load(db, project, own, lambda old: projects.new_id(), move, str(project["id"]))


def _check_backup(archive: zipfile.ZipFile) -> None:
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
        if name not in sums or not (MODEL_FILE.fullmatch(name) or re.fullmatch(r"tables/\w+\.jsonl", name)):
            raise BadInput(f"The backup holds a part that does not belong there ({name[:80]!r}). It was not restored.")
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while chunk := file.read(2**20):
                digest.update(chunk)
        if digest.hexdigest() != sums[name]:
            raise BadInput(f"The backup's part {name!r} was changed or damaged. It was not restored.")
    if missing := set(sums) - names:
        raise BadInput(f"The backup lacks its part {sorted(missing)[0]!r}: it is not complete.")


def _rows(archive: zipfile.ZipFile, table: str) -> Iterator[Row]:
    name = f"tables/{table}.jsonl"
    for line in entry_lines(archive, name, _WHAT) if name in archive.namelist() else ():
        try:
            yield dict(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(f"The backup's part {table!r} holds a line that cannot be read: it is damaged.") from error


@contextmanager
def _unpacked(settings: Settings, archive: zipfile.ZipFile) -> Iterator[Path]:
    """A folder with the backup's files, for as long as they are not in their place. Raises CodError."""
    with tempfile.TemporaryDirectory(dir=settings.folder("tmp")) as folder:
        try:
            for name in archive.namelist():
                if MODEL_FILE.fullmatch(name):
                    path = Path(folder) / name
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    path.write_bytes(read_entry(archive, name, _WHAT))
        except OSError as error:
            raise CodError(
                f"The backup's files could not be written ({error.strerror}). Nothing was restored. Make room on the disk and try again."
            ) from error
        yield Path(folder)


@contextmanager
def _moving(settings: Settings, files: Path) -> Iterator[Callable[[str, Row], Row]]:
    """A function (project id, its row) -> the row whose teacher lies in the new place, the files moved there; what was
    moved is removed again where something goes wrong inside."""
    moved: list[Path] = []

    def move(pid: str, row: Row) -> Row:
        for kept in KEPT_FOLDERS:
            if (files / kept).is_dir():
                moved.append(settings.folder(kept) / pid)
                shutil.move(files / kept, moved[-1])
        places = {"{" + kept + "}": str(settings.home / kept / pid) for kept in KEPT_FOLDERS}
        teacher = _placed(row.get("teacher"), places)
        return {**row, "teacher": None if _names_foreign_files(teacher, settings.home / "teachers" / pid) else teacher}

    try:
        yield move
    except BaseException:
        for path in moved:
            shutil.rmtree(path, ignore_errors=True)
        raise


def _names_foreign_files(teacher: Any, own: Path) -> bool:
    """Whether a teacher's files lie elsewhere than in the project's own folder: whoever wrote the backup named those, and only an
    owner of this place may. Such a teacher is left out until somebody chooses it here."""
    if not isinstance(teacher, dict):
        return False
    named = [value for key in ("name", "path", "local") if isinstance(value := teacher.get(key), str)]
    outside = [one for one in named if is_path(one) and not Path(one).resolve().is_relative_to(own.resolve())]
    return teacher.get("kind") != "builtin" and bool(outside) or _names_foreign_files(teacher.get("judge"), own)


def _placed(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, str):
        for mark, path in places.items():
            if value.startswith(mark):
                return path + value[len(mark) :]
    return {k: _placed(v, places) for k, v in value.items()} if isinstance(value, dict) else value
