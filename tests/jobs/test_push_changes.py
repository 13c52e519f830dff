"""What happens when the shop, or a person in bexio, changes what was pushed."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from bexsync.engine.result import Outcome, Status
from bexsync.errors import Exit
from bexsync.jobs.lifecycle import RunEnded
from world import World, a_world, an_invoice

KELLER = an_invoice()["customer"]


def lines(*prices: str) -> list[dict[str, Any]]:
    return [
        {"line_id": str(n), "name": "Sache", "unit_price": price, "tax_rate": "8.1"} for n, price in enumerate(prices)
    ]


def again(world: World, **changes: Any) -> Outcome | None:
    """Drops the invoice with changes and pushes; the outcome of its record."""
    world.drop(an_invoice(**changes), name=f"again{len(world.sandbox.requests)}.json")
    outcomes = {o.shop_id: o for o in world.push().outcomes}
    return outcomes.get("1001")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"updated_at": "2026-11-21T08:00:00Z", "metadata": {"a": 1}, "external_number": "RE-00001"},
        {"status": "sent"},
        {"attachments": [{"filename": "a.pdf"}]},
        {"email": {"subject": "Anders"}},
        {"auto_send": True},
        {"customer": KELLER | {"phone": "+41 1", "updated_at": "now", "groups": ["Kunden"], "shop_id": "7"}},
        {"lines": [{**an_invoice()["lines"][0], "metadata": {"b": 2}, "line_number": 1}]},
    ],
)
def test_what_is_not_booked_may_change_for_ever(world: World, changes: dict[str, Any]) -> None:
    world.drop(an_invoice())
    world.push()
    writes = world.writes()
    outcome = again(world, **changes)
    assert outcome is None or (outcome.status, outcome.reason) == (Status.UNCHANGED, "RE-00001 is issued")
    assert world.writes() == writes
    assert len(world.sandbox.mails) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lines": lines("120"), "total": "129.72"}, "lines[1].unit_price: 100 -> 120"),
        ({"title": "Neu"}, "title: (nothing) -> Neu"),
        ({"due_date": "2026-12-30"}, "due_date: (nothing) -> 2026-12-30"),
        ({"customer": KELLER | {"email": "neu@keller.ch"}}, "customer.email: anna.keller@example.ch -> neu@keller.ch"),
    ],
)
@pytest.mark.parametrize("paid", [False, True])
def test_changed_after_booking(world: World, changes: dict[str, Any], said: str, paid: bool) -> None:
    world.drop(an_invoice())
    world.push()
    if paid:
        world.sandbox.person.pay(1)
    writes = world.writes()
    outcome = again(world, **changes)
    assert outcome is not None
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "changed_after_booking")
    assert said in outcome.reason
    assert "kb_invoice/show/id/1" in outcome.hint
    assert world.writes() == writes
    assert again(world) is not None  # changed back: nothing is wrong any more
    assert world.push().exit_code is Exit.OK
    assert not [row for row in world.status().values() if row["error"]]


def test_a_draft_follows_the_shop_until_it_is_issued(world: World) -> None:
    world.set_profile(invoices={"finish": "draft"})
    world.drop(an_invoice())
    world.push()
    first = world.invoice("1001")
    for prices, total in ((("120",), "129.72"), (("50", "50", "50"), "162.15"), (("100",), "108.10"), (("7",), "7.57")):
        outcome = again(world, lines=lines(*prices), total=total, title=f"Fassung {total}")
        assert outcome is not None
        assert (outcome.status, outcome.action) == (Status.DONE, "update")
        draft = world.invoice("1001")
        assert (draft["id"], draft["document_nr"]) == (first["id"], first["document_nr"])
        assert abs(Decimal(draft["total"]) - Decimal(total)) <= Decimal("0.025")
        assert [Decimal(p["unit_price"]) for p in draft["positions"]] == [Decimal(p) for p in prices]
        assert draft["title"] == f"Fassung {total}"
    assert "changed_in_ledger" not in [e["event"] for e in world.events()], "it was us, and the shop knows"
    world.set_profile(invoices={"finish": "send"})
    outcome = again(world, lines=lines("7"), total="7.57", title="Fassung 7.57", metadata={"touched": True})
    assert outcome is not None
    assert outcome.status is Status.DONE
    assert [m.subject for m in world.sandbox.mails] == ["Rechnung RE-00001"]


@pytest.mark.parametrize("edit_issued", ["refused", "accepted"])
def test_a_draft_that_a_person_issued_is_not_touched(tmp_path: Any, monkeypatch: Any, edit_issued: str) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"edit_issued": edit_issued}) as world:
        world.set_profile(invoices={"finish": "draft"})
        world.drop(an_invoice())
        world.push()
        world.sandbox.person.issue(1)
        outcome = again(world, lines=lines("7"), total="7.57")
        assert outcome is not None
        assert (outcome.status, outcome.code) == (Status.BLOCKED, "changed_after_booking")
        assert Decimal(world.invoice("1001")["total"]) == Decimal("108.10")


@pytest.mark.parametrize("cut", ["/2.0/kb_invoice/1", "kb_position_custom/1", "/kb_position_custom"])
def test_a_half_rewritten_draft_is_never_mailed_even_when_the_shop_goes_back(world: World, cut: str) -> None:
    world.drop(an_invoice(leave_as_draft=True))
    world.push()

    def lose_the_way(request: Any) -> None:
        if request.method in ("POST", "DELETE") and request.path.endswith(cut):
            raise ConnectionError("the line is dead")

    world.sandbox.hooks.after_commit.append(lose_the_way)
    world.drop(an_invoice(lines=lines("1", "1", "1"), total="3.24", leave_as_draft=True), name="b.json")
    with suppress(RunEnded):
        world.push()
    world.sandbox.hooks.after_commit.clear()
    world.clock.forward(minutes=10)
    world.drop(an_invoice(), name="c.json")
    for _ in range(3):
        world.push()
        world.clock.forward(minutes=10)
    invoice = world.invoice("1001")
    assert Decimal(invoice["total"]) == Decimal("108.10")
    assert len(invoice["positions"]) == 1
    assert invoice["kb_item_status_id"] == 8
    assert [m.invoice_id for m in world.sandbox.mails] == [1]


def test_an_invoice_taken_back_by_a_person_is_neither_rewritten_nor_mailed_twice(world: World) -> None:
    world.drop(an_invoice())
    world.push()
    world.sandbox.person.revert(1)
    outcome = again(world, lines=lines("7"), total="7.57")
    assert outcome is not None
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "taken_back_in_ledger")
    assert Decimal(world.invoice("1001")["total"]) == Decimal("108.10")
    assert world.push().outcomes[0].code == "taken_back_in_ledger"
    assert (world.invoice("1001")["kb_item_status_id"], len(world.sandbox.mails)) == (7, 1)
    world.sandbox.person.issue(1)
    assert again(world) is not None  # changed back in the shop as well
    assert world.push().exit_code is Exit.OK


@pytest.mark.parametrize("standing", ["draft", "issued", "cancelled", "deleted"])
def test_cancelled_in_the_shop(world: World, standing: str) -> None:
    world.set_profile(invoices={"finish": "draft" if standing == "draft" else "issue"})
    world.drop(an_invoice())
    world.push()
    if standing == "cancelled":
        world.sandbox.person.cancel(1)
    if standing == "deleted":
        world.sandbox.person.delete(1)
    outcome = again(world, status="cancelled")
    assert outcome is not None
    expected = {
        "draft": (Status.BLOCKED, "cancelled_in_shop"),
        "issued": (Status.BLOCKED, "cancelled_in_shop"),
        "cancelled": (Status.UNCHANGED, ""),
        "deleted": (Status.UNCHANGED, ""),
    }
    assert (outcome.status, outcome.code) == expected[standing]


def test_a_draft_of_the_shop_is_left_alone_until_it_is_approved(world: World) -> None:
    world.drop(an_invoice("draft", status="draft"))
    assert {o.status for o in world.push().outcomes} == {Status.IGNORED}
    world.drop(an_invoice("draft"), name="approved.json")
    assert world.push().outcomes[0].status is Status.DONE


def test_a_draft_whose_approval_was_withdrawn_is_not_mailed(world: World) -> None:
    world.drop(an_invoice(leave_as_draft=True))
    world.push()
    for changes in ({"status": "draft"}, {"status": "draft", "lines": lines("7"), "total": "7.57"}):
        outcome = again(world, **changes)
        assert outcome is not None
        assert outcome.status is Status.UNCHANGED
    assert (world.invoice("1001")["kb_item_status_id"], world.sandbox.mails) == (7, [])
    assert Decimal(world.invoice("1001")["total"]) == Decimal("108.10")
    outcome = again(world)
    assert outcome is not None
    assert outcome.action == "send"


def test_deleted_in_bexio_is_not_created_again(world: World) -> None:
    world.drop(an_invoice())
    world.push()
    world.sandbox.person.delete(1)
    outcome = again(world, title="Neu")
    assert outcome is not None
    assert (outcome.status, outcome.code) == (Status.BLOCKED, "deleted_in_ledger")
    assert world.invoices() == []


class TestARefusedMail:
    """The recipient is refused: by bexio's rules for trial companies only the token's owner may be mailed."""

    @pytest.fixture(params=["accepted", "refused"])
    def strict(self, request: Any, tmp_path: Any, monkeypatch: Any) -> Any:
        from bexio_sandbox.api import invoices

        behaviours = {"send_on_draft": request.param}
        with a_world(tmp_path, monkeypatch, behaviours=behaviours) as world:
            world.refuse = True  # type: ignore[attr-defined]
            real = invoices.LETTER.read

            def read(body: Any, *rest: Any, **more: Any) -> Any:
                from bexio_sandbox.errors import form_error

                if world.refuse and body.get("recipient_email", "").startswith("anna"):  # type: ignore[attr-defined]
                    raise form_error("recipient_email: Only your own address.")
                return real(body, *rest, **more)

            monkeypatch.setattr(invoices.LETTER, "read", read, raising=True)
            yield world

    def test_it_is_not_forgotten(self, strict: World) -> None:
        other = {"last_name": "Frei", "email": "eva@frei.example"}
        strict.drop(an_invoice(), an_invoice("2", customer=other))
        outcomes = {o.shop_id: o for o in strict.push().outcomes}
        assert (outcomes["1001"].status, outcomes["1001"].code) == (Status.FAILED, "refused")
        assert "Only your own address" in outcomes["1001"].reason
        assert outcomes["2"].status is Status.DONE
        for _ in range(2):
            (outcome,) = strict.push().outcomes
            assert (outcome.shop_id, outcome.status) == ("1001", Status.FAILED)
        assert [m.to for m in strict.sandbox.mails] == ["eva@frei.example"]
        strict.refuse = False  # type: ignore[attr-defined]
        outcome = again(strict, email={"to": "anna.privat@example.ch"})
        assert outcome is not None
        assert outcome.status is Status.DONE
        assert [m.to for m in strict.sandbox.mails][1:] == ["anna.privat@example.ch"]
        assert strict.invoice("1001")["kb_item_status_id"] == 8


class TestCreditNotes:
    NOTE: ClassVar[dict[str, Any]] = {
        "shop_id": "C-1",
        "source_number": "GS-1",
        "document_type": "credit_note",
        "original_shop_id": "1001",
        "lines": [
            {"name": "a", "quantity": "2", "unit_price": "50", "discount_percent": "10", "tax_rate": "8.1"},
            {"name": "b", "unit_price": "20", "tax_rate": "2.6"},
            {"name": "c", "line_total": "5", "tax_rate": "2.6"},
            {"type": "text", "name": "danke"},
        ],
        "total": "122.94",
    }

    def test_it_becomes_a_task_with_all_a_person_needs(self, world: World) -> None:
        world.drop(an_invoice())
        world.push()
        world.drop(an_invoice(**self.NOTE), name="note.json")
        requests = len(world.sandbox.requests)
        (outcome,) = world.push().outcomes
        assert (outcome.status, outcome.code) == (Status.BY_HAND, "credit_note")
        assert "GS-1 of invoice 1001 of 122.94 CHF (90.00 at 8.1 %, 25.00 at 2.6 %, excl. VAT)" in outcome.reason
        assert "kb_invoice/show/id/1" in outcome.hint
        assert len(world.sandbox.requests) == requests, "nothing has to be asked for it"

    @pytest.mark.parametrize("sign", ["", "-"])
    def test_its_sign_does_not_matter(self, world: World, sign: str) -> None:
        rows = [
            {"name": "a", "unit_price": f"{sign}100", "tax_rate": "8.1"},
            {"type": "discount", "discount_amount": "10", "tax_rate": "8.1"},
        ]
        world.drop(an_invoice(**self.NOTE | {"lines": rows, "total": f"{sign}97.29"}))
        assert "of 97.29 CHF (90.00 at 8.1 %, excl. VAT)" in world.push().outcomes[0].reason


def test_discounts_where_bexio_takes_no_negative_prices(tmp_path: Any, monkeypatch: Any) -> None:
    """They lower the prices of the lines they are for; what has no such lines is blocked with a sentence."""
    with a_world(tmp_path, monkeypatch, behaviours={"negative_unit_price": "refused"}) as world:
        world.set_profile(invoices={"finish": "issue"})
        sale = {"name": "a", "quantity": "3", "unit_price": "20", "tax_rate": "8.1"}
        food = {"name": "b", "unit_price": "40", "tax_rate": "2.6"}
        off = {"type": "discount", "name": "Treue", "discount_amount": "10"}
        back = {"name": "c", "unit_price": "-5", "tax_rate": "8.1"}
        world.drop(
            # 60 - 5 = 55; x 1.081 = 59.455
            an_invoice("line", lines=[sale | {"discount_amount": "5"}], total="59.46"),
            # 10 over 60 and 40: 54 x 1.081 + 36 x 1.026 = 58.374 + 36.936 = 95.31
            an_invoice("document", lines=[sale, food, off], total="95.31"),
            an_invoice("back", lines=[sale, back], total="59.46"),
            an_invoice("taxed", lines=[sale, off | {"tax_rate": "8.1"}], total="54.05"),
        )
        outcomes = {o.shop_id: (o.status, o.code) for o in world.push().outcomes}
        assert outcomes == {
            "line": (Status.DONE, ""),
            "document": (Status.DONE, ""),
            "back": (Status.BLOCKED, "negative_price"),
            "taxed": (Status.BLOCKED, "negative_price"),
        }
        line, document = world.invoice("line"), world.invoice("document")
        assert Decimal(line["total"]) == Decimal("59.45")
        assert line["positions"][0]["text"] == "a<br/>Rabatt: 5.00"
        assert Decimal(document["total"]) == Decimal("95.30")
        assert [p["text"] for p in document["positions"]] == [
            "a<br/>Rabatt: 6.00",
            "b<br/>Rabatt: 4.00",
            "Treue: 10.00",
        ]
        writes = world.writes()
        world.push()
        assert world.writes() == writes
