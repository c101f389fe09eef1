"""While curating: what the counterfactuals kept so far bring, and which text to look at next.

Answers within a second by the linear student: two students are solved exactly after every decision. Development texts
are read once (a job reads them when proposals are made); until then `unread` says how many are still to be read.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from cod_core.diagnostics.early import Early
from cod_core.jobs import queue
from cod_core.project.curation.pairs import Pairs, State
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.results.development import Development
from cod_core.project.results.early import EarlyLook
from cod_core.project.results.results import Results
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import Said, say
from cod_core.store import cache, items
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck

Pair: TypeAlias = tuple[Example, Counterfactual]
Head: TypeAlias = tuple[np.ndarray, np.ndarray]  # W (C, d), b (C,)

FEW, READ_AT_ONCE = 4, 96

DIMENSIONS, SCALE, L2 = 32, 10.0, 2.0  # of the embeddings in which information is counted, and of the student that learns from them


LOOK_AHEAD = 300  # open texts compared for the next one: thousands would hold up every card of a large project


NEAR_P = (0.5, 0.8)


MANY, EVERY = 200, 25  # from so many kept pairs on, every 25th decision is measured: one more moves little


THIN = 0.75  # a class with less than this share of its fair part of the kept pairs is thin


@dataclass(frozen=True)
class Next:
    """The undecided text that adds most of what is new. gain: expected growth of the information, in nats. reasons: in words."""

    example_id: str
    gain: float
    reasons: list[str]


@dataclass(frozen=True)
class Live:
    """n: pairs kept so far. without, with_: accuracy on n_dev texts of the student of the n originals, and of these with
    their counterfactuals; None below FEW pairs or where there is nothing to measure on. unread: development texts
    still to be read. measured_on: what they are. next: None where nothing is left to decide. early: whether counterfactuals pay here,
    None where there is too little to say it."""

    n: int
    without: float | None
    with_: float | None
    n_dev: int
    unread: int
    measured_on: str
    next: Next | None
    early: Early | None = None


class Watch:
    """The numbers of one project, made in a thread of their own, so that no key waits for them."""

    def __init__(self, measure: Callable[[], Live], marker: Callable[[], str]):
        self._measure, self._marker, self._lock = measure, marker, threading.Lock()
        self._asked, self._counted = set[str](), set[str]()  # marks named since the last measuring began; marks that it covers
        self._live: Live | None = None
        self._error: Exception | None = None
        self._running, self._since = False, set[str]()

    def now(self, mark: str | None = None) -> tuple[Live | None, bool]:
        """(the newest numbers, whether they are the last word for now). Where not, making them has begun.

        mark: of the state that is asked for, where the caller knows it; looking it up costs some milliseconds. Numbers of a later
        state will do: where others decide meanwhile, that state never comes back. Raises what went wrong in making the numbers, once.
        """
        mark = mark or self._marker()
        with self._lock:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            live, current = self._live, mark in self._counted
            if live is not None and live.n >= MANY and not live.unread and not current:
                self._since.add(mark)
                current = len(self._since) < EVERY
            if current and not (live is not None and live.unread):
                return live, True
            self._asked.add(mark)
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, daemon=True, name="live-strip").start()
            return live, False

    def _work(self) -> None:
        while True:
            with self._lock:
                asked, self._asked = self._asked, set()
            live: Live | None = None
            error: Exception | None = None
            try:
                asked.add(self._marker())
                live = self._measure()
            except Exception as caught:  # said by the next now()
                error = caught
            with self._lock:
                self._counted, self._live, self._error, self._since = asked, live, error, set()
                if live is None or not live.unread:
                    self._running = False
                    return


def why_next(gain: float, gains: np.ndarray, check: FlipCheck, counts: Mapping[str, int], kept: int) -> list[str]:
    """The reasons in words: unlike what was kept, near the line, a thin class."""
    reasons: list[str] = []
    if kept and gain >= np.quantile(gains, 0.75):
        reasons.append(say("it is unlike the counterfactuals you have kept so far"))
    sure = check.after.prob(check.target)
    if NEAR_P[0] <= sure < NEAR_P[1]:
        reasons.append(say("its flip is a close call"))
    if kept and counts[check.target] < THIN * kept / len(counts):
        n = counts[check.target]
        reasons.append(_few(n, kept, check.target))
    return reasons or [say("it adds most of what is new")]


def _few(n: int, kept: int, label: str) -> Said:
    """How few of the kept counterfactuals lead to this label."""
    if kept == 1:
        return say("your one counterfactual does not lead to “{label}”", label=label)
    if not n:
        return say("none of your {kept} counterfactuals leads to “{label}”", kept=kept, label=label)
    if n == 1:
        return say("only {some} of your {kept} counterfactuals leads to “{label}”", some=n, kept=kept, label=label)
    return say("only {some} of your {kept} counterfactuals lead to “{label}”", some=n, kept=kept, label=label)


class LiveStrip(Room):
    """The strip on the Curate page."""

    def __init__(
        self, place: Place, models: Models, teacher: Teacher, pairs: Pairs, results: Results, development: Development, early: EarlyLook
    ):
        super().__init__(place)
        self.models = models
        self.teacher = teacher
        self.pairs = pairs
        self.results = results
        self.development = development
        self.early = early

    def now(self, mark: str | None = None) -> tuple[Live | None, bool]:
        """The strip's numbers as far as they are known; see Watch.now. mark: marker(), where it is known. Never waits for a
        model."""
        live, last = self._watch().now(mark)
        if live is not None and live.next is not None and not _open(self.pairs.state(), live.next.example_id):
            live = replace(live, next=None)  # of many pairs not every decision is measured
        return live, last

    def _watch(self) -> Watch:
        """One for each teacher: what was counted of another's flips says nothing of this one's."""
        return self.place.once.newest("live", self.teacher.identity(), lambda: Watch(lambda: self.measure(), lambda: self.marker()))

    def marker(self) -> str:
        """Another value once the numbers may have changed. While a job is at work its proposals are not waited for: each would have them
        made again, and none is kept before somebody decides."""
        return self.results.marker(proposals=queue.active(self.db, self.id) is None)

    def measure(self) -> Live:
        """The strip's numbers. Reads at most 96 new development texts a call, so that a page never waits long."""
        judged = self.development.set()
        unread = self._read_some(judged.texts)
        kept = self.pairs.kept()
        originals = {e.id: e for e in items.examples(self.db, self.id, ids=list(kept)) if e.label is not None}
        pairs = [(originals[i], cf) for i, (cf, _) in kept.items() if i in originals]
        heads = self._two_heads(pairs) if len({cf.target for _, cf in pairs}) > 1 and len(pairs) >= FEW else None
        scores: list[float | None] = [None, None]
        if heads and judged.texts and not unread:
            from cod_core.distill.linear import linear_logits

            phi = self.models.encoder().encode(judged.texts)
            scores = [float((linear_logits(phi, *head).argmax(-1) == judged.truth).mean()) for head in heads]
        following = self._next(pairs, heads[1] if heads else None)
        early = None if unread else self.early.measure(judged)
        return Live(len(pairs), scores[0], scores[1], len(judged.texts), unread, judged.measured_on, following, early)

    def read_development(self) -> None:
        """Read every development text now: called at the end of the job that makes proposals."""
        while self._read_some(self.development.set().texts, 512):
            pass

    def _read_some(self, texts: list[str], at_once: int = READ_AT_ONCE) -> int:
        """Embed up to at_once texts that are not on record; how many remain."""
        known = cache.get_embeddings(self.db, self.models.encoder().id, [text_hash(t) for t in texts])
        missing = [t for t in texts if text_hash(t) not in known]
        if missing:
            self.models.encoder().encode(missing[:at_once])
        return max(0, len(missing) - at_once)

    def _two_heads(self, pairs: Sequence[Pair]) -> list[Head]:
        """Heads of the student of the originals and of the student of originals and counterfactuals."""
        from cod_core.diagnostics.worth import Rows, fit

        labels = self.labels
        n, texts = len(pairs), [e.text for e, _ in pairs] + [cf.text for _, cf in pairs]
        hard = np.array([labels.index(str(e.label)) for e, _ in pairs] + [labels.index(cf.target) for _, cf in pairs])
        phi, soft = self.models.encoder().encode(texts).astype(np.float64), self.teacher.classifier().logprobs(texts)
        return [fit(Rows(phi[:m], hard[:m], soft[:m])) for m in (n, 2 * n)]

    def _next(self, pairs: Sequence[Pair], head: Head | None) -> Next | None:
        """Of the next LOOK_AHEAD open texts the one whose counterfactual would add most information, thin classes first."""
        best = open_texts(self.pairs.state(), LOOK_AHEAD)
        if not best:
            return None
        recent, encoder, classes = pairs[-LOOK_AHEAD:], self.models.encoder(), len(self.labels)
        phi = encoder.encode([cf.text for cf, _ in best.values()])
        known = encoder.encode([t for e, cf in recent for t in (e.text, cf.text)]) if recent else phi[:0]
        gain = growth(phi, known, class_shares(phi, head, classes), class_shares(known, head, classes))
        counts = {label: sum(cf.target == label for _, cf in pairs) for label in self.labels}
        at = int((gain * thinness([cf.target for cf, _ in best.values()], counts)).argmax())
        example_id, (_, check) = list(best.items())[at]
        return Next(example_id, float(gain[at]), why_next(float(gain[at]), gain, check, counts, len(pairs)))


def open_texts(current: State, most: int) -> dict[str, tuple[Counterfactual, FlipCheck]]:
    """The first `most` undecided texts that flip, in upload order: id -> their first valid proposal and its check."""
    best: dict[str, tuple[Counterfactual, FlipCheck]] = {}
    for i, cfs in current.snapshot.by_example.items():
        if not _open(current, i):
            continue
        best[i] = next((cf, check) for cf in cfs if (check := current.checks.get(cf.id)) is not None and check.valid)
        if len(best) == most:
            break
    return best


def _open(current: State, example_id: str) -> bool:
    """Whether a text flips the present teacher and nobody decided on it."""
    decided = example_id in current.outcome and current.outcome[example_id].status not in ("pending", "skipped")
    return not decided and example_id in current.flipped


def class_shares(phi: np.ndarray, head: Head | None, classes: int) -> np.ndarray:
    """(n, C) a student's probabilities on embeddings (n, d); the same for every class before there is one."""
    from cod_core.distill.linear import linear_logits, log_softmax

    if head is None or not len(phi):
        return np.full((len(phi), classes), 1 / classes)
    shares: np.ndarray = np.exp(log_softmax(linear_logits(phi, *head)))
    return shares


def growth(phi: np.ndarray, known: np.ndarray, probs: np.ndarray, known_probs: np.ndarray) -> np.ndarray:
    """(m,) nats of information that each of m embeddings (m, d) would add to the known ones (n, d), n may be 0.

    probs (m, C), known_probs (n, C): the student's.
    """
    from cod_core.diagnostics.information import gains, reduction

    every = np.concatenate([phi, known])
    reduce = reduction(every, DIMENSIONS + 1) if len(every) > 1 else lambda rows: np.asarray(rows)[:, :1]
    return gains(SCALE * reduce(known), known_probs, SCALE * reduce(phi), probs, L2)


def thinness(targets: Sequence[str], counts: Mapping[str, int]) -> np.ndarray:
    """(n,) 1 for a target with its fair part of the kept pairs, up to 2 for one with none. counts: label -> kept pairs."""
    fair = THIN * sum(counts.values()) / len(counts)
    return np.array([1 + (max(0.0, 1 - counts[t] / fair) if fair else 0.0) for t in targets])
