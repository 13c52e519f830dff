"""The store against gnome-keyring on a session bus of its own: unlocked, locked, absent, hanging."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from auth.stores_kit import PROFILE

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
        reason="needs gnome-keyring and dbus",
    ),
]

CALLS = """
import json, sys, time
from pathlib import Path
from bexsync.auth.stores import StoreChoice, open_store, probe, suggest
from bexsync.errors import BexsyncError
from bexsync.config.profile import TokenCommandSection

store = open_store(StoreChoice("keyring"), sys.argv[1], Path("/nowhere"), TokenCommandSection())
for name in sys.argv[2:]:
    call = {
        "load": store.load,
        "save": lambda: store.save("s3cret"),
        "save long": lambda: store.save("x" * 6000),
        "erase": store.erase,
        "writable": store.assert_writable,
        "probe": lambda: probe(store),
        "suggest": lambda: [suggest().choice and suggest().choice.name, suggest().why],
        "choice": lambda: store.choice.settings,
    }[name]
    began = time.monotonic()
    try:
        said = {"returned": call()}
    except BexsyncError as problem:
        said = {"class": type(problem).__name__, "message": problem.message, "hint": problem.hint}
    print(json.dumps({**said, "seconds": time.monotonic() - began}), flush=True)
"""
UNLOCK = "printf %s test-password | gnome-keyring-daemon --unlock --components=secrets > /dev/null"
START = "gnome-keyring-daemon --start --components=secrets > /dev/null"


class Desktop:
    """A home, and a session bus for one shell line at a time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.services: dict[str, str] = {}

    def calls(self, *calls: str, first: str = ":") -> list[dict[str, Any]]:
        """What the store answers to these calls, in a process that runs after the shell line `first`."""
        python = f'exec "{sys.executable}" -c "$0" "$@"'
        return self._run(["dbus-run-session", *self._config(), "--", "sh", "-c", f"{first}; {python}"], calls)

    def calls_without_bus(self, *calls: str, **variables: str) -> list[dict[str, Any]]:
        return self._run([sys.executable, "-c"], calls, **variables)

    def _run(self, start: list[str], calls: tuple[str, ...], **variables: str) -> list[dict[str, Any]]:
        answers = self.home / "answers"  # a pipe would be kept open by the services of the bus
        with answers.open("w") as output:
            subprocess.run(
                [*start, CALLS, PROFILE, *calls],
                env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=30,
                check=True,
            )
        lines = [line for line in answers.read_text().splitlines() if line.startswith("{")]
        assert len(lines) == len(calls), lines
        return [json.loads(line) for line in lines]

    def _config(self) -> list[str]:
        """A bus of the standard kind, with services of ours before the system's."""
        if not self.services:
            return []
        services = self.home / "services"
        services.mkdir()
        for name, program in self.services.items():
            (services / f"{name}.service").write_text(f"[D-BUS Service]\nName={name}\nExec={program}\n")
        config = self.home / "session.conf"
        config.write_text(
            '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
            '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n'
            f"<busconfig><type>session</type><listen>unix:tmpdir={self.home}</listen>"
            f"<servicedir>{services}</servicedir><standard_session_servicedirs/>"
            '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>'
            '<allow own="*"/></policy></busconfig>\n'
        )
        return [f"--config-file={config}"]


@pytest.fixture
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Desktop:
    return Desktop(tmp_path_factory.mktemp("home"))


def test_an_unlocked_keyring_keeps_the_login_across_sessions(desktop: Desktop) -> None:
    answers = desktop.calls(
        "suggest", "load", "save", "load", "writable", "probe", "load", "save long", "choice", first=UNLOCK
    )
    said = [answer.get("returned", answer) for answer in answers]
    assert said[0] == ["keyring", "The desktop's keyring (Secret Service) is there and unlocked."]
    assert said[1:8] == [None, None, "s3cret", None, None, "s3cret", None]
    assert said[8] == {"backend": "keyring.backends.SecretService"}
    answers = desktop.calls("load", "erase", "erase", "load", first=UNLOCK)
    assert [answer.get("returned", answer) for answer in answers] == ["x" * 6000, None, None, None]


def test_a_locked_keyring_is_told_at_once(desktop: Desktop) -> None:
    desktop.calls("save", first=UNLOCK)
    for told in desktop.calls("load", "save", "erase", "writable", "probe", first=START):
        assert (told["class"], told["message"]) == ("TokenStoreProblem", "The keyring is locked.")
        assert "bexsync auth login --token-store encrypted-file" in told["hint"]
        assert told["seconds"] < 3


def test_a_locked_keyring_stays_told_at_once_when_a_prompter_would_hang(desktop: Desktop) -> None:
    desktop.calls("save", first=UNLOCK)
    desktop.services["org.gnome.keyring.SystemPrompter"] = "/usr/bin/sleep 12"
    told, suggested = desktop.calls("load", "suggest", first=START)
    assert told["message"] == "The keyring is locked."
    assert suggested["returned"] == [None, "The keyring is locked."]
    assert told["seconds"] < 3


def test_a_desktop_without_a_keyring_yet_is_told_without_a_prompt(desktop: Desktop) -> None:
    desktop.services["org.gnome.keyring.SystemPrompter"] = "/usr/bin/sleep 12"
    for told in desktop.calls("save", "load"):
        assert told["message"] == "The desktop has no keyring yet."
        assert "make a keyring named Login" in told["hint"]
        assert told["seconds"] < 3


def test_without_a_bus_the_crontab_line_is_told(desktop: Desktop) -> None:
    told, suggested = desktop.calls_without_bus("load", "suggest")
    assert told["class"] == "TokenStoreProblem"
    assert "DBUS_SESSION_BUS_ADDRESS is not set" in told["message"]
    assert f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{os.getuid()}/bus" in told["hint"]
    assert "loginctl enable-linger" in told["hint"]
    assert suggested["returned"] == [None, told["message"]]


def test_a_bus_that_is_gone_is_told(desktop: Desktop) -> None:
    (told,) = desktop.calls_without_bus("load", DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere/bus")
    assert told["message"].startswith("The session bus unix:path=/nowhere/bus does not answer")
    assert "loginctl enable-linger" in told["hint"]


def test_a_keyring_that_hangs_keeps_neither_the_call_nor_the_process(desktop: Desktop) -> None:
    desktop.services["org.freedesktop.secrets"] = "/usr/bin/sleep 12"
    began = time.monotonic()
    (told,) = desktop.calls("load")
    assert time.monotonic() - began < 9  # a busy machine included
    assert told["class"] == "TryLater"
    assert told["message"] == "The desktop's keyring (Secret Service) did not answer within 5 seconds."
    assert 4.5 < told["seconds"] < 7
