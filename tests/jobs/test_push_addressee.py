"""Whom the document names: shared mails, billing addresses, links of customers, and what becomes of contacts."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from test_push_contacts import ELSEWHERE, HERE, a_contact

from bexio_sandbox import Fault
from bexsync.engine.result import Result, Status
from world import World, an_invoice

SEEWEG = {"street": "Seeweg", "house_number": "4", "postal_code": "3600", "city": "Thun", "country_code": "CH"}
DORFGASSE = {"street": "Dorfgasse", "house_number": "12", "postal_code": "3600", "city": "Thun", "country_code": "CH"}
MAIL = "familie@muster.example.ch"


def a_person(first: str, last: str, address: dict[str, str] | None, mail: str = MAIL, **more: Any) -> dict[str, Any]:
    place = {"billing_address": address} if address else {}
    return {"kind": "person", "first_name": first, "last_name": last, "email": mail, **place, **more}


def a_company(name: str, address: dict[str, str] | None, mail: str = MAIL, **more: Any) -> dict[str, Any]:
    place = {"billing_address": address} if address else {}
    return {"kind": "company", "company_name": name, "email": mail, **place, **more}


def pushed(world: World, *customers: dict[str, Any], first: int = 1, **more: Any) -> Result:
    """Invoices `first`, `first + 1`, ... for these customers, in one file."""
    invoices = [an_invoice(str(n), customer=c, auto_send=False, **more) for n, c in enumerate(customers, first)]
    world.drop(*invoices, name=f"{first}.json")
    return world.push()


def letter(world: World, shop_id: int | str) -> list[str]:
    return list(world.invoice(str(shop_id))["contact_address"].splitlines())


def contact_of(world: World, shop_id: int | str) -> dict[str, Any]:
    return dict(world.sandbox.state.contacts[world.invoice(str(shop_id))["contact_id"]])


def reasons(result: Result) -> dict[str, str]:
    return {outcome.shop_id: outcome.reason for outcome in result.outcomes}


PARTIES = (
    a_person("Hans", "Muster", SEEWEG),
    a_person("Petra", "Muster", SEEWEG),
    a_person("Jonas", "Berger", DORFGASSE),
    a_company("STWEG Rosenweg 1", {**SEEWEG, "street": "Rosenweg", "house_number": "1"}),
    a_company("STWEG Tulpenweg 8", {**SEEWEG, "street": "Tulpenweg", "house_number": "8"}),
)
LETTERS = [
    ["Hans Muster", "Seeweg 4", "3600 Thun", "Schweiz"],
    ["Petra Muster", "Seeweg 4", "3600 Thun", "Schweiz"],
    ["Jonas Berger", "Dorfgasse 12", "3600 Thun", "Schweiz"],
    ["STWEG Rosenweg 1", "Rosenweg 1", "3600 Thun", "Schweiz"],
    ["STWEG Tulpenweg 8", "Tulpenweg 8", "3600 Thun", "Schweiz"],
]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("same_mail", "groups"), [("separate", [{1, 2}, {3}, {4}, {5}]), ("one", [{1, 2, 3}, {4, 5}])])
def test_parties_that_share_a_mail_each_stand_on_their_own_document(
    world: World, same_mail: str, groups: list[set[int]], at_once: bool
) -> None:
    world.set_profile(contacts={"same_mail": same_mail})
    if at_once:
        results = [pushed(world, *PARTIES)]
    else:
        results = [pushed(world, customer, first=n) for n, customer in enumerate(PARTIES, 1)]
    said = {shop_id: reason for result in results for shop_id, reason in reasons(result).items()}
    assert [letter(world, n) for n in range(1, 6)] == LETTERS
    contacts = {n: contact_of(world, n) for n in range(1, 6)}
    assert [{n for n in contacts if contacts[n]["id"] == contacts[min(group)]["id"]} for group in groups] == groups
    assert [contacts[n]["contact_type_id"] for n in range(1, 6)] == [2, 2, 2, 1, 1]
    assert said["1"] == ""
    assert "Hans Muster, Seeweg 4, 3600 Thun" in said["2"]
    assert "Hans Muster" in said["3"]
    assert "STWEG Rosenweg 1" in said["5"]
    world.set_profile(contacts={"same_mail": "stop"})
    before = len(world.sandbox.contacts())
    pushed(world, *PARTIES[:3], first=11)
    assert len(world.sandbox.contacts()) == before


@pytest.mark.parametrize("where", ["line", "street", "other words"])
def test_companies_at_the_address_of_their_fiduciary_are_not_one(world: World, where: str) -> None:
    office = {**SEEWEG, "address_line2": "c/o Treuhand Meier AG"}
    if where == "street":
        office = {**SEEWEG, "street": "c/o Treuhand Meier AG, Seeweg"}
    if where == "other words":
        office = {**SEEWEG, "address_line2": "p.A. Treuhand Meier AG"}
    result = pushed(world, *(a_company(name, office) for name in ("Alpha AG", "Beta GmbH", "Alpha AG")))
    assert result.exit_code == 0
    names = [contact_of(world, n)["name_1"] for n in (1, 2, 3)]
    assert names == ["Alpha AG", "Beta GmbH", "Alpha AG"]
    assert contact_of(world, 1)["id"] == contact_of(world, 3)["id"]


def test_a_shared_mail_may_be_a_question(world: World) -> None:
    world.set_profile(contacts={"same_mail": "stop"})
    result = pushed(world, *PARTIES)
    assert {o.shop_id: o.code for o in result.outcomes} == {
        "1": "", "2": "", "3": "contact_in_question", "4": "contact_in_question", "5": "contact_in_question",
    }  # fmt: skip
    (third,) = [o for o in result.outcomes if o.shop_id == "3"]
    assert third.reason == (
        f"The mail {MAIL} belongs to Hans Muster, Seeweg 4, 3600 Thun (new), "
        "but the shop has it for Jonas Berger, Dorfgasse 12, 3600 Thun."
    )
    assert "same_mail" in third.hint
    world.set_profile(contacts={"same_mail": "separate"})
    assert {o.status for o in world.push().outcomes} == {Status.DONE}
    assert [letter(world, n) for n in range(1, 6)] == LETTERS


def test_a_customer_keeps_the_contact_when_the_mail_changes(world: World) -> None:
    for customer in ({"shop_id": "K-7"}, {"customer_number": "1007"}):
        first = 10 * len(world.invoices()) + 1
        pushed(world, a_person("Eva", "Frei", SEEWEG, f"eva{first}@frei.example", **customer), first=first)
        pushed(world, a_person("Eva", "Meier", DORFGASSE, f"meier{first}@x.example", **customer), first=first + 1)
        contact = contact_of(world, first)
        assert contact_of(world, first + 1)["id"] == contact["id"]
        assert letter(world, first + 1) == ["Eva Meier", "Dorfgasse 12", "3600 Thun", "Schweiz"]
        # what bexsync wrote and nobody changed follows the shop
        assert (contact["name_1"], contact["mail"]) == ("Meier", f"meier{first}@x.example")
        assert (contact["street_name"], contact["house_number"]) == ("Dorfgasse", "12")


def test_all_guests_have_the_same_id_and_are_not_one_customer(world: World) -> None:
    pushed(world, a_person("Eva", "Frei", SEEWEG, "eva@frei.example", shop_id="0"))
    pushed(world, a_person("Urs", "Berger", DORFGASSE, "urs@berger.example", shop_id="0"), first=2)
    assert contact_of(world, 1)["id"] != contact_of(world, 2)["id"]


@pytest.mark.parametrize("what", ["archived", "merged", "deleted"])
def test_a_linked_contact_that_is_gone_is_looked_for_again(world: World, what: str) -> None:
    customer = a_person("Eva", "Frei", SEEWEG, "eva@frei.example", shop_id="K-7")
    pushed(world, customer)
    old = contact_of(world, 1)["id"]
    new = a_contact(world, "person", "Frei", "Eva", "eva@frei.example") if what == "merged" else old
    if what == "archived":
        world.sandbox.person.archive_contact(old)
    elif what == "merged":
        world.sandbox.person.merge_contacts(new, old)
    else:
        with world.sandbox.state.transaction():
            world.sandbox.state.remove("contacts", old)
    moved = {**customer, "billing_address": DORFGASSE}
    result = pushed(world, moved, first=2)
    assert [o.status for o in result.outcomes] == [Status.DONE]
    found = contact_of(world, 2)
    assert not found["is_archived"]
    assert (found["street_name"] == "Dorfgasse") is (what != "merged")
    assert (found["id"] == new) is (what != "deleted")
    pushed(world, moved, first=3)
    assert contact_of(world, 3)["id"] == found["id"]


def test_a_billing_address_of_one_invoice_is_printed_and_stays_out_of_the_contact(world: World) -> None:
    customer = a_person("Eva", "Frei", SEEWEG, "eva@frei.example", shipping_address={**DORFGASSE, "city": "Bern"})
    pushed(world, customer)
    pushed(world, customer, first=2, billing_address={**DORFGASSE, "country_code": "DE"})
    assert letter(world, 2) == ["Eva Frei", "Dorfgasse 12", "3600 Thun", "Deutschland"]
    assert contact_of(world, 2)["street_name"] == "Seeweg"
    pushed(world, customer, first=3, billing_address={**DORFGASSE, "first_name": "Urs", "last_name": "Frei"})
    assert letter(world, 3)[:2] == ["Urs Frei", "Dorfgasse 12"]
    guest = a_person("Ida", "Gast", None, "ida@gast.example")
    pushed(world, guest, first=4, billing_address=DORFGASSE)
    assert contact_of(world, 4)["street_name"] == "Dorfgasse"
    pushed(world, guest, first=5, billing_address=SEEWEG)
    assert contact_of(world, 5)["street_name"] == "Dorfgasse"
    assert letter(world, 5)[1] == "Seeweg 4"
    pushed(world, a_person("Eva", "Frei", None, "eva@frei.example"), first=6)
    assert letter(world, 6) == ["Eva Frei", "Seeweg 4", "3600 Thun", "Schweiz"]
    assert not [row for row in world.sandbox.contacts() if row["city"] == "Bern"]


def test_a_billing_address_with_a_company_makes_a_company_contact(world: World) -> None:
    customer = {"first_name": "Eva", "last_name": "Frei", "email": "eva@frei.example", "language": "fr"}
    at_work = {**DORFGASSE, "company": "Bau AG", "first_name": "Eva", "last_name": "Frei"}
    pushed(world, {**customer, "shop_id": "7", "billing_address": SEEWEG})
    private = contact_of(world, 1)
    pushed(world, {**customer, "shop_id": "7", "billing_address": SEEWEG}, first=2, billing_address=at_work)
    company = contact_of(world, 2)
    person = world.sandbox.state.contacts[world.invoice("2")["contact_sub_id"]]
    assert (company["contact_type_id"], company["name_1"], company["street_name"]) == (1, "Bau AG", "Dorfgasse")
    assert person["id"] == private["id"]
    pushed(world, {**customer, "shop_id": "7", "billing_address": SEEWEG}, first=3)
    assert contact_of(world, 3)["id"] == private["id"]
    assert (private["contact_type_id"], private["language_id"]) == (2, 2)
    itself = {**SEEWEG, "company": "Ida Gast"}
    pushed(world, {**customer, "first_name": "Ida", "last_name": "Gast", "email": "ida@gast.example"}, first=4,
           billing_address=itself)  # fmt: skip
    assert contact_of(world, 4)["contact_type_id"] == 2


def test_a_contact_person_gets_the_whole_address_and_the_customers_language(world: World) -> None:
    firm = a_company("Bau AG", SEEWEG, "post@bau.example", language="fr")
    contact = {"first_name": "Eva", "last_name": "Frei", "email": "eva@bau.example"}
    pushed(world, firm, invoice_contact=contact, language="it")
    person = world.sandbox.state.contacts[world.invoice("1")["contact_sub_id"]]
    for row in (contact_of(world, 1), person):
        assert (row["street_name"], row["house_number"], row["city"]) == ("Seeweg", "4", "Thun")
        assert (row["country_id"], row["language_id"]) == (1, 2)


@pytest.mark.parametrize(
    ("update", "edited_by_a_person", "written"),
    [("own", False, True), ("own", True, False), ("never", False, False), ("always", True, True)],
)
def test_a_changed_address_is_written_or_reported_once(
    world: World, update: str, edited_by_a_person: bool, written: bool
) -> None:
    world.set_profile(contacts={"update": update})
    pushed(world, a_person("Eva", "Frei", SEEWEG, "eva@frei.example"))
    if edited_by_a_person:
        world.sandbox.person.edit_contact(contact_of(world, 1)["id"], house_number="4a")
        world.clock.forward(minutes=1)
    moved = a_person("Eva", "Frei", DORFGASSE, "eva@frei.example")
    said = reasons(pushed(world, moved, first=2))["2"]
    contact = contact_of(world, 2)
    assert contact["id"] == contact_of(world, 1)["id"]
    assert (contact["street_name"] == "Dorfgasse") is written
    assert letter(world, 2) == ["Eva Frei", "Dorfgasse 12", "3600 Thun", "Schweiz"]
    number = "4a" if edited_by_a_person else "4"
    stays = (
        f'contact {contact["id"]} in bexio differs and stays as it is: address "Seeweg {number}, 3600 Thun" '
        '(shop: "Dorfgasse 12, 3600 Thun")'
    )
    assert said == ("" if written else stays)
    assert reasons(pushed(world, moved, first=3))["3"] == ""


def test_contacts_that_a_person_made_are_never_written_unless_always(world: World) -> None:
    ours = a_contact(world, "person", "Frei", "Eva", "eva@frei.example", **ELSEWHERE)
    pushed(world, a_person("Eva", "Frei", SEEWEG, "eva@frei.example", phone="+41 33 222 11 00"))
    assert contact_of(world, 1)["id"] == ours
    assert contact_of(world, 1)["street_name"] == ELSEWHERE["street_name"]
    assert letter(world, 1)[1] == "Seeweg 4"


def test_the_shops_number_becomes_the_contacts_where_it_can(world: World) -> None:
    world.set_profile(contacts={"numbers": "shop"})
    people = [
        a_person("Eva", "Frei", SEEWEG, f"eva{n}@frei.example", customer_number=number)
        for n, number in enumerate(["00123", "123", "K-9", "2"])  # the sandbox's own Nina Keller has 2
    ]
    result = pushed(world, *people)
    assert {o.status for o in result.outcomes} == {Status.DONE}
    assert contact_of(world, 1)["nr"] == 123
    assert [contact_of(world, n)["nr"] for n in (2, 3, 4)] == [124, 125, 126]
    said = reasons(result)
    assert [said[str(n)].split(" stays")[0] for n in (2, 3, 4)] == [
        "customer_number 123", "customer_number K-9", "customer_number 2",
    ]  # fmt: skip
    shutil.rmtree(world.folder / "state")
    changed = a_person("Eva", "Frei", SEEWEG, "eva@neu.example", customer_number="123")
    pushed(world, changed, first=5)
    assert contact_of(world, 5)["id"] == contact_of(world, 1)["id"]


def test_a_number_that_bexio_refuses_is_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set_profile(contacts={"numbers": "shop"})
    pushed(world, a_person("Urs", "Vorher", SEEWEG, "urs@x.example"))
    monkeypatch.setattr("bexsync.store.ledger_cache.ContactIndex.keep", lambda *_: None)  # nobody sees the new one
    a_contact(world, "person", "Neu", "Ida", nr=500)
    result = pushed(world, a_person("Eva", "Frei", SEEWEG, "eva@frei.example", customer_number="500"), first=2)
    assert [o.status for o in result.outcomes] == [Status.DONE]
    assert "customer_number 500 stays out of bexio" in reasons(result)["2"]
    assert contact_of(world, 2)["nr"] != 500


def test_the_vat_number_may_stand_on_the_invoice(world: World) -> None:
    firm = a_company("Bau AG", SEEWEG, "post@bau.example", vat_number="CHE-111.222.333 MWST")
    pushed(world, firm)
    assert "CHE-111" not in str(world.invoice("1"))
    world.set_profile(invoices={"print_vat_number": True})
    pushed(world, firm, first=2)
    assert world.invoice("2")["positions"][-1]["text"] == "Ihre MWST-Nummer: CHE-111.222.333 MWST"


def test_a_draft_that_names_somebody_else_is_not_mailed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """bexio printing another addressee than it was told to is noticed in its own answer."""
    monkeypatch.setattr("bexio_sandbox.state.documents.address", lambda *_: "Hans Muster\nSeeweg 4")
    world.drop(an_invoice("1"))
    (outcome,) = world.push().outcomes
    assert outcome.status is Status.HELD
    assert "to Hans Muster, Seeweg 4, the shop to Anna Keller" in outcome.reason
    assert world.sandbox.mails == []


def test_a_draft_whose_address_changes_back_is_printed_as_the_contact_says(world: World) -> None:
    customer = a_person("Eva", "Frei", SEEWEG, "eva@frei.example")
    more = {"leave_as_draft": True, "auto_send": None}
    world.drop(an_invoice("1", customer=customer, billing_address=DORFGASSE, **more))
    world.push()
    assert letter(world, 1)[1] == "Dorfgasse 12"
    world.drop(an_invoice("1", customer=customer, **more), name="again.json")
    world.push()
    assert letter(world, 1)[1] == "Seeweg 4"


def test_the_case_of_a_name_and_the_spelling_of_a_street_are_no_other_party(world: World) -> None:
    known = a_contact(world, "company", "Zürcher & Söhne AG", "", "post@z.example", **HERE)
    pushed(world, a_company("ZUERCHER & SOEHNE AG", {**SEEWEG, "street": "Seestrasse"}, "post@z.example"))
    assert contact_of(world, 1)["id"] == known
    assert letter(world, 1)[:2] == ["ZUERCHER & SOEHNE AG", "Seestrasse 4"]


def test_a_contact_under_way_since_an_older_version_is_not_created_again(world: World) -> None:
    """Until now its key was the mail alone, whoever it was for."""
    world.set_profile(engine={"settle_seconds": 600.0})
    world.sandbox.faults.plan(
        [
            Fault("lagging_search", "*", "*", repeat=0, seconds=5000),
            Fault("drop_after", "POST", "/2.0/contact"),
        ]
    )
    (outcome,) = pushed(world, PARTIES[0]).outcomes
    assert outcome.status is Status.IN_DOUBT
    with closing(sqlite3.connect(next((world.folder / "state").glob("bexio-*.db")))) as db, db:
        renamed = db.execute("UPDATE intents SET key = ? WHERE kind = 'contact'", (f"mail:{MAIL}",))
        assert renamed.rowcount == 1
    again = pushed(world, {**PARTIES[0], "billing_address": DORFGASSE}, PARTIES[2], first=2)
    # the same party waits for it, another one with that mail does not
    assert {o.shop_id: o.status for o in again.outcomes} == {
        "1": Status.IN_DOUBT, "2": Status.IN_DOUBT, "3": Status.DONE,
    }  # fmt: skip
    world.sandbox.faults.clear()
    world.clock.forward(hours=1)
    assert {o.shop_id: o.status for o in world.push().outcomes} == {"1": Status.DONE, "2": Status.DONE}
    assert sum(row["mail"] == MAIL for row in world.sandbox.contacts()) == 2
    assert [letter(world, n)[:2] for n in (1, 2, 3)] == [
        ["Hans Muster", "Seeweg 4"], ["Hans Muster", "Dorfgasse 12"], ["Jonas Berger", "Dorfgasse 12"],
    ]  # fmt: skip


def test_postal_codes_of_a_table_reach_bexio_as_the_post_writes_them(world: World) -> None:
    rows = [
        ("CH-4001", "Basel", "CH"), ("FL-9490", "Vaduz", "LI"), ("4001.0", "Basel", "Schweiz"),
        ("40 01", "Basel", "CH"), ("75008", "Paris", "FR"), ("SW1A 1AA", "London", "GB"), ("D-68161", "Mannheim", "DE"),
    ]  # fmt: skip
    table = ["Rechnungsnummer;Datum;Währung;Firma;E-Mail;Adresse;PLZ;Ort;Land;Artikel;Menge;Einzelpreis;MWST %;Total"]
    for n, (code, city, country) in enumerate(rows, 1):
        firm = f"D-{n};04.11.2026;CHF;Firma {n};a{n}@f.example.ch;Weg {n};{code};{city};{country}"
        table.append(f"{firm};Ware;1;100.00;8.1;108.10")
    world.drop_bytes("\n".join(table).encode(), "codes.csv")
    assert {o.status for o in world.push().outcomes} == {Status.DONE}
    codes = {row["name_1"]: row["postcode"] for row in world.sandbox.contacts() if row["name_1"].startswith("Firma")}
    assert list(codes.values()) == ["4001", "9490", "4001", "4001", "75008", "SW1A 1AA", "68161"]


def test_of_many_who_share_a_mail_only_a_few_are_named(world: World) -> None:
    for number in range(40):
        a_contact(world, "company", f"STWEG Weg {number}", "", MAIL)
    said = reasons(pushed(world, PARTIES[3]))["1"]
    assert said.endswith("and 37 more")
    assert len(said) < 250


@pytest.mark.parametrize("at_once", [True, False])
def test_a_couple_whom_the_shop_tells_apart_has_two_contacts(world: World, at_once: bool) -> None:
    hans, petra = {**PARTIES[0], "shop_id": "H"}, {**PARTIES[1], "shop_id": "P"}
    if at_once:
        pushed(world, hans, petra)
    else:
        pushed(world, hans)
        pushed(world, petra, first=2)
    pushed(world, petra, hans, first=3)
    names = [contact_of(world, n)["name_2"] for n in range(1, 5)]
    assert names == ["Hans", "Petra", "Petra", "Hans"]
    assert [letter(world, n)[0].split()[0] for n in range(1, 5)] == names


def test_a_contact_of_several_customers_keeps_its_name(world: World) -> None:
    world.set_profile(contacts={"same_mail": "one"})
    one, other = {**PARTIES[0], "shop_id": "H"}, {**PARTIES[2], "shop_id": "J"}
    pushed(world, one)
    pushed(world, other, first=2)
    pushed(world, other, first=3)
    assert contact_of(world, 3)["id"] == contact_of(world, 1)["id"]
    assert contact_of(world, 3)["name_2"] == "Hans"
    assert contact_of(world, 3)["street_name"] == "Seeweg"
    assert letter(world, 3)[:2] == ["Jonas Berger", "Dorfgasse 12"]
