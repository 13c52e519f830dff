"""Every effect that the journal can hold: what it declares, and that whatever was written of it is read back."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexio_sandbox import Fault
from bexsync.errors import Defect, Refused, StateProblem
from bexsync.ids import LedgerId
from bexsync.jobs.lifecycle import RunEnded
from bexsync.ledgers.bexio.effects import AddOrderPosition, AddPosition, ClearPositions, EditDocument, Handler
from bexsync.ports.contact_effects import ArchiveContact, CreateContact, EditContact, RelateContacts, RestoreContact
from bexsync.ports.document_effects import (
    CancelDocument,
    ClaimDocument,
    CreateDocument,
    DeleteDocument,
    DeleteTestDraft,
    IssueDocument,
    LinkDocument,
    LookAtDocument,
    SendDocument,
)
from bexsync.ports.item_effects import CreateItem, EditItem
from bexsync.ports.order_effects import (
    CreateDelivery,
    CreateOrder,
    CreateOrderInvoice,
    DeleteOrder,
    IssueDelivery,
    LookAtOrder,
    RecordPayment,
)
from bexsync.ports.shop_effects import SHOP_EFFECTS, DeliverEvent, TellProducts, TellStock
from bexsync.ports.steps import Effect, EffectKinds, FoundBy, Ref, Step, Subject, effect_from, resolved
from world import World, an_invoice

KEPT = Path(__file__).parent.parent / "store" / "kept"


class Declared(NamedTuple):
    """What is expected of an effect; `least` is the shortest row of it that the journal may hold."""

    kind: str
    cost: tuple[int, int, str]  # requests, mails, what it counts as
    writes: str
    found_by: FoundBy
    least: dict[str, Any]
    rests_on: str = ""


_HEADER = {
    "reference": "bexsync:main:invoice:1",
    "title": "1",
    "contact_id": 12,
    "user_id": 1,
    "currency_id": 1,
    "date": "2026-11-28",
    "prices": "net",
    "vat": True,
}
_POSITION = {"type": "text", "text": "Thanks"}
_WORDS = {"number": "RE-1", "title": "", "total": "1.00", "currency": "CHF", "due_date": "", "customer": ""}
EFFECTS: dict[type[Effect], Declared] = {
    CreateContact: Declared(
        "contact",
        (1, 0, ""),
        "contact k",
        FoundBy.CONTACT,
        {"kind": "person", "name_1": "Keller", "name_2": "Nina", "mail": "", "phone": "", "owner_id": 1},
        rests_on="contact_number:refused",
    ),
    RestoreContact: Declared("contact_restore", (1, 0, ""), "contact 12", FoundBy.STATUS, {"ledger_id": 12}),
    ArchiveContact: Declared(
        "contact_archive", (1, 0, ""), "contact 12", FoundBy.ABSENCE, {"ledger_id": 12, "name_1": "Test"}
    ),
    EditContact: Declared(
        "contact_edit",
        (1, 0, ""),
        "contact 12",
        FoundBy.REPEAT,
        {"ledger_id": 12, "kind": "company", "name_1": "A", "user_id": 1, "owner_id": 1, "fields": {"city": "Bern"}},
    ),
    RelateContacts: Declared(
        "contact_relation", (1, 0, ""), "contact 12", FoundBy.RELATION, {"contact_id": 12, "person_id": 13}
    ),
    CreateDocument: Declared(
        "invoice",
        (1, 0, "documents"),
        "invoice k",
        FoundBy.REFERENCE,
        {**_HEADER, "positions": [_POSITION]},
        rests_on="negative_prices",
    ),
    LinkDocument: Declared("adopt", (1, 0, ""), "document 7", FoundBy.REPEAT, {"document_id": 7}),
    ClaimDocument: Declared("claim", (1, 0, ""), "document 7", FoundBy.REFERENCE, {"document_id": 7, "reference": "r"}),
    LookAtDocument: Declared("verify", (1, 0, ""), "document 7", FoundBy.REPEAT, {"document_id": 7}),
    EditDocument: Declared("invoice_edit", (2, 0, ""), "document 7", FoundBy.REPEAT, {**_HEADER, "document_id": 7}),
    ClearPositions: Declared("positions_clear", (2, 0, ""), "document 7", FoundBy.REPEAT, {"document_id": 7}),
    AddPosition: Declared(
        "position",
        (1, 0, ""),
        "document 7",
        FoundBy.POSITIONS,
        {"document_id": 7, "index": 150, "position": _POSITION},
        rests_on="negative_prices",
    ),
    IssueDocument: Declared("issue", (1, 0, ""), "document 7", FoundBy.STATUS, {"document_id": 7}),
    SendDocument: Declared(
        "send",
        (1, 1, ""),
        "document 7",
        FoundBy.STATUS,
        {
            "document_id": 7,
            "to": "nina@mail.example",
            "subject": "s",
            "message": "m",
            "issue": True,
            "shared_before": "no",
            "attach_pdf": False,
            "words": _WORDS,
        },
        rests_on="send_issues_drafts",
    ),
    CancelDocument: Declared("invoice_cancel", (2, 0, "cancels"), "document 7", FoundBy.STATUS, {"document_id": 7}),
    DeleteDocument: Declared(
        "invoice_delete", (2, 0, "cancels"), "document 7", FoundBy.ABSENCE, {"document_id": 7, "content": "a.b"}
    ),
    DeleteTestDraft: Declared(
        "draft_delete", (1, 0, ""), "document 7", FoundBy.ABSENCE, {"document_id": 7, "reference": "r"}
    ),
    CreateOrder: Declared(
        "order",
        (2, 0, "documents"),
        "order k",
        FoundBy.NEWER,
        {**_HEADER, "positions": [_POSITION]},
        rests_on="negative_prices",
    ),
    AddOrderPosition: Declared(
        "order_position",
        (1, 0, ""),
        "order 3",
        FoundBy.POSITIONS,
        {"document_id": 3, "index": 150, "position": _POSITION},
        rests_on="negative_prices",
    ),
    LookAtOrder: Declared("order_verify", (1, 0, ""), "order 3", FoundBy.REPEAT, {"document_id": 3}),
    DeleteOrder: Declared(
        "order_delete", (2, 0, "cancels"), "order 3", FoundBy.ABSENCE, {"document_id": 3, "content": "a.b"}
    ),
    CreateDelivery: Declared(
        "delivery",
        (3, 0, "documents"),
        "order 3",
        FoundBy.NEWER,
        {"document_id": 3, "contact_id": 12, "parts": [{"index": 0}]},
    ),
    IssueDelivery: Declared("delivery_issue", (2, 0, ""), "delivery 4", FoundBy.STATUS, {"document_id": 4}),
    CreateOrderInvoice: Declared(
        "order_invoice",
        (3, 0, "documents"),
        "order 3",
        FoundBy.NEWER,
        {"document_id": 3, "contact_id": 12, "parts": [{"index": 0}], "positions": [_POSITION]},
    ),
    RecordPayment: Declared(
        "payment",
        (3, 0, ""),
        "document 7",
        FoundBy.NEWER,
        {"document_id": 7, "value": "10.00", "day": "2026-11-28"},
    ),
    CreateItem: Declared(
        "item",
        (1, 0, ""),
        "item k",
        FoundBy.CODE,
        {"code": "A-1", "physical": True, "user_id": 1, "account_id": 1, "currency_id": 1},
    ),
    EditItem: Declared(
        "item_edit",
        (1, 0, ""),
        "item 5",
        FoundBy.VALUES,
        {"ledger_id": 5, "fields": {"price": "1.50"}},
        rests_on="item_edits_keep_the_rest",
    ),
    DeliverEvent: Declared(
        "event",
        (0, 0, ""),
        "event k",
        FoundBy.REPEAT,
        {"event_id": "e", "at": "2026-11-28T12:00:00.000000Z", "name": "n", "kind": "invoice", "shop_id": "1"},
    ),
    TellProducts: Declared(
        "catalog",
        (0, 0, ""),
        "catalog k",
        FoundBy.REPEAT,
        {"changes": [{"shop_id": "1", "sku": "A", "fields": {}}]},
    ),
    TellStock: Declared(
        "stock",
        (0, 0, ""),
        "stock k",
        FoundBy.REPEAT,
        {"changes": [{"shop_id": "1", "sku": "A", "stock": "1", "expected": None}]},
    ),
}
# Effects of orders came later than the states that are kept.
NOT_KEPT = {
    CreateOrder,
    AddOrderPosition,
    LookAtOrder,
    DeleteOrder,
    CreateDelivery,
    IssueDelivery,
    CreateOrderInvoice,
    RecordPayment,
}
KINDS = EffectKinds(EFFECTS)
each_effect = pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.step_kind)


def handlers(world: World) -> Mapping[type[Effect], Handler[Any]]:
    with world.workspace() as workspace:
        ledger: Any = workspace.make_ledger(workspace.store, lambda _: None)
        found: Mapping[type[Effect], Handler[Any]] = ledger._handlers
        return found


def test_every_effect_is_in_the_table(world: World) -> None:
    assert set(EFFECTS) == {*handlers(world), *SHOP_EFFECTS}


def test_bexio_performs_each_as_it_is_declared(world: World) -> None:
    """What may simply be repeated has no finder, everything else has; the facts are those of the table."""
    for effect, handler in handlers(world).items():
        declared = EFFECTS[effect]
        assert (handler.find is None) is (declared.found_by is FoundBy.REPEAT), effect
        assert handler.rests_on == declared.rests_on, effect


@each_effect
def test_what_an_effect_declares(effect: type[Effect]) -> None:
    declared = EFFECTS[effect]
    one = effect_from(effect, declared.least)
    assert (effect.step_kind, effect.schema) == (declared.kind, 1)
    assert (effect.requests, effect.mails, effect.counts_as) == declared.cost
    assert effect.found_by is declared.found_by
    assert Step(one, "k", Subject("invoice", "1")).written_object == declared.writes


@each_effect
def test_the_least_row_is_read_and_nothing_of_it_may_be_missing(effect: type[Effect]) -> None:
    least = EFFECTS[effect].least
    wire = effect_from(effect, least).to_wire()
    assert {name: wire[name] for name in least} == least
    for name in least:
        with pytest.raises(ValueError, match=name):
            effect_from(effect, {other: value for other, value in least.items() if other != name})


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Whatever a field of a type may hold once its references are resolved."""
    arguments = [argument for argument in get_args(hint) if argument is not Ref]
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is not None:
        return st.dictionaries(st.text(), values(arguments[1]), max_size=3)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{f.name: values(hints[f.name]) for f in fields(hint)})
    if hint is Any:
        return st.none() | st.booleans() | st.integers() | st.text()
    if issubclass(hint, str):
        return st.text().map(hint)
    return {int: st.integers(0, 2**53), bool: st.booleans(), NoneType: st.none()}[hint]


@each_effect
@given(data=st.data())
def test_whatever_was_written_is_read_back(effect: type[Effect], data: st.DataObject) -> None:
    one = data.draw(values(effect))
    stored = json.loads(json.dumps(one.to_wire()))
    again = KINDS.read(effect.step_kind, stored, effect.schema)
    assert again == one
    assert again.to_wire() == stored


def kept_rows(database: Path) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return [(kind, json.loads(payload)) for kind, payload in db.execute("SELECT kind, payload FROM intents")]


@pytest.mark.parametrize("state", ["v1.db", "v2.db", "v3.db", "v3/quiet.tar.xz", "v3/under-way.tar.xz"])
def test_what_older_versions_wrote_is_read(state: str, tmp_path: Path) -> None:
    """They knew fewer fields; what they wrote stands in what is written of it today."""
    database = KEPT / state
    if database.suffix == ".xz":
        with tarfile.open(database) as archive:
            (name,) = (name for name in archive.getnames() if name.startswith("state/bexio-") and name.endswith(".db"))
            archive.extract(name, tmp_path, filter="data")
        database = tmp_path / name
    rows = kept_rows(database)
    for kind, payload in rows:
        wire = KINDS.read(kind, payload, 1).to_wire()
        assert {name: wire[name] for name in payload} == payload
    known = {effect.step_kind for effect in EFFECTS if effect not in NOT_KEPT}
    assert database.parent == KEPT or {kind for kind, _ in rows} == known


def test_references_are_resolved_before_a_row_is_written() -> None:
    made = Ref("contact", "customer-1")
    draft: Any = resolved(CreateDocument(**{**_HEADER, "contact_id": made, "positions": ()}), lambda _: LedgerId(12))
    assert effect_from(CreateDocument, draft.to_wire()).contact_id == draft.contact_id == "12"


def test_a_form_of_a_later_version_is_refused() -> None:
    least = EFFECTS[IssueDocument].least
    with pytest.raises(StateProblem, match=r"written by a newer bexsync \(step issue, form 2; this one knows 1\)"):
        KINDS.read("issue", least, 2)
    with pytest.raises(Defect, match="declares the step refund"):
        KINDS.read("refund", least, 1)


def test_nothing_is_sent_where_a_later_version_left_a_row_under_way(world: World) -> None:
    world.sandbox.faults.plan([Fault("drop_after", "POST", "/2.0/kb_invoice")])
    world.drop(an_invoice())
    world.push()
    with closing(sqlite3.connect(next((world.folder / "state").glob("bexio-*.db")))) as db, db:
        changed = db.execute("UPDATE intents SET schema = 2, state = 'in_doubt' WHERE kind = 'invoice'")
        assert changed.rowcount == 1
    before = world.writes()
    with pytest.raises(RunEnded, match="written by a newer bexsync"):
        world.push()
    assert world.writes() == before


def test_a_mail_of_an_invoice_that_is_gone_teaches_nothing(world: World) -> None:
    """Whether bexio wants an invoice issued before it is mailed does not follow from it."""
    mail = effect_from(SendDocument, {**EFFECTS[SendDocument].least, "issue": False, "shared_before": "yes"})
    with world.workspace() as workspace:
        workspace.store.facts.learn("send_issues_drafts", False, world.clock.now())
        ledger = workspace.make_ledger(workspace.store, lambda _: None)
        with pytest.raises(Refused) as refused:
            ledger.perform(mail)
        assert refused.value.status == 404
        assert not ledger.send_issues
        assert ledger.learned_facts == 0
