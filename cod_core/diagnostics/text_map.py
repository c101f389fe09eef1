"""Two dimensions for texts in which the teacher's margin is the first, so that its boundary is the line x = 0.

The second dimension is where texts differ most once the margin is accounted for: the first principal component of the
embeddings' residuals after a linear regression on the margin. Arrays in, arrays out; for looking, not for measuring.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class ContentAxis:
    """y = (phi - mean - margin * slope) . direction. mean, slope, direction: (d,)."""

    mean: np.ndarray
    slope: np.ndarray
    direction: np.ndarray

    def __call__(self, phi: ArrayLike, margin: ArrayLike) -> np.ndarray:
        """(n,) places of texts with embeddings phi (n, d) and margins (n,)."""
        along = np.asarray(margin, dtype=np.float64)[:, None] * self.slope
        places: np.ndarray = (np.asarray(phi, dtype=np.float64) - self.mean - along) @ self.direction
        return places


def content_axis(phi: ArrayLike, margin: ArrayLike) -> ContentAxis:
    """Fitted on phi (n, d) and margin (n,), n >= 1. The direction's largest entry is positive, so that a map drawn
    twice is the same. Raises ValueError where there is no text."""
    x, m = np.asarray(phi, dtype=np.float64), np.asarray(margin, dtype=np.float64)
    if not len(x) or m.shape != x.shape[:1]:
        raise ValueError(f"a map needs texts with a margin each, got {x.shape} and {m.shape}")
    centred = m - m.mean()
    slope = centred @ (x - x.mean(0)) / max(float(centred @ centred), 1e-12)
    mean = x.mean(0) - m.mean() * slope
    rest = x - mean - m[:, None] * slope
    direction = np.linalg.eigh(rest.T @ rest)[1][:, -1]
    return ContentAxis(mean, slope, direction * np.sign(direction[np.abs(direction).argmax()]))
