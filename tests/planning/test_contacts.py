"""What is wanted of contacts, record by record of one run, and the steps that bexio makes of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from products_kit import ME, a_master

from bexsync.config.profile import Profile
from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.steps import steps_for
from bexsync.planning.addresses import Recipient
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.ports.contact_effects import CreateContact, EditContact, RelateContacts
from bexsync.ports.document_effects import CreateDocument, DocumentHeader
from bexsync.ports.steps import LinkDraft, Ref, Step, Subject
from bexsync.ports.store import ContactRow, PostalAddress
from bexsync.ports.wanted import NO_CONTACTS, Create, NewContact, Want, Wanted, WantedDocument
from bexsync.records import Address, Customer, Person

COMPANY = Customer(
    shop_id="7", company_name="Muster AG", email="Info@muster.example", billing_address=Address(address_line1="Weg 1")
)
ANNA = Person(first_name="Anna", last_name="Keller", email="anna@muster.example")
COMPANY_KEY = "mail:info@muster.example|company:muster ag"
ANNA_KEY = "mail:anna@muster.example|person:keller anna"
ARCHIVED = ContactRow(
    LedgerId("12"),
    "company",
    "Muster AG",
    "",
    "info@muster.example",
    "",
    True,
    "",
    address=PostalAddress("Gasse", "2"),
    written={"street": "Gasse", "house_number": "2"},
)


class Index:
    """A contact index of these rows."""

    def __init__(self, *rows: ContactRow) -> None:
        self._rows = rows

    def get(self, ledger_id: LedgerId) -> ContactRow | None:
        return next((row for row in self._rows if row.ledger_id == ledger_id), None)

    def by_mail(self, mail: str) -> Sequence[ContactRow]:
        return [row for row in self._rows if row.mail == mail.casefold()]

    def by_name(self, name_1: str, name_2: str, postcode: str) -> Sequence[ContactRow]:
        return []

    def by_number(self, nr: int) -> ContactRow | None:
        return None

    def number_is_free(self, nr: int) -> bool:
        return True

    def reported(self, ledger_id: LedgerId) -> str:
        return ""


def a_planner(*rows: ContactRow, **parts: Any) -> ContactPlanner:
    return ContactPlanner(Profile(), a_master(), Index(*rows), ME, **parts)


def wanted_for(shop_id: str, contacts: Contacts, *wants: Want) -> Wanted[Want]:
    return Wanted(Subject("invoice", shop_id), "main", f"ref-{shop_id}", contacts.wanted, wants)


def steps_of(wanted: Wanted[Want], done: Collection[tuple[str, str]] = ()) -> tuple[Step, ...]:
    return steps_for(wanted, lambda kind, key: (kind, key) in done, send_issues=False)


def a_create() -> Create:
    header = DocumentHeader(
        reference="ref-1", title="", user_id=ME.id, currency_id=LedgerId("1"), date="2026-11-02", prices="net", vat=True
    )
    return Create(WantedDocument(header, (), {}, "", {}, "", "Muster AG", "7", Decimal(1), "CHF"))


def test_a_new_customer_is_wanted_once_and_named_by_each_record() -> None:
    planner = a_planner()
    recipient = Recipient(COMPANY, person=ANNA)
    first, second = planner.plan(recipient), planner.plan(recipient)
    steps, later = steps_of(wanted_for("1", first, a_create())), steps_of(wanted_for("2", second, a_create()))
    assert [(step.kind, step.key, step.scope) for step in steps] == [
        ("contact", COMPANY_KEY, ""),
        ("contact", ANNA_KEY, ""),
        ("contact_relation", f"{COMPANY_KEY}>{ANNA_KEY}", ""),
        ("invoice", "ref-1", "main"),
    ]
    assert [step.kind for step in later] == ["invoice"]
    assert steps[0].link == LinkDraft("contact", contact_of="7")
    for document in (steps[-1].effect, later[-1].effect):
        assert isinstance(document, CreateDocument)
        assert (document.contact_id, document.contact_sub_id) == (Ref("contact", COMPANY_KEY), Ref("contact", ANNA_KEY))


def test_what_was_done_before_gets_another_name_wherever_it_is_named() -> None:
    done = {("contact", COMPANY_KEY), ("contact", f"{COMPANY_KEY}#2"), ("contact_relation", "another")}
    company, anna, relation, document = steps_of(
        wanted_for("1", a_planner().plan(Recipient(COMPANY, person=ANNA)), a_create()), done
    )
    assert (company.key, anna.key) == (f"{COMPANY_KEY}#3", ANNA_KEY)
    assert isinstance(relation.effect, RelateContacts)
    assert isinstance(document.effect, CreateDocument)
    assert relation.effect.contact_id == document.effect.contact_id == company.ref


def test_an_archived_contact_is_restored_and_edited_once() -> None:
    planner = a_planner(ARCHIVED)
    first, second = planner.plan(Recipient(COMPANY)), planner.plan(Recipient(COMPANY))
    restore, edit = steps_of(wanted_for("1", first))
    (document,) = steps_of(wanted_for("2", second, a_create()))
    assert (restore.kind, restore.key) == ("contact_restore", f"{COMPANY_KEY}#12")
    assert (edit.kind, edit.after) == ("contact_edit", (restore.ref,))
    assert edit.key == f"12:{edit.payload_hash()[:12]}"
    assert isinstance(edit.effect, EditContact)
    assert (edit.effect.fields["street"], edit.effect.fields["house_number"]) == ("Weg", "1")
    assert isinstance(document.effect, CreateDocument)
    assert document.effect.contact_id == restore.ref


def test_a_contact_under_way_is_repeated_by_each_record_under_its_own_name() -> None:
    recipient = Recipient(Customer(first_name="Anna", last_name="Keller", email="anna@muster.example"))
    known = a_planner().plan(recipient).wanted.contact
    assert isinstance(known, NewContact)
    planner = a_planner(under_way=[replace(known, key="as it was called then")])
    for shop_id in ("1", "2"):
        create, document = steps_of(wanted_for(shop_id, planner.plan(recipient), a_create()))
        assert (create.key, create.subject.shop_id, create.title) == ("as it was called then", shop_id, "")
        assert isinstance(create.effect, CreateContact)
        assert isinstance(document.effect, CreateDocument)
        assert document.effect.contact_id == create.ref


def test_a_customer_alone_needs_no_document() -> None:
    contacts = a_planner().plan(Recipient(COMPANY))
    (step,) = steps_of(Wanted(Subject("customer", "7"), "main", contacts=contacts.wanted))
    assert (step.subject, step.key) == (Subject("customer", "7"), COMPANY_KEY)
    assert isinstance(contacts.wanted.contact, NewContact)
    assert contacts.customer == "7"


def test_a_document_is_never_written_without_a_contact() -> None:
    with pytest.raises(Defect, match="for a contact"):
        steps_of(Wanted(Subject("invoice", "1"), "main", "ref-1", NO_CONTACTS, (a_create(),)))
