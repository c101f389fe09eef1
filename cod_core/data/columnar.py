"""Parquet and Arrow files, and data set folders of Hugging Face as a zip, to records: names of ClassLabels in place of numbers.

Read with pyarrow in a process of its own (apart.py), which this file is when run as a program: a kB of parquet can unpack to
gigabytes. The `datasets` library is not needed: save_to_disk writes Arrow streams, and both keep the names of labels in the
schema's metadata, in dataset_info.json or in the card's front matter.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cod_core.data import apart
from cod_core.data.archives import open_checked_zip, read_entry
from cod_core.data.bounds import MAX_CELLS, check_width, too_many, too_many_cells
from cod_core.data.json_rows import of_values
from cod_core.data.raw import Asked, Raw
from cod_core.errors import BadInput
from cod_core.said import and_more, say, together
from cod_core.settings import MAX_ROWS, MAX_UNPACKED_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CHARACTERS = MAX_UNPACKED_BYTES // 2
_BATCH = 500
_DAMAGED = "The file cannot be read: it is damaged, or not of the kind that its name says. Save it again and retry."
_SPLIT = re.compile(r"(?:^|[/_.-])(train|validation|valid|dev|test)(?=$|[/_.-])", re.I)
Names = Mapping[str, list[str]]


def parquet_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of a parquet file."""
    return _records(data, asked, "parquet", say("A parquet file"))


def arrow_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of an Arrow file, of either of its two kinds (feather is one of them)."""
    return _records(data, asked, "arrow", say("An Arrow file"))


def dataset_folder(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of a zipped data set folder: of save_to_disk, or of parquet files, with a column for their splits."""
    return _records(data, asked, "folder", say("A Hugging Face data set folder"))


def is_dataset_folder(names: list[str]) -> bool:
    """Whether a zip with these parts holds a data set folder."""
    return any(name.endswith((".arrow", ".parquet")) for name in names)


def _records(data: bytes, asked: Asked, kind: str, what: str) -> Raw:
    lines, end = apart.read_apart("cod_core.data.columnar", data, what, kind)
    raw = of_values(((int(line["n"]), line["r"]) for line in lines), asked, why_none=say("{what} without rows cannot be used.", what=what))
    splits = say("Its parts: {parts}.", parts=", ".join(end["splits"])) if end.get("splits") else ""
    named = say("The names of the labels come from the file: {labels}.", labels=_some(end["names"])) if end.get("names") else ""
    raw.said = together([say("{what} with {n:,} rows.", what=what, n=len(raw.rows)), splits, named, raw.said])
    raw.order = tuple(end.get("names") or raw.order)
    if end.get("left"):
        raw.note = say("The columns {columns} hold no text and were not read.", columns=", ".join(end["left"])[:300])
    return raw


def _some(names: list[str]) -> str:
    return and_more(names, 8)


# ------------------------------------------------------------ in the reading process


def _write_records(data: bytes, arguments: list[str], write: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Write a record a row; returns the splits, the names of labels and the columns that were left out."""
    writer = _Writer(write)
    if arguments[0] == "parquet":
        writer.parquet(data, {}, "")
    elif arguments[0] == "arrow":
        writer.arrow(data, {}, "")
    else:
        _folder(data, writer)
    return {"splits": list(writer.splits), "names": writer.names, "left": sorted(writer.left)}


class _Writer:
    """Writes records within the limits of rows, cells and characters, over all files of a folder together."""

    def __init__(self, write: Callable[[dict[str, Any]], None]):
        self.write = write
        self.rows = self.cells = self.characters = 0
        self.splits: dict[str, None] = {}
        self.names: list[str] = []
        self.left: set[str] = set()

    def parquet(self, data: bytes, names: Names, split: str) -> None:
        """The rows of one parquet file. names: of ClassLabels, where the file itself does not tell them."""
        import pyarrow.parquet as pq

        file = pq.ParquetFile(io.BytesIO(data))
        if self.rows + file.metadata.num_rows > MAX_ROWS:
            raise too_many()
        check_width(len(file.schema_arrow.names))
        self._batches(file.iter_batches(batch_size=_BATCH), file.schema_arrow, names, split)

    def arrow(self, data: bytes, names: Names, split: str) -> None:
        """The rows of one Arrow file or stream."""
        import pyarrow as pa

        if data.startswith(b"ARROW1"):
            file = pa.ipc.open_file(pa.py_buffer(data))
            batches: Iterator[pa.RecordBatch] = (file.get_batch(i) for i in range(file.num_record_batches))
            schema = file.schema
        else:
            stream = pa.ipc.open_stream(pa.py_buffer(data))
            batches, schema = iter(stream), stream.schema
        check_width(len(schema.names))
        self._batches(batches, schema, names, split)

    def _batches(self, batches: "Iterator[pa.RecordBatch]", schema: "pa.Schema", names: Names, split: str) -> None:
        names = {**names, **_names_of(schema.metadata)}
        readable = [i for i, field in enumerate(schema) if not _no_text(field.type)]
        self.left |= {schema.names[i] for i in range(len(schema.names)) if i not in readable}
        if split:
            self.splits[split] = None
        for known in names.values():
            self.names = self.names or known
        for batch in batches:
            for start in range(0, batch.num_rows, _BATCH):
                self._rows(batch.select(readable).slice(start, _BATCH), names, split)

    def _rows(self, batch: "pa.RecordBatch", names: Names, split: str) -> None:
        if self.rows + batch.num_rows > MAX_ROWS:
            raise too_many()
        for record in batch.to_pylist():
            self.rows += 1
            self.cells += len(record)
            row = {key: _named(value, names.get(key)) for key, value in record.items()}
            if split:
                row.setdefault("split", split)
            line = json.loads(json.dumps(row, default=str))
            self.characters += sum(len(value) for value in row.values() if isinstance(value, str))
            if self.cells > MAX_CELLS:
                raise too_many_cells()
            if self.characters > MAX_CHARACTERS:
                raise BadInput(
                    say("The texts of the file are more than {most:,} characters. Split it into smaller files.", most=MAX_CHARACTERS)
                )
            self.write({"n": self.rows, "r": line})


def _no_text(kind: "pa.DataType") -> bool:
    """Whether a column of this type holds bytes, such as images, and neither texts nor labels."""
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _named(value: object, names: list[str] | None) -> object:
    """The name of a ClassLabel's number, of a list of them too; -1, as hidden labels are written, is no label."""
    if names is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value


def _names_of(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Column -> names of its ClassLabel, of the schema's metadata as `datasets` writes it."""
    try:
        about = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        return {}
    return _of_features(about.get("info", {}).get("features") if isinstance(about, dict) else None)


def _of_features(features: object) -> dict[str, list[str]]:
    """Column -> names, of the features of dataset_info.json (an object) or of a card's front matter (a list)."""
    if isinstance(features, list):
        features = {one.get("name"): one.get("dtype") for one in features if isinstance(one, dict)}
    out = {}
    for column, kind in features.items() if isinstance(features, dict) else ():
        inner = kind.get("feature", kind) if isinstance(kind, dict) else None
        if not isinstance(inner, dict):
            continue
        names = inner.get("names")
        if isinstance(told := inner.get("class_label"), dict):
            names = told.get("names")
        if isinstance(names, dict):
            names = [names[key] for key in sorted(names, key=lambda key: int(key) if str(key).isdecimal() else 0)]
        if isinstance(names, list) and names:
            out[str(column)] = [str(name) for name in names]
    return out


def _folder(data: bytes, writer: _Writer) -> None:
    """The rows of every file of a zipped folder, those of save_to_disk in the order of its state.json."""
    with open_checked_zip(data, "The zip") as archive:
        parts = [name for name in archive.namelist() if not name.endswith("/") and not _hidden(name)]
        names = _told_names(archive, parts)
        for name in _in_order(archive, parts):
            body = read_entry(archive, name, "The zip")
            split = split_of(name)
            writer.arrow(body, names, split) if name.endswith(".arrow") else writer.parquet(body, names, split)


def _hidden(name: str) -> bool:
    """Whether a part is one that macOS or a cache has added."""
    return any(piece.startswith(("__MACOSX", ".")) or piece.startswith("cache-") for piece in name.split("/"))


def split_of(name: str) -> str:
    """train, validation or test, as the path says; '' where it does not."""
    found = _SPLIT.findall(name)
    return {"valid": "validation", "dev": "validation"}.get(found[-1].lower(), found[-1].lower()) if found else ""


def _in_order(archive: zipfile.ZipFile, parts: list[str]) -> list[str]:
    """The files of rows: training rows first, and those of one folder as state.json lists them, else by name."""
    listed: list[str] = []
    for state in sorted(name for name in parts if name.rsplit("/", 1)[-1] == "state.json"):
        folder = state[: -len("state.json")]
        try:
            files = json.loads(read_entry(archive, state, "The zip")).get("_data_files", [])
            listed += [folder + str(one["filename"]) for one in files]
        except (ValueError, AttributeError, KeyError, TypeError):
            continue
    there = set(parts)
    files = [name for name in listed if name in there] or sorted(name for name in parts if name.endswith((".arrow", ".parquet")))
    rank = {"train": 0, "validation": 1, "test": 2}
    return sorted(files, key=lambda name: rank.get(split_of(name), 0))


def _told_names(archive: zipfile.ZipFile, parts: list[str]) -> dict[str, list[str]]:
    """Column -> names of labels, of dataset_info.json and the card beside the files."""
    out: dict[str, list[str]] = {}
    for name in parts:
        last = name.rsplit("/", 1)[-1]
        try:
            if last == "dataset_info.json":
                out |= _of_features(json.loads(read_entry(archive, name, "The zip")).get("features"))
            elif last == "README.md":
                out |= _of_card(read_entry(archive, name, "The zip").decode("utf-8", "replace"))
        except (ValueError, AttributeError):
            continue
    return out


def _of_card(text: str) -> dict[str, list[str]]:
    """Column -> names of labels, of the front matter of a data set's card."""
    import yaml

    if not text.startswith("---") or len(text) > 2**20:
        return {}
    try:
        front = yaml.safe_load(text.split("---", 2)[1])
    except (yaml.YAMLError, IndexError, RecursionError):
        return {}
    info = front.get("dataset_info") if isinstance(front, dict) else None
    infos = info if isinstance(info, list) else [info]
    return {k: v for one in infos if isinstance(one, dict) for k, v in _of_features(one.get("features")).items()}


if __name__ == "__main__":
    apart.serve(_write_records, _DAMAGED)
