"""Customers that come alone become contacts, where any status makes contacts."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.planning.contacts import ContactPlanner
from bexsync.planning.customers import CustomerPlanner, PlannedCustomer
from bexsync.planning.order_writing import NoAction
from bexsync.ports.store import ContactRow, PostalAddress
from bexsync.ports.wanted import EditedContact, NewContact
from bexsync.records import Customer
from planning.order_kit import settings
from planning.products_kit import ME, a_master
from planning.test_contacts import Index

ANNA = LedgerId("12")
PLACE = {"street": "Weg", "house_number": "1", "postcode": "8001", "city": "Zürich"}


def anna(**changes: Any) -> Customer:
    address = {"street": "Weg", "house_number": "1", "postal_code": "8001", "city": "Zürich"}
    fields: dict[str, Any] = {"first_name": "Anna", "last_name": "Keller", "email": "anna@example.ch"}
    return Customer.model_validate({"shop_id": "c1", "billing_address": address, **fields, **changes})


def a_row(**changes: Any) -> ContactRow:
    address = PostalAddress(**PLACE)
    fields: dict[str, Any] = {"address": address, "written": {"mail": "anna@example.ch", **PLACE}, **changes}
    return ContactRow(ANNA, "person", "Keller", "Anna", "anna@example.ch", "", False, "", **fields)


def a_planner(*rows: ContactRow, linked: LedgerId | None = None, **own: Any) -> CustomerPlanner:
    own = own or {"actions": {"processing": ["contact"]}}
    contacts = ContactPlanner(Profile(), a_master(), Index(*rows), ME, linked=lambda _: linked)
    return CustomerPlanner(contacts, settings(**own), "main")


def planned(planner: CustomerPlanner, customer: Customer) -> PlannedCustomer:
    found = planner.plan(customer)
    assert isinstance(found, PlannedCustomer)
    return found


def test_a_new_customer_becomes_a_contact_once_in_a_run() -> None:
    planner = a_planner()
    first = planned(planner, anna())
    (want,) = first.wanted.contacts.wants
    assert isinstance(want, NewContact)
    assert (want.customer, first.contact, first.wanted.subject.kind) == ("c1", None, "customer")
    assert not planned(planner, anna()).has_steps


def test_a_contact_that_is_there_is_linked() -> None:
    found = planned(a_planner(a_row()), anna())
    assert (found.has_steps, found.contact) == (False, ANNA)


def test_a_contact_follows_its_customer() -> None:
    moved = anna(billing_address={"street": "Gasse", "house_number": "2", "postal_code": "8001", "city": "Zürich"})
    found = planned(a_planner(a_row(), linked=ANNA), moved)
    (want,) = found.wanted.contacts.wants
    assert isinstance(want, EditedContact)


def test_a_customer_without_a_name_is_an_error() -> None:
    with pytest.raises(RecordProblem):
        a_planner().plan(Customer.model_validate({"shop_id": "c1", "phone": "044 000 00 00"}))


@pytest.mark.parametrize(
    ("own", "ignored"),
    [
        ({"actions": {}}, True),
        ({"actions": {"cancelled": ["cancel"]}}, True),
        ({"actions": {"processing": ["order"]}}, True),
        ({"rules": [{"payment_method": "invoice", "actions": ["contact"]}]}, False),
    ],
)
def test_customers_are_left_alone_where_no_row_makes_contacts(own: dict[str, Any], ignored: bool) -> None:
    found = a_planner(**own).plan(anna())
    assert isinstance(found, NoAction) is ignored
