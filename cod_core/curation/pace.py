"""How long a decision takes the people of a project, from the times in its log, or an assumption that is said. Logs in, numbers out."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from cod_core.types import UNATTENDED, Decision

DECISION_S, LABEL_S = 20.0, 8.0  # assumed; nothing in the app takes the time of a label
FEWEST = 20  # timed decisions from which on the project's own pace counts
LONGEST_S = 300.0  # a card that was open longer was left for something else


@dataclass(frozen=True)
class Pace:
    """decision, label: seconds each. timed: decisions behind the former, 0 where it is assumed. decided: decisions of people, timed or
    not."""

    decision: float = DECISION_S
    label: float = LABEL_S
    timed: int = 0
    decided: int = 0

    def minutes(self, labels: int, decisions: int) -> float:
        """What so much work takes."""
        return (labels * self.label + decisions * self.decision) / 60


def pace(logs: Iterable[Iterable[Decision]]) -> Pace:
    """The median over the timed decisions of up to LONGEST_S, where there are FEWEST of them. Opinions count as what they are: reading
    a card and deciding; an undo is neither."""
    made = [d for log in logs for d in log if d.undoes is None and d.annotator != UNATTENDED]
    timed = [d.lead_time_s for d in made if d.lead_time_s is not None and 0 < d.lead_time_s <= LONGEST_S]
    if len(timed) < FEWEST:
        return Pace(decided=len(made))
    return Pace(float(median(timed)), timed=len(timed), decided=len(made))
