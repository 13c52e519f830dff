"""Random histories of orders: a shop that changes its mind, people in the ledger, crashes, faults, lost states.

Whatever happened: no document, payment or mail twice, nothing of a status is missing where nobody was asked, and in the
end a run writes nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule

from bexio_sandbox import Fault
from bexsync.engine.result import Result
from bexsync.errors import BexsyncError, Exit, LoginNeeded, TryLater
from bexsync.hooks import observed_by
from bexsync.jobs.lifecycle import RunEnded
from bexsync.wiring import open_error_desk
from crash.test_crash_sweep import Killed, Reaper
from faults.histories import CUSTOMERS, FAULTS, ROUNDING, line_lists, lines_of, once, total_of
from jobs.orders_kit import DEFAULT_ACTIONS, RECENT, settings
from world import TOKEN, TestClock, World, a_world, an_order

DRAFT, CANCELLED = 7, 19
MOST_LOSSES = 1
STATUSES = sorted(DEFAULT_ACTIONS)
STRUCK = (
    ("POST", "/2.0/contact"),
    ("POST", "/2.0/kb_order"),
    ("DELETE", "/2.0/kb_order/{id}"),
    ("POST", "/2.0/kb_order/{id}/delivery"),
    ("POST", "/2.0/kb_delivery/{id}/issue"),
    ("POST", "/2.0/kb_order/{id}/invoice"),
    ("POST", "/2.0/kb_invoice/{id}"),
    ("POST", "/2.0/kb_invoice/{id}/payment"),
    ("POST", "/2.0/kb_invoice/{id}/send"),
    ("GET", "/2.0/kb_order/{id}"),
    ("GET", "/2.0/kb_invoice/{id}"),
)
ON_ORDERS = ("finish_order", "cancel_order", "delete_order", "deliver_order", "invoice_order", "edit_order_price")
ON_INVOICES = ("issue", "cancel", "delete", "edit_price")
FIRST_VERSION = datetime(2026, 11, 18, 10, tzinfo=UTC)


@dataclass
class Told:
    """What the shop said last of an order, and what people did to its documents."""

    record: dict[str, Any]
    total: Decimal = Decimal(0)
    statuses: set[str] = field(default_factory=set)
    deeds: set[str] = field(default_factory=set)


class OrderHistories(RuleBasedStateMachine):
    """One history of the orders of one shop."""

    tried: ClassVar[Counter[str]] = Counter()
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        self.world: World = self._stack.enter_context(a_world(folder, patch))
        assert isinstance(self.world.clock, TestClock)
        self.clock = self.world.clock
        self.world.set_profile(
            engine={"settle_seconds": 30.0, "timeout_seconds": 5.0},
            errors={"stop_after": 1000},
            limits={"cancels": 1000},
            orders=settings(cancel="delete", backfill_after_days=365, status={"paid": "archived"}),
        )
        self.told: dict[str, Told] = {}
        self.by_people: set[int] = set()
        self.drops = 0
        self.losses = 0
        self.tried["histories"] += 1

    def teardown(self) -> None:
        try:
            self._come_to_rest_and_judge()
        finally:
            self._stack.close()

    # the shop

    @initialize(target=orders)
    def an_order_stands(self) -> str:
        return self._begin("processing")

    @initialize(target=orders)
    def an_invoice_is_out(self) -> str:
        return self._begin("invoiced")

    def _begin(self, status: str) -> str:
        shop_id = self.place_one(CUSTOMERS[0], [("19.95", "3", "8.1")], status)
        self._run("sync")
        return shop_id

    @rule(target=orders, customer=st.sampled_from(CUSTOMERS), lines=line_lists, status=st.sampled_from(STATUSES))
    def place_one(self, customer: dict[str, Any], lines: list[Any], status: str) -> str:
        shop_id = str(len(self.told) + 1)
        self.told[shop_id] = Told(an_order(shop_id, ordered_at=RECENT, customer=customer, payments=[], fulfillments=[]))
        self._say(shop_id, status=status, **self._priced(shop_id, lines))
        return shop_id

    @rule(shop_id=orders, status=st.sampled_from(STATUSES))
    def change_its_status(self, shop_id: str, status: str) -> None:
        self._say(shop_id, status=status)

    @rule(shop_id=orders, lines=line_lists)
    def change_its_lines(self, shop_id: str, lines: list[Any]) -> None:
        self._say(shop_id, **self._priced(shop_id, lines))

    @rule(shop_id=orders, part=st.sampled_from(["1", "0.5", "0.3"]))
    def pay_in_the_shop(self, shop_id: str, part: str) -> None:
        told = self.told[shop_id]
        amount = (told.total * Decimal(part)).quantize(Decimal("0.01"))
        if amount:
            known = told.record["payments"]
            paid = {"currency": "CHF", "paid_at": "2026-11-19T08:00:00Z", "amount": str(amount)}
            self._say(shop_id, payments=[*known, {"shop_id": f"{shop_id}-{len(known)}", **paid}])

    @rule(shop_id=orders)
    def refund_a_little(self, shop_id: str) -> None:
        refund = {"shop_id": f"r{shop_id}", "amount": "0.05", "currency": "CHF", "refunded_at": RECENT}
        self._say(shop_id, refunds=[refund])

    @rule(shop_id=orders)
    def ship_it(self, shop_id: str) -> None:
        if not self.told[shop_id].record["fulfillments"]:
            self._say(shop_id, fulfillments=[{"shop_id": f"f{shop_id}", "shipped_at": RECENT}])

    @rule(shop_id=orders)
    def say_the_same_again(self, shop_id: str) -> None:
        self._drop(shop_id)

    def _priced(self, shop_id: str, lines: list[Any]) -> dict[str, Any]:
        self.told[shop_id].total = total_of(lines, is_gross=False)
        return {"lines": lines_of(lines), "total": str(self.told[shop_id].total)}

    def _say(self, shop_id: str, **changes: Any) -> None:
        told, at = self.told[shop_id], FIRST_VERSION + timedelta(seconds=self.drops)
        told.record = {**told.record, "updated_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", **changes}
        told.statuses.add(told.record["status"])
        self._drop(shop_id)

    def _drop(self, shop_id: str) -> None:
        self.drops += 1
        self.world.drop(self.told[shop_id].record, name=f"{self.drops:05}.json", kind="order")

    # bexsync

    @rule()
    def sync(self) -> None:
        self._run("sync")

    @rule()
    def poll(self) -> None:
        self._run("poll")

    @rule(at=st.integers(1, 150))
    def sync_and_die(self, at: int) -> None:
        self.tried["crashes"] += 1
        with suppress(Killed), observed_by(Reaper(at)):
            self._run("sync")

    @rule(fault=st.sampled_from(FAULTS), where=st.sampled_from(STRUCK), nth=st.integers(1, 2))
    def sync_on_a_bad_day(self, fault: tuple[str, dict[str, Any]], where: tuple[str, str], nth: int) -> None:
        self.tried["faults"] += 1
        name, parameters = fault
        self.world.sandbox.faults.plan([Fault(name, *where, nth=nth, **parameters)])
        self._run("sync")
        self.world.sandbox.faults.clear()

    def _run(self, job: str) -> Result | None:
        """As cron would; a token that no longer works is replaced, as a person would."""
        self.tried["runs"] += 1
        try:
            return self.world.sync() if job == "sync" else self.world.poll(full=True)
        except RunEnded as ended:
            problem: BexsyncError = ended.problem
        except LoginNeeded as needed:
            problem = needed
        if isinstance(problem, LoginNeeded):
            self.world.sandbox.create_token(token=TOKEN)
        elif not isinstance(problem, TryLater):
            raise problem
        return None

    # people

    @precondition(lambda self: self.world.sandbox.orders())
    @rule(which=st.integers(0, 5), deed=st.sampled_from(ON_ORDERS))
    def somebody_works_on_an_order(self, which: int, deed: str) -> None:
        self._deed(self.world.sandbox.orders(), which, deed)

    @precondition(lambda self: self.world.invoices())
    @rule(which=st.integers(0, 5), deed=st.sampled_from(ON_INVOICES))
    def somebody_works_on_an_invoice(self, which: int, deed: str) -> None:
        self._deed(self.world.invoices(), which, deed)

    @precondition(lambda self: self.world.invoices())
    @rule(which=st.integers(0, 5), amount=st.sampled_from([None, Decimal("0.10")]))
    def somebody_pays(self, which: int, amount: Decimal | None) -> None:
        before = self._payment_ids()
        self._deed(self.world.invoices(), which, "pay", amount)
        self.by_people |= self._payment_ids() - before

    def _deed(self, documents: Any, which: int, deed: str, *arguments: Any) -> None:
        rows = list(documents)
        row = rows[which % len(rows)]
        more = (0, "0.9") if deed.startswith("edit") else ()
        with suppress(ValueError):  # what nobody can do, such as paying a draft, nobody does
            getattr(self.world.sandbox.person, deed)(row["id"], *arguments, *more)
            self.tried["deeds"] += 1
            told = self.told.get(str(row["api_reference"]).rpartition(":")[2])
            if told is not None:
                told.deeds.add(deed)

    def _payment_ids(self) -> set[int]:
        return {row["id"] for row in self.world.sandbox.payments()}

    # the state

    @precondition(lambda self: self.losses < MOST_LOSSES)
    @rule()
    def the_state_is_lost(self) -> None:
        self._come_to_rest()  # what is in doubt and carries no reference cannot be found again without it
        self.losses += 1
        self.tried["lost states"] += 1
        for file in self.world.folder.glob("state/bexio-*.db*"):
            file.unlink()
        for shop_id in self.told:
            self._drop(shop_id)

    @rule(minutes=st.sampled_from([1, 60, 60 * 24, 60 * 24 * 7]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)

    # judgement

    @rule()
    def everything_comes_to_rest(self) -> None:
        self._come_to_rest_and_judge()

    def _come_to_rest_and_judge(self) -> None:
        self._come_to_rest()
        before = self._traces()
        self._run("sync")
        self._run("poll")
        assert self._traces() == before, "the run after the last one wrote something"
        with open_error_desk(str(self.world.profile_path), clock=self.clock) as desk:
            errors = {error.shop_id: error.message for error in desk.open_errors(include_acknowledged=True)}
        self._judge_strictly(errors)
        for shop_id, told in self.told.items():
            if shop_id not in errors and not told.deeds and told.record["status"] != "cancelled":
                self._judge(shop_id, told)

    def _come_to_rest(self) -> None:
        quiet = 0
        for _ in range(15):
            before = self._traces()
            runs = [self._run("sync"), self._run("poll")]
            self.clock.forward(seconds=40)
            waits = any(run is None or run.exit_code is Exit.TRY_LATER for run in runs)
            quiet = quiet + 1 if not waits and before == self._traces() else 0
            if quiet == 2:
                return
        raise AssertionError(f"it does not come to rest: {runs}")

    def _traces(self) -> tuple[int, int, int]:
        return self.world.writes(), len(self.world.sandbox.mails), len(self.world.events())

    def _judge_strictly(self, errors: dict[str, str]) -> None:
        """What holds whatever happened: no order, invoice, payment, mail or contact twice."""
        box = self.world.sandbox
        invoices = {row["id"]: row for row in box.invoices()}
        once(row["api_reference"] for row in box.orders() if row["api_reference"])
        once(row["api_reference"] for row in invoices.values() if row["api_reference"])
        once(mail.invoice_id for mail in box.mails)
        once(str(row["mail"]).casefold() for row in (*box.contacts(), *box.contacts(archived=True)) if row["mail"])
        by_people = sum("invoice_order" in told.deeds for told in self.told.values())
        nameless = sum(not row["api_reference"] for row in invoices.values())
        assert nameless <= by_people + len(errors), "an invoice that nobody knows"
        for number, invoice in invoices.items():
            paid = [row for row in box.payments(number) if row["id"] not in self.by_people]
            told = self.told.get(str(invoice["api_reference"]).rpartition(":")[2])
            assert len(paid) <= (len(told.record["payments"]) if told is not None else 0), "a payment twice"
            assert sum(Decimal(row["value"]) for row in paid) <= Decimal(invoice["total"]), "too much was booked"

    def _judge(self, shop_id: str, told: Told) -> None:
        """Everything that its status wants is there, where no person had a part in it and nobody was asked."""
        reference = f"bexsync:main:order:{shop_id}"
        orders = [row for row in self.world.sandbox.orders() if row["api_reference"] == reference]
        invoices = [row for row in self.world.invoices() if row["api_reference"] == reference]
        actions = DEFAULT_ACTIONS[told.record["status"]]
        if told.total and "order" in actions:
            assert orders or invoices, f"order {shop_id} is lost"
        for document in (*orders, *invoices):
            if document["kb_item_status_id"] != CANCELLED:
                assert abs(Decimal(document["total"]) - told.total) <= ROUNDING, f"{shop_id}: {document['total']}"
        if "issue" not in actions or told.total < ROUNDING:
            return
        (invoice,) = invoices
        if invoice["kb_item_status_id"] == CANCELLED:  # by the shop, before
            return
        assert invoice["kb_item_status_id"] != DRAFT, f"{shop_id} is still a draft"
        if "payment" in actions:
            wanted = min(sum(Decimal(one["amount"]) for one in told.record["payments"]), Decimal(invoice["total"]))
            assert abs(Decimal(invoice["total_received_payments"]) - wanted) <= ROUNDING, f"{shop_id} is not paid"
        if not self.losses:
            mails = sum(mail.invoice_id == invoice["id"] for mail in self.world.sandbox.mails)
            assert mails == 1, f"{shop_id} was not mailed"
