"""Cards: each text with its proposals, the present teacher's verdicts and the decision it stands at."""

from dataclasses import dataclass
from functools import cached_property

from cod_core.counterfactuals import verify
from cod_core.curation import opinions, queue, state
from cod_core.curation.index import Index, Snapshot
from cod_core.errors import BadInput
from cod_core.types import Counterfactual, Decision, Example, FlipCheck
from cod_core.workspace.base import Base


@dataclass(frozen=True)
class Card:
    """One text to decide on. offered: the proposal shown first; alternatives: the others, best first.

    decision: the live decision of the text, None where pending. stale: the check is another teacher's.
    why: its place in the queue in words. disagrees: the teacher's class at the text is not the gold label.
    version: of the text's decisions, to be handed back with the next one. second: the phase of a second opinion
    (open, agreed, differ, settled), "" where none is wanted; while it is open, decision is the annotator's own.
    """

    example: Example
    source: str
    offered: Counterfactual | None
    check: FlipCheck | None
    alternatives: list[tuple[Counterfactual, FlipCheck | None]]
    decision: Decision | None
    stale: bool
    reason_why: str
    disagrees: bool
    version: int = 0
    second: str = ""


@dataclass(frozen=True)
class State:
    """A project's proposals and decisions under its present teacher. outcome: example id -> live decision.

    checks: counterfactual id -> the present teacher's verdict. logs: example id -> its decisions.
    """

    snapshot: Snapshot
    checks: dict[str, FlipCheck]
    teacher: tuple[str, str] | None

    @property
    def outcome(self) -> dict[str, Decision]:
        return self.snapshot.outcome

    @property
    def logs(self) -> dict[str, tuple[Decision, ...]]:
        return self.snapshot.logs

    @cached_property
    def counterfactuals(self) -> list[Counterfactual]:
        """In the order they came."""
        return list(self.snapshot.counterfactuals.values())

    @property
    def stale(self) -> int:
        """Proposals that the present teacher has not checked."""
        return max(0, len(self.snapshot.counterfactuals) - len(self.checks))

    @property
    def flipped(self) -> frozenset[str]:
        """Ids of texts with a proposal that flips the present teacher to its target."""
        return self.snapshot.flipped.get(self.teacher, frozenset())


class Cards(Base):
    """The queue as the curator sees it."""

    def _snapshot(self, pid: str) -> Snapshot:
        """Proposals, verdicts and decisions; only what is new is read from the store."""
        return self._once(("index", pid), lambda: Index(self.db, pid)).now()

    def _state(self, pid: str) -> State:
        project = self.project(pid)
        labellings = project.settings.get("labellings", 0)
        if self._made.setdefault(("labellings", pid), labellings) != labellings:  # texts got labels, perhaps in another process
            self._forget(pid)
            self._made["labellings", pid] = labellings
        snapshot = self._snapshot(pid)
        key = None if project.teacher is None else self._identity(project.teacher, project.task.labels)
        made = self._made.get(("state", pid))
        if made is None or made[0] != (snapshot.number, key):
            made = (snapshot.number, key), State(snapshot, snapshot.checks.get(key, {}) if key else {}, key)
            self._made["state", pid] = made
        return made[1]

    def _forget(self, pid: str) -> None:
        """Drop what is held in memory of a project."""
        for name in ("index", "state", "cards"):
            self._made.pop((name, pid), None)

    def cards(self, pid: str, sort: str = "upload", annotator: str = "me") -> list[Card]:
        """Every text that has a proposal, as cards in the order asked for (see curation.queue.order).

        Cards are kept until something about their text changes: 10,000 of them cost a few milliseconds.
        """
        current = self._state(pid)
        snapshot = current.snapshot
        teacher, made = self._made.get(("cards", pid), (None, {}))
        if teacher != current.teacher:
            made = {}
        fresh = {}
        for i, cfs in snapshot.by_example.items():
            number = snapshot.touched[i]
            known = made.get(i)
            if known is None or known[0] != number:
                known = number, self._card(snapshot.examples[i], cfs, current)
            fresh[i] = known
        self._made["cards", pid] = current.teacher, fresh
        found = [card if card.second != "open" else self._masked(card, current, annotator) for _, card in fresh.values()]
        return queue.order(found, sort)

    def card(self, pid: str, example_id: str, annotator: str = "me") -> Card:
        """The card of one text. Raises BadInput where it has no proposal."""
        current = self._state(pid)
        cfs = current.snapshot.by_example.get(example_id)
        if not cfs:
            raise BadInput("This text has no proposal (any more). Go back to the list.")
        return self._masked(self._card(current.snapshot.examples[example_id], cfs, current), current, annotator)

    def _card(self, example: Example, cfs, current: State, decision: Decision | None = None, masked: bool = False) -> Card:
        ranked = verify.first_offer(cfs, current.checks)
        log, latest = current.logs.get(example.id, ()), current.snapshot.latest
        wanted = opinions.second(log)
        if not masked:
            decision = current.outcome.get(example.id)
        decided = next((cf for cf in ranked if decision and cf.id == decision.counterfactual_id), None)
        asked = next((cf for cf in ranked if wanted and wanted.blind and cf.id == wanted.counterfactual_id), None)
        offered = decided or asked or ranked[0]
        check = current.checks.get(offered.id)
        shown = check or latest.get(offered.id)
        before = shown.before.label if shown else offered.source
        others = [(cf, current.checks.get(cf.id) or latest.get(cf.id)) for cf in ranked if cf.id != offered.id]
        return Card(
            example,
            before,
            offered,
            shown,
            others,
            decision,
            check is None,
            why(shown),
            example.label is not None and before != example.label,
            state.version(log),
            wanted.phase if wanted else "",
        )

    def _masked(self, card: Card, current: State, annotator: str) -> Card:
        """The card as this annotator may see it: what others decided stays hidden while a second opinion is open."""
        if card.second != "open":
            return card
        log = current.logs.get(card.example.id, ())
        hidden = {d.counterfactual_id for d in log if d.seq in opinions.hidden_from(log, annotator)}
        wanted = opinions.second(log)
        cfs = [
            cf
            for cf in current.snapshot.by_example[card.example.id]
            if cf.origin.kind != "human" or cf.id not in hidden or (wanted and cf.id == wanted.counterfactual_id)
        ]
        return self._card(
            card.example, cfs or current.snapshot.by_example[card.example.id], current, opinions.seen_by(log, annotator), masked=True
        )


def why(check: FlipCheck | None) -> str:
    """Why this item is worth a look, in words."""
    if check is None:
        return "Not checked by the teacher yet."
    if not check.flipped:
        return "The teacher does not change its mind: edit it, or reject it."
    if not check.reached_target:
        return "The teacher changes its mind, but to another label than the one aimed at."
    sure = check.after.prob(check.target)
    edits = f"{check.token_edits} word{'s' if check.token_edits != 1 else ''} changed"
    closeness = "close to the decision line" if sure < 0.65 else "well past the decision line" if sure > 0.9 else "past the decision line"
    return f"{edits}, {closeness}."
