"""Plain values become plotly figures that read in light and dark. Knows no store, no model, no screen."""

from cod_core.figures.answers import confusion_plot, effect_plot, worth_plot
from cod_core.figures.basics import (
    ARM_STYLE,
    accuracy_curve,
    agreement_curve,
    crossing_gap_plot,
    hover_text,
    margin_histogram,
    verdict_bars,
)
from cod_core.figures.costs import cost_plot
from cod_core.figures.maps import moon_plot, moon_wins, paired_gap_plot, text_map_plot
from cod_core.figures.teacher import FEW_LABELS, reliability_plot, teacher_confusion

__all__ = [
    "ARM_STYLE",
    "accuracy_curve",
    "agreement_curve",
    "confusion_plot",
    "cost_plot",
    "crossing_gap_plot",
    "effect_plot",
    "hover_text",
    "margin_histogram",
    "moon_plot",
    "moon_wins",
    "paired_gap_plot",
    "reliability_plot",
    "FEW_LABELS",
    "teacher_confusion",
    "text_map_plot",
    "verdict_bars",
    "worth_plot",
]
