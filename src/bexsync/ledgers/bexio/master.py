"""bexio's master data, read once a day and kept in the state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bexsync.ledgers.bexio.api import Api, Row
from bexsync.ports import Account, BankAccount, Currency, Master, Named, User, VatYear
from bexsync.store.ledger_cache import Facts
from bexsync.vat import Tax

MAX_AGE = timedelta(days=1)
_PREFIX = "master:"
_INCOME = 1  # account_type, contract 9
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
    "company": ("name",),
    "settings": ("kb_item_class", "use_automatic_enumeration"),
}
_ONE_ANSWER = frozenset({"me", "settings", "templates"})


class MasterData:
    """Reads and caches master data; optional parts are read only when the profile names something in them."""

    def __init__(self, api: Api, facts: Facts, *, bank_accounts: bool, templates: bool) -> None:
        self._api = api
        self._facts = facts
        self._paths = {**_PATHS}
        if bank_accounts:
            self._paths["bank_accounts"] = _OPTIONAL_PATHS["bank_accounts"]
        if templates:
            self._paths["templates"] = _OPTIONAL_PATHS["templates"]

    def read(self, now: datetime) -> Master:
        """All of it, from the state where it is at most a day old."""
        return _master({name: self._part(name, now) for name in self._paths})

    def forget(self) -> None:
        """Reads everything anew next time."""
        self._facts.forget(_PREFIX)

    def _part(self, name: str, now: datetime) -> Any:
        known = self._facts.get(f"{_PREFIX}{name}", now=now, max_age=MAX_AGE)
        if known is not None:
            return known
        path = self._paths[name]
        value = self._api.show(path) if name in _ONE_ANSWER else list(self._api.list(path))
        if name in _KEPT:
            value = [{key: row.get(key) for key in _KEPT[name]} for row in value]
        self._facts.learn(f"{_PREFIX}{name}", value, now)
        return value


def _master(parts: Mapping[str, Any]) -> Master:
    me = _user(parts["me"])
    return Master(
        company=str(parts["company"][0]["name"]) if parts["company"] else "",
        me=me,
        users=tuple(_user(row) for row in parts["users"]) or (me,),
        accounts=tuple(_account(row) for row in parts["accounts"]),
        taxes=tuple(_tax(row) for row in parts["taxes"]),
        currencies=tuple(
            Currency(row["id"], row["name"], Decimal(str(row["round_factor"]))) for row in parts["currencies"]
        ),
        languages=tuple(Named(row["id"], row.get("iso_639_1") or "") for row in parts["languages"]),
        countries=tuple(Named(row["id"], row.get("iso_3166_alpha2") or "") for row in parts["countries"]),
        units=_named(parts["units"]),
        salutations=_named(parts["salutations"]),
        contact_groups=_named(parts["contact_groups"]),
        bank_accounts=tuple(BankAccount(row["id"], row.get("iban_nr") or "") for row in parts.get("bank_accounts", ())),
        templates=tuple(str(row.get("template_slug") or row.get("slug")) for row in parts.get("templates", ())),
        vat_years=tuple(_year(row) for row in parts["years"]),
        automatic_numbering=_automatic_numbering(parts["settings"]),
    )


def _named(rows: list[Row]) -> tuple[Named, ...]:
    return tuple(Named(row["id"], row["name"] or "") for row in rows)


def _user(row: Row) -> User:
    return User(row["id"], row.get("email") or "", f"{row.get('firstname') or ''} {row.get('lastname') or ''}".strip())


def _account(row: Row) -> Account:
    return Account(
        row["id"],
        str(row["account_no"]),
        row["name"],
        row.get("tax_id"),
        bool(row["is_active"]),
        row["account_type"] == _INCOME,
    )


def _tax(row: Row) -> Tax:
    return Tax(
        id=row["id"],
        code=row["code"],
        name=row.get("display_name") or row["name"],
        rate=Decimal(str(row["value"])),
        kind=row["type"],
        active=bool(row["is_active"]),
        valid_from=_month(row.get("start_year"), row.get("start_month"), last=False),
        valid_to=_month(row.get("end_year"), row.get("end_month"), last=True),
    )


def _month(year: int | None, month: int | None, *, last: bool) -> date | None:
    """Taxes begin and end with months; a year without a month means all of it."""
    if not year:
        return None
    if not last:
        return date(year, month or 1, 1)
    following = date(year + 1, 1, 1) if (month or 12) == 12 else date(year, (month or 12) + 1, 1)
    return following - timedelta(days=1)


def _year(row: Row) -> VatYear:
    return VatYear(
        date.fromisoformat(row["start"]),
        date.fromisoformat(row["end"]),
        bool(row["is_vat_subject"]),
        row.get("default_tax_income_id"),
    )


def _automatic_numbering(rows: list[Row]) -> bool:
    for row in rows:
        if row.get("kb_item_class") == "KbInvoice":
            return bool(row.get("use_automatic_enumeration"))
    return True
