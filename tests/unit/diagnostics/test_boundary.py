import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.boundary import (
    by_class_pair,
    crossing,
    crossing_gap,
    crossings,
    gap_summary,
    mean_gap,
    median_length,
    orders,
    pair_gaps,
    text_path,
)
from cod_core.text import diff

WORDS = st.sampled_from("good bad dull fine film plot a the very not".split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)
VALUE = {"good": 2.0, "fine": 1.0, "bad": -2.0, "dull": -1.0, "not": -1.5, "very": 0.3}


def model(weights, bias=0.1, classes=2):
    """A bag-of-words classifier handed its word weights: texts -> (n, C) log-probabilities."""
    def read(texts):
        score = np.array([sum(weights.get(w, 0.0) for w in t.split()) + bias for t in texts])
        z = np.outer(score, np.linspace(-1, 1, classes)) + np.linspace(0, 0.37, classes) ** 2
        return z - np.log(np.exp(z).sum(-1, keepdims=True))
    return read


TEACHER, STUDENT = model(VALUE), model(VALUE | {"dull": 0.5, "fine": 0.2}, bias=-0.3)


@given(SENTENCES, SENTENCES, st.integers(0, 99))
def test_a_text_path_runs_from_one_text_to_the_other_in_equal_steps(a, b, seed):
    m = len(diff(a, b))
    for order in orders(m, 2, seed):
        path = text_path(a, b, order)
        assert path[0] == (0.0, a) and path[-1] == (1.0, b)
        assert np.diff([level for level, _ in path]) == pytest.approx(1 / max(1, m))


def test_each_step_makes_one_edit_more_in_the_order_given():
    a, b = "a good film, a fine plot", "a bad film, a dull plot"
    assert [t for _, t in text_path(a, b)] == [a, "a bad film, a fine plot", b]
    assert text_path(a, b, [1, 0])[1] == (0.5, "a good film, a dull plot")
    for bad in ([0], [0, 0], [0, 1, 2]):
        with pytest.raises(ValueError):
            text_path(a, b, bad)


def test_texts_that_differ_in_spaces_alone_have_one_step():
    assert text_path("a  b", "a b") == [(0.0, "a  b"), (1.0, "a b")]


def test_orders_start_left_to_right_and_random_ones_come_only_where_they_differ():
    assert orders(1) == [[0]] and orders(0) == [[]]
    found = orders(6, 5, 3)
    assert found[0] == list(range(6)) and len(found) == 6 and found == orders(6, 5, 3)
    assert all(sorted(o) == list(range(6)) for o in found)


def test_a_crossing_is_interpolated_inside_the_step_that_leaves_the_class():
    z = np.log([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    assert crossing([0, 0.25, 0.5, 1], z, 0) == pytest.approx(0.375)
    assert crossing([0, 0.25, 0.5, 1], z, 1) is None
    assert crossing([0, 0.5], z[:2], 0) is None
    with pytest.raises(ValueError):
        crossing([0, 1], z, 0)


def test_votes_that_tie_still_cross_where_the_answer_changes():
    """Teachers that vote give equal probabilities; a margin of exactly zero must not lose the crossing."""
    half = np.log([0.5, 0.5])
    assert crossing([0, 1], [np.log([0.2, 0.8]), half], 1) == 1.0
    assert crossing([0, 1], [half, np.log([0.2, 0.8])], 0) == 0.0


def test_every_change_of_class_is_recorded_with_its_classes():
    z = np.log([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    found = crossings([0, 1 / 3, 2 / 3, 1], z)
    assert [(c.from_class, c.to_class) for c in found] == [(0, 1), (1, 2), (2, 0)]
    assert [c.level for c in found] == pytest.approx([1 / 6, 1 / 2, 5 / 6])


@given(SENTENCES, SENTENCES, st.integers(2, 4), st.floats(0.01, 5))
def test_a_teacher_as_its_own_student_has_no_gap(a, b, classes, length):
    teacher = model(VALUE, classes=classes)
    for gap in pair_gaps([(a, b)], teacher, {"self": teacher}, [length])["self"]:
        assert gap.both_ends and gap.gap == gap.left_to_right == 0


@given(st.lists(st.tuples(SENTENCES, SENTENCES), max_size=5), st.integers(2, 4), st.integers(0, 99))
def test_no_gap_is_longer_than_its_pair_and_censored_ones_are_as_long(pairs, classes, seed):
    lengths = np.random.default_rng(seed).uniform(0, 3, len(pairs))
    teacher, student = model(VALUE, classes=classes), model({"good": 1.0, "plot": -2.0}, -0.2, classes)
    found = pair_gaps(pairs, teacher, {"s": student}, lengths, seed)["s"]
    flipping = [i for i, pair in enumerate(pairs) if len(set(teacher(pair).argmax(-1).tolist())) == 2]
    assert [g.pair for g in found] == flipping
    for gap in found:
        assert 0 <= gap.gap <= gap.length and 0 <= gap.left_to_right <= gap.length
        same = (teacher(pairs[gap.pair]).argmax(-1) == student(pairs[gap.pair]).argmax(-1)).all()
        assert gap.both_ends == same
        assert same or gap.gap == gap.left_to_right == gap.length


@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=4), st.integers(2, 4), st.randoms())
def test_the_order_of_the_labels_changes_no_gap(pairs, classes, random):
    order = random.sample(range(classes), classes)
    teacher, student = model(VALUE, classes=classes), model(VALUE | {"dull": 0.5}, -0.3, classes)
    one = pair_gaps(pairs, teacher, {"s": student}, [1.0] * len(pairs))["s"]
    other = pair_gaps(pairs, lambda t: teacher(t)[:, order], {"s": lambda t: student(t)[:, order]}, [1.0] * len(pairs))
    for a, b in zip(one, other["s"], strict=True):
        assert (a.gap, a.left_to_right) == pytest.approx((b.gap, b.left_to_right)) and a.both_ends == b.both_ends
        assert (a.from_class, a.to_class) == (order[b.from_class], order[b.to_class])


def test_a_gap_by_hand():
    levels = [0.0, 0.5, 1.0]
    teacher, student = np.log([[0.8, 0.2], [0.2, 0.8], [0.1, 0.9]]), np.log([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]])
    gap = crossing_gap(levels, teacher, student, 2.0)
    assert gap.levels == pytest.approx((0.25, 0.75)) and gap.gap == pytest.approx(1.0) and gap.both_ends
    wrong = crossing_gap(levels, teacher, student[::-1], 2.0)
    assert wrong.gap == 2.0 and not wrong.both_ends and wrong.levels == (pytest.approx(0.25), None)
    with pytest.raises(ValueError):
        crossing_gap(levels, teacher, student, -1.0)


def test_the_gap_of_several_orders_is_their_mean_and_left_to_right_is_kept():
    a, b = "good film fine plot", "bad film dull plot"
    paths = [text_path(a, b, o) for o in ([0, 1], [1, 0])]
    each = [mean_gap([path], TEACHER, STUDENT, 1.0).gap for path in paths]
    both = mean_gap(paths, TEACHER, STUDENT, 1.0)
    assert both.gap == pytest.approx(np.mean(each)) and both.left_to_right == each[0] and each[0] != each[1]


def test_each_model_is_asked_once_and_never_twice_for_a_text():
    """A teacher behind an API costs money a text."""
    asked = []

    def teacher(texts):
        asked.append(list(texts))
        return TEACHER(texts)
    pairs = [("good film fine plot", "bad film dull plot"), ("good film", "bad film"), ("good film", "bad film")]
    pair_gaps(pairs, teacher, {"s": STUDENT, "t": TEACHER}, [1.0] * 3)
    assert len(asked) == 1 and len(set(asked[0])) == len(asked[0])
    assert pair_gaps([], teacher, {"s": STUDENT}, []) == {"s": []}
    with pytest.raises(ValueError):
        pair_gaps(pairs, teacher, {}, [1.0])


def test_summaries_share_one_unit_and_keep_censored_pairs():
    pairs = [("good film", "bad film"), ("fine film", "dull film"), ("fine plot", "dull plot")]
    found = pair_gaps(pairs, TEACHER, {"kd": STUDENT, "t": TEACHER}, [1.0, 2.0, 4.0])
    assert median_length(found["kd"]) == 2.0 and median_length([]) == 1.0
    text = gap_summary(found["kd"])
    assert text["n"] == 3 and text["censored"] == [False, True, True] and text["censored_share"] == pytest.approx(2 / 3)
    assert text["gaps"][1:] == [1.0, 2.0]
    assert gap_summary(found["t"])["mean"] == 0 and gap_summary([])["median"] is None
    assert {key: len(group) for key, group in by_class_pair(found["kd"]).items()} == {(1, 0): 3}
