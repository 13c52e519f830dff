"""Threads that take turns: one runs at a time, and nobody outlives its owner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from bexsync.errors import TryLater
from bexsync.workers import Abandoned, Workers, hire, outside, side_by_side


@pytest.fixture
def workers() -> Iterator[Workers]:
    hired = Workers()
    yield hired
    hired.close()


def until_all_ended(workers: Workers) -> None:
    while workers.under_way:
        workers.wait()


def test_only_one_runs_at_a_time(workers: Workers) -> None:
    running, most = [0], [0]

    def work() -> None:
        for _ in range(20):
            running[0] += 1
            most[0] = max(most[0], running[0])
            running[0] -= 1
            with outside():
                pass

    for _ in range(8):
        workers.start(work)
    until_all_ended(workers)
    assert most == [1]


def test_those_that_are_out_are_out_together(workers: Workers) -> None:
    meeting = threading.Barrier(5, timeout=10)

    def work() -> None:
        with outside():
            meeting.wait()

    for _ in range(5):
        workers.start(work)
    until_all_ended(workers)
    assert not meeting.broken


def test_the_owner_goes_on_after_each_piece_of_work(workers: Workers) -> None:
    ended: list[int] = []
    for number in range(3):
        workers.start(lambda number=number: ended.append(number))
    seen = []
    while workers.under_way:
        workers.wait()
        seen.append(len(ended))
    assert ended == [0, 1, 2]
    assert seen == sorted(seen)


def test_what_work_raises_is_raised_in_the_owner(workers: Workers) -> None:
    def fail() -> None:
        raise KeyError("gone")

    workers.start(fail)
    with pytest.raises(KeyError):
        until_all_ended(workers)


def test_work_can_start_more_work_while_it_has_the_turn(workers: Workers) -> None:
    ended: list[str] = []

    def first() -> None:
        workers.start(lambda: ended.append("second"))
        ended.append("first")

    workers.start(first)
    until_all_ended(workers)
    assert ended == ["first", "second"]


def test_who_comes_back_when_the_owner_has_gone_does_not_go_on(workers: Workers) -> None:
    may_return, went_on, abandoned = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        try:
            with outside():
                may_return.wait(10)
            went_on.set()
        except Abandoned:
            abandoned.set()
            raise

    workers.start(work)
    workers.wait(lambda: True)  # the owner's patience is over
    workers.close()
    may_return.set()
    assert abandoned.wait(10)
    assert not went_on.is_set()


def test_who_waits_for_its_turn_when_the_owner_goes_never_gets_it() -> None:
    workers, started = Workers(), []
    workers.start(lambda: started.append(1))
    workers.close()
    assert started == []


def test_nobody_is_hired_for_one_at_a_time() -> None:
    threads = threading.active_count()
    alone, ended = hire(1), []
    alone.start(lambda: ended.append(threading.current_thread() is threading.main_thread()))
    alone.wait()
    alone.close()
    assert (ended, threading.active_count()) == ([True], threads)


def test_an_owner_that_insists_has_the_turn_to_itself(workers: Workers) -> None:
    """However its wait ends, nobody else runs while it goes on."""
    running = threading.Event()
    stop = threading.Event()
    inside = [0]

    def work() -> None:
        while not stop.is_set():
            inside[0] += 1
            running.set()
            inside[0] -= 1
            with outside():
                pass

    for _ in range(3):
        workers.start(work)
    for _ in range(50):
        workers.wait(_soon(running))
        assert inside == [0]
    stop.set()
    until_all_ended(workers)


def _soon(running: threading.Event) -> Callable[[], bool]:
    running.clear()
    return lambda: True


def test_calls_side_by_side_are_under_way_at_once_and_answer_in_order() -> None:
    meeting = threading.Barrier(4, timeout=10)

    def answer(number: int) -> int:
        with outside():
            meeting.wait()
        return number

    assert side_by_side([partial(answer, number) for number in range(8)], 4) == list(range(8))


def test_the_first_call_that_failed_is_raised_when_those_begun_have_ended() -> None:
    ended: list[int] = []

    def answer(number: int) -> int:
        with outside():
            pass
        ended.append(number)
        if number in (1, 2):
            raise TryLater(f"number {number}", "")
        return number

    with pytest.raises(TryLater, match="number 1"):
        side_by_side([partial(answer, number) for number in range(8)], 3)
    assert len(ended) < 8


def test_calls_within_a_worker_come_one_after_the_other(workers: Workers) -> None:
    found: list[list[str]] = []

    def work() -> None:
        found.append(side_by_side([lambda: threading.current_thread().name] * 3, 8))

    workers.start(work)
    until_all_ended(workers)
    assert len({name for names in found for name in names}) == 1
