"""A teacher judged a label at a time, on small arrays."""

import pytest

from cod_core.diagnostics.by_class import by_class, findings, hardest, most_mixed_up, remedy

LABELS = ("harm", "near miss", "no harm")


def seen(*answers, drawn=None):
    """answers: (label, said, times)."""
    gold = [label for label, _, n in answers for _ in range(n)]
    said = [said for _, said, n in answers for _ in range(n)]
    return by_class(gold, said, LABELS, drawn)


SKEWED = (("harm", "harm", 72), ("near miss", "near miss", 36), ("no harm", "harm", 4), ("no harm", "near miss", 1))


def test_a_label_that_is_never_said_is_named_under_a_good_accuracy():
    """96 % right hid a label of which none was ever named."""
    found = findings(seen(*SKEWED))
    assert [(f.sentence, f.dead) for f in found] == [("It never says 'no harm': 0 of 5.", True)]


def test_a_label_that_is_said_at_the_wrong_texts_only_is_dead_too():
    """It is said, so 'never says' would be false, and no search can flip to it rightly."""
    found = findings(seen(*SKEWED, ("harm", "no harm", 2)))
    assert [(f.sentence, f.dead) for f in found] == [("It names 'no harm' right in none of 5 texts.", True)]


def test_a_poor_label_is_named_with_its_counts_and_two_wrong_of_two_are_not():
    found = findings(seen(("harm", "harm", 30), ("near miss", "near miss", 3), ("near miss", "harm", 17), ("no harm", "no harm", 2)))
    assert [f.sentence for f in found] == ["It names 'near miss' right in only 3 of 20 texts."]
    assert not findings(seen(("harm", "harm", 9), ("near miss", "near miss", 9), ("no harm", "no harm", 1), ("no harm", "harm", 1)))


def test_a_label_without_rows_is_not_called_known():
    [found] = findings(seen(("harm", "harm", 9), ("near miss", "near miss", 9)))
    assert found.unjudged and found.sentence == "No labelled text shows how well it knows 'no harm'."


def test_a_label_that_is_said_too_often_is_named():
    """Every text of it is found, so its recall is perfect, and most that it is said of are others."""
    [found] = findings(seen(("harm", "harm", 30), ("near miss", "near miss", 9), ("no harm", "no harm", 3), ("harm", "no harm", 7)))
    assert found.sentence == "When it says 'no harm', it is right in only 3 of 10 texts."


def test_counts_and_intervals_of_each_label():
    of = {one.label: one for one in seen(*SKEWED).of}
    assert (of["harm"].n, of["harm"].right, of["harm"].said) == (72, 72, 76)
    assert of["no harm"].recall.value == 0.0 and 0.4 < of["no harm"].recall.high < 0.5  # Wilson: 0 of 5 is at most .43
    assert of["harm"].precision.value == pytest.approx(72 / 76) and of["no harm"].precision.value is None


def test_rows_added_for_a_rare_label_do_not_count_for_how_often_an_answer_is_right():
    """Ten added texts of a rare label would make 'no harm' look right in 11 of 12, where it is in 1 of 2."""
    answers = (("no harm", "no harm", 1), ("harm", "no harm", 1), ("harm", "harm", 8), ("no harm", "no harm", 10))
    rare = {one.label: one for one in seen(*answers, drawn=10).of}["no harm"]
    assert (rare.precision.value, rare.precision.n) == (0.5, 2) and (rare.right, rare.n) == (11, 11)


def test_mistakes_come_with_the_most_frequent_first():
    found = seen(*SKEWED, ("near miss", "harm", 9))
    assert found.mixed_up() == [("harm", "near miss", 9), ("harm", "no harm", 4), ("near miss", "no harm", 1)]
    assert most_mixed_up(found) == "The most frequent mistake: it said 'harm' where the label is 'near miss', in 9 texts."
    assert found.shares()[1] == [0.2, 0.8, 0.0] and most_mixed_up(seen(("harm", "harm", 3))) == ""


def test_the_hardest_label_is_said_in_words():
    assert hardest(seen(*SKEWED)) == "It finds 'no harm' hardest: right in 0 of 5 texts."
    assert hardest(seen(("harm", "harm", 9), ("no harm", "no harm", 1))) == ""


def test_what_to_do_follows_what_can_be_done():
    [dead] = findings(seen(*SKEWED))
    assert remedy(dead, 12, own=True, unfinished=True).startswith("Train it again until it has learnt: there are 12 training texts")
    assert "Data page" in remedy(dead, 12, own=True, unfinished=False)
    assert "labels are right" in remedy(dead, 400, own=True, unfinished=False)
    assert remedy(dead, 400, own=False, unfinished=False).startswith("Train a teacher on your texts")


def test_a_label_of_another_task_is_refused():
    """It would be counted nowhere, and the rest would look complete."""
    with pytest.raises(ValueError, match="other"):
        by_class(["harm"], ["other"], LABELS)


def test_labels_with_the_most_mistakes_come_first_in_a_large_matrix():
    seen = by_class(["a", "b", "c", "c"], ["a", "c", "b", "c"], ["a", "b", "c"])
    assert seen.most_mistakes_first() == [1, 2, 0]
