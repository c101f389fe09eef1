"""Three ways to a better student, measured on this project's own development texts with the linear student."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cod_core.curation.pace import Pace, pace
from cod_core.distill import ways
from cod_core.distill.evaluate import decided_classes
from cod_core.distill.softlabels import overruled
from cod_core.distill.ways import MOST_TEXTS, Ways
from cod_core.errors import BadInput, NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.filing import read_json, write_json
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.results.results import Results
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.text import folded, short_hash

if TYPE_CHECKING:
    from cod_core.diagnostics.worth import Rows


Labelled = tuple[str, str]  # text, label


class WaysRoom(Room):
    """What this project would gain by labels, by the teacher's answers, by counterfactuals."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws, results: Results):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.results = results

    def can_measure(self) -> bool:
        """Whether there is a teacher, a labelled development text, and something to learn from."""
        counts = self.texts.counts()
        return self.row.teacher is not None and counts.labelled("validation") > 0 and counts.unlabelled + counts.labelled("train") > 0

    def latest(self) -> Ways | None:
        """What `measure` found last, None before the first time or where another version wrote it."""
        kept = read_json(self.path())
        try:
            return None if kept is None else ways.read(kept, self.mark())
        except BadInput:
            return None

    def pace(self) -> Pace:
        """How long a decision takes here."""
        return pace(self.pairs.state().logs.values())

    def mark(self) -> str:
        """Changes whenever there is more or other to learn from."""
        counts = self.texts.counts()
        return short_hash(self.results.state_mark(), counts.of("train"), counts.of("validation"), counts.unlabelled)

    def path(self) -> Path:
        """Where it is kept what was measured."""
        return self.place.folder("students") / "ways.json"

    @needs("distil")
    def measure(self, progress: Progress = silent) -> Ways:
        """Train a linear student in each way that the project has rows for and see what it gets right; kept until the next time.

        The teacher is asked about texts that it has not answered yet, MOST_TEXTS without a label at most. Raises NotEnoughData
        where there is no labelled development text, BadInput without a teacher.
        """
        state, dev = self.mark(), [e for e in self.texts.examples("validation") if e.label is not None]
        if not dev:
            raise NotEnoughData(say("Comparing the ways needs labelled development texts, and there are none. Add some on the Data page."))
        judged = frozenset(folded(e.text) for split in ("test", "validation") for e in self.texts.examples(split))
        unlabelled, drawn = self._free(judged)
        n_pairs, labelled, paired = self._learnt_from(judged)
        progress(0, 3, msg("asking the teacher"))
        own, told, pairs = self._labelled(labelled), self._rows(drawn), self._labelled(paired)
        progress(1, 3, msg("reading the development texts"))
        phi = self.models.encoder().encode([e.text for e in dev]).astype(np.float64)
        gold = np.array([self.labels.index(str(e.label)) for e in dev])
        found, half, catches_up = ways.measured(own, told, pairs, phi, gold, lambda doing: progress(2, 3, doing))
        out = Ways(found, len(dev), n_pairs, unlabelled, half, catches_up, state)
        write_json(self.path(), out.to_json())
        return out

    def _free(self, judged: frozenset[str]) -> tuple[int, list[str]]:
        """(texts without a label, those that the teacher answers: none that students are judged on, MOST_TEXTS drawn at most)."""
        every = [e.text for e in self.texts.examples("unlabelled")]
        free = [text for text in every if folded(text) not in judged]
        return len(every), [free[i] for i in sorted(np.random.default_rng(0).permutation(len(free))[:MOST_TEXTS])]

    def _learnt_from(self, judged: frozenset[str]) -> tuple[int, list[Labelled], list[Labelled]]:
        """(accepted pairs that a student may learn from, labelled texts, texts and counterfactuals of the pairs)."""
        pool, state = self.texts.pool(), self.pairs.kept()
        kept, _ = self.draws.fair({i: cf for i, (cf, _) in state.items()}, pool)
        labelled = [(e.text, str(e.label)) for e in pool.values() if folded(e.text) not in judged]
        return len(kept), labelled, [(pool[i].text, str(pool[i].label)) for i in kept] + [(cf.text, cf.target) for cf in kept.values()]

    def _labelled(self, texts: Sequence[Labelled]) -> "Rows":
        """Rows of texts with their labels."""
        return self._rows([text for text, _ in texts], [self.labels.index(label) for _, label in texts])

    def _rows(self, texts: list[str], hard: Sequence[int] | None = None) -> "Rows":
        """Texts with these classes; with the teacher's where there are none, without those on which it does not decide."""
        from cod_core.diagnostics.worth import Rows

        if not texts:
            return Rows(np.zeros((0, 1)), np.zeros(0, dtype=int), np.zeros((0, len(self.labels))))
        teacher = self.teacher.classifier().logprobs
        soft = teacher(texts) if hard is None else overruled(teacher, dict(zip(texts, hard)))(texts)
        phi = self.models.encoder().encode(texts).astype(np.float64)
        classes = decided_classes(soft) if hard is None else np.array(hard, dtype=int)
        keep = classes >= 0
        return Rows(phi[keep], classes[keep], np.asarray(soft)[keep])
