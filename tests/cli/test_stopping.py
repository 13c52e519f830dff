"""A signal is heard at once, requests under way have ten seconds, and nothing is doubled by that."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from bexio_sandbox import Request
from bexsync.cli.runner import StopRequest
from bexsync.cli.views import Output
from bexsync.errors import StoppedBySignal
from bexsync.http.clock import SystemClock
from bexsync.interruption import CutOff, may_be_cut_off
from bexsync.store.sqlite.locks import FileLocks
from world import BEXSYNC, World, an_invoice


def test_two_sigterms_during_a_slow_answer_leaves_an_unknown_outcome_and_no_second_invoice(world: World) -> None:
    world.set_profile(engine={"settle_seconds": 0, "timeout_seconds": 30})
    world.drop(an_invoice("1"))
    came, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> None:
        if (request.method, request.path) == ("POST", "/2.0/kb_invoice"):
            came.set()
            go_on.wait(20)

    world.sandbox.hooks.after_commit.append(slow)
    running = subprocess.Popen(
        [BEXSYNC, "--profile", world.profile_path, "invoices", "push"],
        env=world.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert came.wait(30)
    started = time.monotonic()
    running.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=15)
    took = time.monotonic() - started
    go_on.set()
    world.sandbox.hooks.after_commit.remove(slow)
    assert (running.returncode, "Traceback" in said) == (75, False)
    assert took < 8  # the second signal waits for nothing; the answer would have taken twenty
    world.clock.forward(minutes=5)
    world.push()
    assert (len(world.invoices()), len(world.sandbox.mails)) == (1, 1)


def test_a_sleep_ends_when_a_signal_came() -> None:
    clock = SystemClock()
    clock.sleep(0.01)
    clock.stopping = lambda: True
    with pytest.raises(StoppedBySignal):
        clock.sleep(600)


def test_a_wait_for_the_companys_lock_ends_when_a_signal_came(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path, "company", "main")
    asked = iter([False, False, True])
    locks.stopping = lambda: next(asked, True)
    with FileLock(tmp_path / "company-write.lock"), pytest.raises(StoppedBySignal), locks.company():
        pass


@pytest.fixture
def handlers() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_ctrl_c_says_what_happens_and_the_second_stops_at_once(
    handlers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = StopRequest(Output("invoices push", "default"))
    assert not stop()
    signal.raise_signal(signal.SIGINT)
    assert stop()
    said = "invoices push: Stopping after the requests under way; Ctrl-C again stops at once.\n"
    assert capsys.readouterr().err == said
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_only_a_wait_for_an_answer_is_cut_off(handlers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _which, seconds, *_: alarms.append(seconds))
    stop = StopRequest(Output("invoices push", "default"))
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGALRM)
    with pytest.raises(CutOff), may_be_cut_off():
        signal.raise_signal(signal.SIGALRM)
    signal.raise_signal(signal.SIGALRM)
    signal.raise_signal(signal.SIGTERM)
    stop.settle()
    assert alarms == [10, 0.1, 0]
