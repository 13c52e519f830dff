"""products sync: the shop's products and the ledger's items say the same, field by field, by the word of the master."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from bexsync.config.profile import Profile
from bexsync.engine.apply import AppliedRecord
from bexsync.engine.result import Outcome, Result, Status
from bexsync.errors import Exit, RecordProblem
from bexsync.jobs.invoices import owner_of
from bexsync.jobs.product_lists import CatalogReader, LinkedItems, counted_items
from bexsync.jobs.record_faults import FAULTS, record_fault
from bexsync.jobs.run import Run, run_job
from bexsync.jobs.troubles import VANISHED, ErrorTracker
from bexsync.jobs.workspace import Workspace
from bexsync.planning.plan import Plan, refuse_too_big
from bexsync.planning.product_fields import FIELDS, Decision, Direction, Remark, digest, remembered
from bexsync.planning.products import (
    KIND,
    LEDGER_KIND,
    KnownItem,
    LinkedProduct,
    ProductPlanner,
    Work,
    items_ambiguous,
    sku_conflict,
    sku_twice,
)
from bexsync.ports.documents import Item
from bexsync.ports.effects import ProductValues, TellProducts
from bexsync.ports.shop import InvalidInput
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import IntentState, Link
from bexsync.records import Product
from bexsync.store import Store

SYNC = "products sync"
_AT_ONCE = 500
# Each telling writes the shop's whole list anew.
_TOLD_AT_ONCE = 5000
_HALF = 16
_NAMES = frozenset({"ledger_id", "ledger_code", "url"})
# Which item took no stock any more: it is not tried again.
_NO_STOCK = "no_stock"
_WITHOUT_STOCK = {
    "yes": "without its stock, which bexio does not let this login write (module or scope stock_edit)",
    "right": "its stock stays, which bexio does not let this login write (module or scope stock_edit)",
    "booked": "its stock stays: something was booked on the item, and from then on only bexio moves it",
}
_OF_MASTER_DATA = frozenset(
    {
        *("no_business_year", "not_subject_to_vat", "tax_rate_differs", "tax_unmapped", "tax_unusable"),
        *("unknown_account", "unknown_currency", "unknown_tax", "unknown_unit"),
    }
)


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


def why_not(profile: Profile) -> str:
    """Why products are not synchronised at all, "" where they are."""
    if profile.products.enabled:
        return ""
    return "The profile says [products] enabled = false; nothing was done."


def sync(workspace: Workspace, options: ProductOptions) -> Result:
    """Runs the job once."""
    reason = why_not(workspace.profile)
    if reason:
        return Result(disabled=True, message=reason)
    return run_job(workspace, SYNC, lambda run: _Sync(run, options).work(), dry=options.dry_run or options.check)


def check(workspace: Workspace) -> Result:
    """What keeps products from being synchronised; nothing is written, and the verdict is 78 where something does."""
    result = sync(workspace, ProductOptions(check=True))
    blocked = [o for o in result.outcomes if o.status in (Status.BLOCKED, Status.FAILED)]
    if blocked:
        result.verdict = Exit.CONFIGURATION
    return result


class _Sync:
    def __init__(self, run: Run, options: ProductOptions) -> None:
        self._run = run
        self._options = options
        self._troubles = ErrorTracker(run, "sync", rests=not options.check)
        self._works: dict[str, Work] = {}
        # Nothing is to be done for these, only remembered: the shop took over what it was told, or the like.
        self._quiet: dict[str, Work] = {}
        # What an earlier pass of this run left in doubt is looked at closely, and said again.
        self._doubtful = {o.shop_id: o for o in run.outcomes.values() if o.status is Status.IN_DOUBT}
        self._is_cut = False
        self._is_complete = False
        self._without_sku: list[str] = []
        self._unchanged = 0
        self._inactive = 0

    def work(self) -> None:
        try:
            self._apply(self._plan())
            if self._is_complete:
                self._troubles.resolve_the_others()
        finally:
            if not self._run.dry:
                self._tell_the_shop()

    # gather

    def _plan(self) -> list[Work]:
        run = self._run
        self._planner = self._new_planner()
        sharing = run.workspace.profile.products.sku_conflicts == "share"
        self._items = LinkedItems.of(run.store, sharing=sharing)
        listed = counted_items(run, run.ledger.items(), len(self._items.marks))
        self._items.meet(listed, self._planner.fields)
        self._items.refuse_if_hidden(self._troubles.known_to_be_gone, self._options.confirm or 0)
        reader = CatalogReader(run)
        moved, twice, unseen = self._read_catalog(reader)
        self._note_unreadable(reader.unreadable)
        self._note_twice(twice)
        ambiguous = {shop_id for shop_ids in twice.values() for shop_id in shop_ids}
        moved = deque(record for record in moved if record.shop_id not in ambiguous)
        self._judge(moved)
        self._note_unknown_names(reader)
        self._is_complete = reader.is_whole and not self._options.is_narrow and not self._is_cut
        if self._is_complete:
            self._note_gone_from_shop(unseen - {found.shop_id for found in reader.unreadable})
        self._count(reader)
        return list(self._works.values())

    def _new_planner(self) -> ProductPlanner:
        workspace, master = self._run.workspace, self._run.ledger.master()
        profile = workspace.profile
        owner = owner_of(profile.ledger.user, master)
        today = workspace.clock.now().date()
        return ProductPlanner(profile, master, workspace.vat_map, owner, self._run.store.site, today)

    def _read_catalog(self, reader: CatalogReader) -> tuple[deque[Product], dict[str, list[str]], set[str]]:
        """The products that are not as they were agreed on, those of one SKU, and linked ones that are not there."""
        planner, items, options = self._planner, self._items, self._options
        unseen = set(items.of_product)
        seen: set[str] = set()
        first: dict[str, str] = {}
        twice: dict[str, list[str]] = {}
        moved: deque[Product] = deque()
        for record in reader.products():
            shop_id, code = record.shop_id, planner.code_of(record)
            unseen.discard(shop_id)
            if shop_id in options.ids:
                seen.add(shop_id)
            if reader.count % _AT_ONCE == 0:
                self._run.workspace.progress("comparing", reader.count, max(reader.count, len(items.of_product)))
            if code and first.setdefault(code, shop_id) != shop_id:
                twice.setdefault(code, [first[code]]).append(shop_id)
            if not options.wants(record, code):
                continue
            closely = options.is_narrow or shop_id in self._doubtful
            if not closely and items.is_unmoved(shop_id, code, planner.mark(record)):
                self._unchanged += 1
            else:
                moved.append(record)
        self._seen_codes, self._seen_ids = first, seen
        return moved, twice, unseen

    # decide

    def _judge(self, records: deque[Product]) -> None:
        """Takes the records one by one, so that none is held beside what it comes to."""
        for number in range(1, (of := len(records)) + 1):
            if self._options.limit is not None and len(self._works) >= self._options.limit:
                self._is_cut = True
                return
            record = records.popleft()
            self._run.workspace.progress("planning", number, of)
            try:
                self._decide(record)
            except RecordProblem as problem:
                if problem.code in _OF_MASTER_DATA:
                    self._run.ledger.refresh_master_data()
                self._troubles.note(record.shop_id, problem)
            except FAULTS as fault:
                self._troubles.note(record.shop_id, record_fault(f"Product {record.shop_id}", fault))

    def _decide(self, record: Product) -> None:
        is_linked = record.shop_id in self._items.of_product
        link = self._run.store.links.get(KIND, record.shop_id) if is_linked else None
        work = self._compared(record, link) if link else self._met(record)
        if work is None:
            return
        if link is None or work.changes:
            self._works[record.shop_id] = work
            return
        if not _is_remembered(link, work):
            self._quiet[record.shop_id] = work
        self._is_well(record, link)

    def _compared(self, record: Product, link: Link) -> Work | None:
        self._refuse_conflict(link.number, link.ledger_id)
        doubt = self._doubt(record.shop_id)
        if doubt:
            self._run.note(
                Outcome(
                    KIND, "sync", record.shop_id, Status.IN_DOUBT, number=link.number, reason=doubt, code="in_doubt"
                )
            )
            return None
        self._refuse_several(link.number)
        told = {name: str(value) for name, value in link.state.items() if name in FIELDS}
        item = self._item_of(link)
        agreed = link.agreed if item.ledger_id == link.ledger_id else {}
        takes_stock = link.notes.get(_NO_STOCK) != str(item.ledger_id)
        known = LinkedProduct(remembered(agreed), told, link.events, takes_stock)
        return self._planner.compare(record, item, known)

    def _item_of(self, link: Link) -> KnownItem:
        """The linked item as it is now; where the list does not show it, it is asked for alone."""
        items = self._items
        seen = items.moved.get(link.ledger_id)
        if seen is None and link.ledger_id not in items.missing:
            return KnownItem.recalled(link.ledger_id, link.agreed)
        seen = seen or self._run.ledger.item(link.ledger_id)
        if seen is None:
            seen = self._successor(link)
        if seen is None:
            raise RecordProblem(
                f"The item {link.number} is gone from bexio.",
                "It is not created again by itself. If it was deleted on purpose: "
                f"bexsync links forget product:{link.shop_id}",
                code="item_vanished",
                subject=VANISHED,
            )
        return KnownItem.seen(seen)

    def _successor(self, link: Link) -> Item | None:
        """The item that stands where the linked one was: a person or another site has created it again."""
        found = self._items.codes.get(link.number, ())
        if len(found) != 1 or found[0] in self._items.marks:
            return None
        self._refuse_conflict(link.number, found[0])
        item = self._items.moved[found[0]]
        url = self._run.ledger.item_url(item.ledger_id)
        names = {"ledger_id": str(item.ledger_id), "ledger_code": item.code, "url": url}
        fresh = replace(
            link, ledger_id=item.ledger_id, url=url, fingerprint="", agreed={}, state=names, notes={}, adopted=True
        )
        self._run.store.links.save(fresh, self._run.workspace.clock.now())
        return item

    def _met(self, record: Product) -> Work | None:
        """A product without a link: its item is found by its code, or a new one is due."""
        code = self._planner.code_of(record)
        if not code:
            self._without_sku.append(record.shop_id)
            return None
        key, item = self._item_with(code)
        if item is not None:
            return self._planner.compare(record, KnownItem.seen(item), None)
        if not record.active:
            self._inactive += 1
            return None
        return self._planner.create(record, key)

    def _item_with(self, code: str) -> tuple[str, Item | None]:
        """The item of a code, and the name that creating one has in the journal.

        What was created just now, a list may not show yet; what was created and then deleted, is created anew.
        """
        run, found = self._run, self._refuse_several(code)
        if found:
            self._refuse_taken(code, found[0])
            return code, self._items.moved[found[0]]
        key, attempt = code, 1
        while (made := self._made(key)) is not None:
            item = run.ledger.item(made)
            if item is not None and item.code == code:
                self._refuse_taken(code, made)
                return key, item
            attempt += 1
            key = f"{code}#{attempt}"
        return key, None

    def _refuse_several(self, code: str) -> tuple[int, ...]:
        found = self._items.codes.get(code, ())
        if len(found) > 1:
            raise items_ambiguous(code, [self._run.ledger.item_url(ledger_id) for ledger_id in found])
        return found

    def _made(self, key: str) -> int | None:
        intent = self._run.store.intents.get("", "item", key)
        return intent.ledger_id if intent is not None and intent.state is IntentState.DONE else None

    def _refuse_conflict(self, code: str, ledger_id: int) -> None:
        other = self._items.elsewhere.get(ledger_id)
        if other is not None:
            raise sku_conflict(code, self._run.store.site, other)

    def _refuse_taken(self, code: str, ledger_id: int) -> None:
        self._refuse_conflict(code, ledger_id)
        if ledger_id not in self._items.marks:
            return
        other = next(s for s, linked in self._items.of_product.items() if linked == ledger_id)
        raise RecordProblem(
            f"The item {code} belongs to product {other} already, which the shop no longer has with this SKU.",
            f"If it is the same product with a new id: bexsync links forget product:{other}",
            code="item_taken",
        )

    def _doubt(self, shop_id: str) -> str:
        """Why nothing may be done yet: an effect on the item that may still take place."""
        unsettled = (IntentState.SENDING, IntentState.IN_DOUBT)
        intents = self._run.store.intents.of_subject(KIND, shop_id)
        return next((i.said or f"{i.kind} is unanswered" for i in intents if i.state in unsettled), "")

    # say

    def _is_well(self, record: Product, link: Link) -> None:
        doubt = self._doubtful.get(record.shop_id)
        if doubt is None and not self._options.is_narrow:
            self._unchanged += 1
            return
        action, status = (doubt.action, Status.DONE) if doubt else ("sync", Status.UNCHANGED)
        self._run.note(Outcome(KIND, action, record.shop_id, status, link.ledger_id, link.number, link.url))

    def _note_unreadable(self, unreadable: Sequence[InvalidInput]) -> None:
        options = self._options
        self._troubles.note_unreadable([u for u in unreadable if not options.is_narrow or u.shop_id in options.ids])

    def _note_twice(self, twice: Mapping[str, Sequence[str]]) -> None:
        for code, shop_ids in twice.items():
            if self._options.is_narrow and not {code, *shop_ids} & {*self._options.skus, *self._options.ids}:
                continue
            for shop_id in dict.fromkeys(shop_ids):
                self._troubles.note(shop_id, sku_twice(code, list(dict.fromkeys(shop_ids))))

    def _note_gone_from_shop(self, shop_ids: set[str]) -> None:
        for shop_id in sorted(shop_ids):
            link = self._run.store.links.get(KIND, shop_id)
            problem = RecordProblem(
                f"The shop no longer has product {shop_id}; its item {link.number if link else ''} stays in bexio.",
                "Nothing to do if that is meant; the link is kept. To let it go: "
                f"bexsync links forget product:{shop_id}",
                code="product_vanished",
                subject=VANISHED,
            )
            self._troubles.note(shop_id, problem)

    def _note_unknown_names(self, reader: CatalogReader) -> None:
        unknown = [sku for sku in self._options.skus if sku not in self._seen_codes]
        unknown += [shop_id for shop_id in self._options.ids if shop_id not in self._seen_ids]
        for wanted in unknown:
            problem = RecordProblem(
                f'The shop has no product "{wanted}" among its {reader.count}.',
                "--id takes the shop's id of a product, --sku its SKU, both sign by sign.",
                code="unknown_id",
            )
            self._run.outcomes[Subject(KIND, wanted)] = Outcome(
                KIND, "sync", wanted, Status.FAILED, reason=problem.message, hint=problem.hint, code=problem.code
            )

    def _count(self, reader: CatalogReader) -> None:
        result = self._run.result
        result.unlisted.clear()
        result.remarks[:] = reader.remarks
        done_before = sum(o.status is Status.DONE for o in self._run.outcomes.values())
        if self._unchanged > done_before:
            result.unlisted[Status.UNCHANGED.value] = self._unchanged - done_before
        if self._inactive:
            result.unlisted[Status.IGNORED.value] += self._inactive
            result.remarks.append(
                _several(self._inactive, "is not active and has", "are not active and have") + " no item yet."
            )
        if self._without_sku:
            result.unlisted[Status.IGNORED.value] += len(self._without_sku)
            left_out = _several(len(self._without_sku), "has no SKU and was", "have no SKU and were")
            hint = 'Give it one, or say [products] without_sku = "create".'
            result.remarks.append(f"{left_out} left out: {_named(self._without_sku)}. {hint}")
        result.data["without_sku"] = list(self._without_sku)

    # check and apply

    def _apply(self, works: Sequence[Work]) -> None:
        run, section = self._run, self._run.workspace.profile.products
        creates = sum(work.creates for work in works)
        changes = sum(bool(work.changes) and not work.creates for work in works)
        if self._options.check:
            run.result.remarks.append(f"products sync would create {creates} items and change {changes} products.")
            return
        if run.dry:
            self._rehearse(creates, changes)
        refuse_too_big(
            ((creates, "new items", section.creates), (changes, "changed products", section.changes)),
            confirmed=self._options.confirm,
            whole=creates + changes,
            section="[products]",
            rehearsed=run.dry,
        )
        if run.dry:
            return
        self._remember_without_steps()
        steps = tuple(work.step for work in works if work.step)
        for number, applied in enumerate(run.applier.apply(Plan(steps)), 1):
            run.workspace.progress("writing", number, len(steps))
            self._applied(applied)

    def _rehearse(self, creates: int, changes: int) -> None:
        run = self._run
        fields: list[dict[str, str]] = []
        for shop_id, work in self._works.items():
            if not work.changes and not self._options.is_narrow:
                continue
            code = work.item.code if work.item else ""
            run.outcomes[Subject(KIND, shop_id)] = Outcome(
                KIND, _action(work), shop_id, Status.PLANNED, number=code, reason=_sentence_of(work)
            )
            for change in work.changes:
                fields.append(
                    {"shop_id": shop_id, "sku": code, "field": change.field, "old": change.old, "new": change.new,
                     "master": change.master, "to": change.direction.value, "remark": remark_on(change)}
                )  # fmt: skip
        steps = Plan(tuple(work.step for work in self._works.values() if work.step))
        run.result.data["fields"] = fields
        run.result.data["plan"] = {
            "digest": steps.digest(),
            "items": creates,
            "products": changes,
            "requests": steps.cost().requests,
            "money": {},
        }

    def _remember_without_steps(self) -> None:
        """What changes nothing in the ledger is written down at once; the shop is told in the end."""
        quiet = [*self._quiet.items(), *((shop_id, work) for shop_id, work in self._works.items() if work.step is None)]
        while batch := quiet[:_AT_ONCE]:
            del quiet[:_AT_ONCE]
            with self._run.workspace.locks.company(), self._run.store.transaction():
                links = [self._remember(shop_id, work) for shop_id, work in batch]
            for (shop_id, work), link in zip(batch, links, strict=True):
                if shop_id in self._works:
                    self._note_done(work, link)

    def _remember(self, shop_id: str, work: Work) -> Link | None:
        """The link as the work leaves it, read anew since another job may have told the shop of its stock."""
        store, now = self._run.store, self._run.workspace.clock.now()
        link = store.links.get(KIND, shop_id)
        if link is None and work.item is not None:
            url = self._run.ledger.item_url(work.item.ledger_id)
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
            fingerprint=work.fingerprint[:_HALF] + item.mark(self._planner.fields),
            state={**names, **work.told},
            reported={name: value for name, value in link.reported.items() if name not in again},
        )
        if after != link:
            store.links.save(after, now)
        return after

    def _applied(self, applied: AppliedRecord) -> None:
        shop_id = applied.subject.shop_id
        work = self._works[shop_id]
        if applied.trouble is not None:
            self._troubles.say(self._run.outcome_of(applied, _action(work)))
            return
        without_stock = str(applied.steps[-1].result.get("without_stock", ""))
        with self._run.store.transaction():
            link = self._remember(shop_id, work)
            if link is not None and without_stock == "booked":
                link = replace(link, notes={**link.notes, _NO_STOCK: str(link.ledger_id)})
                self._run.store.links.save(link, self._run.workspace.clock.now())
        self._note_done(work, link, without_stock)

    def _note_done(self, work: Work, link: Link | None, without_stock: str = "") -> None:
        if link is None:
            return
        said = _sentence_of(work)
        if without_stock:
            said += f"; {_WITHOUT_STOCK[without_stock]}"
            if without_stock == "booked":
                self._run.result.remarks.append(f"{link.number}: {_WITHOUT_STOCK[without_stock]}.")
        self._troubles.is_well(
            Outcome(KIND, _action(work), link.shop_id, Status.DONE, link.ledger_id, link.number, link.url, said)
        )

    # tell

    def _tell_the_shop(self) -> None:
        """Whatever the shop has not been told yet, also by a run that came to an early end."""
        links = self._run.store.links
        untold = iter(links.unreported_ids(KIND))
        while batch := list(islice(untold, _TOLD_AT_ONCE)):
            self._tell([link for shop_id in batch if (link := links.get(KIND, shop_id))])

    def _tell(self, links: Sequence[Link]) -> None:
        store, now = self._run.store, self._run.workspace.clock.now()
        changes = tuple(ProductValues(shop_id=link.shop_id, sku=link.number, fields=_news(link)) for link in links)
        key = f"{store.site}:{digest([(link.shop_id, link.events, sorted(_news(link).items())) for link in links])}"
        step = Step(
            TellProducts(changes=changes),
            key,
            Subject("catalog", store.site),
            scope=store.site,
            title=f"tell the shop of {len(changes)} products",
        )
        for applied in self._run.applier.apply(Plan((step,))):
            if applied.trouble is not None:
                self._run.result.later = f"The shop could not be told: {applied.trouble.said}"
                return
        with store.transaction():
            for link in links:
                store.links.report(link, now)


def _news(link: Link) -> dict[str, str]:
    """All that the shop should say of a product by the ledger's word; "" takes back what was told before."""
    return {**dict.fromkeys(link.reported, ""), **{name: str(value) for name, value in link.state.items()}}


def _is_remembered(link: Link, work: Work) -> bool:
    told = {name: value for name, value in link.state.items() if name not in _NAMES}
    return link.fingerprint == work.fingerprint and link.agreed == work.agreed and told == work.told


def _action(work: Work) -> str:
    if work.creates:
        return "create"
    if not work.changes:
        return "link"
    both = {d.direction for d in work.changes}
    names = {Direction.LEDGER: "update item", Direction.SHOP: "tell shop"}
    return " and ".join(names[d] for d in (Direction.LEDGER, Direction.SHOP) if d in both)


def _sentence_of(work: Work) -> str:
    """The fields that are written, each with why a person should look at it."""
    if work.creates:
        return ", ".join(d.field for d in work.changes)
    return "; ".join(f"{d.field}: {remark_on(d)}" if d.remark is not Remark.NONE else d.field for d in work.changes)


def remark_on(decision: Decision) -> str:
    """Why a person should know of a write, and whose word stands."""
    master, other = ("the shop", "bexio") if decision.master == "shop" else ("bexio", "the shop")
    if decision.remark is Remark.OVERWRITTEN:
        return f"changed in {other} alone, put back to what {master} says"
    if decision.remark is Remark.NONE:
        return ""
    return f"{decision.remark.value}, what {master} says stands"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _several(count: int, one: str, many: str) -> str:
    return f"1 product {one}" if count == 1 else f"{count} products {many}"


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
