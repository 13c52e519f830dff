"""bexsync links ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bexsync.cli import completion, options
from bexsync.cli.options import LEDGER
from bexsync.cli.runner import command, finish, make_sure, run_job
from bexsync.errors import Exit, UsageProblem

if TYPE_CHECKING:
    from bexsync.admin.links import LinkStory

Name = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help=f"The shop's id of the invoice, or its number in {LEDGER}; product:ID for a product.",
        autocompletion=completion.linked_invoices,
    ),
]


def list_(context: typer.Context, profile: options.Profile = None, json: options.Json = False) -> None:
    """List which invoice of the shop is which document in {ledger}."""
    call = command(context, "links list", profile=profile, json=json)

    def work() -> Exit:
        from bexsync.cli.views.links import link_data, show_links
        from bexsync.wiring import open_links_desk

        with open_links_desk(call.profile) as desk:
            links = desk.links()
            return call.output.show({"links": [link_data(link) for link in links]}, lambda: show_links(links))

    finish(call, work)


def show(context: typer.Context, name: Name, profile: options.Profile = None, json: options.Json = False) -> None:
    """Show everything the state knows of one link, step by step."""
    call = command(context, "links show", profile=profile, json=json)

    def work() -> Exit:
        from bexsync.cli.views.links import show_story, story_data
        from bexsync.wiring import open_links_desk

        with open_links_desk(call.profile) as desk:
            story: LinkStory = desk.story(name)
        return call.output.show(story_data(story), lambda: show_story(story))

    finish(call, work)


def adopt(
    context: typer.Context,
    shop_id: Annotated[
        str,
        typer.Argument(
            metavar="[ID]", help="One invoice of the shop; without it, all.", autocompletion=completion.invoices
        ),
    ] = "",
    document: Annotated[str, typer.Argument(metavar="[NUMBER]", help=f"The invoice in {LEDGER} that it is.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Link them; without it they are only shown.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Link invoices that stand in {ledger} already.

    For the time before a first push, which would create them again.

    Without ID, open invoices are matched by number and amount, or by mail, date and amount. Nothing is mailed.
    """
    from bexsync.admin.links import AdoptOptions
    from bexsync.admin.links import adopt as run

    call = command(context, "links adopt", profile=profile, json=json)
    if shop_id and not document:

        def refuse() -> Exit:
            raise UsageProblem(f"Which invoice in {LEDGER} is {shop_id}?", "bexsync links adopt ID NUMBER")

        finish(call, refuse)
    call.output.rehearsing, call.output.awaited = not yes, True
    run_job(call, lambda workspace: run(workspace, AdoptOptions(shop_id, document, yes)))


def forget(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Forget a link, so that its invoice counts as new.

    It is booked again when the shop hands it over again.

    Of a product: product:ID, with its id or its SKU. What still stands in {ledger} is found and linked again, never
    doubled.
    """
    call = command(context, "links forget", profile=profile, json=json)

    def work() -> Exit:
        from bexsync.wiring import open_links_desk

        with open_links_desk(call.profile) as desk:
            what = desk.question(name)  # nobody is asked about what is not there
            make_sure(call, yes, f"Forget {what}?")
            shop_id = desk.forget(name)
        return call.output.said(f"{what[0].upper()}{what[1:]} is forgotten.", {"shop_id": shop_id})

    finish(call, work)
