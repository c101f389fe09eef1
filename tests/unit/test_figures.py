import json
import math
import re

import numpy as np
import pytest

from cod_core import figures

NASTY = '<b onmouseover="x()">no</b> %{x} $y$ & <script>'
ROWS = [
    {"arm": arm, "k": k, "mean": 0.6 + k / 1000, "std": 0.05, "n_seeds": 20, "agreement": 0.7, "agreement_std": None}
    for arm in ("kd", "half", "cod", "cod_plus")
    for k in (8, 16, 32)
]


def lines_of(figure):
    return [t for t in figure.data if t.type == "scatter" and t.name]


DOTS = [{"id": "a", "text": NASTY, "x": 1.0, "y": 0.0, "label": NASTY, "split": "train", "card": True}]
PAIRS = [{"id": "a", "text": NASTY, "status": "accepted", "x0": 1.0, "y0": 0.0, "x1": -1.0, "y1": 0.1, "sx": 0.5, "sy": 0.0}]
AXIS, POINTS = np.linspace(0, 1, 2), np.array([[0.0, 0.0], [1.0, 1.0]])
EVERY = {
    "accuracy_curve": lambda: figures.accuracy_curve(ROWS, teacher=0.86, majority=0.5),
    "agreement_curve": lambda: figures.agreement_curve(ROWS),
    "margin_histogram": lambda: figures.margin_histogram([1.5, 2.5], [-0.5, -1.0], {"originals": [NASTY, "b"], "cfes": ["c", NASTY]}),
    "crossing_gap_plot": lambda: figures.crossing_gap_plot({"kd": [0.1, 0.4], "cod": [0.05, 0.3], NASTY: [1.0]}, {"kd": 0.5}),
    "verdict_bars": lambda: figures.verdict_bars(["good", NASTY], [0.9, 0.1], [0.2, 0.8]),
    "cost_plot": lambda: figures.cost_plot([{"arm": "cod", "rows": 8, "accuracy": 0.7, "kwh": 0.002}]),
    "confusion_plot": lambda: figures.confusion_plot(["good", NASTY], {"kd": np.eye(2), "cod": np.eye(2)}),
    "effect_plot": lambda: figures.effect_plot([{"name": NASTY, "mean": 0.1, "low": 0.0, "high": 0.2}], NASTY),
    "worth_plot": lambda: figures.worth_plot([{"id": "a", "text": NASTY, "counterfactual": NASTY, "nll": 0.1}]),
    "moon_plot": lambda: figures.moon_plot(AXIS, AXIS, np.zeros((2, 2), int), POINTS, POINTS, POINTS, [0, 1], [False, True]),
    "moon_wins": lambda: figures.moon_wins([0, 1], [0.2, 0.3], [0.1, 0.2], NASTY),
    "paired_gap_plot": lambda: figures.paired_gap_plot([[NASTY, "b"], ["a", NASTY]], [0.2, 0.1], [0.1, 0.3]),
    "text_map_plot": lambda: figures.text_map_plot(DOTS, PAIRS, NASTY, webgl=False),
    "reliability_plot": lambda: figures.reliability_plot([(0.6, 0.5, 20)]),
    "teacher_confusion": lambda: figures.teacher_confusion(["good", NASTY], [[1.0, 0.0], [0.0, 1.0]], [4, 4]),
}


def every_figure():
    """Each figure of the package: one that is not in the list above fails here, and nothing below would have looked at it."""
    assert {*EVERY} == {name for name in figures.__all__ if callable(getattr(figures, name))} - {"hover_text"}
    return [draw() for draw in EVERY.values()]


def test_arms_are_told_apart_without_colour():
    """A colour-blind reader or a grey printout must still know which line is which."""
    found = lines_of(figures.accuracy_curve(ROWS))
    for what in ((lambda t: t.line.dash), (lambda t: t.marker.symbol), (lambda t: t.line.color), (lambda t: t.name)):
        assert len({what(t) for t in found}) == 4
    assert len({t.marker.pattern.shape for t in figures.margin_histogram([1.0], [-1.0]).data}) == 2


def test_every_figure_reads_on_light_and_dark_pages():
    """A fixed black font is invisible in the dark theme."""
    for figure in every_figure():
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.font.color is None and figure.layout.legend.font.color is None
        json.loads(figure.to_json())


def test_texts_and_names_cannot_put_tags_or_formulas_into_a_figure():
    for figure in every_figure():
        drawn = json.dumps(json.loads(figure.to_json())["data"], ensure_ascii=False)
        assert "<b " not in drawn and "<script" not in drawn and "$y$" not in drawn
        assert "no</b>" not in drawn and "no&lt;/b&gt; %{x}" not in drawn


def test_hover_texts_are_cut_wrapped_and_escaped():
    shown = figures.hover_text("good <film> " * 100)
    assert "…" in shown and len(shown) < 800
    assert all(len(re.sub("&[a-z]+;", "x", part)) <= 60 for part in shown.split("<br>"))
    assert figures.hover_text("") == "" and figures.hover_text("电" * 70) == "电" * 60 + "<br>" + "电" * 10
    figures.hover_text("\ud800").encode("utf-8")


def test_bands_follow_the_spread_and_hovers_name_rows_and_draws():
    figure = figures.accuracy_curve(ROWS)
    band, line = figure.data[0], figure.data[1]
    assert list(band.x) == [8, 16, 32, 32, 16, 8]
    assert (band.y[0], band.y[-1]) == (pytest.approx(0.658), pytest.approx(0.558))
    assert list(line.customdata[0][:2]) == [20, 8]
    rows = {t.name: t.customdata[0][1] for t in lines_of(figure)}
    assert rows == {
        "Your texts only": 8,
        "Half of your texts": 4,
        "Half texts, half counterfactuals": 8,
        "Texts plus their counterfactuals": 16,
    }


def test_given_interval_ends_replace_the_spread_and_bands_stay_within_0_and_1():
    row = {"arm": "kd", "k": 8, "mean": 0.98, "std": 0.05, "n_seeds": 3}
    assert max(figures.accuracy_curve([row]).data[0].y) == 1
    assert list(figures.accuracy_curve([row | {"low": 0.9, "high": 0.99}]).data[0].y) == [0.99, 0.9]


def test_teacher_and_majority_stand_as_lines_with_their_values_and_only_where_known():
    figure = figures.accuracy_curve(ROWS, teacher=0.864, majority=0.5)
    assert [s.y0 for s in figure.layout.shapes] == [0.864, 0.5]
    assert len({s.line.dash for s in figure.layout.shapes}) == 2
    assert [a.text for a in figure.layout.annotations] == ["teacher 86%", "always the commonest label 50%"]
    assert not figures.accuracy_curve(ROWS).layout.shapes


def test_k_stands_on_a_log_axis_with_its_own_ticks():
    axis = figures.accuracy_curve(ROWS).layout.xaxis
    assert axis.type == "log" and list(axis.ticktext) == ["8", "16", "32"]


def test_missing_values_empty_tables_and_unknown_arms_are_drawn_as_far_as_they_go():
    """Unlabelled projects have no accuracy; the page must not fail on None."""
    rows = [
        {"arm": "kd", "k": 8, "mean": None, "n_seeds": 1, "agreement": 0.5},
        {"arm": "swaps", "k": 8, "mean": 0.6, "n_seeds": 1, "agreement": 0.5},
    ]
    assert [t.name for t in lines_of(figures.accuracy_curve(rows))] == ["swaps"]
    assert len(lines_of(figures.agreement_curve(rows))) == 2
    assert not figures.accuracy_curve([]).data
    assert len(figures.margin_histogram([], []).data) == 2 and not figures.crossing_gap_plot({}).data


def test_no_bar_of_the_margin_histogram_stands_on_both_sides_of_the_line():
    """A bar across zero would show flipped and unflipped texts as one group."""
    for originals, cfes in (([0.3, 4.0], [-0.2, -7.1]), ([1.0], []), ([0.0], [0.0])):
        bins = figures.margin_histogram(originals, cfes).data[0].xbins
        edges = -bins.start / bins.size
        assert edges == pytest.approx(round(edges)) and bins.start <= min([0, *cfes]) and bins.end > max(originals)


def test_censored_shares_are_written_under_their_arm():
    names = [t.name for t in figures.crossing_gap_plot({"kd": [1.0], "cod": [0.2]}, {"kd": 0.25}).data]
    assert names == ["Your texts only<br>(25% miss an end)", "Half texts, half counterfactuals"]


def test_the_even_odds_line_is_drawn_for_two_labels_only():
    assert figures.verdict_bars(["a", "b"], [0.5, 0.5], [0.1, 0.9]).layout.shapes
    assert not figures.verdict_bars(["a", "b", "c"], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]).layout.shapes


@pytest.mark.parametrize("dearest", [1.0, 1.03, 1.3, 2.0, 4.0, 60.0])
@pytest.mark.parametrize("cheapest", [1.02e-6, 1.1e-5, 3.1e-5, 7.7e-4])
def test_the_cost_axis_shows_numbers_however_narrow_its_range_is(cheapest, dearest):
    """1, 2 and 5 alone left a range from 5.5 to 9 without any number."""
    axis = figures.cost_plot(
        [{"arm": "cod", "rows": k, "accuracy": 0.7, "kwh": kwh} for k, kwh in ((8, cheapest), (16, cheapest * dearest))]
    ).layout.xaxis
    inside = [t for t in axis.tickvals if axis.range[0] <= math.log10(t) <= axis.range[1]]
    assert 2 <= len(inside) <= 8 and len(set(axis.ticktext)) == len(axis.ticktext)


def test_cost_plot_leaves_out_what_was_not_measured_and_says_estimate():
    """A missing estimate drawn at zero would look like a free student."""
    rows = [
        {"arm": "cod", "rows": 8, "accuracy": 0.7, "kwh": 0.002},
        {"arm": "cod", "rows": 16, "accuracy": 0.8, "kwh": None},
        {"arm": "kd", "rows": 8, "accuracy": 0.6, "kwh": None},
    ]
    figure = figures.cost_plot(rows)
    [trace] = figure.data
    assert list(trace.x) == [2.0] and list(trace.y) == [0.7] and "35 points of accuracy a Wh" in trace.customdata[0][0]
    assert "Wh (an estimate)" in figure.layout.xaxis.title.text
    small = figures.cost_plot([{"arm": "cod", "rows": 8, "accuracy": 0.7, "kwh": 2e-6}])
    assert list(small.data[0].x) == [2.0] and "mWh" in small.layout.xaxis.title.text
    assert figures.cost_plot([{"arm": "cod", "rows": 8, "accuracy": 0.7, "usd": 0.0}], "usd").data[0].customdata[0][0] == "free"


def test_the_text_map_draws_a_pair_only_where_its_original_is_on_it():
    """A pair of a text that was deleted meanwhile had no dot to start from."""
    dots = [{"id": i, "text": NASTY, "x": 1.0, "y": 0.0, "label": "a", "split": "train", "card": i == "a"} for i in "ab"]
    ends = {"x0": 1.0, "y0": 0.0, "x1": -1.0, "y1": 0.1}
    pairs = [{"id": i, "text": "x", "status": "accepted", "sx": 0.5, "sy": 0.0} | ends for i in "az"]
    figure = figures.text_map_plot(dots, pairs, "a", webgl=False)
    assert [t.name for t in figure.data] == ["Other texts (1)", None, "Accepted (1)", "Student changes its mind"]
    assert list(figure.data[1].x) == [1.0, -1.0, None] and [row[2] for row in figure.data[2].customdata] == ["original", "counterfactual"]


def test_two_moons_join_counterfactuals_to_their_originals():
    points, axis = np.array([[0.0, 0.0], [1.0, 1.0]]), np.linspace(0, 1, 2)
    drawn = [axis, axis, np.zeros((2, 2), int), points]
    figure = figures.moon_plot(*drawn, boundary=points, points=points, labels=[0, 1], is_cf=[False, True])
    assert [t.name for t in figure.data[1:]] == ["Teacher's line", "Student's line", None, "Texts' stand-ins", "Counterfactuals"]
    assert len(figures.moon_plot(*drawn).data) == 2


def test_a_matrix_of_77_labels_grows_with_its_names_and_escapes_them():
    """A fixed height prints 77 names over each other, and a label may hold tags."""
    labels = [f"<b>{i}</b>" for i in range(77)]
    shares = [[float(i == j) for j in range(77)] for i in range(77)]
    large, small = (figures.teacher_confusion(labels[:n], [row[:n] for row in shares[:n]], [4] * n) for n in (77, 3))
    assert large.layout.height > 77 * 16 > small.layout.height and large.layout.xaxis.dtick == 1
    assert "<b>" not in "".join(large.data[0].y) and small.data[0].text[0][0] == "100%" and large.data[0].text[0][0] == ""
    assert list(figures.reliability_plot([(0.6, 0.5, 20), (0.9, 0.8, 20)]).data[1].y) == [0.5, 0.8]


def test_of_many_labels_those_that_are_mixed_up_come_first_and_no_number_is_squeezed_in():
    """77 names in half a screen, each cell with a number of its own size, was a grey square."""
    shares = np.eye(77)
    shares[70] = np.eye(77)[3]  # one label is always called another
    large, small = (figures.confusion_plot([f"l{i}" for i in range(n)], {"kd": shares[:n, :n], "cod": np.eye(n)}) for n in (77, 3))
    assert set(large.data[0].y[:2]) == {"l70", "l3"} and large.data[0].z[0][0] + large.data[0].z[0][1] == 1.0
    assert len(large.layout.annotations) == 2 and len(small.layout.annotations) == 2 + 2 * 9
    assert large.layout.height > 2 * 77 * 14 > small.layout.height and large.layout.yaxis.domain[0] > large.layout.yaxis2.domain[1]
