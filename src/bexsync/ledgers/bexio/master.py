"""bexio's master data, read once a day, accounts in every run, and kept in the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from bexsync.errors import BexsyncError, NotPermitted, Refused
from bexsync.ledgers.bexio import DESCRIPTION
from bexsync.ledgers.bexio.api import Api, Row
from bexsync.ledgers.bexio.models import (
    AccountRow,
    BankAccountRow,
    CompanyRow,
    CountryRow,
    CurrencyRow,
    LanguageRow,
    MasterRow,
    Model,
    NamedRow,
    NumberingRow,
    TaxRow,
    TemplateRow,
    UserRow,
    YearRow,
)
from bexsync.ledgers.bexio.reading import NotUnderstood, understood
from bexsync.ports.master_data import MasterData
from bexsync.vat import told_apart

MAX_AGE = timedelta(days=1)
_JUST_NOW = timedelta(minutes=1)
# A person may renumber accounts, and then an id of yesterday is another account: they are read in every run that books.
_MAX_AGES = {"accounts": _JUST_NOW}
_EVER = "master:"
_PREFIX = f"{_EVER}3:"  # counts up when more is kept of a row than an earlier version did
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
_LISTS: Mapping[str, type[MasterRow]] = {
    "company": CompanyRow,
    "users": UserRow,
    "accounts": AccountRow,
    "taxes": TaxRow,
    "currencies": CurrencyRow,
    "languages": LanguageRow,
    "countries": CountryRow,
    "units": NamedRow,
    "salutations": NamedRow,
    "contact_groups": NamedRow,
    "years": YearRow,
    "bank_accounts": BankAccountRow,
    "templates": TemplateRow,
}
_MODELS: Mapping[str, type[Model]] = {**_LISTS, "me": UserRow, "settings": NumberingRow}
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
        names = list(self._paths)
        read = dict(zip(names, self._api.each([partial(self._part, name, now) for name in names]), strict=True))
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
        names = list(self._paths)
        for name, answer in zip(names, self._api.each([partial(self._answer, name) for name in names]), strict=True):
            if not isinstance(answer, NotPermitted | Refused):
                read[name] = answer
            elif name == "me":
                raise answer
            else:
                problems[name] = answer
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

    def _answer(self, name: str) -> Any:
        """A part, or why it may not be read."""
        try:
            return self._ask(name)
        except (NotPermitted, Refused) as problem:
            return problem

    def _ask(self, name: str) -> Any:
        path = self._paths[name]
        value = self._api.show(path) if name in _ONE_ANSWER else list(self._api.list(path))
        with understood(path):
            rows = [_MODELS[name].kept(row) for row in ([value] if name == "me" else _list(value))]
        return rows[0] if name == "me" else rows


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NotUnderstood("it is no list")
    return value


def _master(parts: Mapping[str, Any]) -> MasterData:
    read = {name: _read(name, parts.get(name, ())) for name in _LISTS}
    with understood("its users"):
        me = UserRow.read(parts["me"]).parsed()
    with understood("its number settings"):
        settings = [NumberingRow.read(row) for row in parts["settings"]]
        invoices, orders, deliveries = (_numbers(settings, name) for name in ("KbInvoice", "KbOrder", "KbDelivery"))
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
        automatic_numbering=invoices,
        words=DESCRIPTION.words,
        automatic_order_numbering=orders,
        automatic_delivery_numbering=deliveries,
    )


def _numbers(settings: Sequence[NumberingRow], document_class: str) -> bool:
    """Whether bexio numbers the documents of a class."""
    answers = (row.numbers(document_class) for row in settings)
    return next((answer for answer in answers if answer is not None), True)


def _read(name: str, rows: Sequence[Row]) -> tuple[Any, ...]:
    with understood(_WORDS.get(name, f"its {name}")):
        return tuple(_LISTS[name].read(row).parsed() for row in rows)


_WORDS = {
    "company": "its company profile",
    "years": "its business years",
    "contact_groups": "its contact groups",
    "bank_accounts": "its bank accounts",
    "templates": "its document templates",
}
