"""Random histories of one company (`histories.py`): a few in every run, many with `slow`.

HISTORIES_SEED=n tells the same histories again, HISTORIES=n tries so many.
"""

from __future__ import annotations

import os
import random
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from faults.histories import Histories
from faults.verdicts import record

FEW, MANY = 12, 400


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(FEW, 15, id="a few"),
        pytest.param(MANY, 40, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_nothing_is_twice_and_nothing_lost(examples: int, steps: int) -> None:
    number = int(os.environ.get("HISTORIES_SEED") or (1 if examples == FEW else random.SystemRandom().randrange(10**6)))
    sys.stdout.write(f"HISTORIES_SEED={number}\n")
    Histories.tried.clear()
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
    run_state_machine_as_test(seed(number)(Histories), settings=tried)
    sys.stdout.write(f"{dict(Histories.tried)}\n")
    record("random histories (Hypothesis)", "histories", str(number), histories=Histories.tried["histories"])
