"""Orders that were worked out by hand, through `orders sync` into the books: directly, and by order and delivery."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.money import decimal_text, rounded
from planning.order_money import CASES, Case
from world import World

D = Decimal
IBANS = {"CHF": "CH9300762011623852957", "EUR": "CH5604835012345678009"}
ACTIONS = {
    "direct": ["contact", "invoice", "issue", "payment"],
    "completed": ["contact", "order", "delivery", "invoice", "issue", "payment"],
}
KELLER = {"shop_id": "7", "last_name": "Keller", "first_name": "Anna", "email": "anna@example.ch"}


def setting_of(case: Case) -> str:
    """What of the profile, the VAT map and the books the case needs, as text."""
    return json.dumps([case.profile, case.vat_map, case.coin], sort_keys=True)


SETTINGS = sorted({setting_of(case) for case in CASES})


def prepared(world: World, cases: list[Case]) -> None:
    """The profile, the VAT map and the books as these cases need them."""
    case = cases[0]
    orders = {
        "enabled": True,
        "start_date": "2025-01-01",
        "backfill_after_days": 3650,
        "gift_card_account": "2030",
        "actions": ACTIONS,
        **case.profile.get("orders", {}),
    }
    limits = {"documents": 1000}
    world.set_profile(**{**case.profile, "orders": orders, "ledger": {"bank_account": IBANS}, "limits": limits})
    rows = "\n".join(f'[[tax]]\ncode = "{code}"\nuse = "{use}"' for use, code in case.vat_map)
    world.profile_path.with_suffix(".vat.toml").write_text(rows)
    world.sandbox.person.set_tax_active("U00", True)
    state = world.sandbox.state
    with state.transaction():
        currency = next(row for row in state.tables["currencies"].values() if row["name"] == "CHF")
        state.put("currencies", {**currency, "round_factor": float(case.coin)})


def record(case: Case, shop_id: str, status: str) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "order_number": shop_id,
        "status": status,
        "ordered_at": "2026-11-02T10:00:00+01:00",
        "updated_at": "2026-11-06T10:00:00+01:00",
        "currency": "CHF",
        "customer": KELLER,
        "lines": case.lines,
        "total": case.total,
        **case.order,
    }


def booked(world: World, invoice: dict[str, Any], *, gross: bool) -> dict[str, tuple[str, ...]]:
    """What the books show of the invoice, to the Rappen, the ledger's own rounding left out."""
    codes = {row["id"]: row["code"] for row in world.sandbox.state.taxes.values()}
    found = {}
    for (account, tax), one in world.sandbox.revenue()[invoice["id"]].items():
        if tax is not None:
            vat, whole = rounded(D(one.vat)), rounded(D(one.net) + D(one.vat))
            net = whole - vat if gross else rounded(D(one.net))
            found[f"{account} {codes[tax]}"] = tuple(f"{value:.2f}" for value in (net, vat, net + vat))
    return found


def check(world: World, case: Case, shop_id: str) -> None:
    references = {one["api_reference"]: one for one in world.invoices()}
    invoice = references.get(f"bexsync:main:order:{shop_id}")
    if case.is_nothing:
        assert invoice is None, case.name
        return
    assert invoice is not None, case.name
    assert booked(world, invoice, gross=bool(case.order.get("prices_include_tax"))) == dict(case.sums), case.name
    assert (D(invoice["total"]), invoice["is_valid_from"]) == (D(case.books), case.day), case.name
    assert invoice["title"] == f"Order {shop_id}", case.name
    if case.booked is not None:
        payments = [decimal_text(D(one["value"])) for one in world.sandbox.payments(invoice["id"])]
        assert (payments, D(invoice["total_remaining_payments"])) == (list(case.booked), D(case.open)), case.name


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("status", ACTIONS)
def test_every_case_is_booked_to_the_rappen(world: World, setting: str, status: str) -> None:
    cases = [case for case in CASES if setting_of(case) == setting]
    prepared(world, cases)
    world.drop(*(record(case, str(n), status) for n, case in enumerate(cases, 1)), kind="order")
    result = world.sync()
    nothing_due = {str(n) for n, case in enumerate(cases, 1) if case.is_nothing}
    undone = [o for o in result.outcomes if o.status is not Status.DONE and o.shop_id not in nothing_due]
    assert [(o.shop_id, o.status, o.reason) for o in undone] == []
    for number, case in enumerate(cases, 1):
        check(world, case, str(number))
    assert len(world.sandbox.orders()) == (0 if status == "direct" else len(cases))
    before = world.writes()
    world.sync()
    assert world.writes() == before
