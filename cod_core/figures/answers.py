"""Figures of answers: confusion by class pair, the worth of each counterfactual, differences with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cod_core.figures.basics import ABOVE, ARM_STYLE, GREY, MODEBAR, hover_text, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

STRONG = 0.6  # from this share on white reads better on the cell than dark blue does


def confusion_plot(labels: Sequence[str], confusion: Mapping[str, Sequence[Sequence[float]]]) -> "go.Figure":
    """For each true class the share that students gave to each class, KD beside CoD. confusion: arm -> (C, C) shares."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    arms = list(confusion)
    figure = make_subplots(1, len(arms), subplot_titles=[ARM_STYLE[a][0] for a in arms], horizontal_spacing=0.18)
    names = [hover_text(label) for label in labels]
    for column, arm in enumerate(arms, 1):
        rows = [list(map(float, row)) for row in confusion[arm]]
        figure.add_trace(
            go.Heatmap(
                x=names,
                y=names,
                z=rows,
                zmin=0,
                zmax=1,
                showscale=False,
                colorscale=[[0, "#EAF2F8"], [1, "#004C78"]],
                xgap=2,
                ygap=2,
                hovertemplate="truly %{y}, called %{x}: %{z:.1%}<extra></extra>",
            ),
            1,
            column,
        )
        for i, row in enumerate(rows):
            for j, v in enumerate(row):
                figure.add_annotation(
                    x=names[j],
                    y=names[i],
                    text=f"{v:.0%}",
                    showarrow=False,
                    row=1,
                    col=column,
                    font={"size": 15, "color": "#FFFFFF" if v > STRONG else "#06202F"},
                )
        figure.update_xaxes(title="Student says", row=1, col=column)
        figure.update_yaxes(title="Truly" if column == 1 else "", autorange="reversed", row=1, col=column)
    figure.update_layout(
        modebar=MODEBAR,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=150 + 70 * len(labels) + 80,
        margin={"l": 8, "r": 8, "t": 32 + ABOVE, "b": 8},
    )
    figure.update_xaxes(automargin=True, showgrid=False)
    figure.update_yaxes(automargin=True, showgrid=False)
    return figure


def worth_plot(values: Sequence[Mapping[str, Any]]) -> "go.Figure":
    """A bar a kept counterfactual, best first: how much higher the development loss is without it, in nats.

    values: {id, text, counterfactual, nll}; customdata[0] is the text's id.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for helped, name, colour, pattern in ((True, "helped", ARM_STYLE["cod"][1], ""), (False, "did harm", "#D55E00", "/")):
        some = [(i, v) for i, v in enumerate(values, 1) if (v["nll"] > 0) == helped]
        figure.add_bar(
            x=[i for i, _ in some],
            y=[v["nll"] for _, v in some],
            name=f"{name} ({len(some)})",
            marker={"color": colour, "pattern": {"shape": pattern}, "line": {"width": 0}},
            customdata=[[v["id"], hover_text(v["text"][:160]), hover_text(v["counterfactual"][:160])] for _, v in some],
            hovertemplate="%{customdata[1]}<br>→ %{customdata[2]}<br>%{y:+.5f} nats<extra></extra>",
        )
    layout(figure, "Your counterfactuals, the most useful first", "Worth (nats of development loss)", bargap=0.1)
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
            hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"dash": "dash", "color": GREY})
    layout(figure, title, "", showlegend=False)
    figure.update_layout(height=120 + 44 * len(rows))
    figure.update_xaxes(tickformat="+.1~f")
    figure.update_yaxes(autorange="reversed")
    return figure
