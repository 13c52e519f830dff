"""The steps that make, rewrite, look at and adopt the document of an invoice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bexsync.money import plain
from bexsync.planning.documents import Document
from bexsync.planning.invoice_changes import content
from bexsync.planning.invoice_link import EDITING, KIND, Linked, reference
from bexsync.planning.plan import LinkDraft, Ref, Step, Subject
from bexsync.ports.documents import DocumentState
from bexsync.records import Invoice

_POSITIONS_AT_ONCE = 150


@dataclass(frozen=True)
class InvoiceSteps:
    """One invoice and the document it is to be; gives the steps from the one to the other."""

    site: str
    invoice: Invoice
    document: Document

    @property
    def _subject(self) -> Subject:
        return Subject(KIND, self.invoice.shop_id)

    @property
    def _key(self) -> str:
        return reference(self.site, self.invoice.shop_id)

    @property
    def source(self) -> str:
        """What the document is made from: the record, and the rounding line that the profile may add to it."""
        rounding = self.document.rounding
        return f"{content(self.invoice)}{plain(rounding) if rounding else ''}"

    def create(self, note: str, put_aside: tuple[int, ...] = ()) -> list[Step]:
        """A new document, and what does not fit into one request.

        `put_aside` are cancelled documents with the same reference, which are not it.
        """
        positions = self.document.positions
        complete = len(positions) <= _POSITIONS_AT_ONCE
        first = positions[:_POSITIONS_AT_ONCE]
        title = f"invoice for {self.document.customer}"
        create = Step(
            "invoice",
            self._key,
            self._subject,
            {
                **self.document.header,
                "positions": list(first),
                **({"put_aside": list(put_aside)} if put_aside else {}),
            },
            scope=self.site,
            expect=self.document.expect if complete else {"positions": str(len(first))},
            link=replace(
                self._agreement() if complete else LinkDraft(KIND, source=self.source),
                contact_of=self.document.contacts.customer,
            ),
            money=self.document.amount,
            currency=self.document.currency,
            title=f"{title}, {note}" if note else title,
        )
        return [create, *self._beyond_the_first(create.ref)]

    def complete(self, ledger_id: int) -> list[Step]:
        """What may be missing of a document that was created from just this content, and a look at it."""
        return self._beyond_the_first(ledger_id) or [self._look(ledger_id, self._key, ())]

    def judge_adopted(self, ledger_id: int) -> Step:
        """A look at a document that the state knows too little of."""
        return self._look(ledger_id, f"{self._key}@adopted", ())

    def rewrite(self, link: Linked, after: tuple[Ref, ...] = ()) -> list[Step]:
        """From the first change until the last look the link says that its document is being rewritten."""
        editing = f"{EDITING}{self.invoice.fingerprint()}"
        revision = link.revision if link.fingerprint in ("", editing) else link.revision + 1
        key = f"{self._key}@{revision}-{self.invoice.fingerprint()[:8]}"
        edit = Step(
            "invoice_edit",
            key,
            self._subject,
            {
                "address": None,
                **self.document.header,
                "document_id": link.ledger_id,
                **self._written_before(link),
            },
            scope=self.site,
            after=after,
            link=LinkDraft(KIND, fingerprint=editing, agreed=link.agreed, contact_of=self.document.contacts.customer),
            title=f"update draft {link.number}",
            requests=2,
            money=self.document.amount,
            currency=self.document.currency,
        )
        clear = Step(
            "positions_clear",
            key,
            self._subject,
            {"document_id": link.ledger_id},
            scope=self.site,
            after=(edit.ref,),
            link=LinkDraft(KIND),
            title="replace the positions",
            requests=2,
        )
        positions = self._positions(link.ledger_id, key, 0, ())
        before = (positions[-1].ref,) if positions else ()
        rest = [*positions, self._look(link.ledger_id, key, before)]
        rest[0] = replace(rest[0], after=(*rest[0].after, clear.ref))
        return [edit, clear, *rest]

    def agree(self, adopt: Step) -> Step:
        """Adopting a document that seems to be right: the look that links it says whether it is."""
        return replace(adopt, expect=self.document.expect, link=replace(self._agreement(), adopted=True))

    def agree_on_draft(self, adopt: Step) -> Step:
        """The same for a draft that is going to be finished: its positions must be those of the shop."""
        agreeing = self.agree(adopt)
        return replace(agreeing, payload={**agreeing.payload, "positions": list(self.document.positions)})

    def _written_before(self, link: Linked) -> dict[str, Any]:
        """What tells a person's work from ours, save in the middle of our own rewriting."""
        if link.fingerprint.startswith(EDITING) and not link.content:
            return {}
        return {"written": {"content": link.content, "positions": list(self.document.positions)}}

    def _beyond_the_first(self, made: Ref | int) -> list[Step]:
        """The positions that do not fit the create, one by one, and a look at the whole in the end."""
        before = (made,) if isinstance(made, Ref) else ()
        positions = self._positions(made, self._key, _POSITIONS_AT_ONCE, before)
        return [*positions, self._look(made, self._key, (positions[-1].ref,))] if positions else []

    def _positions(self, made: Ref | int, key: str, start: int, before: tuple[Ref, ...]) -> list[Step]:
        steps: list[Step] = []
        for index, position in enumerate(self.document.positions[start:], start):
            step = Step(
                "position",
                f"{key}#{index}",
                self._subject,
                {"document_id": made, "index": index, "position": position},
                scope=self.site,
                after=before,
                link=LinkDraft(KIND),
                title=f"position {index + 1}",
            )
            steps.append(step)
            before = (step.ref,)
        return steps

    def _look(self, made: Ref | int, key: str, before: tuple[Ref, ...]) -> Step:
        return Step(
            "verify",
            key,
            self._subject,
            {"document_id": made},
            scope=self.site,
            expect=self.document.expect,
            after=before,
            link=self._agreement(),
            title="compare the total",
        )

    def _agreement(self) -> LinkDraft:
        return LinkDraft(
            KIND,
            fingerprint=self.invoice.fingerprint(),
            agreed=self.invoice.canonical(),
            source=self.source,
        )


def adopt(site: str, invoice: Invoice, found: DocumentState) -> Step:
    """Linking a document that the ledger already has, without a word on whether it is right."""
    return Step(
        "adopt",
        reference(site, invoice.shop_id),
        Subject(KIND, invoice.shop_id),
        {"document_id": found.ledger_id},
        scope=site,
        link=LinkDraft(KIND, adopted=True),
        title=f"link {found.number}, which bexio already has",
    )
