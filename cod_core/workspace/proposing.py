"""Proposals: run a generator over texts, verify each result at once, save it at once."""

from collections.abc import Callable

from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.store import items
from cod_core.types import UNATTENDED, Counterfactual, Example
from cod_core.workspace.base import Base

GENERATORS = ("search", "llm")


class Proposing(Base):
    """Where counterfactuals come from."""

    def generate(self, pid: str, params: dict, progress: Progress = silent, key: str | None = None) -> dict:
        """Propose for the first params["k"] balanced texts. params["generator"]: search or llm; for search also
        targets, sources, frozen, budget, confidence, at_least, second and encoder (see Searching.search_for).

        Texts already tried with the same teacher and generator are skipped, so a stopped run goes on where
        it was. Returns {"texts", "tried", "flipped", "without", "failures": {example id: reason}}.
        Raises BadInput for an unknown generator, or where k, n or the budget is below what has a meaning.
        """
        if params.get("generator", "search") not in GENERATORS:
            raise BadInput(f"The generator is one of {', '.join(GENERATORS)}, not {params['generator']!r}.")
        texts = self.candidates(pid, int(params["k"]))
        if params.get("generator", "search") == "llm":
            return self._generate_llm(pid, texts, params, progress, key)
        options = {k: params.get(k) for k in ("targets", "sources", "frozen", "budget", "confidence", "at_least", "second", "encoder")}
        return self.search_for(pid, texts, int(params.get("n", 4)), progress, options)

    def add_proposals(self, pid: str, proposals: list[tuple[Example, Counterfactual]]) -> int:
        """Verify proposals with the teacher and store both; returns how many of them flip to their target."""
        if not proposals:
            return 0
        checks = self._verdicts(pid, [(e.text, cf) for e, cf in proposals])
        items.add_counterfactuals(self.db, pid, [cf for _, cf in proposals])
        items.add_checks(self.db, pid, checks)
        return sum(check.valid for check in checks)

    def _generate_llm(self, pid: str, texts: list[Example], params: dict, progress: Progress, key: str | None) -> dict:
        from cod_core.workspace.llm import generate_llm

        return generate_llm(self, pid, texts, params, progress, key)

    def plan_llm(self, pid: str, params: dict):
        """What an LLM run would send: the prompt for one row, calls, tokens, cost, destination. Sends nothing."""
        from cod_core.workspace.llm import plan_llm

        return plan_llm(self, pid, params)

    def import_counterfactuals(self, pid: str, table, columns: dict[str, str] | None = None, name: str = "import") -> dict:
        """Ready counterfactuals from a table, matched to the project's texts and verified.

        columns: {"original", "counterfactual", "label", "batch"} -> column name, found by their names where
        None. Returns {"added", "flipped", "problems"}.
        """
        from cod_core.counterfactuals.imported import PairColumns, import_pairs

        examples, teacher, task = items.examples(self.db, pid), self.teacher(pid), self.project(pid).task
        chosen = PairColumns(**columns) if columns else None

        def read(label_of: Callable[[str], str]):
            return import_pairs(table, examples, task, chosen, name=name, source_of=lambda e: label_of(e.text), target_of=label_of)

        wanted: dict[str, None] = {}
        read(lambda text: wanted.setdefault(text) or task.labels[0])
        teacher.predict(list(wanted))  # together, which takes a fraction of asking one by one
        found = read(lambda text: teacher.predict([text])[0].label)
        by_id = {e.id: e for e in examples}
        flipped = self.add_proposals(pid, [(by_id[cf.example_id], cf) for cf in found.counterfactuals])
        return {"added": len(found.counterfactuals), "flipped": flipped, "problems": found.problems}

    def import_pairs_of_bundle(self, pid: str, data: bytes, name: str = "bundle") -> dict:
        """The pairs of an exported bundle (.zip) as proposals for this project's texts; as import_counterfactuals.

        Unlike import_bundle, decisions and verdicts of the other project do not come along: the present teacher judges.
        """
        from cod_core.data.reading import Table
        from cod_core.export.restore import read_bundle

        rows = [[r.text, r.counterfactual_text, r.counterfactual_label] for r in read_bundle(data)]
        table = Table(["original", "counterfactual", "counterfactual_label"], rows, list(range(1, len(rows) + 1)), [])
        return self.import_counterfactuals(pid, table, name=name)

    def accept_unattended(self, pid: str, annotator: str = UNATTENDED) -> int:
        """Accept the best verified proposal of every undecided text; returns how many. For runs without a person.

        Texts on which a second opinion is wanted are left to people: no program's vote counts as one.
        """
        accepted = 0
        for card in self.cards(pid):
            if card.decision is None and not card.second and card.check is not None and card.check.valid and not card.stale:
                self.decide(pid, card.offered.id, "accepted", annotator)
                accepted += 1
        return accepted
