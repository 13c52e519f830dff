"""Finds documents: by our reference, by id, by change; whether `in` works is learned, not believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from bexsync.errors import Refused
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api, Row, criterion, watermark
from bexsync.ledgers.bexio.models import DocumentReference
from bexsync.ledgers.bexio.reading import row_of, understood
from bexsync.ledgers.bexio.records import document_from, document_of
from bexsync.ports.documents import DocumentState
from bexsync.store import Store

T = TypeVar("T")
INVOICES = "/2.0/kb_invoice"
REFERENCES_AT_ONCE = 100
IDS_AT_ONCE = 500
IN_ON_REFERENCE = "search:in_on_api_reference"
IN_ON_ID = "search:in_on_id"
_SCANNED = "scanned:"
_CHEAPER_THAN_SCAN = 20
_PROBES = 3
_MOVING = (7, 8, 16, 31)


class DocumentFinder:
    """Every answer is compared here exactly, since bexio's search matches loosely and may lag or double."""

    def __init__(self, api: Api, store: Store, web_url: str) -> None:
        self._api = api
        self._store = store
        self._web_url = web_url

    def by_references(self, references: Sequence[str], now: datetime) -> dict[str, list[DocumentState]]:
        """The invoices that carry exactly these references.

        The first time, and whenever `in` is not known to work and many are asked for, all invoices are listed:
        2000 a request. Later 100 references a request, together with one that is known to exist: if that one
        is not found, the answer proves nothing.
        """
        wanted = set(references)
        scanned = f"{_SCANNED}{self._store.site}"
        if self._store.facts.get(scanned) is None:
            found = self._scan(wanted)
            self._store.facts.learn(scanned, True, now)
            return found
        return self._batched(wanted, now) if self._can_batch() else self._one_by_one_or_scan(wanted)

    def one(self, reference: str) -> list[DocumentState]:
        """The invoices with one reference, by a plain search."""
        rows = self._api.search(INVOICES, [criterion("api_reference", "=", reference)])
        return list(_unique(self._states(rows, {reference})))

    def by_numbers(self, numbers: Sequence[str]) -> dict[str, list[DocumentState]]:
        """The invoices with exactly these numbers, by a plain search each; of many, all invoices are listed."""
        wanted = sorted(set(numbers))
        rows: Iterator[Row]
        if len(wanted) > _CHEAPER_THAN_SCAN:
            rows = self._api.list(INVOICES, order_by="id")
        else:
            rows = chain.from_iterable(self._api.each([partial(self._numbered, number) for number in wanted]))
        groups: dict[str, list[DocumentState]] = {}
        for state in _unique(document_from(row, self._web_url) for row in rows):
            if state.number in wanted:
                groups.setdefault(state.number, []).append(state)
        return groups

    def _numbered(self, number: str) -> list[Row]:
        return list(self._api.search(INVOICES, [criterion("document_nr", "=", number)]))

    def by_ids(self, ledger_ids: Sequence[LedgerId], now: datetime) -> dict[LedgerId, DocumentState]:
        """The invoices with these ids, 500 a request; those that no longer exist are missing."""
        found: dict[LedgerId, DocumentState] = {}
        for ids in _batches(ledger_ids, IDS_AT_ONCE):
            found |= self._some_by_id(ids, now)
        return found

    def changed_since(self, moment: datetime | None) -> Iterator[DocumentState]:
        """The invoices that changed at or after a moment, the oldest change first; all of them for None."""
        if moment is None:
            rows = self._api.list(INVOICES, order_by="id")
        else:
            since = criterion("updated_at", ">=", watermark(moment))
            rows = self._api.search(INVOICES, [since], order_by="updated_at")
        for row in rows:
            yield document_from(row, self._web_url)

    def _scan(self, wanted: set[str]) -> dict[str, list[DocumentState]]:
        return _grouped(self._states(self._api.list(INVOICES, order_by="id"), wanted))

    def _can_batch(self) -> bool:
        return self._store.facts.get(IN_ON_REFERENCE) is not False and self._witness() is not None

    def _witness(self) -> str | None:
        """A reference that the ledger certainly has, because it told so not long ago."""
        for kind, link_kind in (("invoice", "invoice"), ("order", "order_invoice")):
            newest = self._store.links.newest_present(link_kind)
            if newest is not None:
                return f"bexsync:{self._store.site}:{kind}:{newest.shop_id}"
        return None

    def _batched(self, wanted: set[str], now: datetime) -> dict[str, list[DocumentState]]:
        witness = self._witness() or ""
        found: list[DocumentState] = []
        batches = list(_batches(sorted(wanted), REFERENCES_AT_ONCE))
        for references, states in zip(batches, self._found_in(batches, witness), strict=False):
            if states is None or witness not in {state.reference for state in states}:
                if states is None:
                    self._store.facts.learn(IN_ON_REFERENCE, False, now)
                return self._one_by_one_or_scan(wanted)
            found += [state for state in states if state.reference in references]
        self._store.facts.learn(IN_ON_REFERENCE, True, now)
        return _grouped(found)

    def _found_in(self, batches: Sequence[list[str]], witness: str) -> Iterator[list[DocumentState] | None]:
        """What `in` finds of each batch; the first is asked alone where nobody knows whether bexio takes it."""
        calls = [partial(self._asked_in, "api_reference", [*batch, witness], {*batch, witness}) for batch in batches]
        alone = 0 if self._store.facts.get(IN_ON_REFERENCE) else 1
        yield from self._api.each(calls[:alone])
        yield from self._api.each(calls[alone:])

    def _one_by_one_or_scan(self, wanted: set[str]) -> dict[str, list[DocumentState]]:
        if len(wanted) > _CHEAPER_THAN_SCAN:
            return self._scan(wanted)
        each = self._api.each([partial(self.one, reference) for reference in sorted(wanted)])
        return _grouped(chain.from_iterable(each))

    def _asked_in(self, field: str, values: Sequence[str | int], allowed: set[str]) -> list[DocumentState] | None:
        """None where bexio refuses the criterion."""
        try:
            rows = list(self._api.search(INVOICES, [criterion(field, "in", list(values))]))
        except Refused:
            return None
        return list(_unique(self._states(rows, allowed)))

    def _some_by_id(self, ids: Sequence[LedgerId], now: datetime) -> dict[LedgerId, DocumentState]:
        if self._store.facts.get(IN_ON_ID) is not False:
            found = self._by_id_in(ids)
            if found:
                self._store.facts.learn(IN_ON_ID, True, now)
                return found
            # Nothing at all: either every one was deleted, or the criterion does not work as hoped.
            if found is not None and all(self.present(one) is None for one in ids[:_PROBES]):
                return {}
            self._store.facts.learn(IN_ON_ID, False, now)
        return self._by_standing(ids)

    def _by_id_in(self, ids: Sequence[LedgerId]) -> dict[LedgerId, DocumentState] | None:
        try:
            rows = list(self._api.search(INVOICES, [criterion("id", "in", [one.wire for one in ids])]))
        except Refused:
            return None
        states = [document_from(row, self._web_url) for row in rows]
        return {state.ledger_id: state for state in states if state.ledger_id in set(ids)}

    def _by_standing(self, ids: Sequence[LedgerId]) -> dict[LedgerId, DocumentState]:
        """Without `in`: those that can still move are listed by status, the few that left these lists one by one."""
        wanted = set(ids)
        found: dict[LedgerId, DocumentState] = {}
        for status in _MOVING:
            for row in self._api.search(INVOICES, [criterion("kb_item_status_id", "=", status)], order_by="id"):
                if LedgerId(row.get("id")) in wanted:
                    state = document_from(row, self._web_url)
                    found[state.ledger_id] = state
        for ledger_id in sorted(wanted - set(found), key=lambda one: one.age):
            one = self.present(ledger_id)
            if one is not None:
                found[ledger_id] = one
        return found

    def whole(self, ledger_id: LedgerId) -> DocumentState:
        """One invoice with its positions; raises Refused where it no longer exists."""
        return document_of(ledger_id, self.row(ledger_id), self._web_url)

    def row(self, ledger_id: LedgerId) -> Row:
        """One invoice as bexio shows it, with its positions; raises Refused where it no longer exists."""
        body = self._api.show(f"{INVOICES}/{ledger_id}")
        with understood(f"the invoice {ledger_id}"):
            return row_of(body)

    def present(self, ledger_id: LedgerId) -> DocumentState | None:
        """One invoice with its positions, None when it no longer exists."""
        row = self.present_row(ledger_id)
        return None if row is None else document_of(ledger_id, row, self._web_url)

    def present_row(self, ledger_id: LedgerId) -> Row | None:
        """One invoice as bexio shows it, None when it no longer exists."""
        try:
            return self.row(ledger_id)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise

    def _states(self, rows: Iterable[Row], allowed: set[str]) -> Iterator[DocumentState]:
        for row in rows:
            with understood("an invoice in a list"):
                is_wanted = DocumentReference.read(row).api_reference in allowed
            if is_wanted:
                yield document_from(row, self._web_url)


def _unique(states: Iterable[DocumentState]) -> Iterator[DocumentState]:
    """A search that shows a document twice shows one document."""
    seen: set[LedgerId] = set()
    for state in states:
        if state.ledger_id not in seen:
            seen.add(state.ledger_id)
            yield state


def _grouped(states: Iterable[DocumentState]) -> dict[str, list[DocumentState]]:
    groups: dict[str, list[DocumentState]] = {}
    for state in _unique(states):
        groups.setdefault(state.reference, []).append(state)
    return groups


def _batches(values: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
