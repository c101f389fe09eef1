"""Search and judged offers of many texts as work for any process: what a project knows goes out as values, proposals come back.

The texts, labels, embeddings and options are carried; teacher, encoder and language model are loaded by their specs. The order in which
classes are aimed at is settled before (targets.py) or after (offers.py), so that no text depends on another. Knows no store.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cod_core.compute.work import Work
from cod_core.counterfactuals import verify
from cod_core.counterfactuals.competing import OTHER
from cod_core.counterfactuals.corpus import ClassWords, Plausibility, WordPairs
from cod_core.counterfactuals.grading import Draft, Grade, Judges, Reader
from cod_core.counterfactuals.independent import OwnTexts
from cod_core.counterfactuals.neighbours import EmbeddingNeighbours
from cod_core.counterfactuals.options import SearchOptions
from cod_core.counterfactuals.plain_edits import Deletions, Negations
from cod_core.counterfactuals.search import SearchGenerator
from cod_core.counterfactuals.sources import CandidateSource
from cod_core.counterfactuals.splicing import OwnCorpus, SpliceGenerator, SpliceSettings
from cod_core.counterfactuals.trial import Judge
from cod_core.counterfactuals.values import Values
from cod_core.errors import ModelUnavailable
from cod_core.models.portable import EncoderSpec, TeacherSpec, load_encoder, load_teacher
from cod_core.models.sensitivity import FirstOrder, gives_gradients
from cod_core.models.surrogate import LinearSurrogate
from cod_core.types import Counterfactual, Example

ALTERNATIVES, NEAREST = 12, 1  # changed words graded a text and class; classes that they are sought for
ALL = 10**6  # more offers than a text can have


@dataclass(frozen=True, eq=False)
class SecondSpec:
    """A second judge that has to share every flip: one line a class on an encoder. weight: (C, d), bias: (C,)."""

    encoder: EncoderSpec
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class SearchSpec:
    """texts, of: the labelled training texts and their labels, whose words are sought. task: the question. usual_budget: texts scored
    where the options name no number."""

    teacher: TeacherSpec
    encoder: EncoderSpec
    options: SearchOptions
    usual_budget: int
    task: str
    texts: tuple[str, ...] = field(default=(), repr=False)
    of: tuple[str, ...] = field(default=(), repr=False)
    second: SecondSpec | None = None


@dataclass(frozen=True)
class SearchPiece:
    """One text, searched for one class. source: the teacher's class at the text."""

    example: Example
    source: str
    target: str
    n: int


@dataclass(frozen=True)
class Searched:
    """What came of it, not verified. failures: why sources gave no answer. scored: texts that the teacher scored."""

    proposals: list[Counterfactual]
    failures: tuple[str, ...]
    scored: int


def embedded_sources(near: EmbeddingNeighbours, class_words: ClassWords, values: Values) -> list[CandidateSource]:
    """The candidate sources that ask nobody outside this process, in their order."""
    return [near, class_words, values, Negations(), Deletions()]


def make_search(spec: SearchSpec) -> SearchGenerator:
    """The generator that the options describe."""
    teacher, encoder = load_teacher(spec.teacher), load_encoder(spec.encoder)
    sensitivity = FirstOrder(teacher) if gives_gradients(teacher) else None
    score = teacher.logprobs if sensitivity is not None else None
    near, pairs = EmbeddingNeighbours(encoder), WordPairs(spec.texts)
    class_words, values = ClassWords(spec.texts, spec.of, teacher.labels, score), Values(spec.texts, spec.of, teacher.labels, score)
    sources = embedded_sources(near, class_words, values)
    return SearchGenerator(
        Judge(teacher.logprobs, sensitivity),
        teacher.labels,
        [one for one in sources if not spec.options.sources or one.name in spec.options.sources],
        spec.options.settings(spec.usual_budget),
        spec.options.frozen,
        spec.task,
        Plausibility(pairs, near),
        _second_judge(spec.second, teacher.labels),
        class_words.usual,
        class_words.words,
    )


def _second_judge(second: SecondSpec | None, labels: Sequence[str]) -> Judge | None:
    if second is None:
        return None
    fitted = LinearSurrogate(load_encoder(second.encoder), labels, second.weight, second.bias)
    return Judge(fitted.logprobs, FirstOrder(fitted))


def do_search(generator: SearchGenerator, piece: SearchPiece) -> Searched:
    """One search."""
    proposals = generator.propose(piece.example, piece.source, piece.target, piece.n)
    return Searched(proposals, tuple(generator.failures), generator.texts_scored)


SEARCHING = Work[SearchSpec, SearchGenerator, SearchPiece, Searched](make_search, do_search, torch=True, gpu=True)


# ------------------------------------------------------------ offers


@dataclass(frozen=True, eq=False)
class OwnSpec:
    """A person's texts as judges and as a source. phi, classes: of the labelled ones, (n, d) and (n,). pieces, piece_phi, piece_classes: of
    those that the teacher sees alike, long ones in sentences. known: all texts, folded. read: what the language model's words
    are taken from. llm: the model that reads, and the folder that it is unpacked in; None where none is installed. telling: as in
    OwnCorpus."""

    labels: tuple[str, ...]
    phi: np.ndarray
    classes: np.ndarray
    pieces: tuple[str, ...]
    piece_phi: np.ndarray
    piece_classes: np.ndarray
    known: frozenset[str]
    read: tuple[str, ...] = ()
    llm: tuple[str, str] | None = None
    telling: tuple[tuple[int, int] | None, ...] = ()


@dataclass(frozen=True, eq=False)
class OfferSpec:
    search: SearchSpec
    own: OwnSpec


@dataclass(frozen=True, eq=False)
class OfferKit:
    """What proposes and what judges. order: the columns of the teacher's answers that are the project's labels."""

    search: SearchGenerator
    splices: SpliceGenerator
    judges: Judges


@dataclass(frozen=True)
class OfferPiece:
    """One text. source: the teacher's class at it. targets: classes to aim at, likeliest first. ways: sources to ask, all of them;
    fallback: the one to ask where they give nothing, "" for none."""

    example: Example
    source: str
    targets: tuple[str, ...]
    ways: tuple[str, ...]
    fallback: str = ""


@dataclass(frozen=True)
class Found:
    """What one source gave for one text: everything that the judges accept, best first. scored: texts the teacher was asked about."""

    offers: list[tuple[Counterfactual, Grade]]
    seconds: float
    scored: int

    @property
    def best(self) -> Grade | None:
        return self.offers[0][1] if self.offers else None


def assembled(own: OwnSpec) -> tuple[OwnCorpus, OwnTexts]:
    """The texts as a source, and as judges."""
    corpus = OwnCorpus(list(own.pieces), own.piece_classes, own.piece_phi, own.labels)
    corpus.known |= own.known
    corpus.telling = own.telling
    return corpus, OwnTexts(own.phi, own.classes, len(own.labels))


def splice_settings(options: SearchOptions) -> SpliceSettings:
    """How the options change the splices."""
    made = SpliceSettings()
    return SpliceSettings(fraction=options.max_fraction or made.fraction, asked=min(options.budget or made.asked, 4 * made.asked))


def make_offers(spec: OfferSpec) -> OfferKit:
    """Sources and judges in this process."""
    from cod_core.models.encoder import DEFAULT_ENCODER
    from cod_core.models.portable import encoder_spec

    teacher, labels = load_teacher(spec.search.teacher), spec.own.labels
    order, encoder = [teacher.labels.index(name) for name in labels], load_encoder(encoder_spec(DEFAULT_ENCODER))
    corpus, own = assembled(spec.own)
    judges = Judges(lambda texts: teacher.logprobs(texts)[:, order], encoder.encode, own, labels, _reader(spec.own))
    splices = SpliceGenerator(corpus, judges, encoder.encode, spec.search.options.frozen, splice_settings(spec.search.options))
    return OfferKit(make_search(spec.search), splices, judges)


def _reader(own: OwnSpec) -> Reader | None:
    from cod_core.models.junctions import JunctionReader
    from cod_core.models.local_llm import LocalLLM

    if own.llm is None:
        return None
    name, folder = own.llm
    where = folder if Path(folder).is_dir() else str(Path(tempfile.gettempdir()) / "cod-llm")  # on another machine
    try:
        return JunctionReader(LocalLLM(name, where), own.read)
    except ModelUnavailable as error:
        raise ModelUnavailable(f"A worker cannot read proposals as the app does: {error}") from error


def do_offers(kit: OfferKit, piece: OfferPiece) -> dict[str, Found]:
    """Source -> what it gave."""
    found = {way: _by(kit, way, piece) for way in piece.ways}
    if piece.fallback and not any(one.offers for one in found.values()):
        found[piece.fallback] = _by(kit, piece.fallback, piece)
    return found


OFFERING = Work[OfferSpec, OfferKit, OfferPiece, dict[str, Found]](make_offers, do_offers, torch=True, gpu=True)


def _by(kit: OfferKit, way: str, piece: OfferPiece) -> Found:
    begun = time.monotonic()
    if way == "splices":
        offers = kit.splices.propose(piece.example, piece.source, piece.targets, ALL)
        return Found(offers, time.monotonic() - begun, kit.splices.texts_scored)
    assert way in OTHER
    offers, scored = [], 0
    for target in piece.targets[:NEAREST]:
        proposed = kit.search.propose(piece.example, piece.source, target, ALTERNATIVES)
        kit.judges.scored = 0
        offers += accepted(piece.example, piece.source, proposed, kit.judges)
        scored += kit.search.texts_scored + kit.judges.scored
    offers.sort(key=lambda pair: -pair[1].score)
    return Found(offers, time.monotonic() - begun, scored)


def accepted(example: Example, source: str, proposed: Sequence[Counterfactual], judges: Judges) -> list[tuple[Counterfactual, Grade]]:
    """Those of the proposals that the judges accept, best first, their origin saying that they were read."""
    by_text = {cf.text: cf for cf in reversed(proposed)}
    graded = judges.grade(example.text, source, [Draft(cf.text, cf.target, 1.0) for cf in by_text.values()])
    good = [g for g in graded if g.acceptable(judges.limits)]
    return [
        (replace(cf, origin=replace(cf.origin, revision=f"{cf.origin.revision} {verify.READ}")), g)
        for g in good
        for cf in [by_text[g.draft.text]]
    ]
