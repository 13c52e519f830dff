"""What a run came to, for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from bexsync.cli.views.envelope import MOST_OF_A_KIND, counted, left_alone, more_sentences
from bexsync.cli.views.page import Page, Row
from bexsync.money import format_amount

if TYPE_CHECKING:
    from bexsync.engine.result import Outcome, Result

_COLOURS = {
    "done": "green",
    "planned": "cyan",
    "unchanged": "dim",
    "ignored": "dim",
    "blocked": "yellow",
    "by_hand": "yellow",
    "failed": "red",
    "held": "yellow",
    "in_doubt": "magenta",
    "open": "magenta",
    "paid": "green",
    "partly_paid": "cyan",
}
_COSTS = {
    "documents": "document",
    "mails": "mail",
    "cancels": "cancellation",
    "items": "new item",
    "products": "changed product",
    "requests": "request",
}
_MOST_ROWS = 40
_MOST_FIELDS = 200
_ROOM_FOR_LINKS = 110


def show_result(result: Result, command: str, ledger: str, *, with_errors: bool, with_files: bool = False) -> None:
    """What a run came to: the records that went well, then those that did not and why, then one line of summary."""
    page = Page()
    if result.message:
        page.line(result.message)
    files: Mapping[str, Any] = result.data.get("files", {}) if with_files else {}
    for name, understood in files.items():
        page.line(f"{name}: {understood['understood']}.")
    if files:
        page.line()
    shown = [o for o in result.outcomes if o.status.value != "ignored"]
    well = [o for o in shown if not o.needs_a_word]
    troubles, more = _first_of_each_kind(o for o in shown if o.needs_a_word)
    fields: Sequence[Mapping[str, str]] = result.data.get("fields", ())
    if fields:
        _show_fields(page, fields, ledger)
        well = []
    rows = [_row(o, page.width) for o in well[:_MOST_ROWS]]
    rows += [_trouble(o, with_reason=with_errors) for o in troubles]
    if rows:
        page.table(
            ("id", "customer", "amount", "action", "number", "status", _last_column(result)),
            rows,
            right=("amount",),
            shorten=("id", "customer"),
            drop=("action",),
        )
        if len(well) > _MOST_ROWS:
            page.line(f"… and {len(well) - _MOST_ROWS} more that went well")
        for sentence in more_sentences(more + result.unlisted_troubles):
            page.line(sentence)
        page.line()
    for sentence in (*left_alone(result.outcomes), *result.remarks, *result.mentions.values()):
        page.line(sentence)
    if not result.disabled:
        page.line(_summary(result, command))
    page.show()


def _show_fields(page: Page, fields: Sequence[Mapping[str, str]], ledger: str) -> None:
    """One line a field: what stands there, what is to stand there, and whose word it is."""
    names = ("id", "sku", "field", "old", "new", "master", "remark")
    page.table(names, [_field(row, ledger) for row in fields[:_MOST_FIELDS]])
    if len(fields) > _MOST_FIELDS:
        page.line(f"… and {len(fields) - _MOST_FIELDS} more; --json shows all")
    page.line()


def _field(row: Mapping[str, str], ledger: str) -> Row:
    old, new = (" ".join(row[name].split()) for name in ("old", "new"))
    master = {"ledger": ledger, "shop": "the shop"}.get(row["master"], row["master"])
    cells = (
        Text(row["shop_id"]),
        Text(row["sku"]),
        Text(row["field"]),
        Text(old or "-", style="dim"),
        Text(new, style="cyan"),
        Text(master),
    )
    return Row(cells, Text(row["remark"], style="yellow"))


def _first_of_each_kind(troubles: Iterable[Outcome]) -> tuple[list[Outcome], Counter[str]]:
    """The first few troubles of each kind, and how many of it are left out."""
    seen, more, first = Counter[str](), Counter[str](), []
    for outcome in troubles:
        seen[outcome.code] += 1
        if seen[outcome.code] > MOST_OF_A_KIND:
            more[outcome.code] += 1
        else:
            first.append(outcome)
    return first, more


def _last_column(result: Result) -> str:
    return "plan" if "plan" in result.data else ""


def _row(o: Outcome, width: int) -> Row:
    """Where the screen is too narrow for links, the number is one."""
    said = Text(o.reason)
    if not o.reason and width >= _ROOM_FOR_LINKS:
        said = Text(o.url, style="dim")
    return Row(_what(o), said)


def _trouble(o: Outcome, *, with_reason: bool) -> Row:
    if not with_reason:
        return Row(_what(o))
    hint = (Text(f"→ {o.hint}", style="dim"),) if o.hint else ()
    return Row(_what(o), beneath=(Text(o.reason), *hint))


def _what(o: Outcome) -> tuple[Text, ...]:
    return (
        Text(o.shop_id),
        Text(o.customer),
        Text(f"{o.currency} {o.amount}" if o.amount else ""),
        Text(_words(o.action)),
        linked_number(o.number, o.url),
        coloured_status(o.status.value),
    )


def linked_number(number: str, url: str) -> Text:
    """The number of a document; where the terminal can, it is a link."""
    return Text(number, style=Style(link=url) if url and number else "")


def coloured_status(status: str) -> Text:
    """A status as a person reads it."""
    return Text(_words(status), style=_COLOURS.get(status, ""))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _summary(result: Result, command: str) -> str:
    plan: Mapping[str, Any] | None = result.data.get("plan")
    if plan is not None:
        costs = ", ".join(
            several(plan[name], noun)
            for name, noun in _COSTS.items()
            if name in plan and (plan[name] or name != "cancels")
        )
        return f"Plan {plan['digest']}: {costs}{_money(plan['money'])}. {_duration(plan)}Nothing was changed."
    money = {c: format_amount(sums["invoiced"]) for c, sums in result.totals.items() if "invoiced" in sums}
    done = f"{counted(result.counts) or 'nothing to do'}{_money(money)}"
    return f"{command}: {done} ({several(result.requests, 'request')})"


def _duration(plan: Mapping[str, Any]) -> str:
    """How long a plan takes, where that is a minute or more."""
    minutes = plan.get("seconds", 0) / 60
    if minutes < 1:
        return ""
    speed = f"{plan['requests_a_minute']} requests a minute"
    if plan["speed_is_measured"]:
        return f"At {speed}, as in the last long run, it takes {_time(minutes)}. "
    return f"It takes at least {_time(minutes)}, since no more than {speed} are allowed. "


def _time(minutes: float) -> str:
    """A duration as people say it."""
    if minutes < 90:
        return several(max(1, round(minutes)), "minute")
    return f"{minutes / 60:.1f} hours"


def several(count: int, noun: str) -> str:
    """A number of things, in the plural where it is not one."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _money(amounts: Mapping[str, str]) -> str:
    return "".join(f", {currency} {amount}" for currency, amount in amounts.items())
