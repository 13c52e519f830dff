"""A whole world for tests: a sandbox on a real socket, a drop box, a profile, a clock that can be moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import tomli_w

import dates
from bexio_sandbox import Sandbox
from bexsync.engine.result import Result
from bexsync.http.clock import SystemClock
from bexsync.jobs.connection import Report, try_connection
from bexsync.jobs.invoice_choice import PushOptions
from bexsync.jobs.invoices import push
from bexsync.jobs.lifecycle import RunEnded
from bexsync.jobs.order_choice import SyncOptions
from bexsync.jobs.orders import sync as sync_orders
from bexsync.jobs.payments import poll
from bexsync.jobs.product_lists import ProductOptions
from bexsync.jobs.products import sync
from bexsync.jobs.stock import StockOptions, pull
from bexsync.jobs.workspace import Workspace
from bexsync.wiring import open_workspace

TOKEN = "canary-token-3f9a1c7e55"
BEXSYNC = Path(sys.executable).with_name("bexsync")
NOW = dates.NOW

# One after the other, so that tests can say what comes when; TESTS_IN_FLIGHT=8 tries most of them with more.
IN_FLIGHT = int(os.environ.get("TESTS_IN_FLIGHT", "1"))

DEFAULT_PROFILE: dict[str, Any] = {
    "ledger": {"revenue_account": "3200", "language": "de"},
    "shop": {"type": "folder", "path": "./shop", "site": "main", "quiet_seconds": 0.0},
    "invoices": {"finish": "send", "start_date": "2026-01-01", "due_days": 30},
    "engine": {"settle_seconds": 2.0, "timeout_seconds": 5.0, "in_flight": IN_FLIGHT},
}


@dataclass
class TestClock:
    """A clock that stands still until it is moved; sleeping moves it."""

    __test__ = False
    moment: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def forward(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class RealClock(SystemClock):
    """The computer's time; moving it forward means waiting a little."""

    def forward(self, **_delta: float) -> None:
        time.sleep(0.2)


@dataclass
class World:
    """One company in the sandbox, one shop, one profile; `push` and `poll` run in this process with `clock`."""

    folder: Path
    sandbox: Sandbox
    url: str
    clock: TestClock | RealClock
    profile_path: Path
    last: RunEnded | None = None

    def set_profile(self, **sections: Mapping[str, Any]) -> None:
        """Changes keys of the profile: `set_profile(invoices={"finish": "draft"})`; None takes a key away."""
        profile = {name: dict(values) for name, values in self.profile.items()}
        for name, values in sections.items():
            merged = {**profile.get(name, {}), **values}
            profile[name] = {key: value for key, value in merged.items() if value is not None}
        self._write_profile(profile)

    def _write_profile(self, profile: Mapping[str, Any]) -> None:
        self.profile = profile
        self.profile_path.write_text(tomli_w.dumps(profile))

    profile: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shop(self) -> Path:
        return self.folder / "shop"

    def drop(self, *records: Mapping[str, Any], name: str = "drop.json", kind: str = "invoice") -> Path:
        """Drops one file with these records; `schema` and `kind` are added."""
        target = self.shop / "in" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        body = [{"schema": "bexsync/1", "kind": kind, **record} for record in records]
        target.write_text(json.dumps(body if len(body) != 1 else body[0], ensure_ascii=False))
        self.date(target)
        return target

    def drop_bytes(self, content: bytes, name: str) -> Path:
        target = self.shop / "in" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.date(target)
        return target

    def date(self, path: Path, *, seconds_ago: float = 0.0) -> None:
        """The file was last written by the world's clock, not by the computer's."""
        moment = self.clock.now().timestamp() - seconds_ago
        os.utime(path, (moment, moment))

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        workspace = open_workspace(str(self.profile_path), clock=self.clock)
        try:
            yield workspace
        finally:
            workspace.close()

    def push(self, **options: Any) -> Result:
        with self.workspace() as workspace:
            return push(workspace, PushOptions(**options))

    def sync(self, **options: Any) -> Result:
        with self.workspace() as workspace:
            return sync_orders(workspace, SyncOptions(**options))

    def poll(self, *, full: bool = False) -> Result:
        with self.workspace() as workspace:
            return poll(workspace, full=full)

    def list_products(self, *products: Mapping[str, Any], name: str = "products.json") -> None:
        """The shop's list of products is these from now on."""
        (self.shop / "catalog").mkdir(exist_ok=True)
        body = [{"schema": "bexsync/1", "kind": "product", **product} for product in products]
        target = self.shop / "catalog" / name
        target.write_text(json.dumps(body, ensure_ascii=False))
        self.date(target)

    def sync_products(self, **options: Any) -> Result:
        with self.workspace() as workspace:
            return sync(workspace, ProductOptions(**options))

    def pull_stock(self, **options: Any) -> Result:
        with self.workspace() as workspace:
            return pull(workspace, StockOptions(**options))

    def try_connection(self, *, trial: bool = True) -> Report:
        with self.workspace() as workspace:
            return try_connection(workspace, lambda report: trial and report.worth_trying)

    def cli(self, *arguments: str, **more_environment: str) -> subprocess.CompletedProcess[str]:
        """The installed program in a process of its own, as cron would start it."""
        return subprocess.run(
            [BEXSYNC, "--profile", self.profile_path, *arguments],
            env=self.environment | more_environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "BEXSYNC_STATE_DIR": str(self.folder / "state"),
            "BEXSYNC_ACCESS_TOKEN": TOKEN,
            **dates.for_processes(self.clock.now()),
        }

    # what stands in the books

    def invoices(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.sandbox.invoices()]

    def invoice(self, shop_id: str, site: str = "main") -> dict[str, Any]:
        (found,) = [i for i in self.invoices() if i["api_reference"] == f"bexsync:{site}:invoice:{shop_id}"]
        return found

    def items(self) -> dict[str, dict[str, Any]]:
        """The items in bexio by their code."""
        return {str(row["intern_code"]): dict(row) for row in self.sandbox.items()}

    def told(self, name: str) -> dict[str, dict[str, str]]:
        """What the shop was told in out/products.csv or out/stock.csv, by shop id."""
        import csv

        path = self.shop / "out" / f"{name}.csv"
        if not path.exists():
            return {}
        with path.open(newline="") as file:
            return {row["shop_id"]: {k: v for k, v in row.items() if v} for row in csv.DictReader(file)}

    def writes(self) -> int:
        """How many requests so far could have changed the books."""
        return sum(r.method != "GET" and not r.path.endswith("/search") for r in self.sandbox.requests)

    def events(self) -> list[dict[str, Any]]:
        # A clock that is put back over the end of a month goes on in an older file, so that names say nothing.
        files = sorted(self.shop.glob("out/events-*.ndjson"), key=lambda file: file.stat().st_mtime_ns)
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def status(self) -> dict[str, dict[str, str]]:
        import csv

        with (self.shop / "out" / "status.csv").open(newline="") as file:
            return {row["shop_id"]: row for row in csv.DictReader(file)}


@contextmanager
def a_world(folder: Path, monkeypatch: Any, **sandbox_options: Any) -> Iterator[World]:
    """A fresh world; sandbox options are those of `Sandbox`."""
    clock = TestClock()
    options = {"clock": clock.now, "token": TOKEN, "rate_limits": False, **sandbox_options}
    sandbox = Sandbox(**options)
    with sandbox.serve() as url:
        (folder / "shop" / "in").mkdir(parents=True, exist_ok=True)
        (folder / "home").mkdir()
        world = World(folder, sandbox, url, clock, folder / "default.toml")
        world._write_profile({**DEFAULT_PROFILE, "ledger": {**DEFAULT_PROFILE["ledger"], "api_url": url}})
        monkeypatch.setenv("BEXSYNC_STATE_DIR", str(folder / "state"))
        monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", TOKEN)
        monkeypatch.setenv("HOME", str(folder / "home"))
        yield world
    sandbox.close()


def a_product(shop_id: str = "17", **changes: Any) -> dict[str, Any]:
    """A plain good product of 108.10 CHF; keyword arguments replace fields, None takes one away."""
    product: dict[str, Any] = {
        "shop_id": shop_id,
        "sku": f"A-{shop_id}",
        "title": f"Tisch {shop_id}",
        "description": "<p>Aus <b>Holz</b></p>",
        "price": "108.10",
        "tax_rate": "8.1",
        "weight": "1.5",
        "stock": "5",
        "url": f"https://shop.example.ch/{shop_id}",
    }
    product |= changes
    return {key: value for key, value in product.items() if value is not None}


def an_invoice(shop_id: str = "1001", **changes: Any) -> dict[str, Any]:
    """A plain good invoice of 108.10 CHF; keyword arguments replace fields, None takes one away."""
    invoice: dict[str, Any] = {
        "shop_id": shop_id,
        "invoice_date": "2026-11-02",
        "currency": "CHF",
        "customer": {
            "kind": "person",
            "first_name": "Anna",
            "last_name": "Keller",
            "email": "anna.keller@example.ch",
            "language": "de",
            "billing_address": {
                "address_line1": "Seestrasse 12",
                "postal_code": "8640",
                "city": "Rapperswil",
                "country_code": "CH",
            },
        },
        "lines": [{"line_id": "10", "name": "Beratung", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"}],
        "total": "108.10",
    }
    invoice |= changes
    return {key: value for key, value in invoice.items() if value is not None}


def an_order(shop_id: str = "5001", at: str | None = "2026-11-04T10:00:00Z", **changes: Any) -> dict[str, Any]:
    """A plain good order of 108.10 CHF, last changed `at`; keyword arguments replace fields, None takes one away."""
    customer = an_invoice()["customer"]
    order: dict[str, Any] = {
        "shop_id": shop_id,
        "status": "processing",
        "ordered_at": "2026-11-04T09:00:00Z",
        "updated_at": at,
        "currency": "CHF",
        "customer": customer,
        "lines": [{"line_id": "10", "name": "Tasse", "quantity": "1", "unit_price": "100", "tax_rate": "8.1"}],
        "total": "108.10",
    }
    order |= changes
    return {key: value for key, value in order.items() if value is not None}
