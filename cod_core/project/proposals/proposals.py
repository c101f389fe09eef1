"""Proposals: run a generator over the first texts, or take ready counterfactuals from a file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.curation.goal import first_wanted
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.llm import LanguageModel
from cod_core.project.proposals.llm_run import LlmReport
from cod_core.project.proposals.offers import OfferReport, Offers
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import Said, say, several, together
from cod_core.store import items

if TYPE_CHECKING:
    from cod_core.counterfactuals.imported import ImportedSet
    from cod_core.data.reading import Problem, Table


@dataclass(frozen=True)
class ImportReport:
    """What a file of counterfactuals came to. added: new ones, of which `flipped` flip. problems: rows left out, and why. here: pairs
    of the file that are here already, and stay as they are."""

    added: int
    flipped: int
    problems: "list[Problem]"
    here: int = 0

    @property
    def said(self) -> str:
        """What became of the pairs, in words."""
        added = say(
            "{counterfactuals} added; {flipped} of them flip the teacher.",
            counterfactuals=several(self.added, "counterfactual"),
            flipped=self.flipped,
        )
        already = Said(
            "{n:,} pair is here already and stays as before.", {"n": self.here}, "{n:,} pairs are here already and stay as before."
        )
        return together((added, already if self.here else ""))


class Proposals(Room):
    """Where counterfactuals come from."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, draws: Draws, offers: Offers, llm: LanguageModel):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.offers = offers
        self.llm = llm

    def check(self, request: GenerateRequest) -> None:
        """Raises CodError where the request names an address or a folder that only an owner may name."""
        if request.generator == "llm":
            self.llm.clients.check(request.llm)
        else:
            self.place.need_for_files(request.search.encoder, "encoder folder")

    def load(self) -> None:
        """Load what proposing takes: the student's encoder; a teacher of this machine, which is asked about the texts that come first, and
        the words that a search puts in. Asks no language model."""
        self.offers.searcher.models.encoder().wrapped  # noqa: B018
        if self.teacher.spec() is not None:
            self.draws.candidates(first_wanted(len(self.labels)))
            self.offers.searcher.proposer().generator()

    @needs("propose")
    def generate(self, request: GenerateRequest, progress: Progress = silent, key: str | None = None) -> OfferReport | LlmReport:
        """Propose for the first balanced texts, by search or with a language model. key: for the model's address.

        Texts already tried with the same teacher and generator are skipped, so a stopped run goes on where it was.
        """
        texts = self.draws.candidates(request.k, request.labels)
        if request.generator == "llm":
            return self.llm.generate(texts, request, progress, key)
        return self.offers.run(texts, request.n, progress, request.search)

    @needs("propose")
    def import_counterfactuals(self, table: "Table", columns: dict[str, str] | None = None, name: str = "import") -> ImportReport:
        """Ready counterfactuals from a table, matched to the project's texts and verified; those that are here already are counted.

        columns: {"original", "counterfactual", "label", "batch"} -> column name, found by their names where None.
        """
        from cod_core.counterfactuals.imported import PairColumns, identity_of, import_pairs

        examples, teacher, task = items.examples(self.db, self.id), self.teacher.classifier(), self.row.task
        chosen = PairColumns(**columns) if columns else None
        known = set(map(identity_of, items.counterfactuals(self.db, self.id)))

        def read(label_of: Callable[[str], str]) -> "ImportedSet":
            return import_pairs(table, examples, task, chosen, None, name, lambda e: label_of(e.text), label_of, known)

        wanted: dict[str, None] = {}
        read(lambda text: wanted.setdefault(text) or task.labels[0])
        teacher.predict(list(wanted))  # together, which takes a fraction of asking one by one
        imported = read(lambda text: teacher.predict([text])[0].label)
        by_id = {e.id: e for e in examples}
        flipped = self.pairs.add([(by_id[cf.example_id], cf) for cf in imported.counterfactuals])
        return ImportReport(len(imported.counterfactuals), flipped, imported.problems, imported.here)

    @needs("propose")
    def import_pairs_of_bundle(self, data: bytes, name: str = "bundle") -> ImportReport:
        """The pairs of an exported bundle (.zip) as proposals for this project's texts; as import_counterfactuals.

        Unlike an opened bundle, decisions and verdicts of the other project do not come along: the present teacher judges.
        """
        from cod_core.data.reading import Table
        from cod_core.export.restore import read_bundle

        rows = [[r.text, r.counterfactual_text, r.counterfactual_label] for r in read_bundle(data)]
        table = Table(["original", "counterfactual", "counterfactual_label"], rows, list(range(1, len(rows) + 1)), [])
        return self.import_counterfactuals(table, name=name)
