import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.boundary import text_path
from cod_core.diagnostics.gaps import by_class_pair, crossing_points, first_crossing, gaps, paths, set_distances, unit

WORDS = st.sampled_from("good bad dull fine film plot a the very not".split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)
PAIRS = st.lists(st.tuples(SENTENCES, SENTENCES), max_size=5)
VALUE = {"good": 2.0, "fine": 1.0, "bad": -2.0, "dull": -1.0, "not": -1.5, "very": 0.3}


def model(weights, bias=0.1, classes=2):
    """A bag-of-words classifier handed its word weights: texts -> (n, C) log-probabilities."""

    def read(texts):
        score = np.array([sum(weights.get(w, 0.0) for w in t.split()) + bias for t in texts])
        z = np.outer(score, np.linspace(-1, 1, classes)) + np.linspace(0, 0.37, classes) ** 2
        return z - np.log(np.exp(z).sum(-1, keepdims=True))

    return read


TEACHER, STUDENT = model(VALUE), model(VALUE | {"dull": 0.5, "fine": 0.2}, bias=-0.3)


def measured(pairs, teacher, students, lengths=None, seed=0, draws=5):
    """Gaps of functions texts -> rows."""
    found = paths(pairs, seed, draws)
    rows = np.stack([s(found.texts) for s in students]) if found.texts else np.zeros((len(students), 0, 2))
    return gaps(found, teacher(found.texts) if found.texts else np.zeros((0, 2)), rows, lengths or [1.0] * len(pairs))


@given(SENTENCES, SENTENCES, st.integers(2, 4), st.floats(0.01, 5))
def test_a_teacher_as_its_own_student_has_no_gap(a, b, classes, length):
    teacher = model(VALUE, classes=classes)
    found = measured([(a, b)], teacher, [teacher, teacher], [length])
    assert found.both_ends.all() and (found.gap == 0).all() and (found.left_to_right == 0).all()
    assert np.array_equal(found.student_level, np.tile(found.teacher_level, (2, 1)))


@given(PAIRS, st.integers(2, 4), st.integers(0, 99))
def test_no_gap_is_longer_than_its_pair_and_censored_ones_are_as_long(pairs, classes, seed):
    lengths = np.random.default_rng(seed).uniform(0, 3, len(pairs)).tolist()
    teacher, student = model(VALUE, classes=classes), model({"good": 1.0, "plot": -2.0}, -0.2, classes)
    found = measured(pairs, teacher, [student], lengths, seed)
    flipping = [i for i, pair in enumerate(pairs) if len(set(teacher(pair).argmax(-1).tolist())) == 2]
    assert found.pairs.tolist() == flipping
    for at, i in enumerate(flipping):
        same = (teacher(pairs[i]).argmax(-1) == student(pairs[i]).argmax(-1)).all()
        assert found.both_ends[0, at] == same and np.isnan(found.student_level[0, at]) == (not same)
        assert 0 <= found.gap[0, at] <= lengths[i] and 0 <= found.left_to_right[0, at] <= lengths[i]
        assert same or found.gap[0, at] == found.left_to_right[0, at] == pytest.approx(lengths[i])


@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=4), st.integers(2, 4), st.randoms())
def test_the_order_of_the_labels_changes_no_gap(pairs, classes, random):
    order = random.sample(range(classes), classes)
    teacher, student = model(VALUE, classes=classes), model(VALUE | {"dull": 0.5}, -0.3, classes)
    one = measured(pairs, teacher, [student])
    other = measured(pairs, lambda t: teacher(t)[:, order], [lambda t: student(t)[:, order]])
    assert one.gap == pytest.approx(other.gap) and np.array_equal(one.both_ends, other.both_ends)
    assert one.from_class.tolist() == [order[c] for c in other.from_class]


@given(PAIRS)
def test_a_student_has_the_same_gaps_alone_and_among_others(pairs):
    """Students compared together must not leak into each other."""
    both, alone = measured(pairs, TEACHER, [STUDENT, TEACHER]), measured(pairs, TEACHER, [STUDENT])
    assert np.array_equal(both.gap[0], alone.gap[0]) and (both.gap[1] == 0).all()


@given(SENTENCES, SENTENCES)
def test_the_batched_crossing_is_the_one_of_a_single_path(a, b):
    def one_by_one(levels, row):
        for i in range(1, len(row)):
            (p, q), (r, s) = row[i - 1], row[i]
            if p >= q:
                return np.nan
            if r >= s:
                return levels[i - 1] + (q - p) / (q - p + r - s) * (levels[i] - levels[i - 1])
        return np.nan

    path = text_path(a, b)
    levels, texts = [level for level, _ in path], [text for _, text in path]
    rows = np.stack([TEACHER(texts), STUDENT(texts)])
    for row, found in zip(rows, first_crossing(levels, rows, 1)):
        assert found == pytest.approx(one_by_one(levels, row), nan_ok=True)


def test_a_crossing_is_interpolated_inside_the_step_that_leaves_the_class():
    z = np.log([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    assert first_crossing([0, 0.25, 0.5, 1], z[None], 0)[0] == pytest.approx(0.375)
    assert np.isnan(first_crossing([0, 0.25, 0.5, 1], z[None], 1)[0])
    assert np.isnan(first_crossing([0, 0.5], z[None, :2], 0)[0])


def test_votes_that_tie_still_cross_where_the_answer_changes():
    """Teachers that vote give equal probabilities; a margin of exactly zero must not lose the crossing."""
    half, sure = np.log([0.5, 0.5]), np.log([0.2, 0.8])
    assert first_crossing([0, 1], [[sure, half]], 1)[0] == 1.0
    assert first_crossing([0, 1], [[half, sure]], 0)[0] == 0.0


def test_a_gap_by_hand():
    found = paths([("good film fine plot", "bad film dull plot")], draws=0)
    assert found.texts == ("good film fine plot", "bad film fine plot", "bad film dull plot")
    teacher = np.log([[0.2, 0.8], [0.8, 0.2], [0.9, 0.1]])
    student = np.log([[0.1, 0.9], [0.2, 0.8], [0.8, 0.2]])
    gap = gaps(found, teacher, np.stack([student, student[::-1]]), [2.0])
    assert (gap.teacher_level[0], gap.student_level[0, 0]) == pytest.approx((0.25, 0.75))
    assert gap.gap[:, 0] == pytest.approx([1.0, 2.0]) and gap.both_ends[:, 0].tolist() == [True, False]
    assert (gap.from_class[0], gap.to_class[0]) == (1, 0) and gap.changes[:, 0].tolist() == [1, 1]


def test_the_gap_of_several_orders_is_their_mean_and_left_to_right_is_kept():
    pair = ("good film fine plot", "bad film dull plot")
    found = paths([pair])
    assert len(found.of_pair[0]) == 2, "two edits have two orders, each followed once"
    levels = [
        [first_crossing(steps, m([found.texts[i] for i in places])[None], 1)[0] for steps, places in found.of_pair[0]]
        for m in (TEACHER, STUDENT)
    ]
    each = np.abs(np.array(levels[0]) - levels[1])
    gap = measured([pair], TEACHER, [STUDENT])
    assert gap.gap[0, 0] == pytest.approx(each.mean()) and gap.left_to_right[0, 0] == pytest.approx(each[0])
    assert each[0] != pytest.approx(each[1])


def test_every_text_is_listed_once():
    """A teacher behind an API costs money a text."""
    found = paths([("good film fine plot", "bad film dull plot"), ("good film", "bad film"), ("good film", "bad film")])
    assert len(set(found.texts)) == len(found.texts)


def test_no_pairs_and_wrong_shapes():
    assert measured([], TEACHER, [STUDENT, STUDENT]).gap.shape == (2, 0)
    found = paths([("good", "bad")])
    for rows, lengths in ((np.zeros((1, 3, 2)), [1.0]), (np.zeros((1, 2, 2)), [-1.0]), (np.zeros((1, 2, 2)), [])):
        with pytest.raises(ValueError):
            gaps(found, np.zeros((2, 2)), rows, lengths)


def test_the_unit_is_the_median_length_and_pairs_are_grouped_by_class():
    pairs = [("good film", "bad film"), ("fine film", "dull film"), ("bad plot", "good plot")]
    found = measured(pairs, TEACHER, [STUDENT], [1.0, 2.0, 4.0])
    assert unit(found) == 2.0 and unit(measured([], TEACHER, [STUDENT])) == 1.0
    assert {key: places.tolist() for key, places in by_class_pair(found).items()} == {(0, 1): [2], (1, 0): [0, 1]}


def test_crossings_lie_in_the_space_of_the_texts_and_equal_ones_have_no_distance():
    found = paths([("good film", "bad film"), ("fine film", "dull film")], draws=0)
    phi = np.random.default_rng(0).normal(size=(len(found.texts), 3))
    gap = gaps(found, TEACHER(found.texts), np.stack([TEACHER(found.texts), STUDENT(found.texts)]), [1.0, 1.0])
    points = crossing_points(found, gap.pairs, gap.teacher_level, phi)
    assert points[0] == pytest.approx(phi[0] + gap.teacher_level[0] * (phi[1] - phi[0]))
    same, other = set_distances(found, gap, phi)
    assert same.hausdorff == same.chamfer == 0 and (other is None or other.hausdorff > 0)
