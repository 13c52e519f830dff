"""The page under /sandbox and its small machine interface."""

from __future__ import annotations

import base64
import re
import struct
import zlib

import pytest

EVIL = '<script>alert("x")</script>'


def csrf(bexio):
    return re.search(r'name="csrf" value="([^"]+)"', bexio.get("/sandbox").text)[1]


def press(bexio, action, **fields):
    return bexio.http.post("/sandbox/do", data={"csrf": csrf(bexio), "action": action, **fields})


def test_everything_is_shown_and_escaped(bexio):
    contact = bexio.add_contact(name_1=EVIL)["id"]
    number = bexio.issued(bexio.line(text=EVIL), contact_id=contact, title=EVIL, api_reference=EVIL)
    letter = {"recipient_email": "k@mail.example", "subject": EVIL, "message": f"{EVIL} [Network Link]"}
    bexio.post(f"/2.0/kb_invoice/{number}/send", letter).raise_for_status()
    bexio.sandbox.person.pay(number, "8.10")
    page = bexio.get("/sandbox", params={"said": EVIL})
    assert page.status_code == 200
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 7
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for shown in ("RE-00001", "108.10", "100.00", "partial", "k@mail.example", "https://network.bexio.com/"):
        assert shown in page.text


def test_the_buttons_do_what_a_person_does(bexio):
    number = bexio.issued()
    assert press(bexio, "pay", invoice_id=number, amount="8.10").status_code == 303
    assert bexio.show(number)["kb_item_status_id"] == 16
    press(bexio, "unpay", payment_id=1)
    assert bexio.show(number)["kb_item_status_id"] == 8
    press(bexio, "edit", invoice_id=number, title="Von Hand")
    press(bexio, "edit_price", invoice_id=number, position_index=0, unit_price="200")
    shown = bexio.show(number)
    assert (shown["title"], shown["total"]) == ("Von Hand", "216.200000")
    press(bexio, "pay", invoice_id=number)
    assert bexio.show(number)["kb_item_status_id"] == 9
    press(bexio, "cancel", invoice_id=number)
    assert bexio.show(number)["kb_item_status_id"] == 19
    press(bexio, "delete", invoice_id=number)
    assert bexio.get(f"/2.0/kb_invoice/{number}").status_code == 404
    press(bexio, "archive_contact", contact_id=1)
    assert [row["id"] for row in bexio.sandbox.contacts(archived=True)] == [1]


def test_orders_and_deliveries_have_their_buttons(bexio):
    order = bexio.create_order(bexio.line(text=EVIL), title=EVIL)
    press(bexio, "deliver_order", order_id=order["id"])
    press(bexio, "invoice_order", order_id=order["id"])
    page = bexio.get("/sandbox").text
    assert "<script" not in page
    for shown in ("AU-00001", "LS-00001", "RE-00001", "pending", 'href="#delivery-1"', 'href="#invoice-1"'):
        assert shown in page
    for kind, anchor in (("kb_order", "order"), ("kb_delivery", "delivery")):
        answer = bexio.get(f"/sandbox/index.php/{kind}/show/id/1")
        assert answer.headers["location"] == f"/sandbox#{anchor}-1"
        assert f'id="{anchor}-1"' in page
    press(bexio, "issue_delivery", delivery_id=1)
    press(bexio, "edit_order", order_id=1, title="Von Hand")
    shown = bexio.order(1)
    assert (shown["title"], shown["kb_item_status_id"]) == ("Von Hand", 15)
    for action, expected in (("finish_order", "done"), ("reopen_order", "partial"), ("cancel_order", "cancelled")):
        press(bexio, action, order_id=1)
        state = bexio.get("/sandbox/api/state").json()
        assert [row["status"] for row in state["orders"]] == [expected]
    press(bexio, "cancel_delivery", delivery_id=1)
    state = bexio.get("/sandbox/api/state").json()
    assert [(row["status"], row["order_id"]) for row in state["deliveries"]] == [("cancelled", 1)]
    press(bexio, "delete_delivery", delivery_id=1)
    press(bexio, "delete_order", order_id=1)
    state = bexio.get("/sandbox/api/state").json()
    assert (state["orders"], state["deliveries"]) == ([], [])


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_form_from_elsewhere_does_nothing(bexio, token):
    number = bexio.issued()
    fields = {"action": "pay", "invoice_id": number, **({} if token is None else {"csrf": token})}
    assert bexio.http.post("/sandbox/do", data=fields).status_code == 403
    assert bexio.sandbox.payments(number) == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [("pay", {"invoice_id": 77}), ("pay", {"invoice_id": "x"}), ("pay", {}), ("__init__", {}), ("edit_price", {})],
)
def test_what_cannot_be_done_is_said(bexio, action, fields):
    answer = press(bexio, action, **fields)
    assert answer.status_code == 303
    assert "Not done" in bexio.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("action", "sent", "said"),
    [
        ("pay", {"invoice_id": 1, "amount": "abc"}, "'abc' is no amount; write it like 12.50"),
        ("pay", {"invoice_id": 1, "amount": [1]}, "[1] is no amount; write it like 12.50"),
        ("pay", {"invoice_id": "x"}, "invoice_id is a whole number, not 'x'"),
        ("pay", {"invoice_id": None}, "invoice_id is a whole number, not None"),
        ("pay", {}, "missing a required argument: 'invoice_id'"),
        ("pay", {"invoice": 1}, "missing a required argument: 'invoice_id'"),
        ("pay", [1], 'send a JSON object, such as {"invoice_id": 1}'),
        ("add_tax", {"code": "UN9", "value": "nine"}, "'nine' is no amount; write it like 12.50"),
        ("set_automatic_numbering", {"is_automatic": True, "document_class": "KbThing"}, "there is no KbThing"),
        ("merge_contacts", {"keep": "1", "drop": []}, "drop is a whole number, not []"),
    ],
)
def test_what_was_sent_wrongly_is_said_in_a_sentence(bexio, action, sent, said):
    bexio.issued()
    answer = bexio.post(f"/sandbox/api/{action}", sent)
    assert (answer.status_code, answer.json()["error"]) == (422, said)
    if isinstance(sent, dict) and [] not in sent.values() and [1] not in sent.values():
        fields = {name: "" if value is None else str(value) for name, value in sent.items()}
        shown = bexio.get(press(bexio, action, **fields).headers["location"]).text
        assert "Not done: " in shown
        assert "decimal" not in shown


def test_what_is_no_json_is_said(bexio):
    headers = {"Content-Type": "application/json"}
    answer = bexio.http.post("/sandbox/api/pay", content=b"invoice_id=1", headers=headers)
    assert (answer.status_code, answer.json()["error"].split(":")[0]) == (422, "this is no JSON")
    answer = bexio.http.post("/sandbox/api/pay", data={"invoice_id": 1})
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["error"]


def test_every_request_is_listed_with_its_moment(bexio):
    bexio.get("/2.0/unit")
    bexio.clock.tick(90)
    bexio.search("contact", ("id", "=", 1))
    first, second = bexio.get("/sandbox/api/requests").json()
    names = ("number", "method", "path", "bucket", "status")
    assert [first[name] for name in names] == [1, "GET", "/2.0/unit", "default", 200]
    assert [second[name] for name in names] == [2, "POST", "/2.0/contact/search", "search", 200]
    assert second["at"] - first["at"] == 90


def test_every_action_is_listed_with_what_it_takes(bexio):
    listed = bexio.http.get("/sandbox/api", headers={"Authorization": ""}).json()
    assert listed["look"] == ["/sandbox/api/items", "/sandbox/api/requests", "/sandbox/api/state"]
    actions = listed["actions"]
    assert actions["pay"] == {
        "does": "Matches a bank entry with an issued invoice, over what remains if no amount is given.",
        "needs": ["invoice_id"],
        "takes": ["amount", "date", "bank_account_id"],
    }
    assert actions["edit_item"]["takes"] == ["any field by its name in the API"]
    assert {"cancel", "book_stock", "register_app", "approve"} <= actions.keys()
    assert all(bexio.post(f"/sandbox/api/{name}", []).status_code == 422 for name in actions)
    assert "/sandbox/api</a>" in bexio.get("/sandbox").text


@pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("localhost:8000", 200), ("127.0.0.1:1", 200)])
def test_only_this_machine_is_answered(bexio, host, status):
    assert bexio.get("/sandbox", headers={"Host": host}).status_code == status
    assert bexio.get("/sandbox/api/state", headers={"Host": host}).status_code == status


def test_scripts_read_the_state(bexio):
    number = bexio.issued(api_reference="a")
    bexio.sandbox.person.pay(number)
    state = bexio.http.get("/sandbox/api/state", headers={"Authorization": ""}).json()
    assert state["invoices"][0]["positions"][0]["unit_price"] == "100.000000"
    assert state["invoices"][0]["status"] == "paid"
    assert state["payments"][0]["kb_invoice_id"] == number
    assert [row["is_archived"] for row in state["contacts"]] == [False, False]
    assert state["requests"] == {"count": 2, "writes": 2, "buckets": {"default": 2}, "statuses": {"201": 1, "200": 1}}
    assert len(bexio.sandbox.requests) == 2


def test_scripts_act_as_a_person(bexio):
    number = bexio.issued()
    answer = bexio.post("/sandbox/api/pay", {"invoice_id": number, "amount": 8.1, "date": "2026-06-19"})
    assert answer.json() == {"result": 1}
    assert bexio.sandbox.payments(number)[0]["value"] == "8.100000"
    bexio.post("/sandbox/api/set_automatic_numbering", {"is_automatic": False}).raise_for_status()
    assert bexio.post("/sandbox/api/pay", {"invoice_id": 77}).status_code == 422
    assert bexio.post("/sandbox/api/close", {}).status_code == 404
    assert bexio.http.post("/sandbox/api/pay", data={"invoice_id": number}).status_code == 415
    assert bexio.get("/sandbox/nothing").status_code == 404


def test_an_empty_company_has_a_page_too(bexio):
    assert "No invoice yet" in bexio.get("/sandbox").text


def test_the_pictures_can_be_opened(bexio):
    picture = base64.b64decode(bexio.get("/2.0/contact/1").json()["profile_image"])
    assert picture.startswith(b"\x89PNG")
    data_at = picture.index(b"IDAT")
    (length,) = struct.unpack(">I", picture[data_at - 4 : data_at])
    assert len(zlib.decompress(picture[data_at + 4 : data_at + 4 + length])) == 80 * 81
