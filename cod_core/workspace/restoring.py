"""Backups read back: every part checked, then loaded as one project, or nothing at all."""

import hashlib
import json
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from cod_core.data.archives import entry_lines, open_checked_zip, read_entry
from cod_core.errors import BadInput, CodError
from cod_core.models.choice import PLACES, stored_choice
from cod_core.project.keeping import FORMAT, KEPT_FOLDERS, MAX_BACKUP, MAX_BACKUP_FILES, MAX_BACKUP_UNPACKED, MODEL_FILE
from cod_core.project.place import limits_of, need_room
from cod_core.project.teacher.loader import identity
from cod_core.roles import Actor, is_path
from cod_core.said import msg, say
from cod_core.settings import Settings
from cod_core.store import items, portable, projects
from cod_core.store.database import Database
from cod_core.types import now

_WHAT = "The backup"
LEFT_S = 86_400.0
Row: TypeAlias = dict[str, Any]  # of any table: whatever columns the format has, checked when they are loaded


def restore(
    db: Database,
    settings: Settings,
    data: bytes,
    name: str | None = None,
    fresh: bool = False,
    decisions: bool = True,
    actor: Actor | None = None,
    trusted: bool = False,
) -> str:
    """A project from a backup; returns its id, which is always a new one. actor: whose project it is from then on. trusted: the
    backup was made here just now, so that whatever it names was named here.

    name: another name. fresh: made today, as a copy is. decisions: False begins the curation anew. To a language model's address
    in it nothing is sent before somebody confirms it (see Endpoints); a teacher that comes along is not loaded before an owner
    confirms it (Teacher.confirm). Teachers and students that read files which are not in the backup are left out.
    Raises BadInput with what is wrong with the file, CodError where the disk is full or the actor has as much as they may; nothing
    is restored then.
    """
    with open_checked_zip(data, _WHAT, MAX_BACKUP, MAX_BACKUP_UNPACKED, MAX_BACKUP_FILES) as archive:
        _check_backup(archive)
        project = next(_rows(archive, "projects"), None)
        if project is None or not re.fullmatch(r"[0-9a-f]{8,32}", str(project.get("id"))) or not projects.listable(project):
            raise BadInput(msg("The backup holds no project: it is damaged."))
        project |= _as_made_here(project, name, fresh, actor)
        texts, size = sum(1 for _ in _rows(archive, "examples")), _unpacked_size(archive)
        need_room(db, settings, actor, texts, size)
        left_out = () if decisions else ("decisions", "drafts", "runs", "places")

        def own(table: str) -> Iterator[Row]:
            if table == "uploads":  # counted below, for whoever restores them
                return ({**row, "person": None} for row in _rows(archive, table))
            found = iter(()) if table in left_out else _rows(archive, table)
            return found if trusted or table != "runs" else (row for row in found if not _reads_files(row))

        with _unpacked(settings, archive) as files, _moving(settings, files, trusted) as move, db.together():
            pid = portable.load(db, project, own, lambda old: projects.new_id(), move, str(project["id"]), limits_of(settings, actor))
            items.record_upload(
                db, pid, f"backup:{pid}", "backup", "backup", texts, project["created_by"], _unpacked_size(archive, "tables/")
            )
        return pid


def _as_made_here(project: Row, name: str | None, fresh: bool, actor: Actor | None) -> Row:
    """What a project's row holds another value of than the backup says."""
    kept = project.get("settings")  # an address that was confirmed elsewhere is to be confirmed here
    return {
        "settings": {**_of_their_kind(kept), "endpoints": []} if isinstance(kept, dict) else {},
        "archived_at": None,
        "created_at": now() if fresh else project["created_at"],
        "name": name[:120] if name else project["name"],
        "created_by": actor.name if actor else None,
    }


def _of_their_kind(settings: dict[str, Any]) -> dict[str, Any]:
    """Without the settings that hold another kind of value than a page expects there."""
    return {name: value for name, value in settings.items() if isinstance(value, dict) or name not in ("llm", "tabular", "card", "prompts")}


def _unpacked_size(archive: zipfile.ZipFile, below: str = "") -> int:
    return sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith(below))


def _check_backup(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    if "backup.json" not in names:
        raise BadInput(
            msg("This zip is not a backup of this app: it has no backup.json. An exported set is opened under “Open an exported set”.")
        )
    try:
        about = json.loads(read_entry(archive, "backup.json", _WHAT))
        sums = dict(about["sha256"])
        known = about["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(msg("The backup's own description is damaged. Nothing was restored.")) from error
    if not known:
        raise BadInput(say("The backup has format {found!r}; this app reads {known!r}.", found=str(about["format"])[:40], known=FORMAT))
    for name in names - {"backup.json"}:
        if name not in sums or not (MODEL_FILE.fullmatch(name) or re.fullmatch(r"tables/\w+\.jsonl", name)):
            raise BadInput(say("The backup holds a part that does not belong there ({name!r}). It was not restored.", name=name[:80]))
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while chunk := file.read(2**20):
                digest.update(chunk)
        if digest.hexdigest() != sums[name]:
            raise BadInput(say("The backup's part {name!r} was changed or damaged. It was not restored.", name=name))
    if missing := set(sums) - names:
        raise BadInput(say("The backup lacks its part {name!r}: it is not complete.", name=sorted(missing)[0]))


def _rows(archive: zipfile.ZipFile, table: str) -> Iterator[Row]:
    name = f"tables/{table}.jsonl"
    for line in entry_lines(archive, name, _WHAT) if name in archive.namelist() else ():
        try:
            yield dict(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(say("The backup's part {table!r} holds a line that cannot be read: it is damaged.", table=table)) from error


@contextmanager
def _unpacked(settings: Settings, archive: zipfile.ZipFile) -> Iterator[Path]:
    """A folder with the backup's files, for as long as they are not in their place. Raises CodError."""
    _clear(settings.folder("tmp"))
    with tempfile.TemporaryDirectory(dir=settings.folder("tmp")) as folder:
        try:
            for name in archive.namelist():
                if MODEL_FILE.fullmatch(name):
                    path = Path(folder) / name
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    path.write_bytes(read_entry(archive, name, _WHAT))
        except OSError as error:
            raise CodError(
                say(
                    "The backup's files could not be written ({why}). Nothing was restored. Make room on the disk and try again.",
                    why=error.strerror,
                )
            ) from error
        yield Path(folder)


def _clear(folder: Path) -> None:
    """Remove what processes that were killed left in the temporary folder: nothing in it is needed for a day."""
    for left in folder.iterdir():
        with suppress(OSError):  # another has removed it
            if time.time() - left.lstat().st_mtime > LEFT_S:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def _reads_files(run: Row) -> bool:
    """Whether a student reads with a model in a folder of this machine, which only an owner may name."""
    config = run.get("config")
    encoder: Any = config.get("encoder") if isinstance(config, dict) else None
    return encoder is not None and (not isinstance(encoder, str) or is_path(encoder))


@contextmanager
def _moving(settings: Settings, files: Path, trusted: bool) -> Iterator[Callable[[str, Row], Row]]:
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
        if trusted:
            return {**row, "teacher": teacher}
        foreign = _names_foreign_files(teacher, settings.home / "teachers" / pid) or not _told_apart(teacher, row)
        brought = None if foreign else teacher
        waits = isinstance(brought, dict) and brought.get("kind") != "builtin" and not brought.get("base_url")
        return {**row, "teacher": brought, "settings": {**row["settings"], "confirm_teacher": waits}}

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
    named = [value for key in PLACES if isinstance(value := teacher.get(key), str)]
    outside = [one for one in named if is_path(one) and not _inside(one, own)]
    read_by = [encoder for one in named if _inside(one, own) and (encoder := _encoder_of(Path(one)))]
    return (
        teacher.get("kind") != "builtin" and bool(outside or any(map(is_path, read_by))) or _names_foreign_files(teacher.get("judge"), own)
    )


def _told_apart(teacher: Any, row: Row) -> bool:
    """Whether a teacher's row can be read as one: every page that names the project's teacher would stop at another."""
    try:
        choice = stored_choice(teacher)
        return choice is None or bool(identity(choice, row["task"]["labels"]))
    except Exception:  # whatever a stranger's row makes a reader say
        return False


def _inside(name: str, own: Path) -> bool:
    try:
        return Path(name).resolve().is_relative_to(own.resolve())
    except (OSError, ValueError, RuntimeError):  # too long, no name of a file, a circle of links
        return False


def _encoder_of(folder: Path) -> str:
    """The model that a fine-tuned teacher's own description says it was trained on; "" where it says none."""
    from cod_core.models.finetune import TEACHER_FILE

    try:
        said = json.loads((folder / TEACHER_FILE).read_text(encoding="utf-8"))["encoder"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""  # what cannot be read is not loaded either
    return str(said)


def _placed(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, str):
        for mark, path in places.items():
            if value.startswith(mark):
                return path + value[len(mark) :]
    return {k: _placed(v, places) for k, v in value.items()} if isinstance(value, dict) else value
