"""The frame and the screens of texts in German: the choice in the sidebar, and sentences that the core makes."""

import pytest

from cod_core.data.formats import TITLES
from cod_core.data.remarks import remarks
from cod_core.data.tables import guess_columns, read_table, to_examples
from cod_core.errors import BadInput, CodError
from cod_core.roles import need, refused_name
from cod_core.said import and_more
from ui.frame import errors
from ui.frame.words import t


@pytest.fixture
def german(monkeypatch):
    monkeypatch.setenv("COD_LANGUAGE", "de")


def test_the_language_is_chosen_in_the_sidebar_and_stays(filled, screen, monkeypatch):
    test = screen("data", filled)
    assert test.title[0].value == "Data"
    test.selectbox(key="language").set_value("de").run()
    assert test.title[0].value == "Daten" and test.selectbox(key="language").label == "Sprache"
    monkeypatch.setenv("COD_LANGUAGE", "de")  # the test's own reading of the widgets knows no session
    test.run()
    assert test.title[0].value == "Daten"
    test.selectbox(key="language").set_value("en").run()
    assert test.title[0].value == "Data"


def test_what_a_file_lacks_is_said_in_german(german):
    table = read_table("notes.csv", b"text,label\nA fine film,praise\n,praise\nA dull film,\n")
    found = remarks(to_examples(table, guess_columns(table)).problems)
    assert [t(one.said) for one in found if one.rows != (0,)] == ["Zeile 3: Der Text ist leer.", "Zeile 4: Die Zeile hat kein Label."]
    assert t(table.taken.said) == "Eine CSV-Datei." and str(table.taken.said) == "A CSV file."


def test_a_refusal_is_said_in_german_and_stays_english_elsewhere(german):
    with pytest.raises(BadInput) as refused:
        read_table("notes.doc", b"words")
    assert t(errors.said(refused.value)).startswith("Dateien mit der Endung .doc lassen sich nicht lesen. Möglich sind CSV, TSV, XLSX")
    assert str(refused.value).startswith("Files ending in .doc cannot be read. Use CSV, TSV, XLSX")
    with pytest.raises(CodError) as needed:
        need("curator", "bulk")
    assert t(errors.said(needed.value)) == "Das braucht die Rolle Gutachter oder Verwalter; Ihre ist Prüfer. Fragen Sie einen Verwalter."
    assert str(needed.value) == "This needs the role reviewer or owner; yours is curator. Ask an owner."


def test_lists_of_words_end_as_the_language_has_it(german):
    assert t(TITLES).endswith("Parquet, Arrow oder eines davon als .zip oder .gz")
    assert t(and_more(["a", "b", "c"], 2)) == "a, b und 1 weitere"
    assert str(and_more(["a", "b", "c"], 2)) == "a, b and 1 more"
    assert t(refused_name("")) == "Geben Sie Ihren Namen an, oder ein Pseudonym." and t("") == ""
