"""What an export takes along: the person's choice, streamed from the store a chunk of texts at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cod_core.curation import state
from cod_core.export.choice import ExportChoice
from cod_core.export.record import ExportItem
from cod_core.models.choice import TeacherChoice, stored_choice
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.teacher.loader import identity, weights_folder
from cod_core.store import decisions, items
from cod_core.types import Counterfactual, Decision, Example

CHUNK = 1000


class Selection(Room):
    """Decided pairs on their way out."""

    def __init__(self, place: Place, fluency: Fluency):
        super().__init__(place)
        self.fluency = fluency

    def _teacher_part(self) -> dict[str, Any]:
        project = self.row
        choice = stored_choice(project.teacher)
        if choice is None:
            return {}
        name, revision = identity(choice, project.task.labels)
        return {"id": name, "revision": revision, "sha256": self._weights_sha256(choice), "label_names": list(project.task.labels)}

    @staticmethod
    def _weights_sha256(choice: TeacherChoice) -> str | None:
        """The full digest of a local teacher's weights and label map; None where they are not on this machine."""
        from cod_core.models.encoder import weights_sha256

        folder = weights_folder(choice)
        return weights_sha256(str(folder)) if folder else None

    def stream(self, choice: ExportChoice = ExportChoice(), progress: Progress = silent) -> Iterator[ExportItem]:
        """Decided pairs in upload order; memory holds a thousand texts at a time."""
        teacher = self._teacher_part()
        name_of = self._pseudonyms() if choice.anonymise else str
        total, done, place = items.counts(self.db, self.id).total, 0, 0
        while chunk := items.after(self.db, self.id, place, CHUNK):
            place, texts = chunk[-1][0], {e.id: e for _, e in chunk}
            outcome = state.outcome(decisions.log(self.db, self.id, example_ids=list(texts)))
            outcome = {i: replace(d, annotator=name_of(d.annotator)) for i, d in outcome.items()}
            yield from filter(choice.takes, self._items_of(texts, outcome, teacher))
            done += len(chunk)
            progress(done, total, "reading the pairs")

    def _items_of(self, texts: Mapping[str, Example], outcome: Mapping[str, Decision], teacher: dict[str, Any]) -> Iterator[ExportItem]:
        """One item for each of these texts whose decision and counterfactual are on record."""
        by_id = items.counterfactuals_by_id(self.db, self.id, [d.counterfactual_id for d in outcome.values()])
        proposed = self._proposed(by_id.values())
        checks = items.checks(self.db, self.id, teacher.get("id", ""), teacher.get("revision", ""), list(by_id))
        decided = [(e, d, cf) for i, e in texts.items() if (d := outcome.get(i)) and (cf := by_id.get(d.counterfactual_id))]
        ratios = self.fluency.ratios([(e.text, cf.text) for e, _, cf in decided], measure=False)
        for (example, decision, cf), ratio in zip(decided, ratios):
            yield ExportItem(example, cf, checks.get(cf.id), decision, proposed.get(cf.id), teacher, ratio)

    def _proposed(self, cfs: Iterable[Counterfactual]) -> dict[str, str]:
        """id -> what a generator said, of texts that a person made from it, however often they changed their own."""
        found: dict[str, str] = {}
        passed: set[str] = set()
        edited = {cf.id: cf for cf in cfs if cf.origin.kind == "human"}
        while origins := {i: cf.derived_from for i, cf in edited.items() if cf.derived_from}:
            passed |= {edited[i].id for i in origins}
            bases = items.counterfactuals_by_id(self.db, self.id, list(origins.values()))
            reached = {i: bases[origin] for i, origin in origins.items() if origin in bases}
            found |= {i: base.text for i, base in reached.items() if base.origin.kind != "human"}
            edited = {i: base for i, base in reached.items() if i not in found and base.id not in passed}
        return found

    def _pseudonyms(self) -> Callable[[str], str]:
        """name -> A1, A2, ... in the order of first decisions, also of somebody whose first comes while the set is written."""
        known: dict[str, str] = {}

        def of(name: str) -> str:
            if name not in known:
                known.update((who, f"A{n}") for n, who in enumerate(decisions.annotators(self.db, self.id), 1))
            return known[name]

        return of

    def audit_rows(self, anonymise: bool = True) -> Iterable[dict[str, Any]]:
        """Every decision as plain values without texts, oldest first."""
        name_of = self._pseudonyms() if anonymise else str
        for decision in decisions.stream(self.db, self.id):
            yield {**decision.__dict__, "reasons": list(decision.reasons), "annotator": name_of(decision.annotator)}
