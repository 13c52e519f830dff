"""The jobs that every crash test runs; a new job joins by being listed in SCENARIOS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bexsync.admin.links_desk import LinkAdmin
from crash import order_scenes
from world import World, a_product, an_invoice

THREE = (
    an_invoice("1"),
    an_invoice(
        "2",
        customer={
            "kind": "company",
            "company_name": "Rätia Bau AG",
            "first_name": "Gian",
            "last_name": "Caduff",
            "email": "buero@raetiabau.example.ch",
        },
        lines=[
            {"line_id": "20", "name": "Plan", "quantity": "3", "unit_price": "50", "tax_rate": "8.1"},
            {"line_id": "21", "name": "Buch", "quantity": "1", "unit_price": "20", "tax_rate": "2.6"},
        ],
        total="182.67",
    ),
    an_invoice("3", prices_include_tax=True, total="100.00"),
)
TOTALS = {"1": Decimal("108.10"), "2": Decimal("182.65"), "3": Decimal("100.00")}


@dataclass(frozen=True)
class Scenario:
    """What is there before, the command line, and what must stand in the books in the end.

    One that `rests` has nothing left to do when it is run again. One that is `slow` is left to
    `make faults`, one that is `long` to CI.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[World], None]
    judge: Callable[[World], None]
    rests: bool = True
    marks: str = ""


def _drop_three(world: World) -> None:
    world.drop(an_invoice("0"), name="warm-up.json")  # master data and the first contact are known
    world.push()
    world.drop(*THREE, name="three.json")


def _three_invoices_three_mails(world: World) -> None:
    by_reference: dict[str, list[dict[str, object]]] = {}
    for invoice in world.invoices():
        by_reference.setdefault(str(invoice["api_reference"]).rpartition(":")[2], []).append(invoice)
    assert {key: len(found) for key, found in by_reference.items()} == {"0": 1, "1": 1, "2": 1, "3": 1}
    for shop_id, total in TOTALS.items():
        (invoice,) = by_reference[shop_id]
        assert Decimal(str(invoice["total"])) == total
        assert invoice["kb_item_status_id"] == 8
    mailed = [mail.document_nr for mail in world.sandbox.mails]
    assert len(mailed) == len(set(mailed)) == 4
    mails = [row["mail"] for row in world.sandbox.contacts() if row["mail"]]
    assert len(mails) == len(set(mails))
    told = {event["shop_id"]: event["number"] for event in world.events()}
    assert set(told) == {"0", "1", "2", "3"}
    assert not list((world.shop / "work").iterdir())


def _drop_a_long_one(world: World) -> None:
    world.drop(an_invoice("0"), name="warm-up.json")
    world.push()
    lines = [{"line_id": str(n), "name": f"Teil {n}", "unit_price": "1", "tax_rate": "8.1"} for n in range(1, 154)]
    world.drop(an_invoice("long", lines=lines, total="165.39"), name="long.json")


def _one_long_invoice(world: World) -> None:
    invoice = world.invoice("long")
    texts = [position["text"] for position in invoice["positions"]]
    assert texts == [f"{n} Teil {n}" for n in range(1, 154)]
    assert Decimal(invoice["total"]) == Decimal("165.40")
    assert [mail.document_nr for mail in world.sandbox.mails] == ["RE-00001", "RE-00002"]


def _change_a_draft(world: World) -> None:
    customer = {"shop_id": "K-1", "first_name": "Anna", "last_name": "Keller", "email": "anna@keller.example"}
    moved = {**customer, "email": "anna@neu.example", "billing_address": {"street": "Weg", "city": "Chur"}}
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("d", customer=customer), name="draft.json")
    world.push()
    world.set_profile(invoices={"finish": "send"})
    lines = [
        {"line_id": "10", "name": "Beratung", "unit_price": "200", "tax_rate": "8.1"},
        {"line_id": "11", "name": "Reise", "unit_price": "50", "tax_rate": "8.1"},
    ]
    world.drop(an_invoice("d", lines=lines, total="270.25", customer=moved), name="changed.json")


def _one_changed_invoice(world: World) -> None:
    (invoice,) = world.invoices()
    assert [position["text"] for position in invoice["positions"]] == ["10 Beratung", "11 Reise"]
    assert Decimal(invoice["total"]) == Decimal("270.25")
    assert invoice["contact_address"] == "Anna Keller\nWeg\nChur"
    (contact,) = [row for row in world.sandbox.contacts() if row["name_2"] == "Anna"]
    assert (contact["mail"], contact["city"]) == ("anna@neu.example", "Chur")
    assert [mail.document_nr for mail in world.sandbox.mails] == ["RE-00001"]


def _cancel_two(world: World) -> None:
    world.set_profile(invoices={"finish": "issue", "cancel": "cancel", "cancel_draft": "delete"})
    both = an_invoice("issued"), an_invoice("draft", leave_as_draft=True)
    world.drop(*both, name="both.json")
    world.push()
    world.drop(*(one | {"status": "cancelled"} for one in both), name="cancelled.json")


def _both_are_taken_back(world: World) -> None:
    (left,) = world.invoices()
    assert (left["api_reference"], left["kb_item_status_id"]) == ("bexsync:main:invoice:issued", 19)
    last = {event["shop_id"]: event["event"] for event in world.events()}
    assert last == {"issued": "cancelled", "draft": "deleted"}
    assert world.sandbox.mails == []


def _pay_some(world: World) -> None:
    _drop_three(world)
    world.push()
    ids = {str(i["api_reference"]).rpartition(":")[2]: i["id"] for i in world.invoices()}
    world.poll()
    world.clock.forward(days=1)
    world.sandbox.person.pay(ids["1"])
    world.sandbox.person.pay(ids["2"], Decimal("50"))
    world.sandbox.person.cancel(ids["3"])


def _told_once_each(world: World) -> None:
    last = {event["shop_id"]: event for event in world.events()}
    assert [last[i]["event"] for i in "123"] == ["paid", "partly_paid", "cancelled"]
    ids = [event["event_id"] for event in world.events()]
    told = {event["event_id"]: (event["event"], event.get("paid_amount")) for event in world.events()}
    assert len(told) == len(set(ids)) == 7  # a repeat has the id of the first
    assert (last["2"]["paid_amount"], world.status()["2"]["paid_amount"]) == ("50.00", "50.00")


def _try_once(world: World) -> None:
    world.try_connection()  # so that the contact is restored, which has more steps than creating it


def _begin(world: World) -> None:
    world.push()  # the company is known


def _all_put_away(world: World) -> None:
    assert world.invoices() == []
    assert [row for row in world.sandbox.contacts() if "bexsync" in row["name_1"]] == []
    (kept,) = [row for row in world.sandbox.contacts(archived=True) if "bexsync" in row["name_1"]]
    assert kept["mail"] == "bexsync-test-main@example.invalid"
    assert world.sandbox.mails == []
    with world.workspace() as workspace:
        assert workspace.store.intents.of_subject("test", "connection") == []


def _pay_four(world: World) -> None:
    """One that was mailed, one that somebody wrote by hand, a new one, and one that is paid in part."""
    first, second = (
        {"shop_id": name, "amount": amount, "currency": "CHF", "paid_at": "2026-11-17T10:00:00Z"}
        for name, amount in (("a", "50"), ("b", "58.10"))
    )
    by_hand = an_invoice("by-hand", invoice_date="2026-11-03", auto_send=False)
    world.drop(an_invoice("mailed", payments=[first]), by_hand, name="two.json")  # what a mail does is seen
    world.push()
    number = _made_by_hand(world, "by-hand")
    world.drop(
        an_invoice("mailed", status="paid", payments=[first, second]),
        an_invoice(
            "known", status="paid", paid_at="2026-11-18T09:00:00Z", source_number=number, invoice_date="2026-11-03"
        ),
        an_invoice("new", status="paid", paid_at="2026-11-18T09:00:00Z", invoice_date="2026-11-04"),
        an_invoice("part", payments=[first], invoice_date="2026-11-05"),
        name="paid.json",
    )


def _made_by_hand(world: World, shop_id: str) -> str:
    """The number of an invoice that bexsync booked, and knows nothing of any more."""
    books, ledger_id = world.sandbox.state.invoices, world.invoice(shop_id)["id"]
    books[ledger_id] = {**books[ledger_id], "api_reference": None}
    with world.workspace() as workspace:
        LinkAdmin(workspace.store, workspace.kept, workspace.locks).forget(shop_id)
    return str(books[ledger_id]["document_nr"])


def _each_is_paid_once(world: World) -> None:
    paid = [sorted(Decimal(row["value"]) for row in world.sandbox.payments(i["id"])) for i in world.invoices()]
    whole = [Decimal("108.10")]
    assert paid == [[Decimal(50), Decimal("58.10")], whole, whole, [Decimal(50)]]
    assert [invoice["kb_item_status_id"] for invoice in world.invoices()] == [9, 9, 9, 16]
    assert [mail.document_nr for mail in world.sandbox.mails] == ["RE-00001", "RE-00004"]


def _drop_good_and_bad(world: World) -> None:
    world.drop(an_invoice("1"), name="good.json")
    world.drop(an_invoice("2"), an_invoice("3", currency="viel"), name="mixed.json")
    world.drop_bytes(b"nonsense", "bad.json")


def _every_file_is_put_away_once(world: World) -> None:
    names = [f"bexsync:main:invoice:{shop_id}" for shop_id in "12"]
    assert sorted(str(invoice["api_reference"]) for invoice in world.invoices()) == names
    assert sorted(mail.document_nr for mail in world.sandbox.mails) == ["RE-00001", "RE-00002"]
    events = {event["event_id"]: (event["shop_id"], event["event"]) for event in world.events()}
    assert sorted(events.values()) == [("1", "sent"), ("2", "sent")]  # a repeat has the id of the first
    assert set(world.status()) >= {"1", "2"}
    files = [str(file.relative_to(world.shop)) for file in world.shop.rglob("*") if file.is_file()]
    files = [file for file in files if not file.endswith(".tmp")]  # of a killed process; another run removes it later
    failed = [f"failed/{name}.json{end}" for name in ("bad", "mixed") for end in ("", ".error.txt")]
    out = ["out/events-2026-11.ndjson", "out/status.csv"]
    assert sorted(files) == [".bexsync", "done/2026-11/good.json", *failed, *out]
    with world.workspace() as workspace:
        assert {(row.kind, row.shop_id) for row in workspace.store.errors.open()} == {
            ("file", "bad.json"),
            ("invoice", "3"),
        }


def _change_products(world: World) -> None:
    """One new, one that stands in bexio already, one changed on both sides, one that nobody touched."""
    world.set_profile(products={"enabled": True, "description": "ledger", "weight": "shop"})
    world.list_products(a_product("1"), a_product("4"))
    world.sync_products()
    world.sandbox.person.create_item("A-2", "Bank", sale_price="80", intern_description="Aus Eisen", weight=1500)
    world.sandbox.person.edit_item(
        world.items()["A-1"]["id"], intern_name="Oval", intern_description="Aus Eiche", deliverer_name="Holz AG"
    )
    world.list_products(a_product("1", title="Rund"), a_product("2"), a_product("3"), a_product("4"))


def _products_agree(world: World) -> None:
    codes = [row["intern_code"] for row in world.sandbox.items() if row["intern_code"].startswith("A-")]
    assert sorted(codes) == ["A-1", "A-2", "A-3", "A-4"]
    items = world.items()
    shown = {code: (items[code]["intern_name"], Decimal(items[code]["sale_price"])) for code in codes}
    assert shown == {"A-1": ("Rund", 100), "A-2": ("Tisch 2", 100), "A-3": ("Tisch 3", 100), "A-4": ("Tisch 4", 100)}
    assert items["A-1"]["deliverer_name"] == "Holz AG"
    told = world.told("products")
    assert {shop_id: row["ledger_id"] for shop_id, row in told.items()} == {
        shop_id: str(items[f"A-{shop_id}"]["id"]) for shop_id in "1234"
    }
    assert [told[shop_id].get("description") for shop_id in "1234"] == ["Aus Eiche", "Aus Eisen", None, None]


def _move_stock(world: World) -> None:
    world.set_profile(products={"enabled": True})
    world.list_products(a_product("1"), a_product("2"), a_product("3"))
    world.sync_products()
    for code, booked in (("A-1", 2), ("A-2", -1)):
        world.sandbox.person.book_stock(world.items()[code]["id"], booked)


def _stock_is_told(world: World) -> None:
    assert {shop_id: row["stock"] for shop_id, row in world.told("stock").items()} == {"1": "7", "2": "4"}


def _write_two_by_hand(world: World) -> None:
    """Two drafts that a person wrote, and the same two invoices in the shop."""
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("0"), name="warm-up.json")
    world.push()
    numbers = {shop_id: {"source_number": f"R-{shop_id}"} for shop_id in "12"}
    world.drop(*(an_invoice(f"by-hand-{n}", invoice_date=f"2026-11-0{n}") for n in "12"), name="by-hand.json")
    world.push()
    for shop_id in "12":
        _made_by_hand(world, f"by-hand-{shop_id}")
    world.drop(*(an_invoice(n, invoice_date=f"2026-11-0{n}", **numbers[n]) for n in "12"), name="two.json")


def _both_are_linked_and_none_is_new(world: World) -> None:
    references = [row["api_reference"].rpartition(":")[2] for row in world.invoices()]
    assert sorted(references) == ["0", "1", "2"]
    with world.workspace() as workspace:
        links = {link.shop_id: link for link in workspace.store.links.all("invoice")}
    assert {shop_id: link.adopted for shop_id, link in links.items()} == {"0": False, "1": True, "2": True}
    assert len(world.sandbox.mails) == 0


SYNC = ("orders", "sync")
SCENARIOS = (
    Scenario("three invoices", ("invoices", "push"), _drop_three, _three_invoices_three_mails, marks="long"),
    Scenario("a long invoice", ("invoices", "push"), _drop_a_long_one, _one_long_invoice, marks="long"),
    Scenario("a changed draft", ("invoices", "push"), _change_a_draft, _one_changed_invoice, marks="long"),
    Scenario("cancelled invoices", ("invoices", "push"), _cancel_two, _both_are_taken_back, marks="long"),
    Scenario("paid invoices", ("invoices", "push"), _pay_four, _each_is_paid_once, marks="long"),
    Scenario("a first run", ("invoices", "push"), _drop_good_and_bad, _every_file_is_put_away_once, marks="long"),
    Scenario("payments", ("payments", "poll"), _pay_some, _told_once_each),
    Scenario("a first connection test", ("test-connection", "--yes"), _begin, _all_put_away, rests=False, marks="slow"),
    Scenario(
        "another connection test", ("test-connection", "--yes"), _try_once, _all_put_away, rests=False, marks="slow"
    ),
    Scenario("products", ("products", "sync"), _change_products, _products_agree, marks="long"),
    Scenario("stock", ("stock", "pull"), _move_stock, _stock_is_told),
    Scenario(
        "documents by hand", ("links", "adopt"), _write_two_by_hand, _both_are_linked_and_none_is_new, marks="long"
    ),
    Scenario("orders", SYNC, order_scenes.take_everything, order_scenes.everything_is_there),
    Scenario("orders that go on", SYNC, order_scenes.go_on, order_scenes.all_went_on, marks="long"),
    Scenario("orders and a refund", SYNC, order_scenes.refund_one, order_scenes.each_once_and_a_refund, marks="long"),
    Scenario("cancelled orders", SYNC, order_scenes.cancel_three, order_scenes.all_are_taken_back, marks="long"),
    Scenario("a long order", SYNC, order_scenes.take_a_long_one, order_scenes.the_long_one_is_there, marks="slow"),
)

# How many boundaries each run had, by kind, before and after counted apart: with fewer, less is proved.
# Since 2026-11-29 orders and paid invoices make fewer requests: what an answer showed a moment ago is not asked again.
LEAST = {
    "three invoices": Counter(commit=46, budget=48, request=24, file=12),
    "a long invoice": Counter(commit=36, budget=36, request=18, file=8),
    "a changed draft": Counter(commit=44, budget=48, request=24, file=10),
    "cancelled invoices": Counter(commit=34, budget=28, request=14, file=10),
    "paid invoices": Counter(commit=78, budget=88, request=44, file=20),
    "a first run": Counter(commit=76, budget=84, request=46, file=24),
    "payments": Counter(commit=28, budget=16, request=8, file=8),
    "a first connection test": Counter(commit=64, budget=148, request=74),
    "another connection test": Counter(commit=64, budget=148, request=74),
    "products": Counter(commit=36, budget=20, request=10, file=2),
    "stock": Counter(commit=16, budget=4, request=2, file=2),
    "documents by hand": Counter(commit=34, budget=28, request=14, file=10),
    "orders": Counter(commit=92, budget=108, request=54, file=14),
    "orders that go on": Counter(commit=92, budget=108, request=54, file=18),
    "orders and a refund": Counter(commit=106, budget=128, request=64, file=18),
    "cancelled orders": Counter(commit=54, budget=64, request=32, file=10),
    "a long order": Counter(commit=88, budget=108, request=54, file=12),
}
