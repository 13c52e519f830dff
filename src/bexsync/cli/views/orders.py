"""The list of orders, and the table of what happens to an order by its status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.page import Page, Row
from bexsync.cli.views.text import coloured_status, linked_number
from bexsync.money import format_amount

if TYPE_CHECKING:
    from bexsync.admin.credit_list import ListedCredit
    from bexsync.admin.order_list import ListedDocument, ListedOrder, OrderList
    from bexsync.planning.order_actions import Matrix, MatrixRow

_NAMES = ("id", "number", "customer", "date", "cur", "total", "status", "documents", "paid", "open")
_RIGHT = ("total", "paid", "open")
_DROPPED = ("number", "date", "cur", "paid")
_CANCELLED, _DELETED = "cancelled", "deleted"


def orders_data(found: OrderList) -> dict[str, Any]:
    """The list for a script."""
    return {
        "orders": [asdict(row) for row in found.rows],
        "found": found.found,
        "open": {currency: format_amount(amount) for currency, amount in found.open.items()},
    }


def show_orders(found: OrderList) -> None:
    """One line an order, with why it does not go on beneath it, and what is open per currency in the end."""
    page = Page()
    if not found.rows:
        page.line(f"{found.found} orders, none of them shown." if found.found else "No orders.")
    elif page.is_endless:
        rows = [Row((*_cells(row), Text(_links(row))), Text(row.error)) for row in found.rows]
        page.table((*_NAMES, "links", "error"), rows, right=_RIGHT)
    else:
        rows = [Row(_cells(row), Text(), (Text(row.error),) if row.error else ()) for row in found.rows]
        page.table((*_NAMES, ""), rows, right=_RIGHT, shorten=("customer", "id"), drop=_DROPPED)
    for currency, amount in found.open.items():
        page.line(f"{currency}: {format_amount(amount)} open.")
    if len(found.rows) < found.found and found.rows:
        page.line(f"{len(found.rows)} of {found.found} are shown.")
    page.show()


def _cells(row: ListedOrder) -> tuple[Text, ...]:
    return (
        Text(row.shop_id),
        Text(row.order_number),
        Text(row.customer),
        Text(row.date),
        Text(row.currency),
        Text(row.total),
        coloured_status(row.status),
        Text(", ").join(_document(document) for document in row.documents),
        Text(row.paid),
        Text(row.open if row.open != "0.00" else ""),
    )


def _document(document: ListedDocument) -> Text:
    """Its number, with a word where it no longer counts; what was deleted has no page any more."""
    if document.standing == _DELETED:
        return Text(f"{document.number} (deleted)")
    number = linked_number(document.number, document.url)
    return Text.assemble(number, " (cancelled)") if document.standing == _CANCELLED else number


def _links(row: ListedOrder) -> str:
    return " ".join(one.url for one in row.documents if one.url and one.standing != _DELETED)


def rules_data(table: Matrix, *, is_enabled: bool) -> dict[str, Any]:
    """The table for a script; an empty list of methods, goods or countries means any."""
    rows = [
        {
            "status": row.status,
            "payment_methods": list(row.payment_methods),
            "goods": list(row.goods),
            "countries": list(row.countries),
            "actions": None if row.decision is None else list(row.decision.actions),
            "source": "" if row.decision is None else row.decision.source,
        }
        for row in table.rows
    ]
    return {
        "enabled": is_enabled,
        "rules": rows,
        "payment_methods": list(table.payment_methods),
        "without_rule": list(table.without_rule),
        "attention": list(table.attention),
    }


def show_rules(table: Matrix, *, is_enabled: bool) -> None:
    """One line for each of what can happen, and what a person should look at."""
    page = Page()
    if not table.rows:
        page.line("No order has come in yet, and [orders.actions] names no status.")
    else:
        rows = [Row(_rule_cells(row), Text(row.decision.source if row.decision else "")) for row in table.rows]
        page.table(("status", "paid by", "goods", "country", "what happens", "by"), rows, shorten=("paid by",))
    if table.payment_methods:
        page.line()
        page.line(f"Payment methods: {', '.join(table.payment_methods)}.")
    for sentence in table.attention:
        page.line(Text(sentence, style="yellow"))
    if table.without_rule:
        page.line(f"Without a rule, so that nothing happens: {', '.join(table.without_rule)}.")
    if not is_enabled:
        page.line("[orders] enabled is false, so none of this is done.")
    page.show()


def _rule_cells(row: MatrixRow) -> tuple[Text, ...]:
    actions = "nothing, no rule" if row.decision is None else ", ".join(row.decision.actions) or "nothing"
    return (
        Text(row.status),
        Text(_any_of(row.payment_methods, "others")),
        Text(_any_of(row.goods, "others")),
        Text(_any_of(row.countries, "others")),
        Text(actions, style="" if row.decision else "yellow"),
    )


def _any_of(names: tuple[str, ...], rest: str) -> str:
    return ", ".join(name or rest for name in names) or "any"


def credits_data(found: Sequence[ListedCredit]) -> dict[str, Any]:
    """The credits for a script."""
    return {"refunds": [asdict(one) for one in found]}


def show_credits(found: Sequence[ListedCredit], ledger: str) -> None:
    """A block each: what to credit on which invoice, per account and tax, with the link to it."""
    page = Page()
    if not found:
        page.line("No refund and no credit note waits.")
    for one in found:
        kind = one.kind.replace("_", " ")
        heading = Text(f"{one.id}", style="bold") + Text(f"  {kind} of {one.of}, {one.date}")
        page.line(
            heading + Text(f"  {one.currency} {one.amount}") + Text(f"  {one.state.replace('_', ' ')}", style="dim")
        )
        for part in one.parts:
            vat = f"{part['vat']} of it VAT at {part['rate']} % ({part['tax_code']})" if part["tax_code"] else "no VAT"
            page.line(f"{part['total']} on account {part['account']}, {vat}", indent=4)
        if one.shared:
            page.line("These are shares of the order's rates, since the shop names no lines.", indent=4)
        if one.message and not one.parts:
            page.line(one.message, indent=4)
        if one.reason:
            page.line(f"Reason: {one.reason}", indent=4)
        page.line(
            f"→ credit {one.number} in {ledger}: {one.url}" if one.url else "→ its invoice is not known", indent=4
        )
    page.show()
