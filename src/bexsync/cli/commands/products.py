"""bexsync products ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli import options
from bexsync.cli.runner import command, finish, run_job
from bexsync.errors import Exit

Skus = Annotated[
    list[str] | None, typer.Option("--sku", metavar="SKU", help="Only the product with this SKU; repeatable.")
]


def sync(
    context: typer.Context,
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
    profile: options.Profile = None,
    json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Keep the shop's products and {ledger}'s items the same.

    That is title, description, weight and price.

    They are matched by SKU; what is missing in {ledger} is created. Per field, [products] in the profile says who is
    master: what both sides changed goes by the master, and is reported. Nothing is deleted. Stock is written with a
    new item only, since {ledger} takes none later: see `bexsync stock pull`.
    """
    from bexsync.jobs.product_lists import ProductOptions
    from bexsync.jobs.products import sync as run
    from bexsync.jobs.products import why_not

    call = command(context, "products sync", profile=profile, json=json, verbose=verbose, quiet=quiet)
    call.output.rehearsing = dry_run
    chosen = ProductOptions(tuple(skus or ()), tuple(ids or ()), limit, confirm, dry_run)
    run_job(call, lambda workspace: run(workspace, chosen), why_not=why_not)


def check(
    context: typer.Context,
    profile: options.Profile = None,
    json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what keeps products from being synchronised.

    Changes nothing.

    SKUs that are missing, there twice, or sold on another site of the same company; items of one code; rates that are
    not mapped, other currencies, and what is gone. Ends with 78 where something is in the way.
    """
    from bexsync.jobs.products import check as run
    from bexsync.jobs.products import why_not

    call = command(context, "products check", profile=profile, json=json, verbose=verbose, quiet=quiet)
    call.output.awaited = True
    run_job(call, run, why_not=why_not)


def list_(context: typer.Context, profile: options.Profile = None, json: options.Json = False) -> None:
    """List the linked products: id, SKU, title, link, last error. Asks nothing of {ledger}."""
    call = command(context, "products list", profile=profile, json=json)

    def work() -> Exit:
        from bexsync.cli.views.links import show_products
        from bexsync.jobs.product_links import linked_products
        from bexsync.wiring import open_local_state

        _, store = open_local_state(call.profile)
        call.output.site = store.site
        try:
            rows = list(linked_products(store))
        finally:
            store.close()
        return call.output.show({"products": [dict(row) for row in rows]}, lambda: show_products(rows))

    finish(call, work)
