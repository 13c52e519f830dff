"""The same number, otherwise spelled."""

from __future__ import annotations

import pytest

from bexsync.planning.matching import spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0000031", "31"),
        ("re-5", "RE-5"),
        ("RE-0005", "re 5"),
        ("RE5", "RE-5"),
        ("2026/5", "2026-5"),
        ("2026-005", "2026-5"),
        ("31.0", "31"),
        ("ＲＥ-5", "RE-5"),
        ("2026-11", "Nov 26"),
        ("2026-11", "Nov-26"),
        ("2026-11", "Nov. 26"),
        ("11/2026", "November 2026"),
        ("2026/3", "Mär 26"),
        ("2026/3", "mars-26"),
        ("2026/8", "août-26"),
        ("2026-5", "mag-26"),
        ("2026-11", "01.11.2026"),
        ("2026-11", "2026-11-01 00:00:00"),
        ("2026-11", "11/1/2026"),
        ("5-11", "05. Nov"),
        ("1/2", "01. Feb"),
        ("5-11", "2026-11-05"),
    ],
)
def test_the_same_number(one: str, other: str) -> None:
    assert spelling(one).is_same(spelling(other))
    assert spelling(other).is_same(spelling(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("31", "32"),
        ("RE-5", "GS-5"),
        ("5-11", "11-5"),
        ("2026-11", "2026-12"),
        ("2026-11", "Nov 25"),
        ("2026-11", "Okt 26"),
        ("1-23", "12-3"),
        ("2026-0143", "2026-0144"),
        ("Nov 26", "Dez 26"),
        ("10031", "31"),
        ("A", "B"),
    ],
)
def test_another_number(one: str, other: str) -> None:
    assert not spelling(one).is_same(spelling(other))


@pytest.mark.parametrize("odd", ["", "-", "٣", "9" * 40, "0", "00", "²"])
def test_odd_numbers_are_only_themselves(odd: str) -> None:
    assert spelling(odd).is_same(spelling(odd))
    assert not spelling(odd).is_same(spelling("Nov 26"))
