"""The audit trail on screen and as a file; the proof that it amounts to the state."""

import json
from dataclasses import dataclass
from typing import Any

from cod_core.curation import audit, opinions
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.types import Decision


@dataclass(frozen=True)
class Trail:
    """A page of acts, newest first; total: how many pass the filter. hidden: acts not to be seen yet (blind)."""

    rows: list[dict[str, Any]]
    total: int
    pages: int
    hidden: int


class Audit(Room):
    """Who did what, when."""

    def __init__(self, place: Place, pairs: Pairs):
        super().__init__(place)
        self.pairs = pairs

    def page(
        self,
        viewer: str,
        annotator: str | None = None,
        status: str | None = None,
        text: str = "",
        example_id: str | None = None,
        page: int = 0,
        size: int = 50,
    ) -> Trail:
        """Acts that pass the filter. What others decided on a text with an open second opinion is not shown."""
        seen, hidden = self._visible(viewer, example_id)
        needle = text.casefold().strip()
        passing = [
            r
            for r in seen
            if (annotator is None or r["annotator"] == annotator)
            and (status is None or r["status"] == status)
            and (not needle or needle in r["original"].casefold() or needle in r["counterfactual"].casefold())
        ]
        pages = max(1, -(-len(passing) // size))
        page = min(max(0, page), pages - 1)
        return Trail(passing[::-1][page * size : (page + 1) * size], len(passing), pages, hidden)

    def _visible(self, viewer: str, example_id: str | None = None) -> tuple[list[dict[str, Any]], int]:
        snapshot = self.pairs.snapshot()
        logs = {example_id: snapshot.logs.get(example_id, ())} if example_id else snapshot.logs
        acts: list[Decision] = []
        hidden = 0
        for log in logs.values():
            secret = opinions.hidden_from(log, viewer)
            acts.extend(d for d in log if d.seq not in secret)
            hidden += len(secret)
        acts.sort(key=lambda d: d.seq or 0)
        return [audit.row(d, snapshot.examples.get(d.example_id), snapshot.counterfactuals.get(d.counterfactual_id)) for d in acts], hidden

    def deciders(self) -> list[str]:
        """Everybody who decided anything, in alphabetical order."""
        return sorted({d.annotator for log in self.pairs.snapshot().logs.values() for d in log})

    @needs("export")
    def jsonl(self, viewer: str | None = None) -> bytes:
        """Every act as JSON lines, oldest first; enough to rebuild the state from nothing (curation.audit.replay).

        viewer: leave out what this person may not see yet; None for the whole trail.
        """
        rows = self._visible(viewer)[0] if viewer is not None else self._whole()
        return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()

    @needs("export")
    def csv(self, viewer: str) -> bytes:
        """The acts that the viewer may see, for a spreadsheet; no cell can be taken for a formula."""
        from cod_core.export.flat import safe_csv

        rows = ([r[f] for f in audit.FIELDS] for r in self._visible(viewer)[0])
        cells = (["; ".join(v) if isinstance(v, list) else v for v in row] for row in rows)
        return safe_csv(audit.FIELDS, cells).encode("utf-8-sig")

    def _whole(self) -> list[dict[str, Any]]:
        snapshot = self.pairs.snapshot()
        acts = sorted((d for log in snapshot.logs.values() for d in log), key=lambda d: d.seq or 0)
        return [audit.row(d, snapshot.examples.get(d.example_id), snapshot.counterfactuals.get(d.counterfactual_id)) for d in acts]

    def replayed(self) -> tuple[int, bool]:
        """(acts in the trail, whether replaying the exported trail from nothing gives the present state)."""
        rows = [json.loads(line) for line in self.jsonl().splitlines()]
        snapshot = self.pairs.snapshot()
        present = {
            i: {
                "status": d.status,
                "annotator": d.annotator,
                "original": snapshot.examples[i].text,
                "counterfactual": snapshot.counterfactuals[d.counterfactual_id].text,
                "target": snapshot.counterfactuals[d.counterfactual_id].target,
            }
            for i, d in snapshot.outcome.items()
            if i in snapshot.examples and d.counterfactual_id in snapshot.counterfactuals
        }
        return len(rows), audit.replay(rows) == present
