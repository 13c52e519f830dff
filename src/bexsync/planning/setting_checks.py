"""The settings of a profile held against the ledger: accounts, taxes, currencies, users, templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches

from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text, format_amount
from bexsync.planning.checks import (
    ISSUE_DELIVERIES,
    READ_BANKING,
    READ_CONTACTS,
    READ_DELIVERIES,
    READ_INVOICES,
    READ_ITEMS,
    READ_ORDERS,
    READ_SETTINGS,
    WRITE_CONTACTS,
    WRITE_INVOICES,
    WRITE_ITEMS,
    WRITE_ORDERS,
    Check,
    Need,
    Surroundings,
    attention,
    ok,
    right_missing,
    scope_missing,
    wrong,
)
from bexsync.planning.document_positions import RoundingSettings, rounding_account, rounding_tax
from bexsync.planning.lookups import bank_accounts_called, revenue_account
from bexsync.planning.order_checks import order_accounts, what_orders_start
from bexsync.planning.taxes import TaxChooser
from bexsync.ports.ledger import Right
from bexsync.ports.master_data import Account, BankAccount, MasterData
from bexsync.records import Line
from bexsync.vat import Tax, taxes_called

_NEAREST = 3
_ENDS_SOON = timedelta(days=60)
_NO_ACCOUNT = Account(LedgerId(""), "", "", None, active=True, is_income=True)


def settings(around: Surroundings) -> list[Check]:
    """Every check, in the order a person would ask."""
    makers: tuple[Callable[[Surroundings], Iterator[Check]], ...] = (
        _company, _user, _rights, money_checks, order_accounts, _numbering, _bank_accounts, _template, _contact_group,
        _what_push_does, what_orders_start, _shop,
    )  # fmt: skip
    return [check for make in makers for check in make(around)]


# who


def _company(around: Surroundings) -> Iterator[Check]:
    unread = around.unread("company", "", "company", READ_SETTINGS)
    if unread is not None:
        yield unread
    elif not around.master.company:
        yield attention(
            "company",
            "(no name)",
            f"{around.master.ledger} shows no company profile.",
            f"Complete it in {around.master.ledger} ({around.master.words.company_place}).",
        )
    else:
        yield ok("company", around.master.company)


def _user(around: Surroundings) -> Iterator[Check]:
    me, wanted = around.master.me, around.profile.ledger.user
    misfit = around.misfits.get("user")
    if misfit is not None:
        yield wrong("user", wanted, misfit.message, misfit.hint)
    elif wanted:
        yield ok("user", wanted, f"Documents belong to {wanted}; the token is {_user_name(me.name, me.mail)}'s.")
    else:
        yield ok("user", _user_name(me.name, me.mail), "Documents belong to the token's user.")


def _user_name(name: str, mail: str) -> str:
    return f"{name} ({mail})" if name and mail else name or mail or "(no name)"


def _rights(around: Surroundings) -> Iterator[Check]:
    items = (("items", READ_ITEMS, WRITE_ITEMS),) if around.profile.products.enabled else ()
    orders = (("orders", READ_ORDERS, WRITE_ORDERS), ("deliveries", READ_DELIVERIES, ISSUE_DELIVERIES))
    for part, reading, writing in (
        ("contacts", READ_CONTACTS, WRITE_CONTACTS),
        ("invoices", READ_INVOICES, WRITE_INVOICES),
        *items,
        *(orders if around.profile.orders.enabled else ()),
    ):
        name = f"right to {part}"
        yield around.unread(name, "none", part, reading) or _right(around, name, writing)


def _right(around: Surroundings, name: str, writing: Need) -> Check:
    words = around.master.words
    scope = writing.scope(words)
    right = around.inspection.rights.get(scope, Right.UNKNOWN)
    if around.scopes and scope not in around.scopes:
        return wrong(name, "read only", *scope_missing(writing, words, "So says the token itself."))
    match right:
        case Right.NOT_BOOKED | Right.MISSING:
            said = f"So says {around.master.ledger}'s list of rights."
            return wrong(name, right.value, *right_missing(writing, right, around.inspection, said))
        case Right.OWN_ONLY:
            return attention(
                name,
                "only the user's own",
                f"What other users made in {around.master.ledger} stays unseen, so it may be made a second time.",
                f"An administrator widens the right in {around.master.ledger} ({around.master.words.rights_place}).",
            )
        case Right.GRANTED:
            return ok(name, "read and write")
        case _:
            return ok(
                name,
                "read",
                f"{around.master.ledger} does not say whether the token's user may write; the trial shows it.",
            )


# the document


def _numbering(around: Surroundings) -> Iterator[Check]:
    misfit = around.misfits.get("numbering")
    value = f"by {around.master.ledger}" if around.profile.ledger.numbering == "ledger" else "by the shop"
    unread = around.unread("numbering", value, "settings", READ_SETTINGS)
    if unread is not None:
        yield unread
    elif misfit is not None:
        yield wrong("numbering", value, misfit.message, misfit.hint)
    else:
        yield ok("numbering", value, f"Profile and {around.master.ledger} agree.")


def _bank_accounts(around: Surroundings) -> Iterator[Check]:
    own = around.profile.ledger.currency
    if own not in around.profile.ledger.bank_accounts:
        yield ok("bank account", f"{around.master.ledger}'s default")
    for name, account, code, where in _named_accounts(around.profile):
        unread = around.unread(name, account, "bank_accounts", READ_BANKING)
        found = bank_accounts_called(around.master, account)
        fitting = [one for one in found if not code or not _in_other_currency(one, code, around.master)]
        if unread is not None:
            yield unread
        elif not found:
            shown = ", ".join(a.iban for a in around.master.bank_accounts if a.iban) or "none"
            yield wrong(
                name,
                account,
                f"{around.master.ledger} has no bank account {account}.",
                f"It has {shown}: correct [ledger] bank_account or [payments.accounts].",
            )
        elif not fitting:
            yield wrong(
                name, account, f"The bank account {account} is not in {code}.", f"Name one of that currency in {where}."
            )
        elif len(fitting) > 1 and (code or len({one.currency_id for one in fitting}) < len(fitting)):
            ibans = ", ".join(one.iban for one in fitting)
            yield wrong(
                name,
                account,
                f"{around.master.ledger} has {len(fitting)} bank accounts called {account}: {ibans}.",
                f"Name its IBAN in place of its name in {where}.",
            )
        else:
            yield ok(name, account)


def _named_accounts(profile: Profile) -> Iterator[tuple[str, str, str, str]]:
    """What is checked, the account that the profile names, its currency where that is said too, and where it stands."""
    own = profile.ledger.currency
    for code, account in profile.ledger.bank_accounts.items():
        yield "bank account" if code == own else f"bank account, {code}", account, code, "[ledger] bank_account"
    for method, named in profile.payments.accounts.items():
        by_currency = named.items() if isinstance(named, dict) else [("", named)]
        for code, account in by_currency:
            if account:
                yield f"bank account, {method}{f', {code}' if code else ''}", account, code, "[payments.accounts]"


def _in_other_currency(account: BankAccount, code: str, master: MasterData) -> bool:
    wanted = {currency.id for currency in master.currencies if currency.code == code}
    return account.currency_id is not None and account.currency_id not in wanted


def _template(around: Surroundings) -> Iterator[Check]:
    invoices = around.profile.invoices
    yield _one_template(around, "template", invoices.template)
    if invoices.template_paid:
        yield _one_template(around, "template_paid", invoices.template_paid)


def _one_template(around: Surroundings, key: str, wanted: str) -> Check:
    known, name = around.master.templates, key.replace("_", ", ")
    if not wanted:
        return ok(name, f"{around.master.ledger}'s default")
    unread = around.unread(name, wanted, "templates", READ_SETTINGS)
    if unread is not None:
        return unread
    if wanted in known:
        return ok(name, wanted)
    return wrong(
        name,
        wanted,
        f'{around.master.ledger} has no document template "{wanted}".',
        f"It has {', '.join(known) or 'none'}: correct [invoices] {key}.",
    )


def _contact_group(around: Surroundings) -> Iterator[Check]:
    wanted = around.profile.ledger.contact_group
    if not wanted:
        return
    unread = around.unread("contact group", wanted, "contact_groups", READ_CONTACTS)
    names = [group.name for group in around.master.contact_groups]
    if unread is not None:
        yield unread
    elif wanted.casefold() in {name.casefold() for name in names}:
        yield ok("contact group", wanted, "New contacts join it.")
    else:
        yield wrong(
            "contact group",
            wanted,
            f'{around.master.ledger} has no contact group "{wanted}".',
            f"It has {', '.join(names) or 'none'}: "
            f"correct [ledger] contact_group, or add it in {around.master.ledger}.",
        )


# what a push would do


def _what_push_does(around: Surroundings) -> Iterator[Check]:
    profile = around.profile
    yield ok("invoices", _finish_in_words(profile))
    start = profile.invoices.start_date
    yield ok("from", start.isoformat() if start else "the day of the first run", "Older invoices are left alone.")
    limits = profile.limits
    yield ok(
        "limits",
        f"{limits.documents} new documents, {limits.mails} mails a run",
        "A run that would make more does nothing until you confirm it.",
    )
    yield ok("site", around.site, "Part of every key; it never changes.")


def _finish_in_words(profile: Profile) -> str:
    match profile.invoices.finish:
        case "draft":
            return f"are created as drafts; a person issues them in {profile.ledger.words.name}"
        case "issue":
            return "are created and issued, and not mailed"
        case _:
            to = "the customer" if profile.invoices.send_to == "customer" else "the token's owner, as a rehearsal"
            return f"are created, issued and mailed to {to}"


def _shop(around: Surroundings) -> Iterator[Check]:
    shop = around.shop
    if isinstance(shop, BexsyncError):
        yield wrong("shop folder", around.profile.shop.location, shop.message, shop.hint)
        return
    files = f"{shop.waiting} file{'' if shop.waiting == 1 else 's'}"
    yield ok("shop folder", shop.location, f"{files if shop.waiting else 'No file'} in in/ to be taken.")


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
        yield ok("currency", f"{code}, totals rounded to {format_amount(found.round_to)}")


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
    value = f"{tax.code}, {decimal_text(tax.rate)} %"
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
        account = rounding_account(around.master, RoundingSettings.for_invoices(around.profile))
        tax = rounding_tax(chooser, RoundingSettings.for_invoices(around.profile)) if chooser.subject_to_vat else None
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
