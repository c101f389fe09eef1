"""Whose turn it is, without a database: any line of people, played to its end."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cod_core.jobs.order import LANES, OTHERS, YOURS, Entry, why_wait

JOBS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(LANES), st.integers(1, 5)), min_size=1, max_size=14)


@settings(max_examples=300, deadline=None)
@given(JOBS, st.integers(1, 3), st.integers(0, 2**16))
def test_nobodys_second_job_comes_before_anothers_first_and_every_job_comes(jobs, places, seed):
    """One person who presses often must not keep the others waiting, and nobody may wait for ever."""
    rng, turns, begun, left = random.Random(seed), {lane: {} for lane in LANES}, [], {}
    waiting = [Entry(str(i), who, lane, False, float(i)) for i, (who, lane, _) in enumerate(jobs)]
    for clock in range(1, 400):
        rng.shuffle(waiting)  # workers ask in any order
        for mine in list(waiting):
            running = [Entry(jid, who, lane, True, 0.0) for jid, (who, lane, _) in left.items()]
            others = [job for job in waiting if job is not mine] + running
            if why_wait(mine, others, turns[mine.lane], places):
                continue
            in_lane = [job for job in running if job.lane == mine.lane]
            assert len(in_lane) < places and mine.person not in [job.person for job in in_lane]
            busy = {job.person for job in in_lane}
            never = {job.person for job in waiting if job.lane == mine.lane and job.person not in turns[mine.lane]} - busy
            assert mine.person in never or not never, "somebody who never had a turn was passed over"
            waiting.remove(mine)
            turns[mine.lane][mine.person] = clock + len(begun) / 1000
            left[mine.id] = (mine.person, mine.lane, jobs[int(mine.id)][2])
            begun.append(mine)
        left = {jid: (who, lane, n - 1) for jid, (who, lane, n) in left.items() if n > 1}
        if not waiting:
            break
    assert not waiting and len(begun) == len(jobs)
    for who in "abcd":
        for lane in LANES:
            own = [int(job.id) for job in begun if (job.person, job.lane) == (who, lane)]
            assert own == sorted(own), "a person's own jobs come in their order"


def test_who_waits_is_told_for_whom():
    mine = Entry("m", "ann", "heavy", False, 5.0)
    assert why_wait(mine, [Entry("o", "ann", "heavy", True, 1.0)], {}, 2) == YOURS
    assert why_wait(mine, [Entry("o", "ann", "heavy", False, 1.0)], {}, 2) == YOURS
    assert why_wait(mine, [Entry("o", "bob", "heavy", True, 1.0)], {}, 1) == OTHERS
    assert why_wait(mine, [Entry("o", "bob", "heavy", True, 1.0)], {}, 2) == ""
    assert why_wait(mine, [Entry("o", "ann", "light", True, 1.0), Entry("p", "bob", "light", True, 1.0)], {}, 1) == ""


def test_a_turn_that_is_longest_ago_comes_first_whatever_was_queued_when():
    first, second = Entry("1", "ann", "heavy", False, 1.0), Entry("2", "bob", "heavy", False, 2.0)
    assert why_wait(second, [first], {"ann": 10.0, "bob": 9.0}, 1) == ""
    assert why_wait(first, [second], {"ann": 10.0, "bob": 9.0}, 1) == OTHERS
