"""Proposals by search: which sources, which targets, which words stay; every result verified and saved at once."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from cod_core.counterfactuals import verify
from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example
from cod_core.workspace.answering import PROMPTS_A_SEARCH, Answering

SOURCES = ("encoder neighbours", "words of the target class", "negation", "deletion")
TARGETS = ("in turn", "nearest", "all")
CLEAR = {"second": True, "at_least": 0.95}  # options for a change that a small model can learn from
MOST_TEXTS = 2000  # that a second judge learns from


class Searching(Answering):
    """The embedded generator over the project's texts."""

    def search_for(self, pid: str, texts: list[Example], n: int = 4, progress: Progress = silent, options: dict | None = None) -> dict:
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
        usual = {"targets": "in turn", "budget": self.usual_budget(pid)}
        options = {k: v for k, v in (options or {}).items() if v and usual.get(k) != v}
        propose = self.searcher(pid, options)
        if options.get("second"):
            progress(0, len(texts), "a second judge learns from the teacher's answers to your texts")
            self._second_judge(pid)
        which = options.get("targets", "in turn")
        aims = self._aims(pid) if which == "in turn" else None
        report = {"texts": len(texts), "tried": 0, "flipped": 0, "without": 0, "failures": {}, "scored": 0}
        for done, example in enumerate(texts):
            progress(done, len(texts), "searching for small edits that change the teacher's mind")
            wanted = self.targets(pid, example, which, aims)
            missed, silent = [], ""
            for target in wanted:
                found, fresh, scored, unasked = self._search_once(pid, example, n, propose, target, options)
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
                if aims is not None and len(self.project(pid).task.labels) > 2:
                    source = self.teacher(pid).predict([example.text])[0].label
                    cache.add_to_reply(self.db, pid, self._aimed_key(pid), {example.id: [source, missed[0]]})
        progress(len(texts), len(texts), "done")
        return report

    def usual_budget(self, pid: str) -> int:
        """Texts scored for one text where nothing else is asked for: few where a model has to answer each of them."""
        return PROMPTS_A_SEARCH if self.generates(pid) else 400

    def targets(self, pid: str, example: Example, which: str = "in turn", aims: dict | None = None) -> list[str]:
        """The classes to aim at for a text: the one whose turn it is, the teacher's second choice, or every other class,
        likeliest first.

        aims: with "in turn", what texts were aimed at so far (see _aims); this text's class is added to it.
        """
        if which not in TARGETS and which not in self.project(pid).task.labels:
            raise BadInput(f"Targets are one of {', '.join(TARGETS)} or a label of the project, not {which!r}.")
        before = self.teacher(pid).predict([example.text])[0]
        ranked = sorted((x for x in before.labels if x != before.label), key=lambda x: -before.prob(x))
        if which in ranked or which == before.label:
            return [which] if which in ranked else []
        if which == "in turn":
            aims = self._aims(pid) if aims is None else aims
            if (before.label, example.id) not in aims:
                often = Counter(target for (source, _), target in aims.items() if source == before.label)
                aims[before.label, example.id] = min(ranked, key=lambda label: often[label])
            return [aims[before.label, example.id]]
        return ranked if which == "all" else ranked[:1]

    def _aims(self, pid: str) -> dict[tuple[str, str], str]:
        """(class of the text, its id) -> class that the search aimed at first, whether it found anything or not."""
        kept = cache.get_reply(self.db, self._aimed_key(pid)) or {}
        out = {(source, i): target for i, (source, target) in kept.items()}
        for i, found in self._snapshot(pid).by_example.items():
            for cf in found:
                if cf.origin.kind == "search":
                    out.setdefault((cf.source, i), cf.target)
        return out

    def _aimed_key(self, pid: str) -> str:
        """Where the classes are kept that texts without a flip were aimed at in turn; named as Drawing.failed_key is."""
        teacher = self.teacher(pid)
        return f"aimed:{pid}:{short_hash(teacher.id, teacher.revision)}"

    def searcher(self, pid: str, options: dict | None = None) -> Callable[..., list[Counterfactual]]:
        """A function (example, n, target=None, avoid=()) -> unverified proposals by search, for the project's teacher.

        Its attribute `generator` is the SearchGenerator, whose texts_scored tells what the last call took.
        """
        made = self._generator(pid, dict(options or {}))
        teacher = self.teacher(pid)

        def propose(example: Example, n: int, target: str | None = None, avoid: Iterable[str] = ()) -> list[Counterfactual]:
            before = teacher.predict([example.text])[0]
            return made().propose(example, before.label, target or verify.target_of(before), n, avoid)

        propose.generator = made
        return propose

    def _generator(self, pid: str, options: dict):
        """Makes the SearchGenerator on first use: loading models belongs to the first text, not to opening a page."""

        def make():
            from cod_core.counterfactuals.corpus import Plausibility
            from cod_core.counterfactuals.search import SearchGenerator
            from cod_core.counterfactuals.tighten import BAND
            from cod_core.counterfactuals.trial import Judge, SearchSettings

            teacher, task = self.teacher(pid), self.project(pid).task
            near, class_words, pairs = self._vocabulary(pid, options.get("encoder"))
            chosen = self._sources(near, class_words, options.get("sources"), self.llm_sources(pid, options.get("sources")))
            settings = SearchSettings(
                options.get("budget") or self.usual_budget(pid),
                **{k: options[k] for k in ("max_fraction", "at_least") if k in options},
                band=BAND if options.get("confidence") else None,
            )
            second = self._second_judge(pid) if options.get("second") else None
            return SearchGenerator(
                Judge(self._scorer(teacher), self._sensitivity(teacher)),
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

        learns = self.second_judge_learns_from(pid)[0] if options.get("second") else ()
        asks = repr(self.last_llm(pid)) if options.get("sources") else ""
        key = ("search", pid, self.teacher(pid).revision, repr(sorted(options.items())), learns, asks)
        return lambda: self._once(key, make)

    def _sources(self, near, class_words, names: Sequence[str] | None, more: Sequence = ()):
        """The candidate sources switched on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals.plain_edits import Deletions, Negations

        known = {one.name: one for one in (near, class_words, Negations(), Deletions(), *more)}
        unknown = set(names or ()) - set(known)
        if unknown:
            raise BadInput(f"There is no candidate source called {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
        return [one for name, one in known.items() if not names or name in names]

    def _vocabulary(self, pid: str, encoder_name: str | None = None):
        """(encoder neighbours, words by class, word pairs) of the project's labelled training texts."""
        from cod_core.counterfactuals.corpus import ClassWords, WordPairs
        from cod_core.counterfactuals.neighbours import EmbeddingNeighbours

        teacher, encoder = self.teacher(pid), self.encoder(*([encoder_name] if encoder_name else []))

        def read():
            rows = [e for e in items.examples(self.db, pid, split="train") if e.label is not None]
            texts, labels = [e.text for e in rows], [str(e.label) for e in rows]
            score = self._scorer(teacher) if self._sensitivity(teacher) is not None else None
            return ClassWords(texts, labels, teacher.labels, score), WordPairs(texts)

        near = self._once(("neighbours", encoder.id, encoder.revision), lambda: EmbeddingNeighbours(encoder.wrapped))
        return near, *self._once(("class words", pid, teacher.revision), read)

    def second_judge_learns_from(self, pid: str) -> tuple[tuple[str, ...], int]:
        """(splits, number of their texts) that a second judge may learn the teacher's classes of.

        Unlabelled texts are not among them where agreement on them is what students are judged by, below MIN_ROWS labelled
        test texts: a counterfactual chosen by a judge that knows the answers would carry them into the students.
        """
        counts = items.count_examples(self.db, pid)
        n_test = sum(n for (split, label), n in counts.items() if split == "test" and label is not None)
        splits = ("train", "unlabelled") if n_test >= MIN_ROWS else ("train",)
        return splits, sum(n for (split, _), n in counts.items() if split in splits)

    def _second_judge(self, pid: str):
        """A linear stand-in for the teacher on the students' encoder, as a Judge. Raises NotEnoughData.

        It learns the teacher's classes of the first 2,000 texts of second_judge_learns_from. A teacher that is paid for, or
        takes seconds a text, is not asked for it: only what it said before counts.
        """
        import numpy as np

        from cod_core.counterfactuals.trial import Judge
        from cod_core.models.sensitivity import FirstOrder
        from cod_core.models.surrogate import fit_surrogate

        teacher, encoder = self.teacher(pid), self.encoder()
        splits, _ = self.second_judge_learns_from(pid)

        def make():
            rows = [e for split in splits for e in items.examples(self.db, pid, split=split)]
            texts = [e.text for e in rows][:MOST_TEXTS]
            answers = teacher.predict(texts) if self._sensitivity(teacher) is not None else teacher.on_record(texts)
            told = [(text, p.logprobs) for text, p in zip(texts, answers) if p is not None and p.decided]
            made = fit_surrogate(
                encoder.wrapped,
                encoder.encode([t for t, _ in told]),
                np.array([row for _, row in told]).reshape(-1, len(teacher.labels)),
                teacher.labels,
            )
            return Judge(made.logprobs, FirstOrder(made))

        return self._once(("second judge", pid, teacher.id, teacher.revision, splits), make)

    def _sensitivity(self, teacher):
        """First-order estimates where the teacher is one model on this machine, else None."""
        from cod_core.models.sensitivity import FirstOrder, gives_gradients

        if not gives_gradients(teacher.wrapped):
            return None
        return self._once(("sensitivity", teacher.id, teacher.revision), lambda: FirstOrder(teacher.wrapped))

    def _scorer(self, teacher):
        """texts -> (n, C) log-probabilities; probes of local models stay out of the cache, paid replies go in."""
        import numpy as np

        raw = getattr(teacher.wrapped, "logprobs", None)
        return raw if raw is not None else lambda texts: np.array([p.logprobs for p in teacher.predict(texts)])

    def _search_once(self, pid: str, example: Example, n: int, propose, target: str, options: dict) -> tuple[int, int, int, str]:
        """(proposals of this search on record, 1 where the search ran now else 0, texts scored now, why a source gave no
        answer or ""). A text without a flip counts as tried only where every source answered.
        """
        from cod_core.counterfactuals.search import REVISION

        teacher = self.teacher(pid)
        told = {k: v for k, v in options.items() if k != "targets"}
        asked = (teacher.id, teacher.revision, example.id, REVISION, target, sorted(told.items()))
        mark = f"tried:{pid}:{short_hash(*asked)}"  # the id as it is, so that a copy of the project finds it (store/portable.py)
        for known in cache.get_replies(self.db, [mark, f"tried:{short_hash(pid, *asked)}"]).values():
            return known["found"], 0, 0, ""
        found = self.add_proposals(pid, [(example, cf) for cf in propose(example, n, target)])
        made = propose.generator()
        unasked = "; ".join(made.failures)
        if not found and not unasked:
            cache.add_to_reply(self.db, pid, self.failed_key(pid), {example.id: "no flip found"})
        if found or not unasked:
            cache.put_reply(self.db, pid, mark, {"found": found})
        return found, 1, made.texts_scored, unasked
