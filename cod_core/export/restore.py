"""A bundle read back: the zip, every file's sha256, every record and every invariant checked before anything is used.

Knows the files of `bundle`; nothing of the store.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from cod_core.data.archives import open_checked_zip, read_entry
from cod_core.errors import BadInput
from cod_core.export.convert import from_record
from cod_core.export.migrations import check_version, migrate
from cod_core.export.record import SPLIT_FILES, ExportItem, Record
from cod_core.said import msg, say
from cod_core.types import KEPT, Example, Task

_WHAT = "The bundle"


@dataclass(frozen=True)
class Bundle:
    """A bundle read back. task: the project's. items: kept pairs, then rejected ones. audit: decisions as exported.

    guideline: its text, "" where there was none.
    """

    manifest: dict[str, Any]
    task: Task
    records: list[Record]
    items: list[ExportItem]
    audit: list[dict[str, Any]]
    guideline: str = ""


def read_bundle(data: bytes) -> list[Record]:
    """The kept records of a bundle, checked line by line. Raises BadInput as open_bundle does."""
    return [record for record in open_bundle(data).records if record.decision.status in KEPT]


def open_bundle(data: bytes) -> Bundle:
    """A whole bundle read back: the zip, every file's sha256, every record and every invariant checked first.

    Records of earlier formats come in the present one (migrations.py); the manifest stays as it was written.
    Raises BadInput naming the file or the rows at fault; nothing is taken from a bundle with a fault.
    """
    with open_checked_zip(data, _WHAT) as archive:
        names = set(archive.namelist())
        if "manifest.json" not in names:
            raise BadInput(msg("This zip is not a bundle of this app: it has no manifest.json. Choose a file made with Export."))
        manifest = _json(read_entry(archive, "manifest.json", _WHAT), "manifest.json")
        check_version(manifest.get("schema_version"))
        files = _checked_files(archive, manifest, names)
    wanted = [f"data/{split}.jsonl" for split in SPLIT_FILES] + ["rejected.jsonl"]
    records = [record for name in wanted for record in _records(files.get(name, b""), name)]
    extras = {row["id"]: row for row in map(_sound, _rows(files.get("restore.jsonl", b""), "restore.jsonl"))}
    items = [_restored(from_record(record), extras.get(record.id, {})) for record in records]
    said = manifest.get("guideline")
    guideline = str(said.get("text") or "") if isinstance(said, dict) else ""
    return Bundle(manifest, _task(manifest), records, items, _rows(files.get("audit.jsonl", b""), "audit.jsonl"), guideline)


def _checked_files(archive: zipfile.ZipFile, manifest: dict[str, Any], names: set[str]) -> dict[str, bytes]:
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise BadInput(msg("The bundle's manifest.json lists no files: it is damaged."))
    files = {}
    for name, said in listed.items():
        if name not in names:
            raise BadInput(say("The bundle lacks its file {name!r}: it is not complete. Export it again.", name=name))
        files[name] = read_entry(archive, name, _WHAT)
        if not isinstance(said, dict) or hashlib.sha256(files[name]).hexdigest() != said.get("sha256"):
            raise BadInput(
                say(
                    "The bundle's file {name!r} was changed after the export, so its checks cannot be trusted. Import "
                    "the bundle as it was exported, or import the texts as a table.",
                    name=name,
                )
            )
    return files


def _records(body: bytes, name: str) -> list[Record]:
    records, wrong = [], []
    for number, row in enumerate(_rows(body, name), start=1):
        try:
            records.append(Record.model_validate(migrate(row), strict=True))
        except ValidationError as error:
            first = error.errors()[0]
            wrong.append(f"row {number}: {'.'.join(map(str, first['loc']))} {first['msg']}".strip())
            continue
        except ValueError as error:
            wrong.append(f"row {number}: {error}")
            continue
        _json(records[-1].metadata.encode(), name)
        if "\0" in records[-1].text + records[-1].counterfactual_text + (records[-1].proposed_text or ""):
            wrong.append(f"row {number}: a text holds a NUL character, which is no text")
    if wrong:
        more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise BadInput(
            say("{n} rows of {name} are not records of this format ({rows}).", n=len(wrong), name=name, rows="; ".join(wrong[:10]) + more)
        )
    return records


def _task(manifest: dict[str, Any]) -> Task:
    try:
        task = manifest["project"]["task"]
        labels = tuple(map(str, task["labels"]))
        if len(labels) < 2:
            raise ValueError
        version = int(task.get("guideline_version", 1))
        if not 0 <= version < 2**31:
            raise ValueError
        return Task(str(task["name"]), labels, tuple(map(str, task.get("descriptions", ()))), version)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise BadInput(msg("The bundle's manifest.json does not describe its task: it is damaged.")) from error


_EXTRAS = {"source": str, "note": str, "raw_reply": str, "gold_label": str, "split": str, "truncated": bool, "shift": float}


def _sound(extra: dict[str, Any]) -> dict[str, Any]:
    """The row of restore.jsonl, each value of the kind that is written there."""
    if not isinstance(extra.get("id"), str) or not all(isinstance(extra.get(k), kind | None) for k, kind in _EXTRAS.items()):
        raise BadInput(msg("The bundle's file 'restore.jsonl' does not hold what it should: it is damaged."))
    return extra


def _restored(item: ExportItem, extra: dict[str, Any]) -> ExportItem:
    if not extra:
        return item
    proposal = replace(
        item.counterfactual,
        source=str(extra.get("source") or item.counterfactual.source),
        note=str(extra.get("note") or ""),
        raw_reply=extra.get("raw_reply"),
    )
    check = item.check and replace(item.check, truncated=bool(extra.get("truncated")), shift=extra.get("shift"))
    return replace(item, example=_original(item.example, extra), counterfactual=proposal, check=check)


def _original(example: Example, extra: dict[str, Any]) -> Example:
    """The text as it was; without the label that its record carries where it had none of its own."""
    free = extra.get("split") == "unlabelled"
    if not free and extra.get("gold_label", example.label):
        return example
    kept = {k: v for k, v in example.metadata.items() if k != "label_from"}
    return replace(example, label=None, metadata=kept, split="unlabelled" if free else example.split)


def _rows(body: bytes, name: str) -> list[dict[str, Any]]:
    return [_json(line, name) for line in body.split(b"\n") if line.strip()]


def _json(body: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(say("The bundle's file {name!r} is not valid JSON: it is damaged.", name=name)) from error
    if not isinstance(value, dict):
        raise BadInput(say("The bundle's file {name!r} does not hold objects: it is damaged.", name=name))
    return value
