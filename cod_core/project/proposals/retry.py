"""Try again for one text: other proposals, with the curator's hint, and with the phrases that must stay."""

from dataclasses import dataclass, replace

from cod_core.counterfactuals import verify
from cod_core.counterfactuals.search import SHARED
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room
from cod_core.project.proposals.searcher import CLEAR, Searcher
from cod_core.project.teacher.teacher import Teacher
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


class Retry(Room):
    """More proposals for one text."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, searcher: Searcher):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.searcher = searcher

    def try_again(self, example_id: str, hint: str = "", keep: tuple[str, ...] = (), target: str | None = None) -> Again:
        """Other proposals by search on this machine. hint: words to try, between commas. keep: phrases that stay.
        target: the class to reach; where absent that of the text's first proposal, unless the teacher sees the text so already.

        What the text has already is not proposed again: where the search finds nothing else, it looks once more without
        the words that stand in earlier proposals. Where those were shared by a second judge, new ones are too. Raises
        BadInput where a phrase is not in the text.
        """
        example, known = self._asked(example_id, keep, hint)
        before = self.teacher.classifier().predict([example.text])[0]
        target = target or next((cf.target for cf in known if cf.target != before.label), verify.target_of(before))
        found = self._with_hint(example, before.label, target, hint, keep)
        own = {cf.text for cf in found}
        searched = [cf for cf in known if cf.origin.kind == "search"]
        put_in = {word for cf in searched for word in tokens(cf.text)} - set(tokens(example.text))
        shared = any(cf.origin.name.startswith(SHARED) for cf in searched)
        search = self.searcher.proposer(({"frozen": tuple(keep)} if keep else {}) | (CLEAR if shared else {}))
        texts = {cf.text for cf in known}
        for avoid in [put_in] if shared or self.teacher.generates() else [(), put_in]:
            found += [cf for cf in search(example, 4 * MORE, target, avoid) if all(phrase in cf.text for phrase in keep)]
            if any(cf.text not in texts for cf in found):
                break
        became = "" if not hint.strip() else "useless" if not own else "known" if own <= texts else "used"
        return replace(self._kept(example, texts, found), hint=became)

    def _with_hint(self, example: Example, source: str, target: str, hint: str, keep) -> list[Counterfactual]:
        from cod_core.counterfactuals import hinted

        phrases, teacher = hinted.phrases_of(hint), self.teacher.classifier()
        most = self.searcher.usual_budget() if self.teacher.generates() else hinted.MOST_TEXTS
        return hinted.with_words(example, source, target, phrases, keep, self.teacher.scorer(teacher), teacher.labels, most=most)

    def _asked(self, example_id: str, keep, hint: str) -> tuple[Example, list[Counterfactual]]:
        example = items.example(self.db, self.id, example_id)
        missing = [phrase for phrase in keep if phrase not in example.text]
        if missing:
            raise BadInput(f"“{missing[0]}” does not occur in the text, so it cannot be kept. Mark it in the original.")
        if len(hint) > MOST_HINT:
            raise BadInput(f"The hint has {len(hint)} characters; at most {MOST_HINT} are used. Shorten it.")
        return example, items.counterfactuals(self.db, self.id, [example_id])

    def _kept(self, example: Example, known: set[str], found: list[Counterfactual]) -> Again:
        """Verify and store the new ones among what was found, four at most."""
        new = list({cf.text: cf for cf in found if cf.text not in known and cf.text != example.text}.values())[:MORE]
        self.pairs.add([(example, cf) for cf in new])
        checks = {i: self.pairs.state().checks.get(i) for i in (cf.id for cf in new)}
        return Again([cf for cf in new if checks[cf.id] is not None and checks[cf.id].valid], len(new))
