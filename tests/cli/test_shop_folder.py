"""A shop folder belongs to one site of one company: another one gets nothing out of it and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bexsync.errors import ConfigurationProblem
from bexsync.jobs.lifecycle import RunEnded
from bexsync.ports.shop import Event
from bexsync.shops.folder.layout import Layout, Owner, Ownership
from bexsync.shops.folder.shop import FolderShop
from front_door import called
from world import World, a_product, an_invoice


@pytest.fixture
def intruder(world: World) -> World:
    """Another profile that names the same folder, whose first shop has pushed an invoice."""
    world.drop(an_invoice("1001"))
    world.push()
    other = World(world.folder, world.sandbox, world.url, world.clock, world.folder / "other.toml")
    other._write_profile(world.profile)
    other.set_profile(shop={"site": "other"})
    return other


def tree(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_invoice_dropped_again_is_not_booked_under_another_site(intruder: World) -> None:
    intruder.drop(an_invoice("1001"), name="again.json")
    intruder.list_products(a_product())
    intruder.set_profile(products={"enabled": True})
    before = tree(intruder.shop)
    for words in ("invoices push", "invoices push --dry-run", "links adopt --yes", "products sync", "vat map --check"):
        refused = called(intruder, *words.split())
        assert refused.returncode == 78, words
        assert f'The folder {intruder.shop} belongs to the shop "main" (profile ' in refused.stderr
        assert 'default.toml), not to "other" of this profile. Every shop needs a folder of its own' in refused.stderr
    assert len(intruder.invoices()) == 1
    assert tree(intruder.shop) == before


def test_news_are_told_in_no_folder_of_another(intruder: World, world: World) -> None:
    intruder.set_profile(shop={"path": "./its own"})
    (world.folder / "its own" / "in").mkdir(parents=True)
    intruder.push()
    intruder.set_profile(shop={"path": "./shop"})
    before = tree(world.shop)
    with pytest.raises(ConfigurationProblem, match="belongs to the shop"):
        intruder.poll()
    assert tree(world.shop) == before


def test_rows_added_to_a_claimed_file_are_booked_by_the_next_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = {"schema": "bexsync/1", "kind": "invoice"}
    line, other = (json.dumps({**envelope, **an_invoice(shop_id)}) + "\n" for shop_id in ("1001", "1002"))
    writer = world.drop_bytes(line.encode(), "export.ndjson").open("a")
    deliver = FolderShop.deliver

    def add_and_deliver(shop: FolderShop, event: Event) -> None:
        if not writer.closed:
            writer.write(other)
            writer.close()
        deliver(shop, event)

    monkeypatch.setattr(FolderShop, "deliver", add_and_deliver)
    first = called(world, "invoices", "push", "-v")
    assert "export.ndjson was written to after it had been read; the next run reads what was added." in first.stdout
    assert [path.name for path in (world.shop / "work").iterdir()] == ["export.ndjson"]
    assert called(world, "invoices", "push").returncode == 0
    assert sorted(world.status()) == ["1001", "1002"]
    assert {invoice["api_reference"][-4:] for invoice in world.invoices()} == {"1001", "1002"}
    assert list((world.shop / "work").iterdir()) == []


def test_who_only_looks_is_told_as_well(intruder: World) -> None:
    checked = called(intruder, "config", "check")
    assert checked.returncode == 78
    assert f'config check: shop: The folder {intruder.shop} belongs to the shop "main"' in checked.stderr
    looked = called(intruder, "test-connection", "--read-only")
    assert looked.returncode == 78
    assert f'shop folder: The folder {intruder.shop} belongs to the shop "main"' in looked.stderr


def test_the_first_real_run_marks_and_no_rehearsal_does(world: World) -> None:
    mark = world.shop / ".bexsync"
    world.drop(an_invoice())
    world.push(dry_run=True)
    called(world, "config", "check")
    called(world, "test-connection", "--read-only")
    assert not mark.exists()
    world.push()
    said = json.loads(mark.read_text())
    assert (said["site"], said["profile"]) == ("main", str(world.profile_path))
    assert said["company"]
    written = mark.stat().st_mtime_ns
    world.push()
    assert mark.stat().st_mtime_ns == written
    assert called(world, "config", "check").stderr == ""


def test_the_same_site_of_another_company_is_another_shop(world: World) -> None:
    world.push()
    said = json.loads((world.shop / ".bexsync").read_text())
    (world.shop / ".bexsync").write_text(json.dumps({**said, "company": ["another"]}))
    with pytest.raises(RunEnded, match='belongs to the shop "main" of another company') as ended:
        world.push()
    assert isinstance(ended.value.problem, ConfigurationProblem)
    assert 'the shop "main" of another company' in called(world, "config", "check").stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"site": 1, "company": [], "profile": ""}', "[" * 9000, "\xff"])
def test_a_mark_that_says_nothing_stops_the_run(world: World, content: str) -> None:
    (world.shop / ".bexsync").write_bytes(content.encode("latin-1"))
    refused = called(world, "invoices", "push")
    assert (refused.returncode, "no longer says whose folder this is" in refused.stderr) == (78, True)
    assert "no longer says whose folder this is" in called(world, "config", "check").stderr


def test_one_company_may_be_known_by_several_names(tmp_path: Path) -> None:
    """A token that carries the company's id names it otherwise than one that does not."""
    layout = Layout(tmp_path)
    Ownership(layout, Owner("main", frozenset({"id of a token", "anchor"}))).claim()
    Ownership(layout, Owner("main", frozenset({"anchor", "other id"}))).claim()
    Ownership(layout, Owner("main", frozenset({"other id"}))).check()
    with pytest.raises(ConfigurationProblem):
        Ownership(layout, Owner("main", frozenset({"third id"}))).claim()


def test_a_folder_that_others_may_write_is_told_and_is_no_error(world: World) -> None:
    world.push()
    assert "Other users may write" not in called(world, "config", "check").stderr
    for name, mode in (("in", 0o777), ("out", 0o777), ("failed", 0o755)):
        (world.shop / name).chmod(mode)
    checked = called(world, "config", "check")
    assert checked.returncode == 0
    assert f"Other users may write in {world.shop / 'in'}, {world.shop / 'out'}, and so decide" in checked.stderr
    (world.shop / "in").chmod(0o775)
    (world.shop / "out").chmod(0o755)
    assert "Other users may write" not in called(world, "config", "check").stderr
