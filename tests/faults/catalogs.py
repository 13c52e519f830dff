"""Random histories of products: two shops that share some of them, people in bexio, crashes, faults, lost states.

The shop is master of title and price, bexio of description, weight and stock; both sides change what they like.
Whatever happened: one item a code, the master's word on both sides, and in the end nothing left to write.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bexio_sandbox import Fault
from bexsync.engine.result import Result
from bexsync.errors import BexsyncError, Exit, LoginNeeded, TryLater
from bexsync.hooks import observed_by
from bexsync.jobs.lifecycle import RunEnded
from bexsync.records.html_text import plain_text
from crash.test_crash_sweep import Killed, Reaper
from faults.histories import once
from world import TOKEN, TestClock, World, a_product, a_world

SITES = ("main", "second")
SHARED, OWN = ("1", "2"), ("3", "4")
TITLES = ("Tisch", "Bank & Stuhl", "Hocker <neu>")
PRICES = ("108.10", "0.07", "19.95", "1081")
TEXTS = ("Aus Holz", "Aus Eiche<br/>geölt", "1 &lt; 2 &amp; 3", "")
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("drop_before", {}),
    ("drop_after", {}),
    ("error_before", {"repeat": 3}),
    ("error_after", {"status": 503}),
    ("html_after", {}),
    ("truncated", {}),
    ("too_many", {}),
    ("doubled_search", {}),
    ("token_expired", {}),
)
STRUCK = (
    ("POST", "/2.0/article"),
    ("POST", "/2.0/article/{id}"),
    ("GET", "/2.0/article"),
    ("GET", "/2.0/article/{id}"),
)
MOST_LOSSES = 1
sites, ids = st.sampled_from(SITES), st.sampled_from((*SHARED, *OWN))


class Catalogs(RuleBasedStateMachine):
    """One history of one company with two sites."""

    tried: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        self.main: World = self._stack.enter_context(a_world(folder, patch))
        assert isinstance(self.main.clock, TestClock)
        masters = {"title": "shop", "price": "shop", "description": "ledger", "weight": "ledger", "stock": "ledger"}
        self.main.set_profile(
            engine={"settle_seconds": 30.0, "timeout_seconds": 5.0},
            errors={"stop_after": 1000},
            products={"enabled": True, "sku_conflicts": "share", "negative_stock": "keep", **masters},
        )
        self.worlds = {"main": self.main, "second": self._second(folder / "second")}
        self.lists: dict[str, dict[str, dict[str, Any]]] = {site: {} for site in SITES}
        self.deleted: set[str] = set()
        self.losses = 0
        for site in SITES:
            for shop_id in SHARED[:1]:
                self._put(site, a_product(shop_id))
        self.tried["histories"] += 1

    def _second(self, folder: Path) -> World:
        (folder / "shop" / "in").mkdir(parents=True)
        world = World(folder, self.main.sandbox, self.main.url, self.main.clock, folder / "second.toml")
        world._write_profile(self.main.profile)
        world.set_profile(shop={"site": "second"})
        return world

    def teardown(self) -> None:
        try:
            self._come_to_rest_and_judge()
        finally:
            self._stack.close()

    # the shops

    def _put(self, site: str, product: dict[str, Any]) -> None:
        """Products of their own carry a SKU of their own; shared ones are the same in both shops."""
        shop_id = product["shop_id"]
        for name in SITES if shop_id in SHARED else (site,):
            sku = f"S-{shop_id}" if shop_id in SHARED else f"{name}-{shop_id}"
            self.lists[name][shop_id] = {**product, "sku": sku}
            self._write(name)

    def _write(self, site: str) -> None:
        self.worlds[site].list_products(*self.lists[site].values())

    @rule(site=sites, shop_id=ids, title=st.sampled_from(TITLES), price=st.sampled_from(PRICES))
    def a_shop_lists_or_changes(self, site: str, shop_id: str, title: str, price: str) -> None:
        before = self.lists[site].get(shop_id, a_product(shop_id))
        self._put(site, {**before, "title": title, "price": price})

    @rule(site=sites, shop_id=ids, text=st.sampled_from(("<p>Neu</p>", "Aus <b>Holz</b>")), stock=st.integers(0, 9))
    def a_shop_changes_what_bexio_rules(self, site: str, shop_id: str, text: str, stock: int) -> None:
        if shop_id in self.lists[site]:
            self._put(site, {**self.lists[site][shop_id], "description": text, "stock": str(stock)})

    @rule(site=sites)
    def a_shop_takes_over_what_it_was_told(self, site: str) -> None:
        world = self.worlds[site]
        for shop_id, row in world.told("products").items():
            if shop_id in self.lists[site]:
                news = {name: row[name] for name in ("description", "weight", "weight_unit") if name in row}
                self.lists[site][shop_id] |= news
        for shop_id, row in world.told("stock").items():
            known = self.lists[site].get(shop_id)
            if known is not None and known.get("stock", "") == row.get("expected", ""):
                known["stock"] = row["stock"]
        self._write(site)

    @rule(site=sites, shop_id=ids)
    def a_shop_drops_a_product(self, site: str, shop_id: str) -> None:
        if len(self.lists[site]) > 1:
            self.lists[site].pop(shop_id, None)
            self._write(site)

    # people in bexio

    @precondition(lambda self: self._ours())
    @rule(
        which=st.integers(0, 5),
        changes=st.sampled_from(
            (
                {"intern_name": "Von Hand"},
                {"sale_price": "55.55"},
                *({"intern_description": text} for text in TEXTS),
                {"weight": 2000},
                {"deliverer_name": "Holz AG"},
            )
        ),
    )
    def somebody_edits_an_item(self, which: int, changes: dict[str, Any]) -> None:
        items = self._ours()
        self.main.sandbox.person.edit_item(items[which % len(items)]["id"], **changes)
        self.tried["deeds"] += 1

    @precondition(lambda self: self._ours())
    @rule(which=st.integers(0, 5), pieces=st.integers(-3, 3))
    def somebody_books_stock(self, which: int, pieces: int) -> None:
        items = self._ours()
        with suppress(ValueError):
            self.main.sandbox.person.book_stock(items[which % len(items)]["id"], pieces)

    @precondition(lambda self: self._ours())
    @rule(which=st.integers(0, 5))
    def somebody_deletes_an_item(self, which: int) -> None:
        items = self._ours()
        item = items[which % len(items)]
        self.main.sandbox.person.delete_item(item["id"])
        self.deleted.add(item["intern_code"])

    def _ours(self) -> list[dict[str, Any]]:
        return [dict(r) for r in self.main.sandbox.items() if r["intern_code"].startswith(("S-", *SITES))]

    # bexsync

    @rule(site=sites)
    def sync(self, site: str) -> None:
        self._run(site, "sync_products")

    @rule(site=sites)
    def pull(self, site: str) -> None:
        self._run(site, "pull_stock")

    @rule(site=sites, job=st.sampled_from(("sync_products", "pull_stock")), at=st.integers(1, 40))
    def die(self, site: str, job: str, at: int) -> None:
        self.tried["crashes"] += 1
        with suppress(Killed), observed_by(Reaper(at)):
            self._run(site, job)

    @rule(site=sites, fault=st.sampled_from(FAULTS), where=st.sampled_from(STRUCK), nth=st.integers(1, 2))
    def sync_on_a_bad_day(self, site: str, fault: tuple[str, dict[str, Any]], where: tuple[str, str], nth: int) -> None:
        self.tried["faults"] += 1
        name, parameters = fault
        self.main.sandbox.faults.plan([Fault(name, *where, nth=nth, **parameters)])
        self._run(site, "sync_products")
        self.main.sandbox.faults.clear()

    @precondition(lambda self: self.losses < MOST_LOSSES)
    @rule()
    def the_state_is_lost(self) -> None:
        files = list(self.main.folder.glob("state/bexio-*.db*"))
        for file in files:
            file.unlink()
        self.losses += bool(files)
        self.deleted.clear()  # nobody remembers that there was such an item: it is created anew

    @rule(minutes=st.sampled_from([1, 180, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self.main.clock.forward(minutes=minutes)

    def _run(self, site: str, job: str) -> Result | None:
        self.tried["runs"] += 1
        try:
            found: Result = getattr(self.worlds[site], job)()
            return found
        except RunEnded as ended:
            problem: BexsyncError = ended.problem
        except LoginNeeded as needed:
            problem = needed
        if isinstance(problem, LoginNeeded):
            self.main.sandbox.create_token(token=TOKEN)
        elif not isinstance(problem, TryLater):
            raise problem
        return None

    # judgement

    def _traces(self) -> list[Any]:
        told = [(site, name, self.worlds[site].told(name)) for site in SITES for name in ("products", "stock")]
        return [self.main.writes(), told]

    def _come_to_rest_and_judge(self) -> None:
        quiet = 0
        for _ in range(12):
            before = self._traces()
            runs = [self._run(site, job) for site in SITES for job in ("sync_products", "pull_stock")]
            self.main.clock.forward(seconds=40)
            waits = any(run is None or run.exit_code is Exit.TRY_LATER for run in runs)
            quiet = quiet + 1 if not waits and before == self._traces() else 0
            if quiet == 2:
                break
        else:
            raise AssertionError(f"it does not come to rest: {runs}")
        once(item["intern_code"] for item in self._ours())
        for site in SITES:
            for product in self.lists[site].values():
                self._judge(self.worlds[site], product)

    def _judge(self, world: World, product: dict[str, Any]) -> None:
        shop_id, code = product["shop_id"], product["sku"]
        item = world.items().get(code)
        if item is None:
            with world.workspace() as workspace:
                error = workspace.store.errors.of("product", shop_id)
            assert code in self.deleted, f"{code} is lost"
            assert error is not None, f"{code} is gone, and nobody says so"
            return
        assert item["intern_name"] == product["title"]
        net = Decimal(product["price"]) / Decimal("1.081")
        assert abs(Decimal(item["sale_price"]) - net) <= Decimal("0.005"), (item["sale_price"], product["price"])
        told = world.told("products")[shop_id]
        assert (told["ledger_id"], told["ledger_code"]) == (str(item["id"]), code)
        text = plain_text(item["intern_description"] or "")
        if text:  # what bexio does not say overwrites nothing
            assert plain_text(told.get("description", product["description"])) == text
        if item["weight"] is not None:
            in_shop = Decimal(product["weight"]) * (1 if product.get("weight_unit") == "g" else 1000)
            assert Decimal(told.get("weight", in_shop)) == item["weight"]
        self._judge_stock(world, product, item)

    def _judge_stock(self, world: World, product: dict[str, Any], item: dict[str, Any]) -> None:
        stock = Decimal(item["stock_available_nr"])
        if item["is_stock"] and Decimal(product["stock"]) != stock:
            row = world.told("stock")[product["shop_id"]]
            assert (Decimal(row["stock"]), row["expected"]) == (stock, product["stock"])
