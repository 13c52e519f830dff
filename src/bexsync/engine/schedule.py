"""Which of the steps that are left to do may start now, beside those under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bexsync.ports.steps import Effect, NumberOrder, Ref, Step

Key = TypeVar("Key")


@dataclass(frozen=True)
class Place:
    """A step, which one of the plan it is, the steps it needs, and what it must not meet."""

    number: int
    step: Step
    needs: tuple[Ref, ...]
    written: str
    exclusive: str


@dataclass
class Schedule:
    """The steps of the records that are looked at, in the order of the plan, until each has ended.

    A step may start when these have ended: every earlier one that it needs or that writes the same object, and, as
    `number_order` wants, those that take a number before it. One that rests on what is not proved yet is alone. As all
    of that names earlier steps only, the first one that is left may always start.
    """

    number_order: NumberOrder
    is_proved: Callable[[Effect], bool]
    _count: int = 0
    _by_ref: defaultdict[Ref, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_object: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_series: defaultdict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    _under_way: dict[int, Place] = field(default_factory=dict)
    _exclusive: set[str] = field(default_factory=set)
    _is_alone: bool = False

    def add(self, step: Step) -> Place:
        """The place of the next step of the plan, whose steps must come by the days of their documents."""
        needs = tuple(Ref(ref.kind, ref.key) for ref in step.needs)
        place = Place(self._count, step, needs, step.written_object, step.exclusive)
        self._count += 1
        self._by_ref[step.ref].append(place.number)
        self._by_object[place.written].append(place.number)
        if step.series:
            self._by_series[step.series].append(place)
        return place

    def may_start(self, place: Place) -> bool:
        """Whether a step may start beside those under way."""
        if self._is_alone or not self.is_next(place):
            return False
        return self.is_proved(place.step.effect) or not self._under_way

    def is_next(self, place: Place) -> bool:
        """Whether all has ended that must have ended before a step starts."""
        return (
            self._by_object[place.written][0] == place.number
            and not any(self._is_left_before(ref, place) for ref in place.needs)
            and place.exclusive not in self._exclusive
            and self._takes_next_number(place)
        )

    def start(self, place: Place) -> None:
        """A step is under way from now on."""
        self._under_way[place.number] = place
        self._is_alone = not self.is_proved(place.step.effect)
        if place.exclusive:
            self._exclusive.add(place.exclusive)

    def end(self, place: Place) -> None:
        """A step has ended, whatever came of it."""
        step = place.step
        self._under_way.pop(place.number)
        self._is_alone = False
        self._exclusive.discard(place.exclusive)
        _drop(self._by_ref, step.ref, place.number)
        _drop(self._by_object, place.written, place.number)
        if step.series:
            self._by_series[step.series].remove(place)

    def is_under_way(self, place: Place) -> bool:
        """Whether a step was started and has not ended."""
        return place.number in self._under_way

    def _is_left_before(self, ref: Ref, place: Place) -> bool:
        """Whether a step that this one needs has not ended yet."""
        left = self._by_ref.get(ref)
        return left is not None and left[0] < place.number

    def _takes_next_number(self, place: Place) -> bool:
        step = place.step
        if not step.series or self.number_order == "any":
            return True
        first = self._by_series[step.series][0]
        return first is place if self.number_order == "strict" else first.step.day == step.day


def _drop(left: defaultdict[Key, list[int]], key: Key, number: int) -> None:
    left[key].remove(number)
    if not left[key]:
        del left[key]
