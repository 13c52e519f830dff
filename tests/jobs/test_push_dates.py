"""Dates that were typed wrong, and a record that brings a bug to light: each stops itself and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from bexsync.planning.document_header import HeaderWriter
from bexsync.planning.products import ProductPlanner
from world import World, a_product, an_invoice

# the clock of these tests says 2026-11-20


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"invoice_date": "2027-01-20"}, "date_ahead", "dated 2027-01-20, more than 60 days ahead"),
        ({"invoice_date": "2062-11-04"}, "date_ahead", "dated 2062-11-04"),
        ({"invoice_date": "9999-12-31"}, "date_ahead", "dated 9999-12-31"),
        ({"due_date": "2062-12-04"}, "due_date_ahead", "due on 2062-12-04, more than two years ahead"),
        ({"due_date": "9999-12-31"}, "due_date_ahead", "due on 9999-12-31"),
        ({"payment_terms_days": 3000}, "due_date_ahead", "Correct payment_terms_days"),
    ],
)
def test_a_date_far_ahead_is_a_question_and_the_others_go_on(
    world: World, fields: dict[str, Any], code: str, said: str
) -> None:
    world.drop(an_invoice("typo", **fields), an_invoice("good"))
    result = world.push()
    found = {o.shop_id: o for o in result.outcomes}
    assert (found["typo"].status, found["typo"].code) == (Status.BLOCKED, code)
    assert said in f"{found['typo'].reason} {found['typo'].hint}"
    assert "date_format" in found["typo"].hint
    assert (found["good"].status, result.exit_code) == (Status.DONE, Exit.SOME_FAILED)
    assert len(world.sandbox.mails) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"invoice_date": "2027-01-19"},
        {"due_date": "2028-11-20"},
        {"payment_terms_days": 365},
    ],
)
def test_dates_that_may_be_meant(world: World, fields: dict[str, Any]) -> None:
    world.drop(an_invoice(**fields))
    assert [(o.status, o.code) for o in world.push().outcomes] == [(Status.DONE, "")]


def test_a_date_ahead_is_booked_by_itself_once_it_is_near(world: World) -> None:
    world.drop(an_invoice(invoice_date="2027-02-01"))
    assert world.push().outcomes[0].code == "date_ahead"
    world.clock.forward(days=30)
    assert world.push().outcomes[0].status is Status.DONE


def test_a_bug_that_one_record_brings_to_light_is_that_records_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = HeaderWriter.write

    def broken(self: HeaderWriter, invoice: Any, *rest: Any, **named: Any) -> Any:
        if invoice.shop_id == "odd":
            raise OverflowError("date value out of range")
        return write(self, invoice, *rest, **named)

    monkeypatch.setattr(HeaderWriter, "write", broken)
    world.drop(an_invoice("odd"), an_invoice("good"))
    result = world.push()
    found = {o.shop_id: o for o in result.outcomes}
    assert (found["odd"].status, found["odd"].code, result.exit_code) == (Status.BLOCKED, "bug", Exit.SOME_FAILED)
    assert "Invoice odd (drop.json" in found["odd"].reason
    assert "OverflowError at" in found["odd"].reason
    assert found["good"].status is Status.DONE


def test_a_bug_that_was_mended_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(HeaderWriter, "_check_dates", lambda *_: 1 // 0)
        world.drop(an_invoice())
        assert world.push().outcomes[0].code == "bug"
    assert world.push().outcomes[0].status is Status.DONE


def test_a_bug_that_one_product_brings_to_light_is_that_products_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ProductPlanner.create

    def broken(self: ProductPlanner, record: Any, *rest: Any, **named: Any) -> Any:
        if record.shop_id == "odd":
            raise OverflowError
        return create(self, record, *rest, **named)

    monkeypatch.setattr(ProductPlanner, "create", broken)
    world.set_profile(products={"enabled": True})
    world.list_products(a_product("odd"), a_product("good"))
    result = world.sync_products()
    found = {o.shop_id: o for o in result.outcomes}
    assert (found["odd"].code, found["good"].status, result.exit_code) == ("bug", Status.DONE, Exit.SOME_FAILED)
