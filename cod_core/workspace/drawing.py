"""Draws for sweeps: nested balanced orders of the rows that every arm may use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from cod_core.data import draws
from cod_core.errors import BadInput, NotEnoughData
from cod_core.store import cache, items
from cod_core.text import folded, short_hash
from cod_core.types import Counterfactual, Example, Prediction
from cod_core.workspace.base import Base

CHUNK = 64
T = TypeVar("T")  # a counterfactual, alone or with its check


class Drawing(Base):
    """Which training texts a seed draws, after leaving out rows that no arm may use."""

    def pool(self, pid: str) -> dict[str, Example]:
        """Labelled training texts by id."""
        return {e.id: e for e in items.examples(self.db, pid, split="train") if e.label is not None}

    def _pool_of(self, pid: str, ids: Iterable[str]) -> dict[str, Example]:
        """Those of these texts that are labelled training texts, by id."""
        return {e.id: e for e in items.examples(self.db, pid, ids=list(ids)) if e.split == "train" and e.label is not None}

    def draw_order(
        self, pid: str, seed: int, need: int, pool: Mapping[str, Example] | None = None, lost: frozenset[str] = frozenset()
    ) -> list[str]:
        """The first `need` (or as many as there are) usable ids of one seed's nested, balanced order.

        Left out, and replaced by the next text of the same label in every arm alike: texts on which the
        teacher disagrees with the gold label, and `lost` ones (no counterfactual could be had or kept).
        Raises BadInput where `need` is below 1.
        """
        if need < 1:
            raise BadInput(f"The number of texts must be 1 or more, not {need}.")
        pool = pool if pool is not None else self.pool(pid)
        order = draws.order_rows(list(pool.values()), self.project(pid).task.labels, seed)
        usable: dict[str, Iterator[str]] = {
            label: self._usable(pid, [i for i in order if pool[i].label == label], pool, lost) for label in self.project(pid).task.labels
        }
        chosen: list[str] = []
        for example_id in order:
            following = next(usable[pool[example_id].label], None)
            if following is not None:
                chosen.append(following)
            if len(chosen) == need:
                break
        return chosen

    def _usable(self, pid: str, ids: list[str], pool: Mapping[str, Example], lost: frozenset[str]) -> Iterator[str]:
        """ids without the lost ones and without those on which teacher and gold differ; asked in chunks."""
        teacher = self.teacher(pid)
        ids = [i for i in ids if i not in lost]
        for at in range(0, len(ids), CHUNK):
            chunk = ids[at : at + CHUNK]
            for i, prediction in zip(chunk, teacher.predict([pool[i].text for i in chunk])):
                if shares_label(prediction, pool[i]):
                    yield i

    def _agreed(self, pid: str, ids: Iterable[str], pool: Mapping[str, Example]) -> set[str]:
        """Of these training texts the ones on which teacher and gold agree; read off verdicts where there are any, so
        that a page with ten thousand pairs asks nobody."""
        current, agreed, unread = self._state(pid), set(), []
        for i in ids:
            checks = (current.checks.get(cf.id) for cf in current.snapshot.by_example.get(i, ()))
            check = next(filter(None, checks), None)
            if check is None:
                unread.append(i)
            elif shares_label(check.before, pool[i]):
                agreed.add(i)
        return agreed.union(self._usable(pid, unread, pool, frozenset())) if unread else agreed

    def judged(self, pid: str) -> frozenset[str]:
        """The texts that students are judged on (test, validation, without labels), as duplicates are told."""
        counts = items.count_examples(self.db, pid)
        known = self._made.get(("judged", pid))
        if known is None or known[0] != counts:  # texts are never taken out: what is new, or moved, changes the counts
            found = (folded(e.text) for split in ("test", "validation", "unlabelled") for e in items.examples(self.db, pid, split=split))
            known = counts, frozenset(found)
            self._made["judged", pid] = known
        return known[1]

    def fair_pairs(self, pid: str, pairs: Mapping[str, T], pool: Mapping[str, Example] | None = None) -> tuple[dict[str, T], list[str]]:
        """(the pairs that a student may learn from, a sentence for each reason why others may not).

        pairs: training text's id -> counterfactual, or (counterfactual, check). Left out in every arm alike: pairs on texts
        that teacher and gold label see differently, and counterfactuals that are texts which students are judged on.
        """
        pool = self._pool_of(pid, pairs) if pool is None else pool
        here = {i: pair for i, pair in pairs.items() if i in pool}
        agreed, judged = self._agreed(pid, here, pool), self.judged(pid)
        leaks = {i for i, pair in here.items() if folded(_counterfactual(pair).text) in judged}
        fair = {i: pair for i, pair in here.items() if i in agreed and i not in leaks}
        sentences = []
        if n := sum(i not in agreed for i in here):
            sentences.append(
                f"{n:,} of {len(here):,} counterfactuals are not trained on, since the teacher does not see their original "
                "as it is labelled. See the Teacher page, and correct the label where it is wrong."
            )
        if leaks:
            sentences.append(
                f"{len(leaks):,} of {len(here):,} counterfactuals are not trained on, since the same words are among the "
                "texts that students are judged on. Accept another wording for them."
            )
        return fair, sentences

    def candidates(self, pid: str, k: int) -> list[Example]:
        """The k balanced training texts to work on: the draw of seed 0 where teacher and gold agree."""
        pool = self.pool(pid)
        return [pool[i] for i in self.draw_order(pid, 0, k, pool)]

    def lost_rows(self, pid: str) -> frozenset[str]:
        """Ids that were tried without a flip, or whose proposals a person rejected.

        Tried: searched, or given proposals by anybody (a language model, an import) that the present teacher has all judged.
        """
        from cod_core.types import KEPT

        current = self._state(pid)
        tried = {i for i, cfs in current.snapshot.by_example.items() if all(cf.id in current.checks for cf in cfs)}
        rejected = {i for i, d in current.outcome.items() if d.status == "rejected"}
        kept = {i for i, d in current.outcome.items() if d.status in KEPT}
        return frozenset((rejected | ((tried | set(self.failed(pid))) - current.flipped)) - kept)

    def failed(self, pid: str) -> dict[str, str]:
        """Text's id -> why search found no flip of the present teacher."""
        found = cache.get_replies(self.db, [self.failed_key(pid), self._first_failed_key(pid)])
        return {i: why for reply in found.values() for i, why in reply.items()}

    def failed_key(self, pid: str) -> str:
        """Where the ids of texts that search could not flip are kept, a teacher revision each.

        The project's id stands in it as it is, so that it can be changed when the project is copied (store/portable.py).
        """
        teacher = self.teacher(pid)
        return f"failed:{pid}:{short_hash(teacher.id, teacher.revision)}"

    def _first_failed_key(self, pid: str) -> str:
        """Where an earlier version kept them."""
        teacher = self.teacher(pid)
        return f"failed:{short_hash(pid, teacher.id, teacher.revision)}"

    def sweep_orders(
        self,
        pid: str,
        seeds: Iterable[int],
        need: int,
        need_pairs: int,
        pairs: Mapping[str, Counterfactual],
        lost: frozenset[str] | None = None,
    ) -> dict[int, list[str]]:
        """seed -> order whose first need_pairs rows have a counterfactual, as far as the pairs go.

        pairs: by id, of which the fair ones count; with more than two labels the classes that they aim at take turns too.
        lost: rows to leave out, lost_rows where None.
        """
        pool, lost = self.pool(pid), self.lost_rows(pid) if lost is None else lost
        pairs, _ = self.fair_pairs(pid, pairs, pool)
        label_of, labels = {i: str(e.label) for i, e in pool.items()}, self.project(pid).task.labels
        target_of, orders = {i: cf.target for i, cf in pairs.items()}, {}
        for seed in seeds:
            order = self.draw_order(pid, seed, need, pool, lost)
            extra = [i for i in draws.order_rows([pool[i] for i in pairs], labels, seed) if i not in set(order)]
            front = need_pairs
            while front > 0:
                try:
                    order = draws.with_pairs_first(order + extra, pairs, front, label_of, target_of, labels, seed)
                    break
                except NotEnoughData:
                    front -= 1
            orders[seed] = order[: max(need, len(order) - len(extra))]
        return orders

    def pairs_allow(self, pid: str, kept: Mapping[str, T], pool: Mapping[str, Example] | None = None) -> int:
        """The most real rows, balanced over the labels, that have a counterfactual which a student may learn from.

        kept, pool: as for fair_pairs.
        """
        pool = self._pool_of(pid, kept) if pool is None else pool
        return self.balanced(pid, self.fair_pairs(pid, kept, pool)[0], pool)

    def balanced(self, pid: str, fair: Iterable[str], pool: Mapping[str, Example]) -> int:
        """How many of these training texts (ids) can be taken with as many of each label."""
        counts, labels = Counter(pool[i].label for i in fair), self.project(pid).task.labels
        return min((counts.get(label, 0) for label in labels), default=0) * len(labels)


def shares_label(prediction: Prediction, example: Example) -> bool:
    """Whether the teacher sees a text as its gold label says; a tie is no class."""
    return prediction.label == example.label and prediction.decided


def _counterfactual(pair) -> Counterfactual:
    return pair[0] if isinstance(pair, tuple) else pair
