"""A bundle's way back in: an exported set opened in a project."""

from dataclasses import replace

from cod_core.data.reading import Problem
from cod_core.errors import BadInput
from cod_core.export.record import ExportItem
from cod_core.export.restore import Bundle, open_bundle
from cod_core.project.place import Room
from cod_core.store import decisions, items
from cod_core.text import short_hash
from cod_core.types import Origin


def check_labels(bundle: Bundle, labels: tuple[str, ...]) -> None:
    """Raises BadInput where a bundle names labels that are not among these."""
    named = {name for i in bundle.items for name in (i.example.label, i.counterfactual.source, i.counterfactual.target)}
    if unknown := named - {None, *labels}:
        raise BadInput(f"These labels of the bundle are not in the project: {', '.join(sorted(unknown))}. Open it as a new project.")


class Bundles(Room):
    """Sets that were exported before."""

    def open(self, data: bytes) -> list[Problem]:
        """Bring an exported bundle (.zip) into this project; returns what was left out. Raises BadInput naming what is wrong with
        the file, and what `take` raises."""
        return self.take(open_bundle(data))

    def take(self, bundle: Bundle) -> list[Problem]:
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
        there, met = {e.id for e in stored}, meet([i.example for i in found], stored)
        out = {found[at].example.id: Problem(at + 1, why) for at, why in met.refused if found[at].example.id not in there}
        known, latest = set(), {}
        for d in decisions.stream(self.db, self.id):
            known.add((d.counterfactual_id, d.status, d.decided_at))
            latest[d.example_id] = max(d.decided_at or "", latest.get(d.example_id, ""))
        new, later = [], []
        for row, item in enumerate(found, 1):
            d = item.decision
            if d.example_id in out or (d.counterfactual_id, d.status, d.decided_at) in known:
                continue
            if d.example_id in latest and (d.decided_at or "") <= latest[d.example_id]:
                later.append(Problem(row, "This text was decided here later; that decision stands."))
            else:
                new.append(replace(d, seq=None))
        found = [i for i in found if i.example.id not in out]
        items.add_examples(self.db, self.id, met.new)
        items.label_examples(self.db, self.id, met.labelled)
        items.add_counterfactuals(self.db, self.id, [cf for i in found for cf in self._with_base(i)])
        items.add_checks(self.db, self.id, [i.check for i in found if i.check is not None])
        decisions.append_each(self.db, self.id, new)
        return [*out.values(), *later]

    @staticmethod
    def _with_base(item):
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
