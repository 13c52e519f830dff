"""Five fields x three settings x four histories: every cell of the table in docs/products.md is a case here."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexsync.planning.product_fields import (
    Direction,
    KnownItem,
    Remark,
    not_pulled,
    number_of,
    stock_change,
    wanted_stock,
)
from bexsync.planning.products import Work
from planning.products_kit import a_planner, a_product, an_item, met

PAGE = Path(__file__).parents[2] / "docs" / "products.md"
FIELDS = ("title", "description", "weight", "price", "stock")
MASTERS = ("disabled", "shop", "ledger")
HISTORIES = ("new", "changed in the shop", "changed in bexio", "changed in both")
# What the shop and bexio say of a field before, and what each says after a change of its own.
SHOP = {
    "title": ("Tisch", "Tisch, rund"),
    "description": ("<p>Aus <b>Holz</b></p>", "<p>Aus <b>Eiche</b></p>"),
    "weight": ("1.5", "2"),
    "price": ("108.10", "54.05"),
    "stock": ("5", "3"),
}
LEDGER: dict[str, tuple[Any, Any]] = {
    "title": ("Tisch", "Esstisch"),
    "description": ("Aus Holz", "Aus Buche"),
    "weight": (Decimal(1500), Decimal(1700)),
    "price": (Decimal(100), Decimal(200)),
    "stock": (Decimal(5), Decimal(9)),
}
# What has to arrive on the other side.
IN_LEDGER = {"title": "Tisch, rund", "description": "Aus Eiche", "weight": "2000", "price": "50", "stock": "3"}
IN_SHOP = {"title": "Esstisch", "description": "Aus Buche", "weight": "1700", "price": "216.2"}
UNTOUCHED = {"title": "Tisch", "description": "Aus Holz", "weight": "1500", "price": "108.1", "stock": "5"}


def cell(field: str, master: str, history: str) -> str:
    """What happens, by asking the planners, in the words of the table."""
    return _stock_cell(master, history) if field == "stock" else _field_cell(field, master, history)


def _field_cell(field: str, master: str, history: str) -> str:
    others = dict.fromkeys(("title", "description", "weight", "price"), "disabled")
    planner = a_planner(**others | {field: master})
    before, after = SHOP[field]
    record = a_product(**{field: before})
    if history == "new":
        work = planner.create(record, "A-1")
        assert work.step is not None
        written = [d for d in work.decisions if d.field == field]
        assert [d.field for d in written] == ([field] if field in work.step.payload else [])
        return "to bexio" if written else "left out"
    item, theirs = LEDGER[field]
    link = met(planner, record, an_item(**{field: item}))
    shop_moved, ledger_moved = history != "changed in bexio", history != "changed in the shop"
    work = planner.compare(
        a_product(**{field: after if shop_moved else before}),
        KnownItem.seen(an_item(**{field: theirs if ledger_moved else item})),
        link,
    )
    return _described(field, work, back=not (shop_moved if master == "shop" else ledger_moved))


def _described(field: str, work: Work, *, back: bool) -> str:
    (decision,) = (d for d in work.decisions if d.field == field)
    if decision.direction is Direction.NOWHERE:
        assert work.step is None
        assert not work.told
        return "nothing"
    to_ledger = decision.direction is Direction.LEDGER
    written = work.step.payload["fields"] if work.step else {}
    assert (set(written), set(work.told)) == (({field}, set()) if to_ledger else (set(), {field}))
    if back:  # the other side's change is undone
        assert decision.new == _before(field, to_ledger=to_ledger)
    else:
        assert decision.new == (IN_LEDGER if to_ledger else IN_SHOP)[field]
    assert (written or work.told)[field] == decision.new
    said = {Remark.NONE: "", Remark.BOTH: ", reported", Remark.OVERWRITTEN: ", reported"}[decision.remark]
    return f"{'to bexio' if to_ledger else 'to the shop'}{' again' if back else ''}{said}"


def _before(field: str, *, to_ledger: bool) -> str:
    return "100" if (field, to_ledger) == ("price", True) else UNTOUCHED[field]


def _stock_cell(master: str, history: str) -> str:
    planner = a_planner(stock=master, stock_number="physical")
    section = planner.profile.products
    if history == "new":
        step = planner.create(a_product(stock="5"), "A-1").step
        assert step is not None
        once = "" if master == "shop" else ", once"
        return f"to bexio{once}" if step.payload.get("stock") == "5" else "left out"
    record = a_product(stock=SHOP["stock"][history != "changed in bexio"])
    item = an_item(stock=LEDGER["stock"][history != "changed in the shop"])
    work = planner.compare(record, KnownItem.seen(item), met(planner, a_product(), an_item()))
    if master == "shop":
        return _described("stock", work, back=history == "changed in bexio")
    assert not work.changes  # else products sync never writes a number of an item that is there
    if not_pulled(planner.profile):
        return "nothing"
    number = number_of(item, section)
    assert number is not None
    change = stock_change(record, wanted_stock(number, "A-1", section, "bexio"), {})
    assert change is not None
    assert (change.stock, change.expected) == (item.stock, record.stock)
    return "to the shop, by stock pull"


def as_table() -> str:
    lines = ["| field | master | " + " | ".join(HISTORIES) + " |", "|---" * (2 + len(HISTORIES)) + "|"]
    for field in FIELDS:
        for master in MASTERS:
            cells = [cell(field, master, history) for history in HISTORIES]
            lines.append(f"| {field} | {master} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells_of_the_page() -> dict[tuple[str, str, str], str]:
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = [part.strip() for part in line.strip("|").split("|")]
        if line.startswith("|") and row[0] in FIELDS and row[1] in MASTERS:
            found |= {(row[0], row[1], history): said for history, said in zip(HISTORIES, row[2:], strict=True)}
    return found


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("master", MASTERS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_cell_of_the_table(field: str, master: str, history: str) -> None:
    assert cell(field, master, history) == _cells_of_the_page()[field, master, history]


def test_the_page_has_every_cell_once() -> None:
    assert len(_cells_of_the_page()) == len(FIELDS) * len(MASTERS) * len(HISTORIES)
    rows = re.findall(rf"^\| ({'|'.join(FIELDS)}) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(FIELDS) * len(MASTERS)


if __name__ == "__main__":
    print(as_table())  # noqa: T201  to be pasted into the page
