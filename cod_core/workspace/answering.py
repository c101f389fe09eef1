"""A generator and a judge as the teacher of a project: its answers on record, what an edit does to them, how long it takes.

spec: {"kind": "generative", "local": name, folder or .gguf, "judge": the spec of a classifier, "max_tokens",
"samples", "temperature"}. Answers are replies in the store, so that no prompt is answered twice.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from cod_core.counterfactuals import verify
from cod_core.data.meeting import beside_stored, meet
from cod_core.data.split import split_examples
from cod_core.errors import BadInput, LabelMismatch
from cod_core.models.encoder import weights_revision
from cod_core.progress import Progress, silent
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Prediction
from cod_core.workspace.base import Base

JUDGES = ("builtin", "transformers", "finetuned")
MOST_TOKENS, MOST_SAMPLES = 256, 20
PROMPTS_A_SEARCH, PROMPTS_A_REPORT = 48, 24


@dataclass(frozen=True)
class Pace:
    """answers: written so far by this model with this length of answer. seconds: that one took."""

    answers: int
    seconds: float


class Answering(Base):
    """What only a teacher that generates has."""

    def generates(self, pid: str) -> bool:
        """Whether the project's texts are prompts, and its labels attributes of a model's answers."""
        return (self.project(pid).teacher or {}).get("kind") == "generative"

    def judges(self, pid: str) -> dict[str, dict]:
        """Name in plain words -> spec, of the classifiers here that have the project's labels and may judge answers:
        built-in ones, and those that were fine-tuned in other projects. Loads nothing."""
        from cod_core.data.samples import SAMPLES
        from cod_core.models.teachers import label_order
        from cod_core.workspace.gathering import has_builtin_teacher

        labels, found = self.project(pid).task.labels, {}
        offered = [
            (f"{s.title}, built in", s.task.labels, {"kind": "builtin", "name": s.name})
            for s in SAMPLES.values()
            if has_builtin_teacher(s.name)
        ]
        offered += [
            (f"Trained in the project “{p.name}”", p.task.labels, {"kind": "finetuned", "path": p.teacher["path"]})
            for p in self.projects()
            if p.id != pid and (p.teacher or {}).get("kind") == "finetuned"
        ]
        for name, own, spec in offered:
            try:
                label_order(own, labels, None, name)
            except LabelMismatch:
                continue
            found[name if name not in found else f"{name} ({len(found) + 1})"] = spec
        return found

    def answers_of(self, pid: str, texts: list[str]) -> list[list[str] | None]:
        """What the model answered to each text, one answer a sample; None where that is not on record. Asks no model."""
        spec = self.project(pid).teacher or {}
        if spec.get("kind") != "generative":
            return [None] * len(texts)
        key, samples = answer_keys(spec), range(spec["samples"])
        known = cache.get_replies(self.db, [key(t, s) for t in texts for s in samples])
        rows = [[known.get(key(t, s)) for s in samples] for t in texts]
        return [None if None in row else [reply["content"] for reply in row] for row in rows]

    def some_answers(self, pid: str, n: int = 5) -> list[tuple[Example, list[str], Prediction]]:
        """(prompt, its answers, what the judge makes of them) of the first n prompts; answered now where they were not."""
        found = [*items.examples(self.db, pid, split="train"), *items.examples(self.db, pid, split="unlabelled")][:n]
        told = self.teacher(pid).predict([e.text for e in found])
        said = self.answers_of(pid, [e.text for e in found])
        return [(e, answers, p) for e, answers, p in zip(found, said, told) if answers is not None]

    def pace(self, pid: str) -> Pace | None:
        """How fast the project's model has answered; None before its first answer."""
        spec = self.project(pid).teacher or {}
        told = cache.get_reply(self.db, _pace_key(spec)) if spec.get("kind") == "generative" else None
        return Pace(int(told["answers"]), told["seconds"] / told["answers"]) if told and told.get("answers") else None

    def label_prompts(self, pid: str, progress: Progress = silent) -> dict:
        """Let the model answer every text without a label, and give the text the attribute of its answer as label.

        They become training texts, or are divided as uploads are where the project has no test texts. Their metadata
        says whose label it is. apart: texts whose words or source stand on another side of the split stay without a label.
        Returns {"labelled", "undecided", "apart"}. Raises BadInput where the teacher does not generate.
        """
        if not self.generates(pid):
            raise BadInput("Only a teacher that answers the texts can label them. Choose “A model's answers” as teacher.")
        rows, teacher = items.examples(self.db, pid, split="unlabelled"), self.teacher(pid)
        told = zip(rows, teacher.predict([e.text for e in rows], progress))
        made = [replace(e, label=p.label, split="train", metadata={**e.metadata, "label_from": teacher.id}) for e, p in told if p.decided]
        stored = items.examples(self.db, pid)
        if not any(e.split == "test" for e in stored):
            made = beside_stored(made, split_examples(made, seed=0).examples, stored)
        met = meet(made, stored)
        items.label_examples(self.db, pid, met.labelled)
        self._forget(pid)
        return {"labelled": len(met.labelled), "undecided": len(rows) - len(made), "apart": len(met.refused)}

    def _verdicts(self, pid: str, pairs: list[tuple[str, Counterfactual]]) -> list[FlipCheck]:
        """The teacher's verdicts on (original, proposal) pairs, with the shift of the answer where it generates."""
        checks = verify.verify(pairs, self.teacher(pid), self.encoder().encode)
        return self._shifted(pid, pairs, checks) if checks and self.generates(pid) else checks

    def _shifted(self, pid: str, pairs, checks: list[FlipCheck]) -> list[FlipCheck]:
        from cod_core.models.generative import answer_shift

        spec, moved = self.project(pid).teacher, list(checks)
        for original, said in zip(originals := list(dict.fromkeys(o for o, _ in pairs)), self.answers_of(pid, originals)):
            at = [i for i, (o, _) in enumerate(pairs) if o == original]
            if said and said[0].strip():
                shift = answer_shift(self.local_llm(spec["local"]), original, [pairs[i][1].text for i in at], said[0])
                for i, value in zip(at, shift.tolist()):
                    moved[i] = replace(checks[i], shift=value)
        return moved

    def _composed(self, pid: str, spec: dict, labels) -> dict:
        """The spec as it is kept: checked, both parts loaded once. Raises BadInput, ModelUnavailable, LabelMismatch."""
        samples, tokens = int(spec.get("samples") or 1), int(spec.get("max_tokens") or 24)
        heat, judge = spec.get("temperature"), {k: v for k, v in (spec.get("judge") or {}).items() if v is not None}
        heat = (0.0 if samples == 1 else 0.7) if heat is None else float(heat)
        local = str(spec.get("local") or "").strip() or self.local_llm_name()
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
        self._check_builtin(judge, labels)
        attribute = self._load_teacher(judge, labels)
        judge |= {"id": attribute.id, "revision": attribute.revision}
        made = {
            "kind": "generative",
            "local": local,
            "judge": judge,
            "max_tokens": tokens,
            "samples": samples,
            "temperature": heat,
            "generator_revision": self.local_llm(local).revision,
        }
        whole = generative_teacher(self, pid, made, labels)
        return {**made, "id": whole.id, "revision": whole.revision}


def generator_revision(spec: dict) -> str:
    """Of the weights in a folder as they are now, else as they were when the teacher was chosen."""
    return weights_revision(spec["local"]) if Path(spec["local"]).is_dir() else spec["generator_revision"]


def how_asked(spec: dict) -> str:
    """What, besides the prompt and the number of samples, decides an answer."""
    return short_hash(generator_revision(spec), spec["max_tokens"], spec["temperature"])


def answer_keys(spec: dict):
    """A function (prompt, sample) -> where the store keeps that answer."""
    from cod_core.models.generative import answer_key

    revision = generator_revision(spec)
    return lambda prompt, sample: answer_key(revision, prompt, sample, spec["max_tokens"], spec["temperature"])


def _pace_key(spec: dict) -> str:
    return f"pace:{how_asked(spec)}"


def generative_teacher(workspace, pid: str | None, spec: dict, labels):
    """The teacher of a spec that Answering._composed made; its answers go to the store as they come."""
    from cod_core.models.generative import GenerativeTeacher, kept_answers, local_answers

    db, llm = workspace.db, workspace.local_llm(spec["local"])

    def get(keys: list[str]) -> dict[str, str]:
        return {key: reply["content"] for key, reply in cache.get_replies(db, keys).items()}

    def put(new: dict[str, str], seconds: float) -> None:
        cache.put_replies(db, pid, {key: {"content": said} for key, said in new.items()})
        cache.count(db, None, _pace_key(spec), answers=len(new), seconds=seconds)

    answer = kept_answers(local_answers(llm, spec["max_tokens"], spec["temperature"]), answer_keys(spec), get, put)
    return GenerativeTeacher(answer, workspace._load_teacher(spec["judge"], labels), llm.name, how_asked(spec), spec["samples"])
