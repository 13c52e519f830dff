"""Lists page by page: one that never gets shorter ends with an error."""

from __future__ import annotations

import pytest

from bexsync.errors import Unreachable
from bexsync.ledgers.bexio.api import PAGE, Row, _paged


def test_a_list_that_never_gets_shorter_ends() -> None:
    asked: list[int] = []

    def page(offset: int) -> list[Row]:
        asked.append(offset)
        return [{"id": number} for number in range(PAGE)]

    with pytest.raises(Unreachable, match="the list has no end"):
        list(_paged(page))
    assert len(asked) == 2


def test_pages_that_overlap_are_one_list() -> None:
    rows: list[Row] = [{"id": number} for number in range(PAGE + 5)]
    assert list(_paged(lambda offset: rows[offset : offset + PAGE])) == rows
