"""From what is wanted for a record to the steps in bexio, in order; pure, so that a plan can be checked before."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import singledispatchmethod
from typing import Any

from bexsync.errors import Defect
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.contact_steps import ContactSteps
from bexsync.ledgers.bexio.effects import AddPosition, ClearPositions, EditDocument, WrittenBefore
from bexsync.ports.document_effects import (
    CancelDocument,
    CreateDocument,
    DeleteDocument,
    IssueDocument,
    LetterWords,
    LinkDocument,
    LookAtDocument,
    SendDocument,
)
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

POSITIONS_AT_ONCE = 150


def steps_for(wanted: Wanted[Want], was_done: WasDone, *, send_issues: bool) -> tuple[Step, ...]:
    """The steps of one record; `send_issues` says that mailing a draft issues it."""
    contacts = ContactSteps(wanted.subject, was_done)
    builder = _InvoiceSteps(wanted, contacts, send_issues)
    for want in wanted.wants:
        builder.add(want)
    return tuple(builder.steps)


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
    """Collects the steps of one invoice, first those of its contacts; the others are named by its reference."""

    def __init__(self, wanted: Wanted[Want], contacts: ContactSteps, send_issues: bool) -> None:
        self.steps = [contacts.step(want) for want in wanted.contacts.wants]
        self._wanted = wanted
        self._contacts = contacts
        self._send_issues = send_issues
        self._made: Ref | None = None
        self._known: KnownDocument | None = None
        self._linked: Ref | None = None

    @singledispatchmethod
    def add(self, want: Any) -> None:
        """Adds the steps of one thing that is wanted."""
        raise TypeError(f"{want!r} is nothing that can be wanted.")

    @add.register
    def _(self, want: Create) -> None:
        document = want.document
        first = document.positions[:POSITIONS_AT_ONCE]
        is_complete = len(first) == len(document.positions)
        title = f"invoice for {document.customer}"
        link = _agreement(document) if is_complete else LinkDraft(self._wanted.subject.kind, source=document.source)
        effect = CreateDocument(**self._header(document), positions=first, put_aside=want.put_aside or None)
        self._made = self._step(
            effect,
            self._wanted.reference,
            expect=document.expect if is_complete else {"positions": str(len(first))},
            link=replace(link, contact_of=document.customer_key),
            money=document.amount,
            currency=document.currency,
            title=f"{title}, {want.note}" if want.note else title,
        )
        self._add_beyond_the_first(document, self._made)

    @add.register
    def _(self, want: Complete) -> None:
        self._known = want.known
        if not self._add_beyond_the_first(want.document, want.known.ledger_id):
            self._look(want.document, want.known.ledger_id, self._wanted.reference, ())

    @add.register
    def _(self, want: Compare) -> None:
        self._known = want.known
        self._look(want.document, want.known.ledger_id, f"{self._wanted.reference}@adopted", ())

    @add.register
    def _(self, want: Rewrite) -> None:
        self._known, document, known = want.known, want.document, want.known
        editing = f"{EDITING}{document.fingerprint}"
        revision = known.revision if known.fingerprint in ("", editing) else known.revision + 1
        key = f"{self._wanted.reference}@{revision}-{document.fingerprint[:8]}"
        edit = self._step(
            EditDocument(
                **self._header(document), document_id=known.ledger_id, written=_written_before(document, known)
            ),
            key,
            after=(self._linked,) if self._linked else (),
            link=LinkDraft(
                self._wanted.subject.kind,
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
        link = LinkDraft(self._wanted.subject.kind) if document is None else _agreement(document)
        positions = document.positions if document is not None and want.with_positions else None
        self._linked = self._step(
            LinkDocument(document_id=found.ledger_id, positions=positions),
            self._wanted.reference,
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
        self._step(
            effect,
            f"{self._wanted.reference}@{known.ledger_id}",
            after=(self._linked,) if self._linked else (),
            title=f"delete draft {known.number}" if want.is_draft else f"cancel {known.number}",
        )

    @add.register
    def _(self, want: Finish) -> None:
        target = self._target(want)
        after = (target.tail,) if target.tail is not None else ()
        if want.letter is None or not self._send_issues:
            effect = IssueDocument(document_id=target.document_id, look=want.letter is not None, content=target.content)
            issue = self._step(effect, self._wanted.reference, after=after, title="issue")
            after = (issue,)
        if want.letter is not None:
            self._send(want, want.letter, target, after)

    def _send(self, want: Finish, letter: Letter, target: _Target, after: tuple[Ref, ...]) -> None:
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
            issue=self._send_issues,
            shared_before="no" if self._send_issues else Ref("issue", self._wanted.reference, "shared"),
            attach_pdf=letter.attach_pdf,
            words=words,
        )
        self._step(effect, self._wanted.reference, after=after, title=f"send to {letter.to}")

    def _target(self, want: Finish) -> _Target:
        known = want.known
        if known is not None:
            return _Target(known.ledger_id, known.number, known.total, known.content, known.due_date)
        tail = self.steps[-1].ref
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

    def _add_beyond_the_first(self, document: WantedDocument, made: Ref | LedgerId) -> bool:
        """The positions that do not fit the create, one by one, and a look at the whole in the end."""
        before: tuple[Ref, ...] = (made,) if isinstance(made, Ref) else ()
        if len(document.positions) <= POSITIONS_AT_ONCE:
            return False
        before = self._add_positions(document, made, self._wanted.reference, POSITIONS_AT_ONCE, before)
        self._look(document, made, self._wanted.reference, before)
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
            link=_agreement(document),
            title="compare the total",
        )

    def _header(self, document: WantedDocument) -> dict[str, Any]:
        """The header with the contacts, which may be made by earlier steps."""
        header, contacts = document.header, self._wanted.contacts
        if contacts.contact is None:
            raise Defect("A document is for a contact.")
        return {
            **{f.name: getattr(header, f.name) for f in fields(header)},
            "contact_id": self._contacts.reference(contacts.contact),
            "contact_sub_id": self._contacts.reference(contacts.person) if contacts.person is not None else None,
        }

    def _step(self, effect: Effect, key: str, *, link: LinkDraft | None = None, **parts: Any) -> Ref:
        draft = link or LinkDraft(self._wanted.subject.kind)
        step = Step(effect, key, self._wanted.subject, scope=self._wanted.site, link=draft, **parts)
        self.steps.append(step)
        return step.ref


def _agreement(document: WantedDocument) -> LinkDraft:
    return LinkDraft("invoice", fingerprint=document.fingerprint, agreed=document.record, source=document.source)


def _written_before(document: WantedDocument, known: KnownDocument) -> WrittenBefore | None:
    """What tells a person's work from ours, save in the middle of our own rewriting."""
    if known.fingerprint.startswith(EDITING) and not known.content:
        return None
    return WrittenBefore(content=known.content, positions=document.positions)
