"""Proposals that independent judges accept: two sources compete on the first texts, the better one does the rest.

Changed words (the search) and splices (stretches of the person's own texts) are graded by the same judges. Each text is aimed
at the class whose proposal reads best, a class less the more often it was aimed at. Few and good: a text for which nothing
passes gets no proposal, and the report counts it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cod_core.compute.engine import Engine, engine_of
from cod_core.counterfactuals.competing import OTHER, TRIAL, Tally, chosen, hopeless, told
from cod_core.counterfactuals.options import IN_TURN, SearchOptions
from cod_core.errors import NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.search import Search, SearchReport, words_of
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.proposals.splicer import Splicer
from cod_core.project.teacher.teacher import Teacher
from cod_core.settings import ComputePlace
from cod_core.store import cache
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example

if TYPE_CHECKING:
    from cod_core.counterfactuals.batch import Found, OfferKit, OfferPiece, OfferSpec
    from cod_core.counterfactuals.grading import Grade

NOTHING = "no change was found that all judges accept"
APART = 0.15  # what a class aimed at once more often has to be better by


@dataclass(frozen=True)
class OfferReport(SearchReport):
    """A SearchReport, and: source: which one did the most ("words", "splices", "" where any flip was taken). messages: what a
    person should know, in words."""

    source: str = ""
    messages: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As a SearchReport's, without what is empty."""
        return {name: value for name, value in super().to_json().items() if value or name not in ("source", "messages")}


class Offers(Room):
    """Runs that offer only what the judges accept."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, draws: Draws, searcher: Searcher, search: Search, splicer: Splicer):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.searcher = searcher
        self.search = search
        self.splicer = splicer

    @needs("propose")
    def run(self, texts: Sequence[Example], n: int = 4, progress: Progress = silent, options: SearchOptions | None = None) -> OfferReport:
        """Propose for each text, up to n a text; what is found is verified and saved one by one. A text tried with the same
        options before is not tried again. Where the own texts cannot judge, any flip is taken and the report says so."""
        options = options or SearchOptions(by="best")
        if options.missing:
            flipped = self.pairs.state().flipped
            texts = [e for e in texts if e.id not in flipped]
        if options.by == "anything":
            return _as_offers(self.search.run(texts, n, progress, options))
        if why := self._unjudged(progress):
            return self._any_flip(texts, n, progress, options, f"proposals cannot be judged: {why}")
        self.place.need_for_files(options.encoder, "encoder folder")
        return self._run(texts, n, progress, options)

    def _any_flip(self, texts: Sequence[Example], n: int, progress: Progress, options: SearchOptions, why: str) -> OfferReport:
        """What the search finds, unread, and the reason in words: never a run that ends with nothing where a flip can be had."""
        report = self.search.run(texts, n, progress, replace(options, by="anything"))
        return _as_offers(report, f"Here {why}. So any small change that flips the teacher is offered.")

    def _unjudged(self, progress: Progress) -> str:
        """Why nothing can be judged here, "" where it can; loads the judges."""
        if why := self.splicer.why_not():
            return why
        try:
            self.splicer.prepare(progress)
        except NotEnoughData as error:
            return str(error).rstrip(".")
        return ""

    def _run(self, texts: Sequence[Example], n: int, progress: Progress, options: SearchOptions) -> OfferReport:
        spec = self._spec(options)
        with engine_of(self.place.settings.compute if spec else ComputePlace(workers=1)) as engine:
            run = _Run(engine, spec, self._tally(), self._aimed())
            while run.done < len(texts):
                if options.by == "best" and hopeless(run.tally):
                    return self._any_flip(texts, n, progress, options, f"nothing that reads well was found for {TRIAL} texts")
                source = chosen(run.tally) if options.by == "best" else options.by
                still = min(TRIAL - one.texts for one in run.tally.values()) if source is None else len(texts)
                self._some(texts[run.done : run.done + still], n, options, source, run, _counted(progress, run, len(texts)))
        failures, tally = run.failures, run.tally
        if failures:
            cache.add_to_reply(self.db, self.id, self.draws.failed_key(), failures)
        progress(len(texts), len(texts), "done")
        source = (chosen(tally) or "") if options.by == "best" else options.by
        messages = tuple(m for m in (self._said(source, options, tally), _nothing_for(len(failures), len(texts)), self.splicer.note()) if m)
        good = len(texts) - len(failures)
        return OfferReport(len(texts), run.tried, good, len(failures), failures, run.scored, source=source, messages=messages)

    def _some(
        self, texts: Sequence[Example], n: int, options: SearchOptions, source: str | None, run: "_Run", tell: Callable[[str], None]
    ) -> None:
        """Propose for texts that one source, or both while they compete, is asked about; each text is saved in its turn."""
        from cod_core.counterfactuals.batch import OFFERING

        doing = "two ways of proposing compete" if source is None else f"proposing by {told(source)}"
        known = cache.get_replies(self.db, [self._mark(e, options) for e in texts])
        plan = {e.id: self._piece(e, options, source) for e in texts if self._mark(e, options) not in known}
        asked = [piece for piece in plan.values() if piece is not None]
        with closing(run.engine.run(OFFERING, run.spec, asked, lambda: self._kit(options), lambda: tell(doing))) as found:
            for example in texts:
                tell(doing)
                if example.id in plan:
                    came = {} if plan[example.id] is None else _in_turn(next(found), n, run.aimed)
                    run.tried, run.scored = run.tried + 1, run.scored + sum(one.scored for one in came.values())
                    kept = self._kept(example, n, came, run.aimed)
                    if source is None:
                        self._count(run.tally, came)
                    cache.put_reply(self.db, self.id, self._mark(example, options), {"found": kept})
                else:
                    kept = known[self._mark(example, options)]["found"]
                if not kept:
                    run.failures[example.id] = NOTHING
                run.done += 1

    def _spec(self, options: SearchOptions) -> "OfferSpec | None":
        """Sources and judges as a value that any process can load; None where only this one can."""
        from cod_core.counterfactuals.batch import OfferSpec

        search = self.searcher.spec(options)
        return None if search is None else OfferSpec(search, self.splicer.own())

    def _kit(self, options: SearchOptions) -> "OfferKit":
        """Sources and judges in this process."""
        from cod_core.counterfactuals.batch import OfferKit

        search = self.searcher.proposer(replace(options, by="anything")).generator()
        return OfferKit(search, self.splicer.generator(options), self.splicer.judges())

    def _piece(self, example: Example, options: SearchOptions, source: str | None) -> "OfferPiece | None":
        """What is asked about a text: both sources while they compete; else the better one, and the other where that finds nothing.
        None where there is no class to aim at."""
        from cod_core.counterfactuals.batch import OfferPiece

        targets = tuple(self._targets(example, options))
        if not targets:
            return None
        before, fallback = self.teacher.before(example).label, OTHER[source] if source and options.by == "best" else ""
        return OfferPiece(example, before, targets, tuple(OTHER) if source is None else (source,), fallback)

    def _said(self, source: str, options: SearchOptions, tally: dict[str, Tally]) -> str:
        if options.by != "best" or not source:
            return ""
        one, other = tally[source], tally[OTHER[source]]
        return (
            f"On the first {one.texts} texts {told(source)} gave {one.offered} good proposals and {told(OTHER[source])} "
            f"{other.offered}, so {told(source)} came first for the rest."
        )

    def _targets(self, example: Example, options: SearchOptions) -> list[str]:
        """Classes that may be aimed at, likeliest first."""
        before = self.teacher.before(example)
        ranked = sorted((x for x in self.labels if x != before.label), key=lambda x: -before.prob(x))
        return ranked if options.targets == IN_TURN else self.search.targets(example, options.targets)

    def _kept(self, example: Example, n: int, found: "dict[str, Found]", aimed: Counter[str]) -> int:
        """Save the best n of all sources, best first; how many flip the teacher."""
        offers = sorted((pair for one in found.values() for pair in one.offers), key=lambda pair: -pair[1].score)
        kept = list({cf.text: cf for cf, _ in offers}.values())[:n]
        if kept:
            aimed[kept[0].target] += 1
        return self.pairs.add([(example, cf) for cf in kept]) if kept else 0

    def _aimed(self) -> Counter[str]:
        """Class -> texts whose first proposal of this kind aims at it."""
        first = (next((cf for cf in cfs if cf.origin.kind == "search"), None) for cfs in self.pairs.snapshot().by_example.values())
        return Counter(cf.target for cf in first if cf is not None)

    def _mark(self, example: Example, options: SearchOptions) -> str:
        from cod_core.counterfactuals.splicing import REVISION

        teacher, tried_as = self.teacher.classifier(), options.tried_as(self.searcher.usual_budget())
        asked = (
            teacher.id,
            teacher.revision,
            words_of(example),
            REVISION,
            options.targets,
            self.splicer.note() == "",
            sorted(tried_as.items()),
        )
        return f"offered:{self.id}:{short_hash(*asked)}"

    def _tally_key(self) -> str:
        teacher = self.teacher.classifier()
        return f"competed:{self.id}:{short_hash(teacher.id, teacher.revision)}"

    def _tally(self) -> dict[str, Tally]:
        kept = cache.get_reply(self.db, self._tally_key()) or {}
        return {source: Tally(*kept[source]) if source in kept else Tally() for source in OTHER}

    def _count(self, tally: dict[str, Tally], found: "dict[str, Found]") -> None:
        """What the sources did on one more text, remembered for later runs."""
        if set(found) != set(OTHER) or tally["words"].texts >= TRIAL:
            return
        for source, one in found.items():
            tally[source] = tally[source].plus(one.best.fraction if one.best else None, one.seconds)
        cache.put_reply(self.db, self.id, self._tally_key(), {source: list(one.values) for source, one in tally.items()})


@dataclass
class _Run:
    """What a run has come to so far, and where it is done. aimed: class -> texts whose first proposal aims at it."""

    engine: Engine
    spec: "OfferSpec | None"
    tally: dict[str, Tally]
    aimed: Counter[str]
    failures: dict[str, str] = field(default_factory=dict)
    tried: int = 0
    scored: int = 0
    done: int = 0


def _in_turn(found: "dict[str, Found]", n: int, aimed: Counter[str]) -> "dict[str, Found]":
    """The best n of each source, where a class that was aimed at more often has to be better by so much more."""

    def order(pair: "tuple[Counterfactual, Grade]") -> float:
        return APART * aimed[pair[0].target] - pair[1].score

    return {source: replace(one, offers=sorted(one.offers, key=order)[:n]) for source, one in found.items()}


def _counted(progress: Progress, run: _Run, of: int) -> Callable[[str], None]:
    """Tells what is being done, with how many texts are."""
    return lambda doing: progress(run.done, of, doing)


def _nothing_for(without: int, texts: int) -> str:
    """What to do where many texts got no proposal that reads well; "" where few did."""
    if 3 * without < texts:
        return ""
    return (
        f"Nothing that reads well was found for {without} of {texts} texts. Let any change that flips be offered instead, "
        "ask a language model, or write your own."
    )


def _as_offers(report: SearchReport, *messages: str) -> OfferReport:
    return OfferReport(**vars(report), messages=messages)
