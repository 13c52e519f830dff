"""Checks of the settings that amounts depend on: currency, revenue account, VAT, tax and the VAT map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches

from bexsync.errors import RecordProblem
from bexsync.money import plain, written
from bexsync.planning.checks import Check, Surroundings, attention, ok, wrong
from bexsync.planning.lookups import revenue_account
from bexsync.planning.permissions import READ_SETTINGS
from bexsync.planning.rounding_line import rounding_account, rounding_tax
from bexsync.planning.taxes import TaxChooser
from bexsync.ports.master_data import Account
from bexsync.records import Line
from bexsync.vat import Tax, taxes_called

_NEAREST = 3
_ENDS_SOON = timedelta(days=60)
_NO_ACCOUNT = Account(0, "", "", None, active=True, is_income=True)


def money_checks(around: Surroundings) -> Iterator[Check]:
    """Every one of them."""
    for check in (_currency, _account, _vat, _rounding, _vat_map):
        yield from check(around)


def _currency(around: Surroundings) -> Iterator[Check]:
    code = around.profile.ledger.currency
    unread = around.unread("currency", code, "currencies", READ_SETTINGS)
    found = next((c for c in around.master.currencies if c.code == code), None)
    if unread is not None:
        yield unread
    elif found is None:
        known = ", ".join(c.code for c in around.master.currencies) or "none"
        yield wrong(
            "currency",
            code,
            f"{around.master.ledger} has no currency {code}.",
            f"It has {known}: correct [ledger] currency, or add {code} in {around.master.ledger}.",
        )
    else:
        yield ok("currency", f"{code}, totals rounded to {written(found.round_to)}")


def _account(around: Surroundings) -> Iterator[Check]:
    number, master = around.profile.ledger.revenue_account, around.master
    unread = around.unread("revenue account", number, "accounts", READ_SETTINGS)
    found = revenue_account(around.profile, master)
    if unread is not None:
        yield unread
    elif found is not None:
        yield ok("revenue account", f"{found.number} {found.name}")
    else:
        same = next((a for a in master.accounts if a.number == number), None)
        yield wrong(
            "revenue account",
            f"{number} {same.name}" if same else number,
            f"{around.master.ledger} has no account {number}."
            if same is None
            else f"The account {number} {_why_unusable(same)}.",
            _nearest_accounts(number, master.accounts, master.ledger),
        )


def _why_unusable(account: Account) -> str:
    return "is not active" if account.is_income else "is no income account"


def _nearest_accounts(number: str, accounts: Iterable[Account], ledger: str) -> str:
    usable = {a.number: a for a in accounts if a.active and a.is_income}
    if not usable:
        return f"{ledger} has no active income account; open one there."
    if number.isdigit():
        nearest = sorted(usable, key=lambda n: (abs(int(n) - int(number)) if n.isdigit() else 10**9, n))[:_NEAREST]
    else:
        nearest = get_close_matches(number, usable, _NEAREST, 0.0)
    shown = ", ".join(f"{n} {usable[n].name}" for n in sorted(nearest))
    return f"The nearest income accounts are {shown}: correct [ledger] revenue_account."


def _vat(around: Surroundings) -> Iterator[Check]:
    code = around.profile.ledger.tax_code
    for part in ("years", "taxes"):
        unread = around.unread("VAT" if part == "years" else "tax", code, part, READ_SETTINGS)
        if unread is not None:
            yield unread
            return
    chooser = TaxChooser(around.master, around.vat_map, code, None, around.today)
    try:
        subject = chooser.subject_to_vat
    except RecordProblem as problem:
        yield wrong("VAT", str(around.today.year), problem.message, problem.hint)
        return
    if not subject:
        yield ok("VAT", "none", f"The company is not subject to VAT in {around.today.year}.")
        yield (
            attention("tax", code, "It is not used: the company is not subject to VAT.", "Take [ledger] tax_code away.")
            if code
            else ok("tax", "none")
        )
        return
    yield ok("VAT", "applies", f"The company is subject to VAT in {around.today.year}.")
    yield _tax(around, chooser)


def _tax(around: Surroundings, chooser: TaxChooser) -> Check:
    code = around.profile.ledger.tax_code
    account = revenue_account(around.profile, around.master) or _NO_ACCOUNT
    try:
        tax = chooser.choose(Line(unit_price=Decimal(1)), account, "[ledger] tax_code")
    except RecordProblem as problem:
        return wrong("tax", code, problem.message, problem.hint)
    if tax is None:
        return ok("tax", "none")
    origin = (
        "Named by the profile"
        if code
        else f"tax_code is empty: the tax of account {account.number}"
        if account.tax_id == tax.id
        else f"tax_code is empty: {around.master.ledger}'s default sales tax"
    )
    value = f"{tax.code}, {plain(tax.rate)} %"
    if tax.valid_to is not None and tax.valid_to - around.today < _ENDS_SOON:
        return attention("tax", value, f"{origin}; it ends on {tax.valid_to}.", "Find out which tax comes after it.")
    return ok("tax", value, ", ".join(part for part in (origin, _validity(tax)) if part) + ".")


def _rounding(around: Surroundings) -> Iterator[Check]:
    settings = around.profile.invoices
    if not settings.rounding_account:
        return
    unread = around.unread("rounding account", settings.rounding_account, "accounts", READ_SETTINGS)
    if unread is not None:
        yield unread
        return
    chooser = TaxChooser(around.master, around.vat_map, around.profile.ledger.tax_code, None, around.today)
    try:
        account = rounding_account(around.master, settings.rounding_account)
        tax = rounding_tax(chooser, settings.rounding_tax) if chooser.subject_to_vat else None
    except RecordProblem as problem:
        yield wrong("rounding account", settings.rounding_account, problem.message, problem.hint)
        return
    yield ok("rounding account", f"{account.number} {account.name}", f"With {tax.code}." if tax else "")


def _validity(tax: Tax) -> str:
    since = f"since {tax.valid_from}" if tax.valid_from else ""
    until = f"until {tax.valid_to}" if tax.valid_to else ""
    return f"valid {' and '.join(part for part in (since, until) if part)}" if since or until else ""


def _vat_map(around: Surroundings) -> Iterator[Check]:
    rows = around.vat_map.rows
    if not rows or "taxes" in around.inspection.problems:
        return
    usable = {tax.code for tax in around.master.taxes if tax.active and tax.is_for_sales}
    named = {row.code: taxes_called(around.master.taxes, row.code) for row in rows}
    odd = sorted(code for code, taxes in named.items() if usable.isdisjoint(tax.code for tax in taxes))
    value = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    if odd:
        yield wrong(
            "VAT map",
            value,
            f"No active sales taxes in {around.master.ledger}: {', '.join(odd)}.",
            f"Active are {', '.join(sorted(usable)) or 'none'}: correct it with `bexsync vat map`, "
            f"or activate them in {around.master.ledger}.",
        )
    else:
        yield ok("VAT map", value)
