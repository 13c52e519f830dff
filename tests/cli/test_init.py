"""`init`: from nothing to a profile that works, by options alone and in a conversation on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dates
from bexio_sandbox import Sandbox
from bexsync.admin.first_profile import Offer, chosen, likeliest_account, offered_accounts, profile_of, profile_text
from bexsync.cli.prompts import init_questions
from bexsync.config.loading import load_profile
from bexsync.config.profile import Profile, profile_model
from bexsync.errors import BexsyncError, MappingProblem
from bexsync.files import write_new_privately
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio import DESCRIPTION
from bexsync.ports.master_data import Account
from bexsync.ports.shop_package import Question
from front_door import started
from world import BEXSYNC, an_invoice

sys.path.append(str(Path(__file__).parents[1] / "auth"))
from login_kit import CLIENT_ID, CLIENT_SECRET, VISITOR, free_port, went_to

TOKEN = "canary-token-of-init-7d1e"
REDIRECT = f"http://127.0.0.1:{free_port()}/callback"


@dataclass
class Newcomer:
    """Somebody with a home, a sandbox, and nothing else."""

    home: Path
    sandbox: Sandbox
    url: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def profile(self) -> Path:
        return self.home / ".config" / "bexsync" / "profiles" / "default.toml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TERM": "xterm",
            **dates.for_processes(datetime.now(UTC)),
            **self.variables,
        }

    @property
    def folder(self) -> Path:
        return self.home

    @property
    def profile_path(self) -> Path:
        return self.profile

    def run(self, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return started(self, *arguments, stdin=stdin, **more)

    def init(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """With a token in the environment, against the sandbox."""
        return self.run("init", "--yes", "--api-url", self.url, *arguments, BEXSYNC_ACCESS_TOKEN=TOKEN, **more)

    @property
    def loaded(self) -> Profile:
        return load_profile(self.profile)

    @property
    def has_written_nothing(self) -> bool:
        return not list(self.home.glob("**/*.toml")) and not (self.home / "bexsync-shop").exists()


@pytest.fixture(autouse=True)
def _date_of_all_tests() -> Iterator[None]:
    with dates.at(dates.NOW):
        yield


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox(rate_limits=False, token=TOKEN)
    sandbox.register_app(CLIENT_ID, CLIENT_SECRET, [REDIRECT])
    with sandbox.serve() as url:
        yield sandbox, url
    sandbox.close()


@pytest.fixture
def newcomer(tmp_path: Path, served: tuple[Sandbox, str], monkeypatch: pytest.MonkeyPatch) -> Newcomer:
    for name in [name for name in os.environ if name.startswith("BEXSYNC_")]:
        monkeypatch.delenv(name)
    return Newcomer(tmp_path, *served)


@dataclass
class Terminal:
    """A person in front of `bexsync`: waits for words, types lines."""

    process: subprocess.Popen[bytes]
    screen: int
    seen: str = ""

    @classmethod
    @contextmanager
    def of(cls, newcomer: Newcomer, *arguments: str, **more: str) -> Iterator[Terminal]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [BEXSYNC, *arguments],
            env=newcomer.environment | more,
            cwd=newcomer.home,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Whoever runs the tests in the background hands down that Ctrl-C means nothing.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(theirs)
        try:
            yield cls(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    def until(self, words: str) -> str:
        """What was said up to these words; they are gone then."""
        end = time.monotonic() + 20
        while words not in self.seen:
            assert self._read(end), f"{words!r} never came; there was:\n{self.seen}"
        said, _, self.seen = self.seen.partition(words)
        return said

    def answers(self, *pairs: tuple[str, str]) -> None:
        """Waits for each prompt, then answers it."""
        for prompt, line in pairs:
            self.until(prompt)
            os.write(self.screen, f"{line}\n".encode())

    def interrupts(self) -> None:
        """Ctrl-C, again where it came in the instant before Python began to wait for a key."""
        for _ in range(20):
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(1)
                return
            except subprocess.TimeoutExpired:
                continue

    def ends(self) -> tuple[int, str]:
        """The exit code, and what was said last."""
        end = time.monotonic() + 20
        while self._read(end):
            pass
        return self.process.wait(timeout=10), self.seen

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self.screen], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            chunk = os.read(self.screen, 65_536)
        except OSError:  # how a terminal says that nobody is there any more
            return False
        self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode()).replace("\r\n", "\n")
        return bool(chunk)


FolderProfile = profile_model("folder")


def test_one_command_from_nothing_to_a_working_profile(newcomer: Newcomer) -> None:
    done = newcomer.init("--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    data = said["data"]
    assert (said["command"], said["exit_code"], said["errors"]) == ("init", 0, [])
    assert (data["profile"], data["path"], data["written"]) == ("default", str(newcomer.profile), True)
    assert data["company"] == "Bergladen GmbH"
    assert {check["status"] for check in data["test"]["checks"]} == {"ok"}
    assert data["test"]["trial"]["tried"] is True
    assert data["dry_run"] == {}, "nothing waits in in/"
    assert any("invoices push" in line for line in data["cron"])
    assert TOKEN not in done.stdout + newcomer.profile.read_text()
    assert newcomer.profile.stat().st_mode & 0o777 == 0o600
    assert (newcomer.home / "bexsync-shop" / "in").is_dir()
    loaded = newcomer.loaded
    assert (loaded.ledger.revenue_account, loaded.ledger.tax_code, loaded.ledger.currency) == ("3200", "", "CHF")
    assert (loaded.ledger.web_url, loaded.ledger.issuer) == (f"{newcomer.url}/sandbox", f"{newcomer.url}/realms/bexio")
    assert (loaded.invoices.finish, loaded.invoices.start_date) == ("draft", dates.NOW.date())
    assert newcomer.run("config", "check").returncode == 0

    before = newcomer.profile.read_bytes()
    again = newcomer.init("--site", "other")
    assert again.returncode == 78
    assert f"There is a profile {newcomer.profile} already; it stays as it is." in again.stderr
    assert newcomer.profile.read_bytes() == before


def test_a_token_from_input_every_option_and_a_first_rehearsal(newcomer: Newcomer) -> None:
    inbox = newcomer.home / "sub" / "shop" / "in"
    inbox.mkdir(parents=True)
    invoice = {"schema": "bexsync/1", "kind": "invoice", **an_invoice(invoice_date=f"{dates.NOW:%Y-%m-%d}")}
    (inbox / "first.json").write_text(json.dumps(invoice))
    os.utime(inbox / "first.json", (1, 1))
    options = {
        "--revenue-account": "3400", "--tax-code": "UR26", "--currency": "eur", "--site": "club", "--finish": "send",
        "--user": "Luca.Ferrari@bergladen.example", "--bank-account": "CH56 0483 5012 3456 7800 9",
        "--start-date": "1.11.2026", "--due-days": "20", "--language": "fr", "--max-documents": "5",
        "--max-mails": "4", "--send-to": "customer", "--shop": "sub/shop", "--token-store": "file",
    }  # fmt: skip
    flat = [part for pair in options.items() for part in pair]
    done = newcomer.run(
        *("--profile", "sub/club.toml", "init", "--yes", "--json", "--token-stdin"),
        *("--api-url", f"{newcomer.url}/", *flat), stdin=f"{TOKEN}\n",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    data = json.loads(done.stdout)["data"]
    assert data["dry_run"]["counts"] == {"planned": 1}
    assert newcomer.sandbox.invoices() == []
    assert any(str(newcomer.home / "sub" / "club.toml") in line for line in data["cron"])
    profile = load_profile(newcomer.home / "sub" / "club.toml")
    ledger = profile.ledger
    assert (ledger.revenue_account, ledger.tax_code, ledger.currency, ledger.language) == ("3400", "UR26", "EUR", "fr")
    assert (ledger.user, ledger.bank_account) == ("luca.ferrari@bergladen.example", "CH5604835012345678009")
    assert (ledger.token_store, profile.shop.site, profile.shop.path) == ("file", "club", "./shop")
    assert (profile.invoices.finish, profile.invoices.send_to) == ("send", "customer")
    assert (profile.invoices.start_date, profile.invoices.due_days) == (date(2026, 11, 1), 20)
    assert (profile.limits.documents, profile.limits.mails) == (5, 4)
    # The login belongs to the file that was written: it needs no token any more.
    assert newcomer.run("--profile", "sub/club.toml", "auth", "status").returncode == 0


def test_a_login_in_the_browser(newcomer: Newcomer) -> None:
    arguments = (
        *("init", "--yes", "--json", "--skip-test", "--api-url", newcomer.url),
        *("--client-id", CLIENT_ID, "--token-store", "file"),
    )
    variables = {"BEXSYNC_CLIENT_SECRET": CLIENT_SECRET, "BEXSYNC_LEDGER__REDIRECT_URI": REDIRECT}
    without = newcomer.run(*arguments, **variables, PATH="/nowhere")
    assert without.returncode == 78
    assert json.loads(without.stdout)["errors"][0]["code"] == "browser"
    assert newcomer.has_written_nothing
    done = newcomer.run(*arguments, **variables, BROWSER=f"{sys.executable} {VISITOR} %s")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["test"] == {}
    assert newcomer.loaded.ledger.redirect_uri == REDIRECT, "what a variable says is written down"
    assert CLIENT_SECRET not in done.stdout + done.stderr + newcomer.profile.read_text()


@pytest.mark.slow
def test_an_app_of_one_s_own_without_a_browser(newcomer: Newcomer) -> None:
    variables = {"PATH": "/nowhere", "BEXSYNC_LEDGER__REDIRECT_URI": REDIRECT, "COLUMNS": "200"}
    with Terminal.of(newcomer, "init", "--api-url", newcomer.url, "--skip-test", **variables) as person:
        person.answers(("Name of the profile", ""), ("Log in with [token]", "app"))
        person.until("There is no browser on this computer")
        person.answers(("Keep it in [encrypted-file]", ""), ("Client id: ", CLIENT_ID))
        person.answers(("Client secret (hidden): ", CLIENT_SECRET))
        address = next(word for word in person.until("Address: ").split() if word.startswith(newcomer.url))
        os.write(person.screen, f"{went_to(address)}\n".encode())
        person.until("It renews itself.")
        person.answers(*((prompt, "") for prompt in ("Account", "Tax", "Currency", "User")))
        # The login was not asked for the right to see bank accounts, so there is nothing to choose.
        assert "Bank account" not in person.until("Shop [main]")
    assert newcomer.has_written_nothing


def test_a_conversation_with_wrong_answers(newcomer: Newcomer) -> None:
    with Terminal.of(newcomer, "init") as person:
        person.answers(
            ("Name of the profile [default]", "a b"), ("is no name for a profile", ""),
            ("For bexio itself? [Y/n]", "what"), ("Say y for yes", "n"),
            ("Its address [", "localhost"), ("is no web address", newcomer.url),
            ("Log in with [token]", TOKEN),
            ("  That is none of token, app. Take one of these; the token or the app", "1"),
            ("Keep it in [encrypted-file]", "file"),
            ("Personal access token: ", "no-such-token"), ("does not accept the token", ""),
            ("Personal access token: ", TOKEN),
            ("Account [3200]", "3100"), ("It has 3000 (Produktionserlöse)", "3400"),
            ("Tax [1]", "UN8"), ('no sales tax "UN8"', "un81"),
            ("Currency [CHF]", "FRA"), ("It has CHF, EUR, GBP, USD.", ""),
            ("User [1]", "2"), ("Bank account [1]", "-"),
            ("Shop [main]", "Main Shop"), ("small letters", "laden"),
            ("Folder [~/bexsync-shop]", "/dev/null/shop"), ("no folder", "~/my shop"),
            ("Invoices dated from [", "yesterday"), ("is no date", "2026-10-01"),
            ("How far [draft]", "sned"), ("sned is none of draft, issue, send", "3"),
            ("Mails to [me]", ""),
            ("Days to pay", "thirty"), ("no whole number", "30"),
            ("Language", "es"), ("es is none of de, fr, it, en", "it"),
            ("New invoices in one run [200]", "\x1b[D"), ("do not print", "50"),
            ("Mails in one run [200]", "40"),
        )  # fmt: skip
        shown = person.until("Write it to")
        assert newcomer.has_written_nothing
        os.write(person.screen, b"\n")
        person.answers(
            ("uses up one invoice number, are created in Bergladen GmbH, then archived and deleted. [Y/n]", "y")
        )
        code, said = person.ends()
    assert code == 0, said
    assert "The login is a personal access token: it expires within months" in " ".join(said.split())
    assert "Learned of this bexio" not in said
    assert "all is well" in said
    assert f"drop an invoice into {newcomer.home}/my shop/in" in said
    assert "{" not in said.partition("Next, drop")[2]
    assert "crontab -e" in said
    assert TOKEN not in shown + said
    shown_text = shown[shown.index("# Made by") :].strip()
    assert newcomer.profile.read_text().strip() == shown_text
    expected = {
        "ledger": {
            "language": "it", "currency": "CHF", "revenue_account": "3400", "tax_code": "UN81", "token_store": "file",
            "user": "luca.ferrari@bergladen.example", "api_url": newcomer.url, "web_url": f"{newcomer.url}/sandbox",
            "issuer": f"{newcomer.url}/realms/bexio",
        },
        "shop": {"path": "~/my shop", "site": "laden"},
        "invoices": {"finish": "send", "start_date": date(2026, 10, 1), "due_days": 30, "send_to": "me"},
        "limits": {"documents": 50, "mails": 40},
    }  # fmt: skip
    assert tomllib.loads(shown_text) == expected
    assert newcomer.loaded == FolderProfile.model_validate(expected)


@pytest.mark.long
def test_ctrl_c_writes_nothing_and_the_next_time_the_login_is_there(newcomer: Newcomer) -> None:
    with Terminal.of(newcomer, "init", "--api-url", newcomer.url, "--token-store", "file") as person:
        person.answers(("Name of the profile", ""), ("Log in with", "1"), ("Personal access token: ", TOKEN))
        person.until("Account [3200]")
        person.interrupts()
        code, said = person.ends()
    assert code == 75
    assert "no profile was written" in said
    assert "The login to Bergladen GmbH is kept for the next `bexsync init`." in said
    assert newcomer.has_written_nothing

    with Terminal.of(newcomer, "--profile", "default", "init", "--api-url", newcomer.url) as again:
        again.answers(("You are logged in to Bergladen GmbH as Regula Brunner already. Go on with that? [Y/n]", "y"))
        again.answers(
            *((prompt, "") for prompt in ("Account", "Tax", "Currency", "User", "Bank account", "Shop [main]"))
        )
        again.until("Folder")
        # Meanwhile somebody else writes one of that name.
        newcomer.profile.parent.mkdir(parents=True)
        newcomer.profile.write_text("# of somebody else\n")
        os.write(again.screen, b"\n")
        again.answers(
            *((prompt, "") for prompt in ("dated from", "How far", "Days", "Language", "in one run", "Write it"))
        )
        code, said = again.ends()
    assert code == 78, said
    assert "Meanwhile somebody has written" in said
    assert newcomer.profile.read_text() == "# of somebody else\n"


def test_no_at_the_end_writes_nothing_and_a_second_profile_gets_a_name(newcomer: Newcomer) -> None:
    newcomer.profile.parent.mkdir(parents=True)
    newcomer.profile.write_text("")
    with Terminal.of(newcomer, "init", "--api-url", newcomer.url, BEXSYNC_ACCESS_TOKEN=TOKEN) as person:
        prompts = ("Account", "Tax", "Currency", "User", "Bank account", "Shop [shop]", "Folder [~/bexsync-shop-shop]",
                   "dated from", "How far", "Days", "Language", "in one run")  # fmt: skip
        person.answers(("Name of the profile [shop]", "default"), ("it stays as it is", ""))
        person.answers(*((prompt, "") for prompt in prompts), ("Write it to", "n"))
        code, said = person.ends()
    assert code == 2
    assert said.strip().endswith("No profile was written.")
    assert [path.name for path in newcomer.profile.parent.iterdir()] == ["default.toml"]


def test_a_company_without_vat(newcomer: Newcomer) -> None:
    sandbox = Sandbox(rate_limits=False, token=TOKEN, company="no-vat")
    with sandbox.serve() as url:
        newcomer.url = url
        done = newcomer.init("--json")
        second = newcomer.init("--tax-code", "UN81", "--skip-test", "--profile", "second.toml")
    sandbox.close()
    assert done.returncode == 0, done.stdout
    assert newcomer.loaded.ledger.tax_code == ""
    assert second.returncode == 78
    assert "Bergladen GmbH is not subject to VAT" in second.stderr
    assert not (newcomer.home / "second.toml").exists()


def test_a_test_that_fails_leaves_the_profile_and_says_what_to_do(newcomer: Newcomer) -> None:
    newcomer.sandbox.person.set_right(1, "kb_invoice", edit="none")
    try:
        done = newcomer.init()
    finally:
        newcomer.sandbox.person.set_right(1, "kb_invoice", edit="all")
    assert done.returncode == 78
    assert "has no right in bexio to create and delete invoices" in done.stderr
    assert f"Mend what the test named, in {newcomer.profile} or in bexio" in done.stderr
    assert "crontab" not in done.stdout
    assert newcomer.loaded.shop.site == "main"


REFUSED = {
    "account": (["--revenue-account", "3201"], 78, 'no income account "3201" to choose. It has 3000'),
    "date": (["--start-date", "someday"], 2, "--start-date: someday is no date."),
    "no folder": (["--shop", "/dev/null/shop"], 78, "--shop: "),
    "no place": (["--profile", "/dev/null/x.toml"], 78, "Name another place"),
    "nobody there": (["--api-url", "http://127.0.0.1:9"], 75, "127.0.0.1"),
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if case in ("account", "no place") else pytest.mark.slow) for case in REFUSED],
)
def test_what_is_wrong_is_refused_and_nothing_is_written(newcomer: Newcomer, case: str) -> None:
    arguments, code, sentence = REFUSED[case]
    refused = newcomer.init(*arguments)
    assert refused.returncode == code, refused.stderr
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr
    assert newcomer.has_written_nothing


def test_nobody_to_ask(newcomer: Newcomer) -> None:
    silent = newcomer.run("init", BEXSYNC_ACCESS_TOKEN=TOKEN)
    assert silent.returncode == 2
    assert "Add --yes" in silent.stderr
    nobody = newcomer.run("init", "--yes", "--api-url", newcomer.url)
    assert nobody.returncode == 77
    assert "--token-stdin" in nobody.stderr


@pytest.mark.slow
@pytest.mark.parametrize("used", [False, True])
def test_a_profile_that_never_ran_belongs_to_nobody_yet(newcomer: Newcomer, used: bool) -> None:
    """A login to the wrong company can be made good, until the profile has booked something."""
    assert newcomer.init("--site", "main", *(() if used else ("--skip-test",))).returncode == 0
    newcomer.profile.unlink()
    state = newcomer.home / ".local" / "state" / "bexsync"
    book = json.loads((state / "companies.json").read_text())
    (company,) = book["companies"]
    other = {**company, "id": "another", "name": "Another AG", "anchor": "of-another", "tokens": []}
    book = {"companies": [other], "profiles": {str(newcomer.profile): "another"}}
    (state / "companies.json").write_text(json.dumps(book))
    for file in state.glob("bexio-*"):
        file.rename(state / file.name.replace(company["id"], "another"))
    again = newcomer.init("--skip-test")
    assert again.returncode == (78 if used else 0), again.stderr
    assert ('this profile belongs to "Another AG"' in again.stderr) is used


@pytest.mark.slow
def test_two_profiles_do_not_share_a_shop(newcomer: Newcomer) -> None:
    assert newcomer.init().returncode == 0
    second = newcomer.init("--profile", "second.toml", "--site", "main", "--shop", "two")
    assert second.returncode == 78
    assert f"--site: The profile {newcomer.profile} has the shop main already." in second.stderr
    newcomer.profile.rename(newcomer.home / "away")
    renamed = newcomer.init("--site", "renamed", "--skip-test")
    assert renamed.returncode == 78
    assert "The shop of this profile was main before" in renamed.stderr
    (newcomer.home / "away").rename(newcomer.profile)
    proposed = newcomer.init("--profile", "Second Shop.toml", "--skip-test")
    assert proposed.returncode == 0, proposed.stderr
    assert load_profile(newcomer.home / "Second Shop.toml").shop.site == "second-shop"


def test_a_second_shop_gets_a_folder_of_its_own(newcomer: Newcomer) -> None:
    assert newcomer.init("--skip-test").returncode == 0
    taken = newcomer.init("--profile", "second", "--shop", "~/bexsync-shop", "--skip-test")
    assert taken.returncode == 78
    shared = f"--shop: The profile {newcomer.profile} has its shop in {newcomer.home}/bexsync-shop already."
    assert shared in taken.stderr
    of_a_profile_that_is_gone = {"site": "laden", "company": ["a0"], "profile": "/gone.toml"}
    (newcomer.home / "bexsync-shop-third").mkdir()
    (newcomer.home / "bexsync-shop-third" / ".bexsync").write_text(json.dumps(of_a_profile_that_is_gone))
    marked = newcomer.init("--profile", "third", "--shop", "bexsync-shop-third", "--skip-test")
    assert marked.returncode == 78
    assert 'belongs to the shop "laden" (profile /gone.toml), not to "third"' in marked.stderr
    assert newcomer.init("--profile", "third", "--skip-test").returncode == 0
    assert load_profile(newcomer.profile.with_name("third.toml")).shop.path == "~/bexsync-shop-third-2"


# what is proposed and what is written


def accounts(*numbers: str) -> Any:
    from types import SimpleNamespace

    found = [
        Account(LedgerId(n), str(number), f"name of {number}", None, True, True) for n, number in enumerate(numbers)
    ]
    odd = [
        Account(LedgerId(90), "1000", "Kasse", None, True, False),
        Account(LedgerId(91), "3100", "old", None, False, True),
    ]
    return SimpleNamespace(accounts=(*found, *odd), words=DESCRIPTION.words)


MANY = [Offer(str(number), f"Erlös {number}") for number in range(3000, 3900, 25)]


def test_the_likeliest_account_is_proposed_among_all_in_order() -> None:
    master = accounts("6999", "3800", "3010", "3400", "3000")
    offers = offered_accounts(master)
    assert [offer.value for offer in offers] == ["3000", "3010", "3400", "3800", "6999"]
    likeliest = [likeliest_account(master, usual) for usual in ("3010", "3200", "1000")]
    assert likeliest == ["3010", "3400", "3400"]
    assert [likeliest_account(accounts("6999", "3800", "3500"), "3200") for _ in "1"] == ["3500"]
    listed = init_questions.choice("", "Account", "account", offers, "3400", ()).words
    assert [line[:11].strip() for line in listed] == ["1  3000", "2  3010", "*  3  3400", "4  3800", "5  6999"]
    for asked in (offered_accounts, lambda master: likeliest_account(master, "3200")):
        with pytest.raises(MappingProblem, match="no active account of income"):
            asked(accounts())
    with pytest.raises(MappingProblem) as few:
        chosen("3201", offers, "account")
    assert all(offer.value in few.value.hint for offer in offers)


def test_a_proposal_far_down_the_list_is_shown() -> None:
    listed = init_questions.choice("", "Account", "account", MANY, "3875", ()).words
    assert "* 36  3875  Erlös 3875" in listed
    assert listed[-1].strip() == "and 26 more, by number or name"


@pytest.mark.parametrize(
    "question",
    [init_questions.choice("", "", "account", [Offer("3200", "x")], "3200", ()),
     init_questions.one_of("", "", {"a": "b"}, "a", ()),
     init_questions.due_days(None), init_questions.start_date(date(2026, 11, 20)),
     init_questions.site("main", lambda _: ""), init_questions.api_address(""),
     init_questions.name("default", ())],
)  # fmt: skip
def test_a_secret_pasted_into_the_wrong_place_is_not_repeated(question: Question[Any]) -> None:
    with pytest.raises(BexsyncError) as caught:
        question.check("eyJhbGciOiJSUzI1NiJ9.!canary")
    assert "canary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("said", "value"), [("3400", "3400"), ("1", "3000"), (" 34 00", "3400"), ("36", "3875"), ("³", ""), ("0", ""),
                        ("37", ""), ("3401", ""), ("", ""), ("-", ""), ("9" * 5000, ""), ("Erlös 3425", "")]
)  # fmt: skip
def test_an_offer_is_taken_by_its_name_or_its_place(said: str, value: str) -> None:
    if value:
        assert chosen(said, MANY, "account") == value
        return
    with pytest.raises(BexsyncError) as caught:
        chosen(said, MANY, "account")
    assert caught.value.hint.startswith("It has ")
    if said == "Erlös 3425":
        assert "3425 (Erlös 3425)" in caught.value.hint
    if said == "3401":
        assert caught.value.hint == "It has 3375 (Erlös 3375), 3400 (Erlös 3400), 3425 (Erlös 3425)."


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    ledger=st.fixed_dictionaries(
        {"revenue_account": texts, "tax_code": texts, "user": texts, "bank_account": texts, "ca_file": texts},
        optional={"currency": st.sampled_from(["CHF", "EUR"]), "language": st.sampled_from(["de", "it"])},
    ),
    shop=st.fixed_dictionaries(
        {"path": texts, "site": st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)},
        optional={"round_to": st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal("1")])},
    ),
    invoices=st.fixed_dictionaries(
        {"finish": st.sampled_from(["draft", "issue", "send"]), "start_date": st.none() | st.dates()},
        optional={"due_days": st.none() | st.integers(0, 3650), "send_to": st.sampled_from(["me", "customer"])},
    ),
    limits=st.fixed_dictionaries({}, optional={"documents": st.integers(0, 10**6), "mails": st.integers(0, 10**6)}),
    company=st.text(),
)
@settings(max_examples=40)
def test_what_is_written_is_what_was_chosen(
    ledger: dict[str, Any], shop: dict[str, Any], invoices: dict[str, Any], limits: dict[str, Any], company: str
) -> None:
    profile = profile_of(FolderProfile(), {"ledger": ledger, "shop": shop, "invoices": invoices, "limits": limits})
    text = profile_text(profile, company, date(2026, 11, 20)).encode().decode()
    assert FolderProfile.model_validate(tomllib.loads(text)) == profile


def test_a_new_file_replaces_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    for name in ("linked", "copied"):
        write_new_privately(tmp_path / name, b"one")
        with pytest.raises(FileExistsError):
            write_new_privately(tmp_path / name, b"two")
        assert (tmp_path / name).read_bytes() == b"one"
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied", "linked"]
