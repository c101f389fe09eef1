"""Two dimensions for texts in which the teacher's margin is the first, so that its boundary is the line x = 0.

The second dimension is where texts differ most once the margin is accounted for: the first principal component of the
embeddings' residuals after a linear regression on the margin. Arrays in, arrays out; for looking, not for measuring.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ContentAxis:
    """y = (phi - mean - margin * slope) . direction. mean, slope, direction: (d,)."""

    mean: np.ndarray
    slope: np.ndarray
    direction: np.ndarray

    def __call__(self, phi, margin) -> np.ndarray:
        """(n,) places of texts with embeddings phi (n, d) and margins (n,)."""
        margin = np.asarray(margin, dtype=np.float64)
        return (np.asarray(phi, dtype=np.float64) - self.mean - margin[:, None] * self.slope) @ self.direction


def content_axis(phi, margin) -> ContentAxis:
    """Fitted on phi (n, d) and margin (n,), n >= 1. The direction's largest entry is positive, so that a map drawn
    twice is the same. Raises ValueError where there is no text."""
    phi, margin = np.asarray(phi, dtype=np.float64), np.asarray(margin, dtype=np.float64)
    if not len(phi) or margin.shape != phi.shape[:1]:
        raise ValueError(f"a map needs texts with a margin each, got {phi.shape} and {margin.shape}")
    centred = margin - margin.mean()
    slope = centred @ (phi - phi.mean(0)) / max(float(centred @ centred), 1e-12)
    mean = phi.mean(0) - margin.mean() * slope
    rest = phi - mean - margin[:, None] * slope
    direction = np.linalg.eigh(rest.T @ rest)[1][:, -1]
    return ContentAxis(mean, slope, direction * np.sign(direction[np.abs(direction).argmax()]))
