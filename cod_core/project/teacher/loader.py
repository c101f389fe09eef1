"""From a teacher's spec to a classifier: its identity without loading it, the check of what was chosen, the loading itself."""

from pathlib import Path

from cod_core.errors import BadInput
from cod_core.models.choice import stored_choice
from cod_core.models.encoder import DEFAULT_ENCODER, resolve, weights_revision
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import Clients, memory_key, options_of
from cod_core.project.teacher.generation import JUDGES, MOST_SAMPLES, MOST_TOKENS, answer_keys, how_asked, pace_key
from cod_core.store import cache
from cod_core.text import short_hash
from cod_core.types import Task


def has_builtin_teacher(name: str) -> bool:
    """Whether a teacher for this sample comes with the app."""
    from cod_core.models.teachers import BUILTIN

    return (BUILTIN / name / "teacher.json").exists()


def identity(spec: dict, labels) -> tuple[str, str]:
    """(id, revision) of a teacher without loading it. Part of the revision: weights and label order."""
    from cod_core.models.teachers import BUILTIN

    order = short_hash(*labels, *sorted((spec.get("label_map") or {}).items()))[:6]
    if spec["kind"] == "builtin":
        weights = weights_revision(str(BUILTIN / spec["name"]))
        return f"builtin:{spec['name']}", f"{weights}-{weights_revision(resolve(DEFAULT_ENCODER))[:6]}-{order}"
    if spec["kind"] == "generative":
        judge = identity(spec["judge"], labels)[1]
        return spec["id"], short_hash(how_asked(spec), judge, spec["samples"])
    local = spec.get("path") or spec.get("name", "")
    if spec["kind"] == "finetuned" and Path(local).is_dir():
        from cod_core.models.finetune import finetuned_revision

        return spec["id"], f"{finetuned_revision(local)}-{order}"
    if spec["kind"] == "transformers" and Path(local).is_dir():
        return spec["id"], f"{weights_revision(local)}-{order}"
    held = spec.get("weights")  # of a language model's folder when it was chosen; teachers of an earlier version do not say
    now = weights_revision(spec["local"]) if held and Path(spec["local"]).is_dir() else held
    return spec["id"], f"{spec['revision']}-{order}" + ("" if now == held else f"-{str(now)[:6]}")


class TeacherLoader(Room):
    """Makes classifiers from specs; which one a project uses is the affair of Teacher."""

    def __init__(self, place: Place, models: Models, clients: Clients):
        super().__init__(place)
        self.models = models
        self.clients = clients

    def compose(self, spec: dict, labels) -> dict:
        """The spec as it is kept: checked, both parts loaded once. Raises BadInput, ModelUnavailable, LabelMismatch."""
        samples, tokens = int(spec.get("samples") or 1), int(spec.get("max_tokens") or 24)
        heat, judge = spec.get("temperature"), {k: v for k, v in (spec.get("judge") or {}).items() if v is not None}
        heat = (0.0 if samples == 1 else 0.7) if heat is None else float(heat)
        local = str(spec.get("local") or "").strip() or self.models.local_llm_name()
        if local is None:
            from cod_core.models.local_llm import hint

            raise BadInput(f"Name the language model that answers: a name, a folder or a .gguf file. {hint()}")
        if judge.get("kind") not in JUDGES or not (judge.get("name") or judge.get("path")):
            raise BadInput(
                "Choose what judges the answers: a built-in classifier, a Hugging Face classifier, or one that "
                f"was fine-tuned here; got {judge.get('kind')!r}."
            )
        if not 1 <= tokens <= MOST_TOKENS or not 1 <= samples <= MOST_SAMPLES or not 0 <= heat <= 2:
            raise BadInput(
                f"An answer has 1 to {MOST_TOKENS} tokens, a prompt 1 to {MOST_SAMPLES} answers, the temperature "
                f"lies between 0 and 2; got {tokens}, {samples} and {heat}."
            )
        if samples > 1 and heat == 0:
            raise BadInput("At temperature 0 every answer to a prompt is the same: ask for one, or raise the temperature.")
        self.check_builtin(judge, labels)
        attribute = self.load(judge, labels)
        judge |= {"id": attribute.id, "revision": attribute.revision}
        made = {
            "kind": "generative",
            "local": local,
            "judge": judge,
            "max_tokens": tokens,
            "samples": samples,
            "temperature": heat,
            "generator_revision": self.models.local_llm(local).revision,
        }
        whole = self._generative(made, labels)
        return {**made, "id": whole.id, "revision": whole.revision}

    def memory_counter(self, spec: dict):
        """A function (hits, asked) that adds to the memory's counts; None for teachers that cost nothing to ask."""
        if spec.get("kind") != "llm":
            return None
        return lambda hits, asked: cache.count(self.db, self.id, self.memory_key(spec), hits=hits, asked=asked)

    def memory_key(self, spec: dict) -> str:
        """Where the calls of this project's LLM teacher are counted."""
        return memory_key({**spec, "project_id": self.id})

    def check_builtin(self, spec: dict, labels) -> None:
        """Raises BadInput, LabelMismatch where this is a built-in teacher that does not exist or has other labels."""
        from cod_core.data.samples import sample
        from cod_core.models.teachers import BUILTIN, label_order

        if spec["kind"] == "builtin":
            if not (BUILTIN / spec["name"] / "teacher.json").exists():
                known = sorted(path.parent.name for path in BUILTIN.glob("*/teacher.json"))
                raise BadInput(f"There is no built-in teacher called {spec['name']!r}. Choose one of: {', '.join(known)}.")
            label_order(sample(spec["name"]).task.labels, labels, spec.get("label_map"), spec["name"])

    def load(self, spec: dict, labels):
        """The classifier that a spec describes, weights and all. Raises ModelUnavailable, LabelMismatch, EndpointError."""
        from cod_core.models import teachers

        if spec["kind"] == "builtin":
            return teachers.FineTunedTeacher(teachers.BUILTIN / spec["name"], f"builtin:{spec['name']}", labels, spec.get("label_map"))
        if spec["kind"] == "finetuned":
            return teachers.FineTunedTeacher(spec["path"], None, labels)
        if spec["kind"] == "transformers":
            return teachers.TransformersTeacher(spec["name"], labels, spec.get("label_map"), spec.get("revision"))
        if spec["kind"] == "llm":
            return self._llm(spec, labels)
        if spec["kind"] == "generative":
            return self._generative(spec, labels)
        raise BadInput(f"Unknown kind of teacher: {spec['kind']!r}.")

    def _llm(self, spec: dict, labels):
        """An LLM as teacher from a project's spec {base_url, model or local, samples, task, calibrate}. Raises EndpointError."""
        from cod_core.models.llm_teacher import LLMTeacher

        task = Task(spec.get("task") or "Which label fits the text?", tuple(labels), tuple(spec.get("descriptions") or ()))
        calibrate = bool(spec.get("calibrate"))
        if spec.get("local"):
            from cod_core.models.local_teacher import LocalTeacher

            return LocalTeacher(self.models.local_llm(spec["local"]), task, calibrate)
        settings = options_of(stored_choice(spec)).settings(1)
        client = self.clients.client(settings, counted=self.memory_key(spec))
        return LLMTeacher.connect(client, task, int(spec.get("samples") or 5), calibrate)

    def _generative(self, spec: dict, labels):
        """The teacher of a spec that `compose` made; its answers go to the store as they come."""
        from cod_core.models.generative import GenerativeTeacher, kept_answers, local_answers

        db, llm = self.db, self.models.local_llm(spec["local"])

        def get(keys: list[str]) -> dict[str, str]:
            return {key: reply["content"] for key, reply in cache.get_replies(db, keys).items()}

        def put(new: dict[str, str], seconds: float) -> None:
            cache.put_replies(db, self.id, {key: {"content": said} for key, said in new.items()})
            cache.count(db, None, pace_key(spec), answers=len(new), seconds=seconds)

        answer = kept_answers(local_answers(llm, spec["max_tokens"], spec["temperature"]), answer_keys(spec), get, put)
        return GenerativeTeacher(answer, self.load(spec["judge"], labels), llm.name, how_asked(spec), spec["samples"])
