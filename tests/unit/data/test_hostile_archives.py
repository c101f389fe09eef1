"""Zips that no program writes: parts within parts, parts that share bytes. Whoever opens one refuses it, in a moment."""

import io
import struct
import time
import zipfile
import zlib

import pytest

from cod_core.data.archives import open_checked_zip, read_entry
from cod_core.data.tables import read_table
from cod_core.errors import BadInput
from cod_core.export.restore import open_bundle
from cod_core.workspace import Workspace


def zipped(parts) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def nested(depth: int) -> bytes:
    """A zip in a zip, so often; the innermost holds 20 MB of nothing."""
    body = b"0" * (20 * 2**20)
    for level in range(depth):
        body = zipped({f"{level}.zip": body, "manifest.json": b"{}", "backup.json": b"{}", "xl/workbook.xml": b"<a/>"})
    return body


def overlapping(parts: int, names=None) -> bytes:
    """A zip whose directory names the same compressed bytes again and again (Fifield 2019, "A better zip bomb")."""
    body = b"0" * 2**20
    pressed = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = pressed.compress(body) + pressed.flush()
    names = names or [f"{i:04}" for i in range(parts)]
    sums = (zlib.crc32(body), len(packed), len(body))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, *sums, len(names[0]), 0) + names[0].encode() + packed
    entry = [struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sums, len(n), 0, 0, 0, 0, 0, 0) + n.encode() for n in names]
    directory = b"".join(entry)
    return local + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(names), len(names), len(directory), len(local), 0)


def shifted(by: int) -> bytes:
    """Two parts of which the second begins inside the first."""
    data = bytearray(zipped({"manifest.json": b"a" * 5000 + bytes(range(256)), "second": b"{}"}))
    at = data.rindex(b"PK\1\2")
    (offset,) = struct.unpack_from("<I", data, at + 42)
    struct.pack_into("<I", data, at + 42, offset - by)
    return bytes(data)


READERS = {
    "bundle": open_bundle,
    "table": lambda data: read_table("t.xlsx", data),
    "zip": lambda data: [read_entry(open_checked_zip(data, "It"), name, "It") for name in open_checked_zip(data, "It").namelist()],
}
OVERLAPS = {
    **{f"{n} times the same": overlapping(n) for n in (2, 100, 2000)},
    "a bundle of one part": overlapping(2, ["manifest.json", "data/train.jsonl"]),
    "a backup of one part": overlapping(2, ["backup.json", "tables/projects.jsonl"]),
    "a sheet of one part": overlapping(2, ["xl/workbook.xml", "[Content_Types].xml"]),
    **{f"{n} bytes early": shifted(n) for n in (1, 10, 40)},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("what", OVERLAPS)
def test_parts_that_share_bytes_are_refused(reader, what):
    """42 kB unpack to 5 GB where each part is the same bytes again; Python before 3.11.8 reads it all."""
    begun = time.process_time()
    with pytest.raises(BadInput):
        READERS[reader](OVERLAPS[what])
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("what", OVERLAPS)
def test_a_backup_whose_parts_share_bytes_is_refused(tmp_path, what):
    w = Workspace(tmp_path)
    with pytest.raises(BadInput):
        w.restore(OVERLAPS[what])
    assert w.projects() == []


@pytest.mark.parametrize("depth", [1, 2, 5, 30])
def test_a_zip_in_a_zip_is_never_opened(tmp_path, depth):
    """Each level is small, and what they come to is known when the disk is full. Only the outermost is read, whatever is inside."""
    data, begun = nested(depth), time.process_time()
    w = Workspace(tmp_path)
    for read in (open_bundle, w.restore, lambda d: read_table("t.xlsx", d)):
        with pytest.raises(BadInput):
            read(data)
    assert time.process_time() - begun < 2 and w.projects() == []


def test_a_zip_as_programs_write_it_is_read():
    """The check would refuse what it should let in: other letters in names, data after the part, streams without a size."""
    parts = {"ä€.json": b"{}", "b/" + "c" * 200: b"x" * 10_000, "leer": b""}
    for stream in (False, True):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, body in parts.items():
                with archive.open(name, "w", force_zip64=stream) as part:
                    part.write(body)
        archive = open_checked_zip(out.getvalue(), "It")
        assert {name: archive.read(name) for name in archive.namelist()} == parts


@pytest.mark.parametrize("at", ["header", "middle"])
def test_a_workbook_whose_part_is_damaged_is_refused_in_a_sentence(at):
    """Read before it was handed to the reader, a damaged part ended in a traceback."""
    import openpyxl

    out = io.BytesIO()
    book = openpyxl.Workbook()
    for i in range(40):
        book.active.append([f"A text of number {i}.", "praise"])
    book.save(out)
    data = bytearray(out.getvalue())
    with zipfile.ZipFile(io.BytesIO(out.getvalue())) as archive:
        entry = archive.getinfo("xl/workbook.xml")
    data[entry.header_offset + (0 if at == "header" else 60)] ^= 0xFF
    with pytest.raises(BadInput, match="no readable part 'xl/workbook.xml'"):
        read_table("a.xlsx", bytes(data))
