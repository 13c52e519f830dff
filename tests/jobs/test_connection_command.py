"""`bexsync test-connection` as a person, a script and cron see it, and a real SIGKILL at its requests."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from typing import Any, Literal

import pytest

from bexio_sandbox import Request
from crash.scenarios import SCENARIOS
from faults.verdicts import record
from front_door import called
from world import BEXSYNC, World, a_world

ESCAPES = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[a-zA-Z]")
TEST = next(one for one in SCENARIOS if one.name == "a first connection test")


def on_terminal(world: World, *arguments: str, typed: str = "") -> tuple[int, str]:
    """The program on a terminal where somebody types: its exit code and everything that was to be seen."""
    pid, handle = pty.fork()
    if pid == 0:  # pragma: no cover
        environment = world.environment | {"TERM": "xterm-256color", "COLUMNS": "100"}
        os.execve(BEXSYNC, [str(BEXSYNC), "--profile", str(world.profile_path), *arguments], environment)
    os.write(handle, typed.encode())
    written = b""
    while True:
        try:
            piece = os.read(handle, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    os.close(handle)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, ESCAPES.sub("", written.decode().replace("\r", ""))


def test_on_a_terminal_it_shows_then_asks_then_tries(world: World) -> None:
    code, text = on_terminal(world, "test-connection", typed="y\n")
    assert "Where bexio numbers invoices, the draft uses up one number." in text
    assert "Learned of this bexio" not in text
    assert "Learned of this bexio" in on_terminal(world, "test-connection", "-v", typed="y\n")[1]
    assert code == 0
    shown, asked, tried = (text.index(words) for words in ("revenue account", "Create a test contact", "test invoice"))
    assert shown < asked < tried
    assert "test-connection: all is well" in text
    TEST.judge(world)


def test_whoever_says_no_gets_no_trial(world: World) -> None:
    code, text = on_terminal(world, "test-connection", typed="n\n")
    assert (code, world.writes()) == (2, 0)
    assert "revenue account" in text


def test_without_a_terminal_it_wants_to_be_told(world: World) -> None:
    done = called(world, "test-connection")
    assert (done.returncode, done.stdout, len(world.sandbox.requests)) == (2, "", 0)
    assert "Add --yes if it is meant." in done.stderr


def test_for_cron_it_is_silent_while_all_is_well(world: World) -> None:
    done = called(world, "test-connection", "--read-only", "-q")
    assert (done.returncode, done.stdout, done.stderr, world.writes()) == (0, "", "", 0)
    world.set_profile(ledger={"revenue_account": "3201", "contact_group": "Nope"})
    done = called(world, "test-connection", "--read-only", "-q")
    assert (done.returncode, done.stdout) == (78, "")
    account, group = done.stderr.splitlines()
    assert account.startswith(
        "test-connection: revenue account: bexio has no account 3201. The nearest income accounts"
    )
    assert group.startswith('test-connection: contact group: bexio has no contact group "Nope".')


def test_json_holds_the_checks_the_trial_and_what_was_learned(world: World) -> None:
    world.set_profile(ledger={"bank_account": "CH11"})
    done = called(world, "test-connection", "--yes", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["command"], said["exit_code"], said["site"]) == (78, "test-connection", 78, "main")
    assert (said["data"]["trial"]["tried"], said["data"]["learned"]) == (False, {})
    (error,) = said["errors"]
    assert (error["code"], error["message"]) == ("bank_account", "bank account: bexio has no bank account CH11.")
    world.set_profile(ledger={"bank_account": None})
    said = json.loads(called(world, "test-connection", "--yes", "--json").stdout)
    assert all(set(check) == {"name", "status", "value", "sentence", "hint"} for check in said["data"]["checks"])
    assert {check["status"] for check in said["data"]["checks"]} == {"ok"}
    assert (said["data"]["trial"]["invoice"]["total"], said["data"]["trial"]["left"]) == ("10.80", [])
    assert said["data"]["learned"]["search:in_on_id"] is True


@pytest.mark.slow
def test_no_network_is_75(world: World) -> None:
    called(world, "test-connection", "--read-only", "-q")  # the company is known
    gone = {"BEXSYNC_LEDGER__API_URL": "http://127.0.0.1:9"}
    loud = called(world, "test-connection", "--read-only", **gone)
    assert (loud.returncode, "cannot be reached" in loud.stderr) == (75, True)
    quiet = called(world, "test-connection", "--read-only", "-q", **gone)
    assert (quiet.returncode, quiet.stderr) == (75, "")


# a real death


When = Literal["before", "after_commit"]


def run_until_killed(world: World, nth: int, when: When, only_writes: bool) -> int:
    """Kills the program when its nth request, or its nth write, is about to be worked on or was just committed."""
    process = subprocess.Popen(
        [BEXSYNC, "--profile", world.profile_path, *TEST.command],
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen: list[Request] = []

    def reap(request: Request) -> None:
        if only_writes and (request.method == "GET" or request.path.endswith("/search")):
            return
        seen.append(request)
        if len(seen) == nth:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)

    hooks: list[Any] = getattr(world.sandbox.hooks, when)
    hooks.append(reap)
    process.communicate(timeout=60)
    hooks.remove(reap)
    return process.returncode


def kill(world: World, nth: int, when: When, *, only_writes: bool) -> bool:
    """Whether there was such a request; afterwards clean runs must leave one archived contact and nothing else."""
    world.set_profile(engine={"settle_seconds": 0.2, "timeout_seconds": 0.5})
    was_killed = run_until_killed(world, nth, when, only_writes) == -signal.SIGKILL
    for _ in range(4):
        done = called(world, *TEST.command, "--json")
        if done.returncode == 0:
            break
        assert done.returncode == 75, done.stdout
        time.sleep(0.5)
    else:
        pytest.fail(done.stdout)
    TEST.judge(world)
    return was_killed


@pytest.mark.parametrize(
    "nth",
    [
        1,
        pytest.param(2, marks=pytest.mark.slow),
        pytest.param(3, marks=pytest.mark.slow),
        pytest.param(4, marks=pytest.mark.slow),
    ],
)
def test_sigkill_after_every_write(nth: int, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        assert kill(world, nth, "after_commit", only_writes=True)
    record("SIGKILL at every request", "test-connection", f"write {nth}")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after_commit"])
@pytest.mark.parametrize("nth", range(1, 48))
def test_sigkill_at_every_request(nth: int, when: When, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        if not kill(world, nth, when, only_writes=False):
            assert nth > 36
            pytest.skip("it has fewer requests")
    record("SIGKILL at every request", f"test-connection, request {nth}", when)


def test_there_are_no_more_writes_than_those(world: World) -> None:
    world.try_connection()
    assert world.writes() == 4
    assert 36 <= len(world.sandbox.requests) < 48
