"""What is to be done for one invoice of the shop, given what is known of it in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from bexsync.errors import RecordProblem
from bexsync.money import plain, written
from bexsync.planning.addresses import names
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.invoice_finish import FinishPlanner
from bexsync.planning.invoice_link import KIND, Linked, content, differences, reason_to_leave_alone, reference
from bexsync.planning.reversals import credit_note_problem
from bexsync.ports.document_effects import CancelDocument
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.finishing_effects import IssueDocument, SendDocument
from bexsync.ports.steps import Step, Subject
from bexsync.ports.wanted import (
    Adopt,
    Compare,
    Complete,
    Create,
    InvoiceName,
    KnownDocument,
    Rewrite,
    Want,
    WantedDocument,
    WantedInvoice,
)
from bexsync.records import Customer, Invoice

_NO_CONTACTS = Contacts(0, None, ())
_PAID = frozenset({DocumentStatus.PAID, DocumentStatus.CANCELLED, DocumentStatus.DELETED})
_SENT = frozenset(DocumentStatus) - {DocumentStatus.DRAFT}


class WasDone(Protocol):
    """Whether a step of this site was done before, by its kind and key."""

    def __call__(self, kind: str, key: str) -> bool: ...


class EarlierDocuments(Protocol):
    """The documents of a reference with which something was done before, also by a state that was lost since."""

    def __call__(self, reference: str) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class NoAction:
    """Nothing is to be done; `ignored` says that the record is not ours to book."""

    reason: str
    ignored: bool = False


@dataclass(frozen=True)
class PlannedInvoice:
    """What is wanted for one invoice, and what a person must hear of besides."""

    wanted: WantedInvoice
    problem: RecordProblem | None = None
    note: str = ""
    reported: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InvoicePlanner:
    """Decides for one invoice at a time; pure but for the contacts it remembers to create once."""

    documents: DocumentPlanner
    contacts: ContactPlanner
    finisher: FinishPlanner
    site: str
    start_date: date
    skip: tuple[str, ...]
    done: WasDone
    finished: EarlierDocuments
    forgotten: EarlierDocuments
    url_of: Callable[[str], str]

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.documents.master.ledger

    def plan(
        self,
        invoice: Invoice,
        customer: Customer | None,
        link: Linked | None,
        found: Sequence[DocumentState] = (),
    ) -> PlannedInvoice | NoAction:
        """The decision; raises RecordProblem when only a person can decide."""
        found, put_aside = self._in_force(invoice, found)
        if link is None and not found:
            reason = self._not_ours(invoice)
            if reason:
                return NoAction(reason, ignored=True)
        if link is not None:
            return self._linked(invoice, customer, link)
        if len(found) > 1:
            ids = ", ".join(f"{d.number} ({d.url})" for d in found)
            raise RecordProblem(
                f"{self.ledger} has {len(found)} invoices with our reference: {ids}.",
                f"Delete or cancel all but one in {self.ledger}, then run this again.",
                code="document_ambiguous",
            )
        if found:
            return self._adopt(invoice, customer, found[0])
        self._refuse_to_mail_twice(invoice)
        return self._create(invoice, customer, put_aside)

    def would_book(self, invoice: Invoice) -> bool:
        """Whether an invoice that the ledger does not have yet is one to be booked, as far as kind and day go."""
        is_invoice = invoice.document_type == "invoice" and invoice.status == "approved"
        return is_invoice and invoice.invoice_date >= self.start_date

    def _in_force(
        self, invoice: Invoice, found: Sequence[DocumentState]
    ) -> tuple[Sequence[DocumentState], tuple[int, ...]]:
        """The documents with our reference that count, and those that were cancelled and then forgotten on purpose."""
        forgotten = self.forgotten(self._key(invoice))
        put_aside = [d for d in found if d.standing is DocumentStatus.CANCELLED and d.ledger_id in forgotten]
        rest = [d for d in found if d not in put_aside]
        in_force = [d for d in rest if d.standing is not DocumentStatus.CANCELLED]
        # Where an invoice was booked again, the cancelled one before it counts no more.
        return in_force or rest[-1:], tuple(d.ledger_id for d in put_aside)

    def _refuse_to_mail_twice(self, invoice: Invoice) -> None:
        """Raise RecordProblem where the invoice went out before, and its document is gone with the state's memory."""
        key = self._key(invoice)
        before = sorted(set(self.finished(key)) - set(self.forgotten(key)))
        if before:
            raise RecordProblem(
                f"It was issued or mailed before, as the document with the id {before[-1]}, "
                f"which {self.ledger} no longer has.",
                f"It is not booked twice by itself. To book it again: bexsync links forget {invoice.shop_id}",
                code="deleted_in_ledger",
            )

    def _key(self, invoice: Invoice) -> str:
        return reference(self.site, invoice.shop_id)

    def _not_ours(self, invoice: Invoice) -> str:
        reason = reason_to_leave_alone(invoice, self.start_date, self.skip, self.ledger)
        if not reason and invoice.document_type == "credit_note":
            raise self._credit_note(invoice)
        return reason

    def _credit_note(self, invoice: Invoice) -> RecordProblem:
        return credit_note_problem(invoice, self.url_of(invoice.original_shop_id or ""), self.ledger)

    def _create(self, invoice: Invoice, customer: Customer | None, put_aside: tuple[int, ...]) -> PlannedInvoice:
        person, document, before = self._write_for_contacts(invoice, customer)
        note = _note(document)
        create = Create(self._wanted(invoice, document), note, put_aside)
        finish = self.finisher.finish(invoice, person, document)
        reported = document.contacts.reported
        return self._planned(invoice, before, create, *finish, note=note, reported=reported)

    def _planned(
        self,
        invoice: Invoice,
        contacts: tuple[Step, ...],
        *wants: Want,
        problem: RecordProblem | None = None,
        note: str = "",
        reported: Mapping[int, str] | None = None,
    ) -> PlannedInvoice:
        name = InvoiceName(Subject(KIND, invoice.shop_id), self._key(invoice), self.site)
        return PlannedInvoice(WantedInvoice(name, contacts, wants), problem, note, reported or {})

    def _wanted(self, invoice: Invoice, document: Document) -> WantedDocument:
        """The document with the record that it is made from."""
        # The record, and the rounding line that the profile may add to it.
        source = f"{content(invoice)}{plain(document.rounding) if document.rounding else ''}"
        return WantedDocument(
            header=document.header,
            positions=document.positions,
            expect=document.expect,
            fingerprint=invoice.fingerprint(),
            record=invoice.canonical(),
            source=source,
            customer=document.customer,
            customer_key=document.contacts.customer,
            amount=document.amount,
            currency=document.currency,
        )

    def _write_for_contacts(
        self, invoice: Invoice, customer: Customer | None
    ) -> tuple[Customer, Document, tuple[Step, ...]]:
        """The document with its contacts; it comes first: what cannot be booked must not leave a contact behind."""
        person, _ = self._write(invoice, customer)
        contacts = self.contacts.plan(invoice, person, Subject(KIND, invoice.shop_id))
        document = self.documents.write(invoice, person, contacts, self._key(invoice))
        return person, document, contacts.steps

    def _write(self, invoice: Invoice, customer: Customer | None) -> tuple[Customer, Document]:
        """The document without its contacts, for comparing."""
        if customer is None:
            missing = invoice.customer_id is not None
            raise RecordProblem(
                f'The customer "{invoice.customer_id}" is unknown.' if missing else "Field `customer` is missing.",
                "Drop the customer's record too." if missing else "Let the shop give the customer.",
                code="customer_missing",
                field="customer",
                subject=f"customer:{invoice.customer_id}" if missing else "",
            )
        self.finisher.check_mail(invoice, customer)
        return customer, self.documents.write(invoice, customer, _NO_CONTACTS, self._key(invoice))

    def _linked(self, invoice: Invoice, customer: Customer | None, link: Linked) -> PlannedInvoice | NoAction:
        if invoice.status == "cancelled":
            return self._cancelled(invoice, link)
        if link.standing is DocumentStatus.DELETED:
            raise RecordProblem(
                f"Invoice {link.number} was deleted in {self.ledger}.",
                f"It is not created again. {_to_book_again(invoice)}",
                code="deleted_in_ledger",
            )
        if invoice.document_type == "credit_note":
            raise self._credit_note(invoice)
        if invoice.status in ("sent", "paid"):
            problem = self._settled_by_shop(invoice, link)
            if problem is not None:
                raise problem
            if link.standing is DocumentStatus.DRAFT:
                return NoAction(f"its status in the shop is {invoice.status}; {link.number} stays a draft")
        if self._was_cancelled_for_the_shop(invoice, link):
            raise RecordProblem(
                f"The shop had cancelled it, so {link.number} was cancelled in {self.ledger}; now the shop has it as "
                f"{invoice.status} again, and nothing is booked for it.",
                f"{_to_book_again(invoice)} Otherwise cancel it in the shop again.",
                code="cancelled_in_ledger",
            )
        changes = differences(link.agreed, invoice.canonical())
        if link.is_agreed and not changes:
            return self._unfinished(invoice, customer, link)
        if invoice.status == "draft":
            return NoAction(f"its status is draft; {link.number} stays as it is")
        if link.standing is not DocumentStatus.DRAFT:
            return self._changed_after_booking(invoice, customer, link, changes)
        if self._was_finished(invoice, link.ledger_id) or link.shared:
            raise _taken_back(link, self.ledger)
        return self._update(invoice, customer, link)

    def _settled_by_shop(self, invoice: Invoice, document: Linked | DocumentState) -> RecordProblem | None:
        """What a person has to do where the shop sent an invoice or was paid for it, and the ledger says otherwise."""
        is_done = _SENT if invoice.status == "sent" else _PAID
        if invoice.document_type != "invoice" or invoice.status in self.skip or document.standing in is_done:
            return None
        return _settled_in_shop(invoice, document, self.ledger)

    def _was_cancelled_for_the_shop(self, invoice: Invoice, link: Linked) -> bool:
        is_cancelled = link.standing is DocumentStatus.CANCELLED and invoice.status != "draft"
        return is_cancelled and self.done(CancelDocument.step_kind, f"{self._key(invoice)}@{link.ledger_id}")

    def _cancelled(self, invoice: Invoice, link: Linked) -> PlannedInvoice | NoAction:
        problem = _cancelled_in_shop(link, self.ledger)
        if problem is None:
            return NoAction(f"cancelled in the shop, {link.standing.value} in {self.ledger}")
        take_back = self.finisher.take_back(link, was_finished=self._was_finished(invoice, link.ledger_id))
        if take_back is None:
            raise problem
        return self._planned(invoice, (), take_back)

    def _changed_after_booking(
        self, invoice: Invoice, customer: Customer | None, link: Linked, changes: Sequence[str]
    ) -> PlannedInvoice:
        if not link.is_agreed:
            # An issued document of ours that the state knows too little of: right if it comes to the same total.
            _, document = self._write(invoice, customer)
            return self._planned(invoice, (), Compare(self._wanted(invoice, document), _known(link)))
        raise RecordProblem(
            f"Changed after booking ({link.number}): {'; '.join(changes[:6])}"
            f"{f' and {len(changes) - 6} more' if len(changes) > 6 else ''}.",
            _hint_for_change(invoice, link, self.ledger),
            code="changed_after_booking",
            subject="; ".join(changes)[:200],
        )

    def _unfinished(self, invoice: Invoice, customer: Customer | None, link: Linked) -> PlannedInvoice | NoAction:
        """The document is right; issuing or mailing it may still be due."""
        well = NoAction(f"{link.number} is {link.standing.value.replace('_', ' ')}")
        if invoice.status != "approved" or self.finisher.how_far(invoice) == "draft":
            return well
        is_draft = link.standing is DocumentStatus.DRAFT
        if not is_draft and not self._mail_is_due(invoice, link):
            return well
        if is_draft and (self._was_finished(invoice, link.ledger_id) or link.shared):
            raise _taken_back(link, self.ledger)
        person, document = self._write(invoice, customer)
        if is_draft and not link.content and abs(link.total - document.total) > document.within:
            raise _changed_in_ledger(link, document, self.ledger)  # a link of an older version, which kept no content
        return self._planned(invoice, (), *self.finisher.finish(invoice, person, document, _known(link)))

    def _mail_is_due(self, invoice: Invoice, link: Linked) -> bool:
        """Only where we issued it ourselves and the mail, a step of its own, did not come through."""
        key = self._key(invoice)
        open_for_mail = (
            link.standing is DocumentStatus.ISSUED and not link.shared and self.finisher.how_far(invoice) == "send"
        )
        return open_for_mail and self.done(IssueDocument.step_kind, key) and not self.done(SendDocument.step_kind, key)

    def _was_finished(self, invoice: Invoice, document_id: int) -> bool:
        """Whether it was issued or mailed by bexsync, by the state or by what is kept outside."""
        key = self._key(invoice)
        return (
            self.done(IssueDocument.step_kind, key)
            or self.done(SendDocument.step_kind, key)
            or document_id in self.finished(key)
        )

    def _update(self, invoice: Invoice, customer: Customer | None, link: Linked) -> PlannedInvoice:
        """Our own draft follows the shop: header, positions anew, then a look at the whole."""
        person, document, before = self._write_for_contacts(invoice, customer)
        wanted = self._wanted(invoice, document)
        was_cut_short = not link.fingerprint and link.created_as == wanted.source
        want = Complete(wanted, _known(link)) if was_cut_short else Rewrite(wanted, _known(link))
        return self._finished(invoice, person, document, before, want)

    def _adopt(self, invoice: Invoice, customer: Customer | None, found: DocumentState) -> PlannedInvoice:
        """A document that carries our reference but no link: the state was lost or restored."""
        if invoice.document_type == "credit_note" or invoice.status in ("sent", "paid"):
            # What the shop sent or settled itself is neither mailed nor compared.
            return self._planned(invoice, (), Adopt(found), problem=self._settled_by_shop(invoice, found))
        if invoice.status == "cancelled":
            return self._adopt_cancelled(invoice, found)
        if found.standing is DocumentStatus.DRAFT:
            if found.shared or self._was_finished(invoice, found.ledger_id):
                return self._planned(invoice, (), Adopt(found), problem=_taken_back(found, self.ledger))
            return self._adopt_draft(invoice, customer, found)
        _, document = self._write(invoice, customer)
        if not _is_same(found, document):
            if found.total == document.shop_total and _has_same_currency(found, document):
                return self._planned(
                    invoice, (), Adopt(found)
                )  # with a rounding line that the profile no longer asks for
            problem = RecordProblem(
                f"{self.ledger} already has it as {found.number} with a total of {written(found.total)}, "
                f"the shop has {written(document.amount)} {document.currency}.",
                f"Compare the two and correct one: {found.url}",
                code="differs_in_ledger",
            )
            return self._planned(invoice, (), Adopt(found), problem=problem)
        return self._planned(invoice, (), Adopt(found, self._wanted(invoice, document)))

    def _adopt_cancelled(self, invoice: Invoice, found: DocumentState) -> PlannedInvoice:
        problem = _cancelled_in_shop(found, self.ledger)
        was_finished = self._was_finished(invoice, found.ledger_id)
        take_back = self.finisher.take_back(_unknown(found), was_finished=was_finished) if problem else None
        if take_back is None:
            return self._planned(invoice, (), Adopt(found), problem=problem)
        return self._planned(invoice, (), Adopt(found), take_back)

    def _adopt_draft(self, invoice: Invoice, customer: Customer | None, found: DocumentState) -> PlannedInvoice:
        """Our own draft is finished as if its link had never been lost; a different one is rewritten first."""
        person, document, before = self._write_for_contacts(invoice, customer)
        wanted = self._wanted(invoice, document)
        same_contact = document.header.contact_id == found.contact_id
        if _is_same(found, document) and same_contact and names(found.address, document.contacts.names):
            return self._finished(invoice, person, document, before, Adopt(found, wanted, with_positions=True))
        rewrite = Rewrite(wanted, _known(_unknown(found)))
        return self._finished(invoice, person, document, before, Adopt(found), rewrite)

    def _finished(
        self, invoice: Invoice, customer: Customer, document: Document, contacts: tuple[Step, ...], *wants: Want
    ) -> PlannedInvoice:
        """What makes a draft right, and what finishes it once that is done."""
        finish = self.finisher.finish(invoice, customer, document)
        note, reported = _note(document), document.contacts.reported
        return self._planned(invoice, contacts, *wants, *finish, note=note, reported=reported)


def _known(link: Linked) -> KnownDocument:
    return KnownDocument(
        ledger_id=link.ledger_id,
        number=link.number,
        total=written(link.total),
        due_date=link.due_date,
        content=link.content,
        fingerprint=link.fingerprint,
        record=link.agreed,
        revision=link.revision,
    )


def _unknown(found: DocumentState) -> Linked:
    """The link of a document of which nothing is known but how it stands."""
    return Linked(found.ledger_id, "", {}, found.standing, found.number, found.url, found.total, shared=found.shared)


def _is_same(found: DocumentState, document: Document) -> bool:
    """Whether a document that was found comes to the same total in the same currency."""
    return _has_same_currency(found, document) and abs(found.total - document.total) <= document.within


def _has_same_currency(found: DocumentState, document: Document) -> bool:
    return found.currency_id in (None, document.header.currency_id)


def _changed_in_ledger(link: Linked, document: Document, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"The draft {link.number} comes to {written(link.total)}, the shop's invoice to "
        f"{written(document.amount)} {document.currency}; it is neither issued nor mailed.",
        f"Correct one of them, or issue and mail it in {ledger}: {link.url}",
        code="changed_in_ledger",
    )


def _hint_for_change(invoice: Invoice, link: Linked, ledger: str) -> str:
    """What to do about a change after booking; a number that begins anew each year is no change of last year's."""
    year = invoice.invoice_date.year
    before = str(link.agreed.get("invoice_date", ""))[:4]
    if before in ("", str(year)):
        return f"Undo the change in the shop, or correct the invoice in {ledger}: {link.url}"
    return (
        f"Leave {link.number} in {ledger} as it is if this is another invoice: numbers that begin anew each year need "
        f"yearly_since = {year} under [shop.csv] in the profile, and in JSON a `shop_id` of their own. "
        "If it is the same invoice, undo the change of its date in the shop."
    )


def _taken_back(link: Linked | DocumentState, ledger: str) -> RecordProblem:
    return RecordProblem(
        f"{link.number} was issued before and is a draft again, because somebody took it back in {ledger}; "
        "bexsync does not issue or mail an invoice twice.",
        f"Issue and mail it in {ledger}, or delete it there: {link.url}",
        code="taken_back_in_ledger",
    )


def _settled_in_shop(invoice: Invoice, document: Linked | DocumentState, ledger: str) -> RecordProblem:
    """What a person has to do about a document whose invoice the shop sent itself, or was paid for."""
    standing = document.standing.value.replace("_", " ")
    if invoice.status == "sent":
        return RecordProblem(
            f"The shop sent it itself; in {ledger} {document.number} is {standing}, "
            "and bexsync does not mail it as well.",
            f"Issue it in {ledger} without mailing it: {document.url}",
            code="sent_by_shop",
            field="status",
        )
    return RecordProblem(
        f"It is paid in the shop; in {ledger} {document.number} is {standing}, and bexsync does not book payments.",
        f"Enter the payment in {ledger}, so that nobody is reminded of it: {document.url}",
        code="paid_in_shop",
        field="status",
    )


def _to_book_again(invoice: Invoice) -> str:
    return f"To book it again: `bexsync links forget {invoice.shop_id}`, then drop it again."


def _cancelled_in_shop(document: Linked | DocumentState, ledger: str) -> RecordProblem | None:
    """What a person has to do about a document whose invoice the shop cancelled; None when it was done."""
    if document.standing in (DocumentStatus.CANCELLED, DocumentStatus.DELETED):
        return None
    return RecordProblem(
        f"It was cancelled in the shop; in {ledger} {document.number} is {document.standing.value.replace('_', ' ')}.",
        f"Cancel or delete it in {ledger}: {document.url}",
        code="cancelled_in_shop",
    )


def _note(document: Document) -> str:
    """What a person should know of the contact and the amount, before and after."""
    notes = [*document.contacts.notes]
    if document.rounding:
        notes.append(f"with a rounding line of {written(document.rounding)}")
    if document.is_too_far_apart:
        notes.append(
            f"stays a draft, {written(document.gap)} from the shop's total without [invoices] rounding_account"
        )
    return "; ".join(notes)
