"""Review: the table of everything, bulk acts, second opinions, agreement, settling differences."""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cod_core import roles
from cod_core.curation import decide as deciding
from cod_core.curation import filters, opinions
from cod_core.curation.agreement import Agreement, of_logs
from cod_core.errors import BadInput, CodError
from cod_core.project.curation.cards import Card, Cards
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.store import people
from cod_core.types import KEPT, UNATTENDED, Counterfactual, Decision, FlipCheck, now

BULK = {"accepted": "accepted", "rejected": "rejected", "needs_review": "flagged"}


@dataclass(frozen=True)
class TablePage:
    """One page of the table: its cards, and how many pass the filter in all."""

    cards: list[Card]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class BulkPlan:
    """What a bulk act would do. cards: those it decides on. left_out: why -> how many rows it leaves alone.

    decided: how many of the cards carry a decision already, which this one would replace.
    """

    status: str
    cards: list[Card]
    left_out: dict[str, int]
    decided: int


@dataclass(frozen=True)
class Difference:
    """A text on which two people differ. votes: who -> (decision, the text that it keeps or rejects, its verdict)."""

    card: Card
    votes: dict[str, tuple[Decision, Counterfactual, FlipCheck | None]]


def _not_in_bulk(card: Card, status: str) -> str | None:
    """Why a bulk act leaves a card alone; None where it does not."""
    if card.second == "open":
        return "a second opinion on it is open"
    if status == "accepted":
        if card.stale or card.check is None:
            return "the present teacher has not checked it"
        if not card.check.valid:
            return "the teacher does not change its mind to the label aimed at"
    if card.decision is not None and (card.decision.status == status or {card.decision.status, status} <= set(KEPT)):
        return f"{BULK[status]} already"
    return None


class Review(Room):
    """What a reviewer does with all texts at once."""

    def __init__(self, place: Place, pairs: Pairs, cards: Cards):
        super().__init__(place)
        self.pairs = pairs
        self.cards = cards

    def table(
        self,
        annotator: str,
        wanted: filters.Filter = filters.Filter(),
        order: str = "upload",
        downwards: bool = False,
        page: int = 0,
        size: int = 50,
    ) -> TablePage:
        """The page of cards that pass the filter; page counts from 0 and is held inside what there is."""
        passing = filters.arranged(self.cards.all(annotator=annotator), wanted, order, downwards)
        pages = max(1, -(-len(passing) // size))
        page = min(max(0, page), pages - 1)
        return TablePage(passing[page * size : (page + 1) * size], len(passing), page, pages)

    def plan_bulk(self, annotator: str, example_ids: Sequence[str], status: str) -> BulkPlan:
        """What deciding on exactly these texts would do; decides nothing. status: accepted, rejected, needs_review."""
        if status not in BULK:
            raise BadInput(f"A bulk act is one of {', '.join(BULK)}, not {status!r}.")
        taken: list[Card] = []
        left: Counter[str] = Counter()
        for card in (self.cards.one(i, annotator) for i in dict.fromkeys(example_ids)):
            why = _not_in_bulk(card, status)
            if why:
                left[why] += 1
            else:
                taken.append(card)
        return BulkPlan(status, taken, dict(left), sum(c.decision is not None for c in taken))

    @needs("bulk", named="annotator")
    def do_bulk(self, plan: BulkPlan, annotator: str, reasons: Sequence[str] = (), comment: str = "") -> int:
        """Decide on the cards of a plan as one act, all or none; one undo takes it back. Returns how many.

        Raises Stale where one of them was decided since the plan was made; nothing is written then.
        """
        version, time = self.row.task.guideline_version, now()
        many = [
            Decision(card.offered.id, card.example.id, plan.status, annotator, tuple(reasons), None, comment, time, None, version)
            for card in plan.cards
        ]
        if not many:
            raise BadInput("There is nothing to decide in this selection.")
        deciding.bulk(self.db, self.id, many, self.pairs.state().checks, {c.example.id: c.version for c in plan.cards})
        return len(many)

    @needs("bulk", named="annotator")
    def ask_opinions(self, annotator: str, n: int, seed: int = 0) -> int:
        """Ask for a second opinion on n texts drawn by chance among those kept or rejected; returns how many.

        Texts with a second opinion already, whatever its phase, are not drawn.
        """
        logs = self.pairs.state().logs
        free = [d for i, d in self.pairs.state().outcome.items() if d.status in opinions.VOTES and opinions.second(logs[i]) is None]
        drawn = random.Random(seed).sample(sorted(free, key=lambda d: d.example_id), min(n, len(free)))
        version = self.row.task.guideline_version
        many = [
            Decision(
                d.counterfactual_id,
                d.example_id,
                "needs_review",
                annotator,
                guideline_version=version,
                comment="drawn for a second opinion",
                purpose="request",
            )
            for d in drawn
        ]
        return len(deciding.bulk(self.db, self.id, many, {})) if many else 0

    def second_opinions(self) -> list[opinions.Second]:
        """Every text with a second opinion wanted or given."""
        seconds = (opinions.second(log) for log in self.pairs.state().logs.values())
        return [s for s in seconds if s is not None]

    def opinions_for(self, annotator: str) -> list[str]:
        """Ids of texts on which this annotator's second opinion is wanted, in upload order."""
        current = self.pairs.state()
        wanted = {
            s.example_id
            for s in self.second_opinions()
            if s.phase == "open" and annotator not in s.votes and opinions.purpose_of(current.logs[s.example_id], annotator) == "opinion"
        }
        return [i for i in current.snapshot.by_example if i in wanted]

    def differences(self) -> list[Difference]:
        """Texts on which two people differ and nobody has settled it yet."""
        current = self.pairs.state()
        differing = [s for s in self.second_opinions() if s.phase == "differ"]
        by_id = current.snapshot.counterfactuals
        return [
            Difference(
                self.cards.one(s.example_id),
                {who: (d, by_id[d.counterfactual_id], current.checks.get(d.counterfactual_id)) for who, d in s.votes.items()},
            )
            for s in differing
            if all(d.counterfactual_id in by_id for d in s.votes.values())
        ]

    def settlers(self, voters: Collection[str]) -> list[str]:
        """Who may settle a difference between these people without being one of them, in alphabetical order.

        Reviewers and owners of the list of people; where there is no list, whoever decided anything in this project.
        """
        listed = people.roles(self.db)
        known = {who for who, role in listed.items() if roles.may(role, "adjudicate")}
        if not listed:
            known = {d.annotator for log in self.pairs.state().logs.values() for d in log if d.annotator != UNATTENDED}
        return sorted(known - set(voters))

    @needs("adjudicate", named="by")
    def adjudicate(self, example_id: str, winner: str, by: str, comment: str = "", seen: int | None = None) -> Decision:
        """Settle a difference: the decision of `winner` becomes the text's. Raises BadInput, Stale.

        Raises CodError too where `by` is one of those who differ and somebody else may settle it.
        """
        log = self.pairs.state().logs.get(example_id, ())
        second = opinions.second(log)
        if second is None or second.phase != "differ" or winner not in second.votes:
            raise BadInput("There is no difference to settle on this text (any more).")
        if by in second.votes and (others := self.settlers(second.votes)):
            raise CodError(f"{by} is one of those who differ on this text. It is settled by somebody else: {', '.join(others)}.")
        settling = opinions.settling(second.votes[winner], by, comment, self.row.task.guideline_version)
        check = self.pairs.state().checks.get(settling.counterfactual_id)
        return replace(settling, seq=deciding.decide(self.db, self.id, settling, check, seen))

    def agreement(self, three_way: bool = False) -> Agreement:
        """Agreement on texts with two people's blind opinions: kept or rejected; with three_way an edit is a third answer.

        What a run without a person accepted is no opinion.
        """
        return of_logs(self.pairs.state().logs.values(), three_way)
