"""The bank account on the payment part of a document: the one for its currency, never one of another."""

from __future__ import annotations

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.planning.lookups import bank_account
from bexsync.ports.master_data import BankAccount, Currency, MasterData


def bank_account_id(profile: Profile, master: MasterData, method: str | None, currency: Currency) -> int | None:
    """Return the account's id, None for the ledger's default; raises RecordProblem.

    The payment method's account wins, then the profile's for the currency. A foreign currency without either takes
    the only account in that currency, since the ledger's default is one in its own.
    """
    iban = profile.payments.accounts.get(method or "") or profile.ledger.bank_accounts.get(currency.code)
    if iban:
        return _named(master, iban, currency).id
    return None if currency.code == profile.ledger.currency else _only_one(master, currency).id


def _named(master: MasterData, iban: str, currency: Currency) -> BankAccount:
    account = bank_account(master, iban)
    if account is None:
        raise _problem(
            f"{master.ledger} has no bank account {iban}.",
            "Correct [ledger] bank_account or [payments.accounts] in the profile.",
            "unknown_bank_account",
            iban,
        )
    if account.currency_id not in (None, currency.id):
        raise _problem(
            f"The bank account {iban} is not in {currency.code}, the currency of the invoice.",
            "Name one for each currency in [ledger] bank_account, or correct [payments.accounts] in the profile.",
            "bank_account_currency",
            f"{iban}:{currency.code}",
        )
    return account


def _only_one(master: MasterData, currency: Currency) -> BankAccount:
    fitting = [account for account in master.bank_accounts if account.currency_id == currency.id]
    if len(fitting) == 1:
        return fitting[0]
    code = currency.code
    named = f'bank_account = {{ {code} = "IBAN" }} under [ledger] in the profile'
    if fitting:
        message = f"{master.ledger} has {len(fitting)} bank accounts in {code}: {', '.join(a.iban for a in fitting)}."
        raise _problem(message, f"Say which: {named}.", "bank_account_ambiguous", code)
    raise _problem(
        f"{master.ledger} shows no bank account in {code} for the payment part.",
        f"Open one in {master.ledger}. "
        f"If there is one, name it ({named}) and log in again, so that the login may see it.",
        "bank_account_missing",
        code,
    )


def _problem(message: str, hint: str, code: str, subject: str) -> RecordProblem:
    return RecordProblem(message, hint, code=code, field="currency", subject=f"bank_account:{subject}")
