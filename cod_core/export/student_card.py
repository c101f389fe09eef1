"""The card of a student: front matter that the hub and other tools read, what it is, its figures, how it is loaded. Knows no file."""

import json
from collections.abc import Mapping, Sequence

from cod_core.export.card import escaped, one_line

_METRICS = {"accuracy": "accuracy", "macro_f1": "f1", "mcc": "matthews_correlation"}


def front_matter(library: str, info: Mapping[str, object], name: str = "student") -> str:
    """YAML of a model card (https://huggingface.co/docs/hub/model-cards): the library, the task, the figures on the test texts.

    info: what the card says; of the values that are themselves mappings, those that hold an accuracy are figures.
    """
    lines = ["---", f"library_name: {library}", "pipeline_tag: text-classification", "tags:", "- counterfactual", "- distillation"]
    told = [(key, value) for key, value in info.items() if isinstance(value, Mapping) and "accuracy" in value]
    if told:
        lines += ["model-index:", f"- name: {json.dumps(one_line(name))}", "  results:"]
    for key, value in told:
        lines += [
            "  - task:",
            "      type: text-classification",
            "    dataset:",
            f"      name: {json.dumps(one_line(key))}",
            "      type: private",
            "    metrics:",
        ]
        for ours, theirs in _METRICS.items():
            if isinstance(x := value.get(ours), int | float):
                lines += [f"    - type: {theirs}", f"      value: {round(float(x), 4)}"]
    return "\n".join([*lines, "---", ""])


def card(
    labels: Sequence[str],
    info: Mapping[str, object],
    note: str,
    needs: str,
    code: str,
    library: str,
    after: str = "",
    language: str = "python",
) -> str:
    """README.md of a student's folder. note: what lies in it. needs: packages to install. code: how it is loaded, a dozen lines.
    after: Markdown that comes last."""
    facts = "".join(f"| {escaped(key)} | {escaped(value)} |\n" for key, value in _facts(info))
    table = f"\n| | |\n|---|---|\n{facts}" if facts else ""
    return f"""{front_matter(library, info)}
# A small text classifier

It tells {len(labels)} classes apart: {", ".join(map(escaped, labels))}. {note}
It was distilled from a teacher model with few texts; judge it on texts of your own before you rely on it.
{table}
Install `{needs}`, then, in this folder:

```{language}
{code}
```
{after}"""


def _facts(info: Mapping[str, object]) -> list[tuple[str, object]]:
    """The README's rows: scores that stand together under one name become a row each, numbers to three digits."""
    out: list[tuple[str, object]] = []
    for key, value in info.items():
        inside = [(f"{key}: {name}", x) for name, x in value.items()] if isinstance(value, Mapping) else [(key, value)]
        for name, x in inside:
            number = (int(x) if x.is_integer() else f"{x:.3g}") if isinstance(x, float) else x
            out.append((name.replace("_", " "), number))
    return out
