"""Contacts, their groups, relations and further addresses."""

from __future__ import annotations

import re
from typing import Any

from bexio_sandbox import serializers
from bexio_sandbox.api.call import Answer, Call, Route, as_it_is, listed, searched, success, tagged
from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.forms import (
    LONG,
    Field,
    Form,
    Refused,
    day,
    integer_or_null,
    mail,
    one_of,
    or_null,
    reference,
    references,
    set_reference,
    text,
)
from bexio_sandbox.limits import SEARCH_AND_PDF
from bexio_sandbox.messages import text as message
from bexio_sandbox.search import ID_LIST, MAIL, MOMENT, NUMBER, TEXT, Searchable
from bexio_sandbox.state import contacts
from bexio_sandbox.state.tables import Row, State

SHOW, EDIT = "contact_show", "contact_edit"


def _contact_number(value: Any, _: State) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value)) or int(value) == 0:
        raise Refused
    return int(value)


_WRITABLE = {
    "nr": Field(_contact_number),
    "contact_type_id": Field(one_of(contacts.COMPANY, contacts.PERSON), is_required=True),
    "name_1": Field(text(80), is_required=True),
    "name_2": Field(text(80)),
    "salutation_id": Field(reference("salutations")),
    "salutation_form": Field(integer_or_null),
    "birthday": Field(or_null(day)),
    "street_name": Field(text()),
    "house_number": Field(text(20)),
    "address_addition": Field(text()),
    "postcode": Field(text(20)),
    "city": Field(text(80)),
    "country_id": Field(reference("countries")),
    "mail": Field(mail),
    "mail_second": Field(mail),
    "phone_fixed": Field(text(80)),
    "phone_fixed_second": Field(text(80)),
    "phone_mobile": Field(text(80)),
    "fax": Field(text(80)),
    "url": Field(text()),
    "skype_name": Field(text(80)),
    "remarks": Field(text(LONG)),
    "language_id": Field(reference("languages")),
    "contact_group_ids": Field(references("contact_groups")),
    "contact_branch_ids": Field(references("contact_branches")),
    "user_id": Field(set_reference("users"), is_required=True),
    "owner_id": Field(set_reference("users"), is_required=True),
}
_TITLE = Field(reference("titles"))
_FORMS = {
    "titel_id": Form({**_WRITABLE, "titel_id": _TITLE}),
    "title_id": Form({**_WRITABLE, "title_id": _TITLE}),
    "both": Form({**_WRITABLE, "titel_id": _TITLE, "title_id": _TITLE}),
}
_SEARCH = Searchable(
    {
        "id": NUMBER,
        "name_1": TEXT,
        "name_2": TEXT,
        "nr": NUMBER,
        "address": TEXT,
        "mail": MAIL,
        "mail_second": MAIL,
        "postcode": TEXT,
        "city": TEXT,
        "country_id": NUMBER,
        "contact_group_ids": ID_LIST,
        "contact_type_id": NUMBER,
        "updated_at": MOMENT,
        "user_id": NUMBER,
        "phone_fixed": TEXT,
        "phone_mobile": TEXT,
        "fax": TEXT,
    },
    ("id", "nr", "name_1", "updated_at"),
)


def _wants_archived(call: Call) -> bool:
    return call.query.get("show_archived", "").lower() in ("true", "1")


def _visible(call: Call) -> list[Row]:
    is_archived = _wants_archived(call)
    return [row for row in call.state.contacts.values() if row["is_archived"] is is_archived]


def _shown(row: Row) -> Row:
    return serializers.contact(row, serializers.READ, is_single=False)


def list_contacts(call: Call) -> Answer:
    """Lists contacts, the archived ones only on request and alone."""
    return listed(call, _visible(call), _SEARCH, _shown)


def search_contacts(call: Call) -> Answer:
    """Searches contacts."""
    rows = ({**row, "address": contacts.street(row)} for row in _visible(call))
    return searched(call, rows, _SEARCH, _shown)


def show_contact(call: Call, contact_id: int) -> Answer:
    """Shows a contact with its picture."""
    row = call.state.contacts.get(contact_id)
    if row is None or row["is_archived"] is not _wants_archived(call):
        raise not_found()
    return tagged(serializers.contact(row, serializers.READ, is_single=True), row)


def create_contact(call: Call) -> Answer:
    """Creates a contact."""
    row = contacts.create(call.state, _new_contact(call, call.body), call.language)
    return tagged(serializers.contact(row, serializers.FRESH, is_single=True), row, 201)


def create_many(call: Call) -> Answer:
    """Creates several contacts, or none if one of them is refused."""
    if not isinstance(call.body, list):
        raise form_error(f"global: {message('invalid', call.language)}")
    rows = [contacts.create(call.state, _new_contact(call, each), call.language) for each in call.body]
    return Answer([serializers.contact(row, serializers.FRESH, is_single=False) for row in rows], 201)


def edit_contact(call: Call, contact_id: int) -> Answer:
    """Edits the sent fields of a contact."""
    current = contacts.live(call.state, contact_id)
    is_lenient = call.state.behaviours["contact_edit_required"] == "none"
    values = _form(call).read(call.body, call.state, call.language, is_edit=is_lenient)
    _refuse_house_without_street({**current, **values})
    row = contacts.edit(call.state, contact_id, values, call.language)
    return tagged(serializers.contact(row, serializers.EDITED, is_single=True), row)


def archive_contact(call: Call, contact_id: int) -> Answer:
    """Moves a contact into the archive."""
    contacts.archive(call.state, contact_id)
    return success()


def restore_contact(call: Call, contact_id: int) -> Answer:
    """Brings a contact back from the archive."""
    contacts.archive(call.state, contact_id, is_archived=False)
    return success()


def _form(call: Call) -> Form:
    return _FORMS[call.state.behaviours["contact_title_field"]]


def _new_contact(call: Call, body: Any) -> dict[str, Any]:
    values = _form(call).read(body, call.state, call.language)
    _refuse_house_without_street(values)
    return values


def _refuse_house_without_street(values: dict[str, Any]) -> None:
    if values.get("street_name"):
        return
    lonely = [name for name in ("house_number", "address_addition") if values.get(name)]
    if lonely:
        raise form_error(*(f"{name}: street_name is needed too." for name in lonely))


_GROUP_FORM = Form({"name": Field(text(), is_required=True)})
_GROUP_SEARCH = Searchable({"name": TEXT}, ("id", "name"))


def list_groups(call: Call) -> Answer:
    """Lists contact groups."""
    return listed(call, call.state.tables["contact_groups"].values(), _GROUP_SEARCH, as_it_is)


def search_groups(call: Call) -> Answer:
    """Searches contact groups."""
    return searched(call, call.state.tables["contact_groups"].values(), _GROUP_SEARCH, as_it_is)


def show_group(call: Call, group_id: int) -> Answer:
    """Shows a contact group."""
    return Answer(_existing(call, "contact_groups", group_id))


def create_group(call: Call) -> Answer:
    """Creates a contact group."""
    values = _GROUP_FORM.read(call.body, call.state, call.language)
    return Answer(call.state.add("contact_groups", values), 201)


def edit_group(call: Call, group_id: int) -> Answer:
    """Renames a contact group."""
    current = _existing(call, "contact_groups", group_id)
    values = _GROUP_FORM.read(call.body, call.state, call.language)
    return Answer(call.state.put("contact_groups", {**current, **values}))


def delete_group(call: Call, group_id: int) -> Answer:
    """Deletes a contact group and takes its contacts out of it."""
    _existing(call, "contact_groups", group_id)
    for contact in list(call.state.contacts.values()):
        groups = (contact["contact_group_ids"] or "").split(",")
        if str(group_id) in groups:
            left = ",".join(group for group in groups if group != str(group_id)) or None
            call.state.put("contacts", {**contact, "contact_group_ids": left})
    call.state.remove("contact_groups", group_id)
    return success()


_BRANCH_SEARCH = Searchable({"name": TEXT}, ("id", "name"))


def list_branches(call: Call) -> Answer:
    """Lists sectors."""
    return listed(call, call.state.tables["contact_branches"].values(), _BRANCH_SEARCH, as_it_is)


def search_branches(call: Call) -> Answer:
    """Searches sectors."""
    return searched(call, call.state.tables["contact_branches"].values(), _BRANCH_SEARCH, as_it_is)


_LIVE_CONTACT = set_reference("contacts", lambda row: not row["is_archived"])
_RELATION_FORM = Form(
    {
        "contact_id": Field(_LIVE_CONTACT, is_required=True),
        "contact_sub_id": Field(_LIVE_CONTACT, is_required=True),
        "description": Field(text()),
    }
)
_RELATION_SEARCH = Searchable(
    {"contact_id": NUMBER, "contact_sub_id": NUMBER, "updated_at": MOMENT},
    ("id", "contact_id", "contact_sub_id", "updated_at"),
)


def list_relations(call: Call) -> Answer:
    """Lists relations between contacts."""
    return listed(call, call.state.tables["contact_relations"].values(), _RELATION_SEARCH, as_it_is)


def search_relations(call: Call) -> Answer:
    """Searches relations between contacts."""
    return searched(call, call.state.tables["contact_relations"].values(), _RELATION_SEARCH, as_it_is)


def show_relation(call: Call, relation_id: int) -> Answer:
    """Shows a relation."""
    row = _existing(call, "contact_relations", relation_id)
    return tagged(row, row)


def create_relation(call: Call) -> Answer:
    """Relates two contacts."""
    values = _RELATION_FORM.read(call.body, call.state, call.language)
    ordered = {name: values.get(name) for name in ("contact_id", "contact_sub_id")}
    description = values.get("description") or ""
    stamp = {"updated_at": call.state.now()}
    row = call.state.add("contact_relations", {**ordered, "description": description, **stamp})
    return tagged(row, row, 201)


def edit_relation(call: Call, relation_id: int) -> Answer:
    """Changes a relation."""
    current = _existing(call, "contact_relations", relation_id)
    values = _RELATION_FORM.read(call.body, call.state, call.language)
    if values.get("description", "") is None:
        values["description"] = ""
    row = call.state.put("contact_relations", {**current, **values, "updated_at": call.state.now()})
    return tagged(row, row)


def delete_relation(call: Call, relation_id: int) -> Answer:
    """Deletes a relation."""
    _existing(call, "contact_relations", relation_id)
    call.state.remove("contact_relations", relation_id)
    return success()


_ADDRESS_FORM = Form(
    {
        "name": Field(text(), is_required=True),
        "name_addition": Field(text()),
        "street_name": Field(text()),
        "house_number": Field(text(20)),
        "address_addition": Field(text()),
        "postcode": Field(text(20)),
        "city": Field(text(80)),
        "country_id": Field(reference("countries")),
        "subject": Field(text()),
        "description": Field(text(LONG)),
    }
)
_ADDRESS_SEARCH = Searchable(
    {"name": TEXT, "address": TEXT, "postcode": TEXT, "city": TEXT, "country_id": NUMBER, "subject": TEXT},
    ("id", "name"),
)


def _addresses(call: Call, contact_id: int) -> list[Row]:
    contacts.live(call.state, contact_id)
    rows = call.state.tables["additional_addresses"].values()
    return [row for row in rows if row["contact_id"] == contact_id]


def _address(call: Call, contact_id: int, address_id: int) -> Row:
    for row in _addresses(call, contact_id):
        if row["id"] == address_id:
            return row
    raise not_found()


def list_addresses(call: Call, contact_id: int) -> Answer:
    """Lists the further addresses of a contact."""
    return listed(call, _addresses(call, contact_id), _ADDRESS_SEARCH, serializers.additional_address)


def search_addresses(call: Call, contact_id: int) -> Answer:
    """Searches the further addresses of a contact."""
    rows = ({**row, "address": contacts.street(row)} for row in _addresses(call, contact_id))
    return searched(call, rows, _ADDRESS_SEARCH, serializers.additional_address)


def show_address(call: Call, contact_id: int, address_id: int) -> Answer:
    """Shows a further address."""
    row = _address(call, contact_id, address_id)
    return tagged(serializers.additional_address(row), row)


def create_address(call: Call, contact_id: int) -> Answer:
    """Adds a further address to a contact."""
    contacts.live(call.state, contact_id)
    values = _ADDRESS_FORM.read(call.body, call.state, call.language)
    _refuse_house_without_street(values)
    blank = dict.fromkeys(_ADDRESS_FORM.fields)
    stamp = {"updated_at": call.state.now()}
    row = call.state.add("additional_addresses", {"contact_id": contact_id, **blank, **values, **stamp})
    return tagged(serializers.additional_address(row), row, 201)


def edit_address(call: Call, contact_id: int, address_id: int) -> Answer:
    """Changes a further address."""
    current = _address(call, contact_id, address_id)
    values = _ADDRESS_FORM.read(call.body, call.state, call.language, is_edit=True)
    _refuse_house_without_street({**current, **values})
    row = call.state.put("additional_addresses", {**current, **values, "updated_at": call.state.now()})
    return tagged(serializers.additional_address(row), row)


def delete_address(call: Call, contact_id: int, address_id: int) -> Answer:
    """Deletes a further address."""
    _address(call, contact_id, address_id)
    call.state.remove("additional_addresses", address_id)
    return success()


def _existing(call: Call, table: str, number: int) -> Row:
    row = call.state.tables[table].get(number)
    if row is None:
        raise not_found()
    return row


_ONE = "/2.0/contact/<int:contact_id>"
_ADDRESSES = f"{_ONE}/additional_address"
_ADDRESS = f"{_ADDRESSES}/<int:address_id>"
_GROUP = "/2.0/contact_group/<int:group_id>"
_RELATION = "/2.0/contact_relation/<int:relation_id>"
ROUTES = (
    Route("GET", "/2.0/contact", list_contacts, SHOW),
    Route("POST", "/2.0/contact", create_contact, EDIT),
    Route("POST", "/2.0/contact/search", search_contacts, SHOW, SEARCH_AND_PDF),
    Route("POST", "/2.0/contact/_bulk_create", create_many, EDIT),
    Route("GET", _ONE, show_contact, SHOW),
    Route("POST", _ONE, edit_contact, EDIT),
    Route("DELETE", _ONE, archive_contact, EDIT),
    Route("PATCH", f"{_ONE}/restore", restore_contact, EDIT),
    Route("GET", _ADDRESSES, list_addresses, SHOW),
    Route("POST", _ADDRESSES, create_address, EDIT),
    Route("POST", f"{_ADDRESSES}/search", search_addresses, SHOW),
    Route("GET", _ADDRESS, show_address, SHOW),
    Route("POST", _ADDRESS, edit_address, EDIT),
    Route("DELETE", _ADDRESS, delete_address, EDIT),
    Route("GET", "/2.0/contact_group", list_groups),
    Route("POST", "/2.0/contact_group", create_group),
    Route("POST", "/2.0/contact_group/search", search_groups),
    Route("GET", _GROUP, show_group),
    Route("POST", _GROUP, edit_group),
    Route("DELETE", _GROUP, delete_group),
    Route("GET", "/2.0/contact_branch", list_branches),
    Route("POST", "/2.0/contact_branch/search", search_branches),
    Route("GET", "/2.0/contact_relation", list_relations, SHOW),
    Route("POST", "/2.0/contact_relation", create_relation, EDIT),
    Route("POST", "/2.0/contact_relation/search", search_relations, SHOW),
    Route("GET", _RELATION, show_relation, SHOW),
    Route("POST", _RELATION, edit_relation, EDIT),
    Route("DELETE", _RELATION, delete_relation, EDIT),
)
