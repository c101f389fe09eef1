"""Directions of boundaries: the angle between the normals of two of them. Arrays in, numbers out.

A boundary between classes a and c is where f_a = f_c; its normal is grad f_a - grad f_c, for a linear head w_a - w_c.
"""

import numpy as np
from numpy.typing import ArrayLike


def normal_angle(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """(n,) degrees in [0, 180] between normals (n, d) and (n, d) of two boundaries between the same two classes.

    0: the boundaries run alike, 90: unrelated. NaN where a normal has no length.
    """
    a, b = np.atleast_2d(np.asarray(first, dtype=np.float64)), np.atleast_2d(np.asarray(second, dtype=np.float64))
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        angles: np.ndarray = np.degrees(np.arccos(np.clip((a * b).sum(-1) / lengths, -1.0, 1.0)))
    return angles


def head_angles(weight: ArrayLike, other: ArrayLike) -> dict[tuple[int, int], float]:
    """{(a, c), a < c: degrees} between two linear heads' boundaries of each class pair. weight, other: (C, d)."""
    w, v = np.asarray(weight, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if w.shape != v.shape:
        raise ValueError(f"two heads on one encoder and one order of labels are needed: {w.shape}, {v.shape}")
    return {(a, c): float(normal_angle(w[a] - w[c], v[a] - v[c])[0]) for a in range(len(w)) for c in range(a + 1, len(w))}
