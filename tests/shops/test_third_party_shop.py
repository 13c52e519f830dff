"""A shop that is installed beside bexsync: found by its entry point, and used through the real command line."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any

import pytest

from bexsync.errors import TryLater
from bexsync.ports.shop import Shop
from contract.shop import CursorContract, Drop, EventContract, ShopContract, an_invoice
from front_door import called, started
from world import World
from world import an_invoice as a_world_invoice

KEY = {"BEXSYNC_SHOP_SECRET_KEY": "4711"}
INSTALLED = Path(__file__).parent / "third_party"


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(INSTALLED))


def a_till(path: Path) -> sqlite3.Connection:
    till = sqlite3.connect(path, isolation_level=None)
    till.execute("CREATE TABLE sales (version INTEGER PRIMARY KEY AUTOINCREMENT, shop_id UNIQUE, kind, body)")
    till.execute("CREATE TABLE events (event_id PRIMARY KEY, body)")
    return till


def sell(till: sqlite3.Connection, *records: Mapping[str, Any], kind: str = "invoice") -> None:
    for record in records:
        row = (record["shop_id"], kind, json.dumps(record))
        till.execute("INSERT OR REPLACE INTO sales (shop_id, kind, body) VALUES (?, ?, ?)", row)


class TestTheTill(ShopContract, CursorContract, EventContract):
    @pytest.fixture
    def till(self, tmp_path: Path) -> sqlite3.Connection:
        return a_till(tmp_path / "till.db")

    @pytest.fixture
    def shop(self, till: sqlite3.Connection, tmp_path: Path) -> Shop:
        from till_shop import Till

        found: Shop = Till(tmp_path / "till.db")
        return found

    @pytest.fixture
    def drop(self, till: sqlite3.Connection) -> Drop:
        return lambda *records, kind="invoice": sell(till, *records, kind=kind)

    @pytest.fixture
    def traces(self, till: sqlite3.Connection) -> Callable[[], object]:
        return lambda: list(till.iterdump())

    @pytest.fixture
    def delivered(self, till: sqlite3.Connection) -> Callable[[], list[Mapping[str, Any]]]:
        rows = "SELECT event_id, body FROM events"
        return lambda: [{"event_id": key, **json.loads(body)} for key, body in till.execute(rows)]


@pytest.fixture
def till(world: World) -> sqlite3.Connection:
    """A till with one sale, and a profile for it."""
    till = a_till(world.folder / "till.db")
    sell(till, a_world_invoice("1001"))
    database = str(world.folder / "till.db")
    world.set_profile(shop={"type": "till", "database": database, "path": None, "quiet_seconds": None})
    return till


def cursor(world: World) -> str | None:
    with sqlite3.connect(next((world.folder / "state").glob("bexio-*.db"))) as state:
        row = state.execute("SELECT value FROM cursors WHERE name = 'shop:changes'").fetchone()
    return str(row[0]) if row else None


def test_an_invoice_of_the_till_is_booked_and_reported(world: World, till: sqlite3.Connection) -> None:
    pushed = called(world, "invoices", "push", **KEY)
    assert (pushed.returncode, pushed.stderr) == (0, "")
    assert world.invoice("1001")["total"] == "108.100000"
    names = [json.loads(body)["event"] for (body,) in till.execute("SELECT body FROM events")]
    assert names == ["sent"]
    assert cursor(world) == "1"
    before = world.writes()
    assert called(world, "invoices", "push", **KEY).returncode == 0
    assert world.writes() == before


def test_a_change_is_taken_in_and_the_same_again_is_none(world: World, till: sqlite3.Connection) -> None:
    world.set_profile(invoices={"finish": "draft"})
    assert called(world, "invoices", "push", **KEY).returncode == 0
    before = world.writes()
    sell(till, a_world_invoice("1001"))
    assert called(world, "invoices", "push", **KEY).returncode == 0
    assert (cursor(world), world.writes()) == ("2", before)
    sell(till, a_world_invoice("1001", title="Zweite Fassung"), a_world_invoice("1002"), a_world_invoice("1003"))
    assert called(world, "invoices", "push", **KEY).returncode == 0
    assert (cursor(world), len(world.invoices())) == ("5", 3)
    assert world.invoice("1001")["title"] == "Zweite Fassung"


def test_a_sale_that_is_no_invoice_stays_an_error_until_it_is_corrected(world: World, till: sqlite3.Connection) -> None:
    sell(till, an_invoice("1002", total="viel"))
    assert called(world, "invoices", "push", **KEY).returncode == 1
    assert called(world, "invoices", "push", **KEY).returncode == 0
    listed = json.loads(called(world, "errors", "list", "--json").stdout)["data"]["errors"]
    assert [error["shop_id"] for error in listed] == ["1002"]
    sell(till, a_world_invoice("1002"))
    assert called(world, "invoices", "push", **KEY).returncode == 0
    assert json.loads(called(world, "errors", "list", "--json").stdout)["data"]["errors"] == []


def test_a_dry_run_moves_no_cursor(world: World, till: sqlite3.Connection) -> None:
    planned = called(world, "invoices", "push", "--dry-run", "--json", **KEY)
    assert json.loads(planned.stdout)["data"]["counts"] == {"planned": 1}
    assert cursor(world) is None


def test_a_run_that_ends_between_two_batches_goes_on_at_the_second(
    world: World, till: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    import till_shop

    def unreachable(shop: object, version: int, kind: str, body: str) -> object:
        if version > 2:
            raise TryLater("The till does not answer.")
        return read(shop, version, kind, body)

    read = till_shop.Till._record
    sell(till, a_world_invoice("1002"), a_world_invoice("1003"))
    with monkeypatch.context() as patch:
        patch.setattr(till_shop.Till, "_record", unreachable)
        assert called(world, "invoices", "push", **KEY).returncode == 75
    assert (cursor(world), world.invoices()) == ("2", [])
    assert called(world, "invoices", "push", **KEY).returncode == 0
    assert (cursor(world), len(world.invoices())) == ("3", 3)


def test_config_check_finds_what_is_wrong(world: World, till: sqlite3.Connection) -> None:
    assert called(world, "config", "check", **KEY).returncode == 0
    checked = called(world, "config", "check", "--json")
    assert (checked.returncode, "BEXSYNC_SHOP_SECRET_KEY is not set" in checked.stdout) == (78, True)
    world.set_profile(shop={"database": "/nowhere/till.db"})
    assert "There is no till /nowhere/till.db." in called(world, "config", "check", **KEY).stderr
    world.set_profile(shop={"databse": "x"})
    checked = called(world, "config", "check", **KEY)
    assert "has the unknown key `shop.databse`. Did you mean `database`?" in checked.stderr
    line = 1 + world.profile_path.read_text().splitlines().index('databse = "x"')
    assert f"default.toml, line {line}: " in checked.stderr


def test_config_check_goes_on_behind_a_mistake(world: World, till: sqlite3.Connection) -> None:
    """Also where a variable names the type of the shop."""
    world.set_profile(shop={"type": None, "database": "/nowhere/till.db"}, ledger={"curency": "CHF"})
    checked = called(world, "config", "check", BEXSYNC_SHOP__TYPE="till", **KEY)
    assert "has the unknown key `ledger.curency`." in checked.stderr
    assert "There is no till /nowhere/till.db." in checked.stderr
    assert "shop.database" not in checked.stderr


def test_a_missing_secret_stops_before_anything_is_booked(world: World, till: sqlite3.Connection) -> None:
    pushed = called(world, "invoices", "push")
    assert (pushed.returncode, "BEXSYNC_SHOP_SECRET_KEY is not set" in pushed.stderr) == (78, True)
    assert world.writes() == 0


@pytest.mark.parametrize(
    ("shop_type", "sentence"),
    [
        ("tilt", 'says `shop.type = "tilt"`, which must be "broken", "folder" or "till".'),
        ("broken", 'The shop "broken" cannot be loaded from till_shop:Missing: AttributeError'),
    ],
)
def test_a_type_that_cannot_be_used_is_one_sentence(world: World, shop_type: str, sentence: str) -> None:
    world.set_profile(shop={"type": shop_type})
    for command in (("invoices", "push"), ("config", "check")):
        run = called(world, *command, **KEY)
        assert (run.returncode, sentence in run.stderr) == (78, True), run.stderr


def test_without_products_the_reason_is_named(world: World, till: sqlite3.Connection) -> None:
    world.set_profile(products={"enabled": True})
    synced = called(world, "products", "sync", **KEY)
    assert (synced.returncode, "This shop has no list of products." in synced.stderr) == (78, True)


def test_init_asks_what_the_till_needs(world: World, till: sqlite3.Connection) -> None:
    new = world.folder / "new.toml"
    variables = {"BEXSYNC_SHOP__TYPE": "till", "BEXSYNC_SHOP__DATABASE": str(world.folder / "till.db"), **KEY}
    options = ("init", "--yes", "--api-url", world.url, "--skip-test", "--site", "kiosk")
    done = started(world, "--profile", str(new), *options, **variables)
    assert done.returncode == 0, done.stderr
    assert tomllib.loads(new.read_text())["shop"] == {
        "type": "till", "database": str(world.folder / "till.db"), "site": "kiosk",
    }  # fmt: skip


def test_init_refuses_a_folder_for_the_till(world: World, till: sqlite3.Connection) -> None:
    options = ("init", "--yes", "--api-url", world.url, "--shop", "elsewhere")
    done = started(world, "--profile", str(world.folder / "new.toml"), *options, BEXSYNC_SHOP__TYPE="till", **KEY)
    assert (done.returncode, "the shop is of the type till" in done.stderr) == (2, True)


def test_the_folder_needs_no_entry_point(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_other_groups(*, group: str) -> EntryPoints:
        assert group != "bexsync.shops"
        return entry_points(group=group)

    monkeypatch.setattr("importlib.metadata.entry_points", of_other_groups)
    world.drop(a_world_invoice())
    assert called(world, "invoices", "push").returncode == 0
