"""What reads proposals before they are offered, and splices: made once for a project's texts and its present teacher."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cod_core.counterfactuals.options import SearchOptions
from cod_core.errors import ModelUnavailable, NotEnoughData
from cod_core.models.gguf import INSTALL
from cod_core.progress import Progress, silent
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import msg, say
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import Example

if TYPE_CHECKING:
    import numpy as np

    from cod_core.counterfactuals.batch import OwnSpec
    from cod_core.counterfactuals.grading import Judges, Reader
    from cod_core.counterfactuals.independent import OwnTexts
    from cod_core.counterfactuals.splicing import OwnCorpus, SpliceGenerator

MOST_TEXTS = 3000  # of the person's that stretches come from
FEWEST_TEXTS, FEWEST_OF_A_LABEL = 24, 3  # below which the own texts say nothing about what a class is
NO_READER = say(
    "No language model is installed to read the proposals, so only short changes that surely fit are offered. Install it with: {how}",
    how=INSTALL,
)


class Splicer(Room):
    """The own texts as a source of proposals, and the judges of any source."""

    def __init__(self, place: Place, models: Models, teacher: Teacher):
        super().__init__(place)
        self.models = models
        self.teacher = teacher

    def why_not(self) -> str:
        """Why the own texts cannot judge here, "" where they can: the teacher answers slowly, or there are hardly any texts.

        COD_READ_PROPOSALS=0 switches it off for a machine that is too slow for it.
        """
        if os.environ.get("COD_READ_PROPOSALS") == "0":
            return msg("COD_READ_PROPOSALS=0 switches it off")
        if not self.teacher.answers_at_once() or self.teacher.generates():
            return msg("the teacher is a language model, whose answers take too long for it")
        counts = items.counts(self.db, self.id)
        if counts.labelled("train") < FEWEST_TEXTS:
            return say("it takes {fewest} labelled training texts, and here are {n}", fewest=FEWEST_TEXTS, n=counts.labelled("train"))
        return ""

    def note(self) -> str:
        """What is missing for the whole quality of proposals, "" where nothing is."""
        return "" if self.models.local_llm_name() else NO_READER

    def prepare(self, progress: Progress = silent) -> None:
        """Load what reads and judges. The first time the language model is unpacked, which takes a minute: progress tells its parts."""
        if self.models.local_llm_name() is not None:
            progress(0, 1, "loading the language model")
            self.reader(progress)
        progress(0, 1, "reading your own texts")
        self.corpus()

    def reader(self, progress: Progress = silent) -> "Reader | None":
        """The language model that reads proposals; None where it is not installed or cannot be read."""
        name = self.models.local_llm_name()
        if name is None:
            return None

        def load() -> "Reader | None":
            from cod_core.models.junctions import JunctionReader

            try:
                return JunctionReader(self.models.local_llm(name, progress), self._words_of())
            except ModelUnavailable:
                return None

        return self.place.once.newest(("junction reader", name), self.place.texts_now(), load)

    def corpus(self) -> "OwnCorpus":
        """The training texts that the person and the teacher see alike. Raises NotEnoughData where a label has hardly any."""
        return self._own()[0]

    def judges(self) -> "Judges":
        """Judges for the present teacher. Raises as corpus."""
        return self._own()[1]

    def generator(self, options: SearchOptions) -> "SpliceGenerator":
        """Splices that keep the frozen words of the options. Raises as corpus."""
        from cod_core.counterfactuals.batch import splice_settings
        from cod_core.counterfactuals.splicing import SpliceGenerator

        return SpliceGenerator(self.corpus(), self.judges(), self.embed(), options.frozen, splice_settings(options))

    def embed(self) -> "Callable[[Sequence[str]], np.ndarray]":
        """texts -> (n, d) unit rows of the frozen encoder. Drafts stay out of the cache: most are seen once."""
        encoder = self.models.encoder()
        return lambda texts: encoder.wrapped.encode(list(texts))

    def _own(self) -> "tuple[OwnCorpus, Judges]":
        return self.place.once.newest("own texts", self._state(), self._read)

    def own(self) -> "OwnSpec":
        """The own texts as a value that any process can judge by. Raises as corpus."""
        return self._gathered()[0]

    def _state(self) -> tuple[object, ...]:
        """What the own texts and their judges depend on."""
        teacher = self.teacher.classifier()
        return teacher.id, teacher.revision, self.place.texts_now()

    def _read(self) -> "tuple[OwnCorpus, Judges]":
        from cod_core.counterfactuals.grading import Judges

        _, corpus, own = self._gathered()
        return corpus, Judges(self._score(), self.embed(), own, self.labels, self.reader())

    def _gathered(self) -> "tuple[OwnSpec, OwnCorpus, OwnTexts]":
        return self.place.once.newest("own texts as a value", self._state(), self._gather)

    def _gather(self) -> "tuple[OwnSpec, OwnCorpus, OwnTexts]":
        import numpy as np

        from cod_core.counterfactuals.batch import OwnSpec, assembled
        from cod_core.counterfactuals.sentences import telling
        from cod_core.counterfactuals.splicing import as_pieces

        teacher, labels, encoder = self.teacher.classifier(), self.labels, self.models.encoder()
        rows = self._labelled()
        classes = np.array([labels.index(str(e.label)) for e in rows])
        phi = encoder.encode([e.text for e in rows])
        alike = [i for i, p in enumerate(teacher.predict([e.text for e in rows])) if p.label == rows[i].label and p.decided]
        texts, of = as_pieces([rows[i].text for i in alike], [int(classes[i]) for i in alike])
        name = self.models.local_llm_name() if self.reader() is not None else None
        spec = OwnSpec(
            labels,
            phi,
            classes,
            tuple(texts[:MOST_TEXTS]),
            encoder.encode(texts[:MOST_TEXTS]),
            np.array(of[:MOST_TEXTS]),
            frozenset(folded(e.text) for e in items.examples(self.db, self.id)),
            tuple(self._words_of()) if name else (),
            (name, str(self.place.settings.folder("llm"))) if name else None,
        )
        corpus, own = assembled(spec)
        corpus.telling = telling(
            corpus.tagged, [int(c) for c in corpus.classes], lambda found: own(encoder.wrapped.encode(list(found))).line, corpus.said
        )
        return replace(spec, telling=tuple(corpus.telling)), corpus, own

    def _labelled(self) -> list[Example]:
        """The first training texts with a label. Raises NotEnoughData where a label has hardly any."""
        rows = [e for e in items.examples(self.db, self.id, split="train") if e.label is not None][:MOST_TEXTS]
        often = Counter(e.label for e in rows)
        if few := [name for name in self.labels if often[name] < FEWEST_OF_A_LABEL]:
            raise NotEnoughData(
                f"Your own texts can judge proposals from {FEWEST_OF_A_LABEL} a label on; there are fewer for {', '.join(few)}. Add texts."
            )
        return rows

    def _words_of(self) -> list[str]:
        """The texts whose words the language model chooses among."""
        return [e.text for e in items.examples(self.db, self.id, split="train")[:MOST_TEXTS]]

    def _score(self) -> "Callable[[Sequence[str]], np.ndarray]":
        """The teacher's answers in the order of the project's labels."""
        import numpy as np

        teacher = self.teacher.classifier()
        score, order = self.teacher.scorer(teacher), [teacher.labels.index(name) for name in self.labels]
        return lambda texts: np.asarray(score(list(texts)))[:, order]
