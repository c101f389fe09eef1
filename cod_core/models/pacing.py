"""How many calls may be open at one endpoint, and how soon the next may start: as its rate headers and its 429s say.

Knows headers and clocks, no HTTP. Each answer opens the way a little, each 429 halves it (additive increase, multiplicative
decrease: Chiu and Jain 1989), and nothing starts before the moment that the server named.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FEW = 4  # calls open at once below which fewer are too coarse a step: their starts are spaced
MOST_WAIT_S = 60.0  # for one hint of a server
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_REMAINING = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
)


class Pacer:
    """Calls of several threads to one endpoint. most: open at once, when nothing speaks against it."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic):
        self._most, self._clock = most, clock
        self._limit, self._open = float(most), 0
        self._not_before, self._gap, self._last = 0.0, 0.0, float("-inf")
        self._steady, self._slowed = 0, float("-inf")
        self._answers = deque[float](maxlen=20)  # when the latest came
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Calls that may be open at once just now, 1 at least."""
        return max(1, int(self._limit))

    @property
    def gap(self) -> float:
        """Seconds between the starts of two calls, 0 where nothing asks for them."""
        return self._gap

    @contextmanager
    def turn(self) -> Iterator[float]:
        """Waits until a call may start, and counts it as open until the block ends. Gives the moment of the start."""
        with self._changed:
            while (wait := self._wait()) > 0:
                self._changed.wait(wait)
            self._open += 1
            begun = self._last = self._clock()
        try:
            yield begun
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _wait(self) -> float:
        """Seconds until it is worth to look again; 0: go."""
        due = max(self._not_before, self._last + self._gap) - self._clock()
        return max(due, 0.0) if self._open < self.limit else max(due, 0.5)

    def answered(self, headers: Mapping[str, str]) -> None:
        """A call was answered; its headers may say that the next has to wait."""
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / max(1.0, self._limit))
            self._steady += 1
            self._answers.append(self._clock())
            if self._steady >= 5:
                self._steady, self._gap = 0, self._gap * 0.9 if self._gap > 0.005 else 0.0
            for remaining, reset in _REMAINING:
                if remaining in headers and (left := _number(headers[remaining])) is not None and left < 1:
                    self._hold(seconds(headers.get(reset, "")) or 1.0)
            self._changed.notify_all()

    def turned_away(self, wait: float | None, begun: float | None = None) -> None:
        """A call was answered by 429 or the like. wait: seconds that the server named, None where it named none. begun: when the call
        started; those that were open already when the pace was last slowed tell nothing new, however many they are."""
        with self._changed:
            if begun is None or begun > self._slowed:
                if self._limit <= FEW or self._gap:
                    self._gap = min(10.0, max(self._gap * 1.1, wait or self._pace()))
                self._limit, self._steady, self._slowed = max(1.0, self._limit / 2), 0, self._clock()
            if wait:
                self._hold(wait)
            self._changed.notify_all()

    def _pace(self) -> float:
        """Seconds between the latest answers, .1 before there are some."""
        return (self._answers[-1] - self._answers[0]) / (len(self._answers) - 1) if len(self._answers) > 4 else 0.1

    def _hold(self, wait: float) -> None:
        self._not_before = max(self._not_before, self._clock() + min(wait, MOST_WAIT_S))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a refused call is told to wait; None where it is not told."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if value and (number := _number(value)) is not None:
            return max(0.0, number * unit)
        if value and (found := seconds(value)) is not None:
            return found
    return None


def seconds(value: str) -> float | None:
    """Seconds in "1.5", "6m0s", "250ms", an ISO time or an HTTP date; None for anything else."""
    value = value.strip()
    number = _number(value)
    if number is not None:
        return max(0.0, number - time.time()) if number > 1e9 else number  # some name the moment, in seconds since 1970
    parts = _PART.findall(value)
    if parts and "".join(a + b for a, b in parts) == value:
        return sum(float(n) * _UNITS[unit] for n, unit in parts)
    try:
        moment = datetime.fromisoformat(value) if value[:4].isdigit() else parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < 1e13 else None
