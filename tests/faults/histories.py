"""Random histories: a shop that changes its mind, people in the ledger, crashes, faults, lost states, odd clocks.

The model remembers what the shop said last of every invoice and what people did to it; the books of the sandbox are
judged against it whenever everything has come to rest.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from bexio_sandbox import Fault
from bexsync.engine.result import Result
from bexsync.errors import BexsyncError, Exit, LoginNeeded, TryLater
from bexsync.hooks import observed_by
from bexsync.jobs.lifecycle import RunEnded
from bexsync.wiring import open_error_desk
from crash.test_crash_sweep import Killed, Reaper
from world import TOKEN, TestClock, World, a_world, an_invoice

AN_EVENING_BEFORE_THE_CLOCKS_GO_BACK = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)
MOST_LOSSES = 2
DRAFT, ISSUED, PAID, PARTLY, CANCELLED = 7, 8, 9, 16, 19
STANDINGS = {DRAFT: "draft", ISSUED: "issued", PAID: "paid", PARTLY: "partly_paid", CANCELLED: "cancelled"}
CENT, ROUNDING = Decimal("0.01"), Decimal("0.05")
CUSTOMERS: tuple[dict[str, Any], ...] = (
    {"kind": "person", "first_name": "Anna", "last_name": "Keller", "email": "anna@example.ch"},
    {"kind": "person", "first_name": "Anna", "last_name": "Keller", "email": "ANNA@example.ch"},
    {"kind": "person", "first_name": "Beat", "last_name": "Frei", "email": "beat@example.ch"},
    {
        "kind": "company",
        "company_name": "Rätia Bau AG",
        "first_name": "Gian",
        "last_name": "Caduff",
        "email": "buero@raetiabau.example.ch",
        "billing_address": {"address_line1": "Bahnhofstrasse 1", "postal_code": "7000", "city": "Chur"},
    },
)
FINISHES: dict[str, dict[str, Any]] = {
    "draft": {"leave_as_draft": True},
    "issue": {"auto_send": False},
    "send": {},
}
STRUCK = (
    ("POST", "/2.0/contact"),
    ("POST", "/2.0/kb_invoice"),
    ("POST", "/2.0/kb_invoice/{id}"),
    ("POST", "/2.0/kb_invoice/{id}/issue"),
    ("POST", "/2.0/kb_invoice/{id}/send"),
    ("POST", "/2.0/kb_invoice/search"),
    ("*", "/2.0/kb_invoice/{id}/kb_position_custom*"),
    ("GET", "/2.0/kb_invoice/{id}"),
    ("GET", "/2.0/contact"),
)
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("drop_before", {}),
    ("drop_after", {}),
    ("error_before", {}),
    ("error_before", {"repeat": 3}),
    ("error_after", {"status": 503}),
    ("html_502", {}),
    ("html_after", {}),
    ("truncated", {}),
    ("half_create", {}),
    ("too_many", {}),
    ("doubled_search", {}),
    ("token_expired", {}),
    ("clock_jump", {"seconds": -3600}),
    ("clock_jump", {"seconds": 90}),
)

line_lists = st.lists(
    st.tuples(
        st.sampled_from(["100", "19.95", "0.35", "1250"]),
        st.sampled_from(["1", "3", "0.5"]),
        st.sampled_from(["8.1", "2.6"]),
    ),
    min_size=1,
    max_size=3,
)


@dataclass
class Told:
    """What the shop said last of an invoice, what people did to its document, and what of it may be forgotten."""

    record: dict[str, Any]
    finish: str
    total: Decimal
    deeds: set[str] = field(default_factory=set)
    is_forgotten: bool = False
    was_forgotten: bool = False
    was_cancelled: bool = False


class Histories(RuleBasedStateMachine):
    """One history of one company with one site."""

    tried: ClassVar[Counter[str]] = Counter()
    invoices = Bundle("invoices")

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        self.world: World = self._stack.enter_context(a_world(folder, patch))
        assert isinstance(self.world.clock, TestClock)
        self.clock = self.world.clock
        self.clock.moment = AN_EVENING_BEFORE_THE_CLOCKS_GO_BACK
        self.world.set_profile(engine={"settle_seconds": 30.0, "timeout_seconds": 5.0}, errors={"stop_after": 1000})
        self.told: dict[str, Told] = {}
        self.copy: Path | None = None
        self.drops = 0
        self.losses = 0
        self.tried["histories"] += 1

    def teardown(self) -> None:
        try:
            self._come_to_rest_and_judge()
        finally:
            self._stack.close()

    # the shop

    @rule(
        target=invoices,
        customer=st.sampled_from(CUSTOMERS),
        lines=line_lists,
        is_gross=st.booleans(),
        finish=st.sampled_from(sorted(FINISHES)),
    )
    def drop_a_new_one(self, customer: dict[str, Any], lines: list[Any], is_gross: bool, finish: str) -> str:
        shop_id = str(len(self.told) + 1)
        record = an_invoice(shop_id, customer=customer, prices_include_tax=is_gross)
        self.told[shop_id] = Told(record, finish, Decimal(0))
        self._say(shop_id, lines, finish)
        return shop_id

    @rule(shop_id=invoices, lines=line_lists, finish=st.sampled_from(sorted(FINISHES)))
    def drop_a_changed_one(self, shop_id: str, lines: list[Any], finish: str) -> None:
        self._say(shop_id, lines, finish)

    @rule(shop_id=invoices)
    def drop_it_cancelled(self, shop_id: str) -> None:
        told = self.told[shop_id]
        told.record = {**told.record, "status": "cancelled"}
        told.was_cancelled = True
        self._drop(shop_id)

    @rule(shop_id=invoices)
    def drop_the_same_again(self, shop_id: str) -> None:
        self._drop(shop_id)

    def _say(self, shop_id: str, lines: list[Any], finish: str) -> None:
        told = self.told[shop_id]
        told.finish = finish
        told.total = total_of(lines, is_gross=told.record["prices_include_tax"])
        kept = {key: told.record[key] for key in told.record if key not in ("leave_as_draft", "auto_send", "status")}
        told.record = {**kept, "lines": lines_of(lines), "total": str(told.total), **FINISHES[finish]}
        self._drop(shop_id)

    def _drop(self, shop_id: str) -> None:
        self.drops += 1
        self.told[shop_id].is_forgotten = False
        self.world.drop(self.told[shop_id].record, name=f"{self.drops:05}.json")

    # bexsync

    @rule()
    def push(self) -> None:
        self._run("push")

    @rule(is_full=st.booleans())
    def poll(self, is_full: bool) -> None:
        self._run("poll", is_full=is_full)

    @rule(at=st.integers(1, 90))
    def push_and_die(self, at: int) -> None:
        self.tried["crashes"] += 1
        with suppress(Killed), observed_by(Reaper(at)):
            self._run("push")

    @rule(at=st.integers(1, 40))
    def poll_and_die(self, at: int) -> None:
        self.tried["crashes"] += 1
        with suppress(Killed), observed_by(Reaper(at)):
            self._run("poll")

    @rule(fault=st.sampled_from(FAULTS), where=st.sampled_from(STRUCK), nth=st.integers(1, 2))
    def push_on_a_bad_day(self, fault: tuple[str, dict[str, Any]], where: tuple[str, str], nth: int) -> None:
        self.tried["faults"] += 1
        name, parameters = fault
        self.world.sandbox.faults.plan([Fault(name, *where, nth=nth, **parameters)])
        self._run("push")
        self.world.sandbox.faults.clear()

    def _run(self, job: str, *, is_full: bool = True) -> Result | None:
        """As cron would; a token that no longer works is replaced, as a person would."""
        self.tried["runs"] += 1
        try:
            return self.world.push() if job == "push" else self.world.poll(full=is_full)
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

    @precondition(lambda self: self.world.invoices())
    @rule(which=st.integers(0, 5), amount=st.sampled_from([None, Decimal("0.10"), Decimal("5")]))
    def somebody_pays(self, which: int, amount: Decimal | None) -> None:
        self._deed(which, "pay", amount)

    @precondition(lambda self: any(self.world.sandbox.payments(i["id"]) for i in self.world.invoices()))
    @rule()
    def the_bank_takes_it_all_back(self) -> None:
        for document in self.world.invoices():
            for payment in self.world.sandbox.payments(document["id"]):
                self.world.sandbox.person.unpay(payment["id"])

    @precondition(lambda self: self.world.invoices())
    @rule(which=st.integers(0, 5), deed=st.sampled_from(["cancel", "delete"]))
    def somebody_clears_up(self, which: int, deed: str) -> None:
        self._deed(which, deed)

    @precondition(lambda self: self.world.invoices())
    @rule(which=st.integers(0, 5))
    def somebody_edits_the_title(self, which: int) -> None:
        self._deed(which, "edit", title="Changed by a person")

    @precondition(lambda self: self.world.sandbox.contacts())
    @rule(which=st.integers(0, 5))
    def somebody_archives_a_contact(self, which: int) -> None:
        contacts = self.world.sandbox.contacts()
        self.world.sandbox.person.archive_contact(contacts[which % len(contacts)]["id"])

    def _deed(self, which: int, deed: str, *arguments: Any, **fields: Any) -> None:
        documents = self.world.invoices()
        document = documents[which % len(documents)]
        with suppress(ValueError):  # what nobody can do, such as paying a draft, nobody does
            getattr(self.world.sandbox.person, deed)(document["id"], *arguments, **fields)
            self.told[str(document["api_reference"]).rpartition(":")[2]].deeds.add(deed)
            self.tried["deeds"] += 1

    # the state

    @precondition(lambda self: self.losses < MOST_LOSSES and self._state_files())
    @rule()
    def the_state_is_lost(self) -> None:
        self.tried["lost states"] += 1
        for file in self._state_files():
            file.unlink()
        self._forget()

    @precondition(lambda self: self._state_files())
    @rule()
    def a_copy_is_kept(self) -> None:
        self.copy = self.world.folder / "copy"
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        for file in self._state_files():
            shutil.copy(file, self.copy)

    @precondition(lambda self: self.losses < MOST_LOSSES and self.copy is not None)
    @rule()
    def the_copy_is_restored(self) -> None:
        assert self.copy is not None
        self.tried["restored states"] += 1
        for file in self._state_files():
            file.unlink()
        for file in self.copy.iterdir():
            shutil.copy(file, self.world.folder / "state")
        self._forget()

    def _state_files(self) -> list[Path]:
        return list(self.world.folder.glob("state/bexio-*.db*"))

    def _forget(self) -> None:
        """What a lost state knew of invoices has to be dropped again before anything but the strict rules holds."""
        self.losses += 1
        for told in self.told.values():
            told.is_forgotten = told.was_forgotten = True

    # time

    @rule(minutes=st.sampled_from([1, 10, 180, 60 * 24, 60 * 24 * 7]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)

    @rule(minutes=st.sampled_from([2, 60, 60 * 24]))
    def the_clock_is_put_back(self, minutes: int) -> None:
        self.tried["clocks put back"] += 1
        self.clock.forward(minutes=-minutes)

    # judgement

    @rule()
    def everything_comes_to_rest(self) -> None:
        self._come_to_rest_and_judge()

    def _come_to_rest_and_judge(self) -> None:
        self._come_to_rest()
        before = self._traces()
        self._run("push")
        self._run("poll")
        assert self._traces() == before, "the run after the last one wrote something"
        self._judge_strictly()
        errors = self._open_errors()
        for shop_id, told in self.told.items():
            self._judge(shop_id, told, errors.get(shop_id, ""))

    def _come_to_rest(self) -> None:
        quiet = 0
        for _ in range(15):
            before = self._traces()
            pushed, polled = self._run("push"), self._run("poll")
            self.clock.forward(seconds=40)
            ends = {run.exit_code if run else Exit.TRY_LATER for run in (pushed, polled)}
            quiet = quiet + 1 if Exit.TRY_LATER not in ends and before == self._traces() else 0
            if quiet == 2:
                return
        raise AssertionError(f"it does not come to rest: {pushed}, {polled}")

    def _traces(self) -> tuple[int, int, int]:
        return self.world.writes(), len(self.world.sandbox.mails), len(self.world.events())

    def _open_errors(self) -> dict[str, str]:
        with open_error_desk(str(self.world.profile_path), clock=self.clock) as desk:
            return {error.shop_id: error.message for error in desk.open_errors(include_acknowledged=True)}

    def _documents(self, shop_id: str) -> list[dict[str, Any]]:
        return [i for i in self.world.invoices() if i["api_reference"] == f"bexsync:main:invoice:{shop_id}"]

    def _judge_strictly(self) -> None:
        """What holds whatever happened: one document, one mail, one contact."""
        once(invoice["api_reference"] for invoice in self.world.invoices())
        once(mail.invoice_id for mail in self.world.sandbox.mails)
        contacts = [*self.world.sandbox.contacts(), *self.world.sandbox.contacts(archived=True)]
        once(str(contact["mail"]).casefold() for contact in contacts if contact["mail"])
        once((contact["name_1"], contact["name_2"], contact["postcode"]) for contact in contacts)

    def _judge(self, shop_id: str, told: Told, error: str) -> None:
        documents = self._documents(shop_id)
        if documents:
            self._judge_events(shop_id, documents[0])
        if told.is_forgotten:
            return
        if told.record.get("status") == "cancelled":
            live = [d for d in documents if d["kb_item_status_id"] != CANCELLED]
            assert not live or error, f"{shop_id} is cancelled in the shop, and nobody says so"
            return
        if error:
            return
        if not documents:
            assert "delete" in told.deeds, f"{shop_id} is lost"
            return
        (document,) = documents
        if "cancel" in told.deeds:
            return
        assert abs(Decimal(document["total"]) - told.total) <= ROUNDING, f"{shop_id}: {document['total']} {told.total}"
        mails = sum(mail.invoice_id == document["id"] for mail in self.world.sandbox.mails)
        if told.finish == "send" and not told.was_forgotten:
            assert mails == 1, f"{shop_id} was not mailed"
        if told.finish != "draft":
            assert document["kb_item_status_id"] != DRAFT, f"{shop_id} is still a draft"

    def _judge_events(self, shop_id: str, document: dict[str, Any]) -> None:
        events = [event for event in self.world.events() if event["shop_id"] == shop_id]
        assert events, f"the shop was never told of {shop_id}"
        last, story = events[-1], [(e["event"], e["status"], e.get("paid_amount"), e.get("total")) for e in events]
        assert last["status"] == STANDINGS[document["kb_item_status_id"]], story
        assert Decimal(last.get("paid_amount", "0")) == Decimal(document["total_received_payments"]), story
        assert Decimal(last["total"]) == Decimal(document["total"]), story


def once(names: Any) -> None:
    assert [name for name, count in Counter(names).items() if count > 1] == []


def lines_of(lines: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [
        {"line_id": str(n), "name": f"Teil {n}", "unit_price": price, "quantity": quantity, "tax_rate": rate}
        for n, (price, quantity, rate) in enumerate(lines, 1)
    ]


def total_of(lines: list[tuple[str, str, str]], *, is_gross: bool) -> Decimal:
    """What a shop that rounds at the end asks for."""
    exact = sum(
        Decimal(price) * Decimal(quantity) * (1 if is_gross else 1 + Decimal(rate) / 100)
        for price, quantity, rate in lines
    )
    return Decimal(exact).quantize(CENT, "ROUND_HALF_UP")
