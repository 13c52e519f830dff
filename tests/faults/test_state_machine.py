"""Random histories of one company (`histories.py`, `catalogs.py`, `order_histories.py`).

A few are told always, some with `long`, many with `slow`.

HISTORIES_SEED=n tells the same histories again, HISTORIES=n tries so many.
"""

from __future__ import annotations

import os
import random
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from faults.catalogs import Catalogs
from faults.histories import Histories
from faults.order_histories import OrderHistories
from faults.verdicts import record

Machine = type[Histories] | type[Catalogs] | type[OrderHistories]
FEW, SOME, MANY = 3, 12, 400
FEW_CATALOGS, SOME_CATALOGS = 2, 8
FEW_ORDERS, SOME_ORDERS = 2, 8


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(FEW, 15, id="a few"),
        pytest.param(SOME, 15, id="some", marks=pytest.mark.long),
        pytest.param(MANY, 40, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_nothing_is_twice_and_nothing_lost(examples: int, steps: int) -> None:
    number = int(os.environ.get("HISTORIES_SEED") or (1 if examples < MANY else random.SystemRandom().randrange(10**6)))
    _tell(Histories, examples, steps, number, "histories")


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(FEW_CATALOGS, 12, id="a few"),
        pytest.param(SOME_CATALOGS, 12, id="some", marks=pytest.mark.long),
        pytest.param(MANY, 40, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_products_agree_in_the_end(examples: int, steps: int) -> None:
    number = int(os.environ.get("HISTORIES_SEED") or (1 if examples < MANY else random.SystemRandom().randrange(10**6)))
    _tell(Catalogs, examples, steps, number, "products")


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(FEW_ORDERS, 12, id="a few"),
        pytest.param(SOME_ORDERS, 15, id="some", marks=pytest.mark.long),
        pytest.param(MANY, 40, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_orders_are_booked_once(examples: int, steps: int) -> None:
    number = int(os.environ.get("HISTORIES_SEED") or (1 if examples < MANY else random.SystemRandom().randrange(10**6)))
    _tell(OrderHistories, examples, steps, number, "orders")


def _tell(
    machine: type[Histories] | type[Catalogs] | type[OrderHistories], examples: int, steps: int, number: int, name: str
) -> None:
    sys.stdout.write(f"HISTORIES_SEED={number}\n")
    machine.tried.clear()
    tried = settings(
        max_examples=int(os.environ.get("HISTORIES") or examples) if examples == MANY else examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(seed(number)(machine), settings=tried)
    sys.stdout.write(f"{dict(machine.tried)}\n")
    record("random histories (Hypothesis)", name, str(number), histories=machine.tried["histories"])
