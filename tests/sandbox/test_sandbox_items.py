"""Items and their stock: strict forms, who may write what, and what people do to them in between."""

from __future__ import annotations

import re
import time

import pytest

from bexio_sandbox import Fault

INVALID = "Diese Eingabe ist nicht korrekt."
EVIL = '<script>alert("x")</script>'


def errors(response):
    assert response.status_code == 422, response.text
    assert response.json()["error_code"] == 422
    return response.json()["errors"]


def codes(response):
    return [row["intern_code"] for row in response.raise_for_status().json()]


def stocked(bexio, **fields):
    return bexio.add_item(is_stock=True, stock_nr=5, **fields)["id"]


def stock_of(bexio, number):
    item = bexio.item(number)
    return item["stock_nr"], item["stock_reserved_nr"], item["stock_available_nr"]


class TestForm:
    def test_every_field_that_may_be_written_comes_back(self, bexio):
        body = bexio.item_body(
            contact_id=1,
            deliverer_code="L-1",
            deliverer_name="Töpferei",
            deliverer_description="von Hand",
            intern_description="<p>rot</p>",
            purchase_price="9.5",
            sale_price="22.123456",
            purchase_total=10,
            sale_total="23.5",
            currency_id=2,
            tax_income_id=bexio.tax("UR26"),
            tax_expense_id=bexio.tax("VM81"),
            unit_id=1,
            is_stock=True,
            stock_id=1,
            stock_place_id=2,
            stock_nr="2.5",
            stock_min_nr=1,
            width=80,
            height=95,
            weight=310,
            volume=250,
            html_text="",
            remarks="zerbrechlich",
            delivery_price=7,
            article_group_id=None,
            account_id=bexio.sandbox.state.tables["accounts"][99]["id"],
            expense_account_id=bexio.sandbox.state.tables["accounts"][105]["id"],
        )
        shown = bexio.item(bexio.add_item(**body)["id"])
        changed = {
            "purchase_price": "9.500000",
            "sale_price": "22.123456",
            "sale_total": 23.5,
            "stock_nr": 2.5,
        }
        assert {name: shown[name] for name in body} == {**body, **changed}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("user_id", 99),
            ("user_id", "1"),
            ("article_type_id", 3),
            ("intern_name", "x" * 256),
            ("intern_code", 7),
            ("contact_id", 99),
            ("sale_price", 22),
            ("sale_price", "22.1234567"),
            ("sale_price", "1'000"),
            ("purchase_price", "NaN"),
            ("sale_total", "viel"),
            ("delivery_price", 10**12),
            ("currency_id", "CHF"),
            ("currency_id", 99),
            ("unit_id", 99),
            ("tax_income_id", 9999),
            ("account_id", 3200),
            ("weight", "310"),
            ("weight", 310.5),
            ("weight", -1),
            ("width", True),
            ("article_group_id", 1),
            ("is_stock", 1),
            ("is_stock", None),
            ("stock_id", 9),
            ("stock_place_id", 9),
            ("stock_nr", None),
            ("stock_nr", "1.1234567"),
            ("stock_min_nr", "NaN"),
        ],
    )
    def test_a_field_that_cannot_be_is_named(self, bexio, field, value):
        before = bexio.sandbox.items()
        assert errors(bexio.post("/2.0/article", bexio.item_body(**{field: value}))) == [f"{field}: {INVALID}"]
        assert errors(bexio.post("/2.0/article/1", {field: value})) == [f"{field}: {INVALID}"]
        assert bexio.sandbox.items() == before

    @pytest.mark.parametrize(
        "field",
        [
            "id",
            "tax_id",
            "stock_available_nr",
            "stock_reserved_nr",
            "stock_picked_nr",
            "stock_disposed_nr",
            "stock_ordered_nr",
            "updated_at",
            "name",
            "type",
        ],
    )
    def test_fields_that_only_answers_have_are_refused(self, bexio, field):
        expected = [f'global: Unexpected extra form field named "{field}".']
        assert errors(bexio.post("/2.0/article", bexio.item_body(**{field: 0}))) == expected
        assert errors(bexio.post("/2.0/article/1", {field: 0})) == expected

    def test_what_has_to_be_there(self, bexio):
        missing = ["user_id", "article_type_id", "intern_code", "intern_name"]
        assert errors(bexio.post("/2.0/article", {})) == [f"{name}: Pflichtfeld" for name in missing]
        assert errors(bexio.post("/2.0/article/1", {"intern_code": ""})) == ["intern_code: Pflichtfeld"]

    @pytest.mark.parametrize("code", ["UN77", "VM81", "US38"])
    def test_only_active_taxes_of_sales_are_sold_with(self, bexio, code):
        body = bexio.item_body(tax_income_id=bexio.tax(code))
        assert errors(bexio.post("/2.0/article", body)) == [f"tax_income_id: {INVALID}"]

    def test_a_tax_of_sales_buys_nothing(self, bexio):
        body = bexio.item_body(tax_expense_id=bexio.tax("UN81"))
        assert errors(bexio.post("/2.0/article", body)) == [f"tax_expense_id: {INVALID}"]

    def test_an_archived_contact_delivers_nothing(self, bexio):
        bexio.sandbox.person.archive_contact(1)
        assert errors(bexio.post("/2.0/article", bexio.item_body(contact_id=1))) == [f"contact_id: {INVALID}"]

    def test_an_edit_leaves_alone_what_it_does_not_name(self, bexio):
        number = bexio.add_item(sale_price="20", remarks="alt", weight=310)["id"]
        before = bexio.item(number)
        answer = bexio.post(f"/2.0/article/{number}", {"sale_price": "21.5", "remarks": None})
        assert answer.status_code == 200
        assert bexio.item(number) == {**before, "sale_price": "21.500000", "remarks": ""}
        assert bexio.post(f"/2.0/article/{number}", {"sale_price": None, "weight": None}).status_code == 200
        assert (bexio.item(number)["sale_price"], bexio.item(number)["weight"]) == (None, None)

    def test_its_type_is_for_ever(self, bexio):
        answer = bexio.post("/2.0/article/1", {"article_type_id": 2})
        assert errors(answer) == ["article_type_id: The type of an item can not be changed."]
        assert bexio.post("/2.0/article/1", {"article_type_id": 1}).status_code == 200

    def test_an_area_belongs_to_its_location(self, bexio):
        fields = {"is_stock": True, "stock_id": 1, "stock_place_id": 3}
        assert errors(bexio.post("/2.0/article", bexio.item_body(**fields))) == [f"stock_place_id: {INVALID}"]
        bexio.add_item(**{**fields, "stock_id": 2})

    def test_a_service_has_no_stock(self, bexio):
        body = bexio.item_body(article_type_id=2, is_stock=True)
        assert errors(bexio.post("/2.0/article", body)) == [f"is_stock: {INVALID}"]

    def test_a_code_may_be_there_many_times(self, bexio):
        first, second = bexio.add_item()["id"], bexio.add_item()["id"]
        found = bexio.search("article", ("intern_code", "=", "CUP")).json()
        assert [row["id"] for row in found] == [first, second]

    def test_a_code_that_is_taken_only_hinders_others(self, founding):
        bexio = founding(behaviours={"item_codes": "unique"})
        number = bexio.add_item()["id"]
        bexio.post(f"/2.0/article/{number}", bexio.item_body(intern_name="Neu")).raise_for_status()
        answer = bexio.post(f"/2.0/article/{number}", {"intern_code": "MUG-01"})
        assert errors(answer) == ["intern_code: Dieser Wert wird bereits verwendet."]

    def test_it_is_gone_for_good(self, bexio):
        assert bexio.delete("/2.0/article/1").json() == {"success": True}
        for method in ("GET", "POST", "DELETE"):
            assert bexio.http.request(method, "/2.0/article/1", json={}).status_code == 404
        assert bexio.add_item()["id"] == 3

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", "/2.0/article/1"),
            ("PATCH", "/2.0/article/1"),
            ("GET", "/3.0/article"),
            ("GET", "/2.0/stock_area"),
            ("GET", "/2.0/stock/1"),
            ("POST", "/2.0/stock"),
            ("POST", "/2.0/stock_place"),
        ],
    )
    def test_other_doors_lead_nowhere(self, bexio, method, path):
        assert bexio.http.request(method, path, json={}).status_code == 404

    def test_an_item_on_an_invoice_brings_its_name_and_price(self, bexio):
        number = bexio.add_item(unit_id=2)["id"]
        priced, free = {"article_id": 1}, {"article_id": number}
        shared = {"type": "KbPositionArticle", "amount": "2", "tax_id": bexio.tax("UR26")}
        lines = bexio.show(bexio.create({**shared, **priced}, {**shared, **free}))["positions"]
        assert [(line["text"], line["unit_price"], line["unit_name"]) for line in lines] == [
            ("Bergkräutertee 250 g", "14.500000", "Stk"),
            ("Tasse", "0.000000", "h"),
        ]


class TestListsAndSearches:
    def test_pages_and_order(self, bexio):
        bexio.add_item(intern_code="A", intern_name="Ananas")
        assert codes(bexio.get("/2.0/article")) == ["TEE-250", "MUG-01", "A"]
        assert codes(bexio.get("/2.0/article?order_by=intern_name_desc")) == ["MUG-01", "TEE-250", "A"]
        assert codes(bexio.get("/2.0/article?limit=1&offset=1")) == ["MUG-01"]
        assert bexio.get("/2.0/article?limit=2001").status_code == 422
        assert bexio.get("/2.0/article?order_by=updated_at").status_code == 422
        assert "updated_at" not in bexio.item(1)

    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            (("intern_code", "=", "tee-250"), ["TEE-250"]),
            (("intern_code", "=", "TEE"), []),
            (("intern_code", None, "TEE"), ["TEE-250"]),
            (("intern_name", "like", "%bock"), ["MUG-01"]),
            (("intern_code", "in", ["MUG-01", "TEE-250"]), ["TEE-250", "MUG-01"]),
        ],
    )
    def test_searches(self, bexio, condition, found):
        assert codes(bexio.search("article", condition)) == found

    @pytest.mark.parametrize("field", ["id", "updated_at", "sale_price", "remarks"])
    def test_name_and_code_only(self, bexio, field):
        assert bexio.search("article", (field, "=", "1")).status_code == 422

    def test_locations_and_areas(self, bexio):
        assert bexio.get("/2.0/stock").json() == [{"id": 1, "name": "Hauptlager"}, {"id": 2, "name": "Laden"}]
        assert bexio.get("/2.0/stock_place?order_by=name_desc&limit=1").json() == [{"id": 3, "name": "Schaufenster"}]
        assert bexio.search("stock", ("name", "=", "Laden")).json() == [{"id": 2, "name": "Laden"}]
        assert bexio.search("stock_place", ("stock_id", "=", 2)).json() == [{"id": 3, "name": "Schaufenster"}]

    def test_a_minute_holds_four_hundred_requests(self, bexio):
        answers = [bexio.get("/2.0/article"), bexio.get("/2.0/article/1"), bexio.delete("/2.0/article/1")]
        answers += [bexio.post("/2.0/article", bexio.item_body()), bexio.post("/2.0/article/2", {"remarks": "x"})]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["399", "398", "397", "396", "395"]
        assert {answer.headers["x-ratelimit-limit-minute"] for answer in answers} == {"400"}
        assert bexio.search("article").headers["ratelimit-limit"] == "250"
        assert bexio.get("/2.0/stock").headers["ratelimit-limit"] == "1000"
        statuses = [bexio.get("/2.0/article/2").status_code for _ in range(396)]
        assert (statuses.count(200), statuses[-1]) == (395, 429)
        assert bexio.get("/2.0/contact").status_code == bexio.search("article").status_code == 200

    def test_minutes_may_pass_faster(self, founding):
        bexio = founding(speed=60)
        assert [bexio.get("/2.0/article/1").status_code for _ in range(401)].count(429) == 1
        bexio.clock.tick(1)
        assert bexio.get("/2.0/article/1").status_code == 200


class TestRights:
    STOCK = ({"is_stock": False}, {"stock_id": 1}, {"stock_place_id": 1}, {"stock_min_nr": 1}, {"stock_nr": 1})

    @pytest.fixture(params=["scope", "module", "right"])
    def without(self, bexio, request):
        """A client that may write items, but nothing about their stock."""
        scopes, user = None, 1
        if request.param == "scope":
            scopes = ["article_edit"]
        elif request.param == "module":
            bexio.sandbox.person.unbook_module("stock")
        else:
            user = 2
            bexio.sandbox.person.set_right(2, "stock", edit="none")
        client = bexio.client(bexio.sandbox.create_token(scopes, user_id=user))
        yield client
        client.close()

    def test_stock_needs_more(self, bexio, without):
        for fields in self.STOCK:
            assert without.post("/2.0/article", json=bexio.item_body(**fields)).status_code == 403
            assert without.post("/2.0/article/1", json=fields).status_code == 403
        for path in ("stock", "stock_place"):
            assert without.get(f"/2.0/{path}").status_code == 403
            assert without.post(f"/2.0/{path}/search", json=[]).status_code == 403
        assert len(bexio.sandbox.items()) == 2

    def test_the_rest_does_not(self, bexio, without):
        number = without.post("/2.0/article", json=bexio.item_body()).raise_for_status().json()["id"]
        assert without.post(f"/2.0/article/{number}", json={"sale_price": "1"}).status_code == 200
        assert without.get(f"/2.0/article/{number}").json()["stock_available_nr"] == 0

    def test_the_three_refusals_can_be_told_apart(self, bexio, without, request):
        message = without.post("/2.0/article/1", json={"stock_nr": 1}).json()["message"]
        word = {"scope": "scope stock_edit", "module": "not booked", "right": "no right"}
        assert word[request.node.callspec.params["without"]] in message

    @pytest.mark.parametrize(
        ("scopes", "method", "path", "status"),
        [
            (["article_show"], "GET", "/2.0/article", 200),
            (["article_show"], "POST", "/2.0/article/search", 200),
            (["article_show"], "POST", "/2.0/article/1", 403),
            (["article_show"], "DELETE", "/2.0/article/1", 403),
            (["contact_edit"], "GET", "/2.0/article", 403),
            (["stock_edit"], "GET", "/2.0/stock", 200),
            (["article_edit"], "GET", "/2.0/stock", 403),
        ],
    )
    def test_scopes(self, bexio, scopes, method, path, status):
        with bexio.client(bexio.sandbox.create_token(scopes)) as client:
            body = [] if path.endswith("search") else {}
            assert client.request(method, path, json=None if method == "GET" else body).status_code == status

    def test_the_module_of_items(self, bexio):
        bexio.sandbox.person.unbook_module("article")
        assert bexio.get("/2.0/article").status_code == 403

    def test_own_means_the_users_own(self, bexio):
        bexio.add_item(user_id=2)
        bexio.sandbox.person.set_right(2, "article", show="own", edit="own")
        with bexio.client(bexio.sandbox.create_token(user_id=2)) as luca:
            assert codes(luca.get("/2.0/article")) == ["CUP"]
            assert luca.get("/2.0/article/1").status_code == luca.delete("/2.0/article/1").status_code == 403


class TestStock:
    def test_the_first_stock_can_be_set_until_something_is_booked(self, bexio):
        number = stocked(bexio)
        assert stock_of(bexio, number) == (5, 0, 5)
        bexio.post(f"/2.0/article/{number}", {"stock_nr": "7.5"}).raise_for_status()
        bexio.sandbox.person.book_stock(number, "-2")
        assert stock_of(bexio, number) == (5.5, 0, 5.5)
        for stock in (9, 7.5, "5.5"):
            answer = bexio.post(f"/2.0/article/{number}", {"stock_nr": stock})
            assert errors(answer) == ["stock_nr: The stock can not be set once there are stock bookings."]
        bexio.sandbox.person.book_stock(number, 2)
        assert bexio.post(f"/2.0/article/{number}", {"stock_nr": 9}).status_code == 422, "back to it is not before it"
        assert bexio.post(f"/2.0/article/{number}", {"stock_min_nr": 3}).json()["stock_min_nr"] == "3"

    def test_what_is_reserved_is_not_available(self, bexio):
        number = stocked(bexio)
        bexio.sandbox.person.reserve_stock(number, 2)
        assert stock_of(bexio, number) == (5, 2, 3)
        bexio.sandbox.person.book_stock(number, -4)
        assert stock_of(bexio, number) == (1, 2, -1)
        bexio.sandbox.person.reserve_stock(number, -2)
        assert stock_of(bexio, number) == (1, 0, 1)

    def test_answers_to_writes_hold_some_numbers_as_text(self, bexio):
        made = bexio.add_item(is_stock=True, stock_nr=5, sale_price="20.10")
        assert (made["stock_nr"], made["stock_ordered_nr"], made["stock_available_nr"]) == ("5", "0", 5)
        edited = bexio.post(f"/2.0/article/{made['id']}", {"remarks": "x"}).json()
        assert (edited["stock_nr"], edited["stock_ordered_nr"], edited["stock_available_nr"]) == ("5", 0, 5)
        assert (made["sale_price"], bexio.item(made["id"])["sale_price"]) == ("20.10", "20.100000")


class TestPerson:
    def test_works_with_items(self, bexio):
        person = bexio.sandbox.person
        number = person.create_item("SALT", "Bergsalz", "4.90", weight="250", is_stock=True, stock_nr=3)
        person.edit_item(number, intern_name="Alpensalz", sale_price=5)
        shown = bexio.item(number)
        assert (shown["intern_name"], shown["sale_price"], shown["weight"]) == ("Alpensalz", "5.000000", 250)
        assert bexio.sandbox.items()[-1] == shown
        person.delete_item(number)
        assert len(bexio.sandbox.items()) == 2

    @pytest.mark.parametrize(
        ("action", "arguments", "fields"),
        [
            ("edit_item", (77,), {"intern_name": "x"}),
            ("edit_item", (1,), {"colour": "red"}),
            ("edit_item", (1,), {"weight": "heavy"}),
            ("edit_item", (1,), {"sale_price": "much"}),
            ("edit_item", (1,), {"article_type_id": 2}),
            ("edit_item", (3,), {"stock_nr": 9}),
            ("create_item", ("", "x"), {}),
            ("delete_item", (77,), {}),
            ("book_stock", (77, 1), {}),
            ("book_stock", (1, 1), {}),
            ("book_stock", (3, "NaN"), {}),
            ("reserve_stock", (1, 1), {}),
            ("reserve_stock", (3, -1), {}),
            ("load_items", (-1,), {}),
            ("load_items", (1,), {"colour": "red"}),
        ],
    )
    def test_cannot_do_the_impossible(self, bexio, action, arguments, fields):
        bexio.sandbox.person.book_stock(stocked(bexio), 1)
        before = bexio.sandbox.items()
        with pytest.raises(ValueError):  # noqa: PT011 - each of them says something else
            getattr(bexio.sandbox.person, action)(*arguments, **fields)
        assert bexio.sandbox.items() == before

    def test_many_items_come_at_once(self, bexio):
        started = time.perf_counter()
        bexio.sandbox.load_items(10_000, is_stock=True, stock_nr=3)
        assert time.perf_counter() - started < 3
        assert codes(bexio.get("/2.0/article?limit=2&offset=10000")) == ["ITEM-009999", "ITEM-010000"]
        assert stock_of(bexio, 10_002) == (3, 0, 3)
        bexio.sandbox.load_items(1, first=10_001, sale_price="7")
        assert bexio.search("article", ("intern_code", "=", "ITEM-010001")).json()[0]["sale_price"] == "7.000000"

    def test_items_last(self, founding, tmp_path):
        first = founding(data=tmp_path / "books.db")
        first.sandbox.load_items(3, weight=250)
        number = stocked(first)
        first.sandbox.person.book_stock(number, "-1.5")
        kept = first.sandbox.items()
        first.sandbox.close()
        second = founding(data=tmp_path / "books.db")
        assert second.sandbox.items() == kept
        assert second.post(f"/2.0/article/{number}", {"stock_nr": 9}).status_code == 422


class TestTaxes:
    def listed(self, bexio, **query):
        return {row["code"] for row in bexio.get("/3.0/taxes", params=query).raise_for_status().json()}

    def test_scope_type_and_date(self, bexio):
        assert self.listed(bexio, scope="active", types="sales_tax") == {"UN81", "UR26"}
        assert {"US38", "UN77"} <= self.listed(bexio, scope="inactive", types="sales_tax")
        assert "VM81" in self.listed(bexio, types="pre_tax", scope="active")
        assert not self.listed(bexio, types="pre_tax") & self.listed(bexio, types="sales_tax")
        assert self.listed(bexio, types="sales_tax", date="2023-06-30") == {"UN77", "UR25", "US37", "U00"}
        assert {"UN77", "UN81"} <= self.listed(bexio, date="2023-12-31")
        assert "UN77" not in self.listed(bexio, date="2024-01-01")

    @pytest.mark.parametrize("query", [{"scope": "all"}, {"types": "vat"}, {"date": "1.1.2024"}])
    def test_what_cannot_be_asked(self, bexio, query):
        assert errors(bexio.get("/3.0/taxes", params=query)) == [f"{next(iter(query))}: {INVALID}"]

    def test_a_rate_begins_and_another_ends(self, bexio):
        person = bexio.sandbox.person
        number = person.add_tax("UN85", "8.5", start="2027-01")
        person.end_tax("UN81", "2026-12")
        assert "UN85" not in self.listed(bexio, types="sales_tax", scope="active", date="2026-12-31")
        assert self.listed(bexio, types="sales_tax", scope="active", date="2027-01-01") == {"UN85", "UR26"}
        shown = bexio.get(f"/3.0/taxes/{number}").json()
        assert (shown["value"], shown["start_year"], shown["start_month"], shown["end_year"]) == (8.5, 2027, 1, None)
        person.end_tax("UN81", None)
        assert "UN81" in self.listed(bexio, date="2027-01-01")
        person.set_tax_active("UN81", False)
        assert self.listed(bexio, types="sales_tax", scope="active", date="2026-12-31") == {"UR26"}

    @pytest.mark.parametrize(
        ("action", "arguments", "fields"),
        [
            ("end_tax", ("XX", "2026-12"), {}),
            ("end_tax", ("UN81", "2026-13"), {}),
            ("end_tax", ("UN81", "soon"), {}),
            ("add_tax", ("X", "8"), {"start": "2026"}),
            ("add_tax", ("X", "8", "vat"), {}),
        ],
    )
    def test_what_cannot_be(self, bexio, action, arguments, fields):
        before = self.listed(bexio)
        with pytest.raises(ValueError, match=r"there is no|is no month"):
            getattr(bexio.sandbox.person, action)(*arguments, **fields)
        assert self.listed(bexio) == before

    def test_they_are_set_by_scripts(self, bexio):
        bexio.post("/sandbox/api/add_tax", {"code": "UN85", "value": 8.5, "start": "2027-01"}).raise_for_status()
        bexio.post("/sandbox/api/end_tax", {"code": "UN81", "end": "2026-12"}).raise_for_status()
        assert {"UN85"} == self.listed(bexio, date="2027-01-01") & {"UN81", "UN85"}


class TestPage:
    def press(self, bexio, action, **fields):
        csrf = re.search(r'name="csrf" value="([^"]+)"', bexio.get("/sandbox").text)[1]
        answer = bexio.http.post("/sandbox/do", data={"csrf": csrf, "action": action, **fields})
        return bexio.get(answer.headers["location"]).text

    def test_items_are_shown_and_escaped(self, bexio):
        number = bexio.add_item(intern_code=EVIL, intern_name=EVIL, sale_price="12.5", is_stock=True, stock_nr=77)["id"]
        page = bexio.get("/sandbox").text
        assert "<script" not in page
        assert f'id="item-{number}"' in page
        assert "CHF 12.50" in page
        assert '<td class="number">77</td>' in page
        link = bexio.get(f"/sandbox/index.php/article/show/id/{number}")
        assert (link.status_code, link.headers["location"]) == (303, f"/sandbox#item-{number}")

    def test_the_buttons_do_what_a_person_does(self, bexio):
        assert "Done." in self.press(bexio, "create_item", code="SALT", title="Salz", price="4.90")
        number = bexio.sandbox.items()[-1]["id"]
        bexio.post(f"/2.0/article/{number}", {"is_stock": True}).raise_for_status()
        self.press(bexio, "edit_item", item_id=number, intern_name="Bergsalz")
        self.press(bexio, "edit_item", item_id=number, sale_price="5")
        self.press(bexio, "book_stock", item_id=number, amount="4")
        self.press(bexio, "reserve_stock", item_id=number, amount="1")
        shown = bexio.item(number)
        assert (shown["intern_name"], shown["sale_price"]) == ("Bergsalz", "5.000000")
        assert stock_of(bexio, number) == (4, 1, 3)
        assert "Done." in self.press(bexio, "delete_item", item_id=number)
        assert "Not done: there is no item" in self.press(bexio, "delete_item", item_id=number)
        assert "Not done" in self.press(bexio, "book_stock", item_id=1, amount="1"), "it is not kept in stock"

    def test_only_the_first_are_shown(self, bexio):
        bexio.post("/sandbox/api/load_items", {"count": 300}).raise_for_status()
        page = bexio.get("/sandbox").text
        assert page.count('<tr id="item-') == 200
        assert "102 more are left out here" in page
        assert len(bexio.get("/sandbox/api/items").json()) == 302

    def test_scripts_act_as_a_person(self, bexio):
        made = bexio.post("/sandbox/api/create_item", {"code": "X", "title": "Neu", "price": 4.9, "is_stock": True})
        number = made.json()["result"]
        bexio.post("/sandbox/api/book_stock", {"item_id": number, "amount": 2.5}).raise_for_status()
        assert (bexio.item(number)["sale_price"], bexio.item(number)["stock_nr"]) == ("4.900000", 2.5)
        assert bexio.post("/sandbox/api/edit_item", {"item_id": number, "weight": "heavy"}).status_code == 422


class TestFaults:
    CREATE = ("POST", "/2.0/article")

    def test_searches_and_lists_lag(self, bexio):
        bexio.sandbox.faults.add(Fault("lagging_search", repeat=0, requests=2))
        number = bexio.add_item()["id"]
        assert codes(bexio.search("article", ("intern_code", "=", "CUP"))) == []
        assert bexio.item(number)["intern_code"] == "CUP"
        assert codes(bexio.get("/2.0/article")) == ["TEE-250", "MUG-01", "CUP"]

    @pytest.mark.parametrize("path", ["article", "stock", "stock_place"])
    def test_results_come_twice(self, bexio, path):
        once = [row["id"] for row in bexio.get(f"/2.0/{path}").json()]
        bexio.sandbox.faults.add(Fault("doubled_search", repeat=2))
        assert [row["id"] for row in bexio.get(f"/2.0/{path}").json()] == [n for n in once for _ in range(2)]
        assert len(bexio.search(path).json()) == 2 * len(once)

    def test_an_answer_is_lost_and_a_commit_is_late(self, bexio):
        bexio.sandbox.faults.add(Fault("late_commit", *self.CREATE, seconds=3600))
        with pytest.raises(ConnectionResetError):
            bexio.add_item()
        assert len(bexio.sandbox.items()) == 2
        bexio.sandbox.faults.finish_late_work()
        assert bexio.sandbox.items()[-1]["intern_code"] == "CUP"
        bexio.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/article/{id}")])
        with pytest.raises(ConnectionResetError):
            bexio.post("/2.0/article/3", {"sale_price": "9"})
        assert bexio.item(3)["sale_price"] == "9.000000"

    def test_a_person_creates_the_same_code_just_before(self, bexio):
        bexio.sandbox.faults.add(Fault("person", *self.CREATE, action="create_item", title="Von Hand", price="7"))
        made = bexio.add_item()
        items = bexio.sandbox.items()[2:]
        assert [(row["id"], row["intern_code"], row["sale_price"]) for row in items] == [
            (made["id"] - 1, "CUP", "7.000000"),
            (made["id"], "CUP", None),
        ]

    def test_a_person_creates_a_code_of_its_own(self, bexio):
        bexio.sandbox.faults.add(
            Fault("person", "GET", action="create_item", code="OWN"), Fault("person", "GET", action="create_item")
        )
        assert codes(bexio.get("/2.0/article")) == ["TEE-250", "MUG-01", "OWN"]
        assert "names no code" in bexio.sandbox.faults.fired[1].problem

    @pytest.mark.parametrize(
        ("target", "hit"),
        [(None, [3]), ("newest item", [3]), ("this item", [2]), (1, [1]), ("TEE-250", [1]), ("all", [1, 2, 3])],
    )
    def test_targets(self, bexio, target, hit):
        bexio.add_item()
        told = {} if target is None else {"target": target}
        bexio.sandbox.faults.add(Fault("person", "POST", "/2.0/article/{id}", action="edit_item", price="3", **told))
        bexio.post("/2.0/article/2", {"remarks": "x"}).raise_for_status()
        assert [row["id"] for row in bexio.sandbox.items() if row["sale_price"] == "3.000000"] == hit

    def test_what_a_person_does(self, bexio):
        number = stocked(bexio)
        told = {"title": "T", "description": "D", "weight": 9, "code": "C"}
        bexio.sandbox.faults.add(
            Fault("person", action="book_stock", target=number),
            Fault("person", action="book_stock", pieces="-0.5"),
            Fault("person", action="edit_item", **told),
            Fault("person", action="delete_item", target=1, when="after"),
        )
        shown = bexio.item(number)
        assert shown["stock_nr"] == 3.5
        told_back = {"intern_name": "T", "intern_description": "D", "weight": 9, "intern_code": "C"}
        assert {name: shown[name] for name in told_back} == told_back
        assert [row["id"] for row in bexio.sandbox.items()] == [2, number]
        assert [fired.problem for fired in bexio.sandbox.faults.fired] == [""] * 4

    def test_what_cannot_be_is_told_and_disturbs_nothing(self, bexio):
        bexio.sandbox.faults.add(
            Fault("person", action="book_stock"), Fault("person", action="delete_item", target="nobody's")
        )
        assert bexio.item(2)["intern_code"] == "MUG-01"
        problems = [fired.problem for fired in bexio.sandbox.faults.fired]
        assert "not kept in stock" in problems[0]
        assert "nothing is meant" in problems[1]
