"""The teacher of a project: choosing it, asking it, what it costs to ask, and what it was trained on."""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never, cast

import numpy as np

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.models.cached import CHUNK, CachedClassifier, Late, Spread
from cod_core.models.choice import (
    BuiltinChoice,
    FinetunedChoice,
    GenerativeChoice,
    LlmChoice,
    TeacherChoice,
    TransformersChoice,
    stored_choice,
)
from cod_core.models.encoder import weights_revision
from cod_core.models.protocols import Differentiable
from cod_core.project.models import Models
from cod_core.project.place import Latest, Place, Room, needs
from cod_core.project.teacher.clients import options_of
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.generation import answer_keys
from cod_core.project.teacher.loader import TeacherLoader, identity, identity_of
from cod_core.said import say
from cod_core.store import cache, items, projects
from cod_core.store.database import Database
from cod_core.store.projects import ProjectRow
from cod_core.text import text_hash
from cod_core.types import Classifier, Counterfactual, Example, FlipCheck, Prediction

if TYPE_CHECKING:
    from cod_core.models.portable import LocalChoice, TeacherSpec
    from cod_core.models.sensitivity import FirstOrder
    from cod_core.models.teachers import TorchTeacher


@dataclass(frozen=True)
class SoftLabelMemory:
    """size: texts with a kept soft label. hits: lookups answered from it. asked: lookups that were not.

    calls: requests that succeeded. cost_usd: of them, None where no price was given. reads: logprobs or votes.
    """

    size: int
    hits: int
    asked: int
    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    reads: str

    @property
    def hit_rate(self) -> float | None:
        """Share of lookups that cost nothing, None before the first."""
        return self.hits / (self.hits + self.asked) if self.hits + self.asked else None


SEEN_SHARE, SEEN_ROWS = 0.1, 5  # of the texts that students are judged on: from here on a teacher's training is no accident


def lost_key(teacher: str, revision: str, text: str) -> str:
    """Where the store keeps why a teacher gave no answer to a text. text: its hash."""
    return f"lost:{teacher}:{revision}:{text}"


def keeper_of_lost(db: Database, pid: str, teacher: str, revision: str) -> Callable[[dict[str, str]], object]:
    """A function (text's hash -> why) that keeps why a teacher gave no answers."""
    return lambda whys: cache.put_replies(db, pid, {lost_key(teacher, revision, text): {"why": why} for text, why in whys.items()})


def is_own_sample(project: ProjectRow, choice: TeacherChoice | None) -> bool:
    """Whether the project is the built-in sample on whose training split this teacher was trained."""
    return isinstance(choice, BuiltinChoice) and bool(project.settings.get("sample") == choice.name)


def training_texts(project: ProjectRow, choice: TeacherChoice | None) -> Callable[[Example], bool]:
    """A predicate: did this teacher see the project's row in training?"""
    if isinstance(choice, FinetunedChoice):
        ids = frozenset(choice.trained_on or ())
        return lambda e: e.id in ids
    if isinstance(choice, BuiltinChoice):
        from cod_core.models.seen import fingerprint, seen_by
        from cod_core.models.teachers import BUILTIN

        seen, own = seen_by(BUILTIN / choice.name), is_own_sample(project, choice)
        return lambda e: own and e.split == "train" or fingerprint(e.text) in seen
    if choice is None or isinstance(choice, TransformersChoice | LlmChoice | GenerativeChoice):
        return lambda e: False  # nobody says what it was trained on
    assert_never(choice)


def _is_what_it_says(choice: TeacherChoice, loaded: Classifier) -> bool:
    """Whether a loaded teacher has the name under which the choice has its answers remembered, for every project."""
    if isinstance(choice, BuiltinChoice):
        return True
    if isinstance(choice, FinetunedChoice | GenerativeChoice):  # its revision is made of what is in its files
        return loaded.id == choice.id
    if isinstance(choice, LlmChoice | TransformersChoice):
        return (loaded.id, loaded.revision) == (choice.id, choice.revision)
    assert_never(choice)


class Teacher(Room):
    """Which classifier decides."""

    def __init__(self, place: Place, models: Models, endpoints: Endpoints, loader: TeacherLoader):
        super().__init__(place)
        self.models = models
        self.endpoints = endpoints
        self.loader = loader
        self.last = place.once("seen", Latest[tuple[object, tuple[int, int]]])

    def choice(self) -> TeacherChoice | None:
        """What is chosen, None where nothing is."""
        return stored_choice(self.row.teacher)

    def identity(self) -> tuple[str, str] | None:
        """(id, revision) of the present teacher, None where none is chosen. Loads nothing."""
        return identity_of(self.row)

    def before(self, example: Example) -> Prediction:
        """What the teacher says of an original text."""
        return self.classifier().predict_one(example.text)

    def generates(self) -> bool:
        """Whether the project's texts are prompts, and its labels attributes of a model's answers."""
        return isinstance(self.choice(), GenerativeChoice)

    def answers_of(self, texts: list[str]) -> list[list[str] | None]:
        """What the model answered to each text, one answer a sample; None where that is not on record. Asks no model."""
        choice = self.choice()
        if not isinstance(choice, GenerativeChoice):
            return [None] * len(texts)
        key = answer_keys(choice)
        keys = [[key(text, sample) for sample in range(choice.samples)] for text in texts]
        replies = cache.get_replies(self.db, [k for of_text in keys for k in of_text], self.id)
        return [[replies[k]["content"] for k in of_text] if all(k in replies for k in of_text) else None for of_text in keys]

    def verdicts(self, pairs: list[tuple[str, Counterfactual]]) -> list[FlipCheck]:
        """The teacher's verdicts on (original, proposal) pairs, with the shift of the answer where it generates."""
        checks = verify.verify(pairs, self.classifier(), self.models.encoder().encode)
        choice = self.choice()
        return self._shifted(pairs, checks, choice) if checks and isinstance(choice, GenerativeChoice) else checks

    def _shifted(self, pairs: list[tuple[str, Counterfactual]], checks: list[FlipCheck], choice: GenerativeChoice) -> list[FlipCheck]:
        from cod_core.models.generative import answer_shift

        shifted, originals = list(checks), list(dict.fromkeys(original for original, _ in pairs))
        for original, answers in zip(originals, self.answers_of(originals)):
            of_original = [i for i, (text, _) in enumerate(pairs) if text == original]
            if answers and answers[0].strip():
                llm, changed = self.models.local_llm(choice.local or ""), [pairs[i][1].text for i in of_original]
                for i, shift in zip(of_original, answer_shift(llm, original, changed, answers[0]).tolist()):
                    shifted[i] = replace(checks[i], shift=shift)
        return shifted

    def answers_at_once(self) -> bool:
        """Whether asking the teacher while somebody types takes neither money nor seconds."""
        choice = self.choice()
        return choice is not None and not choice.asks

    def warm(self) -> None:
        """Load the teacher in the background, so that the first edited word is judged at once. Once a process."""
        if not self.answers_at_once():
            return
        teacher = self.classifier()

        def load() -> None:
            try:
                teacher.wrapped.predict([""])
            except Exception:  # said plainly when the teacher is asked for something
                pass

        def start() -> bool:
            threading.Thread(target=load, daemon=True, name="warm-teacher").start()
            return True

        self.models.once(("warm", teacher.id, teacher.revision), start)

    def soft_label_memory(self) -> SoftLabelMemory | None:
        """The memory of the project's LLM teacher; None where the teacher is of another kind."""
        choice = self.choice()
        if not isinstance(choice, LlmChoice):
            return None
        teacher, counted = self.classifier(), cache.get_reply(self.db, self.loader.memory_key(choice)) or {}
        calls = int(counted.get("calls", 0))
        priced = bool(choice.local) or calls > 0 and counted.get("priced", 0) == calls
        return SoftLabelMemory(
            size=cache.count_predictions(self.db, teacher.id, teacher.revision),
            hits=int(counted.get("hits", 0)),
            asked=int(counted.get("asked", 0)),
            calls=calls,
            tokens_in=int(counted.get("tokens_in", 0)),
            tokens_out=int(counted.get("tokens_out", 0)),
            cost_usd=float(counted.get("cost_usd", 0.0)) if priced else None,
            reads=choice.reads or "logprobs",
        )

    def sensitivity(self, teacher: CachedClassifier) -> "FirstOrder | None":
        """First-order estimates where the teacher is one model on this machine, else None."""
        from cod_core.models.sensitivity import FirstOrder, gives_gradients

        if not gives_gradients(teacher.wrapped):
            return None
        wrapped = cast(Differentiable, teacher.wrapped)
        return self.models.once(("sensitivity", teacher.id, teacher.revision), lambda: FirstOrder(wrapped))

    def scorer(self, teacher: CachedClassifier) -> Callable[[Sequence[str]], np.ndarray]:
        """texts -> (n, C) log-probabilities; probes of local models stay out of the cache, paid replies go in."""
        raw: Callable[[Sequence[str]], np.ndarray] | None = getattr(teacher.wrapped, "logprobs", None)
        return raw if raw is not None else lambda texts: np.array([p.logprobs for p in teacher.predict(texts)])

    @needs("teach")
    def choose(self, choice: TeacherChoice, key: str | None = None) -> None:
        """Choose the teacher. With a GenerativeChoice the project's texts are prompts, a model answers them, and the
        classifier of `choice.judge` reads the answers.

        The model is loaded once to check it, so a wrong name or label map is refused here and the old teacher stays. key: for
        a language model's address, which is named for the project hereby. Checks made by another teacher become stale.
        Raises ModelUnavailable, LabelMismatch, BadInput where a built-in teacher was trained on the texts that students are
        judged on (docs/method.md section 9).
        """
        self.may_choose(choice, key)
        chosen, labels = replace(choice, revision="", given=choice.given - {"revision"}), self.labels
        if isinstance(chosen, BuiltinChoice):
            self.loader.check_builtin(chosen, labels)
            if warning := self.seen_in_training(chosen):
                raise BadInput(warning)
        elif isinstance(chosen, GenerativeChoice):
            chosen = self.loader.compose(chosen, labels)
        elif isinstance(chosen, LlmChoice):
            chosen = self._connected(chosen, key)
        else:
            classifier = self.loader.load(chosen, labels)
            chosen = replace(chosen, id=classifier.id, revision=classifier.revision)
        projects.set_teacher(self.db, self.id, chosen.to_json())
        if self.unconfirmed():
            self.place.update(confirm_teacher=False)

    def unconfirmed(self) -> bool:
        """Whether the teacher came with a backup and no owner has said here that its files may be loaded (see workspace.restoring)."""
        return bool(self.row.settings.get("confirm_teacher"))

    @needs("model folder")
    def confirm(self) -> None:
        """An owner says that the teacher that came with a backup may be loaded. Raises BadInput where there is none to confirm."""
        if self.choice() is None or not self.unconfirmed():
            raise BadInput(say("The teacher of this project needs no confirmation."))
        self.place.update(confirm_teacher=False)

    def _load(self, choice: TeacherChoice, labels: Sequence[str]) -> Classifier:
        if self.unconfirmed():
            raise BadInput(
                say(
                    "This teacher came with a backup, and nothing of it is loaded before an owner confirms it: on the Teacher page, or "
                    "with: python -m cod_core teacher {project} confirm",
                    project=self.id,
                )
            )
        loaded = self.loader.load(choice, labels)
        if "confirm_teacher" in self.row.settings and not _is_what_it_says(choice, loaded):
            raise BadInput(
                say(
                    "The teacher that came with this backup calls itself by another teacher's name, whose answers it would change. "
                    "Choose the teacher again on the Teacher page, or with the command teacher."
                )
            )
        return loaded

    def may_choose(self, choice: TeacherChoice, key: str | None = None) -> None:
        """Raises CodError where only an owner may choose this: any teacher but a built-in one and one trained in this project."""
        if isinstance(choice, BuiltinChoice):
            return
        if isinstance(choice, FinetunedChoice):
            self.place.need_for_files(choice.path)
        elif isinstance(choice, LlmChoice) and not choice.local:
            self.endpoints.check(choice.base_url, key)
        elif isinstance(choice, TransformersChoice | LlmChoice | GenerativeChoice):
            self.place.need("model folder")
        else:
            assert_never(choice)

    def _connected(self, choice: LlmChoice, key: str | None) -> LlmChoice:
        """The choice as it is kept: asked once, with the project's task. key: for its address, named hereby."""
        task = self.row.task
        asked = replace(choice, project_id=self.id, task=task.name, descriptions=task.descriptions)
        if not choice.local:
            self.endpoints.confirm(options_of(choice).settings().base_url, key)
        teacher = self.loader.load_llm(asked, task.labels)
        local = choice.local
        weights = weights_revision(local) if local and Path(local).is_dir() else choice.weights
        return replace(asked, id=teacher.id, revision=teacher.revision, reads=teacher.kind, weights=weights)

    def classifier(self) -> CachedClassifier:
        """The project's teacher, predictions cached; its weights load on the first text never seen.

        Raises BadInput where none is chosen.
        """
        project = self.row
        choice, labels = stored_choice(project.teacher), project.task.labels
        if choice is None:
            raise BadInput(say("This project has no teacher yet. Choose one on the Teacher page, or with the command teacher."))
        name, revision = identity(choice, labels)
        return self.models.once(
            ("teacher", name, revision, labels, self.id if choice.asks else None),  # its answers are kept under the project
            lambda: CachedClassifier(
                self.db,
                name,
                revision,
                labels,
                lambda: self._load(choice, labels),
                self.loader.memory_counter(choice),
                choice.saved_after or CHUNK,
                reads_all=choice.asks,
                on_lost=keeper_of_lost(self.db, self.id, name, revision),
                spread=self._spread(),
            ),
        )

    def spec(self) -> "TeacherSpec | None":
        """The teacher as a value that any process can load; None where none is chosen, no other process can load it, or it came with a
        backup and is to be looked at as it loads."""
        from cod_core.models.portable import teacher_spec

        choice = self._portable()
        return None if choice is None else teacher_spec(choice, self.labels)

    def _portable(self) -> "LocalChoice | None":
        """The choice where any process can load it, and it did not come with a backup."""
        choice = self.choice()
        if choice is None or isinstance(choice, LlmChoice | GenerativeChoice) or "confirm_teacher" in self.row.settings:
            return None
        if isinstance(choice, BuiltinChoice | FinetunedChoice | TransformersChoice):
            return choice
        assert_never(choice)

    def _spread(self) -> Spread | None:
        """How many texts are asked about; None where only this process can."""
        if self._portable() is None:
            return None

        def rows(chunks: Sequence[list[str]], tick: Callable[[], object], late: Late) -> Generator[np.ndarray, None, None]:
            from cod_core.models.portable import spread_answers

            spec, loaded = self.spec(), cast("TorchTeacher", self.classifier().wrapped)
            assert spec is not None
            return spread_answers(self.place.settings.compute, lambda: spec, lambda: loaded)(chunks, tick, late)

        return rows

    def why_lost(self, texts: Sequence[str]) -> dict[str, str]:
        """text -> why a language model gave no answer to it that could be read, of those where that is on record."""
        teacher = self.classifier()
        keys = {lost_key(teacher.id, teacher.revision, text_hash(text)): text for text in texts}
        return {keys[key]: reply["why"] for key, reply in cache.get_replies(self.db, list(keys), self.id).items()}

    def label(self) -> str | None:
        """The teacher's name in plain words, None where none is chosen."""
        choice = self.choice()
        return choice.words if choice else None

    def trained_on(self) -> Callable[[Example], bool]:
        """A predicate: did this project's teacher see the row in training?"""
        return training_texts(self.row, self.choice())

    def seen_in_training(self, choice: TeacherChoice | None = None) -> str:
        """A sentence where a built-in teacher (the project's, if none is given) was trained on many of the labelled texts
        that students are judged on, else "". Such a teacher must not be used: it answers them from memory. Asks no model.
        """
        project = self.row
        choice = choice or stored_choice(project.teacher)
        if not isinstance(choice, BuiltinChoice):
            return ""
        counts = items.counts(self.db, self.id)
        known = self.last.value
        if known is None or known[0] != (counts, choice.name):
            trained = training_texts(project, choice)
            rows = [e for split in ("test", "validation") for e in items.examples(self.db, self.id, split=split) if e.label is not None]
            known = self.last.value = (counts, choice.name), (sum(map(trained, rows)), len(rows))
        seen, of = known[1]
        if seen < SEEN_ROWS or seen < SEEN_SHARE * of:
            return ""
        return say(
            "The built-in teacher {teacher!r} was trained on {seen:,} of the {of:,} test and development texts, told by their "
            "letters: it knows their answers, so every result would look better than it is. Choose another teacher, or train "
            "one on your training texts.",
            teacher=choice.name,
            seen=seen,
            of=of,
        )
