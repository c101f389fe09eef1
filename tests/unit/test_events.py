"""The simulation of docs/scale.md plays what cod_core/compute does: who is idle, who waits, what is done again."""

import pytest

from benchmarks.events import Costs, beside, cluster


def test_workers_with_a_core_each_share_the_work_and_four_on_two_cores_are_two():
    pieces = [1.0] * 40
    assert [cluster([pieces], n, Costs()).clock for n in (1, 4, 40)] == pytest.approx([40, 10, 1])
    assert cluster([pieces], 4, Costs(), cores=2).clock == pytest.approx(20)
    assert cluster([pieces], 4, Costs()).idle(4) == pytest.approx(0)


def test_a_process_that_asks_begins_a_task_when_the_last_is_saved_so_small_tasks_leave_workers_idle():
    """A grid of many small sweeps looked as if it could use as many workers as it has parts in all."""
    tasks = [[1.0] * 24] * 8
    assert cluster(tasks, 1000, Costs()).clock == pytest.approx(8)
    assert cluster(tasks, 1000, Costs(), askers=8).clock == pytest.approx(1)
    assert cluster(tasks, 24, Costs(kit=2.0)).clock == pytest.approx(8 * 3)


def test_who_saves_and_the_scheduler_bound_the_rate():
    pieces = [0.1] * 2000
    saving = cluster([pieces], 100, Costs(save=0.05))
    assert saving.clock == pytest.approx(2000 * 0.05, rel=0.02) and saving.asking == pytest.approx(100)
    planned = cluster([pieces], 100, Costs(plan=0.02, note=0.02, pulse=0.005))
    assert planned.clock == pytest.approx(2000 * 0.04 / 0.5, rel=0.02) and planned.scheduler == pytest.approx(80)


def test_a_slow_piece_holds_up_what_is_finished_after_it_and_no_more_is_begun_than_the_window():
    """Results come in order: a simulation that let them overtake would promise what the engine does not do."""
    slow = [100.0, *[0.1] * 200]
    assert cluster([slow], 2, Costs()).clock > 100 + 0.1 * (200 - 6) / 2 - 1
    assert cluster([slow], 2, Costs()).clock < 100 + 0.1 * 200


def test_killed_workers_lose_what_they_had_and_come_back():
    pieces = [1.0] * 4000
    quiet, killed = (cluster([pieces], 10, Costs(back=5.0), kills=rate) for rate in (0.0, 60.0))
    assert quiet.killed == 0 and quiet.lost == 0
    assert killed.killed > 20 and killed.killed <= killed.lost <= 2 * killed.killed
    assert 1.05 < killed.clock / quiet.clock < 1.3
    assert cluster([[30.0] * 200], 10, Costs(), kills=120.0).given_up > 0


def test_two_processes_in_lockstep_wait_for_the_longer_piece_of_each_round():
    pieces = [1.0, 3.0, 3.0, 1.0] * 20
    assert beside(pieces, 1, 2, Costs()) == pytest.approx(160)
    assert sum(pieces) / beside(pieces, 2, 2, Costs(), handed=1) < 1.6 < 1.9 < sum(pieces) / beside(pieces, 2, 2, Costs(), handed=2)
    assert beside(pieces, 2, 1, Costs()) == pytest.approx(160, rel=0.05), "two processes on one core are no faster"
