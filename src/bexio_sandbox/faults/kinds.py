"""Every fault there is: its name, what it does, and what it can be told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bexio_sandbox.faults import fault_actions, people
from bexio_sandbox.faults.context import FaultAction
from bexio_sandbox.faults.parameters import (
    FaultError,
    Parameter,
    id_or_text,
    money,
    number,
    one_of,
    pieces,
    text,
    whole,
)


class Reach(IntEnum):
    """How near to the work a fault acts: the answer and its way to the client, the world around, the rows seen."""

    ANSWER = 0
    WORLD = 1
    ROWS = 2


@dataclass(frozen=True)
class Kind:
    """A sort of fault; `fits` says which requests it is about ("METHOD /path"), if not about all."""

    action: FaultAction
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    reach: Reach = Reach.ANSWER
    fits: re.Pattern[str] | None = None
    check: Callable[[dict[str, Any]], None] | None = None


def _one_lag(parameters: dict[str, Any]) -> None:
    if len(parameters) != 1:
        raise FaultError("seconds", 'say how far the search lags: either "seconds" or "requests".')


_STATUS = {"status": Parameter(one_of(500, 502, 503, 504), 500)}
_DOCUMENTS = re.compile(
    r"GET /2\.0/(contact|kb_order|kb_delivery|kb_invoice|article)"
    r"|POST /2\.0/(contact|kb_order|kb_invoice|article)/search"
)
_CREATES = re.compile(r"POST /2\.0/(kb_invoice|kb_order(/\d+/(delivery|invoice))?)")
_LISTS = re.compile(rf"{_DOCUMENTS.pattern}|POST .*/search|GET .*/payment|GET /2\.0/stock(_place)?")

KINDS: dict[str, Kind] = {
    "drop_before": Kind(fault_actions.drop_before),
    "drop_after": Kind(fault_actions.drop_after),
    "error_before": Kind(fault_actions.error_before, _STATUS),
    "error_after": Kind(fault_actions.error_after, _STATUS),
    "late_commit": Kind(fault_actions.late_commit, {"seconds": Parameter(number(0), 65)}),
    "half_create": Kind(fault_actions.half_create, fits=_CREATES),
    "too_many": Kind(
        fault_actions.too_many,
        {
            "headers": Parameter(one_of("usable", "retry_after", "none", "nonsense"), "usable"),
            "seconds": Parameter(whole(0), 2),
        },
    ),
    "truncated": Kind(fault_actions.truncated, {"content_length": Parameter(one_of("lie", "none"), "lie")}),
    "html_502": Kind(fault_actions.html_502),
    "html_after": Kind(fault_actions.html_after),
    "drip": Kind(fault_actions.drip, {"bytes_per_second": Parameter(whole(1), 10)}),
    "doubled_search": Kind(fault_actions.doubled_search, reach=Reach.WORLD, fits=_LISTS),
    "lagging_search": Kind(
        fault_actions.lagging_search,
        {"seconds": Parameter(number(0)), "requests": Parameter(whole(1))},
        Reach.ROWS,
        _DOCUMENTS,
        _one_lag,
    ),
    "token_expired": Kind(fault_actions.token_expired, reach=Reach.WORLD),
    "token_revoked": Kind(fault_actions.token_revoked, reach=Reach.WORLD),
    "clock_jump": Kind(fault_actions.clock_jump, {"seconds": Parameter(number(), is_required=True)}, Reach.WORLD),
    "person": Kind(
        people.act,
        {
            "action": Parameter(one_of(*people.ACTIONS), is_required=True),
            "target": Parameter(id_or_text, people.NEWEST),
            "when": Parameter(one_of("before", "after"), "before"),
            "amount": Parameter(money),
            "title": Parameter(text, "Changed by a person"),
            "price": Parameter(money, "1"),
            "keep": Parameter(whole(1)),
            "code": Parameter(text),
            "description": Parameter(text),
            "weight": Parameter(whole(0)),
            "pieces": Parameter(pieces, "-1"),
        },
        Reach.WORLD,
        check=people.check,
    ),
}
