"""The queue and its cards: each text with its proposals, the teacher's verdicts, the decision it stands at, and its history."""

from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.counterfactuals import verify
from cod_core.curation import opinions, queue, state
from cod_core.curation.history import Event, timeline
from cod_core.curation.view import Row, View, belongs, counts, narrowed, ordered
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs, State
from cod_core.project.place import Place, Room
from cod_core.said import say
from cod_core.store import drafts, items
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction


@dataclass(frozen=True)
class Card:
    """One text to decide on. offered: the proposal shown first; alternatives: the others, best first.

    decision: the live decision of the text, None where pending. stale: the check is another teacher's.
    why: its place in the queue in words. disagrees: the teacher's class at the text is not the gold label.
    bare: nothing was found for the text; offered is the text itself then, and nothing can be decided on it but words of one's own.
    version: of the text's decisions, to be handed back with the next one. second: the phase of a second opinion
    (open, agreed, differ, settled), "" where none is wanted; while it is open, decision is the annotator's own.
    """

    example: Example
    source: str
    offered: Counterfactual
    check: FlipCheck | None
    alternatives: list[tuple[Counterfactual, FlipCheck | None]]
    decision: Decision | None
    stale: bool
    reason_why: str
    disagrees: bool
    version: int = 0
    second: str = ""
    bare: bool = False


def _bare(example: Example, labels: Sequence[str], before: Prediction | None) -> Card:
    """The card of a text that nothing was found for: one's own words start from the original. before: what the teacher says of it, its
    label where None. Aimed at is never the class that the teacher sees already: no words flip to it."""
    source = before.label if before else str(example.label)
    target = verify.target_of(before) if before else next(label for label in labels if label != source)
    itself = Counterfactual("", example.id, example.text, source, target, Origin("human", "expert"))
    reason = say("Nothing was found for this one: write it yourself.")
    return Card(example, source, itself, None, [], None, False, reason, example.label != source, bare=True)


def why(check: FlipCheck | None) -> str:
    """Why this item is worth a look, in words."""
    if check is None:
        return say("Not checked by the teacher yet.")
    if not check.flipped:
        return say("The teacher does not change its mind: edit it, or reject it.")
    if not check.reached_target:
        return say("The teacher changes its mind, but to another label than the one aimed at.")
    sure = check.after.prob(check.target)
    close = say("the flip is a close call") if sure < 0.65 else say("the flip is very clear") if sure > 0.9 else say("the flip is clear")
    if check.token_edits == 1:
        return say("1 word changed, {flip}.", flip=close)
    return say("{n} words changed, {flip}.", n=check.token_edits, flip=close)


@dataclass(frozen=True)
class Queue:
    """rows: of the list that the view shows, in order. narrowed: of every list, in order, filters applied; texts without a proposal
    only where the view shows them.

    counts: show -> rows after the filters. total, decided, kept: of the project's texts that have a proposal.
    """

    view: View
    rows: list[Row]
    narrowed: list[Row]
    counts: dict[str, int]
    total: int
    decided: int
    kept: int


def _texts(card: Card) -> list[str]:
    return [card.example.text, card.offered.text, *(cf.text for cf, _ in card.alternatives)]


def _row(place: int, card: Card) -> Row:
    best, check = card.offered, card.check
    checked = [(best, None if card.stale else check), *card.alternatives]
    return Row(
        card.example.id,
        place,
        card.example.label,
        card.source,
        best.target,
        frozenset(cf.origin.kind for cf, _ in checked),
        check.after.margin_of(check.target) if check else None,
        check.after.prob(check.target) if check else None,
        check.edit_fraction if check else 0.0,
        check.token_edits if check else 0,
        check.similarity if check else None,
        any(one is not None and one.valid for _, one in checked),
        card.decision,
        card.bare,
    )


def _offered(ranked: Sequence[Counterfactual], decision: Decision | None, wanted: opinions.Second | None) -> Counterfactual:
    """The proposal shown first: the one decided on, else the one on which a blind opinion is wanted, else the best."""
    first = [decision.counterfactual_id] if decision else []
    if wanted and wanted.blind:
        first.append(wanted.counterfactual_id)
    by_id = {cf.id: cf for cf in ranked}
    return next((by_id[i] for i in first if i in by_id), ranked[0])


@dataclass(frozen=True)
class Made:
    """The cards of one state. by_example: text's id -> (when it was last touched, its card); cards: the same in a row, in upload order;
    open: places of those on which a second opinion is wanted, which not everybody may see whole."""

    state: State
    by_example: dict[str, tuple[int, Card]]
    cards: list[Card]
    open: list[int]


class Memory:
    """Cards and rows that were made, for all who look at them."""

    def __init__(self) -> None:
        self.made: Made | None = None
        self.rows: dict[str, tuple[Card, Row]] = {}


class Cards(Room):
    """What one person sees while deciding."""

    def __init__(self, place: Place, pairs: Pairs):
        super().__init__(place)
        self.pairs = pairs
        self.memory = place.once("cards", Memory)

    def all(self, sort: str = "upload", annotator: str = "me") -> list[Card]:
        """Every text that has a proposal, as cards in the order asked for (see curation.queue.order).

        Cards are kept until something about their text changes, and the row of them until anything does: a page of 100,000 texts asks
        for it twice.
        """
        current = self.pairs.state()
        made = self.memory.made
        if made is None or made.state is not current:
            made = self.memory.made = self._made(current, made)
        visible = list(made.cards)
        for place in made.open:
            visible[place] = self._masked(visible[place], current, annotator)
        return queue.order(visible, sort)

    def _made(self, current: State, before: Made | None) -> Made:
        """Every card of a state; those of texts that nobody touched are taken over."""
        alike = before is not None and (before.state.teacher, before.state.labellings) == (current.teacher, current.labellings)
        held = before.by_example if before is not None and alike else {}
        snapshot, fresh = current.snapshot, dict[str, tuple[int, Card]]()
        for i, cfs in snapshot.by_example.items():
            number = snapshot.touched[i]
            earlier = held.get(i)
            if earlier is None or earlier[0] != number:
                earlier = number, self._card(snapshot.examples[i], cfs, current)
            fresh[i] = earlier
        cards = [card for _, card in fresh.values()]
        return Made(current, fresh, cards, [place for place, card in enumerate(cards) if card.second == "open"])

    def one(self, example_id: str, annotator: str = "me") -> Card:
        """The card of one text. Raises BadInput where it has no proposal."""
        current = self.pairs.state()
        cfs = current.snapshot.by_example.get(example_id)
        if not cfs:
            if found := self.bare([example_id]):
                return found[0]
            raise BadInput(say("This text has no proposal (any more). Go back to the list."))
        return self._masked(self._card(current.snapshot.examples[example_id], cfs, current), current, annotator)

    def bare(self, only: Sequence[str] | None = None) -> list[Card]:
        """Cards of the texts that were tried with the present teacher and have no proposal, in upload order. only: of these ids."""
        found = self._without(only)
        said = self.pairs.teacher.classifier().on_record([example.text for example in found]) if found else []
        return [_bare(example, self.labels, before) for example, before in zip(found, said, strict=True)]

    def _without(self, only: Sequence[str] | None = None) -> list[Example]:
        """The labelled texts that were tried and have no proposal."""
        ids = [i for i in self.pairs.without() if only is None or i in only]
        known = items.examples(self.db, self.id, ids=ids) if ids else []
        return [example for example in known if example.label in self.labels]

    def _card(
        self, example: Example, cfs: Sequence[Counterfactual], current: State, decision: Decision | None = None, masked: bool = False
    ) -> Card:
        ranked = verify.first_offer(cfs, current.checks)
        log, latest = current.logs.get(example.id, ()), current.snapshot.latest
        wanted = opinions.second(log)
        if not masked:
            decision = current.outcome.get(example.id)
        offered = _offered(ranked, decision, wanted)
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

    def queue(self, view: View = View(), annotator: str = "me") -> Queue:
        """The queue as a view shows it to one person: what others decided stays hidden while a second opinion is open."""
        cards = self.all(annotator=annotator)
        rows, bare = self._rows(cards), self.bare() if view.show == "own" else []
        without = len(bare) or len(self._without())
        if bare:
            rows, cards = [*rows, *(_row(place, card) for place, card in enumerate(bare, len(cards)))], [*cards, *bare]
        holding = None
        if words := view.find.strip().casefold():
            holding = {c.example.id for c in cards if any(words in text.casefold() for text in _texts(c))}
        left, whole = ordered(narrowed(rows, view, holding), view.sort), counts(rows) | {"own": without}
        return Queue(
            view,
            [r for r in left if belongs(r, view.show)],
            left,
            counts(left) | {"own": without} if view.filtered else whole,
            whole["all"],
            whole["all"] - whole["todo"],
            whole["kept"],
        )

    def rows(self, annotator: str = "me") -> list[Row]:
        """Every text that has a proposal, in upload order, with its decision as this person may see it."""
        return self._rows(self.all(annotator=annotator))

    def _rows(self, cards: list[Card]) -> list[Row]:
        """A row a card; rows of cards that did not change are kept."""
        fresh: dict[str, tuple[Card, Row]] = {}
        for place, card in enumerate(cards):
            earlier = self.memory.rows.get(card.example.id)
            if earlier is None or earlier[0] is not card or earlier[1].position != place:
                earlier = card, _row(place, card)
            fresh[card.example.id] = earlier
        self.memory.rows = fresh
        return [row for _, row in fresh.values()]

    def history(self, example_id: str, annotator: str = "me") -> list[Event]:
        """What happened to one text, oldest first, without what this person may not see yet."""
        current = self.pairs.state()
        log = current.logs.get(example_id, ())
        hidden = opinions.hidden_from(log, annotator)
        written = {d.counterfactual_id for d in log if d.seq in hidden and d.status == "edited"}
        cfs = [cf for cf in current.snapshot.by_example.get(example_id, ()) if cf.id not in written]
        open_ = [d for d in drafts.drafts_of(self.db, self.id, example_id) if d[1] == annotator or not hidden]
        return timeline(cfs, [d for d in log if d.seq not in hidden], open_)
