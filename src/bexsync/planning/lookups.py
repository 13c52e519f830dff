"""What records and profiles name, as the ledger's own rows: accounts, units, currencies, bank accounts, languages."""

from __future__ import annotations

from collections.abc import Iterable

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.ports.master_data import Account, BankAccount, Currency, MasterData
from bexsync.records import Line

_UNITS = (
    frozenset({"h", "hour", "hours", "std", "std.", "stunde", "stunden", "heure", "heures", "ora", "ore"}),
    frozenset({"stk", "stk.", "stück", "pc", "pcs", "pce", "piece", "pieces", "pièce", "pièces", "pz"}),
)


def income_account(
    master: MasterData,
    own: str | None,
    of_profile: str,
    *,
    where: str,
    owner: str,
    setting: str = "[ledger] revenue_account",
) -> Account:
    """The account that a record names itself, else the profile's; raises RecordProblem."""
    number = own or of_profile
    for account in master.accounts:
        if account.number == number and account.active and account.is_income:
            return account
    reason = "is not an active income account" if any(a.number == number for a in master.accounts) else ""
    origin = f"the {owner}'s revenue_account" if own else f"{setting} in the profile"
    raise RecordProblem(
        f"{where}: account {number} {reason or 'does not exist'} in {master.ledger}.",
        f"Correct {origin}, or open the account in {master.ledger}.",
        code="unknown_account",
        field="revenue_account",
        subject=f"account:{number}",
    )


def gift_card_account(master: MasterData, own: str | None, of_profile: str, *, where: str) -> Account:
    """The account of gift cards, the only lines that may be on a liability account; raises RecordProblem."""
    number = own or of_profile
    if not number:
        raise RecordProblem(
            f"{where} is a gift card, and nothing says on which account gift cards are booked.",
            "Name it in [orders] gift_card_account in the profile, or in the line's revenue_account.",
            code="unknown_account",
            field="revenue_account",
            subject="account:gift_card",
        )
    same = [account for account in master.accounts if account.number == number]
    for account in same:
        if account.active and (account.is_income or account.is_liability):
            return account
    reason = "is no active liability or income account" if same else "does not exist"
    origin = "the line's revenue_account" if own else "[orders] gift_card_account in the profile"
    raise RecordProblem(
        f"{where}: account {number} {reason} in {master.ledger}.",
        f"Correct {origin}, or open the account in {master.ledger}.",
        code="unknown_account",
        field="revenue_account",
        subject=f"account:{number}",
    )


def revenue_account(profile: Profile, master: MasterData) -> Account | None:
    """The account that lines are booked on unless they name another."""
    number = profile.ledger.revenue_account
    return next((a for a in master.accounts if a.number == number and a.active and a.is_income), None)


def unit_called(master: MasterData, unit: str) -> LedgerId | None:
    """The unit of that name, in whatever language it is written; None where the ledger has none."""
    wanted = next((names for names in _UNITS if unit.casefold() in names), frozenset({unit.casefold()}))
    return next((row.id for row in master.units if row.name.casefold() in wanted), None)


def unknown_units(master: MasterData, lines: Iterable[Line]) -> list[str]:
    """The units of lines that the ledger does not have."""
    return sorted({line.unit for line in lines if line.unit and unit_called(master, line.unit) is None})


def unit_id(master: MasterData, unit: str, where: str) -> LedgerId:
    """The unit of that name; raises RecordProblem."""
    found = unit_called(master, unit)
    if found is not None:
        return found
    raise RecordProblem(
        f'{where}: {master.ledger} has no unit "{unit}".',
        f"It has {', '.join(u.name for u in master.units)}. Add it in {master.ledger}, or correct or drop the unit.",
        code="unknown_unit",
        field="unit",
        subject=f"unit:{unit}",
    )


def currency_called(master: MasterData, code: str) -> Currency:
    """The currency of that code; raises RecordProblem."""
    for currency in master.currencies:
        if currency.code == code:
            return currency
    raise RecordProblem(
        f"{master.ledger} has no currency {code}.",
        f"It has {', '.join(c.code for c in master.currencies)}. Add it in {master.ledger} or correct it in the shop.",
        code="unknown_currency",
        field="currency",
        subject=f"currency:{code}",
    )


def bank_accounts_called(master: MasterData, named: str) -> list[BankAccount]:
    """The bank account of that IBAN, however it is spaced, else those of that name."""
    by_iban = [row for row in master.bank_accounts if row.iban and _compact(row.iban) == _compact(named)]
    name = named.strip().casefold()
    return by_iban[:1] or [row for row in master.bank_accounts if name and row.name.strip().casefold() == name]


def _compact(iban: str) -> str:
    return "".join(iban.split()).upper()


def language_id(master: MasterData, language: str | None, fallback: str) -> LedgerId | None:
    """The ledger's id of a language code, else of the profile's language."""
    for code in (language, fallback):
        wanted = (code or "")[:2].lower()
        for row in master.languages:
            if row.name.lower() == wanted:
                return row.id
    return None
