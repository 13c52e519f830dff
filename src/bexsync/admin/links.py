"""links: which record is which document; adopting documents that stand in the ledger already, forgetting links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

from bexsync.admin.adopt_orders import OrdersToAdopt
from bexsync.engine.result import Outcome, Result, Status
from bexsync.engine.sending import Applied, StepStatus
from bexsync.errors import UsageProblem
from bexsync.ids import LedgerId
from bexsync.jobs.lifecycle import Job, run_job
from bexsync.jobs.order_events import tell_of_orders
from bexsync.jobs.run import Run
from bexsync.jobs.workspace import Workspace
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND, reference
from bexsync.planning.matching import OURS, Candidate, Match, is_same_total, match
from bexsync.planning.plan import Plan
from bexsync.planning.products import KIND as PRODUCT
from bexsync.ports.document_effects import ClaimDocument, LinkDocument
from bexsync.ports.documents import DocumentState
from bexsync.ports.steps import LinkDraft, Step, Subject
from bexsync.ports.store import DOCUMENT_TAKEN, IntentState, Link, RecordRow, RecordState
from bexsync.records import Customer, Invoice

ADOPT = "links adopt"
# Ids of products and of invoices may be the same.
_PRODUCT = f"{PRODUCT}:"


@dataclass(frozen=True)
class AdoptOptions:
    """One pair named by a person, or nothing: then all are matched; without `yes` they are only shown."""

    shop_id: str = ""
    document: str = ""
    yes: bool = False


def adopt(workspace: Workspace, options: AdoptOptions) -> Result:
    """Links invoices of the shop to documents that stand in the ledger already, instead of creating them again."""
    return run_job(workspace, ADOPT, lambda run: LinksAdopt(run, options), dry=not options.yes)


class LinksAdopt(Job):
    """Links invoices to documents; what is certain is linked, the rest is named."""

    takes_in = True

    def __init__(self, run: Run, options: AdoptOptions) -> None:
        self._run = run
        self._options = options
        self._ledger = run.workspace.profile.ledger.words.name
        self._matches: list[Match] = []
        self._unclaimed: list[Link] = []
        self._orders = OrdersToAdopt(run)

    def gather(self) -> None:
        """The open invoices without a link, and the documents they may be; links that still lack our reference."""
        self._unclaimed = [link for link in self._run.store.links.all(KIND) if self._lacks_reference(link)]
        if self._is_linked_as_named() or self._is_order():
            return
        rows = [row for row in self._run.store.records.in_state(KIND, RecordState.OPEN) if self._is_unlinked(row)]
        self._matches = self._named(rows) if self._options.shop_id else self._matched(rows)

    def _is_order(self) -> bool:
        """Whether what was named is an order; where nothing was named, orders are gathered beside invoices."""
        name = self._options.shop_id
        is_invoice = bool(name) and self._run.store.records.get(KIND, name) is not None
        return not is_invoice and self._orders.gather(name, self._options.document) and bool(name)

    def plan(self) -> Plan:
        """Which request links a document is known only once the ledger has answered the first."""
        return Plan()

    def rehearse(self, plan: Plan) -> None:
        """Show the pairs."""
        self.apply(plan)

    def apply(self, plan: Plan) -> None:
        """Link each pair, or show it in a rehearsal."""
        del plan
        for link in self._unclaimed:
            self._claim_again(link)
        for found in self._matches:
            self._adopt(found)
        self._orders.apply()

    def report(self) -> None:
        """Tell the shop of what was linked."""
        self._run.deliver_reports(KIND)
        tell_of_orders(self._run, orders_as_well=False)

    def _is_unlinked(self, row: RecordRow) -> bool:
        return self._run.store.links.get(KIND, row.shop_id) is None

    def _is_linked_as_named(self) -> bool:
        """Whether an earlier run, or an earlier pass of this one, has linked the pair that was named."""
        link = self._run.store.links.get(KIND, self._options.shop_id) if self._options.shop_id else None
        return link is not None and self._options.document in (link.number, link.ledger_id)

    def _lacks_reference(self, link: Link) -> bool:
        """Whether this command linked it, and our reference was not written, or not yet."""
        store = self._run.store
        key = self._key(link.shop_id, link.ledger_id)
        claim = store.intents.get(store.site, ClaimDocument.step_kind, key)
        linked = link.adopted and self._run.was_done(LinkDocument.step_kind, key)
        return linked and (claim is None or claim.state is IntentState.PLANNED)

    def _key(self, shop_id: str, document_id: LedgerId) -> str:
        return f"{reference(self._run.store.site, shop_id)}@{document_id}"

    def _named(self, rows: Iterable[RecordRow]) -> list[Match]:
        options = self._options
        if options.shop_id not in {row.shop_id for row in rows}:
            raise UsageProblem(
                f'The shop has no open invoice "{options.shop_id}" without a link.',
                "`bexsync invoices list` shows those it has.",
            )
        documents = [
            d for d in self._run.ledger.documents_changed_since(None) if options.document in (d.number, d.ledger_id)
        ]
        if len(documents) != 1:
            many = len(documents) or "no"
            raise UsageProblem(f'{self._ledger} has {many} invoice "{options.document}".', "Name its number.")
        self._refuse_stealing(documents[0])
        self._refuse_another_amount(next(row for row in rows if row.shop_id == options.shop_id), documents[0])
        return [Match(options.shop_id, tuple(documents), "named by hand")]

    def _refuse_stealing(self, document: DocumentState) -> None:
        owner = self._owner(document)
        if not owner and document.reference.startswith(OURS):
            owner = document.reference
        if owner:
            raise UsageProblem(*_taken(document, owner), code=DOCUMENT_TAKEN)

    def _owner(self, document: DocumentState) -> str:
        """The shop id of the record whose link holds the document already, of whatever site."""
        held = self._run.store.links.owner_of(KIND, document.ledger_id)
        return held[1] if held else ""

    @staticmethod
    def _refuse_another_amount(row: RecordRow, document: DocumentState) -> None:
        invoice = cast(Invoice, row.record())
        if not is_same_total(invoice, document):
            raise UsageProblem(
                f"{row.shop_id} comes to {format_amount(invoice.total or Decimal(0))}, "
                f"{document.number} to {format_amount(document.total)}: they are not the same invoice.",
                "Correct one of them first.",
            )

    def _matched(self, rows: Iterable[RecordRow]) -> list[Match]:
        invoices = [(cast(Invoice, row.record()), self._mail(cast(Invoice, row.record()))) for row in rows]
        if not invoices:
            return []
        self._run.ledger.refresh_contacts()
        return match(invoices, [self._candidate(d) for d in self._run.ledger.documents_changed_since(None)])

    def _mail(self, invoice: Invoice) -> str:
        customer = invoice.customer
        if customer is None and invoice.customer_id:
            row = self._run.store.records.get("customer", invoice.customer_id)
            customer = cast(Customer, row.record()) if row else None
        contact = invoice.invoice_contact
        return (customer.email if customer else None) or (contact.email if contact else None) or "-"

    def _candidate(self, document: DocumentState) -> Candidate:
        contact = self._run.store.contacts.get(document.contact_id) if document.contact_id else None
        mails = {contact.mail, contact.mail_second} if contact else set()
        return Candidate(document, frozenset(mail for mail in mails if mail))

    def _adopt(self, found: Match) -> None:
        if len(found.documents) != 1 or not found.why:
            numbers = ", ".join(d.number for d in found.documents)
            self._note(
                found.shop_id, Status.BLOCKED, None,
                f"It may be any of {numbers}, or they are somebody else's.",
                f"Name one: bexsync links adopt {found.shop_id} NUMBER --yes",
            )  # fmt: skip
            return
        (document,) = found.documents
        owner = self._owner(document)
        if owner:
            self._note(found.shop_id, Status.BLOCKED, document, *_taken(document, owner), code=DOCUMENT_TAKEN)
            return
        reason = f"{document.number} of {document.day}, {format_amount(document.total)}, {found.why}"
        if self._run.dry:
            self._note(found.shop_id, Status.PLANNED, document, reason)
            return
        self._link(found.shop_id, document, reason)

    def _link(self, shop_id: str, document: DocumentState, reason: str) -> None:
        """Links the document, then writes our reference onto it where the ledger lets it.

        The link comes first, so that no push books the invoice again while the outcome of the writing is unknown; with
        the reference on the document even a lost state finds it again.
        """
        row = self._run.store.records.get(KIND, shop_id)
        if row is None:
            return
        (applied,) = self._run.applier.apply(Plan(self._steps(row, document.ledger_id, document.number)))
        linked, claimed = applied.steps
        if linked.status is not StepStatus.DONE:
            why = f"{linked.said} " if linked.said else ""
            self._note(shop_id, Status.FAILED, document, f"{why}{document.number} was not linked.", "Try again.",
                       code=linked.code)  # fmt: skip
            return
        reason += self._about_reference(claimed)
        self._run.store.records.settle(KIND, shop_id, RecordState.DONE, reason, self._run.workspace.clock.now())
        self._note(shop_id, Status.DONE, document, reason)

    def _about_reference(self, claimed: Applied) -> str:
        if claimed.status is StepStatus.DONE:
            return ""
        if claimed.status is StepStatus.IN_DOUBT:
            return f"; whether {self._ledger} took our reference is looked up by the next run"
        return f"; {self._ledger} did not take our reference, so keep a copy of the state (bexsync state backup)"

    def _claim_again(self, link: Link) -> None:
        """Writes our reference onto a document that an earlier run has linked."""
        row = self._run.store.records.get(KIND, link.shop_id)
        if row is None:
            return
        reason = f"{link.number} is linked; our reference is written onto it again"
        status = Status.PLANNED
        if not self._run.dry:
            (applied,) = self._run.applier.apply(Plan(self._steps(row, link.ledger_id, link.number)))
            reason += self._about_reference(applied.steps[-1])
            status = Status.DONE
        self._run.outcomes[Subject(KIND, link.shop_id)] = Outcome(
            KIND, "adopt", link.shop_id, status, link.ledger_id, link.number, link.url, reason
        )

    def _steps(self, row: RecordRow, document_id: LedgerId, number: str) -> tuple[Step, Step]:
        site = self._run.store.site
        invoice = row.record()
        draft = LinkDraft(KIND, fingerprint=invoice.fingerprint(), agreed=invoice.canonical(), adopted=True)
        link = Step(
            LinkDocument(document_id=document_id, reference=reference(site, row.shop_id)),
            self._key(row.shop_id, document_id),
            Subject(KIND, row.shop_id),
            scope=site,
            link=draft,
            title=f"link {number}",
        )
        claim = replace(
            link,
            effect=ClaimDocument(document_id=document_id, reference=reference(site, row.shop_id)),
            after=(link.ref,),
            title=f"write our reference onto {number}",
        )
        return link, claim

    def _note(
        self,
        shop_id: str,
        status: Status,
        document: DocumentState | None,
        reason: str,
        hint: str = "",
        *,
        code: str = "",
    ) -> None:
        self._run.outcomes[Subject(KIND, shop_id)] = Outcome(
            KIND, "adopt", shop_id, status,
            document.ledger_id if document else None, document.number if document else "",
            document.url if document else "", reason, hint, code="" if status is Status.DONE else code or "adopt",
        )  # fmt: skip


def _taken(document: DocumentState, owner: str) -> tuple[str, str]:
    return f"{document.number} belongs to {owner} already.", f"If that is wrong: bexsync links forget {owner}"
