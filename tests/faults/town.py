"""Several sites on the one company of a sandbox, and real processes that start at the same instant."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import dates
from bexsync.engine.result import Result
from bexsync.errors import Exit
from jobs.orders_kit import a_recent_order, paid, settings
from world import BEXSYNC, RealClock, World, a_world, an_invoice

PUSH, POLL, SYNC = ("invoices", "push"), ("payments", "poll"), ("orders", "sync")
Command = tuple[str, tuple[str, ...]]
TOTALS = {"0": Decimal("108.10"), "1": Decimal("108.10"), "2": Decimal("182.65"), "3": Decimal("100.00")}
COMPANY = {
    "kind": "company",
    "company_name": "Rätia Bau AG",
    "first_name": "Gian",
    "last_name": "Caduff",
    "email": "buero@raetiabau.example.ch",
    "billing_address": {"address_line1": "Bahnhofstrasse 1", "postal_code": "7000", "city": "Chur"},
}
BOOKS_AND_PLANS = [
    {"line_id": "20", "name": "Plan", "quantity": "3", "unit_price": "50", "tax_rate": "8.1"},
    {"line_id": "21", "name": "Buch", "quantity": "1", "unit_price": "20", "tax_rate": "2.6"},
]


class Town:
    """One company, a shop for every site, and everybody in a hurry."""

    def __init__(self, world: World, sites: Sequence[str], *, has_orders: bool = False) -> None:
        self.world = world
        self.has_orders = has_orders
        self.is_taken_back = False
        self.sandbox = world.sandbox
        self.sites = {name: self._open(name) for name in sites}

    def _open(self, name: str) -> World:
        folder = self.world.folder / name
        (folder / "shop" / "in").mkdir(parents=True)
        site = World(folder, self.sandbox, self.world.url, RealClock(), folder / "profile.toml")
        site._write_profile(self.world.profile)
        site.set_profile(shop={"site": name}, engine={"settle_seconds": 0.5, "timeout_seconds": 10.0})
        if self.has_orders:
            site.set_profile(orders=settings(status={"paid": "archived"}))
        return site

    def warm_up(self) -> None:
        """Master data, contacts and the state are there, as on any other day."""
        for name, site in self.sites.items():
            site.drop(an_invoice("0", customer=a_person(f"first.of.{name}@example.ch")), name="warm-up.json")
            site.push()
            if self.has_orders:
                customer = a_person(f"first.of.{name}@example.ch")
                site.drop(a_recent_order("o0", status="direct", customer=customer), name="order.json", kind="order")
                site.sync()

    def drop_the_same_customers_everywhere(self) -> None:
        """Three invoices a site, for a person and a company that nobody has in the ledger yet; and a known one."""
        for name, site in self.sites.items():
            site.drop(
                an_invoice("0", customer=a_person(f"first.of.{name}@example.ch"), metadata={"seen": "again"}),
                an_invoice("1"),
                an_invoice("2", customer=COMPANY, lines=BOOKS_AND_PLANS, total="182.67"),
                an_invoice("3", prices_include_tax=True, total="100.00"),
                name="all.json",
            )
            if self.has_orders:
                site.drop(
                    a_recent_order("o1", status="completed", payments=[paid()]),
                    a_recent_order(
                        "o2", status="completed", customer=COMPANY, payments=[paid("50.00"), paid("58.10", "t2")]
                    ),
                    a_recent_order("o3", status="processing"),
                    name="orders.json",
                    kind="order",
                )

    # several processes

    def process(self, site: str, *arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
        """The installed program, waiting for the end of `stdin` where one is given."""
        program = [str(BEXSYNC), "--profile", str(self.sites[site].profile_path), *arguments]
        waiting = ["sh", "-c", 'read _; exec "$0" "$@" </dev/null', *program] if stdin is not None else program
        return subprocess.Popen(
            waiting,
            env=self.world.environment | dates.for_processes(RealClock().now()),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def together(self, commands: Sequence[Command]) -> list[tuple[int, str]]:
        """All of them at the same instant; how each ended and what it said."""
        gate, shot = os.pipe()
        processes = [self.process(site, *arguments, stdin=gate) for site, arguments in commands]
        os.close(gate)
        time.sleep(0.1)
        os.close(shot)
        said = [process.communicate(timeout=60)[0] for process in processes]
        return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]

    @contextmanager
    def slow_answers(self, chance: random.Random, longest: float = 0.02) -> Iterator[None]:
        """Every answer takes a moment of its own, so that processes meet at other places each time."""

        def pause(_request: object) -> None:
            time.sleep(chance.uniform(0, longest))

        self.sandbox.hooks.before.append(pause)
        yield
        self.sandbox.hooks.before.remove(pause)

    @contextmanager
    def somebody_paying(self, chance: random.Random) -> Iterator[None]:
        """As long as the block lasts, one invoice after the other is paid, in part or in full, and none above that."""
        over = threading.Event()

        def pay() -> None:
            while not over.wait(chance.uniform(0.01, 0.1)):
                with self.sandbox.state.lock:
                    issued = [i for i in self.sandbox.invoices() if i["kb_item_status_id"] in (8, 16)]
                    if issued:
                        invoice = chance.choice(issued)
                        part = chance.choice([None, Decimal("10")])
                        if part is not None and part > Decimal(str(invoice["total_remaining_payments"])):
                            part = None
                        self.sandbox.person.pay(invoice["id"], part)

        payer = threading.Thread(target=pay)
        payer.start()
        try:
            yield
        finally:
            over.set()
            payer.join()

    def payments_are_taken_back(self) -> None:
        """News of every invoice that was paid."""
        self.is_taken_back = True
        for invoice in self.sandbox.invoices():
            for payment in self.sandbox.payments(invoice["id"]):
                self.sandbox.person.unpay(payment["id"])

    # afterwards

    def clean_run(self, name: str) -> list[Result]:
        """One run of each job of a site, alone."""
        site = self.sites[name]
        return [site.push(), *([site.sync()] if self.has_orders else []), site.poll(full=True)]

    def come_to_rest(self) -> None:
        """One clean run of each site mends whatever is left; the next one writes nothing and says nothing."""
        for name in self.sites:
            ends = [result.exit_code for result in self.clean_run(name)]
            assert set(ends) == {Exit.OK}, f"site {name}: {ends}"
        before = self.traces()
        for name in self.sites:
            self.clean_run(name)
        assert self.traces() == before, "the run after the last one wrote something"

    def traces(self) -> tuple[int, int, int]:
        """What a run that changes something leaves behind."""
        events = sum(len(site.events()) for site in self.sites.values())
        return self.world.writes(), len(self.sandbox.mails), events

    def judge(self) -> None:
        """Every invoice, mail, contact and relation once; every shop was told how its invoices stand, once each."""
        invoices = self.world.invoices()
        once(f"{invoice['api_reference']}" for invoice in invoices)
        once(f"mail of {mail.invoice_id}" for mail in self.sandbox.mails)
        once(row["mail"] for row in self.sandbox.contacts() if row["mail"])
        once(f"{row['name_1']} {row['name_2']}, {row['postcode']}" for row in self.sandbox.contacts())
        with self.sandbox.state.lock:
            relations = list(self.sandbox.state.tables["contact_relations"].values())
        once(f"{row['contact_id']} with {row['contact_sub_id']}" for row in relations)
        mailed = {mail.invoice_id for mail in self.sandbox.mails}
        for name, site in self.sites.items():
            for shop_id, total in TOTALS.items():
                invoice = site.invoice(shop_id, name)
                assert Decimal(invoice["total"]) == total
                assert invoice["id"] in mailed
                self._judge_events(site, shop_id, invoice)
            if self.has_orders:
                self._judge_orders(name)

    def _judge_orders(self, site: str) -> None:
        """Each order, delivery, invoice and payment once; nothing that nobody knows."""
        prefix = f"bexsync:{site}:order:"
        orders = [row["api_reference"] for row in self.sandbox.orders()]
        once(orders)
        assert {name for name in orders if name.startswith(prefix)} == {f"{prefix}o{n}" for n in "123"}
        invoices = {row["api_reference"]: row for row in self.sandbox.invoices()}
        assert None not in invoices, "an invoice that nobody knows"
        for shop_id in ("o1", "o2"):
            invoice = invoices[f"{prefix}{shop_id}"]
            paid = [Decimal(one["value"]) for one in self.sandbox.payments(invoice["id"])]
            assert Decimal(invoice["total"]) == Decimal("108.10")
            assert sum(paid) == (0 if self.is_taken_back else Decimal("108.10")), paid
            told = {e["event_id"]: e for e in self.sites[site].events() if e["shop_id"] == shop_id}
            names = [event["event"] for event in told.values()]
            once(names)
            assert set(names) >= {"paid", "status"}, names
        assert f"{prefix}o3" not in invoices
        assert len(list(self.sandbox.deliveries())) == 2 * len(self.sites)

    def _judge_events(self, site: World, shop_id: str, invoice: Mapping[str, Any]) -> None:
        events = [event for event in site.events() if event["shop_id"] == shop_id]
        once(event["event_id"] for event in events)
        received = Decimal(invoice["total_received_payments"])
        told = [(event["event"], event.get("paid_amount")) for event in events]
        assert Decimal(events[-1].get("paid_amount", "0")) == received, f"{shop_id} received {received}: {told}"
        assert (events[-1]["status"] == "paid") == (invoice["kb_item_status_id"] == 9), told
        once(f"{shop_id}: {event['event']} {event.get('paid_amount')}" for event in events)


def once(names: Any) -> None:
    """None of them twice."""
    assert [name for name, count in Counter(names).items() if count > 1] == []


def a_person(mail: str) -> dict[str, str]:
    """A customer whose name is as unique as the mail."""
    name = mail.partition("@")[0].title()
    return {"kind": "person", "first_name": "Ina", "last_name": name, "email": mail}


@contextmanager
def a_town(folder: Path, monkeypatch: Any, sites: Sequence[str], *, has_orders: bool = False) -> Iterator[Town]:
    """A fresh company whose time goes on by itself, from the date of all tests."""
    with ExitStack() as stack:
        stack.enter_context(dates.at(dates.NOW))
        yield Town(stack.enter_context(a_world(folder, monkeypatch, clock=None)), sites, has_orders=has_orders)
