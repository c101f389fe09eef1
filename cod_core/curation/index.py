"""A project's proposals, verdicts and decisions in memory, kept up to date by reading only what is new.

Everything here only ever grows in the store, so a number a table says what was read already. Knows no teacher and
no screen. What is handed out is never changed afterwards: news make new dictionaries.
"""

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select

from cod_core.curation import state
from cod_core.store import decisions, items, schema, text_changes
from cod_core.store.database import Database
from cod_core.types import Counterfactual, Decision, Example, FlipCheck

TeacherKey = tuple[str, str]


@dataclass(frozen=True)
class Snapshot:
    """The project at one moment. by_example: example id -> its proposals, in upload order of the texts.

    checks: (teacher id, revision) -> counterfactual id -> verdict. latest: the newest verdict by any teacher.
    flipped: (teacher id, revision) -> ids of texts with a proposal that flips to its target.
    logs: example id -> its decisions, oldest first. outcome: example id -> the decision its text stands at.
    number: grows with every news. touched: example id -> the number of its last news.
    """

    examples: dict[str, Example] = field(default_factory=dict)
    counterfactuals: dict[str, Counterfactual] = field(default_factory=dict)
    by_example: dict[str, tuple[Counterfactual, ...]] = field(default_factory=dict)
    checks: dict[TeacherKey, dict[str, FlipCheck]] = field(default_factory=dict)
    latest: dict[str, FlipCheck] = field(default_factory=dict)
    flipped: dict[TeacherKey, frozenset[str]] = field(default_factory=dict)
    logs: dict[str, tuple[Decision, ...]] = field(default_factory=dict)
    outcome: dict[str, Decision] = field(default_factory=dict)
    number: int = 0
    touched: dict[str, int] = field(default_factory=dict)


class Index:
    """One project's Snapshot. `now` brings it up to date; threads may share it."""

    def __init__(self, db: Database, pid: str):
        self._db, self._pid = db, pid
        self._snapshot = Snapshot()
        self._position, self._touched, self._seq = 0, -1, 0
        self._places: dict[str, int] = {}
        self._left_out: set[str] = set()
        self._out = text_changes.absent(db, pid)
        self._lock = threading.Lock()
        self._mark: Hashable | None = None

    def now(self) -> Snapshot:
        """The project as the store has it: three short queries where anybody has written anything since."""
        with self._lock:
            mark = self._db.lately.mark()
            if mark is None or mark != self._mark:
                before = self._position, self._touched, self._seq
                try:
                    proposals, checks, log = self._news()
                    if proposals or checks or log:
                        self._snapshot = self._grown(proposals, checks, log)
                except BaseException:  # of what was read nothing is in the snapshot: it is read again
                    self._position, self._touched, self._seq = before
                    raise
                self._mark = mark
            return self._snapshot

    def _news(self) -> tuple[list[Counterfactual], list[FlipCheck], list[Decision]]:
        cf, check = schema.counterfactuals, schema.flip_checks
        with self._db.read() as c:
            made = c.execute(select(cf).where(cf.c.project_id == self._pid, cf.c.position > self._position).order_by(cf.c.position)).all()
            read = c.execute(
                select(check).where(check.c.project_id == self._pid, check.c.touched > self._touched).order_by(check.c.touched)
            ).all()
            log = decisions.log_of(c, self._pid, self._seq)
        if made:
            self._position = made[-1].position
        if read:
            self._touched = read[-1].touched
        if log:
            self._seq = log[-1].number
        if self._out:
            return self._without_texts_taken_out(made, read, log)
        return [items.as_counterfactual(r) for r in made], [items.as_check(r) for r in read], log

    def _without_texts_taken_out(
        self, made: Sequence[Row[Any]], read: Sequence[Row[Any]], log: list[Decision]
    ) -> tuple[list[Counterfactual], list[FlipCheck], list[Decision]]:
        """The news but for texts that a person took out; they come back with an Index of their own, when the text does."""
        self._left_out.update(r.id for r in made if r.example_id in self._out)
        return (
            [items.as_counterfactual(r) for r in made if r.example_id not in self._out],
            [items.as_check(r) for r in read if r.counterfactual_id not in self._left_out],
            [d for d in log if d.example_id not in self._out],
        )

    def _grown(self, proposals: list[Counterfactual], checks: list[FlipCheck], log: list[Decision]) -> Snapshot:
        old = self._snapshot
        number = old.number + 1
        counterfactuals = {**old.counterfactuals, **{cf.id: cf for cf in proposals}}
        examples, by_example = self._with_proposals(proposals) if proposals else (old.examples, old.by_example)
        news = by_teacher(checks)
        verdicts = {**old.checks, **{key: {**old.checks.get(key, {}), **new} for key, new in news.items()}}
        changed = {key: texts_of(new, counterfactuals) for key, new in news.items()}
        flipped = {key: _flipped(old.flipped.get(key, frozenset()), verdicts[key], by_example, texts) for key, texts in changed.items()}
        logs, outcome = self._with_decisions(log)
        touched = {cf.example_id for cf in proposals}.union({d.example_id for d in log}, *changed.values())
        return Snapshot(
            examples,
            counterfactuals,
            by_example,
            verdicts,
            newest(old.latest, checks),
            {**old.flipped, **flipped},
            logs,
            outcome,
            number,
            {**old.touched, **dict.fromkeys(touched, number)},
        )

    def _with_proposals(self, proposals: list[Counterfactual]) -> tuple[dict[str, Example], dict[str, tuple[Counterfactual, ...]]]:
        old = self._snapshot
        more: dict[str, list[Counterfactual]] = {}
        for cf in proposals:
            more.setdefault(cf.example_id, []).append(cf)
        fresh = items.numbered(self._db, self._pid, [i for i in more if i not in self._places])
        self._places.update((example.id, place) for place, example in fresh)
        examples = {**old.examples, **{example.id: example for _, example in fresh}}
        grown = {**old.by_example, **{i: (*old.by_example.get(i, ()), *cfs) for i, cfs in more.items()}}
        if fresh:
            ordered = sorted((i for i in grown if i in self._places), key=self._places.__getitem__)
            grown = {i: grown[i] for i in ordered}
        return examples, grown

    def _with_decisions(self, log: list[Decision]) -> tuple[dict[str, tuple[Decision, ...]], dict[str, Decision]]:
        old = self._snapshot
        if not log:
            return old.logs, old.outcome
        more: dict[str, list[Decision]] = {}
        for decision in log:
            more.setdefault(decision.example_id, []).append(decision)
        changed = {i: (*old.logs.get(i, ()), *new) for i, new in more.items()}
        outcome = {i: d for i, d in old.outcome.items() if i not in changed}
        for own in changed.values():
            outcome.update(state.outcome(own))
        return {**old.logs, **changed}, outcome


def by_teacher(checks: Iterable[FlipCheck]) -> dict[TeacherKey, dict[str, FlipCheck]]:
    """(teacher id, revision) -> counterfactual id -> verdict; the last one where a proposal has several."""
    found: dict[TeacherKey, dict[str, FlipCheck]] = {}
    for check in checks:
        found.setdefault((check.teacher_id, check.teacher_revision), {})[check.counterfactual_id] = check
    return found


def newest(latest: dict[str, FlipCheck], checks: Sequence[FlipCheck]) -> dict[str, FlipCheck]:
    """`latest` with the checks that are not older; itself if there are no checks."""
    if not checks:
        return latest
    latest = dict(latest)
    for check in checks:
        former = latest.get(check.counterfactual_id)
        if former is None or former.checked_at <= check.checked_at:
            latest[check.counterfactual_id] = check
    return latest


def texts_of(ids: Iterable[str], counterfactuals: Mapping[str, Counterfactual]) -> set[str]:
    """Ids of the texts that these proposals belong to; proposals that are not known are passed over."""
    return {counterfactuals[i].example_id for i in ids if i in counterfactuals}


def _flipped(
    old: frozenset[str], checks: Mapping[str, FlipCheck], by_example: Mapping[str, tuple[Counterfactual, ...]], changed: set[str]
) -> frozenset[str]:
    """The texts with a valid verdict, after those of `changed` were looked at again."""
    valid = {i for i in changed if any(cf.id in checks and checks[cf.id].valid for cf in by_example.get(i, ()))}
    return (old - changed) | valid
