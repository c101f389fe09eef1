"""A teacher trained on the person's own texts."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cod_core.compute.engine import engine_of
from cod_core.errors import NotEnoughData
from cod_core.models.choice import FinetunedChoice, FinetuneOptions, usual_minutes
from cod_core.models.encoder import DEFAULT_ENCODER, needs_safetensors, resolve
from cod_core.progress import Progress, silent
from cod_core.project.filing import write_whole
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example

if TYPE_CHECKING:
    from cod_core.models.finetune import Training as HowTrained

BATCH_ROWS = 32  # of finetune_teacher
STEPS_FOR_A_SPEED = 20
FEWEST_DEVELOPMENT = 30  # development texts below which they say too little on when to stop
MORE = 4.0  # times the usual minutes, where these did not suffice
DROPPED = "A simpler model did as well on the texts held back, so the teacher is that one."
AGAIN = 1.2  # rounds of a second fit on all rows, in rounds of the first


@dataclass(frozen=True)
class TrainingReport:
    """rows: texts trained on. accuracy: on the texts that measured_on names, None where there are none. estimate: what a
    simpler model, a linear head, reaches in cross-validation, where there is no accuracy and rows are few. warning: about few rows.

    rounds, learning_rate: of the training. settled: False where its bound ended it first, None where somebody chose the rounds.
    line: the training was dropped: the line it started from fits the held-out texts as well.
    held_out: texts that said when to stop, and how sure the teacher may be: temperature. seconds: of all of it, wall clock.
    """

    rows: int
    accuracy: float | None = None
    measured_on: str | None = None
    estimate: float | None = None
    warning: str | None = None
    rounds: float | None = None
    learning_rate: float | None = None
    settled: bool | None = None
    held_out: int | None = None
    temperature: float | None = None
    seconds: float | None = None
    line: bool = False

    def to_json(self) -> dict[str, Any]:
        """The result of the job, and what the command prints."""
        return asdict(self)

    @property
    def how(self) -> str:
        """One sentence on the training, "" where it is not known (a job of an earlier version)."""
        if self.rounds is None or self.seconds is None:
            return ""
        ended = {None: "", True: " and had learnt by then", False: " and was still learning when its limit was reached"}[self.settled]
        times = "once" if self.rounds == 1 else f"{self.rounds:g} times"
        told = f"It went over the {self.rows:,} texts {times} in {spoken_seconds(self.seconds)}{ended}."
        return f"{told} {DROPPED}" if self.line else told


def spoken_seconds(seconds: float) -> str:
    """'40 seconds', '3 minutes'."""
    return f"{round(seconds)} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"


class WholeTraining:
    """A Progress that joins the two fits of a training into one, whose end never moves away.

    refits: whether a second fit on all rows follows. rounds: of how many steps one is. seconds: bound of all of it, None
    where there is none. The total only falls: what is left was counted at the most it may be.
    """

    def __init__(self, progress: Progress, batches: int, refits: bool, seconds: float | None, clock: Callable[[], float] = time.monotonic):
        self.progress, self.batches, self.refits, self.seconds, self.clock = progress, max(1, batches), refits, seconds, clock
        self.begun, self.done, self.before, self.total = 0.0, 0, 0, float("inf")

    def __call__(self, step: int, most: int, message: str = "") -> None:
        if self.before == 0 and step < self.done:  # the second fit begins anew
            self.before = self.done
            self.total = max(self.done, min(self.total, self.done + most))
        self.begun = self.begun if self.done else self.clock()  # reading the weights is no step
        if self.before:  # what was set aside for it, however many steps it takes
            self.done = max(self.done, self.before + round((self.total - self.before) * step / most))
        else:
            self.done = step
            ahead = round(most * (1 + AGAIN)) if self.refits else most
            self.total = min(self.total, max(step, min(ahead, self._bound(step))))
        self.progress(self.done, max(self.done, round(self.total)), message + self._where(step, most))

    def _bound(self, step: int) -> float:
        """Steps that fit into the seconds, at the mean speed so far."""
        spent = self.clock() - self.begun
        if self.seconds is None or step < STEPS_FOR_A_SPEED or spent <= 0:
            return float("inf")
        return self.seconds * step / spent

    def _where(self, step: int, most: int) -> str:
        if self.before:
            return ", once more on all texts"
        return f", round {-(-step // self.batches)} of at most {-(-most // self.batches)}"


Labelled: TypeAlias = list[tuple[Example, str]]  # training, test or development rows with their labels


def _parts(rows: Labelled) -> tuple[list[str], list[str]]:
    return [e.text for e, _ in rows], [label for _, label in rows]


class Training(Room):
    """Trains a teacher and chooses it."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def check(self, options: FinetuneOptions) -> None:
        """Refuse a training that could only fail, before it is queued: no weights are read for that.

        Raises ModelUnavailable where there is no such model, NotEnoughData where a label has no training text.
        """
        from cod_core.models.decoder import is_decoder
        from cod_core.models.finetune import needs_every_label
        from cod_core.models.gguf import is_there
        from cod_core.models.local_llm import is_gguf

        self.place.need_for_files(options.encoder, "encoder folder")
        needs_every_label([e.label for e in items.examples(self.db, self.id, split="train")], self.labels)
        encoder = options.encoder or DEFAULT_ENCODER
        if is_gguf(encoder):
            return is_there(encoder)
        is_decoder(encoder)
        needs_safetensors(resolve(encoder))

    @needs("teach")
    def finetune(self, options: FinetuneOptions, progress: Progress = silent) -> TrainingReport:
        """Train a teacher on the project's training rows and choose it; how well it does on the test split."""
        from cod_core.models.finetune import FEW_ROWS, training_of

        self.place.need_for_files(options.encoder, "encoder folder")
        begun, rows, test = time.monotonic(), self._labelled("train"), self._labelled("test")
        folder = self._trained(options, rows, self._development(test), progress)
        self.teacher.choose(FinetunedChoice(str(folder), f"{self.row.name} ({len(rows)} texts)", tuple(e.id for e, _ in rows)))
        how, few = training_of(folder), len(rows) < FEW_ROWS
        return TrainingReport(
            rows=len(rows),
            accuracy=self._accuracy(test) if test else None,
            measured_on=f"{len(test)} test texts" if test else None,
            estimate=self._estimate(*_parts(rows), self._encoder(options)) if few and not test else None,
            warning=f"Only {len(rows)} texts to train on: expect mistakes. {FEW_ROWS} or more make a teacher to trust." if few else None,
            **(_told(how, options.epochs is not None) if how else {}),
            seconds=round(time.monotonic() - begun, 1),
        )

    def _encoder(self, options: FinetuneOptions) -> str:
        from cod_core.models.local_llm import resolve_llm

        return resolve_llm(options.encoder or DEFAULT_ENCODER, self.place.settings.folder("llm"))

    def _trained(self, options: FinetuneOptions, rows: "Labelled", development: "Labelled", progress: Progress) -> Path:
        """The folder of a teacher trained on these rows."""
        encoder = self._encoder(options)
        name = short_hash(encoder, options.epochs, options.minutes, *(e.id + label for e, label in (*rows, *development)))
        return self.fit(*_parts(rows), encoder, self.place.folder("teachers") / name, options, _parts(development), progress)

    @needs("teach")
    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        encoder: str,
        folder: Path,
        options: FinetuneOptions,
        development: tuple[Sequence[str], Sequence[str]],
        progress: Progress = silent,
    ) -> Path:
        """Train a teacher on (texts, labels) into a folder, within the minutes that options name or the usual ones, on a cluster's GPU
        where heavy work runs on a cluster that has one. development: (texts, labels) that say when it has learnt, empty where a part of
        the rows is to say so. Chooses nothing."""
        from cod_core.models.finetune import finetune_teacher
        from cod_core.models.settling import FEWEST_TO_HOLD_OUT, REFIT_BELOW

        minutes = options.minutes or usual_minutes(len(texts))
        if self._on_a_gpu(texts, labels, encoder, folder, options, development, progress):
            return folder
        refits = not options.epochs and not development[0] and FEWEST_TO_HOLD_OUT <= len(texts) < REFIT_BELOW
        return finetune_teacher(
            texts,
            labels,
            self.labels,
            encoder,
            folder,
            development=development if development[0] else None,
            epochs=options.epochs,
            minutes=minutes,
            progress=WholeTraining(progress, -(-len(texts) // BATCH_ROWS), refits, None if options.epochs else 60 * minutes),
        )

    def _on_a_gpu(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        encoder: str,
        folder: Path,
        options: FinetuneOptions,
        development: tuple[Sequence[str], Sequence[str]],
        progress: Progress,
    ) -> bool:
        """Train on a GPU of the cluster where heavy work runs; False where there is none, or the model is a file that only this machine
        has converted."""
        from cod_core.models.local_llm import is_gguf

        if self.place.settings.compute.scheduler is None or is_gguf(options.encoder or ""):
            return False
        with engine_of(self.place.settings.compute) as engine:
            if not engine.offers_gpus:
                return False
            from cod_core.models.finetune_elsewhere import TRAINING, TrainingSpec
            from cod_core.models.portable import encoder_spec

            learn = (tuple(development[0]), tuple(development[1])) if development[0] else None
            spec = TrainingSpec(tuple(texts), tuple(labels), self.labels, encoder_spec(encoder), learn, options.epochs, options.minutes)
            waiting = partial(progress, 0, 1, f"training on a GPU of {engine.place}")
            waiting()
            with closing(engine.run(TRAINING, spec, [0], tick=waiting)) as found:
                [files] = found
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_whole(folder / Path(name).name, partial(_written, data))
        return True

    def how(self) -> "HowTrained | None":
        """How the present teacher was trained; None for a teacher of another kind, or of an earlier version."""
        from cod_core.models.finetune import TEACHER_FILE, training_of

        choice = self.teacher.choice()
        if not isinstance(choice, FinetunedChoice) or not (Path(choice.path) / TEACHER_FILE).exists():
            return None
        return training_of(choice.path)

    def unfinished(self) -> bool:
        """Whether the present teacher was trained on this project's texts, but not until it had learnt: by an earlier version, for
        a number of rounds that somebody chose, or up to its bound."""
        from cod_core.models.settling import FEWEST_TO_HOLD_OUT

        choice, how = self.teacher.choice(), self.how()
        if not isinstance(choice, FinetunedChoice) or how is None:
            return isinstance(choice, FinetunedChoice)
        looked = how.learnt.loss is not None or len(choice.trained_on or ()) < FEWEST_TO_HOLD_OUT
        return not (looked and (how.learnt.settled or how.line))

    def longer(self) -> FinetuneOptions:
        """How to train the present teacher again until it has learnt: longer, where its bound ended the training."""
        how = self.how()
        cut_off = how is not None and how.held_out > 0 and not how.learnt.settled
        if not cut_off:
            return FinetuneOptions()
        choice = self.teacher.choice()
        rows = len(choice.trained_on or ()) if isinstance(choice, FinetunedChoice) else 0
        return FinetuneOptions(minutes=MORE * usual_minutes(rows))

    def _development(self, test: list[tuple[Example, str]]) -> list[tuple[Example, str]]:
        """Development texts that say when it has learnt; none where they are too few or lack a label, and where there is no
        test text: they are then all there is to judge it on."""
        rows = self._labelled("validation")
        enough = len(rows) >= FEWEST_DEVELOPMENT and {label for _, label in rows} == set(self.labels)
        return rows if enough and test else []

    def _labelled(self, split: str) -> list[tuple[Example, str]]:
        return [(e, e.label) for e in items.examples(self.db, self.id, split=split) if e.label is not None]

    def _estimate(self, texts: list[str], labels: list[str], encoder: str) -> float | None:
        """What a linear head reaches in cross-validation; None where a label has too few texts for that."""
        from cod_core.models.finetune import cross_validate

        try:
            return cross_validate(texts, labels, self.labels, encoder)
        except NotEnoughData:
            return None

    def _accuracy(self, rows: list[tuple[Example, str]]) -> float:
        """Share of these rows on which the present teacher names the label."""
        predictions = self.teacher.classifier().predict([e.text for e, _ in rows])
        return sum(p.label == label for p, (_, label) in zip(predictions, rows)) / len(rows)


def _written(data: bytes, path: Path) -> None:
    path.write_bytes(data)


def _told(how: "HowTrained", chosen: bool) -> dict[str, Any]:
    learnt = how.learnt
    return {
        "rounds": learnt.rounds,
        "learning_rate": learnt.learning_rate,
        "settled": None if chosen else learnt.settled,
        "held_out": how.held_out,
        "temperature": how.temperature,
        "line": how.line,
    }
