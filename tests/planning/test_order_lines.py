"""What stands on the documents of an order, and which orders stop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from order_books import a_profile, an_order, planned

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.invoice_writing import note_on
from bexsync.planning.order_lines import Due, due_of, invoice_of
from bexsync.vat import VatRow

D = Decimal
TABLE = {"name": "Tisch", "unit_price": "100", "tax_rate": "8.1"}
SHIPPING = {"type": "shipping", "name": "Versand", "unit_price": "10"}
FEE = {"type": "fee", "name": "Zuschlag", "unit_price": "10"}
TIP = {"type": "tip", "name": "Trinkgeld", "unit_price": "10"}
CARD = {"type": "gift_card", "name": "Gutschein", "unit_price": "50"}


def test_the_head_of_its_documents() -> None:
    order = an_order(
        TABLE,
        total="108.10",
        ordered_at="2025-12-31T23:30:00Z",
        purchase_order_number="PO-77",
        payment_method="twint",
        language="fr",
    )
    source = invoice_of(order, a_profile(orders={"title": "Commande {number}"}), "bexio")
    assert (source.title, source.contract_reference, source.payment_method) == ("Commande 1001", "PO-77", "twint")
    assert str(source.invoice_date) == "2026-01-01"  # half past midnight in Zurich
    document = planned(order)
    assert (document.header.date, document.header.customer_reference) == ("2026-01-01", "PO-77")
    assert document.header.title == "Order 1001"


def test_lines_are_called_by_their_names_and_never_by_the_shops_ids() -> None:
    order = an_order(
        {**TABLE, "line_id": "48213"}, {"sku": "B-2", "unit_price": "1", "tax_rate": "8.1"}, total="109.18"
    )
    assert [position.text for position in planned(order).positions] == ["Tisch", "B-2"]


def test_linked_products_are_articles_and_their_quantity_stays() -> None:
    order = an_order(
        {**TABLE, "sku": "A-1", "quantity": "3"},
        {**TABLE, "sku": "B-2"},
        {"type": "service", "name": "Montage", "sku": "A-1", "unit_price": "10", "tax_rate": "8.1"},
        # 0.12345678 x 100000 = 12345.678, but 0.123457 x 100000 = 12345.70: sold once, so that no stock may move
        {"name": "Blatt", "sku": "A-1", "quantity": "100000", "unit_price": "0.12345678", "tax_rate": "8.1"},
        total="13788.87",  # (300 + 100 + 10 + 12345.678) x 1.081 = 13788.887918, to 5 Rappen 13788.90
    )
    with pytest.raises(RecordProblem):
        planned(order)
    order = order.model_copy(update={"total": D("13788.89")})
    document = planned(order, items={"A-1": "70"})
    assert [(p.type, p.item_id, p.quantity) for p in document.positions] == [
        ("article", LedgerId("70"), "3"),
        ("custom", None, "1"),
        ("custom", None, "1"),
        ("custom", None, "1"),
    ]
    assert document.lines == (0, 1, 2, 3)
    assert note_on(document) == "Blatt moves no stock: its price has more decimals than the ledger takes"


def test_a_tip_has_an_account_and_a_tax_of_its_own() -> None:
    profile = a_profile(orders={"tip_account": "3600", "tip_tax": "U00"})
    document = planned(an_order(TABLE, TIP, total="118.10"), profile)
    assert [(str(p.account_id), str(p.tax_id)) for p in document.positions] == [("10", "3"), ("12", "9")]


@pytest.mark.parametrize(
    ("lines", "fields", "options", "code", "said"),
    [
        # shipping, fees and tips never take the default
        ([TABLE, SHIPPING], {"total": "118.91"}, {}, "tax_unmapped", "Versand"),
        ([TABLE, FEE], {"total": "118.91"}, {}, "tax_unmapped", "vat map"),
        ([TABLE, TIP], {"total": "118.91"}, {}, "tax_unmapped", "tip_tax"),
        # foreign, former and no VAT
        ([{**TABLE, "tax_rate": "19"}], {"total": "119"}, {}, "tax_unmapped", "19 %"),
        ([{**TABLE, "tax_rate": "7.7"}], {"total": "107.70"}, {}, "tax_unmapped", "7.7 %"),
        ([{**TABLE, "tax_rate": "0"}], {"total": "100"}, {}, "tax_unmapped", "never guessed"),
        ([TABLE], {"total": "108.10", "currency": "USD"}, {}, "unknown_currency", "USD"),
        ([TABLE], {"total": "108.10"}, {"subject": False}, "not_subject_to_vat", "2026"),
        # accounts
        ([{**TABLE, "revenue_account": "2030"}], {"total": "108.10"}, {}, "unknown_account", "2030"),
        ([CARD], {"total": "50"}, {"card": ""}, "unknown_account", "gift_card_account"),
        ([CARD], {"total": "50"}, {"card": "6945"}, "unknown_account", "liability"),
        ([{**CARD, "tax_rate": "8.1"}], {"total": "54.05"}, {}, "tax_rate_differs", "8.1"),
        ([{**CARD, "tax_code": "UN81"}], {"total": "54.05"}, {}, "tax_rate_differs", "UN81"),
        # totals
        ([TABLE], {"total": "108.20"}, {}, "total_mismatch", "108.10"),
        ([{**TABLE, "unit_price": "-1"}], {"total": "-1.08"}, {}, "total_not_positive", "refund"),
        ([CARD, {"type": "discount", "unit_price": "-5"}], {"total": "45"}, {}, "discount_without_base", "discount"),
        # texts
        ([TABLE], {"total": "108.10", "order_number": "9" * 256}, {}, "too_long", "order_number"),
        ([TABLE], {"total": "108.10", "purchase_order_number": "9" * 256}, {}, "too_long", "purchase_order_number"),
        ([{**TABLE, "name": "x" * 19_999, "description": "&" * 19_999}], {"total": "108.10"}, {}, "too_long", "text"),
        ([TABLE], {"total": "108.10", "shipping_address": {"city": "x" * 81}}, {}, "too_long", "shipping_address.city"),
    ],
)
def test_orders_that_stop(
    lines: list[dict[str, Any]], fields: dict[str, Any], options: dict[str, Any], code: str, said: str
) -> None:
    options = dict(options)
    profile = a_profile(orders={"gift_card_account": options.pop("card", "2030")})
    with pytest.raises(RecordProblem) as caught:
        planned(an_order(*lines, **fields), profile, **options)
    problem = caught.value
    assert (problem.code, said in f"{problem.message} {problem.hint} {problem.field}") == (code, True), problem.message


def test_a_row_of_the_vat_map_is_enough_for_shipping() -> None:
    document = planned(an_order(TABLE, SHIPPING, total="118.91"), rows=(VatRow("UN81", use="shipping"),))
    assert [str(p.tax_id) for p in document.positions] == ["3", "3"]


def test_a_discount_is_shared_over_the_rates_and_not_over_the_lines_one_by_one() -> None:
    """100 lines of 1.00 at 8.1 %, then 80 at 2.6 %: of a discount of 1.00 0.56 and 0.44, though 1/180 is no cent."""
    lines = [{"name": "a", "unit_price": "1", "tax_rate": "8.1"}] * 100
    lines += [{"name": "b", "unit_price": "1", "tax_rate": "2.6"}] * 80
    # 99.44 x 1.081 + 79.56 x 1.026 = 107.49464 + 81.62856 = 189.1232
    order = an_order(*lines, {"type": "discount", "name": "Aktion", "discount_amount": "1"}, total="189.12")
    assert [(p.unit_price, p.text) for p in planned(order).positions[180:]] == [
        ("-0.56", "Aktion (8.1 %)"),
        ("-0.44", "Aktion (2.6 %)"),
    ]


def test_gift_cards_and_tips_bear_no_discount() -> None:
    """10 % of 200.00 at 8.1 %, not of the card of 50.00: 180 x 1.081 + 50 = 244.58."""
    order = an_order({**TABLE, "quantity": "2"}, CARD, {"type": "discount", "discount_percent": "10"}, total="244.58")
    assert [(p.unit_price, str(p.account_id), str(p.tax_id)) for p in planned(order).positions] == [
        ("100", "10", "3"),
        ("50", "13", "9"),
        ("-20", "10", "3"),
    ]


def test_a_gift_card_taken_in_payment_where_no_price_may_be_negative() -> None:
    with pytest.raises(RecordProblem) as caught:
        planned(an_order(TABLE, {**CARD, "unit_price": "-30"}, total="78.10"), negative_prices=False)
    assert "payment of the method gift_card" in caught.value.hint


def test_the_vat_map_looks_at_where_goods_are_delivered() -> None:
    rows = (VatRow("ULA", rate=D(0), country="DE"),)
    customer = {"last_name": "Keller", "billing_address": {"country_code": "CH"}}
    line = {**TABLE, "tax_rate": "0"}
    order = an_order(line, total="100", customer=customer, shipping_address={"country_code": "DE"})
    assert planned(order, rows=rows).positions[0].tax_id == LedgerId(8)
    with pytest.raises(RecordProblem):
        planned(order.model_copy(update={"shipping_address": None}), rows=rows)


def test_an_order_of_nothing_is_no_error_and_its_order_can_stand() -> None:
    order = an_order(TABLE, {**CARD, "unit_price": "-108.10"}, total="0.00")
    assert due_of(order) is Due.NOTHING
    assert planned(order, as_order=True).total == 0
    with pytest.raises(RecordProblem) as caught:
        planned(order)
    assert caught.value.code == "total_not_positive"


def test_gross_prices_where_orders_take_none() -> None:
    """108.10 / 1.081 = 100; 51.30 / 1.026 = 50; 9.95 / 1.081 = 9.204440 (rounded): 3 x 9.20444 x 1.081 = 29.849999."""
    order = an_order(
        {"name": "a", "unit_price": "108.10", "tax_rate": "8.1"},
        {"name": "b", "unit_price": "51.30", "tax_rate": "2.6"},
        {"name": "c", "unit_price": "9.95", "quantity": "3", "tax_rate": "8.1"},
        prices_include_tax=True,
        total="189.25",
    )
    document = planned(order, gross_prices=False)
    assert document.header.prices == "net"
    assert [p.unit_price for p in document.positions] == ["100", "50", "9.20444"]
    assert document.gap == 0


def test_gross_prices_that_net_ones_cannot_give() -> None:
    """A total between two cents: 1.025 / 1.081 = 0.948196 (rounded), x 1.081 = 1.024999876, a cent less."""
    order = an_order(
        {"name": "a", "unit_price": "1.025", "tax_rate": "8.1"}, prices_include_tax=True, total="1.03", currency="EUR"
    )
    with pytest.raises(RecordProblem) as caught:
        planned(order, gross_prices=False)
    assert caught.value.code == "gross_prices"
    assert '"contact" and "invoice"' in caught.value.hint


def test_what_an_order_says_of_itself_can_be_stored_again() -> None:
    source = invoice_of(an_order(TABLE, CARD, total="158.10"), a_profile(), "bexio")
    assert [line["type"] for line in source.canonical()["lines"][1:]] == ["gift_card"]
