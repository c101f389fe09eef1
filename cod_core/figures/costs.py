"""What a student cost against what it is right on: electricity and money, on axes that read in round numbers."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from cod_core.figures.basics import layout, style_of
from cod_core.said import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

COST_UNITS = ((1e3, "Wh"), (1e6, "mWh"), (1e9, "µWh"))


def cost_plot(rows: Sequence[Mapping[str, Any]], key: str = "kwh") -> "go.Figure":
    """Accuracy against what a student cost: one point an arm and number of training rows.

    rows: arm, rows, accuracy, and key (kwh or usd); those without a number for key are left out. An estimate of
    electricity is labelled as one, and in the largest unit that makes the dearest student more than 1.
    """
    import plotly.graph_objects as go

    figure, rows = go.Figure(), [r for r in rows if r.get(key) is not None]
    scale, unit = _unit_of(rows, key)
    for arm in dict.fromkeys(row["arm"] for row in rows):
        found = sorted((r for r in rows if r["arm"] == arm), key=lambda r: r["rows"])
        _add_costs(figure, arm, found, key, scale, unit)
    title = (
        say("Electricity of one student, {unit} (an estimate)", unit=unit)
        if key == "kwh"
        else say("Counterfactuals of one student, US cents")
    )
    layout(figure, title, say("Accuracy on test texts"))
    _scale_costs(figure, [scale * r[key] for r in rows])
    figure.update_yaxes(tickformat=".0%")
    return figure


def _unit_of(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[float, str]:
    """(units in one kWh or dollar, the unit's name): the largest of which the dearest row takes 1 or more."""
    if key != "kwh":
        return 100.0, say("US cent")
    dearest = max((r[key] for r in rows), default=0.0)
    return next(((scale, unit) for scale, unit in COST_UNITS if dearest * scale >= 1), COST_UNITS[-1])


def _add_costs(figure: "go.Figure", arm: str, found: Sequence[Mapping[str, Any]], key: str, scale: float, unit: str) -> None:
    """The line of one arm: a point a number of rows."""
    name, colour, dash, symbol = style_of(arm)
    gained = [
        say("{points:,.0f} points of accuracy a {unit}", points=100 * r["accuracy"] / (scale * r[key]), unit=unit)
        if r[key]
        else say("free")
        for r in found
    ]
    figure.add_scatter(
        x=[scale * r[key] for r in found],
        y=[r["accuracy"] for r in found],
        name=name,
        mode="lines+markers+text",
        text=[str(r["rows"]) for r in found],
        textposition="top center",
        line={"color": colour, "dash": dash, "width": 1.5},
        marker={"symbol": symbol, "size": 9, "color": colour},
        customdata=[[g] for g in gained],
        hovertemplate=say(
            "%{{y:.1%}} with %{{text}} rows, %{{x:.3g}} {unit}<br>%{{customdata[0]}}<extra>{name}</extra>", unit=unit, name=name
        ),
    )


def _scale_costs(figure: "go.Figure", spent: Sequence[float]) -> None:
    """A logarithmic axis with numbers on it, where every cost is above 0."""
    if spent and min(spent) > 0:
        low, high = min(spent) / 1.1, max(spent) * 1.1
        ticks = log_ticks(low, high)
        figure.update_xaxes(type="log", range=[log10(low), log10(high)], tickvals=ticks, ticktext=[f"{t:,g}" for t in ticks])


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, both positive: 1, 2, 5, 10 … where three of them fit, else even steps, two or more."""
    ticks = [m * 10.0**e for e in range(floor(log10(low)), ceil(log10(high)) + 1) for m in (1, 2, 5)]
    ticks = [t for t in ticks if low <= t <= high]
    if len(ticks) >= 3:
        return ticks
    least = (high - low) / 6
    unit = 10.0 ** floor(log10(least))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= least)
    return [n * step for n in range(ceil(low / step), floor(high / step) + 1)]
