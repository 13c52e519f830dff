"""Contacts: numbers, addresses, archive, merging."""

from __future__ import annotations

from typing import Any

from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.messages import text
from bexio_sandbox.state.tables import Row, State

COMPANY, PERSON = 1, 2

# What a contact holds when nothing was said: empty texts here, null there, as recorded.
_BLANK: Row = {
    "nr": None,
    "contact_type_id": COMPANY,
    "name_1": "",
    "name_2": "",
    "salutation_id": None,
    "salutation_form": None,
    "title_id": None,
    "birthday": None,
    "street_name": None,
    "house_number": None,
    "address_addition": None,
    "postcode": "",
    "city": "",
    "country_id": None,
    "mail": "",
    "mail_second": "",
    "phone_fixed": "",
    "phone_fixed_second": "",
    "phone_mobile": "",
    "fax": "",
    "url": "",
    "skype_name": "",
    "remarks": "",
    "language_id": None,
    "is_lead": False,
    "contact_group_ids": None,
    "contact_branch_ids": None,
    "user_id": 1,
    "owner_id": 1,
    "is_archived": False,
    "updated_at": "",
}


def live(state: State, contact_id: int) -> Row:
    """Return a contact that is not archived."""
    contact = state.contacts.get(contact_id)
    if contact is None or contact["is_archived"]:
        raise not_found()
    return contact


def create(state: State, values: dict[str, Any], language: str) -> Row:
    """Adds a contact, with the next number if none is given."""
    number = values.get("nr")
    if number is None:
        number = state.counters.get("contact_nr", 0) + 1
    elif _is_taken(state, number, 0):
        raise form_error(f"nr: {text('taken', language)}")
    row = state.add("contacts", {**_BLANK, **_cleaned(values), "nr": number, "updated_at": state.now()})
    state.set_counter("contact_nr", max(number, state.counters.get("contact_nr", 0)))
    return row


def edit(state: State, contact_id: int, values: dict[str, Any], language: str) -> Row:
    """Changes the given fields of a contact."""
    contact = live(state, contact_id)
    changes = _cleaned(values)
    number = changes.get("nr")
    if number is None:
        changes.pop("nr", None)
    elif _is_taken(state, number, contact_id):
        raise form_error(f"nr: {text('taken', language)}")
    changed = state.put("contacts", {**contact, **changes, "updated_at": state.now()})
    _recount_numbers(state)
    return changed


def archive(state: State, contact_id: int, *, is_archived: bool = True) -> None:
    """Moves a contact into the archive, or back."""
    contact = state.contacts.get(contact_id)
    if contact is None or contact["is_archived"] is is_archived:
        raise not_found()
    moved = {"updated_at": state.now()} if state.behaviours["archive_moves_updated_at"] == "yes" else {}
    state.put("contacts", {**contact, "is_archived": is_archived, **moved})
    _recount_numbers(state)


def merge(state: State, keep: int, drop: int) -> None:
    """Gives all documents of one contact to another and drops it."""
    kept, dropped = live(state, keep), live(state, drop)
    for table in ("orders", "deliveries", "invoices"):
        for document in list(state.tables[table].values()):
            if document["contact_id"] == drop:
                state.put(table, {**document, "contact_id": keep})
    filled = {name: value for name, value in dropped.items() if value and not kept[name]}
    state.put("contacts", {**kept, **filled, "is_archived": False, "updated_at": state.now()})
    if state.behaviours["merge_leaves"] == "archived":
        archive(state, drop)
    else:
        state.remove("contacts", drop)
        _recount_numbers(state)


def street(row: Row) -> str | None:
    """Return street, number and addition in one line, as bexio combines them."""
    parts = [row["street_name"], row["house_number"]]
    return " ".join(part for part in parts if part) or None


def full_name(contact: Row) -> str:
    """Return the name as it stands in a letter."""
    parts = [contact["name_1"], contact["name_2"]]
    if contact["contact_type_id"] == PERSON:
        parts.reverse()
    return " ".join(part for part in parts if part)


def letter_address(state: State, contact: Row) -> str:
    """Return the address block that a document keeps from its creation on."""
    country = state.tables["countries"].get(contact["country_id"] or 0)
    lines = [
        full_name(contact),
        contact["address_addition"],
        street(contact),
        " ".join(part for part in (contact["postcode"], contact["city"]) if part),
        country["name"] if country else None,
    ]
    return "\n".join(line for line in lines if line)


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    cleaned = dict(values)
    if "titel_id" in cleaned:
        cleaned["title_id"] = cleaned.pop("titel_id")
    # A null in a text that knows no null is an empty text.
    return {name: "" if value is None and isinstance(_BLANK[name], str) else value for name, value in cleaned.items()}


def _is_taken(state: State, number: int, own_id: int) -> bool:
    if state.behaviours["contact_nr_unique"] == "no":
        return False
    return any(
        contact["nr"] == number and not contact["is_archived"] and contact["id"] != own_id
        for contact in state.contacts.values()
    )


def _recount_numbers(state: State) -> None:
    # The next number follows the highest of the live contacts, so the number of an archived one comes again.
    numbers = (contact["nr"] for contact in state.contacts.values() if not contact["is_archived"])
    state.set_counter("contact_nr", max(numbers, default=0))
