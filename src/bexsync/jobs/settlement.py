"""Whether an invoice counts as paid although the ledger, which rounds totals in its own way, still shows a rest."""

from __future__ import annotations

from decimal import Decimal

from bexsync.jobs.run import Run
from bexsync.planning.order_payments import is_settled
from bexsync.ports.documents import DocumentState, DocumentStatus

# No currency is rounded to more than twice this, so that most rests are judged without asking for its rounding.
_MOST_ROUNDED = Decimal("0.5")


def counts_as_paid(run: Run, state: DocumentState | None) -> bool:
    """Whether no more remains of a document than half of what the ledger rounds totals of its currency to."""
    if state is None or state.standing is not DocumentStatus.PARTLY_PAID or state.remaining > _MOST_ROUNDED:
        return False
    steps = {one.id: one.round_to for one in run.ledger.master().currencies}
    step = steps.get(state.currency_id) if state.currency_id is not None else None
    return is_settled(state.remaining, step or Decimal(0))
