"""Tables of orders: the one payment that they can hold, and what only JSON can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bexsync.records.quoting import printable
from bexsync.shops.folder.table.headers import Field
from bexsync.shops.folder.table.sheet import Row
from bexsync.shops.folder.table.values import WrongCell
from bexsync.shops.folder.table.writing import Marks, RecordWriter


class OrderWriter(RecordWriter):
    """Writes orders."""

    def settle(
        self,
        value: dict[str, Any],
        marks: Marks,
        columns: Mapping[str, Field],
        rows: Sequence[Row],
        wrong: list[WrongCell],
    ) -> None:
        """A transaction of an order that is said to be paid is the payment of its total; refunds need JSON."""
        del columns, rows
        if refunded := marks.get("refunded"):
            row, field = refunded
            wrong.append(
                WrongCell(
                    row.number,
                    field.header,
                    "says that money was paid back, and a table cannot say when and for what",
                    "Hand over this order as JSON with its refunds; if the column means nothing, "
                    f'ignore = ["{printable(field.header)}"] under [shop.csv] in the profile.',
                )
            )
        transaction = value.pop("transaction_id", None)
        total = value.get("total")
        if transaction and value.get("financial_status") == "paid" and total is not None and Decimal(total) > 0:
            payment = {name: value.get(name) for name in ("paid_at", "payment_method", "currency")}
            value["payments"] = [{"shop_id": transaction, "transaction_id": transaction, "amount": total, **payment}]
