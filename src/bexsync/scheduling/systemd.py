"""Jobs as units of systemd: a service that runs once, and a timer that starts it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bexsync.scheduling.surroundings import Surroundings, refuse_unwritable
from bexsync.scheduling.timetable import ScheduledJob, Times

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  what PrivateTmp= hides


@dataclass(frozen=True)
class Manager:
    """Which systemd runs the units: the user's own where `user` is empty, else the system's, as that user.

    `writable` are the folders a job writes to; where it runs programs of the user's, such as a password manager,
    nobody can know what those write.
    """

    user: str = ""
    writable: tuple[Path, ...] = ()
    runs_programs: bool = False


def units(jobs: Iterable[ScheduledJob], around: Surroundings, manager: Manager) -> dict[str, str]:
    """The units by file name; raises ConfigurationProblem where a path cannot be written down."""
    found = {}
    for job in jobs:
        name = f"bexsync-{around.label}-{job.name}"
        found[f"{name}.service"] = _service(job, around, manager)
        found[f"{name}.timer"] = _timer(job, around)
    return found


def calendar(times: Times) -> str:
    """When, as OnCalendar= has it."""
    weekday = "" if times.weekday is None else f"{_WEEKDAYS[times.weekday]} "
    return f"{weekday}*-*-* {_hours(times)}:{times.minute:02}:00"


def _hours(times: Times) -> str:
    hours, step = times.hours, times.step
    if step:
        return f"{hours[0]:02}..{hours[-1]:02}" + (f"/{step}" if step > 1 else "")
    return ",".join(f"{hour:02}" for hour in hours)


def _timer(job: ScheduledJob, around: Surroundings) -> str:
    return f"""[Unit]
Description={_title(job, around)}, {job.meaning}

[Timer]
OnCalendar={calendar(job.times)}
RandomizedDelaySec=60
FixedRandomDelay=yes
Persistent=yes

[Install]
WantedBy=timers.target
"""


def _service(job: ScheduledJob, around: Surroundings, manager: Manager) -> str:
    call = around.call(job.command)
    bus = {"DBUS_SESSION_BUS_ADDRESS": around.bus} if around.bus and manager.user else {}
    variables = dict(around.variables) | bus
    refuse_unwritable((*variables.values(), *call, *(str(path) for path in manager.writable)))
    lines = [
        "[Unit]",
        f"Description={_title(job, around)}",
        *(["Wants=network-online.target", "After=network-online.target"] if manager.user else []),
        "# To hear of failures: a bexsync-alert@.service (contrib/systemd has one), and this line without its #.",
        "#OnFailure=bexsync-alert@%n.service",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={manager.user}"] if manager.user else []),
        f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in call)}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in variables.items()),
        *_key_hint(around, manager),
        "# 75 means try later, which the timer does.",
        "SuccessExitStatus=75",
        "TimeoutStartSec=30min",
        "# The step under way comes to its end; what is left is done by the next run.",
        "TimeoutStopSec=90",
        "UMask=0077",
        "Nice=10",
        *_fences(around, manager),
    ]
    return "\n".join(lines) + "\n"


def _title(job: ScheduledJob, around: Surroundings) -> str:
    words = " ".join(word for word in job.command if not word.startswith("-"))
    return f"bexsync {words} ({around.label})"


def _key_hint(around: Surroundings, manager: Manager) -> list[str]:
    if "BEXSYNC_KEY_FILE" in around.variables:
        return []
    where = "/etc/credstore.encrypted" if manager.user else "%E/credstore.encrypted"
    of_whom = "" if manager.user else "--user "
    since = "" if manager.user else " (systemd 256 or newer)"
    return [
        f"# A login in an encrypted file needs its key{since}:",
        f"# systemd-creds {of_whom}encrypt --name=bexsync-key KEYFILE {where.replace('%E', '~/.config')}/bexsync-key",
        f"#LoadCredentialEncrypted=bexsync-key:{where}/bexsync-key",
    ]


def _fences(around: Surroundings, manager: Manager) -> list[str]:
    """What the job has no business with; a user's own manager can fence off little that the user could write."""
    if manager.runs_programs:
        # A password manager may need rights of its own, which all the others here would take away.
        return ["ProtectSystem=full"] if manager.user else []
    lines = ["NoNewPrivileges=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes", "RestrictRealtime=yes"]
    lines += ["SystemCallArchitectures=native"]
    if not manager.user:
        return lines
    lines += ["ProtectKernelModules=yes", "ProtectKernelTunables=yes", "ProtectControlGroups=yes"]
    paths = " ".join(_quoted(f"-{path}") for path in manager.writable)
    lines += ["ProtectSystem=strict", *([f"ReadWritePaths={paths}"] if paths else [])]
    seen = (
        Path(around.program[0]),
        *manager.writable,
        around.profile_file,
        *(Path(value) for value in around.variables.values()),
    )
    if not any(path.is_relative_to(hidden) for path in seen for hidden in _TEMPORARY):
        lines.append("PrivateTmp=yes")
    return lines


def _quoted(word: str) -> str:
    """As systemd reads it: no specifier, and one word whatever it holds."""
    escaped = word.replace("%", "%%")
    if escaped and not any(sign in escaped for sign in " \t\"'\\;"):
        return escaped
    doubled = escaped.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{doubled}"'
