"""What is next in a project: its counts, read off what is on record, put to the rules of curation/goal.py. Asks no model."""

from collections import Counter
from collections.abc import Collection, Mapping

from cod_core.curation.goal import OfLabel, Standing, Step, steps
from cod_core.data.counts import Counts
from cod_core.project.curation.pairs import Pairs, State
from cod_core.project.draws import Draws
from cod_core.project.place import Latest, Place, Room
from cod_core.project.results.results import Results
from cod_core.project.students.plan import SweepPlans
from cod_core.project.students.product import Product
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import cache, corrections, items
from cod_core.text import text_hash
from cod_core.types import Example

READ_OF_LABEL = 500  # untouched texts of a label whose answer by the teacher is looked up: enough to say what can be done


def kind_of_text(example: Example, state: State, fair: Collection[str]) -> str:
    """What a text with proposals counts as: pair, open, stuck, otherwise or done. fair: ids of texts with a pair to learn from."""
    decision = state.outcome.get(example.id)
    if example.id in fair:
        return "pair"
    checks = (state.checks.get(cf.id) for cf in state.snapshot.by_example.get(example.id, ()))
    check = next(filter(None, checks), None)
    if check is not None and check.before.label != example.label:
        return "otherwise"
    if decision is not None and decision.status not in ("pending", "skipped"):
        return "done"
    return "open" if example.id in state.flipped else "stuck"


class NextSteps(Room):
    """Where a project stands, and what to do now."""

    def __init__(
        self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs, draws: Draws, plan: SweepPlans, results: Results, product: Product
    ):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.plan = plan
        self.results = results
        self.product = product
        self.last = place.once("standing", Latest[tuple[object, Standing]])
        self.seen = place.once("seen otherwise", Latest[tuple[object, Mapping[str, Example], Counter[str]]])

    def steps(self) -> list[Step]:
        """What can be done now, the most important first; never empty."""
        return steps(self.standing())

    def standing(self) -> Standing:
        """Where the project is; counted once until something changes."""
        state, counts = self.pairs.state(), self.texts.counts()
        mark = self._mark(state, counts)
        known = self.last.value
        if known is None or known[0] != mark:
            known = self.last.value = mark, self._counted(state, counts)
        return known[1]

    def _mark(self, state: State, counts: Counts) -> object:
        identity = self.teacher.identity()
        answers = cache.count_predictions(self.db, *identity) if identity else 0
        report = self.results.report_path()
        made = [path.stat().st_mtime_ns if path.exists() else 0 for path in (report, self.product.path())]
        return (
            state.labellings,
            state.snapshot.number,
            identity,
            self.plan.left_out(),
            counts,
            corrections.written(self.db, self.id),
            answers,
            made,
        )

    def _counted(self, state: State, counts: Counts) -> Standing:
        report, product = self.results.report(), self.product.latest()
        prompts = not counts.labelled("train") and bool(counts.unlabelled) and self.teacher.generates()
        return Standing(
            labels=self._of_labels(state, counts),
            left_out=tuple(self.plan.left_out()),
            test=counts.labelled("test"),
            unlabelled=counts.unlabelled,
            prompts=prompts,
            teacher=self.row.teacher is not None,
            seen=self.teacher.seen_in_training() if self.row.teacher is not None else "",
            proposals=len(state.snapshot.by_example),
            stale=state.stale if self.row.teacher is not None else 0,
            compared=report is not None,
            current=report is not None and report.get("state") == self.results.state_mark(),
            taken=product is not None and not product.stale,
        )

    def _of_labels(self, state: State, counts: Counts) -> tuple[OfLabel, ...]:
        labels, train = self.plan.compared(), counts.per_label("train", self.labels)
        tried, fair = self._tried(state), self.plan.fair_pairs().fair
        kinds = Counter((e.label, kind_of_text(e, state, fair)) for e in state.snapshot.examples.values() if e.split == "train")
        kinds.update((e.label, "tried") for e in tried)
        touched = Counter[str | None]()
        for (label, _), n in kinds.items():
            touched[label] += n
        untouched = {label: max(0, train[label] - touched[label]) for label in labels}
        otherwise = self._otherwise(frozenset(label for label, n in untouched.items() if n), state, frozenset(e.id for e in tried))
        return tuple(
            OfLabel(
                label,
                train[label],
                kinds[label, "pair"],
                kinds[label, "open"],
                kinds[label, "stuck"],
                kinds[label, "otherwise"] + otherwise[label],
                max(0, untouched[label] - otherwise[label]),
            )
            for label in labels
        )

    def _tried(self, state: State) -> list[Example]:
        """Training texts that the search could not flip, and that have no proposal."""
        if self.teacher.identity() is None:
            return []
        ids = [i for i in self.draws.failed() if i not in state.snapshot.examples]
        return [e for e in items.examples(self.db, self.id, ids=ids) if e.split == "train"] if ids else []

    def _otherwise(self, labels: frozenset[str], state: State, tried: frozenset[str]) -> Counter[str]:
        """As _seen_otherwise. A decision changes nothing of it: it is counted anew where texts, proposals or answers are others."""
        identity, texts = self.teacher.identity(), state.snapshot.examples  # the same object until a text gets its first proposal
        if identity is None or not labels:
            return Counter()
        written, answers = corrections.written(self.db, self.id), cache.count_predictions(self.db, *identity)
        mark = labels, tried, identity, self.place.texts_now(), written, answers
        known = self.seen.value
        if known is None or known[0] != mark or known[1] is not texts:
            known = self.seen.value = mark, texts, self._seen_otherwise(identity, labels, state, tried)
        return known[2]

    def _seen_otherwise(self, identity: tuple[str, str], wanted: Collection[str], state: State, tried: Collection[str]) -> Counter[str]:
        """label -> untouched texts of it that the teacher is on record to see as another label."""
        out = Counter[str]()
        place = {label: at for at, label in enumerate(self.labels)}
        read, free = Counter[str](), []
        for e in self.texts.examples("train"):
            label = str(e.label)
            if label in wanted and e.id not in state.snapshot.examples and e.id not in tried and read[label] < READ_OF_LABEL:
                read[label] += 1
                free.append((label, text_hash(e.text)))
        known = cache.get_predictions(self.db, *identity, [digest for _, digest in free])
        for label, digest in free:
            if digest in known and max(known[digest]) > known[digest][place[label]]:
                out[label] += 1
        return out
