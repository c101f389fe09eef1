"""A bundle's way back in: an exported set opened in a project."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cod_core.data.reading import Problem
from cod_core.errors import BadInput
from cod_core.export.record import ExportItem
from cod_core.project.place import Room, needs
from cod_core.said import say
from cod_core.store import decisions, items, people
from cod_core.store.projects import new_id
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Decision, Origin, now

if TYPE_CHECKING:
    from cod_core.data.meeting import Meeting
    from cod_core.export.restore import Bundle


def check_labels(bundle: "Bundle", labels: tuple[str, ...]) -> None:
    """Raises BadInput where a bundle names labels that are not among these."""
    named = {name for i in bundle.items for name in (i.example.label, i.counterfactual.source, i.counterfactual.target)}
    if unknown := sorted(name for name in named if name is not None and name not in labels):
        raise BadInput(
            say("These labels of the bundle are not in the project: {labels}. Open it as a new project.", labels=", ".join(unknown))
        )


class Bundles(Room):
    """Sets that were exported before."""

    @needs("import")
    def open(self, data: bytes) -> list[Problem]:
        """Bring an exported bundle (.zip) into this project; returns what was left out. Raises BadInput naming what is wrong with
        the file, and what `take` raises."""
        from cod_core.export.restore import open_bundle

        return self.take(open_bundle(data))

    @needs("import")
    def take(self, bundle: "Bundle") -> list[Problem]:
        """Bring a bundle that was read into this project; returns what was left out.

        Texts, counterfactuals, verdicts and decisions come back as they were. Left out, with all that hangs on them, are texts
        whose words or source stand on another side of the split; a decision gives way to a later one that is here. Their row
        counts the bundle's pairs from 1. Decisions in the name of somebody else of this team are marked as imported (`_signed`).
        All of it is kept together, or nothing.
        Raises BadInput naming labels that the project does not have: nothing is kept then.
        """
        check_labels(bundle, self.labels)
        with self.db.together():
            return self._brought(bundle.items)

    def _brought(self, found: list[ExportItem]) -> list[Problem]:
        """Store the pairs that may stand beside the project's texts; the others as problems."""
        from cod_core.data.meeting import meet

        stored = items.examples(self.db, self.id)
        met = meet([i.example for i in found], stored)
        refused = _refused(found, met, {e.id for e in stored})
        numbered = [(row, i) for row, i in enumerate(found, 1) if i.example.id not in refused]
        taken = self._as_here([i for _, i in numbered])
        new, later = self._newer(zip((row for row, _ in numbered), taken))
        self.place.need_room(len(met.new), size := items.size_of(met.new))
        items.add_examples(self.db, self.id, met.new)
        items.record_upload(self.db, self.id, f"bundle:{new_id()}", "bundle", "bundle", len(met.new), self.place.person, size)
        items.label_examples(self.db, self.id, met.labelled)
        items.add_counterfactuals(self.db, self.id, [cf for i in taken for cf in with_base(i)])
        items.add_checks(self.db, self.id, [i.check for i in taken if i.check is not None])
        decisions.append_each(self.db, self.id, new)
        return [*refused.values(), *later]

    def _as_here(self, found: list[ExportItem]) -> list[ExportItem]:
        """The items; a pair that is here already under another id, since it came by another file, under the id that it has here."""
        from cod_core.counterfactuals.imported import identity_of, known_pairs

        stored = items.counterfactuals(self.db, self.id, [i.example.id for i in found])
        ids, known = {cf.id for cf in stored}, known_pairs(stored)
        out = []
        for item in found:
            here = None if item.counterfactual.id in ids else known.get(identity_of(item.counterfactual))
            out.append(item if here is None else _renamed(item, here))
        return out

    def _newer(self, numbered: Iterable[tuple[int, ExportItem]]) -> tuple[list[Decision], list[Problem]]:
        """(decisions to append, rows that give way to a later decision made here); those that are here already are neither."""
        here: set[tuple[str, str, str]] = set()
        latest: dict[str, str] = {}
        for d in decisions.stream(self.db, self.id):
            here.add((d.counterfactual_id, d.status, d.decided_at))
            latest[d.example_id] = max(d.decided_at or "", latest.get(d.example_id, ""))
        new, later = [], []
        signed = self._signed()
        for row, item in numbered:
            d = signed(item.decision)
            if (d.counterfactual_id, d.status, d.decided_at) in here:
                continue
            if d.example_id in latest and (d.decided_at or "") <= latest[d.example_id]:
                later.append(Problem(row, say("This text was decided here later; that decision stands.")))
            else:
                new.append(replace(d, seq=None))
        return new, later

    def _signed(self) -> Callable[[Decision], Decision]:
        """What makes of a bundle's decision the one that is kept: whoever wrote the file can have written any name and any time.

        Where people sign in, a name of this team that is not the actor's gets a mark, and a time to come is now.
        """
        actor, latest = self.place.actor, now()
        if actor is None or not actor.signed_in:
            return lambda decision: decision
        others = set(people.roles(self.db)) - {actor.name}

        def signed(d: Decision) -> Decision:
            who = f"{d.annotator} (imported)" if d.annotator.strip().casefold() in others else d.annotator
            return replace(d, annotator=who, decided_at=min(d.decided_at or latest, latest))

        return signed


def _refused(found: list[ExportItem], met: "Meeting", stored: set[str]) -> dict[str, Problem]:
    """Text's id -> why it cannot stand beside the project's texts. A text that is stored already only brings what hangs on it."""
    return {found[at].example.id: Problem(at + 1, why) for at, why in met.refused if found[at].example.id not in stored}


def _renamed(item: ExportItem, cf_id: str) -> ExportItem:
    """The item with its counterfactual under another id, and without the proposal that it was made from."""
    return replace(
        item,
        counterfactual=replace(item.counterfactual, id=cf_id, derived_from=None),
        check=item.check and replace(item.check, counterfactual_id=cf_id),
        decision=replace(item.decision, counterfactual_id=cf_id),
    )


def with_base(item: ExportItem) -> list[Counterfactual]:
    """The counterfactual, after the proposal it was made from where that text is known."""
    cf = item.counterfactual
    if item.proposed_text is None or cf.derived_from is None:
        return [cf]
    base = replace(
        cf,
        id=cf.derived_from,
        text=item.proposed_text,
        derived_from=None,
        raw_reply=None,
        origin=Origin("import", "exported set"),
        note=f"proposal {short_hash(item.proposed_text)[:6]}",
    )
    return [base, cf]
