"""Does the profile fit this company? One answer per setting, each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum

from bexsync.errors import BexsyncError, NotPermitted, RecordProblem
from bexsync.money import plain, written
from bexsync.planning.taxes import TaxChooser
from bexsync.ports import Account, Inspection, Master, Place, Right
from bexsync.profile import Profile
from bexsync.records import Line
from bexsync.vat import Tax, VatMap

_NEAREST = 3
_ENDS_SOON = timedelta(days=60)
_NO_ACCOUNT = Account(0, "", "", None, active=True, is_income=True)


class Verdict(StrEnum):
    """How one setting stands."""

    OK = "ok"
    ATTENTION = "attention"
    WRONG = "wrong"


@dataclass(frozen=True)
class Check:
    """One setting: its value, a sentence about it, and what to do where that is needed."""

    name: str
    status: Verdict
    value: str
    sentence: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Need:
    """What an operation asks for: the token's scope, if it has one, and the module with its rights."""

    scope: str
    module: str
    words: str


READ_CONTACTS = Need("contact_show", "contacts", "read contacts")
READ_INVOICES = Need("kb_invoice_show", "invoices", "read invoices")
WRITE_CONTACTS = Need("contact_edit", "contacts", "create, restore and archive contacts")
WRITE_INVOICES = Need("kb_invoice_edit", "invoices", "create and delete invoices")
_READ_BANKING = Need("bank_account_show", "banking", "read bank accounts")
_READ_SETTINGS = Need("", "accounting", "read the company's settings")


def explained(problem: BexsyncError, need: Need, inspection: Inspection) -> tuple[str, str]:
    """A sentence and a hint: the scope, the right and the module are three reasons for one status 403."""
    if not isinstance(problem, NotPermitted):
        return problem.message, problem.hint
    right = inspection.rights.get(need.scope, Right.UNKNOWN)
    if need.scope and "scope" in problem.message.lower():
        return scope_missing(need, problem.message)
    if right in (Right.NOT_BOOKED, Right.MISSING):
        return right_missing(need, right, inspection, problem.message)
    speaks_of_rights = any(word in problem.message.lower() for word in ("right", "module"))
    if need.scope and right is not Right.UNKNOWN and not speaks_of_rights:
        return scope_missing(need, problem.message)  # module and right are there, so that only the token is left
    return problem.message, problem.hint


def scope_missing(need: Need, said: str) -> tuple[str, str]:
    """A sentence and a hint for a token that was not granted enough."""
    return (
        f"The token lacks the scope {need.scope}, so it may not {need.words}. {said}",
        "Log in again with `bexsync auth login` and allow it, or get a personal access token, which has all scopes.",
    )


def right_missing(need: Need, right: Right, inspection: Inspection, said: str) -> tuple[str, str]:
    """A sentence and a hint for a module that is not booked, or a user who may not use it."""
    if right is Right.NOT_BOOKED:
        return (
            f"The company has not booked the module for {need.module}, so nobody may {need.words}. {said}",
            "An administrator books it in bexio (Settings, subscription).",
        )
    user = inspection.master.me.mail or inspection.master.me.name or "The token's user"
    return (
        f"{user} has no right in bexio to {need.words}. {said}",
        "An administrator gives it in bexio (Settings, users and rights).",
    )


@dataclass(frozen=True)
class Surroundings:
    """What the checks are about: the ledger as it is, the profile, and the shop or why it cannot be used."""

    inspection: Inspection
    profile: Profile
    vat_map: VatMap
    today: date
    site: str
    shop: Place | BexsyncError
    misfits: Mapping[str, BexsyncError] = field(default_factory=dict)

    @property
    def master(self) -> Master:
        """The ledger's master data."""
        return self.inspection.master


def settings(around: Surroundings) -> list[Check]:
    """Every check, in the order a person would ask."""
    makers: tuple[Callable[[Surroundings], Iterator[Check]], ...] = (
        _company, _user, _rights, _currency, _account, _vat, _vat_map, _numbering, _bank_accounts, _template,
        _contact_group, _what_push_does, _shop,
    )  # fmt: skip
    return [check for make in makers for check in make(around)]


def _ok(name: str, value: str, sentence: str = "") -> Check:
    return Check(name, Verdict.OK, value, sentence)


def _attention(name: str, value: str, sentence: str, hint: str = "") -> Check:
    return Check(name, Verdict.ATTENTION, value, sentence, hint)


def wrong(name: str, value: str, sentence: str, hint: str = "") -> Check:
    """A check that failed."""
    return Check(name, Verdict.WRONG, value, sentence, hint)


def _unread(around: Surroundings, name: str, value: str, part: str, need: Need) -> Check | None:
    """The check of a setting whose master data could not be read."""
    problem = around.inspection.problems.get(part)
    return None if problem is None else wrong(name, value, *explained(problem, need, around.inspection))


# who


def _company(around: Surroundings) -> Iterator[Check]:
    unread = _unread(around, "company", "", "company", _READ_SETTINGS)
    if unread is not None:
        yield unread
    elif not around.master.company:
        yield _attention("company", "(no name)", "bexio shows no company profile.", "Complete it in bexio (Settings).")
    else:
        yield _ok("company", around.master.company)


def _user(around: Surroundings) -> Iterator[Check]:
    me, wanted = around.master.me, around.profile.ledger.user
    misfit = around.misfits.get("user")
    if misfit is not None:
        yield wrong("user", wanted, misfit.message, misfit.hint)
    elif wanted:
        yield _ok("user", wanted, f"Documents belong to {wanted}; the token is {_user_name(me.name, me.mail)}'s.")
    else:
        yield _ok("user", _user_name(me.name, me.mail), "Documents belong to the token's user.")


def _user_name(name: str, mail: str) -> str:
    return f"{name} ({mail})" if name and mail else name or mail or "(no name)"


def _rights(around: Surroundings) -> Iterator[Check]:
    for part, reading, writing in (
        ("contacts", READ_CONTACTS, WRITE_CONTACTS),
        ("invoices", READ_INVOICES, WRITE_INVOICES),
    ):
        name = f"right to {part}"
        yield _unread(around, name, "none", part, reading) or _right(around, name, writing)


def _right(around: Surroundings, name: str, writing: Need) -> Check:
    right = around.inspection.rights.get(writing.scope, Right.UNKNOWN)
    match right:
        case Right.NOT_BOOKED | Right.MISSING:
            said = "So says bexio's list of rights."
            return wrong(name, right.value, *right_missing(writing, right, around.inspection, said))
        case Right.OWN_ONLY:
            return _attention(
                name,
                "only the user's own",
                "What other users made in bexio stays unseen, so it may be made a second time.",
                "An administrator widens the right in bexio (Settings, users and rights).",
            )
        case Right.GRANTED:
            return _ok(name, "read and write")
        case _:
            return _ok(name, "read", "bexio does not say whether the token's user may write; the trial shows it.")


# money


def _currency(around: Surroundings) -> Iterator[Check]:
    code = around.profile.ledger.currency
    unread = _unread(around, "currency", code, "currencies", _READ_SETTINGS)
    found = next((c for c in around.master.currencies if c.code == code), None)
    if unread is not None:
        yield unread
    elif found is None:
        known = ", ".join(c.code for c in around.master.currencies) or "none"
        yield wrong(
            "currency",
            code,
            f"bexio has no currency {code}.",
            f"It has {known}: correct [ledger] currency, or add {code} in bexio.",
        )
    else:
        yield _ok("currency", f"{code}, totals rounded to {written(found.round_to)}")


def revenue_account(profile: Profile, master: Master) -> Account | None:
    """The account that lines are booked on unless they name another."""
    number = profile.ledger.revenue_account
    return next((a for a in master.accounts if a.number == number and a.active and a.is_income), None)


def _account(around: Surroundings) -> Iterator[Check]:
    number, master = around.profile.ledger.revenue_account, around.master
    unread = _unread(around, "revenue account", number, "accounts", _READ_SETTINGS)
    found = revenue_account(around.profile, master)
    if unread is not None:
        yield unread
    elif found is not None:
        yield _ok("revenue account", f"{found.number} {found.name}")
    else:
        same = next((a for a in master.accounts if a.number == number), None)
        yield wrong(
            "revenue account",
            f"{number} {same.name}" if same else number,
            f"bexio has no account {number}." if same is None else f"The account {number} {_why_unusable(same)}.",
            _nearest_accounts(number, master.accounts),
        )


def _why_unusable(account: Account) -> str:
    return "is not active" if account.is_income else "is no income account"


def _nearest_accounts(number: str, accounts: Iterable[Account]) -> str:
    usable = {a.number: a for a in accounts if a.active and a.is_income}
    if not usable:
        return "bexio has no active income account; open one there."
    if number.isdigit():
        nearest = sorted(usable, key=lambda n: (abs(int(n) - int(number)) if n.isdigit() else 10**9, n))[:_NEAREST]
    else:
        nearest = get_close_matches(number, usable, _NEAREST, 0.0)
    shown = ", ".join(f"{n} {usable[n].name}" for n in sorted(nearest))
    return f"The nearest income accounts are {shown}: correct [ledger] revenue_account."


def _vat(around: Surroundings) -> Iterator[Check]:
    code = around.profile.ledger.tax_code
    for part in ("years", "taxes"):
        unread = _unread(around, "VAT" if part == "years" else "tax", code, part, _READ_SETTINGS)
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
        yield _ok("VAT", "none", f"The company is not subject to VAT in {around.today.year}.")
        yield (
            _attention(
                "tax", code, "It is not used: the company is not subject to VAT.", "Take [ledger] tax_code away."
            )
            if code
            else _ok("tax", "none")
        )
        return
    yield _ok("VAT", "applies", f"The company is subject to VAT in {around.today.year}.")
    yield _tax(around, chooser)


def _tax(around: Surroundings, chooser: TaxChooser) -> Check:
    code = around.profile.ledger.tax_code
    account = revenue_account(around.profile, around.master) or _NO_ACCOUNT
    try:
        tax = chooser.choose(Line(unit_price=Decimal(1)), account, "[ledger] tax_code")
    except RecordProblem as problem:
        return wrong("tax", code, problem.message, problem.hint)
    if tax is None:
        return _ok("tax", "none")
    origin = (
        "Named by the profile"
        if code
        else f"tax_code is empty: the tax of account {account.number}"
        if account.tax_id == tax.id
        else "tax_code is empty: bexio's default sales tax"
    )
    value = f"{tax.code}, {plain(tax.rate)} %"
    if tax.valid_to is not None and tax.valid_to - around.today < _ENDS_SOON:
        return _attention("tax", value, f"{origin}; it ends on {tax.valid_to}.", "Find out which tax comes after it.")
    return _ok("tax", value, ", ".join(part for part in (origin, _validity(tax)) if part) + ".")


def _validity(tax: Tax) -> str:
    since = f"since {tax.valid_from}" if tax.valid_from else ""
    until = f"until {tax.valid_to}" if tax.valid_to else ""
    return f"valid {' and '.join(part for part in (since, until) if part)}" if since or until else ""


def _vat_map(around: Surroundings) -> Iterator[Check]:
    rows = around.vat_map.rows
    if not rows or "taxes" in around.inspection.problems:
        return
    usable = {tax.code for tax in around.master.taxes if tax.active and tax.is_for_sales}
    odd = sorted({row.code for row in rows} - usable)
    value = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    if odd:
        yield wrong(
            "VAT map",
            value,
            f"No active sales taxes in bexio: {', '.join(odd)}.",
            f"Active are {', '.join(sorted(usable)) or 'none'}: correct it with `bexsync vat map`, or activate them in bexio.",
        )
    else:
        yield _ok("VAT map", value)


# the document


def _numbering(around: Surroundings) -> Iterator[Check]:
    misfit = around.misfits.get("numbering")
    value = "by bexio" if around.profile.ledger.numbering == "ledger" else "by the shop"
    unread = _unread(around, "numbering", value, "settings", _READ_SETTINGS)
    if unread is not None:
        yield unread
    elif misfit is not None:
        yield wrong("numbering", value, misfit.message, misfit.hint)
    else:
        yield _ok("numbering", value, "Profile and bexio agree.")


def _bank_accounts(around: Surroundings) -> Iterator[Check]:
    profile = around.profile
    named = [("bank account", profile.ledger.bank_account)] if profile.ledger.bank_account else []
    named += [(f"bank account, {method}", iban) for method, iban in profile.payments.accounts.items()]
    if not profile.ledger.bank_account:
        yield _ok("bank account", "bexio's default")
    known = {_compact(account.iban) for account in around.master.bank_accounts}
    for name, iban in named:
        unread = _unread(around, name, iban, "bank_accounts", _READ_BANKING)
        if unread is not None:
            yield unread
        elif _compact(iban) in known:
            yield _ok(name, iban)
        else:
            shown = ", ".join(a.iban for a in around.master.bank_accounts if a.iban) or "none"
            yield wrong(
                name,
                iban,
                f"bexio has no bank account {iban}.",
                f"It has {shown}: correct [ledger] bank_account or [payments.accounts].",
            )


def _compact(iban: str) -> str:
    return "".join(iban.split()).upper()


def _template(around: Surroundings) -> Iterator[Check]:
    wanted, known = around.profile.invoices.template, around.master.templates
    unread = _unread(around, "template", wanted, "templates", _READ_SETTINGS)
    if not wanted:
        yield _ok("template", "bexio's default")
    elif unread is not None:
        yield unread
    elif wanted in known:
        yield _ok("template", wanted)
    else:
        yield wrong(
            "template",
            wanted,
            f'bexio has no document template "{wanted}".',
            f"It has {', '.join(known) or 'none'}: correct [invoices] template.",
        )


def _contact_group(around: Surroundings) -> Iterator[Check]:
    wanted = around.profile.ledger.contact_group
    if not wanted:
        return
    unread = _unread(around, "contact group", wanted, "contact_groups", READ_CONTACTS)
    names = [group.name for group in around.master.contact_groups]
    if unread is not None:
        yield unread
    elif wanted.casefold() in {name.casefold() for name in names}:
        yield _ok("contact group", wanted, "New contacts join it.")
    else:
        yield wrong(
            "contact group",
            wanted,
            f'bexio has no contact group "{wanted}".',
            f"It has {', '.join(names) or 'none'}: correct [ledger] contact_group, or add it in bexio.",
        )


# what a push would do


def _what_push_does(around: Surroundings) -> Iterator[Check]:
    profile = around.profile
    yield _ok("invoices", _finish_in_words(profile))
    start = profile.invoices.start_date
    yield _ok("from", start.isoformat() if start else "the day of the first run", "Older invoices are left alone.")
    limits = profile.limits
    yield _ok(
        "limits",
        f"{limits.documents} new documents, {limits.mails} mails a run",
        "A run that would make more does nothing until you confirm it.",
    )
    yield _ok("site", around.site, "Part of every key; it never changes.")


def _finish_in_words(profile: Profile) -> str:
    match profile.invoices.finish:
        case "draft":
            return "are created as drafts; a person issues them in bexio"
        case "issue":
            return "are created and issued, and not mailed"
        case _:
            to = "the customer" if profile.invoices.send_to == "customer" else "the token's owner, as a rehearsal"
            return f"are created, issued and mailed to {to}"


def _shop(around: Surroundings) -> Iterator[Check]:
    shop = around.shop
    if isinstance(shop, BexsyncError):
        yield wrong("shop folder", around.profile.shop.path, shop.message, shop.hint)
        return
    files = f"{shop.waiting} file{'' if shop.waiting == 1 else 's'}"
    yield _ok("shop folder", shop.where, f"{files if shop.waiting else 'No file'} in in/ to be taken.")


def failures(checks: Sequence[Check]) -> list[Check]:
    """Those that a person has to mend."""
    return [check for check in checks if check.status is Verdict.WRONG]
