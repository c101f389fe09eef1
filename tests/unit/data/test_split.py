"""Splits: a text on both sides makes every later number too good."""

from collections import Counter

import pytest

from cod_core.data.split import balance, largest_k, split_examples
from cod_core.errors import BadInput
from cod_core.types import Example


def rows(n, **extra):
    return [Example(f"id{i:04}", f"text number {i}", ("no", "yes")[i % 2], **extra) for i in range(n)]


def test_shares_are_met_class_by_class():
    done = split_examples(rows(400), seed=1)
    counts = Counter((e.split, e.label) for e in done.examples)
    for label in ("no", "yes"):
        assert counts["test", label] == 60 and counts["validation", label] == 30
    assert "220 texts train" in done.note and done.note.endswith("held out for the test, drawn at random.")


def test_texts_of_one_source_stay_together():
    """A review split over both sides is asked of the student that has read half of it."""
    examples = [Example(f"i{i}", f"t {i}", ("no", "yes")[i % 2], source_id=f"doc{i // 7}") for i in range(210)]
    sides = {}
    for example in split_examples(examples, seed=0).examples:
        sides.setdefault(example.source_id, set()).add(example.split)
    assert all(len(side) == 1 for side in sides.values())
    assert {next(iter(side)) for side in sides.values()} == {"train", "validation", "test"}


def test_the_same_words_stay_together_through_a_third_row():
    examples = rows(60) + [
        Example("x", "Same  Words", "no", source_id="a"),
        Example("y", "same words", "no", source_id="b"),
        Example("z", "others", "no", source_id="b"),
    ]
    for seed in range(8):
        assert len({e.split for e in split_examples(examples, seed).examples[-3:]}) == 1


def test_small_sets_stay_whole_and_say_so():
    done = split_examples(rows(39), seed=0)
    assert {e.split for e in done.examples} == {"train"}
    assert "39" in done.note and "test file" in done.note


def test_given_test_rows_stay_and_no_more_are_taken():
    done = split_examples(rows(100) + [Example("t", "held out", "no", split="test")], seed=0)
    counts = Counter(e.split for e in done.examples)
    assert counts["test"] == 1 and done.examples[-1].split == "test" and counts["validation"] > 0


def test_unlabelled_rows_are_not_touched():
    done = split_examples(rows(50) + [Example("u", "no label", None, split="unlabelled")], seed=0)
    assert done.examples[-1].split == "unlabelled"


def test_each_class_keeps_a_training_text():
    examples = rows(60)[::2] + rows(60)[1::2] + [Example("rare", "rare text", "rare")]
    assert split_examples(examples, seed=3).examples[-1].split == "train"


def test_impossible_shares_are_refused():
    with pytest.raises(BadInput):
        split_examples(rows(50), 0, test=0.9, validation=0.2)


def test_largest_k_is_the_thinnest_class_times_the_classes():
    assert largest_k({"a": 5, "b": 9, "c": 7}) == 15
    assert largest_k({"a": 5}) == 0 == largest_k({"a": 5, "b": 3}, n_labels=3)
    found = balance(rows(9), ("no", "yes"))
    assert found.counts == {"no": 5, "yes": 4} and found.largest_k == 8
    assert balance(rows(9), ("no", "yes", "maybe")).largest_k == 0
