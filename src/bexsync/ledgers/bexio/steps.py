"""From what is wanted for a record to the steps in bexio, in order; pure, so that a plan can be checked before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import singledispatchmethod
from typing import Any

from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.contact_steps import ContactSteps
from bexsync.ledgers.bexio.effects import AddPosition, ClearPositions, EditDocument, WrittenBefore
from bexsync.ledgers.bexio.order_steps import OrderSteps
from bexsync.ledgers.bexio.step_list import POSITIONS_AT_ONCE, StepList, numbering
from bexsync.money import decimal_text, format_amount
from bexsync.ports.document_effects import (
    CancelDocument,
    CreateDocument,
    DeleteDocument,
    FinishingEffect,
    IssueDocument,
    LetterWords,
    LinkDocument,
    LookAtDocument,
    SendDocument,
)
from bexsync.ports.order_effects import CreateOrderInvoice, RecordPayment
from bexsync.ports.steps import EDITING, Effect, LinkDraft, Ref, Step, WasDone
from bexsync.ports.wanted import (
    Adopt,
    Compare,
    Complete,
    Create,
    Finish,
    KnownDocument,
    Letter,
    Rewrite,
    TakeBack,
    Want,
    Wanted,
    WantedDocument,
)
from bexsync.ports.wanted_orders import (
    AdoptOrder,
    Deliver,
    InvoiceFromOrder,
    Mail,
    OrderWant,
    Pay,
    PlaceOrder,
    RemoveOrder,
)

_OF_ORDER = (PlaceOrder, AdoptOrder, RemoveOrder, Deliver)


def steps_for(
    wanted: Wanted[Want | OrderWant], was_done: WasDone, *, send_issues: bool, issue_gives_link: bool | None = None
) -> tuple[Step, ...]:
    """The steps of one record; `send_issues` says that mailing a draft issues it.

    `issue_gives_link` says that an issued invoice has its public link without any mail; None where nobody knows.
    """
    steps = StepList(wanted, ContactSteps(wanted.subject, was_done))
    order = OrderSteps(steps)
    invoice = _InvoiceSteps(
        steps,
        order,
        send_issues=send_issues,
        issue_gives_link=issue_gives_link,
        mails_later=wanted.subject.kind == "order" or any(isinstance(want, Mail) for want in wanted.wants),
    )
    for want in wanted.wants:
        (order if isinstance(want, _OF_ORDER) else invoice).add(want)
    return tuple(steps.steps)


@dataclass
class _Target:
    """The document that is to be finished: known already, or made by the step `tail`."""

    document_id: LedgerId | Ref
    number: str | Ref
    total: str | Ref
    content: str | Ref
    due_date: str | Ref
    tail: Ref | None = None


class _InvoiceSteps:
    """Adds the steps of one invoice, be it a record of the shop itself or that of an order."""

    def __init__(
        self,
        steps: StepList,
        order: OrderSteps,
        *,
        send_issues: bool,
        issue_gives_link: bool | None,
        mails_later: bool,
    ) -> None:
        self._steps = steps
        self._order = order
        self._send_issues = send_issues
        self._issue_gives_link = issue_gives_link
        self._is_of_order = steps.subject.kind == "order"
        self._mails_later = mails_later
        self._link = (
            LinkDraft("invoice", link_kind="order_invoice") if self._is_of_order else LinkDraft(steps.subject.kind)
        )
        self._made: Ref | None = None
        self._known: KnownDocument | None = None
        self._linked: Ref | None = None
        self._written: Ref | None = None  # the last step that makes it what it is to be
        self._last: Ref | None = None
        self._booked = Decimal(0)
        self._slack = Decimal(0)  # by which the ledger's total may differ from the planned one

    @singledispatchmethod
    def add(self, want: Any) -> None:
        """Adds the steps of one thing that is wanted."""
        raise TypeError(f"{want!r} is nothing that can be wanted.")

    @add.register
    def _(self, want: Create) -> None:
        self._create(want, self._steps.reference, ())

    def _create(self, want: Create, key: str, after: tuple[Ref, ...]) -> None:
        document = want.document
        first = document.positions[:POSITIONS_AT_ONCE]
        is_complete = len(first) == len(document.positions)
        title = f"invoice for {document.customer}"
        link = self._agreement(document) if is_complete else replace(self._link, source=document.source)
        effect = CreateDocument(**self._steps.header(document), positions=first, put_aside=want.put_aside or None)
        self._made = self._step(
            effect,
            key,
            after=after,
            expect=document.expect if is_complete else {"positions": str(len(first))},
            link=replace(link, contact_of=document.customer_key),
            money=document.amount,
            currency=document.currency,
            title=f"{title}, {want.note}" if want.note else title,
            **numbering("invoice", document.header),
        )
        self._add_beyond_the_first(document, self._made, key)

    @add.register
    def _(self, want: InvoiceFromOrder) -> None:
        document, order = want.document, self._order.target(want.order)
        # A longer conversion may fail half-way, and one takes no number.
        if len(want.parts) > POSITIONS_AT_ONCE or document.header.number is not None:
            self._create(Create(document), order.key, order.after)
            return
        effect = CreateOrderInvoice(
            document_id=order.order_id,
            contact_id=self._steps.contact(),
            parts=want.parts,
            positions=document.positions,
            order_content=order.content,
        )
        self._made = self._step(
            effect,
            order.key,
            after=order.after,
            expect={"positions": str(len(want.parts))},
            link=replace(self._link, source=document.source, contact_of=document.customer_key),
            money=document.amount,
            currency=document.currency,
            title=f"invoice of the order for {document.customer}",
            **numbering("invoice", document.header),
        )
        edit = EditDocument(
            **self._steps.header(document),
            document_id=self._made,
            written=WrittenBefore(content="", positions=document.positions),
        )
        self._made = self._step(
            edit,
            order.key,
            after=(self._made,),
            expect=document.expect,
            link=self._agreement(document),
            title="make the invoice say what the shop says",
        )

    @add.register
    def _(self, want: Complete) -> None:
        self._known = want.known
        if not self._add_beyond_the_first(want.document, want.known.ledger_id, self._steps.reference):
            self._look(want.document, want.known.ledger_id, self._steps.reference, ())

    @add.register
    def _(self, want: Compare) -> None:
        self._known = want.known
        self._look(want.document, want.known.ledger_id, f"{self._steps.reference}@adopted", ())

    @add.register
    def _(self, want: Rewrite) -> None:
        self._known, document, known = want.known, want.document, want.known
        editing = f"{EDITING}{document.fingerprint}"
        revision = known.revision if known.fingerprint in ("", editing) else known.revision + 1
        key = f"{self._steps.reference}@{revision}-{document.fingerprint[:8]}"
        edit = self._step(
            EditDocument(
                **self._steps.header(document), document_id=known.ledger_id, written=_written_before(document, known)
            ),
            key,
            after=(self._linked,) if self._linked else (),
            link=replace(
                self._link,
                fingerprint=editing,
                agreed=known.record or {},
                contact_of=document.customer_key,
            ),
            money=document.amount,
            currency=document.currency,
            title=f"update draft {known.number}",
        )
        clear = self._step(
            ClearPositions(document_id=known.ledger_id),
            key,
            after=(edit,),
            title="replace the positions",
        )
        before = self._add_positions(document, known.ledger_id, key, 0, (), cleared=clear)
        self._look(document, known.ledger_id, key, before or (clear,))

    @add.register
    def _(self, want: Adopt) -> None:
        found, document = want.found, want.document
        self._known = KnownDocument(found.ledger_id, found.number)
        link = self._link if document is None else self._agreement(document)
        positions = document.positions if document is not None and want.with_positions else None
        self._linked = self._step(
            LinkDocument(
                document_id=found.ledger_id,
                positions=positions,
                reference=self._steps.reference if want.as_ours else None,
            ),
            self._steps.reference,
            expect={} if document is None else document.expect,
            link=replace(link, adopted=True),
            title=f"link {found.number}, which bexio already has",
        )

    @add.register
    def _(self, want: TakeBack) -> None:
        known = want.known
        effect: Effect = (
            DeleteDocument(document_id=known.ledger_id, content=known.content)
            if want.is_draft
            else CancelDocument(document_id=known.ledger_id)
        )
        self._steps.taken_back = self._step(
            effect,
            f"{self._steps.reference}@{known.ledger_id}",
            after=(self._linked,) if self._linked else (),
            title=f"delete draft {known.number}" if want.is_draft else f"cancel {known.number}",
        )

    @add.register
    def _(self, want: Finish) -> None:
        target = self._target(want.known)
        after = (target.tail,) if target.tail is not None else ()
        if want.letter is None or not self._send_issues:
            # A mail that follows must know whether the invoice had its public link before.
            look = want.letter is not None or (self._mails_later and self._issue_gives_link is not False)
            effect = IssueDocument(document_id=target.document_id, look=look, content=target.content)
            issue = self._step(effect, self._steps.reference, after=after, title="issue")
            after = (issue,)
        if want.letter is not None:
            shared_before = "no" if self._send_issues else Ref("issue", self._steps.reference, "shared")
            self._send(want, want.letter, target, after, issue=self._send_issues, shared_before=shared_before)

    @add.register
    def _(self, want: Pay) -> None:
        target = self._target(want.known)
        received = Decimal(want.received or "0") + self._booked if want.received or want.known is None else None
        self._booked += Decimal(want.amount)
        effect = RecordPayment(
            document_id=target.document_id,
            value=want.amount,
            day=want.day,
            bank_account_id=want.bank_account_id,
            received=None if received is None else decimal_text(received),
            slack=None if want.known is not None or not self._slack else decimal_text(self._slack),
        )
        key = f"{self._steps.reference}+{want.key}"
        self._step(
            effect,
            key,
            after=self._after_the_last(),
            title=f"book {format_amount(Decimal(want.amount))} {want.currency}",
        )

    @add.register
    def _(self, want: Mail) -> None:
        # It was issued before; whoever mailed it since then did so instead of us.
        default = "no" if self._issue_gives_link is False else "yes"
        shared_before = Ref("issue", self._steps.reference, "shared", default)
        target = self._target(want.known)
        self._send(want, want.letter, target, self._after_the_last(), issue=False, shared_before=shared_before)

    def _after_the_last(self) -> tuple[Ref, ...]:
        return (self._last,) if self._last is not None else ()

    def _send(
        self,
        want: Finish | Mail,
        letter: Letter,
        target: _Target,
        after: tuple[Ref, ...],
        *,
        issue: bool,
        shared_before: str | Ref,
    ) -> None:
        words = LetterWords(
            number=target.number,
            title=letter.title,
            total=target.total,
            currency=want.currency,
            due_date=want.due_date or target.due_date,
            customer=letter.customer,
        )
        effect = SendDocument(
            document_id=target.document_id,
            content=target.content,
            to=letter.to,
            subject=letter.subject,
            message=letter.message,
            language=letter.language,
            issue=issue,
            shared_before=shared_before,
            attach_pdf=letter.attach_pdf,
            words=words,
        )
        self._step(effect, self._steps.reference, after=after, title=f"send to {letter.to}")

    def _target(self, known: KnownDocument | None) -> _Target:
        if known is not None:
            return _Target(known.ledger_id, known.number, known.total, known.content, known.due_date)
        tail = self._written
        if tail is None:
            raise Defect("No invoice is known or made that could be finished.")
        # What the document holds and when it is due after its last write; a journal of an older version does not say.
        total, content, due_date = (
            replace(tail, field="total"),
            replace(tail, field="content", default=""),
            replace(tail, field="due_date", default=""),
        )
        if self._known is not None:
            return _Target(self._known.ledger_id, self._known.number, total, content, due_date, tail)
        made = self._made or tail
        return _Target(made, replace(made, field="number"), total, content, due_date, tail)

    # the parts

    def _add_beyond_the_first(self, document: WantedDocument, made: Ref | LedgerId, key: str) -> bool:
        """The positions that do not fit the create, one by one, and a look at the whole in the end."""
        before: tuple[Ref, ...] = (made,) if isinstance(made, Ref) else ()
        if len(document.positions) <= POSITIONS_AT_ONCE:
            return False
        before = self._add_positions(document, made, key, POSITIONS_AT_ONCE, before)
        self._look(document, made, key, before)
        return True

    def _add_positions(
        self,
        document: WantedDocument,
        made: Ref | LedgerId,
        key: str,
        start: int,
        before: tuple[Ref, ...],
        cleared: Ref | None = None,
    ) -> tuple[Ref, ...]:
        for index, position in enumerate(document.positions[start:], start):
            after = (*before, cleared) if cleared is not None and index == start else before
            step = self._step(
                AddPosition(document_id=made, index=index, position=position),
                f"{key}#{index}",
                after=after,
                title=f"position {index + 1}",
            )
            before = (step,)
        return before

    def _look(self, document: WantedDocument, made: Ref | LedgerId, key: str, after: tuple[Ref, ...]) -> None:
        self._step(
            LookAtDocument(document_id=made),
            key,
            expect=document.expect,
            after=after,
            link=self._agreement(document),
            title="compare the total",
        )

    def _agreement(self, document: WantedDocument) -> LinkDraft:
        self._slack = max(Decimal(document.expect.get(name, "0")) for name in ("within", "apart"))
        return replace(self._link, fingerprint=document.fingerprint, agreed=document.record, source=document.source)

    def _step(self, effect: Effect, key: str, *, link: LinkDraft | None = None, **parts: Any) -> Ref:
        self._last = self._steps.add(effect, key, link or self._link, **parts)
        if not isinstance(effect, FinishingEffect | RecordPayment):
            self._written = self._last
        return self._last


def _written_before(document: WantedDocument, known: KnownDocument) -> WrittenBefore | None:
    """What tells a person's work from ours, save in the middle of our own rewriting."""
    if known.fingerprint.startswith(EDITING) and not known.content:
        return None
    return WrittenBefore(content=known.content, positions=document.positions)
