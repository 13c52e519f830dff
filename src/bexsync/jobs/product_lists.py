"""Both sides of the products as they are now, and what keeps single ones from being synchronised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from bexsync.engine.result import Outcome, Status
from bexsync.errors import RecordProblem, StoppedBySignal
from bexsync.jobs.judging import refuse_mass_deletion
from bexsync.jobs.reporting import no_catalog
from bexsync.jobs.run import Run
from bexsync.jobs.workspace import Workspace
from bexsync.planning.product_fields import KnownItem
from bexsync.planning.products import KIND, Elsewhere
from bexsync.ports.documents import Item
from bexsync.ports.ids import LedgerId
from bexsync.ports.shop import Catalog, ImportNote, InvalidInput
from bexsync.ports.steps import Subject
from bexsync.records import Product
from bexsync.store import Store

_HALF = 16
VANISHED = "vanished"


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


class ErrorTracker:
    """The errors of one job; products are not kept in the state, so that each run judges all of them anew."""

    def __init__(self, run: Run, action: str, *, rests: bool = True) -> None:
        self._run = run
        self._action = action
        self._rests = rests
        self._before = {(row.kind, row.shop_id): row for row in run.store.errors.open() if row.job == run.job}
        self._now: set[tuple[str, str]] = set()

    @property
    def known_to_be_gone(self) -> list[str]:
        """The products of which a person was told already that they or their items are gone."""
        return [row.shop_id for row in self._before.values() if row.cause.endswith(f":{VANISHED}")]

    def note(self, shop_id: str, problem: RecordProblem, *, kind: str = KIND, status: Status = Status.BLOCKED) -> None:
        """Says it; what vanished is said once, and what a person has acknowledged is left in peace."""
        link = self._run.store.links.get(KIND, shop_id)
        outcome = Outcome(
            kind, self._action, shop_id, status, link.ledger_id if link else None, link.number if link else "",
            link.url if link else "", problem.message, problem.hint, problem.code, subject=problem.subject,
        )  # fmt: skip
        self.say(outcome)

    def say(self, outcome: Outcome) -> None:
        """As `note`, of an outcome that is there already."""
        self._now.add((outcome.kind, outcome.shop_id))
        if self._may_rest(outcome):
            # Said by an earlier pass of this very run, it stays said.
            subject = Subject(outcome.kind, outcome.shop_id)
            self._run.outcomes.setdefault(subject, replace(outcome, status=Status.IGNORED))
        else:
            self._run.note(outcome)

    def is_well(self, outcome: Outcome) -> None:
        """Nothing is wrong with it; that is only written down where something was."""
        if (outcome.kind, outcome.shop_id) in self._before:
            self._run.note(outcome)
        else:
            self._run.outcomes[Subject(outcome.kind, outcome.shop_id)] = outcome

    def _may_rest(self, outcome: Outcome) -> bool:
        known = self._before.get((outcome.kind, outcome.shop_id))
        if known is None or not self._rests or known.cause != f"{outcome.code}:{outcome.subject or outcome.shop_id}":
            return False
        return known.acknowledged_at is not None or outcome.subject == VANISHED

    def note_unreadable(self, unreadable: Sequence[InvalidInput]) -> None:
        """What of the shop's list is no product."""
        for found in unreadable:
            where = f"{found.source}, {found.location}" if found.location else found.source
            message = f"{where}: {found.message}"
            sentence = message if message.endswith((".", "?", "!")) else f"{message}."
            problem = RecordProblem(sentence, found.hint, code="unreadable", subject=where)
            self.note(found.shop_id or where, problem, kind=found.kind or KIND, status=Status.FAILED)

    def resolve_the_others(self) -> None:
        """Every product was looked at: an error that did not come again is over."""
        now = self._run.workspace.clock.now()
        for kind, shop_id in self._before.keys() - self._now:
            self._run.store.errors.resolve(self._run.job, kind, shop_id, now)
