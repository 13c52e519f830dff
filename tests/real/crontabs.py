"""Lines in the real crontab of whoever runs the tests, and a daemon that runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

BEGIN, END = "# bexsync's tests begin", "# bexsync's tests end"
EVERY_MINUTE = "* * * * *"
_JOB = re.compile(r"(?:@\w+|(?:\S+\s+){4}\S+)\s+(?P<command>\S.*)")
_SETTING = re.compile(r"\w+\s*=")


def is_possible() -> bool:
    """Whether a crontab can be installed here, and a daemon runs or can be started."""
    found = shutil.which("crontab") and shutil.which("cron", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return bool(found) and (os.geteuid() == 0 or _daemon_runs())


def every_minute(lines: Iterable[str], log: Path, ended: Path) -> list[str]:
    """The lines of a crontab with other times; what a job says, which cron would mail, and how it ends are noted."""
    changed = []
    for line in lines:
        job = None if not line.strip() or line.startswith("#") or _SETTING.match(line) else _JOB.fullmatch(line.strip())
        noted = f' >> {log} 2>&1; echo "$?" >> {ended}'
        changed.append(f"{EVERY_MINUTE} {job['command']}{noted}" if job else line)
    return changed


@contextmanager
def installed(lines: Iterable[str]) -> Iterator[None]:
    """These lines below what stands in the crontab already, for as long as the block lasts."""
    with FileLock(Path(tempfile.gettempdir()) / f"bexsync-tests-crontab-{os.geteuid()}.lock"):
        before = _others()
        _install("".join(f"{line}\n" for line in (*before.splitlines(), BEGIN, *lines, END)))
        try:
            with _daemon():
                yield
        finally:
            _install(_others())


def _others() -> str:
    """The crontab without lines of ours, those of a run that was killed among them."""
    listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    if listed.returncode:
        assert "no crontab for" in listed.stderr, listed.stderr
        return ""
    return re.sub(f"^{BEGIN}\n.*?^{END}\n", "", listed.stdout, flags=re.MULTILINE | re.DOTALL)


def _install(text: str) -> None:
    if text:
        subprocess.run(["crontab", "-"], input=text, text=True, check=True)
    else:
        subprocess.run(["crontab", "-r"], capture_output=True, check=False)


@contextmanager
def _daemon() -> Iterator[None]:
    """The daemon that runs here already, else one of our own."""
    if _daemon_runs():
        yield
        return
    # A test that is killed must not leave it behind.
    command = ["setpriv", "--pdeathsig", "TERM", "--", "/usr/sbin/cron", "-f"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as daemon:
        time.sleep(0.2)
        assert daemon.poll() is None, "cron does not start"
        try:
            yield
        finally:
            daemon.terminate()


def _daemon_runs() -> bool:
    names = []
    for process in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(process.read_text().strip())
        except OSError:  # it has ended meanwhile
            continue
    return bool({"cron", "crond"} & set(names))
