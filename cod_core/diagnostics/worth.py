"""What each training row was worth: leave-one-out on the linear student in closed form.

The student minimises a strictly convex objective (distill/linear.py). Without row i the objective is another one of
the same kind, whose minimum lies, to second order, one Newton step from the present one (a second step with the same
matrix takes most of what is left):

    theta_-i = theta - H_-i^-1 g_-i,   H_-i = B - r h_i,   g_-i = r (g - g_i) + R theta,   r = n / (n - 1)

with g_i, h_i row i's gradient and curvature, R the penalty. H_-i is one matrix B for all rows less a term of rank
C - 1, so one factorisation serves all rows (Sherman, Morrison, Woodbury). The development loss is then computed exactly at
theta_-i. Pregibon 1981; Koh and Liang 2017, arXiv:1703.04730, is its first-order relative. Arrays only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cod_core.distill.linear import SCALE, fit_linear_batch, linear_logits, log_softmax


@dataclass(frozen=True)
class Rows:
    """Training rows of one linear student. features (n, d); hard (n,) class indices; soft (n, C) log-probabilities."""

    features: np.ndarray
    hard: np.ndarray
    soft: np.ndarray


@dataclass(frozen=True)
class Objective:
    """The student's settings: see distill.linear.fit_linear_batch."""

    temperature: float = 2.0
    kd_weight: float = 20.0
    l2: float = 2.0
    scale: float = SCALE


def fit(rows: Rows, objective: Objective = Objective(), left_out: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
    """(W (C, d), b (C,)) of the student on the rows, without those left out."""
    kept = np.setdiff1d(np.arange(len(rows.hard)), left_out)
    weight, bias = fit_linear_batch(
        rows.features[None, kept],
        np.ones((1, len(kept))),
        rows.hard[None, kept],
        rows.soft[None, kept],
        objective.temperature,
        objective.kd_weight,
        objective.l2,
        objective.scale,
    )
    return weight[0], bias[0]


def nll(weight: np.ndarray, bias: np.ndarray, features: ArrayLike, gold: np.ndarray, scale: float = SCALE) -> float:
    """Mean negative log-likelihood in nats of gold (n,) on features (n, d)."""
    logprobs = log_softmax(linear_logits(np.asarray(features, dtype=np.float64), weight, bias, scale))
    return float(-logprobs[np.arange(len(gold)), gold].mean())


def worths(
    rows: Rows, which: Sequence[int] | np.ndarray, dev_features: ArrayLike, dev_gold: np.ndarray, objective: Objective = Objective()
) -> np.ndarray:
    """(len(which),) development NLL without the row less with it: above 0 where the row helped.

    rows: what the student learns from, 2 or more. which: rows to judge. dev_features (m, d), dev_gold (m,). Raises
    ValueError where there are fewer than 2 rows or no development rows.
    """
    n = len(rows.hard)
    if n < 2 or not len(dev_gold):
        raise ValueError(f"leave-one-out needs 2 training rows and a development row: got {n} and {len(dev_gold)}")
    weight, bias = fit(rows, objective)
    steps, basis = _steps(rows, np.asarray(which, dtype=int), weight, bias, objective)
    present = nll(weight, bias, dev_features, dev_gold, objective.scale)
    features = np.asarray(dev_features, dtype=np.float64)
    seen = np.column_stack([features @ basis * objective.scale, np.ones(len(features))])
    logits = linear_logits(features, weight, bias, objective.scale)
    moved = logits[None] + np.einsum("icr,mr->imc", steps, seen, optimize=True)
    told = log_softmax(moved)[:, np.arange(len(dev_gold)), dev_gold]
    worth: np.ndarray = -told.mean(-1) - present
    return worth


def retrained(
    rows: Rows, which: Sequence[int] | np.ndarray, dev_features: ArrayLike, dev_gold: np.ndarray, objective: Objective = Objective()
) -> np.ndarray:
    """The same numbers the slow way: one student trained anew without each row. What worths is checked against."""
    present = nll(*fit(rows, objective), dev_features, dev_gold, objective.scale)
    return np.array([nll(*fit(rows, objective, [i]), dev_features, dev_gold, objective.scale) - present for i in which])


def _steps(rows: Rows, which: np.ndarray, weight: np.ndarray, bias: np.ndarray, o: Objective) -> tuple[np.ndarray, np.ndarray]:
    """(steps (m, C, r + 1) of head and bias in an orthonormal basis, basis (d, r)) of the span of the rows."""
    n, classes = rows.soft.shape
    x = np.asarray(rows.features, dtype=np.float64) * o.scale
    basis = np.linalg.svd(x, full_matrices=False)[2].T
    z = np.column_stack([x @ basis, np.ones(n)])
    contrast = np.linalg.qr(np.column_stack([np.ones(classes), np.eye(classes)[:, : classes - 1]]))[0][:, 1:]
    logits = linear_logits(np.asarray(rows.features, dtype=np.float64), weight, bias, o.scale)
    told, hard = np.exp(log_softmax(rows.soft, o.temperature)), np.eye(classes)[rows.hard]
    ridge = np.append(np.full(z.shape[1] - 1, 2.0 * o.l2), 1e-10)
    theta = contrast.T @ np.column_stack([weight @ basis, bias])
    r = n / (n - 1)

    def gradient(logits: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """g_-i of each judged row: logits (m or 1, n, C), theta (m or 1, C - 1, r + 1)."""
        slope = np.exp(log_softmax(logits)) - hard
        slope = (slope + o.kd_weight * o.temperature * (np.exp(log_softmax(logits, o.temperature)) - told)) @ contrast
        slope = np.array(np.broadcast_to(slope, (len(which), *slope.shape[1:])))
        slope[np.arange(len(which)), which] = 0.0
        found: np.ndarray = r / n * np.einsum("mna,ni->mai", slope, z, optimize=True) + ridge * theta
        return found

    bent = _curvature(np.exp(log_softmax(logits)), contrast) + o.kd_weight * _curvature(
        np.exp(log_softmax(logits, o.temperature)), contrast
    )
    solve = _solver(z, bent, which, ridge, r)
    steps = -solve(gradient(logits[None], theta[None]))
    moved = logits[None] + (z @ np.swapaxes(steps, -1, -2)) @ contrast.T
    steps = steps - solve(gradient(moved, theta[None] + steps))
    return np.einsum("ca,nai->nci", contrast, steps), basis


def _solver(z: np.ndarray, bent: np.ndarray, which: np.ndarray, ridge: np.ndarray, r: float) -> Callable[[np.ndarray], np.ndarray]:
    """A function g (m, C - 1, r + 1) -> H_-i^-1 g, one matrix factorised for all rows (see the module's docstring)."""
    n, width = z.shape
    free = bent.shape[-1]
    data = np.einsum("nab,ni,nj->aibj", bent, z, z, optimize=True).reshape(free * width, -1) / n
    inverse = np.linalg.inv(r * data + np.diag(np.tile(ridge, free))).reshape(free, width, free, width)
    spread = np.einsum("aibj,nj->naib", inverse, z[which], optimize=True)
    k = (r / n) * bent[which]
    core = np.linalg.solve(np.eye(free) - k @ np.einsum("ni,naib->nab", z[which], spread), k)

    def solve(gradient: np.ndarray) -> np.ndarray:
        first = np.einsum("aibj,nbj->nai", inverse, gradient, optimize=True)
        pulled = core @ np.einsum("ni,nai->na", z[which], first)[..., None]
        solved: np.ndarray = first + np.einsum("naib,nb->nai", spread, pulled[..., 0])
        return solved

    return solve


def _curvature(p: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """(n, C - 1, C - 1) contrast of diag(p) - p p^T."""
    ph = p @ contrast
    bent: np.ndarray = np.einsum("ca,nc,cb->nab", contrast, p, contrast) - ph[:, :, None] * ph[:, None, :]
    return bent
