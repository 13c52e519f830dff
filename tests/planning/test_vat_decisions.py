"""The VAT map as pure decisions: what is proposed, what never is, and what is said to be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bexsync.errors import MappingProblem, UsageProblem
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio import DESCRIPTION
from bexsync.planning.mapping_arguments import allowed, read_order, read_orders
from bexsync.planning.taxes import why_unusable
from bexsync.planning.vat_map import Books, Entry, decided, findings, proposed, review, spelled
from bexsync.planning.vat_wants import HOME, ObservedRate, Origin, wants_of
from bexsync.ports.master_data import Account, MasterData, User, VatYear
from bexsync.vat import Tax, VatMap, VatRow

TODAY = date(2026, 11, 20)
LAW, BEXIO = date(2024, 1, 1), date(2023, 7, 1)


def tax(code: str, rate: str, kind: str = "sales_tax", **fields: Any) -> Tax:
    values = {"active": True, "valid_from": None, "valid_to": None} | fields
    return Tax(LedgerId(abs(hash(code)) % 10**6), code, f"{code} - Umsatz", Decimal(rate), kind, **values)


UN81, UR26 = tax("UN81", "8.1", valid_from=BEXIO), tax("UR26", "2.6", valid_from=BEXIO)
ULA = tax("ULA", "0", "not_taxable_turnover")
UN77 = tax("UN77", "7.7", active=False, valid_from=date(2018, 1, 1), valid_to=date(2023, 12, 31))
ENDED = (tax("UN81", "8.1", valid_to=date(2026, 10, 31)),)
NEXT = tax("UN85", "8.5", valid_from=date(2027, 1, 1))
USUAL = (UN81, UR26, ULA, UN77, tax("U00", "0"), tax("VM81", "8.1", "pre_tax_material"))


def books(taxes: Iterable[Tax] = USUAL, today: date = TODAY) -> Books:
    me = User(LedgerId(1), "me@example.ch", "Me")
    years = (VatYear(date(2000, 1, 1), date(2099, 12, 31), True, UN81.id),)
    return Books(
        MasterData(
            "Test", me, (me,), (), tuple(taxes), (), (), (), (), (), (), (), (), years, automatic_numbering=True,
            words=DESCRIPTION.words,
        ),
        "", Account(LedgerId(1), "3200", "", None, active=True, is_income=True), today,
    )  # fmt: skip


def listed(rate: str | None, tax_class: str | None = None, **fields: Any) -> ObservedRate:
    return ObservedRate(Origin.LIST, tax_class, None if rate is None else Decimal(rate), **fields)


def row(code: str, **fields: Any) -> VatRow:
    rate = fields.pop("rate", None)
    return VatRow(code, rate=None if rate is None else Decimal(rate), **fields)


def mapped(seen: Iterable[ObservedRate], rows: Iterable[VatRow] = (), taxes: Iterable[Tax] = USUAL) -> set[str]:
    """The map in which every proposal is taken, as --set would say it."""
    ledger, vat_map = books(taxes), VatMap(tuple(rows))
    wants = wants_of(seen, vat_map, ledger.master.taxes, TODAY)
    return {f"{spelled(r)}={r.code}" for r in decided(ledger, vat_map, wants, proposed).rows}


RATES = {"rate:8.1=UN81", "rate:2.6=UR26"}  # what the ledger itself has is taken in


def said(seen: Iterable[ObservedRate], rows: Iterable[VatRow] = (), taxes: Iterable[Tax] = USUAL) -> dict[str, str]:
    """Every finding: its code and sentence, with `soon:` before what is not wrong yet."""
    ledger, vat_map = books(taxes), VatMap(tuple(rows))
    found = findings(ledger, vat_map, wants_of(seen, vat_map, ledger.master.taxes, TODAY))
    assert all(f.hint for f in found)
    return {f"{'soon:' if f.level == 'attention' else ''}{f.code}": f.message for f in found}


# proposals


@pytest.mark.parametrize(
    ("seen", "rows"),
    [
        ([listed("8.1")], set()),
        ([listed("8.10", "standard")], {"standard=UN81"}),
        ([listed("8.1", "standard", country="CH"), listed("8.1", "standard", country="LI")], {"standard=UN81"}),
        ([listed("8.1", "standard"), listed("2.6", "standard")], set()),  # the rates are mapped, and say it all
        ([listed("8.1", use="shipping"), listed("8.1", use="fee")], {"shipping=UN81", "fee=UN81"}),
        ([listed("8.1", use="shipping"), listed("2.6", use="shipping")], set()),
        ([listed("8.1", "shipping")], {"class:shipping=UN81"}),
        ([listed("0", "exempt"), listed("0"), listed("0", use="shipping")], set()),
        ([listed("7.7"), listed("7.7", "old")], set()),  # ended long ago
        ([listed("19", "standard", country="DE")], set()),  # unknown to the ledger
        ([listed("8.1", country="DE")], set()),  # foreign, though the rate would fit
        ([listed(None, "books")], set()),  # nobody knows its rate
        ([listed(None, "books"), listed("2.6", "books")], {"books=UR26"}),
        ([listed("8.1", "standard", valid_from=LAW)], {"standard,from:2024-01-01=UN81"}),
        (
            [listed("7.7", "standard", valid_from=date(2018, 1, 1)), listed("8.1", "standard", valid_from=LAW)],
            {"standard,from:2024-01-01=UN81"},
        ),
        ([listed("8.1", valid_from=LAW)], {"rate:8.1,from:2024-01-01=UN81"}),
        ([ObservedRate(Origin.BOOKED, "food", Decimal("2.6"), "CH", day=TODAY)], set()),  # its rate says it all
        ([ObservedRate(Origin.BOOKED, "food", None, "CH", day=TODAY), listed("2.6", "food")], {"food=UR26"}),
    ],
)
def test_what_is_proposed(seen: list[ObservedRate], rows: set[str]) -> None:
    without = {"rate:8.1=UN81"} if any("rate:8.1," in r for r in rows) else set()
    assert mapped(seen) == rows | (RATES - without)


def test_two_taxes_with_one_rate_are_no_proposal_until_a_row_has_chosen() -> None:
    two = (*USUAL, tax("UX81", "8.1"))
    assert mapped([listed("8.1", "standard")], taxes=two) == {"rate:2.6=UR26"}
    chosen = mapped([listed("8.1", "standard")], [row("UX81", rate="8.1")], two)
    assert chosen == {"rate:8.1=UX81", "rate:2.6=UR26", "standard=UX81"}


def test_what_ends_soon_is_mapped_to_what_comes_after_it() -> None:
    end = date(2026, 12, 31)
    old, new = tax("UN81", "8.1", valid_to=end), tax("UN81B", "8.1", valid_from=end + timedelta(days=1))
    assert mapped([listed("8.1", "standard")], taxes=(old, new)) == {
        "rate:8.1=UN81", "rate:8.1,from:2027-01-01=UN81B", "standard=UN81", "standard,from:2027-01-01=UN81B",
    }  # fmt: skip


def test_a_rate_that_begins_later_is_mapped_from_then_on() -> None:
    future = tax("UN85", "8.5", valid_from=date(2027, 1, 1))
    seen = [listed("8.1", "standard"), listed("8.5", "standard", valid_from=date(2027, 1, 1))]
    assert mapped(seen, taxes=(*USUAL, future)) >= {"standard=UN81", "standard,from:2027-01-01=UN85"}


def test_a_row_whose_tax_has_ended_stays_for_older_supplies() -> None:
    ended, new = tax("UN81", "8.1", valid_to=date(2026, 10, 31)), tax("UN81B", "8.1", valid_from=date(2026, 11, 1))
    rows = [row("UN81", tax_class="standard"), row("UN81", rate="8.1")]
    assert mapped([], rows, (ended, new)) == {
        "standard=UN81", "rate:8.1=UN81", "standard,from:2026-11-01=UN81B", "rate:8.1,from:2026-11-01=UN81B",
    }  # fmt: skip


def test_rows_that_are_contradicted_are_replaced_and_the_others_stay() -> None:
    rows = [row("UR26", tax_class="standard"), row("U00", rate="0", country="FR"), row("UN81", tax_class="other")]
    assert mapped([listed("8.1", "standard")], rows) == {
        "standard=UN81", "rate:0,country:FR=U00", "other=UN81", *RATES
    }  # fmt: skip


# what is wrong


def test_a_map_that_is_right_says_nothing() -> None:
    rows = [row("UN81", rate="8.1"), row("UR26", rate="2.6"), row("UN81", tax_class="standard")]
    assert said([listed("8.1", "standard"), listed("2.6"), listed("8.1", use="shipping")], rows) == {}


def test_without_a_map_rates_alone_may_do() -> None:
    assert said([listed("8.1"), listed("2.6", use="fee")]) == {}


@pytest.mark.parametrize(
    ("seen", "rows", "taxes", "code", "words"),
    [
        ([listed("8.1", "standard")], [], USUAL, "unmapped", 'The class "standard" (8.1 %) is not mapped.'),
        ([listed("0", "export", country="DE")], [], USUAL, "unmapped", '"export" (0 %) in DE is not mapped; exempt'),
        ([listed("0")], [], USUAL, "unmapped", "The rate 0 % is not mapped; exempt, foreign"),
        ([listed("19", country="DE")], [], USUAL, "unmapped", "no active sales tax of 19 %"),
        ([listed("3.8")], [], (*USUAL, tax("US38", "3.8", active=False)), "inactive", "no active sales tax of 3.8 %"),
        ([listed("8.1")], [], ENDED, "expired", "no active sales tax of 8.1 %"),
        ([], [row("UN81", tax_class="x")], (tax("UN81", "8.1", active=False), UR26), "inactive", "UN81 is not active"),
        ([], [row("UN81", rate="8.1")], ENDED, "expired", "UN81 is not valid"),
        ([], [row("VM81", tax_class="x")], USUAL, "not_for_sales", "VM81 is not a tax for sales"),
        ([], [row("NOPE", rate="8.1")], (UN81,), "unknown_tax", 'no tax code "NOPE"'),
        ([], [row("UR26", rate="8.1")], (UN81, UR26), "rate_differs", "is mapped to UR26, which has 2.6 % in bexio"),
        ([listed("8.1", "food")], [row("UR26", tax_class="food")], USUAL, "rate_differs", "mapped to UR26, which"),
        ([], [], (*USUAL, tax("UX81", "8.1")), "ambiguous", "UN81 and UX81 both have 8.1 %"),
        ([], [row("UN81", rate="8.1")], USUAL, "new_rate", "UR26 has 2.6 % in bexio, a rate that the VAT map does not"),
        ([], [row("UN81", rate="8.1")], (UN81, NEXT), "new_rate", "UN85 has 8.5"),
    ],
)
def test_what_is_said_to_be_wrong(
    seen: list[ObservedRate], rows: list[VatRow], taxes: tuple[Tax, ...], code: str, words: str
) -> None:
    found = said(seen, rows, taxes)
    assert code in found
    assert words in found[code]


@pytest.mark.parametrize(("days", "is_told"), [(59, True), (60, True), (61, False)])
def test_what_ends_within_sixty_days_is_told_before(days: int, is_told: bool) -> None:
    end = TODAY + timedelta(days=days)
    taxes = (tax("UN81", "8.1", valid_to=end),)
    for rows in ([row("UN81", rate="8.1")], []):
        found = said([listed("8.1")], rows, taxes)
        assert list(found) == (["soon:ends_soon"] if is_told else [])
        assert all(str(end) in words for words in found.values())


def test_what_ends_soon_and_is_mapped_after_that_is_no_news() -> None:
    end = date(2026, 12, 31)
    taxes = (tax("UN81", "8.1", valid_to=end), tax("UN81B", "8.1", valid_from=date(2027, 1, 1)))
    rows = [row("UN81", rate="8.1"), row("UN81B", rate="8.1", valid_from=date(2027, 1, 1))]
    assert said([listed("8.1")], rows, taxes) == {}


def test_a_second_code_that_begins_soon_is_told_before_it_is_ambiguous() -> None:
    found = said([listed("8.1")], [], (UN81, tax("UX81", "8.1", valid_from=date(2027, 1, 1))))
    assert found == {
        "soon:ends_soon": "The rate 8.1 % will be ambiguous from 2027-01-01 on: "
        "UN81 and UX81 both have 8.1 %, so the rate alone does not decide."
    }


def law_changes() -> tuple[Books, Books]:
    """The ledger in autumn, when the rate of January is known, and in January."""
    taxes = (tax("UN81", "8.1", valid_from=BEXIO, valid_to=date(2026, 12, 31)), NEXT)
    return books(taxes), books(taxes, date(2027, 1, 4))


def test_a_change_of_the_law_is_mapped_before_it_comes_and_quiet_after_it_came() -> None:
    autumn, january = law_changes()
    rows = [row("UN81", rate="8.1"), row("UN81", tax_class="standard")]
    sold = [ObservedRate(Origin.BOOKED, "standard", Decimal("8.1"), "CH", day=TODAY), listed("8.1", "standard")]

    def told(ledger: Books, seen: list[ObservedRate]) -> dict[str, str]:
        vat_map = VatMap(tuple(rows))
        wants = wants_of(seen, vat_map, ledger.master.taxes, ledger.today)
        return {f.message: f.hint for f in findings(ledger, vat_map, wants)}

    found = told(autumn, sold)
    assert found["The rate 8.1 % ends in bexio on 2026-12-31."].endswith("bexio has UN85 (8.5 %) from 2027-01-01.")
    ends = 'The class "standard": its tax ends in bexio on 2026-12-31, and none is mapped after it.'
    assert found[ends].endswith("`bexsync vat map --set standard,from:2027-01-01=CODE`.")
    wants = wants_of(sold, VatMap(tuple(rows)), autumn.master.taxes, TODAY)
    for order in ("standard,from:2027-01-01=UN85", "rate:8.5=UN85"):
        rows.append(allowed(autumn, wants, read_order(order)))
    assert list(told(autumn, sold)) == ["The rate 8.1 % ends in bexio on 2026-12-31."]
    assert told(january, [*sold[:1], listed("8.5", "standard")]) == {}
    assert list(told(january, sold)) == ['The class "standard" (8.1 %) is mapped to UN85, which has 8.5 % in bexio.']


def test_a_rate_that_ended_and_whose_successor_is_listed_too_is_history() -> None:
    _, january = law_changes()
    seen = [listed("8.1"), listed("8.5")]
    assert not [w for w in wants_of(seen, VatMap(), january.master.taxes, january.today) if w.rate == Decimal("8.1")]
    assert [w for w in wants_of(seen[:1], VatMap(), january.master.taxes, january.today) if w.rate == Decimal("8.1")]


def test_history_is_left_in_peace() -> None:
    """Rows and rates of a law that ended long ago are there for old invoices."""
    old = [row("UN77", rate="7.7"), row("UN77", tax_class="standard")]
    rows = [*old, row("UN81", tax_class="standard", valid_from=LAW), row("UN81", rate="8.1"), row("UR26", rate="2.6")]
    settled = ObservedRate(Origin.BOOKED, None, Decimal("7.7"), "CH", day=date(2023, 11, 3))
    assert said([settled, listed("7.7", "old")], rows) == {}


def test_an_invoice_that_waits_with_an_old_rate_is_not_history() -> None:
    found = said([ObservedRate(Origin.OPEN, None, Decimal("7.7"), "CH", day=date(2023, 11, 3))])
    assert list(found) == ["inactive"]
    assert "7.7 % that is valid on 2023-11-03" in found["inactive"]


# orders


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("standard=UN81", row("UN81", tax_class="standard")),
        (" Bücher & Zeitschriften = UR26 ", row("UR26", tax_class="Bücher & Zeitschriften")),
        ("shipping=UN81", row("UN81", use="shipping")),
        ("class:shipping=UN81", row("UN81", tax_class="shipping")),
        ("rate:8.1=UN81", row("UN81", rate="8.1")),
        ("rate: 8,1 %=UN81", row("UN81", rate="8.1")),
        ("rate:0,country:de=ULA", row("ULA", rate="0", country="DE")),
        ("a,b,use:fee=UN81", row("UN81", tax_class="a,b", use="fee")),
        ("fee,rate:8.1=UN81", row("UN81", use="fee", rate="8.1")),
        ("a=b=UN81", row("UN81", tax_class="a=b")),
        ("ns:standard=UN81", row("UN81", tax_class="ns:standard")),
        ("standard,from:2027-01-01=UN85", row("UN85", tax_class="standard", valid_from=date(2027, 1, 1))),
    ],
)
def test_orders_are_read(text: str, expected: VatRow) -> None:
    assert read_order(text) == expected


@pytest.mark.parametrize("page", ["docs/vat.md", "docs/cli.md"])
def test_the_orders_that_are_explained_are_understood(page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text()
    orders = re.findall(r"--set (\S+=[A-Z0-9]+)", text) + re.findall(r"`([^`\s]+=U[A-Z0-9]+)`", text)
    assert len(orders) >= 5
    assert all(read_order(order).code for order in orders)


@pytest.mark.parametrize(
    "text",
    ["standard", "=UN81", "standard=", "rate:x=UN81", "rate:101=UN81", "rate:NaN=UN81", "country:DE=UN81", "use:x=UN81",
     "standard,from:1.1.2027=UN81", "rate:8.1,rate:2.6=UN81", "shipping,fee=UN81", "country:Germany,rate:0=ULA",
     "sale=UN81,", "class:=UN81", ""],
)  # fmt: skip
def test_orders_that_cannot_be_meant(text: str) -> None:
    if text == "sale=UN81,":
        assert read_order(text).tax_class is None  # it is `sale`, with a code that bexio does not have
        return
    with pytest.raises(UsageProblem) as caught:
        read_order(text)
    assert caught.value.hint


def test_orders_that_contradict_each_other() -> None:
    with pytest.raises(UsageProblem, match="maps standard to UN81 and to UR26"):
        read_orders(["standard=UN81", "standard=UR26"])
    assert len(read_orders(["standard=UN81", "class:standard=UN81"])) == 1


# Without the letters that begin what looks like text encoded twice, which is refused.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="ÃÂâ√├"), min_size=1, max_size=12
)


@given(names, st.sampled_from([None, Decimal("8.1")]), st.sampled_from([None, "DE"]), st.sampled_from([None, "fee"]))
def test_what_a_hint_spells_is_read_as_it_was_meant(tax_class: str, rate: Any, country: Any, use: Any) -> None:
    wanted = VatRow("CODE", tax_class, rate, country, use, LAW)
    assert read_order(f"{spelled(wanted)}=CODE") == wanted


@pytest.mark.parametrize(
    ("order", "message", "hint"),
    [
        ("rate:8.1=UR26", "rate:8.1 has 8.1 % in the shop, but UR26 has 2.6 % in bexio.", "bexio has UN81 (8.1 %)."),
        ("standard=UR26", "standard has 8.1 % in the shop, but UR26 has 2.6 %", "The rates must be the same."),
        ("standard=UN82", 'bexio has no tax code "UN82".', "UN81 (8.1 %)"),
        ("old=UN77", "UN77 is not active", "Activate it in bexio."),
        ("standard=VM81", "VM81 is not a tax for sales", "bexio has UN81 (8.1 %)"),
        ("x=UN85", "UN85 is not valid on 2026-11-20", "add from:2027-01-01"),
    ],
)
def test_orders_that_bexio_or_the_shop_contradict(order: str, message: str, hint: str) -> None:
    ledger = books((*USUAL, tax("UN85", "8.5", valid_from=date(2027, 1, 1))))
    wants = wants_of([listed("8.1", "standard")], VatMap(), ledger.master.taxes, TODAY)
    with pytest.raises(MappingProblem) as caught:
        allowed(ledger, wants, read_order(order))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_order_may_begin_before_bexio_does_and_writes_codes_as_bexio_does() -> None:
    assert allowed(books(), (), read_order("standard,from:2023-01-01=un81")).code == "UN81"


# whatever the tables

rates = st.sampled_from([None, "0", "2.6", "3.8", "7.7", "8.1", "19"])
days = st.sampled_from(
    [None, date(2018, 1, 1), date(2023, 12, 31), BEXIO, LAW, TODAY, date(2026, 12, 31), date(2027, 1, 1)]
)
classes = st.sampled_from([None, "standard", "food", "exempt"])
countries = st.sampled_from([None, "CH", "LI", "DE"])
uses = st.sampled_from(["sale", "shipping", "fee"])


@st.composite
def some_taxes(draw: Any) -> tuple[Tax, ...]:
    codes = draw(st.lists(st.sampled_from("ABCDEFG"), unique=True, max_size=6))
    kinds = st.sampled_from(
        ["sales_tax", "sales_tax", "sales_tax", "opted_sales_tax", "not_taxable_turnover", "pre_tax"]
    )
    return tuple(
        tax(
            code, draw(rates.filter(bool)), draw(kinds), active=draw(st.booleans()),
            valid_from=draw(days), valid_to=draw(days),
        )
        for code in codes
    )  # fmt: skip


decimals = rates.map(lambda rate: None if rate is None else Decimal(rate))
met = st.sampled_from([Origin.OPEN, Origin.BOOKED])
lists = st.sampled_from([Origin.LIST, Origin.PRODUCT])
some_seen = st.builds(ObservedRate, met, classes, decimals, countries, uses, st.none(), days.filter(bool)) | st.builds(
    ObservedRate, lists, classes, decimals, countries, uses, days
)
some_rows = st.builds(VatRow, st.sampled_from("ABCDEFGX"), classes, decimals, countries, st.none() | uses, days)


@settings(max_examples=150, deadline=None)
@given(some_taxes(), st.lists(some_seen, max_size=8), st.lists(some_rows, max_size=5))
def test_whatever_the_tables_a_proposal_is_of_the_same_rate_and_holds(
    taxes: tuple[Tax, ...], seen: list[ObservedRate], rows: list[VatRow]
) -> None:
    ledger, before = books(taxes), VatMap(tuple({r.key: r for r in rows}.values()))
    wants = wants_of(seen, before, taxes, TODAY)
    taken: list[tuple[Entry, Tax]] = []

    def answer(entry: Entry) -> str:
        if entry.proposal is not None:
            taken.append((entry, entry.proposal))
        return proposed(entry)

    after = decided(ledger, before, wants, answer)
    for entry, chosen in taken:
        assert chosen.rate == entry.want.rate
        assert chosen.rate > 0
        assert chosen.kind == "sales_tax"
        assert chosen.active
        assert entry.want.pattern.country in (None, *HOME)
        for found in entry.want.rows(after, entry.day):
            assert found is not None
            assert found.code == chosen.code
    fresh = [r for r in after.rows if r not in before.rows]
    rate_of = {t.code: t.rate for t in taxes}
    assert all(r.rate in (None, rate_of[r.code]) for r in fresh)
    keys = {r.key for r in fresh}
    assert [r for r in before.rows if r.key not in keys] == [r for r in after.rows if r in before.rows]
    for want in wants:
        for entry in review(ledger, after, want):
            assert entry.proposal is None or entry.standing == "mapped", "a second run has nothing left to propose"
    findings(ledger, after, wants)


@settings(max_examples=100, deadline=None)
@given(some_taxes(), st.lists(some_seen, max_size=8), st.lists(some_rows, max_size=5), st.data())
def test_whatever_a_person_answers_holds(
    taxes: tuple[Tax, ...], seen: list[ObservedRate], rows: list[VatRow], data: st.DataObject
) -> None:
    ledger, before = books(taxes), VatMap(tuple({r.key: r for r in rows}.values()))
    wants = wants_of(seen, before, taxes, TODAY)
    taken: list[tuple[Entry, str]] = []

    def answer(entry: Entry) -> str:
        begin = entry.pattern.valid_from
        usable = [
            t.code
            for t in taxes
            if not why_unusable(t, max(TODAY, begin or TODAY), begin) and entry.want.rate in (None, t.rate)
        ]
        code: str = data.draw(st.sampled_from(["", *usable]))
        taken.append((entry, code))
        return code

    after = decided(ledger, before, wants, answer)
    for entry, code in taken:
        assert not code or {r and r.code for r in entry.want.rows(after, entry.day)} == {code}
