"""Whom an invoice is for, as far as the state says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bexsync.store import Store


class Customers:
    """Names and mails of customers; customer records are read once each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Mapping[str, Any]] = {}

    def name_and_mail(self, record: Mapping[str, Any], notes: Mapping[str, Any]) -> tuple[str, str]:
        """What the invoice says, else its customer record, its billing address, or the contact in the link's notes."""
        customer = record.get("customer") or self._customer_record(record.get("customer_id")) or {}
        name = _name(customer) or _name(record.get("billing_address") or {})
        contact = self._store.contacts.get(int(notes["contact_id"])) if not name and notes.get("contact_id") else None
        if contact is not None:
            is_person = contact.kind == "person" and contact.name_2
            name = f"{contact.name_2} {contact.name_1}" if is_person else contact.name_1
        mail = str(customer.get("email") or (contact.mail if contact else ""))
        return name or mail, mail

    def _customer_record(self, shop_id: Any) -> Mapping[str, Any]:
        if not shop_id:
            return {}
        if shop_id not in self._known:
            row = self._store.records.get("customer", str(shop_id))
            self._known[shop_id] = row.canonical() if row else {}
        return self._known[shop_id]


def _name(who: Mapping[str, Any]) -> str:
    person = " ".join(str(who[part]) for part in ("first_name", "last_name") if who.get(part))
    company = str(who.get("company_name") or who.get("company") or "")
    return person if who.get("kind") == "person" and person else company or person
