"""The only writer: the records of a plan, several at a time, each step by step."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from bexsync.engine.schedule import Place, Schedule
from bexsync.engine.sending import Applied, AppliedRecord, OneRecord, Sender
from bexsync.errors import BexsyncError, StoppedBySignal
from bexsync.http.clock import Clock
from bexsync.planning.plan import Plan
from bexsync.ports.steps import Effect, NumberOrder, Ref, Step, Subject
from bexsync.workers import Workers, hire

TOLD_TOGETHER = 50
LOOK_AHEAD = 64  # records of which some step may start before those of earlier ones
FIRST_IN_FLIGHT = 4
PATIENCE_SECONDS = 10.0  # with requests that are under way when a run ends


@dataclass(frozen=True)
class Pace:
    """How many records are worked on at once at most, and which numbers of documents follow their days."""

    in_flight: int = 1
    number_order: NumberOrder = "day"


@dataclass
class Applier:
    """Sends plans under the company's `lock`, which is given away when another run waits for it (`is_wanted`).

    `setbacks` counts how often the ledger refused to take more requests, or failed to answer.
    """

    sender: Sender
    clock: Clock
    lock: Callable[[], AbstractContextManager[Any]]
    stopping: Callable[[], bool] = lambda: False
    pace: Callable[[], Pace] = Pace
    is_wanted: Callable[[], bool] = lambda: False
    setbacks: Callable[[], int] = lambda: 0

    def apply(self, plan: Plan) -> Iterator[AppliedRecord]:
        """The plan's records as they are finished; raises what ends a whole run, when no request is under way."""
        if not plan.steps:
            return  # before the pace is asked for, which opens the ledger
        flight = _Flight(self, plan.by_subject())
        try:
            while not flight.is_over:
                with self.lock():
                    yield from flight.go_on()
        finally:
            flight.close()

    def tell(self, plan: Plan) -> Iterator[AppliedRecord]:
        """The plan's records one by one, of effects that do no harm when they are repeated, such as events with an id.

        The first steps of many records begin in one commit and end in another, so that a kill repeats those between.
        """
        records = plan.by_subject()
        while batch := list(islice(records, TOLD_TOGETHER)):
            with self.lock():
                if self.stopping():
                    raise StoppedBySignal
                told = self.sender.send_together([steps[0] for _, steps in batch])
                for subject, steps in batch:
                    yield self._told(subject, steps, told)

    def _told(self, subject: Subject, steps: Sequence[Step], told: dict[Ref, Applied]) -> AppliedRecord:
        record = OneRecord()
        applied = tuple(told.get(step.ref) or self.sender.send(record, step) for step in steps)
        self.sender.forget(steps)
        return AppliedRecord(subject, applied)


@dataclass
class _Record:
    """A record on its way: its steps, and what became of the first of them."""

    subject: Subject
    places: list[Place]
    applied: list[Applied] = field(default_factory=list)
    state: OneRecord = field(default_factory=OneRecord)

    @property
    def next(self) -> Place | None:
        """The first step that has not ended, None where all have."""
        return self.places[len(self.applied)] if len(self.applied) < len(self.places) else None

    @property
    def following(self) -> Place | None:
        """The step after the next."""
        after = len(self.applied) + 1
        return self.places[after] if after < len(self.places) else None

    @property
    def rank(self) -> int:
        """Which of the plan it is."""
        return self.places[0].number


@dataclass
class _InFlight:
    """How many may be under way: twice as many with each round of answers, half as many after a setback."""

    most: int
    now: float = FIRST_IN_FLIGHT
    setbacks: int = 0

    def __post_init__(self) -> None:
        self.now = min(self.now, self.most)

    def answered(self, setbacks: int) -> None:
        """Take note of an answer, and of how many setbacks there have been in all."""
        if setbacks > self.setbacks:
            self.now = max(1.0, self.now / 2)
        else:
            self.now = min(float(self.most), self.now + (1 / self.now if self.setbacks else 1))
        self.setbacks = setbacks


class _Flight:
    """The records of one plan on their way.

    One thread, that of the run, decides which step starts; a worker does it, and the next ones of its record as long as
    they may start at once.
    """

    def __init__(self, applier: Applier, records: Iterator[tuple[Subject, Sequence[Step]]]) -> None:
        self._applier = applier
        self._sender = applier.sender
        pace = applier.pace()
        self._schedule = Schedule(pace.number_order, self._is_proved)
        self._workers: Workers = hire(pace.in_flight)
        self._in_flight = _InFlight(pace.in_flight, setbacks=applier.setbacks())
        self._records = records
        self._waiting: list[_Record] = []
        self._ended: list[_Record] = []
        self._has_started = False
        self._problem: BexsyncError | None = None
        self._problem_since = 0.0
        self._look_ahead()

    @property
    def is_over(self) -> bool:
        """Whether all records have ended."""
        return not self._waiting and not self._ended and not self._workers.under_way

    def close(self) -> None:
        """Whatever is still under way is nobody's any more."""
        self._workers.close()

    def go_on(self) -> Iterator[AppliedRecord]:
        """The records that end before another run gets the lock; each answer is written down before it does."""
        self._has_started = False
        while True:
            yield from self._finished()
            self._start_what_may()
            if self._workers.under_way:
                self._workers.wait(self._is_patience_over)
                if self._is_patience_over():
                    break
            elif not self._ended and (self._problem is not None or self._gives_way or self.is_over):
                break
        if self._problem is not None:
            raise self._problem

    def _start_what_may(self) -> None:
        """Start as many steps as may be under way, those of earlier records first.

        Whoever waits for the lock gets it after them: two runs that write by turns are as fast as one only if each turn
        is full.
        """
        free = int(self._in_flight.now) - self._workers.under_way
        for record in list(self._waiting) if self._may_begin() and not self._gives_way else ():
            place = record.next
            if place is None:
                continue
            if self._schedule.may_start(place):
                self._waiting.remove(record)
                self._schedule.start(place)
                self._has_started = True
                self._workers.start(partial(self._work, record))
                free -= 1
                if self._ended or not free or not self._may_begin():
                    return
            elif self._schedule.is_next(place):
                return  # it is to be alone, so that nothing is started before it

    def _may_begin(self, beside: int = 0) -> bool:
        """Whether a step may begin, `beside` less than those that are under way."""
        if self._applier.stopping():
            self._end_with(StoppedBySignal())
        return self._problem is None and self._has_room(beside)

    def _has_room(self, beside: int = 0) -> bool:
        return self._workers.under_way - beside < int(self._in_flight.now)

    @property
    def _gives_way(self) -> bool:
        """Whether another run is to have the lock, now that this one has done something under it."""
        return self._has_started and self._applier.is_wanted()

    def _end_with(self, problem: BexsyncError) -> None:
        if self._problem is None:
            self._problem, self._problem_since = problem, self._applier.clock.monotonic()

    def _is_patience_over(self) -> bool:
        passed = self._applier.clock.monotonic() - self._problem_since
        return self._problem is not None and passed > PATIENCE_SECONDS

    def _finished(self) -> Iterator[AppliedRecord]:
        while self._ended:
            record = self._ended.pop(0)
            self._sender.forget([place.step for place in record.places])
            self._look_ahead()
            yield AppliedRecord(record.subject, tuple(record.applied))

    def _look_ahead(self) -> None:
        for subject, steps in islice(self._records, max(0, LOOK_AHEAD - len(self._waiting))):
            self._waiting.append(_Record(subject, [self._schedule.add(step) for step in steps]))

    # in a worker

    def _work(self, record: _Record) -> None:
        try:
            self._advance(record)
        except BexsyncError as problem:
            self._end_with(problem)
        else:
            if record.next is None:
                self._ended.append(record)
            else:
                insort(self._waiting, record, key=lambda one: one.rank)

    def _advance(self, record: _Record) -> None:
        """Do the next step of a record, and those after it that may start at once."""
        place = record.next
        while place is not None:
            place = self._done(record, place)

    def _done(self, record: _Record, place: Place) -> Place | None:
        """Do a step that was started, and return the next one where that has been started, too."""
        following: list[Place] = []

        def follow() -> Step | None:
            self._has_ended(place)
            following.extend(self._started(record.following))
            return following[0].step if following else None

        applied = self._sender.send(record.state, place.step, follow)
        record.applied.append(applied)
        if self._schedule.is_under_way(place):
            self._has_ended(place)
        if not following:
            following.extend(self._started(record.next))
        return following[0] if following else None

    def _has_ended(self, place: Place) -> None:
        self._schedule.end(place)
        self._in_flight.answered(self._applier.setbacks())
        if self._waiting and self._has_room():
            self._workers.call_owner()  # others may have waited for this step alone

    def _started(self, place: Place | None) -> list[Place]:
        """The step, once it is started; nothing where it must not start yet."""
        if place is None or not self._may_begin(beside=1) or self._gives_way or not self._schedule.may_start(place):
            return []
        self._schedule.start(place)
        return [place]

    def _is_proved(self, effect: Effect) -> bool:
        return self._sender.side(effect).is_proved(effect)
