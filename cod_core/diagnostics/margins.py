"""How far texts lie from a classifier's decision line, in log-odds. Arrays in, numbers out; no model.

The margin of class a is m_a = z_a - max over c != a of z_c with z = log p: zero exactly on the boundary of a,
positive where a is the class, for any number of classes. Its distribution for originals and for
counterfactuals is the direct test of "counterfactuals are near the boundary" (docs/method.md section 5).
"""

import numpy as np
from numpy.typing import ArrayLike

FLOOR = -700.0
NEAR = (0.3, 0.7)


def margins(logprobs: ArrayLike, classes: ArrayLike | None = None) -> np.ndarray:
    """(n,) margins of the given classes.

    logprobs: (n, C), C >= 2; values below -700 count as -700, so that a certain classifier gives no infinity.
    classes: (n,) indices or one index; the predicted class where None, and the margin is then never negative.
    Raises ValueError where the shapes do not fit.
    """
    z = np.maximum(np.asarray(logprobs, dtype=np.float64), FLOOR)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"margins need (n, C) log-probabilities of two classes or more, got {z.shape}")
    chosen = z.argmax(-1) if classes is None else np.broadcast_to(np.asarray(classes, dtype=int), z.shape[:1])
    own = np.take_along_axis(z, chosen[:, None], 1)[:, 0]
    others = z.copy()
    np.put_along_axis(others, chosen[:, None], -np.inf, 1)
    ahead: np.ndarray = own - others.max(-1)
    return ahead


def near_boundary(logprobs: ArrayLike, classes: ArrayLike, low: float = NEAR[0], high: float = NEAR[1]) -> float:
    """Share of rows whose probability of the class lies in [low, high]; 0 where there are no rows.

    Published: 1 to 4 % of human and LLM counterfactuals of IMDB under a fine-tuned BERT, 11.5 % for MiCE's.
    """
    z = np.asarray(logprobs, dtype=np.float64)
    if not len(z):
        return 0.0
    p = np.exp(np.take_along_axis(z, np.broadcast_to(np.asarray(classes, dtype=int), z.shape[:1])[:, None], 1))
    return float(((p >= low) & (p <= high)).mean())
