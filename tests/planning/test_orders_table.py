"""What is done for an order: every status after every other, changes, cancellations, old orders, people in between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.config.order_rules import nonsense_in
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.order_actions import ALL_ACTIONS
from bexsync.planning.order_link import WrittenStatus, digest_beside_status
from bexsync.planning.order_writing import NoAction, PlannedOrder, Reason
from bexsync.ports.documents import DocumentState, DocumentStatus, OrderState, OrderStatus
from bexsync.records.order import Order
from planning.order_kit import CUSTOMER, a_line, an_order, settings
from planning.order_ledger import Books, words

ALL = ["contact", "order", "delivery", "invoice", "issue", "payment", "send"]
DIRECT = ["contact", "invoice", "issue", "payment", "send"]
PAID: dict[str, Any] = {
    "payments": [{"shop_id": "t1", "amount": "100", "currency": "CHF", "paid_at": "2026-11-20T10:01:00+01:00"}]
}
# Every row of the profile that makes sense.
ROWS = [
    list(row)
    for size in range(len(ALL_ACTIONS) + 1)
    for row in combinations(ALL_ACTIONS, size)
    if not nonsense_in(row) and "contact" in (*row, *(["contact"] if not row or "cancel" in row else []))
]


def books(**rows: list[str]) -> Books:
    return Books(settings(actions=rows))


def problem(ledger: Books, order: Order) -> RecordProblem:
    with pytest.raises(RecordProblem) as caught:
        ledger.plan(order)
    return caught.value


def reason(planned: PlannedOrder | NoAction) -> Reason:
    assert isinstance(planned, NoAction)
    return planned.reason


# one status


@pytest.mark.parametrize(
    ("actions", "order", "done"),
    [
        ([], {}, []),
        (["contact"], {}, ["contact"]),
        (["contact", "order"], {}, ["contact", "order"]),
        (["contact", "order", "delivery"], {}, ["contact", "order", "deliver all"]),
        (["contact", "order", "invoice"], {}, ["contact", "order", "from order"]),
        (["contact", "invoice"], {}, ["contact", "direct"]),
        (["contact", "invoice", "issue"], {}, ["contact", "direct", "issue"]),
        (["contact", "invoice", "issue", "send"], {}, ["contact", "direct", "issue and mail"]),
        (["contact", "invoice", "issue", "send"], PAID, ["contact", "direct", "issue and mail"]),
        (DIRECT, {}, ["contact", "direct", "issue and mail"]),
        (DIRECT, PAID, ["contact", "direct", "issue", "pay t1 100", "mail"]),
        (ALL, {}, ["contact", "order", "deliver all", "from order", "issue and mail"]),
        (ALL, PAID, ["contact", "order", "deliver all", "from order", "issue", "pay t1 100", "mail"]),
        (ALL[::-1], PAID, ["contact", "order", "deliver all", "from order", "issue", "pay t1 100", "mail"]),
    ],
)
def test_what_one_status_starts(actions: list[str], order: dict[str, Any], done: list[str]) -> None:
    ledger = books(processing=actions)
    assert ledger.run(an_order(**order)) == done
    assert ledger.run(an_order(**order)) == []


def test_contacts_are_wanted_where_documents_need_one_even_if_no_row_says_so() -> None:
    assert books(processing=["order"]).run(an_order()) == ["contact", "order"]


# one status after another


@pytest.mark.parametrize("first", ROWS, ids="+".join)
def test_every_row_after_every_other(first: list[str]) -> None:
    """The same order passes through two statuses and back: the books refuse whatever is done twice or out of order."""
    for second in ROWS:
        ledger = books(processing=first, completed=second)
        one, two = an_order(**PAID), an_order(status="completed", **PAID)
        did = ledger.run(one)
        assert ledger.run(one) == []
        if "cancel" in second:
            with suppress(RecordProblem):
                ledger.run(two)
            continue
        did += ledger.run(two)
        assert ledger.run(two) == []
        assert "cancel" in first or ledger.run(one) == []
        _compare(first, second, ledger, did)


def _compare(first: list[str], second: list[str], ledger: Books, did: list[str]) -> None:
    """Two rows together do what one row of both does, but for what an earlier direct invoice rules out."""
    wanted = {*first, *second} - {"cancel"}
    direct_first = "invoice" in first and "order" not in first
    assert (ledger.order is not None) is ("order" in wanted and not direct_first)
    assert (ledger.invoice is not None) is ("invoice" in wanted)
    assert bool(ledger.mails) is ("send" in wanted)
    assert bool(ledger.payments) is ("payment" in wanted)
    assert ("deliver all" in did) is ("delivery" in wanted and not direct_first)
    if ledger.invoice is not None:
        assert (ledger.invoice.standing is not DocumentStatus.DRAFT) is ("issue" in wanted)


def test_a_second_transaction_in_the_same_status_is_booked_and_nobody_is_mailed_again() -> None:
    ledger = books(processing=ALL)
    half = {"shop_id": "t1", "amount": "40", "currency": "CHF", "paid_at": "2026-11-20T10:01:00+01:00"}
    rest = {**half, "shop_id": "t2", "amount": "60", "paid_at": "2026-11-21T10:01:00+01:00"}
    assert ledger.run(an_order(payments=[half]))[-2:] == ["pay t1 40", "mail"]
    assert ledger.run(an_order(payments=[half, rest])) == ["pay t2 60"]
    assert ledger.mails == 1


def test_money_that_a_person_booked_is_matched() -> None:
    ledger = books(processing=["contact", "invoice", "issue"], completed=DIRECT)
    ledger.run(an_order())
    ledger.pay_by_bank("100", "2026-11-22")
    assert ledger.run(an_order(status="completed", **PAID)) == ["mail"]


def test_paid_without_a_day_is_a_question_and_nobody_is_mailed_before_it_is_answered() -> None:
    ledger = books(processing=DIRECT)
    order = an_order(financial_status="paid")
    planned = ledger.plan(order)
    assert isinstance(planned, PlannedOrder)
    assert planned.problem is not None
    assert planned.problem.code == "payment_day_missing"
    assert words(planned) == ["contact", "direct", "issue"]
    ledger.carry_out(planned)
    assert problem(ledger, order).code == "payment_day_missing"
    assert ledger.run(an_order(financial_status="paid", paid_at="2026-11-20T10:00:00+01:00")) == [
        "pay  100",  # of no transaction
        "mail",
    ]


def test_what_was_paid_above_what_remains_is_said_and_refuses_nothing() -> None:
    ledger = books(processing=DIRECT)
    order = an_order(payments=[{**PAID["payments"][0], "amount": "120"}])
    planned = ledger.plan(order)
    assert isinstance(planned, PlannedOrder)
    assert words(planned)[-2:] == ["pay t1 100", "mail"]
    assert list(planned.mentions) == ["above:1001:t1"]


def test_the_invoice_of_what_is_paid_already_has_a_template_of_its_own() -> None:
    own = {"invoices": {"template": "usual", "template_paid": "paid"}}
    for order, template in (({}, "usual"), (PAID, "paid")):
        ledger = Books(settings(actions={"processing": DIRECT}), own)
        ledger.run(an_order(**order))
        assert ledger.template == template


def test_a_shipment_is_delivered_once_and_a_second_one_in_the_same_status() -> None:
    ledger = books(processing=["contact", "order", "delivery"])
    line = a_line(quantity="3")
    order: dict[str, Any] = {"lines": [line], "total": "300.00", "fulfillment_status": "partial"}
    shipments = [
        {"shop_id": f"f{n}", "shipped_at": f"2026-11-2{n}T10:00:00+01:00", "lines": [{"line_id": "l1", "quantity": n}]}
        for n in (1, 2)
    ]
    assert ledger.run(an_order(**order, fulfillments=shipments[:1])) == ["contact", "order", "deliver f1"]
    assert ledger.run(an_order(**order, fulfillments=shipments)) == ["deliver f2"]
    assert ledger.run(an_order(**order, fulfillments=shipments)) == []


# what is left alone


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"is_test": True}, Reason.TEST),
        ({"status": "on-hold"}, Reason.NO_RULE),
        ({"ordered_at": "2025-12-31T23:30:00+01:00"}, Reason.TOO_OLD),
        ({"cancelled_at": "2026-11-21T10:00:00+01:00"}, Reason.GONE),
        ({"financial_status": "voided"}, Reason.GONE),
        ({"financial_status": "refunded"}, Reason.GONE),
        ({"status": "cancelled"}, Reason.GONE),
        (
            {"refunds": [{"shop_id": "r", "amount": "100", "currency": "CHF", "refunded_at": "2026-11-21T10:00:00Z"}]},
            Reason.GONE,
        ),
    ],
)
def test_orders_that_are_left_alone(order: dict[str, Any], why: Reason) -> None:
    ledger = books(processing=ALL, cancelled=["cancel"])
    planned = ledger.plan(an_order(**order))
    assert reason(planned) is why
    assert isinstance(planned, NoAction)
    assert planned.ignored


def test_an_order_of_new_years_eve_is_dated_in_zurich() -> None:
    ledger = books(processing=["contact"])
    assert reason(ledger.plan(an_order(ordered_at="2025-12-31T22:59:00Z"))) is Reason.TOO_OLD
    assert ledger.run(an_order(ordered_at="2025-12-31T23:00:00Z")) == ["contact"]


def test_a_partial_refund_before_booking_leaves_the_order_as_it_is() -> None:
    refund = {"shop_id": "r", "amount": "30", "currency": "CHF", "refunded_at": "2026-11-21T10:00:00Z"}
    assert books(processing=["contact", "order"]).run(an_order(refunds=[refund])) == ["contact", "order"]


def test_an_order_paid_by_voucher_gets_no_invoice_payment_or_mail() -> None:
    free: dict[str, Any] = {"lines": [a_line(discount_percent="100")], "total": "0.00"}
    assert books(processing=ALL).run(an_order(**free)) == ["contact", "order", "deliver all"]
    assert books(processing=DIRECT).run(an_order(**free)) == ["contact"]


def test_an_order_below_nothing_is_an_error() -> None:
    below: dict[str, Any] = {"lines": [a_line(unit_price="-5.00")], "total": "-5.00"}
    assert problem(books(processing=ALL), an_order(**below)).code == "total_not_positive"


def test_no_mail_address_is_an_error_only_where_a_mail_is_due() -> None:
    nobody = {"customer": {**CUSTOMER, "email": None}}
    assert problem(books(processing=ALL), an_order(**nobody)).code == "mail_missing"
    assert books(processing=ALL[:-1]).run(an_order(**nobody))[-1] == "issue"
    old = Books(settings(actions={"processing": DIRECT}, backfill_after_days=5))
    assert old.run(an_order(**nobody)) == ["contact", "direct", "issue"]


def test_an_unknown_customer_is_an_error() -> None:
    ledger = books(processing=ALL)
    order = an_order(customer=None, customer_id="c9")
    with pytest.raises(RecordProblem) as caught:
        ledger.planner().plan(order, None, ledger.known())
    assert caught.value.code == "customer_missing"


def test_what_cannot_be_booked_leaves_no_contact_behind() -> None:
    ledger = books(processing=ALL)
    planner = ledger.planner()
    bad = an_order(currency="XXX")
    with pytest.raises(RecordProblem):
        planner.plan(bad, bad.customer, ledger.known())
    good = an_order()
    assert words(planner.plan(good, good.customer, ledger.known()))[0] == "contact"


# old orders


def test_old_orders_are_neither_delivered_nor_mailed() -> None:
    ledger = books(processing=ALL)
    old = an_order(ordered_at="2026-11-14T10:00:00+01:00", **PAID)
    planned = ledger.plan(old)
    assert isinstance(planned, PlannedOrder)
    assert planned.left_out == ("delivery", "send")
    assert ledger.run(old) == ["contact", "order", "from order", "issue", "pay t1 100"]
    again = ledger.plan(old)
    assert isinstance(again, NoAction)
    assert again.left_out == ("delivery", "send")
    assert ledger.mails == 0


@pytest.mark.parametrize(
    ("wanted", "more"),
    [({"send"}, ["mail"]), ({"delivery"}, ["deliver all"]), ({"send", "delivery"}, ["deliver all", "mail"])],
)
def test_a_backfill_does_what_it_names(wanted: set[str], more: list[str]) -> None:
    ledger = books(processing=ALL)
    old = an_order(ordered_at="2026-11-14T10:00:00+01:00", **PAID)
    ledger.run(old)
    assert replace(ledger, backfill=frozenset(wanted)).run(old) == more


def test_the_last_day_before_an_order_is_old() -> None:
    assert "mail" in books(processing=ALL).run(an_order(ordered_at="2026-11-15T00:00:00+01:00", **PAID))


# write-backs


def test_an_own_write_back_that_comes_back_starts_nothing() -> None:
    ledger = books(processing=["contact", "order"], completed=ALL)
    order = an_order()
    ledger.run(order)
    ledger.written = WrittenStatus("completed", digest_beside_status(order), "paid")
    back = an_order(status="completed", updated_at="2026-11-21T10:00:00+01:00")
    assert reason(ledger.plan(back)) is Reason.OWN_STATUS
    shipped = {"shop_id": "f1", "shipped_at": "2026-11-21T10:00:00+01:00"}
    assert "deliver f1" in ledger.run(an_order(status="completed", fulfillments=[shipped]))


# changes

CHANGED: dict[str, Any] = {"lines": [a_line(unit_price="120.00")], "total": "120.00"}
CHANGES: list[dict[str, Any]] = [
    CHANGED,
    {"currency": "EUR"},
    {"customer": {**CUSTOMER, "last_name": "Meier"}},
    {"billing_address": {"street": "Weg 2", "city": "Bern"}},
    {"lines": [a_line(name="Stuhl")]},
    {"purchase_order_number": "B-1"},
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("actions", "anew"),
    [
        (["contact", "order"], ["order anew"]),
        (["contact", "order", "invoice"], ["delete draft", "order anew", "from order"]),
        (["contact", "invoice"], ["rewrite"]),
        (["contact", "order", "delivery"], None),
        (["contact", "invoice", "issue"], None),
        (["contact", "order", "invoice", "issue"], None),
    ],
)
def test_an_order_that_changes(actions: list[str], anew: list[str] | None, change: dict[str, Any]) -> None:
    ledger = books(processing=actions, other=["contact"])
    bank = {"ledger": {"bank_account": ""}}
    ledger.profile = bank
    ledger.run(an_order())
    if "currency" in change and anew is not None:
        assert problem(ledger, an_order(**change)).code in ("bank_account_missing", "changed_after_booking")
        return
    if anew is None:
        held = problem(ledger, an_order(**change))
        assert held.code == "changed_after_booking"
        assert "https://ledger/" in held.hint
        before = "100.00 CHF" if "currency" in change else "100.00"
        assert f"comes to {before}, the order now to" in held.message
        return
    held = problem(ledger, an_order(status="other", **change))
    assert held.code == "changed_after_booking"  # its status does not say that it is to be booked
    assert ledger.run(an_order(**change)) == anew
    assert ledger.run(an_order(**change)) == []
    assert ledger.run(an_order()) == anew  # and back again


def test_what_is_made_anew_is_issued_once() -> None:
    ledger = books(processing=["contact", "order", "invoice"], completed=ALL)
    ledger.run(an_order())
    done = ledger.run(an_order(status="completed", **CHANGED, payments=[{**PAID["payments"][0], "amount": "120"}]))
    assert done == ["delete draft", "order anew", "deliver all", "from order", "issue", "pay t1 120", "mail"]


def test_an_order_of_180_lines_is_made_anew_as_a_short_one_is() -> None:
    ledger = books(processing=["contact", "order", "invoice"], completed=ALL)
    lines = [a_line(line_id=f"l{n}", unit_price="1.00") for n in range(180)]
    ledger.run(an_order(lines=lines, total="180.00"))
    more: dict[str, Any] = {"lines": [*lines, a_line(line_id="x", unit_price="1.00")], "total": "181.00"}
    assert ledger.run(an_order(**more)) == ["delete draft", "order anew", "from order"]
    assert ledger.run(an_order(status="completed", **more)) == ["deliver all", "deliver all~2", "issue and mail"]


UNBOOKED: list[dict[str, Any]] = [
    {"customer_note": "Danke"},
    {"metadata": {"a": 1}},
    {"updated_at": "2026-11-21T10:00:00+01:00"},
    {"customer": {**CUSTOMER, "phone": "044 000 00 00"}},
    {"customer": {**CUSTOMER, "email": "other@example.ch"}},
    {"financial_status": "pending"},
    {"total_outstanding": "100.00"},
    {"total_discount": "5.00"},
    {"lines": [a_line(virtual=False, line_number=7, metadata={"x": 1})]},
]


@pytest.mark.parametrize("change", UNBOOKED)
def test_what_does_not_stand_on_documents_is_no_change(change: dict[str, Any]) -> None:
    ledger = books(processing=["contact", "order", "invoice", "issue"])
    ledger.run(an_order())
    assert ledger.run(an_order(**change)) == []


@pytest.mark.parametrize("touched", ["order", "draft", "shared"])
def test_what_a_person_touched_is_held(touched: str) -> None:
    ledger = books(processing=["contact", "order", "invoice"])
    ledger.run(an_order())
    assert ledger.order is not None
    assert ledger.invoice is not None
    if touched == "order":
        ledger.order = replace(ledger.order, content_now="something else")
    elif touched == "draft":
        ledger.invoice = replace(ledger.invoice, content="")
    else:
        ledger.invoice = replace(ledger.invoice, shared=True)
    assert problem(ledger, an_order(**CHANGED)).code == "changed_after_booking"


def test_an_order_whose_invoice_a_person_cancelled_is_not_made_anew() -> None:
    ledger = books(processing=["contact", "order", "invoice", "issue"])
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, standing=DocumentStatus.CANCELLED)
    assert problem(ledger, an_order(**CHANGED)).code == "changed_after_booking"


def test_another_delivery_address_after_booking_is_said() -> None:
    ledger = books(processing=["contact", "order"], completed=["contact", "order", "invoice"])
    ledger.run(an_order())
    planned = ledger.plan(an_order(status="completed", shipping_address={"street": "Weg", "city": "Bern"}))
    assert isinstance(planned, PlannedOrder)
    assert "the delivery address changed" in planned.note


# cancellations


@pytest.mark.parametrize(
    ("actions", "cancel", "done", "left"),
    [
        (["contact"], "stop", [], ""),
        (["contact", "order"], "stop", [], "still stands"),
        (["contact", "order"], "delete", ["delete order"], ""),
        (["contact", "order", "invoice"], "stop", [], "draft RE-1"),
        (["contact", "order", "invoice"], "delete", ["delete draft", "delete order"], ""),
        (["contact", "invoice"], "stop", [], "draft RE-1"),
        (["contact", "invoice"], "delete", ["delete draft"], ""),
        (["contact", "invoice", "issue"], "stop", ["cancel"], ""),
        (["contact", "invoice", "issue", "send"], "delete", ["cancel"], ""),
        (["contact", "order", "invoice", "issue"], "delete", ["cancel"], "order AU-0 still stands"),
        (["contact", "order", "delivery"], "delete", [], "was delivered"),
        (ALL, "delete", [], "was delivered"),
        (DIRECT, "delete", [], "is paid"),
    ],
)
def test_a_cancellation_undoes_what_nobody_has_paid_received_or_changed(
    actions: list[str], cancel: str, done: list[str], left: str
) -> None:
    ledger = Books(settings(actions={"processing": actions, "cancelled": ["cancel"]}, cancel=cancel))
    ledger.run(an_order(**PAID))
    order = an_order(status="cancelled", cancelled_at="2026-11-22T10:00:00+01:00", **PAID)
    if not done and left:
        assert left in problem(ledger, order).message
        return
    planned = ledger.plan(order)
    assert words(planned) == done
    if isinstance(planned, PlannedOrder):
        assert left in (planned.problem.message if planned.problem else "")
        ledger.carry_out(planned)
    if left:
        assert left in problem(ledger, order).message
    else:
        assert words(ledger.plan(order)) == []


@pytest.mark.parametrize("standing", [DocumentStatus.PARTLY_PAID, DocumentStatus.PAID, DocumentStatus.UNPAID])
def test_an_invoice_with_money_is_never_cancelled(standing: DocumentStatus) -> None:
    ledger = books(processing=["contact", "invoice", "issue"], cancelled=["cancel"])
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, standing=standing)
    held = problem(ledger, an_order(status="cancelled"))
    assert held.code == "cancelled_in_shop"
    assert "https://ledger/invoice" in held.hint


@pytest.mark.parametrize("cancel", ["stop", "delete"])
def test_what_a_person_changed_is_not_deleted(cancel: str) -> None:
    ledger = Books(settings(actions={"processing": ["contact", "order"], "cancelled": ["cancel"]}, cancel=cancel))
    ledger.run(an_order())
    assert ledger.order is not None
    ledger.order = replace(ledger.order, content_now="something else")
    assert "was changed by somebody" in problem(ledger, an_order(status="cancelled")).message


def test_an_order_that_is_reopened_is_placed_again_but_an_invoice_is_not() -> None:
    ledger = Books(settings(actions={"processing": ["contact", "order"], "cancelled": ["cancel"]}, cancel="delete"))
    ledger.run(an_order())
    ledger.run(an_order(status="cancelled"))
    assert ledger.run(an_order()) == ["order anew"]
    issued = books(processing=["contact", "invoice", "issue"], cancelled=["cancel"])
    issued.run(an_order())
    issued.run(an_order(status="cancelled"))
    assert problem(issued, an_order()).code == "cancelled_in_ledger"


# what people do in the ledger meanwhile


def test_an_invoice_that_a_person_took_back_is_not_issued_again() -> None:
    ledger = books(processing=["contact", "invoice", "issue"])
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, standing=DocumentStatus.DRAFT)
    assert problem(ledger, an_order()).code == "taken_back_in_ledger"


def test_an_invoice_that_a_person_issued_is_paid_and_not_mailed() -> None:
    ledger = books(processing=["contact", "invoice"], completed=DIRECT)
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, standing=DocumentStatus.ISSUED)
    planned = ledger.plan(an_order(status="completed", **PAID))
    assert isinstance(planned, PlannedOrder)
    assert words(planned) == ["pay t1 100"]
    assert "is not mailed" in planned.note


@pytest.mark.parametrize("standing", [DocumentStatus.CANCELLED, DocumentStatus.DELETED])
def test_what_is_due_of_an_invoice_that_is_gone_is_an_error(standing: DocumentStatus) -> None:
    ledger = books(processing=["contact", "invoice"], completed=DIRECT)
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, standing=standing)
    assert problem(ledger, an_order(status="completed")).code == "gone_in_ledger"


@pytest.mark.parametrize("standing", [OrderStatus.CANCELLED, OrderStatus.DELETED])
@pytest.mark.parametrize("more", [["invoice"], ["delivery"], ["delivery", "invoice"]])
def test_what_is_due_of_an_order_that_is_gone_is_an_error(standing: OrderStatus, more: list[str]) -> None:
    ledger = books(processing=["contact", "order"], completed=["contact", "order", *more])
    ledger.run(an_order())
    assert ledger.order is not None
    ledger.order = replace(ledger.order, standing=standing)
    assert problem(ledger, an_order(status="completed")).code == "gone_in_ledger"


@pytest.mark.parametrize("more", [["invoice"], ["delivery"], ["delivery", "invoice", "issue", "send"]])
def test_nothing_more_is_made_of_an_order_that_a_person_completed(more: list[str]) -> None:
    ledger = books(processing=["contact", "order"], completed=["contact", "order", *more])
    ledger.run(an_order())
    assert ledger.order is not None
    ledger.order = replace(ledger.order, standing=OrderStatus.DONE)
    assert ledger.run(an_order()) == []
    assert problem(ledger, an_order(status="completed")).code == "completed_in_ledger"


def test_an_adopted_order_that_was_delivered_is_not_delivered_again() -> None:
    ledger = books(processing=["contact", "order"], completed=ALL[:-1])
    ledger.run(an_order())
    assert ledger.order is not None
    ledger.order = replace(ledger.order, adopted=True, standing=OrderStatus.DONE)
    assert ledger.run(an_order(status="completed")) == ["from order", "issue"]


def test_an_order_that_was_cut_short_goes_on_before_its_invoice_is_made() -> None:
    ledger = books(processing=["contact", "order"], completed=["contact", "invoice"])
    ledger.run(an_order())
    assert ledger.order is not None
    ledger.order = replace(ledger.order, fingerprint="")
    assert words(ledger.plan(an_order(status="completed"))) == ["order", "from order"]


def test_a_draft_that_somebody_else_made_is_compared_before_it_is_issued() -> None:
    ledger = books(processing=["contact", "invoice"], completed=["contact", "invoice", "issue"])
    ledger.run(an_order())
    assert ledger.invoice is not None
    ledger.invoice = replace(ledger.invoice, fingerprint="", content="", created_as="")
    assert words(ledger.plan(an_order(status="completed"))) == ["compare", "issue"]


GONE: dict[str, Any] = {"financial_status": "refunded"}


def test_an_order_that_came_to_nothing_gets_no_more_documents_or_mails_but_its_money_is_booked() -> None:
    ledger = books(processing=["contact", "invoice", "issue"], completed=ALL)
    ledger.run(an_order())
    planned = ledger.plan(an_order(status="completed", **PAID, **GONE))
    assert words(planned) == ["pay t1 100"]
    placed = books(processing=["contact", "order"], completed=ALL)
    placed.run(an_order())
    for status in ("completed", "unknown"):
        nothing = placed.plan(an_order(status=status, **PAID, **GONE))
        assert isinstance(nothing, NoAction)
        assert "AU-0 stays as it is" in nothing.mentions["gone:1001"]


# a state that was lost


def an_order_state(number: str = "AU-9", standing: OrderStatus = OrderStatus.PENDING) -> OrderState:
    return OrderState(
        LedgerId(number[3:]), number, f"https://ledger/{number}", "ref", standing, an_order().total, None, None, "", ""
    )


def an_invoice_state(number: str = "RE-9", standing: DocumentStatus = DocumentStatus.ISSUED) -> DocumentState:
    total, zero = an_order().total, an_order().total * 0
    return DocumentState(
        LedgerId(number[3:]), number, f"https://ledger/{number}", "ref", standing, total, zero, zero, total,
        shared=False, contact_id=None, currency_id=None, due_date="", updated_at="",
    )  # fmt: skip


def test_documents_with_our_reference_are_linked_and_nothing_else_is_done() -> None:
    ledger = books(processing=ALL)
    ledger.found_orders, ledger.found_invoices = [an_order_state()], [an_invoice_state()]
    planned = ledger.plan(an_order())
    assert words(planned) == ["adoptorder", "adopt"]
    assert isinstance(planned, PlannedOrder)
    assert planned.goes_on
    cancelled = replace(ledger, settings=settings(actions={"cancelled": ["cancel"]})).plan(an_order(status="cancelled"))
    assert isinstance(cancelled, PlannedOrder)
    assert cancelled.goes_on


def test_two_documents_with_our_reference_are_a_question() -> None:
    ledger = books(processing=ALL)
    ledger.found_invoices = [an_invoice_state("RE-8"), an_invoice_state("RE-9")]
    assert problem(ledger, an_order()).code == "document_ambiguous"


def test_a_cancelled_document_that_was_forgotten_is_put_aside() -> None:
    ledger = books(processing=["contact", "invoice"])
    ledger.found_invoices = [an_invoice_state(standing=DocumentStatus.CANCELLED)]
    ledger.forgotten = (LedgerId("9"),)
    planned = ledger.plan(an_order())
    assert isinstance(planned, PlannedOrder)
    (want,) = planned.wanted.wants
    assert want.put_aside == (LedgerId("9"),)  # type: ignore[union-attr]


def test_an_invoice_that_went_out_before_and_is_gone_is_not_booked_again() -> None:
    ledger = books(processing=DIRECT)
    ledger.finished = (LedgerId("9"),)
    assert problem(ledger, an_order()).code == "deleted_in_ledger"


# anything in any order

payments = st.lists(st.sampled_from(["30", "70", "100"]), max_size=3)
moves = st.one_of(
    st.tuples(st.just("shop"), st.sampled_from(["a", "b", "c", "cancelled", "unknown"]), payments),
    st.tuples(st.just("change"), st.sampled_from(["100.00", "120.00"])),
    st.tuples(st.just("person"), st.sampled_from(["issue", "cancel", "delete", "touch", "pay", "take back", "end"])),
)


@given(
    st.lists(st.sampled_from(ROWS), min_size=3, max_size=3),
    st.sampled_from(["stop", "delete"]),
    st.booleans(),
    st.lists(moves, max_size=12),
)
def test_whatever_happens_nothing_is_done_twice(
    rows: list[list[str]], cancel: str, send_issues: bool, history: list[Any]
) -> None:
    """The books refuse a second mail, a mail before the issue, and an order after a direct invoice."""
    named = dict(zip("abc", rows, strict=True)) | {"cancelled": ["cancel"]}
    ledger = Books(settings(actions=named, cancel=cancel), send_issues=send_issues)
    order: dict[str, Any] = {"status": "a"}
    for move in history:
        match move:
            case ("shop", status, amounts):
                order |= {"status": status, "payments": [_payment(n, one) for n, one in enumerate(amounts)]}
            case ("change", total):
                order |= {"lines": [a_line(unit_price=total)], "total": total}
            case ("person", deed):
                _person(ledger, deed)
        try:
            ledger.run(an_order(**order))
            assert ledger.run(an_order(**order)) == []
        except RecordProblem:
            continue
    assert ledger.mails <= 1


def _payment(number: int, amount: str) -> dict[str, Any]:
    return {"shop_id": f"t{number}", "amount": amount, "currency": "CHF", "paid_at": f"2026-11-0{number + 1}T10:00:00Z"}


def _person(ledger: Books, deed: str) -> None:
    invoice, order = ledger.invoice, ledger.order
    if order is not None and deed in ("touch", "end"):
        changed = {"content_now": "other"} if deed == "touch" else {"standing": OrderStatus.CANCELLED}
        ledger.order = replace(order, **changed)  # type: ignore[arg-type]
    if invoice is None:
        return
    becomes = {
        ("issue", DocumentStatus.DRAFT): DocumentStatus.ISSUED,
        ("cancel", DocumentStatus.ISSUED): DocumentStatus.CANCELLED,
        ("delete", DocumentStatus.DRAFT): DocumentStatus.DELETED,
        ("take back", DocumentStatus.ISSUED): DocumentStatus.DRAFT,
    }
    ledger.invoice = replace(invoice, standing=becomes.get((deed, invoice.standing), invoice.standing))
    if deed == "pay" and invoice.standing in (DocumentStatus.ISSUED, DocumentStatus.PARTLY_PAID):
        ledger.pay_by_bank("30" if invoice.total - ledger.received >= 30 else str(invoice.total - ledger.received))


def test_the_rows_that_make_sense() -> None:
    assert len(ROWS) == len({tuple(row) for row in ROWS})
    assert [] in ROWS
    assert ["cancel"] in ROWS
    assert ALL in ROWS
    assert len(list(product(ROWS, ROWS))) == len(ROWS) ** 2
