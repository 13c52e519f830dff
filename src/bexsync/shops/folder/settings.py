"""The settings of the folder shop: `[shop]` of its profile."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from bexsync.config.profile import Section, ShopSection
from bexsync.paths import expanded
from bexsync.records.columns import CHOICES_IN_PROFILE, NAMES
from bexsync.records.quoting import printable, shown


def _one_sign(value: str) -> str:
    if len(value) > 1 or value in ('"', "\r", "\n"):
        raise ValueError('must be one sign, such as ";" or "\\t"')
    return value


def _known_encoding(value: str) -> str:
    try:
        "".encode(value or "utf-8")
        codecs.getincrementaldecoder(value or "utf-8")
    except (LookupError, ValueError):
        raise ValueError('must be an encoding like "utf-8", "windows-1252" or "cp850"') from None
    return value


def _whole_date(value: str) -> str:
    """Refuse a date format that loses part of the date."""
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    try:
        if value and datetime.strptime(moment.strftime(value), value).date() != moment.date():  # noqa: DTZ007
            raise ValueError
    except (ValueError, re.error):
        raise ValueError('must name day, month and year, like "%d.%m.%Y"') from None
    return value


def _known_zone(value: str) -> str:
    try:
        if value:
            ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # an unknown name is a KeyError
        raise ValueError('must be a time zone like "Europe/Zurich" or "UTC"') from None
    return value


def _known_columns(value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for name in value:
        _require_field(name)
    return value


def _require_field(name: str) -> None:
    if name not in NAMES:
        import difflib  # wanted by mistakes alone

        close = difflib.get_close_matches(printable(name), sorted(NAMES), n=1)
        wish = f"; did you mean `{close[0]}`?" if close else "; `bexsync docs format` lists them"
        raise ValueError(f"names the unknown field `{printable(name)}`{wish}")


def _one_or_several(value: object) -> object:
    """One header may stand without a list around it."""
    return (value,) if isinstance(value, str) else value


def _known_values(value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    for name, words in value.items():
        _require_field(name)
        allowed = CHOICES_IN_PROFILE.get(name, ())
        for word, meaning in words.items():
            if allowed and meaning not in allowed:
                raise ValueError(
                    f"says that `{printable(word)}` of `{name}` means {shown(meaning)}, which is none of "
                    f"{', '.join(allowed)}"
                )
    return value


class CsvSection(Section):
    """How the shop's tables are written, CSV and XLSX; what is empty is found out from each file."""

    kind: Literal["", "invoice", "order"] = ""
    sheet: str = ""
    delimiter: Annotated[str, AfterValidator(_one_sign)] = ""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = ""
    decimal: Literal["", ".", ","] = ""
    date_format: Annotated[str, AfterValidator(_whole_date)] = ""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = ""
    ignore: tuple[str, ...] = ()
    yearly_since: Annotated[int, Field(ge=0, le=9999)] = 0
    columns: Annotated[
        dict[str, Annotated[tuple[str, ...], BeforeValidator(_one_or_several)]], AfterValidator(_known_columns)
    ] = Field(default_factory=dict)
    values: Annotated[dict[str, dict[str, str]], AfterValidator(_known_values)] = Field(default_factory=dict)


class FolderSettings(ShopSection):
    """A folder that files are dropped into."""

    path: str = "./shop"
    quiet_seconds: float = Field(default=5.0, ge=0, le=86_400)
    csv: CsvSection = Field(default_factory=dict, validate_default=True)

    @property
    def location(self) -> str:
        """The folder, as the profile says it."""
        return self.path

    def folder(self, profile_file: Path) -> Path:
        """The shop's folder; a relative one is seen from the profile."""
        return (profile_file.parent / expanded(Path(self.path))).resolve()
