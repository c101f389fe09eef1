"""Contextual calibration of a language model's label probabilities (Zhao et al. 2021, arXiv:2102.09690).

A prompt favours some answers whatever the text says. How much is read off from inputs without content; probabilities
are then divided by that prior. Pure: knows no model.
"""

import math
from collections.abc import Sequence

from cod_core.types import Prediction

CONTENT_FREE = ("N/A", "[MASK]", "")  # the three of the paper


def content_free_prior(predictions: Sequence[Prediction]) -> tuple[float, ...]:
    """Mean probability of each label over content-free inputs; sums to 1. Raises ValueError where there are none."""
    if not predictions:
        raise ValueError("a prior needs at least one content-free input")
    rows = [p.probs for p in predictions]
    return tuple(sum(column) / len(rows) for column in zip(*rows))


def calibrated(prediction: Prediction, prior: Sequence[float]) -> Prediction:
    """Probabilities proportional to p / prior. The paper's W = diag(prior)^-1 with b = 0, normalised.

    prior: one positive number per label, as content_free_prior gives. Raises ValueError where the lengths differ.
    """
    if len(prior) != len(prediction.labels):
        raise ValueError(f"{len(prior)} priors for {len(prediction.labels)} labels")
    shifted = [logprob - math.log(max(share, 1e-6)) for logprob, share in zip(prediction.logprobs, prior)]
    top = max(shifted)
    total = top + math.log(sum(math.exp(v - top) for v in shifted))
    return Prediction(prediction.labels, tuple(v - total for v in shifted))
