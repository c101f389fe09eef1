import time

import numpy as np
import pytest
from scipy.optimize import minimize

from cod_core.distill.linear import fit_linear_batch, linear_logits, log_softmax, objective


def problem(fits=3, n=6, d=10, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(fits, n, d))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    soft = log_softmax(3 * rng.normal(size=(fits, n, classes)))
    return x, np.ones((fits, n)), rng.integers(0, classes, size=(fits, n)), soft


def value(theta, x, w, hard, soft, shape, **options):
    weight, bias = theta[: -shape[0]].reshape(shape), theta[-shape[0] :]
    logits = linear_logits(x, weight, bias)
    return objective(logits[None], w[None], hard[None], soft[None], weight[None], **options)[0]


@pytest.mark.parametrize("classes,n,d", [(2, 6, 10), (3, 5, 4), (4, 12, 6)])
def test_solution_is_the_one_a_general_minimiser_finds(classes, n, d):
    """A wrong gradient, contrast or span map still returns weights that classify a little."""
    x, w, hard, soft = problem(2, n, d, classes)
    weight, bias = fit_linear_batch(x, w, hard, soft)
    for i in range(2):
        best = minimize(
            value, np.zeros(classes * d + classes), method="BFGS", options={"gtol": 1e-7}, args=(x[i], w[i], hard[i], soft[i], (classes, d))
        )
        mine = value(np.append(weight[i].ravel(), bias[i]), x[i], w[i], hard[i], soft[i], (classes, d))
        assert mine <= best.fun + 1e-9
        assert weight[i] == pytest.approx(best.x[: classes * d].reshape(classes, d), abs=1e-5)


def test_hand_made_case_of_two_mirrored_rows():
    """x = (1, 0) and (-1, 0) with labels 1 and 0 and no teacher: W[1, 0] = v solves 4 v = s * sigma(-2 s v)."""
    x = np.array([[[1.0, 0.0], [-1.0, 0.0]]])
    soft = np.log(np.full((1, 2, 2), 0.5))
    weight, bias = fit_linear_batch(x, np.ones((1, 2)), np.array([[1, 0]]), soft, kd_weight=0.0, l2=2.0, scale=3.0)
    v = weight[0, 1, 0]
    assert 4 * v == pytest.approx(3.0 / (1 + np.exp(2 * 3.0 * v)), abs=1e-9)
    assert weight[0, 0] == pytest.approx(-weight[0, 1])
    assert bias[0] == pytest.approx([0, 0], abs=1e-9)


def test_strong_teacher_weight_reproduces_the_teacher_on_one_row():
    """With T^2 forgotten or T applied to one side only, the student would settle elsewhere."""
    soft = np.log(np.array([[[0.9, 0.1], [0.3, 0.7]]]))
    x = np.eye(2)[None]
    weight, bias = fit_linear_batch(x, np.ones((1, 2)), np.array([[0, 1]]), soft, kd_weight=1e7, l2=1e-3)
    assert log_softmax(linear_logits(x, weight, bias)) == pytest.approx(soft, abs=1e-4)


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_batch_equals_single_to_the_last_digit(classes):
    """A line search, stopping rule or product shared by the batch would make a student depend on its neighbours: a cell of
    a grid of topics that was trained again did not have the recorded numbers."""
    args = problem(23, 7, 12, classes)
    weight, bias = fit_linear_batch(*args)
    for i in range(23):
        alone, alone_b = fit_linear_batch(*(a[i : i + 1] for a in args))
        assert np.array_equal(weight[i], alone[0]) and np.array_equal(bias[i], alone_b[0])


def test_padded_rows_change_nothing():
    """Padding counted in the mean, or in the span, would pull small sets towards zero."""
    x, w, hard, soft = problem(2, 5, 9)
    padded = [np.concatenate([a, np.zeros_like(a[:, :3])], 1) for a in (x, w, hard, soft)]
    padded[0][:, 5:] = 7.0
    padded[3][:, 5:] = -np.inf
    for one, other in zip(fit_linear_batch(x, w, hard, soft), fit_linear_batch(*padded)):
        assert one == pytest.approx(other, abs=1e-8)


def test_permuted_labels_permute_the_heads():
    x, w, hard, soft = problem(2, 6, 8, 4)
    order = np.array([2, 0, 3, 1])
    weight, bias = fit_linear_batch(x, w, hard, soft)
    other, other_b = fit_linear_batch(x, w, np.argsort(order)[hard], soft[..., order])
    assert other == pytest.approx(weight[:, order], abs=1e-8)
    assert other_b == pytest.approx(bias[:, order], abs=1e-8)


def test_many_classes_by_conjugate_gradients_equal_the_dense_solution(monkeypatch):
    args = problem(2, 9, 12, 5)
    dense = fit_linear_batch(*args)
    monkeypatch.setattr("cod_core.distill.linear.DENSE_UNKNOWNS", 3)
    for one, other in zip(dense, fit_linear_batch(*args)):
        assert one == pytest.approx(other, abs=1e-7)


def test_a_teacher_that_is_certain_and_one_class_only_stay_finite():
    """log 0 times 0 would turn every weight into nan without a word."""
    x = np.eye(3)[None]
    soft = np.log(np.array([[[1.0, 1e-300]] * 3]))
    soft[soft < -600] = -np.inf
    for kd_weight in (0.0, 20.0):
        weight, bias = fit_linear_batch(x, np.ones((1, 3)), np.zeros((1, 3), int), soft, kd_weight=kd_weight)
        assert np.isfinite(weight).all() and np.isfinite(bias).all()


@pytest.mark.parametrize(
    "change", [lambda a: (a[0], a[1][:, :2], a[2], a[3]), lambda a: (a[0], a[1] * 0, a[2], a[3]), lambda a: (a[0], a[1], a[2] + 2, a[3])]
)
def test_shapes_and_ranges_are_checked(change):
    with pytest.raises(ValueError):
        fit_linear_batch(*change(problem()))


def test_forty_fits_of_the_full_size_take_a_moment():
    """A sweep (4 shots x 20 seeds x 4 arms) must stay under 15 s: here an eighth of it, at its largest k."""
    args = problem(40, 128, 384)
    started = time.perf_counter()
    fit_linear_batch(*args)
    assert time.perf_counter() - started < 4
