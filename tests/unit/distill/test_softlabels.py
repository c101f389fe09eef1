import numpy as np
import pytest

from cod_core.distill.linear import log_softmax
from cod_core.distill.softlabels import calibration_temperature, differing, overruled, random_logprobs, softener
from cod_core.errors import NotEnoughData


def test_calibration_finds_the_temperature_that_overconfidence_was_made_with():
    """A teacher sharpened threefold must come out with T near 3."""
    rng = np.random.default_rng(0)
    honest = log_softmax(rng.normal(size=(4000, 3)))
    gold = np.array([rng.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in honest])
    assert calibration_temperature(log_softmax(honest * 3), gold) == pytest.approx(3, rel=0.15)
    gold[::2] = -1
    assert calibration_temperature(log_softmax(honest * 3), gold) == pytest.approx(3, rel=0.2)


def test_a_certain_teacher_can_be_calibrated_and_no_rows_cannot():
    assert np.isfinite(calibration_temperature([[0.0, -np.inf], [-np.inf, 0.0]], [0, 0]))
    with pytest.raises(NotEnoughData):
        calibration_temperature(np.zeros((2, 2)), [-1, -1])


def test_random_soft_labels_belong_to_a_text_and_a_seed():
    """Drawn by position, the half arm would see other labels than cod for the same text."""
    one, two = random_logprobs(["a", "b"], 3, 0), random_logprobs(["b", "a"], 3, 0)
    assert one == pytest.approx(two[::-1]) and np.exp(one).sum(1) == pytest.approx([1, 1])
    assert not np.allclose(one, random_logprobs(["a", "b"], 3, 1))


def test_soft_labels_are_made_where_they_are_not_the_teachers_own():
    def teach(texts):
        return log_softmax(np.array([[4.0, 0.0]] * len(texts)))

    def none():
        raise AssertionError("development texts are for calibration only")

    assert softener("teacher", teach, 2, none) is None and softener("off", teach, 2, none) is None
    assert np.array_equal(softener("random", teach, 2, none)(["x"], 3), random_logprobs(["x"], 2, 3))
    scaled = softener("scaled", teach, 2, lambda: (["x", "y"], [0, 1]))
    assert scaled(["z"], 0) == pytest.approx(np.log([[0.5, 0.5]]), abs=0.05)


def test_a_persons_word_stands_where_the_teacher_says_another_class():
    """The soft label weighs twenty times the hard one: a student would learn the teacher's error and not the correction."""
    told = np.log(np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [1 / 3, 1 / 3, 1 / 3]]))
    place = {"x": 0, "y": 1, "z": 2}
    heard = overruled(lambda texts: told[[place[t] for t in texts]], {"x": 2, "y": 1, "z": 0})
    assert np.exp(heard(["x"])) == pytest.approx(np.array([[0.05, 0.05, 0.9]]))
    assert np.array_equal(heard(["y"]), told[1:2]), "the teacher agrees: what it knows besides is kept"
    assert np.exp(heard(["z"]))[0, 0] == pytest.approx(0.9), "a tie is no class"
    assert np.array_equal(overruled(lambda texts: told[:1], {"x": 2})(["w"]), told[:1])
    assert differing(told, [2, 1, -1]) == [0]
