"""Twenty seeds over few accepted pairs are no twenty draws: what the results, the comparison and the gaps may say then."""

import json

import pytest

from cod_core.diagnostics.stats import ONE_DRAW, SHARED, UNKNOWN
from cod_core.distill.settings import SweepPlan
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World

ARMS = ["kd", "cod"]


def made(folder, train, kept):
    world = World(Workspace(folder), train)
    world.keep(world.ids[:kept])
    return world


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """32 accepted pairs among 300 texts, distilled at k = 8 and 64 with 20 draws."""
    world = made(tmp_path_factory.mktemp("few"), 300, 32)
    world.w.project(world.pid).students.distil(SweepPlan(shots=(8, 64), seeds=20, arms=ARMS))
    return world


def test_one_set_of_pairs_in_twenty_orders_is_one_possible_draw(few):
    """All CoD students of k = 64 give the same answers, and the page said "20 draws: a clear gain", p about 0."""
    found = few.w.project(few.pid).results.latest()
    by_k = {e["k"]: e for e in found.effects}
    assert len({r.test["accuracy"] for r in found.runs if r.config.arm == "cod" and r.config.shots == 64}) == 1
    assert len({r.config.data_hash for r in found.runs if r.config.arm == "cod" and r.config.shots == 64}) > 1
    assert by_k[64]["caveat"] == ONE_DRAW and not by_k[64]["clear"] and by_k[64]["p_signflip"] == 1
    assert "one possible draw" in by_k[64]["sentence"] and "20 draws" not in by_k[64]["sentence"]
    assert by_k[8]["overlap"] == pytest.approx(8 / 32, abs=0.05), "kd's eight texts come from the 32 pairs too, not from 300 texts"


def test_the_headline_is_of_the_largest_k_that_leaves_something_to_draw(few):
    """The largest k always takes more than half of the pairs."""
    assert few.w.project(few.pid).results.latest().sentence.startswith("With 8 training rows")


def test_compared_runs_know_their_draws_too(few):
    by = {(s.about["arm"], s.about["k"]): s.id for s in few.w.project(few.pid).comparison.sides()}
    accuracy = few.w.project(few.pid).comparison.compare(by["kd", "64"], by["cod", "64"]).measures[0]
    of_results = next(e for e in few.w.project(few.pid).results.latest().effects if e["k"] == 64)
    assert accuracy["name"] == "accuracy" and not accuracy["clear"]
    assert {n: accuracy[n] for n in ("mean", "low", "high", "caveat")} == {n: of_results[n] for n in ("mean", "low", "high", "caveat")}
    assert few.w.project(few.pid).comparison.compare(by["kd", "8"], by["cod", "64"]).measures[0]["caveat"] == ONE_DRAW


def test_many_pairs_leave_a_gain_clear(tmp_path):
    """16 of 300 pairs a draw: too much caution would make the page useless."""
    world = made(tmp_path, 320, 300)
    effect = world.sweep(32)
    assert effect["clear"] and effect["mean"] > 0 and effect["overlap"] < 0.15
    assert "20 draws: a clear gain" in world.w.project(world.pid).results.latest().sentence


def test_draws_that_share_most_of_their_pairs_are_not_clear(tmp_path):
    world = made(tmp_path, 320, 36)
    effect = world.sweep(64)
    assert effect["caveat"] == SHARED and effect["low"] > 0 and effect["overlap"] > 0.5
    assert "the draws share many of their texts" in effect["sentence"]


def test_a_report_of_the_time_before_calls_nothing_clear_until_the_sweep_is_planned_again(tmp_path):
    """Its finished students are not trained anew: their rows are known once the sweep is planned."""
    world = made(tmp_path, 320, 300)
    w, pid = world.w, world.pid
    assert world.sweep(32)["clear"]
    report = w.project(pid).results.report()
    for entry in report["effects"]:
        for measured in entry["measures"].values():
            del measured["overlap"]
    w.project(pid).results.report_path().write_text(json.dumps(report))
    w.project(pid).store._rows_path().unlink()
    assert w.project(pid).results.latest().effects[0]["caveat"] == UNKNOWN and "distil again" in w.project(pid).results.latest().sentence
    w.project(pid).results.renew_report()
    assert w.project(pid).results.latest().effects[0]["caveat"] == UNKNOWN, "the students' rows are on record nowhere"
    assert w.project(pid).students.distil(SweepPlan(shots=(32,), seeds=20, arms=ARMS))["new"] == 0
    assert w.project(pid).results.latest().effects[0]["clear"]


def test_grids_put_the_rows_of_their_cells_on_record_too(tmp_path):
    world = made(tmp_path, 60, 16)
    w, pid = world.w, world.pid
    found = w.grids.run({"tasks": [pid], "shots": [8, 32], "seeds": 4, "runs": [{"arms": ARMS}]})
    ids = {(row["arm"], row["k"]): row["run_ids"] for row in found["table"]}
    assert w.project(pid).store.overlap([ids["kd", 8], ids["cod", 8]]).distinct == 4
    assert w.project(pid).store.overlap([ids["kd", 32], ids["cod", 32]]).distinct == 1
    assert w.project(pid).store.overlap([ids["kd", 8], ["never trained"]]) is None


def test_rows_that_cannot_be_read_are_not_known(few, tmp_path):
    """A torn file may cost the word "clear", never the page."""
    path = few.w.project(few.pid).store._rows_path()
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: len(whole) // 2])
        assert few.w.project(few.pid).store.overlap([["a"]]) is None
        few.w.project(few.pid).students.distil(SweepPlan(shots=(8, 64), seeds=20, arms=ARMS))
        assert path.read_bytes() == whole
    finally:
        path.write_bytes(whole)
