"""Progress as one type alias: work reports done, total and a short message, and may be cancelled.

Knows nothing of jobs or screens: a callback that wants to stop the work raises `Cancelled`.
"""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, message: str = "") -> None:
    """The Progress that does nothing."""


def time_left(done: int, total: int, seconds: float) -> float | None:
    """Seconds left at the mean speed so far; None before the first item is done."""
    return seconds / done * (total - done) if done > 0 else None
