"""Students on any of the texts beside those on texts that have a counterfactual: which rows they get, and what is said of it."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.distill.settings import SweepPlan
from cod_core.project.filing import read_json, write_json
from cod_core.types import ARMS, FREE
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    """30 accepted pairs among 120 texts."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    made = World(Workspace(tmp_path), 120)
    made.keep(made.ids[:30])
    return made


def cells(world, *arms, shots=(8, 32), seeds=5):
    """(arm, k, seed) -> the cell."""
    found, _, _ = world.w.project(world.pid).plan.cells(SweepPlan(shots=shots, seeds=seeds, arms=arms))
    return {(c.config.arm, c.config.plotted_k, c.config.seed): c for c in found}


def drawn(found, arm, k, seeds=5):
    return [[row.example_id for row in found[arm, k, seed].rows] for seed in range(seeds)]


def test_any_text_may_be_drawn(world):
    """Prevents: a free draw that is KD's under another name."""
    found = cells(world, "kd", FREE)
    paired = set(world.ids[:30])
    assert all(set(rows) <= paired for rows in drawn(found, "kd", 8))
    free = {i for rows in drawn(found, FREE, 8) for i in rows}
    assert len(free - paired) > len(free & paired), "three of four texts have no counterfactual"
    assert all(not row.is_cf for row in found[FREE, 8, 0].rows) and len(found[FREE, 32, 0].rows) == 32


def test_the_free_draw_is_nested_and_balanced(world):
    found = cells(world, FREE)
    for small, large in zip(drawn(found, FREE, 8), drawn(found, FREE, 32)):
        assert large[:8] == small
    assert all(sorted(row.label for row in found[FREE, 32, seed].rows).count("positive") == 16 for seed in range(5))


def test_a_rejected_text_is_drawn_and_one_that_the_teacher_does_not_see_as_labelled_is_not(world):
    """Prevents: leaving out what no counterfactual could be had of, which is the choice that is measured."""
    room = world.w.project(world.pid)
    room.curation.decide(f"cf-{world.ids[0]}", "rejected", "ann", reasons=("other",))
    with world.w.db.begin() as c:
        from cod_core.store.schema import examples

        c.execute(examples.update().where(examples.c.id == world.ids[1]).values(label="negative"))
    assert world.ids[0] in room.draws.unusable_rows()
    everything = {i for rows in drawn(cells(world, FREE, shots=(118,)), FREE, 118) for i in rows}
    assert world.ids[0] in everything and world.ids[1] not in everything


def test_more_counterfactuals_leave_the_free_students_as_they_are(world):
    """Prevents: training them again, minutes each for a student that takes steps, after every accepted pair."""
    before = {key: cell.config.run_id for key, cell in cells(world, FREE).items()}
    world.keep(world.ids[30:50])
    assert {key: cell.config.run_id for key, cell in cells(world, FREE).items()} == before


def test_the_other_students_keep_their_names(world):
    """Prevents: a project whose students are all trained again because a free draw stands beside them."""
    alone, beside = cells(world, *ARMS, shots=(8, 60)), cells(world, *ARMS, FREE, shots=(8, 60))
    assert {k: c.config.run_id for k, c in alone.items()} == {k: c.config.run_id for k, c in beside.items() if k[0] != FREE}


def test_labels_count_alike_where_they_do_in_the_other_arms(world):
    """Prevents: a difference of weights that is taken for one of texts. 20 more pairs of one label make k = 100 uneven."""
    world.keep([i for i in world.ids[30:] if world.ids.index(i) % 2 == 0][:20])
    found = cells(world, "kd", "cod", FREE, shots=(8, 64, 100), seeds=2)
    weighted = {k: {arm: found[arm, k, 0].config.class_weights for arm in ("kd", "cod", FREE)} for k in (8, 64, 100)}
    assert all(len(set(by_arm.values())) == 1 for by_arm in weighted.values()), weighted
    assert {k: by_arm[FREE] for k, by_arm in weighted.items()} == {8: False, 64: True, 100: True}


@pytest.fixture
def distilled(world):
    world.w.project(world.pid).students.distil(SweepPlan(shots=(8, 32), seeds=8, arms=("kd", "cod", FREE)))
    return world


def test_what_is_said_is_the_paired_difference(distilled):
    """Prevents: a difference with the wrong sign, or of other students than those that the page for comparing runs has."""
    room = distilled.w.project(distilled.pid)
    found = room.results.latest()
    sides = {(s.about["arm"], s.about["k"]): s.id for s in room.comparison.sides()}
    for one in found.free:
        for arm, beside in (("kd", one.paired), ("cod", one.changed)):
            measure = room.comparison.compare(sides[FREE, str(one.k)], sides[arm, str(one.k)]).measures[0]
            assert (measure["first"], measure["second"]) == (one.free, beside.share)
            assert (measure["mean"], measure["low"], measure["high"]) == (beside.effect.mean, beside.effect.low, beside.effect.high)
    assert [one.k for one in found.free] == [8, 32]
    in_table = {(row["arm"], row["k"]): row["mean"] for row in found.table}
    assert in_table[FREE, 8] == pytest.approx(found.free[0].free)


def test_results_without_a_free_draw_still_show(distilled):
    results = distilled.w.project(distilled.pid).results
    path = results.report_path()
    write_json(path, {name: value for name, value in read_json(path).items() if name not in ("choice", "free")})
    assert results.latest().free == [] and results.latest().effects
    assert not [s for s in distilled.w.project(distilled.pid).report.sections("bought") if s.id == "free-draw"]
    results.renew_report()
    assert [one.k for one in results.latest().free] == [8, 32], "the students are there, so nothing has to be trained"


def test_a_report_without_free_students_has_no_entry_for_them(world):
    world.sweep(8, 6)
    assert not {"choice", "free"} & set(world.w.project(world.pid).results.report())


def test_page_and_file_say_it_of_the_k_of_the_headline(distilled):
    room = distilled.w.project(distilled.pid)
    [section] = [s for s in room.report.sections("bought") if s.id == "free-draw"]
    k = int(room.results.latest().sentence.split()[1])
    assert (
        section.lead == "The gain is not owed to the choice of texts."
        and section.caption.startswith(f"With {k} of your texts alone")
        and len(section.lines) == 1
        and len(section.numbers) == 2
    )
    html = room.report.html()
    assert "where any may be drawn" in html and "Your texts only, any of them" in html


def test_the_command_compares_them_for_the_quick_student_and_says_it(world):
    said = CliRunner().invoke(app, ["distill", world.pid, "--shots", "8", "--seeds", "6", "--json"])
    assert said.exit_code == 0, said.stdout
    found = json.loads(said.stdout)
    assert [one["k"] for one in found["free_draw"]] == [8] and "where any may be drawn" in found["free_draw"][0]["sentence"]
    assert {row["arm"] for row in found["table"]} == {*ARMS, FREE}


def test_a_grid_may_name_it(world):
    out = world.w.grids.run({"tasks": [world.pid], "shots": [8], "seeds": 2, "runs": [{"arms": ["kd", FREE]}]})
    assert {row["arm"]: row["cells"] for row in out["table"]} == {"kd": 2, FREE: 2} and not out["left_out"]


def test_more_rows_than_may_be_drawn_are_said(world):
    _, left_out, _ = world.w.project(world.pid).plan.cells(SweepPlan(shots=(8, 512), seeds=2, arms=(FREE,)))
    assert left_out == ["kd_free: k = 512 needs 512 labelled training texts and there are 120. Choose a smaller k or add labelled texts."]
