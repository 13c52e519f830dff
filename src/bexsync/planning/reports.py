"""What the shop is to be told of a document, once each: the difference between what is and what was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bexsync.money import written
from bexsync.ports import Standing

State = Mapping[str, str]
_WHEREABOUTS = ("number", "url")
_PAYMENT = ("standing", "received", "remaining", "paid_date", "shared")


@dataclass(frozen=True)
class Report:
    """One event for the shop; `told` is the part of the state that it tells."""

    name: str
    told: State
    message: str = ""


def reports(told: State, state: State) -> Iterator[Report]:
    """The events that bring the shop from what it was told to what is, in order."""
    whereabouts = _part(state, _WHEREABOUTS)
    if not told:
        first = {**whereabouts, **_part(state, ("total", "credited", "currency"))}
        if state.get("standing") in (Standing.PAID, Standing.PARTLY_PAID):
            yield Report("linked", first)
            told = first
        else:
            yield Report(_first_name(state), {**first, **_part(state, _PAYMENT)})
            return
    if _part(told, _WHEREABOUTS) != whereabouts:
        yield Report("updated", whereabouts)
    if told.get("total") != state.get("total"):
        before, now = (written(Decimal(s.get("total", "0"))) for s in (told, state))
        yield Report("changed_in_ledger", _part(state, ("total",)), f"changed in the ledger: {before} -> {now}")
    if told.get("credited") != state.get("credited"):
        yield Report("credited", _part(state, ("credited",)), f"credited: {written(Decimal(state['credited']))}")
    if _part(told, _PAYMENT) != _part(state, _PAYMENT):
        yield Report(_payment_name(told, state), _part(state, _PAYMENT))


def _first_name(state: State) -> str:
    match state.get("standing"):
        case Standing.DRAFT:
            return "linked"
        case Standing.CANCELLED:
            return "cancelled"
        case Standing.DELETED:
            return "deleted"
        case _:
            return "sent" if state.get("shared") == "yes" else "issued"


def _payment_name(told: State, state: State) -> str:
    before, now = told.get("standing"), state.get("standing")
    match now:
        case Standing.PAID:
            return "paid"
        case Standing.CANCELLED:
            return "cancelled"
        case Standing.DELETED:
            return "deleted"
        case Standing.PARTLY_PAID:
            less = Decimal(state.get("received", "0")) < Decimal(told.get("received", "0"))
            return "reopened" if before == Standing.PAID or less else "partly_paid"
    if before in (Standing.PAID, Standing.PARTLY_PAID):
        return "reopened"
    if before != now and now == Standing.DRAFT:
        return "updated"
    return (
        _first_name(state)
        if before in (Standing.DRAFT, None) or told.get("shared") != state.get("shared")
        else "updated"
    )


def _part(state: State, names: tuple[str, ...]) -> dict[str, str]:
    return {name: state[name] for name in names if name in state}
