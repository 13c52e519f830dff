"""`bexsync status` and `bexsync runs`: what a person asks the morning after, and what monitoring asks."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Request
from bexsync.http.clock import SystemClock
from front_door import called
from world import BEXSYNC, World, a_world, an_invoice


@pytest.fixture
def night(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two jobs have run, one invoice is blocked, one file lies in in/; the clock is the world's."""
    monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
    world.drop(an_invoice("1"), an_invoice("2", currency="XXX"))
    world.push()
    world.poll()
    world.drop(an_invoice("3"), name="3.json")
    return world


def asked(world: World, *arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(called(world, "status", "--json", *arguments).stdout)
    return said


def settle(world: World) -> None:
    assert called(world, "errors", "ack", "all").returncode == 0


def test_the_jobs_what_waits_the_errors_and_the_login(night: World) -> None:
    requests = len(night.sandbox.requests)
    said = asked(night)
    data = said["data"]
    assert (said["exit_code"], said["errors"]) == (0, [])
    jobs = {job["job"]: job for job in data["jobs"]}
    assert (jobs["invoices push"]["exit_code"], jobs["invoices push"]["succeeded_at"]) == (1, "")
    assert jobs["invoices push"]["counts"] == {"done": 1, "blocked": 1}
    assert jobs["payments poll"]["succeeded_at"].startswith("2026-11-20T09:00")
    assert (data["waiting"]["files"], data["waiting"]["blocked_records"], data["errors"]) == (1, 1, 1)
    text = called(night, "status").stdout
    assert "1 file in in/" in text
    assert "2: bexio has no currency XXX." in text
    assert "invoices push  " in text
    assert len(night.sandbox.requests) == requests


def test_a_check_is_0_while_all_is_well(night: World) -> None:
    assert called(night, "status", "--check").returncode == 1
    settle(night)
    run = called(night, "status", "--check")
    assert (run.returncode, run.stdout, run.stderr) == (0, "All is well.\n", "")
    assert called(night, "status", "--check", "--quiet").stdout == ""


def test_a_check_raises_errors_and_jobs_that_are_overdue(night: World) -> None:
    errors = called(night, "status", "--check")
    assert "status: 1 error waits for a person." in errors.stderr
    settle(night)
    night.clock.forward(hours=27)
    late = asked(night, "--check")
    assert (late["exit_code"], {error["code"] for error in late["errors"]}) == (1, {"job_overdue"})
    assert "invoices push last went through 27 hours ago" in " ".join(e["message"] for e in late["errors"])
    assert asked(night, "--check", "--max-age", "48")["exit_code"] == 0


def test_a_check_raises_a_login_that_is_gone_or_ends(night: World, tmp_path: Any) -> None:
    settle(night)
    gone = called(night, "status", "--check", BEXSYNC_ACCESS_TOKEN="")
    assert (gone.returncode, "Nobody is logged in" in gone.stderr) == (77, True)


def test_a_check_raises_what_has_no_answer_and_what_stopped_at_the_configuration(night: World) -> None:
    settle(night)
    state = next((night.folder / "state").glob("bexio-*.db"))
    sent = (night.clock.now() - timedelta(hours=3)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with sqlite3.connect(state) as db:
        db.execute("UPDATE intents SET state = 'in_doubt', sent_at = ? WHERE kind = 'send'", (sent,))
    unknown = asked(night, "--check")
    assert (unknown["exit_code"], unknown["errors"][0]["code"]) == (75, "unknown_outcomes")
    with sqlite3.connect(state) as db:
        db.execute("UPDATE runs SET exit_code = 78, message = 'The profile is wrong.'")
    stopped = asked(night, "--check")
    assert (stopped["exit_code"], "The profile is wrong." in stopped["errors"][0]["message"]) == (78, True)


def test_a_profile_that_is_switched_off_or_never_ran(night: World, world: World) -> None:
    assert called(night, "status", "--check", BEXSYNC_ENABLED="false").returncode == 0
    never = called(world, "status", "--profile", str(world.folder / "default.toml"), BEXSYNC_STATE_DIR="/nonexistent")
    assert (never.returncode, never.stdout) == (78, "")


def test_a_run_that_could_not_begin_is_the_last_run(night: World) -> None:
    settle(night)
    night.clock.forward(minutes=1)
    for arguments in (("invoices", "push"), ("invoices", "push", "--dry-run")):
        assert called(night, *arguments, BEXSYNC_ACCESS_TOKEN="another").returncode == 77
    jobs = {job["job"]: job for job in asked(night)["data"]["jobs"]}
    assert (jobs["invoices push"]["exit_code"], jobs["invoices push"]["started_at"][:16]) == (77, "2026-11-20T09:01")
    check = called(night, "status", "--check")
    assert (check.returncode, "The last run of invoices push ended with 77" in check.stderr) == (77, True)
    assert called(night, "runs").stdout.count("77 log in") == 1


def test_the_history_of_runs(night: World) -> None:
    night.clock.forward(hours=2)
    night.poll()

    def runs(*arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(called(night, "runs", "--json", *arguments).stdout)["data"]["runs"]
        return found

    assert [run["job"] for run in runs()] == ["payments poll", "payments poll", "invoices push"]
    assert [run["exit_code"] for run in runs("--failed")] == [1]
    assert [run["started_at"][:13] for run in runs("--job", "payments-poll", "--limit", "1")] == ["2026-11-20T11"]
    unknown = called(night, "runs", "--job", "tea")
    assert (unknown.returncode, "invoices push, payments poll" in unknown.stderr) == (2, True)
    assert "1 some failed" in called(night, "runs").stdout


@pytest.fixture
def real_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world for processes of their own, which have the clock of the computer."""
    with a_world(tmp_path, monkeypatch, clock=None) as world:
        yield world


def states(world: World) -> tuple[list[str], list[str]]:
    """How the runs stand, the newest first, and how the jobs do."""
    runs, status = (json.loads(world.cli(command, "--json").stdout)["data"] for command in ("runs", "status"))
    return [run["state"] for run in runs["runs"]], [job["state"] for job in status["jobs"]]


def test_a_run_is_told_from_one_that_was_killed_by_the_lock_it_held(real_time: World) -> None:
    world = real_time
    world.drop(an_invoice("1"))
    program = [BEXSYNC, "--profile", str(world.profile_path), "invoices", "push"]
    process = subprocess.Popen(program, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    meanwhile: list[tuple[list[str], list[str]]] = []

    def look_and_kill(request: Request) -> None:
        if request.method == "POST" and not meanwhile:
            os.kill(process.pid, signal.SIGSTOP)  # so that it gives up no request meanwhile
            meanwhile.append(states(world))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)

    world.sandbox.hooks.before.append(look_and_kill)
    process.communicate(timeout=60)
    world.sandbox.hooks.before.remove(look_and_kill)
    locks = world.folder / "state" / "locks"
    assert meanwhile == [(["running"], ["running"])]
    assert states(world) == (["killed"], ["killed"])
    assert "killed" in world.cli("runs").stdout
    assert len(list(locks.glob("*-run-*"))) == 1  # the file stays, and nobody holds it
    assert world.cli("invoices", "push").returncode in (0, 75)
    assert states(world) == (["ended", "killed"], ["ended"])
    assert list(locks.glob("*-run-*")) == []
