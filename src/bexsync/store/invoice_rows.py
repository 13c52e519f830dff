"""What a list shows of the shop's invoices: records and links side by side, for lists of many thousands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from bexsync.ports.store import Database, Row

_AT_ONCE = 500
_STATE = ("standing", "shared", "total", "received", "remaining", "credited", "paid_date")
_RECORD = ("currency", "total", "due_date", "payment_terms_days")
_PEOPLE = ("customer", "billing_address", "customer_id")
# What filters, orders and sums need, and what is shown besides; the latter takes longer to read.
_FIGURES = ", ".join(
    (
        "listed.shop_id, records.state, records.reason, records.day, links.id AS link, number, url",
        *(f"json_extract(links.state, '$.{name}') AS {name}" for name in _STATE),
        "json_extract(links.state, '$.currency') AS currency",
        *(f"json_extract(notes, '$.{name}') AS document_{name}" for name in ("day", "due_date")),
        *(f"json_extract(body, '$.{name}') AS shop_{name}" for name in _RECORD),
    )
)
_WHOLE = ", ".join(
    (
        _FIGURES,
        "json_extract(body, '$.source_number') AS source_number",
        "json_extract(notes, '$.contact_id') AS contact_id",
        *(f"json_extract(body, '$.{name}') AS {name}" for name in _PEOPLE),
    )
)
_ALL = """
    SELECT shop_id FROM records WHERE site = ? AND kind = 'invoice'
    UNION SELECT shop_id FROM links WHERE site = ? AND kind = 'invoice'"""
_SOME = "SELECT value AS shop_id FROM json_each(?)"


class InvoiceRows:
    """The invoices of one site that the shop handed over, or that carry its name in the ledger, by their ids."""

    def __init__(self, database: Database, site: str) -> None:
        self._db = database
        self._site = site

    def all(self, *, whole: bool = False) -> Iterator[Row]:
        """All invoices, one by one; with `whole` also what only a list that is printed needs."""
        yield from self._db.stream(_question(_WHOLE if whole else _FIGURES, _ALL), *[self._site] * 4)

    def some(self, shop_ids: Iterable[str]) -> Iterator[Row]:
        """These invoices as a whole, in this order."""
        wanted = list(shop_ids)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            rows = self._db.rows(_question(_WHOLE, _SOME), json.dumps(part), self._site, self._site)
            found = {row["shop_id"]: row for row in rows}
            yield from (found[shop_id] for shop_id in part if shop_id in found)


def _question(columns: str, listed: str) -> str:
    return f"""
        SELECT {columns} FROM ({listed}) AS listed
        LEFT JOIN records ON (records.site, records.kind, records.shop_id) = (?, 'invoice', listed.shop_id)
        LEFT JOIN links ON (links.site, links.kind, links.shop_id) = (?, 'invoice', listed.shop_id)
        LEFT JOIN link_documents ON link = links.id AND role = 'main'
        WHERE records.state IS NOT NULL OR links.id IS NOT NULL
        ORDER BY listed.shop_id"""  # noqa: S608
