"""Does the profile fit this company? One answer per setting, each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError
from bexsync.planning.checks import Check, Surroundings, attention, ok, wrong
from bexsync.planning.lookups import bank_account
from bexsync.planning.money_checks import money_checks
from bexsync.planning.permissions import (
    READ_BANKING,
    READ_CONTACTS,
    READ_INVOICES,
    READ_ITEMS,
    READ_SETTINGS,
    WRITE_CONTACTS,
    WRITE_INVOICES,
    WRITE_ITEMS,
    Need,
    right_missing,
    scope_missing,
)
from bexsync.ports.ledger import Right
from bexsync.ports.master_data import BankAccount, MasterData


def settings(around: Surroundings) -> list[Check]:
    """Every check, in the order a person would ask."""
    makers: tuple[Callable[[Surroundings], Iterator[Check]], ...] = (
        _company, _user, _rights, money_checks, _numbering, _bank_accounts, _template, _contact_group,
        _what_push_does, _shop,
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
    for part, reading, writing in (
        ("contacts", READ_CONTACTS, WRITE_CONTACTS),
        ("invoices", READ_INVOICES, WRITE_INVOICES),
        *items,
    ):
        name = f"right to {part}"
        yield around.unread(name, "none", part, reading) or _right(around, name, writing)


def _right(around: Surroundings, name: str, writing: Need) -> Check:
    right = around.inspection.rights.get(writing.scope, Right.UNKNOWN)
    if around.scopes and writing.scope not in around.scopes:
        return wrong(name, "read only", *scope_missing(writing, "So says the token itself."))
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
    profile = around.profile
    own = profile.ledger.currency
    named = [
        ("bank account" if code == own else f"bank account, {code}", iban, code)
        for code, iban in profile.ledger.bank_accounts.items()
    ]
    named += [(f"bank account, {method}", iban, "") for method, iban in profile.payments.accounts.items()]
    if own not in profile.ledger.bank_accounts:
        yield ok("bank account", f"{around.master.ledger}'s default")
    for name, iban, code in named:
        unread = around.unread(name, iban, "bank_accounts", READ_BANKING)
        account = bank_account(around.master, iban)
        if unread is not None:
            yield unread
        elif account is not None and code and _in_other_currency(account, code, around.master):
            yield wrong(
                name,
                iban,
                f"The bank account {iban} is not in {code}.",
                "Name one of that currency in [ledger] bank_account.",
            )
        elif account is not None:
            yield ok(name, iban)
        else:
            shown = ", ".join(a.iban for a in around.master.bank_accounts if a.iban) or "none"
            yield wrong(
                name,
                iban,
                f"{around.master.ledger} has no bank account {iban}.",
                f"It has {shown}: correct [ledger] bank_account or [payments.accounts].",
            )


def _in_other_currency(account: BankAccount, code: str, master: MasterData) -> bool:
    wanted = {currency.id for currency in master.currencies if currency.code == code}
    return account.currency_id is not None and account.currency_id not in wanted


def _template(around: Surroundings) -> Iterator[Check]:
    wanted, known = around.profile.invoices.template, around.master.templates
    unread = around.unread("template", wanted, "templates", READ_SETTINGS)
    if not wanted:
        yield ok("template", f"{around.master.ledger}'s default")
    elif unread is not None:
        yield unread
    elif wanted in known:
        yield ok("template", wanted)
    else:
        yield wrong(
            "template",
            wanted,
            f'{around.master.ledger} has no document template "{wanted}".',
            f"It has {', '.join(known) or 'none'}: correct [invoices] template.",
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
