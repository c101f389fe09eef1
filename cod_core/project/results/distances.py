"""Tables of what was measured without and with counterfactuals: every distance between the lines, a row each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cod_core.project.results.diagnosis import ArmGaps, GapsAt
from cod_core.said import msg, say

WITHOUT, WITH = msg("without"), msg("with counterfactuals")
DISTANCES = {
    "mean": say("gap, mean"),
    "left_to_right": say("gap, left to right only"),
    "uncensored_mean": say("gap, both ends right"),
    "censored": say("share that misses an end"),
    "hausdorff": say("distance of the lines, largest (sampled)"),
    "hd95": say("distance of the lines, 95th percentile"),
    "chamfer": say("distance of the lines, typical"),
}
SURROGATE = {"angle": say("angle, degrees"), "lower": say("distance is at least")}
INFORMATION = {
    "log_det": say("log det (more is better)"),
    "trace_inverse": say("trace of the inverse (less is better)"),
    "least": say("least eigenvalue (more is better)"),
}


def distances(gap: GapsAt, kd: ArmGaps, cod: ArmGaps, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Every distance between the lines as a row; per class pair where there are more than two labels."""
    rows = both(asdict(kd), asdict(cod), DISTANCES)
    if len(labels) > 2:
        rows += [
            {
                "measure": say("gap, {source} → {target} ({n})", source=labels[c.source], target=labels[c.target], n=c.n),
                WITHOUT: c.kd,
                WITH: c.cod,
            }
            for c in gap.by_class
        ]
    if view := gap.surrogate:
        agrees = {
            key: say("straight-line view (agrees with the teacher on {share:.0%}): {measure}", share=view["agreement"], measure=name)
            for key, name in SURROGATE.items()
        }
        rows += both(view["kd"], view["cod"], agrees)
    return rows


def both(
    kd: Mapping[str, Any], cod: Mapping[str, Any], names: Mapping[str, str], columns: tuple[str, str] = (WITHOUT, WITH)
) -> list[dict[str, Any]]:
    """Rows {measure, columns}, one a name: key of the values -> in words."""
    return [{msg("measure"): name, columns[0]: kd[key], columns[1]: cod.get(key)} for key, name in names.items()]
