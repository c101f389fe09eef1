"""Files as accidents leave them: cut off, in other letters, with mixed line ends, doubled keys, deep nesting, huge numbers, NULs.

Made by a seeded generator from files that tools and this app write, so that a run can be repeated by its number. A mutant carries how
many of its rows the accident can have touched: all others have to come back as they were, or the file is refused.
"""

import io
import json
import random
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS = 30
LABELS = ("complaint", "praise")
TEXTS = [
    (
        f"Thank you for number {i}, Zoë; it was “kind” – çok güzel." if i % 2 else f"Number {i} came late,\nand nobody said why.",
        LABELS[i % 2],
    )
    for i in range(ROWS)
]
TEXTUAL = (".csv", ".tsv", ".jsonl", ".json", ".txt")


@dataclass(frozen=True)
class Mutant:
    """seed: makes it again. how: the accident. touched: so many of its rows may differ from the ones of the source."""

    seed: int
    source: str
    name: str
    data: bytes
    how: str
    touched: int


def own_files() -> dict[str, bytes]:
    """What this app writes, and the plainest forms of what others do."""
    import csv

    out: dict[str, bytes] = {}
    for name, mark in (("plain.csv", ","), ("semicolon.csv", ";"), ("plain.tsv", "\t")):
        table = io.StringIO(newline="")
        csv.writer(table, delimiter=mark).writerows([("text", "label"), *TEXTS])
        out[name] = table.getvalue().encode()
    rows = [{"text": text, "label": label} for text, label in TEXTS]
    out["plain.jsonl"] = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    out["plain.json"] = json.dumps(rows, ensure_ascii=False).encode()
    out["data.json"] = json.dumps({"data": rows}, indent=1).encode()
    out["columns.json"] = json.dumps({"text": [r["text"] for r in rows], "label": [r["label"] for r in rows]}).encode()
    out["lines.txt"] = "".join(f"__label__{label} {' '.join(text.split())}\n" for text, label in TEXTS).encode()
    return out


def cut(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """Breaks off, as a full disk or a lost connection leaves it."""
    return data[: rng.randrange(1, len(data))], 1


def _as(encoding: str) -> Callable[[bytes, random.Random], tuple[bytes, int]]:
    def change(data: bytes, rng: random.Random) -> tuple[bytes, int]:
        return data.decode().encode(encoding, "replace"), ROWS if encoding not in ("utf-8-sig", "utf-16") else 0

    return change


def foreign_bytes(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """A few bytes of another encoding in the middle."""
    out, n = bytearray(data), rng.randrange(1, 4)
    for _ in range(n):
        at = rng.randrange(len(out))
        out[at:at] = rng.choice([b"\xe9", b"\xff", b"\x80\x81", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"])
    return bytes(out), n


def line_ends(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """Lines that end in every way, as files do that went through several hands."""
    return b"".join(line + rng.choice([b"\n", b"\r\n", b"\r"]) for line in data.split(b"\n")), 0


def nuls(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    out, n = bytearray(data), rng.randrange(1, 5)
    for _ in range(n):
        at = rng.randrange(len(out))
        out[at:at] = b"\0" * rng.randrange(1, 4)
    return bytes(out), n


def flipped_bits(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    out, n = bytearray(data), rng.randrange(1, 6)
    for _ in range(n):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out), 2 * n


def lost_piece(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """A block of a few hundred bytes is gone."""
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randrange(1, 400) :], 2


def twice(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """A block stands there twice."""
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + rng.randrange(1, 400)] + data[at:], 12


def doubled_keys(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """An object that names a field twice, with other words."""
    places = [i for i in range(len(data)) if data.startswith(b'"text":', i)]
    at = rng.choice(places) if places else 0
    return data[:at] + b'"text": "other words", ' + data[at:], 1


def nested(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """A value that is nested a hundred thousand times."""
    places = [i for i in range(len(data)) if data.startswith((b'"text":', b'"label":'), i)]
    if not places:
        return b"[" * 100_000 + data, ROWS
    at = data.index(b":", rng.choice(places)) + 1
    deep = rng.choice([b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
    return data[:at] + b" " + deep + b', "was":' + data[at:], 1


def huge_numbers(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """A number of thousands of digits, or one that no machine holds."""
    number = rng.choice([b"9" * 6000, b"1e999999999", b"-" + b"1" * 5000 + b".5", b"NaN", b"Infinity", b"0x" + b"f" * 5000])
    places = [i for i in range(len(data)) if data.startswith((b'"text":', b'"label":'), i)]
    if places:
        at = data.index(b":", rng.choice(places)) + 1
        return data[:at] + b" " + number + b', "was":' + data[at:], 1
    at = rng.choice([i for i, byte in enumerate(data) if byte in b",;\t\n"] or [0])
    return data[:at] + number + data[at:], 1


def surrogates(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """Half of a character, as JSON can name it."""
    at = data.find(b"Number", rng.randrange(len(data)))
    return (data[:at] + b"\\ud83d\\u0000 " + data[at:], 1) if at >= 0 else (data + b"\xed\xa0\xbd", 1)


def of_zip(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """One part of a zip is damaged, and packed again as if nothing had happened."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(parts))
    parts[name], touched = rng.choice([cut, nuls, flipped_bits, lost_piece, twice])(parts[name] or b"x", rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, body in parts.items():
            archive.writestr(key, body)
    return out.getvalue(), max(touched, ROWS if not name.endswith((".json", ".jsonl", ".csv")) else touched)


ANY: tuple[Callable[[bytes, random.Random], tuple[bytes, int]], ...] = (cut, nuls, flipped_bits, lost_piece, twice)
IN_TEXT = (foreign_bytes, line_ends, huge_numbers, nested)
IN_JSON = (doubled_keys, nested, huge_numbers, surrogates)
ENCODINGS = ("cp1252", "utf-16", "utf-8-sig", "shift-jis", "utf-16-le", "cp037")


def accidents(name: str) -> Sequence[Callable[[bytes, random.Random], tuple[bytes, int]]]:
    """What can happen to a file of this name."""
    if name.endswith((".json", ".jsonl")):
        return (*ANY, *IN_TEXT, *IN_JSON, *map(_as, ENCODINGS))
    if name.endswith(TEXTUAL):
        return (*ANY, *IN_TEXT, *map(_as, ENCODINGS))
    return (*ANY, of_zip) if name.endswith((".zip", ".xlsx")) else ANY


def mutant(seed: int, files: dict[str, bytes]) -> Mutant:
    """The mutant of this number."""
    rng = random.Random(seed)
    source = rng.choice(sorted(files))
    accident = rng.choice(accidents(source))
    data, touched = accident(files[source], rng)
    how = accident.__name__ if accident.__name__ != "change" else "other letters"
    return Mutant(seed, source, source.rsplit("/", 1)[-1], data, how, touched)


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".md"} if folder.is_dir() else {}


if __name__ == "__main__":
    print(mutant(int(sys.argv[1]), own_files()))
