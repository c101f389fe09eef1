"""Diffs and verdicts as HTML: whatever the text holds, only the app's own tags come out."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from cod_core.types import FlipCheck, Prediction
from ui.frame import layout
from ui.shared import text_diff, verdict

EVIL = '<img src=x onerror=alert(1)> ![x](https://host/leak.png) & "quotes"'


def check(before=0.04, after=0.83, target="positive", fraction=0.1, truncated=False):
    """A two-label check with the given probabilities of `positive`."""
    import math

    def prediction(p):
        return Prediction(("negative", "positive"), (math.log(1 - p), math.log(p)))

    return FlipCheck("c", "t", "r", prediction(before), prediction(after), target, 1, fraction, 4, None, truncated, "2026-01-01T00:00:00Z")


def test_diff_marks_only_what_changed_and_escapes_it():
    """An unescaped upload would run in the reader's page."""
    html = text_diff.in_place(f"A good film. {EVIL}", f"A bad film. {EVIL}")
    assert "<img" not in html and "&lt;img" in html
    assert html.count("<del>") == html.count("<ins>") == 1
    assert "good" in html.split("</del>")[0] and "bad" in html.split("<ins>")[1]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_tag_of_the_text_survives(a, b):
    """Any text at all: the only tags are ours."""
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", text_diff.in_place(a, b) + text_diff.card("t", text_diff.whole(a), b)))
    assert tags <= {"ins", "del", "span", "section", "header", "h4", "div", "bdi"}


def test_removed_and_added_are_told_without_colour():
    """Colour alone excludes people: there are signs and hidden words too."""
    html = text_diff.in_place("good film", "bad film")
    assert "removed:" in html and "added:" in html and "−" in html and "+" in html


def test_unread_end_is_marked():
    """An edit in the part that the teacher never reads would look like a failed flip."""
    assert "cod-unread" in text_diff.whole("abcdef", 3)
    assert "cod-unread" not in text_diff.whole("abcdef", 6)


def test_verdict_sentence_is_plain():
    assert verdict.sentence(check()) == "Teacher: 83 % sure this is positive; was 4 %."
    assert verdict.outcome(check())[0] == "ok"
    kind, words = verdict.outcome(check(after=0.31))
    assert kind == "error" and "does not flip" in words and "69 %" in words


def test_verdict_never_says_certain():
    assert verdict.percent(0.9999) == "over 99 %" and verdict.percent(0.0001) == "under 1 %"


def test_large_edits_and_unread_ends_are_said():
    said = " ".join(verdict.cautions(check(fraction=0.7, truncated=True)))
    assert "70 %" in said and "does not read the end" in said


def test_decision_line_for_three_labels_is_the_strongest_rival():
    """Half is not the line where three labels compete."""
    import math

    three = Prediction(("a", "b", "c"), tuple(math.log(p) for p in (0.2, 0.45, 0.35)))
    assert abs(verdict.decision_line(three, "c") - 0.45) < 1e-9


def test_label_names_are_escaped_in_the_verdict():
    import math
    from dataclasses import replace

    evil = Prediction(("<b>x</b>", "<script>"), (math.log(0.5), math.log(0.5)))
    html = verdict.panel(replace(check(), before=evil, after=evil, target="<script>"))
    assert "<script>" not in html and "<b>x" not in html


def test_plain_leaves_no_markdown():
    """Streamlit reads labels of widgets as Markdown: an image there is a request to a foreign host."""
    out = layout.plain("![x](https://host/leak.png) **b** `c` $d$ :red[e] <i>")
    assert not set("![]()*`$:<>") & set(out)
    assert layout.plain("  \n") == "(no name)" and len(layout.plain("a" * 200)) <= 60


def test_names_of_options_are_made_distinct():
    assert layout.distinct(["a", "b", "a", "a (2)", "a"]) == ["a", "b", "a (2)", "a (2) (2)", "a (3)"]


def test_a_change_of_more_words_than_the_text_had_is_no_share_of_them():
    """“This changes 250 % of the words”, said the card of a short note that was written anew."""
    html = verdict.panel(check(fraction=2.5))
    assert "more words than the text had" in html and "250" not in html
    assert "(60 %)" in verdict.panel(check(fraction=0.6))
