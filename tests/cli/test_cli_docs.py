"""docs/cli.md is what the program says of itself.

After a change of a command or its help: BEXSYNC_WRITE_DOCS=1 pytest tests/cli/test_cli_docs.py -n0
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bexsync.cli.app import app
from bexsync.errors import Exit
from bexsync.paths import VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
ROOT: Any = typer.main.get_group(app)
EVERYWHERE = ("--profile", "--json", "--verbose", "--quiet", "--help")
EXIT_CODES = {
    Exit.OK: "done, nothing to do, or `enabled = false` in the profile",
    Exit.SOME_FAILED: "some records failed, are held or blocked; the others are done (`bexsync errors list`)",
    Exit.USAGE: "the command was typed wrongly, or a question was answered with no",
    Exit.BUG: "a bug in bexsync; nothing is lost",
    Exit.TRY_LATER: "try later: another run is at work, bexio asks for patience, the network is down",
    Exit.LOGIN: "log in again",
    Exit.CONFIGURATION: "profile, mapping, rights or state want a person, or a plan is over its limits",
}


def commands(group: Any = ROOT, above: str = "bexsync") -> Iterator[tuple[str, Any]]:
    """Every command and group with its whole name, in the order of --help."""
    for name, command in group.commands.items():
        yield f"{above} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{above} {name}")


def page() -> str:
    blocks = [
        "# The commands",
        "This page is made from what `bexsync --help` says; `bexsync COMMAND --help` says the same in a terminal.",
        prose(ROOT.help),
        "## Every command",
        "These options stand before or after the command; not every command has all of them.",
        "\n".join(table(("option", "what it does"), shared())),
        "Without a terminal a command says nothing when all is well; what is wrong goes to stderr, one line a cause. "
        "With `--json` every command, also one that fails, prints one object: `command`, `profile`, `site`, `status` "
        "(`ok`, `partial`, `error`), `exit_code`, `data`, and `errors` with `code`, `message`, `hint`, `kind` and "
        "`shop_id`.",
        "\n".join(table(("exit code", "what happened"), ((str(int(code)), text) for code, text in EXIT_CODES.items()))),
        "\n".join(table(("variable", "what it says"), ((f"`{name}`", text) for name, text in VARIABLES.items()))),
        "Any key of the profile has a variable that speaks over it, as `BEXSYNC_LEDGER__API_URL` over `api_url` in "
        "`[ledger]`.",
    ]
    for name, command in commands():
        blocks += described(name, command)
    return "\n\n".join(blocks) + "\n"


def shared() -> Iterator[tuple[str, str]]:
    said: dict[str, tuple[str, str]] = {}
    for _, command in commands():
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.opts[0] in EVERYWHERE:
                said.setdefault(parameter.opts[0], (option(parameter), explained(parameter)))
    yield from (said[name] for name in EVERYWHERE if name in said)
    yield "`--help`, `-h`", "Show how a command is used."


def described(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        yield f"## {name}"
        yield prose(command.help)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    own = [p for p in command.params if p.param_type_name == "option" and p.opts[0] not in EVERYWHERE]
    yield f"{'##' if name.count(' ') == 1 else '###'} {name}"
    words = " ".join(p.metavar or p.name.upper() for p in arguments)
    yield f"```\n{name} [OPTIONS] {words}".rstrip() + "\n```"
    yield prose(command.help)
    rows = [(f"`{p.metavar or p.name.upper()}`", explained(p)) for p in arguments]
    rows += [(option(p), explained(p)) for p in own]
    if rows:
        yield "\n".join(table(("option", "what it does"), rows))


def option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.is_flag or parameter.count:
        return names
    if hasattr(parameter, "type_descriptor"):  # which typer has from 0.29 on
        is_number = parameter.type_descriptor.annotation in (int, float)
    else:
        is_number = parameter.type.name.startswith(("int", "float"))
    value = parameter.metavar or ("N" if is_number else "TEXT")
    return f"{names} `{value}`"


def explained(parameter: Any) -> str:
    default = parameter.default
    if callable(default) or default in (None, False, "", ()) or parameter.count:
        return parameter.help
    return f"{parameter.help} Default: `{default}`."


def prose(text: str) -> str:
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text.strip())


def table(names: tuple[str, str], rows: Any) -> Iterator[str]:
    yield f"| {names[0]} | {names[1]} |"
    yield "|---|---|"
    for left, right in rows:
        yield f"| {left.replace('|', chr(92) + '|')} | {right.replace('|', chr(92) + '|')} |"


def test_the_page_is_current() -> None:
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "BEXSYNC_WRITE_DOCS=1 pytest tests/cli/test_cli_docs.py -n0"


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    before = page()
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert page() == before


def test_every_exit_code_is_explained() -> None:
    assert set(EXIT_CODES) == set(Exit)


@pytest.mark.parametrize(("name", "command"), [pytest.param(*found, id=found[0]) for found in commands()])
def test_every_command_and_every_option_is_explained(name: str, command: Any) -> None:
    assert len(command.help.split()) >= 4, name
    assert command.help.split("\n\n")[0].rstrip().endswith((".", "?"))
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"
        assert parameter.help[0].isupper() or parameter.help.startswith("bexio "), f"{name} {parameter.name}"
        assert parameter.help.endswith((".", "...")), f"{name} {parameter.name}"


@pytest.mark.parametrize(
    ("name", "group"),
    [("bexsync", ROOT), *((name, command) for name, command in commands() if hasattr(command, "commands"))],
)
def test_no_list_of_commands_cuts_a_sentence_off(name: str, group: Any) -> None:
    beside = 80 - 8 - max(map(len, group.commands))
    cut_off = [sub for sub, command in group.commands.items() if command.get_short_help_str(beside).endswith("...")]
    assert not cut_off, name
