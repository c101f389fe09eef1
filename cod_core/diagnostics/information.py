"""What a set of training rows can tell a softmax head: its Fisher information on reduced embeddings.

I(D) = sum_i (diag(p_i) - p_i p_i^T) kron z_i z_i^T with z the features and a constant 1; for two classes the
logistic form sum_i p_i (1 - p_i) z_i z_i^T, since the softmax form counts each direction twice. Reported are
log det(I + lam E) (larger is better), Tr (I + lam E)^-1 (smaller is better) and the least eigenvalue of I (the
direction known least), E the identity and lam the student's L2 precision. The paper's claim of dominance in the
Loewner order is false (docs/method.md section 4): a counterfactual exactly on the boundary adds nothing along the head's
own direction, so none is reported.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

MAX_DIMENSIONS = 32


@dataclass(frozen=True)
class Information:
    """log det(I + lam E), Tr (I + lam E)^-1 and the least eigenvalue of I, of `rows` rows in `dimensions` reduced
    dimensions. For more than two classes I has a null space of one class (all classes shifted alike), left out."""

    log_det: float
    trace_inverse: float
    rows: int
    dimensions: int
    least: float = 0.0


@dataclass(frozen=True)
class Reduction:
    """A PCA: mean (d,), components (r, d) with rows of length 1."""

    mean: np.ndarray
    components: np.ndarray

    def __call__(self, phi: ArrayLike) -> np.ndarray:
        """(n, r) from (n, d)."""
        reduced: np.ndarray = (np.asarray(phi, dtype=np.float64) - self.mean) @ self.components.T
        return reduced


def reduction(unlabelled_phi: ArrayLike, k: int) -> Reduction:
    """PCA to min(32, k - 1) dimensions, never more than the texts span, fitted on unlabelled texts (n, d).

    k: the shots compared; both sets must use the same reduction. Raises ValueError for k < 2 or fewer than 2 texts.
    """
    phi = np.asarray(unlabelled_phi, dtype=np.float64)
    if k < 2 or len(phi) < 2:
        raise ValueError(f"a reduction needs k of 2 or more and 2 texts or more, got k = {k} and {len(phi)} texts")
    mean = phi.mean(0)
    _, sizes, rows = np.linalg.svd(phi - mean, full_matrices=False)
    spanned = int((sizes > 1e-9 * max(float(sizes[0]), 1e-300)).sum())
    return Reduction(mean, rows[: min(MAX_DIMENSIONS, k - 1, spanned)])


def fisher_matrix(features: ArrayLike, probs: ArrayLike) -> np.ndarray:
    """I(D): (r + 1, r + 1) for two classes, (C (r + 1), C (r + 1)) for more, the constant in the last place.

    features: (n, r). probs: (n, C), the student's own probabilities, rows sum to 1. Raises ValueError otherwise.
    """
    x, p = np.asarray(features, dtype=np.float64), np.asarray(probs, dtype=np.float64)
    if x.ndim != 2 or p.ndim != 2 or len(x) != len(p) or p.shape[1] < 2:
        raise ValueError(f"features {x.shape} and probabilities {p.shape} must be (n, r) and (n, C)")
    if not np.allclose(p.sum(-1), 1, atol=1e-4):
        raise ValueError("each row of probabilities must sum to 1")
    z = np.column_stack([x, np.ones(len(x))])
    if p.shape[1] == 2:
        matrix: np.ndarray = (z * (p[:, :1] * p[:, 1:])).T @ z
        return matrix
    spread = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    blocks: np.ndarray = np.einsum("nab,ni,nj->aibj", spread, z, z, optimize=True)
    size = p.shape[1] * z.shape[1]
    return blocks.reshape(size, size)


def information(features: ArrayLike, probs: ArrayLike, lam: float) -> Information:
    """The two numbers for one set of rows; arguments as in fisher_matrix, lam > 0."""
    if lam <= 0:
        raise ValueError(f"lam is a precision above 0, got {lam}: without it the information may be singular")
    values = np.maximum(np.linalg.eigvalsh(fisher_matrix(features, probs)), 0.0)
    width = np.shape(features)[1] + 1
    least = float(values[0] if np.shape(probs)[1] == 2 else values[width])
    whole = values + lam
    return Information(float(np.log(whole).sum()), float((1 / whole).sum()), len(np.asarray(probs)), width - 1, least)


def gains(features: ArrayLike, probs: ArrayLike, new_features: ArrayLike, new_probs: ArrayLike, lam: float) -> np.ndarray:
    """(m,) how much log det(I + lam E) would grow by each of m candidate rows, added to the present rows alone.

    features (n, r), probs (n, C): the rows learnt from; n may be 0. new_*: the candidates, probabilities of the same
    student. Matrix determinant lemma; at least 0. Fedorov 1972 (D-optimal design, one exchange).
    """
    p = np.asarray(new_probs, dtype=np.float64)
    count, classes = p.shape
    z = np.column_stack([np.asarray(new_features, dtype=np.float64), np.ones(count)])
    n = len(np.asarray(features))
    matrix = fisher_matrix(np.reshape(features, (n, z.shape[1] - 1)), np.reshape(probs, (n, classes)))
    inverse = np.linalg.inv(matrix + lam * np.eye(len(matrix)))
    if classes == 2:
        grown: np.ndarray = np.log1p(p[:, 0] * p[:, 1] * np.einsum("ni,ij,nj->n", z, inverse, z))
        return grown
    spread = p[:, :, None] * (np.eye(classes) - p[:, None, :])
    blocks = inverse.reshape(classes, z.shape[1], classes, z.shape[1])
    inner = np.einsum("ni,aibj,nj->nab", z, blocks, z, optimize=True)
    grown = np.maximum(np.linalg.slogdet(np.eye(classes) + spread @ inner)[1], 0.0)
    return grown


def compare(
    unlabelled_phi: ArrayLike, real_phi: np.ndarray, real_probs: ArrayLike, pair_phi: np.ndarray, pair_probs: ArrayLike, lam: float
) -> dict[str, Information]:
    """{"real": k real rows, "pairs": k/2 real rows and their k/2 counterfactuals} in one reduction.

    All phi: (., d); probs: (., C) of the student trained on those rows. Raises ValueError where the two sets
    have not the same number of rows: more rows always carry more information.
    """
    if len(real_phi) != len(pair_phi):
        raise ValueError(f"{len(real_phi)} real rows against {len(pair_phi)} in pairs: k must be equal")
    reduce = reduction(unlabelled_phi, len(real_phi))
    return {"real": information(reduce(real_phi), real_probs, lam), "pairs": information(reduce(pair_phi), pair_probs, lam)}
