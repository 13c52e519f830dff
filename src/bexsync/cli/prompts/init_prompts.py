"""The conversation of `init`: from nothing to a profile that works."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from bexsync.admin.first_profile import (
    Offer,
    is_subject_to_vat,
    likeliest_account,
    offered_accounts,
    offered_bank_accounts,
    offered_currencies,
    offered_taxes,
    offered_users,
    profile_of,
    profile_text,
)
from bexsync.cli.options import LEDGER
from bexsync.cli.prompts import init_questions
from bexsync.cli.prompts.asking import Asker, tell, tell_heading
from bexsync.cli.prompts.init_login import LedgerLogin, shop_site, shops_of_other_profiles, site_before, site_owner
from bexsync.config.problems import explained
from bexsync.config.profile import Profile
from bexsync.config.sources import read_settings
from bexsync.errors import BexsyncError, ConfigurationProblem, MappingProblem, TryLater, UsageProblem
from bexsync.files import write_new_privately
from bexsync.paths import profile_path
from bexsync.ports.master_data import MasterData
from bexsync.ports.shop_package import Question
from bexsync.registry import shop_package

if TYPE_CHECKING:
    from bexsync.cli.prompts.login_prompts import LoginOptions
    from bexsync.cli.runner import Command

Answers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Written:
    """A profile that was written just now."""

    name: str
    path: Path
    profile: Profile
    company: str


def choose_name(call: Command, asker: Asker) -> Command:
    """The call with a profile that is not there yet; raises UsageProblem or ConfigurationProblem where it is."""
    if asker.asks:
        tell(f"A profile says how bexsync keeps one shop and one company in {LEDGER} in step. Enter takes what stands")
        tell("in brackets, Ctrl-C gives up. The profile is written after you have seen it; the login is kept at once.")
    if call.names_profile or not asker.asks:
        init_questions.new_profile(call.profile)
        return call
    tell()
    words: tuple[str, ...] = ()
    default = "default"
    if profile_path(default).exists():
        default = next(n for n in ("shop", *(f"shop{i}" for i in range(2, 999))) if not profile_path(n).exists())
        words = ("There is a profile `default` already; it stays as it is.",)
    name = asker.answer(init_questions.name(default, words))
    return replace(call, profile=name, output=replace(call.output, profile=name))


def hold(call: Command, asker: Asker, login_options: LoginOptions, today: date) -> Written | None:
    """The whole conversation, up to the file; None where a person does not want it."""
    conversation = _Conversation(call.profile, asker, login_options, today)
    try:
        return conversation.hold()
    except (KeyboardInterrupt, typer.Abort):
        tell()
        raise TryLater(
            "Interrupted: no profile was written.", conversation.what_is_kept(), code="interrupted"
        ) from None


class _Conversation:
    def __init__(self, name: str, asker: Asker, login_options: LoginOptions, today: date) -> None:
        self._name = name
        self._asker = asker
        self._today = today
        self._path = profile_path(name).resolve()
        self._base = self._draft = _from_environment(self._path)
        self._package = shop_package(self._base.shop.type)
        self._login = LedgerLogin(name, asker, login_options)

    def hold(self) -> Written | None:
        self._refuse_wrong_options()
        self._heading(self._base.ledger.words.name)
        self._draft = profile_of(self._base, {"ledger": self._addresses()})
        master = self._login.company_lists(self._draft)
        ledger = self._books(master)
        self._heading("The shop")
        shop = self._shop()
        self._heading("Invoices")
        invoices, language = self._invoices(master)
        limits = self._limits(invoices["finish"] == "send")
        kept = self._login.kept(self._draft)
        ledger |= {"language": language, **({"token_store": kept.store.name} if kept else {})}
        profile = profile_of(self._draft, {"ledger": ledger, "shop": shop, "invoices": invoices, "limits": limits})
        text = profile_text(profile, master.company, self._today)
        self._heading(f"The profile {self._name}")
        if self._asker.asks:
            tell(f"\n{text}")
        if not self._asker.agrees(f"Write it to {self._path}?"):
            tell(" ".join(("No profile was written.", self.what_is_kept())).rstrip())
            return None
        self._write(profile, text)
        return Written(self._name, self._path, profile, master.company)

    def _heading(self, text: str) -> None:
        """The next part of the conversation."""
        if self._asker.asks:
            tell_heading(text)

    def what_is_kept(self) -> str:
        """A login outlives the conversation it was made in."""
        try:
            kept = self._login.kept(self._draft)
        except BexsyncError:
            return ""
        if kept is None:
            return ""
        key = kept.store.settings.get("key_file")
        with_key = f", and its key in {key}," if key else ""
        return f"The login to {kept.company or kept.company_id}{with_key} is kept for the next `bexsync init`."

    def _refuse_wrong_options(self) -> None:
        """Before anybody logs in: what can be told without the ledger."""
        asked: tuple[Question[Any], ...] = (
            *self._shop_questions("").values(), init_questions.start_date(self._today), self._finish(),
            self._receiver(), self._language(), init_questions.due_days(None), self._documents(), self._mails(),
            init_questions.site("", lambda _: ""), init_questions.api_address(""),
            init_questions.web_address("--web-url", ""), init_questions.web_address("--issuer", ""),
        )  # fmt: skip
        for question in asked:
            if self._asker.given(question.option) is not None:
                self._asker.option(question)
        if self._asker.given("--shop") is not None and "--shop" not in {question.option for question in asked}:
            raise UsageProblem(
                f"--shop names a folder, and the shop is of the type {self._base.shop.type}.", "Leave --shop out."
            )

    # the ledger

    def _addresses(self) -> dict[str, Any]:
        ledger = self._base.ledger
        name, usual = ledger.words.name, ledger.description.api_url
        address = ledger.api_url
        if self._asker.given("--api-url") is not None:
            address = self._asker.answer(init_questions.api_address(address))
        elif self._asker.asks and address == usual:
            tell(f"Is this for {name} itself, or to rehearse with a {name} on this computer (`bexsync sandbox`)?")
            if not self._asker.agrees(f"For {name} itself?"):
                address = self._asker.answer(init_questions.api_address(init_questions.SANDBOX))
        own = address not in (ledger.api_url, usual)
        web_url, issuer = ledger.web_url, ledger.issuer
        if own:  # a sandbox has its login page at the path of the real one
            web_url, issuer = f"{address}/sandbox", f"{address}{urlsplit(ledger.login.issuer).path}"
        iban = self._asker.given("--bank-account")
        return {
            "api_url": address,
            "web_url": self._given_or("--web-url", web_url),
            "issuer": self._given_or("--issuer", issuer),
            **({"bank_account": iban} if iban else {}),  # known at the login, which asks for the right to see it
        }

    def _given_or(self, option: str, otherwise: str) -> str:
        if self._asker.given(option) is None:
            return otherwise
        return self._asker.option(init_questions.web_address(option, ""))

    def _books(self, master: MasterData) -> dict[str, Any]:
        usual = self._base.ledger
        self._heading(f"The books of {master.company or 'the company'}")
        account = self._choose(
            "--revenue-account", "Account", "income account", offered_accounts(master),
            likeliest_account(master, usual.revenue_account),
            "The account that lines are booked on, unless they name another:",
        )  # fmt: skip
        return {
            "revenue_account": account,
            "tax_code": self._tax(master, account),
            "currency": self._currency(master),
            "user": self._choose(
                "--user", "User", "user", offered_users(master), usual.user,
                f"Documents in {usual.words.name} belong to:",
            ),
            "bank_account": self._choose(
                "--bank-account", "Bank account", "bank account", offered_bank_accounts(master),
                usual.bank_accounts.get(usual.currency, ""),
                "Customers pay into:",
            ),
        }  # fmt: skip

    def _choose(self, option: str, prompt: str, noun: str, offers: Sequence[Offer], usual: str, words: str) -> str:
        """A single offer is no choice."""
        if len(offers) == 1 and self._asker.given(option) is None:
            return offers[0].value
        return self._asker.answer(init_questions.choice(option, prompt, noun, offers, usual, (words,)))

    def _tax(self, master: MasterData, account: str) -> str:
        if not is_subject_to_vat(master, self._today):
            if self._asker.given("--tax-code"):
                raise MappingProblem(
                    f"{master.company} is not subject to VAT in {self._today.year}: no tax can be named.",
                    "Leave --tax-code out.",
                )
            if self._asker.asks:
                tell(f"{master.company} is not subject to VAT in {self._today.year}, so there is no tax to choose.")
            return ""
        offers = offered_taxes(master, account, self._today)
        if not offers:
            words = master.words
            raise MappingProblem(
                f"{words.name} has no active tax for sales.", f"Activate one in {words.name} ({words.taxes_place})."
            )
        question = "The tax of lines that name none:"
        return self._choose("--tax-code", "Tax", "sales tax", offers, self._base.ledger.tax_code, question)

    def _currency(self, master: MasterData) -> str:
        offers = offered_currencies(master, self._base.ledger.currency)
        if not offers:
            words = master.words
            raise MappingProblem(
                f"{words.name} has no currency.", f"Add one in {words.name} ({words.currencies_place})."
            )
        if len(offers) == 1 and self._asker.given("--currency") is None:
            return offers[0].value
        codes = ", ".join(offer.value for offer in offers)
        question = init_questions.choice("--currency", "Currency", "currency", offers, self._base.ledger.currency, ())
        listed = (f"The currency of invoices that name none: {codes}",)
        return self._asker.answer(replace(question, words=listed))

    # the shop

    def _shop(self) -> dict[str, Any]:
        before = site_before(self._name)
        site = self._asker.answer(init_questions.site(before or self._usual_site(), self._site_owner, before))
        answers = {key: self._asker.answer(question) for key, question in self._shop_questions(site).items()}
        return {"type": self._base.shop.type, **answers, "site": site}

    def _shop_questions(self, site: str) -> Mapping[str, Question[Any]]:
        shop = self._base.shop
        others = shops_of_other_profiles(self._name, shop.type) if site else {}
        return self._package.questions(shop, shop_site(self._name, site), self._name, others)

    def _usual_site(self) -> str:
        """The shop is called as its profile, unless that says nothing."""
        own = re.sub(r"[^a-z0-9_-]+", "-", self._path.stem.lower()).strip("-_")[:32]
        names = (self._base.shop.site, own) if own in ("", "default") else (own, self._base.shop.site)
        return next((name for name in names if name and not self._site_owner(name)), self._base.shop.site)

    def _site_owner(self, site: str) -> str:
        return site_owner(self._name, site)

    # invoices

    def _invoices(self, master: MasterData) -> tuple[dict[str, Any], str]:
        answers: dict[str, Any] = {
            "start_date": self._asker.answer(init_questions.start_date(self._base.invoices.start_date or self._today)),
            "finish": self._asker.answer(self._finish()),
        }
        if answers["finish"] == "send" or self._asker.given("--send-to") is not None:
            answers["send_to"] = self._asker.answer(self._receiver(master.me.mail))
        answers["due_days"] = self._asker.answer(init_questions.due_days(self._base.invoices.due_days))
        return answers, self._asker.answer(self._language())

    @staticmethod
    def _finish() -> Question[str]:
        words = (f"What bexsync does with an invoice in {LEDGER}:",)
        return init_questions.one_of("--finish", "How far", init_questions.FINISHES, "draft", words)

    @staticmethod
    def _receiver(mail: str = "") -> Question[str]:
        receivers = {
            "me": f"{mail or 'you'}, to rehearse; no customer hears of it",
            "customer": "whoever the invoice is for",
        }
        return init_questions.one_of("--send-to", "Mails to", receivers, "me", ("Mails go to:",))

    def _language(self) -> Question[str]:
        usual = self._base.ledger.language
        values = dict.fromkeys((*init_questions.LANGUAGES, usual), "")
        return init_questions.one_of(
            "--language", f"Language of invoices that name none: {', '.join(values)}", values, usual, ()
        )

    def _limits(self, sends: bool) -> dict[str, Any]:
        return {
            "documents": self._asker.answer(self._documents()),
            "mails": self._asker.answer(self._mails()) if sends else self._given_mails(),
        }

    def _given_mails(self) -> int:
        if self._asker.given("--max-mails") is None:
            return self._base.limits.mails
        return self._asker.option(self._mails())

    def _documents(self) -> Question[int]:
        words = ("A run that exceeds this does nothing until you confirm it.",)
        return init_questions.number(
            "--max-documents", "New invoices in one run", self._base.limits.documents, words=words
        )

    def _mails(self) -> Question[int]:
        return init_questions.number("--max-mails", "Mails in one run", self._base.limits.mails)

    # the file

    def _write(self, profile: Profile, text: str) -> None:
        self._package.prepare(profile.shop, self._path)
        try:
            write_new_privately(self._path, text.encode())
        except FileExistsError:
            raise ConfigurationProblem(
                f"Meanwhile somebody has written {self._path}; it stays as it is.", "Give another name.",
                code="profile_exists",
            ) from None  # fmt: skip
        except BexsyncError as problem:
            raise type(problem)(problem.message, "Name another place: bexsync --profile PATH.toml init") from problem


def _from_environment(path: Path) -> Profile:
    """What the variables say, which is what every question begins with; raises ProfileProblem."""
    try:
        return read_settings(path)
    except ValidationError as problem:
        raise explained(path, problem)[0].as_problem() from problem
