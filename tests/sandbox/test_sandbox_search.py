"""Searches, lists, pages, orders."""

from __future__ import annotations

import pytest


@pytest.fixture
def shop(bexio):
    """Four invoices of two contacts, a minute apart."""
    for number, (contact, price) in enumerate([(1, "9"), (2, "10"), (1, "100"), (2, "2.5")], start=1):
        bexio.create(
            bexio.line(price),
            contact_id=contact,
            title=f"Order {number}",
            api_reference=None if number == 4 else f"bexsync:main:Invoice:{number}",
            mwst_type=1,
            is_valid_from=f"2026-06-0{number}",
        )
        bexio.clock.tick(60)
    return bexio


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([], [1, 2, 3, 4]),
        ([("id", "=", 2)], [2]),
        ([("id", "equal", "2")], [2]),
        ([("id", "!=", 2)], [1, 3, 4]),
        ([("id", "not_equal", 2)], [1, 3, 4]),
        ([("id", "in", [1, 3, 77])], [1, 3]),
        ([("id", "not_in", [1, 3])], [2, 4]),
        # numbers compare as numbers: "9" is less than "10"
        ([("total", ">", "9.5")], [2, 3]),
        ([("total", "greater_equal", 10)], [2, 3]),
        ([("total", "<", 10)], [1, 4]),
        ([("total", "less_equal", "9")], [1, 4]),
        ([("total", "=", "10.00")], [2]),
        ([("title", None, "order")], [1, 2, 3, 4]),
        ([("title", "like", "%3")], [3]),
        ([("title", "like", "Order")], [1, 2, 3, 4]),
        ([("title", "like", "Order%")], [1, 2, 3, 4]),
        ([("title", "like", "%rder")], []),
        ([("title", "not_like", "3")], [1, 2, 4]),
        ([("title", "like", "_rder 1")], []),
        ([("api_reference", "=", "bexsync:main:Invoice:1")], [1]),
        ([("api_reference", "=", "bexsync:main:Invoice")], []),
        ([("api_reference", "in", ["bexsync:main:Invoice:1", "bexsync:main:Invoice:3"])], [1, 3]),
        # nothing compares with a missing value, as in SQL
        ([("api_reference", "!=", "bexsync:main:Invoice:1")], [2, 3]),
        ([("api_reference", "is_null", None)], [4]),
        ([("api_reference", "not_null", None)], [1, 2, 3]),
        ([("contact_id", "=", 1), ("id", ">", 1)], [3]),
        ([("is_valid_from", ">=", "2026-06-03")], [3, 4]),
        ([("kb_item_status_id", "in", [7, 9])], [1, 2, 3, 4]),
        ([("kb_item_status_id", "=", 8)], []),
        # 12:55:15 in London is 14:55:15 in Zurich
        ([("updated_at", ">=", "2026-06-18 14:56:15")], [2, 3, 4]),
        ([("updated_at", ">", "2026-06-18 14:56:15")], [3, 4]),
        ([("updated_at", ">=", "2026-06-18")], [1, 2, 3, 4]),
        ([("updated_at", "<", "2026-06-18")], []),
    ],
)
def test_a_search_finds(shop, conditions, found):
    assert ids(shop.search("kb_invoice", *conditions)) == found


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (("invoice_date", "=", "2026-06-18"), 422),
        (("positions", "=", 1), 422),
        (("id", "equals", 1), 422),
        (("id", "=", "x"), 422),
        (("id", "in", "1,2"), 422),
        (("id", "=", None), 422),
        (("id", ">", True), 422),
        (("updated_at", ">", "yesterday"), 422),
        (("title", "like", None), 422),
    ],
)
def test_a_search_that_cannot_be_is_refused(shop, condition, status):
    assert shop.search("kb_invoice", condition).status_code == status


@pytest.mark.parametrize("body", [{}, {"field": "id"}, "id", 1])
def test_a_search_is_a_list(bexio, body):
    assert bexio.http.post("/2.0/kb_invoice/search", json=body).status_code == 400


def test_a_condition_holds_nothing_else(bexio):
    answer = bexio.http.post("/2.0/kb_invoice/search", json=[{"field": "id", "value": 1, "operator": "="}])
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "offset": 2}, [3, 4]),
        ({"offset": 4}, []),
        ({"order_by": "id_desc"}, [4, 3, 2, 1]),
        ({"order_by": "total"}, [4, 1, 2, 3]),
        ({"order_by": "total_desc"}, [3, 2, 1, 4]),
        ({"order_by": "updated_at_desc", "limit": 1}, [4]),
        ({"order_by": "total_net_asc,id_desc"}, [4, 1, 2, 3]),
    ],
)
def test_lists_and_searches_have_pages(shop, query, found):
    assert ids(shop.get("/2.0/kb_invoice", params=query)) == found
    assert ids(shop.search("kb_invoice", **query)) == found


@pytest.mark.parametrize(
    "query", [{"limit": 2001}, {"limit": 0}, {"limit": "x"}, {"offset": -1}, {"order_by": "title"}, {"order_by": "x"}]
)
def test_pages_that_cannot_be_are_refused(bexio, query):
    assert bexio.get("/2.0/kb_invoice", params=query).status_code == 422


def test_the_default_page_holds_500(bexio):
    bexio.sandbox.state.behaviours.settle("large_create", "accepted")
    for _ in range(3):
        bulk = [bexio.contact_body(name_1=f"Nr. {number}") for number in range(200)]
        bexio.post("/2.0/contact/_bulk_create", bulk).raise_for_status()
    assert len(bexio.get("/2.0/contact").json()) == 500
    assert len(bexio.get("/2.0/contact?limit=2000").json()) == 602


def test_lists_leave_out_what_is_large(shop):
    assert "positions" not in shop.get("/2.0/kb_invoice").json()[0]
    assert "profile_image" not in shop.get("/2.0/contact").json()[0]
    assert "profile_image" in shop.get("/2.0/contact/1").json()


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (("mail", "=", "Nina.Keller@mail.example"), [2]),
        (("name_1", "=", "keller"), [2]),
        (("postcode", "=", "8803"), [2]),
        (("address", "=", "Promenade 12"), [1]),
        (("contact_group_ids", "=", "2"), [1]),
        (("contact_group_ids", "=", 3), []),
        (("contact_group_ids", "in", [2, 3]), [1]),
        (("nr", "=", "000002"), [2]),
        (("nr", ">", 1), [2]),
        (("country_id", "=", 1), [1, 2]),
        (("contact_type_id", "=", 2), [2]),
    ],
)
def test_contacts_are_found_by(bexio, condition, found):
    assert ids(bexio.search("contact", condition)) == found


def test_archived_contacts_are_shown_alone(bexio):
    bexio.delete("/2.0/contact/2").raise_for_status()
    assert ids(bexio.get("/2.0/contact")) == [1]
    assert ids(bexio.get("/2.0/contact?show_archived=true")) == [2]
    assert ids(bexio.search("contact", show_archived="true")) == [2]
    assert bexio.get("/2.0/contact/2").status_code == 404
    assert bexio.get("/2.0/contact/2?show_archived=true").status_code == 200
    assert bexio.get("/2.0/contact/1?show_archived=true").status_code == 404
    assert bexio.delete("/2.0/contact/2").status_code == 404
    assert bexio.http.patch("/2.0/contact/2/restore").json() == {"success": True}
    assert ids(bexio.get("/2.0/contact")) == [1, 2]


def test_accounts_and_lists_of_names_can_be_searched(bexio):
    assert bexio.search("accounts", ("account_no", "=", "3200")).json()[0]["name"] == "Handelserlöse"
    assert ids(bexio.search("accounts", ("account_type", "=", 4), ("account_no", ">=", "2200"))) != []
    assert bexio.search("country", ("name_short", "=", "FL")).json()[0]["iso_3166_alpha2"] == "LI"
    assert bexio.search("language", ("iso_639_1", "=", "fr")).json()[0]["id"] == 2
    assert bexio.search("payment_type", ("name", "=", "Rechnung")).json()[0]["id"] == 4


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("scope=active&types=sales_tax", {"UN81", "UR26"}),
        ("scope=inactive&types=sales_tax", {"U00", "US38", "UN77", "UR25", "US37"}),
        ("types=sales_tax&date=2023-12-31", {"U00", "UN77", "UR25", "US37", "UN81", "UR26", "US38"}),
        ("types=sales_tax&date=2026-01-01", {"U00", "UN81", "UR26", "US38"}),
        ("types=sales_tax&date=2022-01-01", {"U00", "UN77", "UR25", "US37"}),
        ("types=pre_tax&scope=active", {"V00", "VIM", "ZOLLM", "ZOLLB", "VM81", "VM26", "VB81", "VB26"}),
    ],
)
def test_taxes_by_scope_type_and_date(bexio, query, codes):
    assert {row["code"] for row in bexio.get(f"/3.0/taxes?{query}").json()} == codes


@pytest.mark.parametrize("query", ["scope=all", "types=sales", "date=2026"])
def test_taxes_by_something_else_are_refused(bexio, query):
    assert bexio.get(f"/3.0/taxes?{query}").status_code == 422


def test_tax_names_are_translated(bexio):
    path = f"/3.0/taxes/{bexio.tax()}"
    assert bexio.get(path).json()["display_name"] == "UN81 - Umsatz (NS) 8.10%"
    assert bexio.get(path, headers={"Accept-Language": "en"}).json()["display_name"] == "UN81 - Sales (NS) 8.10%"
