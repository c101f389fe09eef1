"""A bundle's way back in: an exported set opened in a project."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cod_core.data.reading import Problem
from cod_core.errors import BadInput
from cod_core.export.record import ExportItem
from cod_core.project.place import Room, needs
from cod_core.store import decisions, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Decision, Origin

if TYPE_CHECKING:
    from cod_core.data.meeting import Meeting
    from cod_core.export.restore import Bundle


def check_labels(bundle: "Bundle", labels: tuple[str, ...]) -> None:
    """Raises BadInput where a bundle names labels that are not among these."""
    named = {name for i in bundle.items for name in (i.example.label, i.counterfactual.source, i.counterfactual.target)}
    if unknown := sorted(name for name in named if name is not None and name not in labels):
        raise BadInput(f"These labels of the bundle are not in the project: {', '.join(unknown)}. Open it as a new project.")


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
        counts the bundle's pairs from 1. Raises BadInput naming labels that the project does not have: nothing is kept then.
        """
        check_labels(bundle, self.labels)
        return self._brought(bundle.items)

    def _brought(self, found: list[ExportItem]) -> list[Problem]:
        """Store the pairs that may stand beside the project's texts; the others as problems."""
        from cod_core.data.meeting import meet

        stored = items.examples(self.db, self.id)
        met = meet([i.example for i in found], stored)
        refused = _refused(found, met, {e.id for e in stored})
        new, later = self._newer([(row, i) for row, i in enumerate(found, 1) if i.example.id not in refused])
        taken = [i for i in found if i.example.id not in refused]
        items.add_examples(self.db, self.id, met.new)
        items.label_examples(self.db, self.id, met.labelled)
        items.add_counterfactuals(self.db, self.id, [cf for i in taken for cf in with_base(i)])
        items.add_checks(self.db, self.id, [i.check for i in taken if i.check is not None])
        decisions.append_each(self.db, self.id, new)
        return [*refused.values(), *later]

    def _newer(self, numbered: Iterable[tuple[int, ExportItem]]) -> tuple[list[Decision], list[Problem]]:
        """(decisions to append, rows that give way to a later decision made here); those that are here already are neither."""
        here: set[tuple[str, str, str]] = set()
        latest: dict[str, str] = {}
        for d in decisions.stream(self.db, self.id):
            here.add((d.counterfactual_id, d.status, d.decided_at))
            latest[d.example_id] = max(d.decided_at or "", latest.get(d.example_id, ""))
        new, later = [], []
        for row, item in numbered:
            d = item.decision
            if (d.counterfactual_id, d.status, d.decided_at) in here:
                continue
            if d.example_id in latest and (d.decided_at or "") <= latest[d.example_id]:
                later.append(Problem(row, "This text was decided here later; that decision stands."))
            else:
                new.append(replace(d, seq=None))
        return new, later


def _refused(found: list[ExportItem], met: "Meeting", stored: set[str]) -> dict[str, Problem]:
    """Text's id -> why it cannot stand beside the project's texts. A text that is stored already only brings what hangs on it."""
    return {found[at].example.id: Problem(at + 1, why) for at, why in met.refused if found[at].example.id not in stored}


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
