"""Rights of users and modules of the company: 403 although the scope is there."""

from __future__ import annotations

import pytest

from bexio_sandbox.rights import MODULES


@pytest.fixture
def luca(bexio):
    client = bexio.client(bexio.sandbox.create_token(user_id=2))
    yield client
    client.close()


def permissions(client):
    return client.get("/3.0/permissions").json()


def test_everything_is_allowed_at_first(luca):
    shown = permissions(luca)
    assert shown["components"] == list(MODULES)
    assert set(shown["permissions"]) == set(MODULES)
    allowed = {"activation": "enabled", "edit": "all", "show": "all", "download": "all"}
    assert all(right == allowed for right in shown["permissions"].values())


@pytest.mark.parametrize(
    ("module", "right", "method", "path", "status"),
    [
        ("contact", {"edit": "none"}, "POST", "/2.0/contact", 403),
        ("contact", {"edit": "none"}, "GET", "/2.0/contact", 200),
        ("contact", {"edit": "none"}, "GET", "/2.0/kb_invoice", 200),
        ("contact", {"show": "none"}, "GET", "/2.0/contact/1", 403),
        ("contact", {"show": "none"}, "GET", "/2.0/contact_group", 200),
        ("kb_invoice", {"show": "none"}, "GET", "/2.0/kb_invoice", 403),
        ("kb_invoice", {"edit": "none"}, "DELETE", "/2.0/kb_invoice/1/payment/1", 403),
        ("kb_invoice", {"edit": "none"}, "POST", "/2.0/kb_invoice/1/kb_position_custom", 403),
        ("banking", {"show": "none"}, "GET", "/3.0/banking/accounts", 403),
        ("accounting", {"show": "none"}, "GET", "/3.0/accounting/calendar_years", 403),
        ("accounting", {"show": "none"}, "GET", "/3.0/taxes", 200),
    ],
)
def test_a_right_is_needed(bexio, luca, module, right, method, path, status):
    bexio.sandbox.person.set_right(2, module, **right)
    answer = luca.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error_code"] == 403
        assert bexio.http.request(method, path, json={}).status_code != 403, "the other user may"
    kind, level = next(iter(right.items()))
    assert permissions(luca)["permissions"][module][kind] == level
    assert permissions(bexio.http)["permissions"][module][kind] == "all"


@pytest.mark.parametrize(
    ("module", "path"),
    [("contact", "/2.0/contact"), ("kb_invoice", "/2.0/kb_invoice"), ("banking", "/3.0/banking/accounts")],
)
def test_a_module_is_needed(bexio, module, path):
    bexio.sandbox.person.unbook_module(module)
    assert bexio.get(path).status_code == 403
    shown = permissions(bexio.http)
    assert module not in shown["components"]
    assert shown["permissions"][module]["activation"] == "disabled"
    bexio.sandbox.person.unbook_module(module)
    bexio.sandbox.person.book_module(module)
    assert bexio.get(path).status_code == 200


def test_own_means_the_users_own(bexio, luca):
    theirs = bexio.add_contact(name_1="Theirs")["id"]
    mine = bexio.add_contact(name_1="Mine", owner_id=2)["id"]
    invoice = bexio.create(user_id=2)
    foreign = bexio.create()
    bexio.sandbox.person.set_right(2, "contact", show="own", edit="own")
    bexio.sandbox.person.set_right(2, "kb_invoice", show="own", edit="own")
    assert [row["id"] for row in luca.get("/2.0/contact").json()] == [mine]
    assert luca.get(f"/2.0/contact/{mine}").status_code == 200
    assert luca.get(f"/2.0/contact/{theirs}").status_code == 403
    assert luca.delete(f"/2.0/contact/{theirs}").status_code == 403
    assert [row["id"] for row in luca.get("/2.0/kb_invoice").json()] == [invoice]
    assert luca.get(f"/2.0/kb_invoice/{invoice}").status_code == 200
    assert luca.post(f"/2.0/kb_invoice/{invoice}/issue").status_code == 200
    for path in ("", "/pdf", "/payment", "/kb_position_custom"):
        assert luca.get(f"/2.0/kb_invoice/{foreign}{path}").status_code == 403
    assert luca.post(f"/2.0/kb_invoice/{foreign}/issue").status_code == 403
    assert luca.get("/2.0/kb_invoice/77").status_code == 404
    assert len(bexio.get("/2.0/contact").json()) == 4, "nothing is lost"
    assert len(bexio.get("/2.0/kb_invoice").json()) == 2


def test_the_three_refusals_can_be_told_apart(bexio, luca):
    person = bexio.sandbox.person
    scope = bexio.client(bexio.sandbox.create_token(["contact_show"])).get("/2.0/kb_invoice").json()["message"]
    person.set_right(2, "kb_invoice", show="none")
    right = luca.get("/2.0/kb_invoice").json()["message"]
    person.unbook_module("kb_invoice")
    module = luca.get("/2.0/kb_invoice").json()["message"]
    assert ["scope" in scope, "right" in right, "not booked" in module] == [True] * 3


def test_rights_are_set_through_the_page(bexio, luca):
    bexio.post("/sandbox/api/set_right", {"user_id": 2, "module": "contact", "show": "none"}).raise_for_status()
    assert luca.get("/2.0/contact").status_code == 403
    bexio.post("/sandbox/api/set_right", {"user_id": 2, "module": "contact", "show": "all"}).raise_for_status()
    bexio.post("/sandbox/api/unbook_module", {"module": "contact"}).raise_for_status()
    assert luca.get("/2.0/contact").status_code == 403
    bexio.post("/sandbox/api/book_module", {"module": "contact"}).raise_for_status()
    assert luca.get("/2.0/contact").status_code == 200
    for wrong in (
        {"user_id": 9, "module": "contact", "show": "all"},
        {"user_id": 2, "module": "weather", "show": "all"},
        {"user_id": 2, "module": "contact", "show": "most"},
    ):
        assert bexio.post("/sandbox/api/set_right", wrong).status_code == 422
    assert bexio.post("/sandbox/api/unbook_module", {"module": "weather"}).status_code == 422


def test_they_last(founding, tmp_path):
    first = founding(data=tmp_path / "books.db")
    first.sandbox.person.set_right(1, "contact", edit="none")
    first.sandbox.person.unbook_module("banking")
    first.sandbox.close()
    second = founding(data=tmp_path / "books.db")
    assert second.post("/2.0/contact", second.contact_body()).status_code == 403
    assert second.get("/3.0/banking/accounts").status_code == 403
