"""The links of products: what they remember of both sides, and what the shop is told from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from bexsync.jobs.run import Run
from bexsync.planning.plan import Plan
from bexsync.planning.product_fields import Direction, KnownItem, digest
from bexsync.planning.products import KIND, LEDGER_KIND, Work
from bexsync.ports.shop_effects import ProductValues, TellProducts
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link
from bexsync.store import Store

# Each telling writes the shop's whole list anew.
_TOLD_AT_ONCE = 5000
_HALF = 16
_NAMES = frozenset({"ledger_id", "ledger_code", "url"})


def remember(run: Run, shop_id: str, work: Work, fields: tuple[str, ...]) -> Link | None:
    """The link as the work leaves it, read anew since another job may have told the shop of its stock."""
    store, now = run.store, run.workspace.clock.now()
    link = store.links.get(KIND, shop_id)
    if link is None and work.item is not None:
        url = run.ledger.item_url(work.item.ledger_id)
        link = Link(KIND, shop_id, LEDGER_KIND, work.item.ledger_id, work.item.code, url, adopted=True)
    if link is None:
        return None
    names = {"ledger_id": str(link.ledger_id), "ledger_code": link.number, "url": link.url}
    again = {d.field for d in work.changes if d.direction is Direction.SHOP}
    # What was written to the item stands in the link already, as the ledger answered it.
    told = {name: value for name, value in work.agreed.items() if name in again}
    agreed: Mapping[str, Any] = work.agreed if work.step is None else {**link.agreed, **told}
    item = KnownItem.recalled(link.ledger_id, agreed)
    after = replace(
        link,
        agreed=agreed,
        fingerprint=work.fingerprint[:_HALF] + item.mark(fields),
        state={**names, **work.told},
        reported={name: value for name, value in link.reported.items() if name not in again},
    )
    if after != link:
        store.links.save(after, now)
    return after


def tell_products(run: Run) -> None:
    """Whatever the shop has not been told yet, also by a run that came to an early end."""
    links = run.store.links
    untold = iter(links.unreported_ids(KIND))
    while batch := list(islice(untold, _TOLD_AT_ONCE)):
        _tell(run, [link for shop_id in batch if (link := links.get(KIND, shop_id))])


def _tell(run: Run, links: Sequence[Link]) -> None:
    store, now = run.store, run.workspace.clock.now()
    changes = tuple(ProductValues(shop_id=link.shop_id, sku=link.number, fields=_news(link)) for link in links)
    key = f"{store.site}:{digest([(link.shop_id, link.events, sorted(_news(link).items())) for link in links])}"
    step = Step(
        TellProducts(changes=changes),
        key,
        Subject("catalog", store.site),
        scope=store.site,
        title=f"tell the shop of {len(changes)} products",
    )
    for applied in run.applier.apply(Plan((step,))):
        if applied.trouble is not None:
            run.result.later = f"The shop could not be told: {applied.trouble.said}"
            return
    with store.transaction():
        for link in links:
            store.links.report(link, now)


def _news(link: Link) -> dict[str, str]:
    """All that the shop should say of a product by the ledger's word; "" takes back what was told before."""
    return {**dict.fromkeys(link.reported, ""), **{name: str(value) for name, value in link.state.items()}}


def is_remembered(link: Link, work: Work) -> bool:
    """Whether the link says already what the work comes to."""
    told = {name: value for name, value in link.state.items() if name not in _NAMES}
    return link.fingerprint == work.fingerprint and link.agreed == work.agreed and told == work.told


def linked_products(store: Store) -> Iterator[dict[str, str]]:
    """Every product that is linked or in trouble, from this computer's memory alone."""
    troubles = {row.shop_id: row for row in store.errors.open() if row.kind == KIND}
    for link in store.links.all(KIND):
        title = link.agreed.get("title", {})
        row = {"shop_id": link.shop_id, "sku": link.number, "title": str(title.get("shop", "")), "url": link.url}
        trouble = troubles.pop(link.shop_id, None)
        yield {**row, "status": "blocked" if trouble else "linked", "error": trouble.message if trouble else ""}
    for shop_id, row_ in sorted(troubles.items()):
        yield {"shop_id": shop_id, "sku": "", "title": "", "url": "", "status": "blocked", "error": row_.message}
