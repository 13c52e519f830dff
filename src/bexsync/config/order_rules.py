"""Which combinations of `[orders]` make sense: what can be said of them without asking shop or ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

# Which other action of the same row an action cannot do without, and why.
_NEEDS = {
    "delivery": ("order", "a delivery is made from the order"),
    "issue": ("invoice", "there would be nothing to issue"),
    "payment": ("issue", "only an issued invoice takes payments"),
    "send": ("issue", "only an issued invoice is mailed"),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = "number"


class Rule(Protocol):
    """What a rule names; "" fits everything."""

    @property
    def status(self) -> str:
        """The shop's status."""
        ...

    @property
    def payment_method(self) -> str:
        """The shop's word for how the order is paid."""
        ...

    @property
    def goods(self) -> str:
        """Physical, virtual or mixed."""
        ...

    @property
    def country(self) -> str:
        """Where the goods go."""
        ...


def nonsense_in(actions: Sequence[str]) -> str:
    """What makes no sense in the actions of one row, as part of a sentence; "" where all of it does."""
    doubled = next((action for action in actions if actions.count(action) > 1), "")
    if doubled:
        return f'has "{doubled}" twice'
    if "cancel" in actions and len(actions) > 1:
        return 'has "cancel" beside other actions, and nothing else is done for an order that is cancelled'
    for action, (needed, why) in _NEEDS.items():
        if action in actions and needed not in actions:
            return f'has "{action}" without "{needed}", and {why}'
    return ""


def unreachable_in(rules: Sequence[Rule]) -> str:
    """The first rule that no order ever gets to, as part of a sentence; "" where each has its use."""
    for number, rule in enumerate(rules, 1):
        earlier = next((n for n, other in enumerate(rules[: number - 1], 1) if _fits_all_of(other, rule)), 0)
        if earlier:
            return f"never gets to orders.rules[{number}], since orders.rules[{earlier}] fits all that it fits"
    return ""


def _fits_all_of(one: Rule, other: Rule) -> bool:
    pairs = (
        (one.status, other.status),
        (one.payment_method, other.payment_method),
        (one.goods, other.goods),
        (one.country, other.country),
    )
    return all(wide in ("", narrow) for wide, narrow in pairs)


def flaw_in_title(title: str) -> str:
    """What is wrong with the title of orders, as part of a sentence; "" where it is good."""
    names = _PLACEHOLDER.findall(title)
    unknown = next((name for name in names if name != _NUMBER), None)
    if unknown is not None:
        return f"names {{{unknown}}}, and only {{number}} is known"
    return "" if names else "must hold {number}, by which order and invoice are found again"
