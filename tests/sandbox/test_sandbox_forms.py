"""Strict forms: what is refused, and in which words."""

from __future__ import annotations

import pytest

INVALID = "Diese Eingabe ist nicht korrekt."


def errors(response):
    assert response.status_code == 422, response.text
    body = response.json()
    assert body["error_code"] == 422
    return body["errors"]


@pytest.mark.parametrize(
    ("language", "text"),
    [("", "Pflichtfeld"), ("en", "Required."), ("fr-CH, fr;q=0.9", "Champ obligatoire"), ("xx", "Pflichtfeld")],
)
def test_missing_fields_and_unknown_ones_in_the_readers_language(bexio, language, text):
    answer = bexio.post("/2.0/contact", {"name_1": "", "foo": 1}, headers={"Accept-Language": language})
    assert errors(answer) == [
        f"contact_type_id: {text}",
        f"name_1: {text}",
        f"user_id: {text}",
        f"owner_id: {text}",
        'global: Unexpected extra form field named "foo".',
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact_type_id", 3),
        ("contact_type_id", "1"),
        ("contact_type_id", True),
        ("name_1", 7),
        ("mail", "nobody"),
        ("mail", "a@b.ch, c@d.ch"),
        ("country_id", 9999),
        ("country_id", "CH"),
        ("user_id", 99),
        ("birthday", "31.12.1999"),
        ("birthday", "2026-02-30"),
        ("postcode", 7270),
        ("contact_group_ids", "1,99"),
        ("contact_group_ids", [1]),
        ("nr", "A-1"),
        ("titel_id", 99),
    ],
)
def test_a_contact_field_of_the_wrong_kind_is_named(bexio, field, value):
    assert errors(bexio.post("/2.0/contact", bexio.contact_body(**{field: value}))) == [f"{field}: {INVALID}"]


@pytest.mark.parametrize("field", ["id", "address", "updated_at", "is_lead", "profile_image", "title_id"])
def test_fields_that_only_answers_have_are_refused(bexio, field):
    answer = bexio.post("/2.0/contact", bexio.contact_body(**{field: 1}))
    assert errors(answer) == [f'global: Unexpected extra form field named "{field}".']


@pytest.mark.parametrize("field", ["house_number", "address_addition"])
def test_a_house_needs_a_street(bexio, field):
    assert errors(bexio.post("/2.0/contact", bexio.contact_body(**{field: "12"})))[0].startswith(field)
    bexio.add_contact(street_name="Promenade", **{field: "12"})


def test_a_refused_form_changes_nothing(bexio):
    before = bexio.sandbox.state.contacts.copy(), dict(bexio.sandbox.state.counters)
    bulk = [bexio.contact_body(), bexio.contact_body(name_1="")]
    assert bexio.post("/2.0/contact/_bulk_create", bulk).status_code == 422
    assert (bexio.sandbox.state.contacts, bexio.sandbox.state.counters) == before


def test_many_contacts_at_once(bexio):
    made = bexio.post("/2.0/contact/_bulk_create", [bexio.contact_body(), bexio.contact_body(name_1="Zwei")])
    assert [row["nr"] for row in made.json()] == ["000003", "000004"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"contact_id": 99}, f"contact_id: {INVALID}"),
        ({"contact_id": None}, "contact_id: Pflichtfeld"),
        ({"user_id": 99}, f"user_id: {INVALID}"),
        ({"mwst_type": 3}, f"mwst_type: {INVALID}"),
        ({"mwst_is_net": 1}, f"mwst_is_net: {INVALID}"),
        ({"is_valid_from": "18.06.2026"}, f"is_valid_from: {INVALID}"),
        ({"currency_id": 99}, f"currency_id: {INVALID}"),
        ({"bank_account_id": 99}, f"bank_account_id: {INVALID}"),
        ({"template_slug": "none"}, f"template_slug: {INVALID}"),
        ({"document_nr": "RE-9"}, 'global: Unexpected extra form field named "document_nr".'),
        ({"total": "1"}, 'global: Unexpected extra form field named "total".'),
        ({"contact_address": "x"}, 'global: Unexpected extra form field named "contact_address".'),
        ({"project_id": None}, 'global: Unexpected extra form field named "project_id".'),
        ({"kb_item_status_id": 8}, 'global: Unexpected extra form field named "kb_item_status_id".'),
        ({"positions": "none"}, f"positions: {INVALID}"),
    ],
)
def test_an_invoice_field_that_cannot_be_is_named(bexio, fields, error):
    assert errors(bexio.post("/2.0/kb_invoice", {**bexio.invoice_body(), **fields})) == [error]
    assert not bexio.sandbox.state.invoices


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"type": None}, "positions[0].type: Pflichtfeld"),
        ({"type": "KbPositionSubposition"}, f"positions[0].type: {INVALID}"),
        ({"amount": 1}, f"positions[0].amount: {INVALID}"),
        ({"amount": "1.1234567"}, f"positions[0].amount: {INVALID}"),
        ({"amount": "1e3"}, f"positions[0].amount: {INVALID}"),
        ({"amount": "NaN"}, f"positions[0].amount: {INVALID}"),
        ({"unit_price": None}, "positions[0].unit_price: Pflichtfeld"),
        ({"unit_price": "1'000"}, f"positions[0].unit_price: {INVALID}"),
        ({"discount_in_percent": "101"}, f"positions[0].discount_in_percent: {INVALID}"),
        ({"unit_id": 99}, f"positions[0].unit_id: {INVALID}"),
        ({"account_id": 3200}, f"positions[0].account_id: {INVALID}"),
        ({"tax_id": 9999}, f"positions[0].tax_id: {INVALID}"),
        ({"tax_id": None}, "positions[0].tax_id: Pflichtfeld"),
        ({"is_optional": False}, 'global: Widget schema does not include the following field(s): "is_optional".'),
        (
            {"position_total": "1", "id": 4},
            'global: Widget schema does not include the following field(s): "position_total", "id".',
        ),
    ],
)
def test_a_position_that_cannot_be_is_named(bexio, change, error):
    body = bexio.invoice_body({**bexio.line(), **change})
    assert errors(bexio.post("/2.0/kb_invoice", body)) == [error]


@pytest.mark.parametrize("code", ["UN77", "US38", "VM81", "BZM81", "UNO"])
def test_only_active_taxes_of_sales_are_taken(bexio, code):
    line = bexio.line(tax_id=bexio.tax(code))
    assert errors(bexio.post("/2.0/kb_invoice", bexio.invoice_body(line))) == [f"positions[0].tax_id: {INVALID}"]


def test_a_tax_can_be_switched_on(bexio):
    bexio.sandbox.person.set_tax_active("UNO", True)
    assert bexio.show(bexio.create(bexio.line(tax_id=bexio.tax("UNO"))))["total_taxes"] == "0.0000"


def test_an_archived_contact_gets_no_invoice(bexio):
    bexio.sandbox.person.archive_contact(1)
    assert errors(bexio.post("/2.0/kb_invoice", bexio.invoice_body())) == [f"contact_id: {INVALID}"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"positions": []}, 'global: Unexpected extra form field named "positions".'),
        ({"total": "1"}, 'global: Widget schema does not include the following field(s): "total".'),
        ({"contact_address": "x"}, 'global: Widget schema does not include the following field(s): "contact_address".'),
        ({"document_nr": "1"}, 'global: Widget schema does not include the following field(s): "document_nr".'),
        ({"contact_id": 99}, f"contact_id: {INVALID}"),
        ({"contact_id": None}, "contact_id: Pflichtfeld"),
        ([], f"global: {INVALID}"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(bexio, body, error):
    number = bexio.create()
    assert errors(bexio.http.post(f"/2.0/kb_invoice/{number}", json=body)) == [error]


def test_an_edit_changes_what_was_sent_and_nothing_else(bexio):
    number = bexio.create(title="Alt", api_reference="a", is_valid_from="2026-06-01", is_valid_to="2026-06-20")
    before = bexio.show(number)
    bexio.clock.tick(60)
    bexio.post(f"/2.0/kb_invoice/{number}", {"title": "Neu"}).raise_for_status()
    assert bexio.show(number) == {**before, "title": "Neu", "updated_at": "2026-06-18 14:56:15"}


def test_put_is_refused_with_nothing_said(bexio):
    answer = bexio.http.put(f"/2.0/kb_invoice/{bexio.create()}", json={"title": "Neu"})
    assert errors(answer) == []


@pytest.mark.parametrize(
    ("segment", "body", "error"),
    [
        ("kb_position_custom", {"type": "KbPositionCustom"}, "Widget schema"),
        ("kb_position_custom", {"is_optional": True}, "Widget schema"),
        ("kb_position_custom", {"parent_id": 9}, "parent_id"),
        ("kb_position_article", {"article_id": 99}, "article_id"),
        ("kb_position_text", {}, "text: Pflichtfeld"),
        ("kb_position_subtotal", {}, "text: Pflichtfeld"),
        ("kb_position_pagebreak", {}, "pagebreak: Pflichtfeld"),
        ("kb_position_pagebreak", {"pagebreak": False}, "pagebreak"),
        ("kb_position_discount", {"value": "10"}, "is_percentual: Pflichtfeld"),
        ("kb_position_discount", {"is_percentual": True, "value": "-1"}, "value"),
    ],
)
def test_a_position_endpoint_refuses(bexio, segment, body, error):
    priced = {"amount": "1", "unit_price": "1", "tax_id": bexio.tax()}
    basics = priced if segment in ("kb_position_custom", "kb_position_article") else {}
    answer = bexio.post(f"/2.0/kb_invoice/{bexio.create()}/{segment}", {**basics, **body})
    assert any(error in each for each in errors(answer))


def test_positions_come_change_and_go(bexio):
    number = bexio.create()
    base = f"/2.0/kb_invoice/{number}"
    group = bexio.post(f"{base}/kb_position_subposition", {"text": "Gruppe"}).json()["id"]
    inner = {"amount": "2", "unit_price": "50", "tax_id": bexio.tax("UR26"), "parent_id": group}
    inside = bexio.post(f"{base}/kb_position_custom", inner).json()
    assert (inside["pos"], inside["internal_pos"], inside["parent_id"]) == ("2.1", 3, group)
    bexio.post(f"{base}/kb_position_discount", {"is_percentual": True, "value": "10"}).raise_for_status()
    bexio.post(f"{base}/kb_position_subtotal", {"text": "Zwischentotal"}).raise_for_status()
    bexio.post(f"{base}/kb_position_pagebreak", {"pagebreak": True}).raise_for_status()
    shown = bexio.show(number)
    assert [row["type"].removeprefix("KbPosition") for row in shown["positions"]] == [
        "Custom",
        "Subposition",
        "Custom",
        "Discount",
        "Subtotal",
        "Pagebreak",
    ]
    assert shown["positions"][1]["total_sum"] == "100.000000"
    assert shown["positions"][3]["discount_total"] == "20.000000"
    assert shown["positions"][4]["value"] == "200.000000"
    # 90 x 8.1 % + 90 x 2.6 % = 7.29 + 2.34 = 9.63
    assert (shown["total_gross"], shown["total_net"], shown["total_taxes"]) == ("200.000000", "180.000000", "9.6300")
    bexio.post(f"{base}/kb_position_custom/{inside['id']}", {"amount": "1"}).raise_for_status()
    bexio.delete(f"{base}/kb_position_subposition/{group}").raise_for_status()
    shown = bexio.show(number)
    assert shown["positions"][1]["parent_id"] is None
    assert shown["total_gross"] == "150.000000"
    assert len(bexio.get(f"{base}/kb_position_custom").json()) == 2
    assert bexio.get(f"{base}/kb_position_text/{inside['id']}").status_code == 404


def test_an_article_fills_what_was_left_out_and_stays_what_it_is(bexio):
    number = bexio.create({"type": "KbPositionArticle", "article_id": 1, "amount": "2", "tax_id": bexio.tax("UR26")})
    position = bexio.show(number)["positions"][0]
    assert (position["text"], position["unit_price"]) == ("Bergkräutertee 250 g", "14.500000")
    answer = bexio.post(f"/2.0/kb_invoice/{number}/kb_position_article/{position['id']}", {"article_id": 2})
    assert "Widget schema" in errors(answer)[0]


def test_numbers_are_given_or_asked_for(bexio):
    numbers = [bexio.show(bexio.create())["document_nr"] for _ in range(2)]
    bexio.delete("/2.0/kb_invoice/2").raise_for_status()
    numbers.append(bexio.show(bexio.create())["document_nr"])
    assert numbers == ["RE-00001", "RE-00002", "RE-00003"]
    bexio.sandbox.person.set_automatic_numbering(False)
    assert errors(bexio.post("/2.0/kb_invoice", bexio.invoice_body())) == ["document_nr: Pflichtfeld"]
    taken = bexio.post("/2.0/kb_invoice", bexio.invoice_body(document_nr="RE-00001"))
    assert errors(taken) == ["document_nr: Dieser Wert wird bereits verwendet."]
    bexio.create(document_nr="RE-00004")
    bexio.sandbox.person.set_automatic_numbering(True)
    assert bexio.show(bexio.create())["document_nr"] == "RE-00005"


def test_a_contact_number_comes_again_after_the_archive(bexio):
    assert bexio.add_contact()["nr"] == "000003"
    assert bexio.add_contact(nr="40")["nr"] == "000040"
    taken = bexio.post("/2.0/contact", bexio.contact_body(nr="000040"))
    assert errors(taken) == ["nr: Dieser Wert wird bereits verwendet."]
    bexio.sandbox.person.archive_contact(4)
    assert bexio.add_contact()["nr"] == "000004"


def test_a_document_starts_from_the_settings(bexio):
    shown = bexio.show(bexio.create(contact_id=2))
    assert (shown["is_valid_from"], shown["is_valid_to"]) == ("2026-06-18", "2026-07-02")
    assert (shown["mwst_type"], shown["mwst_is_net"], shown["currency_id"]) == (0, True, 1)
    assert shown["contact_address"] == "Nina Keller\nSeeweg 3a\n8803 Rüschlikon\nSchweiz"
    assert "Nina Keller" in shown["header"]
    assert "Regula Brunner" in shown["footer"]


def test_an_address_stays_as_it_was_at_creation(bexio):
    number = bexio.create()
    bexio.sandbox.person.edit_contact(1, city="Klosters")
    assert "Davos" in bexio.show(number)["contact_address"]
    assert bexio.show(bexio.create(contact_address_manual="Postfach"))["contact_address"] == "Postfach"


def test_a_company_without_vat(founding):
    bexio = founding(company="no-vat")
    assert bexio.get("/3.0/taxes?scope=active&types=sales_tax").json() == []
    shown = bexio.show(bexio.create({"type": "KbPositionCustom", "amount": "1", "unit_price": "24.29"}))
    assert (shown["mwst_type"], shown["total_gross"], shown["total"]) == (2, "24.290000", "24.300000")
    assert shown["total_rounding_difference"] == 0
    assert shown["positions"][0]["tax_value"] is None


@pytest.mark.parametrize("code", ["no-such", ""])
def test_another_kind_of_company_is_a_mistake(founding, code):
    with pytest.raises(ValueError, match="company can be"):
        founding(company=code)
