"""Which item of the ledger a product of the shop is, and what is to be done for the two."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.jobs.product_lists import LinkedItems
from bexsync.jobs.product_notes import VANISHED
from bexsync.jobs.run import Run
from bexsync.planning.product_fields import FIELDS, KnownItem, remembered
from bexsync.planning.products import LinkedProduct, ProductPlanner, Work, items_ambiguous, sku_conflict
from bexsync.ports.documents import Item
from bexsync.ports.item_effects import CreateItem
from bexsync.ports.store import IntentState, Link
from bexsync.records import Product

# The note of a link that says which item took no stock any more: it is not tried again.
NO_STOCK = "no_stock"


@dataclass(frozen=True)
class ProductMatcher:
    """Compares products with items one by one; raises RecordProblem where only a person can decide."""

    run: Run
    planner: ProductPlanner
    items: LinkedItems

    def compare(self, record: Product, link: Link) -> Work:
        """A linked product and its item; raises RecordProblem."""
        self._refuse_several(link.number)
        told = {name: str(value) for name, value in link.state.items() if name in FIELDS}
        item = self._item_of(link)
        agreed = link.agreed if item.ledger_id == link.ledger_id else {}
        takes_stock = link.notes.get(NO_STOCK) != str(item.ledger_id)
        known = LinkedProduct(remembered(agreed), told, link.events, takes_stock)
        return self.planner.compare(record, item, known)

    def _item_of(self, link: Link) -> KnownItem:
        """The linked item as it is now; where the list does not show it, it is asked for alone."""
        items = self.items
        seen = items.moved.get(link.ledger_id)
        if seen is None and link.ledger_id not in items.missing:
            return KnownItem.recalled(link.ledger_id, link.agreed)
        seen = seen or self.run.ledger.item(link.ledger_id)
        if seen is None:
            seen = self._successor(link)
        if seen is None:
            raise RecordProblem(
                f"The item {link.number} is gone from {self.run.ledger_name}.",
                "It is not created again by itself. If it was deleted on purpose: "
                f"bexsync links forget product:{link.shop_id}",
                code="item_vanished",
                subject=VANISHED,
            )
        return KnownItem.seen(seen)

    def _successor(self, link: Link) -> Item | None:
        """The item that stands where the linked one was: a person or another site has created it again."""
        found = self.items.codes.get(link.number, ())
        if len(found) != 1 or found[0] in self.items.marks:
            return None
        self.refuse_conflict(link.number, found[0])
        item = self.items.moved[found[0]]
        url = self.run.ledger.item_url(item.ledger_id)
        names = {"ledger_id": str(item.ledger_id), "ledger_code": item.code, "url": url}
        fresh = replace(
            link, ledger_id=item.ledger_id, url=url, fingerprint="", agreed={}, state=names, notes={}, adopted=True
        )
        self.run.store.links.save(fresh, self.run.workspace.clock.now())
        return item

    def match(self, record: Product, code: str) -> Work | None:
        """A product without a link: its item is found by its code, or a new one is due; None where it is inactive."""
        key, item = self._item_with(code)
        if item is not None:
            return self.planner.compare(record, KnownItem.seen(item), None)
        if not record.active:
            return None
        return self.planner.create(record, key)

    def _item_with(self, code: str) -> tuple[str, Item | None]:
        """The item of a code, and the name that creating one has in the journal.

        What was created just now, a list may not show yet; what was created and then deleted, is created anew.
        """
        run, found = self.run, self._refuse_several(code)
        if found:
            self._refuse_taken(code, found[0])
            return code, self.items.moved[found[0]]
        key, attempt = code, 1
        while (made := self._made(key)) is not None:
            item = run.ledger.item(made)
            if item is not None and item.code == code:
                self._refuse_taken(code, made)
                return key, item
            attempt += 1
            key = f"{code}#{attempt}"
        return key, None

    def _refuse_several(self, code: str) -> tuple[LedgerId, ...]:
        found = self.items.codes.get(code, ())
        if len(found) > 1:
            raise items_ambiguous(
                code, [self.run.ledger.item_url(ledger_id) for ledger_id in found], self.run.ledger_name
            )
        return found

    def _made(self, key: str) -> LedgerId | None:
        intent = self.run.store.intents.get("", CreateItem.step_kind, key)
        return intent.ledger_id if intent is not None and intent.state is IntentState.DONE else None

    def refuse_conflict(self, code: str, ledger_id: LedgerId) -> None:
        """Raise RecordProblem where another site sells the same item."""
        other = self.items.elsewhere.get(ledger_id)
        if other is not None:
            raise sku_conflict(code, self.run.store.site, other, self.run.ledger_name)

    def _refuse_taken(self, code: str, ledger_id: LedgerId) -> None:
        self.refuse_conflict(code, ledger_id)
        if ledger_id not in self.items.marks:
            return
        other = next(s for s, linked in self.items.of_product.items() if linked == ledger_id)
        raise RecordProblem(
            f"The item {code} belongs to product {other} already, which the shop no longer has with this SKU.",
            f"If it is the same product with a new id: bexsync links forget product:{other}",
            code="item_taken",
        )
