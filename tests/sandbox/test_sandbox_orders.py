"""Orders, and the deliveries and invoices that are made from them."""

from __future__ import annotations

from decimal import Decimal

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from realms import TOKEN


def named(bexio, text, amount="1", price="10", **fields):
    return bexio.line(price, text=text, amount=amount, **fields)


def stocked(bexio, pieces="10", code="CUP"):
    return bexio.add_item(intern_code=code, intern_name=code, is_stock=True, stock_nr=pieces)["id"]


def article(bexio, item, text="Tasse", amount="1", **fields):
    return named(bexio, text, amount, type="KbPositionArticle", article_id=item, **fields)


def progress(bexio, order):
    return [
        tuple(row[f"amount_{name}"] for name in ("open", "reserved", "completed"))
        for row in bexio.order(order["id"])["positions"]
    ]


def status(bexio, order):
    return bexio.order(order["id"])["kb_item_status_id"]


def issued(bexio, answer, kind):
    assert answer.status_code == 201, answer.text
    bexio.post(f"/2.0/{kind}/{answer.json()['id']}/issue").raise_for_status()
    return answer.json()["id"]


def test_an_order_has_all_forms_of_positions_and_counts_as_an_invoice_does(bexio):
    lines = [
        named(bexio, "Tee", "3", "14.50"),
        {"type": "KbPositionArticle", "article_id": 1, "amount": "2", "tax_id": bexio.tax("UR26")},
        {"type": "KbPositionText", "text": "Hinweis", "show_pos_nr": False},
        {"type": "KbPositionSubtotal", "text": "Zwischensumme"},
        {"type": "KbPositionPagebreak", "pagebreak": True},
        {"type": "KbPositionDiscount", "text": "Rabatt", "is_percentual": False, "value": "5"},
    ]
    order = bexio.create_order(*lines)
    invoice = bexio.show(bexio.create(*lines))
    shown = bexio.order(order["id"])
    sums = ("total_gross", "total_net", "total_taxes", "total", "total_rounding_difference", "taxs")
    assert {name: shown[name] for name in sums} == {name: invoice[name] for name in sums}
    assert [row["type"] for row in shown["positions"]] == [line["type"] for line in lines]
    assert (order["document_nr"], order["kb_item_status_id"], order["is_recurring"]) == ("AU-00001", 5, False)
    assert bexio.show(bexio.create())["document_nr"] == "RE-00002"


def test_prices_of_an_order_may_include_vat(bexio):
    order = bexio.create_order(named(bexio, "Tee", "1", "108.10"), mwst_type=0, mwst_is_net=False)
    assert (bexio.order(order["id"])["total"], order["total_taxes"]) == ("108.100000", "8.1000")


def test_an_optional_position_costs_nothing_and_invoices_have_none(bexio):
    order = bexio.create_order(named(bexio, "Tee"), named(bexio, "Tasse", is_optional=True))
    assert [row["is_optional"] for row in order["positions"]] == [False, True]
    assert bexio.order(order["id"])["total_net"] == "10.000000"
    refused = bexio.post("/2.0/kb_invoice", bexio.invoice_body(named(bexio, "Tee", is_optional=True)))
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "field",
    ["is_valid_to", "reference", "show_position_nr", "project_id", "taxs", "contact_address", "delivery_address"],
)
def test_what_an_order_has_not_is_refused(bexio, field):
    assert bexio.post("/2.0/kb_order", bexio.invoice_body(**{field: "x"})).status_code == 422
    order = bexio.create_order()
    answer = bexio.post(f"/2.0/kb_order/{order['id']}", {field: "x"})
    assert answer.status_code == 422
    assert "Widget schema does not include" in answer.json()["errors"][0]


def test_an_edit_changes_the_header_and_no_positions(bexio):
    order = bexio.create_order(title="Alt", api_reference="shop-1")
    path = f"/2.0/kb_order/{order['id']}"
    edited = bexio.post(path, {"title": "Neu", "api_reference": "shop-2"}).json()
    assert (edited["title"], edited["api_reference"], len(edited["positions"])) == ("Neu", "shop-2", 1)
    refused = bexio.post(path, {"positions": [bexio.line()]})
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        ['global: Unexpected extra form field named "positions".'],
    )


def test_goods_go_to_the_address_of_the_invoice_or_to_one_of_their_own(bexio):
    order = bexio.create_order()
    assert order["delivery_address"] == order["contact_address"] != ""
    own = {"delivery_address_type": 1, "delivery_address_manual": "Berghütte\n7270 Davos"}
    order = bexio.create_order(**own)
    assert (order["delivery_address_type"], order["delivery_address"]) == (1, own["delivery_address_manual"])
    delivery = bexio.convert(order, "delivery").json()
    assert delivery["delivery_address"] == own["delivery_address_manual"]
    back = bexio.post(f"/2.0/kb_order/{order['id']}", {"delivery_address_type": 0}).json()
    assert back["delivery_address"] == back["contact_address"]


def test_orders_are_searched_but_not_by_api_reference(bexio):
    order = bexio.create_order(title="Order 7", api_reference="shop-7")
    bexio.create_order(title="Order 8")
    assert [row["id"] for row in bexio.search("kb_order", ("title", "=", "Order 7")).json()] == [order["id"]]
    assert "positions" not in bexio.search("kb_order", ("title", "=", "Order 7")).json()[0]
    assert bexio.search("kb_order", ("is_valid_to", ">=", "2020-01-01")).json() == []
    assert len(bexio.search("kb_order", ("kb_item_status_id", "in", [5, 15])).json()) == 2
    refused = bexio.search("kb_order", ("api_reference", "=", "shop-7"))
    assert refused.status_code == 422
    assert len(bexio.get("/2.0/kb_order").json()) == 2


def test_positions_of_an_order_are_added_changed_and_deleted(bexio):
    order = bexio.create_order(named(bexio, "Tee"))
    path = f"/2.0/kb_order/{order['id']}/kb_position_custom"
    line = {name: value for name, value in named(bexio, "Tasse", "2").items() if name != "type"}
    added = bexio.post(path, line)
    assert added.status_code == 201
    one = f"{path}/{added.json()['id']}"
    assert bexio.post(one, {"amount": "3"}).json()["amount"] == "3"
    assert bexio.order(order["id"])["total_net"] == "40.000000"
    assert len(bexio.get(path).json()) == 2
    assert bexio.get(one).json()["amount_open"] == "3.000000"
    assert bexio.delete(one).json() == {"success": True}
    assert bexio.order(order["id"])["total_net"] == "10.000000"
    assert bexio.get(f"/2.0/kb_invoice/{bexio.create()}/kb_position_custom/{order['positions'][0]['id']}").is_error


def test_a_delivery_is_made_issued_and_counted(bexio):
    order = bexio.create_order(named(bexio, "Tee", "5"), title="Order 1", api_reference="shop-1")
    assert progress(bexio, order) == [("5.000000", "0.000000", "0.000000")]
    bexio.clock.tick(86_400 * 3)
    answer = bexio.convert(order, "delivery", Tee="2")
    delivery = answer.json()
    assert (answer.status_code, delivery["document_nr"], delivery["kb_item_status_id"]) == (201, "LS-00001", 10)
    assert (delivery["title"], delivery["api_reference"]) == ("", None)
    assert delivery["is_valid_from"] == bexio.sandbox.state.today().isoformat() != order["is_valid_from"]
    assert progress(bexio, order) == [("3.000000", "2.000000", "0.000000")]
    assert status(bexio, order) == 5
    assert bexio.post(f"/2.0/kb_delivery/{delivery['id']}/issue").json() == {"success": True}
    assert bexio.get(f"/2.0/kb_delivery/{delivery['id']}").json()["kb_item_status_id"] == 18
    assert progress(bexio, order) == [("3.000000", "0.000000", "2.000000")]
    assert status(bexio, order) == 15
    again = bexio.post(f"/2.0/kb_delivery/{delivery['id']}/issue")
    assert again.status_code == 422


def test_an_order_is_done_when_everything_is_delivered_and_invoiced(bexio):
    order = bexio.create_order(named(bexio, "Tee", "5"), named(bexio, "Tasse", "1"))
    issued(bexio, bexio.convert(order, "delivery"), "kb_delivery")
    assert status(bexio, order) == 15
    issued(bexio, bexio.convert(order, "invoice", Tee="5"), "kb_invoice")
    assert status(bexio, order) == 15
    invoice = issued(bexio, bexio.convert(order, "invoice", Tasse="1"), "kb_invoice")
    assert status(bexio, order) == 6
    bexio.post(f"/2.0/kb_invoice/{invoice}/cancel").raise_for_status()
    assert status(bexio, order) == 15


def test_an_invoice_of_an_order_is_a_draft_with_nothing_but_its_money(bexio):
    order = bexio.create_order(
        named(bexio, "Tee", "3"),
        {"type": "KbPositionDiscount", "text": "Rabatt", "is_percentual": True, "value": "10"},
        {"type": "KbPositionText", "text": "Hinweis", "show_pos_nr": True},
        contact_id=2,
        title="Order 1",
        api_reference="shop-1",
        bank_account_id=2,
        currency_id=2,
        language_id=4,
    )
    invoice = bexio.convert(order, "invoice").json()
    for name in ("contact_id", "bank_account_id", "currency_id", "language_id", "contact_address", "total"):
        assert invoice[name] == order[name], name
    assert (invoice["title"], invoice["api_reference"], invoice["reference"]) == ("", None, None)
    assert (invoice["kb_item_status_id"], invoice["document_nr"]) == (7, "RE-00001")
    assert [row["type"] for row in invoice["positions"]] == [row["type"] for row in order["positions"]]
    edited = bexio.post(f"/2.0/kb_invoice/{invoice['id']}", {"api_reference": "shop-1", "title": "Order 1"}).json()
    assert (edited["api_reference"], edited["title"]) == ("shop-1", "Order 1")


@pytest.mark.parametrize("into", ["delivery", "invoice"])
def test_no_more_than_what_is_left_can_be_taken(bexio, into):
    order = bexio.create_order(named(bexio, "Tee", "3"))
    assert bexio.convert(order, into, Tee="4").json()["errors"] == [
        "positions[0].amount: Only 3 of the position is left."
    ]
    first = bexio.convert(order, into, Tee="2")
    assert first.status_code == 201
    assert bexio.convert(order, into, Tee="2").status_code == 422
    bexio.clock.tick(1)
    if into == "invoice":
        bexio.delete(f"/2.0/kb_invoice/{first.json()['id']}").raise_for_status()
        assert bexio.convert(order, into, Tee="3").status_code == 201


@pytest.mark.parametrize(
    "positions",
    [
        [{"id": 99, "type": "KbPositionCustom", "amount": "1"}],
        [{"id": 1, "type": "KbPositionArticle", "amount": "1"}],
        [{"id": 1, "type": "KbPositionCustom"}],
        [{"id": 1, "type": "KbPositionCustom", "amount": "0"}],
        [{"id": 1, "type": "KbPositionCustom", "amount": "-1"}],
        [{"id": 1, "type": "KbPositionCustom", "amount": "1"}] * 2,
        [{"id": 1, "type": "KbPositionCustom", "amount": "1", "unit_price": "1"}],
        [{"id": "1", "type": "KbPositionCustom", "amount": "1"}],
        ["x"],
        "x",
        [],
        None,
    ],
)
def test_odd_positions_are_refused(bexio, positions):
    order = bexio.create_order(named(bexio, "Tee", "3"))
    for into in ("delivery", "invoice"):
        assert bexio.post(f"/2.0/kb_order/{order['id']}/{into}", {"positions": positions}).status_code == 422
        assert bexio.post(f"/2.0/kb_order/{order['id']}/{into}").status_code == 422
    assert bexio.get("/2.0/kb_invoice").json() == bexio.get("/2.0/kb_delivery").json() == []


def test_an_amount_off_an_order_is_invoiced_once(bexio):
    discount = {"type": "KbPositionDiscount", "text": "Rabatt", "is_percentual": False, "value": "5"}
    order = bexio.create_order(named(bexio, "Tee", "4"), discount)
    named_discount = {"id": order["positions"][1]["id"], "type": "KbPositionDiscount"}
    tea = {"id": order["positions"][0]["id"], "type": "KbPositionCustom", "amount": 2}
    path = f"/2.0/kb_order/{order['id']}/invoice"
    assert bexio.post(path, {"positions": [tea, named_discount]}).json()["total_net"] == "15"
    assert bexio.post(path, {"positions": [tea, named_discount]}).status_code == 422
    assert bexio.post(path, {"positions": [tea]}).json()["total_net"] == "20"


def test_stock_is_reserved_by_the_order_and_booked_out_by_the_delivery(bexio):
    cup = stocked(bexio)

    def stock():
        item = bexio.item(cup)
        return item["stock_nr"], item["stock_reserved_nr"], item["stock_available_nr"]

    order = bexio.create_order(article(bexio, cup, amount="4"), article(bexio, 1, "Tee", "9"))
    assert stock() == (10, 4, 6)
    delivery = bexio.convert(order, "delivery", Tasse="3").json()
    assert stock() == (10, 4, 6)
    bexio.post(f"/2.0/kb_delivery/{delivery['id']}/issue").raise_for_status()
    assert stock() == (7, 1, 6)
    issued(bexio, bexio.convert(order, "invoice"), "kb_invoice")
    assert stock() == (7, 1, 6)
    path = f"/2.0/kb_order/{order['id']}/kb_position_article/{order['positions'][0]['id']}"
    assert bexio.post(path, {"amount": "2"}).status_code == 422
    refused = bexio.post(f"/2.0/article/{cup}", {"stock_nr": "5"})
    assert refused.status_code == 422


def test_a_deleted_order_frees_what_it_reserved(bexio):
    cup = stocked(bexio)
    order = bexio.create_order(article(bexio, cup, amount="4"))
    assert bexio.delete(f"/2.0/kb_order/{order['id']}").json() == {"success": True}
    assert bexio.item(cup)["stock_reserved_nr"] == 0
    assert bexio.get(f"/2.0/kb_order/{order['id']}").status_code == 404


def test_numbers_are_automatic_or_not_for_each_class(bexio):
    bexio.sandbox.person.set_automatic_numbering(False, "KbOrder")
    assert bexio.post("/2.0/kb_order", bexio.invoice_body()).status_code == 422
    order = bexio.create_order(document_nr="SHOP-7")
    assert order["document_nr"] == "SHOP-7"
    assert bexio.post("/2.0/kb_order", bexio.invoice_body(document_nr="SHOP-7")).status_code == 422
    assert bexio.convert(order, "delivery").json()["document_nr"] == "LS-00001"
    bexio.sandbox.person.set_automatic_numbering(False, "KbInvoice")
    assert bexio.convert(order, "invoice").status_code == 422
    bexio.sandbox.person.set_automatic_numbering(True, "KbOrder")
    assert bexio.post("/2.0/kb_order", bexio.invoice_body(document_nr="SHOP-8")).status_code == 422


def test_a_copy_of_an_invoice_counts_for_no_order(bexio):
    order = bexio.create_order()
    invoice = bexio.convert(order, "invoice").json()["id"]
    copy = bexio.post(f"/2.0/kb_invoice/{invoice}/copy", {"contact_id": 1}).json()["id"]
    bexio.post(f"/2.0/kb_invoice/{copy}/issue").raise_for_status()
    assert status(bexio, order) == 5
    bexio.delete(f"/2.0/kb_invoice/{invoice}").raise_for_status()
    assert bexio.convert(order, "invoice").status_code == 201


def test_a_draft_that_is_changed_counts_as_it_is_now(bexio):
    order = bexio.create_order(named(bexio, "Tee", "3"))
    invoice = bexio.convert(order, "invoice").json()
    path = f"/2.0/kb_invoice/{invoice['id']}/kb_position_custom/{invoice['positions'][0]['id']}"
    bexio.post(path, {"amount": "1"}).raise_for_status()
    assert bexio.convert(order, "invoice", Tee="2").status_code == 201


def test_groups_stay_groups(bexio):
    order = bexio.create_order(named(bexio, "Tee"))
    path = f"/2.0/kb_order/{order['id']}"
    group = bexio.post(f"{path}/kb_position_subposition", {"text": "Gruppe", "show_pos_nr": True}).json()["id"]
    line = {name: value for name, value in named(bexio, "Tasse").items() if name != "type"}
    bexio.post(f"{path}/kb_position_custom", {**line, "parent_id": group}).raise_for_status()
    rows = bexio.convert(bexio.order(order["id"]), "invoice").json()["positions"]
    assert [(row["type"], row["pos"]) for row in rows] == [
        ("KbPositionCustom", "1"),
        ("KbPositionSubposition", "2"),
        ("KbPositionCustom", "2.1"),
    ]
    assert rows[2]["parent_id"] == rows[1]["id"] != group


def test_the_pdf_of_an_order(bexio):
    order = bexio.create_order()
    assert bexio.get(f"/2.0/kb_order/{order['id']}/pdf").json()["name"] == "au-00001.pdf"


def test_what_cannot_be_done_with_a_delivery_is_not_there(bexio):
    delivery = bexio.convert(bexio.create_order(), "delivery").json()
    path = f"/2.0/kb_delivery/{delivery['id']}"
    assert [row["id"] for row in bexio.get("/2.0/kb_delivery").json()] == [delivery["id"]]
    for method, place in (
        ("POST", path),
        ("DELETE", path),
        ("POST", "/2.0/kb_delivery"),
        ("POST", "/2.0/kb_delivery/search"),
        ("GET", f"{path}/pdf"),
        ("GET", f"{path}/kb_position_custom"),
    ):
        assert bexio.http.request(method, place, json={}).status_code == 404, (method, place)


@pytest.mark.parametrize(
    ("scopes", "into", "expected"),
    [
        (["kb_order_edit"], "delivery", 403),
        (["kb_order_edit"], "invoice", 403),
        (["kb_delivery_edit", "kb_invoice_edit", "kb_order_show"], "delivery", 403),
        (["kb_order_edit", "kb_delivery_edit"], "delivery", 201),
        (["kb_order_edit", "kb_invoice_edit"], "invoice", 201),
    ],
)
def test_a_conversion_needs_two_scopes(bexio, scopes, into, expected):
    order = bexio.create_order()
    bexio.http = bexio.client(bexio.sandbox.create_token(scopes))
    assert bexio.convert(order, into).status_code == expected


@pytest.mark.parametrize(
    ("module", "right", "method", "path", "expected"),
    [
        ("kb_order", {"show": "none"}, "GET", "/2.0/kb_order/1", 403),
        ("kb_order", {"edit": "none"}, "DELETE", "/2.0/kb_order/1", 403),
        ("kb_order", {"show": "own"}, "GET", "/2.0/kb_order/1", 403),
        ("kb_delivery", {"show": "none"}, "GET", "/2.0/kb_delivery", 403),
        ("kb_delivery", {"edit": "none"}, "POST", "/2.0/kb_delivery/1/issue", 403),
        ("kb_delivery", {"edit": "none"}, "GET", "/2.0/kb_delivery/1", 200),
    ],
)
def test_rights_count_for_orders_and_deliveries(bexio, module, right, method, path, expected):
    bexio.convert(bexio.create_order(), "delivery").raise_for_status()
    bexio.sandbox.person.set_right(2, module, **right)
    with bexio.client(bexio.sandbox.create_token(user_id=2)) as luca:
        assert luca.request(method, path, json={} if method == "POST" else None).status_code == expected


def test_books_with_orders_are_kept_in_the_file(founding, tmp_path):
    company = founding(data=tmp_path / "books.db")
    cup = stocked(company)
    order = company.create_order(article(company, cup, amount="4"))
    delivery = issued(company, company.convert(order, "delivery", Tasse="1"), "kb_delivery")
    before = [company.get(f"/2.0/{path}").json() for path in (f"kb_order/{order['id']}", f"kb_delivery/{delivery}")]
    company.sandbox.close()
    again = founding(data=tmp_path / "books.db")
    after = [again.get(f"/2.0/{path}").json() for path in (f"kb_order/{order['id']}", f"kb_delivery/{delivery}")]
    assert after == before
    assert again.create_order()["document_nr"] == "AU-00002"
    issued(again, again.convert(order, "delivery", Tasse="3"), "kb_delivery")
    assert (again.item(cup)["stock_nr"], again.item(cup)["stock_reserved_nr"]) == (6, 0)


def test_orders_work_over_a_socket(bexio):
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
    with bexio.sandbox.serve() as url, httpx.Client(base_url=url, headers=headers) as client:
        order = client.post("/2.0/kb_order", json=bexio.invoice_body()).json()
        wanted = [{"id": order["positions"][0]["id"], "type": "KbPositionCustom", "amount": "1"}]
        for into, name in (("delivery", "kb_delivery"), ("invoice", "kb_invoice")):
            made = client.post(f"/2.0/kb_order/{order['id']}/{into}", json={"positions": wanted})
            assert client.post(f"/2.0/{name}/{made.json()['id']}/issue").json() == {"success": True}
        assert client.get(f"/2.0/kb_order/{order['id']}").json()["kb_item_status_id"] == 6


def account(bexio, number):
    return next(row["id"] for row in bexio.sandbox.state.tables["accounts"].values() if row["account_no"] == number)


def test_a_person_finishes_cancels_and_opens_an_order(bexio):
    cup = stocked(bexio)
    order = bexio.create_order(article(bexio, cup, amount="4"))
    person = bexio.sandbox.person
    for close, expected in ((person.finish_order, 6), (person.cancel_order, 21)):
        close(order["id"])
        assert (status(bexio, order), bexio.item(cup)["stock_reserved_nr"]) == (expected, 0)
        assert bexio.convert(order, "invoice").status_code == 422
        assert bexio.post(f"/2.0/kb_order/{order['id']}", {"title": "x"}).status_code == 422
        person.reopen_order(order["id"])
        assert (status(bexio, order), bexio.item(cup)["stock_reserved_nr"]) == (5, 4)
    invoice = bexio.convert(order, "invoice").json()["id"]
    person.edit_order(order["id"], title="Von Hand")
    person.edit_order_price(order["id"], 0, "12")
    shown = bexio.order(order["id"])
    assert (shown["title"], shown["total_net"]) == ("Von Hand", "48.000000")
    person.delete_order(order["id"])
    assert bexio.get(f"/2.0/kb_order/{order['id']}").status_code == 404
    bexio.post(f"/2.0/kb_invoice/{invoice}/issue").raise_for_status()
    assert bexio.item(cup)["stock_reserved_nr"] == 0


def test_goods_of_a_cancelled_or_deleted_delivery_are_in_stock_again(bexio):
    cup = stocked(bexio)
    order = bexio.create_order(article(bexio, cup, amount="4"))
    person = bexio.sandbox.person
    for take_back in (person.cancel_delivery, person.delete_delivery):
        delivery = bexio.convert(order, "delivery").json()["id"]
        person.issue_delivery(delivery)
        assert (bexio.item(cup)["stock_nr"], status(bexio, order)) == (6, 15)
        take_back(delivery)
        item = bexio.item(cup)
        assert (item["stock_nr"], item["stock_reserved_nr"], status(bexio, order)) == (10, 4, 5)


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("finish_order", (7,)),
        ("delete_order", (7,)),
        ("edit_order", (7,)),
        ("edit_order_price", (1, 5, "1")),
        ("issue_delivery", (7,)),
        ("cancel_delivery", (7,)),
        ("delete_delivery", (7,)),
    ],
)
def test_what_a_person_cannot_do_is_a_value_error(bexio, action, arguments):
    bexio.create_order()
    with pytest.raises(ValueError, match=r"there is no|has no priced"):
        getattr(bexio.sandbox.person, action)(*arguments)


def test_revenue_is_read_by_account_and_tax(bexio):
    normal, reduced = bexio.tax("UN81"), bexio.tax("UR26")
    order = bexio.create_order(
        named(bexio, "Tee", "3", "14.50"),
        named(bexio, "Versand", "1", "9", account_id=account(bexio, "3600")),
        named(bexio, "Buch", "1", "20", tax_id=reduced),
        {"type": "KbPositionDiscount", "text": "Rabatt", "is_percentual": True, "value": "10"},
    )
    assert bexio.sandbox.revenue() == {}
    number = bexio.convert(order, "invoice").json()["id"]
    assert bexio.sandbox.revenue() == {}, "a draft is not in the books"
    bexio.post(f"/2.0/kb_invoice/{number}/issue").raise_for_status()
    # 43.50, 9 and 20, each less 10 %; VAT of 47.25 at 8.1 % is 3.8273, that of 18 at 2.6 % is 0.4680.
    expected = {
        ("3200", normal): ("39.15", "3.1712"),
        ("3600", normal): ("8.10", "0.6561"),
        ("3200", reduced): ("18", "0.4680"),
        ("6945", None): ("0.0047", "0"),
    }
    booked = bexio.sandbox.revenue()[number]
    assert {key: (each.net, each.vat) for key, each in booked.items()} == {
        key: (Decimal(net), Decimal(vat)) for key, (net, vat) in expected.items()
    }
    assert sum(each.net + each.vat for each in booked.values()) == Decimal(bexio.show(number)["total"])
    bexio.post(f"/2.0/kb_invoice/{number}/cancel").raise_for_status()
    assert bexio.sandbox.revenue() == {}


@pytest.mark.parametrize(
    ("fields", "net", "vat"),
    [
        ({"mwst_type": 0, "mwst_is_net": True}, "108.10", "8.7561"),
        ({"mwst_type": 0, "mwst_is_net": False}, "100", "8.1000"),
        ({"mwst_type": 1}, "108.10", "0"),
        ({"mwst_type": 2}, "108.10", "0"),
    ],
)
def test_revenue_follows_the_vat_mode(bexio, fields, net, vat):
    number = bexio.issued(named(bexio, "Tee", "1", "108.10"), **fields)
    booked = bexio.sandbox.revenue()[number]["3200", bexio.tax()]
    assert (booked.net, booked.vat) == (Decimal(net), Decimal(vat))


def test_a_company_may_round_to_the_rappen(bexio):
    line = named(bexio, "Tee", "1", "9.97")  # 9.97 and 0.8076 VAT are 10.7776
    assert bexio.create_order(line)["total"] == "10.8"
    bexio.sandbox.person.set_rounding("CHF", "0.01")
    assert bexio.create_order(line)["total"] == "10.78"
    for currency, step in (("XXX", "0.01"), ("CHF", "0")):
        with pytest.raises(ValueError, match=r"no currency|more than 0"):
            bexio.sandbox.person.set_rounding(currency, step)


def test_orders_deliveries_and_payments_are_read_from_python(bexio):
    order = bexio.create_order()
    issued(bexio, bexio.convert(order, "delivery"), "kb_delivery")
    number = issued(bexio, bexio.convert(order, "invoice"), "kb_invoice")
    path = f"/2.0/kb_invoice/{number}/payment"
    payment = bexio.post(path, {"value": "8.10", "bank_account_id": 2, "date": "2026-06-19"}).json()
    bexio.sandbox.person.pay(number, "100", bank_account_id=1)
    sandbox = bexio.sandbox
    assert sandbox.orders() == [bexio.order(order["id"])]
    assert sandbox.deliveries() == [bexio.get("/2.0/kb_delivery/1").json()]
    assert sandbox.payments() == sandbox.payments(number) == bexio.get(path).json()
    assert [(row["value"], row["bank_account_id"]) for row in sandbox.payments()] == [
        ("8.100000", 2),
        ("100.000000", 1),
    ]
    assert bexio.post(path, {"value": "0.01"}).status_code == 422, "nothing remains"
    assert bexio.get(f"{path}/{payment['id']}").json()["date"] == "2026-06-19"
    bexio.delete(f"{path}/{payment['id']}").raise_for_status()
    assert bexio.post(path, {"value": "8.11"}).status_code == 422
    assert bexio.post(path, {"value": "8.10", "bank_account_id": 9}).status_code == 422
    with pytest.raises(ValueError, match="no bank account"):
        bexio.sandbox.person.pay(number, "1", bank_account_id=9)
