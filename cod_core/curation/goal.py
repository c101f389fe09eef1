"""What stands between a project and a comparison, label by label: plain counts in, steps in words out. Knows no store.

Every page and the command `next` ask here, so that all of them say the same and none sends a person to a page where nothing can
be done. A step is something that can be done now; what a label lacks is said of that label, never as a total.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cod_core.said import several

WANTED = 3  # pairs of each label from which a comparison is worth its reading; one of each is enough to make one
AT_ONCE = 20  # texts proposed for at one press
FIRST = 16  # texts of the first proposals
ONE_BY_ONE, NAMED = 2, 4  # labels short of pairs that have a step each; labels named in a step for many


@dataclass(frozen=True)
class OfLabel:
    """The training texts of one label. pairs: with an accepted counterfactual that students may learn from.

    open: with a proposal that flips the teacher and waits for a decision. stuck: with proposals, none of which flips it.
    otherwise: which the teacher is known to see as another label, so that no flip of them would count. untouched: none of
    these, and not searched or rejected either.
    """

    label: str
    texts: int = 0
    pairs: int = 0
    open: int = 0
    stuck: int = 0
    otherwise: int = 0
    untouched: int = 0


@dataclass(frozen=True)
class Standing:
    """Where a project is. labels: those that are compared, left_out: those that are not. stale: proposals that the present
    teacher has not checked. seen: why the teacher may not judge these texts, "" where it may. compared: whether there is a
    comparison, current: of these pairs. taken: whether the student to take home is made of what there is now."""

    labels: tuple[OfLabel, ...]
    left_out: tuple[str, ...] = ()
    test: int = 0
    unlabelled: int = 0
    prompts: bool = False
    teacher: bool = False
    seen: str = ""
    proposals: int = 0
    stale: int = 0
    compared: bool = False
    current: bool = False
    taken: bool = False

    @property
    def open(self) -> int:
        return sum(one.open for one in self.labels)

    @property
    def without_pairs(self) -> tuple[str, ...]:
        """Labels that are compared and have no pair at all: while there is one, there is no comparison."""
        return tuple(one.label for one in self.labels if not one.pairs)


@dataclass(frozen=True)
class Step:
    """One thing to do. sentence: what is missing, how much, where it can be had. button: what a press does, on `page`.

    act: "go" opens the page; "propose" proposes for `n` untouched texts of `labels`; "recheck" lets the teacher check what waits.
    blocks: there is no comparison before it is done. may_leave_out: leaving `labels` out of the comparison does it too.
    """

    name: str
    sentence: str
    page: str
    button: str
    act: str = "go"
    labels: tuple[str, ...] = ()
    n: int = 0
    blocks: bool = True
    may_leave_out: bool = False

    def command(self, project: str) -> str:
        """What does it in a shell, "" where it is done by hand. project: its id."""
        told = {
            "propose": " ".join([f"generate {project} --k {self.n}", *(f'--label "{label}"' for label in self.labels)]),
            "recheck": f"curate {project} --check-again",
        }.get(self.act) or {
            "texts": f"import FILE --project {project}",
            "judging": f"import FILE --project {project} --role test",
            "teacher": f"teacher {project} finetune",
            "decide": f"curate {project}",
            "write": f"curate {project}",
            "first": f"generate {project} --k {FIRST}",
            "distil": f"distill {project}",
            "export": f"student {project}",
        }.get(self.name)
        return f"python -m cod_core {told}" if told else ""


def steps(now: Standing) -> list[Step]:
    """What can be done now, the most important first. Never empty."""
    found = [step for rule in RULES for step in rule(now)]
    if not blocking(found):
        found.sort(key=lambda step: step.name != "export")  # what is ready to be taken home comes before what could be better still
    return found or [Step("done", "Everything is compared and ready to take home.", "export", "Go to Export", blocks=False)]


def blocking(found: Sequence[Step]) -> list[Step]:
    """Of the steps those without which there is no comparison."""
    return [step for step in found if step.blocks]


def most_needed(found: Sequence[Step]) -> list[Step]:
    """The steps without which there is no comparison; all of them where nothing stands in its way."""
    return blocking(found) or list(found)


def texts(now: Standing) -> list[Step]:
    """Texts to learn from, of every label."""
    if not any(one.texts for one in now.labels):
        if now.prompts:
            return [Step("answers", "Your prompts have no labels yet. Let the model answer them.", "teacher", "Let the model answer")]
        return [Step("texts", "There are no labelled texts to learn from yet. Add some.", "data", "Add texts")]
    return [
        Step(
            "texts",
            f"No training text is labelled “{one.label}”. Add some, or leave the label out of the comparison.",
            "data",
            "Add texts",
            labels=(one.label,),
            may_leave_out=may_leave_out(now),
        )
        for one in now.labels
        if not one.texts
    ]


def teacher(now: Standing) -> list[Step]:
    """A teacher that may judge these texts, and its verdict on what is there."""
    if not any(one.texts for one in now.labels):
        return []
    if not now.teacher:
        return [Step("teacher", "No teacher is chosen yet. It checks whether a change flips the label.", "teacher", "Choose a teacher")]
    if now.seen:
        return [Step("teacher", now.seen, "teacher", "Choose another teacher")]
    if now.stale:
        wait = "1 proposal waits" if now.stale == 1 else f"{now.stale:,} proposals wait"
        return [
            Step(
                "recheck",
                f"{wait} for this teacher's check. Until then {'it does' if now.stale == 1 else 'they do'} not count.",
                "proposals",
                "Check again",
                "recheck",
            )
        ]
    return []


def pairs(now: Standing) -> list[Step]:
    """Pairs of every label: first those of labels that have none."""
    if not now.teacher or now.stale or now.seen or not any(one.texts for one in now.labels):
        return []
    if not now.proposals:
        return [Step("first", "No counterfactuals are proposed yet. Let the app propose some.", "proposals", "Propose counterfactuals")]
    return sorted(_of_short([one for one in now.labels if _short(one)], now), key=lambda step: not step.blocks)


def _of_short(short: Sequence[OfLabel], now: Standing) -> list[Step]:
    """A step for each label, or one for all of them where many have the same to do."""
    open_, untouched = ([one for one in short if one.open], [one for one in short if one.untouched and not one.open])
    grouped = (to_decide(open_) if len(open_) > ONE_BY_ONE else []) + (to_propose(untouched) if len(untouched) > ONE_BY_ONE else [])
    alone = [one for one in short if not any(one.label in step.labels for step in grouped)]
    return [*(of_label(one, now) for one in alone), *grouped]


def _short(one: OfLabel) -> bool:
    """Whether the label has texts, fewer pairs than are wanted, and a way to more; without any pair it is short in any case."""
    return one.texts > 0 and one.pairs < WANTED and (one.pairs == 0 or _more(one))


def to_decide(short: Sequence[OfLabel]) -> list[Step]:
    """One step for many labels whose proposals wait."""
    n = sum(one.open for one in short)
    sentence = f"{several(n, 'proposal')} wait for your decision. {_named(short)}"
    return [Step("decide", sentence, "curate", "Decide on them", labels=_labels(short), n=n, blocks=any(not one.pairs for one in short))]


def to_propose(short: Sequence[OfLabel]) -> list[Step]:
    """One step for many labels of which texts are untouched."""
    left = sum(one.untouched for one in short)
    n = min(max(AT_ONCE, WANTED * len(short)), left)
    sentence = f"{_named(short)} {several(left, 'text')} of them {'has' if left == 1 else 'have'} not been tried: propose for {n}."
    button = f"Propose for {several(n, 'text')} of these labels"
    return [Step("propose", sentence, "proposals", button, "propose", _labels(short), n, any(not one.pairs for one in short))]


def _labels(short: Sequence[OfLabel]) -> tuple[str, ...]:
    return tuple(one.label for one in short)


def _named(short: Sequence[OfLabel]) -> str:
    """'5 labels have fewer than 3 pairs: “a” 0, “b” 1 and 3 more.'"""
    thin = sorted(short, key=lambda one: one.pairs)
    more = f" and {len(thin) - NAMED} more" if len(thin) > NAMED else ""
    return f"{len(thin)} labels have fewer than {WANTED} pairs: {', '.join(f'“{one.label}” {one.pairs}' for one in thin[:NAMED])}{more}."


def _more(one: OfLabel) -> bool:
    """Whether anything is left by which the label comes to further pairs."""
    return bool(one.open or one.untouched or one.stuck or one.otherwise)


def of_label(one: OfLabel, now: Standing) -> Step:
    """How a label comes to (more) pairs: what waits first, then what is untouched, what does not flip, what is seen otherwise."""
    blocks, out = one.pairs == 0, may_leave_out(now)
    have = f"“{one.label}”: {one.pairs} of {WANTED} pairs."
    if one.open:
        wait = "1 proposal for it waits" if one.open == 1 else f"{one.open} proposals for it wait"
        return Step("decide", f"{have} {wait} for your decision.", "curate", "Decide on them", "go", (one.label,), one.open, blocks)
    if one.untouched:
        n = min(AT_ONCE, one.untouched)
        left = (
            "1 of its texts has not been tried: propose for it."
            if one.untouched == 1
            else f"{one.untouched:,} of its texts have not been tried: propose for {'them' if n == one.untouched else f'{n} of them'}."
        )
        button = f"Propose for {several(n, 'text')} of “{one.label}”"
        return Step("propose", f"{have} {left}", "proposals", button, "propose", (one.label,), n, blocks, out)
    if one.stuck:
        left = (
            "1 text has no proposal that flips the teacher: write one yourself."
            if one.stuck == 1
            else f"{one.stuck} texts have no proposal that flips the teacher: write one yourself."
        )
        return Step("write", f"{have} {left}", "curate", "Write one", "go", (one.label,), one.stuck, blocks, out)
    if one.otherwise:
        see = f"The teacher sees {one.otherwise:,} of its {several(one.texts, 'text')} as another label."
        return Step("otherwise", f"{have} {see} See which.", "teacher", "See them", "go", (one.label,), one.otherwise, blocks, out)
    used = f"The teacher turns none of its {several(one.texts, 'text')}. Add more texts of it, or leave it out."
    return Step("texts", f"{have} {used}", "data", "Add texts", "go", (one.label,), 0, blocks, out)


def may_leave_out(now: Standing) -> bool:
    """Whether two labels remain without one of those that are compared."""
    return len(now.labels) > 2


def judging(now: Standing) -> list[Step]:
    """Texts to measure on."""
    if now.test or now.unlabelled or not any(one.texts for one in now.labels):
        return []
    return [Step("judging", "There is nothing to measure on. Add test texts, or texts without labels.", "data", "Add test texts")]


def compare(now: Standing) -> list[Step]:
    """The comparison itself, once every label has a pair."""
    ready = now.teacher and not now.stale and not now.seen and not now.without_pairs and (now.test or now.unlabelled)
    if not ready or now.current:
        return []
    if now.compared:
        return [
            Step(
                "distil",
                "Your pairs or texts changed since the last comparison. Compare again.",
                "distill",
                "Go on to Distil",
                blocks=False,
            )
        ]
    n = sum(one.pairs for one in now.labels)
    return [Step("distil", f"{several(n, 'pair')}: enough to compare students.", "distill", "Go on to Distil", blocks=False)]


def waiting(now: Standing) -> list[Step]:
    """Proposals that wait for a decision, where no label depends on them."""
    if not now.open or not now.teacher or now.stale:
        return []
    wait = "1 proposal waits" if now.open == 1 else f"{now.open:,} proposals wait"
    return [Step("decide", f"{wait} for your decision.", "curate", "Go on to Curate", n=now.open, blocks=False)]


def export(now: Standing) -> list[Step]:
    """The student to take home."""
    if not now.current or now.taken:
        return []
    return [Step("export", "The comparison is ready. Take your student home.", "export", "Go to Export", blocks=False)]


RULES: tuple[Callable[[Standing], list[Step]], ...] = (texts, teacher, pairs, judging, waiting, compare, export)
