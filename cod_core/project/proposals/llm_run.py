"""One run of a language model: each reply handed on as it comes, texts without a flip asked for again, what it came to.

Knows no store: what to do with proposals is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals.study import sum_or_none
from cod_core.progress import Progress
from cod_core.types import Classifier, Counterfactual, Example

if TYPE_CHECKING:
    from cod_core.counterfactuals.llm import Ask, LLMGenerator, Outcome, Proposals

Save = Callable[[list[tuple[Example, Counterfactual]]], int]  # stores proposals, returns how many flip the teacher


@dataclass(frozen=True)
class LlmReport:
    """What a run came to. texts: of the run. tried: texts with an answer. flipped, without: of these with a flip and without.

    failures: id -> why no answer came. repaired: texts that flipped at a later try only. cost_usd: None where no price was
    given. messages: the losses in plain words.
    """

    texts: int
    tried: int
    flipped: int
    without: int
    failures: dict[str, str]
    repaired: int
    cost_usd: float | None
    messages: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "messages": list(self.messages)}


def run_asks(
    generator: "LLMGenerator", asks: "Sequence[Ask]", n: int, save: "Callable[[Ask, Proposals], object]", progress: Progress
) -> "Outcome":
    """propose_many, or its local counterpart where the model is on this computer."""
    from cod_core.counterfactuals import llm

    run = llm.propose_locally if hasattr(generator.client, "prepare") else llm.propose_many
    return run(generator, asks, n, save, progress)


def repairs(teacher: Classifier, asks: "Sequence[Ask]", tries: Mapping[str, Sequence[Counterfactual]]) -> "list[Ask]":
    """Second asks for texts without a flip: each with the try that came nearest and the teacher's verdict on it."""
    from cod_core.counterfactuals.prompts import LastTry

    again = []
    for ask in asks:
        tried = tries.get(ask.example.id)
        if not tried:
            continue
        verdicts = teacher.predict([cf.text for cf in tried])
        cf, verdict = max(zip(tried, verdicts), key=lambda pair: pair[1].prob(ask.target))
        again.append(replace(ask, first_sample=0, last=LastTry(cf.raw_reply or cf.text, cf.text, verdict)))
    return again


class LlmRun:
    """flips: text's id -> its proposals that flip, of those answered so far. tries: id -> its proposals."""

    def __init__(self, generator: "LLMGenerator", add: Save, progress: Progress):
        self.generator = generator
        self.add = add
        self.progress = progress
        self.flips: dict[str, int] = {}
        self.tries: dict[str, list[Counterfactual]] = {}
        self.outcomes: list[Outcome] = []

    @property
    def flipped(self) -> int:
        """Texts with a flip."""
        return sum(1 for n in self.flips.values() if n)

    def ask(self, asks: "Sequence[Ask]", n: int) -> None:
        """n answers to each, every one handed on as it comes."""
        self.outcomes.append(run_asks(self.generator, asks, n, self._save, self.progress))

    def _save(self, ask: "Ask", proposals: "Proposals") -> None:
        flips = self.add([(ask.example, cf) for cf in proposals.counterfactuals])
        self.flips[ask.example.id] = self.flips.get(ask.example.id, 0) + flips
        self.tries.setdefault(ask.example.id, []).extend(proposals.counterfactuals)

    def ask_again(self, asks: "Sequence[Ask]", teacher: Classifier, rounds: int) -> None:
        """Texts without a flip once more, with what the teacher said of the nearest try, up to so many rounds. A prompt to be
        continued on one line has no place for that."""
        from cod_core.counterfactuals.prompts import ONE_LINE

        for _ in range(rounds):
            again = repairs(teacher, [ask for ask in asks if not self.flips.get(ask.example.id)], self.tries)
            if not again or self.generator.template.shape in ONE_LINE:
                break
            self.ask(again, 1)

    def report(self, texts: int, flipped_at_first: int) -> LlmReport:
        """What the run came to. texts: it was over. flipped_at_first: texts that flipped before any was asked for again."""
        failed = {i: message for outcome in self.outcomes for i, message in outcome.failed.items() if i not in self.flips}
        return LlmReport(
            texts=texts,
            tried=len(self.flips),
            flipped=self.flipped,
            without=len(self.flips) - self.flipped,
            failures=failed,
            repaired=self.flipped - flipped_at_first,
            cost_usd=sum_or_none([outcome.cost_usd for outcome in self.outcomes]),
            messages=tuple(sentence for outcome in self.outcomes for sentence in outcome.sentences),
        )
