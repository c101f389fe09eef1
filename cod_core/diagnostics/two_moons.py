"""The paper's two-moons demonstration: teacher 2-64-64-2, students 2-16-2, k real rows against k/2 + k/2.

In two dimensions nothing needs to be estimated: both boundaries are read off a grid and their Hausdorff distance is
measured, in the whole window and where the two moons face each other (within FACING of both). Beyond the moons' ends no
row of either student says anything: there the lines go on by chance, and the largest distance of the whole window is
usually found there. Many draws are trained at once. A counterfactual is the nearest point of the teacher's boundary,
passed by `past`, so that the teacher changes its mind and is not quite sure. Knows no store, no screen, no text.
Hamman et al. 2025, arXiv:2510.21631, section 3; moons after scikit-learn's make_moons.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cod_core.diagnostics.boundary_sets import SetDistance, set_distance
from cod_core.errors import BadInput

TEACHER_HIDDEN, STUDENT_HIDDEN = (64, 64), (16,)
WINDOW = ((-1.3, 2.3), (-0.8, 1.3))
FACING = 0.4


@dataclass(frozen=True)
class Moons:
    """k: training rows of both students, counterfactuals included. noise: standard deviation of the points.

    past: how far beyond the boundary a counterfactual lies, as a share of its way there. temperature, kd_weight: of
    the distillation loss. grid: points a side of the window on which boundaries are read.
    """

    k: int = 20
    noise: float = 0.1
    past: float = 0.15
    teacher_rows: int = 200
    teacher_steps: int = 600
    student_steps: int = 500
    learning_rate: float = 0.02
    temperature: float = 2.0
    kd_weight: float = 20.0
    weight_decay: float = 0.001
    grid: int = 90


@dataclass(frozen=True)
class Student:
    """points (n, 2), labels (n,) and is_cf (n,): what it learnt from. regions: (g, g) class on the grid, first axis
    y. boundary: (m, 2). facing: Hausdorff distance to the teacher's boundary where the moons face each other;
    distance: of the whole window; both in the plane's units. agreement: share of the grid."""

    points: np.ndarray
    labels: np.ndarray
    is_cf: np.ndarray
    regions: np.ndarray
    boundary: np.ndarray
    facing: float
    distance: SetDistance
    agreement: float


@dataclass(frozen=True)
class Demonstration:
    """One draw. axis_x, axis_y: (g,) of the grid. teacher_regions: (g, g); teacher_boundary: (m, 2)."""

    seed: int
    axis_x: np.ndarray
    axis_y: np.ndarray
    teacher_regions: np.ndarray
    teacher_boundary: np.ndarray
    kd: Student
    cod: Student


def two_moons(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(points (n, 2), labels (n,)): two half circles that reach into each other, half of the rows each."""
    upper = n // 2
    angle = np.pi * rng.random(n)
    y = (np.arange(n) >= upper).astype(int)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    points[y == 1] = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])[y == 1]
    return points + noise * rng.normal(size=(n, 2)), y


def demonstrate(seeds: Sequence[int], settings: Moons = Moons()) -> list[Demonstration]:
    """One Demonstration a seed. Raises BadInput where k is odd or below 4, or there is no seed."""
    s = settings
    if s.k < 4 or s.k % 2:
        raise BadInput(f"k is even and at least 4, so that k/2 + k/2 rows make k; got {s.k}.")
    if not seeds:
        raise BadInput("The number of draws must be 1 or more.")
    worlds = [_world(seed, s) for seed in seeds]
    axes = [np.linspace(low, high, s.grid) for low, high in WINDOW]
    mesh = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    teachers = _train([(x, y, None) for x, y, *_ in worlds], TEACHER_HIDDEN, s.teacher_steps, list(seeds), s, 0.0)
    shown = _logprobs(teachers, np.broadcast_to(mesh, (len(worlds), *mesh.shape)))
    lines = [boundary_points(axes[0], axes[1], rows.reshape(s.grid, s.grid, -1)) for rows in shown]
    kd_rows = [(pool[: s.k], labels[: s.k]) for _, _, pool, labels in worlds]
    half = [(pool[: s.k // 2], labels[: s.k // 2]) for _, _, pool, labels in worlds]
    cfs = [nearest_flips(x, line, s.past) for (x, _), line in zip(half, lines)]
    cod_rows = [(np.concatenate([x, cf]), y) for (x, y), cf in zip(half, cfs)]
    kd = _students(kd_rows, teachers, list(seeds), s, mesh)
    cod = _students(cod_rows, teachers, list(seeds), s, mesh)
    return [
        Demonstration(
            seed,
            axes[0],
            axes[1],
            shown[i].argmax(-1).reshape(s.grid, s.grid),
            lines[i],
            _judged(kd[i], 0, shown[i], lines[i], axes, s),
            _judged(cod[i], s.k // 2, shown[i], lines[i], axes, s),
        )
        for i, seed in enumerate(seeds)
    ]


def nearest_flips(points: ArrayLike, boundary: ArrayLike, past: float) -> np.ndarray:
    """(n, 2) counterfactuals: each point moved to the nearest of the boundary's points (m, 2) and `past` beyond."""
    from scipy.spatial import cKDTree

    x = np.asarray(points, dtype=np.float64)
    nearest = np.asarray(boundary)[cKDTree(np.asarray(boundary)).query(x)[1]]
    moved: np.ndarray = x + (1 + past) * (nearest - x)
    return moved


def boundary_points(axis_x: ArrayLike, axis_y: ArrayLike, logprobs: ArrayLike) -> np.ndarray:
    """(m, 2) points where the class changes along the grid's edges, interpolated by the margin of the two classes.

    axis_x (g,), axis_y (h,), logprobs (h, g, C). Every crossing that two neighbouring grid points can see.
    """
    z = np.asarray(logprobs, dtype=np.float64)
    grid = np.stack(np.meshgrid(np.asarray(axis_x), np.asarray(axis_y)), -1)
    found = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = z[first].argmax(-1), z[second].argmax(-1)
        there = np.nonzero(a != b)
        at, to = z[first][there], z[second][there]
        rows, old, new = np.arange(len(at)), a[there], b[there]
        before, after = at[rows, old] - at[rows, new], to[rows, old] - to[rows, new]
        share = np.where(before > after, before / np.maximum(before - after, 1e-12), 0.0)[:, None]
        found.append(grid[first][there] + share * (grid[second][there] - grid[first][there]))
    return np.concatenate(found)


def facing_distance(line: np.ndarray, boundary: np.ndarray, width: float) -> float:
    """Hausdorff distance of two boundaries (n, 2), (m, 2), judged at their points within FACING of both moons; each is
    compared with the whole of the other, so that the region has no edge. width: where one of them is empty."""
    from scipy.spatial import cKDTree

    if not len(line) or not len(boundary):
        return width
    angle = np.linspace(0, np.pi, 200)
    moons = [cKDTree(np.column_stack([np.cos(angle), np.sin(angle)])), cKDTree(np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)]))]
    far = 0.0
    for own, other in ((line, boundary), (boundary, line)):
        upper, lower = (np.asarray(moon.query(own)[0]) for moon in moons)
        inside = np.maximum(upper, lower) <= FACING
        if inside.any():
            far = max(far, float(np.max(cKDTree(other).query(own[inside])[0])))
    return far


def _world(seed: int, s: Moons) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(teacher's points and labels, pool and its labels, classes taking turns so that every prefix is balanced)."""
    rng = np.random.default_rng(seed)
    x, y = two_moons(s.teacher_rows, s.noise, rng)
    pool, labels = two_moons(s.k, s.noise, rng)
    turns = np.argsort(np.concatenate([np.arange(s.k // 2), np.arange(s.k // 2)]), kind="stable")
    return x, y, pool[turns], labels[turns]


class _Learnt(NamedTuple):
    """points (n, 2), soft (n, 2): what a student learnt from. on_mesh (g * g, 2): its log-probabilities on the mesh."""

    points: np.ndarray
    soft: np.ndarray
    on_mesh: np.ndarray


def _students(
    rows: Sequence[tuple[np.ndarray, np.ndarray]], teachers: Sequence[np.ndarray], seeds: Sequence[int], s: Moons, mesh: np.ndarray
) -> list[_Learnt]:
    """One a draw. Hard labels are the teacher's classes: in this plane there are no gold labels for moved points."""
    soft = _logprobs(teachers, np.stack([x for x, _ in rows]))
    nets = _train([(x, t.argmax(-1), t) for (x, _), t in zip(rows, soft)], STUDENT_HIDDEN, s.student_steps, seeds, s, s.weight_decay)
    shown = _logprobs(nets, np.broadcast_to(mesh, (len(rows), *mesh.shape)))
    return [_Learnt(x, t, z) for (x, _), t, z in zip(rows, soft, shown)]


def _judged(learnt: _Learnt, n_cf: int, teacher_on_mesh: np.ndarray, line: np.ndarray, axes: Sequence[np.ndarray], s: Moons) -> Student:
    points, soft, on_mesh = learnt
    boundary = boundary_points(axes[0], axes[1], on_mesh.reshape(s.grid, s.grid, -1))
    width = float(np.hypot(np.ptp(axes[0]), np.ptp(axes[1])))
    distance = set_distance(line, boundary) or SetDistance(width, width, width, len(line), 0)
    regions, is_cf = on_mesh.argmax(-1), np.arange(len(points)) >= len(points) - n_cf
    return Student(
        points,
        soft.argmax(-1),
        is_cf,
        regions.reshape(s.grid, s.grid),
        boundary,
        facing_distance(line, boundary, width),
        distance,
        float((regions == teacher_on_mesh.argmax(-1)).mean()),
    )


def _train(
    rows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray | None]],
    hidden: Sequence[int],
    steps: int,
    seeds: Sequence[int],
    s: Moons,
    decay: float,
) -> list[np.ndarray]:
    """All draws' networks at once, by Adam on a falling rate: [W (S, in, out), b (S, 1, out)] a layer.

    rows: (x, hard, soft or None) a draw. Plain arrays: the networks are too small for a tensor library to help.
    """
    from threadpoolctl import threadpool_limits

    x, hard = np.stack([r[0] for r in rows]).astype(np.float32), np.eye(2, dtype=np.float32)[np.stack([r[1] for r in rows])]
    soft = [r[2] for r in rows if r[2] is not None]
    told = _softmax(np.stack(soft).astype(np.float32) / s.temperature) if soft else None
    sizes, makers = [2, *hidden, 2], [np.random.default_rng([int(seed), len(hidden)]) for seed in seeds]
    theta: list[np.ndarray] = [
        np.stack([m.uniform(-1, 1, shape) / a**0.5 for m in makers]).astype(np.float32)
        for a, b in zip(sizes[:-1], sizes[1:])
        for shape in ((a, b), (1, b))
    ]
    first, second = [np.zeros_like(p) for p in theta], [np.zeros_like(p) for p in theta]
    with threadpool_limits(1, "blas"):
        for step in range(1, steps + 1):
            rate = s.learning_rate * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
            for i, gradient in enumerate(_gradients(theta, x, hard, told, s)):
                gradient = gradient + decay * theta[i]
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                step_size = np.float32(rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step))
                theta[i] = theta[i] - step_size * first[i] / (np.sqrt(second[i]) + 1e-8)
    return theta


def _gradients(theta: Sequence[np.ndarray], x: np.ndarray, hard: np.ndarray, told: np.ndarray | None, s: Moons) -> list[np.ndarray]:
    """d loss / d theta: mean cross-entropy, and kd_weight * T^2 * mean KL(teacher || student) where `told` is given."""
    states = _states(theta, x)
    logits, n = states[-1], x.shape[1]
    slope = _softmax(logits) - hard
    if told is not None:
        slope = slope + s.kd_weight * s.temperature * (_softmax(logits / s.temperature) - told)
    slope = slope / n
    out: list[np.ndarray] = []
    for layer in range(len(theta) // 2 - 1, -1, -1):
        out = [np.swapaxes(states[layer], -1, -2) @ slope, slope.sum(1, keepdims=True), *out]
        if layer:
            slope = (slope @ np.swapaxes(theta[2 * layer], -1, -2)) * (states[layer] > 0)
    return out


def _states(theta: Sequence[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """The input, every hidden layer after its ReLU, and the logits."""
    states = [x]
    for layer in range(len(theta) // 2):
        x = x @ theta[2 * layer] + theta[2 * layer + 1]
        x = np.maximum(x, 0.0) if 2 * layer + 2 < len(theta) else x
        states.append(x)
    return states


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    shares: np.ndarray = e / e.sum(-1, keepdims=True)
    return shares


def _logprobs(theta: Sequence[np.ndarray], points: ArrayLike) -> np.ndarray:
    """(S, n, 2) log-probabilities at points (S, n, 2)."""
    z = _states(theta, np.asarray(points, dtype=np.float64))[-1]
    z = z - z.max(-1, keepdims=True)
    logprobs: np.ndarray = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return logprobs
