"""bexio's endpoints as bexsync uses them: paths, buckets, paging, and Zurich time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bexsync.errors import Refused, Unreachable
from bexsync.http.client import Client, Params, RequestEffect
from bexsync.ids import LedgerId
from bexsync.workers import side_by_side

PAGE = 2000  # the largest page bexio gives (contract 2.2)
_TWICE = 20  # rows of a page that the next one shows again: what is deleted in between must not hide others
_PAGES_AT_ONCE = 2  # each is parsed as a whole, which takes 10 MB
STEP = PAGE - _TWICE  # from the offset of one page to that of the next
_NEWEST = 5  # rows that show whether a list comes newest first
ZURICH = ZoneInfo("Europe/Zurich")
_OVERLAP = timedelta(minutes=70)
Criterion = Mapping[str, Any]
Row = Mapping[str, Any]
Page = list[Row]
T = TypeVar("T")


def criterion(field: str, operator: str, value: Any) -> Criterion:
    """One condition of a search; several are joined by AND (contract 2.3)."""
    return {"field": field, "value": value, "criteria": operator}


def watermark(moment: datetime) -> str:
    """From where to ask for changes again after having read until `moment`, as bexio's 2.0 interface writes it.

    Its timestamps are Zurich local time without offset (contract 2.4), so in autumn an hour comes twice: whatever
    happens after `moment` is written less than an hour before it.
    """
    local = moment.astimezone(ZURICH).replace(tzinfo=None)
    return (local - _OVERLAP).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: str) -> str:
    """A timestamp of the 2.0 interface with its offset, "" where it is none.

    Of the hour that comes twice in autumn it is the first.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.replace(tzinfo=ZURICH).isoformat() if moment.tzinfo is None else text


class Api:
    """Typed access to the endpoints; raises what `Client.send` raises."""

    def __init__(self, client: Client, at_once: int = 1) -> None:
        self._client = client
        self._at_once = at_once

    def each(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What each of these reads gives, several of them under way at once."""
        return side_by_side(calls, self._at_once)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._client.requests

    @property
    def setbacks(self) -> int:
        """How many requests were refused for their number, or not answered as they should be."""
        return self._client.setbacks

    @property
    def was_limited(self) -> bool:
        """Whether in the last minute a request had to wait since there had been too many."""
        return self._client.was_limited

    def show(self, path: str, *, bucket: str = "default") -> Any:
        """One object, or a list that fits one answer."""
        return self._client.send("GET", path, effect=RequestEffect.READ, bucket=bucket).body

    def is_missing(self, path: str) -> bool:
        """Whether there is no such object any more."""
        try:
            self.show(path)
        except Refused as problem:
            return problem.status == 404
        return False

    def list(self, path: str, *, bucket: str = "default", **query: str) -> Iterator[Row]:
        """Every row of a list, page by page."""

        def page(offset: int) -> list[Row]:
            params: Params = {**query, "limit": PAGE, "offset": offset}
            body = self._client.send("GET", path, params=params, effect=RequestEffect.READ, bucket=bucket).body
            return _rows(body, path)

        return rows_of(self._pages(page))

    def search(
        self, path: str, criteria: Sequence[Criterion], *, bucket: str = "search", **query: str
    ) -> Iterator[Row]:
        """Every row that meets all criteria, page by page."""

        def page(offset: int) -> list[Row]:
            params: Params = {**query, "limit": PAGE, "offset": offset}
            answer = self._client.send(
                "POST", f"{path}/search", json=list(criteria), params=params, effect=RequestEffect.READ, bucket=bucket
            )
            return _rows(answer.body, path)

        return rows_of(self._pages(page))

    def highest_id(self, path: str) -> LedgerId:
        """The highest id of a list, 0 for an empty one; an order that the list does not keep is not believed."""
        params: Params = {"limit": _NEWEST, "offset": 0, "order_by": "id_desc"}
        body = self._client.send("GET", path, params=params, effect=RequestEffect.READ, bucket="default").body
        ids = [LedgerId(row.get("id", "")) for row in _rows(body, path)]
        ages = [one.age for one in ids]
        if len(ids) == _NEWEST and ages != sorted(ages, reverse=True):
            ids = [LedgerId(row.get("id", "")) for row in self.list(path)]
        return max(ids, key=lambda one: one.age, default=LedgerId("0"))

    def _pages(self, page: Callable[[int], Page]) -> Iterator[Page]:
        """Every page by its offset: the first one alone, since most lists have no other, then several at once."""
        offsets = count(0, STEP)
        while True:
            several = list(islice(offsets, min(_PAGES_AT_ONCE, self._at_once)))
            if several[0] == 0:
                yield page(0)
                several = several[1:]
            yield from self.each([partial(page, offset) for offset in several])

    def write(self, method: str, path: str, body: Any = None, *, bucket: str = "default") -> Any:
        """One effect; never repeated blindly."""
        return self._client.send(method, path, json=body, effect=RequestEffect.WRITE, bucket=bucket).body


def rows_of(pages: Iterable[Page]) -> Iterator[Row]:
    """The rows of all pages, each once; pages overlap a little, and a page may show a row twice."""
    before = frozenset[Any]()
    for rows in pages:
        here: dict[Any, Row] = {}
        for number, row in enumerate(rows):
            here.setdefault(row.get("id", f"row {number}"), row)
        yield from (row for name, row in here.items() if name not in before)
        if len(rows) < PAGE:
            return
        _require_news(here, before)
        before = frozenset(here)


def _require_news(names: Collection[Any], before: Collection[Any]) -> None:
    """Raise Unreachable where a full page shows nothing that the one before did not show."""
    if not set(names) - set(before):
        raise Unreachable(
            f"bexio shows the same {len(names)} records again and again, so that the list has no end.",
            "The next run asks again.",
            code="bad_answer",
        )


def _rows(body: Any, path: str) -> list[Row]:
    if not isinstance(body, list) or not all(isinstance(row, Mapping) and _is_named(row) for row in body):
        raise Unreachable(
            f"bexio's answer to {path} is not a list of records.", "The next run asks again.", code="bad_answer"
        )
    return body


def _is_named(row: Row) -> bool:
    return isinstance(row.get("id", ""), int | str)
