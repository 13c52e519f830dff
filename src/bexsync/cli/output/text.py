"""Tables and sentences for a person."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bexsync.money import written

if TYPE_CHECKING:
    from bexsync.engine.result import Outcome, Result
    from bexsync.ports import StatusRow
    from bexsync.store import ErrorRow

_COLOURS = {
    "done": "green",
    "planned": "cyan",
    "unchanged": "dim",
    "ignored": "dim",
    "blocked": "yellow",
    "failed": "red",
    "held": "yellow",
    "in_doubt": "magenta",
    "open": "magenta",
}
_MOST_ROWS = 40
_WIDE = 110


def _console() -> Console:
    """Wide enough off a terminal that nothing is cut in a file or a pipe."""
    width = None if sys.stdout.isatty() else 200
    return Console(highlight=False, width=width, soft_wrap=False)


def show_result(result: Result, command: str, *, with_errors: bool) -> None:
    """What a run came to: a table of records, the errors with what to do, one line of summary."""
    console = _console()
    if result.message:
        console.print(result.message)
    shown = [o for o in result.outcomes if o.status.value not in ("ignored",)]
    if shown:
        console.print(_outcomes(shown[:_MOST_ROWS], result, wide=console.width >= _WIDE))
        if len(shown) > _MOST_ROWS:
            console.print(f"  … and {len(shown) - _MOST_ROWS} more")
    if with_errors:
        _show_problems(console, result.outcomes)
    plan = result.data.get("plan")
    if plan:
        console.print(
            f"Plan {plan['digest']}: {plan['documents']} documents, {plan['mails']} mails, "
            f"{plan['requests']} requests{_money(plan['money'])}. Nothing was changed."
        )
        return
    console.print(_summary(result, command))


def _outcomes(outcomes: Sequence[Outcome], result: Result, *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    planned = bool(result.data.get("plan"))
    for name in ("id", "action", "number", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("plan" if planned else "link" if wide else "", overflow="fold")
    for o in outcomes:
        colour = _COLOURS.get(o.status.value, "")
        last = o.reason if planned or not o.url else o.url if wide else ""
        if o.status.value in ("blocked", "failed", "held", "in_doubt") and not planned:
            last = ""
        elif o.action in ("paid", "partly_paid", "reopened", "credited", "changed_in_ledger") and o.reason:
            last = o.reason
        table.add_row(
            escape(o.shop_id),
            o.action.replace("_", " "),
            o.number,
            f"[{colour}]{o.status.value.replace('_', ' ')}[/]" if colour else o.status.value,
            escape(last),
        )
    return table


def _show_problems(console: Console, outcomes: Sequence[Outcome]) -> None:
    problems = [o for o in outcomes if o.status.value in ("blocked", "failed", "held", "in_doubt")]
    for o in problems:
        console.print(f"\n[bold]{escape(o.shop_id)}[/]  {escape(o.reason)}")
        if o.hint:
            console.print(f"  [dim]→[/] {escape(o.hint)}")
    if problems:
        console.print()


def _summary(result: Result, command: str) -> str:
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(result.counts.items()))
    money = {c: written(sums["invoiced"]) for c, sums in result.totals.items() if "invoiced" in sums}
    requests = f"{result.requests} request{'' if result.requests == 1 else 's'}"
    if result.disabled:
        return ""
    return f"{command}: {counts or 'nothing to do'}{_money(money)} ({requests})"


def _money(amounts: dict[str, str]) -> str:
    return "".join(f", {currency} {amount}" for currency, amount in amounts.items())


def show_invoices(rows: Sequence[StatusRow]) -> None:
    """The list of invoices."""
    console = _console()
    if not rows:
        console.print("No invoices yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "status", "number", "paid", "paid on"):
        table.add_column(name, no_wrap=True)
    table.add_column("link", overflow="fold")
    table.add_column("error", overflow="fold")
    for row in rows:
        table.add_row(
            escape(row.shop_id), row.status.replace("_", " "), row.number, row.paid_amount, row.paid_date,
            row.url, escape(row.error),
        )  # fmt: skip
    console.print(table)


def show_errors(rows: Sequence[ErrorRow], *, in_full: bool) -> None:
    """Open errors: a block each, since the sentences matter more than columns."""
    console = _console()
    if not rows:
        console.print("No open errors.")
        return
    for row in rows:
        seen = " [dim](acknowledged)[/]" if row.acknowledged_at else ""
        since, last = row.first_at[:16].replace("T", " "), row.last_at[:16].replace("T", " ")
        console.print(f"[bold]{row.id}[/]  {row.kind} [bold]{escape(row.shop_id)}[/]{seen}  {escape(row.message)}")
        console.print(f"   [dim]since {since} UTC, {row.times} time{'s' if row.times > 1 else ''}, {row.job}[/]")
        if row.hint:
            console.print(f"   → {escape(row.hint)}")
        if in_full:
            console.print(f"   [dim]code {row.code}, cause {escape(row.cause)}, last {last} UTC[/]")
            if row.said:
                console.print(f"   bexio said: {escape(row.said)}")
