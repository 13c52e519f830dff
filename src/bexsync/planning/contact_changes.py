"""What of a known contact differs from the shop's customer, what of that may be written, and what is only reported."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bexsync.config.profile import UpdateContacts
from bexsync.ids import LedgerId
from bexsync.planning.addresses import address_of, full_name, is_same_place, one_line
from bexsync.planning.contact_matching import Candidate
from bexsync.ports.master_data import Named
from bexsync.ports.steps import to_wire
from bexsync.records.customer import plain_postal_code
from bexsync.records.folding import alike

_ADDRESS = ("street", "house_number", "address_addition", "postcode", "city", "country_id")
_GROUPS = {
    "name": ("name_1", "name_2"),
    "mail": ("mail",),
    "phone": ("phone",),
    "language": ("language_id",),
    "address": _ADDRESS,
}
_SAME_DIGITS = 9  # of a telephone number: what is left without +41 or 0


class KnownContact(Candidate, Protocol):
    """A contact of the ledger with all that is compared."""

    @property
    def ledger_id(self) -> LedgerId: ...
    @property
    def mail(self) -> str: ...
    @property
    def mail_second(self) -> str: ...
    @property
    def language_id(self) -> LedgerId | None: ...
    @property
    def phone(self) -> str: ...
    @property
    def phone_mobile(self) -> str: ...
    @property
    def user_id(self) -> LedgerId | None: ...
    @property
    def owner_id(self) -> LedgerId | None: ...
    @property
    def written(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Changes:
    """Fields to write and the parts of a contact they are, and for a person what stays different."""

    fields: Mapping[str, Any]
    parts: tuple[str, ...]
    left: str

    @property
    def digest(self) -> str:
        """A short name for just these differences, "" where there are none."""
        return hashlib.sha256(self.left.encode()).hexdigest()[:16] if self.left else ""


def changes(
    row: KnownContact,
    form: Mapping[str, Any],
    *,
    may_write: frozenset[str],
    update: UpdateContacts,
    languages: Sequence[Named],
    ledger: str,
) -> Changes:
    """Compare a contact with the form of the customer; `may_write` names the parts of which the shop is sure."""
    now = _as_form(row)
    fields: dict[str, Any] = {}
    parts: list[str] = []
    left: list[str] = []
    for part, keys in _GROUPS.items():
        if not _differs(part, row, form):
            continue
        ours = update == "always" or (update == "own" and _is_ours(row, now, keys))
        if part in may_write and ours:
            fields |= {key: form.get(key, "" if key != "country_id" else None) for key in keys}
            parts.append(part)
        else:
            left.append(f'{part} "{_shown(part, now, languages)}" (shop: "{_shown(part, form, languages)}")')
    said = f"contact {row.ledger_id} in {ledger} differs and stays as it is: {', '.join(left)}" if left else ""
    return Changes(fields, tuple(parts), said)


def _as_form(row: KnownContact) -> dict[str, Any]:
    address = row.address
    return {
        "name_1": row.name_1,
        "name_2": row.name_2,
        "mail": row.mail,
        "phone": row.phone,
        "language_id": to_wire(row.language_id),
        "street": address.street,
        "house_number": address.house_number,
        "address_addition": address.addition,
        "postcode": address.postcode,
        "city": address.city,
        "country_id": to_wire(address.country_id),
    }


def _differs(part: str, row: KnownContact, form: Mapping[str, Any]) -> bool:
    match part:
        case "name":
            return not alike(f"{row.name_1} {row.name_2}", f"{form['name_1']} {form['name_2']}")
        case "mail":
            return bool(form["mail"]) and form["mail"].casefold() not in (row.mail, row.mail_second)
        case "phone":
            known = {_digits(row.phone), _digits(row.phone_mobile)}
            return bool(_digits(form["phone"])) and _digits(form["phone"]) not in known
        case "language":
            return form["language_id"] is not None and form["language_id"] != to_wire(row.language_id)
        case _:
            wanted = address_of(form)
            same = is_same_place(row.address, wanted) and alike(row.address.addition, wanted.addition)
            return not wanted.is_empty and not same


def _digits(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit())[-_SAME_DIGITS:]


def _is_ours(row: KnownContact, now: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether bexsync wrote the contact, and these fields say what it wrote."""
    return bool(row.written) and all(_plain(key, row.written.get(key)) == _plain(key, now[key]) for key in keys)


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, str):
        value = " ".join(value.split())
        return plain_postal_code(value) if key == "postcode" else value.casefold() if key == "mail" else value
    return value or ""


def _shown(part: str, form: Mapping[str, Any], languages: Sequence[Named]) -> str:
    match part:
        case "name":
            return full_name(form["name_2"], form["name_1"])
        case "address":
            return one_line(address_of(form))
        case "language":
            return next((row.name for row in languages if row.id.wire == form["language_id"]), "")
        case _:
            return str(form[part])
