"""Which settings a student may have: checked before anything is trained. Plain values only."""

from cod_core.distill.kinds import kind_of
from cod_core.errors import BadInput
from cod_core.types import RunConfig

HARD_LOSSES = ("ce", "clamp")
SOFT_LABELS = ("teacher", "off", "random", "scaled")
METHODS = ("kd", "lwd", "ted")


def check_student(config: RunConfig) -> None:
    """Raises BadInput where such a student cannot have these settings, or no student can."""
    (check_linear if kind_of(config).exact else check_objective)(config)


def check_objective(config: RunConfig) -> None:
    """Raises BadInput where the settings name no loss or contradict each other; called before anything is trained."""
    for check in (check_names, check_losses, check_training):
        check(config)
    if config.pair_weight and config.hard_loss == "clamp":
        raise BadInput("The symmetric pair loss compares cross-entropies, which clamping replaces. Choose one of them.")


def check_names(config: RunConfig) -> None:
    """The method, the loss and the soft labels are among those that there are."""
    if config.method not in METHODS:
        raise BadInput(f"There is no method called {config.method!r}. Choose kd, lwd or ted.")
    if config.hard_loss not in HARD_LOSSES:
        raise BadInput(f"There is no hard-label loss called {config.hard_loss!r}. Choose {' or '.join(HARD_LOSSES)}.")
    if config.soft_labels not in SOFT_LABELS:
        raise BadInput(f"Soft labels are one of {', '.join(SOFT_LABELS)}, not {config.soft_labels!r}.")


def check_losses(config: RunConfig) -> None:
    """The terms of the loss have weights for which there is a least value."""
    if not 0 < config.kappa < 1 or config.pair_weight < 0 or config.cf_weight <= 0:
        raise BadInput(
            "kappa lies between 0 and 1, pair_weight is 0 or more, cf_weight more than 0: "
            f"got {config.kappa}, {config.pair_weight}, {config.cf_weight}."
        )
    if config.temperature <= 0 or config.kd_weight < 0 or config.l2 <= 0:
        raise BadInput(
            f"temperature and l2 are more than 0, kd_weight is 0 or more: got {config.temperature}, {config.l2}, {config.kd_weight}."
        )


def check_training(config: RunConfig) -> None:
    """Steps, rates and sizes are those of a training that can run."""
    for name in ("steps", "learning_rate", "batch_size", "layer_weight", "frozen_layers", "lora_rank"):
        if getattr(config, name) < 0:
            raise BadInput(f"{name} is 0 (the usual) or more, got {getattr(config, name)}.")
    if config.batch_size == 1:
        raise BadInput("batch_size is 2 or more, or 0 for the usual: one text has no other to be compared with.")
    if config.label_prior < 0:
        raise BadInput(f"label_prior is 0 (nothing) or more, got {config.label_prior}.")


def check_linear(config: RunConfig) -> None:
    """Raises BadInput for what a student whose head is solved exactly cannot have, and for what none can."""
    check_objective(config)
    if config.method != "kd" or config.hard_loss != "ce" or config.pair_weight:
        raise BadInput(
            "The linear student is solved exactly for cross-entropy and soft labels; layer losses (lwd, ted), clamping "
            "and the pair loss need a student that is trained step by step. Choose the fine-tuned student for them."
        )
    if config.cf_weight != 1 and not kind_of(config).row_weights:
        raise BadInput(
            "A weight for counterfactuals is for linear and fine-tuned students: the contrastive one and the vote "
            "compare texts with each other. Leave cf_weight away."
        )
