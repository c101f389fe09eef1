"""The queue and the card on the screen: which text comes next, why, what happened to it, what is being typed."""

import threading
from dataclasses import dataclass

from cod_core.counterfactuals import verify
from cod_core.curation import opinions
from cod_core.curation.history import Event, timeline
from cod_core.curation.view import Row, View, belongs, counts, narrowed, ordered
from cod_core.store import drafts, items
from cod_core.types import Counterfactual, FlipCheck, Origin
from cod_core.workspace.cards import Card, Cards


@dataclass(frozen=True)
class Queue:
    """rows: of the list that the view shows, in order. narrowed: of every list, in order, filters applied.

    counts: show -> rows after the filters. total, decided, kept: of the whole project.
    """

    view: View
    rows: list[Row]
    narrowed: list[Row]
    counts: dict[str, int]
    total: int
    decided: int
    kept: int


class Queueing(Cards):
    """What one person sees while deciding."""

    def queue(self, pid: str, view: View = View(), annotator: str = "me") -> Queue:
        """The queue as a view shows it to one person: what others decided stays hidden while a second opinion is open."""
        cards = self.cards(pid, annotator=annotator)
        rows = self._queue_rows(pid, cards)
        found = None
        if words := view.find.strip().casefold():
            found = {c.example.id for c in cards if any(words in text.casefold() for text in _texts(c))}
        left, whole = ordered(narrowed(rows, view, found), view.sort), counts(rows)
        return Queue(
            view,
            [r for r in left if belongs(r, view.show)],
            left,
            counts(left) if view.filtered else whole,
            len(rows),
            len(rows) - whole["todo"],
            whole["kept"],
        )

    def queue_rows(self, pid: str, annotator: str = "me") -> list[Row]:
        """Every text that has a proposal, in upload order, with its decision as this person may see it."""
        return self._queue_rows(pid, self.cards(pid, annotator=annotator))

    def _queue_rows(self, pid: str, cards: list[Card]) -> list[Row]:
        """A row a card; rows of cards that did not change are kept."""
        known = self._made.get(("queue rows", pid), {})
        fresh = {}
        for place, card in enumerate(cards):
            old = known.get(card.example.id)
            same = old is not None and old[0] is card and old[1].position == place
            fresh[card.example.id] = old if same else (card, _row(place, card))
        self._made["queue rows", pid] = fresh
        return [row for _, row in fresh.values()]

    def history(self, pid: str, example_id: str, annotator: str = "me") -> list[Event]:
        """What happened to one text, oldest first, without what this person may not see yet."""
        current = self._state(pid)
        log = current.logs.get(example_id, ())
        hidden = opinions.hidden_from(log, annotator)
        written = {d.counterfactual_id for d in log if d.seq in hidden and d.status == "edited"}
        cfs = [cf for cf in current.snapshot.by_example.get(example_id, ()) if cf.id not in written]
        open_ = [d for d in drafts.drafts_of(self.db, pid, example_id) if d[1] == annotator or not hidden]
        return timeline(cfs, [d for d in log if d.seq not in hidden], open_)

    def live_verdict(self, pid: str, example_id: str, text: str, target: str) -> FlipCheck:
        """The verdict while somebody types: as verdict, without the similarity, and nothing is remembered.

        Raises BadInput where the text is empty or unchanged.
        """
        from cod_core.workspace.curating import clean

        example, teacher = items.example(self.db, pid, example_id), self.teacher(pid)
        text = clean(text, example.text)
        before, after = teacher.predict([example.text])[0], teacher.glance(text)
        written = Counterfactual("typed", example_id, text, before.label, target, Origin("human", "expert"))
        return verify.check(example.text, written, teacher, before, after)

    def verdict_on_record(self, pid: str, example_id: str, text: str, target: str) -> FlipCheck | None:
        """As live_verdict, from what the teacher predicted before; None where it was never asked. Asks no model."""
        from cod_core.workspace.curating import clean

        example, teacher = items.example(self.db, pid, example_id), self.teacher(pid)
        text = clean(text, example.text)
        before, after = teacher.on_record([example.text, text])
        if before is None or after is None:
            return None
        written = Counterfactual("typed", example_id, text, before.label, target, Origin("human", "expert"))
        return verify.check(example.text, written, teacher, before, after)

    def answers_at_once(self, pid: str) -> bool:
        """Whether asking the teacher while somebody types takes neither money nor seconds."""
        spec = self.project(pid).teacher
        return spec is not None and spec["kind"] not in ("llm", "generative")

    def warm_teacher(self, pid: str) -> None:
        """Load the teacher in the background, so that the first edited word is judged at once. Once a process."""
        if not self.answers_at_once(pid):
            return
        teacher = self.teacher(pid)

        def load() -> None:
            try:
                teacher.wrapped.predict([""])
            except Exception:  # said plainly when the teacher is asked for something
                pass

        self._once(
            ("warm", teacher.id, teacher.revision), lambda: threading.Thread(target=load, daemon=True, name="warm-teacher").start() or True
        )

    def draft_of(self, pid: str, example_id: str, annotator: str) -> tuple[str | None, str, str] | None:
        """(proposal it started from, None for the original; text; saved at) of the unfinished text."""
        return drafts.draft_of(self.db, pid, example_id, annotator)

    def drop_draft(self, pid: str, example_id: str, annotator: str) -> None:
        """Forget the unfinished text: the person went back to the proposal."""
        items.drop_draft(self.db, pid, example_id, annotator)


def _texts(card: Card) -> list[str]:
    return [card.example.text, card.offered.text, *(cf.text for cf, _ in card.alternatives)]


def _row(place: int, card: Card) -> Row:
    best, check = card.offered, card.check
    pairs = [(best, None if card.stale else check), *card.alternatives]
    return Row(
        card.example.id,
        place,
        card.example.label,
        card.source,
        best.target,
        frozenset(cf.origin.kind for cf, _ in pairs),
        check.after.margin_of(check.target) if check else None,
        check.after.prob(check.target) if check else None,
        check.edit_fraction if check else 0.0,
        check.token_edits if check else 0,
        check.similarity if check else None,
        any(made is not None and made.valid for _, made in pairs),
        card.decision,
    )
