"""When the jobs of a profile run, at minutes of its own, and the lines that say so to cron."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bexsync.errors import ConfigurationProblem
from bexsync.scheduling.surroundings import Surroundings, refuse_unwritable

# Everybody's jobs start at these; ours would meet them at the ledger and on the disk.
_CROWDED = frozenset({0, 15, 30, 45})
_MINUTES = tuple(minute for minute in range(1, 59) if minute not in _CROWDED)
# Far enough apart that the jobs of one profile never start together.
_STRIDE = 17
_LONGEST_COMMAND = 990  # cron cuts a command at 998 bytes without a word


@dataclass(frozen=True)
class Times:
    """One minute in each of these hours, on every day or on one weekday (Monday is 0)."""

    minute: int
    hours: tuple[int, ...]
    weekday: int | None = None

    @property
    def step(self) -> int:
        """How many hours lie between one run and the next; 0 where that is not always the same."""
        gaps = {after - before for before, after in zip(self.hours, self.hours[1:], strict=False)}
        return gaps.pop() if len(gaps) == 1 else 0


@dataclass(frozen=True)
class ScheduledJob:
    """A command without the program's name, and when it runs."""

    command: tuple[str, ...]
    times: Times
    meaning: str

    @property
    def name(self) -> str:
        """The command as one word."""
        return "-".join(word for word in self.command if not word.startswith("-"))


@dataclass(frozen=True)
class _Plan:
    command: str
    options: tuple[str, ...]
    meaning: str
    hours: tuple[int, ...]
    spread: int = 1
    weekly: bool = False


# The order is part of the minutes: a new line goes to the end. `spread` hours from the first one are as good as it.
_PLANS = (
    _Plan("invoices push", (), "hourly by day", tuple(range(7, 21))),
    # The odd hours: hour 2 is skipped when summer time begins, and comes twice when it ends.
    _Plan("payments poll", (), "every two hours", tuple(range(1, 24, 2))),
    _Plan("products sync", (), "daily", (4,), spread=2),
    _Plan("stock pull", (), "daily", (4,), spread=2),
    _Plan("orders sync", (), "hourly by day", tuple(range(7, 21))),
    _Plan("test-connection", ("--read-only", "--quiet"), "weekly", (6,), spread=1, weekly=True),
    _Plan("vat map", ("--check",), "weekly", (6,), spread=1, weekly=True),
)


def timetable(host: str, profile: str, exists: Callable[[str], bool]) -> list[ScheduledJob]:
    """The jobs of a profile on a computer, of those commands that exist."""
    seed = int.from_bytes(hashlib.sha256(f"{host} {profile}".encode(errors="replace")).digest()[:6])
    return [_scheduled(plan, number, seed) for number, plan in enumerate(_PLANS) if exists(plan.command)]


def _scheduled(plan: _Plan, number: int, seed: int) -> ScheduledJob:
    minute = _MINUTES[(seed + number * _STRIDE) % len(_MINUTES)]
    later = seed // 60 % plan.spread
    weekday = seed // 180 % 5 if plan.weekly else None
    times = Times(minute, tuple(hour + later for hour in plan.hours), weekday)
    return ScheduledJob((*plan.command.split(), *plan.options), times, plan.meaning)


def crontab(jobs: Iterable[ScheduledJob], around: Surroundings) -> list[str]:
    """The lines to be added to a crontab; raises ConfigurationProblem where cron could not take one."""
    # On each line, so that two profiles in one crontab do not speak for each other; the bus is the same for all.
    bus = [f"DBUS_SESSION_BUS_ADDRESS={around.bus}"] if around.bus else []
    return [*bus, *(f"{expression(job.times)} {_command(job, around)}" for job in jobs)]


def expression(times: Times) -> str:
    """The five fields."""
    weekday = "*" if times.weekday is None else str(times.weekday + 1)
    return f"{times.minute} {_hours(times)} * * {weekday}"


def _hours(times: Times) -> str:
    hours, step = times.hours, times.step
    if step:
        return f"{hours[0]}-{hours[-1]}" + (f"/{step}" if step > 1 else "")
    return ",".join(str(hour) for hour in hours)


def _command(job: ScheduledJob, around: Surroundings) -> str:
    call = around.call(job.command)
    refuse_unwritable((*around.variables.values(), *call))
    variables = [f"{name}={shlex.quote(value)}" for name, value in around.variables.items()]
    text = " ".join((*variables, shlex.join(call))).replace("%", r"\%")
    if len(text.encode()) > _LONGEST_COMMAND:
        raise ConfigurationProblem(
            f"The line of `{' '.join(job.command)}` is longer than cron can take.",
            "Use shorter paths, or `bexsync schedule systemd`.",
            code="schedule",
        )
    return text
