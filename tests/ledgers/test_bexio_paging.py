"""Lists page by page: one that never gets shorter ends with an error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from bexsync.errors import Unreachable
from bexsync.ledgers.bexio.api import PAGE, STEP, Row, rows_of


def test_a_list_that_never_gets_shorter_ends() -> None:
    asked: list[int] = []

    def pages() -> Iterator[list[Row]]:
        for number in count():
            asked.append(number)
            yield [{"id": number} for number in range(PAGE)]

    with pytest.raises(Unreachable, match="the list has no end"):
        list(rows_of(pages()))
    assert len(asked) == 2


def test_pages_that_overlap_are_one_list() -> None:
    rows: list[Row] = [{"id": number} for number in range(PAGE + 5)]
    assert list(rows_of(rows[offset : offset + PAGE] for offset in (0, STEP))) == rows
