"""Renewing a login: never twice with one token, never lost on the way to its store, whoever dies meanwhile.

The sandbox's identity server rotates refresh tokens and ends a login whose old token is used again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from login_kit import LoginWorld

import dates
from bexio_sandbox import Fault
from bexsync.auth.login import Grant
from bexsync.auth.refreshing import TokenRefresher
from bexsync.errors import BexsyncError, LoginNeeded, TokenStoreProblem, TryLater
from bexsync.hooks import observed_by
from front_door import called

HERE = Path(__file__).parent
TOKEN_PATH = "/realms/bexio/protocol/openid-connect/token"


def keeper(world: LoginWorld) -> TokenRefresher:
    record = world.desk.record
    assert record is not None
    return world.desk.keeper(record)


def start(world: LoginWorld, rounds: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, HERE / "renewing.py", world.profile_path, str(rounds)],
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    "rounds",
    [pytest.param(3, marks=pytest.mark.long), pytest.param(50, marks=(pytest.mark.slow, pytest.mark.timeout(900)))],
    ids=["short", "full"],
)
def test_four_processes_that_are_killed_lose_no_login(world: LoginWorld, rounds: int) -> None:
    """All four need every new token; again and again one of them is killed with its whole process group."""
    world.sandbox.identity.settings.access_lifetime = 4
    world.log_in()
    processes = [start(world, 10_000) for _ in range(4)]
    deaths = 0
    try:
        while world.sandbox.identity.refreshes < rounds:
            time.sleep(random.uniform(0.1, 1.5))
            for process in processes:
                assert process.poll() is None, (process.communicate()[1] or b"").decode()
            at = random.randrange(len(processes))
            os.killpg(processes[at].pid, signal.SIGKILL)
            processes[at].communicate()
            processes[at] = start(world, 10_000)
            deaths += 1
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert deaths
    assert keeper(world).renewed(force=True)
    assert world.is_alive(), "no refresh token was ever used twice"


@pytest.mark.long
def test_a_process_that_is_killed_while_bexio_answers_loses_nothing(world: LoginWorld) -> None:
    """The renewal goes on in a process of its own, and what it brings is there for the next run."""
    world.sandbox.identity.settings.access_lifetime = 4
    world.log_in()
    before = world.desk.login()
    time.sleep(2)
    world.sandbox.faults.add(Fault("drip", "POST", TOKEN_PATH, bytes_per_second=3000))
    victim = start(world, 1)
    while not world.sandbox.faults.fired:
        time.sleep(0.01)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    deadline = time.monotonic() + 15
    while world.desk.login().generation == before.generation and time.monotonic() < deadline:
        time.sleep(0.05)
    assert world.desk.login().generation == before.generation + 1
    assert world.is_alive()
    keeper(world).renewed(force=True)
    assert world.is_alive()


POINTS = pytest.mark.parametrize(
    "at",
    [
        pytest.param("refresh:before", marks=pytest.mark.long),
        "refresh:answered",
        pytest.param("refresh:stored", marks=pytest.mark.long),
    ],
)


def in_a_process_of_its_own(world: LoginWorld, at: str, what: str) -> subprocess.CompletedProcess[bytes]:
    """Renews the login, and sends the process a signal at a point of the renewal."""
    code = f"""
import os, signal
from bexsync.hooks import set_observer
from bexsync.wiring import open_auth_desk
set_observer(lambda point, **_: os.kill(os.getpid(), signal.{what}) if point == {at!r} else None)
desk = open_auth_desk({str(world.profile_path)!r})
desk.keeper(desk.record).renewed(force=True)
"""
    return subprocess.run([sys.executable, "-c", code], env=world.environment, capture_output=True, check=False)


@POINTS
def test_a_signal_waits_until_the_login_is_stored(world: LoginWorld, at: str) -> None:
    world.log_in()
    done = in_a_process_of_its_own(world, at, "SIGTERM")
    assert done.returncode == -signal.SIGTERM, "the signal is not lost"
    assert world.desk.login().generation == 2
    keeper(world).renewed(force=True)
    assert world.is_alive()


@POINTS
def test_the_renewing_process_itself_is_killed(world: LoginWorld, at: str) -> None:
    """Before and after the answer nothing is lost; in between the login is, and that is said, once and clearly."""
    world.log_in()
    done = in_a_process_of_its_own(world, at, "SIGKILL")
    assert done.returncode == -signal.SIGKILL
    if at == "refresh:answered":
        assert called(world, "invoices", "push").returncode == 0, "the old access token still holds"
        with pytest.raises(LoginNeeded, match="does not renew the login"):
            keeper(world).renewed(force=True)
        assert world.desk.login().generation == 1, "what is stored is kept"
        return
    keeper(world).renewed(force=True)
    assert world.is_alive()


def test_an_answer_that_is_lost_is_asked_for_once_more_and_no_more(world: LoginWorld) -> None:
    world.log_in()
    world.sandbox.faults.add(Fault("drop_before", "POST", TOKEN_PATH, repeat=0))
    for _ in range(2):
        with pytest.raises(TryLater):
            keeper(world).renewed(force=True)
    with pytest.raises(LoginNeeded, match="twice"):
        keeper(world).renewed(force=True)
    world.sandbox.faults.clear()
    world.log_in()
    assert keeper(world).renewed(force=True).generation == 2


def test_a_network_that_comes_back_within_two_tries(world: LoginWorld) -> None:
    world.log_in()
    world.sandbox.faults.add(Fault("drop_before", "POST", TOKEN_PATH))
    with pytest.raises(TryLater):
        keeper(world).renewed(force=True)
    assert keeper(world).renewed(force=True).generation == 2
    assert world.is_alive()


def test_a_refusal_is_held_against_the_store_before_it_is_believed(world: LoginWorld) -> None:
    """Another process may have renewed it in between, on a store that shows so only now."""
    world.log_in()
    mine = keeper(world)
    loads = [mine.login(), mine.login()]
    newer = keeper(world).renewed(force=True)

    class Late(type(mine)):  # type: ignore[misc]
        def login(self):  # type: ignore[no-untyped-def]
            return loads.pop() if loads else newer

        def _ask(self, login):  # type: ignore[no-untyped-def]
            from bexsync.auth.provider import GrantRefused

            raise GrantRefused("invalid_grant", "no", "")

    late = Late(mine.profile, mine.book, mine.store, mine.provider, mine.clock)
    assert late.renewed(force=True) == newer


def test_a_store_that_cannot_be_written_costs_no_token(world: LoginWorld) -> None:
    world.log_in()
    store = keeper(world).store

    class ReadOnly:
        where, warning = store.where, ""
        load, erase = store.load, store.erase

        def save(self, secret: str) -> None:
            raise AssertionError(secret[:1])

        def assert_writable(self) -> None:
            raise TokenStoreProblem("The store cannot be written.", "Mend it.")

    mine = keeper(world)
    with pytest.raises(TokenStoreProblem, match="cannot be written"):
        TokenRefresher(mine.profile, mine.book, ReadOnly(), mine.provider, mine.clock).renewed(force=True)
    assert world.sandbox.identity.refreshes == 0


def test_a_store_that_fails_at_the_last_moment_loses_nothing(world: LoginWorld) -> None:
    world.log_in()
    mine = keeper(world)

    class Full:
        where, warning = mine.store.where, ""
        load, erase, assert_writable = mine.store.load, mine.store.erase, mine.store.assert_writable

        def save(self, secret: str) -> None:
            raise TryLater("No space is left.", "Free some.")

    with pytest.raises(TokenStoreProblem, match="could not be kept") as caught:
        TokenRefresher(mine.profile, mine.book, Full(), mine.provider, mine.clock).renewed(force=True)
    rescue = mine.book.path(mine.profile, "rescue")
    assert str(rescue) in caught.value.hint
    assert rescue.stat().st_mode & 0o777 == 0o600
    assert keeper(world).login().generation == 2, "the next run finds it"
    assert keeper(world).renewed(force=True).generation == 3
    assert not rescue.exists()
    assert world.is_alive()


def test_a_login_that_bexio_ended_is_kept_and_said(world: LoginWorld) -> None:
    world.sandbox.identity.settings.access_lifetime = 4
    world.log_in()
    kept = world.desk.login()
    world.sandbox.identity.end_logins()
    with dates.at(datetime.now(UTC) + timedelta(seconds=3.8)):
        done = called(world, "invoices", "push")
    assert done.returncode == 77
    assert "bexio does not renew the login (invalid_grant)" in done.stderr
    assert "Run `bexsync auth login` again." in done.stderr
    assert world.desk.login() == kept


def test_a_failed_renewal_does_not_stop_a_run_while_the_token_holds(world: LoginWorld) -> None:
    world.sandbox.identity.settings.access_lifetime = 300
    world.log_in()
    login = world.desk.login()
    from bexsync.auth.source import LoginToken

    calls: list[str] = []

    def fails(keeper: TokenRefresher) -> object:
        calls.append(keeper.profile)
        raise TryLater("The network is down.", "")

    class Older(type(keeper(world))):  # type: ignore[misc]
        def login(self):  # type: ignore[no-untyped-def]
            from dataclasses import replace
            from datetime import timedelta

            now = self.clock.now()
            return replace(login, obtained_at=now - timedelta(minutes=4), expires_at=now + timedelta(minutes=1))

    mine = keeper(world)
    older = Older(mine.profile, mine.book, mine.store, mine.provider, mine.clock)
    source = LoginToken(older, fails)  # type: ignore[arg-type]
    assert source.token() == login.access_token
    assert calls


def test_the_renewal_of_a_run_is_one_request_and_the_company_is_not_asked_again(world: LoginWorld) -> None:
    world.sandbox.identity.settings.access_lifetime = 4
    world.log_in()
    assert called(world, "invoices", "push").returncode == 0
    before = len(world.sandbox.requests)
    with dates.at(datetime.now(UTC) + timedelta(seconds=2)):
        assert called(world, "invoices", "push").returncode == 0
    assert len(world.sandbox.requests) == before, "an idle run asks the ledger nothing, not even who it is"


def test_every_point_of_a_renewal_is_told_in_order(world: LoginWorld) -> None:
    world.log_in()
    points: list[str] = []
    with observed_by(lambda point, **_: points.append(point)):
        keeper(world).renewed(force=True)
    assert points == ["refresh:before", "refresh:answered", "refresh:stored"]


def test_the_record_of_an_attempt_holds_no_secret(world: LoginWorld) -> None:
    world.log_in()
    mine = keeper(world)
    world.sandbox.faults.add(Fault("drop_after", "POST", TOKEN_PATH))
    with pytest.raises(BexsyncError):
        mine.renewed(force=True)
    noted = mine.book.path(mine.profile, "refreshing").read_text()
    assert json.loads(noted)["tries"] == 1
    assert mine.login().refresh_token not in noted


def test_a_grant_shows_no_secret() -> None:

    assert "secret-1" not in repr(Grant("secret-1", dates.NOW, "secret-2", None, (), "secret-3"))
