"""The teacher of a project: choosing it, asking it, what it costs to ask, and what it was trained on."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.models.cached import CHUNK, CachedClassifier
from cod_core.models.choice import stored_choice
from cod_core.models.encoder import weights_revision
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import options_of
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.generation import answer_keys
from cod_core.project.teacher.loader import TeacherLoader, identity
from cod_core.store import cache, items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, Prediction


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


PLAIN = {
    "builtin": "Built-in teacher",
    "transformers": "Hugging Face classifier",
    "finetuned": "Teacher fine-tuned on your texts",
    "llm": "Language model as teacher",
}


SAVED_AFTER = {"llm": 32, "generative": 16}  # texts: answers that cost money or seconds are saved sooner


SEEN_SHARE, SEEN_ROWS = 0.1, 5  # of the texts that students are judged on: from here on a teacher's training is no accident


def is_own_sample(project, spec: dict | None) -> bool:
    """Whether the project is the built-in sample on whose training split this teacher was trained."""
    return spec is not None and spec["kind"] == "builtin" and project.settings.get("sample") == spec["name"]


class Teacher(Room):
    """Which classifier decides."""

    def __init__(self, place: Place, models: Models, endpoints: Endpoints, loader: TeacherLoader):
        super().__init__(place)
        self.models = models
        self.endpoints = endpoints
        self.loader = loader
        self._seen: tuple[object, tuple[int, int]] | None = None

    def identity(self) -> tuple[str, str] | None:
        """(id, revision) of the present teacher, None where none is chosen. Loads nothing."""
        row = self.row
        return None if row.teacher is None else identity(row.teacher, row.task.labels)

    def before(self, example: Example) -> Prediction:
        """What the teacher says of an original text."""
        return self.classifier().predict([example.text])[0]

    def generates(self) -> bool:
        """Whether the project's texts are prompts, and its labels attributes of a model's answers."""
        return (self.row.teacher or {}).get("kind") == "generative"

    def answers_of(self, texts: list[str]) -> list[list[str] | None]:
        """What the model answered to each text, one answer a sample; None where that is not on record. Asks no model."""
        spec = self.row.teacher or {}
        if spec.get("kind") != "generative":
            return [None] * len(texts)
        key, samples = answer_keys(spec), range(spec["samples"])
        known = cache.get_replies(self.db, [key(t, s) for t in texts for s in samples])
        rows = [[known.get(key(t, s)) for s in samples] for t in texts]
        return [None if None in row else [reply["content"] for reply in row] for row in rows]

    def verdicts(self, pairs: list[tuple[str, Counterfactual]]) -> list[FlipCheck]:
        """The teacher's verdicts on (original, proposal) pairs, with the shift of the answer where it generates."""
        checks = verify.verify(pairs, self.classifier(), self.models.encoder().encode)
        return self._shifted(pairs, checks) if checks and self.generates() else checks

    def _shifted(self, pairs, checks: list[FlipCheck]) -> list[FlipCheck]:
        from cod_core.models.generative import answer_shift

        spec, moved = self.row.teacher, list(checks)
        for original, said in zip(originals := list(dict.fromkeys(o for o, _ in pairs)), self.answers_of(originals)):
            at = [i for i, (o, _) in enumerate(pairs) if o == original]
            if said and said[0].strip():
                shift = answer_shift(self.models.local_llm(spec["local"]), original, [pairs[i][1].text for i in at], said[0])
                for i, value in zip(at, shift.tolist()):
                    moved[i] = replace(checks[i], shift=value)
        return moved

    def answers_at_once(self) -> bool:
        """Whether asking the teacher while somebody types takes neither money nor seconds."""
        spec = self.row.teacher
        return spec is not None and spec["kind"] not in ("llm", "generative")

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

        self.models.once(
            ("warm", teacher.id, teacher.revision), lambda: threading.Thread(target=load, daemon=True, name="warm-teacher").start() or True
        )

    def soft_label_memory(self) -> SoftLabelMemory | None:
        """The memory of the project's LLM teacher; None where the teacher is of another kind."""
        spec = self.row.teacher
        if spec is None or spec.get("kind") != "llm":
            return None
        teacher = self.classifier()
        told = cache.get_reply(self.db, self.loader.memory_key(spec)) or {}
        calls = int(told.get("calls", 0))
        priced = bool(spec.get("local")) or calls and told.get("priced", 0) == calls
        return SoftLabelMemory(
            cache.count_predictions(self.db, teacher.id, teacher.revision),
            int(told.get("hits", 0)),
            int(told.get("asked", 0)),
            calls,
            int(told.get("tokens_in", 0)),
            int(told.get("tokens_out", 0)),
            float(told.get("cost_usd", 0.0)) if priced else None,
            spec.get("reads", "logprobs"),
        )

    def sensitivity(self, teacher):
        """First-order estimates where the teacher is one model on this machine, else None."""
        from cod_core.models.sensitivity import FirstOrder, gives_gradients

        if not gives_gradients(teacher.wrapped):
            return None
        return self.models.once(("sensitivity", teacher.id, teacher.revision), lambda: FirstOrder(teacher.wrapped))

    def scorer(self, teacher):
        """texts -> (n, C) log-probabilities; probes of local models stay out of the cache, paid replies go in."""
        import numpy as np

        raw = getattr(teacher.wrapped, "logprobs", None)
        return raw if raw is not None else lambda texts: np.array([p.logprobs for p in teacher.predict(texts)])

    def choose(self, spec: dict, key: str | None = None) -> None:
        """Choose the teacher. spec["kind"]: builtin, transformers, finetuned, llm, or generative: the
        project's texts are prompts, spec["local"] answers them, and the classifier of spec["judge"] reads the answers.

        The model is loaded once to check it, so a wrong name or label map is refused here and the old teacher stays. key: for
        a language model's address, which is named for the project hereby. Checks made by another teacher become stale.
        Raises ModelUnavailable, LabelMismatch, BadInput where a built-in teacher was trained on the texts that students are
        judged on (docs/method.md section 9).
        """
        spec = {k: v for k, v in spec.items() if k not in ("key", "revision")}
        labels = self.labels
        if spec["kind"] == "builtin":
            self.loader.check_builtin(spec, labels)
            if warning := self.seen_in_training(spec):
                raise BadInput(warning)
        elif spec["kind"] == "generative":
            spec = self.loader.compose(spec, labels)
        else:
            if spec["kind"] == "llm":
                task = self.row.task
                spec |= {"project_id": self.id, "task": task.name, "descriptions": list(task.descriptions)}
                if not spec.get("local"):
                    self.endpoints.confirm(options_of(stored_choice(spec)).settings().base_url, key)
            classifier = self.loader.load(spec, labels)
            spec = {**spec, "id": classifier.id, "revision": classifier.revision}
            if spec["kind"] == "llm":
                spec["reads"] = classifier.kind
                if Path(spec.get("local") or "?").is_dir():
                    spec["weights"] = weights_revision(spec["local"])
        projects.set_teacher(self.db, self.id, spec)

    def classifier(self) -> CachedClassifier:
        """The project's teacher, predictions cached; its weights load on the first text never seen.

        Raises BadInput where none is chosen.
        """
        project = self.row
        if project.teacher is None:
            raise BadInput("This project has no teacher yet. Choose one on the Teacher page, or with the command teacher.")
        spec, labels = project.teacher, project.task.labels
        name, revision = identity(spec, labels)
        asks = spec["kind"] in ("llm", "generative")  # its answers are kept under the project, so it is not shared
        if asks:
            spec = {**spec, "project_id": self.id}  # a copy of a project carries the first one's
        return self.models.once(
            ("teacher", name, revision, labels, self.id if asks else None),
            lambda: CachedClassifier(
                self.db,
                name,
                revision,
                labels,
                lambda: self.loader.load(spec, labels),
                self.loader.memory_counter(spec),
                SAVED_AFTER.get(spec["kind"], CHUNK),
                reads_all=asks,
            ),
        )

    def label(self) -> str | None:
        """The teacher's name in plain words, None where none is chosen."""
        spec = self.row.teacher
        if spec is None:
            return None
        if spec["kind"] == "generative":
            return spec["id"]
        named = spec.get("name") or spec.get("model") or spec.get("local") or spec.get("path")
        given = spec["kind"] == "finetuned" and spec.get("name")  # a project's name, in which a slash is no folder
        return f"{PLAIN[spec['kind']]}: {given or Path(str(named)).name}"

    def trained_on(self, project):
        """A predicate: did this project's teacher see the row in training?"""
        spec = project.teacher or {}
        if spec.get("kind") == "finetuned":
            seen = set(spec.get("trained_on", ()))
            return lambda e: e.id in seen
        if spec.get("kind") == "builtin":
            from cod_core.models.seen import fingerprint, seen_by
            from cod_core.models.teachers import BUILTIN

            known, own = seen_by(BUILTIN / spec["name"]), is_own_sample(project, spec)
            return lambda e: own and e.split == "train" or fingerprint(e.text) in known
        return lambda e: False

    def seen_in_training(self, spec: dict | None = None) -> str:
        """A sentence where a built-in teacher (the project's, if no spec is given) was trained on many of the labelled texts
        that students are judged on, else "". Such a teacher must not be used: it answers them from memory. Asks no model.
        """
        project = self.row
        spec = spec or project.teacher or {}
        if spec.get("kind") != "builtin":
            return ""
        counts = items.count_examples(self.db, self.id)
        if self._seen is None or self._seen[0] != (counts, spec["name"]):
            trained = self.trained_on(replace(project, teacher=spec))
            rows = [e for split in ("test", "validation") for e in items.examples(self.db, self.id, split=split) if e.label is not None]
            self._seen = (counts, spec["name"]), (sum(map(trained, rows)), len(rows))
        seen, of = self._seen[1]
        if seen < SEEN_ROWS or seen < SEEN_SHARE * of:
            return ""
        return (
            f"The built-in teacher {spec['name']!r} was trained on {seen:,} of the {of:,} test and development texts, told by their "
            "letters: it knows their answers, so every result would look better than it is. Choose another teacher, or train "
            "one on your training texts."
        )
