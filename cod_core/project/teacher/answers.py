"""A model whose answers are judged: who may judge, its answers on record, how fast it writes, labels for prompts."""

from dataclasses import replace

from cod_core.data.meeting import beside_stored, meet
from cod_core.data.split import split_examples
from cod_core.errors import BadInput, LabelMismatch
from cod_core.models.choice import BuiltinChoice, FinetunedChoice, GenerativeChoice, JudgeChoice
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.generation import Pace, pace_key
from cod_core.project.teacher.loader import has_builtin_teacher
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.store import cache, items
from cod_core.store.projects import list_projects
from cod_core.types import Example, Prediction


class Answers(Room):
    """What only a teacher that generates has."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher

    def judges(self) -> dict[str, JudgeChoice]:
        """Name in plain words -> choice, of the classifiers here that have the project's labels and may judge answers:
        built-in ones, and those that were fine-tuned in other projects. Loads nothing."""
        from cod_core.data.samples import SAMPLES
        from cod_core.models.teachers import label_order

        offered: list[tuple[str, tuple[str, ...], JudgeChoice]] = [
            (f"{s.title}, built in", s.task.labels, BuiltinChoice(s.name)) for s in SAMPLES.values() if has_builtin_teacher(s.name)
        ]
        offered += [
            (f"Trained in the project “{p.name}”", p.task.labels, FinetunedChoice(p.teacher["path"]))
            for p in list_projects(self.db)
            if p.id != self.id and p.teacher and p.teacher.get("kind") == "finetuned"
        ]
        labels, judges = self.labels, dict[str, JudgeChoice]()
        for name, own, choice in offered:
            try:
                label_order(own, labels, None, name)
            except LabelMismatch:
                continue
            judges[name if name not in judges else f"{name} ({len(judges) + 1})"] = choice
        return judges

    def some(self, n: int = 5) -> list[tuple[Example, list[str], Prediction]]:
        """(prompt, its answers, what the judge makes of them) of the first n prompts; answered now where they were not."""
        prompts = [*items.examples(self.db, self.id, split="train"), *items.examples(self.db, self.id, split="unlabelled")][:n]
        predictions = self.teacher.classifier().predict([e.text for e in prompts])
        of_prompts = self.teacher.answers_of([e.text for e in prompts])
        return [(e, answers, p) for e, answers, p in zip(prompts, of_prompts, predictions) if answers is not None]

    def pace(self) -> Pace | None:
        """How fast the project's model has answered; None before its first answer."""
        choice = self.teacher.choice()
        counted = cache.get_reply(self.db, pace_key(choice)) if isinstance(choice, GenerativeChoice) else None
        answers = int(counted.get("answers", 0)) if counted else 0
        return Pace(answers, counted["seconds"] / answers) if counted and answers else None

    @needs("import")
    def label_prompts(self, progress: Progress = silent) -> dict[str, int]:
        """Let the model answer every text without a label, and give the text the attribute of its answer as label.

        They become training texts, or are divided as uploads are where the project has no test texts. Their metadata
        says whose label it is. apart: texts whose words or source stand on another side of the split stay without a label.
        Returns {"labelled", "undecided", "apart"}. Raises BadInput where the teacher does not generate.
        """
        if not self.teacher.generates():
            raise BadInput(say("Only a teacher that answers the texts can label them. Choose “A model's answers” as teacher."))
        rows, teacher = items.examples(self.db, self.id, split="unlabelled"), self.teacher.classifier()
        decided = [(e, p.label) for e, p in zip(rows, teacher.predict([e.text for e in rows], progress)) if p.decided]
        labelled = [replace(e, label=label, split="train", metadata={**e.metadata, "label_from": teacher.id}) for e, label in decided]
        stored = items.examples(self.db, self.id)
        if not any(e.split == "test" for e in stored):
            labelled = beside_stored(labelled, split_examples(labelled, seed=0).examples, stored)
        met = meet(labelled, stored)
        items.label_examples(self.db, self.id, met.labelled)
        return {"labelled": len(met.labelled), "undecided": len(rows) - len(labelled), "apart": len(met.refused)}
