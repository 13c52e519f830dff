"""The fault matrix over real sockets: a short form in every run, all of it with `make faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.matrix import STEPS, TROUBLES, Step, Trouble, combinations, play
from faults.verdicts import record

SHORT = frozenset(
    {
        ("connection dropped after the commit", "contact"),
        ("connection dropped after the commit", "invoice"),
        ("connection dropped after the commit", "mail"),
        ("500 after the commit", "invoice"),
        ("commit later than the timeout", "invoice"),
        ("500 and half of the positions", "invoice"),
        ("429 without headers", "mail"),
        ("truncated JSON", "position"),
        ("token revoked", "mail"),
        ("answer lost, search lags", "invoice"),
        ("answer lost, a person deletes", "mail"),
        ("a person cancels", "mail"),
        ("connection dropped after the commit", "item"),
        ("500 after the commit", "edit of an item"),
        ("a person creates the item", "item"),
    }
)


LEAST_FAULTS, LEAST_STEPS, LEAST_CELLS = 31, 17, 402


def cases() -> list[object]:
    return [
        pytest.param(t, s, id=f"{t.name} x {s.name}", marks=() if (t.name, s.name) in SHORT else pytest.mark.slow)
        for t, s in combinations()
    ]


def test_the_matrix_does_not_shrink() -> None:
    assert len(TROUBLES) >= LEAST_FAULTS
    assert len(STEPS) >= LEAST_STEPS
    assert len({(trouble.name, step.name) for trouble, step in combinations()}) >= LEAST_CELLS


@pytest.mark.parametrize(("trouble", "step"), cases())
def test_nothing_twice_nothing_lost(
    trouble: Trouble, step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = play(trouble, step, tmp_path, monkeypatch)
    assert verdict.struck, "the fault never struck, so this proves nothing"
    record("matrix", trouble.name, step.name, runs=verdict.runs, for_a_person=bool(verdict.for_a_person))
