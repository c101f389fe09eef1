"""Rows that are columns, through the workspace: sentences in, columns out. No model is loaded."""

import csv
import io

import pytest

from cod_core.data.tables import guess_columns, read_table
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs
from cod_core.store import items
from cod_core.types import Counterfactual, Origin, Task
from cod_core.workspace import Workspace

TEMPLATE = "The patient is {age} years old. Blood pressure is {pressure}."
CSV = b"age,pressure,label\n54,high,risk\n31,normal,no risk\n=2,low,no risk\n"


@pytest.fixture
def made(tmp_path):
    w = Workspace(tmp_path)
    pid = w.create_project("Patients", Task("Is there a risk?", ("risk", "no risk")))
    table, column, named = w.project(pid).uploads.rows_as_sentences(read_table("p.csv", CSV), TEMPLATE)
    from dataclasses import replace

    columns = replace(guess_columns(table), text=column, label="label")
    w.project(pid).uploads.import_table(table, columns, "labelled", None, named, "sha", "p.csv")
    return w, pid


def test_rows_are_imported_as_sentences_with_their_columns(made):
    w, pid = made
    found = {e.text: e.metadata for e in items.examples(w.db, pid)}
    assert found["The patient is 54 years old. Blood pressure is high."] == {"age": "54", "pressure": "high"}


def test_a_second_template_is_refused(made):
    """Two templates in one project could not be told apart when edits are led back."""
    w, pid = made
    with pytest.raises(BadInput, match="another template"):
        w.project(pid).uploads.rows_as_sentences(read_table("q.csv", CSV), "Age {age}.")


def test_accepted_edits_come_back_as_columns(made, monkeypatch):
    w, pid = made
    row = next(e for e in items.examples(w.db, pid) if "54" in e.text)
    cf = Counterfactual("c", row.id, row.text.replace("high", "low"), "risk", "no risk", Origin("human", "me"))
    other = next(e for e in items.examples(w.db, pid) if "=2" in e.text)
    odd = Counterfactual("d", other.id, other.text.replace("patient", "old patient"), "no risk", "risk", Origin("human", "me"))
    monkeypatch.setattr(Pairs, "kept", lambda self: {row.id: (cf, None), other.id: (odd, None)})
    rows = list(csv.DictReader(io.StringIO(w.project(pid).exports.columns().decode("utf-8-sig"))))
    assert rows[0]["pressure"] == "high" and rows[0]["pressure (changed)"] == "low" and rows[0]["age (changed)"] == "54"
    assert rows[1]["changed elsewhere"] == "old" and rows[1]["age"].startswith("'="), "a formula must not run in a spreadsheet"


def test_projects_of_texts_have_no_columns(tmp_path):
    w = Workspace(tmp_path)
    pid = w.create_project("Texts", Task("?", ("a", "b")))
    assert w.project(pid).uploads.template() is None
    with pytest.raises(BadInput, match="did not come from columns"):
        w.project(pid).exports.columns()
