"""What is to be done for one invoice of the shop, given what is known of it in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from bexsync.errors import RecordProblem
from bexsync.money import rounded, written
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.plan import LinkDraft, Ref, Step, Subject
from bexsync.ports import DocumentState, Standing
from bexsync.profile import Finish, Profile
from bexsync.records import Customer, Invoice

POSITIONS_AT_ONCE = 150
KIND = "invoice"
_ORDER: Mapping[str, int] = {"draft": 0, "issue": 1, "send": 2}
_NOT_BOOKED = frozenset({"updated_at", "metadata", "status", "external_id", "external_number", "external_url"})
_NO_CONTACTS = Contacts(0, None, ())


@dataclass(frozen=True)
class Linked:
    """What the link of an invoice says: `fingerprint` is "" while the document was never found to be right."""

    ledger_id: int
    fingerprint: str
    agreed: Mapping[str, Any]
    standing: Standing
    number: str
    url: str
    total: Decimal
    revision: int = 0
    created_as: str = ""


@dataclass(frozen=True)
class Settled:
    """Nothing is to be done; `ignored` says that the record is not ours to book."""

    reason: str
    ignored: bool = False


@dataclass(frozen=True)
class Work:
    """The steps of one invoice, what a person must hear of besides, and whether another look is needed after them."""

    steps: tuple[Step, ...]
    problem: RecordProblem | None = None
    unfinished: bool = False


@dataclass(frozen=True)
class InvoicePlanner:
    """Decides for one invoice at a time; pure but for the contacts it remembers to create once."""

    profile: Profile
    documents: DocumentPlanner
    contacts: ContactPlanner
    site: str
    start_date: date
    me: str
    send_issues: bool = True

    def reference(self, shop_id: str) -> str:
        """The natural key of an invoice in the ledger."""
        return reference(self.site, shop_id)

    def plan(
        self,
        invoice: Invoice,
        customer: Customer | None,
        link: Linked | None,
        found: Sequence[DocumentState] = (),
    ) -> Work | Settled:
        """The decision; raises RecordProblem when only a person can decide."""
        if link is None and not found:
            reason = self._not_ours(invoice)
            if reason:
                return Settled(reason, ignored=True)
        if link is not None:
            return self._linked(invoice, customer, link)
        if len(found) > 1:
            ids = ", ".join(f"{d.number} ({d.url})" for d in found)
            raise RecordProblem(
                f"bexio has {len(found)} invoices with our reference: {ids}.",
                "Delete or cancel all but one in bexio, then run this again.",
                code="document_ambiguous",
            )
        if found:
            return self._adopt(invoice, customer, found[0])
        return self._create(invoice, customer)

    def _not_ours(self, invoice: Invoice) -> str:
        if invoice.status != "approved":
            return f"its status is {invoice.status}"
        if invoice.invoice_date < self.start_date:
            return f"its date {invoice.invoice_date} lies before the start date {self.start_date}"
        if invoice.document_type == "credit_note":
            raise _credit_note(invoice, "")
        return ""

    def _create(self, invoice: Invoice, customer: Customer | None) -> Work:
        subject = Subject(KIND, invoice.shop_id)
        document, before = self._write(invoice, customer, subject)
        create = self._create_step(invoice, document, subject)
        rest = self._rest(document, subject, create.ref, self.reference(invoice.shop_id), invoice)
        tail = rest[-1].ref if rest else create.ref
        return Work(
            (
                *before,
                create,
                *rest,
                *self._finish(
                    invoice, customer, document, subject, create.ref, tail, replace(create.ref, field="number")
                ),
            )
        )

    def _write(
        self, invoice: Invoice, customer: Customer | None, subject: Subject
    ) -> tuple[Document, tuple[Step, ...]]:
        if customer is None:
            missing = invoice.customer_id is not None
            raise RecordProblem(
                f'The customer "{invoice.customer_id}" is unknown.' if missing else "Field `customer` is missing.",
                "Drop the customer's record too." if missing else "Let the shop give the customer.",
                code="customer_missing",
                field="customer",
                subject=f"customer:{invoice.customer_id}" if missing else "",
            )
        if self._finish_of(invoice) == "send":
            self._mail(invoice, customer)
        # The document first: an invoice that cannot be booked must not leave a contact behind.
        self.documents.write(invoice, customer, _NO_CONTACTS, self.reference(invoice.shop_id))
        contacts = self.contacts.plan(invoice, customer, subject)
        return self.documents.write(invoice, customer, contacts, self.reference(invoice.shop_id)), contacts.steps

    def _create_step(self, invoice: Invoice, document: Document, subject: Subject) -> Step:
        complete = len(document.positions) <= POSITIONS_AT_ONCE
        first = document.positions[:POSITIONS_AT_ONCE]
        return Step(
            "invoice",
            self.reference(invoice.shop_id),
            subject,
            {**document.header, "positions": list(first)},
            scope=self.site,
            expect=document.expect if complete else {"positions": str(len(first))},
            link=_agreement(invoice) if complete else LinkDraft(KIND),
            money=rounded(document.total),
            currency=document.currency,
            title=f"invoice for {document.customer}",
        )

    def _rest(
        self,
        document: Document,
        subject: Subject,
        made: Ref | int,
        key: str,
        invoice: Invoice,
        start: int = POSITIONS_AT_ONCE,
    ) -> list[Step]:
        """The positions that do not fit the create, one by one, and a look at the whole in the end."""
        steps: list[Step] = []
        before: tuple[Ref, ...] = (made,) if isinstance(made, Ref) else ()
        for index, position in enumerate(document.positions[start:], start):
            step = Step(
                "position",
                f"{key}#{index}",
                subject,
                {"document_id": made, "index": index, "position": position},
                scope=self.site,
                after=before,
                title=f"position {index + 1}",
            )
            steps.append(step)
            before = (step.ref,)
        if steps or start == 0:
            steps.append(self._verify(document, subject, made, key, before, invoice))
        return steps

    def _verify(
        self, document: Document, subject: Subject, made: Ref | int, key: str, before: tuple[Ref, ...], invoice: Invoice
    ) -> Step:
        return Step(
            "verify",
            key,
            subject,
            {"document_id": made},
            scope=self.site,
            expect=document.expect,
            after=before,
            link=_agreement(invoice),
            title="compare the total",
        )

    def _linked(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work | Settled:
        if link.standing is Standing.DELETED:
            raise RecordProblem(
                f"Invoice {link.number} was deleted in bexio.",
                "It is not created again. To book it anew, forget its link and drop it again.",
                code="deleted_in_ledger",
            )
        if invoice.document_type == "credit_note":
            raise _credit_note(invoice, link.url)
        if invoice.status == "cancelled":
            return self._cancelled(link)
        changes = differences(link.agreed, invoice.canonical())
        if link.fingerprint == invoice.fingerprint() or (link.fingerprint and not changes):
            return self._unfinished(invoice, customer, link)
        if link.standing is not Standing.DRAFT:
            return self._changed_after_booking(invoice, customer, link, changes)
        return self._update(invoice, customer, link)

    def _cancelled(self, link: Linked) -> Settled:
        if link.standing is Standing.CANCELLED:
            return Settled("cancelled on both sides")
        raise RecordProblem(
            f"It was cancelled in the shop; in bexio {link.number} is {link.standing.value.replace('_', ' ')}.",
            f"Cancel or delete it in bexio: {link.url}",
            code="cancelled_in_shop",
        )

    def _changed_after_booking(
        self, invoice: Invoice, customer: Customer | None, link: Linked, changes: Sequence[str]
    ) -> Work | Settled:
        if not link.fingerprint:
            return self._judge_adopted(invoice, customer, link)
        raise RecordProblem(
            f"Changed after booking ({link.number}): {'; '.join(changes[:6])}"
            f"{f' and {len(changes) - 6} more' if len(changes) > 6 else ''}.",
            f"Undo the change in the shop, or correct the invoice in bexio: {link.url}",
            code="changed_after_booking",
            subject="; ".join(changes)[:200],
        )

    def _judge_adopted(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work:
        """An issued document of ours that the state knows too little of: right if it comes to the same total."""
        subject = Subject(KIND, invoice.shop_id)
        document, _ = self._write(invoice, customer, subject)
        step = self._verify(
            document, subject, link.ledger_id, f"{self.reference(invoice.shop_id)}@adopted", (), invoice
        )
        return Work((step,))

    def _unfinished(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work | Settled:
        if link.standing is not Standing.DRAFT or self._finish_of(invoice) == "draft":
            return Settled(f"{link.number} is {link.standing.value.replace('_', ' ')}")
        subject = Subject(KIND, invoice.shop_id)
        document, _ = self._write(invoice, customer, subject)
        return Work(tuple(self._finish(invoice, customer, document, subject, link.ledger_id, None, link.number)))

    def _update(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work:
        """Our own draft follows the shop: header, positions anew, then a look at the whole."""
        subject = Subject(KIND, invoice.shop_id)
        document, before = self._write(invoice, customer, subject)
        create = self._create_step(invoice, document, subject)
        if not link.fingerprint and link.created_as == create.payload_hash():
            rest = self._rest(document, subject, link.ledger_id, create.key, invoice)
            rest = rest or [self._verify(document, subject, link.ledger_id, create.key, (), invoice)]
            return Work(
                (
                    *before,
                    *rest,
                    *self._finish(invoice, customer, document, subject, link.ledger_id, rest[-1].ref, link.number),
                )
            )
        key = f"{create.key}@{link.revision + 1}-{invoice.fingerprint()[:8]}"
        edit = Step(
            "invoice_edit",
            key,
            subject,
            {**document.header, "document_id": link.ledger_id},
            scope=self.site,
            title=f"update draft {link.number}",
            money=rounded(document.total),
            currency=document.currency,
        )
        clear = Step(
            "positions_clear",
            key,
            subject,
            {"document_id": link.ledger_id},
            scope=self.site,
            after=(edit.ref,),
            title="replace the positions",
            requests=2,
        )
        rest = self._rest(document, subject, link.ledger_id, key, invoice, start=0)
        rest[0] = replace(rest[0], after=(*rest[0].after, clear.ref))
        finish = self._finish(invoice, customer, document, subject, link.ledger_id, rest[-1].ref, link.number)
        return Work((*before, edit, clear, *rest, *finish))

    def _adopt(self, invoice: Invoice, customer: Customer | None, found: DocumentState) -> Work:
        """A document that carries our reference but no link: the state was lost or restored."""
        subject = Subject(KIND, invoice.shop_id)
        step = Step(
            "adopt",
            self.reference(invoice.shop_id),
            subject,
            {"document_id": found.ledger_id},
            scope=self.site,
            link=LinkDraft(KIND, adopted=True),
            title=f"link {found.number}, which bexio already has",
        )
        if invoice.document_type == "credit_note" or invoice.status == "cancelled":
            return Work((step,))
        document, _ = self._write(invoice, customer, subject)
        gap = abs(found.total - document.total)
        if gap > document.within and found.standing is not Standing.DRAFT:
            problem = RecordProblem(
                f"bexio already has it as {found.number} with a total of {written(found.total)}, "
                f"the shop has {written(document.total)}.",
                f"Compare the two and correct one: {found.url}",
                code="differs_in_ledger",
            )
            return Work((step,), problem)
        if gap > document.within:
            return Work((step,), unfinished=True)  # our own draft: the next plan brings it up to date
        verify = self._verify(
            document, subject, found.ledger_id, f"{self.reference(invoice.shop_id)}@adopted", (step.ref,), invoice
        )
        finish: list[Step] = []
        if found.standing is Standing.DRAFT:
            finish = self._finish(invoice, customer, document, subject, found.ledger_id, verify.ref, found.number)
        return Work((step, verify, *finish))

    def _finish_of(self, invoice: Invoice) -> Finish:
        """The profile says how far; a single invoice may stay behind, never go further."""
        if invoice.leave_as_draft:
            return "draft"
        wish: Finish = "issue" if invoice.auto_send is False else self.profile.invoices.finish
        return min(wish, self.profile.invoices.finish, key=lambda finish: _ORDER[finish])

    def _finish(
        self,
        invoice: Invoice,
        customer: Customer | None,
        document: Document,
        subject: Subject,
        made: Ref | int,
        tail: Ref | None,
        number: Ref | str,
    ) -> list[Step]:
        wish = self._finish_of(invoice)
        if wish == "draft" or customer is None:
            return []
        key = self.reference(invoice.shop_id)
        after = (tail,) if tail is not None else ()
        steps: list[Step] = []
        if wish == "issue" or not self.send_issues:
            steps.append(
                Step(
                    "issue",
                    key,
                    subject,
                    {"document_id": made, "look": wish == "send"},
                    scope=self.site,
                    after=after,
                    link=LinkDraft(KIND),
                    title="issue",
                )
            )
            after = (steps[-1].ref,)
        if wish == "send":
            steps.append(self._send(invoice, customer, document, subject, made, number, after))
        return steps

    def _send(
        self,
        invoice: Invoice,
        customer: Customer,
        document: Document,
        subject: Subject,
        made: Ref | int,
        number: Ref | str,
        after: tuple[Ref, ...],
    ) -> Step:
        to, mail_subject, message = self._mail(invoice, customer)
        attach = invoice.email.attach_pdf if invoice.email and invoice.email.attach_pdf is not None else None
        key = self.reference(invoice.shop_id)
        payload = {
            "document_id": made,
            "to": to,
            "subject": mail_subject,
            "message": message,
            "issue": self.send_issues,
            "shared_before": "no" if self.send_issues else Ref("issue", key, "shared"),
            "attach_pdf": self.profile.invoices.attach_pdf if attach is None else attach,
            "words": {
                "number": number,
                "title": invoice.title or "",
                "total": written(invoice.total or document.total),
                "currency": invoice.currency,
                "due_date": str(document.header.get("due_date", "")),
                "customer": _customer_name(customer),
            },
        }
        return Step(
            "send",
            key,
            subject,
            payload,
            scope=self.site,
            after=after,
            link=LinkDraft(KIND),
            mails=1,
            title=f"send to {to}",
        )

    def _mail(self, invoice: Invoice, customer: Customer) -> tuple[str, str, str]:
        """To whom, subject and message; the invoice's own words win over the profile's in the customer's language."""
        own = invoice.email
        to = (own.to if own else None) or (invoice.invoice_contact.email if invoice.invoice_contact else None)
        to = to or customer.email or (customer.billing_address.email if customer.billing_address else None)
        if to is None:
            raise RecordProblem(
                "There is no mail address to send it to.",
                'Add customer.email in the shop, or set leave_as_draft, or [invoices] finish = "issue".',
                code="mail_missing",
                field="customer.email",
            )
        texts = self.profile.invoices.mail
        language = (invoice.language or customer.language or self.profile.ledger.language)[:2]
        text = texts.get(language) or texts.get(self.profile.ledger.language) or texts["en"]
        subject = (own.subject if own else None) or text.subject
        message = (own.text if own else None) or text.message
        if "[Network Link]" not in message:
            message = f"{message}\n\n[Network Link]"
        return (self.me if self.profile.invoices.send_to == "me" else to), subject, message


def reference(site: str, shop_id: str) -> str:
    """The `api_reference` of an invoice: unique in the company, compared exactly."""
    return f"bexsync:{site}:{KIND}:{shop_id}"


def _agreement(invoice: Invoice) -> LinkDraft:
    return LinkDraft(KIND, fingerprint=invoice.fingerprint(), agreed=invoice.canonical())


def _customer_name(customer: Customer) -> str:
    return customer.company_name or " ".join(p for p in (customer.first_name, customer.last_name) if p)


def _credit_note(invoice: Invoice, url: str) -> RecordProblem:
    """bexio has no interface for credit notes, so a person gets everything needed to write one."""
    amounts: dict[str, Decimal] = {}
    for line in invoice.lines:
        if not line.has_amount or (line.unit_price is None and line.line_total is None):
            continue
        amount = line.line_total if line.line_total is not None else line.quantity * (line.unit_price or Decimal(0))
        rate = f"{line.tax_rate} %" if line.tax_rate is not None else line.tax_code or "default tax"
        amounts[rate] = amounts.get(rate, Decimal(0)) + amount
    split = ", ".join(f"{written(amount)} at {rate}" for rate, amount in amounts.items())
    original = f" The original: {url}" if url else ""
    return RecordProblem(
        f"Credit note {invoice.source_number or invoice.shop_id} of {written(invoice.total or Decimal(0))} "
        f"{invoice.currency} ({split}) has to be written in bexio by hand; bexio offers no interface for it.",
        f"Write it in bexio, then acknowledge this error.{original}",
        code="credit_note",
    )


def differences(agreed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a booked record changed, as `lines[1].unit_price: 100 -> 120`."""
    before, after = dict(_flat(agreed)), dict(_flat(now))
    return [
        f"{path}: {before.get(path, '(nothing)')} -> {after.get(path, '(nothing)')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if path or key not in _NOT_BOOKED:
                yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{path}[{number}]")
    else:
        yield path, str(value)
