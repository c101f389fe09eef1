"""Proposals: run a generator over the first texts, or take ready counterfactuals from a file."""

from collections.abc import Callable

from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.proposals.llm import LanguageModel
from cod_core.project.proposals.search import Search
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items

GENERATORS = ("search", "llm")


class Proposals(Room):
    """Where counterfactuals come from."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, draws: Draws, search: Search, llm: LanguageModel):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.search = search
        self.llm = llm

    def generate(self, params: dict, progress: Progress = silent, key: str | None = None) -> dict:
        """Propose for the first params["k"] balanced texts. params["generator"]: search or llm; for search also
        targets, sources, frozen, budget, confidence, at_least, second and encoder (see Search.run).

        Texts already tried with the same teacher and generator are skipped, so a stopped run goes on where
        it was. Returns {"texts", "tried", "flipped", "without", "failures": {example id: reason}}.
        Raises BadInput for an unknown generator, or where k, n or the budget is below what has a meaning.
        """
        if params.get("generator", "search") not in GENERATORS:
            raise BadInput(f"The generator is one of {', '.join(GENERATORS)}, not {params['generator']!r}.")
        texts = self.draws.candidates(int(params["k"]))
        if params.get("generator", "search") == "llm":
            return self.llm.generate(texts, params, progress, key)
        options = {k: params.get(k) for k in ("targets", "sources", "frozen", "budget", "confidence", "at_least", "second", "encoder")}
        return self.search.run(texts, int(params.get("n", 4)), progress, options)

    def import_counterfactuals(self, table, columns: dict[str, str] | None = None, name: str = "import") -> dict:
        """Ready counterfactuals from a table, matched to the project's texts and verified.

        columns: {"original", "counterfactual", "label", "batch"} -> column name, found by their names where
        None. Returns {"added", "flipped", "problems"}.
        """
        from cod_core.counterfactuals.imported import PairColumns, import_pairs

        examples, teacher, task = items.examples(self.db, self.id), self.teacher.classifier(), self.row.task
        chosen = PairColumns(**columns) if columns else None

        def read(label_of: Callable[[str], str]):
            return import_pairs(table, examples, task, chosen, name=name, source_of=lambda e: label_of(e.text), target_of=label_of)

        wanted: dict[str, None] = {}
        read(lambda text: wanted.setdefault(text) or task.labels[0])
        teacher.predict(list(wanted))  # together, which takes a fraction of asking one by one
        found = read(lambda text: teacher.predict([text])[0].label)
        by_id = {e.id: e for e in examples}
        flipped = self.pairs.add([(by_id[cf.example_id], cf) for cf in found.counterfactuals])
        return {"added": len(found.counterfactuals), "flipped": flipped, "problems": found.problems}

    def import_pairs_of_bundle(self, data: bytes, name: str = "bundle") -> dict:
        """The pairs of an exported bundle (.zip) as proposals for this project's texts; as import_counterfactuals.

        Unlike an opened bundle, decisions and verdicts of the other project do not come along: the present teacher judges.
        """
        from cod_core.data.reading import Table
        from cod_core.export.restore import read_bundle

        rows = [[r.text, r.counterfactual_text, r.counterfactual_label] for r in read_bundle(data)]
        table = Table(["original", "counterfactual", "counterfactual_label"], rows, list(range(1, len(rows) + 1)), [])
        return self.import_counterfactuals(table, name=name)
