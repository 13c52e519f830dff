"""What all sales documents share: numbers, header fields, addresses, sums, and changes to their positions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import form_error, not_found
from bexio_sandbox.messages import text
from bexio_sandbox.state import contacts, positions
from bexio_sandbox.state.tables import POSITION_TABLES, Row, State
from bexio_sandbox.state.totals import Manner, document_totals, rate_text, sum_text

MOST_POSITIONS = 150
HEAD = (
    "document_nr",
    "title",
    "contact_id",
    "contact_sub_id",
    "user_id",
    "project_id",
    "logopaper_id",
    "language_id",
    "bank_account_id",
    "currency_id",
    "payment_type_id",
    "header",
    "footer",
)
HEADER_FIELDS = (
    *HEAD,
    "mwst_type",
    "mwst_is_net",
    "show_position_taxes",
    "is_valid_from",
    "api_reference",
    "template_slug",
)
_TEXTS_WITHOUT_NULL = ("title", "header", "footer", "reference", "template_slug")
_OPENINGS = {
    "KbOrder": "Wir danken für den Auftrag und bestätigen ihn wie folgt:",
    "KbDelivery": "Wir danken für den Auftrag und liefern Ihnen:",
    "KbInvoice": "Wir danken für den Auftrag und stellen Ihnen in Rechnung:",
}


@dataclass(frozen=True)
class Documents:
    """A class of documents: where its rows are, how it is numbered, and what follows from a change."""

    table: str
    document_class: str
    id_name: str
    header_fields: Collection[str]
    recounted: Callable[[State, Row], Row]
    refuse_frozen: Callable[[State, Row], None]
    saved: Callable[[State, Row], None]

    def find(self, state: State, number: int) -> Row:
        """Return a document."""
        document = state.tables[self.table].get(number)
        if document is None:
            raise not_found()
        return document

    def save(self, state: State, document: Row) -> Row:
        """Stores a changed document and moves its updated_at."""
        self.put(state, {**document, "updated_at": state.now()})
        return self.find(state, document["id"])

    def put(self, state: State, document: Row) -> None:
        """Stores a document, and what follows from it elsewhere."""
        state.put(self.table, document)
        self.saved(state, document)

    def numbers_itself(self, state: State) -> bool:
        """Return whether bexio gives the numbers of these documents."""
        return bool(settings(state, self.document_class)["use_automatic_enumeration"])

    def add_position(self, state: State, number: int, kind: str, values: dict[str, Any]) -> tuple[Row, Row]:
        """Adds a position at the end and returns the document and the position."""
        document = self.find(state, number)
        self.refuse_frozen(state, document)
        row = positions.add(state, document, kind, values)
        keys = [*document["positions"], positions.key(row)]
        return self.save(state, self.recounted(state, {**document, "positions": keys})), row

    def edit_position(
        self, state: State, number: int, kind: str, position_id: int, values: dict[str, Any]
    ) -> tuple[Row, Row]:
        """Changes a position and returns the document and the position."""
        document = self.find(state, number)
        self.refuse_frozen(state, document)
        return self.change_position(state, document, positions.find(state, document, kind, position_id), values)

    def change_position(self, state: State, document: Row, position: Row, values: dict[str, Any]) -> tuple[Row, Row]:
        """Changes a position in any status, as a person does after reverting a document."""
        row = state.put(POSITION_TABLES[position["type"]], {**position, **values})
        return self.save(state, self.recounted(state, document)), row

    def remove_position(self, state: State, number: int, kind: str, position_id: int) -> None:
        """Deletes a position of a document that may change."""
        document = self.find(state, number)
        self.refuse_frozen(state, document)
        self.drop_position(state, document, kind, position_id)

    def drop_position(self, state: State, document: Row, kind: str, position_id: int) -> None:
        """Deletes a position in any status; the members of a group move up to where the group stood."""
        gone = positions.find(state, document, kind, position_id)
        keys = [each for each in document["positions"] if each != positions.key(gone)]
        for row in positions.of_document(state, {**document, "positions": keys}):
            if kind == positions.GROUP and row["parent_id"] == position_id:
                state.put(POSITION_TABLES[row["type"]], {**row, "parent_id": gone["parent_id"]})
        state.remove(POSITION_TABLES[kind], position_id)
        self.save(state, self.recounted(state, {**document, "positions": keys}))

    def add_lines(self, state: State, document: Row, lines: list[tuple[str, dict[str, Any]]]) -> None:
        """Adds the positions of a new document."""
        for kind, line in lines:
            document["positions"].append(positions.key(positions.add(state, document, kind, line)))

    def change_header(self, state: State, document: Row, values: dict[str, Any], language: str) -> Row:
        """Return a document with changed header fields; it is not stored yet."""
        changes = self.header_values(values)
        number = changes.get("document_nr")
        if number is not None and number != document["document_nr"] and self._is_taken(state, number):
            raise form_error(f"document_nr: {text('taken', language)}")
        if number is not None:
            state.set_counter("manual_numbers", 1)
        changed = {**document, **changes}
        if "contact_id" in changes or "contact_address_manual" in values:
            changed["contact_address"] = address(state, changed, values)
        return changed

    def header_values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a form that a document of this class keeps as they are."""
        named = dict(values)
        if "pr_project_id" in named:
            named["project_id"] = named.pop("pr_project_id")
        kept = {name: value for name, value in named.items() if name in self.header_fields}
        return {name: "" if value is None and name in _TEXTS_WITHOUT_NULL else value for name, value in kept.items()}

    def blank(self, state: State, values: dict[str, Any]) -> Row:
        """Return a new document without positions, with the defaults of its class where nothing was given."""
        given = {name: value for name, value in self.header_values(values).items() if value is not None}
        defaults = settings(state, self.document_class)
        contact = state.contacts[given["contact_id"]]
        return {
            "id": state.count(self.table),
            "document_nr": "",
            "title": "",
            "contact_sub_id": None,
            "user_id": 1,
            "project_id": None,
            "logopaper_id": defaults["default_logopaper_id"],
            "language_id": contact["language_id"] or defaults["default_language_id"],
            "bank_account_id": defaults["default_client_bank_account_new_id"],
            "currency_id": defaults["default_currency_id"],
            "payment_type_id": defaults["default_payment_type_id"],
            "header": _default_header(contact, self.document_class),
            "footer": _default_footer(state, given.get("user_id", 1)),
            "mwst_type": defaults["default_mwst_type"],
            "mwst_is_net": defaults["default_mwst_is_net"],
            "show_position_taxes": defaults["default_show_position_taxes"],
            "is_valid_from": state.today().isoformat(),
            "contact_address": address(state, given, values),
            "api_reference": None,
            "viewed_by_client_at": None,
            "updated_at": state.now(),
            "template_slug": "",
            "network_link": "",
            "positions": [],
            **given,
        }

    def next_document_number(self, state: State, given: str | None, language: str) -> str:
        """Return the number of a new document: the next one, or the given one where bexio gives none."""
        numbering = settings(state, self.document_class)
        if not numbering["use_automatic_enumeration"]:
            state.set_counter("manual_numbers", 1)
            if given is None or self._is_taken(state, given):
                raise form_error(f"document_nr: {text('required' if given is None else 'taken', language)}")
            return given
        if given is not None:
            raise form_error('global: Unexpected extra form field named "document_nr".')
        number = next_number(state, numbering)
        # Numbers given by hand may lie ahead of the counter.
        while state.counters.get("manual_numbers") and self._is_taken(state, number):
            number = next_number(state, numbering)
        return number

    def _is_taken(self, state: State, number: str) -> bool:
        return any(document["document_nr"] == number for document in state.tables[self.table].values())


def settings(state: State, document_class: str) -> Row:
    """Return the numbering and the defaults of a class of documents."""
    rows = state.tables["document_settings"].values()
    return next(row for row in rows if row["kb_item_class"] == document_class)


def next_number(state: State, numbering: Row) -> str:
    """Return the next number of a class of documents."""
    counter = state.count(f"{numbering['kb_item_class']} number")
    digits = str(counter).rjust(numbering["nr_min_length"], "0")
    return str(numbering["enumeration_format"]).replace("%nummer%", digits)


def summed(state: State, document: Row) -> Row:
    """Return a document with the sums of its positions."""
    rows = positions.of_document(state, document)
    totals = document_totals(
        positions.price_lines(state, rows), positions.discount_lines(rows), manner_of(state, document)
    )
    taxes = [{"percentage": rate_text(tax.percentage), "value": f"{tax.value:f}"} for tax in totals.taxes]
    return {
        **document,
        "total_gross": sum_text(totals.gross),
        "total_net": sum_text(totals.net),
        "total_taxes": sum_text(totals.tax_sum),
        "total": sum_text(totals.total),
        "total_rounding_difference": plain(totals.rounding_difference),
        "taxs": taxes,
    }


def manner_of(state: State, document: Row) -> Manner:
    """Return how a document counts."""
    factor = Decimal(str(state.tables["currencies"][document["currency_id"]]["round_factor"]))
    return Manner(
        document["mwst_type"],
        document["mwst_is_net"],
        factor,
        state.behaviours["gross_net_totals"],
        state.behaviours["rounding_without_vat"],
    )


def remove_rows(state: State, document: Row) -> None:
    """Deletes the positions of a document that is deleted itself."""
    for kind, number in document["positions"]:
        state.remove(POSITION_TABLES[kind], number)


def address(state: State, document: Row, values: dict[str, Any]) -> str:
    """Return the address of a document: the one in the form, else that of its contact."""
    manual: str | None = values.get("contact_address_manual")
    return manual or contacts.letter_address(state, state.contacts[document["contact_id"]])


def _default_header(contact: Row, document_class: str) -> str:
    return f"Guten Tag {escape(contacts.full_name(contact))}<br/><br/>{_OPENINGS[document_class]}"


def _default_footer(state: State, user_id: int) -> str:
    user = state.tables["users"][user_id]
    name = escape(f"{user['firstname']} {user['lastname']}")
    return f"Bei Fragen sind wir gerne für Sie da.<br/><br/>Freundliche Grüsse<br/>{name}"
