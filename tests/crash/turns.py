"""Several requests in flight: a seed decides who goes on at each boundary, and time passes only when all sleep."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from bexsync.workers import Abandoned, Hiring, Seat, Workers
from world import TestClock, World

IN_FLIGHT = 8


class SeededWorkers(Workers):
    """Before and after each request the seed says who goes on; the request itself is made by one at a time.

    So a run with several in flight comes to the same boundaries each time it has the same seed. A request may have been
    carried out while the answer is still waiting to be looked at, for all of them at once.
    """

    def __init__(self, chance: random.Random, clock: TestClock) -> None:
        super().__init__()
        self._chance = chance
        self._clock = clock
        self._asleep: list[tuple[datetime, int, Seat]] = []
        self._naps = 0

    def start(self, work: Callable[[], None]) -> None:
        before = len(self._ready)
        super().start(work)
        deadline = time.monotonic() + 30
        while len(self._ready) == before:  # the thread comes in its own time
            assert time.monotonic() < deadline, "no thread took the work"
            time.sleep(0)

    @contextmanager
    def outside(self, seat: Seat) -> Iterator[None]:
        self._let_one_go_on(seat)
        yield
        self._let_one_go_on(seat)

    def sleep(self, clock: Any, seconds: float, seat: Seat) -> None:
        assert clock is self._clock
        self._naps += 1
        self._asleep.append((clock.now() + timedelta(seconds=seconds), self._naps, seat))
        self.give_turn()
        self._return(seat)

    def give_turn(self) -> None:
        with self._mutex:
            if not self._ready and self._asleep:
                first = min(self._asleep)
                self._asleep.remove(first)
                self._clock.moment = max(self._clock.moment, first[0])
                self._ready.append(first[2])
        super().give_turn()

    def _next(self) -> Seat:
        chosen = self._chance.randrange(len(self._ready))
        self._ready.rotate(-chosen)
        return self._ready.popleft()

    def _let_one_go_on(self, seat: Seat) -> None:
        with self._mutex:
            self._ready.append(seat)
        self.give_turn()
        self._return(seat)

    def _return(self, seat: Seat) -> None:
        seat.gate.acquire()
        if self._is_closed:
            raise Abandoned


@contextmanager
def several_in_flight(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What runs in this world from now on has several requests in flight, in the order that the seed says."""
    chance = random.Random(seed)
    world.set_profile(engine={"in_flight": IN_FLIGHT})
    with monkeypatch.context() as patch:
        patch.setattr(Hiring, "make", lambda: SeededWorkers(chance, world.clock))
        yield
    world.set_profile(engine={"in_flight": 1})
