"""Which actions an order starts, and the table of all that could happen."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.planning.order_actions import (
    ALL_ACTIONS,
    ActionRules,
    MatrixRow,
    Occasion,
    goods_of,
    in_order,
    matrix,
    occasion_of,
)
from planning.order_kit import CUSTOMER, a_customer, a_line, an_order, settings

PAPER = ("discount", "text", "shipping", "fee", "tip")


def rules(*rows: dict[str, Any], **actions: list[str]) -> ActionRules:
    return ActionRules(settings(rules=list(rows), actions=actions))


def started(book: ActionRules, status: str, method: str = "", goods: Any = "physical", country: str = "") -> Any:
    decision = book.decide(Occasion(status, method, goods, country))
    return None if decision is None else (decision.actions, decision.source)


def test_a_status_without_a_row_decides_nothing() -> None:
    assert started(rules(), "processing") is None
    assert started(rules(completed=["contact"]), "processing") is None


def test_a_row_without_actions_is_a_decision() -> None:
    assert started(rules(pending=[]), "pending") == ((), "[orders.actions]")


def test_actions_are_done_in_their_own_order() -> None:
    shuffled = ["send", "payment", "issue", "invoice", "delivery", "order", "contact"]
    assert started(rules(completed=shuffled), "completed") == (ALL_ACTIONS[:-1], "[orders.actions]")
    assert in_order(("send", "send", "contact")) == ("contact", "send")


RULE: dict[str, Any] = {"actions": ["contact", "order"]}


@pytest.mark.parametrize(
    ("condition", "fitting", "others"),
    [
        ({}, ("a", "x", "virtual", "CH"), None),
        ({"status": "a"}, ("a", "x", "mixed", ""), ("b", "x", "mixed", "")),
        ({"payment_method": "invoice"}, ("a", "invoice", "mixed", ""), ("a", "", "mixed", "")),
        ({"goods": "virtual"}, ("a", "", "virtual", ""), ("a", "", "mixed", "")),
        ({"country": "li"}, ("a", "", "virtual", "LI"), ("a", "", "virtual", "CH")),
        ({"status": "a", "country": "LI"}, ("a", "", "virtual", "LI"), ("b", "", "virtual", "LI")),
    ],
)
def test_a_rule_fits_by_all_that_it_names(condition: dict[str, str], fitting: Any, others: Any) -> None:
    book = rules(RULE | condition, a=["contact"])
    assert started(book, *fitting) == (("contact", "order"), "rule 1")
    if others:
        assert (started(book, *others) or ((), ""))[1] != "rule 1"


def test_the_first_rule_that_fits_wins_over_later_ones_and_the_table() -> None:
    book = rules(
        {"status": "a", "payment_method": "twint", "actions": []},
        {"status": "a", "actions": ["contact"]},
        a=["contact", "order"],
    )
    assert started(book, "a", "twint") == ((), "rule 1")
    assert started(book, "a", "card") == (("contact",), "rule 2")


@pytest.mark.parametrize(
    ("lines", "goods"),
    [
        ([{}], "physical"),
        ([{"virtual": True}], "virtual"),
        ([{"type": "service"}], "virtual"),
        ([{"type": "gift_card"}], "virtual"),
        ([{}, {"virtual": True}], "mixed"),
        ([{}, {"type": "service"}], "mixed"),
        *[([{}, {"type": kind}], "physical") for kind in PAPER],
        *[([{"virtual": True}, {"type": kind}], "virtual") for kind in PAPER],
        ([{"type": "tip"}], "virtual"),
    ],
)
def test_goods(lines: list[dict[str, Any]], goods: str) -> None:
    numbered = [a_line(**line) | {"line_id": f"l{n}"} for n, line in enumerate(lines)]
    assert goods_of(an_order(lines=numbered).lines) == goods


LI = {"country_code": "LI"}


@pytest.mark.parametrize(
    ("fields", "customer", "country"),
    [
        ({"shipping_address": LI, "billing_address": {"country_code": "DE"}}, {}, "LI"),
        ({"billing_address": {"country_code": "DE"}}, {"shipping_address": LI}, "LI"),
        ({"billing_address": {"country_code": "DE"}}, {}, "DE"),
        ({}, {}, "CH"),
        ({"shipping_address": {"city": "Vaduz"}}, {"billing_address": None}, ""),
    ],
)
def test_the_country_is_that_of_the_delivery(fields: dict[str, Any], customer: dict[str, Any], country: str) -> None:
    order = an_order(**fields)
    assert occasion_of(order, a_customer(**customer)).country == country


def test_an_order_of_an_unknown_customer_has_the_country_of_its_own_addresses() -> None:
    assert occasion_of(an_order(customer=None, shipping_address=LI), None).country == "LI"
    assert occasion_of(an_order(customer=None), None).country == ""


def a_payment(n: int, **fields: Any) -> dict[str, Any]:
    return {"shop_id": f"t{n}", "amount": "50", "currency": "CHF", **fields}


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ({"payment_method": "invoice"}, "invoice"),
        ({"payment_method": "invoice", "payments": [a_payment(1, payment_method="twint")]}, "invoice"),
        ({"payments": [a_payment(1, payment_method="twint"), a_payment(2, payment_method="twint")]}, "twint"),
        ({"payments": [a_payment(1, payment_method="twint"), a_payment(2, payment_method="card")]}, ""),
        ({"payments": [a_payment(1)]}, ""),
        ({}, ""),
    ],
)
def test_the_payment_method_of_an_order(fields: dict[str, Any], method: str) -> None:
    assert occasion_of(an_order(**fields), a_customer(**CUSTOMER)).payment_method == method


# the table of all that could happen


def test_every_status_seen_known_or_named_has_its_rows() -> None:
    shown = matrix(settings(actions={"processing": ["order", "contact"]}), ["processing", "on-hold"], ["refunded"], [])
    assert [(row.status, row.decision and row.decision.actions) for row in shown.rows] == [
        ("on-hold", None),
        ("processing", ("contact", "order")),
        ("refunded", None),
    ]
    assert shown.without_rule == ("on-hold", "refunded")
    assert shown.attention == ()


def test_methods_goods_and_countries_are_told_apart_only_where_they_matter() -> None:
    rows = [
        {"status": "a", "payment_method": "invoice", "actions": ["contact", "order"]},
        {"status": "a", "goods": "virtual", "actions": []},
        {"country": "DE", "actions": ["contact"]},
    ]
    shown = matrix(settings(rules=rows, actions={"a": ["contact"], "b": ["contact"]}), ["a", "b"], [], ["twint"])
    assert shown.payment_methods == ("invoice", "twint")
    found = [(r.status, r.payment_methods, r.goods, r.countries, r.decision and r.decision.source) for r in shown.rows]
    assert found == [
        ("a", ("invoice",), (), (), "rule 1"),
        ("a", ("twint", ""), ("physical", "mixed"), ("DE",), "rule 3"),
        ("a", ("twint", ""), ("physical", "mixed"), ("",), "[orders.actions]"),
        ("a", ("twint", ""), ("virtual",), (), "rule 2"),
        ("b", (), (), ("DE",), "rule 3"),
        ("b", (), (), ("",), "[orders.actions]"),
    ]


def test_the_rows_say_what_the_rules_decide() -> None:
    """Every cell of the table is what an order of that kind would start."""
    rows = [
        {"status": "a", "goods": "virtual", "country": "LI", "actions": ["contact", "invoice"]},
        {"payment_method": "twint", "actions": ["contact"]},
        {"status": "b", "country": "DE", "actions": []},
    ]
    own = settings(rules=rows, actions={"a": ["contact", "order"]})
    shown, book = matrix(own, ["a", "b", "c"], [], ["card"]), ActionRules(own)
    for status in "abc":
        for method in ("twint", "card", ""):
            for goods in ("physical", "virtual", "mixed"):
                for country in ("LI", "DE", ""):
                    fitting = [row for row in shown.rows if _covers(row, status, method, goods, country)]
                    expected = book.decide(Occasion(status, method, goods, country))  # type: ignore[arg-type]
                    assert [row.decision for row in fitting] == [expected]


def _covers(row: MatrixRow, status: str, method: str, goods: str, country: str) -> bool:
    wanted = ((row.payment_methods, method), (row.goods, goods), (row.countries, country))
    return row.status == status and all(not named or found in named for named, found in wanted)


@pytest.mark.parametrize("key", ["paid", "partly_paid", "cancelled", "done"])
def test_a_status_that_is_written_back_and_starts_actions_is_a_loop(key: str) -> None:
    own = settings(actions={"completed": ["contact"]}, status={key: "completed"})
    (said,) = matrix(own, ["completed"], [], []).attention
    assert f'"completed" ([orders.status] {key})' in said


def test_a_status_that_is_written_back_and_starts_nothing_is_none() -> None:
    own = settings(actions={"completed": []}, status={"paid": "completed", "done": "archived"})
    assert matrix(own, ["completed", "archived"], [], []).attention == ()


def test_a_loop_by_a_rule_for_some_orders_is_one_too() -> None:
    own = settings(
        rules=[{"payment_method": "twint", "actions": ["contact"]}],
        status={"paid": "completed", "done": "completed"},
    )
    (said,) = matrix(own, ["completed"], [], []).attention
    assert "paid and done" in said


def test_a_status_that_nobody_has_seen_is_named() -> None:
    own = settings(actions={"proccessing": ["contact"]})
    (said,) = matrix(own, ["a", "processing"], [], []).attention
    assert said.startswith('No order has had the status "proccessing" so far')


def test_nothing_is_called_unknown_before_any_order_was_seen() -> None:
    assert matrix(settings(actions={"processing": ["contact"]}), [], [], []).attention == ()
