"""Fisher information of a linear student's training rows (METHOD.md section 4). Arrays in, numbers out."""

import numpy as np


def fisher_information(features, probs) -> np.ndarray:
    """sum_i (diag(p_i) - p_i p_i^T) kron z_i z_i^T, (C d', C d') with z a bias term appended.

    features: (n, d); probs: (n, C), the student's own. For two classes this is p (1 - p) z z^T in each block.
    """
    z = np.hstack([np.asarray(features, float), np.ones((len(features), 1))])
    p = np.asarray(probs, float)
    size = p.shape[1] * z.shape[1]
    total = np.zeros((size, size))
    for pi, zi in zip(p, z):
        total += np.kron(np.diag(pi) - np.outer(pi, pi), np.outer(zi, zi))
    return total


def log_det_and_trace(information, penalty: float) -> dict[str, float]:
    """log det (I + penalty E), trace of its inverse and its least eigenvalue. penalty > 0."""
    values = np.linalg.eigvalsh(np.asarray(information, float)) + penalty
    return {"log_det": float(np.log(values).sum()), "trace_inverse": float((1 / values).sum()),
            "least_eigenvalue": float(values.min())}
