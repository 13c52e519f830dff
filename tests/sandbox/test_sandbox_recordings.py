"""Every operation that was recorded and is served answers in the recorded shape.

`recorded_shapes.json` holds what the recordings say of names, kinds of values and headers, so that the tests need
nothing else; where the recordings are, the table is compared with them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest

RECORDED = Path(__file__).parents[3] / "shared/contracts/bexio/recorded/laravel-bexio"
SHAPES = Path(__file__).with_name("recorded_shapes.json")
HEADERS = ("content-type", "cache-control", "ratelimit-limit", "x-ratelimit-limit-minute", "x-limit")
PRESENT = ("etag", "ratelimit-remaining", "ratelimit-reset", "x-total-count", "x-offset")

# Lists whose entries are never the same company's; one entry has to look like another.
PATTERNS = (
    ("date", r"\d{4}-\d\d-\d\d"),
    ("local stamp", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("stamp", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("decimal", r"-?\d+\.\d+"),
    ("digits", r"-?\d+"),
)
# Texts that may look like anything.
FREE = {"text", "title", "name", "api_reference", "house_number", "digit", "postcode", "reference", "code"}


def kind(key: str, value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value).__name__)
    if isinstance(value, int | float):
        return "number"
    if not isinstance(value, str):
        return type(value).__name__
    if key in FREE:
        return "text"
    for name, pattern in PATTERNS:
        if re.fullmatch(pattern, value):
            return f"{name} {len(value.partition('.')[2])}" if name == "decimal" else name
    return "text"


def kinds(body: Any, found: dict[str, set[str]] | None = None, path: str = "") -> dict[str, set[str]]:
    """Says for every key path which kinds of values stand there."""
    found = {} if found is None else found
    if isinstance(body, dict):
        for key, value in body.items():
            inner = f"{path}.{key}"
            found.setdefault(inner, set()).add(kind(key, value))
            kinds(value, found, inner)
    elif isinstance(body, list):
        for each in body:
            # Positions of different types have different keys.
            label = each.get("type", "") if isinstance(each, dict) and "internal_pos" in each else ""
            kinds(each, found, f"{path}[{label}]")
    return found


def shape_of(name: str) -> dict[str, Any]:
    """What a recording says of names, kinds and headers, and which of its values were null in another recording."""
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    body = recorded["body"]
    theirs = {key.lower(): value for key, value in recorded["headers"].items()}
    first = as_list(body)[0] if body else None
    ever: dict[str, set[str]] = {}
    for file in (RECORDED / name).parent.glob("*.json"):
        kinds(as_list(json.loads(file.read_text())["body"]), ever)
    known = {path: sorted(values) for path, values in kinds(as_list(body)).items()}
    return {
        "status": recorded["status"],
        "keys": list(first) if isinstance(first, dict) else None,
        "kinds": known,
        "nullable": sorted(path for path in known if "NoneType" in ever[path]),
        "headers": {key: theirs.get(key) for key in HEADERS},
        "present": [key for key in PRESENT if key in theirs],
    }


def draft(bexio, *lines, **fields):
    fields = {"title": "Test", "mwst_type": 1, "bank_account_id": 1, "payment_type_id": 1, **fields}
    return bexio.create(*lines, api_reference="shop-1", **fields)


def open_invoice(bexio):
    number = draft(bexio)
    bexio.post(f"/2.0/kb_invoice/{number}/issue").raise_for_status()
    return number


def paid(bexio):
    number = open_invoice(bexio)
    path = f"/2.0/kb_invoice/{number}/payment"
    return path, bexio.post(path, {"value": "100"}).raise_for_status().json()["id"]


def reminded(bexio):
    path = f"/2.0/kb_invoice/{open_invoice(bexio)}/kb_reminder"
    return path, bexio.post(path).raise_for_status().json()["id"]


def addressed(bexio):
    path = "/2.0/contact/1/additional_address"
    body = {"name": "Lager", "postcode": "7270", "city": "Davos", "country_id": 1, "subject": "S", "description": "D"}
    return path, body, bexio.post(path, body)


def related(bexio):
    return bexio.post("/2.0/contact_relation", {"contact_id": 1, "contact_sub_id": 2, "description": "Leitung"})


def article_line(bexio, **fields):
    return bexio.line(type="KbPositionArticle", article_id=1, **fields)


def positioned(bexio):
    path = f"/2.0/kb_invoice/{draft(bexio)}/kb_position_article"
    line = {key: value for key, value in article_line(bexio).items() if key != "type"}
    return path, bexio.post(path, line)


def edit_position(bexio):
    path, created = positioned(bexio)
    change = {"amount": "2", "unit_price": "150", "text": "Mehr"}
    return bexio.post(f"{path}/{created.json()['id']}", change)


def issue_and(bexio, action):
    return bexio.post(f"/2.0/kb_invoice/{open_invoice(bexio)}/{action}")


def archive_and(bexio, method="DELETE", suffix=""):
    number = bexio.add_contact()["id"]
    if suffix:
        bexio.delete(f"/2.0/contact/{number}").raise_for_status()
    return bexio.http.request(method, f"/2.0/contact/{number}{suffix}")


def with_text(bexio):
    return bexio.invoice_body(
        {"type": "KbPositionText", "text": "Hinweis", "show_pos_nr": True},
        bexio.line(),
        title="Test",
        mwst_type=1,
        bank_account_id=1,
        payment_type_id=1,
        api_reference="shop-1",
    )


def recorded_order_body(bexio):
    line = bexio.line("100.000000", discount_in_percent="0.0000")
    return bexio.invoice_body(line, title="Test", mwst_type=1, bank_account_id=1, payment_type_id=1)


def recorded_order(bexio):
    return bexio.post("/2.0/kb_order", recorded_order_body(bexio)).raise_for_status().json()


def edited_contact(bexio):
    return bexio.post(f"/2.0/contact/{bexio.add_contact()['id']}", bexio.contact_body(name_1="Neu"))


def group_edit(bexio):
    return bexio.post("/2.0/contact_group/1", {"name": "Neu"})


ACTIONS: dict[str, Callable[[Any], httpx.Response]] = {
    "Accounts/fetch-a-list-of-accounts": lambda b: b.get("/2.0/accounts"),
    "Accounts/search-accounts": lambda b: b.search("accounts", ("account_no", "=", "x")),
    "AdditionalAddresses/create-an-additional-address": lambda b: addressed(b)[2],
    "AdditionalAddresses/fetch-an-additional-addresses": lambda b: b.get(
        f"{addressed(b)[0]}/{addressed(b)[2].json()['id']}"
    ),
    "AdditionalAddresses/fetch-a-list-of-additional-addresses": lambda b: b.get(addressed(b)[0]),
    "AdditionalAddresses/edit-an-additional-address": lambda b: b.post(
        f"{addressed(b)[0]}/{addressed(b)[2].json()['id']}", addressed(b)[1]
    ),
    "AdditionalAddresses/delete-an-additional-address": lambda b: b.delete(
        f"{addressed(b)[0]}/{addressed(b)[2].json()['id']}"
    ),
    "AdditionalAddresses/search-additional-addresses": lambda b: b.search(
        "contact/1/additional_address", ("name", "=", "Nichts")
    ),
    "AdditionalAddresses/fetch-a-salutation": lambda b: b.get("/2.0/salutation/1"),
    "BankAccounts/fetch-a-list-of-bank-accounts": lambda b: b.get("/3.0/banking/accounts"),
    "BankAccounts/fetch-a-single-bank-account": lambda b: b.get("/3.0/banking/accounts/1"),
    "BusinessYears/fetch-a-business-year": lambda b: b.get("/3.0/accounting/business_years/1"),
    "BusinessYears/fetch-a-list-of-business-years": lambda b: b.get("/3.0/accounting/business_years"),
    "CalendarYears/fetch-a-calendar-year": lambda b: b.get("/3.0/accounting/calendar_years/1"),
    "CalendarYears/fetch-a-list-of-calendar-years": lambda b: b.get("/3.0/accounting/calendar_years"),
    "CalendarYears/search-calendar-years": lambda b: b.post(
        "/3.0/accounting/calendar_years/search", [{"field": "start", "value": "1999-01-01", "criteria": "="}]
    ),
    "CompanyProfiles/fetch-a-company-profile": lambda b: b.get("/2.0/company_profile/1"),
    "CompanyProfiles/fetch-a-list-of-company-profiles": lambda b: b.get("/2.0/company_profile"),
    "ContactGroups/create-contact-group": lambda b: b.post("/2.0/contact_group", {"name": "Test"}),
    "ContactGroups/delete-a-contact-group": lambda b: b.delete("/2.0/contact_group/1"),
    "ContactGroups/edit-contact-group": group_edit,
    "ContactGroups/fetch-a-contact-group": lambda b: b.get("/2.0/contact_group/1"),
    "ContactGroups/fetch-a-list-of-contact-groups": lambda b: b.get("/2.0/contact_group"),
    "ContactGroups/search-contact-groups": lambda b: b.search("contact_group", ("name", None, "Partner")),
    "ContactRelations/create-contact-relation": related,
    "ContactRelations/fetch-a-contact-relation": lambda b: b.get(f"/2.0/contact_relation/{related(b).json()['id']}"),
    "ContactRelations/edit-contact-relation": lambda b: b.post(
        f"/2.0/contact_relation/{related(b).json()['id']}",
        {"contact_id": 1, "contact_sub_id": 2, "description": "Neu"},
    ),
    "ContactRelations/delete-a-contact-relation": lambda b: b.delete(
        f"/2.0/contact_relation/{related(b).json()['id']}"
    ),
    "ContactRelations/fetch-a-list-of-contact-relations": lambda b: (related(b), b.get("/2.0/contact_relation"))[1],
    "ContactRelations/search-contact-relations": lambda b: b.search("contact_relation", ("contact_id", "=", 77)),
    "ContactSectors/search-contact-sectors": lambda b: b.search("contact_branch", ("name", "=", "Nichts")),
    "Contacts/create-contact": lambda b: b.post("/2.0/contact", b.contact_body()),
    "Contacts/delete-a-contact": archive_and,
    "Contacts/edit-contact": edited_contact,
    "Contacts/fetch-a-contact": lambda b: b.get("/2.0/contact/1"),
    "Contacts/fetch-a-list-of-contacts": lambda b: b.get("/2.0/contact"),
    "Contacts/restore-a-contact": lambda b: archive_and(b, "PATCH", "/restore"),
    "Contacts/search-contacts": lambda b: b.search("contact", ("name_1", "=", "Niemand")),
    "Countries/fetch-a-country": lambda b: b.get("/2.0/country/1"),
    "Countries/fetch-a-list-of-countries": lambda b: b.get("/2.0/country"),
    "Countries/search-countries": lambda b: b.search("country", ("name", "=", "Schweiz")),
    "Currencies/fetch-a-currency": lambda b: b.get("/3.0/currencies/1"),
    "Currencies/fetch-a-list-of-currencies": lambda b: b.get("/3.0/currencies"),
    "Currencies/fetch-all-possible-currency-codes": lambda b: b.get("/3.0/currencies/codes"),
    "Currencies/fetch-exchange-rates-for-currencies": lambda b: b.get("/3.0/currencies/2/exchange_rates"),
    "DocumentSettings/fetch-a-list-of-document-settings": lambda b: b.get("/2.0/kb_item_setting"),
    "Invoices/DefaultPositions/create-a-default-position": lambda b: b.post(
        f"/2.0/kb_invoice/{draft(b)}/kb_position_custom",
        {key: value for key, value in b.line().items() if key != "type"},
    ),
    "Invoices/Payments/create-a-payment": lambda b: b.post(
        f"/2.0/kb_invoice/{open_invoice(b)}/payment", {"value": "100", "date": "2026-06-18", "bank_account_id": 1}
    ),
    "Invoices/Payments/fetch-a-list-of-payments": lambda b: b.get(f"/2.0/kb_invoice/{draft(b)}/payment"),
    "Invoices/Payments/fetch-a-list-of-payments-for-fetch": lambda b: b.get(paid(b)[0]),
    "Invoices/Payments/fetch-a-payment": lambda b: b.get("{}/{}".format(*paid(b))),
    "Invoices/Reminders/create-a-reminder": lambda b: b.post(f"/2.0/kb_invoice/{open_invoice(b)}/kb_reminder"),
    "Invoices/Reminders/fetch-a-list-of-reminders": lambda b: b.get(reminded(b)[0]),
    "Invoices/Reminders/fetch-a-reminder": lambda b: b.get("{}/{}".format(*reminded(b))),
    "Invoices/Reminders/search-reminders": lambda b: b.post(
        f"{reminded(b)[0]}/search", [{"field": "title", "value": "Nichts", "criteria": "="}]
    ),
    "Invoices/Reminders/show-pdf-a-reminder": lambda b: b.get("{}/{}/pdf".format(*reminded(b))),
    "Invoices/SubPositions/create-a-sub-position": lambda b: b.post(
        f"/2.0/kb_invoice/{draft(b)}/kb_position_subposition", {"text": "Gruppe", "show_pos_nr": True}
    ),
    "Invoices/cancel-an-invoice": lambda b: issue_and(b, "cancel"),
    "Invoices/copy-an-invoice": lambda b: b.post(f"/2.0/kb_invoice/{draft(b)}/copy", {"contact_id": 1}),
    "Invoices/create-an-invoice": lambda b: b.post("/2.0/kb_invoice", with_text(b)),
    "Invoices/create-an-invoice-for-copy": lambda b: (
        b.get("/2.0/kb_invoice") and b.post("/2.0/kb_invoice", {**with_text(b), "positions": [b.line()]})
    ),
    "Invoices/delete-an-invoice": lambda b: b.delete(f"/2.0/kb_invoice/{draft(b)}"),
    "Invoices/edit-an-invoice": lambda b: b.post(f"/2.0/kb_invoice/{draft(b)}", {"title": "Neu"}),
    "Invoices/fetch-an-invoice": lambda b: b.get(
        f"/2.0/kb_invoice/{b.post('/2.0/kb_invoice', with_text(b)).json()['id']}"
    ),
    "Invoices/fetch-a-list-of-invoices": lambda b: (draft(b), b.get("/2.0/kb_invoice"))[1],
    "Invoices/issue-an-invoice-for-cancel": lambda b: b.post(f"/2.0/kb_invoice/{draft(b)}/issue"),
    "Invoices/search-invoices": lambda b: (draft(b), b.search("kb_invoice", ("api_reference", "=", "shop-1")))[1],
    "Invoices/show-pdf": lambda b: b.get(f"/2.0/kb_invoice/{draft(b)}/pdf"),
    "ItemPositions/create-an-item-position": lambda b: positioned(b)[1],
    "ItemPositions/edit-an-item-position": edit_position,
    "ItemPositions/fetch-a-list-of-item-positions": lambda b: b.get(positioned(b)[0]),
    "ItemPositions/fetch-an-item-position": lambda b: b.get(
        "{}/{}".format(*(lambda path, made: (path, made.json()["id"]))(*positioned(b)))
    ),
    "ItemPositions/delete-an-item-position": lambda b: b.delete(
        "{}/{}".format(*(lambda path, made: (path, made.json()["id"]))(*positioned(b)))
    ),
    "Items/create-item": lambda b: b.post("/2.0/article", b.item_body()),
    "Items/delete-an-item": lambda b: b.delete("/2.0/article/1"),
    "Items/edit-an-item": lambda b: b.post(f"/2.0/article/{b.add_item()['id']}", b.item_body(intern_name="Neu")),
    "Items/fetch-a-list-of-items": lambda b: b.get("/2.0/article"),
    "Items/fetch-an-item": lambda b: b.get(f"/2.0/article/{b.add_item()['id']}"),
    "Items/search-items": lambda b: b.search("article", ("intern_code", "=", "Nichts")),
    "Languages/fetch-a-list-of-languages": lambda b: b.get("/2.0/language"),
    "PaymentTypes/fetch-a-list-of-payment-types": lambda b: b.get("/2.0/payment_type"),
    "Quotes/create-invoice-from-quote/create-invoice-from-quote": lambda b: b.convert(recorded_order(b), "invoice"),
    # A quote that became an order echoes the quote's numbers; here the order is created with them.
    "Quotes/create-order-from-quote/create-order-from-quote": lambda b: b.post("/2.0/kb_order", recorded_order_body(b)),
    "Salutations/fetch-a-list-of-salutations": lambda b: b.get("/2.0/salutation"),
    "Salutations/search-salutations": lambda b: b.search("salutation", ("name", "=", "Herr")),
    "Taxes/delete-a-tax": lambda b: b.delete(f"/3.0/taxes/{b.tax()}"),
    "Taxes/fetch-a-list-of-taxes": lambda b: b.get("/3.0/taxes"),
    "Taxes/fetch-a-list-of-taxes-scoped_active-types_sales_tax": lambda b: b.get(
        "/3.0/taxes?scope=active&types=sales_tax"
    ),
    "Taxes/fetch-a-tax": lambda b: b.get(f"/3.0/taxes/{b.tax('V00')}"),
    "Titles/fetch-a-list-of-titles": lambda b: b.get("/2.0/title"),
    "Titles/fetch-a-title": lambda b: b.get("/2.0/title/1"),
    "Titles/search-titles": lambda b: b.search("title", ("name", "=", "Dr.")),
    "Units/fetch-a-list-of-units": lambda b: b.get("/2.0/unit"),
    "Users/fetch-a-list-of-users": lambda b: b.get("/3.0/users"),
    "Users/fetch-authenticated-user": lambda b: b.get("/3.0/users/me"),
}


def as_list(body: Any) -> Any:
    return body if isinstance(body, list) else [body]


RECORDED_SHAPES: dict[str, dict[str, Any]] = json.loads(SHAPES.read_text()) if SHAPES.exists() else {}


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings of ../shared are not here")
def test_the_table_says_what_was_recorded():
    found = {name: shape_of(name) for name in sorted(ACTIONS)}
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(shape)}" for name, shape in found.items())
        SHAPES.write_text(f"{{\n{rows}\n}}\n")
    assert json.loads(SHAPES.read_text()) == found


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_answer_has_the_recorded_shape_and_headers(bexio, name):
    recorded, answer = RECORDED_SHAPES[name], ACTIONS[name](bexio)
    assert answer.status_code == recorded["status"], answer.text
    theirs, ours = recorded["kinds"], kinds(as_list(answer.json()))
    first = as_list(answer.json())[0] if answer.json() else None
    if recorded["keys"] and isinstance(first, dict):
        assert list(first) == recorded["keys"]
    assert set(ours) == set(theirs)
    for path, found in ours.items():
        allowed = set(theirs[path]) | ({"NoneType"} if path in recorded["nullable"] else set())
        # A value that was never anything but null or empty says nothing about its type.
        is_open = allowed <= {"NoneType"} or (found | allowed) <= {"NoneType", "text"}
        assert found <= allowed or is_open, f"{path}: {found} instead of {allowed}"
    assert {key: answer.headers.get(key) for key in HEADERS} == recorded["headers"]
    assert [key for key in PRESENT if key in answer.headers] == recorded["present"]


def test_the_recorded_etag_is_short_and_unquoted(bexio):
    etag = bexio.get("/2.0/contact/1").headers["etag"]
    assert re.fullmatch("[0-9a-f]{32}", etag)
