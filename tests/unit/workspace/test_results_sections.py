"""What the results show is composed once: the page and the file draw the same sections."""

from dataclasses import replace

import numpy as np
import pytest

from cod_core.export.report import build
from cod_core.export.sections import distinct
from cod_core.project.results import chapters
from cod_core.project.results.development import LIMIT
from cod_core.project.results.diagnosis import Diagnosis, GapsAt, PairMargins
from cod_core.project.results.influence import Checked, Worth
from cod_core.project.results.live import thinness
from cod_core.project.results.maps import AnswersOf
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World
from tests.unit.workspace.test_gap_words import Drawn, values


def diagnosis(**changes) -> Diagnosis:
    """Measured at 32 rows, by hand."""
    fidelity = {"n": 60, "kd": {"agreement": 0.8, "kl": 0.2}, "cod": {"agreement": 0.9, "kl": 0.1}}
    information = {name: {"log_det": 1.0, "trace_inverse": 2.0, "least": 0.1} for name in ("real", "pairs")}
    margins = PairMargins(["a"], [2.0], [-0.5], 1.0)
    gaps = {32: values(Drawn(20, 0.05))}
    return replace(Diagnosis(3, "today", margins, gaps, 60, [32], ["bad", "good"], {32: fidelity}, {32: information}), **changes)


def test_what_was_measured_reads_back_as_it_was_written():
    """Keys of JSON are strings and `from` is no name in Python: a value lost on the way would be missing on the page only."""
    import json

    found = diagnosis(gaps={32: values(Drawn(20, 0.05)), 8: GapsAt(1.0, 0, 20, [], [], [])})
    assert found.gaps[8].n == 0 and found.gaps[8].effect is None
    assert Diagnosis.of(json.loads(json.dumps(found.to_json())), stale=False) == found


def test_the_chapter_on_lines_says_the_same_on_the_page_and_in_a_file():
    page, file = chapters.line(diagnosis(), 32), chapters.line(diagnosis(), None, for_file=True)
    assert [s.id for s in page] == [s.id for s in file] == ["margins", "gaps", "fidelity-32", "information-32"]
    assert page[1].lead == file[1].lead and page[1].rows == file[1].rows and len(page[1].figures) == 2
    assert file[1].title == f"{page[1].title}, at 32 training rows" and page[2].rows[0]["with counterfactuals"] == 0.9
    assert "lines together" in build("R", [], "s", distinct(file))


def test_a_chapter_that_was_not_measured_shows_what_there_is():
    nothing = chapters.line(diagnosis(margins=PairMargins([], [], [], None), gaps={}), None)
    assert [s.caption for s in nothing] == ["No counterfactual is accepted yet."]
    assert chapters.answers(AnswersOf(("bad", "good"))) == [] and chapters.worth(None) == []


def test_only_texts_that_were_won_are_called_won():
    texts = [{"id": str(i), "text": "x" * 500, "label": "bad", "kd": 0.5, "cod": cod} for i, cod in enumerate((1.0, 0.5, 0.2))]
    shares = {arm: [[1.0, 0.0], [0.0, 1.0]] for arm in ("kd", "cod")}
    by_id = {s.id: s for s in chapters.answers(AnswersOf(("bad", "good"), True, shares, texts))}
    assert [r["with counterfactuals"] for r in by_id["won"].rows] == [1.0] and len(by_id["won"].rows[0]["text"]) == 400
    assert [r["with counterfactuals"] for r in by_id["lost"].rows] == [0.2] and len(by_id["won-and-lost"].for_file) == 3
    assert "teacher's answer counts as true" in by_id["confusion"].caption


def test_a_file_says_nothing_of_clicks_and_lists_each_end_once():
    seen = Worth([{"id": str(i), "text": "t", "counterfactual": "c", "nll": 1.0 - i} for i in range(5)], 40, "texts", Checked(2, None, 0.1))
    (page,), (file,) = chapters.worth(seen), chapters.worth(seen, for_file=True)
    assert page.clicks and "Click" in page.caption and not page.rows and "1 of your 5 counterfactuals helped" in page.lead
    assert "Click" not in file.caption and len(file.rows) == 5 and "off by at most 10.0%" in file.caption


def test_a_thin_class_counts_up_to_twice():
    assert thinness(["a", "b"], {"a": 10, "b": 0}).tolist() == [1.0, 2.0]
    assert np.array_equal(thinness(["a"], {"a": 0, "b": 0}), [1.0])


@pytest.mark.parametrize("split", ["validation", "unlabelled"])
def test_strip_and_worth_measure_on_the_same_texts(tmp_path, split):
    """They named different numbers of the same texts, on two pages."""
    made = World(Workspace(tmp_path), test=4)
    made.keep(made.ids[:16])
    made.add_texts(split, LIMIT + 10)
    project = made.w.project(made.pid)
    live, worth = project.live.measure(), project.influence.measure()
    assert live.n_dev == worth.n_dev == LIMIT and live.measured_on == worth.measured_on


def test_the_table_of_every_number_has_its_columns_in_words():
    """`arm`, `n_seeds` and `mcc_std` told a clinician nothing, on the screen or in the report."""
    row = {"arm": "cod", "k": 8, "rows": 8, "n_seeds": 20, "mean": 0.832, "std": 0.08, "agreement": 0.9, "agreement_std": None, "mcc": 0.7}
    (told,) = chapters.in_table([row | {"mcc_std": 0.116, "agreement_unlabelled": None, "agreement_unlabelled_std": None}])
    assert told == {
        "students that learnt from": "Half texts, half counterfactuals",
        "compared at": 8,
        "training rows": 8,
        "draws": 20,
        "right on test texts": "83 % ± 8",
        "same answer as the teacher, test texts": "90 %",
        "Matthews correlation": "0.70 ± 0.12",
    }
