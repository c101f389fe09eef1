"""Bundles of earlier formats: what was exported once must open forever."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from export_items import ITEMS, PROJECT

from cod_core.errors import BadInput
from cod_core.export.bundle import bundle_bytes
from cod_core.export.migrations import STEPS, Step, check_version, migrate
from cod_core.export.record import SCHEMA_VERSION, Record
from cod_core.export.restore import open_bundle

BUNDLES = sorted((Path(__file__).parent / "data").glob("bundle-*.zip"))


def as_if_made_by(version, earlier):
    """A bundle of today, written as an app of that version would have written it. earlier: changes a row."""
    with zipfile.ZipFile(io.BytesIO(bundle_bytes(PROJECT, ITEMS, rejected=True)[0])) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"]) | {"schema_version": version}
    for name in [*(n for n in files if n.startswith("data/")), "rejected.jsonl"]:
        rows = [earlier(json.loads(line) | {"schema_version": version}) for line in files[name].splitlines()]
        files[name] = "\n".join(map(json.dumps, rows)).encode()
        manifest["files"][name]["sha256"] = hashlib.sha256(files[name]).hexdigest()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in (files | {"manifest.json": json.dumps(manifest).encode()}).items():
            archive.writestr(name, body)
    return out.getvalue()


def without_fluency(row):
    row["metrics"].pop("fluency_ratio")
    return row


def with_fluency(row):
    row["metrics"]["fluency_ratio"] = None
    return row


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_a_bundle_of_every_format_so_far_opens(path):
    """A new column must not lock people out of what they exported last year."""
    found = open_bundle(path.read_bytes())
    assert [r.decision.status for r in found.records] == ["accepted", "accepted", "accepted", "edited", "rejected"]
    assert found.task == PROJECT.task and len(found.audit) == len(ITEMS) and found.guideline
    assert [(i.example, i.counterfactual, i.decision) for i in found.items] == [
        (i.example, i.counterfactual, i.decision) for i in (ITEMS[0], ITEMS[3], ITEMS[2], ITEMS[1], ITEMS[4])
    ]


def test_every_format_has_a_bundle_that_opens_and_a_way_to_the_present_one():
    """A version without its step, or without its bundle, is noticed only by the person whose file no longer opens."""
    for version in [*STEPS, SCHEMA_VERSION]:
        assert f"bundle-{version.removeprefix('cod-cfe/')}" in [path.stem for path in BUNDLES]
        for _ in range(len(STEPS)):
            version = STEPS[version].to if version in STEPS else version
        assert version == SCHEMA_VERSION
    assert Record.model_fields["schema_version"].annotation.__args__ == (SCHEMA_VERSION,)


def test_a_bundle_that_lacks_a_later_column_opens_with_the_value_that_its_step_gives(monkeypatch):
    old = as_if_made_by("cod-cfe/0.9", without_fluency)
    with pytest.raises(BadInput, match="'cod-cfe/0.9'; this app reads"):
        open_bundle(old)
    monkeypatch.setitem(STEPS, "cod-cfe/0.9", Step(SCHEMA_VERSION, with_fluency))
    assert open_bundle(old).items == open_bundle(bundle_bytes(PROJECT, ITEMS, rejected=True)[0]).items


def test_rows_that_are_no_records_of_their_format_are_listed(monkeypatch):
    """A step meets rows that nothing has validated yet."""
    monkeypatch.setitem(STEPS, "cod-cfe/0.9", Step(SCHEMA_VERSION, with_fluency))
    with pytest.raises(BadInput, match="row 1: not a record of format 'cod-cfe/0.9'"):
        open_bundle(as_if_made_by("cod-cfe/0.9", lambda row: row | {"metrics": None}))


def test_steps_follow_each_other_and_leave_the_row_they_were_given_alone():
    steps = {"cod-cfe/0.8": Step("cod-cfe/0.9", lambda row: row | {"language": None}), "cod-cfe/0.9": Step(SCHEMA_VERSION, with_fluency)}
    old = {"schema_version": "cod-cfe/0.8", "id": "a", "metrics": {}}
    assert migrate(old, steps) == {"schema_version": SCHEMA_VERSION, "id": "a", "language": None, "metrics": {"fluency_ratio": None}}
    assert old == {"schema_version": "cod-cfe/0.8", "id": "a", "metrics": {}}
    for row in ({"schema_version": SCHEMA_VERSION}, {"schema_version": "cod-cfe/7.0"}, {"schema_version": [1]}, {}):
        assert migrate(row, steps) == row


def test_a_newer_format_says_so_and_what_to_do():
    for newer in ("cod-cfe/1.1", "cod-cfe/2.0", "cod-cfe/10"):
        with pytest.raises(BadInput, match="newer version of this app.*Update the app"):
            check_version(newer)
    for unknown in ("cod-cfe/0.1", "cod-cfe/x", "other/9.0", None, 2, ["cod-cfe/1.0"]):
        with pytest.raises(BadInput, match="this app reads 'cod-cfe/1.0'"):
            check_version(unknown)
    check_version(SCHEMA_VERSION)
