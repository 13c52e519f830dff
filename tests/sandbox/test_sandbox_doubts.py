"""Every open question, answered one way and the other."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bexio_sandbox import BEHAVIOURS, Sandbox

LETTER = {"recipient_email": "k@mail.example", "subject": "R", "message": "[Network Link]"}


def search_status(*condition):
    return lambda b: (b.create(api_reference="A"), b.search("kb_invoice", condition).status_code)[1]


def search_count(*condition):
    return lambda b: (b.create(api_reference="A"), len(b.search("kb_invoice", condition).json()))[1]


def on_draft(action):
    def ask(bexio):
        number = bexio.create()
        answer = bexio.post(f"/2.0/kb_invoice/{number}/{action}", LETTER if action == "send" else None)
        return answer.status_code, bexio.show(number)["kb_item_status_id"]

    return ask


def pay(bexio, number, value):
    return bexio.post(f"/2.0/kb_invoice/{number}/payment", {"value": value}).status_code


def paid_then(action, **options):
    def ask(bexio):
        number = bexio.issued()
        pay(bexio, number, "8.10")
        return bexio.post(f"/2.0/kb_invoice/{number}/{action}", **options).status_code

    return ask


def large_create(bexio):
    answer = bexio.post("/2.0/kb_invoice", bexio.invoice_body(*[bexio.line("1")] * 151))
    return answer.status_code, [len(row["positions"]) for row in bexio.sandbox.invoices()]


def net_order(bexio):
    return bexio.post("/2.0/kb_order", bexio.invoice_body(mwst_is_net=True)).status_code


def converted_without_positions(bexio):
    order = bexio.create_order()
    answer = bexio.post(f"/2.0/kb_order/{order['id']}/invoice", {})
    return answer.status_code, [len(row["positions"]) for row in bexio.sandbox.invoices()]


def large_conversion(bexio):
    order = bexio.create_order(*[bexio.line("1")] * 150)
    line = {key: value for key, value in bexio.line("1").items() if key != "type"}
    bexio.post(f"/2.0/kb_order/{order['id']}/kb_position_custom", line).raise_for_status()
    answer = bexio.convert(bexio.order(order["id"]), "invoice")
    return answer.status_code, [len(row["positions"]) for row in bexio.sandbox.invoices()]


def converted_title(bexio):
    return bexio.convert(bexio.create_order(title="Order 1"), "invoice").json()["title"]


def converted_by_hand(bexio):
    bexio.sandbox.person.set_automatic_numbering(False)
    answer = bexio.convert(bexio.create_order(), "invoice")
    if answer.is_error:
        return answer.status_code
    path = f"/2.0/kb_invoice/{answer.json()['id']}"
    return answer.json()["document_nr"], bexio.post(path, {"document_nr": "R-7"}).json()["document_nr"]


def fulfilled(*kinds):
    """Delivers or invoices an order in full and says what it is then, and how much of it is open."""

    def ask(bexio):
        order = bexio.create_order()
        for kind in kinds:
            made = bexio.convert(order, kind).json()["id"]
            bexio.post(f"/2.0/kb_{kind}/{made}/issue").raise_for_status()
        return bexio.order(order["id"])["kb_item_status_id"]

    return ask


def open_amount(bexio):
    order = bexio.create_order(bexio.line(amount="3"))
    bexio.convert(order, "invoice", Tee="2").raise_for_status()
    bexio.convert(order, "delivery", Tee="1").raise_for_status()
    return bexio.order(order["id"])["positions"][0]["amount_open"]


def reserved(bexio):
    item = bexio.add_item(is_stock=True, stock_nr="5")["id"]
    bexio.create_order(bexio.line(type="KbPositionArticle", article_id=item))
    return bexio.item(item)["stock_reserved_nr"]


def used_order_deleted(bexio):
    order = bexio.create_order()
    bexio.convert(order, "invoice").raise_for_status()
    return bexio.delete(f"/2.0/kb_order/{order['id']}").status_code


def order_moved(bexio):
    order = bexio.create_order()
    bexio.clock.tick(5)
    number = bexio.convert(order, "delivery").json()["id"]
    bexio.post(f"/2.0/kb_delivery/{number}/issue").raise_for_status()
    return bexio.order(order["id"])["updated_at"] != order["updated_at"]


def moved_by_payment(bexio):
    number = bexio.issued()
    before = bexio.show(number)["updated_at"]
    bexio.clock.tick(5)
    bexio.sandbox.person.pay(number)
    return bexio.show(number)["updated_at"] != before


def moved_by_archive(bexio):
    before = bexio.get("/2.0/contact/1").json()["updated_at"]
    bexio.delete("/2.0/contact/1")
    return bexio.get("/2.0/contact/1?show_archived=true").json()["updated_at"] != before


def too_many(bexio):
    for _ in range(250):
        bexio.search("contact", ("id", "=", 1))
    answer = bexio.search("contact", ("id", "=", 1))
    assert answer.status_code == 429
    return answer


def after_unpaying(bexio):
    number = bexio.issued()
    bexio.sandbox.person.unpay(bexio.sandbox.person.pay(number))
    return bexio.show(number)["kb_item_status_id"]


def known_etag(bexio):
    etag = bexio.get("/2.0/contact/1").headers["etag"]
    return bexio.get("/2.0/contact/1", headers={"If-None-Match": etag}).status_code


def taken_number(bexio):
    return bexio.post("/2.0/contact", bexio.contact_body(nr="1")).status_code


def title(name):
    return lambda b: b.post("/2.0/contact", b.contact_body(**{name: 1})).status_code


def merged(bexio):
    bexio.sandbox.person.merge_contacts(1, 2)
    return [row["id"] for row in bexio.sandbox.contacts(archived=True)]


def second_of_a_code(bexio):
    bexio.add_item()
    return bexio.post("/2.0/article", bexio.item_body()).status_code


def edited_item(bexio):
    path = f"/2.0/article/{bexio.add_item(sale_price='20')['id']}"
    alone = bexio.post(path, {"remarks": "neu"})
    whole = bexio.post(path, bexio.item_body(remarks="noch neuer"))
    return alone.status_code, whole.status_code, whole.json()["sale_price"], whole.json()["intern_name"]


def without_tax_id(bexio):
    answer = bexio.post("/2.0/kb_invoice", bexio.invoice_body(bexio.line(tax_id=None)))
    return answer.status_code, answer.json().get("total_taxes")


def credited_list(bexio):
    number = bexio.issued()
    bexio.sandbox.person.credit(number, "5")
    return len(bexio.get(f"/2.0/kb_invoice/{number}/payment").json()), bexio.show(number)["total_credit_vouchers"]


def link_after_issue(bexio):
    return bool(bexio.show(bexio.issued())["network_link"])


def ordered(bexio):
    for _ in range(3):
        bexio.create()
    return [row["id"] for row in bexio.get("/2.0/kb_invoice?order_by=updated_at").json()]


def created(**fields):
    return lambda b: b.post("/2.0/kb_invoice", {**b.invoice_body(), **fields}).status_code


def with_line(**fields):
    return lambda b: b.post("/2.0/kb_invoice", b.invoice_body(b.line(**fields))).status_code


def totals(*lines, **fields):
    def ask(bexio):
        shown = bexio.show(bexio.create(*[bexio.line(**line) for line in lines], **fields))
        return shown["total_net"], shown["total"], shown["total_rounding_difference"]

    return ask


REFERENCE = ("api_reference", "in", ["A"])
FORM = {"client_id": "bexsync-sandbox", "client_secret": "sandbox-secret"}
CALLBACK = "http://127.0.0.1:27182/callback"
REALM = "http://127.0.0.1/realms/bexio/protocol/openid-connect"


def question(**changes):
    asked = {
        "client_id": FORM["client_id"],
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "offline_access",
    }
    return f"{REALM}/auth?{urlencode({**asked, **changes})}"


def without_challenge(bexio):
    return parse_qs(urlsplit(bexio.sandbox.identity.approve(question())).query).keys() & {"code", "error"}


def earned(bexio, **form):
    return bexio.http.post(f"{REALM}/token", data={**FORM, **form})


def login(bexio):
    challenge = {"code_challenge": "v" * 43, "code_challenge_method": "plain"}
    back = bexio.sandbox.identity.approve(question(scope="openid offline_access", **challenge))
    code = parse_qs(urlsplit(back).query)["code"][0]
    exchange = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": "v" * 43}
    return earned(bexio, code=code, **exchange).raise_for_status().json()


def refreshed(bexio, token):
    return earned(bexio, grant_type="refresh_token", refresh_token=token)


def new_refresh_token(bexio):
    old = login(bexio)["refresh_token"]
    new = refreshed(bexio, old).json().get("refresh_token")
    still_good = refreshed(bexio, old).status_code == 200
    return ("none" if new is None else "same" if new == old else "new"), still_good


def used_again(bexio):
    old = login(bexio)["refresh_token"]
    new = refreshed(bexio, old).json()["refresh_token"]
    soon = refreshed(bexio, old).status_code
    bexio.clock.tick(61)
    late = refreshed(bexio, old).status_code
    return soon, late, refreshed(bexio, new).status_code


def refreshed_after_logout(bexio):
    tokens = login(bexio)
    bexio.get(f"{REALM}/logout", params={"id_token_hint": tokens["id_token"]})
    return refreshed(bexio, tokens["refresh_token"]).status_code


def refusals(bexio):
    person = bexio.sandbox.person
    said = [bexio.client(bexio.sandbox.create_token([])).get("/2.0/contact").json()["message"]]
    person.set_right(1, "contact", show="none")
    said.append(bexio.get("/2.0/contact").json()["message"])
    person.unbook_module("contact")
    return len({*said, bexio.get("/2.0/contact").json()["message"]})


ANSWERS = {
    "pkce": [("optional", without_challenge, {"code"}), ("required", without_challenge, {"error"})],
    "refresh_rotation": [
        ("rotate", new_refresh_token, ("new", False)),
        ("keep", new_refresh_token, ("same", True)),
        ("omitted", new_refresh_token, ("none", True)),
    ],
    "refresh_reuse": [
        ("kills", used_again, (400, 400, 400)),
        ("grace", used_again, (200, 400, 400)),
        ("ignored", used_again, (200, 200, 200)),
    ],
    "logout_ends_offline": [("no", refreshed_after_logout, 200), ("yes", refreshed_after_logout, 400)],
    "forbidden_text": [("telling", refusals, 3), ("same", refusals, 1)],
    "in_on_api_reference": [
        ("yes", search_count(*REFERENCE), 1),
        ("refused", search_status(*REFERENCE), 422),
        ("ignored", search_count(*REFERENCE), 0),
    ],
    "in_on_id": [
        ("yes", search_count("id", "in", [1]), 1),
        ("refused", search_status("id", "in", [1]), 422),
        ("ignored", search_count("id", "in", [1]), 0),
    ],
    "mail_search_case": [
        ("insensitive", lambda b: len(b.search("contact", ("mail", "=", "NINA.keller@mail.example")).json()), 1),
        ("sensitive", lambda b: len(b.search("contact", ("mail", "=", "NINA.keller@mail.example")).json()), 0),
    ],
    "text_search_case": [
        ("insensitive", search_count("api_reference", "=", "a"), 1),
        ("sensitive", search_count("api_reference", "=", "a"), 0),
    ],
    "unknown_search_field": [
        ("422", search_status("invoice_date", "=", "x"), 422),
        ("400", search_status("invoice_date", "=", "x"), 400),
        ("ignored", search_count("invoice_date", "=", "x"), 1),
    ],
    "unknown_criterion": [
        ("422", search_status("api_reference", "equals", "A"), 422),
        ("like", search_count("api_reference", "equals", "A"), 1),
    ],
    "like_bare": [
        ("contains", search_count("document_nr", "like", "0000"), 1),
        ("exact", search_count("document_nr", "like", "0000"), 0),
    ],
    "limit_over_2000": [
        ("422", lambda b: b.get("/2.0/contact?limit=9999").status_code, 422),
        ("clipped", lambda b: b.get("/2.0/contact?limit=9999").status_code, 200),
    ],
    "same_second_order": [("id", ordered, [1, 2, 3]), ("reversed", ordered, [3, 2, 1])],
    "body_of_429": [
        ("json", lambda b: too_many(b).json()["error_code"], 429),
        ("empty", lambda b: too_many(b).content, b""),
        ("html", lambda b: too_many(b).headers["content-type"], "text/html"),
    ],
    "retry_after": [
        ("no", lambda b: "retry-after" in too_many(b).headers, False),
        ("yes", lambda b: too_many(b).headers["retry-after"], "45"),
    ],
    "if_none_match": [("ignored", known_etag, 200), ("honoured", known_etag, 304)],
    "json_number_as_money": [
        ("refused", with_line(unit_price=1.5), 422),
        ("accepted", with_line(unit_price=1.5), 201),
    ],
    "contact_nr_unique": [("yes", taken_number, 422), ("no", taken_number, 201)],
    "contact_edit_required": [
        ("four", lambda b: b.post("/2.0/contact/1", {"city": "Chur"}).status_code, 422),
        ("none", lambda b: b.post("/2.0/contact/1", {"city": "Chur"}).status_code, 200),
    ],
    "contact_title_field": [
        ("titel_id", title("titel_id"), 201),
        ("title_id", title("titel_id"), 422),
        ("both", title("title_id"), 201),
    ],
    "archive_moves_updated_at": [("yes", moved_by_archive, True), ("no", moved_by_archive, False)],
    "merge_leaves": [("nothing", merged, []), ("archived", merged, [2])],
    "large_create": [
        ("nothing", large_create, (500, [])),
        ("half", large_create, (500, [75])),
        ("all", large_create, (500, [151])),
        ("accepted", large_create, (201, [151])),
    ],
    "missing_tax_id": [
        ("refused", without_tax_id, (422, None)),
        ("default", without_tax_id, (201, "8.1000")),
        ("none", without_tax_id, (201, "0.0000")),
    ],
    "negative_unit_price": [
        ("accepted", with_line(unit_price="-1"), 201),
        ("refused", with_line(unit_price="-1"), 422),
    ],
    "due_before_date": [
        ("refused", created(is_valid_from="2026-06-18", is_valid_to="2026-06-17"), 422),
        ("accepted", created(is_valid_from="2026-06-18", is_valid_to="2026-06-17"), 201),
    ],
    "edit_issued": [
        ("refused", lambda b: b.post(f"/2.0/kb_invoice/{b.issued()}", {"title": "x"}).status_code, 422),
        ("accepted", lambda b: b.post(f"/2.0/kb_invoice/{b.issued()}", {"title": "x"}).status_code, 200),
    ],
    "delete_issued": [
        ("refused", lambda b: b.delete(f"/2.0/kb_invoice/{b.issued()}").status_code, 422),
        ("accepted", lambda b: b.delete(f"/2.0/kb_invoice/{b.issued()}").status_code, 200),
    ],
    "gross_net_totals": [
        ("with_tax", totals({"unit_price": "108.10"}, mwst_is_net=False), ("108.100000", "108.100000", 0)),
        ("without_tax", totals({"unit_price": "108.10"}, mwst_is_net=False), ("100.000000", "108.100000", 0)),
    ],
    "rounding_without_vat": [
        ("absorbed", totals({"unit_price": "24.29"}, mwst_type=2), ("24.300000", "24.300000", 0)),
        ("shown", totals({"unit_price": "24.29"}, mwst_type=2), ("24.290000", "24.300000", 0.01)),
        ("none", totals({"unit_price": "24.29"}, mwst_type=2), ("24.290000", "24.290000", 0)),
    ],
    # 1.5 x 1.03 = 1.545
    "position_rounding": [
        ("none", totals({"amount": "1.5", "unit_price": "1.03"}), ("1.545000", "1.650000", -0.02)),
        ("cent", totals({"amount": "1.5", "unit_price": "1.03"}), ("1.550000", "1.700000", 0.02)),
    ],
    "send_on_draft": [
        ("accepted", on_draft("send"), (200, 7)),
        ("refused", on_draft("send"), (422, 7)),
        ("opens", on_draft("send"), (200, 8)),
    ],
    "mark_as_sent_on_draft": [
        ("accepted", on_draft("mark_as_sent"), (200, 7)),
        ("refused", on_draft("mark_as_sent"), (422, 7)),
        ("opens", on_draft("mark_as_sent"), (200, 8)),
    ],
    "network_link": [("on_send", link_after_issue, False), ("on_issue", link_after_issue, True)],
    "overpayment": [
        ("refused", lambda b: pay(b, b.issued(), "200"), 422),
        ("accepted", lambda b: pay(b, b.issued(), "200"), 201),
    ],
    "payment_on_draft": [
        ("refused", lambda b: pay(b, b.create(), "1"), 422),
        ("accepted", lambda b: pay(b, b.create(), "1"), 201),
    ],
    "item_codes": [("many", second_of_a_code, 201), ("unique", second_of_a_code, 422)],
    "item_required": [
        ("four", lambda b: b.post("/2.0/article", {}).status_code, 422),
        ("none", lambda b: b.post("/2.0/article", {}).status_code, 201),
    ],
    "item_edit": [
        ("partial", edited_item, (200, 200, "20", "Tasse")),
        ("four", edited_item, (422, 200, "20", "Tasse")),
        ("emptied", edited_item, (422, 200, None, "Tasse")),
    ],
    "order_mwst_is_net": [("honoured", net_order, 201), ("refused", net_order, 422)],
    "conversion_without_positions": [
        ("refused", converted_without_positions, (422, [])),
        ("all", converted_without_positions, (201, [1])),
        ("none", converted_without_positions, (201, [0])),
    ],
    "large_conversion": [
        ("half", large_conversion, (500, [75])),
        ("nothing", large_conversion, (500, [])),
        ("all", large_conversion, (500, [151])),
        ("refused", large_conversion, (422, [])),
        ("accepted", large_conversion, (201, [151])),
    ],
    "conversion_title": [("dropped", converted_title, ""), ("kept", converted_title, "Order 1")],
    "conversion_numbering": [("refused", converted_by_hand, 422), ("empty", converted_by_hand, ("", "R-7"))],
    "order_done_by": [
        ("both", fulfilled("invoice"), 15),
        ("both", fulfilled("delivery"), 15),
        ("both", fulfilled("delivery", "invoice"), 6),
        ("invoices", fulfilled("invoice"), 6),
        ("invoices", fulfilled("delivery"), 15),
        ("deliveries", fulfilled("delivery"), 6),
        ("deliveries", fulfilled("invoice"), 15),
    ],
    "order_amounts": [("deliveries", open_amount, "2.000000"), ("invoices", open_amount, "1.000000")],
    "order_reserves_stock": [("yes", reserved, 1), ("no", reserved, 0)],
    "order_moves_updated_at": [("yes", order_moved, True), ("no", order_moved, False)],
    "delete_used_order": [("refused", used_order_deleted, 422), ("accepted", used_order_deleted, 200)],
    "payment_moves_updated_at": [("yes", moved_by_payment, True), ("no", moved_by_payment, False)],
    "zero_total_issued": [
        ("8", lambda b: b.show(b.issued(b.line("0")))["kb_item_status_id"], 8),
        ("9", lambda b: b.show(b.issued(b.line("0")))["kb_item_status_id"], 9),
    ],
    "status_after_unpaying": [("8", after_unpaying, 8), ("31", after_unpaying, 31)],
    "revert_with_payments": [
        ("refused", paid_then("revert_issue"), 422),
        ("accepted", paid_then("revert_issue"), 200),
    ],
    "cancel_with_payments": [("refused", paid_then("cancel"), 422), ("accepted", paid_then("cancel"), 200)],
    "credit_in_payment_list": [("yes", credited_list, (1, "5.000000")), ("no", credited_list, (0, "5.000000"))],
}


@pytest.mark.parametrize(
    ("name", "value", "ask", "outcome"),
    [(name, *answer) for name, answers in ANSWERS.items() for answer in answers],
    ids=[f"{name}={answer[0]}" for name, answers in ANSWERS.items() for answer in answers],
)
def test_each_answer_makes_its_difference(founding, name, value, ask, outcome):
    assert ask(founding(behaviours={name: value})) == outcome


def test_no_answer_is_left_out():
    asked = {name: {answer[0] for answer in answers} for name, answers in ANSWERS.items()}
    assert asked == {name: set(doubt.values) for name, doubt in BEHAVIOURS.items()}


def test_every_doubt_says_what_it_is_about():
    for doubt in BEHAVIOURS.values():
        assert doubt.default in doubt.values
        assert doubt.sentence.endswith(".")


@pytest.mark.parametrize(
    ("behaviours", "says"),
    [({"weather": "fine"}, "overpayment"), ({"overpayment": "maybe"}, "refused, accepted")],
)
def test_a_doubt_that_is_none_names_the_choices(behaviours, says):
    with pytest.raises(ValueError, match=says):
        Sandbox(behaviours=behaviours)
