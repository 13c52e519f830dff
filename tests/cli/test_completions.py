"""What the shell offers while a command is typed: profiles, ids and numbers of this computer, quickly and quietly."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from bexsync.admin.invoice_statuses import STATUSES
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.store import RecordState
from front_door import started
from world import BEXSYNC, World, an_invoice

BASH_SCRIPT = Path(__file__).parents[2] / "completions" / "bexsync.bash"
HOSTILE = 'x"; touch HACKED; $(touch HACKED) `touch HACKED`'


def typed(world: World, line: str, *, shell: str = "bash", **environment: str) -> list[str]:
    """What the program prints when the shell asks how the line could go on, the last word being unfinished."""
    words = line.split(" ")
    ways = {
        "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    asked = {"BEXSYNC_PROFILE": str(world.profile_path), "_BEXSYNC_COMPLETE": f"complete_{shell}"}
    run = started(world, **(asked | ways[shell] | environment))
    assert run.stderr == ""
    return [line for line in run.stdout.splitlines() if line]


def database(world: World) -> Path:
    return next((world.folder / "state").glob("bexio-*.db"))


@pytest.fixture
def busy(world: World) -> World:
    """Two linked invoices, one that is blocked, and one with an id no shell should be offered."""
    world.drop(an_invoice("R-1"), an_invoice("R-2"), an_invoice("Q-9", currency="XXX"), an_invoice(HOSTILE))
    world.push()
    return world


def test_ids_and_numbers_from_the_state_alone(busy: World) -> None:
    nobody = {"BEXSYNC_ACCESS_TOKEN": "", "BEXSYNC_LEDGER__API_URL": "https://nowhere.invalid"}
    assert sorted(typed(busy, "bexsync links show ", **nobody)) == ["R-1", "R-2"]
    assert typed(busy, "bexsync links forget RE-", **nobody) == ["RE-00001", "RE-00002", "RE-00003"]
    assert sorted(typed(busy, "bexsync invoices push --id ", **nobody)) == ["Q-9", "R-1", "R-2"]
    assert typed(busy, "bexsync links adopt Q", **nobody) == ["Q-9"]
    assert typed(busy, "bexsync errors show ", **nobody) == ["1", "all"]
    assert typed(busy, "bexsync errors retry 1 ", **nobody) == []
    assert "partly_paid" in typed(busy, "bexsync invoices list --status ", **nobody)


def test_every_status_is_offered_and_no_other() -> None:
    assert set(STATUSES) == {*RecordState, *DocumentStatus} | {"blocked", "sent", "waiting", "overdue"}


def test_profiles_by_name_and_by_path(world: World) -> None:
    profiles = world.folder / "config" / "profiles"
    (world.folder / "sub").mkdir()
    profiles.mkdir(parents=True)
    for path in (
        profiles / "club.toml",
        profiles / "club.vat.toml",
        profiles / "shop.toml",
        world.folder / "sub/a.toml",
    ):
        path.write_text("")
    here = {"BEXSYNC_CONFIG_DIR": str(world.folder / "config")}
    assert typed(world, "bexsync --profile ", **here) == ["club", "shop", "default.toml"]
    assert typed(world, "bexsync payments poll -p c", **here) == ["club"]
    assert typed(world, "bexsync -p sub/", **here) == ["sub/a.toml"]
    assert typed(world, f"bexsync -p {world.folder}/d", **here) == [f"{world.folder}/default.toml"]
    assert typed(world, "bexsync -p ~/", **here) == []


def test_the_profile_named_on_the_line_is_the_one_asked(busy: World) -> None:
    for line in ("bexsync -p default.toml links show ", "bexsync links show --profile default.toml "):
        assert sorted(typed(busy, line, BEXSYNC_PROFILE="")) == ["R-1", "R-2"]
    assert typed(busy, "bexsync links show ", BEXSYNC_PROFILE="") == []


def test_zsh_and_fish_are_told_what_each_is_and_nothing_they_would_run(busy: World) -> None:
    (offered,) = typed(busy, "bexsync errors show 1", shell="zsh")
    assert offered.startswith("""_arguments '*: :(("1":"Q-9 bexio has no currency XXX.""")
    assert "R-1\tRE-00001" in typed(busy, "bexsync links show ", shell="fish")
    with sqlite3.connect(database(busy)) as state:
        state.execute("UPDATE errors SET message = ?", (HOSTILE,))
    for shell in ("zsh", "fish", "bash"):
        for line in ("bexsync errors show ", "bexsync links show ", "bexsync invoices push --id "):
            assert not set("\n".join(typed(busy, line, shell=shell)).replace('"1":"', "").replace('":"', "")) & set(
                "$`;<>|&"
            )


def test_silence_whatever_is_wrong(busy: World) -> None:
    state = busy.folder / "state"
    book = (state / "companies.json").read_bytes()
    for harm in (
        lambda: (state / "companies.json").write_text("{"),
        lambda: (state / "companies.json").write_bytes(b"\xff" * 100),
        lambda: ((state / "companies.json").write_bytes(book), database(busy).write_bytes(b"no database" * 1000)),
        lambda: database(busy).unlink(),
        lambda: shutil.rmtree(state),
    ):
        harm()
        assert typed(busy, "bexsync links show ") == []
        assert typed(busy, "bexsync errors show ") == []


def test_a_broken_profile_still_has_its_ids_and_looking_leaves_nothing_behind(busy: World) -> None:
    busy.profile_path.write_text("= no TOML")
    before = sorted(path.name for path in (busy.folder / "state").iterdir())
    assert sorted(typed(busy, "bexsync links show ")) == ["R-1", "R-2"]
    assert sorted(path.name for path in (busy.folder / "state").iterdir()) == before


def test_a_locked_state_is_read_or_left_and_never_waited_for(busy: World) -> None:
    state = sqlite3.connect(database(busy), isolation_level=None)
    state.execute("BEGIN EXCLUSIVE")
    state.execute("UPDATE links SET notes = 'x'")
    began = time.monotonic()
    assert sorted(typed(busy, "bexsync links show ")) == ["R-1", "R-2"]
    assert time.monotonic() - began < 5
    state.close()


def test_nothing_heavy_is_loaded_at_the_press_of_a_key(busy: World) -> None:
    asked = {"_BEXSYNC_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": "bexsync links show "}
    environment = busy.environment | asked | {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment |= {"BEXSYNC_PROFILE": str(busy.profile_path), "PYTHONPROFILEIMPORTTIME": "1"}
    run = subprocess.run([BEXSYNC], env=environment, capture_output=True, text=True, check=False)
    assert "R-1" in run.stdout
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "sqlite3" in loaded
    heavy = {"httpx", "pydantic", "pydantic_settings", "keyring", "cryptography", "jinja2"}
    assert sorted(loaded & heavy) == []


@pytest.mark.skipif(not os.access("/bin/bash", os.X_OK), reason="needs bash")
def test_bash_itself_completes_with_the_script(busy: World) -> None:
    driver = f"""
        cd {busy.folder}
        source {BASH_SCRIPT}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        function=$(complete -p bexsync | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$function" {BEXSYNC}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """

    def offered(*words: str) -> list[str]:
        run = subprocess.run(
            ["bash", "--norc", "-c", driver, "bash", "bexsync", *words],
            env=busy.environment | {"BEXSYNC_PROFILE": str(busy.profile_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stderr == ""
        return sorted(run.stdout.split())

    assert offered("inv") == ["invoices"]
    assert offered("links", "show", "R") == ["R-1", "R-2", "RE-00001", "RE-00002", "RE-00003"]
    assert offered("-p", "def") == ["default.toml"]
    assert not list(busy.folder.glob("HACKED"))
