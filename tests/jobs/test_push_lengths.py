"""Texts longer than bexio takes are refused while planning, with the field and both lengths."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from world import World, an_invoice

COMPANY = {"kind": "company", "company_name": "Muster AG", "email": "kunde@muster.example.ch"}
LINE = {"unit_price": "100", "tax_rate": "8.1"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"customer": COMPANY | {"company_name": "M" * 271}}, "`customer.company_name` is 271 characters long, bexio "),
        ({"customer": COMPANY | {"last_name": "M" * 81}}, "`customer.last_name` is 81 characters long, bexio takes 80"),
        ({"billing_address": {"city": "B" * 81}}, "`billing_address.city` is 81"),
        ({"billing_address": {"address_line1": "B" * 256}}, "`billing_address.address_line1` is 256"),
        ({"title": "T" * 300}, "`title` is 300 characters long, bexio takes 255"),
        ({"project": {"name": "P" * 256}}, "`project.name` is 256"),
        ({"contract_reference": "R" * 200, "project": {"name": "P" * 55}}, "`contract_reference with project` is 256"),
        ({"email": {"subject": "S" * 256}}, "`email.subject` is 256"),
        ({"email": {"subject": "S" * 100 + "{title}"}, "title": "T" * 200}, "`email.subject` is 300"),
        # every & becomes &amp; on its way
        ({"lines": [LINE | {"name": "&" * 13001}]}, "`the text of position 1` is 65005 characters long"),
        ({"header_text": "&" * 13001}, "`header_text` is 65005"),
    ],
)
def test_what_is_too_long_names_field_and_length(world: World, fields: dict[str, Any], said: str) -> None:
    world.drop(an_invoice("long", **fields), an_invoice("good"))
    result = world.push()
    found = {o.shop_id: o for o in result.outcomes}
    assert (found["long"].status, found["long"].code) == (Status.BLOCKED, "too_long")
    assert said in found["long"].reason
    assert (found["good"].status, result.exit_code) == (Status.DONE, Exit.SOME_FAILED)


@pytest.mark.parametrize(
    "fields",
    [
        {"customer": COMPANY | {"company_name": "M" * 80, "last_name": "N" * 80}},
        {"title": "T" * 255, "contract_reference": "R" * 255, "email": {"subject": "S" * 255}},
        {"lines": [LINE | {"name": "&" * 13000}], "footer_text": "é" * 20000},
    ],
)
def test_what_just_fits_goes_through(world: World, fields: dict[str, Any]) -> None:
    world.drop(an_invoice(**fields))
    assert [(o.status, o.code) for o in world.push().outcomes] == [(Status.DONE, "")]
