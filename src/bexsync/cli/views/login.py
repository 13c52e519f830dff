"""`auth status` for a person and for a script."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.envelope import error, problem_error
from bexsync.cli.views.page import Page, Row

if TYPE_CHECKING:
    from bexsync.admin.login_status import LoginStatus, ScopeLine


def show_status(status: LoginStatus) -> None:
    """Whose login it is, its times, the scopes and rights, then what is wrong and what will be."""
    page = Page()
    for name, value in _facts(status):
        page.line(Text.assemble((f"{name:<14}", "dim"), value))
    page.line()
    page.table(("scope", "login", "your right", "lets bexsync"), [_row(line) for line in status.scopes])
    trouble = f"{status.trouble.message} {status.trouble.hint}".strip() if status.trouble else ""
    for problem in (trouble, *status.problems) if trouble else status.problems:
        page.line()
        page.line(Text(problem, style="red"))
    for warning in status.warnings:
        page.line()
        page.line(Text(warning, style="yellow"))
    page.show()


def status_data(status: LoginStatus) -> dict[str, Any]:
    """The same for a script; moments in ISO 8601."""
    values = {name: value for name, value in asdict(status).items() if name != "trouble"}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.isoformat()
    return values


def status_problems(status: LoginStatus) -> list[dict[str, str]]:
    """What keeps jobs from working, as errors."""
    trouble = [problem_error(status.trouble)] if status.trouble else []
    return [*trouble, *(error("not_permitted", problem) for problem in status.problems)]


def _facts(status: LoginStatus) -> list[tuple[str, str]]:
    mail = f" ({status.mail})" if status.mail and status.user else status.mail
    kind = "an app of your own" if status.kind == "app" else "a personal access token"
    facts = [
        ("company", f"{status.company} ({status.company_id})" if status.company else ""),
        ("user", f"{status.user}{mail}"),
        ("by", kind),
        ("kept in", status.where),
        ("since", _day(status.since)),
        ("renewed", _time(status.renewed_at) if status.renewable else ""),
        ("expires", f"{_time(status.expires_at)}{', then it renews itself' if status.renewable else ''}"),
        ("ends", f"{_day(status.idle_end)}, if it is not used until then" if status.idle_end else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _row(line: ScopeLine) -> Row:
    granted = {True: "granted", False: "missing", None: "unknown"}[line.granted]
    if not line.needed and line.granted is False:
        granted = "not asked"
    style = "" if line.needed else "dim"
    colours = {"missing": "red", "not booked": "red", "own only": "yellow", "granted": "green"}
    cells = (
        Text(line.scope, style=style),
        Text(granted, style=style or colours.get(granted, "")),
        Text(line.right, style=style or colours.get(line.right, "")),
    )
    commands = f"  {', '.join(line.commands)}" if line.commands else ""
    return Row(cells, Text.assemble((line.words, style), (commands, "dim")))


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d}" if moment else "unknown"


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else "unknown"
