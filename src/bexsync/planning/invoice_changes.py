"""What of an invoice is booked, and what of that the shop changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bexsync.records import Invoice
from bexsync.records.customer import plain_postal_code

# What neither stands on the document nor decides who gets it: a change here is no change of what was booked.
_NOT_BOOKED = frozenset(
    {
        "updated_at", "metadata", "status", "external_id", "external_number", "external_url", "attachments",
        "email", "auto_send", "leave_as_draft", "customer.updated_at", "customer.phone", "customer.groups",
        "customer.shop_id", "customer.customer_number", "customer.vat_number", "customer.shipping_address",
        "invoice_contact.phone", "lines.metadata", "lines.line_number",
    }
)  # fmt: skip


def content(invoice: Invoice) -> str:
    """A hash of what is booked: records that differ only in what is not booked have the same."""
    text = json.dumps(sorted(_flat(invoice.canonical())), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def differences(agreed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a booked record changed, as `lines[1].unit_price: 100 -> 120`."""
    before, after = dict(_flat(agreed)), dict(_flat(now))
    return [
        f"{path}: {before.get(path, '(nothing)')} -> {after.get(path, '(nothing)')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every booked value with its path; `name` is the path without the numbers of lines."""
    if name in _NOT_BOOKED:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{path}[{number}]", name)
    elif path.endswith("postal_code"):  # links of earlier versions hold it as the shop wrote it
        yield path, plain_postal_code(str(value), "CH")
    else:
        yield path, str(value)
