"""Both sides of the products as they are now, of which only what moved is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from bexsync.errors import StoppedBySignal
from bexsync.ids import LedgerId
from bexsync.jobs.reporting import no_catalog
from bexsync.jobs.run import Run, refuse_mass_deletion
from bexsync.jobs.workspace import Workspace
from bexsync.planning.product_fields import KnownItem
from bexsync.planning.products import KIND, Elsewhere
from bexsync.ports.documents import Item
from bexsync.ports.shop import Catalog, ImportNote, InvalidInput
from bexsync.records import Product
from bexsync.store import Store

_HALF = 16


@dataclass(frozen=True)
class ProductOptions:
    """What a person may narrow a run to; `check` only looks for what keeps products from being synchronised."""

    skus: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    confirm: int | None = None
    dry_run: bool = False
    check: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether only some products were asked for."""
        return bool(self.skus or self.ids)

    def wants(self, record: Product, code: str) -> bool:
        """Whether this product is one of those asked for."""
        return not self.is_narrow or record.shop_id in self.ids or code in self.skus


@dataclass
class LinkedItems:
    """The links of a site, and the ledger's items beside them.

    `marks` holds what an item looked like when it was last agreed on; `moved` those that look otherwise now, and all
    that are not linked; `missing` the linked ones that the ledger does not show.
    """

    of_product: dict[str, LedgerId] = field(default_factory=dict)
    marks: dict[LedgerId, str] = field(default_factory=dict)
    moved: dict[LedgerId, Item] = field(default_factory=dict)
    missing: set[LedgerId] = field(default_factory=set)
    codes: dict[str, tuple[LedgerId, ...]] = field(default_factory=dict)
    elsewhere: dict[LedgerId, Elsewhere] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, *, sharing: bool) -> LinkedItems:
        """What the state knows, before anybody is asked; `sharing` says that other sites do not matter."""
        known = cls()
        for shop_id, ledger_id, fingerprint in store.links.marks(KIND):
            known.of_product[shop_id] = ledger_id
            known.marks[ledger_id] = fingerprint
        known.missing = set(known.marks)
        for ledger_id, site, profile, shop_id in () if sharing else store.links.elsewhere(KIND):
            known.elsewhere[ledger_id] = Elsewhere(site, profile, shop_id)
        return known

    def meet(self, items: Iterable[Item], fields: tuple[str, ...]) -> None:
        """Lays the ledger's items beside the links."""
        for item in items:
            ledger_id = item.ledger_id
            self.missing.discard(ledger_id)
            if item.code:
                self.codes[item.code] = (*self.codes.get(item.code, ()), ledger_id)
            mark = self.marks.get(ledger_id)
            if mark is None or mark[_HALF:] != KnownItem.seen(item).mark(fields):
                self.moved[ledger_id] = item

    def is_unmoved(self, shop_id: str, code: str, mark: str) -> bool:
        """Whether neither product nor item is other than when they were last agreed on, and nothing is in their way."""
        ledger_id = self.of_product.get(shop_id)
        if ledger_id is None or len(self.codes.get(code, ())) > 1:
            return False
        if ledger_id in self.moved or ledger_id in self.missing or ledger_id in self.elsewhere:
            return False
        return self.marks[ledger_id][:_HALF] == mark

    def refuse_if_hidden(self, known: Iterable[str], confirmed: int, ledger: str) -> None:
        """Raise ConfigurationProblem where too many items are gone; of `known` products a person was told already."""
        told = {self.of_product[shop_id] for shop_id in known if shop_id in self.of_product}
        gone = len(self.missing - told)
        refuse_mass_deletion(
            gone,
            len(self.marks),
            ledger,
            confirmed=confirmed,
            things="linked items",
            consequence="nothing was done",
            hint="Is it the right company, and may the token's user still see items? "
            f"If they were really deleted, say so with --confirm {gone}.",
        )


@dataclass
class CatalogReader:
    """Reads the shop's list once; what cannot be read is kept apart."""

    run: Run
    unreadable: list[InvalidInput] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    count: int = 0

    def products(self) -> Iterator[Product]:
        """Every product that can be read; raises TryLater where the run is to stop."""
        stopping = self.run.workspace.stopping
        for found in catalog_of(self.run.workspace).products():
            if stopping():
                raise StoppedBySignal
            if isinstance(found, InvalidInput):
                self.unreadable.append(found)
                continue
            if isinstance(found, ImportNote):
                self.remarks.append(f"{found.source}: {found.message}.")
                continue
            self.count += 1
            yield cast(Product, found.record)

    @property
    def is_whole(self) -> bool:
        """Whether everything that could not be read at least says which product it is."""
        return all(found.shop_id or found.kind == "stock_level" for found in self.unreadable)


def catalog_of(workspace: Workspace) -> Catalog:
    """The products side of the shop; raises ConfigurationProblem where it has none."""
    if workspace.catalog is None:
        raise no_catalog()
    return workspace.catalog


def counted_items(run: Run, items: Iterator[Item], expected: int) -> Iterator[Item]:
    """The items, with a word on how far it is."""
    tell: Callable[[str, int, int], None] = run.workspace.progress
    for number, item in enumerate(items, 1):
        if number % 500 == 0:
            if run.workspace.stopping():
                raise StoppedBySignal
            tell("reading items", number, max(expected, number))
        yield item
