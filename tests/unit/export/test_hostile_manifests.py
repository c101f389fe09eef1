"""A bundle's manifest and a backup's own rows are what a stranger wrote: any value in any place is refused in words, or harmless."""

import copy
import hashlib
import io
import json
import zipfile

import pytest
from export_items import ITEMS, PROJECT

from cod_core.errors import CodError
from cod_core.export.bundle import bundle_bytes
from cod_core.export.restore import open_bundle
from cod_core.project.export.bundles import check_labels
from cod_core.text import CONTROL
from cod_core.types import Decision, Task, now
from cod_core.workspace import Workspace
from cod_core.workspace.workspace import checked

VALUES = [
    None, True, -1, 2**70, 1e308, float("inf"), float("nan"), "", "x", "\0", "\ud800", "../../etc/passwd", "/etc/passwd", "a" * 5000,
    "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "\u202e\x1b[2J", [], ["x"], [[]], {}, {"x": 1}, [None, None], ["a", "a"],
]  # fmt: skip


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def places(value, path=()):
    """The path to every value inside a JSON value, lists by their first element."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = changed(made[path[0]], path[1:], new)
    return made


@pytest.fixture(scope="module")
def bundle():
    return parts_of(bundle_bytes(PROJECT, ITEMS, guideline="Be brief.")[0])


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("lies"))


def test_any_value_in_any_place_of_a_manifest(bundle):
    """Prevents: a manifest that lies stops the page with an error of Python's, or makes a project that no page opens."""
    manifest = json.loads(bundle["manifest.json"])
    tried = refused = 0
    for path in places(manifest):
        for value in VALUES if path[:1] == ("project",) else VALUES[::8]:
            body = json.dumps(changed(manifest, path, value)).encode()
            tried += 1
            try:
                read = open_bundle(zipped({**bundle, "manifest.json": body}))
                check_labels(read, read.task.labels)
                task = checked(f"{read.manifest['project'].get('name', '')} (imported)", read.task)
            except CodError:
                refused += 1
                continue
            said = "".join((task.name, *task.labels, *task.descriptions))
            assert all(task.labels) and not CONTROL.search(said) and said.encode() is not None, (path, value)
    assert tried >= 250 and refused >= 50, (tried, refused)


@pytest.mark.parametrize("value", VALUES[::2], ids=repr)
def test_any_value_where_a_manifest_is_kept(w, bundle, value):
    """The same up to the database, for what is stored of a manifest: name, question, version and guideline."""
    manifest = json.loads(bundle["manifest.json"])
    for path in (("project", "name"), ("project", "task", "name"), ("project", "task", "guideline_version"), ("guideline", "text")):
        before = len(w.projects())
        try:
            pid, _ = w.open_bundle(zipped({**bundle, "manifest.json": json.dumps(changed(manifest, path, value)).encode()}))
        except CodError:
            assert len(w.projects()) == before, (path, value)
            continue
        row = w.project(pid).row
        assert row.teacher is None and len(row.name) <= 120 and not CONTROL.search(row.name)


@pytest.mark.parametrize(
    "lie",
    [
        lambda files: files.pop("data/train.jsonl"),
        lambda files: files.update({"data/more.jsonl": files["data/train.jsonl"]}),
        lambda files: files.update({"../data/train.jsonl": files["data/train.jsonl"]}),
        lambda files: files["data/train.jsonl"].update(sha256="0" * 64),
        lambda files: files["data/train.jsonl"].update(sha256=files["data/test.jsonl"]["sha256"]),
        lambda files: files["data/train.jsonl"].pop("sha256"),
        lambda files: files.clear(),
    ],
)
def test_a_list_of_files_that_is_not_true(w, bundle, lie):
    """Prevents: files that are listed and not there, there and not listed, or other than they were, become pairs."""
    manifest = json.loads(bundle["manifest.json"])
    lie(manifest["files"])
    try:
        pid, _ = w.open_bundle(zipped({**bundle, "manifest.json": json.dumps(manifest).encode()}))
    except CodError:
        return
    listed = {name for name in manifest["files"] if name.startswith("data/")}
    texts = {json.loads(line)["text"] for name in listed & set(bundle) for line in bundle[name].splitlines()}
    from cod_core.store import items

    assert {e.text for e in items.examples(w.db, pid)} == texts, "only what is listed comes in"


@pytest.mark.slow
def test_any_value_in_any_place_of_a_backups_rows(w):
    """Prevents: a row of another shape stops the restore with an error of Python's, leaves half a project, or one that no page opens."""
    from cod_core.project.teacher.loader import identity_of
    from cod_core.store import decisions, items, projects
    from tests.unit.workspace.test_several_people import fill

    pid = w.create_project("True", Task("Good or bad?", ("negative", "positive"), ("no", "yes")))
    fill(w, pid, 2)
    w.project(pid).place.update(llm={"base_url": "http://x", "model": "m"}, tabular={"template": "{a}", "columns": ["a"]})
    decisions.append_each(w.db, pid, [Decision("c00", "e0", "rejected", "me", ("duplicate",), decided_at=now())])
    projects.set_teacher(w.db, pid, {"kind": "finetuned", "path": str(w.project(pid).place.folder("teachers") / "a"), "name": "n"})
    parts = parts_of(w.project(pid).keeping.backup())
    about = json.loads(parts.pop("backup.json"))
    tried = refused = 0
    for table in ("projects", "examples", "counterfactuals", "flip_checks", "decisions", "uploads"):
        name = f"tables/{table}.jsonl"
        lines = parts[name].splitlines()
        for path in places(json.loads(lines[0])) if lines else ():
            for value in VALUES[1 :: 5 if table == "projects" else 18]:
                made = {**parts, name: b"\n".join([json.dumps(changed(json.loads(lines[0]), path, value)).encode(), *lines[1:]])}
                sums = {part: hashlib.sha256(body).hexdigest() for part, body in made.items()}
                before = len(w.projects())
                tried += 1
                try:
                    new = w.restore(zipped({**made, "backup.json": json.dumps({**about, "sha256": sums}).encode()}))
                except CodError:
                    refused += 1
                    assert len(w.projects()) == before, (table, path, value)
                    continue
                try:
                    row = w.project(new).row
                    items.examples(w.db, new), identity_of(row), w.project(new).endpoints.unconfirmed()
                except CodError:
                    pass  # said in words on the page of that project alone
    assert tried >= 100 and refused >= 10, (tried, refused)
