"""What of an order was delivered and invoiced, and what follows from it: its status, and what it reserves in stock."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bexio_sandbox.decimals import plain
from bexio_sandbox.state import items, positions
from bexio_sandbox.state.tables import Row, State

PENDING, DONE, PARTIAL, CANCELLED = 5, 6, 15, 21
INVOICES, DELIVERIES = "invoices", "deliveries"
# By table: where an order keeps the ids, the status of a draft, and that of a document that counts no more.
_IDS = {INVOICES: "invoice_ids", DELIVERIES: "delivery_ids"}
_DRAFT = {INVOICES: 7, DELIVERIES: 10}
_CANCELLED = {INVOICES: 19, DELIVERIES: 20}
_NEEDED = {
    "both": (INVOICES, DELIVERIES),
    "invoices": (INVOICES,),
    "deliveries": (DELIVERIES,),
}


@dataclass(frozen=True)
class Share:
    """How much of a position is on documents made from the order: on drafts, and on issued ones."""

    reserved: Decimal = Decimal(0)
    completed: Decimal = Decimal(0)

    @property
    def taken(self) -> Decimal:
        """What no further document of the same class can take."""
        return self.reserved + self.completed


Shares = dict[tuple[str, int], Share]


def shares(state: State, order: Row, table: str) -> Shares:
    """Return how much of each position of an order is on its deliveries, or on its invoices."""
    found: Shares = {}
    for number in order[_IDS[table]]:
        document = state.tables[table].get(number)
        if document is None or document["kb_item_status_id"] == _CANCELLED[table]:
            continue
        is_draft = document["kb_item_status_id"] == _DRAFT[table]
        for row in positions.of_document(state, document):
            if row.get("source"):
                _add(found, row, is_draft)
    return found


def _add(found: Shares, row: Row, is_draft: bool) -> None:
    kind, number = row["source"]
    amount = Decimal(row.get("amount", "1"))
    share = found.get((kind, number), Share())
    more = (amount, Decimal(0)) if is_draft else (Decimal(0), amount)
    found[kind, number] = Share(share.reserved + more[0], share.completed + more[1])


def progress(state: State, document: Row) -> Shares | None:
    """Return what the positions of an order show as reserved and completed; other documents have no progress."""
    if _IDS[INVOICES] not in document:
        return None
    return shares(state, document, state.behaviours["order_amounts"])


def link(order: Row, table: str, document: Row) -> Row:
    """Return an order that knows one more document made from it."""
    return {**order, _IDS[table]: [*order[_IDS[table]], document["id"]]}


def has_documents(state: State, order: Row) -> bool:
    """Return whether documents made from an order are there."""
    return any(number in state.tables[table] for table in _IDS for number in order[_IDS[table]])


def refresh(state: State, document: Row) -> None:
    """Brings the order of a document up to date, if it came from one that is still there."""
    order = state.tables["orders"].get(document.get("order_id") or 0)
    if order is not None:
        store(state, order)


def store(state: State, order: Row) -> None:
    """Stores an order with the status and the reservations that follow from its documents."""
    status = _status(state, order)
    is_moved = status != order["kb_item_status_id"] and state.behaviours["order_moves_updated_at"] == "yes"
    moved = {"updated_at": state.now()} if is_moved else {}
    state.put("orders", _reserved(state, {**order, **moved, "kb_item_status_id": status}))


def _status(state: State, order: Row) -> int:
    if order["closed_as"]:
        return int(order["closed_as"])
    rows = [row for row in positions.of_document(state, order) if positions.counts(row)]
    by_table = {table: shares(state, order, table) for table in _IDS}
    needed = _NEEDED[state.behaviours["order_done_by"]]
    if rows and all(_is_complete(row, by_table[table]) for row in rows for table in needed):
        return DONE
    is_begun = any(share.completed for found in by_table.values() for share in found.values())
    return PARTIAL if is_begun else PENDING


def _is_complete(row: Row, found: Shares) -> bool:
    share = found.get((row["type"], row["id"]), Share())
    return abs(share.completed) >= abs(Decimal(row["amount"]))


def _reserved(state: State, order: Row) -> Row:
    wanted = _wanted(state, order)
    held = {int(number): Decimal(amount) for number, amount in order["reservations"].items()}
    for number in sorted({*wanted, *held}):
        items.move_reservation(state, number, wanted.get(number, Decimal(0)) - held.get(number, Decimal(0)))
    return {**order, "reservations": {str(number): plain(amount) for number, amount in wanted.items()}}


def _wanted(state: State, order: Row) -> dict[int, Decimal]:
    is_open = order["kb_item_status_id"] in (PENDING, PARTIAL)
    if not is_open or state.behaviours["order_reserves_stock"] == "no":
        return {}
    delivered = shares(state, order, DELIVERIES)
    wanted: dict[int, Decimal] = {}
    for row in positions.of_document(state, order):
        if row["type"] != "KbPositionArticle" or not items.is_in_stock(state, row["article_id"]):
            continue
        left = Decimal(row["amount"]) - delivered.get((row["type"], row["id"]), Share()).completed
        if left > 0 and positions.counts(row):
            wanted[row["article_id"]] = wanted.get(row["article_id"], Decimal(0)) + left
    return wanted
