"""Which steps may start beside others: by objects, needs, numbers, and what is not proved yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.engine.schedule import Place, Schedule
from bexsync.ids import LedgerId
from bexsync.ports.contact_effects import EditContact
from bexsync.ports.document_effects import IssueDocument
from bexsync.ports.order_effects import CreateDelivery, OrderPart, RecordPayment
from bexsync.ports.steps import Effect, NumberOrder, Ref, Step, Subject


def an_edit(contact: int) -> EditContact:
    seven = LedgerId("7")
    return EditContact(
        ledger_id=LedgerId(str(contact)), kind="person", name_1="x", user_id=seven, owner_id=seven, fields={}
    )


def a_delivery(order: int, contact: int | Ref) -> CreateDelivery:
    whose = contact if isinstance(contact, Ref) else LedgerId(str(contact))
    return CreateDelivery(document_id=LedgerId(str(order)), contact_id=whose, parts=(OrderPart(index=0),))


def an_issue(document: int | Ref) -> IssueDocument:
    return IssueDocument(document_id=document if isinstance(document, Ref) else LedgerId(str(document)))


def step(effect: Effect, key: str, **more: Any) -> Step:
    return Step(effect, key, Subject("invoice", key), scope="main", **more)


def numbered(key: str, day: str, series: str = "invoice") -> Step:
    return step(an_edit(int(key)), key, series=series, day=day)


@dataclass
class Scene:
    """A schedule of these steps, of which some are under way and some have ended."""

    steps: list[Step]
    number_order: NumberOrder = "day"
    unproved: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedule = Schedule(self.number_order, lambda effect: effect not in self.unproved)
        self.places: list[Place] = [self.schedule.add(one) for one in self.steps]

    def start(self, *numbers: int) -> Scene:
        for number in numbers:
            self.schedule.start(self.places[number])
        return self

    def end(self, *numbers: int) -> Scene:
        for number in numbers:
            self.schedule.end(self.places[number])
        return self

    @property
    def free(self) -> list[int]:
        """Which may start now."""
        return [
            place.number
            for place in self.places
            if place.number in self._left and not self.schedule.is_under_way(place) and self.schedule.may_start(place)
        ]

    @property
    def _left(self) -> set[int]:
        return {number for numbers in self.schedule._by_ref.values() for number in numbers}


def test_steps_on_one_object_go_in_the_order_of_the_plan() -> None:
    scene = Scene([step(an_edit(1), "a"), step(an_edit(2), "b"), step(an_edit(1), "c")])
    assert scene.free == [0, 1]
    assert scene.start(0).free == [1]
    assert scene.end(0).free == [1, 2]


def test_a_step_waits_for_those_it_needs_in_other_records_too() -> None:
    made = Ref("contact_edit", "a")
    scene = Scene([step(an_edit(1), "a"), step(an_edit(2), "b", after=(made,)), step(an_issue(Ref(*_of(made))), "c")])
    assert scene.free == [0]
    assert scene.start(0).end(0).free == [1, 2]


def _of(ref: Ref) -> tuple[str, str, str]:
    return ref.kind, ref.key, "number"


def test_what_was_done_by_an_earlier_run_is_not_waited_for() -> None:
    assert Scene([step(an_edit(1), "a", after=(Ref("contact", "long ago"),))]).free == [0]


def test_what_is_found_beside_a_contact_is_made_one_at_a_time() -> None:
    scene = Scene([step(a_delivery(n, contact), str(n)) for n, contact in ((1, 5), (2, 5), (3, 6))])
    assert scene.free == [0, 1, 2]
    assert scene.start(1).free == [2]
    assert scene.end(1).free == [0, 2]


def test_a_contact_that_this_run_makes_is_one_contact() -> None:
    new = Ref("contact", "n")
    scene = Scene([step(a_delivery(1, new), "1"), step(a_delivery(2, new), "2")])
    assert scene.start(0).free == []


def test_payments_of_one_invoice_go_one_after_the_other() -> None:
    payments = [RecordPayment(document_id=LedgerId("4"), value=value, day="2026-11-20") for value in ("1", "2")]
    scene = Scene([step(one, one.value) for one in payments])
    assert scene.free == [0]


@pytest.mark.parametrize(("order", "free"), [("day", [0, 1]), ("strict", [0]), ("any", [0, 1, 2])])
def test_numbers_follow_days(order: NumberOrder, free: list[int]) -> None:
    steps = [numbered("1", "2026-11-01"), numbered("2", "2026-11-01"), numbered("3", "2026-11-02")]
    scene = Scene(steps, order)
    assert scene.free == free
    # Whatever became of the first, it holds nobody any more.
    scene.start(0).end(0)
    assert scene.free == {"day": [1], "strict": [1], "any": [1, 2]}[order]
    scene.start(1).end(1)
    assert scene.free == [2]


def test_each_class_of_documents_has_its_own_numbers() -> None:
    scene = Scene([numbered("1", "2026-11-01"), numbered("2", "2026-11-02", "order")])
    assert scene.free == [0, 1]


def test_what_rests_on_something_unproved_is_alone() -> None:
    first = an_edit(1)
    scene = Scene([step(first, "a"), step(an_edit(2), "b"), step(an_edit(3), "c")], unproved=[first])
    assert scene.free == [0, 1, 2]
    assert scene.start(1).free == [2], "it does not start beside another"
    assert scene.schedule.is_next(scene.places[0]), "though nothing else is in its way"
    assert scene.end(1).start(0).free == [], "and nothing starts beside it"
    assert scene.end(0).free == [2]


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["", "2026-11-01", "2026-11-02", "2026-11-03"])), max_size=12
    ),
    order=st.sampled_from(["day", "strict", "any"]),
    choice=st.randoms(use_true_random=False),
)
def test_it_never_comes_to_a_stop(steps: list[tuple[int, str]], order: NumberOrder, choice: Any) -> None:
    """In whatever order steps start and end, something may start until all have ended; objects go in order."""
    made = [
        step(an_edit(target), str(number), series="invoice" if day else "", day=day)
        for number, (target, day) in enumerate(steps)
    ]
    scene, under_way, started = Scene(made, order), [], []
    for _ in range(2 * len(made)):
        free = scene.free
        assert free or under_way
        if free and (not under_way or choice.random() < 0.6):
            number = choice.choice(free)
            scene.start(number)
            under_way.append(number)
            started.append(number)
        else:
            number = choice.choice(under_way)
            under_way.remove(number)
            scene.end(number)
    assert sorted(started) == list(range(len(made)))
    for target in (1, 2, 3):
        of_one = [number for number in started if steps[number][0] == target]
        assert of_one == sorted(of_one)
