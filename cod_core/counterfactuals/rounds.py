"""A language model asked round after round: what it is told of its last try, and when it is enough.

iFlip (arXiv 2601.01446) found that pointing at the words that decide, the number of rounds and stopping early matter most.
Knows no endpoint and no store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cod_core.counterfactuals.decisive import speaking
from cod_core.counterfactuals.llm import Ask
from cod_core.counterfactuals.pieces import GUARDED, pieces_of
from cod_core.counterfactuals.prompts import LastTry
from cod_core.counterfactuals.trial import Judge
from cod_core.text import edit_fraction, tokens
from cod_core.types import Counterfactual, Prediction

MOST_WORDS, MOST_STAY = 5, 6
_ENDS = ".!?…。！？"
Reader = Callable[[str, str], str]  # (original, text) -> what is wrong with how it reads, "" where nothing is


@dataclass(frozen=True)
class Try:
    """One reply and the teacher's verdict on it. fault: what is wrong with how it reads, "" where nothing is."""

    cf: Counterfactual
    verdict: Prediction
    fault: str = ""

    @property
    def flips(self) -> bool:
        return self.verdict.label == self.cf.target and self.verdict.decided

    @property
    def good(self) -> bool:
        """Enough: it flips and reads well."""
        return self.flips and not self.fault

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Sorts tries, the best last: good ones, then those that flip, then those nearest to it."""
        return self.good, self.flips, self.verdict.prob(self.cf.target)


def fault_of(original: str, text: str) -> str:
    """What anybody sees is wrong with a changed text, as a clause after "but": too much changed, a word twice, an end lost,
    a placeholder gone; "" where nothing is."""
    if edit_fraction(original, text) > 0.6:
        return "you changed more than was needed"
    lost = [piece.text for piece in pieces_of(original) if piece.kind == GUARDED and piece.text not in text]
    if lost:
        return f"{lost[0]} is gone"
    before, after = tokens(original), [word.casefold() for word in tokens(text)]
    known = {(a.casefold(), b.casefold()) for a, b in zip(before, before[1:])}
    twice = next((a for a, b in zip(after, after[1:]) if a == b and a[0].isalpha() and (a, b) not in known), "")
    if twice:
        return f'"{twice}" stands there twice in a row'
    ends = original.rstrip()[-1:] in _ENDS and original.strip() != ""
    return "its end is missing" if ends and text.rstrip()[-1:] not in f"{_ENDS}\"')”»" else ""


def stays(text: str, speaks: Sequence[str], keep: Sequence[str] = ()) -> tuple[str, ...]:
    """What must stay: phrases that a person keeps, entities and placeholders, and the numbers, codes and links that do not speak
    for the old class."""
    speaks = [word.casefold() for word in speaks]
    pieces = [piece.text for piece in pieces_of(text) if piece.text.casefold() not in speaks]
    return tuple(dict.fromkeys([*keep, *pieces]))[:MOST_STAY]


def next_ask(ask: Ask, tries: Sequence[Try], number: int, judge: Judge | None = None) -> Ask:
    """The ask of round `number` (1 for the first one again). tries: of the rounds before; the best of them goes back with what
    is wrong with it, and the first prompt alone where no reply could be read. judge: by whom the words are weighed that
    still speak for the old class, None where asking would cost money or seconds."""
    if not tries:
        return replace(ask, first_sample=ask.first_sample + 1000 * number)
    best = max(tries, key=lambda one: one.rank)
    words: tuple[str, ...] = ()
    if judge is not None and not best.flips:
        found = speaking(judge, best.cf.text, best.verdict.labels.index(best.verdict.label))
        words = tuple(dict.fromkeys(word for word, _ in found))[:MOST_WORDS]
    told = LastTry(
        best.cf.raw_reply or best.cf.text,
        best.cf.text,
        best.verdict,
        words,
        stays(ask.example.text, words, ask.keep),
        best.fault if best.flips else "",
    )
    # the same try may go back twice: another sample then brings another reply
    return replace(ask, first_sample=number - 1, last=told)
