"""A real SIGKILL of a real process at every request of a push and of a sync of orders, then clean runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Literal

import pytest

from bexio_sandbox import Request
from crash.scenarios import LEAST, SCENARIOS, Scenario
from faults.verdicts import record
from world import BEXSYNC, World, a_world, an_invoice

PUSH = SCENARIOS[0]
REQUESTS = 12  # a search, contacts twice, two contacts and their relation, three invoices, three mails
When = Literal["before", "after_commit"]


def run_until_killed(world: World, scenario: Scenario, nth: int, when: When) -> int:
    """Starts the program and kills it when its nth request is about to be worked on, or has just been committed."""
    seen: list[Request] = []
    process = subprocess.Popen(
        [BEXSYNC, "--profile", world.profile_path, *scenario.command],
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def reap(request: Request) -> None:
        seen.append(request)
        if len(seen) == nth:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)

    hooks = getattr(world.sandbox.hooks, when)
    hooks.append(reap)
    process.communicate(timeout=60)
    hooks.remove(reap)
    return process.returncode


def clean_runs(world: World, scenario: Scenario, *, passing: int = 75) -> None:
    for _ in range(4):
        done = world.cli(*scenario.command, "--json")
        if done.returncode == 0:
            return
        assert done.returncode in (75, passing), done.stdout
        time.sleep(0.5)
    pytest.fail(json.dumps(json.loads(done.stdout), indent=1))


# The short form kills before the last invoice and after a mail, the long one at every second request, before and
# after its commit in turn, the slow one always.
SHORT = {(8, "before"), (10, "after_commit")}
LONG = {*((nth, "before") for nth in (4, 8, 12)), *((nth, "after_commit") for nth in (2, 6, 10))}
MOMENTS = [
    pytest.param(
        nth, when, marks=() if (nth, when) in SHORT else pytest.mark.long if (nth, when) in LONG else pytest.mark.slow
    )
    for nth in range(1, REQUESTS + 1)
    for when in ("before", "after_commit")
]


@pytest.mark.parametrize(("nth", "when"), MOMENTS)
def test_sigkill_at_every_request(nth: int, when: When, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill(PUSH, nth, when, tmp_path, monkeypatch)


def kill(scenario: Scenario, nth: int, when: When, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(folder, monkeypatch, clock=None) as world:
        world.set_profile(engine={"settle_seconds": 0.2, "timeout_seconds": 0.5})
        scenario.prepare(world)
        assert run_until_killed(world, scenario, nth, when) == -signal.SIGKILL
        clean_runs(world, scenario)
        scenario.judge(world)
        writes = world.writes()
        assert world.cli(*scenario.command).returncode == 0
        assert world.writes() == writes
    record("SIGKILL at every request", f"{scenario.name} {nth}", when)


ORDERS = next(scenario for scenario in SCENARIOS if scenario.name == "orders")
ORDER_REQUESTS = LEAST[ORDERS.name]["request"] // 2
INVOICED = 17  # an invoice was made of the order, and does not carry our reference yet
# The short form kills there, the long one at every fourth request.
SHORT_OF_ORDERS = {(INVOICED, "after_commit")}
MOMENTS_OF_ORDERS = [
    pytest.param(
        nth,
        when,
        marks=() if (nth, when) in SHORT_OF_ORDERS else pytest.mark.long if nth % 4 == place else pytest.mark.slow,
    )
    for nth in range(1, ORDER_REQUESTS + 1)
    for place, when in enumerate(("before", "after_commit"))
]


@pytest.mark.parametrize(("nth", "when"), MOMENTS_OF_ORDERS)
def test_sigkill_at_every_request_of_orders(
    nth: int, when: When, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(ORDERS, nth, when, tmp_path, monkeypatch)


FIRST_RUN = next(scenario for scenario in SCENARIOS if scenario.name == "a first run")
CHANGES = LEAST[FIRST_RUN.name]["file"]


@pytest.mark.parametrize(
    "nth",
    [
        pytest.param(nth, marks=() if nth == 17 else pytest.mark.long if nth % 4 == 1 else pytest.mark.slow)
        for nth in range(1, CHANGES + 1)
    ],
)
def test_sigkill_at_every_change_of_a_file(nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process leaves half written, nothing cleans up, other than in the sweep."""
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        world.set_profile(engine={"settle_seconds": 0.2, "timeout_seconds": 0.5})
        FIRST_RUN.prepare(world)
        assert world.cli(*FIRST_RUN.command, TESTS_KILL_AT=str(nth)).returncode == -signal.SIGKILL
        clean_runs(world, FIRST_RUN, passing=1)  # which names the files that a person must correct
        FIRST_RUN.judge(world)
        writes = world.writes()
        assert world.cli(*FIRST_RUN.command).returncode == 0
        assert world.writes() == writes
        FIRST_RUN.judge(world)
    record("SIGKILL at every change of a file", str(nth), "")


def test_there_are_no_more_requests_than_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch) as world:
        PUSH.prepare(world)
        before = len(world.sandbox.requests)
        world.push()
        assert len(world.sandbox.requests) - before == REQUESTS


UNDER_WAY = 8
SEVERAL = 24


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_sigkill_with_eight_requests_under_way(when: When, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight requests have arrived, or were carried out, and nobody hears of any of them."""
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        world.set_profile(engine={"settle_seconds": 0.2, "timeout_seconds": 5})
        world.drop(an_invoice("0"))
        world.push()  # master data and the contact are known
        world.set_profile(engine={"in_flight": 16})
        world.drop(*(an_invoice(str(number)) for number in range(1, SEVERAL + 1)), name="many.json")
        assert _kill_when_so_many_are_under_way(world, when) == -signal.SIGKILL
        world.set_profile(engine={"timeout_seconds": 0.5})
        clean_runs(world, PUSH)
        references = sorted(str(row["api_reference"]) for row in world.invoices())
        assert references == sorted(f"bexsync:main:invoice:{number}" for number in range(SEVERAL + 1))
        assert sorted(mail.invoice_id for mail in world.sandbox.mails) == sorted(row["id"] for row in world.invoices())
        writes = world.writes()
        assert world.cli("invoices", "push").returncode == 0
        assert world.writes() == writes
    record("SIGKILL with eight requests under way", when, "")


def _kill_when_so_many_are_under_way(world: World, when: When) -> int:
    """Each write stays at the same point for a moment; when there are eight of them, the process is killed."""
    lock, killed, here = threading.Lock(), threading.Event(), [0]
    process = subprocess.Popen(
        [BEXSYNC, "--profile", world.profile_path, "invoices", "push"],
        env=world.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def stay(request: Request) -> None:
        if request.method != "POST" or request.path.endswith("/search"):
            return
        with lock:
            here[0] += 1
            if here[0] == UNDER_WAY:
                process.kill()
                killed.set()
        killed.wait(0.5)
        with lock:
            here[0] -= 1

    hooks = getattr(world.sandbox.hooks, when)
    hooks.append(stay)
    process.wait(60)
    hooks.remove(stay)
    time.sleep(0.5)  # what had arrived is carried out
    return process.returncode
