"""The folds of a project's counts, on numbers made by hand."""

from cod_core.data.counts import Counts

COUNTS = Counts(
    {("train", "good"): 3, ("train", "bad"): 2, ("train", None): 1, ("test", "good"): 4, ("test", None): 5, ("unlabelled", None): 7}
)


def test_totals():
    assert COUNTS.total == 22 and Counts({}).total == 0
    assert COUNTS.of("train") == 6 and COUNTS.of("train", "unlabelled") == 13 and COUNTS.of("validation") == 0
    assert COUNTS.unlabelled == 7


def test_labelled_leaves_texts_without_a_gold_label_out():
    assert COUNTS.labelled("train") == 5 and COUNTS.labelled("test") == 4 and COUNTS.labelled("unlabelled") == 0
    assert COUNTS.labelled() == 9 and COUNTS.labelled("train", "test") == 9


def test_a_label_without_texts_counts_zero():
    """A missing label would make the largest draw look possible."""
    assert COUNTS.per_label("train", ("good", "bad", "odd")) == {"good": 3, "bad": 2, "odd": 0}
    assert list(COUNTS.per_label("test", ("bad", "good")).values()) == [0, 4]


def test_judged_is_ordered_and_holds_no_training_texts():
    assert COUNTS.judged == [("test", "None", 5), ("test", "good", 4), ("unlabelled", "None", 7)]
    assert Counts(dict(reversed(COUNTS.texts.items()))).judged == COUNTS.judged


def test_equal_counts_are_equal_values():
    """Caches go by them: the same numbers read again must not look like news."""
    assert Counts(dict(COUNTS.texts)) == COUNTS and Counts({**COUNTS.texts, ("test", "bad"): 1}) != COUNTS
