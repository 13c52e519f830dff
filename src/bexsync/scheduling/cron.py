"""Jobs as lines of a crontab."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from bexsync.errors import ConfigurationProblem
from bexsync.scheduling.surroundings import Surroundings, refuse_unwritable
from bexsync.scheduling.timetable import ScheduledJob, Times

_LONGEST_COMMAND = 990  # cron cuts a command at 998 bytes without a word


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
