"""The search's parts for one project: candidate sources, vocabulary, the surrogate; made once, on first use."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, cast

from cod_core.compute.engine import engine_of
from cod_core.counterfactuals import verify
from cod_core.counterfactuals.options import SearchOptions
from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.errors import BadInput
from cod_core.models.cached import CachedEncoder
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import Clients
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.generation import PROMPTS_A_SEARCH
from cod_core.project.teacher.teacher import Teacher
from cod_core.settings import ComputePlace
from cod_core.store import items
from cod_core.types import Classifier, Counterfactual, Example

if TYPE_CHECKING:
    from cod_core.counterfactuals.batch import Searched, SearchPiece, SearchSpec
    from cod_core.counterfactuals.corpus import ClassWords, WordPairs
    from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords
    from cod_core.counterfactuals.neighbours import EmbeddingNeighbours
    from cod_core.counterfactuals.search import SearchGenerator
    from cod_core.counterfactuals.sources import CandidateSource
    from cod_core.counterfactuals.trial import Judge
    from cod_core.counterfactuals.values import Values
    from cod_core.models.encoder import Encoder
    from cod_core.models.surrogate import LinearSurrogate

AtWork: TypeAlias = (
    "Callable[[Sequence[SearchPiece], Callable[[], object], Callable[[int, Searched], object]], Generator[Searched, None, None]]"
)
SOURCES = ("encoder neighbours", "words of the target class", "numbers, codes and links", "negation", "deletion")
MOST_TEXTS = 2000  # that a surrogate learns from


def loaded(encoder: CachedEncoder) -> "Encoder":
    """The encoder behind the cache, whose words and layers are asked for; Models puts no other kind there."""
    return cast("Encoder", encoder.wrapped)


class Proposer:
    """Proposals by search for one teacher, not verified. generator: the SearchGenerator, made on first use; its
    texts_scored tells what the last call took."""

    def __init__(self, teacher: Classifier, generator: "Callable[[], SearchGenerator]"):
        self.teacher = teacher
        self.generator = generator

    def __call__(self, example: Example, n: int, target: str | None = None, avoid: Iterable[str] = ()) -> list[Counterfactual]:
        """n at most. target: the teacher's second choice where None. avoid: words not to be put in."""
        before = self.teacher.predict([example.text])[0]
        return self.generator().propose(example, before.label, target or verify.target_of(before), n, avoid)


class Searcher(Room):
    """Makes the search generator that options describe."""

    def __init__(self, place: Place, models: Models, endpoints: Endpoints, clients: Clients, teacher: Teacher):
        super().__init__(place)
        self.models = models
        self.endpoints = endpoints
        self.clients = clients
        self.teacher = teacher

    def llm_source_names(self) -> dict[str, str]:
        """Name of each source of llm_sources that this project could use now -> host that texts go to, "" for none."""
        from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords

        names = {} if (name := self.models.local_llm_name()) is None else {LocalWords.named(name): ""}
        if (chat := self._last_chat()) is not None:
            names[ChatWords.named(chat.model)] = chat.host
        return names

    def llm_sources(self, names: Collection[str]) -> "list[LocalWords | ChatWords]":
        """Candidate sources of the search that ask a language model, of those named: 'likely words of MODEL' for the
        packaged one where it is installed, 'words of MODEL' for the chat model used last."""
        from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords

        usable: list[LocalWords | ChatWords] = []
        if (name := self.models.local_llm_name()) is not None:
            usable.append(LocalWords(name, lambda: self.models.local_llm(name)))
        if (chat := self._last_chat()) is not None and isinstance(client := self.clients.client(chat), LLMClient):
            usable.append(ChatWords(client))
        return [one for one in usable if one.name in names]

    def _last_chat(self) -> LLMSettings | None:
        """The language model used last, where it is at an address."""
        last = self.endpoints.last_llm()
        settings = last.settings() if last and last.base_url and last.model else None
        return settings if isinstance(settings, LLMSettings) else None

    def usual_budget(self) -> int:
        """Texts scored for one text where nothing else is asked for: few where a model has to answer each of them."""
        return PROMPTS_A_SEARCH if self.teacher.generates() else 400

    def proposer(self, options: SearchOptions | None = None) -> Proposer:
        """Proposals by search, for the project's teacher."""
        return Proposer(self.teacher.classifier(), self._generator(options or SearchOptions()))

    def _generator(self, options: SearchOptions) -> "Callable[[], SearchGenerator]":
        """Makes the SearchGenerator on first use: loading models belongs to the first text, not to opening a page."""
        learns = self.surrogate_learns_from()[0] if options.second else ()
        asks = repr(self.endpoints.last_llm()) if options.sources else ""
        of = self.teacher.classifier().revision, learns, asks, self.place.texts_now()
        return lambda: self.place.once.newest(("search", options), of, lambda: self._make_generator(options))

    def _make_generator(self, options: SearchOptions) -> "SearchGenerator":
        from cod_core.counterfactuals.corpus import Plausibility
        from cod_core.counterfactuals.search import SearchGenerator
        from cod_core.counterfactuals.trial import Judge

        teacher = self.teacher.classifier()
        near, class_words, values, pairs = self._vocabulary(options.encoder)
        return SearchGenerator(
            Judge(self.teacher.scorer(teacher), self.teacher.sensitivity(teacher)),
            teacher.labels,
            self._sources(near, class_words, values, options.sources),
            options.settings(self.usual_budget()),
            options.frozen,
            self.row.task.name,
            Plausibility(pairs, near),
            self.surrogate() if options.second else None,
            class_words.usual,
            class_words.words,
        )

    def spec(self, options: SearchOptions) -> "SearchSpec | None":
        """The search as a value that any process can do; None where it asks somebody else or reads what only this process has: a language
        model's words, a teacher that is none of this machine's. Raises NotEnoughData where a second judge learns from too few texts."""
        from cod_core.counterfactuals.batch import SearchSpec, SecondSpec
        from cod_core.models.encoder import DEFAULT_ENCODER
        from cod_core.models.portable import encoder_spec

        teacher = self.teacher.spec()
        if teacher is None or not set(options.sources) <= set(SOURCES):
            return None
        rows, second = self._labelled(), self._fitted() if options.second else None
        return SearchSpec(
            teacher,
            encoder_spec(options.encoder or DEFAULT_ENCODER),
            replace(options, by="anything", missing=False, targets=SearchOptions().targets),
            self.usual_budget(),
            self.row.task.name,
            tuple(e.text for e in rows),
            tuple(str(e.label) for e in rows),
            None if second is None else SecondSpec(encoder_spec(DEFAULT_ENCODER), second.weight, second.bias),
        )

    @contextmanager
    def engine(self, options: SearchOptions) -> "Iterator[AtWork]":
        """Where texts are searched: what is yielded begins on pieces and gives what was found, as Engine.run; this process where no other
        can search so."""
        from cod_core.counterfactuals.batch import SEARCHING

        spec = self.spec(options)
        with engine_of(self.place.settings.compute if spec else ComputePlace(workers=1)) as engine:
            yield lambda pieces, tick, late: engine.run(SEARCHING, spec, pieces, lambda: self.proposer(options).generator(), tick, late)

    def pieces(self, examples: "Sequence[Example]") -> "list[SearchPiece]":
        """One search a text, for the teacher's second choice."""
        from cod_core.counterfactuals.batch import SearchPiece

        predicted = self.teacher.classifier().predict([e.text for e in examples])
        return [SearchPiece(e, before.label, verify.target_of(before), 1) for e, before in zip(examples, predicted)]

    def _labelled(self) -> list[Example]:
        return [e for e in items.examples(self.db, self.id, split="train") if e.label is not None]

    def _sources(
        self, near: "EmbeddingNeighbours", class_words: "ClassWords", values: "Values", names: Collection[str]
    ) -> "list[CandidateSource]":
        """The candidate sources switched on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals.batch import embedded_sources

        sources: Sequence[CandidateSource] = (*embedded_sources(near, class_words, values), *self.llm_sources(names))
        by_name = {one.name: one for one in sources}
        if unknown := set(names) - set(by_name):
            raise BadInput(f"There is no candidate source called {', '.join(sorted(unknown))}; there are: {', '.join(by_name)}.")
        return [one for name, one in by_name.items() if not names or name in names]

    def _vocabulary(self, encoder_name: str) -> "tuple[EmbeddingNeighbours, ClassWords, Values, WordPairs]":
        """(encoder neighbours, words by class, values by class, word pairs) of the project's labelled training texts."""
        from cod_core.counterfactuals.corpus import ClassWords, WordPairs
        from cod_core.counterfactuals.neighbours import EmbeddingNeighbours
        from cod_core.counterfactuals.values import Values

        teacher = self.teacher.classifier()
        encoder = self.models.encoder(encoder_name) if encoder_name else self.models.encoder()

        def read() -> tuple[ClassWords, Values, WordPairs]:
            rows = self._labelled()
            texts, labels = [e.text for e in rows], [str(e.label) for e in rows]
            score = self.teacher.scorer(teacher) if self.teacher.sensitivity(teacher) is not None else None
            return ClassWords(texts, labels, teacher.labels, score), Values(texts, labels, teacher.labels, score), WordPairs(texts)

        near = self.models.once(("neighbours", encoder.id, encoder.revision), lambda: EmbeddingNeighbours(loaded(encoder)))
        return near, *self.place.once.newest("class words", (teacher.revision, self.place.texts_now()), read)

    def surrogate_learns_from(self) -> tuple[tuple[str, ...], int]:
        """(splits, number of their texts) that a surrogate may learn the teacher's classes of.

        Unlabelled texts are not among them where agreement on them is what students are judged by, below MIN_ROWS labelled
        test texts: a counterfactual chosen by a judge that knows the answers would carry them into the students.
        """
        counts = items.counts(self.db, self.id)
        splits = ("train", "unlabelled") if counts.labelled("test") >= MIN_ROWS else ("train",)
        return splits, counts.of(*splits)

    def surrogate(self) -> "Judge":
        """A linear stand-in for the teacher on the students' encoder, as a Judge. Raises NotEnoughData.

        It learns the teacher's classes of the first 2,000 texts of surrogate_learns_from. A teacher that is paid for, or
        takes seconds a text, is not asked for it: only what it said before counts.
        """
        from cod_core.counterfactuals.trial import Judge
        from cod_core.models.sensitivity import FirstOrder

        fitted = self._fitted()
        return Judge(fitted.logprobs, FirstOrder(fitted))

    def _fitted(self) -> "LinearSurrogate":
        """The stand-in itself, fitted once."""
        teacher, (splits, _) = self.teacher.classifier(), self.surrogate_learns_from()
        return self.place.once(("surrogate", teacher.id, teacher.revision, splits), lambda: self._fit_surrogate(splits))

    def _fit_surrogate(self, splits: Iterable[str]) -> "LinearSurrogate":
        import numpy as np

        from cod_core.models.surrogate import fit_surrogate

        teacher, encoder = self.teacher.classifier(), self.models.encoder()
        texts = [e.text for split in splits for e in items.examples(self.db, self.id, split=split)][:MOST_TEXTS]
        answers = teacher.predict(texts) if self.teacher.sensitivity(teacher) is not None else teacher.on_record(texts)
        answered = [(text, p.logprobs) for text, p in zip(texts, answers) if p is not None and p.decided]
        return fit_surrogate(
            loaded(encoder),
            encoder.encode([text for text, _ in answered]),
            np.array([row for _, row in answered]).reshape(-1, len(teacher.labels)),
            teacher.labels,
        )
