"""The life of an invoice: statuses, payments, mails, reminders, copies."""

from __future__ import annotations

import base64

import pytest

DRAFT, OPEN, PAID, PARTIAL, CANCELLED = 7, 8, 9, 16, 19
LETTER = {"recipient_email": "k@mail.example", "subject": "Rechnung", "message": "Hier: [Network Link]"}


def act(bexio, number, action):
    return bexio.post(f"/2.0/kb_invoice/{number}/{action}", LETTER if action == "send" else None)


def pay(bexio, number, value="108.10", **fields):
    return bexio.post(f"/2.0/kb_invoice/{number}/payment", {"value": value, **fields})


def status(bexio, number):
    return bexio.show(number)["kb_item_status_id"]


def in_status(bexio, wanted):
    number = bexio.create()
    if wanted != DRAFT:
        act(bexio, number, "issue").raise_for_status()
    if wanted in (PAID, PARTIAL):
        pay(bexio, number, "108.10" if wanted == PAID else "8.10").raise_for_status()
    if wanted == CANCELLED:
        act(bexio, number, "cancel").raise_for_status()
    assert status(bexio, number) == wanted
    return number


@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        ("issue", {DRAFT: OPEN, OPEN: None, PARTIAL: None, PAID: None, CANCELLED: None}),
        ("revert_issue", {DRAFT: None, OPEN: DRAFT, PARTIAL: None, PAID: None, CANCELLED: None}),
        ("cancel", {DRAFT: None, OPEN: CANCELLED, PARTIAL: None, PAID: None, CANCELLED: None}),
        ("mark_as_sent", {DRAFT: DRAFT, OPEN: OPEN, PARTIAL: PARTIAL, PAID: PAID, CANCELLED: None}),
        ("send", {DRAFT: DRAFT, OPEN: OPEN, PARTIAL: PARTIAL, PAID: PAID, CANCELLED: None}),
    ],
)
def test_what_each_status_allows(bexio, action, outcomes):
    for before, after in outcomes.items():
        number = in_status(bexio, before)
        unchanged = bexio.show(number)
        answer = act(bexio, number, action)
        if after is None:
            assert answer.status_code == 422, (before, answer.text)
            assert bexio.show(number) == unchanged
        else:
            assert answer.json() == {"success": True}
            assert status(bexio, number) == after


@pytest.mark.parametrize("before", [OPEN, PARTIAL, PAID, CANCELLED])
def test_only_drafts_are_edited_or_deleted(bexio, before):
    number = in_status(bexio, before)
    base = f"/2.0/kb_invoice/{number}"
    assert bexio.post(base, {"title": "Neu"}).status_code == 422
    assert bexio.delete(base).status_code == 422
    assert bexio.post(f"{base}/kb_position_text", {"text": "mehr"}).status_code == 422
    assert bexio.post(f"{base}/kb_position_custom/{bexio.show(number)['positions'][0]['id']}", {"text": "x"}).is_error
    assert bexio.delete(f"{base}/kb_position_custom/{bexio.show(number)['positions'][0]['id']}").is_error


@pytest.mark.parametrize(
    "path", ["", "/issue", "/revert_issue", "/cancel", "/mark_as_sent", "/send", "/copy", "/payment", "/kb_reminder"]
)
def test_what_is_not_there_is_not_found(bexio, path):
    answer = bexio.post(f"/2.0/kb_invoice/77{path}", {})
    assert (answer.status_code, answer.json()["message"]) == (404, "Page not found")


def test_payments_make_it_paid_and_deleting_them_opens_it_again(bexio):
    number = bexio.issued()
    first = pay(bexio, number, "8.10", date="2026-06-01").json()
    assert (first["value"], first["date"], first["title"]) == ("8.10", "2026-06-01", "Zahlungseingang")
    shown = bexio.show(number)
    assert (shown["kb_item_status_id"], shown["total_received_payments"]) == (PARTIAL, "8.100000")
    assert shown["total_remaining_payments"] == "100.0000"
    second = pay(bexio, number, "100").json()
    assert status(bexio, number) == PAID
    assert bexio.show(number)["total_remaining_payments"] == "0.0000"
    path = f"/2.0/kb_invoice/{number}/payment"
    assert [row["value"] for row in bexio.get(path).json()] == ["8.100000", "100.000000"]
    bexio.delete(f"{path}/{second['id']}").raise_for_status()
    assert status(bexio, number) == PARTIAL
    bexio.delete(f"{path}/{first['id']}").raise_for_status()
    assert status(bexio, number) == OPEN
    assert bexio.get(f"{path}/{first['id']}").status_code == 404
    act(bexio, number, "revert_issue").raise_for_status()
    assert status(bexio, number) == DRAFT


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": 100},
        {"value": "0"},
        {"value": "-1"},
        {"value": "1", "date": "1.6.2026"},
        {"value": "1", "bank_account_id": 99},
        {"value": "1", "payment_service_id": 3},
        {"value": "1", "kb_invoice_id": 1},
        {"value": "108.15"},
    ],
)
def test_a_payment_that_cannot_be_is_refused(bexio, body):
    number = bexio.issued()
    assert bexio.post(f"/2.0/kb_invoice/{number}/payment", body).status_code == 422
    assert bexio.sandbox.payments(number) == []


@pytest.mark.parametrize("before", [DRAFT, CANCELLED, PAID])
def test_no_payment_on(bexio, before):
    assert pay(bexio, in_status(bexio, before), "1").status_code == 422


def test_a_payment_of_another_invoice_is_not_found(bexio):
    first, second = bexio.issued(), bexio.issued()
    payment = pay(bexio, first).json()["id"]
    assert bexio.get(f"/2.0/kb_invoice/{second}/payment/{payment}").status_code == 404
    assert bexio.delete(f"/2.0/kb_invoice/{second}/payment/{payment}").status_code == 404


def test_sending_mails_the_customer_and_opens_the_draft(bexio):
    number = bexio.create()
    body = {**LETTER, "mark_as_open": True, "attach_pdf": True}
    bexio.post(f"/2.0/kb_invoice/{number}/send", body).raise_for_status()
    shown = bexio.show(number)
    assert shown["kb_item_status_id"] == OPEN
    assert shown["network_link"].startswith("https://network.bexio.com/")
    (mail,) = bexio.sandbox.mails
    assert (mail.to, mail.subject, mail.invoice_id) == ("k@mail.example", "Rechnung", number)
    assert mail.message == f"Hier: {shown['network_link']}"
    assert (mail.document_nr, mail.attach_pdf, mail.sent_at) == ("RE-00001", True, bexio.clock.moment)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": "kein Link"}, "message"),
        ({"message": None}, "message"),
        ({"subject": ""}, "subject"),
        ({"recipient_email": "k"}, "recipient_email"),
        ({"recipient_email": None}, "recipient_email"),
        ({"mark_as_open": 1}, "mark_as_open"),
        ({"cc": "x@y.ch"}, "global"),
    ],
)
def test_a_letter_that_cannot_be_is_not_sent(bexio, change, field):
    number = bexio.issued()
    answer = bexio.post(f"/2.0/kb_invoice/{number}/send", {**LETTER, **change})
    assert answer.status_code == 422
    assert answer.json()["errors"][0].startswith(f"{field}: ")
    assert bexio.sandbox.mails == []


def test_marking_as_sent_mails_nobody(bexio):
    number = bexio.issued()
    act(bexio, number, "mark_as_sent").raise_for_status()
    assert bexio.sandbox.mails == []
    assert bexio.show(number)["network_link"] == ""


def test_every_step_moves_updated_at(bexio):
    number = bexio.create()
    seen = [bexio.show(number)["updated_at"]]
    for action in ("issue", "mark_as_sent", "send", "revert_issue", "issue", "cancel"):
        bexio.clock.tick()
        act(bexio, number, action).raise_for_status()
        seen.append(bexio.show(number)["updated_at"])
    assert seen == sorted(set(seen))


def test_a_copy_is_a_new_draft_without_title_and_reference(bexio):
    group = {"type": "KbPositionText", "text": "Hinweis"}
    number = bexio.issued(group, bexio.line(), title="Alt", api_reference="a", is_valid_to="2026-06-20")
    bexio.clock.tick(86400)
    copied = bexio.post(f"/2.0/kb_invoice/{number}/copy", {"contact_id": 2}).json()
    assert (copied["id"], copied["document_nr"], copied["kb_item_status_id"]) == (2, "RE-00002", DRAFT)
    assert (copied["title"], copied["api_reference"], copied["contact_id"]) == ("", None, 2)
    assert (copied["is_valid_from"], copied["is_valid_to"]) == ("2026-06-19", "2026-06-21")
    assert [row["id"] for row in copied["positions"]] == [2, 2]
    assert bexio.show(2)["total"] == bexio.show(number)["total"]
    assert bexio.post(f"/2.0/kb_invoice/{number}/copy", {}).status_code == 422


def test_a_deleted_draft_takes_its_positions_along(bexio):
    number = bexio.create()
    bexio.delete(f"/2.0/kb_invoice/{number}").raise_for_status()
    assert bexio.get(f"/2.0/kb_invoice/{number}").status_code == 404
    assert bexio.sandbox.state.tables["kb_position_custom"] == {}


def test_the_pdf_is_one(bexio):
    number = bexio.create(bexio.line(text="Kräuter (frisch) \\ Ω"))
    body = bexio.get(f"/2.0/kb_invoice/{number}/pdf?logopaper=0").json()
    content = base64.b64decode(body["content"])
    assert (body["name"], body["mime"], body["size"]) == ("re-00001.pdf", "application/pdf", len(content))
    assert content.startswith(b"%PDF-1.")
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    assert content[start:].startswith(b"xref")
    assert bexio.get(f"/2.0/kb_invoice/{number}/pdf?logopaper=x").status_code == 422


def test_reminders_climb_and_the_latest_goes_first(bexio):
    number = bexio.issued()
    base = f"/2.0/kb_invoice/{number}/kb_reminder"
    first, second = bexio.post(base).json(), bexio.post(base).json()
    assert (first["reminder_level"], second["reminder_level"]) == (1, 2)
    assert (first["is_valid_from"], first["is_valid_to"]) == ("2026-06-18", "2026-07-01")
    assert bexio.delete(f"{base}/{first['id']}").status_code == 422
    bexio.post(f"{base}/{first['id']}/mark_as_sent").raise_for_status()
    assert bexio.get(f"{base}/{first['id']}").json()["is_sent"] is True
    bexio.post(f"{base}/{first['id']}/mark_as_unsent").raise_for_status()
    assert bexio.get(f"{base}/{first['id']}").json()["is_sent"] is False
    bexio.post(f"{base}/{second['id']}/send", LETTER).raise_for_status()
    assert bexio.sandbox.mails[0].invoice_id == number
    bexio.delete(f"{base}/{second['id']}").raise_for_status()
    assert [row["id"] for row in bexio.get(base).json()] == [first["id"]]
    found = bexio.post(f"{base}/search", [{"field": "reminder_level", "value": 1, "criteria": "="}]).json()
    assert [row["id"] for row in found] == [first["id"]]


@pytest.mark.parametrize("before", [DRAFT, PAID, CANCELLED])
def test_no_reminder_for(bexio, before):
    assert bexio.post(f"/2.0/kb_invoice/{in_status(bexio, before)}/kb_reminder").status_code == 422


class TestPerson:
    """What a person does between two runs of a client."""

    def test_pays_what_remains_or_a_part(self, bexio):
        number = bexio.issued()
        bexio.sandbox.person.pay(number, "8.10", "2026-06-20")
        assert status(bexio, number) == PARTIAL
        payment = bexio.sandbox.person.pay(number)
        assert bexio.sandbox.payments(number)[1]["value"] == "100.000000"
        assert status(bexio, number) == PAID
        bexio.sandbox.person.unpay(payment)
        assert status(bexio, number) == PARTIAL

    def test_pays_too_much(self, bexio):
        number = bexio.issued()
        bexio.sandbox.person.pay(number, "200")
        assert bexio.show(number)["total_remaining_payments"] == "-91.9000"
        assert status(bexio, number) == PAID

    def test_credits(self, bexio):
        number = bexio.issued()
        bexio.sandbox.person.credit(number, "8.10")
        shown = bexio.show(number)
        assert (shown["total_credit_vouchers"], shown["total_received_payments"]) == ("8.100000", "0.000000")
        assert (shown["total_remaining_payments"], shown["kb_item_status_id"]) == ("100.0000", PARTIAL)
        assert bexio.sandbox.payments(number)[0]["kb_credit_voucher_text"] == "GS-00001"
        assert bexio.sandbox.payments(number)[0]["kb_credit_voucher_id"] == 1

    def test_edits_and_reprices_what_is_issued(self, bexio):
        number = bexio.issued()
        bexio.sandbox.person.edit(number, title="Von Hand", is_valid_to="2026-12-31")
        bexio.sandbox.person.edit_price(number, 0, "200")
        shown = bexio.show(number)
        assert (shown["title"], shown["is_valid_to"], shown["total"]) == ("Von Hand", "2026-12-31", "216.200000")

    def test_cancels_and_deletes_in_any_status(self, bexio):
        first, second = bexio.issued(), bexio.issued()
        bexio.sandbox.person.pay(first)
        bexio.sandbox.person.pay(second)
        bexio.sandbox.person.cancel(first)
        bexio.sandbox.person.delete(second)
        assert status(bexio, first) == CANCELLED
        assert [row["id"] for row in bexio.sandbox.invoices()] == [first]
        assert all(row["kb_invoice_id"] == first for row in bexio.sandbox.state.payments.values())

    def test_merges_contacts(self, bexio):
        drop = bexio.add_contact(name_1="Doppelt", phone_fixed="+41 81 000 00 00")["id"]
        number = bexio.create(contact_id=drop)
        bexio.sandbox.person.merge_contacts(1, drop)
        assert bexio.show(number)["contact_id"] == 1
        assert bexio.get(f"/2.0/contact/{drop}").status_code == 404
        assert bexio.get("/2.0/contact/1").json()["phone_fixed"] == "+41 81 000 00 00"

    def test_adds_a_tax(self, bexio):
        number = bexio.sandbox.person.add_tax("UN85", "8.5")
        assert bexio.show(bexio.create(bexio.line(tax_id=number)))["total_taxes"] == "8.5000"

    @pytest.mark.parametrize(
        ("action", "arguments"),
        [
            ("pay", (77,)),
            ("unpay", (77,)),
            ("pay", (1,)),
            ("credit", (1, "5")),
            ("pay", (2, "NaN")),
            ("pay", (2, "-5")),
            ("pay", (2, "5", "1.6.2026")),
            ("credit", (2, "0")),
            ("edit_price", (2, 0, "Infinity")),
            ("cancel", (1,)),
            ("edit_price", (1, 5, "1")),
            ("set_tax_active", ("X", True)),
            ("merge_contacts", (1, 1)),
            ("archive_contact", (77,)),
        ],
    )
    def test_cannot_do_the_impossible(self, bexio, action, arguments):
        bexio.create()
        bexio.issued()
        before = bexio.sandbox.invoices()
        with pytest.raises(ValueError):  # noqa: PT011 - each of them says something else
            getattr(bexio.sandbox.person, action)(*arguments)
        assert bexio.sandbox.invoices() == before

    def test_cannot_set_what_is_no_date(self, bexio):
        with pytest.raises(ValueError, match="date"):
            bexio.sandbox.person.edit(bexio.create(), is_valid_to="soon")
