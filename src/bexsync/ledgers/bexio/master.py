"""bexio's master data, read once a day, accounts in every run, and kept in the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from bexsync.errors import BexsyncError, NotPermitted, Refused
from bexsync.ledgers.bexio import DESCRIPTION
from bexsync.ledgers.bexio.api import Api, Row
from bexsync.ledgers.bexio.reading import (
    NotUnderstood,
    amount,
    day,
    flag,
    number,
    optional_number,
    optional_text,
    record_id,
    row_of,
    spare_text,
    text,
    understood,
)
from bexsync.ports.master_data import Account, BankAccount, Country, Currency, MasterData, Named, User, VatYear
from bexsync.vat import Tax, told_apart

MAX_AGE = timedelta(days=1)
_JUST_NOW = timedelta(minutes=1)
# A person may renumber accounts, and then an id of yesterday is another account: they are read in every run that books.
_MAX_AGES = {"accounts": _JUST_NOW}
_EVER = "master:"
_PREFIX = f"{_EVER}2:"  # counts up when more is kept of a row than an earlier version did
_INCOME, _EXPENSE = 1, 2  # account_type, contract 9
_PATHS = {
    "me": "/3.0/users/me",
    "users": "/3.0/users",
    "company": "/2.0/company_profile",
    "accounts": "/2.0/accounts",
    "taxes": "/3.0/taxes",
    "currencies": "/3.0/currencies",
    "languages": "/2.0/language",
    "countries": "/2.0/country",
    "units": "/2.0/unit",
    "salutations": "/2.0/salutation",
    "contact_groups": "/2.0/contact_group",
    "years": "/3.0/accounting/calendar_years",
    "settings": "/2.0/kb_item_setting",
}
_OPTIONAL_PATHS = {"bank_accounts": "/3.0/banking/accounts", "templates": "/3.0/document_templates"}
_KEPT = {
    "me": ("id", "email", "firstname", "lastname"),
    "users": ("id", "email", "firstname", "lastname"),
    "company": ("name",),
    "accounts": ("id", "account_no", "name", "tax_id", "is_active", "account_type"),
    "taxes": (
        *("id", "code", "name", "display_name", "value", "type", "is_active"),
        *("start_year", "start_month", "end_year", "end_month"),
    ),
    "currencies": ("id", "name", "round_factor"),
    "languages": ("id", "iso_639_1"),
    "countries": ("id", "iso_3166_alpha2", "name"),
    "units": ("id", "name"),
    "salutations": ("id", "name"),
    "contact_groups": ("id", "name"),
    "years": ("start", "end", "is_vat_subject", "default_tax_income_id"),
    "settings": ("kb_item_class", "use_automatic_enumeration"),
    "bank_accounts": ("id", "iban_nr", "currency_id"),
    "templates": ("template_slug", "slug"),
}
_ONE_ANSWER = frozenset({"me", "settings", "templates"})


class Memory(Protocol):
    """Where master data is kept from one run to the next."""

    def get(self, name: str, *, now: datetime | None = None, max_age: timedelta | None = None) -> Any:
        """The value, or None when it is unknown or too old."""
        ...

    def learn(self, name: str, value: Any, now: datetime) -> None:
        """Keeps a value."""
        ...

    def forget(self, prefix: str) -> None:
        """Drops every value whose name begins so."""
        ...


class NoMemory:
    """For a look at a company that has no state here yet."""

    def get(self, name: str, *, now: datetime | None = None, max_age: timedelta | None = None) -> Any:
        """Nothing is known."""
        del name, now, max_age

    def learn(self, name: str, value: Any, now: datetime) -> None:
        """Nothing is kept."""

    def forget(self, prefix: str) -> None:
        """Nothing is there to be dropped."""


class MasterReader:
    """Reads and caches master data; optional parts are read only when the profile names something in them."""

    def __init__(self, api: Api, facts: Memory, *, bank_accounts: bool, templates: bool) -> None:
        self._api = api
        self._facts = facts
        self._paths = {**_PATHS}
        if bank_accounts:
            self._paths["bank_accounts"] = _OPTIONAL_PATHS["bank_accounts"]
        if templates:
            self._paths["templates"] = _OPTIONAL_PATHS["templates"]

    def read(self, now: datetime, *, bank_accounts: bool = False) -> MasterData:
        """All of it, from the state where it is young enough; only what was understood is kept.

        Bank accounts that only a document in a foreign currency asks for are empty where the login may not see them.
        """
        read = {name: self._part(name, now) for name in self._paths}
        if bank_accounts and "bank_accounts" not in self._paths:
            read["bank_accounts"] = self._bank_accounts_if_permitted(now)
        try:
            master = _master({name: value for name, (value, _) in read.items()})
        except BexsyncError:
            self.forget()
            raise
        for name, (value, is_new) in read.items():
            if is_new:
                self._facts.learn(f"{_PREFIX}{name}", value, now)
        return master

    def _bank_accounts_if_permitted(self, now: datetime) -> tuple[Any, bool]:
        self._paths["bank_accounts"] = _OPTIONAL_PATHS["bank_accounts"]
        try:
            return self._part("bank_accounts", now)
        except NotPermitted:
            del self._paths["bank_accounts"]
            return (), False

    def read_anew(self, now: datetime) -> tuple[MasterData, dict[str, BexsyncError]]:
        """All of it, asked for now; a part that may not be read is empty, and the reason stands beside it."""
        read: dict[str, Any] = {}
        problems: dict[str, BexsyncError] = {}
        for name in self._paths:
            try:
                read[name] = self._ask(name)
            except (NotPermitted, Refused) as problem:
                if name == "me":
                    raise
                problems[name] = problem
        master = _master({**dict.fromkeys(problems, ()), **read})
        for name, value in read.items():
            self._facts.learn(f"{_PREFIX}{name}", value, now)
        return master, problems

    def is_fresh(self, now: datetime) -> bool:
        """Whether all of it was read in the last minute."""
        return all(self._facts.get(f"{_PREFIX}{name}", now=now, max_age=_JUST_NOW) is not None for name in self._paths)

    def forget(self) -> None:
        """Reads everything anew next time."""
        self._facts.forget(_EVER)

    def _part(self, name: str, now: datetime) -> tuple[Any, bool]:
        """A part, and whether it was asked for just now."""
        known = self._facts.get(f"{_PREFIX}{name}", now=now, max_age=_MAX_AGES.get(name, MAX_AGE))
        if known is not None:
            return known, False
        return self._ask(name), True

    def _ask(self, name: str) -> Any:
        path = self._paths[name]
        value = self._api.show(path) if name in _ONE_ANSWER else list(self._api.list(path))
        with understood(path):
            rows = [_only(_KEPT[name], row) for row in ([value] if name == "me" else _list(value))]
        return rows[0] if name == "me" else rows


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NotUnderstood("it is no list")
    return value


def _only(keys: Sequence[str], row: Any) -> Row:
    return {key: row_of(row)[key] for key in keys if key in row_of(row)}


def _master(parts: Mapping[str, Any]) -> MasterData:
    read = {name: _reader(name, parts.get(name, ())) for name in _READERS}
    with understood("its users"):
        me = _user(parts["me"])
    with understood("its number settings"):
        automatic = _automatic_numbering(parts["settings"])
    return MasterData(
        company=next(iter(read["company"]), ""),
        me=me,
        users=read["users"] or (me,),
        accounts=read["accounts"],
        taxes=told_apart(read["taxes"]),
        currencies=read["currencies"],
        languages=read["languages"],
        countries=read["countries"],
        units=read["units"],
        salutations=read["salutations"],
        contact_groups=read["contact_groups"],
        bank_accounts=read["bank_accounts"],
        templates=read["templates"],
        vat_years=read["years"],
        automatic_numbering=automatic,
        words=DESCRIPTION.words,
    )


def _reader(name: str, rows: Sequence[Row]) -> tuple[Any, ...]:
    with understood(_WORDS.get(name, f"its {name}")):
        return tuple(_READERS[name](row) for row in rows)


def _named(row: Row) -> Named:
    return Named(record_id(row), optional_text(row, "name"))


def _user(row: Row) -> User:
    name = f"{spare_text(row, 'firstname')} {spare_text(row, 'lastname')}".strip()
    return User(record_id(row), optional_text(row, "email"), name)


def _account(row: Row) -> Account:
    return Account(
        record_id(row),
        _account_number(row),
        optional_text(row, "name"),
        optional_number(row, "tax_id"),
        flag(row, "is_active"),
        number(row, "account_type") == _INCOME,
        number(row, "account_type") == _EXPENSE,
    )


def _account_number(row: Row) -> str:
    return str(number(row, "account_no")) if isinstance(row.get("account_no"), int) else text(row, "account_no")


def _tax(row: Row) -> Tax:
    rate = amount(row, "value")
    if not 0 <= rate <= 100:
        raise NotUnderstood(f"`value` is {rate}")
    return Tax(
        id=record_id(row),
        code=text(row, "code"),
        name=spare_text(row, "display_name") or optional_text(row, "name"),
        rate=rate,
        kind=text(row, "type"),
        active=flag(row, "is_active"),
        valid_from=_month(_validity(row, "start_year"), _validity(row, "start_month"), last=False),
        valid_to=_month(_validity(row, "end_year"), _validity(row, "end_month"), last=True),
    )


def _validity(row: Row, key: str) -> int | None:
    """A year or a month; the key must be there, since a tax without an end is valid for ever."""
    found = None if row.get(key, "missing") in (None, "") else number(row, key)
    if found is not None and found > (12 if key.endswith("month") else 9998):
        raise NotUnderstood(f"`{key}` is {found}")
    return found


def _month(year: int | None, month: int | None, *, last: bool) -> date | None:
    """Taxes begin and end with months; a year without a month means all of it."""
    if not year:
        return None
    if not last:
        return date(year, month or 1, 1)
    following = date(year + 1, 1, 1) if (month or 12) == 12 else date(year, (month or 12) + 1, 1)
    return following - timedelta(days=1)


def _currency(row: Row) -> Currency:
    step = amount(row, "round_factor")
    if not 0 < step <= 1:
        raise NotUnderstood(f"`round_factor` is {step}")
    return Currency(record_id(row), text(row, "name"), step)


def _year(row: Row) -> VatYear:
    return VatYear(
        day(row, "start"), day(row, "end"), flag(row, "is_vat_subject"), optional_number(row, "default_tax_income_id")
    )


def _automatic_numbering(rows: Sequence[Row]) -> bool:
    for row in rows:
        if text(row, "kb_item_class") == "KbInvoice":
            return flag(row, "use_automatic_enumeration")
    return True


_READERS: Mapping[str, Callable[[Row], Any]] = {
    "company": lambda row: optional_text(row, "name"),
    "users": _user,
    "accounts": _account,
    "taxes": _tax,
    "currencies": _currency,
    "languages": lambda row: Named(record_id(row), optional_text(row, "iso_639_1")),
    "countries": lambda row: Country(record_id(row), optional_text(row, "iso_3166_alpha2"), spare_text(row, "name")),
    "units": _named,
    "salutations": _named,
    "contact_groups": _named,
    "years": _year,
    "bank_accounts": lambda row: BankAccount(
        record_id(row), spare_text(row, "iban_nr"), optional_number(row, "currency_id")
    ),
    "templates": lambda row: spare_text(row, "template_slug") or text(row, "slug"),
}
_WORDS = {
    "company": "its company profile",
    "years": "its business years",
    "contact_groups": "its contact groups",
    "bank_accounts": "its bank accounts",
    "templates": "its document templates",
}
