"""What a teacher knows of each label as sections: the Teacher page and the HTML report show the same. Asks no room."""

from cod_core import figures
from cod_core.diagnostics.by_class import OfLabel
from cod_core.diagnostics.fidelity import Share
from cod_core.export.sections import Section
from cod_core.project.teacher.trust import TeacherReport
from cod_core.said import Said, msg, say, together

FOUND, RIGHT = msg("found (of your texts with it)"), msg("right (when it says it)")
MATRIX = "teacher-confusion"
MIXED_UP = 50  # mistakes listed, the most frequent first


def sections(report: TeacherReport) -> list[Section]:
    """Nothing where no labelled text could be judged."""
    return [labels_of(report), mixed_up(report), *technical(report)] if report.by_class else []


def labels_of(report: TeacherReport) -> Section:
    """The table, worst label first, under the sentences that name a label which it does not know."""
    of = report.by_class.of if report.by_class else ()
    worst_first = sorted(of, key=lambda one: (one.recall.value if one.n else 2.0, -one.n))
    return Section(
        say("The teacher, label by label"),
        report.sentences[0] if report.sentences else say("It knows each of your labels."),
        rows=[_row(one) for one in worst_first],
        lines=report.sentences[1:],
        caption=together(
            (say("Counted on {texts:,} of your labelled texts that it was not trained on.", texts=report.judged), intervals(report))
        ),
        id="teacher-labels",
    )


def intervals(report: TeacherReport) -> Said:
    """What the numbers in brackets are, and how many texts were added for rare labels."""
    added = report.judged - report.n
    where = say("In brackets: where the true share lies, with 95 % confidence.")
    if not added:
        return where
    return together((where, say("{added:,} of them were added to judge rare labels: they count under “found” only.", added=added)))


def _row(one: OfLabel) -> dict[str, object]:
    right = round((one.precision.value or 0.0) * one.precision.n)
    return {msg("label"): one.label, FOUND: in_words(one.right, one.recall), RIGHT: in_words(right, one.precision)}


def in_words(hits: int, share: Share) -> str:
    """'3 of 20 (5 to 36 %)', '–' where there is no text."""
    if share.low is None or share.high is None:
        return "–"
    return say("{hits} of {of} ({low:.0f} to {high:.0f} %)", hits=hits, of=share.n, low=100 * share.low, high=100 * share.high)


def mixed_up(report: TeacherReport) -> Section:
    """Which label it says in place of which, the most frequent first."""
    pairs = report.by_class.mixed_up() if report.by_class else []
    more = say("The first {first} of {of} kinds of mistake.", first=MIXED_UP, of=len(pairs)) if len(pairs) > MIXED_UP else ""
    return Section(
        say("What the teacher mixes up"),
        report.mistake or say("It made no mistake on these texts."),
        rows=[{msg("it said"): said, msg("your label"): label, msg("texts"): n} for said, label, n in pairs[:MIXED_UP]],
        caption=more,
        numbers=[{"said": said, "label": label, "texts": n} for said, label, n in pairs],
        id="teacher-mixed",
    )


def technical(report: TeacherReport) -> list[Section]:
    """The confusion matrix, and whether "83 % sure" is right 83 times in 100."""
    seen, sure = report.by_class, report.calibration
    if seen is None or sure is None:
        return []
    order = seen.most_mistakes_first() if len(seen.labels) > figures.FEW_LABELS else list(range(len(seen.labels)))
    shares = seen.shares()
    matrix = figures.teacher_confusion(
        [seen.labels[i] for i in order], [[shares[i][j] for j in order] for i in order], [seen.of[i].n for i in order]
    )
    sorted_so = say("The labels with the most mistakes come first.") if order != sorted(order) else ""
    curve = [figures.reliability_plot([(b.confidence, b.right, b.n) for b in sure.bins])] if sure.bins else []
    if sure.ece is None:
        said = say("How well its certainty fits needs 200 judged texts; there are {texts:,}.", texts=sure.n)
    else:
        low, high = sure.low or 0.0, sure.high or 0.0
        said = say(
            "Calibration error (ECE) {ece:.3f}, 95 % interval {low:.3f} to {high:.3f}, on {texts:,} texts.",
            ece=sure.ece,
            low=low,
            high=high,
            texts=sure.n,
        )
    return [
        Section(say("Every label against every other"), figures=[matrix], caption=sorted_so, technical=True, id=MATRIX),
        Section(
            say("Is it as sure as it is right?"),
            figures=curve,
            caption=said,
            notes=["ece"] if curve else [],
            technical=True,
            id="teacher-sure",
        ),
    ]
