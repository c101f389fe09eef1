"""A project's proposals, verdicts and decisions: the read side, held in memory and grown by what is new.

Who writes a proposal or a verdict does it here too, so that nothing is stored that the present teacher has not seen.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cod_core.curation.index import Index, Snapshot
from cod_core.progress import Progress, silent
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.loader import identity_of
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import msg, say, together
from cod_core.store import cache, items
from cod_core.store.database import Database
from cod_core.text import short_hash
from cod_core.types import KEPT, Counterfactual, Decision, Example, FlipCheck

Kept = tuple[Counterfactual, FlipCheck]  # an accepted counterfactual and its valid check under the present teacher


@dataclass(frozen=True)
class State:
    """A project's proposals and decisions under its present teacher. outcome: example id -> live decision.

    checks: counterfactual id -> the present teacher's verdict. logs: example id -> its decisions.
    labellings: how often stored texts were given labels.
    """

    snapshot: Snapshot
    checks: dict[str, FlipCheck]
    teacher: tuple[str, str] | None
    labellings: int = 0

    @property
    def outcome(self) -> dict[str, Decision]:
        return self.snapshot.outcome

    @property
    def logs(self) -> dict[str, tuple[Decision, ...]]:
        return self.snapshot.logs

    @cached_property
    def counterfactuals(self) -> list[Counterfactual]:
        """In the order they came."""
        return list(self.snapshot.counterfactuals.values())

    @cached_property
    def statuses(self) -> Counter[str]:
        """Texts a status of their latest decision."""
        return Counter(d.status for d in self.outcome.values())

    @property
    def n_accepted(self) -> int:
        """Texts whose latest decision keeps a counterfactual, whatever the present teacher says of it."""
        return sum(self.statuses[status] for status in KEPT)

    @property
    def stale(self) -> int:
        """Proposals that the present teacher has not checked."""
        return max(0, len(self.snapshot.counterfactuals) - len(self.checks))

    @property
    def flipped(self) -> frozenset[str]:
        """Ids of texts with a proposal that flips the present teacher to its target."""
        return self.snapshot.flipped.get(self.teacher, frozenset()) if self.teacher else frozenset()


def failed_keys(pid: str, teacher: tuple[str, str]) -> tuple[str, str]:
    """Where the ids of texts that could not be flipped are kept, for a teacher's (id, revision): now, and by an earlier version.

    The project's id stands in the first as it is, so that it can be changed when the project is copied (store/portable.py).
    """
    return f"{cache.FAILED}{pid}:{short_hash(*teacher)}", f"{cache.FAILED}{short_hash(pid, *teacher)}"


def failed_on_record(db: Database, pid: str, teacher: tuple[str, str]) -> dict[str, str]:
    """Text's id -> why no flip of this teacher was found."""
    kept = db.lately(("failed", pid, teacher), lambda: cache.get_replies(db, list(failed_keys(pid, teacher))))
    return {i: why for reply in kept.values() for i, why in reply.items()}


def traits(cf: Counterfactual, annotator: str) -> dict[str, str]:
    """{"source", "prompt", "annotator"} of a kept counterfactual, in words."""
    prompt = " ".join(filter(None, (cf.origin.prompt_id, cf.origin.prompt_version))) or "none"
    return {"source": f"{cf.origin.kind}: {cf.origin.name}", "prompt": prompt, "annotator": annotator}


class Memory:
    """What is held of a project, for all who work on it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: tuple[int, Index] | None = None
        self.state: tuple[object, State] | None = None


class Pairs(Room):
    """Which counterfactuals there are, what the present teacher says of them, which of them were kept."""

    def __init__(self, place: Place, teacher: Teacher):
        super().__init__(place)
        self.teacher = teacher
        self.memory = place.once("pairs", Memory)

    def snapshot(self) -> Snapshot:
        """Proposals, verdicts and decisions; only what is new is read from the store."""
        return self._index(self.row.settings.get("labellings", 0)).now()

    def _index(self, labellings: int) -> Index:
        """The index in memory; a new one where stored texts got labels since, perhaps in another process."""
        memory = self.memory
        with memory.lock:
            if memory.held is None or memory.held[0] != labellings:
                memory.held = labellings, Index(self.db, self.id)
            return memory.held[1]

    def state(self) -> State:
        """Proposals and decisions under the present teacher; the same object until something changes."""
        row = self.row
        labellings = row.settings.get("labellings", 0)
        snapshot = self._index(labellings).now()
        teacher = identity_of(row)
        key = (snapshot.number, teacher, labellings)
        known = self.memory.state
        if known is None or known[0] != key:
            known = key, State(snapshot, snapshot.checks.get(teacher, {}) if teacher else {}, teacher, labellings)
            self.memory.state = known
        return known[1]

    def without(self) -> dict[str, str]:
        """Text's id -> why nothing was found for it with the present teacher, of the texts that have no proposal at all."""
        current = self.state()
        nothing = failed_on_record(self.db, self.id, current.teacher) if current.teacher else {}
        return {i: why for i, why in nothing.items() if i not in current.snapshot.by_example}

    def sources(self) -> dict[str, dict[str, int]]:
        """What kept counterfactuals can be told apart by: {"source", "prompt", "annotator"} -> value -> pairs."""
        return {name: dict(counts.most_common()) for name, counts in self._counted(self.kept()).items()}

    def _counted(self, kept: Mapping[str, Kept]) -> dict[str, Counter[str]]:
        """Trait -> value -> how many of these pairs have it."""
        current = self.state()
        counts: dict[str, Counter[str]] = {}
        for i, (cf, _) in kept.items():
            for name, value in traits(cf, current.outcome[i].annotator).items():
                counts.setdefault(name, Counter())[value] += 1
        return counts

    def chosen(self, only: Mapping[str, str] | None = None) -> dict[str, Kept]:
        """kept(), or of these the ones whose traits are those in `only` (see sources)."""
        kept = self.kept()
        if not only:
            return kept
        current = self.state()
        return {i: pair for i, pair in kept.items() if only.items() <= traits(pair[0], current.outcome[i].annotator).items()}

    def provenance(self, only: Mapping[str, str] | None = None) -> dict[str, str]:
        """Where the kept counterfactuals come from, in words: what a sweep's report remembers."""
        counts = self._counted(self.chosen(only))
        words = {name: ", ".join(f"{value} ({n})" for value, n in c.most_common(6)) for name, c in counts.items()}
        return {**words, **({"chosen": ", ".join(f"{k}: {v}" for k, v in sorted(only.items()))} if only else {})}

    def verdict(self, example: Example, cf: Counterfactual) -> FlipCheck:
        """The present teacher's check of cf, made now and not stored."""
        return self.teacher.verdicts([(example.text, cf)])[0]

    def fresh_check(self, cf: Counterfactual) -> FlipCheck | None:
        """The present teacher's check of cf, made now where it is missing or stale."""
        if self.row.teacher is None:
            return None
        check = self.state().checks.get(cf.id)
        if check is None:
            check = self.verdict(items.example(self.db, self.id, cf.example_id), cf)
            items.add_checks(self.db, self.id, [check])
        return check

    def waiting(self) -> str:
        """What has to happen before decisions count, in one sentence: a teacher, or its verdict; empty where nothing has to."""
        current = self.state()
        if not current.counterfactuals:
            return ""
        if current.teacher is None:
            return say(
                "This set has no teacher yet. Choose one on the page Teacher, then check again: until a teacher has checked "
                "the proposals, they are neither trained on nor exported."
            )
        if not current.stale:
            return ""
        again = say("Check again: until it has checked them, they are neither trained on nor exported.")
        if current.stale == 1:
            return together([say("1 proposal is not checked by this teacher yet."), again])
        return together([say("{n:,} proposals are not checked by this teacher yet.", n=current.stale), again])

    @needs("propose")
    def recheck(self, progress: Progress = silent) -> int:
        """Verify every stale proposal with the present teacher; returns how many were checked."""
        current = self.state()
        missing = [cf for cf in current.counterfactuals if cf.id not in current.checks]
        texts = {e.id: e.text for e in items.examples(self.db, self.id, ids=list({cf.example_id for cf in missing}))}
        for start in range(0, len(missing), 64):
            chunk = missing[start : start + 64]
            pairs = [(texts[cf.example_id], cf) for cf in chunk]
            items.add_checks(self.db, self.id, self.teacher.verdicts(pairs))
            progress(start + len(chunk), len(missing), msg("checking again"))
        return len(missing)

    def kept(self) -> dict[str, Kept]:
        """example id -> the accepted counterfactual and its valid check under the present teacher."""
        current = self.state()
        by_id = {cf.id: cf for cf in current.counterfactuals}
        kept = {}
        for example_id, decision in current.outcome.items():
            check = current.checks.get(decision.counterfactual_id)
            if decision.status in KEPT and check is not None and check.valid:
                kept[example_id] = (by_id[decision.counterfactual_id], check)
        return kept

    @needs("propose")
    def add(self, proposals: list[tuple[Example, Counterfactual]]) -> int:
        """Verify proposals with the teacher and store both; returns how many of them flip to their target."""
        if not proposals:
            return 0
        checks = self.teacher.verdicts([(e.text, cf) for e, cf in proposals])
        items.add_counterfactuals(self.db, self.id, [cf for _, cf in proposals])
        items.add_checks(self.db, self.id, checks)
        return sum(check.valid for check in checks)
