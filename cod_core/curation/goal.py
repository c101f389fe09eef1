"""What stands between a project and a comparison, label by label: plain counts in, steps in words out. Knows no store.

Every page and the command `next` ask here, so that all of them say the same and none sends a person to a page where nothing can
be done. A step is something that can be done now; what a label lacks is said of that label, never as a total.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cod_core.said import and_more, say, several, together

WANTED = 3  # pairs of each label from which a comparison is worth its reading; one of each is enough to make one
AT_ONCE = 20  # texts proposed for at one press
FIRST = 16  # texts of the first proposals
ONE_BY_ONE, NAMED = 2, 4  # labels short of pairs that have a step each; labels named in a step for many


def first_wanted(labels: int) -> int:
    """Texts of the first proposals of a project with so many labels."""
    return max(FIRST, WANTED * labels)


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
    return found or [Step("done", say("Everything is compared and ready to take home."), "export", say("Go to Export"), blocks=False)]


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
            return [
                Step("answers", say("Your prompts have no labels yet. Let the model answer them."), "teacher", say("Let the model answer"))
            ]
        return [Step("texts", say("There are no labelled texts to learn from yet. Add some."), "data", say("Add texts"))]
    return [
        Step(
            "texts",
            say("No training text is labelled “{label}”. Add some, or leave the label out of the comparison.", label=one.label),
            "data",
            say("Add texts"),
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
        none = say("No teacher is chosen yet. It checks whether a change flips the label.")
        return [Step("teacher", none, "teacher", say("Choose a teacher"))]
    if now.seen:
        return [Step("teacher", now.seen, "teacher", say("Choose another teacher"))]
    if now.stale:
        wait = (
            say("1 proposal waits for this teacher's check. Until then it does not count.")
            if now.stale == 1
            else say("{n:,} proposals wait for this teacher's check. Until then they do not count.", n=now.stale)
        )
        return [Step("recheck", wait, "proposals", say("Check again"), "recheck")]
    return []


def pairs(now: Standing) -> list[Step]:
    """Pairs of every label: first those of labels that have none."""
    if not now.teacher or now.stale or now.seen or not any(one.texts for one in now.labels):
        return []
    if not now.proposals:
        none = say("No counterfactuals are proposed yet. Let the app propose some.")
        return [Step("first", none, "proposals", say("Propose counterfactuals"))]
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
    sentence = together([say("{proposals} wait for your decision.", proposals=several(n, "proposal")), _named(short)])
    return [
        Step("decide", sentence, "curate", say("Decide on them"), labels=_labels(short), n=n, blocks=any(not one.pairs for one in short))
    ]


def to_propose(short: Sequence[OfLabel]) -> list[Step]:
    """One step for many labels of which texts are untouched."""
    left = sum(one.untouched for one in short)
    n = min(max(AT_ONCE, WANTED * len(short)), left)
    untried = (
        say("1 text of them has not been tried: propose for {k}.", k=n)
        if left == 1
        else say("{n:,} texts of them have not been tried: propose for {k}.", n=left, k=n)
    )
    button = say("Propose for {texts} of these labels", texts=several(n, "text"))
    return [
        Step(
            "propose",
            together([_named(short), untried]),
            "proposals",
            button,
            "propose",
            _labels(short),
            n,
            any(not one.pairs for one in short),
        )
    ]


def _labels(short: Sequence[OfLabel]) -> tuple[str, ...]:
    return tuple(one.label for one in short)


def _named(short: Sequence[OfLabel]) -> str:
    """'5 labels have fewer than 3 pairs: “a” 0, “b” 1 and 3 more.'"""
    thin = sorted(short, key=lambda one: one.pairs)
    labels = and_more([say("“{label}” {n}", label=one.label, n=one.pairs) for one in thin], NAMED)
    return say("{n} labels have fewer than {wanted} pairs: {labels}.", n=len(thin), wanted=WANTED, labels=labels)


def _more(one: OfLabel) -> bool:
    """Whether anything is left by which the label comes to further pairs."""
    return bool(one.open or one.untouched or one.stuck or one.otherwise)


def of_label(one: OfLabel, now: Standing) -> Step:
    """How a label comes to (more) pairs: what waits first, then what is untouched, what does not flip, what is seen otherwise."""
    blocks, out = one.pairs == 0, may_leave_out(now)
    have = say("“{label}”: {n} of {wanted} pairs.", label=one.label, n=one.pairs, wanted=WANTED)
    if one.open:
        wait = (
            say("1 proposal for it waits for your decision.")
            if one.open == 1
            else say("{n} proposals for it wait for your decision.", n=one.open)
        )
        return Step("decide", together([have, wait]), "curate", say("Decide on them"), "go", (one.label,), one.open, blocks)
    if one.untouched:
        n = min(AT_ONCE, one.untouched)
        if one.untouched == 1:
            left = say("1 of its texts has not been tried: propose for it.")
        elif n == one.untouched:
            left = say("{n:,} of its texts have not been tried: propose for them.", n=n)
        else:
            left = say("{n:,} of its texts have not been tried: propose for {k} of them.", n=one.untouched, k=n)
        button = say("Propose for {texts} of “{label}”", texts=several(n, "text"), label=one.label)
        return Step("propose", together([have, left]), "proposals", button, "propose", (one.label,), n, blocks, out)
    if one.stuck:
        left = (
            say("1 text has no proposal that flips the teacher: write one yourself.")
            if one.stuck == 1
            else say("{n} texts have no proposal that flips the teacher: write one yourself.", n=one.stuck)
        )
        return Step("write", together([have, left]), "curate", say("Write one"), "go", (one.label,), one.stuck, blocks, out)
    if one.otherwise:
        see = say("The teacher sees {n:,} of its {texts} as another label. See which.", n=one.otherwise, texts=several(one.texts, "text"))
        return Step("otherwise", together([have, see]), "teacher", say("See them"), "go", (one.label,), one.otherwise, blocks, out)
    used = say("The teacher turns none of its {texts}. Add more texts of it, or leave it out.", texts=several(one.texts, "text"))
    return Step("texts", together([have, used]), "data", say("Add texts"), "go", (one.label,), 0, blocks, out)


def may_leave_out(now: Standing) -> bool:
    """Whether two labels remain without one of those that are compared."""
    return len(now.labels) > 2


def judging(now: Standing) -> list[Step]:
    """Texts to measure on."""
    if now.test or now.unlabelled or not any(one.texts for one in now.labels):
        return []
    nothing = say("There is nothing to measure on. Add test texts, or texts without labels.")
    return [Step("judging", nothing, "data", say("Add test texts"))]


def compare(now: Standing) -> list[Step]:
    """The comparison itself, once every label has a pair."""
    ready = now.teacher and not now.stale and not now.seen and not now.without_pairs and (now.test or now.unlabelled)
    if not ready or now.current:
        return []
    if now.compared:
        return [
            Step(
                "distil",
                say("Your pairs or texts changed since the last comparison. Compare again."),
                "distill",
                say("Go on to Distil"),
                blocks=False,
            )
        ]
    n = sum(one.pairs for one in now.labels)
    enough = say("{pairs}: enough to compare students.", pairs=several(n, "pair"))
    return [Step("distil", enough, "distill", say("Go on to Distil"), blocks=False)]


def waiting(now: Standing) -> list[Step]:
    """Proposals that wait for a decision, where no label depends on them."""
    if not now.open or not now.teacher or now.stale:
        return []
    wait = say("1 proposal waits for your decision.") if now.open == 1 else say("{n:,} proposals wait for your decision.", n=now.open)
    return [Step("decide", wait, "curate", say("Go on to Curate"), n=now.open, blocks=False)]


def export(now: Standing) -> list[Step]:
    """The student to take home."""
    if not now.current or now.taken:
        return []
    return [Step("export", say("The comparison is ready. Take your student home."), "export", say("Go to Export"), blocks=False)]


RULES: tuple[Callable[[Standing], list[Step]], ...] = (texts, teacher, pairs, judging, waiting, compare, export)
