"""products sync: the shop's products and the ledger's items say the same, field by field, as the field's owner says."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial

from bexsync.config.profile import Profile
from bexsync.engine.result import Outcome, Result, Status
from bexsync.engine.sending import AppliedRecord
from bexsync.errors import Exit
from bexsync.jobs.duration import speed_of
from bexsync.jobs.invoice_gathering import owner_of
from bexsync.jobs.lifecycle import Job, run_job
from bexsync.jobs.product_links import is_remembered, remember, tell_products
from bexsync.jobs.product_lists import CatalogReader, LinkedItems, ProductOptions, counted_items
from bexsync.jobs.product_matching import NO_STOCK, ProductMatcher
from bexsync.jobs.product_notes import ErrorTracker, ProductNotes
from bexsync.jobs.run import Run, judged
from bexsync.jobs.workspace import Workspace
from bexsync.planning.plan import Plan, refuse_too_big
from bexsync.planning.product_fields import Decision, Direction, Remark
from bexsync.planning.products import KIND, ProductPlanner, Work
from bexsync.ports.steps import Subject
from bexsync.ports.store import Link
from bexsync.records import Product

SYNC = "products sync"
_AT_ONCE = 500
_SETTLED_TOGETHER = 10


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
    return run_job(workspace, SYNC, lambda run: ProductsSync(run, options), dry=options.dry_run or options.check)


def check(workspace: Workspace) -> Result:
    """What keeps products from being synchronised; nothing is written, and the verdict is 78 where something does."""
    result = sync(workspace, ProductOptions(check=True))
    blocked = [o for o in result.outcomes if o.status in (Status.BLOCKED, Status.FAILED)]
    if blocked:
        result.verdict = Exit.CONFIGURATION
    return result


class ProductsSync(Job):
    """Compares every product with its item, field by field, and writes what differs to either side."""

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
        self._notes = ProductNotes(run, options, self._troubles)

    def gather(self) -> None:
        """The items of the ledger and the products of the shop, of which only what moved is kept."""
        run = self._run
        self._planner = self._new_planner()
        sharing = run.workspace.profile.products.sku_conflicts == "share"
        self._items = LinkedItems.of(run.store, sharing=sharing)
        listed = counted_items(run, run.ledger.items(), len(self._items.marks))
        self._items.meet(listed, self._planner.fields)
        self._items.refuse_if_hidden(self._troubles.known_to_be_gone, self._options.confirm or 0, self._run.ledger_name)
        self._reader = CatalogReader(run)
        self._moved, self._twice, self._unseen = self._read_catalog(self._reader)

    def plan(self) -> Plan:
        """Decide on one product after the other, and note what keeps others from being synchronised."""
        reader, twice = self._reader, self._twice
        self._notes.unreadable(reader.unreadable)
        self._notes.twice(twice)
        ambiguous = {shop_id for shop_ids in twice.values() for shop_id in shop_ids}
        self._judge(deque(record for record in self._moved if record.shop_id not in ambiguous))
        self._notes.unknown_names(reader, self._seen_codes, self._seen_ids)
        self._is_complete = reader.is_whole and not self._options.is_narrow and not self._is_cut
        if self._is_complete:
            self._notes.gone_from_shop(self._unseen - {found.shop_id for found in reader.unreadable})
        self._notes.count(reader)
        return Plan(tuple(work.step for work in self._works.values() if work.step))

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
                self._notes.unchanged += 1
            else:
                moved.append(record)
        self._seen_codes, self._seen_ids = first, seen
        return moved, twice, unseen

    # decide

    def _judge(self, records: deque[Product]) -> None:
        """Takes the records one by one, so that none is held beside what it comes to."""
        matcher = ProductMatcher(self._run, self._planner, self._items)
        self._moved.clear()
        try:
            for number in range(1, (of := len(records)) + 1):
                if self._options.limit is not None and len(self._works) >= self._options.limit:
                    self._is_cut = True
                    return
                record = records.popleft()
                self._run.workspace.progress("planning", number, of)
                problem = judged(self._run, f"Product {record.shop_id}", partial(self._decide, matcher, record))
                if problem is not None:
                    self._troubles.note_together(record.shop_id, problem)
        finally:
            self._troubles.note_waiting()

    def _decide(self, matcher: ProductMatcher, record: Product) -> None:
        shop_id = record.shop_id
        link = self._run.store.links.get(KIND, shop_id) if shop_id in self._items.of_product else None
        if link is None:
            self._decide_on_new(matcher, record)
            return
        matcher.refuse_conflict(link.number, link.ledger_id)
        unknown = self._run.unknown_outcome(KIND, shop_id)
        if unknown:
            self._run.note(
                Outcome(KIND, "sync", shop_id, Status.IN_DOUBT, number=link.number, reason=unknown, code="in_doubt")
            )
            return
        work = matcher.compare(record, link)
        if work.changes:
            self._works[shop_id] = work
            return
        if not is_remembered(link, work):
            self._quiet[shop_id] = work
        self._is_well(record, link)

    def _decide_on_new(self, matcher: ProductMatcher, record: Product) -> None:
        code = self._planner.code_of(record)
        if not code:
            self._notes.without_sku.append(record.shop_id)
            return
        work = matcher.match(record, code)
        if work is None:
            self._notes.inactive += 1
        else:
            self._works[record.shop_id] = work

    # say

    def _is_well(self, record: Product, link: Link) -> None:
        doubt = self._doubtful.get(record.shop_id)
        if doubt is None and not self._options.is_narrow:
            self._notes.unchanged += 1
            return
        action, status = (doubt.action, Status.DONE) if doubt else ("sync", Status.UNCHANGED)
        self._run.note(Outcome(KIND, action, record.shop_id, status, link.ledger_id, link.number, link.url))

    # check and apply

    @property
    def _creates(self) -> int:
        return sum(work.creates for work in self._works.values())

    @property
    def _changes(self) -> int:
        return sum(bool(work.changes) and not work.creates for work in self._works.values())

    def rehearse(self, plan: Plan) -> None:
        """List what would be written, field by field."""
        run, creates, changes = self._run, self._creates, self._changes
        if self._options.check:
            run.result.remarks.append(f"products sync would create {creates} items and change {changes} products.")
            return
        fields: list[dict[str, str]] = []
        ledger = run.ledger_name
        for shop_id, work in self._works.items():
            if not work.changes and not self._options.is_narrow:
                continue
            code = work.item.code if work.item else ""
            run.outcomes[Subject(KIND, shop_id)] = Outcome(
                KIND, _action(work), shop_id, Status.PLANNED, number=code, reason=_sentence_of(work, ledger)
            )
            for change in work.changes:
                fields.append(
                    {"shop_id": shop_id, "sku": code, "field": change.field, "old": change.old, "new": change.new,
                     "master": change.master, "to": change.direction.value, "remark": remark_on(change, ledger)}
                )  # fmt: skip
        run.result.data["fields"] = fields
        run.result.data["plan"] = {
            "digest": plan.digest(),
            "items": creates,
            "products": changes,
            "requests": plan.cost().requests,
            "money": {},
            **speed_of(run, "items").of(plan.cost().requests),
        }

    def check(self, plan: Plan) -> None:
        """Raise PlanTooBig where more is created or changed than the profile allows at once."""
        del plan  # a product without a step in the ledger counts as well
        if self._options.check:
            return
        section, creates, changes = self._run.workspace.profile.products, self._creates, self._changes
        refuse_too_big(
            ((creates, "new items", section.creates), (changes, "changed products", section.changes)),
            confirmed=self._options.confirm,
            whole=creates + changes,
            section="[products]",
            rehearsed=self._run.dry,
        )

    def apply(self, plan: Plan) -> None:
        """Write to the items, and remember what was done."""
        run = self._run
        self._remember_without_steps()
        ended: list[AppliedRecord] = []
        try:
            for number, applied in enumerate(run.applier.apply(plan), 1):
                run.workspace.progress("writing", number, len(plan.steps), run.pace_setter())
                ended.append(applied)
                if len(ended) == _SETTLED_TOGETHER:
                    self._settle_all(ended)
        finally:
            self._settle_all(ended)
        if self._is_complete:
            self._troubles.resolve_the_others()

    def report(self) -> None:
        """Tell the shop whatever it has not been told yet, also by a run that came to an early end."""
        tell_products(self._run)

    def _remember_without_steps(self) -> None:
        """What changes nothing in the ledger is written down at once; the shop is told in the end."""
        quiet = [*self._quiet.items(), *((shop_id, work) for shop_id, work in self._works.items() if work.step is None)]
        while batch := quiet[:_AT_ONCE]:
            del quiet[:_AT_ONCE]
            with self._run.workspace.locks.company(), self._run.store.transaction():
                links = [remember(self._run, shop_id, work, self._planner.fields) for shop_id, work in batch]
            for (shop_id, work), link in zip(batch, links, strict=True):
                if shop_id in self._works:
                    self._note_done(work, link)

    def _settle_all(self, ended: list[AppliedRecord]) -> None:
        """Remember records in one commit; one that is lost is compared and remembered by the next run."""
        if not ended:
            return
        settled, ended[:] = list(ended), []
        with self._run.store.transaction():
            for applied in settled:
                self._settle_applied(applied)

    def _settle_applied(self, applied: AppliedRecord) -> None:
        shop_id = applied.subject.shop_id
        work = self._works[shop_id]
        if applied.trouble is not None:
            self._troubles.say(self._run.outcome_of(applied, _action(work)))
            return
        without_stock = str(applied.steps[-1].result.get("without_stock", ""))
        link = remember(self._run, shop_id, work, self._planner.fields)
        if link is not None and without_stock == "booked":
            link = replace(link, notes={**link.notes, NO_STOCK: str(link.ledger_id)})
            self._run.store.links.save(link, self._run.workspace.clock.now())
        self._note_done(work, link, without_stock)

    def _note_done(self, work: Work, link: Link | None, without_stock: str = "") -> None:
        if link is None:
            return
        said = _sentence_of(work, self._run.ledger_name)
        if without_stock:
            why = _without_stock(without_stock, self._run.ledger_name)
            said += f"; {why}"
            if without_stock == "booked":
                self._run.result.remarks.append(f"{link.number}: {why}.")
        self._troubles.is_well(
            Outcome(KIND, _action(work), link.shop_id, Status.DONE, link.ledger_id, link.number, link.url, said)
        )


def _action(work: Work) -> str:
    if work.creates:
        return "create"
    if not work.changes:
        return "link"
    both = {d.direction for d in work.changes}
    names = {Direction.LEDGER: "update item", Direction.SHOP: "tell shop"}
    return " and ".join(names[d] for d in (Direction.LEDGER, Direction.SHOP) if d in both)


def _sentence_of(work: Work, ledger: str) -> str:
    """The fields that are written, each with why a person should look at it."""
    if work.creates:
        return ", ".join(d.field for d in work.changes)
    remarks = ((change.field, remark_on(change, ledger)) for change in work.changes)
    return "; ".join(f"{name}: {remark}" if remark else name for name, remark in remarks)


def _without_stock(why: str, ledger: str) -> str:
    """Why an item was written without its stock."""
    if why == "booked":
        return f"its stock stays: something was booked on the item, and from then on only {ledger} moves it"
    what = "without its stock" if why == "yes" else "its stock stays"
    return f"{what}, which {ledger} does not let this login write (module or scope stock_edit)"


def remark_on(decision: Decision, ledger: str) -> str:
    """Why a person should know of a write, and whose word stands."""
    master, other = ("the shop", ledger) if decision.master == "shop" else (ledger, "the shop")
    if decision.remark is Remark.OVERWRITTEN:
        return f"changed in {other} alone, put back to what {master} says"
    if decision.remark is Remark.NONE:
        return ""
    return f"{decision.remark.value}, what {master} says stands"
