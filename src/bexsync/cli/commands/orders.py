"""bexsync orders ..."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.runner import Command, local_state, run_command, run_job
from bexsync.errors import Exit, UsageProblem

if TYPE_CHECKING:
    from bexsync.config.profile import OrderAction


def sync(
    call: Command,
    ids: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="Only this order (shop id or number); repeatable.",
            autocompletion=completion.orders,
        ),
    ] = None,
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Only orders with this status in the shop; repeatable.",
            autocompletion=completion.order_statuses,
        ),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only orders from this day on.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="At most this many orders; the rest waits for the next run.")
    ] = None,
    backfill: Annotated[
        str,
        typer.Option(metavar="ACTIONS", help="Catch up for old orders as well with send, delivery or both."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show every step and what it costs; change nothing.")
    ] = False,
    confirm: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Allow a plan of exactly N documents above the limits.")
    ] = None,
) -> Exit:
    """Carry the shop's orders over to {ledger} by their status.

    What each status starts stands in [orders.actions] and [[orders.rules]]: contact, order, deliveries, invoice,
    issue, payments, mail. What was done before is not done again. Customers without an order get their contact.
    """
    from bexsync.jobs.order_choice import SyncOptions
    from bexsync.jobs.orders import disabled_reason
    from bexsync.jobs.orders import sync as run

    call.output.rehearsing = dry_run
    day = since.date() if since else None
    chosen = SyncOptions(
        tuple(ids or ()), tuple(statuses or ()), day, limit, confirm, _backfilled(backfill), dry_run
    )  # fmt: skip
    return run_job(call, lambda workspace: run(workspace, chosen), why_not=disabled_reason)


def _backfilled(text: str) -> tuple[OrderAction, ...]:
    """The actions that are named, which must be among those that old orders get only on demand."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known: dict[str, OrderAction] = {"delivery": "delivery", "send": "send"}
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise UsageProblem(
            f'--backfill knows no action "{unknown}".', "It takes send and delivery; all others are never left out."
        )
    return tuple(known[name] for name in names)


def list_(
    call: Command,
    status: Annotated[
        str,
        typer.Option(
            metavar="STATUS", help="Only orders with this status in the shop.", autocompletion=completion.order_statuses
        ),
    ] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only orders from this day on.")
    ] = None,
    customer: Annotated[str, typer.Option(metavar="TEXT", help="Only customers with this in their name or mail.")] = "",
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="Show the newest N; sums count all.")] = None,
) -> Exit:
    """List the orders, their documents, what is paid and what is open.

    Shows customer, total, the shop's status, order, deliveries and invoice with their links. Asks nothing of {ledger}.
    """
    from bexsync.admin.order_list import OrderSelection, list_orders
    from bexsync.cli.views.orders import orders_data, show_orders

    selection = OrderSelection(status, customer, since.date() if since else None, limit)
    with local_state(call) as (_, store):
        found = list_orders(store, selection)
    return call.output.show(orders_data(found), lambda: show_orders(found))


def rules(call: Command) -> Exit:
    """Show what happens to an order by its status.

    Every status that an order has had, that the shop lists or that the profile names, every payment method seen, what
    bexsync does then, what has no rule, and statuses that bexsync writes itself and that start actions. Asks nothing of
    {ledger}.
    """
    from bexsync.cli.views.orders import rules_data, show_rules
    from bexsync.jobs.seen_orders import SeenOrders
    from bexsync.planning.order_actions import matrix

    with local_state(call) as (profile, store):
        seen = SeenOrders(store)
    table = matrix(profile.orders, seen.statuses, seen.listed, seen.methods)
    is_enabled = profile.orders.enabled
    return call.output.show(rules_data(table, is_enabled=is_enabled), lambda: show_rules(table, is_enabled=is_enabled))


def alone(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are done.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Credits to write by hand, for refunds and credit notes; without a command it lists them."""
    del json
    if context.invoked_subcommand is None:
        run_command(context, "orders refunds", lambda call: _refunds(call, all_))
    elif profile:
        context.obj = profile


def _refunds(call: Command, include_closed: bool) -> Exit:
    from bexsync.cli.views.orders import credits_data, show_credits
    from bexsync.wiring import open_credit_desk

    with open_credit_desk(call.profile) as desk:
        call.output.site = desk.site
        found = desk.credits(include_closed=include_closed)
    return call.output.show(credits_data(found), lambda: show_credits(found, call.output.ledger))


def close(
    call: Command,
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="Refunds or credit notes, by the shop's id.")],
) -> Exit:
    """Take credits off the list that {ledger} does not show by itself."""
    from bexsync.cli.views.orders import credits_data
    from bexsync.wiring import open_credit_desk

    with open_credit_desk(call.profile) as desk:
        call.output.site = desk.site
        closed = desk.close(names)
    said = ", ".join(f"{one.of}/{one.id}" for one in closed)
    return call.output.said(f"Closed: {said}.", credits_data(closed))
