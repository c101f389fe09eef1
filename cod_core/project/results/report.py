"""The HTML report of a project's results: which sections, from the same verbs that the Results page asks."""

from cod_core import __version__, figures
from cod_core.errors import NotEnoughData
from cod_core.project.place import Place, Room
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.influence import Influence
from cod_core.project.results.maps import Maps
from cod_core.project.results.results import ResultsRoom
from cod_core.project.teacher.teacher import Teacher

REPORT_DOTS, REPORT_TEXTS = 800, 12


DISTANCES = {
    "mean": "gap, mean",
    "uncensored_mean": "gap where both ends are right",
    "censored": "share that misses an end",
    "hausdorff": "distance of the lines, largest (sampled)",
    "hd95": "distance of the lines, 95th percentile",
    "chamfer": "distance of the lines, typical",
}


class Report(Room):
    """Results that can be sent to a colleague."""

    def __init__(self, place: Place, teacher: Teacher, results: ResultsRoom, diagnostics: Diagnostics, influence: Influence, maps: Maps):
        super().__init__(place)
        self.teacher = teacher
        self.results = results
        self.diagnostics = diagnostics
        self.influence = influence
        self.maps = maps

    def html(self) -> str:
        """One self-contained HTML page. Raises NotEnoughData before the first sweep.

        It holds texts of the project (the map's, the won and lost ones): whoever gets it can read them.
        """
        from cod_core.export.report import Section, build

        found = self.results.latest()
        if found is None or found.outdated or not found.runs:
            raise NotEnoughData("There are no results to report yet. Distil students first.")
        project, config = self.row, found.runs[0].config
        accuracy = any(r.get("mean") is not None for r in found.table)
        curves = [figures.accuracy_curve(found.table, found.teacher_accuracy, found.majority)] if accuracy else []
        sections = [
            Section(
                "What it bought",
                "",
                [*curves, figures.agreement_curve(found.table)],
                [{**r} for r in found.table],
                ["difference", "accuracy", "agreement"],
            )
        ]
        if len(found.effects) > 1:
            sections.append(
                Section("At every number of training rows", rows=[{"k": e["k"], "in words": e["sentence"]} for e in found.effects])
            )
        sections += self._line_sections(Section)
        sections += self._text_sections(found, Section)
        about = [
            ("made", (self.results.report() or {}).get("made_at", "")),
            ("labels", ", ".join(project.task.labels)),
            ("teacher", self.teacher.label() or "none"),
            ("student", config.student),
            ("encoder", config.encoder),
            ("app version", __version__),
        ]
        return build(f"Results: {project.name}", about, found.sentence, sections)

    def _line_sections(self, section) -> list:
        seen = self.diagnostics.latest()
        if seen is None:
            return []
        out, margins = [], seen["margins"]
        if margins["ids"]:
            out.append(
                section(
                    "How near the counterfactuals are to the teacher's line",
                    figures=[figures.margin_histogram(margins["originals"], margins["cfes"])],
                    notes=["margins"],
                )
            )
        for k, gap in list(seen["gaps"].items())[-1:]:
            if not gap["n"]:
                continue
            arms = gap["arms"]
            rows = [
                {"measure": name, "without": arms["kd"][key], "with counterfactuals": arms["cod"][key]} for key, name in DISTANCES.items()
            ]
            out.append(
                section(
                    f"How far the student's line is from the teacher's, at {k} training rows",
                    figures=[
                        figures.crossing_gap_plot({a: arms[a]["gap"] for a in arms}, {a: arms[a]["censored"] for a in arms}),
                        figures.paired_gap_plot(gap["pairs"], arms["kd"]["gap"], arms["cod"]["gap"]),
                    ],
                    rows=rows,
                    notes=["gap", "ends", "hausdorff"],
                )
            )
        for k, fidelity in list(seen["fidelity"].items())[-1:]:
            if fidelity.get("kd"):
                names = [m for m in fidelity["kd"]]
                out.append(
                    section(
                        f"How closely the student follows, at {k} training rows",
                        rows=[{"measure": m, "without": fidelity["kd"][m], "with counterfactuals": fidelity["cod"].get(m)} for m in names],
                        notes=names,
                    )
                )
        return out

    def _text_sections(self, found, section) -> list:
        seen = self.maps.text_map(limit=REPORT_DOTS)
        out = [
            section("Map of the texts", figures=[figures.text_map_plot(seen.dots, seen.pairs, seen.axis_label, webgl=False)], notes=["map"])
        ]
        if found.effects:
            told = self.maps.confusion(found.effects[-1]["k"])
            if told["texts"]:
                best, worst = told["texts"][:REPORT_TEXTS], told["texts"][::-1][:REPORT_TEXTS]
                out.append(
                    section(
                        "Which labels are mixed up",
                        figures=[figures.confusion_plot(told["labels"], told["confusion"])],
                        notes=["confusion"],
                    )
                )
                out += [
                    section(
                        title,
                        rows=[
                            {"text": r["text"][:300], "label": r["label"], "without": r["kd"], "with counterfactuals": r["cod"]}
                            for r in rows
                        ],
                        notes=["won"],
                    )
                    for title, rows in (("Texts won by the counterfactuals", best), ("Texts lost", worst))
                ]
        value = self.influence.measure()
        if value is not None:
            ends = value.values[:REPORT_TEXTS] + value.values[-REPORT_TEXTS:]
            rows = [
                {"text": v["text"][:300], "counterfactual": v["counterfactual"][:300], "worth in nats": v["nll"]}
                for v in dict((v["id"], v) for v in ends).values()
            ]
            out.append(
                section(
                    "What each counterfactual was worth",
                    f"Measured on {value.n_dev:,} {value.measured_on}.",
                    [figures.worth_plot(value.values)],
                    rows,
                    ["worth"],
                )
            )
        return out
