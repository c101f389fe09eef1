import pickle
from dataclasses import replace

import numpy as np
import torch

from cod_core.distill import stepwise
from cod_core.distill.blocks import SOLVED, STEPWISE, Shared, bench_of, cut_parts
from cod_core.distill.sweep import EvalSet
from tests.unit.distill.test_sweep import LABELS, World


def given(world, rows, **options):
    """What the parts of a sweep have in common. rows: of cut_parts."""
    sets = (world.test, EvalSet(), EvalSet(("bad q", "good r")))
    matrices = tuple(
        np.asarray(f(list(s.texts))).reshape(len(s.texts), -1) if s.texts else np.zeros((0, w))
        for f, w in ((world.teach, 2), (world.embed, 5))
        for s in sets
    )
    return Shared(LABELS, rows, sets, matrices[:3], matrices[3:], **options)


def test_a_cell_has_the_same_last_digit_alone_and_in_company():
    """A sweep that was killed goes on with other cells together: its table must not change by a bit."""
    world = World()
    cells, _ = world.plan()
    cuts = [cut_parts(cells, LABELS, world.embed, size) for size in (100, 1)]
    together, alone = ([d for part in parts for d in SOLVED.once(bench_of(given(world, rows)), part)] for rows, parts in cuts)
    by_id = {d.result.config.run_id: d for d in alone}
    assert len(by_id) == len(cells)
    for done in together:
        other = by_id[done.result.config.run_id]
        assert (done.result.test, done.result.dev) == (other.result.test, other.result.dev)
        assert np.array_equal(done.weight, other.weight) and np.array_equal(done.told["test"], other.told["test"])


def test_a_part_gives_what_the_sweep_gives_and_travels_between_processes():
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("cod",))
    rows, [part] = cut_parts(cells, LABELS, world.embed, 10)
    found = SOLVED.once(bench_of(pickle.loads(pickle.dumps(given(world, rows)))), pickle.loads(pickle.dumps(part)))
    expected = {r.config.run_id: r.test["accuracy"] for r in world.run(cells)}
    assert {d.result.config.run_id: d.result.test["accuracy"] for d in found} == expected
    assert part.ids == [c.config.run_id for c in cells]


def test_parts_carry_neither_rows_nor_embeddings_so_a_cluster_is_not_sent_a_megabyte_a_part():
    """Twenty students of 32 rows each carried 640 texts and embeddings: a fifth of a cluster's processor went into moving them."""
    world = World()
    cells, _ = world.plan()
    rows, parts = cut_parts(cells, LABELS, world.embed, 1)
    assert sum(len(pickle.dumps(part.rows)) for part in parts) < 400 * len(parts)
    assert [cell for part in parts for cell in part.whole(rows)] == list(cells)
    assert not any(row.text.encode() in pickle.dumps(part) for part in parts for row in rows.each)
    assert len(rows.each) == len({row for cell in cells for row in cell.rows}) and len(rows.embeddings) == len(rows.texts)


def test_a_project_without_texts_to_measure_on_ends_in_no_traceback():
    """The width of the teacher's answers was read off the judged texts, of which there may be none."""
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("kd",))
    nothing = (np.zeros((0, 2)),) * 3 + (np.zeros((0, 5)),) * 3
    assert any(cell.soft is not None for cell in cells)
    rows, [part] = cut_parts(cells, LABELS, world.embed, 100)
    assert len(SOLVED.once(bench_of(Shared(LABELS, rows, (EvalSet(),) * 3, nothing[:3], nothing[3:])), part)) == len(cells)


def test_a_trained_student_does_not_depend_on_the_number_of_threads_that_its_process_has(monkeypatch):
    """Worker processes have one, the planner all: `sweep --cell` found OTHER numbers than `sweep --workers 2`. Nor did a
    grid's micro_batch reach the training."""
    world, threads = World(), []
    [cell, *_], _ = world.plan(shots=(4,), arms=("kd",))
    rows, [part] = cut_parts([replace(cell, config=replace(cell.config, student="finetuned:tiny:all"))], LABELS)

    def train(cells, training):
        threads.append((torch.get_num_threads(), training.micro_batch))
        return iter(())

    monkeypatch.setattr(stepwise, "stepwise_batches", train)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        STEPWISE.once(bench_of(given(world, rows, micro_batch=4)), part)
        assert threads == [(1, 4)] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
