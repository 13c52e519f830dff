"""A check of the configuration, and the profile that is in force, for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.envelope import error
from bexsync.cli.views.page import Page, Row
from bexsync.errors import Exit

if TYPE_CHECKING:
    from bexsync.admin.config import Setting
    from bexsync.cli.views import Output
    from bexsync.ports.shop_package import Finding

_COLOURS = {"ok": "green", "attention": "yellow", "wrong": "red"}


def print_findings(output: Output, findings: Sequence[Finding]) -> Exit:
    """A check of the configuration: all of it for a person, else only what is not as it should be."""
    wrong = [finding for finding in findings if finding.level == "wrong"]
    code = Exit.CONFIGURATION if wrong else Exit.OK
    if output.json:
        errors = [error("configuration", f.message, f.hint) for f in wrong]
        return output.data(code, {"findings": [asdict(finding) for finding in findings]}, errors)
    if output.talkative:
        show_findings(findings, output.ledger)
        return code
    for finding in findings if not output.quiet else wrong:
        if finding.level != "ok":
            output.say_error(f"{output.command}: {place(finding)}: {finding.message} {finding.hint}".rstrip())
    return code


def show_findings(findings: Sequence[Finding], ledger: str) -> None:
    """What was looked at, what is wrong with it, and what to do."""
    page = Page()
    page.table(("", "where", "what"), [_row(finding) for finding in findings])
    page.line()
    page.line(summary(findings, ledger))
    page.show()


def _row(finding: Finding) -> Row:
    hint = (Text(f"→ {finding.hint}", style="dim"),) if finding.hint else ()
    return Row((Text(finding.level, style=_COLOURS[finding.level]), Text(place(finding))), Text(finding.message), hint)


def place(finding: Finding) -> str:
    """Where it stands, short."""
    if finding.line:
        return f"{Path(finding.file).name}, line {finding.line}"
    return finding.subject


def summary(findings: Sequence[Finding], ledger: str) -> str:
    """One sentence for all."""
    wrong = sum(finding.level == "wrong" for finding in findings)
    attention = sum(finding.level == "attention" for finding in findings)
    if not wrong and not attention:
        return f"Nothing is wrong as far as this computer can tell; {ledger} was not asked."
    counts = ", ".join(f"{count} {word}" for count, word in ((wrong, "wrong"), (attention, "to look at")) if count)
    return f"{counts}. Nothing was changed, and {ledger} was not asked."


def settings_data(profile_file: Path, settings: Sequence[Setting]) -> dict[str, Any]:
    """The profile with all its defaults, and who says what, for a script."""
    rows = [
        {"key": ".".join(s.key), "value": _plain(s.value), "variable": s.variable, "line": s.line} for s in settings
    ]
    return {"file": str(profile_file), "settings": rows}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | list | tuple | None) else str(value)


def show_settings_in_force(profile_file: Path, settings: Sequence[Setting]) -> None:
    """The profile as TOML, with a comment where a value is not the default."""
    page = Page()
    page.line(Text(f"# {profile_file}; what has no comment is the default", style="dim"))
    table: tuple[str, ...] = ()
    for setting in settings:
        if setting.key[:-1] != table:
            table = setting.key[:-1]
            page.line()
            page.line(Text(f"[{'.'.join(_toml_key(name) for name in table)}]", style="bold"))
        said = setting.variable or (f"line {setting.line}" if setting.line else "")
        line = Text(f"{_toml_key(setting.key[-1])} = {toml_value(setting.value)}", style="" if said else "dim")
        page.whole(line + Text(f"  # {said}" if said else "", style="cyan"))
    page.show()


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def toml_value(value: object) -> str:
    """A value as a profile has it, where an empty text stands for none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | date) and not isinstance(value, datetime):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return json.dumps("" if value is None else str(value), ensure_ascii=False)
