"""cod_core: few-shot distillation with counterfactual explanations (CoD), as a library.

What is named here is stable: it changes with a word in the changelog and a version. Everything else is private, whatever its name.
A `Workspace` gives projects; a `Project` has rooms (`project.curation`, `project.students`), and the verbs of the rooms that
docs/architecture.md lists are stable too. Importing this package loads neither torch nor transformers nor streamlit: each name below
is looked up when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cod_core.counterfactuals.options import GenerateRequest, LlmOptions, SearchOptions, TightenRequest
    from cod_core.data.reading import read_table
    from cod_core.data.tables import guess_columns
    from cod_core.distill.settings import StudentSettings, SweepPlan
    from cod_core.errors import BadInput, Cancelled, CodError, ModelUnavailable, NotEnoughData, Stale
    from cod_core.models.choice import FinetuneOptions, read_choice
    from cod_core.project.project import Project
    from cod_core.types import Counterfactual, Example, FlipCheck, Prediction, RunConfig, Task
    from cod_core.workspace import Workspace

__version__ = "0.1.0"

_PLACES = {
    "cod_core.workspace": ("Workspace",),
    "cod_core.project.project": ("Project",),
    "cod_core.types": ("Task", "Example", "Counterfactual", "FlipCheck", "Prediction", "RunConfig"),
    "cod_core.counterfactuals.options": ("GenerateRequest", "SearchOptions", "LlmOptions", "TightenRequest"),
    "cod_core.models.choice": ("FinetuneOptions", "read_choice"),
    "cod_core.distill.settings": ("SweepPlan", "StudentSettings"),
    "cod_core.data.reading": ("read_table",),
    "cod_core.data.tables": ("guess_columns",),
    "cod_core.errors": ("CodError", "BadInput", "NotEnoughData", "ModelUnavailable", "Stale", "Cancelled"),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [
    "BadInput",
    "Cancelled",
    "CodError",
    "Counterfactual",
    "Example",
    "FinetuneOptions",
    "FlipCheck",
    "GenerateRequest",
    "LlmOptions",
    "ModelUnavailable",
    "NotEnoughData",
    "Prediction",
    "Project",
    "RunConfig",
    "SearchOptions",
    "Stale",
    "StudentSettings",
    "SweepPlan",
    "Task",
    "TightenRequest",
    "Workspace",
    "__version__",
    "guess_columns",
    "read_choice",
    "read_table",
]


def __getattr__(name: str) -> Any:
    """A public name, imported on first use. Raises AttributeError for any other."""
    if name not in _PLACE_OF:
        raise AttributeError(f"module 'cod_core' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
