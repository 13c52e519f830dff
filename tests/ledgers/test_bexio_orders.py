"""Orders in bexio: each effect once, found again after a lost answer, and held where a person or bexio differs."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from orders_kit import LETTER, Desk, a_desk, all_parts, statuses, whole_order

from bexio_sandbox import Fault
from bexio_sandbox.state import invoices
from bexsync.ids import LedgerId
from bexsync.ports.documents import OrderStatus
from bexsync.ports.order_effects import OrderPart
from bexsync.ports.wanted import Create, Finish, TakeBack
from bexsync.ports.wanted_orders import AdoptOrder, Deliver, InvoiceFromOrder, Mail, Pay, PlaceOrder, RemoveOrder
from constants import set_constant
from world import World

TWO = (("Tisch", "2", "100"), ("Buch", "3", "20"))  # 281.06
WHOLE = ("order", "delivery", "delivery_issue", "order_invoice", "invoice_edit", "issue", "payment", "send")


def books(world: World) -> tuple[int, int, int, int, int]:
    """How many orders, deliveries, invoices, payments and mails there are."""
    sandbox = world.sandbox
    lists = (sandbox.orders(), sandbox.deliveries(), sandbox.invoices(), sandbox.payments(), sandbox.mails)
    return tuple(len(one) for one in lists)  # type: ignore[return-value]


def test_an_order_is_placed_delivered_invoiced_paid_and_mailed_once(world: World) -> None:
    with a_desk(world) as desk:
        document = desk.document(*TWO)
        wants = whole_order(document, paid="281.05")
        assert statuses(desk.apply(*wants)) == [(kind, "done") for kind in WHOLE]
        assert books(world) == (1, 1, 1, 1, 1)
        # The first time it is looked what an issue and a mail do to the public link.
        assert desk.run.store.facts.get("issue_gives_link") is False
        assert desk.run.store.facts.get("mail_gives_link") is True
        sent = [f"{one.method} {re.sub('[0-9]+$|(?<=/)[0-9]+(?=/)', '*', one.path)}" for one in world.sandbox.requests]
        assert sent[-14:] == [
            "GET /2.0/kb_order",
            "POST /2.0/kb_order",
            "GET /2.0/kb_delivery",
            "POST /2.0/kb_order/*/delivery",
            "POST /2.0/kb_delivery/*/issue",
            "GET /2.0/kb_invoice",
            "POST /2.0/kb_order/*/invoice",
            "POST /2.0/kb_invoice/*",
            "POST /2.0/kb_invoice/*/issue",
            "GET /2.0/kb_invoice/*",
            "GET /2.0/kb_invoice/*",
            "POST /2.0/kb_invoice/*/payment",
            "POST /2.0/kb_invoice/*/send",
            "GET /2.0/kb_invoice/*",
        ]
        before = world.writes()
        assert statuses(desk.apply(*wants)) == [(kind, "done") for kind in WHOLE]
        assert world.writes() == before
        (order,), (delivery,), (invoice,) = world.sandbox.orders(), world.sandbox.deliveries(), world.sandbox.invoices()
        assert (order["api_reference"], order["title"], order["kb_item_status_id"]) == (desk.reference, "Order 7", 6)
        assert delivery["kb_item_status_id"] == 18
        assert (invoice["api_reference"], invoice["title"], invoice["reference"]) == (desk.reference, "Order 7", "PO-1")
        assert (invoice["is_valid_from"], invoice["is_valid_to"]) == ("2026-11-02", "2026-12-02")
        assert (invoice["kb_item_status_id"], Decimal(invoice["total"])) == (9, Decimal("281.05"))
        (mail,) = world.sandbox.mails
        assert (mail.document_nr, "Total 281.05" in mail.message) == (invoice["document_nr"], True)
        link, of_invoice = desk.link("order"), desk.link("order_invoice")
        assert (link.ledger_kind, link.number, link.state["total"]) == ("order", order["document_nr"], "281.05")
        (part,) = link.documents
        assert (part.role, part.ledger_kind, part.number) == ("delivery", "delivery", delivery["document_nr"])
        assert link.notes["delivery"] == {str(delivery["id"]): "s1"}
        assert (of_invoice.ledger_kind, of_invoice.number) == ("invoice", invoice["document_nr"])
        assert (of_invoice.state["standing"], of_invoice.state["remaining"], of_invoice.is_open) == ("paid", "0", False)


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "drop_before", "html_after"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2.0/kb_order"),
        ("POST", "/2.0/kb_order/{id}/delivery"),
        ("POST", "/2.0/kb_delivery/{id}/issue"),
        ("POST", "/2.0/kb_order/{id}/invoice"),
        ("POST", "/2.0/kb_invoice/{id}"),
        ("POST", "/2.0/kb_invoice/{id}/issue"),
        ("POST", "/2.0/kb_invoice/{id}/payment"),
    ],
)
def test_an_answer_that_did_not_come_is_looked_for(world: World, fault: str, method: str, path: str) -> None:
    with a_desk(world) as desk:
        wants = whole_order(desk.document(*TWO), paid="281.05")
        world.sandbox.faults.plan([Fault(fault, method, path)])
        for _ in range(3):
            desk.settle()
            record = desk.apply(*wants)
        assert statuses(record) == [(kind, "done") for kind in WHOLE]
        assert books(world) == (1, 1, 1, 1, 1)


def test_the_watermark_of_the_journal_counts_and_not_what_came_since(world: World) -> None:
    """Somebody else makes a delivery alike after ours was lost: ours is still found, and both are for a person."""
    with a_desk(world) as desk:
        document = desk.document(("Tisch", "2", "100"))
        half = (OrderPart(index=0, quantity="1"),)
        desk.apply(PlaceOrder(document))
        world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_order/{id}/delivery")])
        desk.apply(Deliver("s1", half, order=desk.known("order")))
        order = desk.run.ledger.order(desk.link("order").ledger_id)
        assert order is not None
        desk.run.ledger.perform(_delivery_of(desk, half))
        desk.settle()
        record = desk.apply(Deliver("s1", half, order=desk.known("order")))
        assert statuses(record)[0] == ("delivery", "conflict")
        assert "2 new deliveries that may be it" in record.steps[0].said


def test_a_lost_delivery_is_not_taken_for_one_that_was_there_before(world: World) -> None:
    with a_desk(world) as desk:
        one = (OrderPart(index=0, quantity="1"),)
        desk.apply(PlaceOrder(desk.document(("Tisch", "3", "100"))), Deliver("s1", one))
        world.sandbox.faults.plan([Fault("drop_before", "POST", "/2.0/kb_order/{id}/delivery")])
        for _ in range(2):
            desk.settle()
            record = desk.apply(Deliver("s2", one, order=desk.known("order")))
        assert {status for _, status in statuses(record)} == {"done"}
        assert books(world)[:2] == (1, 2)


def _delivery_of(desk: Desk, parts: tuple[OrderPart, ...]) -> object:
    from bexsync.ports.order_effects import CreateDelivery

    return CreateDelivery(document_id=desk.link("order").ledger_id, contact_id=LedgerId("1"), parts=parts)


def test_two_shipments_and_no_more_than_was_ordered(world: World) -> None:
    with a_desk(world) as desk:
        document = desk.document(("Tisch", "3", "100"))
        desk.apply(PlaceOrder(document))
        known = desk.known("order")
        one, two = (OrderPart(index=0, quantity="1"),), (OrderPart(index=0, quantity="2"),)
        assert statuses(desk.apply(Deliver("s1", one, order=known))) == [
            ("delivery", "done"),
            ("delivery_issue", "done"),
        ]
        assert statuses(desk.apply(Deliver("s2", two, order=known)))[0] == ("delivery", "done")
        assert statuses(desk.apply(Deliver("s3", one, order=known)))[0] == ("delivery", "refused")
        assert len(desk.link("order").documents) == 2


@pytest.mark.parametrize("step", ["delivery", "order_invoice"])
def test_nothing_is_made_of_an_order_whose_positions_a_person_changed(world: World, step: str) -> None:
    with a_desk(world) as desk:
        document = desk.document(*TWO)
        desk.apply(PlaceOrder(document))
        known = desk.known("order")
        world.sandbox.person.edit_order_price(int(known.ledger_id), 0, "90")
        world.clock.forward(seconds=2)
        want = Deliver("s1", all_parts(document), order=known)
        record = desk.apply(want if step == "delivery" else InvoiceFromOrder(document, all_parts(document), known))
        assert statuses(record)[0] == (step, "held")
        assert "The positions of" in record.steps[0].said
        assert books(world)[1:3] == (0, 0)


def test_a_long_order_is_placed_in_parts_and_invoiced_directly(world: World) -> None:
    lines = [(f"Teil {n}", "1", "1") for n in range(180)]
    with a_desk(world) as desk:
        document = desk.document(*lines)
        world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_order/{id}/kb_position_custom", nth=7)])
        wants = (PlaceOrder(document), InvoiceFromOrder(document, all_parts(document)), Finish(None, "CHF"))
        for _ in range(2):
            desk.settle()
            record = desk.apply(*wants)
        assert {status for _, status in statuses(record)} == {"done"}
        (order,), (invoice,) = world.sandbox.orders(), world.sandbox.invoices()
        assert len(order["positions"]) == len(invoice["positions"]) == 180
        assert (order["total"], invoice["total"]) == ("194.600000", "194.600000")
        assert desk.link("order").fingerprint == desk.link("order_invoice").fingerprint == document.fingerprint


def test_half_an_invoice_that_a_failure_left_is_deleted_and_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """bexio is known to fail on more than 150 positions; it may do so on fewer."""
    set_constant(monkeypatch, "POSITIONS_AT_ONCE", 1000, read_by="bexio.steps")
    lines = [(f"Teil {n}", "1", "1") for n in range(180)]
    with a_desk(world) as desk:
        document = desk.document(*lines)
        desk.apply(PlaceOrder(document))
        want = InvoiceFromOrder(document, all_parts(document), desk.known("order"))
        record = desk.apply(want, Finish(None, "CHF"))
        assert statuses(record)[0] == ("order_invoice", "held")
        assert "with 90 of 180 positions, which was deleted" in record.steps[0].said
        assert world.sandbox.invoices() == []
        before = world.writes()
        assert statuses(desk.apply(want, Finish(None, "CHF")))[0] == ("order_invoice", "held")
        assert world.writes() == before


def test_half_an_invoice_of_which_no_answer_came_is_for_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """bexio may still be at work on it, so nothing is deleted."""
    set_constant(monkeypatch, "POSITIONS_AT_ONCE", 1000, read_by="bexio.steps")
    with a_desk(world) as desk:
        document = desk.document(*[(f"Teil {n}", "1", "1") for n in range(180)])
        desk.apply(PlaceOrder(document))
        world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_order/{id}/invoice")])
        want = InvoiceFromOrder(document, all_parts(document), desk.known("order"))
        assert statuses(desk.apply(want))[0] == ("order_invoice", "in_doubt")
        desk.settle()
        record = desk.apply(want)
        assert statuses(record)[0] == ("order_invoice", "conflict")
        assert "made only 90 of 180 positions" in record.steps[0].said
        assert books(world)[2] == 1


def test_a_conversion_that_failed_but_made_all_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "POSITIONS_AT_ONCE", 1000, read_by="bexio.steps")
    world.sandbox.behaviours.settle("large_conversion", "all")
    with a_desk(world) as desk:
        document = desk.document(*[(f"Teil {n}", "1", "1") for n in range(180)])
        wants = (PlaceOrder(document), InvoiceFromOrder(document, all_parts(document)))
        for _ in range(2):
            desk.settle()
            record = desk.apply(*wants)
        assert {status for _, status in statuses(record)} == {"done"}
        assert books(world)[2] == 1


def test_where_orders_may_not_say_their_prices_net_ones_are_sent_and_gross_ones_are_not(world: World) -> None:
    world.sandbox.behaviours.settle("order_mwst_is_net", "refused")
    with a_desk(world) as desk:
        assert desk.run.ledger.gross_orders
        gross = desk.document(("Tisch", "1", "108.10"), prices="gross")
        assert statuses(desk.apply(PlaceOrder(gross))) == [("order", "refused")]
        assert not desk.run.ledger.gross_orders
        assert desk.run.ledger.learned_facts == 1
        net = desk.document(("Tisch", "1", "100"))
        assert statuses(desk.apply(PlaceOrder(net))) == [("order", "done")]
        (order,) = world.sandbox.orders()
        assert Decimal(order["total"]) == Decimal("108.10")


def test_an_order_that_changed_is_made_anew_where_nobody_touched_it(world: World) -> None:
    with a_desk(world) as desk:
        desk.apply(PlaceOrder(desk.document(*TWO)))
        changed = desk.document(("Tisch", "1", "100"))
        record = desk.apply(PlaceOrder(changed, replaces=desk.known("order")))
        assert statuses(record) == [("order_delete", "done"), ("order", "done")]
        (order,) = world.sandbox.orders()
        link = desk.link("order")
        assert (link.number, link.notes["revision"], link.state["standing"]) == (order["document_nr"], 1, "pending")
        world.sandbox.person.edit_order(int(link.ledger_id), title="Mine")
        record = desk.apply(RemoveOrder(desk.known("order")))
        assert statuses(record) == [("order_delete", "held")]
        assert len(world.sandbox.orders()) == 1


def test_an_order_made_anew_gets_an_invoice_of_its_own(world: World) -> None:
    """Its steps have names of their own, so that none counts as done by those of the order before."""
    with a_desk(world) as desk:
        before = desk.document(*TWO)
        desk.apply(PlaceOrder(before), InvoiceFromOrder(before, all_parts(before)))
        after = desk.document(("Tisch", "1", "100"))
        record = desk.apply(
            TakeBack(desk.known("order_invoice"), is_draft=True),
            PlaceOrder(after, replaces=desk.known("order")),
            InvoiceFromOrder(after, all_parts(after)),
            Finish(None, "CHF"),
        )
        kinds = ("invoice_delete", "order_delete", "order", "order_invoice", "invoice_edit", "issue")
        assert statuses(record) == [(kind, "done") for kind in kinds]
        (order,), (invoice,) = world.sandbox.orders(), world.sandbox.invoices()
        assert Decimal(order["total"]) == Decimal(invoice["total"]) == Decimal("108.10")
        links = (desk.link("order").ledger_id, desk.link("order_invoice").ledger_id)
        assert links == (str(order["id"]), str(invoice["id"]))
        writes = world.writes()
        again = desk.apply(
            PlaceOrder(after, revision=1), InvoiceFromOrder(after, all_parts(after)), Finish(None, "CHF")
        )
        assert {status for _, status in statuses(again)} == {"done"}
        assert world.writes() == writes


def test_an_order_is_not_deleted_where_its_invoice_was_not(world: World) -> None:
    with a_desk(world) as desk:
        before = desk.document(*TWO)
        desk.apply(PlaceOrder(before), InvoiceFromOrder(before, all_parts(before)))
        invoice = desk.known("order_invoice")
        world.sandbox.person.edit(int(invoice.ledger_id), title="Mine")
        order = desk.known("order")
        record = desk.apply(
            TakeBack(invoice, is_draft=True), PlaceOrder(desk.document(("A", "1", "1")), replaces=order)
        )
        assert statuses(record) == [("invoice_delete", "held"), ("order_delete", "skipped"), ("order", "skipped")]
        assert books(world)[:3] == (1, 0, 1)


def test_an_order_of_a_lost_state_is_linked_where_it_says_the_same(world: World) -> None:
    with a_desk(world) as desk:
        document = desk.document(*TWO)
        desk.apply(PlaceOrder(document))
        desk.run.store.links.forget("order", "7")
        (found,) = desk.run.ledger.orders_above(LedgerId("0"))
        other = desk.document(("Tisch", "2", "101"), ("Buch", "3", "20"))
        record = desk.apply(AdoptOrder(found, other))
        assert statuses(record) == [("order_verify", "held")]
        assert "its positions are not what the shop says" in record.steps[0].said
        assert statuses(desk.apply(AdoptOrder(found, document))) == [("order_verify", "done")]
        link = desk.link("order")
        assert (link.adopted, link.fingerprint, link.number) == (True, document.fingerprint, found.number)


def test_an_order_is_removed_once_and_never_after_it_was_delivered(world: World) -> None:
    with a_desk(world) as desk:
        document = desk.document(*TWO)
        desk.apply(PlaceOrder(document), Deliver("s1", all_parts(document)))
        assert statuses(desk.apply(RemoveOrder(desk.known("order")))) == [("order_delete", "held")]
        assert len(world.sandbox.orders()) == 1


def test_a_payment_beside_one_that_a_person_booked_is_held(world: World) -> None:
    with a_desk(world) as desk:
        desk.apply(Create(desk.document(*TWO)), Finish(None, "CHF"))
        known = desk.known("order_invoice")
        world.sandbox.person.pay(int(known.ledger_id), "100")
        pay = Pay("t1", "100", "CHF", "2026-11-03", None, known, received="0")
        record = desk.apply(pay)
        assert statuses(record) == [("payment", "held")]
        assert "booked money meanwhile" in record.steps[0].said
        looked = Pay("t1", "100", "CHF", "2026-11-03", None, known, received="100")
        assert statuses(desk.apply(looked)) == [("payment", "done")]
        too_much = Pay("t2", "100", "CHF", "2026-11-03", None, known, received="200")
        record = desk.apply(too_much)
        assert statuses(record) == [("payment", "held")]
        assert "81.05 of" in record.steps[0].said
        assert len(world.sandbox.payments()) == 2


@pytest.mark.parametrize("fault", [None, "drop_after"])
def test_what_bexio_rounds_away_of_a_new_invoice_is_not_booked(world: World, fault: str | None) -> None:
    """The shop was paid 281.06, bexio comes to 281.05."""
    with a_desk(world) as desk:
        if fault:
            world.sandbox.faults.plan([Fault(fault, "POST", "/2.0/kb_invoice/{id}/payment")])
        wants = (Create(desk.document(*TWO)), Finish(None, "CHF"), Pay("t1", "281.06", "CHF", "2026-11-03", None))
        for _ in range(2):
            desk.settle()
            record = desk.apply(*wants)
        assert {status for _, status in statuses(record)} == {"done"}
        assert [Decimal(row["value"]) for row in world.sandbox.payments()] == [Decimal("281.05")]
        assert desk.link("order_invoice").state["remaining"] == "0"
        more = Pay("t2", "0.20", "CHF", "2026-11-03", None)
        assert statuses(desk.apply(*wants, more))[-1] == ("payment", "held")


def test_a_lost_payment_is_not_taken_for_one_that_was_there_before(world: World) -> None:
    with a_desk(world) as desk:
        desk.apply(Create(desk.document(*TWO)), Finish(None, "CHF"), Pay("t1", "100", "CHF", "2026-11-03", None))
        world.sandbox.faults.plan([Fault("drop_before", "POST", "/2.0/kb_invoice/{id}/payment")])
        wants = (Pay("t2", "100", "CHF", "2026-11-03", None, desk.known("order_invoice"), received="100"),)
        desk.apply(*wants)
        assert len(world.sandbox.payments()) == 1
        desk.settle()
        assert statuses(desk.apply(*wants)) == [("payment", "done")]
        assert [Decimal(row["value"]) for row in world.sandbox.payments()] == [100, 100]


def test_payments_show_their_bank_account(world: World) -> None:
    with a_desk(world) as desk:
        desk.apply(
            Create(desk.document(*TWO)), Finish(None, "CHF"), Pay("t1", "100", "CHF", "2026-11-03", LedgerId("1"))
        )
        (payment,) = desk.run.ledger.payments(desk.link("order_invoice").ledger_id)
        assert (payment.value, payment.day, payment.bank_account_id) == (Decimal(100), "2026-11-03", "1")


def test_what_can_be_read_of_orders_and_deliveries(world: World) -> None:
    with a_desk(world) as desk:
        document = desk.document(*TWO)
        desk.apply(PlaceOrder(document))
        ledger, number = desk.run.ledger, desk.link("order").ledger_id
        first = ledger.order(number)
        assert first is not None
        assert (first.reference, first.standing, first.title) == (desk.reference, OrderStatus.PENDING, "Order 7")
        assert first.positions is not None
        assert [(one.quantity, one.open, one.completed) for one in first.positions] == [(2, 2, 0), (3, 3, 0)]
        assert (set(ledger.orders([number])), ledger.orders([LedgerId("99")])) == ({number}, {})
        assert [one.ledger_id for one in ledger.orders_above(LedgerId("0"))] == [number]
        assert list(ledger.orders_above(number)) == []
        assert [one.ledger_id for one in ledger.orders_changed_since(world.clock.now())] == [number]
        assert [one.ledger_id for one in ledger.orders_changed_since(None)] == [number]
        desk.apply(Deliver("s1", all_parts(document), order=desk.known("order")))
        (delivery,) = ledger.deliveries()
        assert (delivery.is_issued, delivery.is_cancelled) == (True, False)
        assert ledger.delivery(delivery.ledger_id) == delivery
        assert ledger.delivery(LedgerId("99")) is None
        world.sandbox.person.cancel_order(int(number))
        world.clock.forward(seconds=2)
        again = ledger.order(number)
        assert again is not None
        assert again.standing is OrderStatus.CANCELLED
        record = desk.apply(Deliver("s2", all_parts(document), order=desk.known("order")))
        assert "was cancelled in bexio, so nothing was made of it" in record.steps[0].said


def test_numbering_is_known_by_class_and_accounts_by_kind(world: World) -> None:
    world.sandbox.person.set_automatic_numbering(False, "KbOrder")
    with a_desk(world) as desk:
        master = desk.run.ledger.master(bank_accounts=True)
        assert not master.automatic_order_numbering
        assert master.automatic_numbering
        assert master.automatic_delivery_numbering
        assert {a.number for a in master.accounts if a.is_liability} >= {"2000"}
        assert not any(a.is_liability and a.is_income for a in master.accounts)
        assert all(account.name for account in master.bank_accounts)
        document = desk.document(*TWO)
        assert statuses(desk.apply(PlaceOrder(document))) == [("order", "refused")]
        numbered = desk.document(*TWO, number="B-7")
        assert statuses(desk.apply(PlaceOrder(numbered))) == [("order", "done")]
        assert desk.link("order").number == "B-7"


def test_an_article_leaves_the_stock_when_its_delivery_is_issued(world: World) -> None:
    item = world.sandbox.person.create_item("T-1", "Tisch", "100", is_stock=True)
    world.sandbox.person.book_stock(item, "5")
    with a_desk(world) as desk:
        document = desk.document(("Tisch", "2", "100"))
        article = replace(document.positions[0], type="article", item_id=LedgerId(str(item)))
        document = replace(document, positions=(article,))
        record = desk.apply(*whole_order(document))
        assert {status for _, status in statuses(record)} == {"done"}
        (row,) = [row for row in world.sandbox.items() if row["id"] == item]
        assert Decimal(str(row["stock_nr"])) == 3
        (invoice,) = world.sandbox.invoices()
        assert [one["type"] for one in invoice["positions"]] == ["KbPositionArticle"]


@pytest.mark.parametrize("network_link", ["on_send", "on_issue"])
@pytest.mark.parametrize("knows", [True, False])
def test_an_issued_invoice_is_mailed_whatever_gives_it_its_link(world: World, network_link: str, knows: bool) -> None:
    world.sandbox.behaviours.settle("network_link", network_link)
    with a_desk(world) as desk:
        if knows:
            desk.run.store.facts.learn("issue_gives_link", network_link == "on_issue", world.clock.now())
        record = desk.apply(*whole_order(desk.document(*TWO), paid="281.05"))
        assert {status for _, status in statuses(record)} == {"done"}
        assert len(world.sandbox.mails) == 1
        assert desk.run.store.facts.get("issue_gives_link") is (network_link == "on_issue")


@pytest.mark.parametrize(("fault", "status"), [("drop_before", "conflict"), ("drop_after", "done")])
def test_a_mail_in_doubt_is_for_a_person_until_it_was_seen_what_a_mail_does(
    world: World, fault: str, status: str
) -> None:
    with a_desk(world) as desk:
        world.sandbox.faults.plan([Fault(fault, "POST", "/2.0/kb_invoice/{id}/send")])
        wants = whole_order(desk.document(*TWO), paid="281.05")
        for _ in range(2):
            desk.settle()
            record = desk.apply(*wants)
        assert statuses(record)[-1] == ("send", status)
        assert len(world.sandbox.mails) == (0 if fault == "drop_before" else 1)


@pytest.mark.parametrize(("seconds", "looks"), [(1, 1), (2, 2)])
def test_a_mail_after_a_payment_looks_again_only_when_a_second_has_passed(
    world: World, seconds: int, looks: int
) -> None:
    with a_desk(world) as desk:
        desk.run.store.facts.learn("issue_gives_link", False, world.clock.now())
        desk.run.store.facts.learn("mail_gives_link", True, world.clock.now())

        def passes(request: Any) -> None:
            if request.path.endswith("/payment"):
                world.clock.forward(seconds=seconds)

        world.sandbox.hooks.before.append(passes)
        record = desk.apply(*whole_order(desk.document(*TWO), paid="281.05"))
        assert {status for _, status in statuses(record)} == {"done"}
        (invoice,) = world.sandbox.invoices()
        asked = [one.path for one in world.sandbox.requests if one.method == "GET"]
        assert asked.count(f"/2.0/kb_invoice/{invoice['id']}") == looks


def test_who_mails_it_a_moment_before_us_does_so_instead_of_us(world: World) -> None:
    with a_desk(world) as desk:
        desk.run.store.facts.learn("issue_gives_link", False, world.clock.now())

        def is_slow(request: Any) -> None:
            if request.path.endswith("/payment"):
                world.clock.forward(seconds=2)
                with world.sandbox.state.transaction():
                    letter = {"recipient_email": "ina@example.ch", "subject": "Von Hand", "message": "[Network Link]"}
                    invoices.send(world.sandbox.state, 1, letter)

        world.sandbox.hooks.before.append(is_slow)
        record = desk.apply(*whole_order(desk.document(*TWO), paid="281.05"))
        assert {status for _, status in statuses(record)} == {"done"}
        assert [mail.subject for mail in world.sandbox.mails] == ["Von Hand"]


def test_whoever_mailed_it_meanwhile_did_so_instead_of_us(world: World) -> None:
    with a_desk(world) as desk:
        desk.apply(Create(desk.document(*TWO)), Finish(None, "CHF"), Pay("t1", "281.05", "CHF", "2026-11-03", None))
        record = desk.apply(Mail(LETTER, "CHF", "2026-12-02", desk.known("order_invoice")))
        assert statuses(record) == [("send", "done")]
        assert len(world.sandbox.mails) == 1
