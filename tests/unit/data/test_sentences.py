"""Rows as sentences and back: a change must come home to the column it belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.data.reading import Table
from cod_core.data.sentences import MADE, default_template, fields_of, to_row, to_sentence, with_sentences
from cod_core.errors import BadInput

TEMPLATE = "The patient is {age} years old. Blood pressure is {blood pressure}. Smoker: {smoker}."
ROW = {"age": "54", "blood pressure": "high", "smoker": "no"}
SENTENCE = "The patient is 54 years old. Blood pressure is high. Smoker: no."


def test_a_row_becomes_a_sentence_and_comes_back():
    assert to_sentence(TEMPLATE, ROW) == SENTENCE
    assert to_row(TEMPLATE, ROW, SENTENCE).values == ROW


@pytest.mark.parametrize(
    "changed,values,outside",
    [
        (SENTENCE.replace("high", "very low"), ROW | {"blood pressure": "very low"}, ()),
        (SENTENCE.replace("54", "31").replace("no.", "yes."), ROW | {"age": "31", "smoker": "yes"}, ()),
        (SENTENCE.replace("is 54", "is barely 54"), ROW, ("barely",)),
        (SENTENCE.replace("54 ", ""), ROW | {"age": ""}, ()),
    ],
)
def test_changes_come_home_to_their_columns(changed, values, outside):
    """A value written into the wrong column would corrupt the person's table."""
    found = to_row(TEMPLATE, ROW, changed)
    assert found.values == values and found.outside == outside


@pytest.mark.parametrize(("changed", "dose"), [("It takes .5 mg of Acme Inc. daily.", ".5"), ("It takes .7 mg of Acme Inc. daily.", ".7")])
def test_a_full_stop_of_a_value_is_its_own(changed, dose):
    """.5 came back as 5."""
    values = to_row("It takes {dose} mg of {maker} daily.", {"dose": ".5", "maker": "Acme Inc."}, changed).values
    assert values == {"dose": dose, "maker": "Acme Inc."}


def test_empty_columns_leave_no_half_sentence():
    assert to_sentence(TEMPLATE, ROW | {"blood pressure": " "}) == "The patient is 54 years old. Smoker: no."


def test_templates_are_checked_before_anything_is_made():
    for template, said in (("Age {years}.", "not in the table"), ("No column.", "at least one"), ("{age} {age}", "once")):
        with pytest.raises(BadInput, match=said):
            fields_of(template, ["age", "smoker"])


def test_a_table_gets_one_more_column():
    made = with_sentences(Table(["age", "smoker"], [["54", "no"]], [2], []), "Aged {age}, smoker: {smoker}.")
    assert made.columns[-1] == MADE and made.rows[0][-1] == "Aged 54, smoker: no."
    assert fields_of(default_template(["age", "blood_pressure"]), ["age", "blood_pressure"]) == ["age", "blood_pressure"]


@given(st.sampled_from(sorted(ROW)), st.text("abcdefghij", min_size=1, max_size=8))
def test_one_changed_value_changes_one_column_only(column, value):
    changed = ROW | {column: value}
    assert to_row(TEMPLATE, ROW, to_sentence(TEMPLATE, changed)).values == changed
