"""What each way to a better student takes of a person: labels, decisions, minutes, in numbers and words. Knows no store and no model."""

from dataclasses import dataclass

from cod_core.curation.pace import FEWEST, Pace
from cod_core.distill.ways import BOTH, LABELS, LINE, PAIRS, Way, Ways
from cod_core.said import Said, say, several

EXPECTED_PAIRS = 16  # of the sentence of what to expect: ways.EXPECTED


@dataclass(frozen=True)
class Effort:
    """labels: texts to label. decisions: on counterfactuals. minutes: of a person."""

    labels: int
    decisions: int
    minutes: float

    def spoken(self) -> Said:
        """ "28 labels and 40 decisions, about 17 minutes"."""
        if not self.labels and not self.decisions:
            return say("none")
        labels = several(self.labels, "label")
        if not self.decisions:
            return say("{labels}, {minutes}", labels=labels, minutes=spoken_minutes(self.minutes))
        decisions = several(self.decisions, "decision")
        return say("{labels} and {decisions}, {minutes}", labels=labels, decisions=decisions, minutes=spoken_minutes(self.minutes))


def spoken_minutes(minutes: float) -> Said:
    """ "about 17 minutes", "under a minute", "about 2.5 hours"."""
    if minutes < 1:
        return say("under a minute")
    if minutes >= 90:
        return say("about {hours:.1f} hours", hours=minutes / 60)
    n = round(minutes)
    return say("about {minutes}", minutes=several(n, "minute"))


def effort(way: Way, found: Ways, pace: Pace) -> Effort:
    """What the rows of a way took. A text with a counterfactual was labelled and decided; decisions that kept nothing count too."""
    if way.name in (LABELS, LINE):
        return _of(way.rows, 0, pace)
    if way.name in (PAIRS, BOTH):
        return _of(found.pairs, max(found.pairs, pace.decided), pace)
    return Effort(0, 0, 0.0)


def _of(labels: int, decisions: int, pace: Pace) -> Effort:
    return Effort(labels, decisions, pace.minutes(labels, decisions))


def expected(pace: Pace) -> Said:
    """The effort behind ways.EXPECTED, where nothing was measured yet."""
    work = _of(EXPECTED_PAIRS, EXPECTED_PAIRS, pace)
    return say(
        "Those {pairs} counterfactuals take {minutes} of yours; the same time labels {labels}, and the teacher's answers take none.",
        pairs=EXPECTED_PAIRS,
        minutes=spoken_minutes(work.minutes),
        labels=several(round(60 * work.minutes / pace.label), "text"),
    )


def measured_or_assumed(pace: Pace) -> Said:
    """Where the minutes come from."""
    if pace.timed:
        return say(
            "Minutes go by your own pace: {seconds:.0f} seconds a decision, the median of {timed:,}. "
            "A label is assumed to take {label:.0f}.",
            seconds=pace.decision,
            timed=pace.timed,
            label=pace.label,
        )
    return say(
        "Minutes are assumed: {seconds:.0f} seconds a decision, {label:.0f} a label. After {fewest} timed decisions your own pace counts.",
        seconds=pace.decision,
        label=pace.label,
        fewest=FEWEST,
    )
