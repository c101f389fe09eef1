"""What a person asks of a sweep and of its students, as values: read from a job's or a grid's parameters, checked where made.

None stands for what was not given; StudentKind.recipe says what stands in its place. Knows no store and trains nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from cod_core.distill.allowed import check_student
from cod_core.distill.kinds import KINDS, StudentKind, kind_of
from cod_core.errors import BadInput
from cod_core.models.encoder import DEFAULT_ENCODER, own_revision
from cod_core.types import ALL_ARMS, ARMS, FREE, RunConfig

Number = TypeVar("Number", int, float)
SEEDS = 20
AUTO = "auto"
SHARES = ((128, 0.5), (None, 0.125))  # counterfactuals among k rows up to so many rows: docs/experiments.md
NUMBERS: dict[str, type[float]] = dict.fromkeys(("temperature", "kd_weight", "l2", "cf_share", "cf_weight", "label_prior"), float)
TRAINED: dict[str, type[int] | type[float]] = {  # settings of students that are trained step by step
    "steps": int,
    "learning_rate": float,
    "batch_size": int,
    "layer_weight": float,
    "kappa": float,
    "pair_weight": float,
    "frozen_layers": int,
    "lora_rank": int,
}
WORDS = ("soft_labels", "hard_loss", "cf_source")


@dataclass(frozen=True)
class StudentSettings:
    """How one student is made, rows and teacher apart. student: a name in KINDS. The rest as in RunConfig.

    layers: of the encoder, 0-based, those kept. cf_share: also "auto" (see by_share). micro_batch: rows a forward pass at most,
    0 for what fits; it changes no result and is no part of RunConfig. Raises BadInput for values that no such student can have.
    """

    student: str = "linear"
    method: str | None = None
    encoder: str | None = None
    layers: tuple[int, ...] | None = None
    steps: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    soft_labels: str | None = None
    hard_loss: str | None = None
    kappa: float | None = None
    pair_weight: float | None = None
    layer_weight: float | None = None
    temperature: float | None = None
    kd_weight: float | None = None
    l2: float | None = None
    cf_share: float | str | None = None
    cf_weight: float | None = None
    cf_source: str | None = None
    label_prior: float | None = None
    frozen_layers: int | None = None
    lora_rank: int | None = None
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        kind = self.kind
        if self.micro_batch is not None and self.micro_batch < 0:
            raise BadInput(f"micro_batch is 0 (what fits) or more, got {self.micro_batch}.")
        if kind.solved:
            # a pair_weight is told by check_student, which says why
            strange = [name for name in (*TRAINED, "layers") if getattr(self, name) is not None and name != "pair_weight"]
            if strange:
                raise BadInput(
                    f"{', '.join(strange)}: only students that are trained step by step have such a setting. "
                    f"Choose the student finetuned or contrastive, or leave it out for {kind.name}."
                )
        check_student(RunConfig(arm="kd", shots=2, seed=0, teacher_id="", teacher_revision="", data_hash="", **self._chosen()))

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "StudentSettings":
        """The settings that a flat mapping gives. Raises BadInput, also for a name that is no setting."""
        known(params, STUDENT_NAMES)
        kind = kind_named(params.get("student", cls.student))
        given = {name: value for name, value in params.items() if value is not None}
        out: dict[str, Any] = {name: given[name] for name in ("student", "method") if name in given}
        out |= {name: str(given[name]) for name in ("encoder", *WORDS) if given.get(name) or name in WORDS and name in given}
        for name, cast in (NUMBERS | TRAINED | {"micro_batch": int}).items():
            if name in given:
                out[name] = AUTO if (name, given[name]) == ("cf_share", AUTO) else as_number(name, given[name], cast)
        if not kind.solved:
            out["layers"] = as_layers(given.get("layers"))
        elif given.get("layers"):
            out["layers"] = given["layers"]  # refused, whatever it is
        return cls(**out)

    @property
    def kind(self) -> StudentKind:
        return kind_named(self.student)

    def to_json(self) -> dict[str, Any]:
        """The flat mapping that was given."""
        return plain(self, STUDENT_NAMES)

    def config_fields(self) -> dict[str, Any]:
        """The RunConfig fields that these settings decide: all but those of rows and teacher."""
        revision = own_revision(self.encoder or DEFAULT_ENCODER)
        return self._chosen() | ({"encoder_revision": revision} if revision else {})

    def _chosen(self) -> dict[str, Any]:
        """config_fields without the encoder's revision, which is read off the disk."""
        kind, encoder, method = self.kind, self.encoder or DEFAULT_ENCODER, self.method or "kd"
        out: dict[str, Any] = {"method": method, "encoder": encoder, "student": kind.student(encoder, self.layers)}
        out |= self._given((*NUMBERS, *WORDS))
        if self.cf_share == AUTO:
            del out["cf_share"]
        if self.soft_labels == "off":
            out["kd_weight"] = 0.0
        if not kind.label_prior:
            out.pop("label_prior", None)
        if kind.solved:
            return out | ({"pair_weight": self.pair_weight} if self.pair_weight else {})
        return out | kind.recipe(encoder, self.layers, method) | self._given(TRAINED)

    def _given(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def by_share(self, shots: Sequence[int]) -> dict[float | None, list[int]]:
        """Share of counterfactuals -> the k it is for. One group (None: as the settings say) unless cf_share is "auto".

        "auto" takes half of the rows up to 128 and an eighth above: with many real rows of one's own, half of them is too much
        to give up for counterfactuals. It is the contrastive student's usual one: at 256 rows half of them made it worse.
        """
        if (self.kind.cf_share if self.cf_share is None else self.cf_share) != AUTO:
            return {None: list(shots)}
        out: dict[float | None, list[int]] = {}
        for k in shots:
            out.setdefault(next(share for limit, share in SHARES if limit is None or k <= limit), []).append(k)
        return out


STUDENT_NAMES = tuple(f.name for f in fields(StudentSettings))


@dataclass(frozen=True)
class SweepPlan:
    """Which students a sweep trains: shots x draws x arms of one kind of student.

    shots: all that the data allow where None. seeds: draws, from first_seed on. draw_to, pairs_first: how many rows are drawn, and
    how many of them, the first ones, have a counterfactual, so that sweeps over other shots or arms use the very same draws.
    only: traits that the counterfactuals must have. energy: estimate the electricity too. Raises BadInput for unknown arms, no
    draw, fewer than 2 rows.
    """

    student: StudentSettings = field(default_factory=StudentSettings)
    shots: tuple[int, ...] | None = None
    seeds: int | None = None
    first_seed: int | None = None
    arms: tuple[str, ...] | None = None
    draw_to: int | None = None
    pairs_first: int | None = None
    only: Mapping[str, str] | None = None
    energy: bool | None = None

    def __post_init__(self) -> None:
        if strange := [arm for arm in self.arms or () if arm not in ALL_ARMS]:
            raise BadInput(f"Unknown arms: {', '.join(strange)}. Choose from {', '.join(ALL_ARMS)}.")
        if self.seeds is not None and self.seeds < 1:
            raise BadInput(f"The number of draws must be 1 or more, not {self.seeds}.")
        if any(k < 2 for k in self.shots or ()):
            raise BadInput("The number of training rows must be 2 or more.")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "SweepPlan":
        """The plan that a job's flat parameters give, the student's settings among them. Raises BadInput, also for a name that
        is none of these."""
        known(params, (*SWEEP_NAMES, *STUDENT_NAMES))
        student = StudentSettings.of({name: value for name, value in params.items() if name in STUDENT_NAMES})
        given = {name: value for name, value in params.items() if value is not None and name in SWEEP_NAMES}
        out: dict[str, Any] = {name: as_number(name, given[name], int) for name in COUNTS if name in given}
        if given.get("arms"):
            out["arms"] = tuple(given["arms"])
        if given.get("shots"):
            out["shots"] = tuple(as_number("shots", k, int) for k in given["shots"])
        if given.get("only"):
            out["only"] = dict(given["only"])
        if "energy" in given:
            out["energy"] = bool(given["energy"])
        return cls(student, **out)

    def to_json(self) -> dict[str, Any]:
        """The flat mapping that was given; `of` reads it back."""
        return plain(self, SWEEP_NAMES) | self.student.to_json()

    @property
    def compared(self) -> tuple[str, ...]:
        """The arms, the usual ones where none are given."""
        return self.arms or ARMS

    @property
    def draws(self) -> range:
        """The seeds of the draws."""
        first = self.first_seed or 0
        return range(first, first + (SEEDS if self.seeds is None else self.seeds))


COUNTS = ("seeds", "first_seed", "draw_to", "pairs_first")
SWEEP_NAMES = tuple(f.name for f in fields(SweepPlan) if f.name != "student")


def usual_arms(student: str) -> tuple[str, ...]:
    """What the Distil page and the command compare where nobody chose: the free draw too where students are solved, since these cost
    nothing. Raises BadInput for an unknown kind."""
    return (*ARMS, FREE) if kind_named(student).solved else ARMS


def known(params: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises BadInput that names what is no setting: it would be left out without a word."""
    if unknown := [name for name in params if name not in names]:
        raise BadInput(f"Unknown settings: {', '.join(map(str, unknown))}. Choose from {', '.join(names)}.")


def kind_named(name: str) -> StudentKind:
    """The kind of that very name. Raises BadInput."""
    if name not in tuple(KINDS):
        raise BadInput(f"There is no student called {name!r}. Choose one of: {', '.join(KINDS)}.")
    return kind_of(name)


def as_number(name: str, value: Any, cast: type[Number]) -> Number:
    """A setting as a finite number, a whole one where `cast` is int. Raises BadInput."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or cast is int and number != int(number):
        raise BadInput(f"{name} must be a {'whole ' if cast is int else ''}number, not {value!r}.")
    return cast(number)


def as_layers(value: Any) -> tuple[int, ...] | None:
    """Layers kept, None for all. Raises BadInput where it is no list of whole numbers."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise BadInput(f"layers must be a list of whole numbers, such as 1,3,5, not {value!r}.")
    return tuple(as_number("layers", one, int) for one in value)


def plain(values: Any, names: Sequence[str]) -> dict[str, Any]:
    """Those of a dataclass's fields that hold something, as JSON can hold it."""
    found = {name: getattr(values, name) for name in names if getattr(values, name) is not None}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
