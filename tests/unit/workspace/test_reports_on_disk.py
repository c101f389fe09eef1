"""The files that keep a sweep's report: whole or absent, and as stale after a renewal as before."""

import json
from pathlib import Path

import pytest
import safetensors.numpy

from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput
from cod_core.project.filing import read_json, write_json, write_whole
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World
from ui.distill.students import called


@pytest.fixture
def world(tmp_path):
    made = World(Workspace(tmp_path))
    made.keep(made.ids[:16])
    return made


def test_a_write_that_fails_halfway_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "report.json"
    write_json(path, {"a": 1})

    def torn(part):
        part.write_text('{"a":')
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, torn)
    assert read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b'{"made_at": "2026', b"null", b"[1]", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_absent(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    assert read_json(path) is None and read_json(tmp_path / "none.json") is None


def test_a_torn_report_is_no_results_yet_and_the_next_sweep_puts_it_right(world):
    """It used to end every page of the project, and distilling again too, with a JSONDecodeError."""
    w, pid = world.w, world.pid
    world.sweep(8, 6)
    for name in ("report", "diagnostics"):
        path = w.project(pid).results.report_path(name)
        path.write_text('{"made_at": "2026-1')
    assert (
        w.project(pid).results.latest() is None
        and w.project(pid).results.report() is None
        and w.project(pid).diagnostics.latest() is None
        and w.project(pid).comparison.sides() == []
    )
    assert w.project(pid).results.marker()
    assert w.project(pid).students.distil(SweepPlan(shots=(8,), seeds=6, arms=("kd", "cod")))["new"] == 0
    assert w.project(pid).results.latest().effects[0]["k"] == 8


def test_computing_a_report_again_does_not_make_it_fresh(world):
    """The students are still those of pairs that a person has rejected since."""
    w, pid = world.w, world.pid
    world.sweep(8, 6, only={"annotator": "ann"})
    before = w.project(pid).results.report()
    w.project(pid).curation.decide(f"cf-{world.ids[0]}", "rejected", "ann", reasons=("other",))
    assert w.project(pid).results.latest().stale
    w.project(pid).results.renew_report()
    after = w.project(pid).results.report()
    assert w.project(pid).results.latest().stale and not w.project(pid).results.latest().outdated
    assert before["provenance"]["chosen"] == "annotator: ann" and after["only"] == {"annotator": "ann"}
    assert {**after, "made_at": before["made_at"]} == before


def test_a_report_that_does_not_say_what_it_rests_on_is_stale_once_renewed(world):
    w, pid = world.w, world.pid
    world.sweep(8, 6)
    old = {name: value for name, value in w.project(pid).results.report().items() if name not in ("state", "provenance", "only", "shots")}
    w.project(pid).results.report_path().write_text(json.dumps(old))
    assert w.project(pid).results.latest().outdated
    w.project(pid).results.renew_report()
    found = w.project(pid).results.latest()
    assert found.stale and not found.outdated and found.effects[0]["k"] == 8


@pytest.mark.parametrize("k, said", [(8, "6 of your texts and counterfactuals of 2 of them"), (9, "7 of your texts and counterfactuals")])
def test_the_sentence_counts_the_rows_that_were_trained_on(world, k, said):
    """With a quarter of counterfactuals it spoke of half and half, and an odd number of rows ended the page in a ValueError."""
    assert said in world.sweep(k, 6, cf_share=0.25)["sentence"]
    configs = [run.config for run in world.w.project(world.pid).results.latest().runs]
    names = {called(c.student, c.arm, c.shots, c.real_shots) for c in configs}
    assert names == {f"Quick student: your texts alone, {k} rows", f"Quick student: {k - 2} texts, 2 counterfactuals, {k} rows"}


@pytest.mark.parametrize("k, test, params", [(8, 1, {}), (9, 200, {"cf_share": 0.25})])
def test_what_rows_can_tell_is_left_out_where_it_cannot_be_said(tmp_path, k, test, params):
    """One judged text spans no direction, and other shares were drawn as halves: either had ended the whole diagnosis."""
    made = World(Workspace(tmp_path), test=test)
    made.keep(made.ids[:16])
    made.sweep(k, 6, **params)
    assert made.w.project(made.pid).diagnostics.informations(made.w.project(made.pid).results.report(), k) is None


def test_a_grid_that_cannot_be_done_is_refused_before_anything_is_trained(world):
    """Layer methods had ended it without a table when their turn came, after hours of other runs."""
    runs = [{"arms": ["kd"]}, {"student": "finetuned", "method": "lwd", "arms": ["kd"]}]
    with pytest.raises(BadInput, match="Layer methods"):
        world.w.grids.run({"tasks": [world.pid], "shots": [4], "seeds": 2, "runs": runs})
    assert not world.w.project(world.pid).store.finished(world.w.project(world.pid).texts.eval_sets())


def test_a_sweep_that_is_killed_while_it_judges_again_leaves_the_former_answers(world, monkeypatch):
    """A torn file lay in the place of a finished student's answers, and the Results page ended in a traceback."""
    w, pid, save = world.w, world.pid, safetensors.numpy.save_file
    before = world.sweep(8, 6)

    def killed(arrays, path, metadata=None):
        save(arrays, path, metadata)
        Path(path).write_bytes(Path(path).read_bytes()[:40])
        raise KeyboardInterrupt

    world.add_texts("test", 2)
    monkeypatch.setattr(safetensors.numpy, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        world.sweep(8, 6)
    monkeypatch.undo()
    runs_before = w.project(pid).results.report()["run_ids"]
    assert (
        all(len(w.project(pid).store.answers(run_id)) == 200 for run_id in runs_before)
        and w.project(pid).results.latest().effects[0]["k"] == before["k"]
    )
