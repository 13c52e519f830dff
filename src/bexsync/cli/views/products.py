"""Products for a person: the fields that are to change, and the list of links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.style import Style
from rich.text import Text

from bexsync.cli.views.page import Page, Row

_MOST_FIELDS = 200
_COLOURS = {"linked": "green", "blocked": "yellow"}


def show_fields(page: Page, fields: Sequence[Mapping[str, str]], ledger: str) -> None:
    """One line a field: what stands there, what is to stand there, and whose word it is."""
    names = ("id", "sku", "field", "old", "new", "master", "remark")
    page.table(names, [_field(row, ledger) for row in fields[:_MOST_FIELDS]])
    if len(fields) > _MOST_FIELDS:
        page.line(f"… and {len(fields) - _MOST_FIELDS} more; --json shows all")
    page.line()


def _field(row: Mapping[str, str], ledger: str) -> Row:
    old, new = (" ".join(row[name].split()) for name in ("old", "new"))
    master = {"ledger": ledger, "shop": "the shop"}.get(row["master"], row["master"])
    cells = (
        Text(row["shop_id"]),
        Text(row["sku"]),
        Text(row["field"]),
        Text(old or "-", style="dim"),
        Text(new, style="cyan"),
        Text(master),
    )
    return Row(cells, Text(row["remark"], style="yellow"))


def show_products(rows: Sequence[Mapping[str, str]]) -> None:
    """One line a product, its link beside or beneath it, its error beneath."""
    page = Page()
    if not rows:
        page.line("No products are linked yet; `bexsync products sync` links them.")
    elif page.is_endless:
        names = ("id", "status", "sku", "title", "link", "error")
        page.table(names, [Row((*_standing(row), Text(row["url"])), Text(row["error"])) for row in rows])
    else:
        page.table(("id", "status", "sku", "title", "link"), [_product(row) for row in rows])
    page.show()


def _product(row: Mapping[str, str]) -> Row:
    beneath = (Text(row["error"]),) if row["error"] else ()
    return Row(_standing(row), Text(row["url"], style="dim"), beneath)


def _standing(row: Mapping[str, str]) -> tuple[Text, ...]:
    sku = Text(row["sku"], style=Style(link=row["url"]) if row["url"] and row["sku"] else "")
    return Text(row["shop_id"]), Text(row["status"], style=_COLOURS[row["status"]]), sku, Text(row["title"])
