"""How bexio's lists and searches are read, whatever changes while they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bexsync.errors import Exit, Unreachable
from bexsync.http.client import Client
from bexsync.ledgers.bexio.api import PAGE, Api, criterion, watermark
from world import World, an_invoice


@dataclass
class Shelf:
    """Rows that are given out by page, and lose some in between."""

    ids: list[int]
    removed_between: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def send(self, method: str, path: str, *, params: dict[str, Any], **rest: Any) -> SimpleNamespace:
        offset, limit = params["offset"], params["limit"]
        self.asked.append(offset)
        page = [{"id": i} for i in self.ids[offset : offset + limit]]
        self.ids = [i for i in self.ids if i not in self.removed_between]
        return SimpleNamespace(body=page)


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 5])
@pytest.mark.parametrize("how", ["list", "search"])
def test_every_row_comes_once(count: int, how: str) -> None:
    shelf = Shelf(list(range(count)))
    api = Api(cast(Client, shelf))
    rows = api.list("/x") if how == "list" else api.search("/x", [criterion("id", ">", 0)])
    assert [row["id"] for row in rows] == list(range(count))
    assert len(shelf.asked) <= count // (PAGE - 20) + 1


@pytest.mark.parametrize("gone", [[0], [5, 6, 7], list(range(20))])
def test_what_is_deleted_while_pages_are_read_hides_nothing_else(gone: list[int]) -> None:
    shelf = Shelf(list(range(2 * PAGE)), removed_between=gone)
    rows = [row["id"] for row in Api(cast(Client, shelf)).list("/x")]
    assert set(rows) >= set(range(2 * PAGE)) - set(gone)
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("body", [None, {}, {"data": []}, [1], "x"])
def test_an_answer_that_is_no_list_is_no_empty_list(body: Any) -> None:
    client = SimpleNamespace(send=lambda *a, **k: SimpleNamespace(body=body))
    with pytest.raises(Unreachable):
        list(Api(cast(Client, client)).list("/x"))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "2026-07-01 12:50:00"),  # 14:00 in Zurich, less 70 minutes
        (datetime(2026, 12, 1, 12, 0, tzinfo=UTC), "2026-12-01 11:50:00"),
        # 02:30 comes twice on 25 October 2026; what happens after the first is written 02:00 at the earliest
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 01:20:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 01:20:00"),
    ],
)
def test_changes_are_asked_for_in_zurich_time_with_an_overlap(moment: datetime, text: str) -> None:
    assert watermark(moment) == text


def test_that_all_were_deleted_does_not_make_in_suspect(world: World) -> None:
    world.set_profile(invoices={"finish": "issue"})
    world.drop(*(an_invoice(str(n)) for n in range(5)))
    world.push()
    world.poll()
    for n in range(1, 5):
        world.sandbox.person.delete(n)
    world.sandbox.person.delete(5)
    world.clock.forward(hours=1)
    assert world.poll().exit_code is Exit.OK
    assert {row["status"] for row in world.status().values()} == {"deleted"}
    world.drop(*(an_invoice(f"x{n}") for n in range(3)), name="x.json")
    world.push()
    since = len(world.sandbox.requests)
    world.poll()
    assert [r.path for r in world.sandbox.requests[since:]] == ["/2.0/kb_invoice/search"]
