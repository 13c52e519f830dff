"""Both directions of the mapping: our payloads to bexio's forms, bexio's rows to what we know.

Forms hold only what the contract lists (sections 3, 6.1, 6.4); bexio refuses anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Row, moment_of
from bexsync.ledgers.bexio.contents import content_of, markup, unmarked
from bexsync.ledgers.bexio.models import ContactAnswer, ContactName, DocumentAnswer, PaymentAnswer, PositionAnswer
from bexsync.ledgers.bexio.reading import NotUnderstood, row_of, understood
from bexsync.money import format_amount
from bexsync.ports.contact_effects import CreateContact, EditContact
from bexsync.ports.document_effects import AddressedHeader, Position
from bexsync.ports.documents import DocumentState, EffectResult, Payment
from bexsync.ports.steps import to_wire
from bexsync.ports.store import ContactRow, PostalAddress

_KINDS = {"company": 1, "person": 2}
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
_CONTACT_FIELDS = {
    "name_1": "name_1",
    "name_2": "name_2",
    "mail": "mail",
    "phone": "phone_fixed",
    "street": "street_name",
    "house_number": "house_number",
    "address_addition": "address_addition",
    "postcode": "postcode",
    "city": "city",
    "country_id": "country_id",
    "language_id": "language_id",
}
_POSITION_TYPES = {
    "custom": "KbPositionCustom",
    "article": "KbPositionArticle",
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
    "item_id": "article_id",
}


def contact_to(effect: CreateContact) -> dict[str, Any]:
    """A contact as bexio's form wants it."""
    body: dict[str, Any] = {
        "contact_type_id": _KINDS[effect.kind],
        "name_1": effect.name_1,
        "name_2": effect.name_2,
        "user_id": effect.owner_id,
        "owner_id": effect.owner_id,
        "nr": effect.nr,
        "mail": effect.mail,
        "phone_fixed": effect.phone,
        "postcode": effect.postcode,
        "city": effect.city,
        "street_name": effect.street,
        "house_number": effect.house_number if effect.street else None,
        "address_addition": effect.address_addition if effect.street else None,
        "country_id": effect.country_id,
        "language_id": effect.language_id,
        "salutation_id": effect.salutation_id,
        "remarks": effect.remarks,
        "contact_group_ids": ",".join(str(i) for i in effect.group_ids or ()),
    }
    return {key: to_wire(value) for key, value in body.items() if value not in (None, "")}


def contact_edit_to(effect: EditContact) -> dict[str, Any]:
    """Changed fields of a contact, with the four that every edit repeats (contract 2.1)."""
    return {
        "contact_type_id": _KINDS[effect.kind],
        "name_1": effect.name_1,
        "user_id": effect.user_id.wire,
        "owner_id": effect.owner_id.wire,
        **{theirs: effect.fields[ours] for ours, theirs in _CONTACT_FIELDS.items() if ours in effect.fields},
    }


def contact_from(row: Row, *, archived: bool) -> ContactRow:
    """What matching needs of a contact."""
    with understood(f"the contact {_name(row)}"):
        found = ContactAnswer.read(row)
    return ContactRow(
        ledger_id=LedgerId(found.id),
        kind="company" if found.contact_type_id == _KINDS["company"] else "person",
        name_1=found.name_1,
        name_2=found.name_2,
        mail=found.mail,
        mail_second=found.mail_second,
        archived=archived,
        updated_at=found.updated_at,
        nr=str(found.nr) if isinstance(found.nr, str | int) else "",
        address=PostalAddress(
            street=found.street,
            house_number=found.house_number,
            addition=found.address_addition,
            postcode=found.postcode,
            city=found.city,
            country_id=LedgerId.known(found.country_id),
        ),
        language_id=LedgerId.known(found.language_id),
        phone=found.phone_fixed,
        phone_mobile=found.phone_mobile,
        user_id=LedgerId.known(found.user_id or None),
        owner_id=LedgerId.known(found.owner_id or None),
    )


def is_same_contact(row: Any, effect: CreateContact) -> bool:
    """Whether an answer shows the contact that was sent; bexio may tidy up blanks."""
    body = contact_to(effect)
    return row_of(row).get("contact_type_id") == body["contact_type_id"] and (
        "".join(ContactName.read(row).name_1.split()) == "".join(body["name_1"].split())
    )


def invoice_to(header: AddressedHeader) -> dict[str, Any]:
    """The header of an invoice as bexio's form wants it; VAT mode as contract 6.2 explains it."""
    said = header.to_wire()
    body = {theirs: said[ours] for ours, theirs in _HEADER.items() if ours in said}
    for part in ("header", "footer"):
        if part in said:
            body[part] = markup(said[part])
    body["mwst_type"] = 0 if header.vat else 2
    body["mwst_is_net"] = header.prices == "net"
    return body


def position_to(position: Position) -> tuple[str, dict[str, Any]]:
    """The type of a position and its form without the type, as the position endpoints want it."""
    body: dict[str, Any] = {"text": markup(position.text)}
    if position.type == "text":
        body["show_pos_nr"] = False
    said = position.to_wire()
    body |= {theirs: said[ours] for ours, theirs in _POSITION_FIELDS.items() if ours in said}
    return _POSITION_TYPES[position.type], body


def embedded_position(position: Position) -> dict[str, Any]:
    """A position inside the create of a document, where bexio wants its type."""
    kind, body = position_to(position)
    return {"type": kind, **body}


def segment(position_type: str) -> str:
    """The path segment of a type: KbPositionCustom -> kb_position_custom."""
    return f"kb_position_{position_type.removeprefix('KbPosition').lower()}"


def document_from(row: Row, web_url: str) -> DocumentState:
    """A document as bexio shows it; a list or search shows no positions."""
    with understood(f"the invoice {_name(row)}"):
        found = DocumentAnswer.read(row)
    texts = None if found.positions is None else tuple(unmarked(position.text) for position in found.positions)
    return DocumentState(
        ledger_id=LedgerId(found.id),
        number=found.document_nr,
        url=f"{web_url}/index.php/kb_invoice/show/id/{found.id}",
        reference=found.api_reference,
        standing=found.kb_item_status_id,
        total=found.total,
        received=found.total_received_payments,
        credited=found.total_credit_vouchers,
        remaining=found.total_remaining_payments,
        shared=bool(found.network_link),
        contact_id=LedgerId(found.contact_id),
        currency_id=LedgerId(found.currency_id),
        due_date=found.is_valid_to,
        updated_at=moment_of(found.updated_at),
        positions=None if texts is None else len(texts),
        texts=texts or (),
        day=found.is_valid_from,
        content=content_of(row),
        address=found.contact_address,
    )


def document_of(ledger_id: LedgerId, row: Row, web_url: str) -> DocumentState:
    """A document as bexio shows it, which must be the one that was asked for."""
    state = document_from(row, web_url)
    with understood(f"the invoice {ledger_id}"):
        if state.ledger_id != ledger_id:
            raise NotUnderstood(f"it is the invoice {state.ledger_id}")
    return state


def positions_of(row: Row) -> list[tuple[str, int]]:
    """Type and id of each position of a document."""
    with understood(f"the positions of the invoice {_name(row)}"):
        found = [PositionAnswer.read(position) for position in row_of(row).get("positions") or ()]
    return [(position.type, position.id) for position in found]


def _name(row: Any) -> str:
    found = row.get("id") if isinstance(row, Mapping) else None
    return str(found) if isinstance(found, int) and 0 < found < 2**53 else "of an unknown id"


def document_done(state: DocumentState) -> EffectResult:
    """An effect whose answer is the document."""
    data = {
        "shared": "yes" if state.shared else "no",
        "total": format_amount(state.total),
        "content": state.content,
        "due_date": state.due_date,
    }
    return EffectResult(state.ledger_id, state.number, state.url, state, data=data)


def payment_from(row: Row) -> Payment:
    """A payment of an invoice."""
    with understood("a payment"):
        found = PaymentAnswer.read(row)
    account = LedgerId.known(found.bank_account_id or None)
    return Payment(LedgerId(found.id), found.value, found.date.isoformat(), account)
