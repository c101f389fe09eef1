"""Files inside files: gzip, and zips that hold one table, a data set folder, a table a split, or a file a label."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cod_core.data import columnar
from cod_core.data.archives import megabytes, open_checked_zip, read_entry
from cod_core.data.json_rows import json_file, of_values
from cod_core.data.raw import Asked, Gap, Raw
from cod_core.errors import BadInput
from cod_core.said import msg, say, together
from cod_core.settings import MAX_ARCHIVE_ENTRIES, MAX_UPLOAD_BYTES

_WHAT = say("The zip")
ReadAs = Callable[[str, bytes, Asked], Raw]  # (name of a file, bytes, what is asked) -> rows
_BESIDE = ("readme", "license", "dataset_info", "state.json", "dataset_dict", "notes", "manifest")


def gunzip(data: bytes) -> bytes:
    """What a gzip file holds. Raises BadInput where it is damaged, cut off or too large."""
    out, rest = b"", data
    try:
        while rest:
            unpacker = zlib.decompressobj(wbits=31)
            out += unpacker.decompress(rest, MAX_UPLOAD_BYTES + 1 - len(out))
            if len(out) > MAX_UPLOAD_BYTES or unpacker.unconsumed_tail:
                raise BadInput(
                    say("The gzip file unpacks to more than {most}. Split it into smaller files.", most=megabytes(MAX_UPLOAD_BYTES))
                )
            if not unpacker.eof:
                raise BadInput(msg("The gzip file breaks off before its end. Compress it again, or send it unpacked."))
            rest = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise BadInput(msg("The gzip file is damaged. Compress it again, or send it unpacked.")) from error
    return out


def parts_of(data: bytes) -> list[str]:
    """The files in a zip that may hold rows; what systems and caches add left out."""
    with open_checked_zip(data, _WHAT, max_entries=MAX_ARCHIVE_ENTRIES) as archive:
        return [entry.filename for entry in archive.infolist() if not entry.is_dir() and not _beside(entry.filename)]


def _beside(name: str) -> bool:
    last = name.rsplit("/", 1)[-1].lower()
    return "__MACOSX" in name or last.startswith((".", "~$")) or last in ("thumbs.db", "desktop.ini")


def zip_file(data: bytes, asked: Asked, read_as: ReadAs, endings: tuple[str, ...]) -> Raw:
    """Rows of a zip. read_as: reads one file in it. endings: of files that can be read.

    A zip of one table is that table; of a table a split, all of them with a column "split"; of one text file a label, its
    lines under that label. Raises BadInput naming the parts where it is none of these, and no part is asked for.
    """
    names = parts_of(data)
    if argilla := next((name for name in names if name.rsplit("/", 1)[-1] == "records.json"), None):
        return _argilla(data, names, argilla, asked)
    if columnar.is_dataset_folder(names) and not asked.sheet:
        return columnar.dataset_folder(data, asked)
    tables = [name for name in names if name.rsplit(".", 1)[-1].lower() in endings and not _is_beside(name)]
    if asked.sheet:
        if asked.sheet not in names:
            raise BadInput(
                say("{what} has no part {name!r}. Its parts are: {parts}.", what=_WHAT, name=asked.sheet[:60], parts=", ".join(names)[:500])
            )
        return _of_part(data, asked.sheet, asked, read_as, tuple(tables))
    if not tables:
        raise BadInput(
            say("{what} holds no table that can be read. It holds: {parts}.", what=_WHAT, parts=", ".join(names)[:300] or say("nothing"))
        )
    if len(tables) == 1:
        return _of_part(data, tables[0], asked, read_as, ())
    return _together(data, tables, asked, read_as)


def _is_beside(name: str) -> bool:
    return name.rsplit("/", 1)[-1].lower().startswith(_BESIDE)


def _body(data: bytes, name: str) -> bytes:
    with open_checked_zip(data, _WHAT) as archive:
        if archive.getinfo(name).file_size > MAX_UPLOAD_BYTES:
            raise BadInput(
                say(
                    "The part {name!r} of the zip unpacks to more than {most}. Split it into smaller files.",
                    name=name[:80],
                    most=megabytes(MAX_UPLOAD_BYTES),
                )
            )
        return read_entry(archive, name, _WHAT)


def _of_part(data: bytes, name: str, asked: Asked, read_as: ReadAs, others: tuple[str, ...]) -> Raw:
    raw = read_as(name, _body(data, name), replace(asked, sheet=""))
    raw.said = together([say("The file {name!r} of the zip.", name=name), raw.said])
    raw.file = name
    raw.sheet, raw.sheets = (name, others) if others else (raw.sheet, raw.sheets)
    return raw


def _together(data: bytes, tables: list[str], asked: Asked, read_as: ReadAs) -> Raw:
    """The tables of a zip as one: a table a split, a text file a label, or a folder of text files a label."""
    splits = [columnar.split_of(name) for name in tables]

    def read(**changed: str) -> list[Raw]:
        return [read_as(name, _body(data, name), replace(asked, sheet="", **changed)) for name in tables]

    if all(splits) and len(set(splits)) == len(splits):
        return _joined(read(), "split", splits, say("A zip with a table for each of: {parts}.", parts=", ".join(splits)))
    if not all(name.lower().endswith(".txt") for name in tables) or len(tables) > 500:
        raise BadInput(
            say(
                "{what} holds several tables, and it is not said which to read: {tables}. Name one.",
                what=_WHAT,
                tables=", ".join(tables)[:500],
            )
        )
    folders = [name.split("/")[-2] if "/" in name else "" for name in tables]
    if all(folders) and 1 < len(set(folders)) < len(tables):  # a file a text, as IMDB comes
        shown = ", ".join(dict.fromkeys(folders))
        return _joined(
            [*map(_one_text, read(format="lines"))],
            "label",
            folders,
            say("A zip with a folder for each label: {labels}.", labels=shown[:300]),
        )
    labels = [name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for name in tables]
    said = say("A zip with a file for each label: {labels}.", labels=", ".join(labels)[:300])
    return _joined(read(format="lines"), "label", labels, said)


def _one_text(raw: Raw) -> Raw:
    raw.rows = [(1, ["\n".join(cells[0] for _, cells in raw.rows)])]
    return raw


def _joined(raws: list[Raw], column: str, values: list[str], said: str) -> Raw:
    """Rows of several files under each other, with a column that says which they come from; numbered through."""
    heads = []
    for raw in raws:
        if raw.names is None:
            raw.names, raw.rows = (raw.rows[0][1], raw.rows[1:]) if raw.rows else ([], [])
        heads.append(raw.names)
    if any(head != heads[0] for head in heads):
        raise BadInput(
            say(
                "The tables of the zip have different columns ({columns} and others), so they cannot be one. Name one of them.",
                columns=heads[0],
            )
        )
    rows, number = [], 0
    problems: list[tuple[int, str]] = []
    gaps: dict[str, dict[int, Gap]] = {}
    for raw, value in zip(raws, values):
        place = {}
        for old, cells in raw.rows:
            number += 1
            place[old] = number
            rows.append((number, [*cells, *[""] * (len(heads[0]) - len(cells)), value]))
        for label, own in raw.gaps.items():
            gaps.setdefault(label, {}).update({place[old]: gap for old, gap in own.items() if old in place})
        problems += [(0, say("{part}, row {row}: {message}", part=value, row=old, message=message)) for old, message in raw.problems]
    name = column if column not in heads[0] else f"{column} (by file)"
    out = Raw(rows, raws[0].mend, [*heads[0], name], problems, gaps=gaps, known=raws[0].known, said=said, shape=raws[0].shape)
    if column == "label":
        out.known = replace(out.known, text=heads[0][0], labels=(name,))
    out.encoding, out.guessed = raws[0].encoding, any(raw.guessed for raw in raws)
    return out


def _argilla(data: bytes, names: list[str], records: str, asked: Asked) -> Raw:
    """The records of a data set folder of Argilla, with the guidelines and descriptions of its settings."""
    settings: dict[str, object] = {}
    with open_checked_zip(data, _WHAT) as archive:
        inside = [entry.filename for entry in archive.infolist() if entry.filename.endswith("settings.json")]
        for name in inside[:1]:
            try:
                found = json.loads(read_entry(archive, name, _WHAT))
            except (ValueError, RecursionError):
                found = {}
            settings = found if isinstance(found, dict) else {}
    body = _body(data, records)
    try:
        values = json.loads(body)
        if isinstance(values, list):
            return of_values(iter(enumerate(values, start=1)), asked, settings)
    except RecursionError:
        raise BadInput(msg("The records are nested too deeply to be read.")) from None
    except ValueError:
        pass
    return json_file(body, asked)


def pack_folder(folder: Path) -> bytes:
    """A folder of files as a zip that is not compressed, as read_table takes it; links and hidden files left out.

    Raises BadInput where it holds too much to be one upload, or nothing.
    """
    out, size = io.BytesIO(), 0
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    kept = [path for path in files if not any(part.startswith(".") and part != ".argilla" for part in path.relative_to(folder).parts)]
    if not kept:
        raise BadInput(say("The folder {name} holds no files.", name=folder.name))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in kept:
            size += path.stat().st_size
            if size > MAX_UPLOAD_BYTES:
                raise BadInput(
                    say("The folder {name} holds more than {most}. Read a part of it.", name=folder.name, most=megabytes(MAX_UPLOAD_BYTES))
                )
            archive.write(path, path.relative_to(folder).as_posix())
    return out.getvalue()
