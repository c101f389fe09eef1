"""How many calls may be open, and when the next may start, told by a clock that the test moves."""

import pytest

from cod_core.models.pacing import Pacer, retry_after, seconds


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_each_429_halves_the_calls_and_answers_open_the_way_again():
    pacer = Pacer(8, Clock())
    pacer.turned_away(None)
    pacer.turned_away(None)
    assert pacer.limit == 2
    for _ in range(200):
        pacer.answered({})
    assert pacer.limit == 8


def test_nothing_starts_before_the_moment_that_the_server_named():
    clock = Clock()
    pacer = Pacer(4, clock)
    pacer.turned_away(7.0)
    assert pacer._wait() == pytest.approx(7.0)
    clock.now += 7
    assert pacer._wait() == 0
    pacer.answered({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"})
    assert pacer._wait() == pytest.approx(2.0)
    pacer.answered({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9s"})
    assert pacer._wait() == pytest.approx(2.0), "calls that are left are not waited for"


def test_one_call_at_a_time_that_is_still_too_many_is_spaced():
    clock = Clock()
    pacer = Pacer(2, clock)
    pacer.turned_away(1.0)
    pacer.turned_away(1.0)
    assert pacer.limit == 1 and pacer.gap == pytest.approx(1.1)
    for _ in range(300):
        pacer.answered({})
    assert pacer.gap == 0


@pytest.mark.parametrize(
    "value, found", [("1.5", 1.5), ("6m0s", 360.0), ("250ms", 0.25), ("1h", 3600.0), ("soon", None), ("", None), ("-3", None), ("5x", None)]
)
def test_waits_as_servers_write_them(value, found):
    assert seconds(value) == found


def test_retry_after_in_seconds_and_as_a_date():
    assert retry_after({"retry-after": "3"}) == 3.0 and retry_after({"retry-after-ms": "20", "retry-after": "9"}) == 0.02
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0 and retry_after({}) is None


def test_calls_that_were_open_when_the_pace_was_slowed_tell_nothing_new():
    """Sixteen open calls that met one limit cut the pace to a two hundredth, and a run took three times as long as it had to."""
    clock = Clock()
    pacer = Pacer(16, clock)
    for begun in (99.0, 99.2, 99.4):
        pacer.turned_away(None, begun)
    assert pacer.limit == 8
    clock.now += 1
    pacer.turned_away(None, 100.5)
    assert pacer.limit == 4


def served(most: int, rate: float, hint: bool, seconds: float = 60.0, takes: float = 0.05) -> tuple[float, float]:
    """(answers a second, share of calls refused) of a server that lets `rate` calls a second through, on a clock of its own."""
    clock = Clock()
    pacer, left, answered, refused = Pacer(most, clock), 2.0, 0, 0
    open_calls = []  # (when it ends, its turn, when it began, whether it is let through)
    while clock.now < 100.0 + seconds:
        for call in [call for call in open_calls if call[0] <= clock.now]:
            open_calls.remove(call)
            _, turn, begun, through = call
            if through:
                answered += 1
            else:
                refused += 1
                pacer.turned_away(1 / rate if hint else None, begun)
            turn.__exit__(None, None, None)
            if through:
                pacer.answered({})
        while pacer._wait() == 0:
            turn = pacer.turn()
            begun, through = turn.__enter__(), left >= 1
            left -= through
            open_calls.append((clock.now + takes, turn, begun, through))
        clock.now += 0.005
        left = min(2.0, left + 0.005 * rate)  # two at once at most
    return answered / seconds, refused / (answered + refused)


@pytest.mark.parametrize("hint", [True, False], ids=["told to wait", "told nothing"])
@pytest.mark.parametrize("most", [4, 16])
@pytest.mark.parametrize("rate", [5.0, 20.0])
def test_a_limited_server_is_used_near_its_limit_and_seldom_refuses(most, rate, hint):
    """A run over a limit of requests took three times as long as the limit asked for."""
    answers, refused = served(most, rate, hint)
    assert answers > 0.75 * rate and refused < 0.2, (answers, refused)
