"""Boundaries in the encoder's space (path E), and how far apart two sets of crossings lie.

Path E is the straight line z(l) = (1 - l) phi(x) + l phi(x') on one frozen encoder phi; only heads on phi may be
compared on it. A linear head has logits W z + b with W in phi's own units (a student's scale multiplied in).
All distances between sampled crossings are estimates of the distances between the boundaries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class SetDistance:
    """Estimates between two sets of crossings. hd95: the larger of the two directed 95th percentiles.
    chamfer: mean of the two directed means. Symmetric in the two sets."""

    hausdorff: float
    hd95: float
    chamfer: float
    n_first: int
    n_second: int


def linear_crossing(start_logits: ArrayLike, end_logits: ArrayLike, from_class: int | None = None) -> float | None:
    """Least level in (0, 1) at which a linear head leaves its class at the start; None where it keeps it.

    start_logits, end_logits: (C,) logits at phi(x) and phi(x'); between them each is linear in the level. For
    C = 2 this is m(0) / (m(0) - m(1)). Exists exactly where the classes at the two ends differ. from_class: where
    given and not the class at the start, there is no crossing out of it: None.
    """
    start, end = np.asarray(start_logits, dtype=np.float64), np.asarray(end_logits, dtype=np.float64)
    a = int(start.argmax())
    before, after = start[a] - start, end[a] - end
    if end.argmax() == a or from_class not in (None, a):
        return None
    leaves = before > after
    return float((before[leaves] / (before[leaves] - after[leaves])).min()) if leaves.any() else 0.0


def points_at(start: ArrayLike, end: ArrayLike, levels: ArrayLike) -> np.ndarray:
    """(n, d) points at the levels (n,) of the lines from start (n, d) to end (n, d)."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    points: np.ndarray = a + np.asarray(levels, dtype=np.float64)[:, None] * (b - a)
    return points


def distance_to_boundary(points: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> np.ndarray:
    """(n,) distances of points (n, d) to the boundary of a linear head, exact in the whole space.

    min over c of (z_a - z_c) / ||w_a - w_c|| with a the class at the point. weight: (C, d), bias: (C,).
    Infinite where no class could ever take over.
    """
    w = np.asarray(weight, dtype=np.float64)
    logits = np.asarray(points, dtype=np.float64) @ w.T + np.asarray(bias, dtype=np.float64)
    a = logits.argmax(-1)
    ahead = logits.max(-1, keepdims=True) - logits
    norms = np.linalg.norm(w[a][:, None, :] - w[None], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances: np.ndarray = np.where(norms > 0, ahead / norms, np.inf).min(-1)
    return distances


def set_distance(first: ArrayLike, second: ArrayLike) -> SetDistance | None:
    """Hausdorff, HD95 and Chamfer mean between two sets of points (n, d) and (m, d); None where one is empty."""
    from scipy.spatial.distance import cdist

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not len(a) or not len(b):
        return None
    table = cdist(a, b)
    there, back = table.min(1), table.min(0)
    return SetDistance(
        float(max(there.max(), back.max())),
        float(max(np.percentile(there, 95), np.percentile(back, 95))),
        float((there.mean() + back.mean()) / 2),
        len(a),
        len(b),
    )


def linear_surrogate(phi: ArrayLike, logprobs: ArrayLike, l2: float = 1e-2) -> tuple[np.ndarray, np.ndarray, float]:
    """(W (C, d), b (C,), agreement): a linear head on phi that stands in for a teacher which is not one.

    Ridge regression of the centred log-probabilities on phi (n, d), n >= 4. agreement: share of rows on which a
    fit of the other half of the rows has the teacher's class; always show it beside the surrogate's numbers.
    """
    x, z = np.asarray(phi, dtype=np.float64), np.asarray(logprobs, dtype=np.float64)
    if len(x) != len(z) or len(x) < 4:
        raise ValueError(f"a surrogate needs 4 rows or more, log-probabilities alike: got {x.shape}, {z.shape}")
    z = z - z.mean(-1, keepdims=True)
    hits = 0
    for start in (0, 1):
        weight, bias = _ridge(x[start::2], z[start::2], l2)
        hits += int(((x[1 - start :: 2] @ weight.T + bias).argmax(-1) == z[1 - start :: 2].argmax(-1)).sum())
    return *_ridge(x, z, l2), hits / len(x)


def _ridge(phi: np.ndarray, z: np.ndarray, l2: float) -> tuple[np.ndarray, np.ndarray]:
    middle_phi, middle_z = phi.mean(0), z.mean(0)
    x = phi - middle_phi
    weight = np.linalg.solve(x.T @ x + l2 * np.eye(x.shape[1]), x.T @ (z - middle_z)).T
    return weight, middle_z - weight @ middle_phi
