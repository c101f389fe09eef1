"""Plain values become plotly figures that read in light and dark. Knows no store, no model, no screen.

Colours are Okabe and Ito's (2008), told apart by dash and marker too. Texts in hovers are escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

ARM_STYLE = {
    "kd": ("Your texts only", "#E69F00", "dash", "circle"),
    "half": ("Half of your texts", "#999999", "dot", "x"),
    "cod": ("Half texts, half counterfactuals", "#0072B2", "solid", "square"),
    "cod_plus": ("Texts plus their counterfactuals", "#009E73", "dashdot", "diamond"),
}
_GRID = "rgba(128,128,128,0.25)"


def _layout(figure, title_x: str, title_y: str, **more):
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", margin={"l": 8, "r": 8, "t": 8, "b": 8}, height=360,
        legend={"orientation": "h", "y": -0.25}, hovermode="closest", **more)
    figure.update_xaxes(title=title_x, gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title=title_y, gridcolor=_GRID, zeroline=False)
    return figure


def _curve(rows: Sequence[Mapping[str, Any]], key: str, spread: str, title: str, lines: Sequence[tuple[str, float | None, str]]):
    import plotly.graph_objects as go

    figure = go.Figure()
    ks = sorted({row["k"] for row in rows})
    for arm, (name, colour, dash, symbol) in ARM_STYLE.items():
        found = sorted((r for r in rows if r["arm"] == arm and r.get(key) is not None), key=lambda r: r["k"])
        if not found:
            continue
        x, y = [r["k"] for r in found], [r[key] for r in found]
        half = [r.get(spread) or 0.0 for r in found]
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        figure.add_scatter(x=x + x[::-1], y=[a + b for a, b in zip(y, half)] + [a - b for a, b in zip(y, half)][::-1],
                           fill="toself", fillcolor=f"rgba({red},{green},{blue},0.12)", line={"width": 0},
                           hoverinfo="skip", showlegend=False, legendgroup=arm)
        figure.add_scatter(
            x=x, y=y, name=name, legendgroup=arm, mode="lines+markers", line={"color": colour, "dash": dash, "width": 2.5},
            marker={"symbol": symbol, "size": 9, "color": colour},
            customdata=[[r["n_seeds"], r.get("rows", r["k"])] for r in found],
            hovertemplate="%{y:.1%} with k = %{x}<br>%{customdata[1]} training rows, %{customdata[0]} draws<extra>"
            + escape(name) + "</extra>")
    for name, value, dash in lines:
        if value is not None:
            figure.add_hline(y=value, line={"dash": dash, "width": 1, "color": "gray"}, annotation_text=escape(name),
                             annotation_position="top left")
    _layout(figure, "k (rows of the comparison)", title)
    figure.update_xaxes(type="log", tickvals=ks, ticktext=[str(k) for k in ks])
    figure.update_yaxes(tickformat=".0%")
    return figure


def accuracy_curve(rows: Sequence[Mapping[str, Any]], teacher: float | None = None, majority: float | None = None):
    """Accuracy against k, a line an arm with a band of one standard deviation over draws.

    rows: {arm, k, mean, std, n_seeds}; cod_plus stands at its real rows. teacher, majority: horizontal lines.
    """
    return _curve(rows, "mean", "std", "Accuracy on test texts",
                  [("teacher", teacher, "dash"), ("always the commonest label", majority, "dot")])


def agreement_curve(rows: Sequence[Mapping[str, Any]]):
    """Agreement with the teacher against k. rows: {arm, k, agreement, agreement_std, n_seeds}."""
    return _curve(rows, "agreement", "agreement_std", "Same answer as the teacher", [])


def margin_histogram(originals: Sequence[float], cfes: Sequence[float]):
    """How far originals and counterfactuals lie from the teacher's decision line, in log-odds towards the
    source class: originals right of 0, counterfactuals left of it."""
    import plotly.graph_objects as go

    figure = go.Figure()
    low, high = min([*originals, *cfes, 0.0]), max([*originals, *cfes, 0.0])
    bins = {"start": low, "end": high + 1e-9, "size": max((high - low) / 30, 1e-6)}
    for name, values, colour, pattern in (("Originals", originals, "#E69F00", ""), ("Counterfactuals", cfes, "#0072B2", "/")):
        figure.add_histogram(x=list(values), name=name, xbins=bins, opacity=0.7,
                             marker={"color": colour, "pattern": {"shape": pattern}},
                             hovertemplate="%{y} texts near %{x:.1f}<extra>" + name + "</extra>")
    figure.add_vline(x=0, line={"dash": "dash", "color": "gray"}, annotation_text="decision line")
    return _layout(figure, "How sure the teacher is of the original label (log-odds)", "Texts", barmode="overlay")


def crossing_gap_plot(gaps: Mapping[str, Sequence[float]], censored: Mapping[str, float] | None = None):
    """Distance between the teacher's and the student's crossing, a box an arm, in units of the median pair.

    gaps: arm -> values. censored: arm -> share of pairs at their full length, shown in the name.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for arm, values in gaps.items():
        name, colour, _, symbol = ARM_STYLE.get(arm, (arm, "#CC79A7", "solid", "circle"))
        share = f"<br>({censored[arm]:.0%} miss an end)" if censored and arm in censored else ""
        figure.add_box(y=list(values), name=escape(name) + share, marker={"color": colour, "symbol": symbol},
                       boxmean=True, boxpoints=False)
    return _layout(figure, "", "Gap between teacher's and student's line", showlegend=False)


def verdict_bars(labels: Sequence[str], before: Sequence[float], after: Sequence[float]):
    """Probabilities of each label before and after an edit, with the even-odds line."""
    import plotly.graph_objects as go

    figure = go.Figure()
    names = [escape(label) for label in labels]
    for name, values, colour, pattern in (("before", before, "#E69F00", ""), ("after", after, "#0072B2", "/")):
        figure.add_bar(y=names, x=list(values), name=name, orientation="h",
                       marker={"color": colour, "pattern": {"shape": pattern}})
    figure.add_vline(x=0.5, line={"dash": "dash", "color": "gray"})
    _layout(figure, "Probability", "", barmode="group")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    return figure
