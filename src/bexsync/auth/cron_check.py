"""The cron rehearsal: would a process with cron's environment reach the login, and if not, what does it lack?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

_SECONDS = 60
_KEPT = ("BEXSYNC_STATE_DIR", "BEXSYNC_CONFIG_DIR", "BEXSYNC_KEY_FILE", "BEXSYNC_HOST")
_BUS = "DBUS_SESSION_BUS_ADDRESS"


@dataclass(frozen=True)
class Rehearsal:
    """Whether cron reaches the login once `lines` stand in the crontab; `said` is what it said where it does not."""

    reached: bool
    lines: tuple[str, ...]
    said: str = ""


def rehearse(profile: str, *, in_keyring: bool) -> Rehearsal:
    """Reads the login as cron would, first with nothing, then with the lines a crontab may hold."""
    said = _attempt(profile, {})
    if not said:
        return Rehearsal(True, ())
    lines = {name: os.environ[name] for name in _KEPT if os.environ.get(name)}
    for bus in _buses() if in_keyring else [{}]:
        said = _attempt(profile, {**lines, **bus}) if lines or bus else said
        if not said:
            return Rehearsal(True, tuple(f"{name}={value}" for name, value in {**lines, **bus}.items()))
    return Rehearsal(False, (), said)


def _buses() -> list[dict[str, str]]:
    """The user's lasting bus, then the one of this session, which may be the same or end with it."""
    addresses = [f"unix:path=/run/user/{os.getuid()}/bus", os.environ.get(_BUS, "")]
    return [{_BUS: address} for address in dict.fromkeys(addresses) if address]


def is_possible() -> bool:
    """Whether this is a system with a cron as we know it."""
    return os.name == "posix" and sys.platform != "darwin"


def _attempt(profile: str, more: dict[str, str]) -> str:
    """What went wrong in a process of its own, "" if nothing."""
    environment = {
        "HOME": os.path.expanduser("~"),  # noqa: PTH111  what cron takes from the password file
        "LOGNAME": os.environ.get("LOGNAME") or os.environ.get("USER") or "",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
        **more,
    }
    command = [sys.executable, "-m", "bexsync", "--profile", profile, "auth", "status", "--offline", "--json"]
    try:
        done = subprocess.run(  # noqa: S603  this very program
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "It did not answer in time."
    if done.returncode == 0:
        return ""
    try:
        error = json.loads(done.stdout)["errors"][0]
        return f"{error['message']} {error['hint']}".strip()
    except (ValueError, LookupError, TypeError):
        return f"It ended with {done.returncode}."
