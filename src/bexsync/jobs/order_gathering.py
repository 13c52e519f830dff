"""What orders sync asks the state and the ledger before it plans, and the planner that decides on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import cast

from bexsync.config.profile import OrderAction, OrdersSection, Profile
from bexsync.engine.answers import gone, observed
from bexsync.errors import MappingProblem
from bexsync.ids import LedgerId
from bexsync.jobs.invoice_gathering import check_numbering, contact_planner, documents_of, linked, owner_of
from bexsync.jobs.invoice_money import own_payments
from bexsync.jobs.order_notes import order_links, shop_notes, written_status
from bexsync.jobs.run import Run
from bexsync.jobs.settlement import counts_as_paid
from bexsync.jobs.start_dates import first_day
from bexsync.planning.documents import DocumentPlanner
from bexsync.planning.invoice_writing import FinishPlanner
from bexsync.planning.order_actions import ActionRules, occasion_of
from bexsync.planning.order_lines import zurich_day
from bexsync.planning.order_link import (
    INVOICE_KIND,
    KIND,
    KnownOrder,
    LinkedDelivery,
    LinkedOrder,
    changes,
    reference,
)
from bexsync.planning.order_writing import OrderWriter
from bexsync.planning.orders import OrderPlanner
from bexsync.planning.products import KIND as PRODUCT
from bexsync.ports.documents import DocumentState, DocumentStatus, OrderState, OrderStatus, Payment
from bexsync.ports.master_data import MasterData
from bexsync.ports.store import DocumentEvent, Link
from bexsync.records import Customer, Line, Order
from bexsync.store import Store

_FIRST_RUN = "orders:first_run"
_KNOWN_UP_TO = "orders:known_up_to"
_BEGAN = "orders_began"
_TAKES_MONEY = (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID, DocumentStatus.PAID)


def start_date(run: Run) -> date:
    """An empty start date means the Zurich day of the first run, for ever; it is noted outside the state, too."""
    setting = run.workspace.profile.orders.start_date
    return setting if setting is not None else first_day(run, _FIRST_RUN, _BEGAN, zurich_day(run.workspace.clock.now()))


def customer_of(run: Run, order: Order) -> Customer | None:
    """The customer in the order, else the shop's record of that customer."""
    if order.customer is not None or order.customer_id is None:
        return order.customer
    row = run.store.records.get("customer", order.customer_id)
    return cast(Customer, row.record()) if row else None


def wanted_actions(settings: OrdersSection) -> frozenset[OrderAction]:
    """Every action that some row of the profile names."""
    rows = [*settings.actions.values(), *(rule.actions for rule in settings.rules)]
    return frozenset(action for row in rows for action in row)


def order_planner(run: Run, start: date, *, foreign: bool, backfill: Collection[OrderAction] = ()) -> OrderPlanner:
    """The planner of one run; raises MappingProblem where profile and ledger do not agree on numbers or users."""
    profile = run.workspace.profile
    master = run.ledger.master(bank_accounts=foreign)
    try:
        _check_numberings(run, master)
        owner = owner_of(profile.ledger.user, master)
    except MappingProblem:
        run.ledger.forget_master_data()  # once a person has mended it, the next run is to see it
        raise
    today = zurich_day(run.workspace.clock.now())
    documents = DocumentPlanner(
        profile, master, run.workspace.vat_map, owner, today, run.ledger.negative_prices, partial(_item_of, run)
    )
    return OrderPlanner(
        writer=OrderWriter(
            documents=documents,
            contacts=contact_planner(run, master, owner),
            finisher=FinishPlanner(profile, master.me.mail),
            site=run.store.site,
            gross_orders=run.ledger.gross_orders,
        ),
        settings=profile.orders,
        start_date=start,
        today=today,
        done=run.was_done,
        finished=partial(run.workspace.kept.documents, DocumentEvent.FINISHED),
        forgotten=partial(run.workspace.kept.documents, DocumentEvent.FORGOTTEN),
        backfill=frozenset(backfill),
    )


def _check_numberings(run: Run, master: MasterData) -> None:
    """Profile and ledger must agree on who numbers each kind of document that the profile wants."""
    for problem in numbering_problems(run.workspace.profile, master).values():
        raise problem


def numbering_problems(profile: Profile, master: MasterData) -> dict[str, MappingProblem]:
    """What profile and ledger do not agree on, by the kind of document that [orders] wants."""
    wanted, found = wanted_actions(profile.orders), dict[str, MappingProblem]()
    for action, look in (("invoice", _of_invoices), ("order", _of_orders), ("delivery", _of_deliveries)):
        if action in wanted:
            try:
                look(profile, master)
            except MappingProblem as problem:
                found[action] = problem
    return found


def _of_invoices(profile: Profile, master: MasterData) -> None:
    check_numbering(profile.ledger.numbering, master)


def _of_orders(profile: Profile, master: MasterData) -> None:
    is_automatic = master.automatic_order_numbering
    check_numbering(profile.orders.numbering, master, is_automatic=is_automatic, what="orders", section="[orders]")


def _of_deliveries(profile: Profile, master: MasterData) -> None:
    del profile
    if not master.automatic_delivery_numbering:
        raise MappingProblem(
            f"{master.ledger} does not number deliveries by itself, and a delivery takes no number of ours.",
            f'Switch on automatic numbering of deliveries in {master.ledger}, or take "delivery" out of [orders].',
            code="numbering",
        )


def _item_of(run: Run, line: Line) -> LedgerId | None:
    """The item that the line's product is linked to, by the shop's id, else by its SKU."""
    if line.product_shop_id is not None:
        link = run.store.links.get(PRODUCT, line.product_shop_id)
        if link is not None:
            return link.ledger_id
    return run.store.links.numbered(PRODUCT, line.sku) if line.sku else None


@dataclass
class OrderBooks:
    """What state and ledger have of the orders that a run looks at."""

    run: Run
    found_orders: Mapping[str, Sequence[OrderState]] = field(default_factory=dict)
    found_invoices: Mapping[str, Sequence[DocumentState]] = field(default_factory=dict)

    def find(self, shop_ids: Sequence[str]) -> None:
        """Ask the ledger for documents that carry our references and that no link holds."""
        links = self.run.store.links
        if any(links.get(KIND, shop_id) is None for shop_id in shop_ids):
            self.found_orders = _unlinked_orders(self.run)
        asked = [shop_id for shop_id in shop_ids if links.get(INVOICE_KIND, shop_id) is None]
        if asked:
            self.found_invoices = documents_of(self.run, asked, reference)

    def refresh(self, shop_ids: Sequence[str]) -> None:
        """Ask anew how linked documents stand: a state restored from a copy must not do anything again."""
        links = self.run.store.links
        orders = [link for shop_id in shop_ids if (link := links.get(KIND, shop_id))]
        if orders:
            states = self.run.ledger.orders([link.ledger_id for link in orders])
            for link in orders:
                self._save(link, states.get(link.ledger_id) or self.run.ledger.order(link.ledger_id))
        invoices = [link for shop_id in shop_ids if (link := links.get(INVOICE_KIND, shop_id))]
        if invoices:
            documents = self.run.ledger.documents([link.ledger_id for link in invoices])
            for link in invoices:
                self._save(link, documents.get(link.ledger_id) or self.run.ledger.document(link.ledger_id))

    def _save(self, link: Link, state: OrderState | DocumentState | None) -> None:
        store, now = self.run.store, self.run.workspace.clock.now()
        is_settled = isinstance(state, DocumentState) and counts_as_paid(self.run, state)
        with store.transaction():
            fresh = store.links.get(link.kind, link.shop_id) or link
            store.links.save(observed(fresh, state, is_settled=is_settled) if state else gone(fresh), now)

    def known(self, order: Order) -> KnownOrder:
        """Everything that is known of one order before it is planned."""
        store, key = self.run.store, reference(self.run.store.site, order.shop_id)
        placed, invoice = store.links.get(KIND, order.shop_id), store.links.get(INVOICE_KIND, order.shop_id)
        state = invoice.state if invoice is not None else {}
        own = own_payments(self.run, KIND, order.shop_id, key)
        return KnownOrder(
            order=self._placed(placed, order) if placed is not None else None,
            invoice=linked(invoice) if invoice is not None else None,
            found_orders=() if placed is not None else self.found_orders.get(order.shop_id, ()),
            found_invoices=() if invoice is not None else self.found_invoices.get(key, ()),
            payments=self._payments(invoice, order, own) if invoice is not None else (),
            remaining=Decimal(state["remaining"]) if state.get("remaining") else None,
            received=_sum(state) if invoice is not None else None,
            own_payments=own,
            written=written_status(shop_notes(order_links(store, order.shop_id))),
        )

    def _placed(self, link: Link, order: Order) -> LinkedOrder:
        shipments = link.notes.get("delivery", {})
        return LinkedOrder(
            ledger_id=link.ledger_id,
            number=link.number,
            url=link.url,
            standing=OrderStatus(link.state.get("standing", "pending")),
            total=Decimal(link.state.get("total", "0")),
            fingerprint=link.fingerprint,
            agreed=link.agreed,
            content=str(link.notes.get("content", "")),
            content_now=self._content_now(link, order),
            revision=int(link.notes.get("revision", 0)),
            adopted=link.adopted,
            contact_id=LedgerId.known(link.notes.get("contact_id")),
            deliveries=tuple(
                LinkedDelivery(one.ledger_id, one.number, one.url, str(shipments.get(str(one.ledger_id), "")))
                for one in link.documents
                if one.role == "delivery"
            ),
        )

    def _content_now(self, link: Link, order: Order) -> str:
        """What the order holds now; it is looked at only where that decides whether it may be made anew or deleted."""
        decision = self.decided(order)
        is_to_change = "cancel" in decision or (bool(link.fingerprint) and bool(changes(link.agreed, order)))
        if not is_to_change or link.state.get("standing") == OrderStatus.DELETED:
            return ""
        state = self.run.ledger.order(link.ledger_id)
        return state.content if state is not None else ""

    def _payments(self, link: Link, order: Order, own: Collection[str]) -> Sequence[Payment]:
        """The payments that the ledger shows; they are asked for only where money of the shop is to be compared."""
        is_open = link.state.get("standing") in _TAKES_MONEY
        is_news = any(one.is_money and one.shop_id not in own for one in order.payments)
        if not is_open or "payment" not in self.decided(order) or not (is_news or not order.payments):
            return ()
        return tuple(self.run.ledger.payments(link.ledger_id))

    def decided(self, order: Order) -> Sequence[OrderAction]:
        """The actions that the order's status starts."""
        rules = ActionRules(self.run.workspace.profile.orders)
        decision = rules.decide(occasion_of(order, customer_of(self.run, order)))
        return decision.actions if decision is not None else ()


def _sum(state: Mapping[str, str]) -> Decimal:
    return Decimal(state.get("received") or 0) + Decimal(state.get("credited") or 0)


def look_for_all_orders(store: Store) -> None:
    """Let the next run look through all orders of the ledger, since one that had a link may have none now."""
    store.cursors.move(_KNOWN_UP_TO, "0")


def _unlinked_orders(run: Run) -> dict[str, list[OrderState]]:
    """The orders in the ledger that carry our references and that no link holds, by shop id.

    References of orders cannot be searched for, so newer orders are listed from where the last run ended; what is not
    linked stays ahead of that.
    """
    store, prefix = run.store, reference(run.store.site, "")
    known, found, is_past = LedgerId(store.cursors.get(_KNOWN_UP_TO) or 0), dict[str, list[OrderState]](), False
    last = known
    for state in run.ledger.orders_above(known):
        if state.reference.startswith(prefix) and store.links.owner_of(KIND, state.ledger_id) is None:
            found.setdefault(state.reference.removeprefix(prefix), []).append(state)
            is_past = True
        elif not is_past:
            last = state.ledger_id
    if last != known:
        store.cursors.move(_KNOWN_UP_TO, last)
    return found
