"""Whom an invoice is for: the decision table of contacts, judged in the sandbox's books."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.planning.addresses import is_same_place, postal_address, split_street
from bexsync.ports.store import PostalAddress
from bexsync.records import Address
from bexsync.records.folding import alike
from world import World, an_invoice

PERSON = {"first_name": "Eva", "last_name": "Frei", "email": "eva@frei.example"}
FIRM = {"kind": "company", "company_name": "Frei AG", "email": "eva@frei.example"}
HERE = {"street_name": "Weg", "house_number": "1", "postcode": "8640", "city": "Ort"}
ELSEWHERE = {"street_name": "Gasse", "house_number": "9", "postcode": "3600", "city": "Thun"}


def a_contact(world: World, kind: str, name: str, first: str = "", mail: str = "", **more: Any) -> int:
    """A contact that bexio already has."""
    from bexio_sandbox.seed import _EMPTY_CONTACT

    shared = {"is_lead": False, "user_id": 1, "owner_id": 1, "is_archived": False, "updated_at": "2026-01-01 08:00:00"}
    row = {
        **_EMPTY_CONTACT, **shared, "contact_type_id": 1 if kind == "company" else 2, "name_1": name, "name_2": first,
        "mail": mail, "nr": 1000 + len(world.sandbox.state.contacts), **more,
    }  # fmt: skip
    with world.sandbox.state.transaction():
        return int(world.sandbox.state.add("contacts", row)["id"])


def an_invoice_for(customer: dict[str, Any], shop_id: str = "1", postcode: str = "8640", **more: Any) -> dict[str, Any]:
    address = {"address_line1": "Weg 1", "postal_code": postcode, "city": "Ort", "country_code": "CH"}
    return an_invoice(shop_id, customer={"billing_address": address, **customer}, **{"auto_send": False, **more})


Known = tuple[str, str, str, dict[str, Any]]
NEW = "new"


@pytest.mark.parametrize(
    ("known", "customer", "chosen"),
    [
        # (kind, name, first name, more fields) of what bexio has; the customer; which of them it becomes
        ([], PERSON, NEW),
        ([("person", "Frei", "Eva", {"mail": "eva@frei.example"})], PERSON, 0),
        ([("person", "Frei", "Eva", {"mail": "EVA@Frei.Example"})], PERSON, 0),
        ([("person", "Frei", "Eva", {"mail_second": "Eva@frei.example"})], PERSON, 0),
        ([("person", "Anders", "Ist", {"mail": "eva@frei.example"})], PERSON, NEW),  # nothing but the mail agrees
        ([("person", "Neu", "Eva", {"mail": "eva@frei.example"})], PERSON, 0),  # married, no address known
        ([("person", "Neu", "Eva", {"mail": "eva@frei.example", **ELSEWHERE})], PERSON, NEW),
        ([("person", "Anders", "Ist", {"mail": "eva@frei.example", **HERE})], PERSON, 0),  # another name alone
        ([("person", "Frei", "Eva", {"mail": "eva@frei.example", **ELSEWHERE})], PERSON, 0),  # another address alone
        ([("person", "Frei", "Eva", {"mail": "other@frei.example"})], PERSON, NEW),  # a mail, but another one
        ([("person", "Frei", "Eva", {"postcode": "8640"})], PERSON, NEW),  # a mail wins over name and postcode
        ([("company", "Frei AG", "", {"mail": "eva@frei.example"})], PERSON, NEW),  # no company is a person
        ([("company", "Frei AG", "", {"mail": "eva@frei.example", **HERE})], PERSON, NEW),
        ([("person", "Frei", "Eva", {"mail": "eva@frei.example", **HERE})], FIRM, NEW),
        # several: narrowed by kind, then by name
        (
            [
                ("company", "Frei AG", "", {"mail": "eva@frei.example"}),
                ("person", "Frei", "Eva", {"mail": "eva@frei.example"}),
            ],
            PERSON,
            1,
        ),
        (
            [
                ("company", "Frei AG", "", {"mail": "eva@frei.example"}),
                ("person", "Frei", "Eva", {"mail": "eva@frei.example"}),
            ],
            FIRM,
            0,
        ),
        (
            [
                ("person", "Frei", "Urs", {"mail": "eva@frei.example"}),
                ("person", "FREI", "eva", {"mail_second": "eva@frei.example"}),
            ],
            PERSON,
            1,
        ),
        (
            [
                ("person", "Frei", "Eva", {"mail": "eva@frei.example"}),
                ("person", "Frei", "Eva", {"mail": "eva@frei.example"}),
            ],
            PERSON,
            "contact_ambiguous",
        ),
        (
            [
                ("person", "Frei", "Eva", {"mail": "eva@frei.example", **ELSEWHERE}),
                ("person", "Frei", "Eva", {"mail": "eva@frei.example", **HERE}),
            ],
            PERSON,
            1,
        ),
        (
            [
                ("person", "Müller", "Jörg", {"mail": "eva@frei.example"}),
                ("person", "Meier", "Jörg", {"mail": "eva@frei.example"}),
            ],
            PERSON | {"last_name": "MUELLER", "first_name": "Jorg"},
            0,
        ),
        # archived: restored, unless a live one fits
        ([("person", "Frei", "Eva", {"mail": "eva@frei.example", "is_archived": True})], PERSON, 0),
        (
            [
                ("person", "Frei", "Eva", {"mail": "eva@frei.example", "is_archived": True}),
                ("person", "Frei", "E.", {"mail": "eva@frei.example"}),
            ],
            PERSON,
            1,
        ),
        # without a mail: name and postcode, if exactly one
        ([("person", "Frei", "Eva", {"postcode": "8640"})], PERSON | {"email": None}, 0),
        ([("person", " frei ", "EVA", {"postcode": "8640"})], PERSON | {"email": None}, 0),
        ([("person", "Frei", "Eva", {"postcode": "8000"})], PERSON | {"email": None}, NEW),
        ([("company", "Frei", "", {"postcode": "8640"})], PERSON | {"email": None}, NEW),
        ([("company", "Frei AG", "", {"postcode": "8640"})], FIRM | {"email": None}, 0),
        ([("person", "Frei", "Eva", {"postcode": "8640"})] * 2, PERSON | {"email": None}, "contact_ambiguous"),
    ],
)
def test_which_contact_it_is(world: World, known: list[Known], customer: dict[str, Any], chosen: int | str) -> None:
    ids = [a_contact(world, kind, name, first, **more) for kind, name, first, more in known]
    customer = {key: value for key, value in customer.items() if value is not None}
    world.drop(an_invoice_for(customer))
    (outcome,) = world.push().outcomes
    if isinstance(chosen, str) and chosen != NEW:
        assert (outcome.status, outcome.code) == (Status.BLOCKED, chosen)
        assert all(str(i) in outcome.reason for i in ids)
        return
    assert outcome.status is Status.DONE
    found = world.invoices()[0]["contact_id"]
    if isinstance(chosen, int):
        assert found == ids[chosen]
        assert not world.sandbox.state.contacts[found]["is_archived"]
    else:
        assert found not in ids


def test_an_ambiguous_contact_holds_up_nobody_else_and_is_solved_by_a_merge(world: World) -> None:
    keep, drop = (a_contact(world, "person", "Frei", "Eva", "eva@frei.example") for _ in range(2))
    world.drop(an_invoice_for(PERSON), an_invoice("2"))
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"1": Status.BLOCKED, "2": Status.DONE}
    world.sandbox.person.merge_contacts(keep, drop)
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"1": Status.DONE}
    assert world.invoice("1")["contact_id"] == keep


def test_a_contact_that_vanished_in_a_merge_is_noticed_in_the_same_run(world: World) -> None:
    world.drop(an_invoice_for(PERSON, "1"))
    world.push()
    old = world.invoice("1")["contact_id"]
    new = a_contact(world, "person", "Frei", "Eva", mail="eva.neu@frei.example", mail_second="eva@frei.example")
    world.sandbox.person.edit_contact(new, postcode="8001")
    world.sandbox.person.merge_contacts(new, old)
    world.drop(an_invoice_for(PERSON, "2"), name="2.json")
    assert [o.status for o in world.push().outcomes] == [Status.DONE]
    assert world.invoice("2")["contact_id"] == new


def test_beyond_one_page_only_changes_are_read_and_the_rest_once_a_week(world: World) -> None:
    for number in range(2001):
        a_contact(world, "person", f"Muster{number}", "Eva", f"m{number}@frei.example")
    keep, drop = (a_contact(world, "person", "Frei", "Eva", "eva@frei.example") for _ in range(2))
    world.drop(an_invoice_for(PERSON))
    assert world.push().outcomes[0].code == "contact_ambiguous"
    world.sandbox.person.merge_contacts(keep, drop)
    later = a_contact(world, "person", "Neu", "Eva", "neu@frei.example", updated_at="2026-11-20 10:30:00")
    world.clock.forward(hours=1)
    world.drop(an_invoice_for(PERSON | {"email": "neu@frei.example"}, "2"), name="2.json")
    before = len(world.sandbox.requests)
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"1": Status.BLOCKED, "2": Status.DONE}
    asked = [(r.method, r.path) for r in world.sandbox.requests[before:] if r.path.startswith("/2.0/contact")]
    assert asked == [("POST", "/2.0/contact/search"), ("GET", "/2.0/contact")]
    assert world.invoice("2")["contact_id"] == later
    world.clock.forward(days=8)
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"1": Status.DONE}
    assert world.invoice("1")["contact_id"] == keep


def test_a_company_is_the_contact_and_the_person_the_contact_person(world: World) -> None:
    contact = {"first_name": "Eva", "last_name": "Frei", "salutation": "Madame", "email": "eva@frei.example"}
    firm = {
        "kind": "company",
        "company_name": "Frei & Söhne AG",
        "email": "info@frei.example",
        "phone": "+41 55 000 00 00",
        "vat_number": "CHE-111.222.333",
        "language": "fr",
        "groups": ["Kunden"],
        "billing_address": {
            "address_line1": "Rue de l'Hôpital 12 bis",
            "address_line2": "3e étage",
            "postal_code": "2000",
            "city": "Neuchâtel",
            "country_code": "fr",
        },
    }
    world.set_profile(ledger={"contact_group": "Webshop"})
    world.drop(an_invoice("1", customer=firm, invoice_contact=contact), an_invoice("2", customer=firm))
    world.push()
    invoice = world.invoice("1")
    company = world.sandbox.state.contacts[invoice["contact_id"]]
    person = world.sandbox.state.contacts[invoice["contact_sub_id"]]
    assert (company["contact_type_id"], company["name_1"], company["mail"]) == (
        1,
        "Frei & Söhne AG",
        "info@frei.example",
    )
    assert (company["street_name"], company["house_number"]) == ("Rue de l'Hôpital", "12 bis")
    assert (company["address_addition"], company["postcode"], company["city"]) == ("3e étage", "2000", "Neuchâtel")
    assert company["country_id"] == 4
    assert company["language_id"] == 2
    assert company["contact_group_ids"] == "4,2"
    assert company["remarks"] == "MWST/UID: CHE-111.222.333"
    assert company["phone_fixed"] == "+41 55 000 00 00"
    assert (person["contact_type_id"], person["name_1"], person["name_2"]) == (2, "Frei", "Eva")
    assert person["salutation_id"] == 2  # Madame is Frau
    relations = [
        (r["contact_id"], r["contact_sub_id"]) for r in world.sandbox.state.tables["contact_relations"].values()
    ]
    assert relations == [(company["id"], person["id"])]
    assert world.invoice("2")["contact_id"] == company["id"]
    assert world.sandbox.mails[0].to == "eva@frei.example"


def test_company_and_person_may_share_a_mail(world: World) -> None:
    before = len(world.sandbox.contacts())
    firm = FIRM | {"first_name": "Eva", "last_name": "Frei"}
    world.drop(an_invoice_for(firm, "1"), an_invoice_for(firm, "2"), an_invoice_for(FIRM, "3"))
    world.push()
    assert len(world.sandbox.contacts()) == before + 2
    assert len({i["contact_id"] for i in world.invoices()}) == 1
    assert world.invoice("1")["contact_sub_id"] == world.invoice("2")["contact_sub_id"] is not None
    world.drop(an_invoice_for(firm, "4"), name="4.json")
    world.push()
    assert len(world.sandbox.contacts()) == before + 2


@pytest.mark.parametrize(
    ("customer", "said"),
    [
        ({"kind": "company", "email": "a@b.ch"}, "customer.company_name"),
        ({"email": "a@b.ch"}, "customer.last_name"),
        (PERSON | {"groups": ["Nobody"]}, 'bexio has no contact group "Nobody"'),
        (PERSON | {"billing_address": {"country_code": "ZW", "city": "Harare"}}, 'bexio has no country "ZW"'),
    ],
)
def test_an_incomplete_customer_is_blocked(world: World, customer: dict[str, Any], said: str) -> None:
    world.drop(an_invoice_for(customer))
    (outcome,) = world.push().outcomes
    assert outcome.status is Status.BLOCKED
    assert said in outcome.reason
    assert world.writes() == 0


def test_a_customer_record_of_its_own_is_used_by_its_id(world: World) -> None:
    world.drop(an_invoice("1", customer=None, customer_id="C9"))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "customer_missing")
    world.drop({"shop_id": "C9", **PERSON}, kind="customer", name="customer.json")
    assert world.push().outcomes[0].status is Status.DONE
    world.drop({"shop_id": "C9", **PERSON, "phone": "+41 1"}, kind="customer", name="customer2.json")
    assert world.push().outcomes == []


@pytest.mark.parametrize(
    ("address", "street", "number"),
    [
        ({"address_line1": "Seestrasse 12"}, "Seestrasse", "12"),
        ({"address_line1": "Seestrasse 12a"}, "Seestrasse", "12a"),
        ({"address_line1": "Seestrasse 12 a"}, "Seestrasse", "12a"),
        ({"address_line1": "Seestrasse, 12"}, "Seestrasse", "12"),
        ({"address_line1": "Seestrasse 12-14"}, "Seestrasse", "12-14"),
        ({"address_line1": "Seestrasse 12/14"}, "Seestrasse", "12/14"),
        ({"address_line1": "Strasse des 17. Juni 135"}, "Strasse des 17. Juni", "135"),
        ({"address_line1": "12, rue de la Gare"}, "rue de la Gare", "12"),
        ({"address_line1": "12 rue de la Gare"}, "rue de la Gare", "12"),
        ({"address_line1": "Rue du Lac 7 bis"}, "Rue du Lac", "7 bis"),
        ({"address_line1": "Via Nassa 5ter"}, "Via Nassa", "5ter"),
        ({"address_line1": "Postfach 99"}, "Postfach 99", ""),
        ({"address_line1": "Case postale 1234"}, "Case postale 1234", ""),
        ({"address_line1": "Casella postale 7"}, "Casella postale 7", ""),
        ({"address_line1": "P.O. Box 7"}, "P.O. Box 7", ""),
        ({"address_line1": "Hof Brunnen"}, "Hof Brunnen", ""),
        ({"address_line1": "Mühle"}, "Mühle", ""),
        ({"address_line1": "Quadrat C4"}, "Quadrat C4", ""),
        ({"address_line1": "42"}, "42", ""),
        ({"street": "Am Platz 3", "house_number": "B"}, "Am Platz 3", "B"),
        ({"street": "Am Platz"}, "Am Platz", ""),
        ({"address_line2": "Seestrasse 12"}, "Seestrasse", "12"),
        ({}, "", ""),
    ],
)
def test_street_and_house_number_come_apart(address: dict[str, str], street: str, number: str) -> None:
    assert split_street(Address(**address)) == (street, number)


@pytest.mark.parametrize(
    ("address", "street", "number", "addition"),
    [
        ({"address_line1": "Hauptstrasse 12\nPostfach 5"}, "Hauptstrasse", "12", "Postfach 5"),
        ({"address_line1": "c/o Muster AG\nSeestrasse 5"}, "Seestrasse", "5", "c/o Muster AG"),
        ({"address_line1": "Haus Edelweiss\n\nDorf"}, "Haus Edelweiss", "", "Dorf"),
        ({"address_line1": "Weg 1", "address_line2": "3. Stock"}, "Weg", "1", "3. Stock"),
        ({"street": "Weg", "house_number": "1", "address_line2": "3. Stock"}, "Weg", "1", "3. Stock"),
        ({"address_line2": "Weg 1"}, "Weg", "1", ""),
        ({}, "", "", ""),
    ],
)
def test_a_second_line_is_an_addition(address: dict[str, str], street: str, number: str, addition: str) -> None:
    found = postal_address(Address(**address), (), "bexio")
    assert (found.street, found.house_number, found.addition) == (street, number, addition)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Weg 1, 3600 Thun", "weg  1, 3600 THUN", True),
        ("Bahnhofstr. 12 a, 3600 Thun", "Bahnhofstraße 12A, 3600 Thun", True),
        ("Weg 1, CH-3600 Thun", "Weg 1, 3600 Thun", True),
        ("Rue de l'Hôpital 3, 2000 Neuchâtel", "Rue de l’Hopital 3, 2000 Neuchatel", True),
        ("Weg 1, 3600 Thun", "Weg 11, 3600 Thun", False),
        ("Weg 1, 3600 Thun", "Weg 1, 3604 Thun", False),
        ("Weg 1, 3600 Thun", ", 3600 Thun", False),
        (", ", ", ", False),
    ],
)
def test_which_addresses_are_one_place(one: str, other: str, same: bool) -> None:
    def place(text: str) -> PostalAddress:
        line, town = text.split(", ")
        code, _, city = town.partition(" ")
        street, number = split_street(Address(address_line1=line))
        return PostalAddress(street=street, house_number=number, postcode=code, city=city)

    assert is_same_place(place(one), place(other)) is is_same_place(place(other), place(one)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Müller", "MUELLER", True), ("Müller", "Muller", True), ("Mueller", "Muller", False),
        ("Dell'Oro", "DellOro", True), ("Meier-Frei", "Meier Frei", True), ("Strauß", "Strauss", True),
        ("Bauer", "Baur", False), ("S.B.B.", "SBB", True), ("Łukasz", "Lukasz", True), ("Sjöberg", "Sjoeberg", True),
    ],
)  # fmt: skip
def test_which_names_are_alike(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same
