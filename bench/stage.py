"""The stage of a measurement: a sandbox in a process of its own, a shop's folder, and the program run and measured."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

BEXSYNC = str(Path(sys.executable).with_name("bexsync"))
TOKEN = "bench-token-0123456789"
Line = tuple[str, str, str, bool | None]
Profile = Mapping[str, Mapping[str, Any]]

_MEASURED = """
import resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True)
class Measured:
    """What one run of the program took: its own seconds of processor, seconds on the clock, peak memory in KB."""

    own: float
    wall: float
    memory: int

    @property
    def megabytes(self) -> float:
        """The peak of its memory."""
        return self.memory / 1024


@dataclass(frozen=True)
class Stage:
    """One sandbox and one shop."""

    folder: Path
    url: str

    @property
    def shop(self) -> Path:
        """The folder that the shop writes to."""
        return self.folder / "shop"

    def run(self, *command: str) -> Measured:
        """Runs the program through a fresh parent, whose children are this one alone; raises when it fails."""
        environment = os.environ | {"BEXSYNC_STATE_DIR": str(self.folder / "state"), "BEXSYNC_ACCESS_TOKEN": TOKEN}
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, BEXSYNC, "-p", str(self.folder / "bench.toml"), *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"bexsync {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        own, wall, memory = done.stdout.split()
        return Measured(float(own), float(wall), int(memory))

    def requests(self) -> Any:
        """What the sandbox counted so far: `count`, `writes`, and per `buckets` and `statuses`."""
        return self._ask("GET", "state")["requests"]

    def act(self, action: str, *calls: Mapping[str, Any]) -> None:
        """Lets a person do something in the sandbox, once for each set of arguments."""
        for arguments in calls:
            self._ask("POST", action, arguments)

    def _ask(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=300)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/sandbox/api/{name}", sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found = json.load(answer)
        finally:
            connection.close()
        if answer.status != 200:
            sys.exit(f"sandbox {name}: {answer.status} {found}")
        return found


@contextmanager
def stage(profile: Profile, *, speed: float) -> Iterator[Stage]:
    """A fresh sandbox whose minutes pass `speed` times as fast, and an empty shop with this profile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "shop" / "in").mkdir(parents=True)
        (folder / "shop" / "catalog").mkdir()
        server = subprocess.Popen(
            [BEXSYNC, "sandbox", "serve", "--port", "0", "--speed", str(speed), "--token", TOKEN],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            whole = {**profile, "ledger": {"api_url": url}, "shop": {"quiet_seconds": 0.0}}
            (folder / "bench.toml").write_text(tomli_w.dumps(whole))
            yield Stage(folder, url)
        finally:
            server.terminate()
            server.wait(10)
