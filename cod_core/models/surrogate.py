"""A linear stand-in for a teacher on a sentence encoder: what a small student could see of the teacher's classes.

Fitted to the teacher's classes of texts at hand, labelled or not. It shares the shape of the linear student, so an edit
that turns it moves the student's own embedding across the line. Knows no project and no store.
"""

from collections.abc import Sequence

import numpy as np

from cod_core.errors import NotEnoughData
from cod_core.models.encoder import MAX_TOKENS, Encoder
from cod_core.models.pooled import pooled_classifier

FEWEST = 20  # texts of each class below which a stand-in says more about the texts than about the teacher
STRENGTH = 10.0


class LinearSurrogate:
    """labels: the classes, in the teacher's order. weight: (C, d), bias: (C,) on unit-length embeddings.

    model, tokenizer, max_tokens and order are what models.sensitivity.FirstOrder reads.
    """

    def __init__(self, encoder: Encoder, labels: Sequence[str], weight: np.ndarray, bias: np.ndarray) -> None:
        """encoder: read after its last layer."""
        self.labels, self.weight, self.bias, self._encoder = tuple(labels), weight, bias, encoder
        self.tokenizer, self.max_tokens, self.order = encoder.tokenizer, MAX_TOKENS, list(range(len(labels)))
        self.model = pooled_classifier(encoder.model, weight, bias).eval()

    def logprobs(self, texts: Sequence[str]) -> np.ndarray:
        """(n, C) log-probabilities."""
        from scipy.special import log_softmax

        rows: np.ndarray = log_softmax(self._encoder.encode(list(texts)).astype(np.float64) @ self.weight.T + self.bias, axis=-1)
        return rows


def fit_surrogate(encoder: Encoder, phi: np.ndarray, teacher_rows: np.ndarray, labels: Sequence[str]) -> LinearSurrogate:
    """Logistic regression of the teacher's classes on embeddings phi (n, d). teacher_rows: (n, C) log-probabilities.

    Raises NotEnoughData where a class has fewer than 20 of the texts.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    classes = np.asarray(teacher_rows).argmax(-1)
    counts = np.bincount(classes, minlength=len(labels))
    if counts.min() < FEWEST:
        few = ", ".join(f"{name} ({n})" for name, n in zip(labels, counts) if n < FEWEST)
        raise NotEnoughData(
            f"A second judge needs {FEWEST} texts that the teacher counts as each label; too few for {few}. Add texts "
            "to learn from, or search without a second judge."
        )
    with threadpool_limits(1, "blas"):
        fit = LogisticRegression(C=STRENGTH, max_iter=1000).fit(phi, classes)
    weight, bias = fit.coef_, fit.intercept_
    if len(labels) == 2:  # one line for two classes: half of it to each
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearSurrogate(encoder, labels, weight, bias)
