"""Distances and directions of boundaries from readings at points: for heads that are not linear too.

A boundary between classes a and c is where f_a = f_c. At a point its first-order (DeepFool) distance is
|f_a - f_c| / ||grad f_a - grad f_c||, exact for a linear head (boundary_sets.distance_to_boundary); its normal is
grad f_a - grad f_c. Arrays in, numbers out; who computes the gradients is not known here.
Moosavi-Dezfooli et al. 2016, arXiv:1511.04599.
"""

import numpy as np


def linearised_distance(scores, gradients) -> np.ndarray:
    """(n,) lengths of the first DeepFool step out of each point's class.

    scores: (n, C) logits or log-probabilities at the points; gradients: (n, C, d), d scores / d point. Infinite
    where no other class's score moves against the own one. Raises ValueError where shapes differ.
    """
    f, g = np.asarray(scores, dtype=np.float64), np.asarray(gradients, dtype=np.float64)
    if f.ndim != 2 or g.shape[:2] != f.shape or g.ndim != 3:
        raise ValueError(f"scores {f.shape} and gradients {g.shape} must be (n, C) and (n, C, d)")
    rows, own = np.arange(len(f)), f.argmax(-1)
    ahead = f[rows, own][:, None] - f
    norms = np.linalg.norm(g[rows, own][:, None] - g, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(norms > 0, ahead / norms, np.inf)
    steps[rows, own] = np.inf
    return steps.min(-1)


def normal_angle(first, second) -> np.ndarray:
    """(n,) degrees in [0, 180] between normals (n, d) and (n, d) of two boundaries between the same two classes.

    0: the boundaries run alike, 90: unrelated. NaN where a normal has no length.
    """
    a, b = np.atleast_2d(np.asarray(first, dtype=np.float64)), np.atleast_2d(np.asarray(second, dtype=np.float64))
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.degrees(np.arccos(np.clip((a * b).sum(-1) / lengths, -1.0, 1.0)))


def head_angles(weight, other) -> dict[tuple[int, int], float]:
    """{(a, c), a < c: degrees} between two linear heads' boundaries of each class pair. weight, other: (C, d)."""
    weight, other = np.asarray(weight, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if weight.shape != other.shape:
        raise ValueError(f"two heads on one encoder and one order of labels are needed: {weight.shape}, {other.shape}")
    return {
        (a, c): float(normal_angle(weight[a] - weight[c], other[a] - other[c])[0])
        for a in range(len(weight))
        for c in range(a + 1, len(weight))
    }
