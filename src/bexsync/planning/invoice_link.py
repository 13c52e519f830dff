"""How an invoice of the shop is known in the ledger: its reference there, and what its link says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bexsync.ports.documents import DocumentStatus
from bexsync.ports.steps import EDITING

KIND = "invoice"


def reference(site: str, shop_id: str) -> str:
    """The `api_reference` of an invoice: unique in the company, compared exactly."""
    return f"bexsync:{site}:{KIND}:{shop_id}"


@dataclass(frozen=True)
class Linked:
    """What the link of an invoice says, and how the document stands in the ledger now.

    `fingerprint` is "" while the document was never found to be right, and begins with "~" while it is being
    rewritten; `created_as` is the content it was created from, `content` what the document held after the last write,
    "" while that is unknown.
    """

    ledger_id: int
    fingerprint: str
    agreed: Mapping[str, Any]
    standing: DocumentStatus
    number: str
    url: str
    total: Decimal
    revision: int = 0
    created_as: str = ""
    shared: bool = False
    content: str = ""
    due_date: str = ""

    @property
    def is_agreed(self) -> bool:
        """Whether the document is known to say what `agreed` says."""
        return bool(self.fingerprint) and not self.fingerprint.startswith(EDITING)
