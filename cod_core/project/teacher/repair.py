"""Label repair: which labels may be wrong, a person's word on each, and a teacher that is taught by it.

Nothing here changes a label by itself. A teacher that was taught is trained anew from its base model: one that has learnt a wrong
label by heart lets go of it only if it never saw it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.choice import FinetunedChoice, FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.filing import read_json, write_json
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.teacher.training import Training
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.store import corrections, items, text_changes
from cod_core.text import folded, short_hash
from cod_core.types import KEPT, UNATTENDED, Classifier, Counterfactual, Example, LabelCorrection, Prediction

JUDGED_FIRST = ("test", "validation")  # splits that a taught teacher is measured on: the first that has labelled texts
AGAIN_AFTER = 20  # corrections after which the simple model learns anew, from better labels
NOTHING = say("There is nothing to teach yet. Correct a label, or edit and accept a proposal: then teach the teacher.")
RECORD = "taught"


@dataclass(frozen=True)
class Disagreement:
    """A text whose label may be wrong. said: the answer that differs from it. by_teacher: whether the teacher gave it, or a simple
    model that did not learn from this text (the teacher did). second: what the simple model says where the teacher was asked."""

    example: Example
    said: Prediction
    by_teacher: bool
    second: Prediction | None = None

    @property
    def sure(self) -> float:
        """Probability of the other label, of two models by the one that doubts it more: where a teacher alone says another class,
        it is the teacher that is wrong as often as not."""
        other = self.said.label
        return min(self.said.prob(other), self.second.prob(other)) if self.second else self.said.prob(other)


Answer = tuple[Prediction, bool, Prediction | None]
"""Disagreement.said, by_teacher and second of a text, whether they agree with its label or not."""


@dataclass(frozen=True)
class Lesson:
    """What a person has to say to the teacher. corrected: texts whose label was changed; confirmed: whose label is right though the
    teacher says another. edited: texts that a person wrote or edited, and accepted; kept: accepted though the teacher did not
    flip, with a reason; both carry the person's own label."""

    corrected: int
    confirmed: int
    edited: tuple[Counterfactual, ...]
    kept: tuple[Counterfactual, ...]

    @property
    def size(self) -> int:
        return self.corrected + self.confirmed + len(self.edited) + len(self.kept)


@dataclass(frozen=True)
class ClassChange:
    """Of n texts with this label the teacher before named so many right, the new one so many."""

    label: str
    n: int
    before: int
    after: int


@dataclass(frozen=True)
class TaughtReport:
    """A teacher that was taught and is not in use yet. folder: its name among the project's teachers. rows: it was trained on,
    the person's edits among them. by_class: on the texts that measured_on names. pairs: accepted ones; lost: flipped the teacher
    before and do not flip the new one; won: the other way round."""

    folder: str
    name: str
    rows: int
    corrected: int
    confirmed: int
    edited: int
    kept: int
    measured_on: str
    by_class: tuple[ClassChange, ...]
    pairs: int
    lost: int
    won: int
    trained_on: tuple[str, ...]

    @property
    def n(self) -> int:
        """Texts that both teachers were measured on."""
        return sum(c.n for c in self.by_class)

    @property
    def accuracy(self) -> tuple[float, float] | None:
        """(before, after), None where there was no text to measure on."""
        if not self.n:
            return None
        return sum(c.before for c in self.by_class) / self.n, sum(c.after for c in self.by_class) / self.n

    def to_json(self) -> dict[str, Any]:
        """The result of the job, and what is kept beside the teacher."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TaughtReport":
        """What to_json gave."""
        return cls(**{**values, "by_class": tuple(ClassChange(**c) for c in values["by_class"]), "trained_on": tuple(values["trained_on"])})


def _flips(teacher: Classifier, originals: Sequence[str], cfs: Sequence[Counterfactual]) -> list[bool]:
    """Whether each of these counterfactuals turns this teacher from its original to its target."""
    pairs = zip(cfs, teacher.predict(list(originals)), teacher.predict([cf.text for cf in cfs]))
    return [before.decided and after.decided and before.label != after.label == cf.target for cf, before, after in pairs]


class Repair(Room):
    """What an expert says of labels, and what the teacher makes of it."""

    def __init__(self, place: Place, models: Models, texts: Texts, teacher: Teacher, training: Training, pairs: Pairs):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.training = training
        self.pairs = pairs
        self._told: tuple[object, dict[str, Answer]] | None = None

    def disagreements(self, limit: int = 20) -> list[Disagreement]:
        """Texts that nobody has judged here yet and whose label may be wrong, the most suspicious first.

        Where the teacher was trained on these texts, a linear head in cross-validation judges them; texts that it did not see are
        judged by both. Another teacher judges alone. One that costs something to ask is not asked: what it said before counts.
        """
        told, answered_for = self._answers(), self.standing()
        rows = {e.id: e for e in items.examples(self.db, self.id) if e.id in told and e.label is not None and e.id not in answered_for}
        found = [Disagreement(rows[i], *told[i]) for i in rows if told[i][0].decided and told[i][0].label != rows[i].label]
        return sorted(found, key=lambda d: -d.sure)[:limit]

    def _answers(self) -> dict[str, Answer]:
        """Text's id -> what is said of it by models that did not learn from it; made anew when the teacher or the texts change,
        and after every AGAIN_AFTER corrections."""
        changed = text_changes.written(self.db, self.id)
        key = (self.teacher.identity(), items.counts(self.db, self.id).total, changed, len(self.standing()) // AGAIN_AFTER)
        if self._told is None or self._told[0] != key:
            self._told = key, self._asked()
        return self._told[1]

    def _asked(self) -> dict[str, Answer]:
        teacher, choice, trained = self.teacher.classifier(), self.teacher.choice(), self.teacher.trained_on()
        rows = [e for e in items.examples(self.db, self.id) if e.label is not None and e.metadata.get("label_from") != teacher.id]
        new = [e for e in rows if not trained(e)]
        simple = dict(zip((e.id for e in rows), self._by_a_simple_model(rows))) if len(new) < len(rows) else {}
        texts = [e.text for e in new]
        said = teacher.on_record(texts) if choice and choice.asks else teacher.predict(texts)
        asked: dict[str, Answer] = {e.id: (p, True, simple.get(e.id)) for e, p in zip(new, said) if p is not None}
        return {i: (p, False, None) for i, p in simple.items()} | asked

    def _by_a_simple_model(self, rows: Sequence[Example]) -> list[Prediction]:
        """What a linear head says of each row that learnt from the others only."""
        from cod_core.models.out_of_fold import out_of_fold

        phi = self.models.encoder().encode([e.text for e in rows])
        told = out_of_fold(phi, np.array([self.labels.index(str(e.label)) for e in rows]), len(self.labels))
        return [Prediction(self.labels, tuple(row)) for row in told.tolist()]

    @needs("curate", named="by")
    def correct(self, example_id: str, label: str, by: str, seen: str | None = None) -> LabelCorrection:
        """Give a text another label, at once and on record. seen: the label that the person saw.

        Raises BadInput where it is no other label of the project, Stale where somebody changed the label since.
        """
        if label not in self.labels:
            raise BadInput(
                say("{label!r} is no label of this project. Choose among: {labels}.", label=label, labels=", ".join(self.labels))
            )
        if label == items.example(self.db, self.id, example_id).label:
            raise BadInput(say("{label!r} is the label that this text has. Say that the label is right, or choose another.", label=label))
        return corrections.correct(self.db, self.id, example_id, label, _named(by), seen)

    @needs("curate", named="by")
    def keep(self, example_id: str, by: str, seen: str | None = None) -> LabelCorrection:
        """Confirm a text's label: the teacher is wrong. seen: as in correct."""
        return corrections.correct(self.db, self.id, example_id, None, _named(by), seen)

    @needs("curate", named="by")
    def undo(self, by: str) -> LabelCorrection | None:
        """Take back this person's last word on a label, and return it; None where there is none."""
        return corrections.take_back(self.db, self.id, by)

    def standing(self) -> dict[str, LabelCorrection]:
        """Text's id -> the last word on its label."""
        return corrections.standing(self.db, self.id)

    def lesson(self) -> Lesson:
        """What the teacher can be taught now: words on training texts, and proposals that a person edited or kept with a reason.

        A counterfactual whose words are among the texts that students are judged on is left out.
        """
        pool, judged, current = self.texts.pool(), self.texts.judged(), self.pairs.state()
        mine = [c for i, c in self.standing().items() if i in pool]
        edited, kept = [], []
        for example_id, decision in current.outcome.items():
            cf = current.snapshot.counterfactuals.get(decision.counterfactual_id)
            if decision.status not in KEPT or decision.annotator == UNATTENDED or cf is None or example_id not in pool:
                continue
            if folded(cf.text) in judged:
                continue
            if (decision.override_reason or "").strip():
                kept.append(cf)
            elif decision.status == "edited":
                edited.append(cf)
        confirmed = sum(c.new_label is None for c in mine)
        return Lesson(len(mine) - confirmed, confirmed, tuple(edited), tuple(kept))

    def check(self, options: FinetuneOptions) -> None:
        """Refuse what could only fail, before it is queued. Raises NotEnoughData where there is nothing to teach, BadInput where
        the teacher in use was taught all of it or the labels are those of a model's answers, and what Training.check raises."""
        if self.teacher.generates():
            raise BadInput(say("The labels of this project say what a model answers. There is nothing to teach it here."))
        lesson, taught = self.lesson(), self.taught()
        if not lesson.size:
            raise NotEnoughData(NOTHING)
        if taught and self.in_use(taught) and taught.folder == self._folder(options, *rows_of(self.texts.pool().values(), lesson)):
            raise BadInput(say("The teacher in use has learnt all of this already. Correct more labels first."))
        self.training.check(options)

    @needs("teach")
    def teach(self, options: FinetuneOptions, progress: Progress = silent) -> TaughtReport:
        """Train a new teacher on the training texts as they are labelled now and on the person's own counterfactuals; report what
        it changes. The teacher in use stays until `take`.

        It starts from the model that the present teacher started from, where options name none. Raises as check does.
        """
        from cod_core.models.local_llm import resolve_llm

        self.check(options)
        lesson, pool = self.lesson(), list(self.texts.pool().values())
        texts, labels = rows_of(pool, lesson)
        encoder = resolve_llm(options.encoder or self._base() or DEFAULT_ENCODER, self.place.settings.folder("llm"))
        folder = self._folder(options, texts, labels)
        judged, development = self._labelled("test"), self._labelled("validation")
        stops = ([e.text for e in development], [str(e.label) for e in development]) if judged else ([], [])
        path = self.place.folder("teachers") / folder
        self.training.fit(texts, labels, encoder, path, options, stops, progress)
        own = len(lesson.edited) + len(lesson.kept)
        name = f"{self.row.name} ({len(texts)} texts, your word on {lesson.corrected + lesson.confirmed} labels and {own} changes)"
        trained_on = (*(e.id for e in pool), *(cf.id for cf in (*lesson.edited, *lesson.kept)))
        progress(0, 1, msg("comparing the new teacher with the one before"))
        new = self.teacher.loader.load(FinetunedChoice(str(path), name, trained_on), self.labels)
        measured_on, by_class = self._by_class(new)
        pairs, lost, won = self._turned(new)
        report = TaughtReport(
            folder=folder,
            name=name,
            rows=len(texts),
            corrected=lesson.corrected,
            confirmed=lesson.confirmed,
            edited=len(lesson.edited),
            kept=len(lesson.kept),
            measured_on=measured_on,
            by_class=by_class,
            pairs=pairs,
            lost=lost,
            won=won,
            trained_on=trained_on,
        )
        write_json(self.place.folder("teachers") / f"{RECORD}.json", report.to_json())
        return report

    def _folder(self, options: FinetuneOptions, texts: Sequence[str], labels: Sequence[str]) -> str:
        """The name of the folder for a teacher that is taught these rows."""
        return f"taught-{short_hash(options.encoder or self._base() or DEFAULT_ENCODER, options.epochs, *texts, *labels)}"

    def _base(self) -> str | None:
        """The model that the present teacher started from, None for the usual one."""
        choice = self.teacher.choice()
        about = read_json(Path(choice.path) / "teacher.json") if isinstance(choice, FinetunedChoice) else None
        return str(about["encoder"]) if about and about.get("encoder") else None

    def _labelled(self, split: str) -> list[Example]:
        return [e for e in items.examples(self.db, self.id, split=split) if e.label is not None]

    def _by_class(self, new: Classifier) -> tuple[str, tuple[ClassChange, ...]]:
        """(which texts, a line for each label that they have): texts that neither teacher was trained on, of the first split of
        JUDGED_FIRST that has any. Of a teacher that costs something to ask, those that it has answered already."""
        old, choice, trained = self.teacher.classifier(), self.teacher.choice(), self.teacher.trained_on()
        for split in JUDGED_FIRST:
            rows = [e for e in self._labelled(split) if not trained(e)]
            texts = [e.text for e in rows]
            said = old.on_record(texts) if choice and choice.asks else old.predict(texts)
            known = [(e, before) for e, before in zip(rows, said) if before is not None]
            if known:
                after = new.predict([e.text for e, _ in known])
                judged = [(str(e.label), before.label, now.label) for (e, before), now in zip(known, after)]
                return f"{len(known)} {'test' if split == 'test' else 'development'} texts", changes(judged, self.labels)
        return "", ()

    def _turned(self, new: Classifier) -> tuple[int, int, int]:
        """(accepted pairs, of them those that only the present teacher flips, those that only the new one flips)."""
        current, cfs = self.pairs.state(), self._accepted()
        originals = {e.id: e.text for e in items.examples(self.db, self.id, ids=[cf.example_id for cf in cfs])}
        cfs = [cf for cf in cfs if cf.example_id in originals]
        now = [cf.id in current.checks and current.checks[cf.id].valid for cf in cfs]
        then = _flips(new, [originals[cf.example_id] for cf in cfs], cfs)
        return len(cfs), sum(a and not b for a, b in zip(now, then)), sum(b and not a for a, b in zip(now, then))

    def _accepted(self) -> list[Counterfactual]:
        """Counterfactuals that stand accepted, whatever any teacher says of them."""
        current = self.pairs.state()
        kept = [current.snapshot.counterfactuals.get(d.counterfactual_id) for d in current.outcome.values() if d.status in KEPT]
        return [cf for cf in kept if cf is not None]

    def taught(self) -> TaughtReport | None:
        """The last teacher that was taught, whether it is in use or not; None where there is none (any more)."""
        kept = read_json(self.place.folder("teachers") / f"{RECORD}.json")
        try:
            report = TaughtReport.of(kept) if kept else None
        except (KeyError, TypeError):  # of another version of the app
            return None
        return report if report and (self.place.folder("teachers") / report.folder).is_dir() else None

    def in_use(self, report: TaughtReport) -> bool:
        """Whether this teacher is the project's."""
        choice = self.teacher.choice()
        return isinstance(choice, FinetunedChoice) and choice.path == str(self.place.folder("teachers") / report.folder)

    @needs("teach")
    def take(self, report: TaughtReport) -> None:
        """Make the taught teacher the project's. Checks of the one before become stale. Raises as Teacher.choose does."""
        path = self.place.folder("teachers") / report.folder
        self.teacher.choose(FinetunedChoice(str(path), report.name, report.trained_on))


def rows_of(pool: Iterable[Example], lesson: Lesson) -> tuple[list[str], list[str]]:
    """(texts, labels) that a teacher is taught: the training texts, then the person's own counterfactuals."""
    rows = [(e.text, str(e.label)) for e in pool] + [(cf.text, cf.target) for cf in (*lesson.edited, *lesson.kept)]
    return [text for text, _ in rows], [label for _, label in rows]


def changes(judged: Sequence[tuple[str, str, str]], labels: Sequence[str]) -> tuple[ClassChange, ...]:
    """A line for each label that occurs, of (gold label, said before, said now)."""
    of = {label: [row for row in judged if row[0] == label] for label in labels}
    return tuple(
        ClassChange(label, len(rows), sum(b == gold for gold, b, _ in rows), sum(a == gold for gold, _, a in rows))
        for label, rows in of.items()
        if rows
    )


def _named(by: str) -> str:
    """Raises BadInput where nobody is named."""
    if not by.strip():
        raise BadInput(say("It is not said who corrects this label. Give a name or a pseudonym."))
    return by
