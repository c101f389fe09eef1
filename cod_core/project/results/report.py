"""The composition of the results: which sections there are, for the Results page and for the HTML report alike."""

from cod_core import __version__
from cod_core.counterfactuals.quality import of_everybody
from cod_core.curation import agreement
from cod_core.errors import NotEnoughData
from cod_core.export.sections import Section
from cod_core.project.place import Place, Room, needs
from cod_core.project.results import chapters
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.influence import Influence
from cod_core.project.results.maps import MAP_TEXTS, Maps
from cod_core.project.results.results import Results
from cod_core.project.results.sweep import SweepResults
from cod_core.project.summary import summarise
from cod_core.project.teacher import by_label
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.teacher.trust import Trust

FILE_DOTS = 800


def spoken(found: SweepResults) -> str:
    """The first words of a report: what the work added; the method's view where that was not measured."""
    return f"{found.worth.decider()} {found.worth.expert()}" if found.worth else found.sentence


class Report(Room):
    """What the results show, and results that can be sent to a colleague."""

    def __init__(
        self, place: Place, teacher: Teacher, trust: Trust, results: Results, diagnostics: Diagnostics, influence: Influence, maps: Maps
    ):
        super().__init__(place)
        self.teacher = teacher
        self.trust = trust
        self.results = results
        self.diagnostics = diagnostics
        self.influence = influence
        self.maps = maps

    def sections(self, chapter: str | None = None, k: int | None = None, label: str | None = None, for_file: bool = False) -> list[Section]:
        """The sections of one chapter (chapters.CHAPTERS), of all where None: map and worth take seconds.

        k: training rows of line and answers, the largest number where None. label: whose line the map shows, the task's last
        where None. for_file: for a file that has to stand alone. Raises NotEnoughData before the first sweep.
        """
        makers = {
            "bought": lambda: chapters.bought(self._latest()),
            "line": lambda: self._line(k, for_file),
            "map": lambda: chapters.text_map(self.maps.text_map(label, FILE_DOTS if for_file else MAP_TEXTS), for_file),
            "answers": lambda: self._answers(k, for_file),
            "worth": lambda: chapters.worth(self.influence.measure(), for_file),
        }
        wanted = chapters.CHAPTERS if chapter is None else (chapter,)
        return [section for name in wanted for section in makers[name]()]

    @needs("export")
    def html(self) -> str:
        """One self-contained HTML page. Raises NotEnoughData before the first sweep.

        It holds texts of the project (the map's, the won and lost ones): whoever gets it can read them.
        """
        from cod_core.export.report import build

        found, project = self._latest(), self.row
        config, counts = found.runs[0].config, summarise(self.teacher, self.results.pairs)
        about = [
            ("made", (self.results.report() or {}).get("made_at", "")),
            ("labels", ", ".join(project.task.labels)),
            *((f"what “{label}” means", means) for label, means in zip(project.task.labels, project.task.descriptions) if means),
            ("second opinions", agreement.spoken(agreement.told(agreement.of_logs(self.results.pairs.state().logs.values())))),
            ("teacher", self.teacher.label() or "none"),
            ("proposals", of_everybody(counts.n_valid, counts.n_tried)),
            ("student", config.student),
            ("encoder", config.encoder),
            ("app version", __version__),
        ]
        return build(f"Results: {project.name}", about, spoken(found), [*self.teacher_sections(), *self.sections(for_file=True)])

    def teacher_sections(self) -> list[Section]:
        """What the teacher knows of each label. None of a teacher whose answers cost money: a file is no reason to ask it."""
        return by_label.sections(self.trust.report()) if self.teacher.answers_at_once() else []

    def _latest(self) -> SweepResults:
        found = self.results.latest()
        if found is None or found.outdated or not found.runs:
            raise NotEnoughData("There are no results to report yet. Distil students first.")
        return found

    def _line(self, k: int | None, for_file: bool) -> list[Section]:
        seen = self.diagnostics.latest()
        return chapters.line(seen, k, for_file) if seen is not None else []

    def _answers(self, k: int | None, for_file: bool) -> list[Section]:
        k = next((e["k"] for e in reversed(self._latest().effects)), None) if k is None else k
        return chapters.answers(self.maps.answers(k), for_file) if k is not None else []
