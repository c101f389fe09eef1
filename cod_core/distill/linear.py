"""The linear student: softmax heads on frozen embeddings, many solved at once. Knows arrays only.

Objective of one fit over its n rows (docs/method.md):
    mean CE(hard label) + kd_weight * T^2 * mean KL(teacher || student at T) + l2 * ||W||^2,
logits = W (scale * phi) + b, the bias not penalised. It is strictly convex, so a damped Newton method in
float64 finds the one solution without a seed, a learning rate or a number of steps. Two reductions make it
fast and exact: W lies in the span of the rows (so at most n numbers a class, not d), and the classes' sum
is zero at the solution (so C - 1 classes are enough).
"""

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from cod_core.models.student import HEAD_SCALE

SCALE = HEAD_SCALE
TOLERANCE = 1e-8
MAX_ITERATIONS = 100
DENSE_UNKNOWNS = 1500
_CHUNK_BYTES = 192 * 2**20


def fit_linear_batch(
    features: ArrayLike,
    weights: ArrayLike,
    hard: ArrayLike,
    soft_logprobs: ArrayLike,
    temperature: float = 2.0,
    kd_weight: float = 20.0,
    l2: float = 2.0,
    scale: float = SCALE,
) -> tuple[np.ndarray, np.ndarray]:
    """Solve F independent fits: (W (F, C, d), b (F, C)), float64, each class sum zero.

    features: (F, n, d), padded rows allowed. weights: (F, n), 0 marks padding, 1 a row; each fit's weights
    sum to more than 0. hard: (F, n) class indices. soft_logprobs: (F, n, C) teacher log-probabilities
    (-inf allowed). temperature > 0, kd_weight >= 0, l2 > 0. A result never depends on the other fits of the
    batch. Raises ValueError where shapes or ranges differ: broadcasting would train on the wrong rows.
    """
    x, shares, soft = (np.asarray(a, dtype=np.float64) for a in (features, weights, soft_logprobs))
    gold = np.asarray(hard)
    _check(x, shares, gold, soft, temperature, kd_weight, l2)
    n_fits, n, d = x.shape
    classes = soft.shape[-1]
    unknowns = (classes - 1) * (min(n, d) + 1)
    chunk = max(1, _CHUNK_BYTES // (8 * (min(unknowns, DENSE_UNKNOWNS) ** 2 + 4 * n * min(n, d))))
    weight, bias = np.zeros((n_fits, classes, d)), np.zeros((n_fits, classes))
    # the matrices are small: threads of the algebra library wait for each other (ten times slower on a busy machine)
    with threadpool_limits(1, "blas"):
        for start in range(0, n_fits, chunk):
            part = slice(start, start + chunk)
            weight[part], bias[part] = _fit(x[part] * scale, shares[part], gold[part], soft[part], temperature, kd_weight, l2)
    return weight, bias


def linear_logits(features: np.ndarray, weight: np.ndarray, bias: np.ndarray, scale: float = SCALE) -> np.ndarray:
    """Logits (..., n, C) of heads W (..., C, d), b (..., C) on unscaled embeddings (n, d) or (..., n, d)."""
    out: np.ndarray = scale * np.matmul(features, np.swapaxes(weight, -1, -2)) + np.expand_dims(bias, -2)
    return out


def log_softmax(logits: ArrayLike, temperature: float = 1.0) -> np.ndarray:
    """Log-probabilities over the last axis of logits / temperature; -inf stays -inf."""
    x = np.asarray(logits, dtype=np.float64) / temperature
    x = x - x.max(axis=-1, keepdims=True)
    out: np.ndarray = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return out


def objective(
    logits: np.ndarray,
    weights: np.ndarray,
    hard: np.ndarray,
    soft_logprobs: np.ndarray,
    weight: np.ndarray,
    temperature: float = 2.0,
    kd_weight: float = 20.0,
    l2: float = 2.0,
) -> np.ndarray:
    """The minimised value, one a fit (F,): logits (F, n, C), the rest as in fit_linear_batch, weight (F, C, d)."""
    share = weights / weights.sum(-1, keepdims=True)
    q = np.exp(log_softmax(soft_logprobs, temperature))
    ce = -np.take_along_axis(log_softmax(logits), hard[..., None], -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(q > 0, q * np.log(q), 0.0).sum(-1)
    kl = entropy - (q * log_softmax(logits, temperature)).sum(-1)
    value: np.ndarray = (share * (ce + kd_weight * temperature**2 * kl)).sum(-1) + l2 * (weight**2).sum((-1, -2))
    return value


def _check(
    features: np.ndarray, weights: np.ndarray, hard: np.ndarray, soft: np.ndarray, temperature: float, kd_weight: float, l2: float
) -> None:
    if features.ndim != 3 or soft.ndim != 3:
        raise ValueError(f"expected features (F, n, d) and soft_logprobs (F, n, C), got {features.shape}, {soft.shape}")
    if not (weights.shape == hard.shape == features.shape[:2] == soft.shape[:2]):
        raise ValueError(
            "features, weights, hard and soft_logprobs must agree in (F, n), got "
            f"{features.shape}, {weights.shape}, {hard.shape}, {soft.shape}"
        )
    if soft.shape[-1] < 2 or (hard < 0).any() or (hard >= soft.shape[-1]).any():
        raise ValueError(f"hard labels must be class indices 0..{soft.shape[-1] - 1} of at least two classes")
    if (weights < 0).any() or (weights.sum(-1) <= 0).any():
        raise ValueError("weights must not be negative and every fit needs at least one row")
    if temperature <= 0 or kd_weight < 0 or l2 <= 0:
        raise ValueError(f"need temperature > 0, kd_weight >= 0, l2 > 0; got {temperature}, {kd_weight}, {l2}")


def _contrast(classes: int) -> np.ndarray:
    """(C - 1, C) orthonormal rows, each summing to zero."""
    full = np.linalg.qr(np.column_stack([np.ones(classes), np.eye(classes)[:, : classes - 1]]))[0]
    return full[:, 1:].T


def _span(x: np.ndarray, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates Z (F, n, r) of the rows in an orthonormal basis of their span, and the map back (F, r, d)."""
    x = x * keep[..., None]
    if x.shape[1] >= x.shape[2]:
        return x, None
    values, vectors = np.linalg.eigh(np.matmul(x, np.swapaxes(x, -1, -2)))
    floor = values[:, -1:] * 1e-13
    root = np.sqrt(np.where(values > floor, values, 0.0))
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    back = np.matmul(np.swapaxes(vectors * inverse[:, None, :], -1, -2), x)
    return vectors * root[:, None, :], back


def _fit(
    x: np.ndarray, weights: np.ndarray, hard: np.ndarray, soft: np.ndarray, temperature: float, kd_weight: float, l2: float
) -> tuple[np.ndarray, np.ndarray]:
    n_fits, n, _ = x.shape
    classes = soft.shape[-1]
    keep = (weights > 0).astype(np.float64)
    z, back = _span(x, keep)
    z = np.concatenate([z, np.ones((n_fits, n, 1))], axis=-1)
    problem = _Problem(
        z,
        weights / weights.sum(-1, keepdims=True),
        np.eye(classes)[hard],
        np.exp(log_softmax(np.where(keep[..., None] > 0, soft, 0.0), temperature)),
        _contrast(classes),
        temperature,
        kd_weight,
        l2,
    )
    theta = np.zeros((n_fits, classes - 1, z.shape[-1]))
    active = np.arange(n_fits)
    for _ in range(MAX_ITERATIONS):
        here = problem.at(active)
        value, gradient, curvature = here.derivatives(theta[active])
        open_ = np.abs(gradient).max((1, 2)) > TOLERANCE
        if not open_.any():
            break
        active, here = active[open_], here.at(np.flatnonzero(open_))
        moved = here.descend(theta[active], value[open_], gradient[open_], curvature[open_])
        stuck = (moved == theta[active]).all((1, 2))
        theta[active] = moved
        active = active[~stuck]
        if not len(active):
            break
    contrast = problem.contrast
    head = np.matmul(contrast.T, theta[..., :-1])
    # one product a fit, for the bias too: the last digit must not depend on the other fits
    return (head if back is None else np.matmul(head, back)), np.matmul(theta[:, None, :, -1], contrast)[:, 0]


class _Problem:
    """Value, gradient and Newton step of a batch of fits; theta: (F, C - 1, r + 1), the last column the bias."""

    def __init__(
        self,
        z: np.ndarray,
        share: np.ndarray,
        hard: np.ndarray,
        q: np.ndarray,
        contrast: np.ndarray,
        temperature: float,
        kd_weight: float,
        l2: float,
    ):
        self.z, self.share, self.hard, self.q, self.contrast = z, share, hard, q, contrast
        self.temperature, self.kd_weight, self.l2 = temperature, kd_weight, l2
        self.ridge = np.full(z.shape[-1], 2.0 * l2)
        self.ridge[-1] = 0.0

    def at(self, index: np.ndarray) -> "_Problem":
        if len(index) == len(self.z):
            return self
        return _Problem(
            self.z[index], self.share[index], self.hard[index], self.q[index], self.contrast, self.temperature, self.kd_weight, self.l2
        )

    def logits(self, theta: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.matmul(np.matmul(self.z, np.swapaxes(theta, -1, -2)), self.contrast)
        return out

    def value(self, theta: np.ndarray, logits: np.ndarray | None = None) -> np.ndarray:
        """Objective without the teacher's entropy, which no student changes: (F,)."""
        logits = self.logits(theta) if logits is None else logits
        t = self.temperature
        row = -(self.hard * log_softmax(logits)).sum(-1)
        if self.kd_weight:
            row = row - self.kd_weight * t * t * (self.q * log_softmax(logits, t)).sum(-1)
        out: np.ndarray = (self.share * row).sum(-1) + 0.5 * (self.ridge * theta**2).sum((1, 2))
        return out

    def derivatives(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value (F,), gradient (F, C - 1, r + 1), and the curvature a row (F, n, C - 1, C - 1)."""
        logits = self.logits(theta)
        t, share, h = self.temperature, self.share[..., None], self.contrast
        p, soft = np.exp(log_softmax(logits)), np.exp(log_softmax(logits, t))
        slope = share * ((p - self.hard) + self.kd_weight * t * (soft - self.q))
        gradient = np.matmul(np.swapaxes(np.matmul(slope, h.T), -1, -2), self.z) + self.ridge * theta
        curvature = share[..., None] * (_spread(p, h) + self.kd_weight * _spread(soft, h))
        return self.value(theta, logits), gradient, curvature

    def descend(self, theta: np.ndarray, value: np.ndarray, gradient: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """One damped Newton step a fit; a fit whose value cannot fall any further stays where it is."""
        classes, width = theta.shape[1:]
        solve = self._dense if classes * width <= DENSE_UNKNOWNS else self._conjugate
        step = solve(gradient, curvature)
        drop = (gradient * step).sum((1, 2))
        size, out, todo = np.ones(len(theta)), theta.copy(), np.arange(len(theta))
        for _ in range(40):
            trial = theta[todo] - size[todo, None, None] * step[todo]
            reached = self.at(todo).value(trial)
            # at the solution rounding hides the decrease: allow it a few units in the last place
            good = reached <= value[todo] - 1e-4 * size[todo] * drop[todo] + 1e-15 * (1 + np.abs(value[todo]))
            out[todo[good]] = trial[good]
            todo = todo[~good]
            if not len(todo):
                break
            size[todo] *= 0.5
        return out

    def _dense(self, gradient: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        n_fits, classes, width = gradient.shape
        hessian = np.empty((n_fits, classes, width, classes, width))
        zt = np.swapaxes(self.z, -1, -2)
        for a in range(classes):
            for b in range(a + 1):
                block = np.matmul(zt * curvature[:, None, :, a, b], self.z)
                hessian[:, a, :, b, :] = block
                hessian[:, b, :, a, :] = block
        square = hessian.reshape(n_fits, classes * width, classes * width)
        place = np.arange(classes * width)
        # 1e-10 keeps the bias solvable where every row is already certain
        square[:, place, place] += np.tile(self.ridge, classes) + 1e-10
        step: np.ndarray = np.linalg.solve(square, gradient.reshape(n_fits, -1, 1)).reshape(gradient.shape)
        return step

    def _conjugate(self, gradient: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """The same step by conjugate gradients, for many classes: no matrix of all unknowns."""
        solution, residual = np.zeros_like(gradient), gradient.copy()
        direction, norm = residual.copy(), (residual**2).sum((1, 2))
        goal = norm * np.minimum(0.01, np.sqrt(norm)) ** 2
        for _ in range(400):
            u = np.matmul(self.z, np.swapaxes(direction, -1, -2))
            bent = np.matmul(curvature, u[..., None])[..., 0]
            product = np.matmul(np.swapaxes(bent, -1, -2), self.z) + (self.ridge + 1e-10) * direction
            length = np.where(norm > goal, norm / np.maximum((direction * product).sum((1, 2)), 1e-300), 0.0)
            solution += length[:, None, None] * direction
            residual -= length[:, None, None] * product
            new = (residual**2).sum((1, 2))
            if (new <= goal).all():
                break
            direction = residual + np.where(norm > goal, new / np.maximum(norm, 1e-300), 0.0)[:, None, None] * direction
            norm = np.where(norm > goal, new, norm)
        return solution


def _spread(p: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Contrast of diag(p) - p p^T, one a row: (F, n, C - 1, C - 1)."""
    ph = np.matmul(p, contrast.T)
    if len(contrast) == 1:
        one: np.ndarray = (np.matmul(p, contrast.T**2) - ph**2)[..., None]
        return one
    left = p[..., None, :] * contrast
    out: np.ndarray = np.matmul(left, contrast.T) - ph[..., :, None] * ph[..., None, :]
    return out
