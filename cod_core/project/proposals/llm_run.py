"""One run of a language model: each reply handed on as it comes, texts without a flip asked for again, what it came to.

Knows no store: what to do with proposals is handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals.study import sum_or_none
from cod_core.progress import Progress
from cod_core.types import Classifier, Counterfactual, Example

if TYPE_CHECKING:
    from cod_core.counterfactuals.llm import Ask, LLMGenerator, Outcome, Proposals
    from cod_core.counterfactuals.rounds import Reader, Try
    from cod_core.counterfactuals.trial import Judge

Save = Callable[[list[tuple[Example, Counterfactual]]], int]  # stores proposals, returns how many flip the teacher


@dataclass(frozen=True)
class LlmReport:
    """What a run came to. texts: of the run. tried: texts with an answer. flipped, without: of these with a flip and without.

    failures: id -> why no answer came. repaired: texts that flipped at a later try only. cost_usd: None where no price was
    given. messages: the losses in plain words. proposed: texts that got a proposal. unread: texts with answers of which none
    could be read. refused: ids of texts that the endpoint does not take; they are not asked about again. rounds: texts asked
    in each round. good: how many of them had a flip that reads well after it. smaller: proposals that were tightened.
    """

    texts: int
    tried: int
    flipped: int
    without: int
    failures: dict[str, str]
    repaired: int
    cost_usd: float | None
    messages: tuple[str, ...]
    proposed: int = 0
    unread: int = 0
    refused: tuple[str, ...] = ()
    rounds: tuple[int, ...] = ()
    good: tuple[int, ...] = ()
    smaller: int = 0

    @property
    def without_proposal(self) -> int:
        """Texts that have no proposal after the run."""
        return self.texts - self.proposed

    def to_json(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in ("messages", "refused", "rounds", "good")}
        return {**asdict(self), **lists}


def run_asks(
    generator: "LLMGenerator", asks: "Sequence[Ask]", n: int, save: "Callable[[Ask, Proposals], object]", progress: Progress
) -> "Outcome":
    """propose_many, or its counterpart where the model is on this computer or is sent batches."""
    from cod_core.counterfactuals import llm, llm_batch
    from cod_core.models.batch_client import BatchClient

    if isinstance(generator.client, BatchClient):
        return llm_batch.propose_by_batch(generator, asks, n, save, progress)
    run = llm.propose_locally if hasattr(generator.client, "prepare") else llm.propose_many
    return run(generator, asks, n, save, progress)


class LlmRun:
    """tries: text's id -> its replies so far, each with the teacher's verdict. asked, done: texts asked in each round, and how
    many of them had a flip that reads well after it."""

    def __init__(
        self,
        generator: "LLMGenerator",
        add: Save,
        progress: Progress,
        teacher: Classifier,
        judge: "Judge | None" = None,
        fault_of: "Reader | None" = None,
    ):
        """add: stores proposals. judge: weighs the words of a try, None where that would cost money or seconds. fault_of: what is
        wrong with how a text reads."""
        from cod_core.counterfactuals import rounds

        self.generator = generator
        self.add = add
        self.progress = progress
        self.teacher = teacher
        self.judge = judge
        self.fault_of = fault_of or rounds.fault_of
        self.tries: dict[str, list[Try]] = {}
        self.outcomes: list[Outcome] = []
        self.asked: list[int] = []
        self.done: list[int] = []

    @property
    def flipped(self) -> int:
        """Texts with a flip."""
        return sum(any(one.flips for one in tries) for tries in self.tries.values())

    def run(self, asks: "Sequence[Ask]", n: int, more: int = 0) -> int:
        """n answers to each ask, every one handed on as it comes; then up to `more` rounds for texts without a flip that reads
        well, one answer each. Returns how many texts flipped after the first round. A prompt to be continued on one line has
        no place for what the teacher said, so it gets no more rounds."""
        from cod_core.counterfactuals.prompts import ONE_LINE
        from cod_core.counterfactuals.rounds import next_ask

        self._round(asks, asks, n)
        at_first = self.flipped
        more = 0 if self.generator.template.shape in ONE_LINE else more
        for number in range(1, more + 1):
            left = [ask for ask in asks if ask.example.id in self.answered and not self._enough(ask)]
            if not left:
                break
            again = [next_ask(ask, self.tries.get(ask.example.id, ()), number, self.judge) for ask in left]
            self._round(left, again, 1)
        return at_first

    @property
    def answered(self) -> set[str]:
        """Ids of the texts to which an answer came, readable or not."""
        return set(self.tries)

    def _enough(self, ask: "Ask") -> bool:
        return any(one.good for one in self.tries.get(ask.example.id, ()))

    def _round(self, asks: "Sequence[Ask]", asked: "Sequence[Ask]", n: int) -> None:
        self.outcomes.append(run_asks(self.generator, asked, n, self._save, self.progress))
        self.asked.append(len(asks))
        self.done.append(sum(self._enough(ask) for ask in asks))

    def _save(self, ask: "Ask", proposals: "Proposals") -> None:
        from cod_core.counterfactuals.rounds import Try

        made = list(proposals.counterfactuals)
        self.add([(ask.example, cf) for cf in made])
        verdicts = self.teacher.predict([cf.text for cf in made]) if made else []
        here = self.tries.setdefault(ask.example.id, [])
        here += [Try(cf, verdict, self.fault_of(ask.example.text, cf.text)) for cf, verdict in zip(made, verdicts)]

    def best(self) -> "dict[str, Try]":
        """Text's id -> its best try so far, of the texts that have any."""
        return {i: max(tries, key=lambda one: one.rank) for i, tries in self.tries.items() if tries}

    def report(self, texts: int, flipped_at_first: int) -> LlmReport:
        """What the run came to. texts: it was over. flipped_at_first: texts that flipped before any was asked for again."""
        refused = {i: why for outcome in self.outcomes for i, (_, why) in outcome.refused.items() if i not in self.tries}
        failed = {i: message for outcome in self.outcomes for i, message in outcome.failed.items() if i not in self.tries}
        notes = getattr(self.generator.client, "notes", [])
        return LlmReport(
            texts=texts,
            tried=len(self.tries),
            flipped=self.flipped,
            without=len(self.tries) - self.flipped,
            failures=failed | refused,
            repaired=self.flipped - flipped_at_first,
            cost_usd=sum_or_none([outcome.cost_usd for outcome in self.outcomes]),
            messages=(*notes, *(sentence for outcome in self.outcomes for sentence in outcome.sentences)),
            proposed=sum(1 for made in self.tries.values() if made),
            unread=sum(outcome.unread for outcome in self.outcomes[:1]),
            refused=tuple(refused),
            rounds=tuple(self.asked),
            good=tuple(self.done),
        )
