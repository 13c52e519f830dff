"""Every fault times every step that creates, changes or mails: what is struck, how, and what must stand in the end.

Used by `test_matrix.py` and by `make faults`, which prints the table of docs/exactly-once.md from the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import dates
from bexio_sandbox import Fault
from bexsync.admin.links import AdoptOptions, adopt
from bexsync.admin.links_desk import LinkAdmin
from bexsync.engine.result import Result
from bexsync.errors import Exit, LoginNeeded, TryLater
from bexsync.jobs.lifecycle import RunEnded
from faults import order_columns
from world import TOKEN, RealClock, World, a_product, a_world, an_invoice

CUSTOMER = {
    "kind": "company",
    "company_name": "Rätia Bau AG",
    "first_name": "Gian",
    "last_name": "Caduff",
    "email": "buero@raetiabau.example.ch",
    "billing_address": {"address_line1": "Bahnhofstrasse 1", "postal_code": "7000", "city": "Chur"},
}
LINES = [{"line_id": str(n), "name": f"Teil {n}", "unit_price": "1", "tax_rate": "8.1"} for n in range(1, 153)]


@dataclass(frozen=True)
class Step:
    """One kind of request that a fault may strike, and a run in which it occurs; `judge` where it is no push."""

    name: str
    method: str
    path: str
    prepare: Callable[[World], None]
    total: Decimal = Decimal(0)
    mailed: int = 1
    run: Callable[[World], Result] = World.push
    judge: Callable[[World, Trouble, Result], None] | None = None


def _known_ledger(world: World) -> None:
    """Master data and the contact index are known, so that faults strike what they are meant for."""
    world.drop(an_invoice("0", leave_as_draft=True), name="0.json")
    world.push()


def _new_company(world: World) -> None:
    _known_ledger(world)
    world.drop(an_invoice("x", customer=CUSTOMER), name="x.json")


def _archived(world: World) -> None:
    _known_ledger(world)
    world.drop(an_invoice("w", customer=CUSTOMER, leave_as_draft=True), name="w.json")
    world.push()
    company = next(row for row in world.sandbox.contacts() if row["name_1"] == "Rätia Bau AG")
    world.sandbox.person.archive_contact(company["id"])
    world.clock.forward(minutes=5)
    world.drop(an_invoice("x", customer=CUSTOMER), name="x.json")


def _known_customer(world: World) -> None:
    _known_ledger(world)
    world.drop(an_invoice("x"), name="x.json")


def _moved_customer(world: World) -> None:
    _known_ledger(world)
    customer = {"shop_id": "K-1", "first_name": "Anna", "last_name": "Meier", "email": "anna@alt.example"}
    world.drop(an_invoice("w", customer=customer, leave_as_draft=True), name="w.json")
    world.push()
    world.drop(an_invoice("x", customer={**customer, "email": "anna@neu.example"}), name="x.json")


def _only_issue(world: World) -> None:
    _known_ledger(world)
    world.set_profile(invoices={"finish": "issue"})
    world.drop(an_invoice("x"), name="x.json")


def _long(world: World) -> None:
    _known_ledger(world)
    world.drop(an_invoice("x", lines=LINES, total="164.31"), name="x.json")


def _changed_draft(world: World) -> None:
    _known_ledger(world)
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice("x"), name="x.json")
    world.push()
    world.set_profile(invoices={"finish": "send"})
    lines = [{"line_id": "10", "name": "Beratung", "unit_price": "200", "tax_rate": "8.1"}]
    world.drop(an_invoice("x", lines=lines, total="216.20"), name="changed.json")


def _cancelled_invoice(world: World) -> None:
    _known_ledger(world)
    world.set_profile(invoices={"finish": "issue", "cancel": "cancel"})
    world.drop(an_invoice("x"), name="x.json")
    world.push()
    world.drop(an_invoice("x", status="cancelled"), name="cancelled.json")


def _cancelled_draft(world: World) -> None:
    _known_ledger(world)
    world.set_profile(invoices={"finish": "draft", "cancel_draft": "delete"})
    world.drop(an_invoice("x"), name="x.json")
    world.push()
    world.drop(an_invoice("x", status="cancelled"), name="cancelled.json")


def _written_by_hand(world: World) -> None:
    """A draft of a person, and the same invoice in the shop."""
    _known_ledger(world)
    world.drop(an_invoice("w", leave_as_draft=True), name="w.json")
    world.push()
    books = world.sandbox.state
    (draft,) = [row for row in world.invoices() if row["api_reference"] == "bexsync:main:invoice:w"]
    books.invoices[draft["id"]] = {**books.invoices[draft["id"]], "api_reference": None}
    with world.workspace() as workspace:
        LinkAdmin(workspace.store, workspace.kept, workspace.locks).forget("w")
    world.drop(an_invoice("x", leave_as_draft=True), name="x.json")


def _adopt(world: World) -> Result:
    with world.workspace() as workspace:
        return adopt(workspace, AdoptOptions(yes=True))


def _judge_adopted(world: World, trouble: Trouble, result: Result) -> None:
    """The draft of the person is linked, where bexio failed without our reference, and no push makes another one."""
    assert not _left_to_a_person(result)
    world.push()
    _, draft = world.invoices()
    assert draft["api_reference"] in ("bexsync:main:invoice:x", None)
    with world.workspace() as workspace:
        link = workspace.store.links.get("invoice", "x")
        assert link is not None
        assert (link.ledger_id, link.adopted) == (str(draft["id"]), True)
    assert world.sandbox.mails == []


def _judge_cancelled(world: World, trouble: Trouble, result: Result) -> None:
    """Taken back once, and never mailed."""
    standings = [i["kb_item_status_id"] for i in world.invoices() if i["api_reference"] == "bexsync:main:invoice:x"]
    assert world.sandbox.mails == []
    assert standings in ([19], [])
    left = _left_to_a_person(result)
    assert not left, left


def _new_product(world: World) -> None:
    world.set_profile(products={"enabled": True, "description": "ledger"})
    world.list_products(a_product("0"))
    world.sync_products()
    world.list_products(a_product("0"), a_product("x"))


def _changed_product(world: World) -> None:
    world.set_profile(products={"enabled": True, "description": "ledger"})
    world.list_products(a_product("x"))
    world.sync_products()
    for title in ("erst", "dann"):  # how edits are taken here is known from the first
        world.list_products(a_product("x", title=title))
        world.sync_products()
    world.sandbox.person.edit_item(world.items()["A-x"]["id"], intern_description="Aus Eiche", width=40)
    world.list_products(a_product("x"))


def _first_edit(world: World) -> None:
    world.set_profile(products={"enabled": True})
    world.list_products(a_product("x"))
    world.sync_products()
    world.sandbox.person.edit_item(world.items()["A-x"]["id"], intern_name="Oval", width=40)


def _moved_stock(world: World) -> None:
    world.set_profile(products={"enabled": True})
    world.list_products(a_product("x"))
    world.sync_products()
    world.sandbox.person.book_stock(world.items()["A-x"]["id"], 2)


def _judge_product(world: World, trouble: Trouble, result: Result) -> None:
    """One item, by the word of whoever is master, and what the shop was told is what stands in bexio."""
    items = [row for row in world.sandbox.items() if row["intern_code"] == "A-x"]
    action = trouble.parameters.get("action", "")
    left = _left_to_a_person(result)
    if action == "delete_item":
        assert items == [], "it was created anew, though a person deleted it"
        return
    if action == "create_item" and len(items) == 2:
        assert left, "one code, two items, and nobody was told"
        return
    (item,) = items
    assert not left, left
    assert (item["intern_name"], Decimal(item["sale_price"])) == ("Tisch x", 100)
    assert world.told("products")["x"]["ledger_id"] == str(item["id"])
    assert item["width"] in (None, 40)
    if item["intern_description"] == "Aus Eiche":
        assert world.told("products")["x"]["description"] == "Aus Eiche"


def _judge_stock(world: World, trouble: Trouble, result: Result) -> None:
    """The number that stands in bexio, told once; an item that is gone has none."""
    assert not _left_to_a_person(result)
    (row,) = world.told("stock").values()
    assert (row["stock"], row["expected"]) == ("7", "5")


_ITEM = "/2.0/article"
_ONE, _GROSS = Decimal("108.10"), Decimal("216.20")
_SYNC: dict[str, Any] = {"run": World.sync_products, "judge": _judge_product}
STEPS = (
    Step("contact", "POST", "/2.0/contact", _new_company, _ONE),
    Step("restore", "PATCH", "/2.0/contact/{id}/restore", _archived, _ONE),
    Step("relation", "POST", "/2.0/contact_relation", _new_company, _ONE),
    Step("edit of a contact", "POST", "/2.0/contact/{id}", _moved_customer, _ONE),
    Step("look-up", "POST", "/2.0/kb_invoice/search", _known_customer, _ONE),
    Step("invoice", "POST", "/2.0/kb_invoice", _known_customer, _ONE),
    Step("position", "POST", "/2.0/kb_invoice/{id}/kb_position_custom", _long, Decimal("164.30")),
    Step("edit", "POST", "/2.0/kb_invoice/2", _changed_draft, _GROSS),
    Step("adoption", "POST", "/2.0/kb_invoice/{id}", _written_by_hand, run=_adopt, judge=_judge_adopted),
    Step("delete position", "DELETE", "/2.0/kb_invoice/{id}/kb_position_custom/{id}", _changed_draft, _GROSS),
    Step("issue", "POST", "/2.0/kb_invoice/{id}/issue", _only_issue, _ONE, mailed=0),
    Step("mail", "POST", "/2.0/kb_invoice/{id}/send", _known_customer, _ONE),
    Step("cancel", "POST", "/2.0/kb_invoice/{id}/cancel", _cancelled_invoice, judge=_judge_cancelled),
    Step("delete draft", "DELETE", "/2.0/kb_invoice/{id}", _cancelled_draft, judge=_judge_cancelled),
    Step("item", "POST", _ITEM, _new_product, run=World.sync_products, judge=_judge_product),
    Step(
        "first edit of an item", "POST", f"{_ITEM}/{{id}}", _first_edit, run=World.sync_products, judge=_judge_product
    ),
    Step("edit of an item", "POST", f"{_ITEM}/{{id}}", _changed_product, run=World.sync_products, judge=_judge_product),
    Step("list of items", "GET", _ITEM, _changed_product, run=World.sync_products, judge=_judge_product),
    Step("stock", "GET", _ITEM, _moved_stock, run=World.pull_stock, judge=_judge_stock),
    *(Step(*column, run=World.sync, judge=judge) for *column, judge in order_columns.COLUMNS),
)


@dataclass(frozen=True)
class Trouble:
    """One fault of the matrix; `person` says that a person's deed may leave the record to a person."""

    name: str
    fault: str
    parameters: dict[str, Any] = field(default_factory=dict)
    person: bool = False
    only: frozenset[str] = frozenset()


def _after(action: str) -> dict[str, Any]:
    return {"action": action, "when": "after"}


_WRITTEN_ITEMS = frozenset({"item", "first edit of an item", "edit of an item"})
_OF_ITEMS = _WRITTEN_ITEMS | {"list of items", "stock"}
_CREATED = frozenset({"invoice", "order", "order made anew", "delivery", "invoice of an order"})
_OF_PUSHES = frozenset(step.name for step in STEPS) - _OF_ITEMS
_INVOICES = (
    frozenset({"invoice", "position", "edit", "delete position", "issue", "mail"}) | order_columns.WHERE_INVOICES_STAND
)
TROUBLES = (
    Trouble("connection dropped before the work", "drop_before"),
    Trouble("connection dropped after the commit", "drop_after"),
    Trouble("500 before the work", "error_before"),
    Trouble("500 after the commit", "error_after"),
    Trouble("503 after the commit, three times", "error_after", {"status": 503, "repeat": 3}),
    Trouble("HTML 502", "html_502"),
    Trouble("HTML after the commit", "html_after"),
    Trouble("commit later than the timeout", "late_commit", {"seconds": 0.6}),
    Trouble("500 and half of the positions", "half_create", only=_CREATED),
    Trouble("429 with usable headers", "too_many", {"headers": "usable", "seconds": 1}),
    Trouble("429 without headers", "too_many", {"headers": "none"}),
    Trouble("429 with nonsense in the headers", "too_many", {"headers": "nonsense"}),
    Trouble("truncated JSON", "truncated"),
    Trouble("truncated JSON, no length", "truncated", {"content_length": "none"}),
    Trouble("slow drip", "drip", {"bytes_per_second": 100_000}),
    Trouble("search results twice", "doubled_search", {"method": "*", "path": "*", "repeat": 0}),
    Trouble("answer lost, search lags", "lagging_search", {"method": "*", "path": "*", "repeat": 0, "seconds": 20}),
    Trouble("token expired", "token_expired"),
    Trouble("token revoked", "token_revoked"),
    Trouble("clock jumps an hour ahead", "clock_jump", {"seconds": 3600}),
    Trouble("clock jumps an hour back", "clock_jump", {"seconds": -3600}),
    Trouble("a person pays", "person", {"action": "pay", "when": "after"}, person=True, only=_INVOICES),
    Trouble("a person edits", "person", {"action": "edit_title", "when": "after"}, person=True, only=_INVOICES),
    Trouble("a person cancels", "person", {"action": "cancel", "when": "after"}, person=True, only=_INVOICES),
    Trouble("a person deletes", "person", {"action": "delete", "when": "after"}, person=True, only=_INVOICES),
    Trouble("answer lost, a person deletes", "person+drop", {"action": "delete"}, person=True, only=_INVOICES),
    Trouble(
        "a person merges contacts",
        "person",
        {"action": "merge_contacts", "when": "after"},
        person=True,
        only=_OF_PUSHES,
    ),
    Trouble(
        "a person archives the contact",
        "person",
        {"action": "archive_contact", "when": "after"},
        person=True,
        only=_OF_PUSHES,
    ),
    Trouble("a person edits the item", "person", {"action": "edit_item"}, person=True, only=_WRITTEN_ITEMS),
    Trouble("a person deletes the item", "person", {"action": "delete_item"}, person=True, only=_WRITTEN_ITEMS),
    Trouble("a person creates the item", "person", {"action": "create_item"}, person=True, only=frozenset({"item"})),
    *(
        Trouble(name, "person", _after(action), person=True, only=order_columns.WHERE_ORDERS_STAND)
        for name, action in order_columns.PEOPLE.items()
    ),
)


def combinations() -> list[tuple[Trouble, Step]]:
    """Every fault with every step it can strike."""
    return [(t, s) for t in TROUBLES for s in STEPS if not t.only or s.name in t.only]


@dataclass(frozen=True)
class Verdict:
    """What came of one history, judged in the books: mended by itself, or left to a person, never wrong."""

    struck: bool
    runs: int
    for_a_person: str = ""


def play(trouble: Trouble, step: Step, folder: Path, monkeypatch: Any) -> Verdict:
    """One history: prepare, strike, run until nothing is left, judge the books."""
    late = trouble.fault == "late_commit"
    with dates.at(dates.NOW), a_world(folder, monkeypatch, **({"clock": None} if late else {})) as world:
        if late:  # the work comes late by real seconds, so the clock has to be real as well
            world.clock = RealClock()
        retry_policy = (0.8, 0.3) if late else (30.0, 5.0)
        world.set_profile(engine={"settle_seconds": retry_policy[0], "timeout_seconds": retry_policy[1]})
        step.prepare(world)
        world.sandbox.faults.plan(_faults(trouble, step))
        contacts = len(world.sandbox.contacts()) + len(world.sandbox.contacts(archived=True))
        runs, result = _run_until_settled(world, step)
        struck = bool(world.sandbox.faults.fired)
        world.sandbox.faults.clear()
        if step.judge is not None:
            step.judge(world, trouble, result)
        else:
            _judge(world, trouble, step, result, contacts)
        before = _traces(world)
        _run(world, step)
        if _traces(world) != before:
            raise AssertionError("the run after the last one wrote something")
        return Verdict(struck, runs, _left_to_a_person(result))


def _faults(trouble: Trouble, step: Step) -> list[Fault]:
    where = {"method": step.method, "path": step.path, **trouble.parameters}
    if trouble.fault == "person+drop":
        person = Fault("person", target="newest invoice", when="after", **where)
        return [person, Fault("drop_after", step.method, step.path)]
    if trouble.fault == "lagging_search":
        return [Fault("lagging_search", **where), Fault("drop_after", step.method, step.path)]
    if trouble.fault == "person":
        if trouble.parameters["action"].endswith("_item"):
            when = "before" if trouble.parameters["action"] == "create_item" else "after"
            target = {} if when == "before" else {"target": "newest item"}
            return [Fault("person", **{"when": when, **target, **where})]
        return [Fault("person", **{"target": "newest invoice", **where})]
    return [Fault(trouble.fault, **where)]


def _run(world: World, step: Step) -> Result | None:
    """One run as cron would do it; a token that no longer works is replaced, as a person would."""
    try:
        return step.run(world)
    except RunEnded as ended:
        if isinstance(ended.problem, LoginNeeded):
            world.sandbox.create_token(token=TOKEN)
            return None
        if not isinstance(ended.problem, TryLater):
            raise
        return ended.result
    except LoginNeeded:
        world.sandbox.create_token(token=TOKEN)
        return None


def _run_until_settled(world: World, step: Step) -> tuple[int, Result]:
    """Runs until two in a row neither wait for anything nor change anything."""
    quiet = 0
    for count in range(1, 10):
        before = _traces(world)
        result = _run(world, step)
        world.sandbox.faults.finish_late_work()
        world.clock.forward(seconds=40)
        waits = result is None or result.exit_code is Exit.TRY_LATER or result.later
        quiet = quiet + 1 if not waits and before == _traces(world) else 0
        if result is not None and quiet == 2:
            return count - 2, result
    raise AssertionError(f"it does not come to rest: {result}")


def _traces(world: World) -> tuple[int, int, int]:
    return world.writes(), len(world.sandbox.mails), len(world.events())


def _judge(world: World, trouble: Trouble, step: Step, result: Result, contacts_before: int) -> None:
    references = Counter(str(invoice["api_reference"]) for invoice in world.invoices())
    deleted = "delete" in trouble.parameters.get("action", "")
    # Deleted before bexsync ever heard of it, it is missing as if it had never been created: once more is right.
    unheard = trouble.fault == "person+drop" and step.name == "invoice"
    wanted_documents = 1 if unheard or not deleted else 0
    assert references["bexsync:main:invoice:x"] == wanted_documents, f"documents: {references}"
    mailed = Counter(mail.document_nr for mail in world.sandbox.mails)
    assert all(count == 1 for count in mailed.values()), f"mails: {mailed}"
    new = len(world.sandbox.contacts()) + len(world.sandbox.contacts(archived=True)) - contacts_before
    wanted = 2 if step.name in ("contact", "relation") else 0
    assert new <= wanted, f"contacts: {new} new ones"
    if deleted:
        return
    invoice = world.invoice("x")
    left = _left_to_a_person(result)
    if not left:
        assert Decimal(invoice["total"]) == step.total
        assert sum(mailed.values()) == step.mailed or trouble.person
        assert new == wanted or trouble.person
    assert not left or trouble.person or _may_need_a_person(trouble, step), left


def _may_need_a_person(trouble: Trouble, step: Step) -> bool:
    """A mail whose answer was lost is judged by the document; nothing else may be left over."""
    return False


def _left_to_a_person(result: Result) -> str:
    return "; ".join(f"{o.code}: {o.reason}" for o in result.outcomes if o.status in ("blocked", "failed", "held"))
