"""The kinds of student there are, and what each can do. Plain values: no model, no training.

RunConfig.student is 'linear', 'retrieval', 'finetuned:<encoder>:<layers>' or 'contrastive:<encoder>:<layers>'; it is taken
apart here and nowhere else. A decoder is trained as the fine-tuned student of a model that happens to be one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cod_core.errors import BadInput
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.said import msg, say
from cod_core.types import RunConfig

UNMEASURED = {"steps": 60, "learning_rate": 5e-5}  # of any encoder but the packaged one, or of some of its layers


@dataclass(frozen=True)
class StudentKind:
    """One kind of student. title: in plain words.

    solved: found in one step, without gradient steps, layers, steps and rates to set. head: a finished one is W and b on frozen
    embeddings. reads_any_text: a finished one is a model that reads any text; else it votes among stored texts. exact: its head is solved
    exactly, for cross-entropy and soft labels only. label_prior, row_weights: it heeds RunConfig.label_prior, cf_weight.
    splits_batches: a minibatch that does not fit may be split. onnx: can be taken away as ONNX.
    block: cells that one piece of a grid holds. batch_size: rows a minibatch. cf_share: of counterfactuals where none is asked for.
    measured: the recipe of the packaged encoder, all its layers kept (docs/experiments.md).
    place: among those that the Distil page offers, from 1 on, 0 where it offers it not. called, offer, explained: its name there,
    on its button, and what it is good for, in plain words. one: its name within a sentence. draws: how many are usual.
    """

    name: str
    title: str
    solved: bool = False
    head: bool = False
    reads_any_text: bool = True
    exact: bool = True
    label_prior: bool = False
    row_weights: bool = False
    splits_batches: bool = False
    onnx: bool = True
    block: int = 1
    batch_size: int = 0
    cf_share: str | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    place: int = 0
    called: str = msg("Student")
    one: str = msg("a student")
    offer: str = ""
    explained: str = ""
    draws: int = 10

    def recipe(self, encoder: str = DEFAULT_ENCODER, layers: Sequence[int] | None = None, method: str = "kd") -> dict[str, Any]:
        """The settings of a student trained step by step, where nothing else is asked for; {} for those solved in one step.

        Layer methods freeze nothing.
        """
        if self.solved:
            return {}
        known = encoder == DEFAULT_ENCODER and layers is None and method == "kd"
        return {**(self.measured if known else UNMEASURED), "batch_size": self.batch_size}

    def student(self, encoder: str, layers: Sequence[int] | None = None) -> str:
        """RunConfig.student of such a student. layers kept: 0-based, None for all."""
        return self.name if self.solved else f"{self.name}:{encoder}:{'all' if layers is None else ','.join(map(str, layers))}"


LINEAR = StudentKind(
    "linear",
    "Linear student",
    solved=True,
    head=True,
    label_prior=True,
    row_weights=True,
    block=20,
    place=1,
    called=msg("Quick student"),
    one=msg("a quick student"),
    offer=msg("Quick (seconds)"),
    explained=msg("A light classifier on fixed sentence features. Trained many times over, so that chance is averaged out."),
    draws=20,
)
FINETUNED = StudentKind(
    "finetuned",
    "Fine-tuned student",
    exact=False,
    row_weights=True,
    splits_batches=True,
    batch_size=16,
    measured={"frozen_layers": 4, "steps": 40, "learning_rate": 1e-4},
    place=3,
    called=msg("Thorough student"),
    one=msg("a thorough student"),
    offer=msg("Thorough (minutes to hours)"),
    explained=msg("A language model whose upper layers are trained on. Slower; best with a graphics card."),
)
CONTRASTIVE = StudentKind(
    "contrastive",
    "Contrastive student",
    batch_size=32,
    cf_share="auto",
    measured={"frozen_layers": 2, "steps": 20, "learning_rate": 1e-4},
    place=2,
    called=msg("Strong student"),
    one=msg("a strong student"),
    offer=msg("Strong (minutes)"),
    explained=msg("A language model that learns to tell each text from its counterfactual. Meant for very few texts."),
)
RETRIEVAL = StudentKind("retrieval", "Vote of the nearest texts", solved=True, reads_any_text=False, onnx=False, block=50)
KINDS = {kind.name: kind for kind in (LINEAR, FINETUNED, CONTRASTIVE, RETRIEVAL)}
OFFERED = sorted((kind for kind in KINDS.values() if kind.place), key=lambda kind: kind.place)


def kind_of(student: str | RunConfig) -> StudentKind:
    """The kind of a student, given its RunConfig, RunConfig.student or the kind's own name. Raises BadInput for an unknown one."""
    name = (student if isinstance(student, str) else student.student).partition(":")[0]
    if name not in KINDS:
        raise BadInput(say("There is no student called {name!r}. Choose one of: {kinds}.", name=name, kinds=", ".join(KINDS)))
    return KINDS[name]


def student_name(encoder: str, layers: Sequence[int] | None = None, kind: str = FINETUNED.name) -> str:
    """RunConfig.student: '<kind>:<encoder>:<layers>'. layers kept: 0-based, None for all."""
    return KINDS[kind].student(encoder, layers)


def parse_student(name: str) -> tuple[str, list[int] | None]:
    """(encoder, layers) of such a name. Raises BadInput where it is none."""
    kind, _, rest = name.partition(":")
    encoder, _, layers = rest.rpartition(":")
    trained = kind in KINDS and not KINDS[kind].solved
    if not trained or not encoder or not (layers == "all" or all(p.isdigit() for p in layers.split(","))):
        raise BadInput(f"Expected a student like 'finetuned:all-MiniLM-L6-v2:1,3,5', got {name!r}.")
    return encoder, None if layers == "all" else [int(p) for p in layers.split(",")]
