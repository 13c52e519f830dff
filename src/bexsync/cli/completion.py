"""What the shell offers while a command is being typed: quick, from this computer alone, and silent on any failure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bexsync.state_reader import StateReader

Item = tuple[str, str]

# Shells read their own signs in what they are offered, and bash cuts words at : = and @.
_WORD = re.compile(r"[\w.,/+-]+")


def profiles(incomplete: str) -> list[Item]:
    """Profiles by name and by path; folders are left to the shell, which knows how to go into them."""
    return _offered(lambda: _profiles(incomplete), incomplete)


def _profiles(incomplete: str) -> Iterator[Item]:
    from bexsync.paths import config_folder

    if os.sep not in incomplete:
        for path in sorted((config_folder() / "profiles").glob("*.toml")):
            if not path.name.endswith(".vat.toml"):
                yield path.stem, str(path)
    written, _, _ = incomplete.rpartition(os.sep)
    folder = Path(written or (os.sep if incomplete.startswith(os.sep) else ".")).expanduser()
    before = incomplete[: len(incomplete) - len(incomplete.rpartition(os.sep)[2])]
    for path in sorted(folder.glob("*.toml")):
        if not path.name.endswith(".vat.toml"):
            yield f"{before}{path.name}", ""


def linked_invoices(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Invoices that are linked, by the shop's id or by number."""
    return _offered(lambda: (*_state(ctx).linked_ids(incomplete), *_numbers(ctx, incomplete)), incomplete)


def invoices(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Every invoice the shop has handed over."""
    return _offered(lambda: _state(ctx).invoice_ids(incomplete), incomplete)


def every_invoice(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Every invoice the shop has handed over by its id, and linked ones by number."""
    return _offered(lambda: (*_state(ctx).invoice_ids(incomplete), *_numbers(ctx, incomplete)), incomplete)


def _numbers(ctx: typer.Context, incomplete: str) -> Iterable[Item]:
    return _state(ctx).linked_numbers(incomplete) if incomplete else ()


def orders(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Every order the shop has handed over."""
    return _offered(lambda: _state(ctx).order_ids(incomplete), incomplete)


def order_statuses(ctx: typer.Context, incomplete: str) -> list[Item]:
    """The statuses that orders have."""
    return _offered(lambda: ((status, "") for status in _state(ctx).order_statuses()), incomplete)


def errors(ctx: typer.Context, incomplete: str) -> list[Item]:
    """Open errors by number, and `all`; those that stand there already are not offered again."""

    def found() -> Iterator[Item]:
        there = {str(number) for number in ctx.params.get("numbers") or ()}
        rows = [(str(number), f"{shop_id} {said}") for number, shop_id, said in _state(ctx).open_errors()]
        yield from (row for row in rows if row[0] not in there)
        if rows and not there:
            yield "all", f"all {len(rows)}"

    return _offered(found, incomplete)


def statuses(incomplete: str) -> list[Item]:
    """Where an invoice can stand."""
    from bexsync.admin.invoice_statuses import STATUSES

    return _offered(STATUSES.items, incomplete)


def jobs(ctx: typer.Context, incomplete: str) -> list[Item]:
    """The jobs that have run, as one word each, since shells cut at spaces."""
    return _offered(lambda: ((job.replace(" ", "-"), "") for job in _state(ctx).jobs()), incomplete)


def sort_fields(incomplete: str) -> list[Item]:
    """What a list of invoices can be sorted by."""
    from bexsync.admin.invoice_statuses import SORT_FIELDS

    return _offered(lambda: ((name, "") for name in SORT_FIELDS), incomplete)


def pages(incomplete: str) -> list[Item]:
    """The topics of the manual."""
    from bexsync.shipped import pages as shipped_pages

    return _offered(lambda: ((page.topic, page.title) for page in shipped_pages()), incomplete)


def one_of(*choices: str) -> Callable[[str], list[Item]]:
    """Completes a value that has a few possible forms."""

    def offered(incomplete: str) -> list[Item]:
        return _offered(lambda: ((choice, "") for choice in choices), incomplete)

    return offered


def _state(ctx: typer.Context) -> StateReader:
    from bexsync.paths import profile_path, state_folder
    from bexsync.state_reader import StateReader

    return StateReader(profile_path(_profile(ctx)), state_folder())


def _profile(ctx: typer.Context) -> str:
    """The profile that is named anywhere on the line so far."""
    here: typer.Context | None = ctx
    while here is not None:
        if named := here.params.get("profile"):
            return str(named)
        here = here.parent  # type: ignore[assignment]  # every context of ours is typer's
    return os.environ.get("BEXSYNC_PROFILE") or "default"


def _offered(find: Callable[[], Iterable[Item]], incomplete: str) -> list[Item]:
    try:
        return [
            (word, _tame(help_text))
            for word, help_text in find()
            if word.startswith(incomplete) and _WORD.fullmatch(word)
        ]
    except Exception:  # noqa: BLE001  the shell is in the middle of somebody's line: nothing may be said there
        return []


def _tame(text: str) -> str:
    """What a shop or a ledger wrote is evaluated by zsh: only words are let through."""
    words = re.sub(r"[^\w.,/+-]+", " ", text).strip()
    return words if len(words) <= 60 else f"{words[:57]}..."
