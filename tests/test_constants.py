"""Tests give a constant of the program another value through `set_constant`, which fails where that changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bexsync.engine import result
from bexsync.jobs import importing
from constants import set_constant

TESTS = Path(__file__).parent
A_CONSTANT = re.compile(r"""setattr\([^"\n]*"(?:[\w.]+\.)?_?[A-Z][A-Z0-9_]+\"""")


def test_every_copy_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "MOST_KEPT", 7)
    assert (result.MOST_KEPT, importing.MOST_KEPT) == (7, 7)


def test_one_copy_may_change_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    set_constant(monkeypatch, "MOST_KEPT", 7, read_by="jobs.importing")
    assert (result.MOST_KEPT, importing.MOST_KEPT) == (1000, 7)


@pytest.mark.parametrize(
    ("name", "read_by", "said"),
    [
        ("NO_SUCH_NAME", "", "nowhere"),
        ("payments.IDS_AT_ONCE", "", "nowhere"),
        ("_AT_ONCE", "", "constants: bexsync"),
        ("MOST_KEPT", "store", "does not import"),
        ("MOST_KEPT", "engine.result", "nothing reads"),
    ],
)
def test_what_would_change_nothing_fails(monkeypatch: pytest.MonkeyPatch, name: str, read_by: str, said: str) -> None:
    with pytest.raises(LookupError, match=said):
        set_constant(monkeypatch, name, 7, read_by=read_by)


def test_no_test_goes_another_way() -> None:
    files = [file for file in TESTS.rglob("*.py") if A_CONSTANT.search(file.read_text())]
    assert files == []
