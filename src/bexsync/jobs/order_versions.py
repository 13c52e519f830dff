"""Which version of an order counts: the newest by the shop's own clock, whatever the files it comes in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bexsync.engine.result import Outcome, Status
from bexsync.jobs.run import Run
from bexsync.jobs.seen_orders import SeenOrders
from bexsync.ports.shop import IncomingRecord, InvalidInput
from bexsync.ports.steps import Subject
from bexsync.ports.store import RecordRow, RecordState
from bexsync.records.quoting import shown

if TYPE_CHECKING:
    from bexsync.records import Order

KIND = "order"


class Version(StrEnum):
    """How what the shop says now stands to what it said before."""

    NEW = "new"
    KNOWN = "known"
    OLDER = "older"
    DOUBTFUL = "doubtful"


def moment_in(text: str | None) -> datetime | None:
    """The moment that a text writes with its offset, None where it does not."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def version_of(order: Order, known: RecordRow | None) -> Version:
    """Whether an order is newer than what is known; without any moments the one that arrives later is."""
    if known is None:
        return Version.NEW
    if known.fingerprint == order.fingerprint():
        return Version.KNOWN
    before = moment_in(known.canonical().get("updated_at"))
    if before is None:
        return Version.NEW
    if order.updated_at is None or order.updated_at == before:
        return Version.DOUBTFUL
    return Version.NEW if order.updated_at > before else Version.OLDER


class OrderVersions:
    """Keeps the newest version of each order that a run takes in; `refuse` names what is none of this site."""

    def __init__(self, run: Run, refuse: Callable[[InvalidInput, str], None]) -> None:
        self._run = run
        self._refuse = refuse
        self._seen = SeenOrders(run.store)
        self._seen.note_listed(run.workspace.shop.capabilities.order_statuses)
        self._stopped: dict[str, tuple[str, str]] = {}
        self.by_source: defaultdict[str, list[str]] = defaultdict(list)

    def counts(self, item: IncomingRecord, order: Order, *, is_new_source: bool) -> bool:
        """Whether the order is to be stored; what is not counted is named, but not whenever its file is read again."""
        if order.site not in (None, self._run.store.site):
            self._refuse(self._of_other_site(item, order), "other_site")
            return False
        self._seen.note(order)
        known = self._run.store.records.get(KIND, order.shop_id)
        version = version_of(order, known)
        if version is Version.NEW:
            self._go_on(order.shop_id)
        if known is None or version in (Version.NEW, Version.KNOWN):
            return True
        if version is Version.OLDER:
            if is_new_source:
                self._name_older(item, order, known)
        elif is_new_source or known.source == item.source:
            self._stop(item, order)
        return False

    def give_up(self, shop_id: str, reason: str) -> None:
        """Nothing more is done for an order until a newer version of it arrives."""
        self._run.store.records.settle(KIND, shop_id, RecordState.GIVEN_UP, reason, self._run.workspace.clock.now())

    def _go_on(self, shop_id: str) -> None:
        """A newer version settles which of two older ones of this run was right."""
        if shop_id in self._stopped:
            source, sentence = self._stopped.pop(shop_id)
            self.by_source[source].remove(sentence)
            self._run.outcomes.pop(Subject(KIND, shop_id), None)
            self._run.store.errors.resolve(self._run.job, KIND, shop_id, self._run.workspace.clock.now())

    def _of_other_site(self, item: IncomingRecord, order: Order) -> InvalidInput:
        own = shown(self._run.store.site)
        return InvalidInput(
            item.source,
            item.location,
            f"order {order.shop_id} is of the site {shown(order.site)}, and this profile's is {own}",
            "Hand it over to the profile of that site, or correct `site` in the order or under [shop].",
        )

    def _name_older(self, item: IncomingRecord, order: Order, known: RecordRow) -> None:
        newest = moment_in(known.canonical().get("updated_at"))
        where = ", ".join(part for part in (item.source, item.location) if part)
        self._run.mention(
            f"older order {order.shop_id}",
            f"{where}: order {order.shop_id} as it was at {_written(order.updated_at)} is left alone, "
            f"since the one of {_written(newest)} is known.",
        )

    def _stop(self, item: IncomingRecord, order: Order) -> None:
        where = ", ".join(part for part in (item.source, item.location) if part)
        when = (
            f"with the same updated_at, {_written(order.updated_at)}, and different content"
            if order.updated_at
            else "without updated_at, beside one that has it"
        )
        sentence = f"order {order.shop_id} came twice: {where} has it {when}"
        self.give_up(order.shop_id, f"{sentence}.")
        self._run.note(
            Outcome(
                KIND, "read", order.shop_id, Status.FAILED,
                reason=f"{sentence}; nothing more is done for it.",
                hint="Save the order in the shop again, so that a later updated_at tells which one counts, and hand it "
                "over once more.",
                code="two_versions", subject=f"order {order.shop_id}",
            )
        )  # fmt: skip
        self._stopped[order.shop_id] = item.source, sentence
        self.by_source[item.source].append(sentence)


def _written(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "an unknown moment"
