"""Draws for sweeps: nested balanced orders of the rows that every arm may use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from cod_core.data import draws
from cod_core.errors import BadInput, NotEnoughData
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example
from cod_core.workspace.base import Base

CHUNK = 64


class Drawing(Base):
    """Which training texts a seed draws, after leaving out rows that no arm may use."""

    def pool(self, pid: str) -> dict[str, Example]:
        """Labelled training texts by id."""
        return {e.id: e for e in items.examples(self.db, pid, split="train") if e.label is not None}

    def draw_order(self, pid: str, seed: int, need: int, pool: Mapping[str, Example] | None = None,
                   lost: frozenset[str] = frozenset()) -> list[str]:
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
            label: self._usable(pid, [i for i in order if pool[i].label == label], pool, lost)
            for label in self.project(pid).task.labels}
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
                if prediction.label == pool[i].label and prediction.decided:
                    yield i

    def candidates(self, pid: str, k: int) -> list[Example]:
        """The k balanced training texts to work on: the draw of seed 0 where teacher and gold agree."""
        pool = self.pool(pid)
        return [pool[i] for i in self.draw_order(pid, 0, k, pool)]

    def lost_rows(self, pid: str) -> frozenset[str]:
        """Ids that were tried by search without a flip, or whose proposals a person rejected."""
        from cod_core.types import KEPT

        current = self._state(pid)
        rejected = {i for i, d in current.outcome.items() if d.status == "rejected"}
        kept = {i for i, d in current.outcome.items() if d.status in KEPT}
        failed = set(cache.get_reply(self.db, self.failed_key(pid)) or {})
        return frozenset((rejected | (failed - current.flipped)) - kept)

    def failed_key(self, pid: str) -> str:
        """Where the ids of texts that search could not flip are kept, a teacher revision each."""
        teacher = self.teacher(pid)
        return f"failed:{short_hash(pid, teacher.id, teacher.revision)}"

    def sweep_orders(self, pid: str, seeds: Iterable[int], need: int, need_pairs: int, pairs: Mapping[str, Counterfactual],
                     lost: frozenset[str] | None = None) -> dict[int, list[str]]:
        """seed -> order whose first need_pairs rows have a counterfactual, as far as the pairs go.

        pairs: by id; with more than two labels the classes that they aim at take turns too. lost: rows
        to leave out, lost_rows where None.
        """
        pool, lost = self.pool(pid), self.lost_rows(pid) if lost is None else lost
        label_of, labels = {i: str(e.label) for i, e in pool.items()}, self.project(pid).task.labels
        target_of, orders = {i: cf.target for i, cf in pairs.items()}, {}
        for seed in seeds:
            order = self.draw_order(pid, seed, need, pool, lost)
            extra = [i for i in draws.order_rows([pool[i] for i in pairs if i in pool], labels, seed) if i not in set(order)]
            front = need_pairs
            while front > 0:
                try:
                    order = draws.with_pairs_first(order + extra, pairs, front, label_of, target_of, labels, seed)
                    break
                except NotEnoughData:
                    front -= 1
            orders[seed] = order[:max(need, len(order) - len(extra))]
        return orders

    def pairs_allow(self, pid: str, kept: Mapping[str, object]) -> int:
        """The most real rows, balanced over the labels, that have an accepted counterfactual."""
        found = items.examples(self.db, pid, ids=list(kept))
        counts = Counter(e.label for e in found if e.split == "train")
        labels = self.project(pid).task.labels
        return min((counts.get(label, 0) for label in labels), default=0) * len(labels)
