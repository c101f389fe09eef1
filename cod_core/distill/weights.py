"""How much each training row of a student counts. Rows and settings in, an array out; no model.

Counterfactuals count cf_weight times a real row. With class_weights every label counts the same together, however many rows it
has: draws that cannot be balanced (distill/row_sets.py, project/draws.py) are made up for by that, as in King and Zeng 2001.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cod_core.distill.arms import TrainRow
from cod_core.types import RunConfig


def class_shares(labels: Sequence[str]) -> np.ndarray:
    """(n,) weights of mean 1 under which each label that occurs has the same sum; all 1 where each occurs as often."""
    counts = Counter(labels)
    return np.array([len(labels) / (len(counts) * counts[label]) for label in labels], dtype=np.float64)


def row_weights(config: RunConfig, rows: Sequence[TrainRow]) -> np.ndarray:
    """(n,) weight of each row in the mean loss."""
    own = np.array([config.cf_weight if row.is_cf else 1.0 for row in rows], dtype=np.float64)
    return own * class_shares([row.label for row in rows]) if config.class_weights else own
