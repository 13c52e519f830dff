"""Errors for a person and for a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bexsync.cli.views.envelope import MOST_OF_A_KIND
from bexsync.cli.views.page import Page, local_time
from bexsync.cli.views.text import several
from bexsync.engine.result import MOST_KEPT
from bexsync.ports.store import WORKLIST

if TYPE_CHECKING:
    from bexsync.ports.store import ErrorRow


def errors_data(rows: Sequence[ErrorRow], places: Mapping[int, str]) -> dict[str, Any]:
    """The errors for a script, with the places in the shop's files that they are about."""
    return {"errors": [{**asdict(row), "place": places.get(row.id, "")} for row in rows]}


def changed_errors(rows: Sequence[ErrorRow], what: str) -> str:
    """Which errors a person has dealt with."""
    lines = [f"  {row.kind} {row.shop_id}: {row.message}" for row in rows[:MOST_OF_A_KIND]]
    more = [f"  and {len(rows) - MOST_OF_A_KIND} more"] if len(rows) > MOST_OF_A_KIND else []
    return "\n".join([f"{several(len(rows), 'error')} {what}:", *lines, *more])


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
        parts = [several(len(errors), "error")] if errors or not by_hand else []
        parts += [f"{several(len(by_hand), 'credit note')} to write"] if by_hand else []
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
    page.line(Text(f"code {row.code}, cause {row.cause}, last seen {local_time(row.last_at)}", style="dim"), indent=4)


def _since(row: ErrorRow) -> str:
    return f"since {local_time(row.first_at)}, {'once' if row.times == 1 else f'{row.times} times'}"
