"""Zip files from strangers, checked before anything in them is opened. Knows nothing of their contents."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from cod_core.errors import BadInput
from cod_core.said import say
from cod_core.settings import MAX_ARCHIVE_ENTRIES, MAX_LINE_BYTES, MAX_UNPACKED_BYTES, MAX_UPLOAD_BYTES

_UNREADABLE = (KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, ValueError)
"""What reading a damaged part raises; its way of packing may be damaged into another."""


def megabytes(n: int) -> str:
    """A size in words, in MB."""
    return f"{n / 2**20:,.0f} MB"


def open_checked_zip(
    data: bytes,
    what: str,
    max_bytes: int = MAX_UPLOAD_BYTES,
    max_unpacked: int = MAX_UNPACKED_BYTES,
    max_entries: int = MAX_ARCHIVE_ENTRIES,
) -> zipfile.ZipFile:
    """An open ZipFile whose size, entry count, unpacked size and paths were checked from its directory.

    what: names the file in messages. The reader never yields more bytes of an entry than the directory
    states, so the stated sizes bound what is unpacked. Raises BadInput with the first thing found wrong.
    """
    if len(data) > max_bytes:
        raise BadInput(
            say(
                "{what} is {size}; at most {most} are accepted. Send a smaller one.",
                what=what,
                size=megabytes(len(data)),
                most=megabytes(max_bytes),
            )
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInput(
            say("{what} cannot be opened: it is damaged or not a file of this kind. Save it again and retry.", what=what)
        ) from error
    entries = archive.infolist()
    if len(entries) > max_entries:
        raise BadInput(say("{what} holds {n:,} parts; at most {most:,} are accepted.", what=what, n=len(entries), most=max_entries))
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max_unpacked:
        raise BadInput(
            say(
                "{what} would unpack to {size}; at most {most} are accepted, since larger ones can fill "
                "the machine's memory. Split it into smaller files.",
                what=what,
                size=megabytes(unpacked),
                most=megabytes(max_unpacked),
            )
        )
    names = [entry.filename for entry in entries]
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename or "\0" in entry.filename:
            raise BadInput(
                say(
                    "{what} names a part outside itself ({name!r}), which is unsafe. It was not opened.",
                    what=what,
                    name=entry.filename[:80],
                )
            )
        if entry.flag_bits & 1:
            raise BadInput(say("{what} is protected with a password. Save it without one and try again.", what=what))
        if (entry.external_attr >> 16) & 0o170000 == 0o120000:
            raise BadInput(say("{what} holds a link ({name!r}), which is unsafe. It was not opened.", what=what, name=entry.filename[:80]))
    if _overlap(entries):
        raise BadInput(say("{what} holds parts that share the same bytes, as no program writes them. It was not opened.", what=what))
    if len(set(names)) != len(names):
        raise BadInput(say("{what} holds two parts of the same name, so which one counts is unclear. Save it again.", what=what))
    return archive


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether two parts claim the same bytes: a small file unpacks to one of any size that way. 30: bytes before a name."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = (entry.header_offset + 30 + len(entry.orig_filename) + entry.compress_size for entry in ordered)
    return any(end > after.header_offset for end, after in zip(ends, ordered[1:]))


def entry_lines(archive: zipfile.ZipFile, name: str, what: str, max_line: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """The lines of one entry, one at a time in memory. Raises BadInput where it is missing or damaged, or a line is too long.

    A line of 500 MB takes half a megabyte in a zip: what reads line by line holds it all.
    """
    try:
        with archive.open(name) as part:
            while line := part.readline(max_line + 1):
                if len(line) > max_line:
                    raise BadInput(
                        say(
                            "{what} has a line of more than {size} in its part {name!r}: it is damaged.",
                            what=what,
                            size=megabytes(max_line),
                            name=name,
                        )
                    )
                yield line
    except _UNREADABLE as error:
        raise BadInput(say("{what} has no readable part {name!r}: it is damaged or not complete.", what=what, name=name)) from error


def read_entry(archive: zipfile.ZipFile, name: str, what: str, most: int = -1) -> bytes:
    """The bytes of one entry, the first `most` of them where that is not negative. Raises BadInput where it is missing or damaged."""
    try:
        with archive.open(name) as part:
            return part.read(most)
    except _UNREADABLE as error:
        raise BadInput(say("{what} has no readable part {name!r}: it is damaged or not complete.", what=what, name=name)) from error
