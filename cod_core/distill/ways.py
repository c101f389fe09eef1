"""Ways to a better student at the effort a person has: label more, let the teacher answer, curate counterfactuals, or two together.

What each of them got right on the same development texts, and what that says, in sentences. Arrays and values in, values out; knows no
store and no model. The figures of EXPECTED are those of docs/experiments/what-people-would-do-instead.md, and a test holds them to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cod_core.diagnostics.worth import Rows, fit
from cod_core.distill.linear import linear_logits
from cod_core.errors import BadInput
from cod_core.said import Said, msg, say, several

LABELS, LINE, TEACHER, PAIRS, BOTH = "labels", "line", "unlabelled", "pairs", "both"
SIZES = (50, 100, 200, 500, 1000)  # numbers of texts at which the teacher's answers alone are compared with the counterfactuals
MOST_TEXTS = 2000
DRAWS = 5
FEWEST_LABELS = 2
CHANCE_P = 0.05


@dataclass(frozen=True)
class Way:
    """One way. name: of those above. rows: texts that it learns from. right: a development text each, whether it was right on it."""

    name: str
    rows: int
    right: tuple[bool, ...]

    @property
    def share(self) -> float:
        """Share right; 0 where nothing was measured."""
        return sum(self.right) / len(self.right) if self.right else 0.0


@dataclass(frozen=True)
class Ways:
    """What was measured. ways: those that the project has rows for. pairs: accepted counterfactuals. unlabelled: texts of the
    project without a label. half: share right with half of the labelled texts, mean of DRAWS draws. catches_up: the smallest
    number of texts whose teacher's answers do as well as the counterfactuals, None where none does or either is missing. stale:
    whether there is other to learn from now."""

    ways: tuple[Way, ...]
    n_dev: int
    pairs: int
    unlabelled: int
    half: float | None = None
    catches_up: int | None = None
    state: str = ""
    stale: bool = False

    def of(self, name: str) -> Way | None:
        """The way of this name, None where the project has no rows for it."""
        return next((way for way in self.ways if way.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `read` reads them back."""
        return {
            "ways": [{"name": w.name, "rows": w.rows, "right": "".join("01"[r] for r in w.right), "share": w.share} for w in self.ways],
            "n_dev": self.n_dev,
            "pairs": self.pairs,
            "unlabelled": self.unlabelled,
            "half": self.half,
            "catches_up": self.catches_up,
            "state": self.state,
        }


def read(kept: Mapping[str, Any], state: str) -> Ways:
    """What to_json wrote; stale where `state` is another now. Raises BadInput for a mapping of another shape."""
    try:
        ways = tuple(Way(w["name"], int(w["rows"]), tuple(one == "1" for one in w["right"])) for w in kept["ways"])
        n_dev, pairs, unlabelled = (int(kept[name]) for name in ("n_dev", "pairs", "unlabelled"))
        return Ways(ways, n_dev, pairs, unlabelled, kept["half"], kept["catches_up"], kept["state"], kept["state"] != state)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("What was measured of the ways was written by another version. Measure them again.") from error


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both."""
    return Rows(*(np.concatenate([getattr(first, part), getattr(second, part)]) for part in ("features", "hard", "soft")))


def some(rows: Rows, which: Sequence[int] | np.ndarray) -> Rows:
    """Those of the rows."""
    return Rows(rows.features[which], rows.hard[which], rows.soft[which])


def taught(rows: Rows, dev: np.ndarray) -> np.ndarray:
    """(m,) class indices that the linear student of the rows gives development texts (m, d)."""
    told: np.ndarray = linear_logits(np.asarray(dev, dtype=np.float64), *fit(rows)).argmax(-1)
    return told


def line(rows: Rows, dev: np.ndarray) -> np.ndarray:
    """(m,) the same of a logistic regression on the labels alone: no teacher, no soft label."""
    from sklearn.linear_model import LogisticRegression

    told: np.ndarray = LogisticRegression(C=10, max_iter=2000).fit(rows.features, rows.hard).predict(dev)
    return told


def measured(
    labelled: Rows, free: Rows, paired: Rows, dev: np.ndarray, gold: np.ndarray, tell: Callable[[str], None] = lambda doing: None
) -> tuple[tuple[Way, ...], float | None, int | None]:
    """(the ways, share right with half of the labelled texts, where the teacher's answers catch up): see Ways.

    labelled: with their labels; free: with the teacher's; paired: texts and their counterfactuals; any of them may be empty, and
    one whose rows are all of one class counts as empty. dev (m, d), gold (m,), m >= 1.
    """
    parts = {LABELS: labelled, LINE: labelled, TEACHER: free, PAIRS: paired}
    if _teaches(free) and _teaches(paired):
        parts[BOTH] = joined(free, paired)
    ways = []
    for name, rows in parts.items():
        if _teaches(rows):
            tell(DOING[name])
            told = line(rows, dev) if name == LINE else taught(rows, dev)
            ways.append(Way(name, len(rows.hard), tuple(bool(x) for x in told == gold)))
    half = _mean_of_draws(labelled, len(labelled.hard) // 2, dev, gold) if _teaches(labelled) else None
    return tuple(ways), half, _catches_up(ways, free, dev, gold, tell)


def _teaches(rows: Rows) -> bool:
    return len(set(rows.hard.tolist())) >= FEWEST_LABELS


def _mean_of_draws(rows: Rows, n: int, dev: np.ndarray, gold: np.ndarray) -> float | None:
    """Mean share right of students of n random rows; None where a draw has one class only."""
    drawn = [some(rows, np.random.default_rng(seed).permutation(len(rows.hard))[:n]) for seed in range(DRAWS)]
    if n < FEWEST_LABELS or not all(map(_teaches, drawn)):
        return None
    return float(np.mean([(taught(one, dev) == gold).mean() for one in drawn]))


def _catches_up(ways: Sequence[Way], free: Rows, dev: np.ndarray, gold: np.ndarray, tell: Callable[[str], None]) -> int | None:
    goal = next((way.share for way in ways if way.name == PAIRS), None)
    alone = next((way for way in ways if way.name == TEACHER), None)
    if goal is None or alone is None:
        return None
    for n in (n for n in SIZES if n < len(free.hard)):
        tell(say("the teacher's answers on {texts:,} texts", texts=n))
        found = _mean_of_draws(free, n, dev, gold)
        if found is not None and found >= goal:
            return n
    return len(free.hard) if alone.share >= goal else None


def chance(first: Way, second: Way) -> float:
    """Two-sided exact p that two ways are right as often, from the development texts on which one of them alone is (McNemar)."""
    from scipy.stats import binomtest

    only = [a for a, b in zip(first.right, second.right) if a != b]
    return float(binomtest(sum(only), len(only)).pvalue) if only else 1.0


DOING = {
    LABELS: msg("your labelled texts"),
    LINE: msg("a plain classifier on your labels"),
    TEACHER: msg("the teacher's answers"),
    PAIRS: msg("your counterfactuals"),
    BOTH: msg("both together"),
}


EXPECTED = msg(
    "On eight public tasks the teacher's answers on 50 to 500 texts matched 16 texts with their counterfactuals. "
    "From 500 such texts on, counterfactuals added less than one point."
)
"""What to expect where nothing was measured yet."""


def percent(share: float) -> str:
    """'81 %', the same in every language."""
    return f"{100 * share:.0f} %"


def sentences(found: Ways) -> list[Said]:
    """What was measured and what to do, in words; nothing where there is nothing to say of this project."""
    if not found.n_dev:
        return [say("You have no labelled development texts, so the ways cannot be compared here. Add some on the Data page.")]
    said = [*_of_texts(found), *_of_labels(found), *_catching_up(found), *_advice(found)]
    return said or [say("There is nothing to compare yet: add labelled texts, or accept some counterfactuals.")]


def _of_texts(found: Ways) -> list[Said]:
    """The teacher's answers, the counterfactuals, both."""
    alone, pairs, both, dev = found.of(TEACHER), found.of(PAIRS), found.of(BOTH), found.n_dev
    if alone is None:
        none = say("You have no texts without a label for the teacher to answer. Add some on the Data page.")
        return [_of_pairs(found, pairs), none] if pairs else [none]
    if found.unlabelled > alone.rows:
        said = say(
            "You have {texts:,} texts without a label, and {used:,} of them were used here.", texts=found.unlabelled, used=alone.rows
        )
    else:
        said = say("You have {texts:,} texts without a label.", texts=found.unlabelled)
    told = say("On them the teacher's answers alone reach {share} on your {dev:,} development texts", share=percent(alone.share), dev=dev)
    if not (pairs and both):
        return [said, say("{told}.", told=told)]
    shares: dict[str, object] = {"told": told, "share": percent(pairs.share), "both": percent(both.share)}
    if found.pairs == 1:
        return [said, say("{told}; your one counterfactual {share}; both together {both}.", **shares)]
    return [said, say("{told}; your {pairs:,} counterfactuals {share}; both together {both}.", pairs=found.pairs, **shares)]


def _of_pairs(found: Ways, pairs: Way) -> Said:
    share, dev = percent(pairs.share), found.n_dev
    if found.pairs == 1:
        return say("Your one counterfactual with their texts reach {share} on your {dev:,} development texts.", share=share, dev=dev)
    return say(
        "Your {pairs:,} counterfactuals with their texts reach {share} on your {dev:,} development texts.",
        pairs=found.pairs,
        share=share,
        dev=dev,
    )


def _of_labels(found: Ways) -> list[Said]:
    """The labelled texts, with and without a teacher, and what the second half of them brought."""
    own, plain = found.of(LABELS), found.of(LINE)
    if own is None or plain is None:
        return []
    said = [
        say(
            "Your {texts:,} labelled texts reach {share} with the teacher's help, and {plain} as a plain classifier without a teacher.",
            texts=own.rows,
            share=percent(own.share),
            plain=percent(plain.share),
        )
    ]
    if found.half is not None and own.rows >= 8:
        more = round(100 * (own.share - found.half))
        said.append(
            say(
                "The second half of your labels brought {more}; labelling as many again may bring less than that.",
                more=several(more, "point more", "points more"),
            )
            if more > 0
            else say("The second half of your labels brought nothing more, so labelling further may not help.")
        )
    return said


def _catching_up(found: Ways) -> list[Said]:
    if found.catches_up is None or not found.pairs:
        return []
    return [say("From about {texts:,} texts on, the teacher's answers alone do as well as your counterfactuals.", texts=found.catches_up)]


def _advice(found: Ways) -> list[Said]:
    """The way that did best, if that is more than chance."""
    ranked = sorted((way for way in found.ways if way.name != LINE), key=lambda way: -way.share)
    if len(ranked) < 2:
        return []
    best, next_ = ranked[:2]
    if chance(best, next_) >= CHANCE_P:
        return [say("The best two differ by no more than chance would: there are {texts:,} development texts.", texts=found.n_dev)]
    return [BEST[best.name]]


BEST = {
    LABELS: say("Your labelled texts do best here."),
    TEACHER: say("The teacher's answers do best here, so collect more texts without a label."),
    PAIRS: say("Your counterfactuals do best here, so go on curating."),
    BOTH: say("Counterfactuals on top of the teacher's answers do best here, so go on with both."),
}
