"""From a person's parameters to a student's settings, the second rows of control arms and the soft labels.

params["student"]: linear, finetuned, contrastive or retrieval. For all: soft_labels (teacher, off, random, scaled),
cf_share (or "auto"), cf_weight, cf_source. For the linear student: label_prior. For those trained step by step:
method (kd, lwd, ted), encoder, layers, steps, learning_rate, batch_size, hard_loss, kappa, pair_weight, layer_weight,
frozen_layers, lora_rank; recipe() says what stands where they are absent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cod_core.distill.allowed import check_linear, check_objective
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.encoder import DEFAULT_ENCODER, own_revision
from cod_core.text import folded
from cod_core.types import Counterfactual, Example, Origin, RunConfig

STUDENTS = ("linear", "finetuned", "contrastive", "retrieval")


SHARES = ((128, 0.5), (None, 0.125))  # counterfactuals among k rows up to so many rows: docs/experiments.md


NUMBERS = {"temperature": float, "kd_weight": float, "l2": float, "cf_share": float, "cf_weight": float, "label_prior": float}


STEPWISE = {
    "steps": int,
    "learning_rate": float,
    "batch_size": int,
    "layer_weight": float,
    "kappa": float,
    "pair_weight": float,
    "frozen_layers": int,
    "lora_rank": int,
}


OTHERWISE = {"steps": 60, "learning_rate": 5e-5}


RECIPES = {  # of the packaged encoder, all its layers kept: what docs/experiments.md measured
    "finetuned": {"frozen_layers": 4, "steps": 40, "learning_rate": 1e-4},
    "contrastive": {"frozen_layers": 2, "steps": 20, "learning_rate": 1e-4},
}


CHECKED = dict(arm="kd", shots=2, seed=0, teacher_id="", teacher_revision="", data_hash="")


def student_settings(params: Mapping) -> dict:
    """The RunConfig fields that `params` decide, other than rows and teacher. Raises BadInput before anything runs."""
    kind, encoder = params.get("student", "linear"), str(params.get("encoder") or DEFAULT_ENCODER)
    if kind not in STUDENTS:
        raise BadInput(f"There is no student called {kind!r}. Choose one of: {', '.join(STUDENTS)}.")
    given = {k: v for k, v in params.items() if v is not None}
    out: dict = {"method": given.get("method", "kd"), "encoder": encoder, "student": kind}
    if revision := own_revision(encoder):
        out["encoder_revision"] = revision
    numbers = {
        name: as_number(name, given[name], cast)
        for name, cast in (NUMBERS | STEPWISE).items()
        if name in given and (name, given[name]) != ("cf_share", "auto")
    }
    out |= {name: value for name, value in numbers.items() if name in NUMBERS}
    out |= {name: str(given[name]) for name in ("soft_labels", "hard_loss", "cf_source") if name in given}
    if "micro_batch" in given and as_number("micro_batch", given["micro_batch"], int) < 0:
        raise BadInput(f"micro_batch is 0 (what fits) or more, got {given['micro_batch']}.")
    if out.get("soft_labels") == "off":
        out["kd_weight"] = 0.0
    if kind in ("finetuned", "contrastive"):
        from cod_core.distill.finetuned import student_name

        out["student"] = student_name(encoder, as_layers(given.get("layers")), kind)
        out |= recipe(kind, encoder, given.get("layers"), out["method"])
        out |= {name: value for name, value in numbers.items() if name in STEPWISE}
    else:
        out |= {name: value for name, value in numbers.items() if name == "pair_weight" and value}
        strange = [name for name in STEPWISE if name in given and name != "pair_weight"] + ["layers"] * bool(given.get("layers"))
        if strange:
            raise BadInput(
                f"{', '.join(strange)}: only students that are trained step by step have such a setting. "
                f"Choose the student finetuned or contrastive, or leave it out for {kind}."
            )
    if kind != "linear":
        out.pop("label_prior", None)
    config = RunConfig(**CHECKED, **out)
    (check_objective if kind == "finetuned" else check_linear)(config)
    return out


def as_number(name: str, value, cast: type):
    """A setting as a finite number, a whole one where `cast` is int. Raises BadInput."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or cast is int and number != int(number):
        raise BadInput(f"{name} must be a {'whole ' if cast is int else ''}number, not {value!r}.")
    return cast(number)


def as_layers(value) -> list[int] | None:
    """Layers kept, None for all. Raises BadInput where it is no list of whole numbers."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise BadInput(f"layers must be a list of whole numbers, such as 1,3,5, not {value!r}.")
    return [as_number("layers", one, int) for one in value]


def recipe(kind: str, encoder: str = DEFAULT_ENCODER, layers: Sequence[int] | None = None, method: str = "kd") -> dict:
    """The settings of a student trained step by step, where nothing else is asked for. Layer methods freeze nothing."""
    known = encoder == DEFAULT_ENCODER and layers is None and method == "kd"
    return {**(RECIPES[kind] if known else OTHERWISE), "batch_size": 16 if kind == "finetuned" else 32}


def recipe_of(student: str, encoder: str = "") -> dict:
    """The settings of such a student where nothing else is asked for; {} for those solved in one step."""
    return recipe(student, *([encoder] if encoder else [])) if student in RECIPES else {}


def check_student(params: Mapping) -> None:
    """Raises BadInput, ModelUnavailable where no student of these parameters can be made: to be asked before a job starts."""
    from cod_core.models.encoder import split_name

    encoder = student_settings(params)["encoder"]
    if split_name(encoder)[0] != DEFAULT_ENCODER:
        from cod_core.models.memory import size_of

        size_of(encoder)


@dataclass(frozen=True)
class Memory:
    """Bytes a training step needs and bytes free; rows: texts a forward pass that fit, 0 where too few do."""

    need: int
    free: int
    rows: int

    @property
    def sentence(self) -> str:
        gb = 1 << 30
        said = f"Training needs about {self.need / gb:.1f} GB of memory; {self.free / gb:.1f} GB are free."
        return said if self.rows else (said + " Choose a smaller model, freeze more of its layers, or shorten the longest texts.")


def memory_for(settings: Mapping, longest_text: int) -> Memory:
    """What one step of a student's training takes. settings: as student_settings gives them. longest_text: characters.

    Minibatches that do not fit are split, which changes no result; but not the contrastive student's, which compares all texts
    of a minibatch. Raises ModelUnavailable for an unknown encoder.
    """
    from cod_core.models.device import best_device
    from cod_core.models.memory import free_bytes, rows_that_fit, size_of, training_bytes
    from cod_core.models.trainable import LORA_ABOVE, LORA_RANK

    size, batch = size_of(settings["encoder"]), int(settings.get("batch_size") or 16)
    tokens = min(256, max(16, longest_text // 3))
    options = {
        "frozen_layers": int(settings.get("frozen_layers", 0)),
        "half": best_device().type == "cuda",
        "lora_rank": int(settings.get("lora_rank") or (LORA_RANK if size.parameters > LORA_ABOVE else 0)),
    }
    free = free_bytes()
    rows = rows_that_fit(size, batch, tokens, free, **options)
    whole = str(settings["student"]).startswith("contrastive")
    if whole and rows < batch:
        rows = 0
    return Memory(training_bytes(size, rows or (batch if whole else 2), tokens, **options), free, rows)


def shots_by_share(params: Mapping, shots: Sequence[int]) -> dict[float | None, list[int]]:
    """Share of counterfactuals -> the k it is for. One group (None: as the settings say) unless cf_share is "auto".

    "auto" takes half of the rows up to 128 and an eighth above: with many real rows of one's own, half of them is too
    much to give up for counterfactuals. It is the contrastive student's usual one: at 256 rows half of them made it worse.
    """
    share = params.get("cf_share")
    if share is None and params.get("student") == "contrastive":
        share = "auto"
    if share != "auto":
        return {None: list(shots)}
    out: dict[float | None, list[int]] = {}
    for k in shots:
        out.setdefault(next(share for limit, share in SHARES if limit is None or k <= limit), []).append(k)
    return out


def to_all_classes(
    current, pairs: Mapping[str, Counterfactual], labels: Sequence[str], judged: frozenset[str] = frozenset()
) -> dict[str, tuple]:
    """Kept text -> its kept counterfactual and the best verified one to each further class, in the order of labels.

    What the person rejected is not among them: the live decision of a kept text is its acceptance. judged: texts (folded)
    that are left out.
    """
    from cod_core.counterfactuals.verify import first_offer

    by_example: dict[str, list[Counterfactual]] = {}
    for cf in current.counterfactuals:
        if cf.example_id in pairs and cf.id in current.checks and current.checks[cf.id].valid and folded(cf.text) not in judged:
            by_example.setdefault(cf.example_id, []).append(cf)
    out = {}
    for id, kept in pairs.items():
        best = {kept.target: kept}
        for cf in first_offer(by_example.get(id, []), current.checks):
            best.setdefault(cf.target, cf)
        out[id] = tuple(best[label] for label in labels if label in best)
    return out


def tightened(current, pairs: Mapping[str, Counterfactual], judged: frozenset[str] = frozenset()) -> dict[str, Counterfactual]:
    """For each kept counterfactual the valid one derived from it with the fewest edits; itself where none is smaller.

    judged: texts (folded) that are left out. Raises NotEnoughData where nothing was ever tightened: the arm would only
    repeat cod.
    """
    best = dict(pairs)
    smaller = 0
    for cf in current.counterfactuals:
        check = current.checks.get(cf.id)
        kept = pairs.get(cf.example_id)
        if kept is None or check is None or not check.valid or cf.derived_from != kept.id or folded(cf.text) in judged:
            continue
        now = current.checks.get(best[cf.example_id].id)
        if now is None or check.token_edits < now.token_edits:
            best[cf.example_id], smaller = cf, smaller + 1
    if not smaller:
        raise NotEnoughData("No counterfactual has been tightened yet, so the arm 'tightened' would repeat 'cod'.")
    return best


def swapped(teacher, pool: Mapping[str, Example], pairs: Mapping[str, Counterfactual]) -> dict[str, Counterfactual]:
    """The control of ordinary augmentation: as many words as the counterfactual changed, replaced at random.

    The label is the teacher's on the changed text.
    """
    from cod_core.distill.augment import random_swap, vocabulary

    words = vocabulary(e.text for e in pool.values())
    texts = {id: random_swap(pool[id].text, pairs[id].text, words, id) for id in sorted(pairs) if id in pool}
    labels = [p.label for p in teacher.predict(list(texts.values()))]
    return {
        id: Counterfactual(f"swap-{id}", id, text, pairs[id].source, label, Origin("search", "random word swap"))
        for (id, text), label in zip(texts.items(), labels)
    }
