"""Whether a table holds invoices or orders: as the profile says, else as its columns tell without doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bexsync.records.quoting import printable
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.settings import CsvSection
from bexsync.shops.folder.table.decisive import INVOICE_KINDS, Kind
from bexsync.shops.folder.table.headers import fields_in
from bexsync.shops.folder.table.order_vocabulary import ORDER_KINDS, ORDERS
from bexsync.shops.folder.table.vocabulary import INVOICES, Vocabulary


@dataclass(frozen=True)
class TableKind:
    """A sort of table: what its records are, which columns are its key, and which no other sort has."""

    kind: str
    number: str
    vocabulary: Vocabulary
    doubts: tuple[Kind, ...]
    telling: tuple[str, ...]


INVOICE_TABLE = TableKind("invoice", "number", INVOICES, INVOICE_KINDS, ("number", "invoice_date"))
ORDER_TABLE = TableKind("order", "order_number", ORDERS, ORDER_KINDS, ("ordered_at", "order_number"))
# Knows the columns of both, before it is known which of them a table is.
EITHER = Vocabulary(
    {**ORDERS.columns, **INVOICES.columns},
    {
        name: (*INVOICES.synonyms.get(name, ()), *ORDERS.synonyms.get(name, ()))
        for name in {*ORDERS.columns, *INVOICES.columns}
    },
    {**ORDERS.ambiguous, **INVOICES.ambiguous},
    needed=(),
)


def kind_of_table(headers: Sequence[str], settings: CsvSection) -> TableKind:
    """What the rows under these headers are; raises UnusableFile where they may be either.

    A table that has all that invoices need is one of invoices, and the same of orders; one that has all of neither is
    what more of its columns tell, so that its error names what is missing.
    """
    tables = (INVOICE_TABLE, ORDER_TABLE)
    if settings.kind:
        return next(table for table in tables if table.kind == settings.kind)
    found = {table.kind: fields_in(headers, settings.columns, table.vocabulary) for table in tables}
    complete = [table for table in tables if _is_complete(table, found[table.kind])]
    if len(complete) > 1:
        invoice, order = (_telling(table, found[table.kind]) for table in tables)
        raise UnusableFile(
            f"may hold invoices, by its column `{printable(invoice)}`, or orders, by its column `{printable(order)}`",
            'Say which under [shop.csv] in the profile: kind = "invoice" or kind = "order".',
        )
    if complete:
        return complete[0]
    counts = {table.kind: sum(name in found[table.kind] for name in table.telling) for table in tables}
    return ORDER_TABLE if counts["order"] > counts["invoice"] else INVOICE_TABLE


def _is_complete(table: TableKind, found: dict[str, str]) -> bool:
    return all(any(name in found for name in names) for names in table.vocabulary.needed if names != ("currency",))


def _telling(table: TableKind, found: dict[str, str]) -> str:
    return next((found[name] for name in (*table.telling, "shop_id") if name in found), "")
