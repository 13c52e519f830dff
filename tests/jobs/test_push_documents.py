"""What stands on the invoice in bexio, and what is mailed, judged in the sandbox's books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bexsync.engine.result import Status
from bexsync.errors import Exit
from bexsync.jobs.lifecycle import RunEnded
from world import World, an_invoice

HOURS = [
    {"date": "2026-10-05", "hours": "1.50", "person": "Mia", "description": "Entwurf & Plan"},
    {"date": "2026-10-02", "hours": "2", "person": "Urs"},
]
RICH: dict[str, Any] = {
    "shop_id": "R-1",
    "title": "Umbau <Bad> & Küche",
    "project": {"id": "p7", "number": "P-007", "name": "Seeblick"},
    "contract_reference": "PO 4711",
    "due_date": "2026-12-24",
    "header_text": "Guten Tag\nwie besprochen:",
    "footer_text": "Danke & <bis bald>",
    "payment_method": "twint",
    "lines": [
        {"type": "text", "name": "Oktober"},
        {
            "line_id": "L1",
            "name": "Beratung <vor Ort>",
            "description": "1. Tag\n2. Tag",
            "quantity": "3.5",
            "unit": "Stunden",
            "unit_price": "120",
            "discount_percent": "10",
            "tax_rate": "8.1",
            "revenue_account": "3400",
            "time_entries": HOURS,
        },
        {"line_id": "L2", "name": "Buch", "quantity": "2", "unit": "Stk", "unit_price": "20", "tax_rate": "2.6"},
        {"type": "subtotal"},
    ],
    # 3.5 x 120 x 0.9 = 378 at 8.1 % = 408.618; 40 at 2.6 % = 41.04; 449.658
    "total": "449.66",
}


def test_every_field_stands_where_it_belongs(world: World) -> None:
    world.set_profile(
        ledger={"user": "luca.ferrari@bergladen.example", "bank_account": "CH56 0483 5012 3456 7800 9"},
        payments={"accounts": {"twint": "CH93 0076 2011 6238 5295 7"}},
        invoices={"template": "b71e90", "detail": "positions"},
    )
    world.drop(an_invoice(**RICH))
    assert world.push().exit_code is Exit.OK
    invoice = world.invoice("R-1")
    books = world.sandbox.state
    assert invoice["title"] == "Umbau <Bad> & Küche"
    assert invoice["reference"] == "PO 4711, P-007 Seeblick"
    assert (invoice["is_valid_from"], invoice["is_valid_to"]) == ("2026-11-02", "2026-12-24")
    assert (invoice["header"], invoice["footer"]) == (
        "Guten Tag<br/>wie besprochen:",
        "Danke &amp; &lt;bis bald&gt;",
    )
    assert invoice["user_id"] == 2
    assert books.tables["bank_accounts"][invoice["bank_account_id"]]["iban_nr"] == "CH9300762011623852957"
    assert invoice["template_slug"] == "b71e90"
    assert (invoice["mwst_type"], invoice["mwst_is_net"], invoice["language_id"], invoice["currency_id"]) == (
        0,
        True,
        1,
        1,
    )
    text, work, hours, book, subtotal = invoice["positions"]
    assert (text["type"], text["text"]) == ("KbPositionText", "Oktober")
    assert work["text"] == "L1 Beratung &lt;vor Ort&gt;<br/>1. Tag<br/>2. Tag"
    assert [Decimal(work[f]) for f in ("amount", "unit_price", "discount_in_percent")] == [Decimal("3.5"), 120, 10]
    assert (work["unit_id"], book["unit_id"]) == (2, 1)
    accounts = {row["id"]: row["account_no"] for row in books.tables["accounts"].values()}
    assert [accounts[p["account_id"]] for p in (work, book)] == ["3400", "3200"]
    assert hours["text"] == "02.10.2026  2 h  Urs<br/>05.10.2026  1.5 h  Mia  Entwurf &amp; Plan<br/>= 3.5 h"
    assert (subtotal["type"], subtotal["text"]) == ("KbPositionSubtotal", "Zwischensumme")
    assert Decimal(invoice["total"]) == Decimal("449.65")
    (event,) = world.events()
    assert event["url"].endswith(f"/index.php/kb_invoice/show/id/{invoice['id']}")
    assert world.status()["R-1"]["number"] == invoice["document_nr"]


def test_hours_are_left_out_unless_asked_for(world: World) -> None:
    world.drop(an_invoice(**RICH))
    world.push()
    assert [p["type"] for p in world.invoice("R-1")["positions"]] == [
        "KbPositionText", "KbPositionCustom", "KbPositionCustom", "KbPositionSubtotal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "profile", "due"),
    [
        ({"due_date": "2026-12-01", "payment_terms_days": 5}, 30, "2026-12-01"),
        ({"payment_terms_days": 5}, 30, "2026-11-07"),
        ({"payment_terms_days": 0}, 30, "2026-11-02"),
        ({}, 10, "2026-11-12"),
        ({}, None, "2026-11-16"),  # bexio's own default of 14 days
    ],
)
def test_when_it_is_due(world: World, fields: dict[str, Any], profile: int | None, due: str) -> None:
    world.set_profile(invoices={"due_days": profile})
    world.drop(an_invoice(**fields))
    world.push()
    assert world.invoice("1001")["is_valid_to"] == due


@pytest.mark.parametrize("currency", ["CHF", "EUR"])
@pytest.mark.parametrize(
    ("gross", "lines", "total"),
    [
        # 50 % off 100 is 50; less 5 is 45; x 1.081 = 48.645
        (False, [{"unit_price": "100", "discount_percent": "50", "discount_amount": "5"}], "48.65"),
        # the same gross
        (True, [{"unit_price": "100", "discount_percent": "50", "discount_amount": "5"}], "45"),
        # a price from the line's total: 90 after 10 % is 100
        (True, [{"line_total": "90", "discount_percent": "10"}], "90"),
        (True, [{"quantity": "3", "line_total": "100"}], "100"),
        # 3 lines of 33.33, 10 off over two rates: 3.33 + 3.33 + 3.34
        (
            True,
            [{"unit_price": "33.33"}, {"unit_price": "33.33", "tax_rate": "2.6"}, {"unit_price": "33.34"},
             {"type": "discount", "discount_amount": "10"}],
            "90",
        ),
        # a discount that says its own rate
        (False, [{"unit_price": "100"}, {"type": "discount", "unit_price": "-10", "tax_rate": "8.1"}], "97.29"),
        # goods taken back
        (True, [{"unit_price": "100"}, {"quantity": "-1", "unit_price": "30"}], "70"),
        (True, [{"type": "service", "unit_price": "100"}, {"type": "shipping", "unit_price": "9"}], "109"),
    ],
)  # fmt: skip
def test_amounts(world: World, currency: str, gross: bool, lines: list[dict[str, Any]], total: str) -> None:
    lines = [{"name": "Sache", "tax_rate": "8.1" if one.get("type") != "discount" else None} | one for one in lines]
    lines = [{key: value for key, value in one.items() if value is not None} for one in lines]
    world.drop(an_invoice(currency=currency, prices_include_tax=gross, lines=lines, total=total))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.DONE, "")
    step = Decimal("0.05") if currency == "CHF" else Decimal("0.01")
    invoice = world.invoice("1001")
    assert abs(Decimal(invoice["total"]) - Decimal(total)) <= step / 2
    assert invoice["mwst_is_net"] is not gross


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"total": "108.11"}, "total_mismatch"),
        ({"total": None}, "total_missing"),
        ({"total": "-108.10"}, "total_not_positive"),
        ({"due_date": "2026-11-01"}, "due_before_date"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"lines": [{"name": "x", "tax_rate": "8.1"}]}, "price_missing"),
        ({"lines": [{"name": "x", "unit_price": "100", "tax_rate": "8.1", "line_total": "99"}]}, "total_mismatch"),
        ({"lines": [{"name": "x", "unit_price": "100", "revenue_account": "1020"}]}, "unknown_account"),
        ({"lines": [{"name": "x", "unit_price": "100", "revenue_account": "9"}]}, "unknown_account"),
        ({"lines": [{"type": "discount", "discount_amount": "5"}]}, "discount_without_base"),
        ({"customer": {"last_name": "Keller"}}, "mail_missing"),
    ],
)
def test_what_does_not_add_up_is_blocked_before_anything_is_written(
    world: World, fields: dict[str, Any], code: str
) -> None:
    world.drop(an_invoice(**fields))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, code)
    assert outcome.hint
    assert world.writes() == 0


@pytest.mark.parametrize(
    ("section", "values", "code"),
    [
        ("invoices", {"template": "none"}, "unknown_template"),
        ("ledger", {"bank_account": "CH00"}, "unknown_bank_account"),
        ("ledger", {"revenue_account": "1020"}, "unknown_account"),
    ],
)
def test_a_profile_that_names_what_bexio_does_not_have(
    world: World, section: str, values: dict[str, Any], code: str
) -> None:
    world.set_profile(**{section: values})
    world.drop(an_invoice("1"), an_invoice("2"))
    assert {(o.status, o.code) for o in world.push().outcomes} == {(Status.BLOCKED, code)}
    assert world.writes() == 0


def test_the_shop_may_number_the_invoices(world: World) -> None:
    world.set_profile(ledger={"numbering": "shop"})
    world.drop(an_invoice(source_number="2026-17"), an_invoice("2"))
    with pytest.raises(RunEnded) as caught:
        world.push()
    assert caught.value.problem.exit_code is Exit.CONFIGURATION
    world.sandbox.person.set_automatic_numbering(False)
    world.clock.forward(days=2)
    assert {o.shop_id: o.code for o in world.push().outcomes} == {"1001": "", "2": "number_missing"}
    assert world.invoice("1001")["document_nr"] == "2026-17"
    assert world.sandbox.mails[0].subject == "Rechnung 2026-17"


def test_an_address_of_its_own_stands_on_the_invoice(world: World) -> None:
    address = {"company": "Filiale & Co", "street": "Weg", "house_number": "5", "postal_code": "3000", "city": "Bern"}
    world.drop(an_invoice("1"))
    world.push()
    world.drop(an_invoice("2", billing_address=address), name="2.json")
    world.push()
    assert world.invoice("2")["contact_id"] == world.invoice("1")["contact_id"]
    assert "Filiale & Co" in world.invoice("2")["contact_address"]
    assert "3000 Bern" in world.invoice("2")["contact_address"]
    assert "Seestrasse" in world.invoice("1")["contact_address"]


@pytest.mark.parametrize("positions", [150, 151, 160])
def test_long_invoices_arrive_whole_and_in_order(world: World, positions: int) -> None:
    lines = [{"line_id": str(n), "name": "Teil", "unit_price": "1", "tax_rate": "8.1"} for n in range(positions)]
    # n x 1.081
    world.drop(an_invoice(lines=lines, total=str((Decimal("1.081") * positions).quantize(Decimal("0.01")))))
    result = world.push()
    assert [(o.status, o.code) for o in result.outcomes] == [(Status.DONE, "")]
    assert [p["text"] for p in world.invoice("1001")["positions"]] == [f"{n} Teil" for n in range(positions)]
    single = [r for r in world.sandbox.requests if r.path.endswith("kb_position_custom")]
    assert len(single) == max(0, positions - 150)
    assert len(world.sandbox.mails) == 1


class TestMails:
    @pytest.mark.parametrize(
        ("fields", "language", "subject"),
        [
            ({}, "de", "Rechnung RE-00001"),
            ({}, "fr", "Facture RE-00001"),
            ({}, "it", "Fattura RE-00001"),
            ({}, "en", "Invoice RE-00001"),
            ({}, "pt", "Rechnung RE-00001"),  # no text of its own: the profile's language
            ({"language": "fr"}, "de", "Facture RE-00001"),  # the invoice's language before the customer's
            ({}, "fr-ch", "Facture RE-00001"),
        ],
    )
    def test_the_customers_language(self, world: World, fields: dict[str, Any], language: str, subject: str) -> None:
        customer = an_invoice()["customer"] | {"language": language}
        world.drop(an_invoice(customer=customer, **fields))
        world.push()
        (mail,) = world.sandbox.mails
        assert mail.subject == subject
        assert "https://network.bexio.com/" in mail.message
        assert "RE-00001" in mail.message
        assert "CHF 108.10" in mail.message

    def test_the_profiles_words_with_every_placeholder(self, world: World) -> None:
        message = "{number}|{title}|{total}|{currency}|{due_date}|{customer}|{other}|{}"
        world.set_profile(invoices={"mail": {"de": {"subject": "{title}", "message": message}}})
        # 108.12 in the shop is 108.10 in bexio, and that is what the customer owes
        lines = [{"name": "x", "unit_price": "100.02", "tax_rate": "8.1"}]
        world.drop(an_invoice(title="Los {total}\nzwei", lines=lines, total="108.12"))
        world.push()
        (mail,) = world.sandbox.mails
        assert mail.subject == "Los {total} zwei"
        body, _, link = mail.message.partition("\n\n")
        assert body == "RE-00001|Los {total} zwei|108.10|CHF|02.12.2026|Anna Keller|{other}|{}"
        assert link.startswith("https://network.bexio.com/"), "the link is added where it is missing"

    @pytest.mark.parametrize(
        ("language", "due_days", "words"),
        [
            ("de", 30, "12'345.60 02.12.2026"),
            ("en", 30, "12'345.60 2 December 2026"),
            ("fr", 30, "12'345.60 02.12.2026"),
            # bexio's own payment term of 14 days, where we send none
            ("it", None, "12'345.60 16.11.2026"),
            ("rm", None, "12'345.60 16.11.2026"),
        ],
    )
    def test_amounts_and_dates_as_the_customer_writes_them(
        self, world: World, language: str, due_days: int | None, words: str
    ) -> None:
        text = {"subject": "{number}", "message": "{total} {due_date}"}
        world.set_profile(invoices={"due_days": due_days, "mail": dict.fromkeys(("de", "fr", "it", "en"), text)})
        lines = [{"name": "x", "unit_price": "12345.60", "tax_rate": "8.1"}]
        world.drop(an_invoice(language=language, prices_include_tax=True, lines=lines, total="12345.60"))
        world.push()
        (mail,) = world.sandbox.mails
        assert mail.message.partition("\n")[0] == words

    def test_a_mail_that_is_sent_later_names_bexios_due_date_too(self, world: World) -> None:
        text = {"subject": "{number}", "message": "{due_date}"}
        world.set_profile(invoices={"due_days": None, "finish": "draft", "mail": {"de": text}})
        world.drop(an_invoice())
        world.push()
        world.set_profile(invoices={"finish": "send"})
        world.drop(an_invoice(title="Los"), name="again.json")
        world.push()
        assert [m.message.partition("\n")[0] for m in world.sandbox.mails] == ["16.11.2026"]

    def test_the_invoices_own_words_win(self, world: World) -> None:
        own = {
            "to": "chef@keller.ch",
            "subject": "Ihr Umbau\n{number}",
            "text": "Hier: [Network Link]",
            "attach_pdf": True,
        }
        world.drop(an_invoice(email=own))
        world.push()
        (mail,) = world.sandbox.mails
        assert (mail.to, mail.subject, mail.attach_pdf) == ("chef@keller.ch", "Ihr Umbau RE-00001", True)
        assert mail.message.startswith("Hier: https://")
        assert mail.message.count("https://") == 1

    @pytest.mark.parametrize(
        ("fields", "to"),
        [
            ({"invoice_contact": {"last_name": "Z", "email": "z@z.ch"}}, "z@z.ch"),
            ({"customer": {"last_name": "Z", "billing_address": {"email": "b@z.ch"}}}, "b@z.ch"),
        ],
    )
    def test_whom_it_goes_to(self, world: World, fields: dict[str, Any], to: str) -> None:
        world.drop(an_invoice(**fields))
        world.push()
        assert world.sandbox.mails[0].to == to

    def test_a_rehearsal_mails_only_me(self, world: World) -> None:
        world.set_profile(invoices={"send_to": "me", "attach_pdf": True})
        world.drop(an_invoice())
        world.push()
        assert [(m.to, m.attach_pdf) for m in world.sandbox.mails] == [("regula.brunner@bergladen.example", True)]


@pytest.mark.parametrize(
    ("finish", "fields", "status", "mails"),
    [
        ("draft", {}, 7, 0),
        ("issue", {}, 8, 0),
        ("send", {}, 8, 1),
        ("send", {"auto_send": False}, 8, 0),
        ("send", {"auto_send": True}, 8, 1),
        ("issue", {"auto_send": True}, 8, 0),  # one invoice never goes further than the profile
        ("draft", {"auto_send": True}, 7, 0),
        ("send", {"leave_as_draft": True}, 7, 0),
        ("send", {"leave_as_draft": True, "auto_send": True}, 7, 0),
    ],
)
def test_how_far_it_goes(world: World, finish: str, fields: dict[str, Any], status: int, mails: int) -> None:
    world.set_profile(invoices={"finish": finish})
    world.drop(an_invoice(**fields))
    assert world.push().exit_code is Exit.OK
    assert (world.invoice("1001")["kb_item_status_id"], len(world.sandbox.mails)) == (status, mails)
    writes = world.writes()
    world.drop(an_invoice(**fields), name="again.json")
    assert world.push().exit_code is Exit.OK
    assert world.writes() == writes


def test_a_unit_that_bexio_does_not_have_stands_in_the_text_and_is_said_once(world: World) -> None:
    line = {"name": "Most", "quantity": "2", "unit": "Fass", "unit_price": "50", "tax_rate": "8.1"}
    world.drop(an_invoice("1", lines=[line]), an_invoice("2", lines=[line, line | {"unit": "Stk", "unit_price": "0"}]))
    result = world.push()
    assert [(o.status, o.reason) for o in result.outcomes] == [(Status.DONE, "")] * 2
    assert [p["text"] for p in world.invoice("2")["positions"]] == ["Most<br/>2 Fass", "Most"]
    assert [p["unit_id"] for p in world.invoice("2")["positions"]] == [None, 1]
    assert [s for s in result.mentions.values() if "Fass" in s] == [
        'bexio has no unit "Fass": it stands in the text of the lines.'
    ]


def test_prices_of_many_decimals_come_to_the_shops_amounts(world: World) -> None:
    lines = [
        {"name": "Druck", "quantity": "100000", "unit": "Blatt", "unit_price": "0.12345678", "tax_rate": "8.1"},
        {"name": "Falz", "quantity": "3", "unit_price": "3.33333333333", "tax_rate": "8.1"},
    ]
    # (12345.678 + 9.999999) x 1.081 = 13356.4879...
    world.drop(an_invoice(lines=lines, total="13356.49"))
    assert [(o.status, o.code) for o in world.push().outcomes] == [(Status.DONE, "")]
    printing, folding = world.invoice("1001")["positions"]
    assert (printing["text"], Decimal(printing["unit_price"])) == (
        "Druck<br/>100000 Blatt × 0.12345678",
        Decimal("12345.678"),
    )
    assert Decimal(folding["unit_price"]) == Decimal("3.333333")
