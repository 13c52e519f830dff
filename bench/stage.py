"""The stage of a measurement: a sandbox in a process of its own, a shop's folder, and the program run and measured."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

BEXSYNC = str(Path(sys.executable).with_name("bexsync"))
TOKEN = "bench-token-0123456789"
Profile = Mapping[str, Mapping[str, Any]]

# A fresh parent whose only child is the run. Linux adds what a child read to its parent's /proc/self/io once it has
# ended: `rchar`, all bytes that were read by system calls, from the disk or from its cache.
_MEASURED = """
import json, resource, subprocess, sys, time
def read():
    try:
        with open("/proc/self/io") as io:
            return int(io.readline().split()[1])
    except OSError:
        return 0
began, before = time.perf_counter(), read()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, wall, used.ru_maxrss, read() - before]))
sys.exit(code)
"""


@dataclass(frozen=True)
class Measured:
    """What one run took: its seconds of processor, seconds on the clock, peak memory in KB, bytes read."""

    own: float
    wall: float
    memory: int
    read: int

    @property
    def megabytes(self) -> float:
        """The peak of its memory."""
        return self.memory / 1024


def measured(command: list[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs a program through a fresh parent, whose child is this one alone; ends the benchmark when it fails."""
    whole = [sys.executable, "-c", _MEASURED, *command]
    # Without compiled modules a start would take twice as long.
    used = {name: value for name, value in (environment or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(whole, env=used, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout))


class Stage:
    """One sandbox, whose books lie in a file, and one shop with its state."""

    def __init__(self, folder: Path, profile: Profile) -> None:
        self.folder = folder
        self.shop = folder / "shop"
        self.books = folder / "books.db"
        self._profile = profile
        self._port = _free_port()
        self._server: subprocess.Popen[str] | None = None
        self._profile_path = self._write_profile(folder, "main")

    def _write_profile(self, folder: Path, site: str) -> Path:
        """Writes the profile of a site, whose shop lies beside it."""
        for name in ("in", "catalog"):
            (folder / "shop" / name).mkdir(parents=True)
        given = {**self._profile, "ledger": {"api_url": self.url}, "shop": {"quiet_seconds": 0.0, "site": site}}
        path = folder / "bench.toml"
        path.write_text(tomli_w.dumps(given))
        return path

    def beside(self, site: str) -> Stage:
        """Another site on the same company, with a shop of its own."""
        other = copy(self)
        other.shop = self.folder / site / "shop"
        other._profile_path = self._write_profile(self.folder / site, site)
        return other

    @property
    def url(self) -> str:
        """Where the sandbox is served."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def state(self) -> Path:
        """The file of the state."""
        (found,) = (self.folder / "state").glob("bexio-*.db")
        return found

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a run."""
        return os.environ | {"BEXSYNC_STATE_DIR": str(self.folder / "state"), "BEXSYNC_ACCESS_TOKEN": TOKEN}

    def serve(self, *, speed: float = 1, latency: float = 0) -> None:
        """Starts the sandbox, or starts it again with other options on the same books."""
        self.stop()
        options = {"port": self._port, "speed": speed, "latency": latency, "token": TOKEN, "data": self.books}
        command = [f"--{name}={value}" for name, value in options.items()]
        self._server = subprocess.Popen([BEXSYNC, "sandbox", "serve", *command], stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        if not self._server.stdout.readline():
            sys.exit("The sandbox did not start.")

    def stop(self) -> None:
        """Stops the sandbox; its books are complete in their file then."""
        if self._server is not None:
            self._server.terminate()
            self._server.communicate(timeout=60)
            self._server = None

    def arguments(self, *command: str) -> list[str]:
        """The command line of a run."""
        return [BEXSYNC, "-p", str(self._profile_path), *command]

    def run(self, *command: str) -> Measured:
        """Runs the program and measures it."""
        return measured(self.arguments(*command), self.environment)

    def result(self, *command: str) -> Any:
        """What a run with `--json` says."""
        command = (*command, "--json")
        done = subprocess.run(
            self.arguments(*command), env=self.environment, stdout=subprocess.PIPE, text=True, check=False
        )
        return json.loads(done.stdout)

    def begin(self, *command: str) -> subprocess.Popen[str]:
        """Starts the program, for who wants to watch it."""
        return subprocess.Popen(
            self.arguments(*command), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def drop(self, name: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Puts a file of records into the shop."""
        lines = (json.dumps(record, ensure_ascii=False) for record in records)
        (self.shop / "in" / f"{name}.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def requests(self) -> list[dict[str, Any]]:
        """The sandbox's own list of requests since it was started."""
        found: list[dict[str, Any]] = self._ask("GET", "requests")
        return found

    def counted(self, *command: str) -> tuple[list[dict[str, Any]], Measured]:
        """Runs the program; returns the requests of that run."""
        before = len(self.requests())
        measured = self.run(*command)
        return self.requests()[before:], measured

    def refused(self) -> int:
        """How many requests were over the limit."""
        return sum(request["status"] == 429 for request in self.requests())

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
def stage(profile: Profile) -> Iterator[Stage]:
    """An empty shop with this profile and a sandbox that is yet to be served."""
    with tempfile.TemporaryDirectory(prefix="bexsync-bench-") as name:
        place = Stage(Path(name), profile)
        try:
            yield place
        finally:
            place.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
