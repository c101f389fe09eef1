"""Figures of a teacher: what it mixes up, and whether it is as sure as it is right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cod_core.figures.basics import ABOVE, ARM_STYLE, GREY, MODEBAR, hover_text, layout
from cod_core.said import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

FEW_LABELS = 12  # up to so many, each cell carries its number
ROW_HEIGHT = 18  # pixels: a name in small print


def teacher_confusion(labels: Sequence[str], shares: Sequence[Sequence[float]], texts: Sequence[int]) -> "go.Figure":
    """For each label the share of its texts that the teacher gave to each label. shares: (C, C). texts: judged of each label.

    As high as its names need, so that 77 of them can be read; where it stands must scroll.
    """
    import plotly.graph_objects as go

    names = [hover_text(label) for label in labels]
    few = len(labels) <= FEW_LABELS
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=[list(row) for row in shares],
            zmin=0,
            zmax=1,
            showscale=False,
            colorscale=[[0, "#EAF2F8"], [1, "#004C78"]],
            xgap=1,
            ygap=1,
            text=[[f"{v:.0%}" if few else "" for v in row] for row in shares],
            texttemplate="%{text}",
            customdata=[[n] * len(names) for n in texts],
            hovertemplate=say("labelled %{y} (%{customdata} texts), it said %{x}: %{z:.0%}<extra></extra>"),
        )
    )
    layout(figure, say("The teacher says"), say("Your label"))
    figure.update_layout(modebar=MODEBAR, height=ABOVE + (150 + 56 * len(labels) if few else 260 + ROW_HEIGHT * len(labels)))
    figure.update_xaxes(showgrid=False, dtick=1, tickfont={"size": 13 if few else 10})
    figure.update_yaxes(showgrid=False, dtick=1, tickfont={"size": 13 if few else 10}, autorange="reversed")
    return figure


def reliability_plot(bins: Sequence[tuple[float, float, int]]) -> "go.Figure":
    """How sure the teacher is against how often it is right. bins: (mean confidence, share right, texts), shares in [0, 1]."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "color": GREY}, name=say("as sure as right"), hoverinfo="skip"
    )
    figure.add_scatter(
        x=[sure for sure, _, _ in bins],
        y=[right for _, right, _ in bins],
        mode="lines+markers",
        name=say("your teacher"),
        line={"color": ARM_STYLE["cod"][1], "width": 2},
        marker={"symbol": "square", "size": 9},
        customdata=[[n] for _, _, n in bins],
        hovertemplate=say("%{x:.0%} sure, right in %{y:.0%} of %{customdata[0]} texts<extra></extra>"),
    )
    layout(figure, say("How sure it says it is"), say("How often it is right"))
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure
