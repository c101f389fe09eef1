"""What stands in the place of cod's verified counterfactuals in the other arms that have second rows. Values in, values out.

pairs: text -> its kept counterfactual, verified by the teacher. judged: texts (folded) that students are judged on; a row that
is one of them is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cod_core.counterfactuals.verify import first_offer
from cod_core.distill.augment import random_swap, vocabulary
from cod_core.errors import NotEnoughData
from cod_core.text import folded
from cod_core.types import Classifier, Counterfactual, Example, FlipCheck, Origin


@dataclass(frozen=True, eq=False)
class Proposals:
    """Every proposal of a project in the order they were made, and the present teacher's verdicts by their ids."""

    counterfactuals: Sequence[Counterfactual]
    checks: dict[str, FlipCheck]

    def valid(self, cf: Counterfactual) -> bool:
        check = self.checks.get(cf.id)
        return check is not None and check.valid


def comes_from(cf: Counterfactual, source: str) -> bool:
    """Whether `source` is the kind or the name of its origin; "" is any."""
    return source in ("", cf.origin.kind, cf.origin.name)


def first_proposals(proposals: Proposals, pool: Mapping[str, Example], source: str = "") -> dict[str, Counterfactual]:
    """unverified: each text's first proposal, whether it flips or not. source: see comes_from."""
    first: dict[str, Counterfactual] = {}
    for cf in proposals.counterfactuals:
        if cf.derived_from is None and cf.example_id in pool and comes_from(cf, source):
            first.setdefault(cf.example_id, cf)
    return first


def to_all_classes(
    proposals: Proposals, pairs: Mapping[str, Counterfactual], labels: Sequence[str], judged: frozenset[str] = frozenset()
) -> dict[str, tuple[Counterfactual, ...]]:
    """cod_all: the kept counterfactual and the best verified one to each further class, in the order of labels.

    What the person rejected is not among them: the live decision of a kept text is its acceptance.
    """
    by_example: dict[str, list[Counterfactual]] = {}
    for cf in proposals.counterfactuals:
        if cf.example_id in pairs and proposals.valid(cf) and folded(cf.text) not in judged:
            by_example.setdefault(cf.example_id, []).append(cf)
    out = {}
    for id, kept in pairs.items():
        best = {kept.target: kept}
        for cf in first_offer(by_example.get(id, []), proposals.checks):
            best.setdefault(cf.target, cf)
        out[id] = tuple(best[label] for label in labels if label in best)
    return out


def tightened(proposals: Proposals, pairs: Mapping[str, Counterfactual], judged: frozenset[str] = frozenset()) -> dict[str, Counterfactual]:
    """tightened: the valid one derived from the kept counterfactual with the fewest edits; itself where none is smaller.

    Raises NotEnoughData where nothing was ever tightened: the arm would only repeat cod.
    """
    best, checks, smaller = dict(pairs), proposals.checks, 0
    for cf in proposals.counterfactuals:
        kept = pairs.get(cf.example_id)
        if kept is None or cf.derived_from != kept.id or not proposals.valid(cf) or folded(cf.text) in judged:
            continue
        now = checks.get(best[cf.example_id].id)
        if now is None or checks[cf.id].token_edits < now.token_edits:
            best[cf.example_id], smaller = cf, smaller + 1
    if not smaller:
        raise NotEnoughData("No counterfactual has been tightened yet, so the arm 'tightened' would repeat 'cod'.")
    return best


def swapped(teacher: Classifier, pool: Mapping[str, Example], pairs: Mapping[str, Counterfactual]) -> dict[str, Counterfactual]:
    """swap, the control of ordinary augmentation: as many words as the counterfactual changed, replaced at random.

    The label is the teacher's on the changed text.
    """
    words = vocabulary(e.text for e in pool.values())
    texts = {id: random_swap(pool[id].text, pairs[id].text, words, id) for id in sorted(pairs) if id in pool}
    labels = [p.label for p in teacher.predict(list(texts.values()))]
    return {
        id: Counterfactual(f"swap-{id}", id, text, pairs[id].source, label, Origin("search", "random word swap"))
        for (id, text), label in zip(texts.items(), labels)
    }
