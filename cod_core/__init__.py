"""cod_core: few-shot distillation with counterfactual explanations (CoD), as a library.

Importing this package loads neither torch nor transformers nor streamlit; the verbs a person wants
are in `cod_core.workspace`, the values they exchange in `cod_core.types`.
"""

__version__ = "0.1.0"
