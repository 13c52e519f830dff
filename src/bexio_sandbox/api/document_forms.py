"""The forms that sales documents share: their header, their positions when they are created, how they are searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bexio_sandbox.api import positions as position_forms
from bexio_sandbox.api.call import Answer, Call
from bexio_sandbox.errors import ApiError, form_error
from bexio_sandbox.forms import (
    LONG,
    Field,
    Form,
    Refused,
    day,
    flag,
    integer_or_null,
    nothing,
    one_of,
    reference,
    set_reference,
    text,
)
from bexio_sandbox.messages import text as message
from bexio_sandbox.search import DAY, MOMENT, NUMBER, TEXT
from bexio_sandbox.state import contacts, documents, positions
from bexio_sandbox.state.documents import Documents
from bexio_sandbox.state.tables import Row, State

Lines = list[tuple[str, dict[str, Any]]]
Create = Callable[[State, dict[str, Any], Lines, str], Row]


def is_live(contact: Row) -> bool:
    """Return whether a contact can be named on a document."""
    return not contact["is_archived"]


def _template(value: Any, state: State) -> str | None:
    slugs = {row["template_slug"] for row in state.tables["document_templates"].values()}
    if value in (None, "") or value in slugs:
        return value  # type: ignore[no-any-return]
    raise Refused


HEADER: dict[str, Field] = {
    "title": Field(text()),
    "contact_id": Field(set_reference("contacts", is_live), is_required=True),
    "contact_sub_id": Field(reference("contacts", is_live)),
    "user_id": Field(set_reference("users"), is_required=True),
    "pr_project_id": Field(nothing),  # projects are not part of the sandbox, so none can be named
    "logopaper_id": Field(integer_or_null),
    "language_id": Field(set_reference("languages")),
    "bank_account_id": Field(set_reference("bank_accounts")),
    "currency_id": Field(set_reference("currencies")),
    "payment_type_id": Field(reference("payment_types")),
    "header": Field(text(LONG)),
    "footer": Field(text(LONG)),
    "mwst_type": Field(one_of(0, 1, 2)),
    "mwst_is_net": Field(flag),
    "show_position_taxes": Field(flag),
    "is_valid_from": Field(day),
    "contact_address_manual": Field(text(LONG)),
    "api_reference": Field(text()),
    "template_slug": Field(_template),
}
SEARCHED = {
    "id": NUMBER,
    "kb_item_status_id": NUMBER,
    "document_nr": TEXT,
    "title": TEXT,
    "contact_id": NUMBER,
    "contact_sub_id": NUMBER,
    "user_id": NUMBER,
    "currency_id": NUMBER,
    "total_gross": NUMBER,
    "total_net": NUMBER,
    "total": NUMBER,
    "is_valid_from": DAY,
    "is_valid_to": DAY,
    "updated_at": MOMENT,
}
SORTED = ("id", "total", "total_net", "total_gross", "updated_at")


def _kept(value: Any, _: State) -> Any:
    return value


_NUMBER = {"document_nr": Field(text(), is_required=True)}
_LINES = {"positions": Field(_kept)}


class DocumentForms:
    """The forms of one class of documents."""

    def __init__(self, kind: Documents, header: Mapping[str, Field]) -> None:
        self._kind = kind
        self._create = Form({**header, **_LINES})
        self._create_numbered = Form({**_NUMBER, **header, **_LINES})
        self._edit = Form(header, is_widget=True)
        self._edit_numbered = Form({**_NUMBER, **header}, is_widget=True)

    def create(self, call: Call, create: Create, show: Callable[[Row], Answer]) -> Answer:
        """Creates the document of a request, or answers as bexio does when it has too many positions."""
        values, lines = self._read_create(call)
        manner = call.state.behaviours["large_create"]
        if len(lines) <= documents.MOST_POSITIONS or manner == "accepted":
            return show(create(call.state, values, lines, call.language))
        left_behind = {"nothing": 0, "half": len(lines) // 2, "all": len(lines)}[manner]
        if left_behind:
            create(call.state, values, lines[:left_behind], call.language)
        return broken()

    def read_edit(self, call: Call) -> dict[str, Any]:
        """Return the sent header fields of an edit."""
        if isinstance(call.body, dict) and "positions" in call.body:
            raise form_error('global: Unexpected extra form field named "positions".')
        form = self._edit if self._kind.numbers_itself(call.state) else self._edit_numbered
        return form.read(call.body, call.state, call.language, is_edit=True)

    def _read_create(self, call: Call) -> tuple[dict[str, Any], Lines]:
        form = self._create if self._kind.numbers_itself(call.state) else self._create_numbered
        values, errors = form.check(call.body, call.state, call.language)
        default = documents.settings(call.state, self._kind.document_class)["default_mwst_type"]
        mwst_type = {"mwst_type": default, **values}["mwst_type"]
        lines: Lines = []
        try:
            lines = position_forms.read_lines(self._kind, call, values.pop("positions", []), mwst_type)
        except ApiError as refusal:
            errors = errors + (refusal.errors or [])
        if errors:
            raise form_error(*errors)
        return values, lines


def broken() -> Answer:
    """Return the answer of a bexio that broke off; unlike a raised error it undoes nothing."""
    return Answer(ApiError(500, "Internal Server Error").body(), 500)


def refuse_bad_logopaper(call: Call) -> None:
    """Refuses what the query of a PDF cannot mean."""
    if call.query.get("logopaper", "1") not in ("0", "1"):
        raise form_error(f"logopaper: {message('invalid', call.language)}")


def printed_lines(state: State, document: Row) -> list[str]:
    """Return what the PDF of a document says."""
    currency = state.tables["currencies"][document["currency_id"]]["name"]
    contact = state.contacts.get(document["contact_id"])
    lines = [*document["contact_address"].split("\n"), "", document["title"], f"Nr. {document['document_nr']}"]
    if contact is not None and not document["contact_address"]:
        lines.insert(0, contacts.full_name(contact))
    for row in positions.of_document(state, document):
        if row["type"] in positions.PRICED:
            lines.append(f"{row['amount']} x {row['text']}: {row['unit_price']}")
    due = [f"Zahlbar bis {document['is_valid_to']}"] if "is_valid_to" in document else []
    return [*lines, "", f"Total {currency} {document['total']}", *due]
