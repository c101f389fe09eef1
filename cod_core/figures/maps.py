"""Figures with places in them: the map of the texts, pair against pair, the two moons."""

from collections.abc import Mapping, Sequence
from typing import Any

from cod_core.figures.basics import ARM_STYLE, GREY, hover_text, layout

STATUS_STYLE = {
    "accepted": ("Accepted", "#009E73", "circle"),
    "edited": ("Accepted with an edit", "#56B4E9", "square"),
    "rejected": ("Rejected", "#D55E00", "x"),
    "needs_review": ("Flagged", "#CC79A7", "diamond"),
    "skipped": ("Skipped", "#999999", "triangle-up"),
    "pending": ("To do", "#E69F00", "circle-open"),
}
CLASS_FILL = ("rgba(230,159,0,0.28)", "rgba(0,114,178,0.28)")
CLASS_POINT = ("#B87A00", "#0072B2")
SHORT = 160


def text_map_plot(dots: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]], axis_label: str, webgl: bool = True):
    """The texts: x the teacher's margin of axis_label (0 is its decision line), y the main direction of content.

    dots: {id, text, x, y, label, split, card}. pairs: {id, text, status, x0, y0, x1, y1, sx?, sy?}, drawn as a line
    from the original to its counterfactual, coloured by decision; a cross where the student changes its mind.
    webgl: draw on the graphics card; False for a page that must run without it. customdata[0] is the text's id.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    scatter = go.Scattergl if webgl else go.Scatter
    plain = [d for d in dots if not d["card"]]
    figure.add_trace(
        scatter(
            x=[d["x"] for d in plain],
            y=[d["y"] for d in plain],
            mode="markers",
            name=f"Other texts ({len(plain):,})",
            marker={"size": 4, "color": GREY, "opacity": 0.35},
            customdata=[[d["id"], _short(d["text"])] for d in plain],
            hovertemplate="%{customdata[1]}<br>log-odds %{x:.1f}<extra></extra>",
        )
    )
    originals = {d["id"]: d for d in dots if d["card"]}
    for status, (name, colour, symbol) in STATUS_STYLE.items():
        group = [p for p in pairs if p["status"] == status and p["id"] in originals]
        if not group:
            continue
        figure.add_trace(
            scatter(
                x=[v for p in group for v in (p["x0"], p["x1"], None)],
                y=[v for p in group for v in (p["y0"], p["y1"], None)],
                mode="lines",
                line={"color": colour, "width": 1},
                opacity=0.45 if len(pairs) < 100 else 0.2,
                legendgroup=status,
                showlegend=False,
                hoverinfo="skip",
            )
        )
        ends = [(p["x0"], p["y0"], p["id"], originals[p["id"]]["text"], "original") for p in group]
        ends += [(p["x1"], p["y1"], p["id"], p["text"], "counterfactual") for p in group]
        figure.add_trace(
            scatter(
                x=[e[0] for e in ends],
                y=[e[1] for e in ends],
                mode="markers",
                legendgroup=status,
                name=f"{name} ({len(group)})",
                customdata=[[e[2], _short(e[3]), e[4]] for e in ends],
                marker={"size": [7] * len(group) + [9] * len(group), "color": colour, "symbol": symbol, "opacity": 0.85},
                hovertemplate="%{customdata[1]}<br>log-odds %{x:.1f}<extra>%{customdata[2]}</extra>",
            )
        )
    seen = [p for p in pairs if p.get("sx") is not None]
    if seen:
        figure.add_trace(
            scatter(
                x=[p["sx"] for p in seen],
                y=[p["sy"] for p in seen],
                mode="markers",
                name="Student changes its mind",
                marker={"size": 8, "symbol": "cross-thin", "color": "#CC3311", "line": {"width": 2, "color": "#CC3311"}},
                customdata=[[p["id"], _short(p["text"])] for p in seen],
                hovertemplate="%{customdata[1]}<br>student's line at %{x:.1f}<extra></extra>",
            )
        )
    figure.add_vline(x=0, line={"dash": "dash", "color": GREY}, annotation_text="teacher's decision line")
    layout(figure, f"How sure the teacher is of “{hover_text(axis_label)}” (log-odds)", "Content (main direction)")
    figure.update_layout(height=520, dragmode="pan", clickmode="event+select")
    return figure


def paired_gap_plot(pairs: Sequence[Sequence[str]], kd: Sequence[float], cod: Sequence[float]):
    """One dot a held-out pair: the gap of KD students (x) and of CoD students (y), means over draws, in units of the
    median pair. Below the diagonal the counterfactuals brought the student's line nearer to the teacher's."""
    import plotly.graph_objects as go

    top = max([*kd, *cod, 1e-9]) * 1.05
    figure = go.Figure(
        go.Scatter(x=[0, top], y=[0, top], mode="lines", name="no difference", hoverinfo="skip", line={"dash": "dash", "color": GREY})
    )
    sides = ((True, "nearer with counterfactuals", "cod"), (False, "not nearer", "kd"))
    for nearer, name, arm in sides:
        _, colour, _, symbol = ARM_STYLE[arm]
        some = [i for i, (a, b) in enumerate(zip(kd, cod)) if (b < a) == nearer]
        figure.add_scatter(
            x=[kd[i] for i in some],
            y=[cod[i] for i in some],
            mode="markers",
            name=f"{name} ({len(some)})",
            marker={"color": colour, "symbol": symbol, "size": 9, "opacity": 0.75},
            customdata=[[_short(pairs[i][0]), _short(pairs[i][1])] for i in some],
            hovertemplate="%{customdata[0]}<br>→ %{customdata[1]}<br>%{x:.2f} → %{y:.2f}<extra></extra>",
        )
    return layout(figure, "Gap of students without counterfactuals", "Gap of students with them")


def moon_plot(axis_x, axis_y, regions, teacher_boundary, boundary=None, points=None, labels=None, is_cf=None):
    """One classifier's regions on the plane, its boundary, the teacher's as a dashed line, and what it learnt from.

    regions (g, h): class on the grid. points (n, 2), labels (n,), is_cf (n,): originals round, counterfactuals squares,
    each joined to its original (the first half of the rows, where there are any).
    """
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Heatmap(
            x=list(axis_x),
            y=list(axis_y),
            z=[[int(v) for v in row] for row in regions],
            showscale=False,
            zmin=0,
            zmax=1,
            colorscale=[[0, CLASS_FILL[0]], [1, CLASS_FILL[1]]],
            hoverinfo="skip",
        )
    )
    figure.add_scatter(
        x=teacher_boundary[:, 0].tolist(),
        y=teacher_boundary[:, 1].tolist(),
        mode="markers",
        name="Teacher's line",
        marker={"size": 3, "color": GREY},
        hoverinfo="skip",
    )
    if boundary is not None:
        figure.add_scatter(
            x=boundary[:, 0].tolist(),
            y=boundary[:, 1].tolist(),
            mode="markers",
            name="Student's line",
            marker={"size": 3, "color": "#CC3311"},
            hoverinfo="skip",
        )
    if points is not None:
        n_cf = int(sum(is_cf))
        if n_cf:
            ends = [v for a, b in zip(points[:n_cf], points[-n_cf:]) for v in (a, b, (None, None))]
            figure.add_scatter(
                x=[v[0] for v in ends],
                y=[v[1] for v in ends],
                mode="lines",
                showlegend=False,
                line={"color": GREY, "width": 1},
                hoverinfo="skip",
            )
        for cf, symbol, name in ((False, "circle", "Texts' stand-ins"), (True, "square", "Counterfactuals")):
            some = [i for i in range(len(points)) if bool(is_cf[i]) == cf]
            if some:
                figure.add_scatter(
                    x=[float(points[i][0]) for i in some],
                    y=[float(points[i][1]) for i in some],
                    mode="markers",
                    name=name,
                    marker={
                        "symbol": symbol,
                        "size": 9,
                        "color": [CLASS_POINT[int(labels[i])] for i in some],
                        "line": {"width": 1, "color": "white"},
                    },
                    hovertemplate="%{x:.2f}, %{y:.2f}<extra></extra>",
                )
    layout(figure, "", "", showlegend=False)
    figure.update_layout(height=230, margin={"t": 30})
    figure.update_xaxes(range=[float(axis_x[0]), float(axis_x[-1])], showgrid=False)
    figure.update_yaxes(range=[float(axis_y[0]), float(axis_y[-1])], showgrid=False)
    return figure


def moon_wins(seeds: Sequence[int], kd: Sequence[float], cod: Sequence[float], title: str):
    """Distance to the teacher's boundary a draw: KD and CoD joined by a line, so that each draw is seen to win or lose."""
    import plotly.graph_objects as go

    figure = go.Figure()
    ends = [v for s, a, b in zip(seeds, kd, cod) for v in ((s, a), (s, b), (None, None))]
    figure.add_scatter(
        x=[v[0] for v in ends], y=[v[1] for v in ends], mode="lines", showlegend=False, line={"color": GREY, "width": 1}, hoverinfo="skip"
    )
    for arm, values in (("kd", kd), ("cod", cod)):
        name, colour, _, symbol = ARM_STYLE[arm]
        figure.add_scatter(
            x=list(seeds),
            y=list(values),
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 10},
            hovertemplate="draw %{x}: %{y:.2f}<extra>" + name + "</extra>",
        )
    figure.update_yaxes(rangemode="tozero")
    return layout(figure, "Draw", title)


def _short(text: str) -> str:
    return hover_text(text if len(text) <= SHORT else text[:SHORT] + "…")
