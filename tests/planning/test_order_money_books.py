"""The orders of the table in the sandbox's books: invoiced directly, and by order, delivery and invoice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import pytest
from order_money import CASES, Case
from test_order_money import coin_of, order_of

from bexsync.config.profile import Profile
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.effects import AddPosition, EditDocument
from bexsync.money import decimal_text, rounded
from bexsync.planning.contacts import Contacts
from bexsync.planning.documents import Document, DocumentPlanner, DocumentRules
from bexsync.planning.order_deliveries import all_parts, shipments
from bexsync.planning.order_lines import invoice_of
from bexsync.planning.order_payments import LedgerPayments, Receipts, is_settled, plan_payments, wanted_payments
from bexsync.ports.document_effects import CreateDocument, IssueDocument
from bexsync.ports.documents import EffectResult
from bexsync.ports.ledger import Ledger
from bexsync.ports.order_effects import CreateDelivery, CreateOrder, CreateOrderInvoice, IssueDelivery, RecordPayment
from bexsync.ports.steps import Effect
from bexsync.records import Customer, Line
from bexsync.vat import VatMap, VatRow
from world import NOW, World

D = Decimal
WHOM = LedgerId("1")
IBANS = {"CHF": "CH9300762011623852957", "EUR": "CH5604835012345678009"}
AT_ONCE = 150  # positions in one request, and what can become an invoice
IN_GROUPS = pytest.mark.parametrize("first", range(0, len(CASES), 10))


@dataclass
class Books:
    """The sandbox through the ledger, with what writes documents for it."""

    world: World
    ledger: Ledger

    def planner(self, case: Case, rules: DocumentRules, items: Mapping[str, LedgerId]) -> DocumentPlanner:
        rows = tuple(VatRow(code, use=use) for use, code in case.vat_map)  # type: ignore[arg-type]
        master = self.ledger.master(bank_accounts=True)

        def item_of(line: Line) -> LedgerId | None:
            return items.get(line.name or "")

        return DocumentPlanner(
            profile_of(case), master, VatMap(rows), master.me, NOW.date(), item_of=item_of, rules=rules
        )

    def document(self, case: Case, rules: DocumentRules, key: str, items: Mapping[str, LedgerId]) -> Document:
        planner, order = self.planner(case, rules, items), order_of(case)
        source = invoice_of(order, planner.profile, planner.master.ledger)
        return planner.write(source, order.customer or Customer(), Contacts(), key)

    def do(self, effect: Effect) -> LedgerId:
        done: EffectResult = self.ledger.perform(self.ledger.prepare(effect))
        assert done.ledger_id is not None
        return done.ledger_id

    def rounds_to(self, coin: str) -> None:
        """The accountant chooses to what totals in CHF are rounded."""
        state = self.world.sandbox.state
        with state.transaction():
            currency = next(row for row in state.tables["currencies"].values() if row["name"] == "CHF")
            state.put("currencies", {**currency, "round_factor": float(coin)})
        self.ledger.forget_master_data()

    def pay(self, case: Case, invoice: LedgerId) -> None:
        """Books what came in for the order."""
        order, state = order_of(case), self.ledger.document(invoice)
        assert state is not None
        receipts = Receipts.of_order(order)
        plan = plan_payments(receipts, LedgerPayments(state.remaining, coin_of(case)))
        for one in wanted_payments(plan, receipts, dict.fromkeys((None, "gift_card")), None):
            bank = self.account(case)
            self.do(RecordPayment(document_id=invoice, value=one.amount, day=one.day, bank_account_id=bank))

    def account(self, case: Case) -> LedgerId:
        accounts = self.ledger.master(bank_accounts=True).bank_accounts
        wanted = IBANS[case.order.get("currency", "CHF")]
        return next(one.id for one in accounts if one.iban == wanted)

    def booked(self, invoice: LedgerId, *, gross: bool) -> dict[str, tuple[str, str, str]]:
        """What the books show of the invoice, to the Rappen, the ledger's own rounding left out.

        As in the table, net amounts are rounded by themselves where the shop's prices are net, else the VAT is.
        """
        state = self.world.sandbox.state
        codes = {row["id"]: row["code"] for row in state.taxes.values()}
        found = {}
        for (account, tax), one in self.world.sandbox.revenue()[int(invoice)].items():
            if tax is None:
                continue
            vat, whole = rounded(D(one.vat)), rounded(D(one.net) + D(one.vat))
            net = whole - vat if gross else rounded(D(one.net))
            found[f"{account} {codes[tax]}"] = tuple(f"{value:.2f}" for value in (net, vat, net + vat))
        return found

    def check(self, case: Case, invoice: LedgerId) -> None:
        row = next(one for one in self.world.sandbox.invoices() if one["id"] == int(invoice))
        assert self.booked(invoice, gross=bool(case.order.get("prices_include_tax"))) == dict(case.sums), case.name
        assert D(row["total"]) == D(case.books), case.name
        assert (row["is_valid_from"], row["title"]) == (case.day, "Order 1001"), case.name
        assert row["bank_account_id"] == int(self.account(case)), case.name
        if case.booked is None:
            return
        remaining = D(row["total_remaining_payments"])
        assert remaining == D(case.open), case.name
        assert [decimal_text(D(one["value"])) for one in self.world.sandbox.payments(int(invoice))] == list(case.booked)
        assert is_settled(remaining, coin_of(case)) is (remaining < D("0.03")), case.name


def profile_of(case: Case) -> Profile:
    orders: dict[str, Any] = {"enabled": True, "gift_card_account": "2030", **case.profile.get("orders", {})}
    return Profile.model_validate({**case.profile, "orders": orders, "ledger": {"bank_account": IBANS}})


def header_of(document: Document) -> dict[str, Any]:
    return {one.name: getattr(document.header, one.name) for one in fields(document.header)} | {"contact_id": WHOM}


@contextmanager
def books_of(world: World) -> Iterator[Books]:
    """Books in which the code without VAT is active."""
    world.sandbox.person.set_tax_active("U00", True)
    world.sandbox.load_items(1, is_stock=True, stock_nr="1000000")
    with world.workspace() as workspace:
        yield Books(world, workspace.make_ledger(workspace.store, lambda effect: None))


@IN_GROUPS
def test_invoiced_directly(world: World, first: int) -> None:
    with books_of(world) as books:
        for number, case in enumerate(CASES[first : first + 10], first):
            if case.is_nothing:
                continue
            books.rounds_to(case.coin)
            rules = DocumentRules.for_invoices_of_orders(profile_of(case))
            document = books.document(case, rules, f"bexsync:main:order:{number}", {})
            create = CreateDocument(**header_of(document), positions=document.positions[:AT_ONCE])
            invoice = books.do(create)
            for index, position in enumerate(document.positions[AT_ONCE:], AT_ONCE):
                books.do(AddPosition(document_id=invoice, index=index, position=position))
            books.do(IssueDocument(document_id=invoice))
            books.pay(case, invoice)
            books.check(case, invoice)


@IN_GROUPS
def test_by_order_delivery_and_invoice(world: World, first: int) -> None:
    with books_of(world) as books:
        for number, case in enumerate(CASES[first : first + 10], first):
            books.rounds_to(case.coin)
            by_order(books, case, f"bexsync:main:order:{number}")


@IN_GROUPS
def test_by_order_where_orders_take_no_gross_prices(world: World, first: int) -> None:
    """Net prices of six decimals come to the same Rappen, per account and rate."""
    with books_of(world) as books:
        world.sandbox.behaviours.settle("order_mwst_is_net", "refused")
        for number, case in enumerate(CASES[first : first + 10], first):
            if case.order.get("prices_include_tax"):
                books.rounds_to(case.coin)
                by_order(books, case, f"bexsync:main:order:{number}", gross_prices=False)


def by_order(books: Books, case: Case, key: str, *, gross_prices: bool = True) -> None:
    item = next(one for one in books.ledger.items() if one.stock is not None)
    before = item.stock or D(0)
    items = {"Ware": item.ledger_id}
    profile = profile_of(case)
    document = books.document(case, DocumentRules.for_orders(profile, gross_prices=gross_prices), key, items)
    if len(document.positions) > AT_ONCE:
        return  # such an order is invoiced directly
    order = books.do(CreateOrder(**header_of(document), positions=document.positions))
    shown = books.ledger.order(order)
    assert shown is not None
    assert shown.total == D(case.books), case.name
    delivered = D(0)
    for shipment in shipments(order_of(case), document):
        delivery = books.do(CreateDelivery(document_id=order, contact_id=WHOM, parts=shipment.parts))
        books.do(IssueDelivery(document_id=delivery))
        delivered += sum(D(part.quantity or 0) for part in shipment.parts if document.positions[part.index].item_id)
    now = books.ledger.item(item.ledger_id)
    assert now is not None
    assert before - (now.stock or D(0)) == delivered, case.name
    if case.is_nothing:
        return
    invoiced = books.document(
        case, DocumentRules.for_invoices_of_orders(profile, gross_prices=gross_prices), key, items
    )
    assert invoiced.positions == document.positions
    invoice = books.do(
        CreateOrderInvoice(document_id=order, contact_id=WHOM, parts=all_parts(document), positions=invoiced.positions)
    )
    books.do(EditDocument(document_id=invoice, **header_of(invoiced)))
    books.do(IssueDocument(document_id=invoice))
    books.pay(case, invoice)
    books.check(case, invoice)
