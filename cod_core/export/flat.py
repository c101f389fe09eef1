"""Records as flat tables for other tools: training rows, the CAD pair format, a spreadsheet. Knows no zip."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from cod_core.export.record import Record
from cod_core.export.rows import flips_of

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")
PAIR_COLUMNS = (
    "pair_id",
    "split",
    "label",
    "text",
    "counterfactual_label",
    "counterfactual_text",
    "status",
    "flipped",
    "flips",
    "p_target_before",
    "p_target_after",
    "edit_fraction",
    "annotator",
    "override_reason",
    "comment",
)


def long_of(record: Record, seen: set[str]) -> list[dict[str, object]]:
    """The training rows of one record. seen: pair ids whose original was written already; it grows."""
    rows: list[dict[str, object]] = []
    if record.split != "train":
        return rows
    if record.pair_id not in seen:
        seen.add(record.pair_id)
        rows.append(_long(record.text, record.label, record.pair_id, False))
    if record.verification and record.verification.flipped and record.verification.reached_target:
        rows.append(_long(record.counterfactual_text, record.counterfactual_label, record.pair_id, True))
    return rows


def _long(text: str, label: str, pair_id: str, is_counterfactual: bool) -> dict[str, object]:
    return {"text": text, "label": label, "pair_id": pair_id, "is_counterfactual": is_counterfactual, "weight": 1.0}


CAD_HEAD = ("Sentiment", "Text", "batch_id", "flips")


def cad_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows of the CAD format as tab-separated text; spreadsheets open these files too, so their cells are safe ones."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, dialect="excel-tab", lineterminator="\n")  # which would not put quotes around a lone CR
    writer.writerows([safe_cell(v.replace("\r\n", "\n").replace("\r", "\n") if isinstance(v, str) else v) for v in row] for row in rows)
    return out.getvalue()


def cad_of(record: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two rows, the original first, as in counterfactually augmented IMDB (Kaushik et al. 2020); then whether the pair flips the
    teacher to its label (yes, no, not checked), which theirs has not."""
    original = (record.label, record.text, record.pair_id, flips_of(record))
    return original, (record.counterfactual_label, record.counterfactual_text, record.pair_id, flips_of(record))


def pair_of(record: Record) -> tuple[object, ...]:
    """The cells of one pair, in the order of PAIR_COLUMNS."""
    found = record.verification
    before, after = _target_probs(record)
    return (
        record.pair_id,
        record.split,
        record.label,
        record.text,
        record.counterfactual_label,
        record.counterfactual_text,
        record.decision.status,
        "" if found is None else found.flipped,
        flips_of(record),
        before,
        after,
        f"{record.metrics.edit_fraction:.4f}",
        record.decision.annotator_id,
        record.decision.override_reason or "",
        record.decision.comment,
    )


def _target_probs(record: Record) -> tuple[str, str]:
    found, names = record.verification, record.teacher.label_names
    if found is None or record.counterfactual_label not in names:
        return "", ""
    i = names.index(record.counterfactual_label)
    return f"{found.original_probs[i]:.6f}", f"{found.counterfactual_probs[i]:.6f}"


def safe_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV text whose cells no spreadsheet runs: those starting with = + - @ (also of full width), tab or a
    line break get an apostrophe in front.

    Real numbers (int, float, bool), and texts that are plain ones, are written as they are.
    """
    return safe_lines([columns]) + safe_lines(rows)


def safe_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows of such a CSV without a heading."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()


def safe_cell(value: object) -> object:
    """A cell with a leading apostrophe where a spreadsheet would take it for a formula. A plain number (the label -1) is none."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return "'" + value if value.startswith(_FORMULA_STARTS) else value
