"""What is to be done for one invoice of the shop, given what is known of it in the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from bexsync.errors import RecordProblem
from bexsync.money import rounded, written
from bexsync.planning.contacts import ContactPlanner, Contacts
from bexsync.planning.credit_notes import credit_note_problem
from bexsync.planning.documents import Document, DocumentPlanner
from bexsync.planning.plan import LinkDraft, Ref, Step, Subject
from bexsync.ports import DocumentState, Standing
from bexsync.profile import Finish, Profile
from bexsync.records import Customer, Invoice

POSITIONS_AT_ONCE = 150
KIND = "invoice"
_ORDER: Mapping[str, int] = {"draft": 0, "issue": 1, "send": 2}
_NO_CONTACTS = Contacts(0, None, ())
_EDITING = "~"
# What neither stands on the document nor decides who gets it: a change here is no change of what was booked.
_NOT_BOOKED = frozenset(
    {
        "updated_at", "metadata", "status", "external_id", "external_number", "external_url", "attachments",
        "email", "auto_send", "leave_as_draft", "customer.updated_at", "customer.phone", "customer.groups",
        "customer.shop_id", "customer.customer_number", "customer.vat_number", "customer.shipping_address",
        "invoice_contact.phone", "lines.metadata", "lines.line_number",
    }
)  # fmt: skip


class WasDone(Protocol):
    """Whether a step of this site was done before, by its kind and key."""

    def __call__(self, kind: str, key: str) -> bool: ...


def _nothing_done(kind: str, key: str) -> bool:
    del kind, key
    return False


@dataclass(frozen=True)
class Linked:
    """What the link of an invoice says, and how the document stands in the ledger now.

    `fingerprint` is "" while the document was never found to be right, and begins with "~" while it is being
    rewritten; `created_as` is the content it was created from.
    """

    ledger_id: int
    fingerprint: str
    agreed: Mapping[str, Any]
    standing: Standing
    number: str
    url: str
    total: Decimal
    revision: int = 0
    created_as: str = ""
    shared: bool = False

    @property
    def is_agreed(self) -> bool:
        """Whether the document is known to say what `agreed` says."""
        return bool(self.fingerprint) and not self.fingerprint.startswith(_EDITING)


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
    note: str = ""


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
    done: WasDone = _nothing_done
    url_of: Callable[[str], str] = lambda _: ""

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
            return f"its status in the shop is {invoice.status}"
        if invoice.invoice_date < self.start_date:
            return f"dated before start_date {self.start_date}"
        if invoice.document_type == "credit_note":
            raise self._credit_note(invoice)
        return ""

    def _credit_note(self, invoice: Invoice) -> RecordProblem:
        return credit_note_problem(invoice, self.url_of(invoice.original_shop_id or ""))

    def _create(self, invoice: Invoice, customer: Customer | None) -> Work:
        subject = Subject(KIND, invoice.shop_id)
        person, document, before = self._write_for_contacts(invoice, customer, subject)
        create = self._create_step(invoice, document, subject)
        note = _note(document)
        if note:
            create = replace(create, title=f"{create.title}, {note}")
        rest = self._rest(document, subject, create.ref, self.reference(invoice.shop_id), invoice)
        tail = rest[-1].ref if rest else create.ref
        made = _Made(create.ref, replace(create.ref, field="number"), replace(tail, field="total"), tail)
        return Work((*before, create, *rest, *self._finish(invoice, person, document, subject, made)), note=note)

    def _write_for_contacts(
        self, invoice: Invoice, customer: Customer | None, subject: Subject
    ) -> tuple[Customer, Document, tuple[Step, ...]]:
        """The document with its contacts; it comes first: what cannot be booked must not leave a contact behind."""
        person, _ = self._write(invoice, customer)
        contacts = self.contacts.plan(invoice, person, subject)
        document = self.documents.write(invoice, person, contacts, self.reference(invoice.shop_id))
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
        if self._finish_of(invoice) == "send":
            self._mail(invoice, customer)
        return customer, self.documents.write(invoice, customer, _NO_CONTACTS, self.reference(invoice.shop_id))

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
            link=_agreement(invoice) if complete else LinkDraft(KIND, source=_content(invoice)),
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
        if invoice.status == "cancelled":
            return self._cancelled(link)
        if link.standing is Standing.DELETED:
            raise RecordProblem(
                f"Invoice {link.number} was deleted in bexio.",
                "It is not created again. To book it anew, forget its link and drop it again.",
                code="deleted_in_ledger",
            )
        if invoice.document_type == "credit_note":
            raise self._credit_note(invoice)
        changes = differences(link.agreed, invoice.canonical())
        if link.is_agreed and not changes:
            return self._unfinished(invoice, customer, link)
        if invoice.status == "draft":
            return Settled(f"its status is draft; {link.number} stays as it is")
        if link.standing is not Standing.DRAFT:
            return self._changed_after_booking(invoice, customer, link, changes)
        return self._update(invoice, customer, link)

    def _cancelled(self, link: Linked) -> Settled:
        problem = _cancelled_in_shop(link)
        if problem is not None:
            raise problem
        return Settled(f"cancelled in the shop, {link.standing.value} in bexio")

    def _changed_after_booking(
        self, invoice: Invoice, customer: Customer | None, link: Linked, changes: Sequence[str]
    ) -> Work | Settled:
        if not link.is_agreed:
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
        _, document = self._write(invoice, customer)
        key = f"{self.reference(invoice.shop_id)}@adopted"
        return Work((self._verify(document, subject, link.ledger_id, key, (), invoice),))

    def _unfinished(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work | Settled:
        """The document is right; issuing or mailing it may still be due."""
        well = Settled(f"{link.number} is {link.standing.value.replace('_', ' ')}")
        key = self.reference(invoice.shop_id)
        if invoice.status != "approved" or self._finish_of(invoice) == "draft":
            return well
        is_draft = link.standing is Standing.DRAFT
        if not is_draft and not self._mail_is_due(invoice, link):
            return well
        if is_draft and self._was_finished(key):
            raise _taken_back(link)
        subject = Subject(KIND, invoice.shop_id)
        person, document = self._write(invoice, customer)
        made = _Made(link.ledger_id, link.number, written(link.total), None)
        return Work(tuple(self._finish(invoice, person, document, subject, made)))

    def _mail_is_due(self, invoice: Invoice, link: Linked) -> bool:
        """Only where we issued it ourselves and the mail, a step of its own, did not come through."""
        key = self.reference(invoice.shop_id)
        open_for_mail = link.standing is Standing.ISSUED and not link.shared and self._finish_of(invoice) == "send"
        return open_for_mail and self.done("issue", key) and not self.done("send", key)

    def _was_finished(self, key: str) -> bool:
        return self.done("issue", key) or self.done("send", key)

    def _update(self, invoice: Invoice, customer: Customer | None, link: Linked) -> Work:
        """Our own draft follows the shop: header, positions anew, then a look at the whole."""
        subject = Subject(KIND, invoice.shop_id)
        person, document, before = self._write_for_contacts(invoice, customer, subject)
        key = self.reference(invoice.shop_id)
        if not link.fingerprint and link.created_as == _content(invoice):
            rest = self._rest(document, subject, link.ledger_id, key, invoice)
            steps = rest or [self._verify(document, subject, link.ledger_id, key, (), invoice)]
        else:
            steps = self._rewrite(invoice, document, subject, link)
        if self._was_finished(key):
            return Work((*before, *steps), _taken_back(link))
        tail = steps[-1].ref
        made = _Made(link.ledger_id, link.number, replace(tail, field="total"), tail)
        return Work((*before, *steps, *self._finish(invoice, person, document, subject, made)))

    def _rewrite(
        self, invoice: Invoice, document: Document, subject: Subject, link: Linked, after: tuple[Ref, ...] = ()
    ) -> list[Step]:
        """From the first change until the last look the link says that its document is being rewritten."""
        editing = f"{_EDITING}{invoice.fingerprint()}"
        revision = link.revision if link.fingerprint in ("", editing) else link.revision + 1
        key = f"{self.reference(invoice.shop_id)}@{revision}-{invoice.fingerprint()[:8]}"
        edit = Step(
            "invoice_edit",
            key,
            subject,
            {**document.header, "document_id": link.ledger_id},
            scope=self.site,
            after=after,
            link=LinkDraft(KIND, fingerprint=editing, agreed=link.agreed),
            title=f"update draft {link.number}",
            requests=2,
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
        return [edit, clear, *rest]

    def _adopt(self, invoice: Invoice, customer: Customer | None, found: DocumentState) -> Work:
        """A document that carries our reference but no link: the state was lost or restored."""
        subject = Subject(KIND, invoice.shop_id)
        adopt = Step(
            "adopt",
            self.reference(invoice.shop_id),
            subject,
            {"document_id": found.ledger_id},
            scope=self.site,
            link=LinkDraft(KIND, adopted=True),
            title=f"link {found.number}, which bexio already has",
        )
        if invoice.document_type == "credit_note":
            return Work((adopt,))
        if invoice.status == "cancelled":
            return Work((adopt,), _cancelled_in_shop(found))
        if found.standing is Standing.DRAFT:
            return self._adopt_draft(invoice, customer, found, adopt)
        _, document = self._write(invoice, customer)
        if not _is_same(found, document):
            problem = RecordProblem(
                f"bexio already has it as {found.number} with a total of {written(found.total)}, "
                f"the shop has {written(rounded(document.total))} {document.currency}.",
                f"Compare the two and correct one: {found.url}",
                code="differs_in_ledger",
            )
            return Work((adopt,), problem)
        return Work((_agreeing(adopt, invoice, document),))

    def _adopt_draft(self, invoice: Invoice, customer: Customer | None, found: DocumentState, adopt: Step) -> Work:
        """Our own draft is finished as if its link had never been lost; a different one is rewritten first."""
        subject = adopt.subject
        person, document, before = self._write_for_contacts(invoice, customer, subject)
        if _is_same(found, document) and document.header["contact_id"] == found.contact_id:
            steps = [_agreeing(adopt, invoice, document)]
        else:
            link = Linked(found.ledger_id, "", {}, found.standing, found.number, found.url, found.total)
            steps = [adopt, *self._rewrite(invoice, document, subject, link, (adopt.ref,))]
        tail = steps[-1].ref
        made = _Made(found.ledger_id, found.number, replace(tail, field="total"), tail)
        return Work((*before, *steps, *self._finish(invoice, person, document, subject, made)))

    def _finish_of(self, invoice: Invoice) -> Finish:
        """The profile says how far; a single invoice may stay behind, never go further."""
        if invoice.leave_as_draft:
            return "draft"
        wish: Finish = "issue" if invoice.auto_send is False else self.profile.invoices.finish
        return min(wish, self.profile.invoices.finish, key=lambda finish: _ORDER[finish])

    def _finish(
        self, invoice: Invoice, customer: Customer, document: Document, subject: Subject, made: _Made
    ) -> list[Step]:
        wish = self._finish_of(invoice)
        if wish == "draft":
            return []
        after = (made.tail,) if made.tail is not None else ()
        steps: list[Step] = []
        if wish == "issue" or not self.send_issues:
            issue = Step(
                "issue",
                self.reference(invoice.shop_id),
                subject,
                {"document_id": made.document_id, "look": wish == "send"},
                scope=self.site,
                after=after,
                link=LinkDraft(KIND),
                title="issue",
            )
            steps, after = [issue], (issue.ref,)
        if wish == "send":
            steps.append(self._send(invoice, customer, document, subject, made, after))
        return steps

    def _send(
        self,
        invoice: Invoice,
        customer: Customer,
        document: Document,
        subject: Subject,
        made: _Made,
        after: tuple[Ref, ...],
    ) -> Step:
        to, mail_subject, message = self._mail(invoice, customer)
        attach = invoice.email.attach_pdf if invoice.email and invoice.email.attach_pdf is not None else None
        key = self.reference(invoice.shop_id)
        payload = {
            "document_id": made.document_id,
            "to": to,
            "subject": mail_subject,
            "message": message,
            "issue": self.send_issues,
            "shared_before": "no" if self.send_issues else Ref("issue", key, "shared"),
            "attach_pdf": self.profile.invoices.attach_pdf if attach is None else attach,
            "words": {
                "number": made.number,
                "title": invoice.title or "",
                "total": made.total,
                "currency": invoice.currency,
                "due_date": _written_day(str(document.header.get("due_date", ""))),
                "customer": document.customer,
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


@dataclass(frozen=True)
class _Made:
    """The document that is to be finished: known already, or made by an earlier step (`tail` the last of them)."""

    document_id: int | Ref
    number: str | Ref
    total: str | Ref
    tail: Ref | None


def _agreement(invoice: Invoice) -> LinkDraft:
    return LinkDraft(KIND, fingerprint=invoice.fingerprint(), agreed=invoice.canonical(), source=_content(invoice))


def _agreeing(adopt: Step, invoice: Invoice, document: Document) -> Step:
    """Adopting a document that seems to be right: the look that links it says whether it is."""
    return replace(adopt, expect=document.expect, link=replace(_agreement(invoice), adopted=True))


def _content(invoice: Invoice) -> str:
    """A hash of what is booked: records that differ only in what is not booked have the same."""
    text = json.dumps(sorted(_flat(invoice.canonical())), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_same(found: DocumentState, document: Document) -> bool:
    """Whether a document that was found comes to the same total in the same currency."""
    same_currency = found.currency_id in (None, document.header["currency_id"])
    return same_currency and abs(found.total - document.total) <= document.within


def _taken_back(link: Linked) -> RecordProblem:
    return RecordProblem(
        f"{link.number} was issued before and is a draft again, because somebody took it back in bexio; "
        "bexsync does not issue or mail an invoice twice.",
        f"Issue and mail it in bexio, or delete it there: {link.url}",
        code="taken_back_in_ledger",
    )


def _cancelled_in_shop(document: Linked | DocumentState) -> RecordProblem | None:
    """What a person has to do about a document whose invoice the shop cancelled; None when it was done."""
    if document.standing in (Standing.CANCELLED, Standing.DELETED):
        return None
    return RecordProblem(
        f"It was cancelled in the shop; in bexio {document.number} is {document.standing.value.replace('_', ' ')}.",
        f"Cancel or delete it in bexio: {document.url}",
        code="cancelled_in_shop",
    )


def _written_day(day: str) -> str:
    """2026-12-02 as the customer reads it: 02.12.2026."""
    return ".".join(reversed(day.split("-"))) if day else ""


def differences(agreed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a booked record changed, as `lines[1].unit_price: 100 -> 120`."""
    before, after = dict(_flat(agreed)), dict(_flat(now))
    return [
        f"{path}: {before.get(path, '(nothing)')} -> {after.get(path, '(nothing)')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _flat(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every booked value with its path; `name` is the path without the numbers of lines."""
    if name in _NOT_BOOKED:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{path}[{number}]", name)
    else:
        yield path, str(value)


def _note(document: Document) -> str:
    """What a person should see of the contact before and after."""
    if not document.known_as:
        return ""
    return f"booked on the contact {document.known_as}, who has that mail in bexio"
