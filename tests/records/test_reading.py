"""Untrusted values become a record, or one sentence that names the field."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexsync.records import Malformed, Reading, read_record


def an_invoice(**fields: Any) -> dict[str, Any]:
    return {
        "shop_id": "R-1",
        "invoice_date": "2026-11-20",
        "currency": "CHF",
        "lines": [{"name": "Beratung", "unit_price": "100.00"}],
        "total": "100.00",
        **fields,
    }


def a_line(**fields: Any) -> dict[str, Any]:
    return an_invoice(lines=[{"name": "Beratung", "unit_price": "100.00"}, fields])


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in an_invoice().items() if k != name}


def sentence(kind: str, value: Any) -> str:
    with pytest.raises(Malformed) as caught:
        read_record(kind, value)
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("R-1", "is a text where a record, that is an object with fields, belongs"),
        (None, "is null where a record, that is an object with fields, belongs"),
        ([], "is a list where a record, that is an object with fields, belongs"),
        (without("currency"), "field `currency` is missing"),
        (without("shop_id"), "field `shop_id` is missing"),
        (an_invoice(discount=3), "field `discount` is unknown"),
        (an_invoice(curency="CHF"), "field `curency` is unknown; did you mean `currency`?"),
        (a_line(unitprice="1"), "field `lines[2].unitprice` is unknown; did you mean `unit_price`?"),
        (
            an_invoice(customer={"emial": "a@example.ch"}),
            "field `customer.emial` is unknown; did you mean `email`?",
        ),
        (an_invoice(lines=[]), "field `lines` is empty"),
        (an_invoice(lines={}), "field `lines` must be a list, it says an object"),
        (an_invoice(lines=[7]), "field `lines[1]` must be an object with fields, it says 7"),
        (
            an_invoice(lines=[{"quantity": "zwei"}]),
            'field `lines[1].quantity` must be a number like 1234.50, it says "zwei"',
        ),
        (an_invoice(customer="Muster"), 'field `customer` must be an object with fields, it says "Muster"'),
        (an_invoice(shop_id=""), "field `shop_id` is empty"),
        (an_invoice(shop_id="  "), "field `shop_id` is empty"),
        (an_invoice(shop_id="7" * 121), "field `shop_id` is longer than 120 characters"),
        (an_invoice(shop_id=True), "field `shop_id` must be a text, it says true"),
        (
            an_invoice(shop_id="R\x1b[2J1"),
            'field `shop_id` holds a character that cannot be printed (U+001B), it says "R�[2J1"',
        ),
        (an_invoice(title=5), "field `title` must be a text, it says 5"),
        (an_invoice(title="\ud800"), "field `title` holds half a character (a lone surrogate)"),
        (an_invoice(currency="Franken"), 'field `currency` must be a currency code like CHF, it says "Franken"'),
        (an_invoice(currency=""), 'field `currency` must be a currency code like CHF, it says ""'),
        (an_invoice(language="german"), 'field `language` must be a language code like de or fr, it says "german"'),
        (
            an_invoice(billing_address={"country_code": "CHE"}),
            'field `billing_address.country_code` must be a country code like CH, it says "CHE"',
        ),
        (
            an_invoice(customer={"email": "anna.example.ch"}),
            'field `customer.email` is not a mail address, it says "anna.example.ch"',
        ),
        (
            an_invoice(customer={"kind": "firma"}),
            "field `customer.kind` must be 'company' or 'person', it says \"firma\"",
        ),
        (an_invoice(total="1'000.00"), 'field `total` must be a number like 1234.50, it says "1\'000.00"'),
        (an_invoice(total="1000,00"), 'field `total` must be a number like 1234.50, it says "1000,00"'),
        (an_invoice(total="1_000"), 'field `total` must be a number like 1234.50, it says "1_000"'),
        (an_invoice(total="１２"), 'field `total` must be a number like 1234.50, it says "１２"'),
        (a_line(quantity=None), "field `lines[2].quantity` must be a number like 1234.50, it says null"),
        (an_invoice(total="NaN"), 'field `total` must be a number like 1234.50, it says "NaN"'),
        (an_invoice(total=Decimal("Infinity")), "field `total` must be a number like 1234.50, it says Infinity"),
        (
            an_invoice(total=108.1),
            'field `total` is a binary number; write it as text, like "108.10", it says 108.1',
        ),
        (an_invoice(total="1e999"), 'field `total` is larger than any amount bexsync books, it says "1e999"'),
        (
            an_invoice(total=Decimal("1e999999999")),
            "field `total` is larger than any amount bexsync books, it says 1E+999999999",
        ),
        (
            an_invoice(total=10**5000),
            "field `total` is larger than any amount bexsync books, it says a very long number",
        ),
        (
            an_invoice(lines=[{"discount_amount": "0.0000001"}]),
            "field `lines[1].discount_amount` has more than six decimals, which the ledger does not accept, "
            'it says "0.0000001"',
        ),
        (a_line(quantity=True), "field `lines[2].quantity` is true or false where a number belongs, it says true"),
        (a_line(quantity=""), 'field `lines[2].quantity` must be a number like 1234.50, it says ""'),
        (a_line(discount_percent=101), "field `lines[2].discount_percent` must be at most 100, it says 101"),
        (a_line(tax_rate="-8.1"), 'field `lines[2].tax_rate` must be at least 0, it says "-8.1"'),
        (
            a_line(type="rabatt"),
            "field `lines[2].type` must be 'product', 'service', 'shipping', 'fee', 'discount', "
            "'text' or 'subtotal', it says \"rabatt\"",
        ),
        (
            an_invoice(invoice_date="20.11.2026"),
            'field `invoice_date` must be a date like 2026-11-20, it says "20.11.2026"',
        ),
        (
            an_invoice(invoice_date="2026-02-30"),
            'field `invoice_date` must be a date like 2026-11-20, it says "2026-02-30"',
        ),
        (
            an_invoice(invoice_date="2026-11-20T00:00:00Z"),
            'field `invoice_date` must be a date like 2026-11-20, it says "2026-11-20T00:00:00Z"',
        ),
        (an_invoice(invoice_date=0), "field `invoice_date` must be a date like 2026-11-20, it says 0"),
        (an_invoice(invoice_date="86400"), 'field `invoice_date` must be a date like 2026-11-20, it says "86400"'),
        (an_invoice(payment_terms_days=True), "field `payment_terms_days` must be a whole number, it says true"),
        (
            an_invoice(payment_terms_days=Decimal("30.5")),
            "field `payment_terms_days` must be a whole number, it says 30.5",
        ),
        (an_invoice(payment_terms_days=-1), "field `payment_terms_days` must be at least 0, it says -1"),
        (
            an_invoice(prices_include_tax="vielleicht"),
            'field `prices_include_tax` must be true or false, it says "vielleicht"',
        ),
        (an_invoice(metadata=[1]), "field `metadata` must be an object with fields, it says a list"),
        (
            an_invoice(metadata={"a": ["\ud800"]}),
            "field `metadata` holds half a character (a lone surrogate), it says an object",
        ),
        (
            an_invoice(metadata={"a": Decimal("NaN")}),
            "field `metadata` holds something that is not a number, it says an object",
        ),
        (an_invoice(**{"x\x1b[31m" + "y" * 100: 1}), f"field `x�[31m{'y' * 51}...` is unknown"),
        (an_invoice(total="x", currency=None), "field `currency` must be a text, it says null (1 more after it)"),
    ],
)
def test_a_malformed_invoice_is_one_sentence(value: Any, expected: str) -> None:
    assert sentence("invoice", value) == expected


def test_the_field_is_told_apart_from_the_sentence() -> None:
    with pytest.raises(Malformed) as caught:
        read_record("invoice", a_line(unit_price="x"))
    assert caught.value.field == "lines[2].unit_price"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (an_invoice(total="100"), an_invoice(total=Decimal("1.00E+2"))),
        (an_invoice(total="0"), an_invoice(total="-0.00")),
        (an_invoice(shop_id="7"), an_invoice(shop_id=7)),
        (an_invoice(currency="CHF"), an_invoice(currency=" chf ")),
        (an_invoice(), an_invoice(schema="bexsync/1", kind="invoice")),
        (an_invoice(), an_invoice(title="", due_date="", language="", payment_terms_days="")),
        (an_invoice(email={}), an_invoice(email={"to": " ", "text": ""})),
        (an_invoice(payment_terms_days=30), an_invoice(payment_terms_days="30")),
        (
            an_invoice(metadata={"a": [Decimal("1.5")], "b": None}),
            an_invoice(metadata={"b": None, "a": [Decimal("1.5")]}),
        ),
    ],
)
def test_spelling_is_not_content(one: Any, other: Any) -> None:
    first, second = read_record("invoice", one), read_record("invoice", other)
    assert first.fingerprint() == second.fingerprint()


def test_a_customer_keeps_its_own_kind() -> None:
    customer = read_record("customer", {"shop_id": "K-1", "kind": "company", "first_name": "Anna"})
    assert customer.canonical()["kind"] == "company"
    assert read_record("customer", customer.canonical()) == customer
    assert "kind" not in read_record("customer", {"shop_id": "K-1", "kind": "customer"}).canonical()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(st.characters()),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=9), parts, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = [*sorted(an_invoice()), "customer", "metadata", "email", "due_date", "payment_terms_days", "attachments"]


@given(st.sampled_from(_FIELDS), _JSON)
def test_any_value_is_a_record_or_a_sentence(name: str, value: Any) -> None:
    try:
        record = read_record("invoice", an_invoice(**{name: value}))
    except Malformed as problem:
        said = problem.message
    else:
        again = read_record("invoice", record.canonical())
        assert record.fingerprint() == again.fingerprint()
        return
    assert said.isprintable()


@pytest.mark.parametrize(
    ("written", "country", "read"),
    [
        ("CH-3600", "CH", "3600"),
        ("CH 3600", "CH", "3600"),
        ("ch-3600", None, "3600"),
        ("CH3600", "CH", "3600"),
        ("FL-9490", "LI", "9490"),
        ("FL-9490", "CH", "9490"),
        ("FL-9490", None, "9490"),
        ("3600.0", "CH", "3600"),
        ("3600.00", None, "3600"),
        ("80331.0", "DE", "80331"),
        (" 36 00 ", "CH", "3600"),
        ("36\N{NO-BREAK SPACE}00", "CH", "3600"),
        (3600, "CH", "3600"),
        (Decimal("3600.0"), None, "3600"),
        ("D-80331", "DE", "80331"),
        ("A-1010", "AT", "1010"),
        ("F - 75008", "FR", "75008"),
        # what another country allows stays as it is written
        ("D-80331", None, "D-80331"),
        ("D-80331", "CH", "D-80331"),
        ("SW1A  1AA", "GB", "SW1A 1AA"),
        ("1012 AB", "NL", "1012 AB"),
        ("114 55", "SE", "114 55"),
        ("LV-1010", "LV", "LV-1010"),
        ("00-950", "PL", "00-950"),
        ("1", "CH", "1"),
    ],
)
def test_a_postal_code_is_read_as_its_country_writes_it(written: Any, country: str | None, read: str) -> None:
    address = {"postal_code": written, "country_code": country}
    for order in (address, dict(reversed(address.items()))):
        record = read_record("customer", {"billing_address": order})
        assert record.canonical()["billing_address"]["postal_code"] == read


def test_a_postal_code_is_no_truth_value() -> None:
    value = {"billing_address": {"postal_code": True}}
    assert sentence("customer", value) == "field `billing_address.postal_code` must be a text, it says true"


# characters that nobody sees


def cleaned(**fields: Any) -> tuple[Any, list[str]]:
    reading = Reading()
    record = read_record("invoice", an_invoice(**fields), reading)
    return record, list(reading.cleaned)


@pytest.mark.parametrize(
    ("written", "line", "lines"),
    [
        ("Anna\u202e relleK", "Anna relleK", "Anna relleK"),
        ("\ufeffAnna\u200b Keller\x1b[2J", "Anna Keller[2J", "Anna Keller[2J"),
        ("Anna\x00\x07\x7f\x9b Keller", "Anna Keller", "Anna Keller"),
        ("\u2066Anna\u2069 \u061cKeller", "Anna Keller", "Anna Keller"),
        ("Anna\r\nKeller\t3", "Anna Keller 3", "Anna\r\nKeller\t3"),
        ("Anna\u2028Keller\x85x", "Anna Keller x", "Anna\nKeller\nx"),
        ("Mann\u200d Frau \U0001f469\u200d\U0001f527", "Mann Frau \U0001f469\u200d\U0001f527", None),
        ("Zürich, «ja»\u00a0– 5 % 日本 \U0001f600", "Zürich, «ja»\u00a0– 5 % 日本 \U0001f600", None),
        ("نور", "نور", None),
    ],
)
def test_what_nobody_sees_is_removed_from_texts(written: str, line: str, lines: str | None) -> None:
    record, fields = cleaned(title=written, footer_text=written, customer={"last_name": written})
    found = {"title": record.title, "footer_text": record.footer_text, "last_name": record.customer.last_name}
    assert found == {"title": line, "footer_text": line if lines is None else lines, "last_name": line}
    assert set(fields) == {name for name, text in found.items() if text != written}
    assert read_record("invoice", record.canonical()) == record


def test_a_text_of_nothing_one_sees_is_none() -> None:
    record, _ = cleaned(title="\u200b \ufeff")
    assert record.title is None


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"shop_id": "R\u202e1"}, "U+202E", "shop_id"),
        ({"source_number": "RE\u200b1"}, "U+200B", "source_number"),
        ({"customer": {"last_name": "K", "email": "anna\u200b@example.ch"}}, "U+200B", "customer.email"),
        ({"customer": {"last_name": "K", "customer_number": "1\x002"}}, "U+0000", "customer.customer_number"),
        ({"lines": [{"unit_price": "100", "revenue_account": "32\u202d00"}]}, "U+202D", "lines[1].revenue_account"),
        ({"lines": [{"unit_price": "100", "tax_code": "UN\n81"}]}, "U+000A", "lines[1].tax_code"),
    ],
)
def test_in_ids_numbers_mails_and_accounts_it_stops_the_record(fields: dict[str, Any], code: str, field: str) -> None:
    said = sentence("invoice", an_invoice(**fields))
    assert said.startswith(f"field `{field}` holds a character that cannot be printed ({code}), it says")
    assert said.isprintable()


def test_in_an_amount_it_is_no_number() -> None:
    assert "`total` must be a number" in sentence("invoice", an_invoice(total="108\u200b.10"))


def test_a_record_of_the_state_was_taken_under_the_rules_of_its_day() -> None:
    record = read_record("invoice", an_invoice(source_number="RE\u200b1"), Reading(is_stored=True))
    assert record.canonical()["source_number"] == "RE\u200b1"


@pytest.mark.parametrize(
    "written",
    [
        "anna@example.ch",
        " mailto:anna@example.ch ",
        "MailTo:anna@example.ch?subject=Rechnung",
        "Anna Keller <anna@example.ch>",
        '"Keller, Anna" <anna@example.ch>',
        "<anna@example.ch>",
        "anna@example.ch <anna@example.ch>",
        "Anna <mailto:anna@example.ch>",
    ],
)
def test_a_mail_address_is_taken_out_of_what_stands_around_it(written: str) -> None:
    record, _ = cleaned(customer={"last_name": "K", "email": written}, email={"to": written})
    assert (record.customer.email, record.email.to) == ("anna@example.ch", "anna@example.ch")


@pytest.mark.parametrize(
    "written",
    [
        *("bert@example.ch <anna@example.ch>", "Anna <anna@example.ch>, Bert <bert@example.ch>", "Anna <anna>"),
        *("mailto:", "anna@example.ch, bert@example.ch", "tel:0791234567", "Anna <>"),
    ],
)
def test_what_may_be_another_address_is_none(written: str) -> None:
    assert "is not a mail address" in sentence("customer", {"last_name": "K", "email": written})


@pytest.mark.parametrize("word", ["MÃ¼ller", "GerÃ¤t", "Â«Tisch", "donâ€™t", "Ã–sterreich"])
def test_text_that_was_encoded_twice_stops_a_new_record_and_no_stored_one(word: str) -> None:
    value = {"shop_id": "1", "invoice_date": "2026-11-20", "currency": "CHF", "lines": [{"name": f"Ein {word}"}]}
    with pytest.raises(Malformed, match="encoded twice"):
        read_record("invoice", value, Reading())
    assert read_record("invoice", value, Reading(is_stored=True))


def test_names_with_rare_letters_are_no_text_that_was_encoded_twice() -> None:
    names = (
        "São Paulo",
        "SÃO PAULO",
        "João",
        "Ångström",
        "Île",
        "Zoë & Noël",
        "Ñandú",
        "Âge d'or",
        "1 √2",
        "prix à 5 €",
    )
    for name in names:
        value = {"shop_id": "1", "invoice_date": "2026-11-20", "currency": "CHF", "lines": [{"name": name}]}
        assert read_record("invoice", value, Reading())
