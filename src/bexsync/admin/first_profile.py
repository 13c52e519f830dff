"""A first profile: what to propose from the ledger's lists, and what was chosen as the text of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import tomli_w

from bexsync.config.profile import Profile
from bexsync.errors import MappingProblem, RecordProblem
from bexsync.money import decimal_text
from bexsync.planning.taxes import TaxChooser
from bexsync.ports.master_data import Account, MasterData
from bexsync.records import Line
from bexsync.records.quoting import printable
from bexsync.vat import Tax, TaxKind, VatMap

_NEAREST = 3
_LONGEST_REPEATED = 24
_USUAL_ACCOUNTS = ("3200", "3400", "3000")
_DEDUCTIONS_FROM = "37"  # own work, deductions and changes of stock: accounts of income that no sale is booked on
_SAID_ANYWAY = {
    "ledger": ("language", "currency", "revenue_account", "tax_code"),
    "shop": ("path", "site"),
    "invoices": ("finish", "start_date"),
    "limits": ("documents", "mails"),
}


@dataclass(frozen=True)
class Offer:
    """Something to choose: what the profile says for it, and how a person knows it."""

    value: str
    words: str


def offered_accounts(master: MasterData) -> list[Offer]:
    """The active accounts of income by their numbers; raises MappingProblem when there is none."""
    return [Offer(a.number, a.name) for a in sorted(_accounts(master), key=lambda a: a.number)]


def likeliest_account(master: MasterData, usual: str) -> str:
    """The number of the account that sales are most likely booked on; raises MappingProblem when there is none."""
    likeliest = (usual, *_USUAL_ACCOUNTS)

    def rank(account: Account) -> tuple[int, bool, str]:
        number = account.number
        return likeliest.index(number) if number in likeliest else 9, not "30" <= number < _DEDUCTIONS_FROM, number

    return min(_accounts(master), key=rank).number


def _accounts(master: MasterData) -> list[Account]:
    accounts = [a for a in master.accounts if a.active and a.is_income]
    if not accounts:
        raise MappingProblem(
            f"{master.words.name} has no active account of income.",
            f"Open one there ({master.words.accounts_place}).",
        )
    return accounts


def offered_taxes(master: MasterData, account: str, today: date) -> list[Offer]:
    """The active taxes of sales; first, as "", what the ledger takes by itself. Empty where the company has no VAT."""
    if not is_subject_to_vat(master, today):
        return []
    taxes = [t for t in master.taxes if t.active and t.is_for_sales and t.valid_on(today)]
    named = [
        Offer(t.code, _in_words(t)) for t in sorted(taxes, key=lambda t: (t.kind != TaxKind.SALES, -t.rate, t.code))
    ]
    usual = _tax_by_itself(master, account, today)
    return named if usual is None else [Offer("", usual), *named]


def is_subject_to_vat(master: MasterData, today: date) -> bool:
    """Whether the company charges VAT now; a company without a business year is taken for one that does."""
    try:
        return TaxChooser(master, VatMap(), "", None, today).subject_to_vat
    except RecordProblem:
        return True


def _tax_by_itself(master: MasterData, account: str, today: date) -> str | None:
    found = next((a for a in master.accounts if a.number == account), None)
    if found is None:
        return None
    try:
        tax = TaxChooser(master, VatMap(), "", None, today).choose(Line(unit_price=Decimal(1)), found, "")
    except RecordProblem:
        return None
    if tax is None:
        return None
    origin = f"the tax of account {account}" if found.tax_id == tax.id else f"{master.words.name}'s default for sales"
    return f"{origin}, now {tax.code} ({decimal_text(tax.rate)} %)"


def _in_words(tax: Tax) -> str:
    name = tax.name.removeprefix(tax.code).strip(" -")
    return name if "%" in name else f"{decimal_text(tax.rate)} %, {name}"


def offered_currencies(master: MasterData, usual: str) -> list[Offer]:
    """The currencies, the usual one first."""
    codes = [c.code for c in master.currencies]
    return [Offer(code, "") for code in sorted(codes, key=lambda code: code != usual)]


def offered_users(master: MasterData) -> list[Offer]:
    """The users with a mail address; first, as "", the token's own."""
    others = [Offer(u.mail, u.name) for u in master.users if u.mail and u.id != master.me.id]
    return [Offer("", f"{master.me.mail or master.me.name}, whose token it is"), *others]


def offered_bank_accounts(master: MasterData) -> list[Offer]:
    """The bank accounts; first, as "", the ledger's default."""
    return [Offer("", f"{master.words.name}'s default"), *(Offer(b.iban, "") for b in master.bank_accounts if b.iban)]


def chosen(said: str, offers: Sequence[Offer], noun: str, ledger: str = "The company") -> str:
    """The value of what was said, or of its place in the list; raises MappingProblem with the nearest matches."""
    wanted = _compact(said)
    for offer in offers:
        if wanted and wanted == _compact(offer.value):
            return offer.value
    if said in ("", "-") and any(offer.value == "" for offer in offers):
        return ""
    places = [str(place) for place in range(1, len(offers) + 1)]
    if said in places:
        return offers[places.index(said)].value
    raise MappingProblem(f"{ledger} has no {noun} {_quoted(said)} to choose.", _nearest(said, offers))


def repeated(said: str) -> str:
    """What a person typed, to be named in a sentence; what is long may be a secret pasted into the wrong place."""
    return printable(said) if len(said) <= _LONGEST_REPEATED else "That"


def _quoted(said: str) -> str:
    return f'"{printable(said)}"' if len(said) <= _LONGEST_REPEATED else "of that name"


def _compact(text: str) -> str:
    """As two people write the same number or name."""
    return "".join(text.split()).casefold()


def _nearest(said: str, offers: Iterable[Offer]) -> str:
    named = {offer.value: offer.words for offer in offers if offer.value}
    if not named:
        return "There is nothing to choose from; leave it out."
    if len(named) <= 2 * _NEAREST:
        nearest = list(named)
    elif re.fullmatch(r"[0-9]{1,9}", said) and all(value.isdecimal() for value in named):
        nearest = sorted(named, key=lambda value: (abs(int(value) - int(said)), value))[:_NEAREST]
    else:
        by_text = {text.casefold(): value for value, words in named.items() for text in (words, value) if text}
        nearest = list(dict.fromkeys(by_text[text] for text in get_close_matches(said.casefold(), by_text, 6, 0.0)))
        nearest = nearest[:_NEAREST]
    return f"It has {', '.join(f'{value} ({named[value]})' if named[value] else value for value in sorted(nearest))}."


def profile_of(base: Profile, answers: Mapping[str, Mapping[str, Any]]) -> Profile:
    """The profile with these answers in it, section by section."""
    values = base.model_dump()
    for section, keys in answers.items():
        values[section] = {**values[section], **keys}
    return type(base).model_validate(values)


def profile_text(profile: Profile, company: str, today: date) -> str:
    """The file: what a person has chosen, and whatever else is not as usual."""
    values, usual = profile.model_dump(), type(profile)().model_dump()
    said: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(usual[name], dict):
            keys = {key: _writable(v) for key, v in value.items() if _is_said(name, key, v, usual[name])}
            said |= {name: keys} if keys else {}
        elif value != usual[name]:
            said[name] = value
    return (
        f"# Made by `bexsync init` on {today} for {printable(company) or 'a company without a name'}.\n"
        "# Every key that is not here keeps its default; `bexsync config example` explains them all.\n\n"
        f"{tomli_w.dumps(said)}"
    )


def _is_said(section: str, key: str, value: Any, usual: Mapping[str, Any]) -> bool:
    return key in _SAID_ANYWAY.get(section, ()) or key not in usual or value != usual[key]


def _writable(value: Any) -> Any:
    """TOML knows no null, so an empty text says that there is no value."""
    if isinstance(value, dict):
        return {key: _writable(inner) for key, inner in value.items()}
    return "" if value is None else value
