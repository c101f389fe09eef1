"""What each way takes of a person."""

import re

import pytest

from cod_core.curation.pace import Pace
from cod_core.distill import ways
from cod_core.distill.minutes import EXPECTED_PAIRS, effort, expected, measured_or_assumed, spoken_minutes
from cod_core.distill.ways import BOTH, LABELS, LINE, PAIRS, TEACHER, Way, Ways

FOUND = Ways((), 100, 28, 400)


def said(name: str, pace: Pace = Pace(), rows: int = 120) -> str:
    return effort(Way(name, rows, ()), FOUND, pace).spoken()


def test_each_way_says_its_work():
    """Prevents: the teacher's answers counted as a person's, or a counterfactual's text as labelled for nothing."""
    assert said(LABELS) == said(LINE) == "120 labels, about 16 minutes"
    assert said(TEACHER) == "none"
    assert said(PAIRS) == said(BOTH) == "28 labels and 28 decisions, about 13 minutes"


def test_decisions_that_kept_nothing_count_and_go_by_the_own_pace():
    assert said(PAIRS, Pace(30.0, timed=40, decided=60)) == "28 labels and 60 decisions, about 34 minutes"
    assert said(PAIRS, Pace(decided=3)) == "28 labels and 28 decisions, about 13 minutes", "accepted all at once: one each"


@pytest.mark.parametrize(
    ("minutes", "words"), [(0.4, "under a minute"), (1.2, "about 1 minute"), (89.0, "about 89 minutes"), (150.0, "about 2.5 hours")]
)
def test_minutes_read_as_people_say_them(minutes, words):
    assert spoken_minutes(minutes) == words


def test_an_assumption_is_said_to_be_one():
    """Prevents: minutes that look measured."""
    assert "Minutes are assumed: 20 seconds a decision, 8 a label." in measured_or_assumed(Pace())
    own = measured_or_assumed(Pace(14.2, timed=46, decided=50))
    assert "your own pace: 14 seconds a decision, the median of 46" in own and "A label is assumed to take 8." in own


def test_what_to_expect_has_its_minutes():
    assert re.search(rf"matched {EXPECTED_PAIRS} texts with their counterfactuals", ways.EXPECTED)
    assert expected(Pace()).startswith("Those 16 counterfactuals take about 7 minutes of yours; the same time labels 56 texts,")
