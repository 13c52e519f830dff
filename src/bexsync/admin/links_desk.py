"""The links of invoices, orders and products as a person sees them, and forgetting one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bexsync.admin.invoice_history import step_data
from bexsync.errors import TryLater, UsageProblem
from bexsync.http.clock import Clock, SystemClock
from bexsync.jobs import order_choice
from bexsync.jobs.invoice_choice import PUSH
from bexsync.jobs.order_gathering import look_for_all_orders
from bexsync.jobs.products import SYNC
from bexsync.planning import invoice_link, order_link
from bexsync.planning.invoice_link import KIND as INVOICE
from bexsync.planning.order_link import INVOICE_KIND
from bexsync.planning.order_link import KIND as ORDER
from bexsync.planning.products import KIND as PRODUCT
from bexsync.ports.store import DocumentEvent, IntentState, Link, Locks, RecordRow
from bexsync.store import Store
from bexsync.store.kept import Kept

# The kinds of links that a record of each kind may have, the first one first.
_LINKS_OF = {INVOICE: (INVOICE,), ORDER: (ORDER, INVOICE_KIND), PRODUCT: (PRODUCT,)}
_JOBS = {INVOICE: PUSH, ORDER: order_choice.SYNC, PRODUCT: SYNC}
_NUMBERED_BY_THE_SHOP = (INVOICE, ORDER)


@dataclass(frozen=True)
class LinkStory:
    """Everything the state knows of one link; or of a record without one, and why it has none.

    `others` are the further links of the same record: the invoice of an order.
    """

    shop_id: str
    link: Link | None
    record: str
    steps: tuple[dict[str, Any], ...]
    reason: str = ""
    others: tuple[Link, ...] = ()


class LinkAdmin:
    """What a person sees of links, and forgetting one."""

    def __init__(self, store: Store, kept: Kept, locks: Locks, clock: Clock | None = None) -> None:
        self._store = store
        self._kept = kept
        self._locks = locks
        self._clock = clock or SystemClock()

    def __enter__(self) -> LinkAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def links(self, limit: int | None = None) -> Iterator[Link]:
        """The links of invoices and orders, oldest document first, an order's invoice after its order.

        With a limit only those that were made last.
        """
        links, kinds = self._store.links, (INVOICE, ORDER, INVOICE_KIND)
        newest = links.newest(kinds, limit) if limit is not None else None
        invoices, orders, of_orders = (
            [shop_id for shop_id in links.ids(kind) if newest is None or (kind, shop_id) in newest] for kind in kinds
        )
        with_order = set(orders).intersection(of_orders)
        yield from links.in_order(INVOICE, invoices)
        for link in links.in_order(ORDER, orders):
            yield link
            if link.shop_id in with_order and (invoice := links.get(INVOICE_KIND, link.shop_id)) is not None:
                yield invoice
        yield from links.in_order(INVOICE_KIND, [shop_id for shop_id in of_orders if shop_id not in with_order])

    def story(self, name: str) -> LinkStory:
        """One link, or a record without one, with its steps; raises UsageProblem when there is neither."""
        kind, shop_id = self._named(name)
        links, row = self._links_of(kind, shop_id), self._store.records.get(kind, shop_id)
        steps = tuple(step_data(step) for step in self._store.intents.of_subject(kind, shop_id))
        record = row.state.value if row else "unknown"
        if not links:
            return LinkStory(shop_id, None, record, steps, self._why(row) if row else "")
        return LinkStory(shop_id, links[0], record, steps, others=tuple(links[1:]))

    def _links_of(self, kind: str, shop_id: str) -> list[Link]:
        found = (self._store.links.get(one, shop_id) for one in _LINKS_OF[kind])
        return [link for link in found if link is not None]

    def _why(self, row: RecordRow) -> str:
        said = (e.message for e in self._store.errors.open() if (e.kind, e.shop_id) == (row.kind, row.shop_id))
        return row.reason or next(said, "")

    def forget(self, name: str) -> str:
        """Forget a record with its links and everything begun for it, and return its id in the shop.

        Dropped again, the record counts as new. While its documents stand in the ledger, the next run finds them by
        their reference, or as the ones it was adopted into, and links them again; what is issued is never mailed, so
        nothing is doubled. A document that was cancelled or deleted is booked again. An item is found again by its
        code. Raises Busy while its job runs, and TryLater while an outcome is unknown.
        """
        kind, shop_id = self._forgettable(name)
        with self._locks.job(_JOBS[kind]):
            self._refuse_while_unknown(kind, shop_id)
            self._note_forgotten(kind, shop_id)
            with self._store.transaction():
                for one in _LINKS_OF[kind]:
                    self._store.links.forget(one, shop_id)
                self._store.intents.forget(kind, shop_id, self._clock.now())
                self._store.records.forget(kind, shop_id)
                if kind == ORDER:
                    look_for_all_orders(self._store)
        return shop_id

    def _note_forgotten(self, kind: str, shop_id: str) -> None:
        key = self._key(kind, shop_id)
        if not key:
            return
        documents = {link.ledger_id for link in self._links_of(kind, shop_id)}
        finished = self._kept.documents(DocumentEvent.FINISHED, key)
        for document in sorted(documents.union(finished), key=lambda one: one.age):
            self._kept.note(DocumentEvent.FORGOTTEN, key, document)

    def _key(self, kind: str, shop_id: str) -> str:
        """The reference of a record's documents, "" where it has none."""
        references = {INVOICE: invoice_link.reference, ORDER: order_link.reference}
        return references[kind](self._store.site, shop_id) if kind in references else ""

    def _forgettable(self, name: str) -> tuple[str, str]:
        """A record with a link, or one that an earlier state issued; raises UsageProblem for neither."""
        kind, shop_id = self._named(name)
        key = self._key(kind, shop_id)
        if self._links_of(kind, shop_id) or (key and self._kept.documents(DocumentEvent.FINISHED, key)):
            return kind, shop_id
        raise _nothing(name)

    def question(self, name: str) -> str:
        """What a person is asked before it is forgotten; raises UsageProblem where there is nothing to forget."""
        kind, shop_id = self._forgettable(name)
        numbers = " and ".join(link.number for link in self._links_of(kind, shop_id))
        return f"the link of {shop_id} to {numbers}" if numbers else f"what was once booked for {shop_id}"

    def _refuse_while_unknown(self, kind: str, shop_id: str) -> None:
        unknown = (IntentState.SENDING, IntentState.IN_DOUBT)
        steps = [step for step in self._store.intents.of_subject(kind, shop_id) if step.state in unknown]
        if steps:
            raise TryLater(
                f"Nobody knows yet whether the last request for {shop_id} ({steps[-1].kind}) took effect, "
                "so its link was not forgotten.",
                f"Run `bexsync {steps[-1].job}` first, which looks; then say this again.",
                code="outcome_unknown",
            )

    # whom a name means

    def _named(self, name: str) -> tuple[str, str]:
        """The record that is called so; raises UsageProblem where none is, or an invoice and an order are."""
        prefix, colon, rest = name.partition(":")
        if colon and prefix in _LINKS_OF:
            found = list(self._called(prefix, rest))
            if found:
                return prefix, found[0]
        found_in = {kind: shop_id for kind in (INVOICE, ORDER) for shop_id in [*self._called(kind, name)][:1]}
        if len(found_in) > 1:
            says = " or ".join(f"{kind}:{shop_id}" for kind, shop_id in found_in.items())
            raise UsageProblem(f'"{name}" is an invoice and an order.', f"Say {says}.")
        for kind, shop_id in found_in.items():
            return kind, shop_id
        raise _nothing(name)

    def _called(self, kind: str, name: str) -> Iterator[str]:
        """The ids in the shop that a name may mean: the id itself, a number in the ledger, a number in the shop."""
        links, records = self._store.links, self._store.records
        yield from (name for one in _LINKS_OF[kind] if links.get(one, name) is not None)
        yield from (shop_id for one in _LINKS_OF[kind] for shop_id in links.ids_numbered(one, name))
        if kind in _NUMBERED_BY_THE_SHOP:
            if records.get(kind, name) is not None:
                yield name
            yield from (row.shop_id for row in records.numbered(kind, name))


def _nothing(name: str) -> UsageProblem:
    shows = "products" if name.startswith(f"{PRODUCT}:") else "links"
    return UsageProblem(f'There is no link of "{name}".', f"`bexsync {shows} list` shows them.")
