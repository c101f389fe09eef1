"""How many rounds texts took so far, and how many calls later rounds will take. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """How many texts were asked in each round so far, and how many of them were done with after it."""

    asked: tuple[int, ...] = ()
    done: tuple[int, ...] = ()

    def with_run(self, asked: Sequence[int], done: Sequence[int]) -> "Rate":
        """The rate with another run's rounds."""
        size = max(len(self.asked), len(asked))

        def summed(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
            return tuple((a[i] if i < len(a) else 0) + (b[i] if i < len(b) else 0) for i in range(size))

        return Rate(summed(self.asked, asked), summed(self.done, done))

    def left(self, number: int) -> float | None:
        """The share of texts that goes on after round `number` (from 0); None where no round was seen. A round that was never
        reached is taken to do as the last one that was."""
        seen = [i for i in range(min(number + 1, len(self.asked))) if self.asked[i]]
        return 1 - self.done[seen[-1]] / self.asked[seen[-1]] if seen else None


def more_calls(texts: int, rounds: int, rate: Rate) -> tuple[int, int | None]:
    """(calls that the later rounds take at worst, and at the rate seen so far): one call a text and round. rounds: after the
    first. None where no rate is known."""
    going, likely = float(texts), 0.0
    for number in range(rounds):
        left = rate.left(number)
        if left is None:
            return texts * rounds, None
        going *= left
        likely += going
    return texts * rounds, round(likely)
