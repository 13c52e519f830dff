"""Tables of invoices: what cancellations, refunds, payments and open amounts in their columns say of an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bexsync.money import format_amount as amount
from bexsync.records.quoting import printable
from bexsync.shops.folder.table.headers import Field
from bexsync.shops.folder.table.sheet import Row
from bexsync.shops.folder.table.values import WrongCell
from bexsync.shops.folder.table.writing import Marks, RecordWriter


class InvoiceWriter(RecordWriter):
    """Writes invoices."""

    def settle(
        self,
        value: dict[str, Any],
        marks: Marks,
        columns: Mapping[str, Field],
        rows: Sequence[Row],
        wrong: list[WrongCell],
    ) -> None:
        """A mark may make an invoice a cancelled or a paid one; a refund makes it a question."""
        _heed(marks, value, wrong)
        if value.get("paid_at") and value.get("status", "approved") in ("approved", "sent"):
            value["status"] = "paid"
        if "open_amount" in value:
            _heed_open_amount(rows[0], columns["open_amount"], value, wrong)


def _heed(marks: Marks, value: dict[str, Any], wrong: list[WrongCell]) -> None:
    """What columns such as `Storniert` or `Bezahlt am` say of the whole invoice."""
    if refunded := marks.get("refunded"):
        row, field = refunded
        wrong.append(
            WrongCell(
                row.number,
                field.header,
                "says that money was paid back, so that nobody can say what is left to book",
                "Hand over the invoice as it is after the refund, or leave it away; if the column means nothing, "
                f'ignore = ["{printable(field.header)}"] under [shop.csv] in the profile.',
            )
        )
    for name, status in (("cancelled", "cancelled"), ("paid", "paid")):
        if name in marks and value.get("status", "approved") in ("approved", "sent", "paid"):
            value["status"] = status
            return


def _heed_open_amount(row: Row, field: Field, value: dict[str, Any], wrong: list[WrongCell]) -> None:
    """What is left to pay: all of the total says nothing, nothing of it that the invoice is paid."""
    left, total = Decimal(value.pop("open_amount")), Decimal(value.get("total", 0))
    if total <= 0 or left == total or value.get("status", "approved") not in ("approved", "sent"):
        return
    if left == 0:
        value["status"] = "paid"
        return
    wrong.append(
        WrongCell(
            row.number,
            field.header,
            f"says that {amount(left)} of the total {amount(total)} is left to pay",
            "bexsync books no payments: book this invoice in the ledger by hand; if the column means something else, "
            f'ignore = ["{printable(field.header)}"] under [shop.csv] in the profile.',
        )
    )
