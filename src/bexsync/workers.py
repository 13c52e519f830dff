"""Threads that work side by side, one at a time: while one is out for an answer or asleep, another goes on.

Only who has the turn runs. So what the threads share needs no locks, the state has one writer at any moment, and only
requests and sleeps overlap.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from bexsync.errors import BexsyncError
from bexsync.interruption import may_be_cut_off

_LOOK_SECONDS = 0.25  # between two looks of the owner at what may end its wait


class _Sleeper(Protocol):
    """A clock that lets seconds pass."""

    def sleep(self, seconds: float) -> None: ...


class Abandoned(BaseException):
    """The owner has gone: whatever comes back now must not go on. Not an Exception, so that nothing handles it."""


class Seat:
    """One thread's place in the queue for the turn."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.has_turn = False


class Workers:
    """The threads of one owner, which has the turn from the start and gives it away only in `wait`.

    What a piece of work raises is raised in the owner by its next `wait`, which ends all of them.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._mutex = threading.Lock()
        self._ready: deque[Seat] = deque()
        self._is_taken = True
        self._is_closed = False
        self._owner = Seat()
        self._owner.has_turn = True
        self._owner_waits = False
        self._has_news = False
        self._failure: BaseException | None = None
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0

    def start(self, work: Callable[[], None]) -> None:
        """Lets `work` begin in a thread of its own, as soon as it has the turn; called by who has it."""
        self.under_way += 1
        self._work.put(work)
        if self._threads < self.under_way:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"worker-{self._threads}", daemon=True).start()

    def wait(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Lets the others run until one has ended or calls, or `is_over` says that they had time enough."""
        with self._mutex:
            self._owner_waits = not self._has_news
        if self._owner_waits:
            self._owner.has_turn = False
            self.give_turn()
            try:
                self._await_news(is_over)
            finally:
                self._insist()  # also before an error
        self._has_news = False
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Ends every thread: those that wait for their turn now, those that are out when they come back."""
        with self._mutex:
            waiting, self._is_closed = [*self._ready], True
            self._ready.clear()
        for seat in waiting:
            seat.gate.release()
        for _ in range(self._threads):
            self._work.put(None)

    @contextmanager
    def outside(self, seat: Seat) -> Iterator[None]:
        """What needs nothing of what the threads share, such as the wait for an answer."""
        self.give_turn()
        try:
            yield
        finally:
            self.take_turn(seat)

    def sleep(self, clock: _Sleeper, seconds: float, seat: Seat) -> None:
        """Lets seconds pass for one of them."""
        with self.outside(seat):
            clock.sleep(seconds)

    def take_turn(self, seat: Seat) -> None:
        """Return when the turn has come; raises Abandoned where the owner has gone."""
        with self._mutex:
            if self._is_closed:
                raise Abandoned
            if not self._is_taken:
                self._is_taken = True
                return
            self._ready.append(seat)
        seat.gate.acquire()
        if self._is_closed:
            raise Abandoned

    def give_turn(self) -> None:
        """Let the next one go on."""
        with self._mutex:
            self._is_taken = bool(self._ready)
            if self._ready:
                seat = self._next()
                seat.has_turn = True
                seat.gate.release()

    def _next(self) -> Seat:
        """Who has the turn next, of those that are ready."""
        return self._ready.popleft()

    def _await_news(self, is_over: Callable[[], bool]) -> None:
        """Wait for the turn, which the end of a piece of work brings; a signal may cut it short."""
        with may_be_cut_off():
            while not self._owner.gate.acquire(timeout=_LOOK_SECONDS):
                if is_over():
                    return

    def _insist(self) -> None:
        """Take the turn at the next opportunity, unless it is here already."""
        with self._mutex:
            if not self._owner.has_turn and not self._is_taken:
                self._is_taken = self._owner.has_turn = True
            elif self._owner_waits:
                self._ready.appendleft(self._owner)
            self._owner_waits = False
        while not self._owner.has_turn:
            self._owner.gate.acquire(timeout=_LOOK_SECONDS)
        self._owner.gate = threading.Semaphore(0)  # whether or not its signal was used up

    def _serve(self) -> None:
        _of_this_thread.workers, _of_this_thread.seat = self, Seat()
        while (work := self._work.get()) is not None:
            try:
                self.take_turn(_of_this_thread.seat)
                work()
            except Abandoned:
                return
            except BaseException as problem:  # noqa: BLE001  the owner raises it
                self._failure = self._failure or problem
            self._ended()

    def call_owner(self) -> None:
        """Let the owner look again as soon as it may have the turn; called by who has it."""
        with self._mutex:
            self._has_news = True
            if self._owner_waits:
                self._owner_waits = False
                self._ready.append(self._owner)

    def _ended(self) -> None:
        self.under_way -= 1
        self.call_owner()
        self.give_turn()


class _OfThisThread(threading.local):
    workers: Workers | None = None
    seat: Seat = Seat()


_of_this_thread = _OfThisThread()


@contextmanager
def outside() -> Iterator[None]:
    """Mark a wait for an answer, during which other workers go on; nothing of the state may be in use."""
    workers = _of_this_thread.workers
    if workers is None:
        yield
        return
    with workers.outside(_of_this_thread.seat):
        yield


def sleep(clock: _Sleeper, seconds: float) -> None:
    """Let seconds pass, during which other workers go on."""
    workers = _of_this_thread.workers
    if workers is None:
        clock.sleep(seconds)
    else:
        workers.sleep(clock, seconds, _of_this_thread.seat)


class NoWorkers(Workers):
    """The owner does all work itself, in `start`."""

    def start(self, work: Callable[[], None]) -> None:
        """Does the work."""
        work()

    def wait(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Nothing is under way."""

    def call_owner(self) -> None:
        """The owner is at work itself."""


T = TypeVar("T")


def side_by_side(calls: Sequence[Callable[[], T]], most: int) -> list[T]:
    """What each call returns, in their order, up to `most` of them under way at once.

    Raises what the first of those raised that failed, when all that were begun have ended. In a worker they come one
    after the other, since the others are at work meanwhile.
    """
    if most == 1 or len(calls) < 2 or _of_this_thread.workers is not None:
        return [call() for call in calls]
    ended: dict[int, _Ended[T]] = {}
    workers, waiting = hire(most), deque(enumerate(calls))
    try:
        while waiting or workers.under_way:
            while waiting and workers.under_way < most and not any(one.problem for one in ended.values()):
                number, call = waiting.popleft()
                workers.start(partial(_end, ended, number, call))
            if not workers.under_way:
                break
            workers.wait()
    finally:
        workers.close()
    problem = next((ended[number].problem for number in sorted(ended) if ended[number].problem is not None), None)
    if problem is not None:
        raise problem
    return [value for number in sorted(ended) for value in ended[number].values]


@dataclass(frozen=True)
class _Ended(Generic[T]):
    """What came of a call: its value, or what it raised."""

    values: tuple[T, ...] = ()
    problem: BexsyncError | None = None


def _end(ended: dict[int, _Ended[T]], number: int, call: Callable[[], T]) -> None:
    try:
        ended[number] = _Ended((call(),))
    except BexsyncError as problem:
        ended[number] = _Ended(problem=problem)


class Hiring:
    """Who hires the threads of a run; a test may put another one in its place."""

    make: Callable[[], Workers] = Workers


def hire(most: int) -> Workers:
    """Threads for the work of one owner, `most` of them."""
    return Hiring.make() if most > 1 else NoWorkers()
