"""Positions of a document: their order, their numbers, what they come to."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from bexio_sandbox.decimals import CONTEXT
from bexio_sandbox.errors import not_found
from bexio_sandbox.state import items
from bexio_sandbox.state.tables import POSITION_TABLES, Row, State
from bexio_sandbox.state.totals import Discount, Line, discounts_taken, line_total

PRICED = ("KbPositionCustom", "KbPositionArticle")
DISCOUNT = "KbPositionDiscount"
GROUP = "KbPositionSubposition"
_NUMBERED = (*PRICED, GROUP)

_BLANKS: dict[str, Row] = {
    "KbPositionCustom": {
        "amount": "1",
        "unit_id": None,
        "account_id": None,
        "tax_id": None,
        "text": "",
        "unit_price": "0",
        "discount_in_percent": "0",
    },
    "KbPositionText": {"text": "", "show_pos_nr": True},
    "KbPositionSubtotal": {"text": ""},
    "KbPositionPagebreak": {"pagebreak": True},
    "KbPositionDiscount": {"text": "", "is_percentual": True, "value": "0"},
    "KbPositionSubposition": {"text": "", "show_pos_nr": True},
}
_BLANKS["KbPositionArticle"] = {**_BLANKS["KbPositionCustom"], "article_id": None}


def of_document(state: State, document: Row) -> list[Row]:
    """Return the positions of a document in their order."""
    return [state.tables[POSITION_TABLES[kind]][number] for kind, number in document["positions"]]


def find(state: State, document: Row, kind: str, position_id: int) -> Row:
    """Return one position of a document."""
    if [kind, position_id] not in document["positions"]:
        raise not_found()
    return state.tables[POSITION_TABLES[kind]][position_id]


def add(state: State, document: Row, kind: str, values: dict[str, Any]) -> Row:
    """Adds a position row; the document has to take up its key."""
    given = {name: value for name, value in values.items() if value is not None}
    row = {"type": kind, "document_id": document["id"], "parent_id": None, **_BLANKS[kind], **given}
    if kind == "KbPositionArticle":
        row = _from_article(state, row, given)
    if kind in PRICED:
        row = _with_defaults(state, document, row)
    return state.add(POSITION_TABLES[kind], row)


def key(row: Row) -> list[Any]:
    """Return what a document keeps of a position: ids are unique per type only."""
    return [row["type"], row["id"]]


def price_lines(state: State, rows: list[Row]) -> list[Line]:
    """Return the positions that cost something, as the totals need them."""
    return [Line(position_total(state, row), tax_rate(state, row)) for row in rows if counts(row)]


def counts(row: Row) -> bool:
    """Return whether a position costs something: an optional one is only an offer."""
    return row["type"] in PRICED and not row.get("is_optional")


def copied(state: State, document: Row, rows: list[Row]) -> list[list[Any]]:
    """Adds copies of positions, groups with their members, and returns the keys of the copies."""
    groups: dict[int | None, int | None] = {None: None}
    keys = []
    for row in rows:
        kept = {name: value for name, value in row.items() if name != "id"}
        renewed = {"document_id": document["id"], "parent_id": groups.get(row["parent_id"])}
        copy = state.add(POSITION_TABLES[row["type"]], {**kept, **renewed})
        if row["type"] == GROUP:
            groups[row["id"]] = copy["id"]
        keys.append(key(copy))
    return keys


def discount_lines(rows: list[Row]) -> list[Discount]:
    """Return the discounts of a document, as the totals need them."""
    return [Discount(row["is_percentual"], Decimal(row["value"])) for row in rows if row["type"] == DISCOUNT]


def position_total(state: State, row: Row) -> Decimal:
    """Return what a priced position comes to."""
    amount, price, discount = (Decimal(row[name]) for name in ("amount", "unit_price", "discount_in_percent"))
    return line_total(amount, price, discount, state.behaviours["position_rounding"])


def tax_rate(state: State, row: Row) -> Decimal | None:
    """Return the VAT rate of a position in per cent."""
    tax = state.taxes.get(row["tax_id"] or 0)
    return Decimal(str(tax["value"])) if tax else None


def numbers(rows: list[Row]) -> list[str | None]:
    """Return the printed number of every position; members of a group count within it."""
    counts: dict[int | None, int] = {}
    group_numbers: dict[int, str] = {}
    printed: list[str | None] = []
    for row in rows:
        if row["type"] not in _NUMBERED and not (row["type"] == "KbPositionText" and row["show_pos_nr"]):
            printed.append(None)
            continue
        parent = row["parent_id"]
        counts[parent] = counts.get(parent, 0) + 1
        number = str(counts[parent])
        if parent in group_numbers:
            number = f"{group_numbers[parent]}.{number}"
        if row["type"] == GROUP:
            group_numbers[row["id"]] = number
        printed.append(number)
    return printed


def sum_before(state: State, rows: list[Row], index: int) -> Decimal:
    """Return the sum of the priced positions above one, for a subtotal."""
    with localcontext(CONTEXT):
        return sum((line.total for line in price_lines(state, rows[:index])), Decimal(0))


def group_sum(state: State, rows: list[Row], group_id: int) -> Decimal:
    """Return the sum of the positions within a group."""
    members = [row for row in rows if row["parent_id"] == group_id]
    with localcontext(CONTEXT):
        return sum((line.total for line in price_lines(state, members)), Decimal(0))


def discount_total(state: State, rows: list[Row], index: int) -> Decimal:
    """Return what one discount position takes off the document."""
    gross = sum((line.total for line in price_lines(state, rows)), Decimal(0))
    rank = sum(1 for row in rows[:index] if row["type"] == DISCOUNT)
    return discounts_taken(gross, discount_lines(rows))[rank]


def _from_article(state: State, row: Row, given: dict[str, Any]) -> Row:
    article = items.find(state, row["article_id"])
    own = {"text": article["intern_name"], "unit_price": article["sale_price"] or "0", "unit_id": article["unit_id"]}
    return {**row, **{name: value for name, value in own.items() if name not in given}}


def _with_defaults(state: State, document: Row, row: Row) -> Row:
    row = dict(row)
    if row["account_id"] is None:
        accounts = state.tables["accounts"].values()
        row["account_id"] = next(account["id"] for account in accounts if account["account_no"] == "3200")
    if row["tax_id"] is None and document["mwst_type"] == 0 and state.behaviours["missing_tax_id"] == "default":
        years = state.tables["calendar_years"].values()
        year = next((year for year in years if year["start"] <= document["is_valid_from"] <= year["end"]), None)
        row["tax_id"] = year["default_tax_income_id"] if year else None
    return row
