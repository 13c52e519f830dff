"""The list of invoices: who owes what since when, read from the state alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from bexsync.admin.invoice_statuses import known_status, sort_key
from bexsync.config.profile import Profile
from bexsync.jobs.reporting import Customers
from bexsync.jobs.status_list import unlinked_status
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.store import RecordState, Row, parse_stored, stored_object
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


@dataclass
class Sums:
    """What the invoices of one currency that are in the ledger come to; cancelled ones are not counted."""

    count: int = 0
    amount: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    overdue: Decimal = Decimal(0)

    def add(self, invoice: _Invoice) -> None:
        """Count one more invoice."""
        self.count += 1
        self.amount += invoice.amount or 0
        self.paid += invoice.paid
        owed = invoice.owed
        if owed:
            self.open += owed
            self.overdue += owed if invoice.is_late else 0

    def written(self) -> dict[str, Any]:
        """The sums as text, for scripts."""
        amounts = {name: format_amount(getattr(self, name)) for name in ("amount", "paid", "open", "overdue")}
        return {"count": self.count, **amounts}


@dataclass(frozen=True)
class InvoiceList:
    """The invoices that were asked for; `found` counts those that a limit left out as well, as the sums do.

    `rows` are read from the state while they are taken, `shown` says how many they are. `of_orders` counts the invoices
    of orders, which stand in the list of orders.
    """

    rows: Iterator[ListedInvoice]
    shown: int
    found: int
    sums: Mapping[str, Sums] = field(default_factory=dict)
    not_counted: int = 0
    of_orders: int = 0


def list_invoices(store: Store, profile: Profile, selection: Selection, today: date) -> InvoiceList:
    """The invoices of the shop that the selection names, sorted, with their sums."""
    listing, totals = _Listing(store, profile, today), _Totals()
    by, downwards = sort_key(selection.sort)
    selected = totals.counted(_selected(store, listing, selection, _named_status(selection.status, profile), by))
    keys = ((_sortable(invoice, by), invoice.shop_id) for invoice in selected)
    # They come by their ids, which stays the order of those that are equal.
    if selection.limit is None:
        shown = sorted(keys, key=itemgetter(0), reverse=downwards)
    else:
        shown = (nlargest if downwards else nsmallest)(selection.limit, keys, key=itemgetter(0))
    for _ in selected:  # with a limit of 0 none is taken
        pass
    rows = (_Invoice(row, listing).listed() for row in store.invoice_rows.some(shop_id for _, shop_id in shown))
    sums, of_orders = dict(sorted(totals.sums.items())), store.links.count(INVOICE_KIND)
    return InvoiceList(rows, len(shown), totals.found, sums, totals.not_counted, of_orders)


def _selected(store: Store, listing: _Listing, selection: Selection, status: str, by: str) -> Iterator[_Invoice]:
    whole = bool(selection.customer) or by in ("customer", "number")
    invoices = (_Invoice(row, listing) for row in store.invoice_rows.all(whole=whole))
    return (invoice for invoice in invoices if _is_wanted(invoice, status, selection))


class _Totals:
    """How many invoices were found, and their sums by currency."""

    def __init__(self) -> None:
        self.found = self.not_counted = 0
        self.sums: dict[str, Sums] = {}

    def counted(self, invoices: Iterator[_Invoice]) -> Iterator[_Invoice]:
        """The same invoices, each counted when it is taken."""
        for invoice in invoices:
            self.found += 1
            if invoice.standing in _NOT_COUNTED:
                self.not_counted += 1
            else:
                self.sums.setdefault(invoice.currency, Sums()).add(invoice)
            yield invoice


def one_invoice(store: Store, profile: Profile, shop_id: str, today: date) -> ListedInvoice:
    """One invoice as the list shows it."""
    listing = _Listing(store, profile, today)
    found = (_Invoice(row, listing).listed() for row in store.invoice_rows.some([shop_id]))
    return next(found, ListedInvoice(shop_id))


def _named_status(word: str, profile: Profile) -> str:
    """The status a word means; the profile may have words of its own for two of them."""
    own = {profile.payments.paid_status: "paid", profile.payments.cancelled_status: "cancelled"}
    return own.get(word) or (known_status(word) if word else "")


def _is_wanted(invoice: _Invoice, status: str, selection: Selection) -> bool:
    if (selection.unpaid and not invoice.is_owed) or (selection.overdue and not invoice.is_late):
        return False
    if selection.since and invoice.date < selection.since.isoformat():
        return False
    asked = selection.customer.casefold()
    if asked and asked not in " ".join(invoice.name_and_mail).casefold():
        return False
    match status:
        case "":
            return True
        case "open":
            return invoice.is_owed
        case "overdue":
            return invoice.is_late
        case _:
            return invoice.standing == status


def _sortable(invoice: _Invoice, by: str) -> Any:
    match by:
        case "amount":
            return invoice.amount or Decimal(0)
        case "paid":
            return invoice.paid
        case "open":
            return invoice.owed or Decimal(0)
        case "date":
            return invoice.date
        case "due":
            return invoice.due_date or "9999"
        case "id":
            return invoice.shop_id
        case "customer":
            return invoice.name_and_mail[0].casefold()
        case "number":
            return invoice.number.casefold()
        case _:
            return invoice.status.casefold()


class _Listing:
    """What all invoices of a list are read with."""

    def __init__(self, store: Store, profile: Profile, today: date) -> None:
        self.today = today.isoformat()
        self.due_days = profile.invoices.due_days
        self.problems = {error.shop_id: error.message for error in store.errors.open() if error.kind == KIND}
        self.customers = Customers(store)
        # What the shop calls them.
        self.names: Mapping[str, str] = {
            DocumentStatus.PAID: profile.payments.paid_status,
            DocumentStatus.CANCELLED: profile.payments.cancelled_status,
        }


class _Invoice:
    """One row of the state; of many thousands only what is asked for is worked out."""

    __slots__ = ("_listing", "_row", "shop_id", "standing")

    def __init__(self, row: Row, listing: _Listing) -> None:
        self._row, self._listing = row, listing
        self.shop_id: str = row["shop_id"]
        # The status under the name that bexsync knows it by, whatever the profile calls it.
        self.standing = self._document_standing() if self._is_linked else self._record_standing()

    @property
    def _is_linked(self) -> bool:
        return self._row["link"] is not None

    def _document_standing(self) -> str:
        standing = self._row["standing"] or ""
        return "sent" if standing == DocumentStatus.ISSUED and self._row["shared"] == "yes" else standing

    def _record_standing(self) -> str:
        problem = self._listing.problems.get(self.shop_id, "")
        status = unlinked_status(parse_stored(RecordState, self._row["state"]), problem or self._row["reason"])
        return _RENAMED.get(status, status)

    @property
    def status(self) -> str:
        """How the invoice stands, as the profile calls it."""
        return self._listing.names.get(self.standing, self.standing) if self._is_linked else self.standing

    @property
    def number(self) -> str:
        """Its number in the ledger."""
        return self._row["number"] or ""

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return self._row["shop_currency"] or self._row["currency"] or ""

    @property
    def amount(self) -> Decimal | None:
        """What the invoice comes to."""
        text = self._row["total"] or self._row["shop_total"]
        return parse_stored(Decimal, str(text)) if text else None

    @property
    def paid(self) -> Decimal:
        """What has been paid."""
        return self._decimal("received")

    @property
    def date(self) -> str:
        """The day of the document, else of the shop's invoice."""
        return self._row["document_day"] or self._row["day"] or ""

    @property
    def due_date(self) -> str:
        """The day until which it is to be paid."""
        row = self._row
        if row["document_due_date"] or row["shop_due_date"]:
            return str(row["document_due_date"] or row["shop_due_date"])
        days = row["shop_payment_terms_days"]
        days = self._listing.due_days if days is None else days
        if days is None or not row["day"]:
            return ""
        try:
            return (date.fromisoformat(row["day"]) + timedelta(days=int(days))).isoformat()
        except (ValueError, OverflowError):
            return ""

    @property
    def owed(self) -> Decimal | None:
        """What the customer still owes, None where the document owes nothing."""
        if self.standing == DocumentStatus.PAID:
            return Decimal(0)
        if self.standing not in _OWED:
            return None
        if self._row["remaining"]:
            return self._decimal("remaining")
        return self._decimal("total") - self._decimal("received") - self._decimal("credited")

    @property
    def is_owed(self) -> bool:
        """Whether the customer still owes something."""
        return self.standing in _OWED and (self.owed or 0) > 0

    @property
    def is_late(self) -> bool:
        """Whether the customer owes something after the due date."""
        return self.is_owed and "" < self.due_date < self._listing.today

    @property
    def name_and_mail(self) -> tuple[str, str]:
        """Whose invoice it is."""
        row = self._row
        record = {name: stored_object(row[name] or "{}") for name in ("customer", "billing_address")}
        notes = {"contact_id": row["contact_id"]}
        return self._listing.customers.name_and_mail({**record, "customer_id": row["customer_id"]}, notes)

    def _decimal(self, name: str) -> Decimal:
        return parse_stored(Decimal, self._row[name] or "0")

    def listed(self) -> ListedInvoice:
        """The invoice as the list shows it."""
        row, (name, mail) = self._row, self.name_and_mail
        state = row["state"]
        says_why = not self._is_linked and state in (RecordState.IGNORED, RecordState.OPEN)
        return ListedInvoice(
            shop_id=self.shop_id,
            number=self.number,
            source_number=row["source_number"] or "",
            customer=name,
            mail=mail,
            currency=self.currency,
            amount=format_amount(self.amount) if self.amount is not None else "",
            date=self.date,
            due_date=self.due_date,
            paid_amount=format_amount(self.paid) if self.paid else "",
            paid_date=row["paid_date"] or "",
            open=format_amount(self.owed) if self.owed is not None else "",
            status=self.status,
            overdue=self.is_late,
            url=row["url"] or "",
            error=self._listing.problems.get(self.shop_id) or (row["reason"] if says_why else ""),
        )
