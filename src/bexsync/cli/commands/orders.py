"""bexsync orders ..."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.runner import Command, local_state
from bexsync.errors import Exit


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

    Every status that an order has had or that the profile names, every payment method seen, what bexsync does then,
    what has no rule, and statuses that bexsync writes itself and that start actions. Asks nothing of {ledger}.
    """
    from bexsync.cli.views.orders import rules_data, show_rules
    from bexsync.jobs.seen_orders import SeenOrders
    from bexsync.planning.order_actions import matrix

    with local_state(call) as (profile, store):
        seen = SeenOrders(store)
    table = matrix(profile.orders, seen.statuses, (), seen.methods)
    is_enabled = profile.orders.enabled
    return call.output.show(rules_data(table, is_enabled=is_enabled), lambda: show_rules(table, is_enabled=is_enabled))
