"""Rows as a Hugging Face data set: the folder that `load_from_disk` opens, or parquet files that `load_dataset` opens.

Written with pyarrow, as it is read (data/columnar.py): the names of the labels stand in the schema's metadata, where `datasets` keeps
them. Texts wait in files without a name, so none stays on the disk where the process is killed. Knows no project.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from cod_core.export.record import SPLIT_FILES
from cod_core.export.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1000
Kind = Literal["arrow", "parquet"]
_TEXTS = ("id", "text", "pair_id", "role", "flips", "teacher", "predicted", "annotator", "source_id", "metadata")
COLUMNS = ("id", "text", "label", "pair_id", "role", "flips", "teacher", "predicted", "score", "annotator", "source_id", "metadata")


@dataclass(frozen=True)
class Part:
    """A file of the folder: its path in it, and its bytes, read from the start."""

    path: str
    body: IO[bytes]


def features(labels: Sequence[str]) -> dict[str, Any]:
    """The columns as `datasets` describes them."""
    return {
        name: {"names": list(labels), "_type": "ClassLabel"}
        if name == "label"
        else {"dtype": "float64" if name == "score" else "string", "_type": "Value"}
        for name in COLUMNS
    }


def _schema(labels: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa

    kinds = {"label": pa.int64(), "score": pa.float64()}
    about = json.dumps({"info": {"features": features(labels)}}, ensure_ascii=False)
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS], {b"huggingface": about.encode()})


def _values(row: Row, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "text": row.text,
        "label": labels.index(row.label),
        "pair_id": row.pair_id,
        "role": row.role,
        "flips": row.flips,
        "teacher": row.teacher or None,
        "predicted": row.predicted or None,
        "score": row.score,
        "annotator": row.annotator,
        "source_id": row.document or None,
        "metadata": json.dumps(row.metadata, ensure_ascii=False, sort_keys=True),
    }


@contextlib.contextmanager
def folder_parts(rows: Iterable[Row], labels: Sequence[str], kind: Kind, about: str) -> Iterator[list[Part]]:
    """The files of the folder, open while the caller writes them down. labels: those of the project, in its order; a label that a
    row has besides them comes after. kind: arrow for load_from_disk, parquet for load_dataset. about: the README's words."""
    with contextlib.ExitStack() as stack:
        spool, names, splits = _spooled(rows, labels, stack)
        parts = [Part(_path(split, kind), _table(spool, split, names, kind, stack)) for split in splits]
        beside = _beside(splits, names, about, kind)
        for part in parts:
            part.body.seek(0)
        yield parts + [Part(path, _bytes(body, stack)) for path, body in beside.items()]


def _spooled(rows: Iterable[Row], labels: Sequence[str], stack: contextlib.ExitStack) -> tuple[IO[bytes], list[str], list[str]]:
    """(the rows as lines, every label, the splits that have rows): all labels have to be known before the first row is written."""
    spool = stack.enter_context(tempfile.TemporaryFile())
    names, seen = dict.fromkeys(labels), set()
    for row in rows:
        names.setdefault(row.label)
        seen.add(row.split)
        spool.write((json.dumps(vars(row)) + "\n").encode())
    return spool, list(names), [split for split in SPLIT_FILES if split in seen]


def _table(spool: IO[bytes], split: str, names: Sequence[str], kind: Kind, stack: contextlib.ExitStack) -> IO[bytes]:
    """The rows of one split as a file of the kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, file = _schema(names), stack.enter_context(tempfile.TemporaryFile())
    sink = pa.PythonFile(file, mode="w")
    with pq.ParquetWriter(sink, schema) if kind == "parquet" else pa.ipc.new_stream(sink, schema) as writer:
        for batch in _batches(spool, split, names):
            writer.write_table(pa.Table.from_pylist(batch, schema))
    return file


def _batches(spool: IO[bytes], split: str, names: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    spool.seek(0)
    batch = []
    for line in spool:
        row = Row(**json.loads(line))
        if row.split == split:
            batch.append(_values(row, names))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _path(split: str, kind: Kind) -> str:
    return f"{split}/data-00000-of-00001.arrow" if kind == "arrow" else f"data/{split}-00000-of-00001.parquet"


def _beside(splits: Sequence[str], names: Sequence[str], about: str, kind: Kind) -> dict[str, bytes]:
    """path -> body of what `datasets` wants beside the rows."""
    if kind == "parquet":
        return {"README.md": _card(splits, names, about).encode()}
    out: dict[str, Any] = {"dataset_dict.json": {"splits": list(splits)}}
    for split in splits:
        mark = hashlib.sha256(json.dumps([split, list(names)]).encode()).hexdigest()[:16]
        out[f"{split}/dataset_info.json"] = {"citation": "", "description": "", "features": features(names), "homepage": "", "license": ""}
        out[f"{split}/state.json"] = {
            "_data_files": [{"filename": "data-00000-of-00001.arrow"}],
            "_fingerprint": mark,
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": split,
        }
    return {path: (json.dumps(body, indent=1) + "\n").encode() for path, body in out.items()} | {"README.md": about.encode()}


def _card(splits: Sequence[str], names: Sequence[str], about: str) -> str:
    """README.md of the folder of parquet files: where each split lies and what the columns are, then the words."""
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: {_path(split, 'parquet')}"]
    lines += ["dataset_info:", "  features:"]
    for name in COLUMNS:
        lines.append(f"  - name: {name}")
        if name != "label":
            lines.append(f"    dtype: {'float64' if name == 'score' else 'string'}")
            continue
        lines += ["    dtype:", "      class_label:", "        names:"]
        lines += [f"          '{i}': {json.dumps(label, ensure_ascii=False)}" for i, label in enumerate(names)]
    return "\n".join([*lines, "---", "", about])


def _bytes(body: bytes, stack: contextlib.ExitStack) -> IO[bytes]:
    file = stack.enter_context(tempfile.TemporaryFile())
    file.write(body)
    file.seek(0)
    return file
