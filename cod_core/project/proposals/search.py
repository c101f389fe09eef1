"""Proposals by search: which classes to aim at, every result verified and saved at once, no text searched twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals.hard_texts import FIRST, HardTexts, better, few_flip
from cod_core.counterfactuals.options import IN_TURN, SearchOptions
from cod_core.counterfactuals.targets import Aims, in_turn
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.searcher import SOURCES, Searcher
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache
from cod_core.text import short_hash, text_hash
from cod_core.types import Example

if TYPE_CHECKING:
    from cod_core.counterfactuals.batch import Searched, SearchPiece

MOST_LOOKED_AT = 24  # texts without a flip, by whose words is told what the teacher decides by
TARGETS = (IN_TURN, "nearest", "all")


@dataclass(frozen=True)
class SearchReport:
    """What a run of the search came to. texts: of the run. tried: searches made now. flipped: texts with a flip to every
    class aimed at; without: the others. failures: id -> why. scored: texts that the teacher scored now. advice: a sentence
    where few flipped, "" else."""

    texts: int
    tried: int
    flipped: int
    without: int
    failures: dict[str, str]
    scored: int
    advice: str = ""

    @property
    def without_proposal(self) -> int:
        """Texts that have no proposal after the run: a search keeps flips only."""
        return self.without

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if (name, value) != ("advice", "")}


@dataclass(frozen=True)
class Attempt:
    """One text searched for one class. flips: proposals on record that reach it. tried: whether it was searched now, for
    which the teacher scored `scored` texts. unanswered: why a source gave no answer, "" where all did."""

    flips: int
    tried: bool = False
    scored: int = 0
    unanswered: str = ""


def words_of(example: Example) -> str:
    """What a text is known by where it is kept that it was tried: its id; once its words were corrected, these too."""
    return example.id if example.id == short_hash(example.text) else f"{example.id} {text_hash(example.text)}"


def why_none(attempts: dict[str, Attempt], usual: str) -> str:
    """Why a text has no flip to some class, "" where it has one to each. attempts: by class. usual: where no class stands."""
    missed = [target for target, one in attempts.items() if not one.flips]
    if not missed:
        return "" if attempts else usual
    unanswered = next((attempts[target].unanswered for target in missed if attempts[target].unanswered), "")
    to = "" if len(attempts) == 1 else f" to {' or '.join(missed)}"
    return unanswered or f"no small edit changed the teacher's mind{to}"


def report_of(attempts: dict[str, dict[str, Attempt]], failures: dict[str, str], texts: int, advice: str = "") -> SearchReport:
    """attempts: text's id -> class aimed at -> what the search for it came to."""
    searches = [one for of_text in attempts.values() for one in of_text.values()]
    return SearchReport(
        texts=texts,
        tried=sum(one.tried for one in searches),
        flipped=texts - len(failures),
        without=len(failures),
        failures=failures,
        scored=sum(one.scored for one in searches),
        advice=advice,
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
        if options.second:
            progress(0, len(texts), "a second judge learns from the teacher's answers to your texts")
            self.searcher.surrogate()
        attempts, failures = self._all(texts, n, progress, options)
        progress(len(texts), len(texts), "done")
        hard = self._look_back(texts, failures, options)
        return report_of(attempts, failures, len(texts), hard.sentence if hard else "")

    def _all(
        self, texts: Sequence[Example], n: int, progress: Progress, options: SearchOptions
    ) -> tuple[dict[str, dict[str, Attempt]], dict[str, str]]:
        """(text's id -> class aimed at -> what the search for it came to, id -> why there is no flip), each text saved in its turn."""
        aims = self._aims() if options.targets == IN_TURN else None
        plan = {example.id: self._planned(example, options, aims) for example in texts}
        attempts: dict[str, dict[str, Attempt]] = {}
        failures: dict[str, str] = {}

        def tell() -> None:
            progress(len(attempts), len(texts), "searching for small edits that change the teacher's mind")

        pieces = [piece for e in texts for piece in self._pieces(e, n, plan[e.id])]

        def late(number: int, found: "Searched") -> None:
            if aims is not None:  # a later run aims at the same classes, whatever was finished ahead
                cache.add_to_reply(
                    self.db, self.id, self._aimed_key(), {piece.example.id: [piece.source, piece.target] for piece in pieces}
                )
            self._kept(pieces[number].example, pieces[number].target, found, options)

        with self.searcher.engine(options) as at_work, closing(at_work(pieces, tell, late)) as found:
            for done, example in enumerate(texts):
                tell()
                if done == FIRST:  # said while the run goes on: it may be stopped and begun another way
                    self._look_back(texts[:done], failures, options)
                attempts[example.id] = self._attempts(example, plan[example.id], found, options, aims)
                if why := why_none(attempts[example.id], f"the teacher sees it as {options.targets} already"):
                    failures[example.id] = why
        return attempts, failures

    def _planned(self, example: Example, options: SearchOptions, aims: Aims | None) -> "dict[str, Attempt | None]":
        """Class to aim at -> what is on record of the search for it, None where it is to be made."""
        return {target: self._on_record(example, target, options) for target in self.targets(example, options.targets, aims)}

    def _pieces(self, example: Example, n: int, plan: "Mapping[str, Attempt | None]") -> "list[SearchPiece]":
        """The searches of a text that are to be made."""
        from cod_core.counterfactuals.batch import SearchPiece

        source = self.teacher.before(example).label
        return [SearchPiece(example, source, target, n) for target, known in plan.items() if known is None]

    def hard_texts(self) -> HardTexts | None:
        """What is known of why few texts flip under the present teacher; None where enough do, or nothing was tried."""
        return HardTexts.of(cache.get_reply(self.db, self._hard_key()) or {})

    def _look_back(self, texts: Sequence[Example], failures: Mapping[str, str], options: SearchOptions) -> HardTexts | None:
        """Where few of these texts flipped: by what the teacher decides over the others, remembered for the page."""
        if len(texts) < FIRST:
            return None
        flipped, hard = len(texts) - len(failures), None
        if few_flip(len(texts), flipped):
            model = self.searcher.endpoints.last_llm()
            named = "" if model is None else model.model or model.local
            sources_off = bool(options.sources) and not set(SOURCES) <= set(options.sources)
            words = self._decides_by([e for e in texts if e.id in failures])
            hard = HardTexts(len(texts), flipped, tuple(words), better(sources_off, bool(options.frozen), named))
        cache.put_reply(self.db, self.id, self._hard_key(), asdict(hard) if hard else {})
        return hard

    def _decides_by(self, texts: Sequence[Example]) -> list[str]:
        """The most decisive words over the first texts; [] of a teacher that is paid for, or takes seconds a text."""
        from cod_core.counterfactuals.decisive import decisive
        from cod_core.counterfactuals.trial import Judge

        teacher, looked_at = self.teacher.classifier(), texts[:MOST_LOOKED_AT]
        if not self.teacher.answers_at_once():
            return []
        judge = Judge(self.teacher.scorer(teacher), self.teacher.sensitivity(teacher))
        said = [self.labels.index(self.teacher.before(e).label) for e in looked_at]
        return decisive(judge, [e.text for e in looked_at], said)

    def _hard_key(self) -> str:
        """Where it is kept why few texts flip; asks for no model, since a page reads it."""
        return f"hard:{self.id}:{short_hash(*(self.pairs.state().teacher or ()))}"

    def _attempts(
        self, example: Example, plan: "Mapping[str, Attempt | None]", found: "Iterator[Searched]", options: SearchOptions, aims: Aims | None
    ) -> dict[str, Attempt]:
        """Class aimed at -> what the search for it came to. A class aimed at in turn and not reached is remembered. found: what comes
        of the searches that are made, in the order of the plan."""
        attempts = {target: known or self._kept(example, target, next(found), options) for target, known in plan.items()}
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
            return [in_turn(aims, before.label, example.id, ranked)]
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
        """Where it is kept that a text was searched so: now, and by earlier versions."""
        from cod_core.counterfactuals.search import EARLIER, REVISION

        teacher, tried_as = self.teacher.classifier(), options.tried_as(self.searcher.usual_budget())
        marks = []
        for revision in (REVISION, EARLIER):
            asked = (teacher.id, teacher.revision, words_of(example), revision, target, sorted(tried_as.items()))
            # the project's id as it is, so that a copy of the project finds it (store/portable.py)
            marks += [f"tried:{self.id}:{short_hash(*asked)}", f"tried:{short_hash(self.id, *asked)}"]
        return marks

    def _on_record(self, example: Example, target: str, options: SearchOptions) -> Attempt | None:
        """What is on record of the search for one class, None where it was not made so."""
        for on_record in cache.get_replies(self.db, self._marks(example, target, options)).values():
            return Attempt(on_record["found"])
        return None

    def _kept(self, example: Example, target: str, found: "Searched", options: SearchOptions) -> Attempt:
        """Verify and save what a search found. A text without a flip counts as tried only where every source answered."""
        flips = self.pairs.add([(example, cf) for cf in found.proposals])
        unanswered = "; ".join(found.failures)
        if not flips and not unanswered:
            cache.add_to_reply(self.db, self.id, self.draws.failed_key(), {example.id: "no flip found"})
        if flips or not unanswered:
            cache.put_reply(self.db, self.id, self._marks(example, target, options)[0], {"found": flips})
        return Attempt(flips, True, found.scored, unanswered)
