"""Tables and sentences for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from bexsync.cli.views.envelope import MOST_OF_A_KIND, counted, left_alone, more_sentences
from bexsync.cli.views.page import Page, Row
from bexsync.engine.result import MOST_KEPT
from bexsync.money import written
from bexsync.ports.store import WORKLIST

if TYPE_CHECKING:
    from bexsync.engine.result import Outcome, Result
    from bexsync.ports.store import ErrorRow

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
    "items": "new item",
    "products": "changed product",
    "requests": "request",
}
_MOST_ROWS = 40
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
        from bexsync.cli.views.products import show_fields

        show_fields(page, fields, ledger)
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
        costs = ", ".join(_several(plan[name], noun) for name, noun in _COSTS.items() if name in plan)
        return f"Plan {plan['digest']}: {costs}{_money(plan['money'])}. Nothing was changed."
    money = {c: written(sums["invoiced"]) for c, sums in result.totals.items() if "invoiced" in sums}
    done = f"{counted(result.counts) or 'nothing to do'}{_money(money)}"
    return f"{command}: {done} ({_several(result.requests, 'request')})"


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _money(amounts: Mapping[str, str]) -> str:
    return "".join(f", {currency} {amount}" for currency, amount in amounts.items())


def show_errors(rows: Sequence[ErrorRow], places: Mapping[int, str], ledger: str, *, in_full: bool) -> None:
    """Open errors: a block each, since the sentences matter more than columns; what is to be done by hand last."""
    page = Page()
    errors = [row for row in rows if row.code != WORKLIST]
    by_hand = [row for row in rows if row.code == WORKLIST]
    if not rows:
        page.line("No open errors.")
    _show_blocks(page, errors, places, ledger, in_full=in_full)
    if by_hand and not in_full:
        page.line(Text(f"To do in {ledger} by hand:", style="bold"))
        page.line()
    _show_blocks(page, by_hand, places, ledger, in_full=in_full)
    if rows and not in_full:
        parts = [_several(len(errors), "error")] if errors or not by_hand else []
        parts += [f"{_several(len(by_hand), 'credit note')} to write"] if by_hand else []
        page.line(
            f"{', '.join(parts)}. `bexsync errors show ID` shows one in full, `ack ID` acknowledges it, "
            "`retry ID` tries it again."
        )
        if any(count >= MOST_KEPT for count in Counter(row.code for row in rows).values()):
            page.line(f"Of one kind {MOST_KEPT} are kept; `bexsync invoices list --status blocked` shows all invoices.")
    page.show()


def _show_blocks(
    page: Page, rows: Sequence[ErrorRow], places: Mapping[int, str], ledger: str, *, in_full: bool
) -> None:
    for number, row in enumerate(rows):
        if number and in_full:
            page.line()
        _show_error(page, row, places.get(row.id, ""), ledger, in_full=in_full)
        if not in_full:
            page.line()


def _show_error(page: Page, row: ErrorRow, place: str, ledger: str, *, in_full: bool) -> None:
    heading = Text(f"{row.id}  ") + Text(f"{row.kind} {row.shop_id}", style="bold")
    heading += Text(f" ({place})" if place else "")
    seen = ", acknowledged" if row.acknowledged_at else ""
    page.line(heading + Text(f"  {row.job}, {_since(row)}{seen}", style="dim"))
    page.line(row.message, indent=4)
    if row.hint:
        page.line(f"→ {row.hint}", indent=4)
    if not in_full:
        return
    if row.said and row.said not in row.message:
        page.line(f"{ledger} said: {row.said}", indent=4)
    page.line(Text(f"code {row.code}, cause {row.cause}, last seen {_local(row.last_at)}", style="dim"), indent=4)


def _since(row: ErrorRow) -> str:
    return f"since {_local(row.first_at)}, {'once' if row.times == 1 else f'{row.times} times'}"


def _local(stored: str) -> str:
    """A moment of the state in this computer's time."""
    return f"{datetime.fromisoformat(stored).astimezone():%Y-%m-%d %H:%M}"
