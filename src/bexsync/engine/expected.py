"""Whether an answer says what its step expected."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bexsync.money import written
from bexsync.planning.addressee import names
from bexsync.ports.documents import DocumentStatus, EffectResult


def is_incomplete(expect: Mapping[str, str], done: EffectResult) -> bool:
    """Whether positions are missing, as after a server error on a large create."""
    shown = done.state.positions if done.state else None
    return shown is not None and "positions" in expect and shown < int(expect["positions"])


def unexpected(expect: Mapping[str, str], done: EffectResult, ledger: str) -> str:
    """Why the answer is not what the step expected, "" when it is."""
    state = done.state
    if not expect:
        return ""
    if state is None:
        return f"{ledger}'s answer did not show the document."
    where = f"{'It stays a draft' if state.standing is DocumentStatus.DRAFT else 'Look at it'}: {state.url}"
    if state.currency_id is not None and str(state.currency_id) != expect.get("currency_id", str(state.currency_id)):
        return f"{ledger} has {state.number} in another currency. {where}"
    if state.standing is DocumentStatus.DRAFT and not names(state.address, expect.get("addressee", "")):
        shown = ", ".join(state.address.splitlines())
        return f"{ledger} addresses {state.number} to {shown}, the shop to {expect['addressee']}. {where}"
    wanted = int(expect["positions"]) if "positions" in expect else None
    if wanted is not None and state.positions is not None and state.positions != wanted:
        return f"{ledger} shows {state.positions} positions, {wanted} were sent. {where}"
    if "total" in expect:
        total = Decimal(expect["total"])
        gap = state.total - total
        if abs(gap) > Decimal(expect["within"]):
            return (
                f"{ledger} comes to {written(state.total)}, the lines to {written(total.normalize())} "
                f"({written(gap)} apart, more than rounding explains). {where}"
            )
    if "shop_total" in expect:
        stated = Decimal(expect["shop_total"])
        gap = state.total - stated
        if abs(gap) > Decimal(expect["apart"]):
            return (
                f"{ledger} comes to {written(state.total)}, the shop's total is {written(stated)} "
                f"({written(gap)} apart by the shop's way of rounding). "
                f"With [invoices] rounding_account in the profile it gets a line for that. {where}"
            )
    return ""
