"""Try again for one text: other proposals, with the curator's hint, and with the phrases that must stay."""

from dataclasses import dataclass

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.store import items
from cod_core.types import Counterfactual, Example
from cod_core.workspace.base import Base

MORE, MOST_HINT = 4, 200


@dataclass(frozen=True)
class Again:
    """What trying again brought. added: new proposals that flip, best first. tried: new texts the teacher judged."""

    added: list[Counterfactual]
    tried: int


class Retrying(Base):
    """More proposals for one text."""

    def try_again(self, pid: str, example_id: str, hint: str = "", keep: tuple[str, ...] = (),
                  target: str | None = None) -> Again:
        """Other proposals by search on this machine. hint: words to try, between commas. keep: phrases that stay.

        What the text has already is not proposed again. Raises BadInput where a phrase is not in the text.
        """
        example, known = self._asked(pid, example_id, keep, hint)
        teacher = self.teacher(pid)
        before = teacher.predict([example.text])[0]
        target = target or verify.target_of(before)
        found = self._with_hint(pid, example, before.label, target, hint, keep)
        search = self.searcher(pid, {"frozen": tuple(keep)} if keep else None)
        found += [cf for cf in search(example, 4 * MORE, target) if all(phrase in cf.text for phrase in keep)]
        return self._kept(pid, example, known, found)

    def _with_hint(self, pid: str, example: Example, source: str, target: str, hint: str, keep) -> list[Counterfactual]:
        from cod_core.counterfactuals import hinted

        phrases, teacher = hinted.phrases_of(hint), self.teacher(pid)
        most = self.usual_budget(pid) if self.generates(pid) else hinted.MOST_TEXTS
        return hinted.with_words(example, source, target, phrases, keep, self._scorer(teacher), teacher.labels, most=most)

    def _asked(self, pid: str, example_id: str, keep, hint: str) -> tuple[Example, set[str]]:
        example = items.example(self.db, pid, example_id)
        missing = [phrase for phrase in keep if phrase not in example.text]
        if missing:
            raise BadInput(f"“{missing[0]}” does not occur in the text, so it cannot be kept. Mark it in the original.")
        if len(hint) > MOST_HINT:
            raise BadInput(f"The hint has {len(hint)} characters; at most {MOST_HINT} are used. Shorten it.")
        return example, {cf.text for cf in items.counterfactuals(self.db, pid, [example_id])}

    def _kept(self, pid: str, example: Example, known: set[str], found: list[Counterfactual]) -> Again:
        """Verify and store the new ones among what was found, four at most."""
        new = list({cf.text: cf for cf in found if cf.text not in known and cf.text != example.text}.values())[:MORE]
        self.add_proposals(pid, [(example, cf) for cf in new])
        checks = {i: self._state(pid).checks.get(i) for i in (cf.id for cf in new)}
        return Again([cf for cf in new if checks[cf.id] is not None and checks[cf.id].valid], len(new))
