"""bexsync links ..."""

from __future__ import annotations

from typing import Annotated

import typer

from bexsync.cli import completion
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import Command, make_sure, run_job
from bexsync.errors import Exit, UsageProblem

Name = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help=f"The shop's id of the invoice or order, or a number in {LEDGER}; product:ID for a product.",
        autocompletion=completion.linked_invoices,
    ),
]


def list_(
    call: Command,
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="Show the N that were linked last.")] = None,
) -> Exit:
    """List which invoice or order is which document in {ledger}."""
    from bexsync.cli.views.links import link_data, show_links
    from bexsync.wiring import open_links_desk

    with open_links_desk(call.profile) as desk:
        links = desk.links(limit)
        return call.output.show({"links": map(link_data, links)}, lambda: show_links(list(links)))


def show(call: Command, name: Name) -> Exit:
    """Show everything the state knows of one link, step by step."""
    from bexsync.cli.views.links import show_story, story_data
    from bexsync.wiring import open_links_desk

    with open_links_desk(call.profile) as desk:
        story = desk.story(name)
    return call.output.show(story_data(story), lambda: show_story(story))


def adopt(
    call: Command,
    shop_id: Annotated[
        str,
        typer.Argument(
            metavar="[ID]",
            help="One invoice or order of the shop; without it, all.",
            autocompletion=completion.invoices,
        ),
    ] = "",
    document: Annotated[str, typer.Argument(metavar="[NUMBER]", help=f"The document in {LEDGER} that it is.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Link them; without it they are only shown.")] = False,
) -> Exit:
    """Link invoices and orders that stand in {ledger} already.

    For the time before a first push or sync, which would create them again.

    Without ID, open invoices and orders are matched by number and amount, or by mail, date and amount. Of an order, the
    order and its invoice are linked. Nothing is mailed.
    """
    from bexsync.admin.links import AdoptOptions
    from bexsync.admin.links import adopt as run

    if shop_id and not document:
        raise UsageProblem(f"Which invoice in {LEDGER} is {shop_id}?", "bexsync links adopt ID NUMBER")
    call.output.rehearsing, call.output.awaited = not yes, True
    return run_job(call, lambda workspace: run(workspace, AdoptOptions(shop_id, document, yes)))


def forget(
    call: Command,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Exit:
    """Forget a link, so that its invoice or order counts as new.

    It is booked again when the shop hands it over again.

    Of an order, all its documents; order:ID where an invoice has the same id. Of a product: product:ID, with its id or
    its SKU. What still stands in {ledger} is found and linked again, never doubled.
    """
    from bexsync.wiring import open_links_desk

    with open_links_desk(call.profile) as desk:
        what = desk.question(name)  # nobody is asked about what is not there
        make_sure(call, yes, f"Forget {what}?")
        shop_id = desk.forget(name)
    return call.output.said(f"{what[0].upper()}{what[1:]} is forgotten.", {"shop_id": shop_id})
