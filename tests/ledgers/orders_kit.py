"""Orders at the ledger: what is wanted of one goes through steps, journal and sandbox, without a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bexsync.engine.sending import AppliedRecord
from bexsync.ids import LedgerId
from bexsync.jobs.lifecycle import prepare
from bexsync.jobs.run import Run
from bexsync.money import decimal_text
from bexsync.planning.plan import Plan
from bexsync.ports.document_effects import DocumentHeader, Position
from bexsync.ports.order_effects import OrderPart
from bexsync.ports.steps import Subject
from bexsync.ports.store import Link
from bexsync.ports.wanted import Finish, KnownDocument, Letter, Wanted, WantedContacts, WantedDocument
from bexsync.ports.wanted_orders import Deliver, InvoiceFromOrder, Mail, OrderWant, Pay, PlaceOrder
from world import World

HOTEL = LedgerId("1")  # a contact that the sandbox begins with
LETTER = Letter(
    "buero@alpenrose.example", "Rechnung {number}", "Total {total}. [Network Link]", "de", False, "Order 7", "Hotel"
)


@dataclass
class Desk:
    """One run at one company."""

    world: World
    run: Run

    @property
    def reference(self) -> str:
        return "bexsync:main:order:7"

    def document(self, *lines: tuple[str, str, str], **header: Any) -> WantedDocument:
        """A document of lines, each a text, a quantity and a net price, at 8.1 %."""
        master = self.run.ledger.master()
        account = next(a.id for a in master.accounts if a.number == "3200")
        tax = next(t.id for t in master.taxes if t.code == "UN81")
        currency = next(c.id for c in master.currencies if c.code == "CHF")
        positions = tuple(
            Position(type="custom", text=text, quantity=quantity, unit_price=price, account_id=account, tax_id=tax)
            for text, quantity, price in lines
        )
        net = sum((Decimal(quantity) * Decimal(price) for _, quantity, price in lines), Decimal(0))
        gross = header.get("prices") == "gross"
        total = net if gross else net * Decimal("1.081")
        return WantedDocument(
            header=DocumentHeader(
                **{
                    "reference": self.reference,
                    "title": "Order 7",
                    "user_id": master.me.id,
                    "currency_id": currency,
                    "date": "2026-11-02",
                    "due_date": "2026-12-02",
                    "prices": "net",
                    "vat": True,
                    "customer_reference": "PO-1",
                }
                | header
            ),
            positions=positions,
            expect={
                "total": decimal_text(total),
                "within": "0.05",
                "positions": str(len(lines)),
                "currency_id": str(currency),
            },
            fingerprint=f"f{len(lines)}-{decimal_text(total)}",
            record={"shop_id": "7"},
            source=f"s{len(lines)}-{decimal_text(total)}",
            customer="Hotel Alpenrose AG",
            customer_key="c1",
            amount=total,
            currency="CHF",
        )

    def apply(self, *wants: OrderWant) -> AppliedRecord:
        """What came of everything that is wanted."""
        contacts = WantedContacts(contact=HOTEL)
        wanted = Wanted(Subject("order", "7"), "main", self.reference, contacts, wants)
        (record,) = self.run.applier.apply(Plan(self.run.steps(wanted)))
        return record

    def settle(self) -> None:
        """Looks for what is in doubt, and waits until finding nothing counts."""
        self.run.recovery.settle_patiently()

    def link(self, kind: str) -> Link:
        link = self.run.store.links.get(kind, "7")
        assert link is not None
        return link

    def known(self, kind: str) -> KnownDocument:
        """What planning knows of the order or its invoice."""
        link = self.link(kind)
        return KnownDocument(
            link.ledger_id,
            link.number,
            total=link.state["total"],
            content=str(link.notes.get("content", "")),
            fingerprint=link.fingerprint,
            record=link.agreed,
            revision=int(link.notes.get("revision", 0)),
        )


def statuses(record: AppliedRecord) -> list[tuple[str, str]]:
    """What became of each step, by its kind."""
    return [(applied.step.kind, applied.status.value) for applied in record.steps]


def all_parts(document: WantedDocument) -> tuple[OrderPart, ...]:
    """Every position, as much as there is of it."""
    return tuple(OrderPart(index=i, quantity=one.quantity) for i, one in enumerate(document.positions))


def whole_order(document: WantedDocument, *, paid: str = "") -> tuple[OrderWant, ...]:
    """An order that is delivered, invoiced, issued, paid and mailed."""
    parts = all_parts(document)
    pays = (Pay("t1", paid, "CHF", "2026-11-03", None),) if paid else ()
    return (
        PlaceOrder(document),
        Deliver("s1", parts),
        InvoiceFromOrder(document, parts),
        Finish(None, "CHF"),
        *pays,
        Mail(replace(LETTER), "CHF"),
    )


@contextmanager
def a_desk(world: World) -> Iterator[Desk]:
    """A run of a job that works on orders."""
    with world.workspace() as workspace:
        yield Desk(world, prepare(workspace, "orders sync", workspace.store))
