"""Effects that finish a document: issuing it and mailing it to the customer.

Names of fields are those of the journal and never change; a field that is None is not written, and not sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bexsync.ports.document_effects import ExistingDocumentEffect
from bexsync.ports.steps import FoundBy, Ref, Wire
from bexsync.ports.store import DocumentEvent


@dataclass(frozen=True, kw_only=True)
class FinishingEffect(ExistingDocumentEffect):
    """Issues or mails a document, which must hold `content`, a digest; "" and None where that is unknown."""

    content: str | Ref | None = None

    @property
    def lasting(self) -> DocumentEvent:
        """It went out: it is never mailed or rewritten again."""
        return DocumentEvent.FINISHED


@dataclass(frozen=True, kw_only=True)
class IssueDocument(FinishingEffect):
    """Issues a draft; `look` asks for the document afterwards."""

    step_kind: ClassVar[str] = "issue"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    action: ClassVar[str] = "issue"

    look: bool = False


@dataclass(frozen=True, kw_only=True)
class LetterWords(Wire):
    """What stands in a mail for its placeholders."""

    number: str | Ref
    title: str = ""
    total: str | Ref
    currency: str
    due_date: str | Ref = ""
    customer: str = ""


@dataclass(frozen=True, kw_only=True)
class SendDocument(FinishingEffect):
    """Mails a document to the customer; `issue` says that it is a draft which the mail issues as well."""

    step_kind: ClassVar[str] = "send"
    found_by: ClassVar[FoundBy] = FoundBy.STATUS
    mails: ClassVar[int] = 1
    action: ClassVar[str] = "send"

    to: str
    subject: str
    message: str
    language: str = ""
    issue: bool
    shared_before: str | Ref
    attach_pdf: bool
    words: LetterWords
