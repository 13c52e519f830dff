"""What the shop is told: an event for each change, and of products what they should say or have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bexsync.errors import BexsyncError, ConfigurationProblem, Defect
from bexsync.ids import LedgerId
from bexsync.money import format_amount
from bexsync.planning.order_link import INVOICE_KIND as ORDER_INVOICE
from bexsync.planning.order_link import KIND as ORDER
from bexsync.planning.reports import SHOWN_OF_INVOICES, SHOWN_OF_ORDERS, Report, reports
from bexsync.ports.documents import EffectResult, LookupResult
from bexsync.ports.shop import Catalog, Event, ProductChange, Shop, StockChange
from bexsync.ports.shop_effects import DeliverEvent, StockValue, TellProducts, TellStock
from bexsync.ports.steps import Effect, LinkDraft, Step, Subject
from bexsync.ports.store import Link, RecordState, RunState
from bexsync.store import Store
from bexsync.store.values import moment, stored


class ShopSide:
    """Performs the effects on the shop; one whose outcome is unknown is simply told again.

    The shop knows an event by its id, and what a product should say or have is the same however often it is told.
    """

    def __init__(self, shop: Shop, catalog: Callable[[], Catalog | None]) -> None:
        self._shop = shop
        self._catalog = catalog

    def prepare(self, effect: Effect) -> Effect:
        """Nothing must be known before the shop is told."""
        return effect

    def looks_first(self, effect: Effect) -> bool:
        """Nothing must be known before the shop is told."""
        del effect
        return False

    def is_proved(self, effect: Effect) -> bool:
        """What the shop is told rests on nothing."""
        del effect
        return True

    def perform(self, effect: Effect) -> EffectResult:
        """Tells the shop of one event, or what its products should say or have."""
        if isinstance(effect, DeliverEvent):
            self._shop.deliver(
                Event(effect.event_id, moment(effect.at), effect.name, effect.kind, effect.shop_id, effect.data)
            )
            return EffectResult()
        catalog = self._catalog()
        if catalog is None:
            raise no_catalog()
        if isinstance(effect, TellProducts):
            catalog.change_products([ProductChange(**change.to_wire()) for change in effect.changes])
            return EffectResult()
        if not isinstance(effect, TellStock):
            raise Defect(f"The shop has no effect called {effect.step_kind}.")
        refused = catalog.change_stock([_stock_change(change) for change in effect.changes])
        return EffectResult(data={"refused": json.dumps([change.shop_id for change in refused])})

    def find(self, effect: Effect) -> LookupResult:
        """Tells it again."""
        try:
            return LookupResult(done=self.perform(effect))
        except BexsyncError:
            return LookupResult()


def no_catalog() -> ConfigurationProblem:
    """This kind of shop has no products."""
    return ConfigurationProblem(
        "This shop has no list of products.", "Say [products] enabled = false in the profile.", code="no_catalog"
    )


def _stock_change(value: StockValue) -> StockChange:
    expected = None if value.expected is None else Decimal(value.expected)
    return StockChange(value.shop_id, value.sku, Decimal(value.stock), expected)


def report_steps(site: str, link: Link, now: datetime) -> Iterator[Step]:
    """The events that bring the shop up to date on one document, numbered so that a repeat is known as one.

    The invoice of an order is told as news of the order; its standing is no status of the shop's, so none is told.
    """
    before = None
    is_of_order = link.kind == ORDER_INVOICE
    shown = SHOWN_OF_ORDERS if is_of_order else SHOWN_OF_INVOICES
    news = reports(link.reported, link.state, agreed_total=_agreed_total(link), shown=shown)
    kind = ORDER if is_of_order else link.kind
    for number, report in enumerate(news, link.events + 1):
        key = f"{site}:{kind}:{link.shop_id}:{number}"
        data = {
            "number": link.number,
            "url": link.url,
            "status": "" if is_of_order else link.state.get("standing", ""),
            "total": _amount(link.state.get("total", "")),
            "currency": str(link.agreed.get("currency", "")),
            "paid_amount": _amount(link.state.get("received", "")),
            "paid_date": link.state.get("paid_date", ""),
            "message": report.message,
        }
        step = Step(
            DeliverEvent(
                event_id=_event_id(key, report),
                at=stored(now),
                name=report.name,
                kind=kind,
                shop_id=link.shop_id,
                data={key: value for key, value in data.items() if value},
            ),
            key,
            Subject(kind, link.shop_id),
            scope=site,
            after=(before,) if before else (),
            link=LinkDraft(link.ledger_kind, told=report.told, link_kind=link.kind if is_of_order else ""),
            title=report.name,
        )
        before = step.ref
        yield step


def _event_id(key: str, report: Report) -> str:
    """The count alone would repeat itself after a restored state, and the shop would drop news as a repeat."""
    told = json.dumps([report.name, dict(report.told)], sort_keys=True)
    return f"{key}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _agreed_total(link: Link) -> Decimal | None:
    """What the shop says that the document comes to, where it says so."""
    total = link.agreed.get("total")
    return Decimal(str(total)) if total is not None else None


def _amount(text: str) -> str:
    return format_amount(Decimal(text)) if text else ""


def worked_on(store: Store, job: str, kind: str, link_kind: str) -> set[str]:
    """The records with news that a run of a job is working on: half of what it does to one is not told."""
    newest = store.runs.newest(job, 1)
    if not newest or newest[0].state is not RunState.RUNNING:
        return set()
    rows = (store.records.get(kind, shop_id) for shop_id in store.links.unreported_ids(link_kind))
    return {row.shop_id for row in rows if row is not None and row.state is RecordState.OPEN}


class Customers:
    """Names and mails of customers; customer records are read once each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Mapping[str, Any]] = {}

    def name_and_mail(self, record: Mapping[str, Any], notes: Mapping[str, Any]) -> tuple[str, str]:
        """What the invoice says, else its customer record, its billing address, or the contact in the link's notes."""
        customer = record.get("customer") or self._customer_record(record.get("customer_id")) or {}
        name = _name(customer) or _name(record.get("billing_address") or {})
        contact = (
            self._store.contacts.get(LedgerId(notes["contact_id"])) if not name and notes.get("contact_id") else None
        )
        if contact is not None:
            is_person = contact.kind == "person" and contact.name_2
            name = f"{contact.name_2} {contact.name_1}" if is_person else contact.name_1
        mail = str(customer.get("email") or (contact.mail if contact else ""))
        return name or mail, mail

    def _customer_record(self, shop_id: Any) -> Mapping[str, Any]:
        if not shop_id:
            return {}
        if shop_id not in self._known:
            row = self._store.records.get("customer", str(shop_id))
            self._known[shop_id] = row.canonical() if row else {}
        return self._known[shop_id]


def _name(who: Mapping[str, Any]) -> str:
    person = " ".join(str(who[part]) for part in ("first_name", "last_name") if who.get(part))
    company = str(who.get("company_name") or who.get("company") or "")
    return person if who.get("kind") == "person" and person else company or person
