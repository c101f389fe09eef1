"""The bundle: one zip that is a data set folder, an archive of the decisions, and importable again.

Knows records and files; nothing of the store. `project` is anything with id, name and task.
"""

import hashlib
import io
import json
import os
import platform
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import cod_core
from cod_core.errors import CodError
from cod_core.export.card import card
from cod_core.export.convert import DEFAULT_SIMILARITY_MODEL, to_record
from cod_core.export.flat import cad_paired, long_rows, pairs_csv
from cod_core.export.record import SCHEMA_VERSION, SPLIT_FILES, ExportItem, Record
from cod_core.export.restore import Bundle, open_bundle, read_bundle
from cod_core.text import TOKENIZER
from cod_core.types import KEPT, now, to_json

__all__ = [
    "Bundle",
    "ExportItem",
    "bundle_bytes",
    "jsonl_bytes",
    "kept_records",
    "open_bundle",
    "preview",
    "read_bundle",
    "write_bundle",
    "write_jsonl",
]


def kept_records(
    items: Iterable[ExportItem],
    project_id: str = "",
    statuses: Sequence[str] = KEPT,
    similarity_model: str = DEFAULT_SIMILARITY_MODEL,
) -> tuple[list[Record], list[tuple[str, str]]]:
    """Records of the items with one of the statuses, and (counterfactual id, why) of those that cannot be exported.

    Left out are kept pairs whose check is missing, stale or without flip and that have no override reason.
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


def preview(items: Sequence[ExportItem], n: int = 3, project_id: str = "") -> list[dict]:
    """The first n records as plain values, exactly as they would be written."""
    return [record.model_dump() for record in kept_records(items, project_id)[0][:n]]


def jsonl_bytes(items: Iterable[ExportItem], project_id: str = "") -> bytes:
    """The accepted and edited pairs as JSON Lines."""
    return _lines(record.model_dump() for record in kept_records(items, project_id)[0])


def write_jsonl(path: str | Path, items: Iterable[ExportItem], project_id: str = "") -> int:
    """Write the accepted and edited pairs as JSON Lines; gives the number of bytes. Raises CodError (full disk)."""
    return _write(path, jsonl_bytes(items, project_id))


def write_bundle(
    path: str | Path,
    project: Any,
    items: Sequence[ExportItem],
    audit: Sequence[dict] = (),
    rejected: bool = False,
    **options: Any,
) -> dict:
    """Write the zip at path in one step (never half a file) and give its manifest.

    items: decided pairs of any status; accepted and edited ones are exported, rejected ones only where asked
    for. audit: every decision, as plain values. options: similarity_model, guideline. Raises CodError (full disk).
    """
    data, manifest = bundle_bytes(project, items, audit, rejected, **options)
    _write(path, data)
    return manifest


def bundle_bytes(
    project: Any,
    items: Sequence[ExportItem],
    audit: Sequence[dict] = (),
    rejected: bool = False,
    similarity_model: str = DEFAULT_SIMILARITY_MODEL,
    guideline: str = "",
) -> tuple[bytes, dict]:
    """The zip as bytes, and its manifest; arguments as for write_bundle."""
    records, left_out = kept_records(items, project.id, KEPT, similarity_model)
    refused = kept_records(items, project.id, ("rejected",), similarity_model)[0] if rejected else []
    records.sort(key=lambda record: SPLIT_FILES.index(record.split))
    by_split = {split: [r.model_dump() for r in records if r.split == split] for split in SPLIT_FILES}
    by_id = {item.counterfactual.id: item for item in items}
    files = {f"data/{split}.jsonl": _lines(rows) for split, rows in by_split.items()}
    files["train_long.jsonl"] = _lines(long_rows(records))
    files["cad_paired.tsv"] = cad_paired(records).encode()
    files["pairs.csv"] = pairs_csv(records).encode("utf-8-sig")
    if rejected:
        files["rejected.jsonl"] = _lines(record.model_dump() for record in refused)
    files["audit.jsonl"] = _lines(audit)
    files["restore.jsonl"] = _lines(_restorable(by_id[record.id]) for record in [*records, *refused])
    files["schema.json"] = (json.dumps(Record.model_json_schema(), indent=1, sort_keys=True) + "\n").encode()
    prompts = {(r.generator.prompt_id, r.generator.prompt_version, r.generator.prompt_sha256) for r in records}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "created_at": now(),
        "project": {"id": str(project.id), "name": project.name, "task": json.loads(to_json(project.task))},
        "counts": {
            "exported": len(records),
            "rejected": len(refused),
            "by_status": dict(Counter(item.decision.status for item in items)),
            "by_split": {split: len(rows) for split, rows in by_split.items()},
            "kept_without_flip": sum(not (r.verification and r.verification.flipped) for r in records),
        },
        "left_out": [{"id": i, "why": why} for i, why in left_out],
        "filters": {"statuses": list(KEPT), "rejected_included": rejected, "checks": "of the current teacher only"},
        "teachers": [json.loads(t) for t in sorted({r.teacher.model_dump_json() for r in records})],
        "prompts": [dict(zip(("id", "version", "sha256"), p, strict=True)) for p in sorted(prompts, key=str) if any(p)],
        "guideline": {"version": project.task.guideline_version, "text": guideline},
        "tokenizer": TOKENIZER,
        "similarity_model": similarity_model,
        "versions": {"cod_core": cod_core.__version__, "python": platform.python_version()},
        "files": {},
    }
    files["README.md"] = card(manifest, [split for split, rows in by_split.items() if rows]).encode()
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)} for name, body in files.items()
    }
    files["manifest.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(entry, files[name])
    return out.getvalue(), manifest


def _restorable(item: ExportItem) -> dict:
    """What a record does not hold and the app wants back."""
    proposal = item.counterfactual
    return {
        "id": proposal.id,
        "source": proposal.source,
        "note": proposal.note,
        "raw_reply": proposal.raw_reply,
        "gold_label": item.example.label,
        "truncated": bool(item.check and item.check.truncated),
    }


def _lines(rows: Iterable[dict]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode("utf-8")


def _write(path: str | Path, data: bytes) -> int:
    path = Path(path)
    handle, temporary = -1, ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".export-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CodError(
            f"The export could not be written to {path} ({error.strerror}). Free some space or choose another folder; "
            "nothing in the project was changed."
        ) from error
    return len(data)
