"""The past of the kept world: first everything comes to rest, then runs are killed and left without an answer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bexsync.engine import journal as journal_module
from bexsync.engine.journal import Journal
from bexsync.engine.recover import Recovery
from bexsync.planning.plan import Step
from bexsync.ports.store import IntentState
from bexsync.wiring import open_error_desk
from front_door import called
from store.kept_troubles import (
    FRESH,
    HELD,
    LEDGER_KINDS,
    LOOKS,
    OF_SECOND,
    TRIAL_KINDS,
    Troubles,
    bill,
    company,
    document,
    forget,
    lines,
    prepare_all,
    profiles,
    wanted,
)
from store.kept_world import Both, Site, journal
from world import TOKEN, a_product


def always_the_same(patch: pytest.MonkeyPatch) -> None:
    """Name no process and no computer in what is kept."""
    patch.setattr(journal_module, "_this_boot", lambda: "kept-boot")
    patch.setattr(Journal, "_owner", lambda journal: f"kept:4711 {journal_module.stamp(journal._clock)}")


def site_of(both: Both, kind: str) -> Site:
    """The shop whose rows of a kind are in trouble."""
    return both.second if kind in OF_SECOND else both.main


def come_to_rest(both: Both) -> None:
    """Run everything until nothing changes any more."""
    for _ in range(8):
        seen = both.main.writes(), journal(both), [site.events() for site in both.sites]
        for site in both.sites:
            for job in site.jobs():
                job()
        if seen == (both.main.writes(), journal(both), [site.events() for site in both.sites]):
            return
        both.clock.forward(minutes=3)
    raise AssertionError("it does not come to rest")


# the past


def a_past(both: Both) -> None:
    """Everything that is over: done, refused, held, and for a person to judge."""
    profiles(both)
    for site in both.sites:
        _invoices(both, site)
        _products(both, site)
    for act in (_refused, _held, _conflicts, _trials):
        both.clock.forward(minutes=5)
        act(both)
    come_to_rest(both)
    for site in both.sites:
        for command in (("invoices", "push"), ("payments", "poll"), ("products", "sync"), ("stock", "pull")):
            called(site, *command)
    come_to_rest(both)


def _invoices(both: Both, site: Site) -> None:
    """Paid, open, cancelled, deleted; blocked, acknowledged, left alone; credit notes that wait."""
    own = f"{site.name}-"
    of = [bill(f"{own}{name}") for name in ("paid", "partly", "open", "cancelled", "deleted", "again", "twice")]
    site.drop(*of, bill(f"{own}firm", customer=company(f"{own}firm")), name="first.json")
    site.drop(
        bill(f"{own}blocked", lines=[{**lines("x")[0], "tax_code": "XX"}]),
        bill(f"{own}given-up", currency="XXX"),
        bill(f"{own}old", invoice_date="2025-11-02"),
        bill(f"{own}books", lines=[{**lines("Buch")[0], "tax_class": "reduced", "tax_rate": "2.6"}], total="102.60"),
        bill(f"{own}papers", attachments=[{"filename": "plan.pdf", "path": "plan.pdf"}]),
        name="blocked.json",
    )
    for name in ("readme.pdf", "scan.pdf"):
        site.drop_bytes(b"%PDF-1.4", name)
    site.push()
    for name in ("paid", "partly", "cancelled", "again"):
        if document(both, own + name)["kb_item_status_id"] == 7:
            both.sandbox.person.issue(document(both, own + name)["id"])
    both.sandbox.person.pay(document(both, f"{own}paid")["id"], Decimal("108.10"))
    both.sandbox.person.pay(document(both, f"{own}partly")["id"], Decimal("50"))
    for name in ("cancelled", "again"):
        both.sandbox.person.cancel(document(both, own + name)["id"])
    both.sandbox.person.delete(document(both, f"{own}deleted")["id"])
    for name in ("again", "twice"):
        forget(site, own + name)
    note = {"document_type": "credit_note", "prices_include_tax": True}
    for name, original in (("credit", "open"), ("credit-of-firm", "firm")):
        amount = {"lines": lines("Rabatt", price="20"), "total": "20", "original_shop_id": own + original}
        site.drop(bill(own + name, **note, **amount), name=f"{name}.json")
    site.drop(*of[-2:], name="twice.json")
    site.push(ids=(f"{own}again",))  # before a poll, which would link the cancelled document
    both.clock.forward(days=1)
    site.poll()
    site.push()
    with open_error_desk(str(site.profile_path), clock=both.clock) as desk:
        desk.acknowledge([f"{own}given-up"])
    kinds = [kind for kind in LEDGER_KINDS if kind != "contact_relation"]
    done = [(kind, f"{own}{kind.replace('_', '-')}-done") for kind in kinds]
    both.sandbox.behaviours.settle("edit_issued", "accepted")
    prepare_all(both, site, done)
    for kind, name in done:
        wanted(both, site, kind, name)()


def _products(both: Both, site: Site) -> None:
    """Linked, changed on both sides, moved in stock; one whose code bexio has in another currency."""
    names = [f"{site.name}-{name}" for name in ("calm", "changed", "told", "moved", "foreign")]
    names += [f"{site.name}-{kind}-{n}" for kind in ("catalog", "stock", "item-edit") for n in range(7)]
    site.list_products(*(a_product(name) for name in names))
    both.sandbox.person.create_item(f"A-{site.name}-foreign", "Fremd", "10", currency_id=2)
    site.sync_products()
    items = site.items()
    both.sandbox.person.edit_item(items[f"A-{site.name}-told"]["id"], intern_description="Aus Eiche")
    both.sandbox.person.book_stock(items[f"A-{site.name}-moved"]["id"], 2)
    list_again(site, f"{site.name}-changed", title="Rund")
    site.sync_products()
    site.pull_stock()


def list_again(site: Site, shop_id: str, **changes: Any) -> None:
    """Change one product of the shop's list, or add it."""
    file = site.shop / "catalog" / "products.json"
    products = {row["shop_id"]: row for row in json.loads(file.read_text())}
    products[shop_id] = {**a_product(shop_id), **products.get(shop_id, {}), **changes}
    site.list_products(*products.values())


def _refused(both: Both) -> None:
    troubles = Troubles(both)
    for kind in LEDGER_KINDS:
        site, name = site_of(both, kind), f"{kind.replace('_', '-')}-rejected"
        if kind not in FRESH:
            prepare_all(both, site, [(kind, name)])
        troubles.refused(kind, wanted(both, site, kind, name))
    list_again(both.main, "item-rejected")
    troubles.refused("item", lambda: both.main.sync_products(ids=("item-rejected",)))
    list_again(both.second, "second-item-edit-0", title="Abgelehnt")
    troubles.refused("item_edit", lambda: both.second.sync_products(ids=("second-item-edit-0",)))


def _held(both: Both) -> None:
    troubles, hand = Troubles(both), both.sandbox.person
    for kind in HELD:
        site, name = site_of(both, kind), f"{kind.replace('_', '-')}-held"
        prepare_all(both, site, [(kind, name)])
        number = document(both, name)["id"]
        acts: dict[str, Callable[[Step], None]] = {
            "verify": lambda _, number=number: hand.edit_price(number, 0, "7"),  # type: ignore[misc]
            "invoice_cancel": lambda _, number=number: hand.pay(number, Decimal("10")),  # type: ignore[misc]
            "adopt": lambda _: None,
        }
        title = lambda _, number=number: hand.edit(number, title="Von Hand")  # noqa: E731
        troubles.meanwhile(kind, wanted(both, site, kind, name), acts.get(kind, title))
    both.sandbox.faults.clear()
    both.main.drop(bill("invoice-held", lines=lines("Eins", "Zwei"), total="216.20"), name="invoice-held.json")
    troubles.meanwhile("invoice", lambda: both.main.push(ids=("invoice-held",)), lambda _: None, fault="half_create")


def _conflicts(both: Both) -> None:
    troubles, hand = Troubles(both), both.sandbox.person
    for kind in ("contact", "invoice"):
        troubles.doubled(kind, wanted(both, both.main, kind, f"{kind}-conflict"))
    list_again(both.main, "item-conflict")
    troubles.doubled("item", lambda: both.main.sync_products(ids=("item-conflict",)))
    run = wanted(both, both.main, "send", "send-conflict")
    troubles.meanwhile("send", run, lambda _: hand.issue(document(both, "send-conflict")["id"]), fault="drop_before")
    prepare_all(both, both.second, [("position", "position-conflict")])
    number = document(both, "position-conflict")["id"]
    run = wanted(both, both.second, "position", "position-conflict")
    troubles.meanwhile("position", run, lambda _: hand.add_position(number, "Von Hand", 5), fault="drop_before")
    list_again(both.second, "second-item-edit-1", title="Geloescht")
    item = both.second.items()["A-second-item-edit-1"]["id"]
    run = lambda: both.second.sync_products(ids=("second-item-edit-1",))  # noqa: E731
    troubles.meanwhile("item_edit", run, lambda _: hand.delete_item(item), fault="drop_before")


def _trials(both: Both) -> None:
    """Connection tests that could not put away everything: a contact in the one, a draft in the other."""
    troubles = Troubles(both)
    for site, kind in ((both.main, "contact_archive"), (both.second, "draft_delete")):
        troubles.refused(kind, site.try_connection)


# what is under way


def under_way(both: Both, patch: pytest.MonkeyPatch) -> None:
    """Everything that can be interrupted: in doubt and sending first, planned last, since each run tries that again."""
    kinds = [*LEDGER_KINDS, "event"]
    states = ("doubt", "doubt-done", "sending", "sending-done", "planned")
    for kind in kinds:
        names = [(kind, f"{kind.replace('_', '-')}-{state}") for state in states]
        if kind not in FRESH:
            prepare_all(both, site_of(both, kind), names)
    come_to_rest(both)
    patch.setattr(Recovery, "settle", lambda _: [])  # so that what is under way stays so while others are begun
    troubles = Troubles(both)
    for state in states:
        for kind in kinds if state != "planned" else [*LEDGER_KINDS]:
            site, name = site_of(both, kind), f"{kind.replace('_', '-')}-{state}"
            _interrupt(troubles, site, kind, wanted(both, site, kind, name), state)
        for kind, run in _product_runs(both, state):
            _interrupt(troubles, site_of(both, kind), kind, run, state)
    _trial_rows(both)
    _interrupt(troubles, both.main, "event", wanted(both, both.main, "event", "event-planned"), "planned")


def _interrupt(troubles: Troubles, site: Site, kind: str, run: Callable[[], Any], state: str) -> None:
    told = kind in ("event", "catalog", "stock")
    if state == "planned":
        (troubles.without_space if told else troubles.without_login)(kind, run)
    elif state.startswith("sending"):
        troubles.killed(kind, run, took_effect=state.endswith("done"))
    elif told or kind in LOOKS:
        troubles.killed_twice(site, kind, run)
    else:
        troubles.unanswered(kind, run, took_effect=state.endswith("done"))


def _product_runs(both: Both, state: str) -> list[tuple[str, Callable[[], Any]]]:
    """The runs that need an item, an edit, a word to the shop of a product, and of its stock."""
    number = ("doubt", "doubt-done", "sending", "sending-done", "planned").index(state) + 2
    hand = both.sandbox.person

    def item() -> Any:
        list_again(both.main, f"item-{state}")
        return both.main.sync_products(ids=(f"item-{state}",))

    def item_edit() -> Any:
        list_again(both.second, f"second-item-edit-{number}", title=f"Neu {state}")
        return both.second.sync_products(ids=(f"second-item-edit-{number}",))

    def catalog() -> Any:
        row = both.main.items()[f"A-main-catalog-{number}"]
        hand.edit_item(row["id"], intern_description=f"Aus Holz, {state}")
        return both.main.sync_products(ids=(f"main-catalog-{number}",))

    def stock() -> Any:
        hand.book_stock(both.main.items()[f"A-main-stock-{number}"]["id"], number)
        return both.main.pull_stock(skus=(f"A-main-stock-{number}",))

    return [("item", item), ("item_edit", item_edit), ("catalog", catalog), ("stock", stock)]


def _trial_rows(both: Both) -> None:
    """The rows of connection tests that were cut short while putting away.

    Each stops every later test of its site, so that one site can have only one of them by itself: these are written
    with the store's own interface, like those that real tests left, for documents and contacts that stand in bexio.
    """
    site = both.main
    with site.workspace() as workspace:
        intents, story = workspace.store.intents, workspace.store.intents.of_subject("test", "connection")
        made = next(i for i in story if i.kind == "invoice")
        names = ("planned", "sending", "in_doubt")
        for kind, state in [(kind, state) for kind in TRIAL_KINDS for state in names]:
            like = next(i for i in story if i.kind == kind)
            if kind == "draft_delete":
                contact = int(next(i for i in story if i.kind == "contact_archive").key.partition(" ")[2])
                body = {"contact_id": contact, "user_id": 1, "currency_id": 1}
                body |= {"api_reference": made.key, "mwst_type": 0, "positions": []}
                number = _posted(site, "/2.0/kb_invoice", body)
                key, payload = f"delete {number}", {"document_id": number, "reference": made.key}
            else:
                body = {"contact_type_id": 1, "name_1": like.payload["name_1"], "name_2": "main", "user_id": 1}
                number = _posted(site, "/2.0/contact", {**body, "owner_id": 1})
                key, payload = f"archive {number}", {**like.payload, "ledger_id": number}
            row = replace(like, key=key, payload=payload, state=IntentState(state), ledger_id=None, result={}, said="")
            intents.save(row, both.clock.now())


def _posted(site: Site, path: str, body: Mapping[str, Any]) -> int:
    """The id of something that another program wrote."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{site.url}{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return int(json.load(answer)["id"])
