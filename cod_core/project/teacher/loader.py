"""From a teacher's choice to a classifier: its identity without loading it, the check of what was chosen, the loading itself."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from cod_core.errors import BadInput
from cod_core.models.choice import (
    BuiltinChoice,
    FinetunedChoice,
    GenerativeChoice,
    LlmChoice,
    TeacherChoice,
    TransformersChoice,
    stored_choice,
)
from cod_core.models.encoder import DEFAULT_ENCODER, resolve, weights_revision
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import Clients, options_of
from cod_core.project.teacher.generation import answer_keys, how_asked, pace_key
from cod_core.store import cache
from cod_core.store.projects import ProjectRow
from cod_core.text import short_hash
from cod_core.types import Classifier, Task

if TYPE_CHECKING:
    from cod_core.models.generative import GenerativeTeacher
    from cod_core.models.llm_teacher import LLMTeacher
    from cod_core.models.local_teacher import LocalTeacher


def has_builtin_teacher(name: str) -> bool:
    """Whether a teacher for this sample comes with the app."""
    from cod_core.models.teachers import BUILTIN

    return (BUILTIN / name / "teacher.json").exists()


def identity(choice: TeacherChoice, labels: Sequence[str]) -> tuple[str, str]:
    """(id, revision) of a teacher without loading it. Part of the revision: weights and label order."""
    if isinstance(choice, GenerativeChoice):
        judge = identity(choice.judge, labels)[1]
        return choice.id, short_hash(how_asked(choice), judge, choice.samples)
    order = choice.labels_hash(labels)
    if isinstance(choice, BuiltinChoice):
        return f"builtin:{choice.name}", f"{_packaged(choice.name)}-{order}"
    return choice.id, f"{_weights_now(choice)}-{order}{_folder_changed(choice)}"


@functools.cache
def _packaged(name: str) -> str:
    """Of the weights of a teacher that comes with the app, and of its encoder: they stay while the process runs, and a card asks often."""
    from cod_core.models.teachers import BUILTIN

    return f"{weights_revision(str(BUILTIN / name))}-{weights_revision(resolve(DEFAULT_ENCODER))[:6]}"


def _weights_now(choice: TransformersChoice | FinetunedChoice | LlmChoice) -> str:
    """Of the weights in a folder as they are now, else the revision that was chosen."""
    if isinstance(choice, FinetunedChoice) and Path(choice.path).is_dir():
        from cod_core.models.finetune import finetuned_revision

        return finetuned_revision(choice.path)
    if isinstance(choice, TransformersChoice) and Path(choice.name).is_dir():
        return weights_revision(choice.name)
    return choice.revision


def _folder_changed(choice: TransformersChoice | FinetunedChoice | LlmChoice) -> str:
    """What a language model's revision ends in once its folder holds other weights than when it was chosen, else "".

    Teachers of an earlier version do not say which it held.
    """
    if not isinstance(choice, LlmChoice) or not choice.weights or not choice.local or not Path(choice.local).is_dir():
        return ""
    now = weights_revision(choice.local)
    return "" if now == choice.weights else f"-{now[:6]}"


def weights_folder(choice: TeacherChoice) -> Path | None:
    """The folder on this machine that holds a classifier's weights; None where there is none."""
    from cod_core.models.teachers import BUILTIN

    if isinstance(choice, LlmChoice | GenerativeChoice):
        return None
    if isinstance(choice, BuiltinChoice):
        folder = BUILTIN / choice.name
    else:
        folder = Path(choice.path if isinstance(choice, FinetunedChoice) else choice.name)
    return folder if folder.is_dir() else None


def identity_of(project: ProjectRow) -> tuple[str, str] | None:
    """(id, revision) of a project's teacher without loading it, None where none is chosen."""
    choice = stored_choice(project.teacher)
    return None if choice is None else identity(choice, project.task.labels)


class TeacherLoader(Room):
    """Makes classifiers from choices; which one a project uses is the affair of Teacher."""

    def __init__(self, place: Place, models: Models, clients: Clients):
        super().__init__(place)
        self.models = models
        self.clients = clients

    def compose(self, choice: GenerativeChoice, labels: Sequence[str]) -> GenerativeChoice:
        """The choice as it is kept: checked, both parts loaded once. Raises BadInput, ModelUnavailable, LabelMismatch."""
        local = choice.local or self.models.local_llm_name()
        if local is None:
            from cod_core.models.local_llm import hint

            raise BadInput(f"Name the language model that answers: a name, a folder or a .gguf file. {hint()}")
        choice.check()
        self.check_builtin(choice.judge, labels)
        attribute = self.load(choice.judge, labels)
        checked = replace(
            choice,
            local=local,
            judge=replace(choice.judge, id=attribute.id, revision=attribute.revision),
            temperature=float(choice.temperature),  # written into the keys of answers: 1 and 1.0 would be two
            generator_revision=self.models.local_llm(local).revision,
        )
        whole = self._generative(checked, labels)
        return replace(checked, id=whole.id, revision=whole.revision)

    def memory_counter(self, choice: TeacherChoice) -> Callable[[int, int], None] | None:
        """A function (hits, asked) that adds to the memory's counts; None for teachers that cost nothing to ask."""
        if not isinstance(choice, LlmChoice):
            return None
        key = self.memory_key(choice)
        return lambda hits, asked: cache.count(self.db, self.id, key, hits=hits, asked=asked)

    def memory_key(self, choice: LlmChoice) -> str:
        """Where the calls of this project's LLM teacher are counted."""
        return choice.memory_key(self.id)

    def check_builtin(self, choice: TeacherChoice, labels: Sequence[str]) -> None:
        """Raises BadInput, LabelMismatch where this is a built-in teacher that does not exist or has other labels."""
        from cod_core.data.samples import sample
        from cod_core.models.teachers import BUILTIN, label_order

        if isinstance(choice, BuiltinChoice):
            if not has_builtin_teacher(choice.name):
                there = sorted(path.parent.name for path in BUILTIN.glob("*/teacher.json"))
                raise BadInput(f"There is no built-in teacher called {choice.name!r}. Choose one of: {', '.join(there)}.")
            label_order(sample(choice.name).task.labels, labels, choice.label_map, choice.name)

    def load(self, choice: TeacherChoice, labels: Sequence[str]) -> Classifier:
        """The classifier that was chosen, weights and all. Raises ModelUnavailable, LabelMismatch, EndpointError."""
        if isinstance(choice, BuiltinChoice | FinetunedChoice | TransformersChoice):
            from cod_core.models.portable import load_local

            return load_local(choice, labels)
        if isinstance(choice, LlmChoice):
            return self.load_llm(choice, labels)
        if isinstance(choice, GenerativeChoice):
            return self._generative(choice, labels)
        assert_never(choice)

    def load_llm(self, choice: LlmChoice, labels: Sequence[str]) -> "LLMTeacher | LocalTeacher":
        """A language model that names the label. Raises EndpointError, ModelUnavailable."""
        from cod_core.models.llm_teacher import LLMTeacher

        task = Task(choice.task or "Which label fits the text?", tuple(labels), choice.descriptions or ())
        if choice.local:
            from cod_core.models.local_teacher import LocalTeacher

            return LocalTeacher(self.models.local_llm(choice.local), task, choice.calibrate)
        client = self.clients.client(options_of(choice).settings(1), counted=self.memory_key(choice))
        return LLMTeacher.connect(client, task, choice.samples, choice.calibrate)

    def _generative(self, choice: GenerativeChoice, labels: Sequence[str]) -> "GenerativeTeacher":
        """The teacher of a choice that `compose` made; its answers go to the store as they come."""
        from cod_core.models.generative import GenerativeTeacher, kept_answers, local_answers

        db, llm = self.db, self.models.local_llm(choice.local or "")

        def get(keys: list[str]) -> dict[str, str]:
            return {key: reply["content"] for key, reply in cache.get_replies(db, keys, self.id).items()}

        def put(new: dict[str, str], seconds: float) -> None:
            cache.put_replies(db, self.id, {key: {"content": said} for key, said in new.items()})
            cache.count(db, None, pace_key(choice), answers=len(new), seconds=seconds)

        answer = kept_answers(local_answers(llm, choice.max_tokens, choice.temperature), answer_keys(choice), get, put)
        return GenerativeTeacher(answer, self.load(choice.judge, labels), llm.name, how_asked(choice), choice.samples)
