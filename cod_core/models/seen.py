"""Which texts a built-in teacher was trained on, told by their letters. No text is kept: 4 bytes of a hash each.

One sentence stands in several data sets with other spacing, case and punctuation (docs/method.md section 9: film snippets and SST-2),
so only letters and digits count. Knows folders and texts; nothing of projects.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cod_core.text import letters, text_hash

BYTES = 4  # of each hash: of a million texts never seen, one or two are taken for one of 7,000
FILE = "seen.bin"


def fingerprint(text: str) -> bytes:
    """4 bytes that texts with the same letters share."""
    return bytes.fromhex(text_hash(letters(text))[: 2 * BYTES])


def write_seen(folder: Path, texts: Iterable[str]) -> None:
    """Keep beside a teacher what it was trained on."""
    (folder / FILE).write_bytes(b"".join(sorted({fingerprint(t) for t in texts})))


@lru_cache
def seen_by(folder: Path) -> frozenset[bytes]:
    """Fingerprints of the texts that the teacher in a folder was trained on; empty where nothing is kept."""
    path = folder / FILE
    data = path.read_bytes() if path.exists() else b""
    return frozenset(data[i : i + BYTES] for i in range(0, len(data), BYTES))
