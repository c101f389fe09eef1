"""The search's parts for one project: candidate sources, vocabulary, the second judge; made once, on first use."""

from collections.abc import Callable, Iterable, Sequence

from cod_core.counterfactuals import verify
from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.errors import BadInput
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import Clients, settings_of
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.generation import PROMPTS_A_SEARCH
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items
from cod_core.types import Counterfactual, Example

SOURCES = ("encoder neighbours", "words of the target class", "negation", "deletion")


CLEAR = {"second": True, "at_least": 0.95}  # options for a change that a small model can learn from


MOST_TEXTS = 2000  # that a second judge learns from


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

        found = {} if (name := self.models.local_llm_name()) is None else {LocalWords.named(name): ""}
        if (last := self.endpoints.last_llm()) and last.get("base_url"):
            settings = settings_of({"llm": last})
            found[ChatWords.named(settings.model)] = settings.host
        return found

    def llm_sources(self, names) -> list:
        """Candidate sources of the search that ask a language model, of those named: 'likely words of MODEL' for the
        packaged one where it is installed, 'words of MODEL' for the chat model used last."""
        from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords

        found = []
        if (name := self.models.local_llm_name()) is not None:
            found.append(LocalWords(name, lambda: self.models.local_llm(name)))
        if (last := self.endpoints.last_llm()) and last.get("base_url"):
            found.append(ChatWords(self.clients.client(settings_of({"llm": last}))))
        return [one for one in found if one.name in (names or ())]

    def usual_budget(self) -> int:
        """Texts scored for one text where nothing else is asked for: few where a model has to answer each of them."""
        return PROMPTS_A_SEARCH if self.teacher.generates() else 400

    def proposer(self, options: dict | None = None) -> Callable[..., list[Counterfactual]]:
        """A function (example, n, target=None, avoid=()) -> unverified proposals by search, for the project's teacher.

        Its attribute `generator` is the SearchGenerator, whose texts_scored tells what the last call took.
        """
        made = self._generator(dict(options or {}))
        teacher = self.teacher.classifier()

        def propose(example: Example, n: int, target: str | None = None, avoid: Iterable[str] = ()) -> list[Counterfactual]:
            before = teacher.predict([example.text])[0]
            return made().propose(example, before.label, target or verify.target_of(before), n, avoid)

        propose.generator = made
        return propose

    def _generator(self, options: dict):
        """Makes the SearchGenerator on first use: loading models belongs to the first text, not to opening a page."""

        def make():
            from cod_core.counterfactuals.corpus import Plausibility
            from cod_core.counterfactuals.search import SearchGenerator
            from cod_core.counterfactuals.tighten import BAND
            from cod_core.counterfactuals.trial import Judge, SearchSettings

            teacher, task = self.teacher.classifier(), self.row.task
            near, class_words, pairs = self._vocabulary(options.get("encoder"))
            chosen = self._sources(near, class_words, options.get("sources"), self.llm_sources(options.get("sources")))
            settings = SearchSettings(
                options.get("budget") or self.usual_budget(),
                **{k: options[k] for k in ("max_fraction", "at_least") if k in options},
                band=BAND if options.get("confidence") else None,
            )
            second = self.surrogate() if options.get("second") else None
            return SearchGenerator(
                Judge(self.teacher.scorer(teacher), self.teacher.sensitivity(teacher)),
                teacher.labels,
                chosen,
                settings,
                tuple(options.get("frozen", ())),
                task.name,
                Plausibility(pairs, near),
                second,
                class_words.usual,
                class_words.words,
            )

        learns = self.surrogate_learns_from()[0] if options.get("second") else ()
        asks = repr(self.endpoints.last_llm()) if options.get("sources") else ""
        key = ("search", self.teacher.classifier().revision, repr(sorted(options.items())), learns, asks)
        return lambda: self.place.once(key, make)

    def _sources(self, near, class_words, names: Sequence[str] | None, more: Sequence = ()):
        """The candidate sources switched on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals.plain_edits import Deletions, Negations

        known = {one.name: one for one in (near, class_words, Negations(), Deletions(), *more)}
        unknown = set(names or ()) - set(known)
        if unknown:
            raise BadInput(f"There is no candidate source called {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
        return [one for name, one in known.items() if not names or name in names]

    def _vocabulary(self, encoder_name: str | None = None):
        """(encoder neighbours, words by class, word pairs) of the project's labelled training texts."""
        from cod_core.counterfactuals.corpus import ClassWords, WordPairs
        from cod_core.counterfactuals.neighbours import EmbeddingNeighbours

        teacher, encoder = self.teacher.classifier(), self.models.encoder(*([encoder_name] if encoder_name else []))

        def read():
            rows = [e for e in items.examples(self.db, self.id, split="train") if e.label is not None]
            texts, labels = [e.text for e in rows], [str(e.label) for e in rows]
            score = self.teacher.scorer(teacher) if self.teacher.sensitivity(teacher) is not None else None
            return ClassWords(texts, labels, teacher.labels, score), WordPairs(texts)

        near = self.models.once(("neighbours", encoder.id, encoder.revision), lambda: EmbeddingNeighbours(encoder.wrapped))
        return near, *self.place.once(("class words", teacher.revision), read)

    def surrogate_learns_from(self) -> tuple[tuple[str, ...], int]:
        """(splits, number of their texts) that a second judge may learn the teacher's classes of.

        Unlabelled texts are not among them where agreement on them is what students are judged by, below MIN_ROWS labelled
        test texts: a counterfactual chosen by a judge that knows the answers would carry them into the students.
        """
        counts = items.count_examples(self.db, self.id)
        n_test = sum(n for (split, label), n in counts.items() if split == "test" and label is not None)
        splits = ("train", "unlabelled") if n_test >= MIN_ROWS else ("train",)
        return splits, sum(n for (split, _), n in counts.items() if split in splits)

    def surrogate(self):
        """A linear stand-in for the teacher on the students' encoder, as a Judge. Raises NotEnoughData.

        It learns the teacher's classes of the first 2,000 texts of surrogate_learns_from. A teacher that is paid for, or
        takes seconds a text, is not asked for it: only what it said before counts.
        """
        import numpy as np

        from cod_core.counterfactuals.trial import Judge
        from cod_core.models.sensitivity import FirstOrder
        from cod_core.models.surrogate import fit_surrogate

        teacher, encoder = self.teacher.classifier(), self.models.encoder()
        splits, _ = self.surrogate_learns_from()

        def make():
            rows = [e for split in splits for e in items.examples(self.db, self.id, split=split)]
            texts = [e.text for e in rows][:MOST_TEXTS]
            answers = teacher.predict(texts) if self.teacher.sensitivity(teacher) is not None else teacher.on_record(texts)
            told = [(text, p.logprobs) for text, p in zip(texts, answers) if p is not None and p.decided]
            made = fit_surrogate(
                encoder.wrapped,
                encoder.encode([t for t, _ in told]),
                np.array([row for _, row in told]).reshape(-1, len(teacher.labels)),
                teacher.labels,
            )
            return Judge(made.logprobs, FirstOrder(made))

        return self.place.once(("second judge", teacher.id, teacher.revision, splits), make)
