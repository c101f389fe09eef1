"""What a file calls itself and its columns, from the form to the exports: kept as words, or refused in words; never a path."""

import io
import json
import zipfile

import pytest

from cod_core.data.tables import Columns, guess_columns, read_table
from cod_core.errors import CodError
from cod_core.store import items
from cod_core.types import Task
from cod_core.workspace import Workspace

NAMES = [
    "../../etc/passwd.csv", "/etc/passwd.csv", "C:\\boot.csv", "\\\\host\\share.csv", "a\0.csv", "\u202egpj.csv",
    "<script>alert(1)</script>.csv",
    "a.csv\n", "\r\nSet-Cookie: x.csv", "x" * 5000 + ".csv", ".csv", "csv", "", "=cmd().csv", "a.csv.exe", "con.csv", "a.CSV",
    "é\u0301.csv", "\ud800.csv",
    "$(reboot).csv", "`id`.csv", "%00.csv", "a;b.csv", "'; DROP TABLE uploads; --.csv", "{teachers}/x.csv", "a/.csv", "..", ".",
    "a.xlsx", "a.jsonl",
]  # fmt: skip
COLUMNS = [
    "<img src=x onerror=alert(1)>", "=1+1", "@x", "\u202etxet", "{text}", "{0}", "{__class__}", "${x}", "%(x)s", "a" * 5000,
    "'; DROP TABLE x; --",
    "__proto__", "project_id", "id", "text ", " text", "TEXT", "te\u0301xt", "$x^2$", "**b**", ":red[x]", "![x](http://e/x.png)",
    "[x](javascript:1)",
    "\u200b", "\ufeff", "None", "NaN", "0", "-1", "../x", "a\tb", "\u2028",
]  # fmt: skip


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("names") / "home")


def tree(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if "cod.db" not in path.name}


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_is_a_word_and_no_place(w, name):
    """Prevents: a name that becomes a path, a statement, or an error of Python's."""
    before, around = tree(w.settings.home), set(w.settings.home.parent.iterdir())
    pid = w.create_project("Names", Task("Good?", ("a", "b")))
    data = b"text,label\n" + b"".join(f"A text number {i},{'ab'[i % 2]}\n".encode() for i in range(8))
    try:
        table = read_table(name, data)
        w.project(pid).uploads.import_table(table, guess_columns(table), "labelled", None, [], "s", name)
    except CodError as error:
        assert len(str(error)) < 1000 and items.counts(w.db, pid).total == 0
    else:
        assert items.counts(w.db, pid).total == 8
    assert tree(w.settings.home) == before and set(w.settings.home.parent.iterdir()) == around


@pytest.mark.parametrize("column", COLUMNS)
def test_a_columns_name_is_a_word_in_every_file_that_leaves(w, column):
    """Prevents: a column called like a field, a format or a formula changes what an export holds, or stops it."""
    pid = w.create_project("Columns", Task("Good?", ("a", "b")))
    rows = [{"body": f"A text number {i}", "class": "ab"[i % 2], column: f"v{i}"} for i in range(8)]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    project = w.project(pid)
    table = read_table("t.jsonl", data)
    kept = [name for name in table.columns if name not in ("body", "class")]
    brought = project.uploads.import_table(table, Columns("body", "class"), "labelled", None, kept, "s", "t.jsonl")
    assert len(brought.examples) == 8
    stored = items.examples(w.db, pid)
    assert all(len(e.metadata) == len(kept) and set(e.metadata.values()) <= {f"v{i}" for i in range(8)} for e in stored)
    for example in stored[:2]:
        other = [label for label in ("a", "b") if label != example.label][0]
        _reject(w, pid, example, other)
    from cod_core.export.choice import ExportChoice

    with zipfile.ZipFile(io.BytesIO(project.exports.bundle(choice=ExportChoice(rejected=True)))) as archive:
        assert len(archive.read("rejected.jsonl").splitlines()) == 2
        assert all(name == name.strip("/") and ".." not in name for name in archive.namelist())
    for template in (f"It is {{{column}}}.", "{body} {class}"):
        try:
            widened, made, _ = project.uploads.rows_as_sentences(table, template)
            assert made in widened.columns
        except CodError as error:
            assert len(str(error)) < 20_000


def _reject(w, pid, example, target):
    from cod_core.store import decisions
    from cod_core.types import Counterfactual, Decision, Origin, now

    cf = Counterfactual(f"c-{example.id}", example.id, "Another text.", example.label, target, Origin("human", "me"), created_at=now())
    items.add_counterfactuals(w.db, pid, [cf])
    decisions.append_each(w.db, pid, [Decision(cf.id, example.id, "rejected", "me", ("duplicate",), decided_at=now())])
