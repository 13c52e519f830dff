"""Sessions of a desktop: a bus of their own, with gnome-keyring unlocked, locked, or not to be spoken to."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNLOCK = "printf %s test-password | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1"
START_LOCKED = "gnome-keyring-daemon --start --components=secrets > /dev/null 2>&1"
_STANDARD = (
    '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
    '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n'
    "<busconfig><type>session</type><listen>unix:tmpdir={folder}</listen>"
    "<servicedir>{folder}</servicedir><standard_session_servicedirs/>"
    '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>'
    '<allow own="*"/></policy></busconfig>\n'
)


@contextmanager
def a_session(home: Path, first: str = ":", **services: str) -> Iterator[str]:
    """The address of a bus under `dbus-run-session`, which ends with the block.

    `first` is a shell line that runs in it; `services` are programs that the bus starts when they are asked for.
    """
    tell = f'{first}; echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat > /dev/null'
    with _config(services) as options:
        command = ["dbus-run-session", *options, "--", "sh", "-c", tell]
        with _started(command, home) as session:
            assert session.stdout is not None
            address = session.stdout.readline().strip()
            assert address.startswith("unix:"), address
            yield address


@contextmanager
def a_lasting_bus(home: Path, first: str) -> Iterator[str]:
    """The address of a bus at a place that can be written into a crontab, as a login session with lingering has it."""
    with tempfile.TemporaryDirectory(prefix="bexsync-bus-") as folder:  # a socket's path has to be short
        address = f"unix:path={folder}/bus"
        command = ["dbus-daemon", "--session", f"--address={address}", "--nofork", "--nopidfile", "--print-address"]
        with _started(command, home) as bus:
            assert bus.stdout is not None
            assert bus.stdout.readline().startswith(address)
            subprocess.run(
                ["sh", "-c", first], env=_environment(home) | {"DBUS_SESSION_BUS_ADDRESS": address}, check=True
            )
            yield address
            bus.terminate()


@contextmanager
def _started(command: list[str], home: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        env=_environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()  # `cat` ends, and with it the session
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home)}


@contextmanager
def _config(services: dict[str, str]) -> Iterator[list[str]]:
    """A bus of the standard kind, with services of ours before the system's."""
    if not services:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="bexsync-bus-") as folder:
        for name, program in services.items():
            bus_name = name.replace("__", ".")
            (Path(folder) / f"{bus_name}.service").write_text(f"[D-BUS Service]\nName={bus_name}\nExec={program}\n")
        config = Path(folder) / "session.conf"
        config.write_text(_STANDARD.format(folder=folder))
        yield [f"--config-file={config}"]


def is_possible() -> bool:
    """Whether this machine has what a session needs."""
    needed = ("dbus-run-session", "dbus-daemon", "gnome-keyring-daemon", "secret-tool")
    return all(shutil.which(name) for name in needed)
