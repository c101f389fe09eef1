"""Whose turn it is. Pure: who waits, who runs, when each person's last job was begun -> why a job has to wait.

Two lanes: heavy jobs compute on this machine, light ones wait for a language model somewhere else most of their time, so a light
one never waits for a heavy one. In a lane nobody has two jobs at once, and a free place goes to the person whose last turn is
longest ago: nobody's second job comes before another's first, whatever was pressed when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LANES = ("heavy", "light")
YOURS = "waiting for your other job to finish"
OTHERS = "waiting for another job to finish"


@dataclass(frozen=True)
class Entry:
    """A job that runs, or whose worker waits. person: "" for the command line. since: when it was queued."""

    id: str
    person: str
    lane: str
    running: bool
    since: float


def why_wait(mine: Entry, others: Sequence[Entry], turns: Mapping[str, float], places: int) -> str:
    """Why this job may not begin yet, in words; "" where it may.

    others: the rest of those that live, of any lane. turns: person -> when their last job of this lane was begun. places: how
    many jobs of this lane may run at once, at least 1.
    """
    lane = [job for job in others if job.lane == mine.lane]
    at_work = [job.person for job in lane if job.running]
    if mine.person in at_work:
        return YOURS
    if len(at_work) >= places:
        return OTHERS

    def turn(job: Entry) -> tuple[float, float, str]:
        return turns.get(job.person, 0.0), job.since, job.id

    ready = [job for job in lane if not job.running and job.person not in at_work]
    first = min([mine, *ready], key=turn)
    if first is mine:
        return ""
    return YOURS if first.person == mine.person else OTHERS
