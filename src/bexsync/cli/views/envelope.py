"""The JSON object that every command prints with --json, also when it fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bexsync import __version__
from bexsync.characters import escaped
from bexsync.errors import BexsyncError, Exit

if TYPE_CHECKING:
    from bexsync.engine.result import Outcome, Result

_WORDS = {Exit.OK: "ok", Exit.SOME_FAILED: "partial"}
MOST_OF_A_KIND = 20
_MOST_IDS = 5


def envelope(
    command: str, profile: str, site: str, code: Exit, data: dict[str, Any], errors: Sequence[dict[str, str]]
) -> Iterator[str]:
    """The object as one line of text, in parts; a list in `data` that is an iterator is read while it is written."""
    value = {
        "bexsync": __version__,
        "command": command,
        "profile": profile,
        "site": site,
        "status": _WORDS.get(code, "error"),
        "exit_code": int(code),
        "data": data,
        "errors": list(errors),
    }
    yield from map(escaped, _parts(value))
    yield "\n"


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, (name, one) in enumerate(value.items()):
            yield f"{', ' if number else ''}{json.dumps(name, ensure_ascii=False)}: "
            yield from _parts(one)
        yield "}"
    elif isinstance(value, Iterator):
        yield "["
        for number, one in enumerate(value):
            yield f"{', ' if number else ''}{json.dumps(one, ensure_ascii=False)}"
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def error(code: str, message: str, hint: str = "", kind: str = "", shop_id: str = "") -> dict[str, str]:
    """An error as a script reads it."""
    return {"code": code, "message": message, "hint": hint, "kind": kind, "shop_id": shop_id}


def problem_error(problem: BexsyncError) -> dict[str, str]:
    """What ended a command, as an error."""
    return error(problem.code, problem.message, problem.hint)


def result_data(result: Result) -> dict[str, Any]:
    """Counts, totals, requests and one entry per record."""
    return {
        "counts": dict(result.counts),
        "totals": {
            currency: {name: format(amount, "f") for name, amount in amounts.items()}
            for currency, amounts in result.totals.items()
        },
        "requests": result.requests,
        "outcomes": [_outcome(outcome) for outcome in result.outcomes],
        **({"not_listed": not_listed} if (not_listed := dict(+result.unlisted_troubles)) else {}),
        **({"disabled": True} if result.disabled else {}),
        **({"remarks": remarks} if (remarks := [*result.remarks, *result.mentions.values()]) else {}),
        **result.data,
    }


def counted(counts: Mapping[str, int]) -> str:
    """How many records fared how, the good news first."""
    order = ("done", "planned", "unchanged", "ignored")
    names = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in names)


def left_alone(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Why records are not ours to book, one sentence a reason; what a person let rest was said before."""
    by_reason: dict[str, list[str]] = {}
    for o in outcomes:
        if o.is_left_alone:
            by_reason.setdefault(o.reason, []).append(o.shop_id)
    for reason, ids in by_reason.items():
        more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
        yield f"{len(ids)} ignored: {reason}: {', '.join(ids[:_MOST_IDS])}{more}"


def trouble_sentences(outcomes: Iterable[Outcome], uncounted: Mapping[str, int]) -> Iterator[str]:
    """One sentence a cause, however many records share it; of one kind at most so many, then how many more there are.

    `uncounted` says of how many records of each kind there is no outcome.
    """
    causes: dict[tuple[str, str], list[Outcome]] = {}
    for o in outcomes:
        causes.setdefault((o.code, o.reason), []).append(o)
    lines = Counter[str]()
    more = Counter({code: uncounted.get(code, 0) for code, _ in causes})
    for (code, reason), found in causes.items():
        lines[code] += 1
        if lines[code] > MOST_OF_A_KIND:
            more[code] += len(found)
            continue
        left = len(found) - _MOST_IDS
        shown = ", ".join(o.shop_id for o in found[:_MOST_IDS]) + (f" and {left} more" if left > 0 else "")
        whose = "" if reason.startswith(found[0].shop_id) else f"{shown}: "  # a file says its name itself
        yield f"{whose}{reason} {found[-1].hint}".rstrip()
    yield from more_sentences(more)


def more_sentences(more: Mapping[str, int]) -> Iterator[str]:
    """How many records of each kind are not listed."""
    for code, count in more.items():
        if count > 0:
            records = "record" if count == 1 else "records"
            yield f"{count} more {records} of this kind ({code.replace('_', ' ')}) are not listed here."


def outcome_errors(outcomes: Iterable[Outcome]) -> list[dict[str, str]]:
    """The outcomes that did not go well, as errors."""
    return [error(o.code, o.reason, o.hint, o.kind, o.shop_id) for o in outcomes if o.is_trouble]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "action": outcome.action,
        "shop_id": outcome.shop_id,
        "ledger_id": outcome.ledger_id,
        "number": outcome.number,
        "url": outcome.url,
        "status": outcome.status.value,
        "reason": outcome.reason,
        "customer": outcome.customer,
        "amount": outcome.amount,
        "currency": outcome.currency,
        **({"steps": [asdict(step) for step in outcome.steps]} if outcome.steps else {}),
    }
