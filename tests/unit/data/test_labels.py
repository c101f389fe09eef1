import pytest

from cod_core.data.labels import NONE, guess_label, named_labels


@pytest.mark.parametrize(
    ("value", "values", "meant"),
    [
        ("Positive", ["Positive", "neg"], 1),
        (" positive", [" positive", "neg"], 1),
        ("0", ["1", "0"], 0),
        ("1", ["1", "0"], 1),
        ("-1", ["1", "-1"], 0),
        ("neg", ["pos", "neg"], 0),
        ("1", ["0", "1", "7"], 1),
        ("7", ["0", "1", "7"], NONE),
        ("maybe", ["maybe", "no"], NONE),
        ("1", ["1", "2", "3"], NONE),
        ("²", ["²", "1"], NONE),
        ("--1", ["--1", "1"], NONE),
    ],
)
def test_raw_values_are_guessed_or_left_open(value, values, meant):
    """A wrong guess would turn every label around; where nothing fits the person chooses."""
    assert guess_label(value, values, ("negative", "positive")) == meant


def test_only_names_count_where_nobody_confirms():
    """Numbers and beginnings are guesses for a person: by themselves they could turn every label around."""
    values = ["NEGATIVE", "very  Good ", "neg", "0", "1", "other"]
    assert named_labels(values, ("negative", "Very good")) == {"NEGATIVE": "negative", "very  Good ": "Very good"}


def test_the_exact_spelling_comes_first():
    assert named_labels(["us", "US"], ("US", "us")) == {"us": "us", "US": "US"}
