"""Figures with places in them: the map of the texts, pair against pair, the two moons."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cod_core.figures.basics import ARM_STYLE, GREY, hover_text, layout, sure, sure_axis
from cod_core.said import Said, msg, say

if TYPE_CHECKING:
    import numpy as np
    import plotly.graph_objects as go

Row = Mapping[str, Any]
STATUS_STYLE = {
    "accepted": (msg("Accepted"), "#009E73", "circle"),
    "edited": (msg("Accepted with an edit"), "#56B4E9", "square"),
    "rejected": (msg("Rejected"), "#D55E00", "x"),
    "needs_review": (msg("Flagged"), "#CC79A7", "diamond"),
    "skipped": (msg("Skipped"), "#999999", "triangle-up"),
    "pending": (msg("To do"), "#E69F00", "circle-open"),
}
CLASS_FILL = ("rgba(230,159,0,0.28)", "rgba(0,114,178,0.28)")
CLASS_POINT = ("#B87A00", "#0072B2")
STUDENT = "#CC3311"
SHORT = 160


def text_map_plot(dots: Sequence[Row], pairs: Sequence[Row], axis_label: str, webgl: bool = True) -> "go.Figure":
    """The texts: x the teacher's margin of axis_label (0 is its decision line), read in percent, y the main direction of content.

    dots: {id, text, x, y, label, split, card}. pairs: {id, text, status, x0, y0, x1, y1, sx?, sy?}, drawn as a line
    from the original to its counterfactual, coloured by decision; a cross where the student changes its mind.
    webgl: draw on the graphics card; False for a page that must run without it. customdata[0] is the text's id.
    """
    import plotly.graph_objects as go

    figure, scatter = go.Figure(), go.Scattergl if webgl else go.Scatter
    for trace in _map_traces(dots, pairs):
        figure.add_trace(scatter(**trace))
    figure.add_vline(x=0, line={"dash": "dash", "color": GREY}, annotation_text=say("teacher's decision line"))
    layout(figure, say("How sure the teacher is of “{label}”", label=hover_text(axis_label)), say("Content (main direction)"))
    sure_axis(figure)
    figure.update_layout(height=520, dragmode="pan", clickmode="event+select")
    return figure


def _map_traces(dots: Sequence[Row], pairs: Sequence[Row]) -> list[dict[str, Any]]:
    """What the map shows, from the back to the front: other texts, the pairs of each status, the student's crossings."""
    traces = [_other_texts([d for d in dots if not d["card"]])]
    originals = {d["id"]: d for d in dots if d["card"]}
    joined = [p for p in pairs if p["id"] in originals]
    for status in STATUS_STYLE:
        if group := [p for p in joined if p["status"] == status]:
            traces += [_joins(status, group, 0.45 if len(pairs) < 100 else 0.2), _ends_of(status, group, originals)]
    if seen := [p for p in pairs if p.get("sx") is not None]:
        traces.append(_student_crossings(seen))
    return traces


def _other_texts(plain: Sequence[Row]) -> dict[str, Any]:
    """The texts that nothing is proposed for, as small grey dots."""
    return {
        "x": [d["x"] for d in plain],
        "y": [d["y"] for d in plain],
        "mode": "markers",
        "name": say("Other texts ({texts:,})", texts=len(plain)),
        "marker": {"size": 4, "color": GREY, "opacity": 0.35},
        "customdata": [[d["id"], _short(d["text"]), sure(d["x"])] for d in plain],
        "hovertemplate": say("%{customdata[1]}<br>%{customdata[2]} sure<extra></extra>"),
    }


def _joins(status: str, group: Sequence[Row], opacity: float) -> dict[str, Any]:
    """Lines from originals to their counterfactuals, of one status."""
    return {
        "x": [v for p in group for v in (p["x0"], p["x1"], None)],
        "y": [v for p in group for v in (p["y0"], p["y1"], None)],
        "mode": "lines",
        "line": {"color": STATUS_STYLE[status][1], "width": 1},
        "opacity": opacity,
        "legendgroup": status,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _ends_of(status: str, group: Sequence[Row], originals: Mapping[str, Row]) -> dict[str, Any]:
    """The ends of those lines: originals small, counterfactuals larger. originals: text's id -> its dot."""
    name, colour, symbol = STATUS_STYLE[status]
    ends = [(p["x0"], p["y0"], p["id"], originals[p["id"]]["text"], say("original")) for p in group]
    ends += [(p["x1"], p["y1"], p["id"], p["text"], say("counterfactual")) for p in group]
    return {
        "x": [e[0] for e in ends],
        "y": [e[1] for e in ends],
        "mode": "markers",
        "legendgroup": status,
        "name": Said("{name} ({texts})", {"name": say(name), "texts": len(group)}),
        "customdata": [[e[2], _short(e[3]), e[4], sure(e[0])] for e in ends],
        "marker": {"size": [7] * len(group) + [9] * len(group), "color": colour, "symbol": symbol, "opacity": 0.85},
        "hovertemplate": say("%{customdata[1]}<br>%{customdata[3]} sure<extra>%{customdata[2]}</extra>"),
    }


def _student_crossings(seen: Sequence[Row]) -> dict[str, Any]:
    """A cross on each line where the student changes its mind."""
    return {
        "x": [p["sx"] for p in seen],
        "y": [p["sy"] for p in seen],
        "mode": "markers",
        "name": say("Student changes its mind"),
        "marker": {"size": 8, "symbol": "cross-thin", "color": STUDENT, "line": {"width": 2, "color": STUDENT}},
        "customdata": [[p["id"], _short(p["text"]), sure(p["sx"])] for p in seen],
        "hovertemplate": say("%{customdata[1]}<br>where the teacher is %{customdata[2]} sure<extra></extra>"),
    }


def paired_gap_plot(pairs: Sequence[Sequence[str]], kd: Sequence[float], cod: Sequence[float]) -> "go.Figure":
    """One dot a held-out pair: the gap of KD students (x) and of CoD students (y), means over draws, in units of the
    median pair. Below the diagonal the counterfactuals brought the student's line nearer to the teacher's."""
    import plotly.graph_objects as go

    top = max([*kd, *cod, 1e-9]) * 1.05
    figure = go.Figure(
        go.Scatter(x=[0, top], y=[0, top], mode="lines", name=say("no difference"), hoverinfo="skip", line={"dash": "dash", "color": GREY})
    )
    sides = ((True, say("nearer with counterfactuals"), "cod"), (False, say("not nearer"), "kd"))
    for nearer, name, arm in sides:
        _, colour, _, symbol = ARM_STYLE[arm]
        some = [i for i, (a, b) in enumerate(zip(kd, cod)) if (b < a) == nearer]
        figure.add_scatter(
            x=[kd[i] for i in some],
            y=[cod[i] for i in some],
            mode="markers",
            name=Said("{name} ({pairs})", {"name": name, "pairs": len(some)}),
            marker={"color": colour, "symbol": symbol, "size": 9, "opacity": 0.75},
            customdata=[[_short(pairs[i][0]), _short(pairs[i][1])] for i in some],
            hovertemplate="%{customdata[0]}<br>→ %{customdata[1]}<br>%{x:.2f} → %{y:.2f}<extra></extra>",
        )
    return layout(figure, say("Gap of students without counterfactuals"), say("Gap of students with them"))


def moon_plot(
    axis_x: "np.ndarray",
    axis_y: "np.ndarray",
    regions: "np.ndarray",
    teacher_boundary: "np.ndarray",
    boundary: "np.ndarray | None" = None,
    points: "np.ndarray | None" = None,
    labels: "Sequence[int] | np.ndarray" = (),
    is_cf: "Sequence[bool] | np.ndarray" = (),
) -> "go.Figure":
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
    for name, line, colour in ((say("Teacher's line"), teacher_boundary, GREY), (say("Student's line"), boundary, STUDENT)):
        if line is not None:
            figure.add_scatter(
                x=line[:, 0].tolist(),
                y=line[:, 1].tolist(),
                mode="markers",
                name=name,
                marker={"size": 3, "color": colour},
                hoverinfo="skip",
            )
    if points is not None:
        _add_learnt_from(figure, points, labels, is_cf)
    layout(figure, "", "", showlegend=False)
    figure.update_layout(height=230, margin={"t": 30})
    figure.update_xaxes(range=[float(axis_x[0]), float(axis_x[-1])], showgrid=False)
    figure.update_yaxes(range=[float(axis_y[0]), float(axis_y[-1])], showgrid=False)
    return figure


def _add_learnt_from(
    figure: "go.Figure", points: "np.ndarray", labels: "Sequence[int] | np.ndarray", is_cf: "Sequence[bool] | np.ndarray"
) -> None:
    """The training points of moon_plot, and a line from each counterfactual to its original."""
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
    for cf, symbol, name in ((False, "circle", say("Texts' stand-ins")), (True, "square", say("Counterfactuals"))):
        some = [i for i in range(len(points)) if bool(is_cf[i]) == cf]
        if some:
            colours = [CLASS_POINT[int(labels[i])] for i in some]
            figure.add_scatter(
                x=[float(points[i][0]) for i in some],
                y=[float(points[i][1]) for i in some],
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": 9, "color": colours, "line": {"width": 1, "color": "white"}},
                hovertemplate="%{x:.2f}, %{y:.2f}<extra></extra>",
            )


def moon_wins(seeds: Sequence[int], kd: Sequence[float], cod: Sequence[float], title: str) -> "go.Figure":
    """Distance to the teacher's boundary a draw: KD and CoD joined by a line, so that each draw is seen to win or lose."""
    import plotly.graph_objects as go

    figure = go.Figure()
    ends = [v for s, a, b in zip(seeds, kd, cod) for v in ((s, a), (s, b), (None, None))]
    figure.add_scatter(
        x=[v[0] for v in ends], y=[v[1] for v in ends], mode="lines", showlegend=False, line={"color": GREY, "width": 1}, hoverinfo="skip"
    )
    for arm, values in (("kd", kd), ("cod", cod)):
        arm_name, colour, _, symbol = ARM_STYLE[arm]
        name = say(arm_name)
        figure.add_scatter(
            x=list(seeds),
            y=list(values),
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 10},
            hovertemplate=say("draw %{{x}}: %{{y:.2f}}<extra>{name}</extra>", name=name),
        )
    figure.update_yaxes(rangemode="tozero")
    return layout(figure, say("Draw"), title)


def _short(text: str) -> str:
    return hover_text(text if len(text) <= SHORT else text[:SHORT] + "…")
