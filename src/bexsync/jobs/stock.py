"""stock pull: the ledger's stock to the shop, for linked products whose number differs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import islice

from bexsync.config.profile import Profile
from bexsync.engine.result import Outcome, Result, Status
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.jobs.lifecycle import Job, run_job
from bexsync.jobs.product_lists import CatalogReader, LinkedItems, counted_items
from bexsync.jobs.product_notes import ErrorTracker
from bexsync.jobs.products import why_not
from bexsync.jobs.run import Run, judged
from bexsync.jobs.workspace import Workspace
from bexsync.money import decimal_text
from bexsync.planning.plan import Plan
from bexsync.planning.product_fields import digest, not_pulled, number_of, said, stock_change, wanted_stock
from bexsync.planning.products import KIND, sku_conflict
from bexsync.ports.shop import StockChange
from bexsync.ports.shop_effects import StockValue, TellStock
from bexsync.ports.steps import Step, Subject
from bexsync.ports.store import Link
from bexsync.records import Product

PULL = "stock pull"
# Each telling writes the shop's whole list anew.
_AT_ONCE = 5000


@dataclass(frozen=True)
class StockOptions:
    """What a person may narrow a pull to."""

    skus: tuple[str, ...] = ()
    dry_run: bool = False


def why_no_stock(profile: Profile) -> str:
    """Why no stock is pulled, "" where it is."""
    return why_not(profile) or not_pulled(profile)


def pull(workspace: Workspace, options: StockOptions) -> Result:
    """Runs the job once."""
    reason = why_no_stock(workspace.profile)
    if reason:
        return Result(disabled=True, message=reason)
    return run_job(workspace, PULL, lambda run: StockPull(run, options), dry=options.dry_run)


@dataclass(frozen=True)
class _Due:
    """One product that is to have another stock."""

    change: StockChange
    link: Link

    @property
    def sentence(self) -> str:
        """Old and new."""
        return f"{said(self.change.expected) or 'unknown'} → {decimal_text(self.change.stock)}"


class StockPull(Job):
    """Tells the shop the stock of linked products whose number differs; nothing is written to the ledger."""

    def __init__(self, run: Run, options: StockOptions) -> None:
        self._run = run
        self._options = options
        self._section = run.workspace.profile.products
        self._troubles = ErrorTracker(run, "stock")
        self._due: list[_Due] = []
        self._unchanged = 0
        self._untracked = 0

    def gather(self) -> None:
        """The stock of linked items, and the products of the shop whose number differs."""
        links, numbers = self._numbers()
        reader = CatalogReader(self._run)
        seen: set[str | None] = set()
        for record in reader.products():
            if record.sku in self._options.skus:
                seen.add(record.sku)
            ledger_id = links.of_product.get(record.shop_id)
            if ledger_id not in numbers or (self._options.skus and record.sku not in self._options.skus):
                continue
            decide = partial(self._judge, links, record, ledger_id, numbers[ledger_id])
            found = judged(self._run, f"Stock of product {record.shop_id}", decide)
            if isinstance(found, RecordProblem):
                self._troubles.note_together(record.shop_id, found)
            elif found is not None:
                self._due.append(found)
        self._troubles.note_waiting()
        self._note_unknown(seen)
        self._run.result.remarks[:] = reader.remarks
        if not self._options.skus:
            self._troubles.note_unreadable(reader.unreadable)
            if reader.is_whole:
                self._troubles.resolve_the_others()
        self._run.result.unlisted.clear()
        if self._unchanged:
            self._run.result.unlisted[Status.UNCHANGED.value] = self._unchanged
        if self._untracked:
            self._run.result.unlisted[Status.IGNORED.value] = self._untracked

    def plan(self) -> Plan:
        """What the shop is to be told, as one step."""
        return Plan((self._step(self._due),) if self._due else ())

    def apply(self, plan: Plan) -> None:
        """Tell the shop, some thousand products at once."""
        del plan
        rest = iter(self._due)
        while batch := list(islice(rest, _AT_ONCE)):
            self._tell(batch)

    def report(self) -> None:
        """The shop was told already."""

    def _numbers(self) -> tuple[LinkedItems, dict[LedgerId | None, Decimal | None]]:
        """The links, and the stock of each linked item that the ledger has; None where it is not tracked."""
        links = LinkedItems.of(self._run.store, sharing=self._section.sku_conflicts == "share")
        numbers: dict[LedgerId | None, Decimal | None] = {}
        for item in counted_items(self._run, self._run.ledger.items(), len(links.marks)):
            if item.ledger_id in links.marks:
                numbers[item.ledger_id] = number_of(item, self._section)
        return links, numbers

    def _judge(
        self, links: LinkedItems, record: Product, ledger_id: LedgerId | None, number: Decimal | None
    ) -> _Due | None:
        other = links.elsewhere.get(ledger_id) if ledger_id is not None else None
        if other is not None:
            name = record.sku or record.shop_id
            raise sku_conflict(name, self._run.store.site, other, self._run.ledger_name)
        if number is None:
            self._untracked += 1
            return None
        wanted = wanted_stock(number, record.sku or record.shop_id, self._section, self._run.ledger_name)
        link = None if record.stock == wanted else self._run.store.links.get(KIND, record.shop_id)
        change = stock_change(record, wanted, _told(link)) if link else None
        if link is None or change is None:
            self._unchanged += 1
            return None
        # Many thousands of them may be due; the rest of the link does not matter here.
        return _Due(change, replace(link, agreed={}, state={}, reported={}))

    def _note_unknown(self, seen: set[str | None]) -> None:
        for sku in self._options.skus:
            if sku in seen:
                continue
            message = f'The shop has no product with the SKU "{sku}".'
            self._run.note_unknown_id(KIND, "stock", sku, message, "--sku takes it sign by sign.")

    # apply

    def rehearse(self, plan: Plan) -> None:
        """List what the shop would be told."""
        due = self._due
        for one in due:
            self._note(one, Status.PLANNED, one.sentence)
        self._run.result.data["fields"] = [
            {"shop_id": one.change.shop_id, "sku": one.change.sku, "field": "stock", "old": said(one.change.expected),
             "new": decimal_text(one.change.stock), "master": "ledger", "to": "shop", "remark": ""}
            for one in due
        ]  # fmt: skip
        self._run.result.data["plan"] = {"digest": plan.digest(), "products": len(due), "requests": 0, "money": {}}

    def _tell(self, due: Sequence[_Due]) -> None:
        for applied in self._run.applier.apply(Plan((self._step(due),))):
            if applied.trouble is not None:
                self._run.result.later = f"The shop could not be told: {applied.trouble.said}"
                return
            refused = set(json.loads(applied.steps[0].result.get("refused", "[]")))
            self._settle(due, refused)

    def _step(self, due: Sequence[_Due]) -> Step:
        site = self._run.store.site
        effect = TellStock(changes=tuple(_value(one.change) for one in due))
        key = f"{site}:{digest(effect.to_wire()['changes'], [one.link.events for one in due])}"
        return Step(
            effect, key, Subject("stock", site), scope=site,
            title=f"stock of {len(due)} products",
        )  # fmt: skip

    def _settle(self, due: Sequence[_Due], refused: set[str]) -> None:
        store, now = self._run.store, self._run.workspace.clock.now()
        with store.transaction():
            for one in due:
                fresh = store.links.get(KIND, one.change.shop_id)
                if fresh is None:
                    continue
                told = {} if one.change.shop_id in refused else _to_remember(one.change)
                store.links.save(replace(fresh, notes={**fresh.notes, **told}, events=fresh.events + 1), now)
            for one in due:
                if one.change.shop_id in refused:
                    sentence = f"{one.sentence}, but the shop's number has moved since; the next run tries again"
                    self._note(one, Status.OPEN, sentence)
                else:
                    self._note(one, Status.DONE, one.sentence)

    def _note(self, one: _Due, status: Status, sentence: str) -> None:
        link = one.link
        self._run.note(
            Outcome(KIND, "stock", one.change.shop_id, status, link.ledger_id, link.number, link.url, sentence)
        )


def _told(link: Link) -> Mapping[str, str]:
    return {name: str(value) for name, value in link.notes.items()}


def _to_remember(change: StockChange) -> dict[str, str]:
    return {"stock": decimal_text(change.stock), "stock_before": said(change.expected)}


def _value(change: StockChange) -> StockValue:
    expected = None if change.expected is None else decimal_text(change.expected)
    return StockValue(shop_id=change.shop_id, sku=change.sku, stock=decimal_text(change.stock), expected=expected)
