"""Texts of documents as bexio keeps them, and what of a document a person changed: compared, and as a digest."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bexsync.ledgers.bexio.api import Row

# Without the address, which bexio may take from the contact, and without what it computes.
_HEADER = (
    "title",
    "contact_id",
    "contact_sub_id",
    "currency_id",
    "header",
    "footer",
    "mwst_type",
    "mwst_is_net",
    "is_valid_from",
    "is_valid_to",
    "reference",
)
_POSITION = (
    "type",
    "text",
    "amount",
    "unit_id",
    "account_id",
    "tax_id",
    "unit_price",
    "discount_in_percent",
    "article_id",
    "is_percentual",
)
_DISCOUNT = (*_POSITION, "value")
_ARTICLE_OR_NOT = ("KbPositionArticle", "KbPositionCustom")
_NUMBERS = frozenset({"amount", "unit_price", "discount_in_percent", "value"})


def content_of(row: Row) -> str:
    """Return a digest of the header and one of the positions, "" where the answer shows no positions."""
    positions = row.get("positions")
    if not isinstance(positions, list):
        return ""
    return f"{_digest([_fields(row, _HEADER)])}.{_digest([_position(position) for position in positions])}"


def may_rewrite(row: Row, header: Row, positions: Sequence[Row], known: str) -> bool:
    """Whether a document holds nothing but what was written to it, or is about to be.

    `header` and `positions` are the forms about to be sent, `known` is the content after the last write, "" where
    nobody knows it.
    """
    header_known, _, positions_known = known.partition(".")
    header_now, _, positions_now = content_of(row).partition(".")
    same_header = header_known in ("", header_now) or _shows(row, {k: v for k, v in header.items() if k in _HEADER})
    return same_header and (positions_known == positions_now or begins_with(row, positions))


def begins_with(row: Row, positions: Sequence[Row]) -> bool:
    """Whether the positions of a document are those of these forms, or the first of them."""
    shown = row.get("positions") or []
    return len(shown) <= len(positions) and all(
        isinstance(there, Mapping) and _shows(there, sent) for there, sent in zip(shown, positions, strict=False)
    )


def says_the_same(row: Row, positions: Sequence[Row]) -> bool:
    """Whether positions begin as these forms do, whatever items they name: an item may be linked, or not any more."""
    shown = [_without_item(position) for position in row.get("positions") or []]
    return begins_with({"positions": shown}, [_without_item(position) for position in positions])


def _without_item(position: Any) -> Any:
    if not isinstance(position, Mapping) or position.get("type") not in _ARTICLE_OR_NOT:
        return position
    return {name: value for name, value in position.items() if name not in ("type", "article_id")}


def _shows(row: Row, sent: Row) -> bool:
    """Whether a row shows what was sent; what was not sent is bexio's own."""
    named = [name for name in sent if name in _HEADER or name in _DISCOUNT]
    return _fields(row, named) == _fields(sent, named)


def _position(row: Any) -> list[str]:
    if not isinstance(row, Mapping):
        return [str(row)]
    # The value of a subtotal is computed.
    return _fields(row, _DISCOUNT if row.get("type") == "KbPositionDiscount" else _POSITION)


def _fields(row: Row, names: Sequence[str]) -> list[str]:
    return [_comparable(name, row.get(name)) for name in names]


def _comparable(name: str, value: Any) -> str:
    """The value without what differs between bexio's answers: precision, blanks, and null for what is empty."""
    if value is None or value == "":
        return ""
    if name in _NUMBERS:
        return _number(str(value))
    return "".join(unmarked(str(value)).split())


def _number(text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return f"{value.normalize():f}" if value else ""


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def markup(text: str) -> str:
    """Plain text as bexio's HTML: escaped, line breaks kept."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br/>")


def unmarked(text: str) -> str:
    """bexio's HTML as plain text again, for comparing."""
    return html.unescape(text.replace("<br/>", "\n").replace("<br />", "\n").replace("<br>", "\n"))
