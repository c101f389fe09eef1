"""Proposals by search: which classes to aim at, every result verified and saved at once, no text searched twice."""

from collections import Counter

from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache
from cod_core.text import short_hash
from cod_core.types import Example

TARGETS = ("in turn", "nearest", "all")


class Search(Room):
    """The embedded generator over the project's texts."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, draws: Draws, searcher: Searcher):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.searcher = searcher

    def run(self, texts: list[Example], n: int = 4, progress: Progress = silent, options: dict | None = None) -> dict:
        """Teacher-guided search for each text; results are verified on the exact text and saved one by one.

        options: targets ("in turn", so that each other class is aimed at as often, "nearest", "all" other classes, or one
        label), sources (names, all where absent), frozen (words and phrases that must stay), budget (texts scored a text;
        usual_budget where absent), confidence (True: offer flips of p(target) .5 to .8 first), at_least (p(target) below
        which more edits are added, while budget and size allow it; the surest flip where none is as sure), second (True:
        a line through the students' encoder that follows the teacher has to share each flip), encoder (name of another
        one for related words, such as a multilingual one). Returns {"texts", "tried", "flipped", "without", "failures",
        "scored"}; with all targets a text counts as flipped once every other class was reached. Raises NotEnoughData
        where a second judge has too few texts to learn from, BadInput where n or the budget is below 1.
        """
        if n < 1 or (options or {}).get("budget") and options["budget"] < 0:
            raise BadInput(
                "The number of alternatives and the budget of a search must be 1 or more, "
                f"not {n} and {(options or {}).get('budget') or 'the usual'}."
            )
        usual = {"targets": "in turn", "budget": self.searcher.usual_budget()}
        options = {k: v for k, v in (options or {}).items() if v and usual.get(k) != v}
        propose = self.searcher.proposer(options)
        if options.get("second"):
            progress(0, len(texts), "a second judge learns from the teacher's answers to your texts")
            self.searcher.surrogate()
        which = options.get("targets", "in turn")
        aims = self._aims() if which == "in turn" else None
        report = {"texts": len(texts), "tried": 0, "flipped": 0, "without": 0, "failures": {}, "scored": 0}
        for done, example in enumerate(texts):
            progress(done, len(texts), "searching for small edits that change the teacher's mind")
            wanted = self.targets(example, which, aims)
            missed, silent = [], ""
            for target in wanted:
                found, fresh, scored, unasked = self._search_once(example, n, propose, target, options)
                report["tried"] += fresh
                report["scored"] += scored
                if not found:
                    missed.append(target)
                    silent = silent or unasked
            report["without" if missed or not wanted else "flipped"] += 1
            if not wanted:
                report["failures"][example.id] = f"the teacher sees it as {which} already"
            if missed:
                to = "" if len(wanted) == 1 else f" to {' or '.join(missed)}"
                report["failures"][example.id] = silent or f"no small edit changed the teacher's mind{to}"
                if aims is not None and len(self.labels) > 2:
                    source = self.teacher.before(example).label
                    cache.add_to_reply(self.db, self.id, self._aimed_key(), {example.id: [source, missed[0]]})
        progress(len(texts), len(texts), "done")
        return report

    def targets(self, example: Example, which: str = "in turn", aims: dict | None = None) -> list[str]:
        """The classes to aim at for a text: the one whose turn it is, the teacher's second choice, or every other class,
        likeliest first.

        aims: with "in turn", what texts were aimed at so far (see _aims); this text's class is added to it.
        """
        if which not in TARGETS and which not in self.labels:
            raise BadInput(f"Targets are one of {', '.join(TARGETS)} or a label of the project, not {which!r}.")
        before = self.teacher.before(example)
        ranked = sorted((x for x in before.labels if x != before.label), key=lambda x: -before.prob(x))
        if which in ranked or which == before.label:
            return [which] if which in ranked else []
        if which == "in turn":
            aims = self._aims() if aims is None else aims
            if (before.label, example.id) not in aims:
                often = Counter(target for (source, _), target in aims.items() if source == before.label)
                aims[before.label, example.id] = min(ranked, key=lambda label: often[label])
            return [aims[before.label, example.id]]
        return ranked if which == "all" else ranked[:1]

    def _aims(self) -> dict[tuple[str, str], str]:
        """(class of the text, its id) -> class that the search aimed at first, whether it found anything or not."""
        kept = cache.get_reply(self.db, self._aimed_key()) or {}
        out = {(source, i): target for i, (source, target) in kept.items()}
        for i, found in self.pairs.snapshot().by_example.items():
            for cf in found:
                if cf.origin.kind == "search":
                    out.setdefault((cf.source, i), cf.target)
        return out

    def _aimed_key(self) -> str:
        """Where the classes are kept that texts without a flip were aimed at in turn; named as Draws.failed_key is."""
        teacher = self.teacher.classifier()
        return f"aimed:{self.id}:{short_hash(teacher.id, teacher.revision)}"

    def _search_once(self, example: Example, n: int, propose, target: str, options: dict) -> tuple[int, int, int, str]:
        """(proposals of this search on record, 1 where the search ran now else 0, texts scored now, why a source gave no
        answer or ""). A text without a flip counts as tried only where every source answered.
        """
        from cod_core.counterfactuals.search import REVISION

        teacher = self.teacher.classifier()
        told = {k: v for k, v in options.items() if k != "targets"}
        asked = (teacher.id, teacher.revision, example.id, REVISION, target, sorted(told.items()))
        mark = f"tried:{self.id}:{short_hash(*asked)}"  # the id as it is, so that a copy of the project finds it (store/portable.py)
        for known in cache.get_replies(self.db, [mark, f"tried:{short_hash(self.id, *asked)}"]).values():
            return known["found"], 0, 0, ""
        found = self.pairs.add([(example, cf) for cf in propose(example, n, target)])
        made = propose.generator()
        unasked = "; ".join(made.failures)
        if not found and not unasked:
            cache.add_to_reply(self.db, self.id, self.draws.failed_key(), {example.id: "no flip found"})
        if found or not unasked:
            cache.put_reply(self.db, self.id, mark, {"found": found})
        return found, 1, made.texts_scored, unasked
