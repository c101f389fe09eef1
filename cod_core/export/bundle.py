"""The bundle: one zip that is a data set folder, an archive of the decisions, and importable again.

Knows records and files; nothing of the store. `project` is anything with id, name and task.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import platform
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypedDict, Unpack

from pydantic import ValidationError

import cod_core
from cod_core.errors import CodError
from cod_core.export.card import card
from cod_core.export.convert import DEFAULT_SIMILARITY_MODEL, to_record
from cod_core.export.flat import CAD_HEAD, PAIR_COLUMNS, cad_lines, cad_of, long_of, pair_of, safe_lines
from cod_core.export.record import SCHEMA_VERSION, SPLIT_FILES, ExportItem, Record
from cod_core.export.restore import Bundle, open_bundle, read_bundle
from cod_core.text import TOKENIZER
from cod_core.types import KEPT, Task, now, to_json

BATCH = 500

__all__ = [
    "Bundle",
    "ExportItem",
    "bundle_bytes",
    "jsonl_bytes",
    "kept_records",
    "open_bundle",
    "preview",
    "read_bundle",
    "whole_or_not_at_all",
    "write_bundle",
]


class Project(Protocol):
    """What a bundle says of the project it comes from; where it has a `teacher` too, of a teacher that answers."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task: ...


class BundleOptions(TypedDict, total=False):
    """guideline: its text. filters: what was left out on purpose. about: the card's own fields (description, license,
    languages, authors, citation). opinions: how far two people agree (curation.agreement.told)."""

    similarity_model: str
    guideline: str
    filters: dict[str, Any] | None
    about: dict[str, Any] | None
    opinions: Mapping[str, float | int] | None


def kept_records(
    items: Iterable[ExportItem], project_id: str = "", statuses: Sequence[str] = KEPT, similarity_model: str = DEFAULT_SIMILARITY_MODEL
) -> tuple[list[Record], list[tuple[str, str]]]:
    """Records of the items with one of the statuses, and (counterfactual id, why) of those that cannot be exported.

    Left out are kept pairs whose check is missing, stale or without flip to the target and that have no override reason.
    """
    records, left_out = [], []
    for item in items:
        if item.decision.status not in statuses:
            continue
        try:
            records.append(to_record(item, project_id, similarity_model))
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            if item.check is None and item.decision.status in KEPT:
                said = "the current teacher has not checked it"
            left_out.append((item.counterfactual.id, said))
    return records, left_out


def preview(items: Sequence[ExportItem], n: int = 3, project_id: str = "") -> list[dict[str, Any]]:
    """The first n records as plain values, exactly as they would be written."""
    return [record.model_dump() for record in kept_records(items, project_id)[0][:n]]


def jsonl_bytes(items: Iterable[ExportItem], project_id: str = "") -> bytes:
    """The accepted and edited pairs as JSON Lines."""
    return _lines(record.model_dump() for record in kept_records(items, project_id)[0])


def write_bundle(
    path: str | Path,
    project: Project,
    items: Iterable[ExportItem],
    audit: Iterable[dict[str, Any]] = (),
    rejected: bool = False,
    **options: Unpack[BundleOptions],
) -> dict[str, Any]:
    """Write the zip at path in one step (never half a file) and give its manifest. Memory does not grow with items.

    items: decided pairs of any status; accepted and edited ones are exported, rejected ones only where asked
    for. audit: every decision, as plain values. Raises CodError (full disk).
    """
    made: dict[str, Any] = {}

    def fill(file: IO[bytes]) -> None:
        made.update(_write_zip(file, project, items, audit, rejected, **options))

    whole_or_not_at_all(path, fill)
    return made


def bundle_bytes(
    project: Project,
    items: Iterable[ExportItem],
    audit: Iterable[dict[str, Any]] = (),
    rejected: bool = False,
    **options: Unpack[BundleOptions],
) -> tuple[bytes, dict[str, Any]]:
    """The zip as bytes, and its manifest; arguments as for write_bundle."""
    with tempfile.TemporaryFile() as file:
        manifest = _write_zip(file, project, items, audit, rejected, **options)
        file.seek(0)
        return file.read(), manifest


class _Parts:
    """Files of the bundle while they grow, a split each, put together at the end.

    They lie on the disk without a name, so that none of their texts stays there when the process is killed.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], IO[bytes]] = {}

    def add(self, name: str, split: str, text: str) -> None:
        if (name, split) not in self._open:
            self._open[name, split] = tempfile.TemporaryFile()
        self._open[name, split].write(text.encode())

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def read(self, name: str) -> Iterable[bytes]:
        """The file's bytes in chunks: its splits one after the other, what was rejected last."""
        for file in (self._open[name, split] for split in (*SPLIT_FILES, "rejected") if (name, split) in self._open):
            file.seek(0)
            yield from iter(partial(file.read, 2**20), b"")


@dataclass
class _Seen:
    """What the manifest counts while rows are written."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_split: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    no_flip: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    teachers: dict[tuple[str | None, ...], str] = field(default_factory=dict)
    prompts: set[tuple[str | None, str | None, str | None]] = field(default_factory=set)


def _write_zip(
    file: IO[bytes],
    project: Project,
    items: Iterable[ExportItem],
    audit: Iterable[dict[str, Any]],
    rejected: bool,
    similarity_model: str = DEFAULT_SIMILARITY_MODEL,
    guideline: str = "",
    filters: dict[str, Any] | None = None,
    about: dict[str, Any] | None = None,
    opinions: Mapping[str, float | int] | None = None,
) -> dict[str, Any]:
    with contextlib.closing(_Parts()) as parts:
        seen = _collect(parts, project, items, rejected, similarity_model)
        for row in audit:
            parts.add("audit.jsonl", SPLIT_FILES[0], _line(row))
        manifest = _manifest(project, seen, rejected, similarity_model, guideline, filters or {}, about or {})
        manifest["second_opinions"] = dict(opinions or {})
        heads = {"cad_paired.tsv": cad_lines([CAD_HEAD]).encode(), "pairs.csv": safe_lines([PAIR_COLUMNS]).encode("utf-8-sig")}
        grown = [
            "audit.jsonl",
            "cad_paired.tsv",
            *(f"data/{s}.jsonl" for s in SPLIT_FILES),
            "pairs.csv",
            "restore.jsonl",
            "train_long.jsonl",
            *(["rejected.jsonl"] if rejected else []),
        ]
        whole = {
            "README.md": card(manifest, [s for s, n in manifest["counts"]["by_split"].items() if n]).encode(),
            "schema.json": (json.dumps(Record.model_json_schema(), indent=1, sort_keys=True) + "\n").encode(),
        }
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted([*grown, *whole]):
                chunks = [whole[name]] if name in whole else itertools.chain([heads.get(name, b"")], parts.read(name))
                manifest["files"][name] = _into(archive, name, chunks)
            body = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
            _into(archive, "manifest.json", [body])
    return manifest


def _into(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> dict[str, str | int]:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    digest, size = hashlib.sha256(), 0
    with archive.open(entry, "w", force_zip64=True) as out:
        for chunk in chunks:
            digest.update(chunk)
            size += out.write(chunk)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _collect(parts: _Parts, project: Project, items: Iterable[ExportItem], rejected: bool, similarity_model: str) -> _Seen:
    """Write every item's rows into the parts, a few hundred items at a time; gives what the manifest counts."""
    wanted = (*KEPT, "rejected") if rejected else KEPT
    seen = _Seen()
    originals: set[str] = set()
    stream = iter(items)
    while batch := list(itertools.islice(stream, BATCH)):
        ready: dict[str, list[tuple[ExportItem, Record]]] = {}
        for item in batch:
            seen.by_status[item.decision.status] += 1
            found, left = kept_records([item], project.id, wanted, similarity_model)
            if item.decision.status in KEPT:
                seen.left_out += left
            for record in found:
                ready.setdefault(record.split if record.decision.status in KEPT else "rejected", []).append((item, record))
        for split, pairs in ready.items():
            _write_rows(parts, split, pairs, originals)
            _count(seen, split, [record for _, record in pairs])
    return seen


def _write_rows(parts: _Parts, split: str, pairs: list[tuple[ExportItem, Record]], originals: set[str]) -> None:
    """The rows of one part's records into every file that holds them."""
    records = [record for _, record in pairs]
    lines = "".join(record.model_dump_json() + "\n" for record in records)
    parts.add("restore.jsonl", split, "".join(_line(_restorable(item)) for item, _ in pairs))
    if split == "rejected":
        parts.add("rejected.jsonl", split, lines)
        return
    parts.add(f"data/{split}.jsonl", split, lines)
    parts.add("train_long.jsonl", split, "".join(_line(row) for record in records for row in long_of(record, originals)))
    parts.add("cad_paired.tsv", split, cad_lines(row for record in records for row in cad_of(record)))
    parts.add("pairs.csv", split, safe_lines(map(pair_of, records)))


def _count(seen: _Seen, split: str, records: list[Record]) -> None:
    if split == "rejected":
        seen.rejected += len(records)
        return
    seen.by_split[split] += len(records)
    for record in records:
        seen.no_flip += not (record.verification and record.verification.flipped and record.verification.reached_target)
        teacher, made = record.teacher, record.generator
        key = (teacher.id, teacher.revision, teacher.sha256, *teacher.label_names)
        if key not in seen.teachers:
            seen.teachers[key] = teacher.model_dump_json()
        seen.prompts.add((made.prompt_id, made.prompt_version, made.prompt_sha256))


def _manifest(
    project: Project, seen: _Seen, rejected: bool, similarity_model: str, guideline: str, filters: dict[str, Any], about: dict[str, Any]
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "created_at": now(),
        "project": {"id": str(project.id), "name": project.name, "task": json.loads(to_json(project.task))},
        "about": about,
        "counts": {
            "exported": sum(seen.by_split.values()),
            "rejected": seen.rejected,
            "by_status": dict(seen.by_status),
            "by_split": {split: seen.by_split[split] for split in SPLIT_FILES},
            "kept_without_flip": seen.no_flip,
        },
        "left_out": [{"id": i, "why": why} for i, why in seen.left_out],
        "filters": {"statuses": list(KEPT), "rejected_included": rejected, "checks": "of the current teacher only", **filters},
        "teachers": [json.loads(t) for t in sorted(seen.teachers.values())],
        **about_answers(getattr(project, "teacher", None) or {}),
        "prompts": [dict(zip(("id", "version", "sha256"), p, strict=True)) for p in sorted(seen.prompts, key=str) if any(p)],
        "guideline": {"version": project.task.guideline_version, "text": guideline},
        "tokenizer": TOKENIZER,
        "similarity_model": similarity_model,
        "versions": {"cod_core": cod_core.__version__, "python": platform.python_version()},
        "files": {},
    }


def about_answers(spec: Mapping[str, Any]) -> dict[str, Any]:
    """{"answers": the two parts of a teacher that answers}, {} for others. Of a folder only its name leaves."""
    if spec.get("kind") != "generative":
        return {}
    judge = spec["judge"]
    return {
        "answers": {
            "model": Path(spec["local"]).name,
            "model_revision": spec["generator_revision"],
            "max_tokens": spec["max_tokens"],
            "samples": spec["samples"],
            "temperature": spec["temperature"],
            "judge": judge["id"],
            "judge_revision": judge["revision"],
        }
    }


def _restorable(item: ExportItem) -> dict[str, Any]:
    """What a record does not hold and the app wants back."""
    proposal = item.counterfactual
    return {
        "id": proposal.id,
        "source": proposal.source,
        "note": proposal.note,
        "raw_reply": proposal.raw_reply,
        "gold_label": item.example.label,
        "split": item.example.split,
        "truncated": bool(item.check and item.check.truncated),
        "shift": item.check.shift if item.check else None,
    }


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(map(_line, rows)).encode("utf-8")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def whole_or_not_at_all(path: str | Path, fill: Callable[[IO[bytes]], object]) -> int:
    """Let `fill` write a file beside `path`, then put it in its place; gives its size. Raises CodError (full disk)."""
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".export-")
        with os.fdopen(handle, "wb") as file:
            fill(file)
        size = os.path.getsize(temporary)
        os.replace(temporary, path)
        return size
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        todo = "Free some space or choose another folder" if room else "Choose a folder that is there and may be written to"
        raise CodError(
            f"The export could not be written to {path} ({error.strerror}). {todo}; nothing in the project was changed."
        ) from error
