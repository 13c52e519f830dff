"""Both directions of the mapping: our payloads to bexio's forms, bexio's rows to what we know.

Forms hold only what the contract lists (sections 3, 6.1, 6.4); bexio refuses anything else.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from bexsync.errors import Unreachable
from bexsync.ledgers.bexio.api import Row
from bexsync.money import written
from bexsync.ports import DocumentState, Done, Money, Standing
from bexsync.store.ledger_cache import ContactRow

_KINDS = {"company": 1, "person": 2}
_STANDINGS = {
    7: Standing.DRAFT,
    8: Standing.ISSUED,
    9: Standing.PAID,
    16: Standing.PARTLY_PAID,
    19: Standing.CANCELLED,
    31: Standing.UNPAID,
}
_HEADER = {
    "reference": "api_reference",
    "number": "document_nr",
    "title": "title",
    "contact_id": "contact_id",
    "contact_sub_id": "contact_sub_id",
    "user_id": "user_id",
    "language_id": "language_id",
    "bank_account_id": "bank_account_id",
    "currency_id": "currency_id",
    "date": "is_valid_from",
    "due_date": "is_valid_to",
    "customer_reference": "reference",
    "template": "template_slug",
    "address": "contact_address_manual",
}
_POSITION_TYPES = {
    "custom": "KbPositionCustom",
    "text": "KbPositionText",
    "subtotal": "KbPositionSubtotal",
}
_POSITION_FIELDS = {
    "quantity": "amount",
    "unit_id": "unit_id",
    "account_id": "account_id",
    "tax_id": "tax_id",
    "unit_price": "unit_price",
    "discount_percent": "discount_in_percent",
}


def markup(text: str) -> str:
    """Plain text as bexio's HTML: escaped, line breaks kept."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br/>")


def unmarked(text: str) -> str:
    """bexio's HTML as plain text again, for comparing."""
    return html.unescape(text.replace("<br/>", "\n").replace("<br />", "\n").replace("<br>", "\n"))


def contact_to(form: Mapping[str, Any]) -> dict[str, Any]:
    """A contact as bexio's form wants it."""
    street = form.get("street") or ""
    body: dict[str, Any] = {
        "contact_type_id": _KINDS[form["kind"]],
        "name_1": form["name_1"],
        "name_2": form["name_2"],
        "user_id": form["owner_id"],
        "owner_id": form["owner_id"],
        "mail": form["mail"],
        "phone_fixed": form["phone"],
        "postcode": form.get("postcode"),
        "city": form.get("city"),
        "street_name": street,
        "house_number": form.get("house_number") if street else None,
        "address_addition": form.get("address_addition") if street else None,
        "country_id": form.get("country_id"),
        "language_id": form.get("language_id"),
        "salutation_id": form.get("salutation_id"),
        "remarks": form.get("remarks"),
        "contact_group_ids": ",".join(str(i) for i in form.get("group_ids", ())),
    }
    return {key: value for key, value in body.items() if value not in (None, "")}


def contact_from(row: Row, *, archived: bool) -> ContactRow:
    """What matching needs of a contact; empty fields come as "" or null, postcodes once came as numbers."""
    return ContactRow(
        ledger_id=int(row["id"]),
        kind="company" if row.get("contact_type_id") == _KINDS["company"] else "person",
        name_1=_text(row.get("name_1")),
        name_2=_text(row.get("name_2")),
        mail=_text(row.get("mail")),
        mail_second=_text(row.get("mail_second")),
        postcode=_text(row.get("postcode")),
        archived=archived,
        updated_at=_text(row.get("updated_at")),
    )


def invoice_to(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The header of an invoice as bexio's form wants it; VAT mode as contract 6.2 explains it."""
    body = {theirs: payload[ours] for ours, theirs in _HEADER.items() if ours in payload}
    for part in ("header", "footer"):
        if part in payload:
            body[part] = markup(payload[part])
    body["mwst_type"] = 0 if payload["vat"] else 2
    body["mwst_is_net"] = payload["prices"] == "net"
    return body


def position_to(position: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The type of a position and its form without the type, as the position endpoints want it."""
    body: dict[str, Any] = {"text": markup(position["text"])}
    if position["type"] == "text":
        body["show_pos_nr"] = False
    for ours, theirs in _POSITION_FIELDS.items():
        if ours in position:
            body[theirs] = position[ours]
    return _POSITION_TYPES[position["type"]], body


def embedded_position(position: Mapping[str, Any]) -> dict[str, Any]:
    """A position inside the create of a document, where bexio wants its type."""
    kind, body = position_to(position)
    return {"type": kind, **body}


def segment(position_type: str) -> str:
    """The path segment of a type: KbPositionCustom -> kb_position_custom."""
    return f"kb_position_{position_type.removeprefix('KbPosition').lower()}"


def document_from(row: Row, web_url: str) -> DocumentState:
    """A document as bexio shows it; a list or search shows no positions."""
    try:
        standing = _STANDINGS[row["kb_item_status_id"]]
        positions = row.get("positions")
        return DocumentState(
            ledger_id=int(row["id"]),
            number=_text(row["document_nr"]),
            url=f"{web_url}/index.php/kb_invoice/show/id/{row['id']}",
            reference=_text(row.get("api_reference")),
            standing=standing,
            total=Decimal(str(row["total"])),
            received=_amount(row.get("total_received_payments")),
            credited=_amount(row.get("total_credit_vouchers")),
            remaining=_amount(row.get("total_remaining_payments")),
            shared=bool(row.get("network_link")),
            contact_id=row.get("contact_id"),
            currency_id=row.get("currency_id"),
            due_date=_text(row.get("is_valid_to")),
            updated_at=_text(row.get("updated_at")),
            positions=len(positions) if isinstance(positions, list) else None,
            texts=tuple(unmarked(_text(p.get("text"))) for p in positions) if isinstance(positions, list) else (),
            day=_text(row.get("is_valid_from")),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as problem:
        raise Unreachable(
            f"bexio shows the invoice {row.get('id')} in a way bexsync does not understand ({problem!r}).",
            "Look at it in bexio; if it is in order, report this.",
            code="bad_answer",
        ) from problem


def document_done(state: DocumentState) -> Done:
    """An effect whose answer is the document."""
    data = {"shared": "yes" if state.shared else "no", "total": written(state.total)}
    return Done(state.ledger_id, state.number, state.url, state, data=data)


def payment_from(row: Row) -> Money:
    """A payment of an invoice."""
    return Money(int(row["id"]), Decimal(str(row["value"])), _text(row.get("date")))


def _amount(value: Any) -> Decimal:
    return Decimal(str(value)) if value is not None else Decimal(0)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
