"""Adopting orders and their invoices that stand in the ledger already: by number, or by mail and day, and by amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from bexsync.engine.result import Outcome, Status
from bexsync.engine.sending import AppliedRecord
from bexsync.errors import UsageProblem
from bexsync.ids import LedgerId
from bexsync.jobs.order_gathering import customer_of
from bexsync.jobs.order_notes import order_links
from bexsync.jobs.run import Run
from bexsync.money import format_amount
from bexsync.planning.invoice_link import KIND as INVOICE
from bexsync.planning.matching import OURS
from bexsync.planning.order_lines import title_of, zurich_day
from bexsync.planning.order_link import INVOICE_KIND, KIND, reference
from bexsync.planning.plan import Plan
from bexsync.ports.document_effects import ClaimDocument, LinkDocument
from bexsync.ports.documents import DocumentState, DocumentStatus, OrderState, OrderStatus
from bexsync.ports.steps import LinkDraft, Step, Subject
from bexsync.ports.store import RecordState
from bexsync.ports.wanted import Wanted
from bexsync.ports.wanted_orders import AdoptOrder
from bexsync.records import Order

_WITHIN = Decimal("0.05")
_ENDED = (OrderStatus.CANCELLED, OrderStatus.DELETED, DocumentStatus.CANCELLED, DocumentStatus.DELETED)
Found = OrderState | DocumentState


@dataclass(frozen=True)
class Pair:
    """One order of the shop, and the documents that may be it: the order, and its invoice."""

    order: Order
    documents: tuple[Found, ...]
    why: str

    @property
    def is_certain(self) -> bool:
        """Whether there is at most one order and one invoice."""
        kinds = Counter(type(document) for document in self.documents)
        return bool(self.why) and all(count == 1 for count in kinds.values())


@dataclass
class OrdersToAdopt:
    """The open orders of one run that have no link, and what they may be in the ledger."""

    run: Run
    pairs: list[Pair] = field(default_factory=list)

    def gather(self, shop_id: str, number: str) -> bool:
        """Find the pairs, of all orders or of the one that is named; whether a name means an order."""
        if not self.run.workspace.profile.orders.enabled:
            return False
        name = shop_id.removeprefix(f"{KIND}:")
        orders = [order for order in self._open() if name in ("", order.shop_id, order.name)]
        if not orders:
            return False
        self.run.ledger.refresh_contacts()
        free = [*self._free(self.run.ledger.orders_changed_since(None))]
        free += self._free(self.run.ledger.documents_changed_since(None))
        if number:
            self.pairs = [_named(orders[0], number, free, self.run.ledger_name)]
        else:
            self.pairs = _without_shared([pair for order in orders if (pair := self._match(order, free)).documents])
        return True

    def _open(self) -> Iterable[Order]:
        store = self.run.store
        for row in list(store.records.in_state(KIND, RecordState.OPEN)):
            if not any(order_links(store, row.shop_id)):
                yield cast(Order, row.record())

    def _free(self, documents: Iterable[Found]) -> Iterable[Found]:
        links = self.run.store.links
        for one in documents:
            kind = KIND if isinstance(one, OrderState) else INVOICE
            is_ours = one.reference.startswith(OURS) or links.owner_of(kind, one.ledger_id) is not None
            if not is_ours and one.standing not in _ENDED:
                yield one

    def _match(self, order: Order, free: Sequence[Found]) -> Pair:
        fitting = [one for one in free if abs(one.total - order.total) <= _WITHIN]
        names = {order.name, order.shop_id, title_of(order, self.run.workspace.profile)}
        numbered = [one for one in fitting if names & {one.number, one.reference, getattr(one, "title", "")} - {""}]
        if numbered:
            return Pair(order, tuple(numbered), "by number and amount")
        customer, day = customer_of(self.run, order), zurich_day(order.ordered_at).isoformat()
        mail = (customer.email or "").casefold() if customer is not None else ""
        known = [one for one in fitting if mail and one.day == day and mail in self._mails(one.contact_id)]
        return Pair(order, tuple(known), "by mail, day and amount")

    def _mails(self, contact_id: LedgerId | None) -> set[str]:
        contact = self.run.store.contacts.get(contact_id) if contact_id else None
        return {contact.mail, contact.mail_second} if contact else set()

    def apply(self) -> None:
        """Link each certain pair, or show it in a rehearsal; the rest is named."""
        for pair in self.pairs:
            numbers = " and ".join(one.number for one in pair.documents)
            if not pair.is_certain:
                self._note(
                    pair, Status.BLOCKED, f"It may be any of {numbers}, or they are somebody else's.",
                    f"Name one: bexsync links adopt order:{pair.order.shop_id} NUMBER --yes",
                )  # fmt: skip
                continue
            reason = f"{numbers}, {format_amount(pair.order.total)}, {pair.why}"
            if self.run.dry:
                self._note(pair, Status.PLANNED, reason)
                continue
            plan = Plan(tuple(step for one in pair.documents for step in self._steps(pair.order, one)))
            for applied in self.run.applier.apply(plan):
                self._note_applied(pair, applied, reason)

    def _steps(self, order: Order, document: Found) -> tuple[Step, ...]:
        site, subject = self.run.store.site, Subject(KIND, order.shop_id)
        key = reference(site, order.shop_id)
        if isinstance(document, OrderState):
            return self.run.steps(Wanted(subject, site, key, wants=(AdoptOrder(document),)))
        draft = LinkDraft(
            INVOICE, fingerprint=order.fingerprint(), agreed=order.canonical(), adopted=True, link_kind=INVOICE_KIND
        )
        ledger_id, name = document.ledger_id, f"{key}@{document.ledger_id}"
        link = LinkDocument(document_id=ledger_id, reference=key)
        linked = Step(link, name, subject, scope=site, link=draft, title=f"link {document.number}")
        claim = ClaimDocument(document_id=ledger_id, reference=key)
        title = f"write our reference onto {document.number}"
        return linked, Step(claim, name, subject, scope=site, link=draft, after=(linked.ref,), title=title)

    def _note_applied(self, pair: Pair, applied: AppliedRecord, reason: str) -> None:
        trouble = applied.trouble
        is_only_reference = trouble is not None and isinstance(trouble.step.effect, ClaimDocument)
        if trouble is None or is_only_reference:
            more = f"; {self.run.ledger_name} did not take our reference" if is_only_reference else ""
            self._note(pair, Status.DONE, f"{reason}{more}; `bexsync orders sync` goes on with it")
        else:
            self._note(pair, Status.FAILED, f"{trouble.said} It was not linked.", "Try again.", trouble.code)

    def _note(self, pair: Pair, status: Status, reason: str, hint: str = "", code: str = "") -> None:
        document = pair.documents[-1]
        self.run.outcomes[Subject(KIND, pair.order.shop_id)] = Outcome(
            KIND, "adopt", pair.order.shop_id, status, document.ledger_id, document.number, document.url, reason, hint,
            code=code or ("" if status is Status.DONE else "adopt"),
        )  # fmt: skip


def _named(order: Order, number: str, free: Sequence[Found], ledger: str) -> Pair:
    found = [one for one in free if one.number == number]
    if len(found) != 1:
        many = len(found) or "no"
        raise UsageProblem(f'{ledger} has {many} order or invoice "{number}" that is free.', "Name its number.")
    if abs(found[0].total - order.total) > _WITHIN:
        raise UsageProblem(
            f"{order.name} comes to {format_amount(order.total)}, {number} to {format_amount(found[0].total)}: "
            "they are not the same order.",
            "Correct one of them first.",
        )
    return Pair(order, tuple(found), "named by hand")


def _without_shared(pairs: Sequence[Pair]) -> list[Pair]:
    """A document that fits several orders is certain for none of them."""
    taken = Counter((type(one), one.ledger_id) for pair in pairs for one in pair.documents)

    def is_shared(pair: Pair) -> bool:
        return any(taken[type(one), one.ledger_id] > 1 for one in pair.documents)

    return [Pair(pair.order, pair.documents, "") if is_shared(pair) else pair for pair in pairs]
