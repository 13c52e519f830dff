"""What `bexsync schedule cron` prints and what the README says, run by a real cron daemon in its next minute."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from crontabs import every_minute, installed, is_possible
from login_kit import BEXSYNC, CLIENT_ID, ROOT, LoginWorld, a_login_world
from sessions import UNLOCK, a_lasting_bus
from sessions import is_possible as is_desktop_possible

from world import an_invoice

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_possible(), reason="needs cron, and root or a daemon that runs"),
    pytest.mark.timeout(300),
]
LONGEST_WAIT = 150.0  # two minutes of cron's, and a little for the jobs themselves


@dataclass
class Home:
    """Somebody's home with a profile, a shop and an invoice in it, and what her crontab made of it."""

    folder: Path
    url: str
    jobs: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "cron.log"

    @property
    def ended(self) -> Path:
        return self.folder / "cron.ended"

    @property
    def shop_id(self) -> str:
        return f"{self.folder.name}-1"

    def set_up(self, profile: str = "default", **ledger: Any) -> None:
        target = self.folder / ".config" / "bexsync" / "profiles" / f"{profile}.toml"
        target.parent.mkdir(parents=True)
        (self.folder / "shop" / "in").mkdir(parents=True)
        sections = {
            "ledger": {"api_url": self.url, "revenue_account": "3200"} | ledger,
            "shop": {"path": "~/shop", "site": self.folder.name},
            "invoices": {"finish": "send", "start_date": "2026-01-01"},
        }
        target.write_text(tomli_w.dumps(sections))

    def drop(self) -> None:
        """An invoice for a customer of her own, put there so long ago that nobody can be writing it any more."""
        file = self.folder / "shop" / "in" / "invoice.json"
        invoice = an_invoice(self.shop_id)
        invoice["customer"] |= {"email": f"{self.folder.name}@example.ch", "last_name": self.folder.name.title()}
        file.write_text(json.dumps({"schema": "bexsync/1", "kind": "invoice", **invoice}))
        an_hour_ago = time.time() - 3600
        os.utime(file, (an_hour_ago, an_hour_ago))

    def keep_token(self, token: str, path: Path | None = None) -> Path:
        file = path or self.folder / ".bexsync-token"
        file.touch(mode=0o600)
        file.write_text(token + "\n")
        return file

    def bexsync(self, *arguments: str, stdin: str = "", **environment: str) -> str:
        """What the program says when a person runs it here."""
        done = subprocess.run(
            [BEXSYNC, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def crontab(self, printed: str) -> list[str]:
        """These lines for the real crontab; cron takes the home from the password file, so here it is said."""
        lines = every_minute(printed.splitlines(), self.log, self.ended)
        self.jobs = [line for line in lines if line.startswith("*")]
        return [f"HOME={self.folder}", *lines]

    def exit_codes(self) -> list[int]:
        return [int(line) for line in self.ended.read_text().split()] if self.ended.exists() else []

    def said(self) -> str:
        return self.log.read_text()


@dataclass
class Minute:
    """One minute of a real cron, with a crontab of four people who share a company."""

    world: LoginWorld
    scheduled: Home
    readme: Home
    ended: Home
    keyring: Home | None

    def invoice(self, home: Home) -> dict[str, Any]:
        reference = f"bexsync:{home.folder.name}:invoice:{home.shop_id}"
        (found,) = [invoice for invoice in self.world.sandbox.invoices() if invoice["api_reference"] == reference]
        return dict(found)

    def runs(self, home: Home) -> set[str]:
        """The jobs that bexsync itself noted in its memory."""
        (database,) = home.folder.rglob("bexio-*.db")
        with closing(sqlite3.connect(database)) as memory:
            return {job for (job,) in memory.execute("SELECT job FROM runs")}


@pytest.fixture(scope="module")
def minute(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minute]:
    if "real" not in request.config.getoption("-m") and not os.environ.get("BEXSYNC_REAL"):
        pytest.skip("changes your crontab for a minute or two: run it with `make real`")
    folder = tmp_path_factory.mktemp("cron")
    with pytest.MonkeyPatch.context() as monkeypatch, ExitStack() as stack:
        world = stack.enter_context(a_login_world(folder, monkeypatch, moment=None))
        monkeypatch.undo()
        homes = [Home(folder / name, world.url) for name in ("scheduled", "ended", "keyring", "readme")]
        scheduled, ended, keyring, readme = homes
        lines = [*as_scheduled(scheduled, world), *as_ended(ended, world)]
        if is_desktop_possible():
            lines += with_keyring(keyring, world, stack)
        lines += as_the_readme_says(readme, world)  # last, for its settings hold for all lines below them
        with installed(lines):
            wait_for([home for home in homes if home.jobs])
        yield Minute(world, scheduled, readme, ended, keyring if keyring.jobs else None)


def as_scheduled(home: Home, world: LoginWorld) -> list[str]:
    home.set_up()
    home.drop()
    token = home.keep_token(world.sandbox.create_token())
    return home.crontab(home.bexsync("schedule", "cron", BEXSYNC_ACCESS_TOKEN_FILE=str(token)))


def as_ended(home: Home, world: LoginWorld) -> list[str]:
    """Somebody for whom all was well until the token ended."""
    home.set_up()
    token = world.sandbox.create_token(lifetime=timedelta(minutes=10))
    file = str(home.keep_token(token))
    home.bexsync("invoices", "push", BEXSYNC_ACCESS_TOKEN_FILE=file)
    world.sandbox.revoke_token(token)
    home.drop()
    return home.crontab(home.bexsync("schedule", "cron", BEXSYNC_ACCESS_TOKEN_FILE=file))


def with_keyring(home: Home, world: LoginWorld, stack: ExitStack) -> list[str]:
    """Somebody whose login lies in the keyring of a session that goes on."""
    home.set_up(issuer=f"{world.url}/realms/bexio", redirect_uri=world.redirect_uri)
    home.drop()
    bus = stack.enter_context(a_lasting_bus(home.folder, UNLOCK))
    surroundings = {name: world.environment[name] for name in ("BROWSER", "BEXSYNC_CLIENT_SECRET")}
    home.bexsync("auth", "login", "--client-id", CLIENT_ID, DBUS_SESSION_BUS_ADDRESS=bus, **surroundings)
    printed = home.bexsync("schedule", "cron", DBUS_SESSION_BUS_ADDRESS=bus)
    usual = f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{os.geteuid()}/bus"
    assert usual in printed
    return home.crontab(printed.replace(usual, f"DBUS_SESSION_BUS_ADDRESS={bus}"))


def as_the_readme_says(home: Home, world: LoginWorld) -> list[str]:
    """The README's own lines; only the home folder and the times are others."""
    blocks = re.findall(r"^[ \t]*```cron\n(.*?)^[ \t]*```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert blocks, "the README shows no lines for cron"
    printed = re.sub(r"/home/\w+", str(home.folder), "".join(blocks))
    profile = next(iter(re.findall(r"(?:--profile|-p)[ =](\w+)", printed)), "default")
    home.set_up(profile)
    home.drop()
    program = next(iter(re.findall(rf"{home.folder}/\S*/bexsync(?=\s)", printed)), f"{home.folder}/.local/bin/bexsync")
    Path(program).parent.mkdir(parents=True, exist_ok=True)
    Path(program).symlink_to(BEXSYNC)
    token, named = world.sandbox.create_token(), dict(re.findall(r"\b(BEXSYNC_\w+)=(\S+)", printed))
    if "BEXSYNC_ACCESS_TOKEN_FILE" in named:
        home.keep_token(token, Path(named["BEXSYNC_ACCESS_TOKEN_FILE"]))
    else:
        login = ("--profile", profile, "auth", "login", "--token-stdin", "--token-store", "file")
        home.bexsync(*login, stdin=f"{token}\n", **named)
    return home.crontab("\n".join(line.strip() for line in printed.splitlines()))


def wait_for(homes: list[Home]) -> None:
    until = time.monotonic() + LONGEST_WAIT
    while any(len(home.exit_codes()) < len(home.jobs) for home in homes):
        assert time.monotonic() < until, {home.folder.name: (home.jobs, home.exit_codes()) for home in homes}
        time.sleep(0.2)


def test_what_schedule_prints_pushes_and_polls_and_says_nothing(minute: Minute) -> None:
    home = minute.scheduled
    assert len(home.jobs) >= 2
    assert (set(home.exit_codes()), home.said()) == ({0}, ""), "cron would have mailed this"
    assert minute.invoice(home)["kb_item_status_id"] == 8
    assert minute.runs(home) >= {"invoices push", "payments poll"}


def test_the_lines_of_the_readme_push_and_poll_and_say_nothing(minute: Minute) -> None:
    home = minute.readme
    assert any(re.search("invoices push", job) for job in home.jobs)
    assert any(re.search("payments poll", job) for job in home.jobs)
    assert (set(home.exit_codes()), home.said()) == ({0}, ""), "cron would have mailed this"
    assert minute.invoice(home)["kb_item_status_id"] == 8
    assert minute.runs(home) >= {"invoices push", "payments poll"}


def test_an_ended_token_is_one_sentence_for_each_job(minute: Minute) -> None:
    home = minute.ended
    assert set(home.exit_codes()) == {77}
    lines = home.said().splitlines()
    assert len(set(lines)) == len(home.jobs), lines
    assert all(
        re.match(r"(invoices push|payments poll|test-connection|vat map): .*token.*\.", line) for line in lines
    ), lines
    token = home.keep_token(minute.world.sandbox.create_token())
    home.bexsync("invoices", "push", BEXSYNC_ACCESS_TOKEN_FILE=str(token))
    assert minute.invoice(home)["kb_item_status_id"] == 8, "the invoice has waited for a token that holds"


def test_the_keyring_of_a_session_that_goes_on_is_reached(minute: Minute) -> None:
    if minute.keyring is None:
        pytest.skip("needs gnome-keyring and dbus")
    home = minute.keyring
    assert (set(home.exit_codes()), home.said()) == ({0}, "")
    assert minute.invoice(home)["kb_item_status_id"] == 8
