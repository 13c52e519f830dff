"""The list of invoices: who owes what since when, read from the state alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bexsync.admin.invoice_statuses import known_status, sort_key
from bexsync.config.profile import Profile
from bexsync.jobs.reporting import Customers
from bexsync.jobs.status_list import status_rows
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.shop import StatusRow
from bexsync.store import Store

_OWED = frozenset({"issued", "sent", "partly_paid", "unpaid"})
_NOT_COUNTED = frozenset({"waiting", "blocked", "cancelled", "deleted", "ignored", "given_up"})
# The record's own word for "not in the ledger yet" is what people call an invoice that is not paid.
_RENAMED = {"open": "waiting"}


@dataclass(frozen=True)
class ListedInvoice:
    """One invoice as the list shows it; amounts are decimal strings, "" is unknown or not applicable.

    `open` is what the customer still owes; a draft and what is not in the ledger yet owe nothing.
    """

    shop_id: str
    number: str = ""
    source_number: str = ""
    customer: str = ""
    mail: str = ""
    currency: str = ""
    amount: str = ""
    date: str = ""
    due_date: str = ""
    paid_amount: str = ""
    paid_date: str = ""
    open: str = ""
    status: str = ""
    overdue: bool = False
    url: str = ""
    error: str = ""


@dataclass(frozen=True)
class Selection:
    """Which invoices a person wants to see, and in which order."""

    status: str = ""
    unpaid: bool = False
    overdue: bool = False
    since: date | None = None
    customer: str = ""
    sort: str = "date"
    limit: int | None = None


@dataclass(frozen=True)
class Sums:
    """What the invoices of one currency that are in the ledger come to; cancelled ones are not counted."""

    count: int = 0
    amount: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    overdue: Decimal = Decimal(0)

    def plus(self, invoice: ListedInvoice) -> Sums:
        """The sums with one more invoice."""
        owed = Decimal(invoice.open or 0)
        return Sums(
            self.count + 1,
            self.amount + Decimal(invoice.amount or 0),
            self.paid + Decimal(invoice.paid_amount or 0),
            self.open + owed,
            self.overdue + (owed if invoice.overdue else 0),
        )

    def written(self) -> dict[str, Any]:
        """The sums as text, for scripts."""
        amounts = {name: format_amount(getattr(self, name)) for name in ("amount", "paid", "open", "overdue")}
        return {"count": self.count, **amounts}


@dataclass(frozen=True)
class InvoiceList:
    """The invoices that were asked for; `found` counts those that a limit left out as well, as the sums do.

    `of_orders` counts the invoices of orders, which stand in the list of orders.
    """

    rows: Sequence[ListedInvoice]
    found: int
    sums: Mapping[str, Sums] = field(default_factory=dict)
    not_counted: int = 0
    of_orders: int = 0


def list_invoices(store: Store, profile: Profile, selection: Selection, today: date) -> InvoiceList:
    """The invoices of the shop that the selection names, sorted, with their sums."""
    named = _named_status(selection.status, profile)
    by, downwards = sort_key(selection.sort)
    listing = _Listing(store, profile, today)
    found = [row for row in listing.invoices() if _is_wanted(row, listing.standing_of(row), named, selection)]
    found.sort(key=lambda row: row.shop_id)
    found.sort(key=lambda row: _sortable(row, by), reverse=downwards)
    sums: dict[str, Sums] = {}
    counted = [row for row in found if listing.standing_of(row) not in _NOT_COUNTED]
    for row in counted:
        sums[row.currency] = sums.get(row.currency, Sums()).plus(row)
    shown = found if selection.limit is None else found[: selection.limit]
    of_orders = sum(1 for _ in store.links.all(INVOICE_KIND))
    return InvoiceList(shown, len(found), dict(sorted(sums.items())), len(found) - len(counted), of_orders)


def _named_status(word: str, profile: Profile) -> str:
    """The status a word means; the profile may have words of its own for two of them."""
    own = {profile.payments.paid_status: "paid", profile.payments.cancelled_status: "cancelled"}
    return own.get(word) or (known_status(word) if word else "")


def _is_wanted(row: ListedInvoice, standing: str, status: str, selection: Selection) -> bool:
    if (selection.unpaid and not _is_owed(row, standing)) or (selection.overdue and not row.overdue):
        return False
    if selection.since and row.date < selection.since.isoformat():
        return False
    asked = selection.customer.casefold()
    if asked and asked not in f"{row.customer} {row.mail}".casefold():
        return False
    match status:
        case "":
            return True
        case "open":
            return _is_owed(row, standing)
        case "overdue":
            return row.overdue
        case _:
            return standing == status


def _is_owed(row: ListedInvoice, standing: str) -> bool:
    return standing in _OWED and Decimal(row.open or 0) > 0


def _sortable(row: ListedInvoice, by: str) -> Any:
    match by:
        case "amount" | "paid" | "open":
            return Decimal(getattr(row, {"paid": "paid_amount"}.get(by, by)) or 0)
        case "date":
            return row.date
        case "due":
            return row.due_date or "9999"
        case "id":
            return row.shop_id
        case _:
            return str(getattr(row, by)).casefold()


class _Listing:
    def __init__(self, store: Store, profile: Profile, today: date) -> None:
        self._store = store
        self._today = today
        self._due_days = profile.invoices.due_days
        self._rows = {row.shop_id: row for row in status_rows(store, profile, KIND)}
        self._states = {shop_id: state for shop_id, _, _, state in store.links.standings(KIND)}
        self._notes = store.links.notes(KIND)
        self._records = {summary["shop_id"]: summary for summary in store.records.summaries()}
        self._customers = Customers(store)

    def invoices(self) -> list[ListedInvoice]:
        return [self._listed(row) for row in self._rows.values()]

    def standing_of(self, row: ListedInvoice) -> str:
        """The status under the name that bexsync knows it by, whatever the profile calls it."""
        state = self._states.get(row.shop_id)
        if state is None:
            return row.status
        standing = str(state.get("standing", ""))
        return "sent" if standing == DocumentStatus.ISSUED and state.get("shared") == "yes" else standing

    def _listed(self, row: StatusRow) -> ListedInvoice:
        record = self._records.get(row.shop_id, {})
        notes = self._notes.get(row.shop_id, {})
        state = self._states.get(row.shop_id)
        name, mail = self._customers.name_and_mail(record, notes)
        listed = ListedInvoice(
            shop_id=row.shop_id,
            number=row.number,
            source_number=record.get("source_number") or "",
            customer=name,
            mail=mail,
            currency=record.get("currency") or (state or {}).get("currency", ""),
            amount=_amount((state or {}).get("total") or record.get("total")),
            date=str(notes.get("day") or record.get("invoice_date") or ""),
            due_date=str(notes.get("due_date") or self._due_date(record)),
            paid_amount=row.paid_amount,
            paid_date=row.paid_date,
            status=row.status if state is not None else _RENAMED.get(row.status, row.status),
            url=row.url,
            error=row.error,
        )
        return listed if state is None else self._with_debt(listed, state)

    def _with_debt(self, row: ListedInvoice, state: Mapping[str, str]) -> ListedInvoice:
        standing = self.standing_of(row)
        if standing == DocumentStatus.PAID:
            return replace(row, open="0.00")
        if standing not in _OWED:
            return row
        remaining = state.get("remaining")
        owed = Decimal(remaining) if remaining else _difference(state)
        is_late = owed > 0 and bool(row.due_date) and row.due_date < self._today.isoformat()
        return replace(row, open=format_amount(owed), overdue=is_late)

    def _due_date(self, record: Mapping[str, Any]) -> str:
        if record.get("due_date"):
            return str(record["due_date"])
        days = record.get("payment_terms_days")
        days = self._due_days if days is None else days
        if days is None or not record.get("invoice_date"):
            return ""
        try:
            return (date.fromisoformat(record["invoice_date"]) + timedelta(days=int(days))).isoformat()
        except (ValueError, OverflowError):
            return ""


def _amount(text: Any) -> str:
    return format_amount(Decimal(str(text))) if text else ""


def _difference(state: Mapping[str, str]) -> Decimal:
    total, received, credited = (Decimal(state.get(name) or 0) for name in ("total", "received", "credited"))
    return total - received - credited
