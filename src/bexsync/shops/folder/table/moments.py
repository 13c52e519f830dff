"""Moments in cells: with their offset from UTC, or by the clocks of the time zone that the profile names."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from bexsync.shops.folder.table.cells import day_of_workbook, read_day

_WITH_OFFSET = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_DAY_AND_TIME = re.compile(
    r"(?P<day>[0-9./-]+)(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?", re.ASCII
)
_LOCAL_HINT = (
    "Export moments with their offset, as in 2026-11-20T09:30:00+01:00, or say under [shop.csv] in the profile by "
    'which clocks they are written: time_zone = "Europe/Zurich".'
)


class NoMoment(ValueError):
    """A cell does not say when; `hint` is empty where it is no moment at all."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_moment(text: str, wanted: str, zone: str) -> str:
    """The moment in a cell as records take it; raises NoMoment."""
    if found := _WITH_OFFSET.fullmatch(text):
        return f"{found[1]}T{found[2]}{found[3]}"
    local = _of_format(text, wanted) if wanted else _local(text)
    if local is None:
        raise NoMoment("must be a moment like 2026-11-20T09:30:00+01:00")
    if local.tzinfo is not None:
        return local.isoformat()
    if not zone:
        raise NoMoment("must name its offset from UTC", _LOCAL_HINT)
    placed = local.replace(tzinfo=ZoneInfo(zone))
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():
        raise NoMoment(
            f"lies where the clocks of {zone} are put forward or back, so that nobody knows when it was",
            "Export moments with their offset, as in 2026-10-25T02:30:00+02:00.",
        )
    return placed.isoformat()


def _of_format(text: str, wanted: str) -> datetime | None:
    try:
        return datetime.strptime(text, wanted)  # noqa: DTZ007  the caller looks at its zone
    except ValueError:
        return _local(text) if day_of_workbook(text) else None


def _local(text: str) -> datetime | None:
    found = _DAY_AND_TIME.fullmatch(text)
    day = read_day(found["day"], "") if found else None
    if found is None or day is None:
        return None
    try:
        clock = time(int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0))
    except ValueError:
        return None
    return datetime.combine(date.fromisoformat(day), clock)
