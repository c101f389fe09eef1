"""A hundred files as accidents leave them: each is read rightly or refused in a sentence, fast and small, and nothing is half imported."""

import hashlib
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.data.formats import ending_of
from cod_core.data.tables import file_labels, guess_columns, read_table, to_examples
from cod_core.errors import CodError
from cod_core.export.forms import FORMS, Words, form_for, write_form
from cod_core.store import items
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.field import FOLDER
from tests.mutants import LABELS, ROWS, TEXTS, TEXTUAL, accidents, folder_files, mutant, own_files

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from export_items import a_pair  # noqa: E402

TEXT_SEEDS, BINARY_SEEDS = range(92), range(8)
SECONDS, MEMORY_KB = 5, 500 * 1024


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The plainest files, what this app writes for other tools, and those of ../shared/field where it is there."""
    folder, out = tmp_path_factory.mktemp("written"), own_files()
    pairs = [
        a_pair(i, text, f"Not so: {text}", LABELS if label == LABELS[0] else LABELS[::-1], "train") for i, (text, label) in enumerate(TEXTS)
    ]
    for form in FORMS:
        if form.key in ("label-studio", "doccano", "prodigy", "argilla", "parquet"):
            write_form(folder / form.name, form_for(form.name, form.key), pairs, Words(LABELS))
            out[form.name] = (folder / form.name).read_bytes()
    return out | folder_files(FOLDER)


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("home"))


def read(name, data):
    table = read_table(name, data)
    columns = guess_columns(table)
    return table, columns, file_labels(table, columns)


def rows_of(name, data):
    """{(text, label)} of a file that is whole."""
    table, columns, labels = read(name, data)
    meant = dict(zip(labels, labels)) if set(labels) == set(LABELS) else {labels[0]: LABELS[0], labels[1]: LABELS[1]}
    return {(e.text, e.label) for e in to_examples(table, columns, meant, "labelled", []).examples}


def taken(w, made):
    """(rows added to a fresh project, the sentence of the refusal or ""): by the path of the page."""
    project = w.project(w.create_project("Mutants", Task("What is it?", LABELS)))
    said = ""
    try:
        table, columns, _ = read(made.name, made.data)
        added = project.uploads.import_table(table, columns, "labelled", None, [], hashlib.sha256(made.data).hexdigest(), made.name)
    except CodError as error:
        said = str(error)
    stored = items.examples(w.db, project.id)
    assert len(stored) == (0 if said else len(added.examples)), "half imported"
    return {(e.text, e.label) for e in stored}, said


def check(w, made, right):
    """The mutant is read rightly or refused in a sentence, within the limits. Returns what happened."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found, said = taken(w, made)
    assert time.process_time() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_KB
    if said:
        assert 20 < len(said) < 900 and said[-1] in ".!?}]" and "Traceback" not in said, said
        return "refused"
    assert not [text for text, _ in found if "\0" in text or any("\ud800" <= c < "\ue000" for c in text)]
    strange = found - right
    assert len(strange) <= made.touched, (made.seed, made.source, made.how, sorted(strange)[:3])
    return "read"


def test_ninety_two_files_in_letters_are_read_rightly_or_refused(w, files):
    """Prevents: a row that takes the label of another, half a file as the whole, a traceback."""
    textual = {name: data for name, data in files.items() if name.endswith(TEXTUAL)}
    right = {name: rows_of(name, data) for name, data in textual.items()}
    assert all(len(rows) >= 20 for rows in right.values())
    seen = Counter()
    for seed in TEXT_SEEDS:
        made = mutant(seed, textual)
        if made.source == "onehot.csv":  # its header holds the labels: a letter of it is in every row
            made = type(made)(**{**vars(made), "touched": ROWS})
        seen[check(w, made, right[made.source])] += 1
    assert seen["read"] > 40 and seen["refused"] > 8, seen


def test_eight_packed_files_are_read_rightly_or_refused(w, files):
    """Few, since each is read by a process of its own: a damaged part of a workbook ended in a traceback."""
    packed = {name: data for name, data in files.items() if not name.endswith(TEXTUAL)}
    right = {name: rows_of(name, packed[name]) for name in {mutant(seed, packed).source for seed in BINARY_SEEDS}}
    seen = Counter(check(w, mutant(seed, packed), right[mutant(seed, packed).source]) for seed in BINARY_SEEDS)
    assert seen["refused"] >= 4


def test_every_accident_and_every_kind_of_file_is_among_them(files):
    """A generator that skips what hurts proves nothing."""
    textual = {name: data for name, data in files.items() if name.endswith(TEXTUAL)}
    made = [mutant(seed, textual) for seed in TEXT_SEEDS]
    wanted = {one.__name__ for name in textual for one in accidents(name)} - {"change"} | {"other letters"}
    assert {one.how for one in made} == wanted and {ending_of(one.name) for one in made} >= {"csv", "tsv", "json", "jsonl", "txt"}


def test_a_refused_file_leaves_no_project(files, tmp_path, monkeypatch):
    """By the command, which makes one for the file."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    path = tmp_path / "broken.json"
    path.write_bytes(files["plain.json"][:900])
    done = CliRunner().invoke(app, ["import", str(path)])
    assert done.exit_code == 1 and isinstance(done.exception, CodError) and not Workspace(tmp_path / "home").projects()
