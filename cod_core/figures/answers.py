"""Figures of answers: confusion by class pair, the worth of each counterfactual, differences with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cod_core.figures.basics import ABOVE, ARM_STYLE, GREY, MODEBAR, hover_text, layout
from cod_core.said import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

FEW, NUMBERED = 6, 12  # labels with large numbers in their cells, with any; more stand one matrix above the other, without
NAMES = 190  # pixels for the names under a matrix of many labels
STRONG = 0.6  # from this share on white reads better on the cell than dark blue does


def confusion_plot(labels: Sequence[str], confusion: Mapping[str, Sequence[Sequence[float]]]) -> "go.Figure":
    """For each true class the share that students gave to each class, KD beside CoD. confusion: arm -> (C, C) shares.

    Of many labels those that are mixed up most come first, and one matrix stands above the other.
    """
    n = len(labels)
    many = n > NUMBERED
    order = _most_mixed_up(confusion, n) if many else list(range(n))
    figure = _matrices(confusion, [hover_text(labels[i]) for i in order], order, many)
    side = max(14 * n, 240) if many else 150 + 70 * n if n <= FEW else 110 + 40 * n
    figure.update_layout(
        modebar=MODEBAR,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=len(confusion) * (side + NAMES) if many else side + 80,
        margin={"l": 8, "r": 8, "t": 32 + ABOVE, "b": 8},
    )
    figure.update_xaxes(automargin=True, showgrid=False)
    figure.update_yaxes(automargin=True, showgrid=False)
    return figure


def _matrices(confusion: Mapping[str, Sequence[Sequence[float]]], names: list[str], order: list[int], many: bool) -> "go.Figure":
    """One matrix an arm, its labels in this order: side by side, or one above the other where there are many."""
    from plotly.subplots import make_subplots

    titles, n = [say(ARM_STYLE[arm][0]) for arm in confusion], len(names)
    if many:
        gap = min(0.3, NAMES / (len(titles) * (max(14 * n, 240) + NAMES)))
        figure = make_subplots(len(titles), 1, subplot_titles=titles, vertical_spacing=gap)
    else:
        figure = make_subplots(1, len(titles), subplot_titles=titles, horizontal_spacing=0.18)
    small = {"tickfont": {"size": 9}, "dtick": 1} if many else {}
    for number, shares in enumerate(confusion.values(), 1):
        place = {"row": number, "col": 1} if many else {"row": 1, "col": number}
        rows = [[float(shares[i][j]) for j in order] for i in order]
        figure.add_trace(_matrix(rows, names, 1 if many else 2), **place)
        if not many:
            _write_shares(figure, rows, names, place)
        figure.update_xaxes(title=say("Student says"), **small, **place)
        figure.update_yaxes(title=say("Truly") if place["col"] == 1 else "", autorange="reversed", **small, **place)
    return figure


def _matrix(rows: list[list[float]], names: list[str], gap: int) -> "go.Heatmap":
    import plotly.graph_objects as go

    return go.Heatmap(
        x=names,
        y=names,
        z=rows,
        zmin=0,
        zmax=1,
        showscale=False,
        colorscale=[[0, "#EAF2F8"], [1, "#004C78"]],
        xgap=gap,
        ygap=gap,
        hovertemplate=say("truly %{y}, called %{x}: %{z:.1%}<extra></extra>"),
    )


def _write_shares(figure: "go.Figure", rows: list[list[float]], names: list[str], place: Mapping[str, int]) -> None:
    """The number of each cell, in it."""
    size = 15 if len(names) <= FEW else 10
    for i, row in enumerate(rows):
        for j, v in enumerate(row):
            font = {"size": size, "color": "#FFFFFF" if v > STRONG else "#06202F"}
            figure.add_annotation(x=names[j], y=names[i], text=f"{v:.0%}", showarrow=False, font=font, **place)


def _most_mixed_up(confusion: Mapping[str, Sequence[Sequence[float]]], n: int) -> list[int]:
    """Positions of the labels, those first that are missed or wrongly said most often."""
    wrong = [sum(rows[i][j] + rows[j][i] for rows in confusion.values() for j in range(n) if j != i) for i in range(n)]
    return sorted(range(n), key=lambda i: -wrong[i])


def worth_plot(values: Sequence[Mapping[str, Any]]) -> "go.Figure":
    """A bar a kept counterfactual, best first: how much higher the development loss is without it, in nats.

    values: {id, text, counterfactual, nll}; customdata[0] is the text's id.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    n = sum(v["nll"] > 0 for v in values)
    helped_by, harmed_by = say("helped ({texts})", texts=n), say("did harm ({texts})", texts=len(values) - n)
    for helped, name, colour, pattern in ((True, helped_by, ARM_STYLE["cod"][1], ""), (False, harmed_by, "#D55E00", "/")):
        some = [(i, v) for i, v in enumerate(values, 1) if (v["nll"] > 0) == helped]
        figure.add_bar(
            x=[i for i, _ in some],
            y=[v["nll"] for _, v in some],
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}, "line": {"width": 0}},
            customdata=[[v["id"], hover_text(v["text"][:160]), hover_text(v["counterfactual"][:160])] for _, v in some],
            hovertemplate=say("%{customdata[1]}<br>→ %{customdata[2]}<br>%{y:+.5f} nats<extra></extra>"),
        )
    layout(figure, say("Your counterfactuals, the most useful first"), say("What the student gains from it"), bargap=0.1)
    figure.update_layout(clickmode="event+select")
    return figure


def effect_plot(rows: Sequence[Mapping[str, Any]], title: str) -> "go.Figure":
    """Differences with their 95 % intervals in points, one a line. rows: {name, mean, low, high}, shares in [-1, 1]."""
    import plotly.graph_objects as go

    names = [hover_text(r["name"]) for r in rows]
    known = [r["low"] is not None for r in rows]
    figure = go.Figure(
        go.Scatter(
            x=[100 * r["mean"] for r in rows],
            y=names,
            mode="markers",
            marker={"size": 10, "color": ARM_STYLE["cod"][1]},
            error_x={
                "type": "data",
                "symmetric": False,
                "color": ARM_STYLE["cod"][1],
                "array": [100 * (r["high"] - r["mean"]) if k else 0 for r, k in zip(rows, known)],
                "arrayminus": [100 * (r["mean"] - r["low"]) if k else 0 for r, k in zip(rows, known)],
            },
            hovertemplate=say("%{y}: %{x:+.1f} points<extra></extra>"),
        )
    )
    figure.add_vline(x=0, line={"dash": "dash", "color": GREY})
    layout(figure, title, "", showlegend=False)
    figure.update_layout(height=120 + 44 * len(rows))
    figure.update_xaxes(tickformat="+.1~f")
    figure.update_yaxes(autorange="reversed")
    return figure
