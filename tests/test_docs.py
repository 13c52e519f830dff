"""What the documents say of the program is true: commands exist, links lead somewhere, completions are current."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from bexsync.cli.app import app
from world import BEXSYNC

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])
GROUPS = typer.main.get_group(app).commands
COMMANDS = {f"{noun} {verb}" for noun, group in GROUPS.items() for verb in getattr(group, "commands", ())}
ALONE = {name for name, command in GROUPS.items() if not hasattr(command, "commands")}


def named_commands(page: Path) -> Iterator[str]:
    """Every `bexsync noun verb` of a page, options before it left out."""
    option = r"(?: +-{1,2}\S+(?: +\S*/\S+)?)*"
    for found in re.finditer(
        rf"\bbexsync{option} +({'|'.join(GROUPS.keys() - ALONE)}) +([a-z][a-z-]*)", page.read_text()
    ):
        yield f"{found[1]} {found[2]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_commands_a_page_names_exist(page: Path) -> None:
    assert set(named_commands(page)) <= COMMANDS


def test_every_command_is_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    verbs = {
        f"{noun} {verb}" for noun, verbs in re.findall(r"`(\w+) ([\w| -]+)`", changelog) for verb in verbs.split(" | ")
    }
    assert verbs >= COMMANDS
    assert all(f"`{name}`" in changelog for name in ALONE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_files_that_adding_md_names_exist() -> None:
    """Those of a new part stand for it with NAME, and their folder exists."""
    named = set(re.findall(r"`((?:src|tests|docs)/[\w/.]+)`", (ROOT / "docs" / "adding.md").read_text()))
    assert len(named) > 5
    for path in named:
        assert (ROOT / path.partition("NAME")[0].rpartition("/")[0] if "NAME" in path else ROOT / path).exists(), path


def test_a_new_kind_of_record_touches_about_a_dozen_source_files() -> None:
    section = (ROOT / "docs" / "adding.md").read_text().partition("## A kind of record")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert 10 <= len({path for row in rows for path in re.findall(r"`(src/[\w/.]+)`", row)}) <= 14


@pytest.mark.parametrize(("shell", "file"), [("bash", "bexsync.bash"), ("zsh", "_bexsync"), ("fish", "bexsync.fish")])
def test_the_completions_are_what_the_program_prints(shell: str, file: str) -> None:
    printed = subprocess.run(
        [BEXSYNC],
        env=os.environ | {"_BEXSYNC_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.stdout == (ROOT / "completions" / file).read_text()


def test_the_lock_file_names_no_place_of_its_own() -> None:
    text = (ROOT / "requirements-dev.lock").read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"^--(index-url|extra-index-url|find-links|trusted-host)", text, re.MULTILINE)
