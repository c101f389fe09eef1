"""Draws for sweeps: nested balanced orders of the rows that every arm may use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from cod_core.data import draws
from cod_core.distill.cells import RowsOf
from cod_core.distill.softlabels import overruled
from cod_core.errors import BadInput, NotEnoughData
from cod_core.project.curation.pairs import Pairs, failed_keys, failed_on_record
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import say
from cod_core.store import corrections
from cod_core.text import folded
from cod_core.types import KEPT, Counterfactual, Example, FlipCheck, Prediction

CHUNK = 64


Pair = Counterfactual | tuple[Counterfactual, FlipCheck]
T = TypeVar("T", bound=Pair)  # a counterfactual, alone or with its check


def shares_label(prediction: Prediction, example: Example) -> bool:
    """Whether the teacher sees a text as its gold label says; a tie is no class."""
    return prediction.label == example.label and prediction.decided


def _counterfactual(pair: Pair) -> Counterfactual:
    return pair[0] if isinstance(pair, tuple) else pair


class Draws(Room):
    """Which training texts a seed draws, after leaving out rows that no arm may use."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, pairs: Pairs):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs

    def order(
        self,
        seed: int,
        need: int,
        pool: Mapping[str, Example] | None = None,
        unusable: frozenset[str] = frozenset(),
        answered_for: frozenset[str] = frozenset(),
    ) -> list[str]:
        """The first `need` (or as many as there are) usable ids of one seed's nested, balanced order.

        Left out, and replaced by the next text of the same label in every arm alike: texts on which the
        teacher disagrees with the gold label, unless they are among `answered_for`, and `unusable` ones (no counterfactual could
        be had or kept).
        Raises BadInput where `need` is below 1.
        """
        if need < 1:
            raise BadInput(f"The number of texts must be 1 or more, not {need}.")
        pool = pool if pool is not None else self.texts.pool()
        order = draws.order_rows(list(pool.values()), self.labels, seed)
        waiting: dict[str | None, Iterator[str]] = {
            label: self._agreeing([i for i in order if pool[i].label == label and i not in unusable], pool, answered_for)
            for label in self.labels
        }
        chosen: list[str] = []
        for example_id in order:
            following = next(waiting[pool[example_id].label], None)
            if following is not None:
                chosen.append(following)
            if len(chosen) == need:
                break
        return chosen

    def _agreeing(self, ids: Sequence[str], pool: Mapping[str, Example], answered_for: frozenset[str] = frozenset()) -> Iterator[str]:
        """ids without those on which teacher and gold differ and for which nobody answered; asked in chunks."""
        teacher = self.teacher.classifier()
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            for i, prediction in zip(chunk, teacher.predict([pool[i].text for i in chunk])):
                if i in answered_for or shares_label(prediction, pool[i]):
                    yield i

    def answered_for(self, pool: Mapping[str, Example]) -> frozenset[str]:
        """Ids of the texts whose present label a person gave or confirmed on the Teacher page: there the person's word counts
        above the teacher's."""
        words = corrections.standing(self.db, self.id)
        return frozenset(i for i, word in words.items() if i in pool and pool[i].label == word.label)

    def told(self, pool: Mapping[str, Example]) -> RowsOf:
        """texts -> (n, C) soft labels: the teacher's, or a person's word where they answer for the label of a training text and
        the teacher says another."""
        right = {pool[i].text: self.labels.index(str(pool[i].label)) for i in self.answered_for(pool)}
        teacher = self.teacher.classifier().logprobs
        return overruled(teacher, right) if right else teacher

    def _agreed(self, ids: Iterable[str], pool: Mapping[str, Example]) -> set[str]:
        """Of these training texts the ones on which teacher and gold agree; read off verdicts where there are any, so
        that a page with ten thousand pairs asks nobody."""
        current, agreed = self.pairs.state(), set[str]()
        unread: list[str] = []
        for i in ids:
            checks = (current.checks.get(cf.id) for cf in current.snapshot.by_example.get(i, ()))
            check = next(filter(None, checks), None)
            if check is None:
                unread.append(i)
            elif shares_label(check.before, pool[i]):
                agreed.add(i)
        return agreed.union(self._agreeing(unread, pool)) if unread else agreed

    def fair(self, pairs: Mapping[str, T], pool: Mapping[str, Example] | None = None) -> tuple[dict[str, T], list[str]]:
        """(the pairs that a student may learn from, a sentence for each reason why others may not).

        pairs: training text's id -> counterfactual, or (counterfactual, check). Left out in every arm alike: pairs on texts
        that teacher and gold label see differently, and counterfactuals that are texts which students are judged on.
        """
        pool = self.texts.pool_of(pairs) if pool is None else pool
        here = {i: pair for i, pair in pairs.items() if i in pool}
        agreed, judged = self._agreed(here, pool), self.texts.judged()
        leaks = {i for i, pair in here.items() if folded(_counterfactual(pair).text) in judged}
        fair = {i: pair for i, pair in here.items() if i in agreed and i not in leaks}
        sentences: list[str] = []
        if n := sum(i not in agreed for i in here):
            sentences.append(
                say(
                    "{some:,} of {of:,} counterfactuals are not trained on, since the teacher does not see their original "
                    "as it is labelled. See the Teacher page, and correct the label where it is wrong.",
                    some=n,
                    of=len(here),
                )
            )
        if leaks:
            sentences.append(
                say(
                    "{some:,} of {of:,} counterfactuals are not trained on, since the same words are among the "
                    "texts that students are judged on. Accept another wording for them.",
                    some=len(leaks),
                    of=len(here),
                )
            )
        return fair, sentences

    def candidates(self, k: int, labels: Sequence[str] = ()) -> list[Example]:
        """The k balanced training texts to work on: the draw of seed 0 where teacher and gold agree.

        labels: only texts of these, and only those that nothing was proposed for and that no search gave up; fewer than k where
        there are fewer. Raises BadInput where the project has no such label.
        """
        pool = self.texts.pool()
        if not labels:
            return [pool[i] for i in self.order(0, k, pool)]
        if unknown := [label for label in labels if label not in self.labels]:
            raise BadInput(f"The project has no label {unknown[0]!r}. Choose one of: {', '.join(self.labels)}.")
        touched = set(self.pairs.snapshot().by_example) | set(self.failed())
        mine = [e for i, e in pool.items() if e.label in labels and i not in touched]
        ids = draws.order_rows(mine, self.labels, 0)
        return [pool[i] for i in islice(self._agreeing(ids, pool), k)]

    def unusable_rows(self) -> frozenset[str]:
        """Ids that were tried without a flip, or whose proposals a person rejected.

        Tried: searched, or given proposals by anybody (a language model, an import) that the present teacher has all judged.
        """
        current = self.pairs.state()
        tried = {i for i, cfs in current.snapshot.by_example.items() if all(cf.id in current.checks for cf in cfs)}
        rejected = {i for i, d in current.outcome.items() if d.status == "rejected"}
        kept = {i for i, d in current.outcome.items() if d.status in KEPT}
        return frozenset((rejected | ((tried | set(self.failed())) - current.flipped)) - kept)

    def failed(self) -> dict[str, str]:
        """Text's id -> why no flip of the present teacher was found."""
        return failed_on_record(self.db, self.id, self._identity())

    def failed_key(self) -> str:
        """Where the ids of texts that could not be flipped are kept, a teacher revision each."""
        return failed_keys(self.id, self._identity())[0]

    def _identity(self) -> tuple[str, str]:
        teacher = self.teacher.classifier()
        return teacher.id, teacher.revision

    def sweep_orders(
        self,
        seeds: Iterable[int],
        need: int,
        need_pairs: int,
        pairs: Mapping[str, Counterfactual],
        unusable: frozenset[str] | None = None,
        pool: Mapping[str, Example] | None = None,
    ) -> dict[int, list[str]]:
        """seed -> order whose first need_pairs rows have a counterfactual, as far as the pairs go.

        Texts whose label a person answers for are drawn whatever the teacher says of them. pairs: by id, the fair ones; with more
        than two labels the classes that they aim at take turns too.
        unusable: rows to leave out, unusable_rows() where None. pool: the texts to draw from, all training texts where None.
        """
        pool = self.texts.pool() if pool is None else pool
        unusable = self.unusable_rows() if unusable is None else unusable
        label_of, labels = {i: str(e.label) for i, e in pool.items()}, self.labels
        target_of, answered_for = {i: cf.target for i, cf in pairs.items()}, self.answered_for(pool)
        orders: dict[int, list[str]] = {}
        for seed in seeds:
            order = self.order(seed, need, pool, unusable, answered_for)
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

    def skewed_orders(
        self,
        seeds: Sequence[int],
        need: int,
        even: int,
        pairs: Mapping[str, Counterfactual],
        unusable: frozenset[str] | None = None,
        pool: Mapping[str, Example] | None = None,
    ) -> dict[int, list[str]]:
        """seed -> order that begins with every row that has a counterfactual, however these spread over the labels.

        The first `even` rows are those of the balanced order, so that small draws stay within the large ones; then the labels that
        still have pairs take turns, then rows without one. need, pairs, unusable, pool: as in sweep_orders.
        """
        pool = self.texts.pool() if pool is None else pool
        out: dict[int, list[str]] = {}
        for seed, order in self.sweep_orders(seeds, need, even, pairs, unusable, pool).items():
            front = order[:even]
            paired = [i for i in draws.order_rows([pool[i] for i in pairs], self.labels, seed) if i not in set(front)]
            out[seed] = [*front, *paired, *(i for i in order if i not in set(front) and i not in pairs)]
        return out

    def pairs_allow(self, kept: Mapping[str, T], pool: Mapping[str, Example] | None = None) -> int:
        """The most real rows, balanced over the labels, that have a counterfactual which a student may learn from.

        kept, pool: as for `fair`.
        """
        pool = self.texts.pool_of(kept) if pool is None else pool
        return self.balanced(self.fair(kept, pool)[0], pool)

    def balanced(self, fair: Iterable[str], pool: Mapping[str, Example], labels: Sequence[str] = ()) -> int:
        """How many of these training texts (ids) can be taken with as many of each label. labels: all where none are given."""
        counts, labels = Counter(pool[i].label for i in fair), labels or self.labels
        return min((counts.get(label, 0) for label in labels), default=0) * len(labels)
