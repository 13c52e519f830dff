"""What the shop is to be told of a document, once each: the difference between what is and what was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bexsync.money import format_amount
from bexsync.ports.documents import DocumentStatus

State = Mapping[str, str]
_WHEREABOUTS = ("number", "url")
_PAYMENT = ("standing", "received", "remaining", "paid_date", "shared")
_AT_AN_END = (DocumentStatus.CANCELLED, DocumentStatus.DELETED)
# The part of the state that every event shows; the shop gives an order no status by it.
SHOWN_OF_INVOICES = (*_WHEREABOUTS, "standing", "total", "received", "paid_date")
SHOWN_OF_ORDERS = (*_WHEREABOUTS, "total", "received", "paid_date")


@dataclass(frozen=True)
class Report:
    """One event for the shop; `told` is the part of the state that it tells."""

    name: str
    told: State
    message: str = ""


def reports(
    told: State, state: State, *, agreed_total: Decimal | None = None, shown: Sequence[str] = SHOWN_OF_INVOICES
) -> list[Report]:
    """The events that bring the shop from what it was told to what is, in order.

    A total that moves to `agreed_total`, what the shop itself says, is no news of the ledger's. Neither is an update
    of nothing that an event shows (`shown`), such as the public link of an invoice that is paid already.
    """
    known, due = dict(told), list[Report]()
    for report in _news(known, state, agreed_total):
        known |= report.told
        if report.name != "updated" or report.message:
            due.append(report)
        elif due:  # the event before it shows all of the state
            due[-1] = replace(due[-1], told={**due[-1].told, **report.told})
        elif _part(told, shown) != _part(state, shown):
            due.append(report)
    return due


def _news(known: State, state: State, agreed_total: Decimal | None) -> Iterator[Report]:
    """`known` grows with every report that is taken, so that one change is told in one event."""
    if not known:
        yield _first(state)
    if _part(known, _WHEREABOUTS) != _part(state, _WHEREABOUTS):
        yield Report("updated", _part(state, _WHEREABOUTS))
    if known.get("total") != state.get("total"):
        yield _other_total(known, state, agreed_total)
    if known.get("credited") != state.get("credited"):
        yield _credited(known, state)
    if _part(known, _PAYMENT) != _part(state, _PAYMENT):
        yield Report(_payment_name(known, state), _part(state, _PAYMENT))


def _first(state: State) -> Report:
    """A document with money on it is first linked and then paid; any other is told in one event."""
    always = _part(state, (*_WHEREABOUTS, "total", "currency"))
    if _amount(state, "received") or _amount(state, "credited"):
        return Report("linked", {**always, "credited": "0"})
    return Report(_first_name(state), {**always, **_part(state, ("credited", *_PAYMENT))})


def _first_name(state: State) -> str:
    match state.get("standing"):
        case DocumentStatus.DRAFT:
            return "linked"
        case DocumentStatus.CANCELLED:
            return "cancelled"
        case DocumentStatus.DELETED:
            return "deleted"
        case DocumentStatus.PAID:
            return "paid"
        case _:
            return "sent" if state.get("shared") == "yes" else "issued"


def _other_total(known: State, state: State, agreed_total: Decimal | None) -> Report:
    before, now = _amount(known, "total"), _amount(state, "total")
    told = _part(state, ("total", "remaining"))
    if agreed_total is not None and abs(now - agreed_total) <= Decimal("0.05"):
        return Report("updated", told, f"total {format_amount(before)} -> {format_amount(now)}, as the shop has it")
    return Report("changed_in_ledger", told, f"changed in the ledger: {format_amount(before)} -> {format_amount(now)}")


def _credited(known: State, state: State) -> Report:
    """A credit alone may settle an invoice; then its status comes along, and no money is reported."""
    told = _part(state, ("credited", "remaining"))
    if known.get("received", "0") == state.get("received", "0") and state.get("standing") not in _AT_AN_END:
        told |= _part(state, ("standing",))
    return Report("credited", told, f"credited: {format_amount(_amount(state, 'credited'))}")


def _payment_name(known: State, state: State) -> str:
    before, now = known.get("standing"), state.get("standing")
    less = _amount(state, "received") - _amount(known, "received")
    if before == now and less == 0:
        return "sent" if known.get("shared") == "no" and now == DocumentStatus.ISSUED else "updated"
    match now:
        case DocumentStatus.PAID:
            return "paid"
        case DocumentStatus.CANCELLED if before != now:
            return "cancelled"
        case DocumentStatus.DELETED if before != now:
            return "deleted"
        case DocumentStatus.PARTLY_PAID:
            return "reopened" if before == DocumentStatus.PAID or less < 0 else "partly_paid"
    if before in (DocumentStatus.PAID, DocumentStatus.PARTLY_PAID):
        return "reopened"
    if before in (DocumentStatus.DRAFT, None) and now != DocumentStatus.DRAFT:
        return _first_name(state)
    return "updated"


def _amount(state: State, name: str) -> Decimal:
    return Decimal(state.get(name) or "0")


def _part(state: State, names: Sequence[str]) -> dict[str, str]:
    return {name: state[name] for name in names if name in state}
