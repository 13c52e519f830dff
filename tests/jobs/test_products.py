"""products sync, through the front door: a real folder, real sockets, and the sandbox's strict forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Fault
from bexsync.engine.result import Result
from bexsync.errors import ConfigurationProblem, Exit, PlanTooBig
from bexsync.jobs.lifecycle import RunEnded
from bexsync.jobs.products import check
from front_door import called
from world import World, a_product, a_world


@pytest.fixture
def shop(world: World) -> World:
    world.set_profile(products={"enabled": True, "weight": "shop"})
    return world


def synced(shop: World, *products: dict[str, Any]) -> World:
    """A shop whose products are in bexio already, and the files as they are then."""
    shop.list_products(*(products or (a_product(),)))
    assert shop.sync_products().exit_code is Exit.OK
    return shop


def traces(shop: World) -> tuple[int, list[tuple[str, int]]]:
    """What a run that writes nothing leaves as it is: the books, and every file of the shop."""
    files = sorted((str(f), f.stat().st_mtime_ns) for f in (shop.shop / "out").glob("*") if f.suffix == ".csv")
    return shop.writes(), files


def said(result: Result) -> dict[str, tuple[str, str, str]]:
    return {o.shop_id: (o.action, o.status.value, o.code) for o in result.outcomes}


def reasons(result: Result) -> str:
    return "\n".join(f"{o.shop_id}: {o.reason} {o.hint}" for o in result.outcomes)


# creating, linking


def test_a_new_item_and_the_links_both_ways(shop: World) -> None:
    result = synced(shop, a_product(), a_product("18", type="service", unit="h")).sync_products()
    assert result.counts == {"unchanged": 2}
    item, service = shop.items()["A-17"], shop.items()["A-18"]
    assert (item["intern_name"], item["intern_description"]) == ("Tisch 17", "Aus Holz")
    assert (item["sale_price"], item["weight"], item["currency_id"]) == ("100.000000", 1500, 1)
    assert (item["article_type_id"], item["is_stock"], item["stock_nr"]) == (1, True, 5)
    assert item["remarks"] == "https://shop.example.ch/17"
    assert (service["article_type_id"], service["is_stock"], service["unit_id"]) == (2, False, 2)
    url = f"https://office.bexio.com/index.php/article/show/id/{item['id']}"
    assert shop.told("products")["17"] == {
        "shop_id": "17", "sku": "A-17", "ledger_id": str(item["id"]), "ledger_code": "A-17", "url": url,
    }  # fmt: skip


def test_the_second_run_writes_nothing_anywhere(shop: World) -> None:
    odd = (
        a_product("18", price="0.07", weight="0.0004"),
        a_product("19", description="<br>a &lt;b"),
        a_product("20", description="<p>So wird es <b>fett</b>: &lt;b&gt;fett&lt;/b&gt;</p>"),
    )
    synced(shop, a_product(), *odd)
    before = traces(shop)
    requests = len(shop.sandbox.requests)
    shop.list_products(a_product(), *odd)
    assert shop.sync_products().counts == {"unchanged": 4}
    assert traces(shop) == before
    assert len(shop.sandbox.requests) == requests + 1


def test_an_item_that_is_there_is_linked_not_created(shop: World) -> None:
    shop.sandbox.person.create_item("A-17", "Tisch 17", intern_description="Aus Holz", sale_price="100", weight=1500)
    shop.list_products(a_product())
    before = shop.writes()
    assert said(shop.sync_products()) == {"17": ("link", "done", "")}
    assert shop.writes() == before
    assert shop.told("products")["17"]["ledger_code"] == "A-17"


def test_what_differs_when_they_first_meet_goes_by_the_master(shop: World) -> None:
    shop.set_profile(products={"title": "ledger"})
    shop.sandbox.person.create_item("A-17", "Esstisch", sale_price="90", intern_description="Aus Holz", weight=1500)
    shop.list_products(a_product())
    result = shop.sync_products()
    assert said(result) == {"17": ("update item and tell shop", "done", "")}
    assert "price: they differed when they first met, what the shop says stands" in reasons(result)
    assert shop.items()["A-17"]["sale_price"] == "100.000000"
    assert shop.items()["A-17"]["intern_name"] == "Esstisch"
    assert shop.told("products")["17"]["title"] == "Esstisch"
    before = traces(shop)
    assert shop.sync_products().counts == {"unchanged": 1}  # the shop has not taken it over yet
    shop.list_products(a_product(title="Esstisch"))
    assert shop.sync_products().counts == {"unchanged": 1}
    assert traces(shop) == before


def test_only_what_changed_is_written(shop: World) -> None:
    synced(shop, a_product(), a_product("18"))
    shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], deliverer_name="Holz AG", purchase_price="50")
    shop.list_products(a_product(title="Tisch, rund"), a_product("18"))
    assert said(shop.sync_products()) == {"17": ("update item", "done", "")}
    item = shop.items()["A-17"]
    assert (item["intern_name"], item["deliverer_name"], item["purchase_price"]) == (
        "Tisch, rund",
        "Holz AG",
        "50.000000",
    )
    assert item["intern_description"] == "Aus Holz"


@pytest.mark.parametrize("doubt", ["partial", "four", "emptied"])
def test_an_edit_leaves_the_rest_alone_whatever_bexio_makes_of_forms(
    doubt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"item_edit": doubt}) as shop:
        shop.set_profile(products={"enabled": True})
        synced(shop, a_product(), a_product("18"))
        for code in ("A-17", "A-18"):
            shop.sandbox.person.edit_item(shop.items()[code]["id"], deliverer_name="Holz AG", width=40)
        before = shop.items()
        shop.list_products(a_product(title="Neu"), a_product("18", title="Auch neu"))
        shop.sync_products()
        after = shop.items()
        for code, title in (("A-17", "Neu"), ("A-18", "Auch neu")):
            assert after[code] == {**before[code], "intern_name": title}


@pytest.mark.parametrize(
    ("fault", "nth"),
    [
        ("drop_after", 1),
        ("drop_before", 2),
        *(pytest.param(f, n, marks=pytest.mark.slow) for n in (1, 2) for f in ("error_after", "truncated")),
    ],
)
def test_finding_that_out_loses_nothing_where_the_answer_is_lost(
    fault: str, nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"item_edit": "emptied", "item_required": "none"}) as shop:
        shop.set_profile(products={"enabled": True})
        synced(shop)
        shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], deliverer_name="Holz AG", width=40)
        before = shop.items()["A-17"]
        shop.list_products(a_product(title="Neu"))
        shop.sandbox.faults.plan([Fault(fault, "POST", "/2.0/article/{id}", nth=nth)])
        for _ in range(4):
            shop.sync_products()
            shop.clock.forward(minutes=5)
        assert shop.items()["A-17"] == {**before, "intern_name": "Neu"}


def test_a_person_who_was_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bexio refuses the second item of a code: the first one is it, and what it says is nobody's agreement."""
    with a_world(tmp_path, monkeypatch, behaviours={"item_codes": "unique"}) as shop:
        shop.set_profile(products={"enabled": True})
        shop.list_products(a_product())
        shop.sandbox.faults.plan([Fault("person", "POST", "/2.0/article", action="create_item", title="Von Hand")])
        for _ in range(2):
            shop.sync_products()
        item = shop.items()["A-17"]
        assert (item["intern_name"], item["sale_price"]) == ("Tisch 17", "100.000000")
        before = traces(shop)
        assert shop.sync_products().counts == {"unchanged": 1}
        assert traces(shop) == before


# who is master


@pytest.mark.parametrize(
    ("master", "title", "told", "sentence"),
    [
        ("shop", "Rund", None, "title: changed on both sides, what the shop says stands"),
        ("ledger", "Oval", "Oval", "title: changed on both sides, what bexio says stands"),
    ],
)
def test_changed_on_both_sides(shop: World, master: str, title: str, told: str | None, sentence: str) -> None:
    shop.set_profile(products={"title": master})
    synced(shop)
    shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], intern_name="Oval")
    shop.list_products(a_product(title="Rund"))
    result = shop.sync_products()
    assert sentence in reasons(result)
    assert shop.items()["A-17"]["intern_name"] == title
    assert shop.told("products")["17"].get("title") == told
    before = traces(shop)
    assert shop.sync_products().counts == {"unchanged": 1}
    assert traces(shop) == before


def test_the_same_change_undone_twice(shop: World) -> None:
    synced(shop)
    for _ in range(3):
        shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], intern_name="Oval")
        result = shop.sync_products()
        assert "changed in bexio alone, put back to what the shop says" in reasons(result)
        assert shop.items()["A-17"]["intern_name"] == "Tisch 17"


def test_back_and_forth_is_written_each_time(shop: World) -> None:
    synced(shop)
    for title in ("A", "B", "A", "B", "A"):
        shop.list_products(a_product(title=title))
        shop.sync_products()
        assert shop.items()["A-17"]["intern_name"] == title
    shop.set_profile(products={"title": "ledger"})
    for title in ("C", "D", "C"):
        shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], intern_name=title)
        shop.sync_products()
        assert shop.told("products")["17"]["title"] == title


def test_a_field_that_has_another_master_now_is_taken_back(shop: World) -> None:
    shop.set_profile(products={"title": "ledger"})
    synced(shop)
    shop.sandbox.person.edit_item(shop.items()["A-17"]["id"], intern_name="Esstisch")
    shop.sync_products()
    assert shop.told("products")["17"]["title"] == "Esstisch"
    shop.set_profile(products={"title": "shop"})
    shop.sync_products()
    assert "title" not in shop.told("products")["17"]
    assert shop.items()["A-17"]["intern_name"] == "Tisch 17"


def test_prices_that_bexio_rules_come_as_the_shop_has_them(shop: World) -> None:
    shop.set_profile(products={"price": "ledger", "description": "ledger", "weight": "ledger"})
    synced(shop, a_product(), a_product("18", prices_include_tax=False, price="50"))
    for code in ("A-17", "A-18"):
        shop.sandbox.person.edit_item(
            shop.items()[code]["id"], sale_price="92.51", weight=250, intern_description="Neu<br/>&amp; gut"
        )
    shop.sync_products()
    gross, net = shop.told("products")["17"], shop.told("products")["18"]
    assert (gross["price"], net["price"]) == ("100", "92.51")
    assert (gross["weight"], gross["weight_unit"]) == ("250", "g")
    assert gross["description"] == "Neu\n& gut"


def test_formatting_alone_is_no_other_text(shop: World) -> None:
    shop.set_profile(products={"description": "ledger"})
    synced(shop)
    shop.list_products(a_product(description="<div>Aus <em>Holz</em></div>"))
    before = traces(shop)
    assert shop.sync_products().counts == {"unchanged": 1}
    assert traces(shop) == before


# what is in the way


def test_a_sku_that_is_there_twice_names_both(shop: World) -> None:
    shop.list_products(a_product(), a_product("18", sku="A-17"), a_product("19"))
    result = shop.sync_products()
    assert said(result)["17"] == said(result)["18"] == ("sync", "blocked", "sku_twice")
    assert "17 and 18" in reasons(result)
    assert set(shop.items()) >= {"A-19"}
    assert "A-17" not in shop.items()
    assert result.exit_code is Exit.SOME_FAILED


def test_items_of_one_code_are_named_with_links(shop: World) -> None:
    for _ in range(2):
        shop.sandbox.person.create_item("A-17", "Tisch")
    shop.list_products(a_product())
    result = shop.sync_products()
    assert said(result) == {"17": ("sync", "blocked", "item_ambiguous")}
    assert reasons(result).count("https://office.bexio.com/index.php/article/show/id/") == 2


def test_without_sku(shop: World) -> None:
    shop.list_products(a_product(sku=None), a_product("18"))
    result = shop.sync_products()
    assert result.counts == {"done": 1, "ignored": 1}
    assert any("no SKU and was left out: 17" in remark for remark in result.remarks)
    shop.set_profile(products={"without_sku": "create"})
    assert shop.sync_products().counts == {"done": 1, "unchanged": 1}
    assert shop.items()["main-17"]["intern_name"] == "Tisch 17"


def test_one_bad_product_does_not_stop_the_others(shop: World) -> None:
    shop.list_products(
        a_product(tax_rate="7.7"), a_product("18", currency="JPY"), a_product("19", price="12,5x"), a_product("20")
    )
    result = shop.sync_products()
    assert {k: v[1] for k, v in said(result).items()} == {
        "17": "blocked",
        "18": "blocked",
        "19": "failed",
        "20": "done",
    }
    with shop.workspace() as workspace:
        assert {row.shop_id for row in workspace.store.errors.open()} == {"17", "18", "19"}
    shop.list_products(a_product(), a_product("18"), a_product("19"), a_product("20"))
    assert shop.sync_products().exit_code is Exit.OK
    with shop.workspace() as workspace:
        assert workspace.store.errors.open() == []


def test_what_vanished_is_said_once_and_comes_back(shop: World) -> None:
    synced(shop, a_product(), a_product("18"), a_product("19"))
    shop.list_products(a_product("18"), a_product("19"))
    shop.sandbox.person.delete_item(shop.items()["A-18"]["id"])
    first = said(shop.sync_products())
    assert first == {"17": ("sync", "blocked", "product_vanished"), "18": ("sync", "blocked", "item_vanished")}
    again = shop.sync_products()
    assert (again.exit_code, again.counts) == (Exit.OK, {"ignored": 2, "unchanged": 1})
    with shop.workspace() as workspace:
        assert len(workspace.store.errors.open()) == 2
    shop.list_products(a_product(title="wieder da"), a_product("18"), a_product("19"))
    shop.sync_products()
    assert shop.items()["A-17"]["intern_name"] == "wieder da"
    with shop.workspace() as workspace:
        assert [row.shop_id for row in workspace.store.errors.open()] == ["18"]
    assert called(shop, "links", "forget", "product:18", "--yes").returncode == 0
    assert said(shop.sync_products()) == {"18": ("create", "done", "")}
    assert shop.items()["A-18"]["intern_name"] == "Tisch 18"


def test_an_item_that_was_created_again_is_linked_again(shop: World) -> None:
    synced(shop)
    shop.sandbox.person.delete_item(shop.items()["A-17"]["id"])
    assert said(shop.sync_products()) == {"17": ("sync", "blocked", "item_vanished")}
    shop.sandbox.person.create_item("A-17", "Von Hand", sale_price="100", intern_description="Aus Holz", weight=1500)
    assert said(shop.sync_products()) == {"17": ("update item", "done", "")}
    assert shop.items()["A-17"]["intern_name"] == "Tisch 17"
    assert shop.told("products")["17"]["ledger_id"] == str(shop.items()["A-17"]["id"])
    assert shop.sync_products().counts == {"unchanged": 1}
    with shop.workspace() as workspace:
        assert workspace.store.errors.open() == []


def test_a_ledger_that_hides_its_items_stops_the_run(shop: World) -> None:
    synced(shop, *(a_product(str(n)) for n in range(20, 32)))
    for n in range(20, 32):
        shop.sandbox.person.delete_item(shop.items()[f"A-{n}"]["id"])
    with pytest.raises(RunEnded) as ended:
        shop.sync_products()
    assert isinstance(ended.value.problem, ConfigurationProblem)
    assert "--confirm 12" in ended.value.problem.hint
    assert shop.sync_products(confirm=12).counts == {"blocked": 12}


def test_a_sku_that_changes_is_for_a_person(shop: World) -> None:
    synced(shop)
    shop.list_products(a_product(sku="B-1"))
    result = shop.sync_products()
    assert said(result) == {"17": ("sync", "blocked", "sku_changed")}
    assert "links forget product:17" in reasons(result)
    assert "B-1" not in shop.items()


def test_an_acknowledged_error_rests_until_it_is_another(shop: World) -> None:
    shop.list_products(a_product(tax_rate="7.7"))
    assert shop.sync_products().exit_code is Exit.SOME_FAILED
    assert called(shop, "errors", "ack", "all").returncode == 0
    assert shop.sync_products().exit_code is Exit.OK
    shop.list_products(a_product(tax_rate="3.7"))
    assert shop.sync_products().exit_code is Exit.SOME_FAILED


def test_a_refused_edit_is_tried_again_when_asked(shop: World) -> None:
    synced(shop)
    shop.list_products(a_product(description="&" * 19_000))  # as HTML it is longer than bexio's form takes
    assert said(shop.sync_products())["17"][1:] == ("failed", "refused")
    before = shop.writes()
    assert said(shop.sync_products())["17"][1:] == ("failed", "refused")
    assert shop.writes() == before
    assert called(shop, "errors", "retry", "all").returncode == 0
    assert shop.sync_products().exit_code is Exit.SOME_FAILED
    assert shop.writes() > before
    shop.list_products(a_product(description="&" * 19))
    assert shop.sync_products().exit_code is Exit.OK
    assert shop.items()["A-17"]["intern_description"] == "&amp;" * 19


def test_without_the_right_to_stock_items_come_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch) as shop:
        shop.sandbox.person.unbook_module("stock")
        shop.set_profile(products={"enabled": True})
        shop.list_products(a_product(), a_product("18"))
        result = shop.sync_products()
        assert result.counts == {"done": 2}
        assert reasons(result).count("without its stock") == 2
        assert [shop.items()[code]["is_stock"] for code in ("A-17", "A-18")] == [False, False]
        refused = [r for r in shop.sandbox.requests if r.status == 403]
        assert len(refused) == 1


# plans


def test_a_dry_run_shows_every_field_and_changes_nothing(shop: World) -> None:
    synced(shop, a_product(), a_product("18"))
    shop.sandbox.person.edit_item(shop.items()["A-18"]["id"], intern_name="Oval")
    shop.list_products(a_product(title="Rund", price="54.05"), a_product("18"), a_product("19"))
    before = traces(shop)
    result = shop.sync_products(dry_run=True)
    fields = {(f["shop_id"], f["field"]): (f["old"], f["new"], f["master"]) for f in result.data["fields"]}
    assert fields["17", "title"] == ("Tisch 17", "Rund", "shop")
    assert fields["17", "price"] == ("100", "50", "shop")
    assert fields["18", "title"] == ("Oval", "Tisch 18", "shop")
    assert fields["19", "stock"] == ("", "5", "ledger")
    assert (result.data["plan"]["items"], result.data["plan"]["products"]) == (1, 2)
    assert traces(shop) == before


def test_a_big_plan_refuses_itself(shop: World) -> None:
    shop.set_profile(products={"creates": 1, "changes": 1})
    shop.list_products(a_product(), a_product("18"))
    with pytest.raises(RunEnded) as ended:
        shop.sync_products()
    assert isinstance(ended.value.problem, PlanTooBig)
    assert "2 new items (limit 1)" in ended.value.problem.message
    assert "A-17" not in shop.items()
    assert shop.sync_products(confirm=2).counts == {"done": 2}


def test_one_product_at_a_time(shop: World) -> None:
    shop.list_products(a_product(), a_product("18"), a_product("19"))
    assert said(shop.sync_products(skus=("A-18",))) == {"18": ("create", "done", "")}
    assert said(shop.sync_products(ids=("19",))) == {"19": ("create", "done", "")}
    assert said(shop.sync_products(ids=("19",))) == {"19": ("sync", "unchanged", "")}
    unknown = shop.sync_products(skus=("a-18",), ids=("99",))
    assert said(unknown) == {"a-18": ("sync", "failed", "unknown_id"), "99": ("sync", "failed", "unknown_id")}
    assert "A-17" not in shop.items()
    shop.list_products(a_product(), a_product("18", title="x"), a_product("19", title="x"), a_product("20"))
    assert len(said(shop.sync_products(limit=2))) == 2
    assert shop.sync_products().counts["done"] == 2


def test_a_check_names_everything_and_writes_nothing(shop: World) -> None:
    synced(shop, a_product(), a_product("18"))
    shop.list_products(
        a_product("18", sku="A-19"),
        a_product("19"),
        a_product("20", sku=None),
        a_product("21", tax_class="x", tax_rate=None),
    )
    before = traces(shop)
    with shop.workspace() as workspace:
        result = check(workspace)
    codes = {shop_id: code for shop_id, (_, _, code) in said(result).items()}
    assert codes == {"17": "product_vanished", "18": "sku_twice", "19": "sku_twice", "21": "tax_unmapped"}
    assert result.exit_code is Exit.CONFIGURATION
    assert any("no SKU" in remark for remark in result.remarks)
    assert traces(shop) == before
    with shop.workspace() as workspace:
        assert workspace.store.errors.open() == []


# several sites


@pytest.fixture
def second(shop: World, tmp_path: Path) -> World:
    folder = tmp_path / "second"
    (folder / "shop" / "in").mkdir(parents=True)
    site = World(folder, shop.sandbox, shop.url, shop.clock, folder / "second.toml")
    site._write_profile(shop.profile)
    site.set_profile(shop={"site": "second"})
    return site


def test_one_sku_on_two_sites_stops(shop: World, second: World) -> None:
    synced(shop)
    second.list_products(a_product("99", sku="A-17", title="Anders"), a_product("98"))
    result = second.sync_products()
    assert said(result) == {"99": ("sync", "blocked", "sku_conflict"), "98": ("create", "done", "")}
    assert "main and second" in reasons(result) or "second and main" in reasons(result)
    assert str(shop.profile_path) in reasons(result)
    assert "stock pull" in reasons(result)
    assert shop.items()["A-17"]["intern_name"] == "Tisch 17"
    assert shop.sync_products().counts == {"unchanged": 1}


def test_shared_products_are_one_item(shop: World, second: World) -> None:
    for site in (shop, second):
        site.set_profile(products={"sku_conflicts": "share"})
    synced(shop)
    synced(second, a_product("99", sku="A-17", title="Tisch 17"))
    assert [code for code in shop.items() if code == "A-17"] == ["A-17"]
    assert second.told("products")["99"]["ledger_id"] == shop.told("products")["17"]["ledger_id"]
    assert shop.sync_products().counts == {"unchanged": 1}
    assert second.sync_products().counts == {"unchanged": 1}


# the command


def test_the_command_line(shop: World) -> None:
    shop.list_products(a_product(), a_product("18", sku=None))
    dry = called(shop, "products", "sync", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert [part in dry.stdout for part in ("A-17", "title", "Tisch 17", "1 new item", "Nothing was changed")] == [
        True
    ] * 5
    run = called(shop, "products", "sync", "--json")
    data = json.loads(run.stdout)["data"]
    assert (run.returncode, data["counts"], data["without_sku"]) == (0, {"done": 1, "ignored": 1}, ["18"])
    again = called(shop, "products", "sync")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    listed = called(shop, "products", "list", BEXSYNC_ACCESS_TOKEN="")
    assert [part for part in ("17", "linked", "A-17", "article/show/id/") if part not in listed.stdout] == []
    checked = called(shop, "products", "check")
    assert checked.returncode == 0, checked.stderr


def test_switched_off_it_says_so_without_a_login(shop: World) -> None:
    shop.set_profile(products={"enabled": False})
    for command in (("products", "sync"), ("products", "check"), ("stock", "pull")):
        run = called(shop, *command, "-v", BEXSYNC_ACCESS_TOKEN="")
        assert (run.returncode, run.stdout) == (0, "The profile says [products] enabled = false; nothing was done.\n")


def test_no_list_is_a_sentence_and_no_empty_shop(shop: World) -> None:
    run = called(shop, "products", "sync")
    assert run.returncode == 78
    assert "catalog" in run.stderr
    assert "Traceback" not in run.stderr
