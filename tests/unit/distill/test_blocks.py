import pickle
from dataclasses import replace

import numpy as np
import torch

from cod_core.distill import stepwise
from cod_core.distill.blocks import SOLVED, STEPWISE, Shared, bench_of, cut_parts
from cod_core.distill.sweep import EvalSet
from tests.unit.distill.test_sweep import LABELS, World


def given(world, **options):
    """What the parts of a sweep have in common."""
    sets = (world.test, EvalSet(), EvalSet(("bad q", "good r")))
    matrices = tuple(
        np.asarray(f(list(s.texts))).reshape(len(s.texts), -1) if s.texts else np.zeros((0, w))
        for f, w in ((world.teach, 2), (world.embed, 5))
        for s in sets
    )
    return Shared(LABELS, sets, matrices[:3], matrices[3:], **options)


def test_a_cell_has_the_same_last_digit_alone_and_in_company():
    """A sweep that was killed goes on with other cells together: its table must not change by a bit."""
    world = World()
    cells, _ = world.plan()
    bench = bench_of(given(world))
    together, alone = ([d for part in cut_parts(cells, LABELS, world.embed, size) for d in SOLVED.once(bench, part)] for size in (100, 1))
    by_id = {d.result.config.run_id: d for d in alone}
    assert len(by_id) == len(cells)
    for done in together:
        other = by_id[done.result.config.run_id]
        assert (done.result.test, done.result.dev) == (other.result.test, other.result.dev)
        assert np.array_equal(done.weight, other.weight) and np.array_equal(done.told["test"], other.told["test"])


def test_a_part_gives_what_the_sweep_gives_and_travels_between_processes():
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("cod",))
    [part] = cut_parts(cells, LABELS, world.embed, 10)
    found = SOLVED.once(bench_of(pickle.loads(pickle.dumps(given(world)))), pickle.loads(pickle.dumps(part)))
    expected = {r.config.run_id: r.test["accuracy"] for r in world.run(cells)}
    assert {d.result.config.run_id: d.result.test["accuracy"] for d in found} == expected
    assert part.ids == [c.config.run_id for c in cells]


def test_a_project_without_texts_to_measure_on_ends_in_no_traceback():
    """The width of the teacher's answers was read off the judged texts, of which there may be none."""
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("kd",))
    nothing = (np.zeros((0, 2)),) * 3 + (np.zeros((0, 5)),) * 3
    assert any(cell.soft is not None for cell in cells)
    [part] = cut_parts(cells, LABELS, world.embed, 100)
    assert len(SOLVED.once(bench_of(Shared(LABELS, (EvalSet(),) * 3, nothing[:3], nothing[3:])), part)) == len(cells)


def test_a_trained_student_does_not_depend_on_the_number_of_threads_that_its_process_has(monkeypatch):
    """Worker processes have one, the planner all: `sweep --cell` found OTHER numbers than `sweep --workers 2`. Nor did a
    grid's micro_batch reach the training."""
    world, threads = World(), []
    [cell, *_], _ = world.plan(shots=(4,), arms=("kd",))
    [part] = cut_parts([replace(cell, config=replace(cell.config, student="finetuned:tiny:all"))], LABELS)

    def train(cells, training):
        threads.append((torch.get_num_threads(), training.micro_batch))
        return iter(())

    monkeypatch.setattr(stepwise, "stepwise_batches", train)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        STEPWISE.once(bench_of(given(world, micro_batch=4)), part)
        assert threads == [(1, 4)] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
