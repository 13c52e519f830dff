"""Which invoices count as paid although the ledger, which rounds totals in its own way, still shows a rest."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from bexsync.engine.answers import counted_as_paid
from bexsync.jobs.run import Run
from bexsync.ports.documents import DocumentState, DocumentStatus
from bexsync.ports.store import Link

# No currency is rounded to more than twice this, so that most rests are judged without asking for its rounding.
_MOST_ROUNDED = Decimal("0.5")


def counts_as_paid(run: Run, state: DocumentState | None) -> bool:
    """Whether no more remains of a document than half of what the ledger rounds totals of its currency to."""
    if state is None or state.standing is not DocumentStatus.PARTLY_PAID or state.remaining > _MOST_ROUNDED:
        return False
    from bexsync.planning.order_payments import is_settled  # loads much, and few documents have a rest

    steps = {one.id: one.round_to for one in run.ledger.master().currencies}
    step = steps.get(state.currency_id) if state.currency_id is not None else None
    return is_settled(state.remaining, step or Decimal(0))


def settle_before_telling(run: Run, kind: str, without: Collection[str] = ()) -> None:
    """Let invoices count as paid that this run's own payments brought there, before the shop is told of them."""
    for link in run.store.links.unreported(kind):
        if link.shop_id in without or not _is_settled(run, link):
            continue
        with run.store.transaction():
            fresh = run.store.links.get(kind, link.shop_id)
            if fresh is not None and fresh.state == link.state:
                run.store.links.save(counted_as_paid(fresh), run.workspace.clock.now())


def _is_settled(run: Run, link: Link) -> bool:
    remaining = Decimal(link.state.get("remaining") or 1)
    if link.state.get("standing") != DocumentStatus.PARTLY_PAID or remaining > _MOST_ROUNDED:
        return False
    from bexsync.planning.order_payments import is_settled

    steps = {one.code: one.round_to for one in run.ledger.master().currencies}
    return is_settled(remaining, steps.get(str(link.agreed.get("currency")), Decimal(0)))
