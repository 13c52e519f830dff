"""Faults on orders and what is made from them: lost answers, late effects, half drafts, people in between."""

from __future__ import annotations

from collections.abc import Iterator

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from realms import TOKEN

from bexio_sandbox import Fault

ORDER, DELIVERY, INVOICE, ISSUE = (
    "/2.0/kb_order",
    "/2.0/kb_order/{id}/delivery",
    "/2.0/kb_order/{id}/invoice",
    "/2.0/kb_delivery/{id}/issue",
)


class Shop:
    """A client over a socket that places one order and can do what follows from it."""

    def __init__(self, company, client: httpx.Client) -> None:
        self.company = company
        self.sandbox = company.sandbox
        self.client = client
        self.item = company.add_item(is_stock=True, stock_nr="10")["id"]
        self.placed = self.place().json()

    def line(self) -> dict[str, object]:
        return self.company.line("100", type="KbPositionArticle", article_id=self.item, amount="4")

    def place(self, **fields: object) -> httpx.Response:
        return self.client.post(ORDER, json=self.company.invoice_body(self.line(), self.company.line(), **fields))

    def convert(self, into: str, **options: float) -> httpx.Response:
        wanted = [{name: row[name] for name in ("id", "type", "amount")} for row in self.placed["positions"]]
        return self.client.post(f"{ORDER}/{self.placed['id']}/{into}", json={"positions": wanted}, **options)

    def act(self, action: str, path: str = "/2.0/unit", method: str = "GET", **more: object) -> str:
        """Lets a person act while the client asks for something, and says what could not be done."""
        self.sandbox.faults.plan([Fault("person", method, path, action=action, **more)])
        self.client.get("/2.0/unit").raise_for_status()
        return self.sandbox.faults.fired[-1].problem

    def statuses(self) -> list[int]:
        return [row["kb_item_status_id"] for row in self.sandbox.orders()]


@pytest.fixture
def shop(bexio) -> Iterator[Shop]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
    with bexio.sandbox.serve() as url, httpx.Client(base_url=url, headers=headers, timeout=5) as client:
        yield Shop(bexio, client)


def made(shop: Shop, path: str) -> int:
    """How often the work of a path was done."""
    if path == ISSUE:
        return sum(row["kb_item_status_id"] == 18 for row in shop.sandbox.deliveries())
    rows = {ORDER: shop.sandbox.orders, DELIVERY: shop.sandbox.deliveries, INVOICE: shop.sandbox.invoices}[path]()
    return len(rows) - (path == ORDER)


def do(shop: Shop, path: str, **options: float) -> httpx.Response:
    if path == ORDER:
        return shop.client.post(ORDER, json=shop.company.invoice_body(), **options)
    if path == ISSUE:
        return shop.client.post("/2.0/kb_delivery/1/issue", **options)
    return shop.convert(path.rsplit("/", 1)[1], **options)


@pytest.mark.parametrize("path", [ORDER, DELIVERY, INVOICE, ISSUE])
@pytest.mark.parametrize(
    ("name", "done"),
    [("drop_before", 0), ("drop_after", 1), ("error_before", 0), ("error_after", 1), ("late_commit", 1)],
)
def test_an_answer_is_lost_before_or_after_the_work(shop, path, name, done):
    if path == ISSUE:
        shop.convert("delivery").raise_for_status()
    shop.sandbox.faults.add(Fault(name, "POST", path, **({"seconds": 3600} if name == "late_commit" else {})))
    if name.startswith("error"):
        assert do(shop, path).status_code == 500
    else:
        with pytest.raises(httpx.TransportError):
            do(shop, path, timeout=0.3)
    if name == "late_commit":
        assert made(shop, path) == 0
        shop.sandbox.faults.finish_late_work()
    assert made(shop, path) == done
    assert shop.company.item(shop.item)["stock_nr"] == (6 if path == ISSUE and done else 10)


def test_a_late_invoice_is_judged_by_what_is_left_by_then(shop):
    shop.sandbox.faults.add(Fault("late_commit", "POST", INVOICE, seconds=3600))
    with pytest.raises(httpx.ReadTimeout):
        shop.convert("invoice", timeout=0.3)
    shop.convert("invoice").raise_for_status()
    shop.sandbox.faults.finish_late_work()
    assert len(shop.sandbox.invoices()) == 1


@pytest.mark.parametrize("path", [ORDER, DELIVERY, INVOICE])
def test_half_a_document_stays(shop, path):
    shop.sandbox.faults.add(Fault("half_create", "POST", path))
    answer = shop.place() if path == ORDER else do(shop, path)
    assert (answer.status_code, made(shop, path)) == (500, 1)
    rows = {ORDER: shop.sandbox.orders, DELIVERY: shop.sandbox.deliveries, INVOICE: shop.sandbox.invoices}[path]()
    assert len(rows[-1]["positions"]) == 1
    if path == DELIVERY:
        taken = [row["amount_reserved"] for row in shop.sandbox.orders()[0]["positions"]]
        assert taken == ["4.000000", "0.000000"], "what was cut off is free again"


def test_lists_and_searches_lag_behind(shop):
    shop.sandbox.faults.add(Fault("lagging_search", repeat=0, seconds=30))
    second = shop.place(title="Neu").json()["id"]
    shop.convert("delivery").raise_for_status()
    search = [{"field": "id", "criteria": ">", "value": 0}]

    def seen() -> list[list[int]]:
        answers = (
            shop.client.get(ORDER),
            shop.client.post(f"{ORDER}/search", json=search),
            shop.client.get("/2.0/kb_delivery"),
        )
        return [[row["id"] for row in answer.json()] for answer in answers]

    assert seen() == [[1], [1], []]
    assert shop.client.get(f"{ORDER}/{second}").status_code == 200
    shop.company.clock.tick(30)
    assert seen() == [[1, second], [1, second], [1]]


@pytest.mark.parametrize(("action", "status"), [("finish_order", 6), ("cancel_order", 21)])
def test_a_person_closes_an_order(shop, action, status):
    shop.place()
    assert shop.act(action) == ""
    assert shop.statuses() == [5, status]
    shop.sandbox.person.reopen_order(2)
    assert shop.act(action, target="all") == ""
    assert shop.statuses() == [status, status]


def test_a_person_edits_and_deletes_an_order(shop):
    assert shop.act("edit_order_title", target=1, title="Von Hand") == ""
    assert shop.act("edit_order_price", price="50") == ""
    (order,) = shop.sandbox.orders()
    assert (order["title"], order["total_net"]) == ("Von Hand", "300.000000")
    assert shop.act("delete_order") == ""
    assert shop.sandbox.orders() == []
    assert "nothing is meant" in shop.act("delete_order")


def test_a_person_issues_cancels_and_deletes_deliveries(shop):
    shop.convert("delivery").raise_for_status()
    assert shop.act("issue_delivery") == ""
    assert (shop.company.item(shop.item)["stock_nr"], shop.statuses()) == (6, [15])
    assert "not in draft" in shop.act("issue_delivery", target="LS-00001")
    assert shop.act("cancel_delivery", target="newest delivery") == ""
    assert (shop.company.item(shop.item)["stock_nr"], shop.statuses()) == (10, [5])
    assert shop.act("delete_delivery") == ""
    assert shop.sandbox.deliveries() == []


def test_a_person_invoices_and_delivers_what_a_client_is_about_to(shop):
    shop.sandbox.faults.add(Fault("person", "POST", INVOICE, action="invoice_order", target="this order"))
    refused = shop.convert("invoice")
    assert refused.status_code == 422
    assert "Only 0 of the position is left" in refused.text
    (invoice,) = shop.sandbox.invoices()
    assert (invoice["kb_item_status_id"], invoice["total_net"]) == (7, "500.000000")
    shop.sandbox.faults.plan([Fault("person", "POST", DELIVERY, action="deliver_order", when="after")])
    assert shop.convert("delivery").status_code == 201
    assert "Nothing of the order is left" in shop.sandbox.faults.fired[-1].problem


def test_a_person_closes_the_order_that_is_just_being_converted(shop):
    shop.place()
    shop.sandbox.faults.add(Fault("person", "POST", INVOICE, action="cancel_order", target="this order"))
    assert shop.convert("invoice").status_code == 422
    assert (shop.statuses(), shop.sandbox.invoices()) == ([21, 5], [])


def test_a_person_deletes_the_invoice_that_was_just_made(shop):
    shop.sandbox.faults.add(
        Fault("drop_after", "POST", INVOICE),
        Fault("person", "POST", INVOICE, action="delete", target="this invoice", when="after"),
    )
    with pytest.raises(httpx.TransportError):
        shop.convert("invoice")
    assert shop.sandbox.invoices() == []
    assert shop.convert("invoice").status_code == 201


def test_contacts_are_merged_under_an_order(shop):
    assert shop.act("merge_contacts", target="newest order") == ""
    assert [row["contact_id"] for row in shop.sandbox.orders()] == [2]
    assert shop.convert("invoice").json()["contact_id"] == 2
