"""The strip's numbers are made beside the page: asked for without waiting, the newest decisions win."""

import threading
import time

import pytest

from cod_core.errors import CodError
from cod_core.project.results.live import EVERY, MANY, Live, Watch


def numbers(n: int, unread: int = 0) -> Live:
    return Live(n, None, None, 0, unread, "", None)


def last_word(watch: Watch) -> Live | None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        live, last = watch.now()
        if last:
            return live
        time.sleep(0.01)
    raise AssertionError("no last word within 10 s")


def test_asking_never_waits_and_begins_the_work_once():
    go, begun = threading.Event(), []

    def measure():
        begun.append(1)
        go.wait(10)
        return numbers(3)

    watch = Watch(measure, lambda: "a")
    start = time.perf_counter()
    assert [watch.now() for _ in range(5)] == [(None, False)] * 5
    assert time.perf_counter() - start < 1
    go.set()
    assert last_word(watch) == numbers(3) and len(begun) == 1


def test_a_decision_made_meanwhile_is_counted_too():
    mark, n = ["a"], [1]
    watch = Watch(lambda: numbers(n[0]), lambda: mark[0])
    assert last_word(watch).n == 1
    mark[0], n[0] = "b", 2
    assert watch.now() == (numbers(1), False), "the old numbers until the new ones are there"
    assert last_word(watch).n == 2


def test_a_page_whose_state_was_passed_by_others_takes_the_newer_numbers():
    """With ten people at work, or a job, the state that a page was drawn in was gone before it was measured: the numbers were made
    again and again for as long as the page stayed for them."""
    mark, measured = ["a"], []
    watch = Watch(lambda: measured.append(mark[0]) or numbers(1), lambda: mark[0])
    drawn, mark[0] = mark[0], "b"
    end = time.monotonic() + 10
    while not watch.now(drawn)[1] and time.monotonic() < end:
        time.sleep(0.01)
    assert watch.now(drawn) == watch.now() == (numbers(1), True) and measured == ["b"]


def test_numbers_that_were_begun_before_a_decision_do_not_count_for_it():
    go, begun, mark = threading.Event(), threading.Event(), ["a"]

    def measure():
        n = 1 if mark[0] == "a" else 2
        begun.set()
        go.wait(10)
        return numbers(n)

    watch = Watch(measure, lambda: mark[0])
    watch.now()
    assert begun.wait(10)
    mark[0] = "b"
    watch.now("b")
    go.set()
    assert last_word(watch) == numbers(2)


def test_development_texts_are_read_to_the_end_without_being_asked_again():
    left = [200]

    def measure():
        left[0] -= 100
        return numbers(5, left[0])

    watch = Watch(measure, lambda: "a")
    watch.now()
    assert last_word(watch).unread == 0 and left == [0]


def test_what_goes_wrong_is_said_once_and_tried_again_with_the_next_decision():
    mark, broken = ["a"], [True]

    def measure():
        if broken[0]:
            raise ValueError("disk full")
        return numbers(1)

    watch = Watch(measure, lambda: mark[0])
    with pytest.raises(ValueError, match="disk full"):
        last_word(watch)
    assert watch.now() == (None, True)
    broken[0], mark[0] = False, "b"
    assert last_word(watch).n == 1


def test_a_database_that_is_away_for_a_moment_does_not_end_the_strip():
    """The thread died where it asked for the state, and every page counted for ever."""
    away = [False, True, False]
    marks = iter(away)

    def marker():
        if next(marks, False):
            raise CodError("away")
        return "a"

    watch = Watch(lambda: numbers(1), marker)
    watch.now()
    with pytest.raises(CodError, match="away"):
        last_word(watch)
    assert watch.now("b") == (None, False) and last_word(watch).n == 1


def test_of_many_pairs_every_25th_decision_is_measured():
    mark, measured = [0], []
    watch = Watch(lambda: measured.append(mark[0]) or numbers(MANY), lambda: str(mark[0]))
    last_word(watch)
    for _ in range(EVERY):
        mark[0] += 1
        last_word(watch)
    assert measured == [0, EVERY]
