"""Texts longer than the ledger takes: refused while planning, with the field and both lengths."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from bexsync.errors import RecordProblem
from bexsync.ports.document_effects import Position
from bexsync.records import Address, Customer, Invoice, Person

# Few limits are documented: these are the lengths of the ledger's columns for texts, names and small fields.
TEXT, SHORT, NAME, SMALL = 65_000, 255, 80, 20


def check_lengths(invoice: Invoice, customer: Customer, ledger: str) -> None:
    """Raise RecordProblem where a text of the record is longer than the ledger takes."""
    for field, value, longest in (*_of_invoice(invoice), *_of_customer(customer)):
        _check(field, value, longest, ledger)


def check_positions(positions: Sequence[Position], ledger: str) -> None:
    """Raise RecordProblem where the text of a position is longer than the ledger takes."""
    for number, position in enumerate(positions, 1):
        _check(f"the text of position {number}", position.text, TEXT, ledger)


def check_subject(subject: str, words: Mapping[str, str], field: str, ledger: str) -> None:
    """Raise RecordProblem where a mail's subject gets longer than the ledger takes, with the words known so far."""
    for name, word in words.items():
        subject = subject.replace(f"{{{name}}}", word)
    _check(field, subject, SHORT, ledger)


def _of_invoice(invoice: Invoice) -> Iterator[tuple[str, str | None, int]]:
    project = invoice.project
    yield "title", invoice.title, SHORT
    yield "source_number", invoice.source_number, SHORT
    yield "header_text", invoice.header_text, TEXT
    yield "footer_text", invoice.footer_text, TEXT
    if project is not None:
        yield "project.name", project.name, SHORT
    parts = (invoice.contract_reference, project.number if project else None, project.name if project else None)
    yield "contract_reference with project", " ".join(part for part in parts if part), SHORT
    if invoice.invoice_contact is not None:
        yield from _of_person("invoice_contact", invoice.invoice_contact)
    if invoice.billing_address is not None:
        yield from _of_address("billing_address", invoice.billing_address)


def _of_customer(customer: Customer) -> Iterator[tuple[str, str | None, int]]:
    yield "customer.company_name", customer.company_name, NAME
    yield from _of_person("customer", customer)
    if customer.billing_address is not None:
        yield from _of_address("customer.billing_address", customer.billing_address)


def _of_person(path: str, person: Person | Customer) -> Iterator[tuple[str, str | None, int]]:
    for name in ("first_name", "last_name", "phone"):
        yield f"{path}.{name}", getattr(person, name), NAME


def _of_address(path: str, address: Address) -> Iterator[tuple[str, str | None, int]]:
    for name in ("company", "first_name", "last_name", "city"):
        yield f"{path}.{name}", getattr(address, name), NAME
    for name in ("address_line1", "address_line2", "street"):
        yield f"{path}.{name}", getattr(address, name), SHORT
    for name in ("house_number", "postal_code"):
        yield f"{path}.{name}", getattr(address, name), SMALL


def _check(field: str, value: str | None, longest: int, ledger: str) -> None:
    length = _sent_length(value or "") if longest == TEXT else len(value or "")
    if length > longest:
        raise RecordProblem(
            f"`{field}` is {length} characters long, {ledger} takes {longest}.",
            "Shorten it in the shop.",
            code="too_long",
            field=field,
        )


def _sent_length(text: str) -> int:
    """Long texts are sent as HTML, in which some characters become several."""
    return len(html.escape(text, quote=False)) + len("<br/>") * text.count("\n")
