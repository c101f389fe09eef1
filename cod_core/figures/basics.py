"""Plain values become plotly figures that read in light and dark. Knows no store, no model, no screen.

Colours are Okabe and Ito's (2008), which colour-blind people can tell apart; dash, marker and pattern say the same
again. Background is transparent and text colours are the page's own. Everything that could come from a person's
texts is escaped, since plotly reads HTML tags in hovers.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import exp
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cod_core.said import Said, msg, say

if TYPE_CHECKING:
    import plotly.graph_objects as go

ARM_STYLE = {
    "kd": (msg("Your texts only"), "#E69F00", "dash", "circle"),
    "kd_free": (msg("Your texts only, any of them"), "#D55E00", "longdash", "triangle-up"),
    "half": (msg("Half of your texts"), "#999999", "dot", "x"),
    "cod": (msg("Half texts, half counterfactuals"), "#0072B2", "solid", "square"),
    "cod_plus": (msg("Texts plus their counterfactuals"), "#009E73", "dashdot", "diamond"),
    "cod_all": (msg("Fewer texts, each changed to every other label"), "#56B4E9", "longdashdot", "cross"),
}
OTHER = ("#CC79A7", "longdash", "star")
BEFORE, AFTER = ARM_STYLE["kd"][1], ARM_STYLE["cod"][1]
GREY, _GRID = "#808080", "rgba(128,128,128,0.25)"
MODEBAR = {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BEFORE}
ABOVE = 30  # pixels: the camera button stands there, not on the plot
MARGIN_BINS, HOVER_CHARS, HOVER_WIDTH = 30, 300, 60


def accuracy_curve(rows: Sequence[Mapping[str, Any]], teacher: float | None = None, majority: float | None = None) -> "go.Figure":
    """Accuracy against k, a line an arm with a band of one standard deviation over draws.

    rows: {arm, k, mean, std, n_seeds, rows?, low?, high?}, shares in [0, 1]; cod_plus stands at its real rows. The
    band is low to high where both are given. teacher, majority: accuracies drawn as horizontal lines.
    """
    return _curve(
        rows,
        "mean",
        "std",
        say("Accuracy on test texts"),
        [
            (None if teacher is None else say("teacher {share:.0%}", share=teacher), teacher, "longdash", "top left"),
            (None if majority is None else say("always the commonest label {share:.0%}", share=majority), majority, "dot", "bottom right"),
        ],
    )


def agreement_curve(rows: Sequence[Mapping[str, Any]]) -> "go.Figure":
    """Agreement with the teacher against k. rows: {arm, k, agreement, agreement_std, n_seeds}."""
    return _curve(rows, "agreement", "agreement_std", say("Same answer as the teacher"), [])


def sure(margin: float) -> Said:
    """How sure a teacher is of a label against the next one, from its margin in log-odds: 2 is "88 %"."""
    share = 100 / (1 + exp(-max(-30.0, min(30.0, margin))))
    if share < 0.1:
        return say("under {share:.1f} %", share=0.1)
    if share > 99.9:
        return say("over {share:.1f} %", share=99.9)
    return Said("{share:.0f} %" if 1 < share < 99 else "{share:.1f} %", {"share": share})


def sure_axis(figure: "go.Figure") -> None:
    """An x axis of margins in log-odds, which reads in percent."""
    marks = [-6.9, -4.6, -2.2, 0.0, 2.2, 4.6, 6.9]
    figure.update_xaxes(tickvals=marks, ticktext=[sure(mark) for mark in marks])


def margin_histogram(originals: Sequence[float], cfes: Sequence[float], texts: Mapping[str, Sequence[str]] | None = None) -> "go.Figure":
    """How sure the teacher is of the original class at originals and counterfactuals, margins in log-odds read in percent.

    originals lie right of 0, counterfactuals that flip left of it. texts: {"originals": ..., "cfes": ...}, shown
    on hover at a tick below the bars, one a value.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    low, high = min([*originals, *cfes, 0.0]), max([*originals, *cfes, 0.0])
    size = max((high - low) / MARGIN_BINS, 1e-3)
    start = -size * (int(-low / size) + 1)  # an edge at 0: no bar stands on both sides of the line
    bins = {"start": start, "end": high + size, "size": size}
    groups = (
        ("originals", say("Originals"), say("Originals ({texts})", texts=len(originals)), originals, BEFORE, ""),
        ("cfes", say("Counterfactuals"), say("Counterfactuals ({texts})", texts=len(cfes)), cfes, AFTER, "/"),
    )
    for at, (key, name, counted, values, colour, pattern) in enumerate(groups):
        figure.add_histogram(
            x=list(values),
            name=counted,
            xbins=bins,
            opacity=0.7,
            legendgroup=key,
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate=say("%{{y}} texts here<extra>{name}</extra>", name=name),
        )
        if texts and texts.get(key):
            figure.add_scatter(
                x=list(values),
                y=[-0.4 - 0.5 * at] * len(values),
                mode="markers",
                legendgroup=key,
                showlegend=False,
                marker={"symbol": "line-ns-open", "size": 9, "color": colour},
                customdata=[[hover_text(text), sure(value)] for text, value in zip(texts[key], values)],
                hovertemplate=Said("%{{customdata[1]}}<br>%{{customdata[0]}}<extra>{name}</extra>", {"name": name}),
            )
    figure.add_vline(x=0, line={"dash": "dash", "color": GREY}, annotation_text=say("decision line"))
    sure_axis(figure)
    return layout(figure, say("How sure the teacher is of the original label"), say("Texts"), barmode="overlay")


def crossing_gap_plot(gaps: Mapping[str, Sequence[float]], censored: Mapping[str, float] | None = None) -> "go.Figure":
    """Distance between the teacher's and the student's crossing, a box an arm, in units of the median pair.

    gaps: arm -> values, censored pairs at their full length. censored: arm -> share of such pairs, written below
    the arm's name. Every arm is measured on the same pairs.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for arm, values in gaps.items():
        name, colour, _, symbol = style_of(arm)
        known = censored and censored.get(arm) is not None
        below = say("{name}<br>({share:.0%} miss an end)", name=name, share=censored[arm]) if censored and known else name
        figure.add_box(
            y=list(values),
            name=below,
            boxmean=True,
            boxpoints="all" if len(values) <= 60 else "outliers",
            jitter=0.5,
            pointpos=0,
            marker={"color": colour, "symbol": symbol, "size": 5, "opacity": 0.6},
            line={"color": colour},
            hovertemplate=say("%{{y:.2f}} of the median pair<extra>{name}</extra>", name=name),
        )
    figure.update_yaxes(rangemode="tozero")
    return layout(figure, "", say("Gap between teacher's and student's line"), showlegend=False)


def verdict_bars(labels: Sequence[str], before: Sequence[float], after: Sequence[float]) -> "go.Figure":
    """Probabilities of each label before and after an edit. For two labels with the even-odds line."""
    import plotly.graph_objects as go

    figure = go.Figure()
    names = [hover_text(label) for label in labels]
    for name, values, colour, pattern in ((say("before"), before, BEFORE, ""), (say("after"), after, AFTER, "/")):
        figure.add_bar(
            y=names,
            x=list(values),
            name=name,
            orientation="h",
            text=[f"{v:.0%}" for v in values],
            textposition="auto",
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate=Said("%{{y}}: %{{x:.1%}}<extra>{name}</extra>", {"name": name}),
        )
    if len(labels) == 2:
        figure.add_vline(x=0.5, line={"dash": "dash", "color": GREY})
    layout(figure, say("Probability"), "", barmode="group")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return figure


def hover_text(text: str) -> str:
    """A person's text made safe for plotly: tags and formulas escaped, cut at 300 characters, lines of 60 at most."""
    cut = text if len(text) <= HOVER_CHARS else text[:HOVER_CHARS] + "…"
    lines = wrap(cut.encode("utf-8", "replace").decode(), HOVER_WIDTH)
    return "<br>".join(escape(line).replace("$", "&#36;").replace("%{", "%&#123;") for line in lines)


def style_of(arm: str) -> tuple[str, str, str, str]:
    """(name, colour, dash, symbol) of an arm, of one that has none too."""
    if arm in ARM_STYLE:
        name, *style = ARM_STYLE[arm]
        return say(name), style[0], style[1], style[2]
    return (hover_text(arm), *OTHER)


def _curve(
    rows: Sequence[Mapping[str, Any]], key: str, spread: str, title: str, lines: Sequence[tuple[Said | None, float | None, str, str]]
) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure()
    for arm in dict.fromkeys([*ARM_STYLE, *(row["arm"] for row in rows)]):
        found = sorted((r for r in rows if r["arm"] == arm and r.get(key) is not None), key=lambda r: r["k"])
        if found:
            _add_arm(figure, arm, found, key, spread)
    for label, value, dash, place in lines:
        if value is not None:
            figure.add_hline(y=value, line={"dash": dash, "width": 1.5, "color": GREY}, annotation_text=label, annotation_position=place)
    layout(figure, say("Training rows of the comparison"), title)
    ks = sorted({row["k"] for row in rows})
    figure.update_xaxes(type="log", tickvals=ks, ticktext=[str(k) for k in ks])
    figure.update_yaxes(tickformat=".0%")
    return figure


def _add_arm(figure: "go.Figure", arm: str, found: Sequence[Mapping[str, Any]], key: str, spread: str) -> None:
    """The line of one arm over k, and the band around it."""
    name, colour, dash, symbol = style_of(arm)
    x, ends = [r["k"] for r in found], [_ends(r, key, spread) for r in found]
    figure.add_scatter(
        x=x + x[::-1],
        y=[high for _, high in ends] + [low for low, _ in ends][::-1],
        fill="toself",
        fillcolor=_faint(colour),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=arm,
    )
    figure.add_scatter(
        x=x,
        y=[r[key] for r in found],
        name=name,
        legendgroup=arm,
        mode="lines+markers",
        line={"color": colour, "dash": dash, "width": 2.5},
        marker={"symbol": symbol, "size": 9, "color": colour},
        customdata=[[r.get("n_seeds", 1), r.get("rows") or _rows_of(arm, r["k"]), low, high] for r, (low, high) in zip(found, ends)],
        hovertemplate=say(
            "%{{y:.1%}} at %{{x}} rows (%{{customdata[2]:.1%}} to %{{customdata[3]:.1%}})<br>"
            "%{{customdata[1]}} training rows, %{{customdata[0]}} draws<extra>{name}</extra>",
            name=name,
        ),
    )


def _ends(row: Mapping[str, Any], key: str, spread: str) -> tuple[float, float]:
    """Lower and upper end of the band, within [0, 1]."""
    if key == "mean" and row.get("low") is not None and row.get("high") is not None:
        return row["low"], row["high"]
    half = row.get(spread) or 0.0
    return max(0.0, row[key] - half), min(1.0, row[key] + half)


def _rows_of(arm: str, k: int) -> int:
    return {"half": k // 2, "cod_plus": 2 * k}.get(arm, k)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


def layout(figure: "go.Figure", title_x: str, title_y: str, **more: Any) -> "go.Figure":
    """The house's frame: transparent, grid in grey, legend below; returns the figure."""
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": ABOVE, "b": 8},
        modebar=MODEBAR,
        height=380,
        legend={"orientation": "h", "y": -0.25},
        hovermode="closest",
        **more,
    )
    figure.update_xaxes(title=title_x or None, gridcolor=_GRID, zeroline=False, automargin=True)
    figure.update_yaxes(title=title_y or None, gridcolor=_GRID, zeroline=False, automargin=True)
    return figure
