"""Judges that share nothing with a teacher trained on the texts: a line on frozen sentence embeddings, and the nearest own texts.

Both learn from the person's labels. A proposal that only the teacher takes for the target is an adversarial example; one
that all of them take for it most likely means it. Knows no teacher and no project.
"""

from dataclasses import dataclass

import numpy as np

STRENGTH = 20.0
NEAREST = 3
SAME = 0.999  # cosine from which a row is the text itself


@dataclass(frozen=True)
class Opinion:
    """What the judges say of n texts. line: (n, C) probabilities. near: (n, C) mean cosine of the nearest own texts of a class."""

    line: np.ndarray
    near: np.ndarray

    def agree(self, source: int, targets: np.ndarray) -> np.ndarray:
        """(n,) whether line and neighbours both prefer the target to every other class, or the line is nearly sure."""
        rows = np.arange(len(targets))
        by_line = self.line.argmax(1) == targets
        nearest = self.near[rows, targets] >= self.near.max(1) - 0.02
        agreed: np.ndarray = by_line & nearest & (self.near[rows, targets] > self.near[:, source])
        return agreed


class OwnTexts:
    """The independent judge of one project."""

    def __init__(self, phi: np.ndarray, classes: np.ndarray, n_classes: int):
        """phi: (n, d) unit rows of the labelled texts. classes: (n,) of the person. A class without a text is never seen."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        self._phi, self._classes, self._count = phi, classes, n_classes
        self._known = np.unique(classes)
        with threadpool_limits(1, "blas"):
            self._line = (
                LogisticRegression(C=STRENGTH, max_iter=300, class_weight="balanced").fit(phi, classes) if len(self._known) > 1 else None
            )

    def __call__(self, phi: np.ndarray, original: np.ndarray | None = None) -> Opinion:
        """phi: (n, d) unit rows of changed texts. original: (d,) row of the text they were made of, which is no neighbour."""
        line = np.full((len(phi), self._count), 1e-9)
        if self._line is not None:
            line[:, self._known] = self._line.predict_proba(phi)
        cosines = phi @ self._phi.T
        if original is not None:
            cosines[:, self._phi @ original > SAME] = -1.0
        near = np.full((len(phi), self._count), -1.0)
        for one in self._known:
            of_class = cosines[:, self._classes == one]
            top = min(NEAREST, of_class.shape[1])
            near[:, one] = np.sort(of_class, axis=1)[:, -top:].mean(axis=1)
        return Opinion(line, near)
