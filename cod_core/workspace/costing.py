"""What accuracy cost: electricity of the students, tokens and money of the counterfactuals."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cod_core.store import runs
from cod_core.types import PAIR_ARMS
from cod_core.workspace.base import Base


@dataclass(frozen=True)
class Cost:
    """One (arm, k): accuracy is the mean over draws. kwh: of one student, None where it was not estimated.

    usd: what the counterfactuals of one student cost to ask for, 0 for search and people, None where a price is missing.
    """

    student: str
    arm: str
    k: int
    accuracy: float
    kwh: float | None
    usd: float | None
    n: int


class Costing(Base):
    """Accuracy a kWh and a dollar. All electricity is an estimate (distill/energy.py)."""

    def costs(self, pid: str) -> list[Cost]:
        """One row an (arm, k) of every kind of student on record that was judged on labelled test texts."""
        each = self.price_of_a_pair(pid)
        groups = defaultdict(list)
        for run in runs.runs(self.db, pid):
            if "accuracy" in run.test:
                groups[run.config.student.partition(":")[0], run.config.arm, run.config.plotted_k].append(run)
        out = []
        for (student, arm, k), found in sorted(groups.items()):
            known = [r.energy_kwh for r in found if r.energy_kwh is not None]
            second = found[0].config.shots - found[0].config.real_shots if arm in PAIR_ARMS and arm != "swap" else 0
            usd = None if second and each is None else (each or 0.0) * second
            out.append(Cost(student, arm, k, float(np.mean([r.test["accuracy"] for r in found])),
                            float(np.mean(known)) if known else None, usd, len(found)))
        return out

    def price_of_a_pair(self, pid: str) -> float | None:
        """Mean price of a kept counterfactual in dollars; None where a language model wrote some at an unknown price."""
        prices = [cf.origin.cost_usd if cf.origin.kind == "llm" else 0.0 for cf, _ in self.kept_pairs(pid).values()]
        return None if not prices or any(p is None for p in prices) else float(np.mean(prices))
