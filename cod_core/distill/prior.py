"""What the names of the labels say before any text is seen: directions of the embedding that a linear head may use cheaply.

A head that is penalised alike in every direction starts from nothing. With few texts it helps to make the directions
between the sentences "This text is <label>." cheaper: adding the features g * phi U to phi and solving as before is the
ridge penalty whose prior covariance is I + g^2 U U'. The head is folded back, so what leaves is a plain linear head on phi.
A model that reads label names is the idea of zero-shot classifiers (Yin et al. 2019, arXiv:1909.00161). Knows arrays only.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def label_sentences(labels: Sequence[str]) -> list[str]:
    """The sentences that stand for the labels, in their order."""
    return [f"This text is {label}." for label in labels]


def label_directions(anchors: ArrayLike) -> np.ndarray:
    """(d, C) directions from the labels' middle to each label, of mean squared length 1 / 2.

    anchors: (C, d) embeddings of the label sentences. Two labels give one direction of length 1, told twice. Zeros where
    the encoder sees no difference between the labels.
    """
    told = np.asarray(anchors, dtype=np.float64)
    apart = told - told.mean(0)
    length = np.sqrt((apart**2).sum(-1).mean())
    out: np.ndarray = (apart / length * np.sqrt(0.5) if length > 1e-9 else np.zeros_like(apart)).T
    return out


def widened(phi: ArrayLike, directions: np.ndarray, gain: float) -> np.ndarray:
    """(..., n, d + C) features: phi (..., n, d) and, gain-fold, what it is along the directions (d, C)."""
    x = np.asarray(phi, dtype=np.float64)
    return np.concatenate([x, gain * x @ directions], axis=-1)


def folded(weight: np.ndarray, directions: np.ndarray, gain: float) -> np.ndarray:
    """(..., C, d) head on phi that answers as `weight` (..., C, d + C) does on widened features."""
    d = len(directions)
    out: np.ndarray = weight[..., :d] + gain * weight[..., d:] @ directions.T
    return out
