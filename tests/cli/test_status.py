"""`bexsync status` and `bexsync runs`: what a person asks the morning after, and what monitoring asks."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, timedelta
from typing import Any

import pytest

from bexsync.http.clock import SystemClock
from front_door import called
from world import World, an_invoice


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
