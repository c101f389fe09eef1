"""Bundles: what leaves must be exactly the approved set, and must come back whole."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from export_items import ITEMS, LABELS, PROJECT, item

from cod_core.counterfactuals.imported import import_pairs
from cod_core.data.reading import Table
from cod_core.errors import BadInput, CodError
from cod_core.export import bundle
from cod_core.export.bundle import bundle_bytes, jsonl_bytes, open_bundle, preview, read_bundle, write_bundle
from cod_core.export.flat import safe_cell, safe_csv
from cod_core.export.forms import Words, form_for, write_form

AUDIT = [{"seq": 1, "status": "accepted", "note": "ä"}, {"seq": 2, "status": "rejected"}]


def files(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_only_accepted_and_edited_pairs_leave():
    """A rejected text in the set would be trained on."""
    data, manifest = bundle_bytes(PROJECT, ITEMS, AUDIT)
    parts = files(data)
    rows = [json.loads(line) for split in ("train", "validation", "test") for line in parts[f"data/{split}.jsonl"].splitlines()]
    assert [row["decision"]["status"] for row in rows] == ["accepted", "accepted", "accepted", "edited"]
    assert "rejected.jsonl" not in parts and b"worst idea" not in parts["data/train.jsonl"]
    assert manifest["counts"]["exported"] == 4 and manifest["counts"]["by_status"]["rejected"] == 1
    assert manifest["counts"]["kept_without_flip"] == 1
    assert manifest["left_out"] == [{"id": ITEMS[6].counterfactual.id, "why": "the current teacher has not checked it"}]
    assert [json.loads(line) for line in parts["audit.jsonl"].splitlines()] == AUDIT
    assert json.loads(parts["manifest.json"]) == manifest and set(manifest["files"]) == set(parts) - {"manifest.json"}


def test_training_rows_leave_out_what_does_not_flip_and_what_is_held_out():
    rows = [json.loads(line) for line in files(bundle_bytes(PROJECT, ITEMS)[0])["train_long.jsonl"].splitlines()]
    assert [(r["text"], r["is_counterfactual"], r["label"]) for r in rows] == [
        ("a splendid film", False, "positive"),
        ("a hideous film", True, "negative"),
        ("not flipped text", False, "positive"),
    ]


def test_a_bundle_comes_back_without_loss():
    data, manifest = bundle_bytes(PROJECT, ITEMS, AUDIT, rejected=True, guideline="be kind")
    found = open_bundle(data)
    assert found.task == PROJECT.task and found.audit == AUDIT
    assert [r.decision.status for r in found.records] == ["accepted", "accepted", "accepted", "edited", "rejected"]
    edited = found.items[3]
    assert (edited.example, edited.counterfactual, edited.decision) == (ITEMS[1].example, ITEMS[1].counterfactual, ITEMS[1].decision)
    assert edited.check.truncated and edited.proposed_text == "bad acting"
    again, second = bundle_bytes(PROJECT, found.items, found.audit, rejected=True, guideline="be kind")
    changed = {name for name in manifest["files"] if manifest["files"][name] != second["files"][name]}
    assert changed <= {"README.md"}  # it names the counts by status, which lost the skipped ones
    assert [r.id for r in read_bundle(again)] == [r.id for r in found.records[:4]]


def test_an_unlabelled_original_comes_back_unlabelled():
    blank = replace(ITEMS[0], example=replace(ITEMS[0].example, label=None))
    assert open_bundle(bundle_bytes(PROJECT, [blank])[0]).items[0].example.label is None


def test_changed_missing_and_foreign_files_are_refused():
    parts = files(bundle_bytes(PROJECT, ITEMS)[0])
    with pytest.raises(BadInput, match="changed after the export"):
        open_bundle(rezipped(parts | {"data/train.jsonl": b""}))
    with pytest.raises(BadInput, match="lacks"):
        open_bundle(rezipped({k: v for k, v in parts.items() if k != "pairs.csv"}))
    with pytest.raises(BadInput, match="manifest.json"):
        open_bundle(rezipped({"other.txt": b"x"}))
    with pytest.raises(BadInput, match="outside"):
        open_bundle(rezipped(parts | {"../evil": b"x"}))
    with pytest.raises(BadInput, match="damaged"):
        open_bundle(b"no zip")
    newer = json.loads(parts["manifest.json"]) | {"schema_version": "cod-cfe/9"}
    with pytest.raises(BadInput, match="cod-cfe/9"):
        open_bundle(rezipped(parts | {"manifest.json": json.dumps(newer).encode()}))


def test_records_that_break_the_format_are_listed_by_row():
    parts = files(bundle_bytes(PROJECT, ITEMS)[0])
    rows = [json.loads(line) for line in parts["data/train.jsonl"].splitlines()]
    rows[0]["verification"]["flipped"] = False
    rows[1]["decision"]["revision_no"] = "two"
    parts["data/train.jsonl"] = "\n".join(map(json.dumps, rows)).encode()
    manifest = json.loads(parts["manifest.json"])
    manifest["files"]["data/train.jsonl"]["sha256"] = hashlib.sha256(parts["data/train.jsonl"]).hexdigest()
    parts["manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(BadInput, match="row 1: .*flip.*row 2: decision.revision_no"):
        open_bundle(rezipped(parts))


def test_spreadsheet_cells_cannot_be_formulas():
    """=HYPERLINK(...) in an uploaded text would run on a colleague's machine."""
    for start in "=+-@\t\r":
        assert safe_cell(start + "x") == "'" + start + "x"
    assert safe_cell("x=1") == "x=1" and safe_cell(-0.5) == -0.5
    assert safe_cell("-1") == "-1" and safe_cell("+0.5") == "+0.5" and safe_cell("-1+1") == "'-1+1" and safe_cell("-1\n") == "'-1\n"
    for number in (-1, 1e5, -1e-5, True, None, "-1", "1e5", "-1e5", "+2.5E-3"):
        assert safe_cell(number) is number
    for formula in ("=1+1", "+x", "@x", "-1e", "-e5", "+1-1", "\t=1", "\r=1", "-1\r", "-", "+"):
        assert safe_cell(formula) == "'" + formula
    text = safe_csv(("=a",), [("@b",), (1,)])
    assert list(csv.reader(io.StringIO(text))) == [["'=a"], ["'@b"], ["1"]]
    cells = list(csv.DictReader(io.StringIO(files(bundle_bytes(PROJECT, ITEMS)[0])["pairs.csv"].decode("utf-8-sig"))))
    assert cells[3]["comment"] == "'=1+1" and cells[2]["text"] == 'a warm\nand "quoted", film'


def test_two_rows_a_pair_are_safe_in_a_spreadsheet_and_come_back_as_they_were(tmp_path):
    """Spreadsheets run the formulas of a .tsv too: in the bundle and in the file of its own."""
    original, changed = '=HYPERLINK("http://x";"good")', '=HYPERLINK("http://x";"bad")'
    pair = item(original, changed)
    write_form(tmp_path / "set.tsv", form_for("set.tsv"), [pair], Words(LABELS), "p1")
    alone = (tmp_path / "set.tsv").read_text()
    assert files(bundle_bytes(PROJECT, [pair])[0])["cad_paired.tsv"].decode() == alone
    rows = list(csv.reader(io.StringIO(alone), dialect="excel-tab"))
    assert [row[1] for row in rows] == ["Text", "'" + original, "'" + changed]
    back = import_pairs(Table(rows[0], rows[1:], [2, 3], []), [pair.example], PROJECT.task)
    assert back.problems == [] and [(c.example_id, c.text) for c in back.counterfactuals] == [(pair.example.id, changed)]


def test_the_card_shows_names_as_plain_characters():
    """A project name must not put a remote picture into the card."""
    project = type("P", (), {"id": "p", "name": "![x](https://h/y.png)\n---\n<b>", "task": PROJECT.task})
    readme = files(bundle_bytes(project, ITEMS)[0])["README.md"].decode()
    body = readme.split("\n---\n", 1)[1]
    assert "![x](" not in body and "<b>" not in body and r"\[x\]" in body
    assert readme.splitlines()[1].startswith('pretty_name: "![x](https://h/y.png) --- <b>"')


def test_jsonl_and_preview_are_the_same_rows():
    rows = [json.loads(line) for line in jsonl_bytes(ITEMS, "p1").splitlines()]
    assert len(rows) == 4 and preview(ITEMS, 2, "p1") == rows[:2]


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """Half a zip under the old name loses the last good export."""
    path = tmp_path / "out.zip"
    manifest = write_bundle(path, PROJECT, ITEMS)
    before = path.read_bytes()
    assert manifest["counts"]["exported"] == len(read_bundle(before))

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CodError, match="No space left"):
        write_form(path, form_for("set.jsonl"), ITEMS, Words(LABELS))
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_an_empty_export_is_a_bundle_too():
    found = open_bundle(bundle_bytes(PROJECT, [item(status="rejected")])[0])
    assert found.records == [] and found.manifest["counts"]["exported"] == 0


@pytest.mark.slow
def test_datasets_loads_the_unzipped_folder(tmp_path):
    """A column that is null in one split, or a split without rows, stops the loader."""
    kept = [ITEMS[0], ITEMS[1]]
    with zipfile.ZipFile(io.BytesIO(bundle_bytes(PROJECT, kept, AUDIT)[0])) as archive:
        archive.extractall(tmp_path / "set")
    code = (
        "import json, sys; from datasets import load_dataset; d = load_dataset(sys.argv[1]); "
        "print(json.dumps([{s: len(d[s]) for s in d}, d['train'][0]['counterfactual_text'], "
        "d['test'][0]['verification']['counterfactual_probs'], str(d['test'][0]['created_at'])]))"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "set")], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    sizes, text, probs, created = json.loads(done.stdout.splitlines()[-1])
    assert sizes == {"train": 1, "test": 1} and text == "a hideous film" and probs == pytest.approx([1, 1e-9])
    assert created == "2026-01-02 03:04:05+00:00"


def test_no_text_lies_in_a_named_file_while_a_bundle_is_written(tmp_path, monkeypatch):
    """Killed halfway, an export left the texts in the machine's folder for temporary files, where nobody erases them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(bundle, "BATCH", 1)
    seen = []

    def watched():
        for one in ITEMS[:3]:
            yield one
            seen.append([p for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith(".export-")])

    write_bundle(tmp_path / "a.zip", PROJECT, watched())
    assert seen == [[], [], []]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("data/train.jsonl", "metadata", "no JSON"),
        ("data/train.jsonl", "metadata", "[1]"),
        ("data/train.jsonl", "text", "a\0b"),
        ("restore.jsonl", "id", ["x"]),
        ("restore.jsonl", "raw_reply", {"a": 1}),
        ("restore.jsonl", "gold_label", 3),
        ("restore.jsonl", "shift", "far"),
    ],
)
def test_values_of_another_kind_are_refused_in_words(name, field, value):
    """A bundle whose sums are right may still be made by hand: it ended in a traceback, on PostgreSQL in the middle."""
    parts = files(bundle_bytes(PROJECT, ITEMS)[0])
    first, *others = parts[name].splitlines()
    parts[name] = b"\n".join([json.dumps(json.loads(first) | {field: value}).encode(), *others])
    manifest = json.loads(parts["manifest.json"])
    manifest["files"][name]["sha256"] = hashlib.sha256(parts[name]).hexdigest()
    with pytest.raises(BadInput, match="damaged|NUL|not hold objects"):
        open_bundle(rezipped(parts | {"manifest.json": json.dumps(manifest).encode()}))


def test_only_one_place_writes_tables_for_spreadsheets():
    """A second guard differed from the first for the label -1; a file without one would run what a text says."""
    root = Path(__file__).parents[3]
    sources = [path for folder in ("cod_core", "ui", "pages") for path in (root / folder).rglob("*.py")]
    writers = [path for path in sources if re.search(r"csv\.(writer|DictWriter)|to_csv|to_excel", path.read_text(encoding="utf-8"))]
    wanting = [path.name for path in writers if "safe_cell" not in path.read_text(encoding="utf-8")]
    assert writers and not wanting


def test_the_card_says_what_labels_mean_and_how_far_two_people_agree():
    """Whoever gets the set has nothing else by which to judge how it was decided."""
    told = replace(PROJECT.task, descriptions=("does *not* like it", "likes it"))
    project = type("P", (), {"id": "p", "name": "Films", "task": told})
    readme = files(bundle_bytes(project, ITEMS, opinions={"texts": 12, "agreement": 0.9167, "kappa": 0.81})[0])["README.md"].decode()
    assert "  - negative: does \\*not\\* like it" in readme
    assert "Second opinions: 12 texts read by two people; 92% of their opinions agree (Cohen's kappa 0.81)" in readme
    assert "Second opinions: none: every text was decided by one person" in files(bundle_bytes(PROJECT, ITEMS)[0])["README.md"].decode()
