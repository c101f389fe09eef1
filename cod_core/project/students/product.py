"""The student to take home: trained on everything that the project has, measured once, kept beside what it is made of."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cod_core.distill.arms import TrainRow, data_hash
from cod_core.distill.cells import CellSpec, EvalSet, RowsOf
from cod_core.distill.evaluate import decided_classes
from cod_core.distill.kinds import OFFERED, kind_of
from cod_core.distill.softlabels import overruled
from cod_core.distill.take_home import (
    ARM,
    BEST,
    SETTINGS,
    Everything,
    Ingredient,
    Made,
    TakeHome,
    best_of,
    everything,
    settings_of,
    softened,
)
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.cached import CachedClassifier
from cod_core.progress import Progress, silent
from cod_core.project.filing import read_json, write_json
from cod_core.project.place import Place, Room, needs
from cod_core.project.results.results import Results
from cod_core.project.students.plan import SweepPlans
from cod_core.project.students.store import StudentStore, judged_mark
from cod_core.project.students.students import Students
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import say
from cod_core.text import folded, short_hash
from cod_core.types import KEPT, Example, RunConfig, RunResult, now


class Product(Room):
    """What a person takes away and uses."""

    def __init__(
        self, place: Place, texts: Texts, teacher: Teacher, store: StudentStore, plan: SweepPlans, students: Students, results: Results
    ):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.store = store
        self.plan = plan
        self.students = students
        self.results = results

    def latest(self) -> Made | None:
        """The student that was made last, None before the first; stale where there is more or other to learn from now."""
        stored = read_json(self.path())
        if stored is None:
            return None
        try:
            return Made.of(stored, stored["state"] != self.mark())
        except (KeyError, TypeError):  # of a version to come
            return None

    def made_otherwise(self, made: Made) -> bool:
        """Whether it was made with other settings than a student of its kind has now, by an earlier version."""
        run = self._kept(made)
        return run is not None and any(getattr(run.config, name) != value for name, value in SETTINGS.get(made.student, {}).items())

    def ready(self) -> list[Ingredient]:
        """What a student made now would learn from; empty without labelled texts or a teacher. Asks no model: a text without a label
        on which the teacher does not decide is counted here, and not learnt from."""
        if self.row.teacher is None:
            return []
        free = [(e, "") for e in self.texts.examples("unlabelled")]
        rows = self._everything(free).rows
        return [Ingredient(name, len(of_name)) for name, of_name in rows.items()] if rows["texts"] else []

    def can_choose(self) -> bool:
        """Whether there are labelled development texts to choose a kind of student by."""
        return self.texts.counts().labelled("validation") > 0

    def mark(self) -> str:
        """Changes whenever there is more or other to learn from."""
        counts, outcome = self.texts.counts(), self.plan.pairs.state().outcome.values()
        overruled = sorted(d.counterfactual_id for d in outcome if d.status in KEPT and d.override_reason)
        return short_hash(self.results.state_mark(compared=False), counts.of("train"), counts.unlabelled, *overruled)

    def learnt_from(self) -> Everything:
        """The rows that a student made now would learn from. Asks the teacher about the texts without a label."""
        return self._everything(self._by_teacher())

    @needs("distil")
    def make(self, asked: TakeHome = TakeHome(), progress: Progress = silent) -> dict[str, Any]:
        """Train the student on everything, say what each ingredient brought on development texts, measure it once on the test.

        Returns Made as JSON. Raises NotEnoughData without labelled texts, or without development texts for "best"; BadInput where
        no teacher is chosen or it was trained on the texts that it would be judged by.
        """
        teacher = self._fair_teacher()
        there = self.learnt_from()
        if not there.rows["texts"]:
            raise NotEnoughData(say("There are no labelled texts to learn from. Add some on the Data page."))
        test, dev, _ = self.texts.eval_sets()
        n_dev = sum(label is not None for label in dev.gold or ())
        if asked.kind == BEST and not n_dev:
            raise NotEnoughData(
                say("Choosing among students needs labelled development texts, and there are none. Choose one kind yourself.")
            )
        soft = overruled(teacher.logprobs, softened(there, self.labels))
        state, steps = self.mark(), _Steps(progress, 2 + (len(OFFERED) if asked.kind == BEST else 0))
        names = [name for name, rows in there.rows.items() if rows]
        shares = {}
        if asked.kind == BEST:
            every = there.upto(names[-1])
            for kind in OFFERED:
                shares[kind.name] = self._on_dev(self._cells(kind.name, [every], soft), soft, dev, steps(f"trying {kind.called.lower()}"))[
                    0
                ]
        student = best_of(shares) if shares else asked.kind
        cells = self._cells(student, [there.upto(name) for name in names], soft)
        brought = self._on_dev(cells[:-1], soft, dev, steps("what each ingredient brings")) if n_dev else [None] * (len(cells) - 1)
        made = self._train(cells[-1:], soft, (test, dev, EvalSet()), steps("training on everything"), keep=True)[0]
        by_name = dict(zip(names, [*brought, made.dev.get("accuracy") if n_dev else None]))
        ingredients = tuple(Ingredient(name, len(rows), by_name.get(name)) for name, rows in there.rows.items())
        out = Made(made.config.run_id, now(), student, ingredients, n_dev, made.test, state, shares)
        write_json(self.path(), out.to_json())
        return out.to_json()

    def run(self) -> RunResult:
        """The student that was made. Raises NotEnoughData before the first."""
        made = self.latest()
        found = self._kept(made) if made is not None else None
        if found is None:
            raise NotEnoughData(say("The student to take home is not made yet. Make it on the Export page, or by the command student."))
        return found

    def at_hand(self, made: Made) -> bool:
        """Whether it can be taken away: under other labels or with another teacher it has to be made anew."""
        return self._kept(made) is not None

    def _kept(self, made: Made) -> RunResult | None:
        return next((run for run in self.store.present() if run.config.run_id == made.run_id), None)

    def path(self) -> Path:
        """Where it is kept what was made."""
        return self.place.folder("students") / "product.json"

    def _fair_teacher(self) -> CachedClassifier:
        """The teacher. Raises BadInput where it was trained on the texts that a student would be judged by."""
        if warning := self.teacher.seen_in_training():
            raise BadInput(warning)
        return self.teacher.classifier()

    def _everything(self, unlabelled: Sequence[tuple[Example, str]]) -> Everything:
        state, judged = self.plan.pairs.state(), self._judged()
        return everything(self.texts.pool(), state.outcome, state.snapshot.counterfactuals, state.checks, unlabelled, judged)

    def _judged(self) -> frozenset[str]:
        """Test and development texts, folded; texts without a label are learnt from, so they judge nobody here."""
        return frozenset(folded(e.text) for split in ("test", "validation") for e in self.texts.examples(split))

    def _by_teacher(self) -> list[tuple[Example, str]]:
        """Texts without a label and the teacher's class, of those on which it decides."""
        free = self.texts.examples("unlabelled")
        if not free:
            return []
        classes = decided_classes(self.teacher.classifier().logprobs([e.text for e in free]))
        return [(e, self.labels[at]) for e, at in zip(free, classes) if at >= 0]

    def _cells(self, student: str, parts: Sequence[Sequence[TrainRow]], soft: RowsOf) -> list[CellSpec]:
        """A student of this kind on each of these row sets."""
        identity = self.teacher.classifier()
        fields = settings_of(student).config_fields() | {"teacher_id": identity.id, "teacher_revision": identity.revision}
        out = []
        for rows in parts:
            told = soft([row.text for row in rows])
            config = RunConfig(arm=ARM, shots=len(rows), seed=0, data_hash=data_hash(rows, told), **fields)
            out.append(CellSpec(config, tuple(rows), told))
        return out

    def _on_dev(self, cells: Sequence[CellSpec], soft: RowsOf, dev: EvalSet, progress: Progress) -> list[float]:
        """Share right on the development texts of each; none is kept, none sees the test."""
        return [run.dev["accuracy"] for run in self._train(cells, soft, (EvalSet(), dev, EvalSet()), progress)]

    def _train(
        self, cells: Sequence[CellSpec], soft: RowsOf, sets: tuple[EvalSet, EvalSet, EvalSet], progress: Progress, keep: bool = False
    ) -> list[RunResult]:
        """The cells' results, in their order, trained where heavy work runs. keep: save the students."""
        if not cells:
            return []
        settings = settings_of(kind_of(cells[0].config).name)
        found: dict[str, RunResult] = {}
        with (
            self.students.engine_for(settings) as engine,
            closing(self.students.trained(cells, sets, settings, engine, progress, keep=keep)) as batches,
        ):
            for batch in batches:
                if keep:
                    self.store.save(batch, judged_mark(sets))
                found |= {done.result.config.run_id: done.result for done in batch}
        return [found[cell.config.run_id] for cell in cells]


class _Steps:
    """Progress of several trainings as one: each gets its share."""

    def __init__(self, progress: Progress, of: int):
        self._progress, self._of, self._at = progress, of, 0

    def __call__(self, message: str) -> Progress:
        at, self._at = self._at, self._at + 1

        def progress(done: int, total: int, _: str = "") -> None:
            self._progress(round(100 * (at + (done / total if total else 0))), 100 * self._of, message)

        return progress
