"""A login in the desktop's keyring: from `auth login` to a job of cron, in sessions that come and go."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from login_kit import BEXSYNC, CLIENT_ID, LoginWorld, a_login_world
from sessions import START_LOCKED, UNLOCK, a_lasting_bus, a_session, is_possible

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_possible(), reason="needs gnome-keyring and dbus"),
]
LOGIN = ("auth", "login", "--client-id", CLIENT_ID)
HANGS = "/usr/bin/sleep 20"


@pytest.fixture(scope="module")
def logged_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginWorld]:
    """A world whose login lies in the keyring, after the session in which that was done; nobody changes it."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        a_login_world(tmp_path_factory.mktemp("logged-in"), monkeypatch, moment=None) as world,
    ):
        monkeypatch.undo()
        with a_session(world.folder / "home", UNLOCK) as bus:
            done = world.cli(*LOGIN, DBUS_SESSION_BUS_ADDRESS=bus)
        assert done.returncode == 0, done.stderr
        yield world


def by_cron(world: LoginWorld, *arguments: str, lines: list[str]) -> subprocess.CompletedProcess[str]:
    """The program with nothing but cron's environment and these lines of a crontab."""
    environment = {
        "HOME": str(world.folder / "home"),
        "LOGNAME": "somebody",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
    }
    return subprocess.run(
        [BEXSYNC, "--profile", world.profile_path, *arguments],
        env=environment | dict(line.split("=", 1) for line in lines),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_login_chooses_the_keyring_and_everything_reads_it_there(world: LoginWorld) -> None:
    with a_session(world.folder / "home", UNLOCK) as bus:
        done = world.cli(*LOGIN, DBUS_SESSION_BUS_ADDRESS=bus)
        assert done.returncode == 0, done.stderr
        assert "The login is kept in the desktop's keyring (Secret Service)." in done.stdout
        status = world.cli("auth", "status", "--json", DBUS_SESSION_BUS_ADDRESS=bus)
        data = json.loads(status.stdout)["data"]
        assert (status.returncode, data["company"], data["renewable"]) == (0, "Bergladen GmbH", True)
        pushed = world.cli("invoices", "push", DBUS_SESSION_BUS_ADDRESS=bus)
        assert (pushed.returncode, pushed.stdout, pushed.stderr) == (0, "", "")
        kept = kept_in_keyring(bus)
        assert world.cli("auth", "refresh", DBUS_SESSION_BUS_ADDRESS=bus).returncode == 0
        renewed = kept_in_keyring(bus)
        assert kept["id"] == renewed["id"]
        assert renewed["refresh_token"] != kept["refresh_token"], "the renewed login replaces the one before"

        for secret in ("access_token", "refresh_token"):
            for file in world.folder.rglob("*"):
                assert not file.is_file() or renewed[secret].encode() not in file.read_bytes(), file
            for run in (done, status, pushed):
                assert kept[secret] not in run.stdout + run.stderr

        out = world.cli("auth", "logout", "--yes", DBUS_SESSION_BUS_ADDRESS=bus)
        assert out.returncode == 0, out.stderr
        assert kept_in_keyring(bus) == {}
        assert not world.sandbox.identity.is_alive(world.sandbox.identity.logins[-1].id)


def kept_in_keyring(bus: str) -> dict[str, str]:
    """What the keyring itself says it holds, asked by a program that is not bexsync."""
    found = subprocess.run(
        ["secret-tool", "search", "--all", "application", "Python keyring library"],
        env={"PATH": "/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS": bus},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    secrets = re.findall("^secret = (.*)$", found.stdout, re.MULTILINE)
    assert len(secrets) <= 1, "nothing is left of the login before"
    return dict(json.loads(secrets[0])) if secrets else {}


def test_a_keyring_that_nobody_unlocked_is_a_sentence(logged_in: LoginWorld) -> None:
    with a_session(logged_in.folder / "home", START_LOCKED) as bus:
        for command in (("invoices", "push"), ("auth", "status")):
            told = logged_in.cli(*command, DBUS_SESSION_BUS_ADDRESS=bus)
            assert told.returncode == 78
            assert told.stdout == ""
            assert "The keyring is locked. Unlock it by logging in to the desktop" in told.stderr
            assert "bexsync auth login --token-store encrypted-file" in told.stderr
            assert len(told.stderr.strip().splitlines()) == 1
    with a_session(logged_in.folder / "home", UNLOCK) as bus:
        assert logged_in.cli("invoices", "push", DBUS_SESSION_BUS_ADDRESS=bus).returncode == 0


def test_without_a_bus_the_missing_line_of_the_crontab_is_told(logged_in: LoginWorld) -> None:
    told = logged_in.cli("invoices", "push")
    assert told.returncode == 78
    assert "DBUS_SESSION_BUS_ADDRESS is not set" in told.stderr
    assert re.search(r"write the line DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/\d+/bus above the jobs", told.stderr)
    assert "loginctl enable-linger" in told.stderr


@pytest.mark.parametrize("command", [("invoices", "push"), ("auth", "status"), LOGIN], ids=" ".join)
def test_a_prompter_that_hangs_keeps_nobody_waiting(logged_in: LoginWorld, command: tuple[str, ...]) -> None:
    with a_session(logged_in.folder / "home", START_LOCKED, org__gnome__keyring__SystemPrompter=HANGS) as bus:
        began = time.monotonic()
        told = logged_in.cli(*command, DBUS_SESSION_BUS_ADDRESS=bus)
        assert time.monotonic() - began < 10
    assert told.returncode == 78
    assert "The keyring is locked." in told.stderr


def test_a_keyring_that_hangs_keeps_no_job_waiting(logged_in: LoginWorld) -> None:
    with a_session(logged_in.folder / "home", org__freedesktop__secrets=HANGS) as bus:
        began = time.monotonic()
        pushed = logged_in.cli("invoices", "push", "-v", DBUS_SESSION_BUS_ADDRESS=bus)
        assert time.monotonic() - began < 10
    assert pushed.returncode == 75, "cron comes again"
    assert "did not answer within 5 seconds" in pushed.stderr


def test_no_login_is_kept_where_the_keyring_was_never_reached(world: LoginWorld) -> None:
    with a_session(world.folder / "home", START_LOCKED, org__gnome__keyring__SystemPrompter=HANGS) as bus:
        began = time.monotonic()
        told = world.cli(*LOGIN, DBUS_SESSION_BUS_ADDRESS=bus)
        assert time.monotonic() - began < 10
    assert (told.returncode, told.stdout) == (78, "")
    assert "Where should the login be kept? The desktop has no keyring yet." in told.stderr
    assert world.sandbox.identity.logins == [], "nobody has logged in for nothing"


def test_the_rehearsal_names_the_line_with_which_cron_reaches_the_login(world: LoginWorld) -> None:
    with a_lasting_bus(world.folder / "home", UNLOCK) as bus:
        done = world.cli(*LOGIN, DBUS_SESSION_BUS_ADDRESS=bus)
        assert done.returncode == 0, done.stderr
        said = done.stdout.splitlines()
        told = said.index("Cron reaches it with these lines in the crontab:")
        lines = [line.strip() for line in said[told + 1 :] if line.startswith("  ")]
        assert f"DBUS_SESSION_BUS_ADDRESS={bus}" in lines

        without = by_cron(world, "invoices", "push", lines=[line for line in lines if "DBUS" not in line])
        assert without.returncode == 78
        assert "DBUS_SESSION_BUS_ADDRESS is not set" in without.stderr
        reached = by_cron(world, "invoices", "push", lines=lines)
        assert (reached.returncode, reached.stdout, reached.stderr) == (0, "", "")
        planned = world.cli("schedule", "cron", DBUS_SESSION_BUS_ADDRESS=bus)
        assert re.search("^DBUS_SESSION_BUS_ADDRESS=unix:path=", planned.stdout, re.MULTILINE)
    gone = by_cron(world, "invoices", "push", lines=lines)
    assert gone.returncode == 78
    assert "loginctl enable-linger" in gone.stderr
