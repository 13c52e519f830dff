"""What is to be done for one invoice of the shop, given what is known of it in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Protocol

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import format_amount
from bexsync.planning.addresses import names
from bexsync.planning.invoice_by_number import standing_by_number
from bexsync.planning.invoice_link import Linked, differences, reason_to_leave_alone
from bexsync.planning.invoice_payments import HAS_MONEY, KnownMoney, payments_on, stays_a_draft
from bexsync.planning.invoice_writing import (
    NO_MONEY,
    NOTHING_CAME_IN,
    InvoiceWriter,
    PlannedInvoice,
    cancelled_in_shop,
    changed_in_ledger,
    has_same_currency,
    hint_for_change,
    is_same,
    known_document,
    note_on,
    settled_in_shop,
    taken_back,
    to_book_again,
)
from bexsync.planning.reversals import credit_note_problem
from bexsync.ports.document_effects import CancelDocument, IssueDocument, SendDocument
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.steps import WasDone
from bexsync.ports.wanted import (
    Adopt,
    Compare,
    Complete,
    Create,
    Finish,
    KnownDocument,
    Rewrite,
)
from bexsync.ports.wanted_orders import Mail
from bexsync.records import Customer, Invoice

_PAID = frozenset({DocumentStatus.PAID, DocumentStatus.CANCELLED, DocumentStatus.DELETED})
_SENT = frozenset(DocumentStatus) - {DocumentStatus.DRAFT}


class EarlierDocuments(Protocol):
    """The documents of a reference with which something was done before, also by a state that was lost since."""

    def __call__(self, reference: str) -> tuple[LedgerId, ...]: ...


@dataclass(frozen=True)
class NoAction:
    """Nothing is to be done; `ignored` says that the record is not ours to book.

    `mentions` are sentences that a run says once, by what they are about.
    """

    reason: str
    ignored: bool = False
    mentions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InvoicePlanner:
    """Decides for one invoice at a time; pure but for the contacts it remembers to create once."""

    writer: InvoiceWriter
    start_date: date
    skip: tuple[str, ...]
    done: WasDone
    finished: EarlierDocuments
    forgotten: EarlierDocuments
    url_of: Callable[[str], str]

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return self.writer.documents.master.ledger

    def plan(
        self,
        invoice: Invoice,
        customer: Customer | None,
        link: Linked | None,
        found: Sequence[DocumentState] = (),
        money: KnownMoney = NO_MONEY,
        numbered: Sequence[DocumentState] = (),
    ) -> PlannedInvoice | NoAction:
        """The decision; raises RecordProblem when only a person can decide.

        `money` is that of its document, `numbered` are documents of others that have its number.
        """
        found, put_aside = self._in_force(invoice, found)
        if link is None and not found:
            reason = self._not_ours(invoice)
            if reason:
                return NoAction(reason, ignored=True)
        if link is not None:
            return self._linked(invoice, customer, link, money)
        if len(found) > 1:
            ids = ", ".join(f"{d.number} ({d.url})" for d in found)
            raise RecordProblem(
                f"{self.ledger} has {len(found)} invoices with our reference: {ids}.",
                f"Delete or cancel all but one in {self.ledger}, then run this again.",
                code="document_ambiguous",
            )
        if found:
            return self._adopt(invoice, customer, found[0], money)
        self._refuse_to_mail_twice(invoice)
        if numbered:
            by_number = self._adopt_by_number(invoice, customer, money, numbered)
            if by_number is not None:
                return by_number
        return self._create(invoice, customer, put_aside)

    def would_book(self, invoice: Invoice) -> bool:
        """Whether an invoice that the ledger does not have yet is one to be booked, as far as kind and day go."""
        is_approved = invoice.document_type == "invoice" and invoice.status == "approved"
        return (is_approved or self.writer.payments.is_stated(invoice)) and invoice.invoice_date >= self.start_date

    def _in_force(
        self, invoice: Invoice, found: Sequence[DocumentState]
    ) -> tuple[Sequence[DocumentState], tuple[LedgerId, ...]]:
        """The documents with our reference that count, and those that were cancelled and then forgotten on purpose."""
        forgotten = self.forgotten(self.writer.key(invoice))
        put_aside = [d for d in found if d.standing is DocumentStatus.CANCELLED and d.ledger_id in forgotten]
        rest = [d for d in found if d not in put_aside]
        in_force = [d for d in rest if d.standing is not DocumentStatus.CANCELLED]
        # Where an invoice was booked again, the cancelled one before it counts no more.
        return in_force or rest[-1:], tuple(d.ledger_id for d in put_aside)

    def _refuse_to_mail_twice(self, invoice: Invoice) -> None:
        """Raise RecordProblem where the invoice went out before, and its document is gone with the state's memory."""
        key = self.writer.key(invoice)
        before = sorted(set(self.finished(key)) - set(self.forgotten(key)))
        if before:
            raise RecordProblem(
                f"It was issued or mailed before, as the document with the id {before[-1]}, "
                f"which {self.ledger} no longer has.",
                f"It is not booked twice by itself. To book it again: bexsync links forget {invoice.shop_id}",
                code="deleted_in_ledger",
            )

    def _not_ours(self, invoice: Invoice) -> str:
        reason = reason_to_leave_alone(invoice, self.start_date, self.skip, self.ledger)
        if not reason and invoice.document_type == "credit_note":
            raise self._creditnote_on(invoice)
        return reason

    def _creditnote_on(self, invoice: Invoice) -> RecordProblem:
        return credit_note_problem(invoice, self.url_of(invoice.original_shop_id or ""), self.ledger)

    def _create(self, invoice: Invoice, customer: Customer | None, put_aside: tuple[LedgerId, ...]) -> PlannedInvoice:
        person, document = self.writer.write_for_contacts(invoice, customer)
        create = Create(self.writer.wanted(invoice, document), note_on(document), put_aside)
        return self.writer.finished(invoice, person, document, create)

    def _linked(
        self, invoice: Invoice, customer: Customer | None, link: Linked, money: KnownMoney
    ) -> PlannedInvoice | NoAction:
        if invoice.status == "cancelled":
            return self._cancelled(invoice, link)
        if link.standing is DocumentStatus.DELETED:
            raise RecordProblem(
                f"Invoice {link.number} was deleted in {self.ledger}.",
                f"It is not created again. {to_book_again(invoice)}",
                code="deleted_in_ledger",
            )
        if invoice.document_type == "credit_note":
            raise self._creditnote_on(invoice)
        if self._is_left_to_the_shop(invoice):
            problem = self._settled_by_shop(invoice, link)
            if problem is not None:
                raise problem
            if link.standing is DocumentStatus.DRAFT:
                return NoAction(f"its status in the shop is {invoice.status}; {link.number} stays a draft")
        if self._was_cancelled_for_the_shop(invoice, link):
            raise RecordProblem(
                f"The shop had cancelled it, so {link.number} was cancelled in {self.ledger}; now the shop has it as "
                f"{invoice.status} again, and nothing is booked for it.",
                f"{to_book_again(invoice)} Otherwise cancel it in the shop again.",
                code="cancelled_in_ledger",
            )
        changes = differences(link.agreed, invoice.canonical())
        if link.is_agreed and not changes:
            return self._unfinished(invoice, customer, link, money)
        if invoice.status == "draft":
            return NoAction(f"its status is draft; {link.number} stays as it is")
        if link.standing is not DocumentStatus.DRAFT:
            return self._changed_after_booking(invoice, customer, link, changes)
        if self._was_finished(invoice, link.ledger_id) or link.shared:
            raise taken_back(link, self.ledger)
        return self._update(invoice, customer, link)

    def _is_left_to_the_shop(self, invoice: Invoice) -> bool:
        """Whether the shop sent the invoice itself, or calls it paid without money that could be booked."""
        return invoice.status in ("sent", "paid") and not self.writer.payments.is_stated(invoice)

    def _settled_by_shop(self, invoice: Invoice, document: Linked | DocumentState) -> RecordProblem | None:
        """What a person has to do where the shop sent an invoice or was paid for it, and the ledger says otherwise."""
        is_done = _SENT if invoice.status == "sent" else _PAID
        if invoice.document_type != "invoice" or invoice.status in self.skip or document.standing in is_done:
            return None
        return settled_in_shop(invoice, document, self.ledger)

    def _was_cancelled_for_the_shop(self, invoice: Invoice, link: Linked) -> bool:
        is_cancelled = link.standing is DocumentStatus.CANCELLED and invoice.status != "draft"
        return is_cancelled and self.done(CancelDocument.step_kind, f"{self.writer.key(invoice)}@{link.ledger_id}")

    def _cancelled(self, invoice: Invoice, link: Linked) -> PlannedInvoice | NoAction:
        problem = cancelled_in_shop(link, self.ledger)
        if problem is None:
            return NoAction(f"cancelled in the shop, {link.standing.value} in {self.ledger}")
        take_back = self.writer.finisher.take_back(link, was_finished=self._was_finished(invoice, link.ledger_id))
        if take_back is None:
            raise problem
        return self.writer.planned(invoice, take_back)

    def _changed_after_booking(
        self, invoice: Invoice, customer: Customer | None, link: Linked, changes: Sequence[str]
    ) -> PlannedInvoice:
        if not link.is_agreed:
            # An issued document of ours that the state knows too little of: right if it comes to the same total.
            _, document = self.writer.write(invoice, customer)
            return self.writer.planned(invoice, Compare(self.writer.wanted(invoice, document), known_document(link)))
        raise RecordProblem(
            f"Changed after booking ({link.number}): {'; '.join(changes[:6])}"
            f"{f' and {len(changes) - 6} more' if len(changes) > 6 else ''}.",
            hint_for_change(invoice, link, self.ledger),
            code="changed_after_booking",
            subject="; ".join(changes)[:200],
        )

    def _unfinished(
        self, invoice: Invoice, customer: Customer | None, link: Linked, known: KnownMoney
    ) -> PlannedInvoice | NoAction:
        """The document is right; issuing it, its payments or its mail may still be due."""
        well = NoAction(f"{link.number} is {link.standing.value.replace('_', ' ')}")
        if invoice.status != "approved" and not self.writer.payments.is_stated(invoice):
            return well
        if link.standing is not DocumentStatus.DRAFT:
            return self._further(invoice, customer, link, known)
        is_to_stay = self.writer.finisher.how_far(invoice) == "draft"
        if is_to_stay and not self.writer.payments.is_stated(invoice):
            return well
        if not is_to_stay and (self._was_finished(invoice, link.ledger_id) or link.shared):
            raise taken_back(link, self.ledger)
        money = self.writer.payments.on(invoice, NO_MONEY, link.total)
        if is_to_stay:
            raise stays_a_draft(invoice, money, link, self.ledger)
        person, document = self.writer.write(invoice, customer)
        if not link.content and abs(link.total - document.total) > document.within:
            raise changed_in_ledger(link, document, self.ledger)  # a link of an older version, which kept no content
        finish = self.writer.finisher.finish(invoice, person, document, known_document(link), money)
        problem = self.writer.payments.left_open(invoice, money, link)
        return self.writer.planned(invoice, *finish, problem=problem, mentions=money.mentions)

    def _further(
        self, invoice: Invoice, customer: Customer | None, link: Linked, known: KnownMoney
    ) -> PlannedInvoice | NoAction:
        """What is due for a document that is issued: money that came in, and a mail that did not go out."""
        money = self.writer.payments.on(invoice, known, link.total) if link.standing in HAS_MONEY else NOTHING_CAME_IN
        problem = self.writer.payments.left_open(invoice, money, link) if link.standing in HAS_MONEY else None
        document = known_document(link)
        payments = tuple(payments_on(money, document, known.received))
        if not self._mail_is_due(invoice, link, settled=money.is_settled):
            if payments:
                return self.writer.planned(invoice, *payments, problem=problem, mentions=money.mentions)
            if problem is not None:
                raise problem
            said = f"{link.number} is {link.standing.value.replace('_', ' ')}"
            return NoAction(said, mentions={**money.mentions, **self._for_cancelled(invoice, link)})
        person, written_anew = self.writer.write(invoice, customer, known)
        due_date = written_anew.header.due_date or ""
        letter = self.writer.finisher.letter(invoice, person)
        # Where money came in, the issue was a step of its own and not part of the mail.
        mail = (Mail if self.writer.payments.is_stated(invoice) else Finish)(
            letter, invoice.currency, due_date, document
        )
        return self.writer.planned(invoice, *payments, mail, problem=problem, mentions=money.mentions)

    def _for_cancelled(self, invoice: Invoice, link: Linked) -> dict[str, str]:
        """What is said once of money for a document that was cancelled."""
        if link.standing is not DocumentStatus.CANCELLED or not self.writer.payments.is_stated(invoice):
            return {}
        name = invoice.source_number or invoice.shop_id
        where = f"{link.number} is cancelled in {self.ledger}"
        said = f"Invoice {name} is paid in the shop; {where}, so nothing was booked."
        return {f"cancelled:invoice:{invoice.shop_id}": said}

    def _mail_is_due(self, invoice: Invoice, link: Linked, *, settled: bool) -> bool:
        """Only where we issued it ourselves and the mail, a step of its own, did not come through."""
        key = self.writer.key(invoice)
        is_open = link.standing is DocumentStatus.ISSUED
        # A payment that we booked ourselves comes before the mail.
        is_paid_by_us = link.standing in HAS_MONEY and self.writer.payments.is_stated(invoice)
        open_for_mail = (
            (is_open or is_paid_by_us)
            and not link.shared
            and self.writer.finisher.how_far(invoice, settled=settled) == "send"
        )
        return open_for_mail and self.done(IssueDocument.step_kind, key) and not self.done(SendDocument.step_kind, key)

    def _was_finished(self, invoice: Invoice, document_id: LedgerId) -> bool:
        """Whether it was issued or mailed by bexsync, by the state or by what is kept outside."""
        key = self.writer.key(invoice)
        return (
            self.done(IssueDocument.step_kind, key)
            or self.done(SendDocument.step_kind, key)
            or document_id in self.finished(key)
        )

    def _update(self, invoice: Invoice, customer: Customer | None, link: Linked) -> PlannedInvoice:
        """Our own draft follows the shop: header, positions anew, then a look at the whole."""
        person, document = self.writer.write_for_contacts(invoice, customer)
        wanted = self.writer.wanted(invoice, document)
        was_cut_short = not link.fingerprint and link.created_as == wanted.source
        want = Complete(wanted, known_document(link)) if was_cut_short else Rewrite(wanted, known_document(link))
        return self.writer.finished(invoice, person, document, want)

    def _adopt(
        self, invoice: Invoice, customer: Customer | None, found: DocumentState, known: KnownMoney
    ) -> PlannedInvoice:
        """A document that carries our reference but no link: the state was lost or restored."""
        if invoice.document_type == "credit_note" or self._is_left_to_the_shop(invoice):
            # What the shop sent or settled itself is neither mailed nor compared.
            return self.writer.planned(invoice, Adopt(found), problem=self._settled_by_shop(invoice, found))
        if invoice.status == "cancelled":
            return self._adopt_cancelled(invoice, found)
        if found.standing is DocumentStatus.DRAFT:
            if found.shared or self._was_finished(invoice, found.ledger_id):
                return self.writer.planned(invoice, Adopt(found), problem=taken_back(found, self.ledger))
            return self._adopt_draft(invoice, customer, found)
        _, document = self.writer.write(invoice, customer, known)
        if is_same(found, document):
            return self._adopt_with_money(invoice, Adopt(found, self.writer.wanted(invoice, document)), known)
        if found.total == document.shop_total and has_same_currency(found, document):
            # With a rounding line that the profile no longer asks for.
            return self._adopt_with_money(invoice, Adopt(found), known)
        problem = RecordProblem(
            f"{self.ledger} already has it as {found.number} with a total of {format_amount(found.total)}, "
            f"the shop has {format_amount(document.amount)} {document.currency}.",
            f"Compare the two and correct one: {found.url}",
            code="differs_in_ledger",
        )
        return self.writer.planned(invoice, Adopt(found), problem=problem)

    def _adopt_by_number(
        self, invoice: Invoice, customer: Customer | None, known: KnownMoney, numbered: Sequence[DocumentState]
    ) -> PlannedInvoice | None:
        """One that was paid in the shop and stands in the ledger already is linked there; None where it does not."""
        person, document = self.writer.write(invoice, customer, known)
        is_of = partial(self.writer.is_for_customer, invoice, person)
        found = standing_by_number(invoice, document, numbered, is_of, self.ledger)
        if found is None:
            return None
        wanted = self.writer.wanted(invoice, document)
        # How many positions somebody else gave it does not matter.
        expect = {name: value for name, value in wanted.expect.items() if name != "positions"}
        return self._adopt_with_money(invoice, Adopt(found, replace(wanted, expect=expect), as_ours=True), known)

    def _adopt_with_money(self, invoice: Invoice, adopt: Adopt, known: KnownMoney) -> PlannedInvoice:
        """A document that is issued is linked, and what came in for it is booked; it is not mailed."""
        found = adopt.found
        if found.standing not in HAS_MONEY:
            return self.writer.planned(invoice, adopt)
        money = self.writer.payments.on(invoice, known, found.total)
        document = KnownDocument(found.ledger_id, found.number)
        payments = payments_on(money, document, known.received)
        problem = self.writer.payments.left_open(invoice, money, found)
        return self.writer.planned(invoice, adopt, *payments, problem=problem, mentions=money.mentions)

    def _adopt_cancelled(self, invoice: Invoice, found: DocumentState) -> PlannedInvoice:
        problem = cancelled_in_shop(found, self.ledger)
        was_finished = self._was_finished(invoice, found.ledger_id)
        take_back = self.writer.finisher.take_back(_unknown(found), was_finished=was_finished) if problem else None
        if take_back is None:
            return self.writer.planned(invoice, Adopt(found), problem=problem)
        return self.writer.planned(invoice, Adopt(found), take_back)

    def _adopt_draft(self, invoice: Invoice, customer: Customer | None, found: DocumentState) -> PlannedInvoice:
        """Our own draft is finished as if its link had never been lost; a different one is rewritten first."""
        person, document = self.writer.write_for_contacts(invoice, customer)
        wanted = self.writer.wanted(invoice, document)
        same_contact = document.contacts.wanted.contact == found.contact_id
        if is_same(found, document) and same_contact and names(found.address, document.contacts.names):
            return self.writer.finished(invoice, person, document, Adopt(found, wanted, with_positions=True))
        rewrite = Rewrite(wanted, known_document(_unknown(found)))
        return self.writer.finished(invoice, person, document, Adopt(found), rewrite)


def _unknown(found: DocumentState) -> Linked:
    """The link of a document of which nothing is known but how it stands."""
    return Linked(found.ledger_id, "", {}, found.standing, found.number, found.url, found.total, shared=found.shared)
