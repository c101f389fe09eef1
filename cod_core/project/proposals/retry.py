"""Try again for one text: other proposals, with the curator's hint, and with the phrases that must stay."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cod_core.counterfactuals import verify
from cod_core.counterfactuals.options import SearchOptions
from cod_core.counterfactuals.search import SHARED
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.store import items
from cod_core.text import tokens
from cod_core.types import Counterfactual, Example

MORE, MOST_HINT = 4, 200


@dataclass(frozen=True)
class Again:
    """What trying again brought. added: new proposals that flip, best first. tried: new texts the teacher judged.

    hint: what became of the curator's words: used, known (what they make is there already), useless (no place of theirs
    flips), "" where there were none.
    """

    added: list[Counterfactual]
    tried: int
    hint: str = ""


def became_of(hint: str, flips: set[str], earlier: set[str]) -> str:
    """What became of the curator's words (see Again). flips: texts with them that flip. earlier: texts there are already."""
    if not hint.strip():
        return ""
    return "useless" if not flips else "known" if flips <= earlier else "used"


class Retry(Room):
    """More proposals for one text."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, searcher: Searcher):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.searcher = searcher

    @needs("propose")
    def try_again(self, example_id: str, hint: str = "", keep: tuple[str, ...] = (), target: str | None = None) -> Again:
        """Other proposals by search on this machine. hint: words to try, between commas. keep: phrases that stay.
        target: the class to reach; where absent that of the text's first proposal, unless the teacher sees the text so already.

        What the text has already is not proposed again: where the search finds nothing else, it looks once more without
        the words that stand in earlier proposals. Where those were shared by a second judge, new ones are too. Raises
        BadInput where a phrase is not in the text.
        """
        example, earlier = self._asked(example_id, keep, hint)
        before = self.teacher.classifier().predict([example.text])[0]
        target = target or next((cf.target for cf in earlier if cf.target != before.label), verify.target_of(before))
        texts = {cf.text for cf in earlier}
        hinted = self._with_hint(example, before.label, target, hint, keep)
        searched = self._searched(example, target, keep, earlier, {cf.text for cf in hinted} - texts)
        return replace(self._kept(example, texts, hinted + searched), hint=became_of(hint, {cf.text for cf in hinted}, texts))

    def palette(self, target: str) -> list[str]:
        """Phrases of the labelled training texts of a class, for somebody who writes their own; no model is asked."""
        from cod_core.counterfactuals.phrases import phrases_of

        def read() -> list[str]:
            rows = [e for e in items.examples(self.db, self.id, split="train") if e.label is not None]
            return phrases_of([e.text for e in rows], [str(e.label) for e in rows], target)

        found: list[str] = self.place.once.newest(("phrases", target), self.place.texts_now(), read)
        return found

    def _searched(
        self, example: Example, target: str, keep: tuple[str, ...], earlier: Sequence[Counterfactual], fresh: Collection[str]
    ) -> list[Counterfactual]:
        """What the search proposes, looking a second time where that is nothing new. fresh: new texts there are already."""
        mine = [cf for cf in earlier if cf.origin.kind == "search"]
        put_in = {word for cf in mine for word in tokens(cf.text)} - set(tokens(example.text))
        shared = any(cf.origin.name.startswith(SHARED) for cf in mine)
        options = SearchOptions(frozen=keep)
        search = self.searcher.proposer(options.clear() if shared else options)
        texts, proposals = {cf.text for cf in earlier}, []
        for avoid in self._avoided(put_in, shared):
            proposals += [cf for cf in search(example, 4 * MORE, target, avoid) if all(phrase in cf.text for phrase in keep)]
            if fresh or any(cf.text not in texts for cf in proposals):
                break
        return proposals

    def _avoided(self, put_in: set[str], shared: bool) -> list[set[str]]:
        """Words to avoid, a search each; one search only where it takes long."""
        return [put_in] if shared or self.teacher.generates() else [set(), put_in]

    def _with_hint(self, example: Example, source: str, target: str, hint: str, keep: Sequence[str]) -> list[Counterfactual]:
        from cod_core.counterfactuals import hinted

        phrases, teacher = hinted.phrases_of(hint), self.teacher.classifier()
        most = self.searcher.usual_budget() if self.teacher.generates() else hinted.MOST_TEXTS
        return hinted.with_words(example, source, target, phrases, keep, self.teacher.scorer(teacher), teacher.labels, most=most)

    def _asked(self, example_id: str, keep: Sequence[str], hint: str) -> tuple[Example, list[Counterfactual]]:
        """The text and its proposals so far. Raises BadInput for what cannot be asked."""
        example = items.example(self.db, self.id, example_id)
        missing = [phrase for phrase in keep if phrase not in example.text]
        if missing:
            raise BadInput(say("“{phrase}” does not occur in the text, so it cannot be kept. Mark it in the original.", phrase=missing[0]))
        if len(hint) > MOST_HINT:
            raise BadInput(say("The hint has {n} characters; at most {most} are used. Shorten it.", n=len(hint), most=MOST_HINT))
        return example, items.counterfactuals(self.db, self.id, [example_id])

    def _kept(self, example: Example, earlier: Collection[str], proposals: Sequence[Counterfactual]) -> Again:
        """Verify and store the new ones among the proposals, four at most. earlier: texts there are already."""
        new = list({cf.text: cf for cf in proposals if cf.text not in earlier and cf.text != example.text}.values())[:MORE]
        self.pairs.add([(example, cf) for cf in new])
        checks = self.pairs.state().checks
        return Again([cf for cf in new if (check := checks.get(cf.id)) is not None and check.valid], len(new))
