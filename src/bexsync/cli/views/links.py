"""The links of invoices and of products for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from bexsync.cli.views.page import Page, Row, local_time

if TYPE_CHECKING:
    from bexsync.admin.links_desk import LinkStory
    from bexsync.ports.store import Link


_COLOURS = {"linked": "green", "blocked": "yellow"}
_STATE = {"shared": "the customer has a link to it"}


def link_data(link: Link) -> dict[str, Any]:
    """A link for a script; `documents` where it holds more than one."""
    data = {name: value for name, value in vars(link).items() if name != "documents"}
    return {**data, "documents": [vars(one) for one in link.documents]} if link.documents else data


def story_data(story: LinkStory) -> dict[str, Any]:
    """One link with its story for a script."""
    others = [link_data(link) for link in story.others]
    return {**asdict(story), "link": link_data(story.link) if story.link else None, "others": others}


def show_links(links: Sequence[Link]) -> None:
    """One line a link, its address in the ledger beside or beneath it."""
    page = Page()
    if not links:
        page.line("No links yet.")
    else:
        page.table(("of", "id", "number", "stands", "linked", "link"), [_row(link) for link in links])
    page.show()


def _row(link: Link) -> Row:
    standing = link.state.get("standing", "").replace("_", " ")
    since = f"{link.linked_at[:10]}{' (adopted)' if link.adopted else ''}"
    cells = (link.kind.partition("_")[0], link.shop_id, link.number, standing, since)
    return Row(tuple(Text(cell) for cell in cells), Text(link.url, style="dim"))


def show_story(story: LinkStory) -> None:
    """What is known of one link, and the steps that led to it."""
    page, link = Page(), story.link
    if link is None:
        why = f": {story.reason}" if story.reason else ""
        said = f"{story.shop_id} is in no document; its record is {story.record}{why}"
        page.line(said if said.endswith(".") else f"{said}.")
    else:
        for one in (link, *story.others):
            _show_link(page, one)
        told = sum(one.events for one in (link, *story.others))
        page.line(f"The shop was told {told} time{'' if told == 1 else 's'}; its record is {story.record}.")
    show_steps(page, story.steps)
    page.show()


def show_steps(page: Page, steps: Sequence[Mapping[str, Any]]) -> None:
    """What was done for a record and how far it came, beneath the rest of a page."""
    if not steps:
        return
    page.line()
    rows = []
    for step in steps:
        words = (step["step"].replace("_", " "), step["state"].replace("_", " "), local_time(step["at"]))
        attempts = tuple(Text(_attempt(attempt), style="dim") for attempt in step.get("history", ()))
        rows.append(Row(tuple(Text(word) for word in words), Text(step["said"]), attempts))
    page.table(("step", "state", "sent", ""), rows)


def _attempt(attempt: Mapping[str, Any]) -> str:
    """One attempt at a step: when, by which run, and what came of it."""
    run = f"run {attempt['run']}" if attempt["run"] is not None else "by hand"
    reason = f": {attempt['reason']}" if attempt["reason"] else ""
    return f"{local_time(attempt['at'])}, {run}, {attempt['outcome'].replace('_', ' ')}{reason}"


def _show_link(page: Page, link: Link) -> None:
    page.line(f"{link.shop_id} is {link.number} (document {link.ledger_id}): {link.url}")
    page.line(f"linked {local_time(link.linked_at)}, looked at {local_time(link.checked_at)}")
    for name, value in link.state.items():
        page.line(f"  {_STATE.get(name, name.replace('_', ' '))}: {value}")
    for document in link.documents:
        page.line(f"  {document.role}: {document.number} (document {document.ledger_id}): {document.url}")


def show_products(rows: Sequence[Mapping[str, str]]) -> None:
    """One line a product, its link beside or beneath it, its error beneath."""
    page = Page()
    if not rows:
        page.line("No products are linked yet; `bexsync products sync` links them.")
    elif page.is_endless:
        names = ("id", "status", "sku", "title", "link", "error")
        page.table(names, [Row((*_standing(row), Text(row["url"])), Text(row["error"])) for row in rows])
    else:
        page.table(("id", "status", "sku", "title", "link"), [_product(row) for row in rows])
    page.show()


def _product(row: Mapping[str, str]) -> Row:
    beneath = (Text(row["error"]),) if row["error"] else ()
    return Row(_standing(row), Text(row["url"], style="dim"), beneath)


def _standing(row: Mapping[str, str]) -> tuple[Text, ...]:
    sku = Text(row["sku"], style=Style(link=row["url"]) if row["url"] and row["sku"] else "")
    return Text(row["shop_id"]), Text(row["status"], style=_COLOURS[row["status"]]), sku, Text(row["title"])
