"""Proposals by search: which classes to aim at, every result verified and saved at once, no text searched twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cod_core.counterfactuals.options import IN_TURN, SearchOptions
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.searcher import Proposer, Searcher
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache
from cod_core.text import short_hash
from cod_core.types import Example

TARGETS = (IN_TURN, "nearest", "all")
Aims = dict[tuple[str, str], str]  # (class of a text, its id) -> class aimed at


@dataclass(frozen=True)
class SearchReport:
    """What a run of the search came to. texts: of the run. tried: searches made now. flipped: texts with a flip to every
    class aimed at; without: the others. failures: id -> why. scored: texts that the teacher scored now."""

    texts: int
    tried: int
    flipped: int
    without: int
    failures: dict[str, str]
    scored: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Attempt:
    """One text searched for one class. flips: proposals on record that reach it. tried: whether it was searched now, for
    which the teacher scored `scored` texts. unanswered: why a source gave no answer, "" where all did."""

    flips: int
    tried: bool = False
    scored: int = 0
    unanswered: str = ""


def why_none(attempts: dict[str, Attempt], usual: str) -> str:
    """Why a text has no flip to some class, "" where it has one to each. attempts: by class. usual: where no class stands."""
    missed = [target for target, one in attempts.items() if not one.flips]
    if not missed:
        return "" if attempts else usual
    unanswered = next((attempts[target].unanswered for target in missed if attempts[target].unanswered), "")
    to = "" if len(attempts) == 1 else f" to {' or '.join(missed)}"
    return unanswered or f"no small edit changed the teacher's mind{to}"


def report_of(attempts: dict[str, dict[str, Attempt]], failures: dict[str, str], texts: int) -> SearchReport:
    """attempts: text's id -> class aimed at -> what the search for it came to."""
    searches = [one for of_text in attempts.values() for one in of_text.values()]
    return SearchReport(
        texts=texts,
        tried=sum(one.tried for one in searches),
        flipped=texts - len(failures),
        without=len(failures),
        failures=failures,
        scored=sum(one.scored for one in searches),
    )


class Search(Room):
    """The embedded generator over the project's texts."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, draws: Draws, searcher: Searcher):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.searcher = searcher

    @needs("propose")
    def run(self, texts: Sequence[Example], n: int = 4, progress: Progress = silent, options: SearchOptions | None = None) -> SearchReport:
        """Teacher-guided search for each text; results are verified on the exact text and saved one by one.

        With all targets a text counts as flipped once every other class was reached. Raises NotEnoughData where a second
        judge has too few texts to learn from, BadInput where n is below 1.
        """
        options = options or SearchOptions()
        self.place.need_for_files(options.encoder, "encoder folder")
        if n < 1:
            raise BadInput(
                f"The number of alternatives and the budget of a search must be 1 or more, not {n} and {options.budget or 'the usual'}."
            )
        propose = self.searcher.proposer(options)
        if options.second:
            progress(0, len(texts), "a second judge learns from the teacher's answers to your texts")
            self.searcher.surrogate()
        aims = self._aims() if options.targets == IN_TURN else None
        attempts: dict[str, dict[str, Attempt]] = {}
        failures: dict[str, str] = {}
        for done, example in enumerate(texts):
            progress(done, len(texts), "searching for small edits that change the teacher's mind")
            attempts[example.id] = self._attempts(example, n, propose, options, aims)
            if why := why_none(attempts[example.id], f"the teacher sees it as {options.targets} already"):
                failures[example.id] = why
        progress(len(texts), len(texts), "done")
        return report_of(attempts, failures, len(texts))

    def _attempts(self, example: Example, n: int, propose: Proposer, options: SearchOptions, aims: Aims | None) -> dict[str, Attempt]:
        """Class aimed at -> what the search for it came to. A class aimed at in turn and not reached is remembered."""
        attempts = {
            target: self._search_once(example, n, propose, target, options) for target in self.targets(example, options.targets, aims)
        }
        missed = [target for target, one in attempts.items() if not one.flips]
        if missed and aims is not None and len(self.labels) > 2:
            source = self.teacher.before(example).label
            cache.add_to_reply(self.db, self.id, self._aimed_key(), {example.id: [source, missed[0]]})
        return attempts

    def targets(self, example: Example, which: str = IN_TURN, aims: Aims | None = None) -> list[str]:
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
        if which == IN_TURN:
            aims = self._aims() if aims is None else aims
            if (before.label, example.id) not in aims:
                often = Counter(target for (source, _), target in aims.items() if source == before.label)
                aims[before.label, example.id] = min(ranked, key=lambda label: often[label])
            return [aims[before.label, example.id]]
        return ranked if which == "all" else ranked[:1]

    def _aims(self) -> Aims:
        """(class of the text, its id) -> class that the search aimed at first, whether it found anything or not."""
        kept = cache.get_reply(self.db, self._aimed_key()) or {}
        out: Aims = {(source, i): target for i, (source, target) in kept.items()}
        for i, proposals in self.pairs.snapshot().by_example.items():
            for cf in proposals:
                if cf.origin.kind == "search":
                    out.setdefault((cf.source, i), cf.target)
        return out

    def _aimed_key(self) -> str:
        """Where the classes are kept that texts without a flip were aimed at in turn; named as Draws.failed_key is."""
        teacher = self.teacher.classifier()
        return f"aimed:{self.id}:{short_hash(teacher.id, teacher.revision)}"

    def _marks(self, example: Example, target: str, options: SearchOptions) -> list[str]:
        """Where it is kept that a text was searched so: now, and by an earlier version."""
        from cod_core.counterfactuals.search import REVISION

        teacher, tried_as = self.teacher.classifier(), options.tried_as(self.searcher.usual_budget())
        asked = (teacher.id, teacher.revision, example.id, REVISION, target, sorted(tried_as.items()))
        # the project's id as it is, so that a copy of the project finds it (store/portable.py)
        return [f"tried:{self.id}:{short_hash(*asked)}", f"tried:{short_hash(self.id, *asked)}"]

    def _search_once(self, example: Example, n: int, propose: Proposer, target: str, options: SearchOptions) -> Attempt:
        """The search for one class, or what is on record of it. A text without a flip counts as tried only where every
        source answered."""
        mark, earlier = self._marks(example, target, options)
        for on_record in cache.get_replies(self.db, [mark, earlier]).values():
            return Attempt(on_record["found"])
        flips = self.pairs.add([(example, cf) for cf in propose(example, n, target)])
        generator = propose.generator()
        unanswered = "; ".join(generator.failures)
        if not flips and not unanswered:
            cache.add_to_reply(self.db, self.id, self.draws.failed_key(), {example.id: "no flip found"})
        if flips or not unanswered:
            cache.put_reply(self.db, self.id, mark, {"found": flips})
        return Attempt(flips, True, generator.texts_scored, unanswered)
