"""The list of credits that a person writes in the ledger: credit notes of the shop and refunds of its orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from bexsync.planning.reversals import WaitingCredit, written_credits


class Closed(StrEnum):
    """Why an entry of the list is done."""

    CREDITED = "credited"
    CANCELLED = "cancelled"
    BY_PERSON = "by_person"


@dataclass(frozen=True)
class CreditList:
    """Which entries are done and why, and what was credited before those that are left came in, by their ids."""

    closed: Mapping[str, Closed]
    before: Mapping[str, Decimal]


def close_credits(
    waiting: Sequence[WaitingCredit], credited: Decimal, *, is_cancelled: bool, closed_by_hand: Iterable[str] = ()
) -> CreditList:
    """Close the entries of one invoice, oldest first, by what the ledger shows as credited on it now.

    A credit closes one entry of its amount, or all that are left together; what one took is no growth for the others.
    An entry that a person closed takes nothing, since nobody knows whether it was written.
    """
    closed = {entry.shop_id: Closed.BY_PERSON for entry in waiting if entry.shop_id in set(closed_by_hand)}
    left = [entry for entry in waiting if entry.shop_id not in closed]
    if is_cancelled:
        return CreditList(closed | {entry.shop_id: Closed.CANCELLED for entry in left}, {})
    while written := written_credits(credited, left):
        closed |= dict.fromkeys(written, Closed.CREDITED)
        taken = sum((entry.amount or Decimal(0) for entry in left if entry.shop_id in written), Decimal(0))
        left = [replace(one, before=one.before + taken) for one in left if one.shop_id not in written]
    return CreditList(closed, {entry.shop_id: entry.before for entry in left})
