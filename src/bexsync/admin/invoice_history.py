"""One invoice with everything the state knows of it, and why it was not booked, issued or mailed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bexsync.admin.invoice_list import ListedInvoice, one_invoice
from bexsync.config.profile import Profile
from bexsync.errors import UsageProblem
from bexsync.planning.invoice_link import KIND
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.store import ErrorRow, Intent, IntentState, Link, RecordRow, RecordState
from bexsync.store import Store

_STUCK = (IntentState.HELD, IntentState.REJECTED, IntentState.CONFLICT)
_UNKNOWN = (IntentState.SENDING, IntentState.IN_DOUBT)


@dataclass(frozen=True)
class InvoiceStory:
    """The story of one invoice; `why_not` says what keeps it from going on, and what to do."""

    invoice: ListedInvoice
    record: str
    source: str
    taken_at: str
    linked_at: str
    checked_at: str
    adopted: bool
    events: int
    why_not: Sequence[str]
    errors: Sequence[ErrorRow]
    steps: Sequence[Mapping[str, Any]]


def tell_story(store: Store, profile: Profile, name: str, today: date) -> InvoiceStory:
    """The story of an invoice by its shop id, or its number in the shop or in the ledger; raises UsageProblem."""
    shop_id = _shop_id(store, name)
    row, link = store.records.get(KIND, shop_id), store.links.get(KIND, shop_id)
    errors = [error for error in store.errors.open() if (error.kind, error.shop_id) == (KIND, shop_id)]
    steps = store.intents.of_subject(KIND, shop_id)
    return InvoiceStory(
        invoice=one_invoice(store, profile, shop_id, today),
        record=row.state.value if row else "unknown",
        source=f"{row.source}, {row.location}" if row and row.location else row.source if row else "",
        taken_at=row.taken_at if row else "",
        linked_at=link.linked_at if link else "",
        checked_at=link.checked_at if link else "",
        adopted=bool(link and link.adopted),
        events=link.events if link else 0,
        why_not=list(_why_not(profile, row, link, errors, steps)),
        errors=errors,
        steps=[step_data(step) | {"history": _history(store, step)} for step in steps],
    )


def _shop_id(store: Store, name: str) -> str:
    """Ids of the shop first: they are unique, numbers need not be."""
    if store.records.get(KIND, name) or store.links.get(KIND, name):
        return name
    by_number = store.links.ids_numbered(KIND, name)
    by_number += [row.shop_id for row in store.records.numbered(KIND, name)]
    found = list(dict.fromkeys(by_number))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageProblem(f'Several invoices have the number "{name}".', f"Name one by its id: {', '.join(found)}.")
    if any((error.kind, error.shop_id) == (KIND, name) for error in store.errors.open()):
        return name
    raise UsageProblem(
        f'The shop has no invoice "{name}".',
        "`bexsync invoices list` shows those it has; a file that could not be read lies in failed/.",
    )


def _why_not(
    profile: Profile, row: RecordRow | None, link: Link | None, errors: Sequence[ErrorRow], steps: Sequence[Intent]
) -> Iterator[str]:
    """What keeps the invoice, in the order in which it has to be mended."""
    if not profile.enabled:
        yield "The profile says enabled = false."
    for step in steps:
        if step.state in _UNKNOWN:
            yield f"The outcome of `{_named(step)}` is unknown; the next run looks whether it took effect."
    for error in errors:
        seen = " It was acknowledged." if error.acknowledged_at else ""
        yield f"{error.message}{seen} {error.hint}".rstrip()
    if errors:
        return
    for step in steps:
        if step.state in _STUCK:
            ledger = profile.ledger.words.name
            yield f"{ledger} did not take `{_named(step)}`: {step.said} Try it again: bexsync invoices push."
    if link is None:
        yield from _why_not_booked(row)
    else:
        yield from _why_not_mailed(profile, row, link)


def _why_not_booked(row: RecordRow | None) -> Iterator[str]:
    if row is None:
        return
    if row.state is RecordState.IGNORED:
        yield f"It is left alone: {row.reason}."
    elif row.state is RecordState.GIVEN_UP:
        yield f"It was acknowledged ({row.reason}) and rests until the shop changes it, or `bexsync errors retry`."
    elif row.state is RecordState.OPEN:
        yield f"The next `bexsync invoices push` takes it{f': {row.reason}' if row.reason else '.'}"


def _why_not_mailed(profile: Profile, row: RecordRow | None, link: Link) -> Iterator[str]:
    standing, ledger = link.state.get("standing"), profile.ledger.words.name
    record = row.canonical() if row else {}
    if standing == DocumentStatus.CANCELLED:
        yield f"It was cancelled in {ledger}. To book it again: bexsync links forget {link.shop_id}, and drop it again."
    elif standing == DocumentStatus.DELETED:
        yield f"It was deleted in {ledger}. To book it again: bexsync links forget {link.shop_id}, and drop it again."
    elif link.state.get("shared") == "yes":
        return
    elif link.adopted:
        yield f"It was in {ledger} before bexsync knew it, and such documents are never mailed."
    elif record.get("leave_as_draft"):
        yield f"The shop says leave_as_draft, so it stays a draft until somebody issues it in {ledger}."
    elif standing == DocumentStatus.DRAFT and profile.invoices.finish == "draft":
        yield f'The profile says finish = "draft", so it stays a draft until somebody issues it in {ledger}.'
    elif record.get("auto_send") is False:
        yield "The shop says auto_send = false, so it is not mailed."
    elif standing == DocumentStatus.ISSUED and profile.invoices.finish != "send":
        yield f'The profile says finish = "{profile.invoices.finish}", so it is not mailed.'
    elif standing == DocumentStatus.DRAFT:
        yield f"It was created as a draft and not issued since; issue it in {ledger}."
    elif standing == DocumentStatus.ISSUED:
        yield f"It was issued in {ledger}, or before the profile said that invoices are mailed; send it in {ledger}."


def _named(step: Intent) -> str:
    return step.kind.replace("_", " ")


def step_data(step: Intent) -> dict[str, Any]:
    """A step of a record, for a person and for a script."""
    return {
        "step": step.kind,
        "state": step.state.value,
        "at": step.sent_at.isoformat(timespec="seconds") if step.sent_at else "",
        "attempts": step.attempt,
        "said": step.said,
    }


def _history(store: Store, step: Intent) -> list[dict[str, Any]]:
    """The attempts at a step, oldest first."""
    return [
        {
            "at": attempt.at.isoformat(timespec="seconds"),
            "run": attempt.run,
            "outcome": attempt.outcome,
            "reason": attempt.reason,
        }
        for attempt in store.attempts.of(step.scope, step.kind, step.key)
    ]
