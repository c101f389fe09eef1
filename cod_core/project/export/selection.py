"""What an export takes along: the person's choice, streamed from the store a chunk of texts at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from cod_core.curation import state
from cod_core.export.record import ExportItem
from cod_core.models.choice import TeacherChoice, stored_choice
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.teacher.loader import identity, weights_folder
from cod_core.store import decisions, items
from cod_core.types import KEPT, Counterfactual, Decision, FlipCheck

CHUNK = 1000


@dataclass(frozen=True)
class ExportChoice:
    """Every field that is set must hold. splits, labels (of the original), statuses: what to take.

    flips_only: leave out what was kept although it does not flip. guideline_from: decided under this version or a
    newer one. anonymise: A1, A2, ... in place of names, in the order of their first decision. rejected: add the
    rejected pairs in a file of their own.
    """

    statuses: tuple[str, ...] = KEPT
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    flips_only: bool = False
    guideline_from: int | None = None
    anonymise: bool = True
    rejected: bool = False

    def takes(self, item: ExportItem) -> bool:
        """Whether an item passes; its status is looked at by the writer, except that a kept one must be wanted."""
        made = item.decision
        return not (
            (made.status in KEPT and made.status not in self.statuses)
            or (self.splits and item.example.split not in self.splits)
            or (self.labels and item.example.label not in self.labels)
            or (self.flips_only and made.status in KEPT and not (item.check and item.check.valid))
            or (self.guideline_from is not None and made.guideline_version < self.guideline_from)
        )

    def as_filters(self) -> dict:
        """The choice as the manifest tells it."""
        return {
            "statuses": list(self.statuses),
            "splits": list(self.splits),
            "labels": list(self.labels),
            "flips_only": self.flips_only,
            "guideline_from": self.guideline_from,
            "anonymised": self.anonymise,
        }


def exportable(decision: Decision, check: FlipCheck | None) -> bool:
    """Whether a kept pair may leave: it flips the present teacher to its target, or carries a reason for keeping it all the same.

    With three labels or more a new teacher may flip to a third one: then the pair's label is no longer what it says.
    """
    return bool(decision.override_reason) or (check is not None and check.valid)


class Selection(Room):
    """Decided pairs on their way out."""

    def __init__(self, place: Place, fluency: Fluency):
        super().__init__(place)
        self.fluency = fluency

    def _teacher_part(self) -> dict:
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
        key = (teacher.get("id", ""), teacher.get("revision", ""))
        name_of = self._pseudonyms() if choice.anonymise else str
        total, done, place = sum(items.count_examples(self.db, self.id).values()), 0, 0
        while chunk := items.after(self.db, self.id, place, CHUNK):
            place, texts = chunk[-1][0], {e.id: e for _, e in chunk}
            outcome = state.outcome(decisions.log(self.db, self.id, example_ids=list(texts)))
            outcome = {i: replace(d, annotator=name_of(d.annotator)) for i, d in outcome.items()}
            yield from filter(choice.takes, self._items_of(texts, outcome, key, teacher))
            done += len(chunk)
            progress(done, total, "reading the pairs")

    def _items_of(self, texts, outcome: dict[str, Decision], key, teacher: dict) -> Iterator[ExportItem]:
        by_id = items.counterfactuals_by_id(self.db, self.id, [d.counterfactual_id for d in outcome.values()])
        proposed = self._proposed(by_id.values())
        checks = items.checks(self.db, self.id, *key, ids=list(by_id))
        pairs = {
            i: (e.text, by_id[d.counterfactual_id].text)
            for i, e in texts.items()
            if (d := outcome.get(i)) is not None and d.counterfactual_id in by_id
        }
        ratios = dict(zip(pairs, self.fluency.ratios(list(pairs.values()), measure=False)))
        for example_id, example in texts.items():
            decision = outcome.get(example_id)
            cf = by_id.get(decision.counterfactual_id) if decision else None
            if cf is None:
                continue
            yield ExportItem(example, cf, checks.get(cf.id), decision, proposed.get(cf.id), teacher, ratios.get(example_id))

    def _proposed(self, cfs: Iterable[Counterfactual]) -> dict[str, str]:
        """id -> what a generator said, of texts that a person made from it, however often they changed their own."""
        found, passed = {}, set()
        at = {cf.id: cf for cf in cfs if cf.origin.kind == "human" and cf.derived_from}
        while at:
            passed |= {cf.id for cf in at.values()}
            bases = items.counterfactuals_by_id(self.db, self.id, [cf.derived_from for cf in at.values()])
            at = {i: bases[cf.derived_from] for i, cf in at.items() if cf.derived_from in bases}
            found |= {i: base.text for i, base in at.items() if base.origin.kind != "human"}
            at = {i: base for i, base in at.items() if i not in found and base.derived_from and base.id not in passed}
        return found

    def _pseudonyms(self) -> Callable[[str], str]:
        """name -> A1, A2, ... in the order of first decisions, also of somebody whose first comes while the set is written."""
        known: dict[str, str] = {}

        def of(name: str) -> str:
            if name not in known:
                known.update((who, f"A{n}") for n, who in enumerate(decisions.annotators(self.db, self.id), 1))
            return known[name]

        return of

    def audit_rows(self, anonymise: bool = True) -> Iterable[dict]:
        """Every decision as plain values without texts, oldest first."""
        name_of = self._pseudonyms() if anonymise else str
        for decision in decisions.stream(self.db, self.id):
            yield {**decision.__dict__, "reasons": list(decision.reasons), "annotator": name_of(decision.annotator)}
