"""Issuing and mailing a document that is right: how far an invoice goes, and the steps to there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bexsync.config.profile import Finish, Profile
from bexsync.planning.documents import Document
from bexsync.planning.invoice_link import KIND, Linked, reference
from bexsync.planning.invoice_mail import Mail, mail_for
from bexsync.planning.plan import LinkDraft, Ref, Step, Subject
from bexsync.ports.documents import DocumentStatus
from bexsync.records import Customer, Invoice

_ORDER: Mapping[str, int] = {"draft": 0, "issue": 1, "send": 2}


@dataclass(frozen=True)
class ExistingDocument:
    """The document that is to be finished: known already, or made by an earlier step (`tail` the last of them)."""

    document_id: int | Ref
    number: str | Ref
    total: str | Ref
    tail: Ref | None
    content: str | Ref
    due_date: str | Ref = ""


@dataclass(frozen=True)
class FinishPlanner:
    """Finishes documents for one profile; `me` is the mail of the token's user."""

    profile: Profile
    site: str
    me: str
    send_issues: bool

    def how_far(self, invoice: Invoice) -> Finish:
        """The profile says how far; a single invoice may stay behind, never go further."""
        if invoice.leave_as_draft:
            return "draft"
        wish: Finish = "issue" if invoice.auto_send is False else self.profile.invoices.finish
        return min(wish, self.profile.invoices.finish, key=lambda finish: _ORDER[finish])

    def check_mail(self, invoice: Invoice, customer: Customer) -> None:
        """Raises RecordProblem when the invoice is to be mailed and cannot be."""
        if self.how_far(invoice) == "send":
            self._mail(invoice, customer)

    def steps(self, invoice: Invoice, customer: Customer, document: Document, made: ExistingDocument) -> list[Step]:
        """What is left to do once the document is right; nothing for one that stays a draft."""
        wish = self.how_far(invoice)
        if wish == "draft":
            return []
        after = (made.tail,) if made.tail is not None else ()
        steps: list[Step] = []
        if wish == "issue" or not self.send_issues:
            issue = Step(
                "issue",
                reference(self.site, invoice.shop_id),
                Subject(KIND, invoice.shop_id),
                {"document_id": made.document_id, "look": wish == "send", "content": made.content},
                scope=self.site,
                after=after,
                link=LinkDraft(KIND),
                title="issue",
            )
            steps, after = [issue], (issue.ref,)
        if wish == "send":
            steps.append(self._send(invoice, document, self._mail(invoice, customer), made, after))
        return steps

    def take_back(self, invoice: Invoice, link: Linked, *, was_finished: bool) -> Step | None:
        """The step that takes back what the shop cancelled; None where a person has to decide.

        A draft must be what bexsync wrote and never have gone out; what is paid in part or whole is never cancelled.
        """
        settings = self.profile.invoices
        key, subject = reference(self.site, invoice.shop_id), Subject(KIND, invoice.shop_id)
        is_ours = bool(link.created_as and link.content) and not (was_finished or link.shared)
        if link.standing is DocumentStatus.DRAFT and is_ours and settings.cancel_draft == "delete":
            return Step(
                "invoice_delete",
                f"{key}@{link.ledger_id}",
                subject,
                {"document_id": link.ledger_id, "content": link.content},
                scope=self.site,
                link=LinkDraft(KIND),
                requests=2,
                title=f"delete draft {link.number}",
            )
        if link.standing is DocumentStatus.ISSUED and settings.cancel == "cancel":
            return Step(
                "invoice_cancel",
                f"{key}@{link.ledger_id}",
                subject,
                {"document_id": link.ledger_id},
                scope=self.site,
                link=LinkDraft(KIND),
                requests=2,
                title=f"cancel {link.number}",
            )
        return None

    def _send(
        self, invoice: Invoice, document: Document, mail: Mail, made: ExistingDocument, after: tuple[Ref, ...]
    ) -> Step:
        attach = invoice.email.attach_pdf if invoice.email and invoice.email.attach_pdf is not None else None
        key = reference(self.site, invoice.shop_id)
        payload = {
            "document_id": made.document_id,
            "content": made.content,
            "to": mail.to,
            "subject": mail.subject,
            "message": mail.message,
            "language": mail.language,
            "issue": self.send_issues,
            "shared_before": "no" if self.send_issues else Ref("issue", key, "shared"),
            "attach_pdf": self.profile.invoices.attach_pdf if attach is None else attach,
            "words": {
                "number": made.number,
                "title": invoice.title or "",
                "total": made.total,
                "currency": invoice.currency,
                "due_date": document.header.get("due_date") or made.due_date,
                "customer": document.customer,
            },
        }
        return Step(
            "send",
            key,
            Subject(KIND, invoice.shop_id),
            payload,
            scope=self.site,
            after=after,
            link=LinkDraft(KIND),
            mails=1,
            title=f"send to {mail.to}",
        )

    def _mail(self, invoice: Invoice, customer: Customer) -> Mail:
        return mail_for(invoice, customer, self.profile, self.me)
