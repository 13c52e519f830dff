"""bexsync products ... and bexsync stock ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli.runner import Command, local_state, run_job
from bexsync.errors import Exit

Skus = Annotated[
    list[str] | None, typer.Option("--sku", metavar="SKU", help="Only the product with this SKU; repeatable.")
]


def sync(
    call: Command,
    skus: Skus = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Only the product with this shop id; repeatable.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most this many products.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show every field, old and new and its master; change nothing.")
    ] = False,
    confirm: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Allow a plan of exactly N products above the limits.")
    ] = None,
) -> Exit:
    """Keep the shop's products and {ledger}'s items the same.

    That is title, description, weight and price.

    They are matched by SKU; what is missing in {ledger} is created. Per field, [products] in the profile says who is
    master: what both sides changed goes by the master, and is reported. Nothing is deleted. Stock is written with a
    new item only, since {ledger} takes none later: see `bexsync stock pull`.
    """
    from bexsync.jobs.product_lists import ProductOptions
    from bexsync.jobs.products import sync as run
    from bexsync.jobs.products import why_not

    call.output.rehearsing = dry_run
    chosen = ProductOptions(tuple(skus or ()), tuple(ids or ()), limit, confirm, dry_run)
    return run_job(call, lambda workspace: run(workspace, chosen), why_not=why_not)


def check(
    call: Command,
) -> Exit:
    """Show what keeps products from being synchronised.

    Changes nothing.

    SKUs that are missing, there twice, or sold on another site of the same company; items of one code; rates that are
    not mapped, other currencies, and what is gone. Ends with 78 where something is in the way.
    """
    from bexsync.jobs.products import check as run
    from bexsync.jobs.products import why_not

    call.output.awaited = True
    return run_job(call, run, why_not=why_not)


def list_(call: Command) -> Exit:
    """List the linked products: id, SKU, title, link, last error. Asks nothing of {ledger}."""
    from bexsync.cli.views.links import show_products
    from bexsync.jobs.product_links import linked_products

    with local_state(call) as (_, store):
        rows = list(linked_products(store))
    return call.output.show({"products": [dict(row) for row in rows]}, lambda: show_products(rows))


def pull(
    call: Command,
    skus: Skus = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show every number, old and new; change nothing.")
    ] = False,
) -> Exit:
    """Bring {ledger}'s stock to the shop.

    Of linked products, and only the numbers that differ.

    A number that moved in the shop meanwhile, because something was sold, is not overwritten: the next run tries
    again. {ledger} has no interface for stock movements; with `stock = "shop"` it is `bexsync products sync` that
    writes the shop's numbers, for as long as nothing was booked on an item.
    """
    from bexsync.jobs.stock import StockOptions, why_no_stock
    from bexsync.jobs.stock import pull as run

    call.output.rehearsing = dry_run
    chosen = StockOptions(tuple(skus or ()), dry_run)
    return run_job(call, lambda workspace: run(workspace, chosen), why_not=why_no_stock)
