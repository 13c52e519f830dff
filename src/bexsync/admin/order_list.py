"""The list of orders: how each stands in the shop, its documents in the ledger, what is paid and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bexsync.jobs.reporting import Customers
from bexsync.money import format_amount
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.store import Link, RecordState
from bexsync.store import Store

ORDER = "order"
INVOICE = "order_invoice"
_ZURICH = ZoneInfo("Europe/Zurich")
_OWED = frozenset({DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.UNPAID})


@dataclass(frozen=True)
class ListedDocument:
    """One document of an order in the ledger; a delivery has no standing."""

    kind: str
    number: str
    url: str
    standing: str = ""


@dataclass(frozen=True)
class ListedOrder:
    """One order as the list shows it; amounts are decimal strings, "" is unknown or not applicable.

    `status` is the shop's, `state` says how far bexsync is with it, `open` is what the customer still owes.
    """

    shop_id: str
    order_number: str = ""
    date: str = ""
    customer: str = ""
    mail: str = ""
    currency: str = ""
    total: str = ""
    status: str = ""
    documents: tuple[ListedDocument, ...] = ()
    paid: str = ""
    open: str = ""
    state: str = ""
    error: str = ""


@dataclass(frozen=True)
class OrderSelection:
    """Which orders a person wants to see."""

    status: str = ""
    customer: str = ""
    since: date | None = None
    limit: int | None = None


@dataclass(frozen=True)
class OrderList:
    """The orders that were asked for, the newest last; `found` counts those that a limit left out as well."""

    rows: Sequence[ListedOrder]
    found: int
    open: Mapping[str, Decimal] = field(default_factory=dict)


def list_orders(store: Store, selection: OrderSelection) -> OrderList:
    """The orders of the shop that the selection names, by day, with what is open per currency."""
    found = [row for row in _listed(store) if _is_wanted(row, selection)]
    found.sort(key=lambda row: (row.date, row.shop_id))
    owed: dict[str, Decimal] = {}
    for row in found:
        if row.open:
            owed[row.currency] = owed.get(row.currency, Decimal(0)) + Decimal(row.open)
    shown = found if selection.limit is None else found[-selection.limit :] if selection.limit else []
    return OrderList(shown, len(found), dict(sorted(owed.items())))


def _is_wanted(row: ListedOrder, selection: OrderSelection) -> bool:
    if selection.status and row.status != selection.status:
        return False
    if selection.since and row.date < selection.since.isoformat():
        return False
    asked = selection.customer.casefold()
    return not asked or asked in f"{row.customer} {row.mail}".casefold()


def _listed(store: Store) -> Iterator[ListedOrder]:
    orders = {link.shop_id: link for link in store.links.all(ORDER)}
    invoices = {link.shop_id: link for link in store.links.all(INVOICE)}
    problems = {error.shop_id: error.message for error in store.errors.open() if error.kind == ORDER}
    records = {str(record["shop_id"]): record for record in store.records.order_summaries()}
    customers = Customers(store)
    for shop_id in records.keys() | orders.keys() | invoices.keys():
        record = records.get(shop_id, {})
        order, invoice = orders.get(shop_id), invoices.get(shop_id)
        links = [link for link in (invoice, order) if link is not None]
        name, mail = customers.name_and_mail(record, links[0].notes if links else {})
        total = record.get("total") or next((link.state["total"] for link in links if link.state.get("total")), "")
        yield ListedOrder(
            shop_id,
            order_number=str(record.get("order_number") or ""),
            date=_day(record, links),
            customer=name,
            mail=mail,
            currency=str(record.get("currency") or next((link.state.get("currency", "") for link in links), "")),
            total=format_amount(Decimal(str(total))) if total else "",
            status=str(record.get("status") or ""),
            documents=tuple(_documents(order, invoice)),
            paid=_paid(invoice),
            open=_open(invoice),
            state=str(record.get("state") or ""),
            error=problems.get(shop_id) or _why_not(record),
        )


def _why_not(record: Mapping[str, Any]) -> str:
    """Why an order does not go on; what was said of one that is done keeps it from nothing."""
    return "" if record.get("state") == RecordState.DONE else str(record.get("reason") or "")


def _day(record: Mapping[str, Any], links: Sequence[Link]) -> str:
    if record.get("ordered_at"):
        return datetime.fromisoformat(str(record["ordered_at"])).astimezone(_ZURICH).date().isoformat()
    return next((str(link.notes["day"]) for link in links if link.notes.get("day")), "")


def _documents(order: Link | None, invoice: Link | None) -> Iterator[ListedDocument]:
    if order is not None:
        yield ListedDocument("order", order.number, order.url, str(order.state.get("standing", "")))
        for document in order.documents:
            yield ListedDocument(document.role, document.number, document.url)
    if invoice is not None:
        yield ListedDocument("invoice", invoice.number, invoice.url, str(invoice.state.get("standing", "")))


def _paid(invoice: Link | None) -> str:
    received = Decimal(invoice.state.get("received") or 0) if invoice is not None else Decimal(0)
    return format_amount(received) if received else ""


def _open(invoice: Link | None) -> str:
    if invoice is None or invoice.state.get("standing") not in _OWED:
        return ""
    state = invoice.state
    remaining = state.get("remaining")
    if remaining:
        return format_amount(Decimal(remaining))
    total, received, credited = (Decimal(state.get(name) or 0) for name in ("total", "received", "credited"))
    return format_amount(total - received - credited)
