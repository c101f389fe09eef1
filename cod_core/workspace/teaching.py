"""The teacher of a project: choosing it, loading it once, judging it on the person's own rows."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.cached import CHUNK, CachedClassifier
from cod_core.models.encoder import DEFAULT_ENCODER, needs_safetensors, resolve, weights_revision
from cod_core.progress import Progress, silent
from cod_core.store import items, projects
from cod_core.text import short_hash
from cod_core.types import Example, Prediction
from cod_core.workspace.answering import PROMPTS_A_REPORT, Answering, generative_teacher, how_asked

PLAIN = {
    "builtin": "Built-in teacher",
    "transformers": "Hugging Face classifier",
    "finetuned": "Teacher fine-tuned on your texts",
    "llm": "Language model as teacher",
}
SAVED_AFTER = {"llm": 32, "generative": 16}  # texts: answers that cost money or seconds are saved sooner


FEWEST_STEPS, BATCH_ROWS = 60, 32  # of a teacher's training
SEEN_SHARE, SEEN_ROWS = 0.1, 5  # of the texts that students are judged on: from here on a teacher's training is no accident


@dataclass(frozen=True)
class TeacherReport:
    """accuracy: on n of the person's labelled rows the teacher did not train on; None where there are none.

    n_left_out: rows it trained on. disagreements: rows where it differs from the gold label. unanswered: rows for which
    a language model named no label, or said nothing; they are in none of the other numbers. covered: mean share of its
    answers that named a label, or held a word, None for other teachers. warning: where it does no better than guessing.
    """

    name: str
    kind: str
    revision: str
    accuracy: float | None
    n: int
    n_left_out: int
    disagreements: list[tuple[Example, Prediction]]
    note: str = ""
    warning: str = ""
    unanswered: int = 0
    covered: float | None = None


def usual_rounds(rows: int) -> int:
    """How often a teacher's training goes over its texts where nobody says so.

    Below 400 texts ten times, and so often that FEWEST_STEPS batches are seen: 36 triage notes of three labels were not even
    learnt by heart in ten rounds (36 % right on them, 34 % on others: guessing); in 30 they were (86 % and 63 %).
    """
    few = max(10, -(-FEWEST_STEPS // max(1, -(-rows // BATCH_ROWS))))
    return 2 if rows >= 2000 else 4 if rows >= 400 else few


class Teaching(Answering):
    """Which classifier decides, and how far it can be trusted."""

    def set_teacher(self, pid: str, spec: dict, key: str | None = None) -> None:
        """Choose the teacher. spec["kind"]: builtin, transformers, finetuned, llm (see DESIGN.md), or generative: the
        project's texts are prompts, spec["local"] answers them, and the classifier of spec["judge"] reads the answers.

        The model is loaded once to check it, so a wrong name or label map is refused here and the old teacher stays. key: for
        a language model's address, which is named for the project hereby. Checks made by another teacher become stale.
        Raises ModelUnavailable, LabelMismatch, BadInput where a built-in teacher was trained on the texts that students are
        judged on (METHOD.md section 9).
        """
        spec = {k: v for k, v in spec.items() if k not in ("key", "revision")}
        labels = self.project(pid).task.labels
        if spec["kind"] == "builtin":
            self._check_builtin(spec, labels)
            if warning := self.seen_in_training(pid, spec):
                raise BadInput(warning)
        elif spec["kind"] == "generative":
            spec = self._composed(pid, spec, labels)
        else:
            if spec["kind"] == "llm":
                from cod_core.workspace.llm import settings_of

                task = self.project(pid).task
                spec |= {"project_id": pid, "task": task.name, "descriptions": list(task.descriptions)}
                if not spec.get("local"):
                    self.name_endpoint(pid, settings_of({"llm": spec}).base_url, key)
            classifier = self._load_teacher(spec, labels)
            spec = {**spec, "id": classifier.id, "revision": classifier.revision}
            if spec["kind"] == "llm":
                spec["reads"] = classifier.kind
                if Path(spec.get("local") or "?").is_dir():
                    spec["weights"] = weights_revision(spec["local"])
        projects.set_teacher(self.db, pid, spec)

    def _check_builtin(self, spec: dict, labels) -> None:
        """Raises BadInput, LabelMismatch where this is a built-in teacher that does not exist or has other labels."""
        from cod_core.data.samples import sample
        from cod_core.models.teachers import BUILTIN, label_order

        if spec["kind"] == "builtin":
            if not (BUILTIN / spec["name"] / "teacher.json").exists():
                known = sorted(path.parent.name for path in BUILTIN.glob("*/teacher.json"))
                raise BadInput(f"There is no built-in teacher called {spec['name']!r}. Choose one of: {', '.join(known)}.")
            label_order(sample(spec["name"]).task.labels, labels, spec.get("label_map"), spec["name"])

    def teacher(self, pid: str) -> CachedClassifier:
        """The project's teacher, predictions cached; its weights load on the first text never seen.

        Raises BadInput where none is chosen.
        """
        project = self.project(pid)
        if project.teacher is None:
            raise BadInput("This project has no teacher yet. Choose one on the Teacher page, or with the command teacher.")
        spec, labels = project.teacher, project.task.labels
        identity, revision = self._identity(spec, labels)
        asks = spec["kind"] in ("llm", "generative")  # its answers are kept under the project, so it is not shared
        if asks:
            spec = {**spec, "project_id": pid}  # a copy of a project carries the first one's
        return self._once(
            ("teacher", identity, revision, labels, pid if asks else None),
            lambda: CachedClassifier(
                self.db,
                identity,
                revision,
                labels,
                lambda: self._load_teacher(spec, labels),
                self._memory_counter(pid, spec),
                SAVED_AFTER.get(spec["kind"], CHUNK),
                reads_all=asks,
            ),
        )

    def _identity(self, spec: dict, labels) -> tuple[str, str]:
        """(id, revision) of a teacher without loading it. Part of the revision: weights and label order."""
        from cod_core.models.teachers import BUILTIN

        order = short_hash(*labels, *sorted((spec.get("label_map") or {}).items()))[:6]
        if spec["kind"] == "builtin":
            weights = weights_revision(str(BUILTIN / spec["name"]))
            return f"builtin:{spec['name']}", f"{weights}-{weights_revision(resolve(DEFAULT_ENCODER))[:6]}-{order}"
        if spec["kind"] == "generative":
            judge = self._identity(spec["judge"], labels)[1]
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

    def _load_teacher(self, spec: dict, labels):
        from cod_core.models import teachers

        if spec["kind"] == "builtin":
            return teachers.FineTunedTeacher(teachers.BUILTIN / spec["name"], f"builtin:{spec['name']}", labels, spec.get("label_map"))
        if spec["kind"] == "finetuned":
            return teachers.FineTunedTeacher(spec["path"], None, labels)
        if spec["kind"] == "transformers":
            return teachers.TransformersTeacher(spec["name"], labels, spec.get("label_map"), spec.get("revision"))
        if spec["kind"] == "llm":
            from cod_core.workspace.llm import llm_teacher

            return llm_teacher(self, spec, labels)
        if spec["kind"] == "generative":
            return generative_teacher(self, spec.get("project_id"), spec, labels)
        raise BadInput(f"Unknown kind of teacher: {spec['kind']!r}.")

    def teacher_label(self, pid: str) -> str | None:
        """The teacher's name in plain words, None where none is chosen."""
        spec = self.project(pid).teacher
        if spec is None:
            return None
        if spec["kind"] == "generative":
            return spec["id"]
        named = spec.get("name") or spec.get("model") or spec.get("local") or spec.get("path")
        given = spec["kind"] == "finetuned" and spec.get("name")  # a project's name, in which a slash is no folder
        return f"{PLAIN[spec['kind']]}: {given or Path(str(named)).name}"

    def teacher_report(self, pid: str, limit: int = 200, progress: Progress = silent) -> TeacherReport:
        """Accuracy on up to `limit` of the person's own labelled rows (24 where a model has to answer each), and where
        teacher and gold differ."""
        project, teacher = self.project(pid), self.teacher(pid)
        limit = min(limit, PROMPTS_A_REPORT) if self.generates(pid) else limit
        trained = self._trained_on(project)
        splits = ("test", "validation") if is_own_sample(project, project.teacher) else ("test", "validation", "train")
        rows = [e for split in splits for e in items.examples(self.db, pid, split=split) if e.label is not None]
        known = sum(n for (_, label), n in items.count_examples(self.db, pid).items() if label is not None)
        own = [e for e in rows if e.metadata.get("label_from") == teacher.id]  # it would agree with itself
        rows, known = [e for e in rows if e not in own] if own else rows, known - len(own)
        held = [e for e in rows if not trained(e)]
        shown = held[:limit] or rows[:limit]
        predictions = teacher.predict([e.text for e in shown], progress)
        covers = [c for c in teacher.covered([e.text for e in shown]) if c is not None]
        told = [(e, p) for e, p in zip(shown, predictions) if p.decided]
        unanswered = len(shown) - len(told)
        shown, predictions = [e for e, _ in told], [p for _, p in told]
        wrong = [(e, p) for e, p in zip(shown, predictions) if p.label != e.label]
        note = "" if held or not rows else "The teacher was trained on all of these texts, so its accuracy on them says little."
        note = self.seen_in_training(pid) or note
        accuracy = 1 - len(wrong) / len(shown) if held and shown else None
        return TeacherReport(
            self.teacher_label(pid),
            project.teacher["kind"],
            teacher.revision,
            accuracy,
            len(shown) if held else 0,
            known - len(held),
            wrong,
            note,
            self._guessing([e.label for e in shown], [p.label for p in predictions]) if held else "",
            unanswered,
            sum(covers) / len(covers) if covers else None,
        )

    @staticmethod
    def _guessing(gold: list[str], said: list[str]) -> str:
        """A sentence where these answers are no better than guessing; empty where they are, or where so few texts cannot tell."""
        from cod_core.diagnostics.chance import guesses

        if not guesses(gold, said):
            return ""
        right, commonest = sum(a == b for a, b in zip(gold, said)), max(gold.count(label) for label in set(gold))
        return (
            "This teacher does no better than guessing on your texts: it is right on "
            f"{round(100 * right / len(gold))} % of them, and always naming the commonest label would be right on "
            f"{round(100 * commonest / len(gold))} %. What it says of a change means little. "
            "Choose another teacher, or add labelled texts (200 or more) and train one on them."
        )

    def _trained_on(self, project):
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

    def seen_in_training(self, pid: str, spec: dict | None = None) -> str:
        """A sentence where a built-in teacher (the project's, if no spec is given) was trained on many of the labelled texts
        that students are judged on, else "". Such a teacher must not be used: it answers them from memory. Asks no model.
        """
        project = self.project(pid)
        spec = spec or project.teacher or {}
        if spec.get("kind") != "builtin":
            return ""
        counts = items.count_examples(self.db, pid)
        known = self._made.get(("seen", pid))
        if known is None or known[0] != (counts, spec["name"]):
            trained = self._trained_on(replace(project, teacher=spec))
            rows = [e for split in ("test", "validation") for e in items.examples(self.db, pid, split=split) if e.label is not None]
            known = (counts, spec["name"]), (sum(map(trained, rows)), len(rows))
            self._made["seen", pid] = known
        seen, of = known[1]
        if seen < SEEN_ROWS or seen < SEEN_SHARE * of:
            return ""
        return (
            f"The built-in teacher {spec['name']!r} was trained on {seen:,} of the {of:,} test and development texts, told by their "
            "letters: it knows their answers, so every result would look better than it is. Choose another teacher, or train "
            "one on your training texts."
        )

    def check_finetuning(self, pid: str, params: dict) -> None:
        """Refuse a training that could only fail, before it is queued: no weights are read for that.

        Raises ModelUnavailable where there is no such model, NotEnoughData where a label has no training text.
        """
        from cod_core.models.decoder import is_decoder
        from cod_core.models.finetune import needs_every_label
        from cod_core.models.gguf import is_there
        from cod_core.models.local_llm import is_gguf

        needs_every_label([e.label for e in items.examples(self.db, pid, split="train")], self.project(pid).task.labels)
        encoder = params.get("encoder") or DEFAULT_ENCODER
        if is_gguf(encoder):
            return is_there(encoder)
        is_decoder(encoder)
        needs_safetensors(resolve(encoder))

    def finetune_teacher(self, pid: str, params: dict, progress: Progress = silent) -> dict:
        """Train a teacher on the project's training rows and choose it. params: encoder (a decoder or a GGUF file will do
        too), epochs.

        Returns {"rows", "accuracy", "measured_on", "estimate", "warning"}: its accuracy on the test split. Where there is none
        and fewer than 200 rows, the estimate instead: what a simpler model, a linear head, reaches in cross-validation.
        """
        from cod_core.models.finetune import FEW_ROWS, cross_validate, finetune_teacher
        from cod_core.models.local_llm import resolve_llm

        project, labels = self.project(pid), self.project(pid).task.labels
        rows = [e for e in items.examples(self.db, pid, split="train") if e.label is not None]
        encoder = resolve_llm(params.get("encoder") or DEFAULT_ENCODER, self.settings.folder("llm"))
        name = short_hash(encoder, params.get("epochs"), *(e.id + str(e.label) for e in rows))
        folder = self.settings.folder("teachers", pid) / name
        finetune_teacher(
            [e.text for e in rows],
            [e.label for e in rows],
            labels,
            encoder,
            folder,
            epochs=int(params.get("epochs") or usual_rounds(len(rows))),
            progress=progress,
        )
        few = len(rows) < FEW_ROWS
        out: dict = {"rows": len(rows), "accuracy": None, "measured_on": None, "estimate": None, "warning": None}
        test = [e for e in items.examples(self.db, pid, split="test") if e.label is not None]
        if few:
            out["warning"] = f"Only {len(rows)} texts to train on: expect mistakes. {FEW_ROWS} or more make a teacher to trust."
        if few and not test:
            with suppress(NotEnoughData):
                out["estimate"] = cross_validate([e.text for e in rows], [e.label for e in rows], labels, encoder)
        self.set_teacher(
            pid,
            {"kind": "finetuned", "path": str(folder), "name": f"{project.name} ({len(rows)} texts)", "trained_on": [e.id for e in rows]},
        )
        if test:
            right = [p.label == e.label for p, e in zip(self.teacher(pid).predict([e.text for e in test]), test)]
            out |= {"accuracy": sum(right) / len(right), "measured_on": f"{len(test)} test texts"}
        return out


def is_own_sample(project, spec: dict | None) -> bool:
    """Whether the project is the built-in sample on whose training split this teacher was trained."""
    return spec is not None and spec["kind"] == "builtin" and project.settings.get("sample") == spec["name"]
