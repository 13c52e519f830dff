"""When a credit that a person writes in the ledger is done."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bexsync.planning.credit_list import Closed, close_credits
from bexsync.planning.reversals import WaitingCredit

D = Decimal


def waiting(*amounts: str | None, before: str = "0") -> list[WaitingCredit]:
    return [WaitingCredit(f"r{n}", None if one is None else D(one), D(before)) for n, one in enumerate(amounts, 1)]


@pytest.mark.parametrize(
    ("amounts", "before", "credited", "closed", "left"),
    [
        (["30"], "0", "0", [], {"r1": "0"}),
        (["30"], "0", "30", ["r1"], {}),
        (["30"], "0", "30.05", ["r1"], {}),
        (["30"], "0", "30.06", [], {"r1": "0"}),
        (["30"], "20", "50", ["r1"], {}),
        (["30"], "30", "30", [], {"r1": "30"}),
        (["30", "20"], "0", "20", ["r2"], {"r1": "20"}),
        (["30", "20"], "0", "50", ["r1", "r2"], {}),
        (["30", "20"], "0", "30", ["r1"], {"r2": "30"}),
        (["30", "30"], "0", "30", ["r1"], {"r2": "30"}),
        (["30", "30"], "0", "60", ["r1", "r2"], {}),
        ([None], "0", "30", [], {"r1": "0"}),
        ([None, "30"], "0", "30", ["r2"], {"r1": "30"}),
        ([None, "30"], "0", "70", [], {"r1": "0", "r2": "0"}),
        (["30", "20", "10"], "0", "50", [], {"r1": "0", "r2": "0", "r3": "0"}),
    ],
)
def test_a_credit_closes_what_it_was_written_for(
    amounts: list[str | None], before: str, credited: str, closed: list[str], left: dict[str, str]
) -> None:
    found = close_credits(waiting(*amounts, before=before), D(credited), is_cancelled=False)
    assert found.closed == dict.fromkeys(closed, Closed.CREDITED)
    assert found.before == {name: D(amount) for name, amount in left.items()}


def test_a_cancelled_invoice_closes_all_of_its_entries() -> None:
    found = close_credits(waiting("30", None), D(0), is_cancelled=True)
    assert found.closed == {"r1": Closed.CANCELLED, "r2": Closed.CANCELLED}


def test_what_a_person_closed_takes_nothing_of_a_credit() -> None:
    found = close_credits(waiting("30", "30"), D(30), is_cancelled=False, closed_by_hand=["r1"])
    assert found.closed == {"r1": Closed.BY_PERSON, "r2": Closed.CREDITED}


def test_a_second_look_closes_nothing_more() -> None:
    first = close_credits(waiting("30", "20"), D(30), is_cancelled=False)
    rest = [WaitingCredit(name, D(20), before) for name, before in first.before.items()]
    assert close_credits(rest, D(30), is_cancelled=False).closed == {}
    assert close_credits(rest, D(50), is_cancelled=False).closed == {"r2": Closed.CREDITED}
