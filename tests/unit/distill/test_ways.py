"""Ways to a better student: what is measured, and what is said of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cod_core.diagnostics.worth import Rows
from cod_core.distill import ways
from cod_core.distill.ways import BOTH, LABELS, LINE, PAIRS, TEACHER, Way, Ways
from cod_core.errors import BadInput

FOUND = json.loads((Path(__file__).parents[3] / "benchmarks/results/ways.json").read_text(encoding="utf-8"))


def rows(n: int, seed: int, wrong: bool = False) -> Rows:
    """n rows of two classes that lie apart in the first of six directions; with `wrong` under the other's label."""
    rng = np.random.default_rng(seed)
    hard = np.arange(n) % 2
    phi = rng.normal(size=(n, 6)) * 0.3
    phi[:, 0] += 2 * hard - 1
    told = 1 - hard if wrong else hard
    return Rows(phi, told, np.log(np.where(np.eye(2)[told] == 1, 0.95, 0.05)))


NONE = Rows(np.zeros((0, 1)), np.zeros(0, dtype=int), np.zeros((0, 2)))
DEV = rows(80, 9)


def way(name: str, right: int, n: int = 100, rows_: int = 10) -> Way:
    return Way(name, rows_, tuple(i < right for i in range(n)))


def test_each_way_is_a_student_of_its_own_rows():
    """Prevents: a way's figure that is another's, or that the teacher's labels reach by gold labels."""
    found, half, _ = ways.measured(rows(40, 1), rows(40, 2, wrong=True), rows(12, 3), DEV.features, DEV.hard)
    share = {one.name: one.share for one in found}
    assert list(share) == [LABELS, LINE, TEACHER, PAIRS, BOTH]
    assert min(share[LABELS], share[LINE], share[PAIRS], half) > 0.9 and share[TEACHER] < 0.1
    assert [one.rows for one in found] == [40, 40, 40, 12, 52]


def test_a_way_without_rows_or_with_one_class_is_left_out():
    one_class = ways.some(rows(20, 2), np.arange(0, 20, 2))
    found, half, catches_up = ways.measured(NONE, one_class, rows(12, 3), DEV.features, DEV.hard)
    assert [one.name for one in found] == [PAIRS] and half is None and catches_up is None


def test_where_the_teachers_answers_catch_up():
    """Prevents: "from 50 texts on" where fewer than 50 are there, or where the answers never do as well."""

    def at(free, pairs):
        return ways.measured(NONE, free, pairs, DEV.features, DEV.hard)[2]

    weak = rows(12, 3, wrong=True)
    assert (at(rows(120, 2), weak), at(rows(30, 2), weak), at(rows(120, 2, wrong=True), rows(12, 3))) == (50, 30, None)


def test_the_sentence_of_the_issue():
    found = Ways((way(TEACHER, 81), way(PAIRS, 76), way(BOTH, 83)), 100, 28, 400, None, 200)
    said = " ".join(ways.sentences(found))
    assert "You have 400 texts without a label, and 10 of them were used here." in said
    assert "reach 81 % on your 100 development texts; your 28 counterfactuals 76 %; both together 83 %." in said
    assert "From about 200 texts on" in said


@pytest.mark.parametrize(("best", "words"), [(81, "no more than chance"), (95, "collect more texts without a label")])
def test_advice_is_given_only_beyond_chance(best, words):
    """Prevents: an afternoon's advice from one text more right among a hundred."""
    assert words in ways.sentences(Ways((way(TEACHER, best), way(PAIRS, 80)), 100, 28, 10))[-1]


def test_a_plain_classifier_stands_beside_the_labels():
    said = ways.sentences(Ways((way(LABELS, 78), way(LINE, 74)), 100, 0, 0, half=0.75))
    assert any("78 % with the teacher's help, and 74 % as a plain classifier" in one for one in said)
    assert any("3 points more" in one for one in said)
    flat = ways.sentences(Ways((way(LABELS, 78), way(LINE, 74)), 100, 0, 0, half=0.78))
    assert any("brought nothing more" in one for one in flat)
    assert any("no texts without a label" in one for one in said)


def test_nothing_is_claimed_without_development_texts():
    assert "cannot be compared" in ways.sentences(Ways((), 0, 28, 400))[0]


def test_what_is_kept_comes_back_and_knows_when_it_is_old():
    found = Ways((way(TEACHER, 81), way(PAIRS, 76)), 100, 28, 400, 0.7, 50, "a")
    assert ways.read(json.loads(json.dumps(found.to_json())), "a") == found
    assert ways.read(found.to_json(), "b").stale
    with pytest.raises(BadInput, match="another version"):
        ways.read({"ways": []}, "a")


def test_what_to_expect_is_what_was_measured():
    """Prevents: a promise on the page that the experiments do not hold."""
    sixteen = [one for name, one in FOUND.items() if "32" in one["cells"]["cod"] and name != "incidents"]  # templates, see the page
    reached = [
        min(int(n) for n, cell in one["cells"]["soft"].items() if cell["accuracy"] >= one["cells"]["cod"]["32"]["accuracy"])
        for one in sixteen
    ]
    least, most, late = map(int, re.findall(r"(\d+) to (\d+) texts .* From (\d+) such", ways.EXPECTED)[0])
    assert (len(sixteen), min(reached), max(reached)) == (8, least, most)
    assert max(e["mean"] for one in FOUND.values() for n, e in one["effects"]["both - soft"].items() if int(n) >= late) < 0.01
