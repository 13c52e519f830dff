"""test-connection, through the front door, judged in the sandbox's books."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bexio_sandbox import Fault
from bexsync.errors import Busy, Exit, LoginNeeded, Unreachable
from bexsync.hooks import observed_by
from bexsync.jobs.connection import Report
from bexsync.jobs.connection_attempt import NAME, mail, reference
from bexsync.planning.checks import Check, Verdict
from front_door import called
from world import World, a_world, an_invoice

OURS = "bexsync-test-main@example.invalid"


run = World.try_connection


def check(report: Report, name: str) -> Check:
    (found,) = [one for one in report.checks if one.name == name]
    return found


def wrong(report: Report) -> dict[str, str]:
    return {one.name: f"{one.sentence} {one.hint}" for one in report.checks if one.status is Verdict.WRONG}


def test_contacts(world: World, *, archived: bool) -> list[dict[str, Any]]:
    return [row for row in world.sandbox.contacts(archived=archived) if row["name_1"] == NAME]


test_contacts.__test__ = False  # type: ignore[attr-defined]


def all_put_away(world: World, *, contacts: int = 1) -> None:
    assert [i for i in world.invoices() if i["api_reference"] == reference("main")] == []
    assert test_contacts(world, archived=False) == []
    assert len(test_contacts(world, archived=True)) == contacts
    assert world.sandbox.mails == []


def created(world: World, path: str) -> list[Any]:
    return [r.body for r in world.sandbox.requests if (r.method, r.path) == ("POST", path)]


def fact(world: World, name: str) -> Any:
    with world.workspace() as workspace:
        return workspace.store.facts.get(name)


# the settings


def test_everything_is_shown_in_one_go(world: World) -> None:
    report = run(world, trial=False)
    assert (report.exit_code, report.company, wrong(report)) == (Exit.OK, "Bergladen GmbH", {})
    shown = {one.name: one.value for one in report.checks}
    assert shown["user"] == "Regula Brunner (regula.brunner@bergladen.example)"
    assert shown["currency"] == "CHF, totals rounded to 0.05"
    assert shown["revenue account"] == "3200 Handelserlöse"
    assert (shown["VAT"], shown["tax"]) == ("applies", "UN81, 8.1 %")
    assert "default sales tax" in check(report, "tax").sentence
    assert "2023-07-01" in check(report, "tax").sentence
    assert shown["numbering"] == "by bexio"
    assert shown["invoices"] == "are created, issued and mailed to the customer"
    assert shown["from"] == "2026-01-01"
    assert shown["limits"] == "200 new documents, 200 mails a run"
    assert shown["shop folder"] == str(world.shop)


def test_read_only_writes_nothing(world: World) -> None:
    world.drop(an_invoice("1"))
    report = run(world, trial=False)
    assert (report.exit_code, report.tried, world.writes()) == (Exit.OK, False, 0)
    assert check(report, "shop folder").sentence == "1 file in in/ to be taken."
    assert [path.name for path in world.shop.iterdir()] == ["in"]  # not even a status list


def test_every_wrong_setting_is_named_at_once(world: World, tmp_path: Path) -> None:
    world.set_profile(
        ledger={
            "revenue_account": "3201",
            "tax_code": "UN77",
            "currency": "SEK",
            "user": "nobody@example.ch",
            "numbering": "shop",
            "bank_account": "CH11 2222",
            "contact_group": "Nope",
        },
        invoices={"template": "zzz", "template_paid": "yyy"},
        shop={"path": str(tmp_path / "none")},
    )
    before = world.writes()
    report = run(world)
    found = wrong(report)
    assert (report.exit_code, report.tried, world.writes()) == (Exit.CONFIGURATION, False, before)
    expected = {
        "user": "regula.brunner@bergladen.example",
        "currency": "It has CHF, EUR, USD, GBP",
        "revenue account": "3000 Produktionserlöse, 3200 Handelserlöse, 3400 Dienstleistungserlöse",
        "tax": "UN77 is not active",
        "numbering": "bexio numbers invoices by itself",
        "bank account": "CH9300762011623852957",
        "template": "It has 5f8a3c, b71e90",
        "template, paid": 'no document template "yyy"',
        "contact group": "It has Partner, Kunden, Lieferanten, Webshop",
        "shop folder": "does not exist",
    }
    assert found.keys() == expected.keys()
    assert all(words in found[name] for name, words in expected.items()), found


@pytest.mark.parametrize(
    ("ledger", "name", "words"),
    [
        ({"revenue_account": "1020"}, "revenue account", "is no income account"),
        ({"tax_code": "XX"}, "tax", 'bexio has no tax code "XX". Its active sales taxes are '),
        ({"tax_code": "VM81"}, "tax", "is not a tax for sales"),
    ],
)
def test_a_wrong_account_or_tax(ledger: dict[str, str], name: str, words: str, world: World) -> None:
    world.set_profile(ledger=ledger)
    report = run(world)
    assert report.exit_code is Exit.CONFIGURATION
    assert list(wrong(report)) == [name]
    assert words in wrong(report)[name]


def test_what_is_right_is_named_with_where_it_comes_from(world: World) -> None:
    iban = "CH56 0483 5012 3456 7800 9"
    world.set_profile(
        ledger={"tax_code": "UR26", "bank_account": iban, "contact_group": "webshop", "currency": "EUR"},
        invoices={"template": "b71e90", "finish": "send", "send_to": "me"},
        payments={"accounts": {"twint": iban}},
    )
    world.profile_path.with_suffix(".vat.toml").write_text('[[tax]]\nrate = "2.6"\ncode = "UR26"\n')
    report = run(world)
    assert (report.exit_code, wrong(report)) == (Exit.OK, {})
    assert check(report, "tax").sentence.startswith("Named by the profile")
    assert check(report, "bank account, twint").value == iban
    assert check(report, "VAT map").value == "1 row"
    assert "the token's owner" in check(report, "invoices").value
    assert report.trial["invoice"]["total"] == "10.27"  # 10.01 and 2.6 %, in a currency that knows cents
    (sent,) = created(world, "/2.0/kb_invoice")
    assert (sent["template_slug"], sent["bank_account_id"]) == ("b71e90", 2)
    all_put_away(world)


def test_codes_of_the_vat_map_that_bexio_does_not_know(world: World) -> None:
    rows = ('[[tax]]\nrate = "7.7"\ncode = "UN77"\n', '[[tax]]\nclass = "food"\ncode = "UR26"\n')
    world.profile_path.with_suffix(".vat.toml").write_text("".join(rows))
    assert "No active sales taxes in bexio: UN77." in wrong(run(world, trial=False))["VAT map"]


def test_a_company_without_vat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path, monkeypatch, company="no-vat") as world:
        world.set_profile(ledger={"tax_code": "UN81"})
        report = run(world)
        assert (report.exit_code, wrong(report)) == (Exit.OK, {})
        assert check(report, "VAT").sentence == "The company is not subject to VAT in 2026."
        assert check(report, "tax").status is Verdict.ATTENTION
        assert report.trial["invoice"]["total"] == "10.00"  # 10.01 without tax, to five rappen
        (sent,) = created(world, "/2.0/kb_invoice")
        assert sent["mwst_type"] == 2
        assert not any("tax_id" in position for position in sent["positions"])
        all_put_away(world)


def test_master_data_are_asked_for_anew(world: World) -> None:
    world.push()
    run(world, trial=False)
    world.sandbox.person.set_tax_active("UN81", False)
    assert "UN81 is not active" in wrong(run(world, trial=False))["tax"]


def test_a_profile_that_is_switched_off_is_left_alone(world: World) -> None:
    world._write_profile({**world.profile, "enabled": False})
    done = called(world, "test-connection", "--yes")
    assert (done.returncode, done.stdout, len(world.sandbox.requests)) == (0, "", 0)


# the trial


def test_the_first_trial_creates_compares_and_puts_away(world: World) -> None:
    report = run(world)
    assert (report.exit_code, wrong(report)) == (Exit.OK, {})
    assert report.trial["contact"]["was"] == "created"
    invoice = report.trial["invoice"]
    assert (invoice["total"], invoice["expected"], invoice["rounding"]) == ("10.80", "10.82081", "-0.02081")
    all_put_away(world)
    (sent,) = created(world, "/2.0/kb_invoice")
    assert sent["api_reference"] == "bexsync:main:test:connection"
    assert sum(Decimal(p["unit_price"]) for p in sent["positions"]) == Decimal("10.01")
    (contact,) = created(world, "/2.0/contact")
    assert (contact["name_1"], contact["mail"]) == (NAME, OURS)
    paths = {r.path for r in world.sandbox.requests if r.method != "GET"}
    assert not any(path.endswith(("/send", "/issue", "/mark_as_sent")) for path in paths)


def test_the_next_trial_uses_the_same_contact(world: World) -> None:
    for number in range(3):
        report = run(world)
        assert report.exit_code is Exit.OK
        assert report.trial["contact"]["was"] == ("restored" if number else "created")
    all_put_away(world)
    assert len(created(world, "/2.0/contact")) == 1
    assert len(created(world, "/2.0/kb_invoice")) == 3


def test_nothing_of_it_is_taken_for_an_invoice_of_the_shop(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    run(world)
    with world.workspace() as workspace:
        assert [link.shop_id for link in workspace.store.links.all("invoice")] == ["1"]
        assert workspace.store.intents.of_subject("test", "connection") == []
        assert workspace.store.errors.open() == []
    world.poll(full=True)
    assert [event["shop_id"] for event in world.events()] == ["1"]
    assert len(world.sandbox.mails) == 1


def test_a_lost_state_finds_its_contact_again(world: World) -> None:
    run(world)
    for path in (world.folder / "state").rglob("*"):
        if path.is_file():
            path.unlink()
    assert run(world).trial["contact"]["was"] == "restored"
    all_put_away(world)


def test_what_somebody_renamed_is_theirs(world: World) -> None:
    run(world)
    (contact,) = test_contacts(world, archived=True)
    world.sandbox.person.restore_contact(contact["id"])
    world.sandbox.person.edit_contact(contact["id"], name_1="Muster AG")
    assert run(world).trial["contact"]["was"] == "created"
    all_put_away(world)
    assert [row["id"] for row in world.sandbox.contacts() if row["name_1"] == "Muster AG"] == [contact["id"]]


class Killed(BaseException):
    """Not an Exception, so that nothing on the way can think of handling it."""


def die_at(world: World, method: str, path: str, when: str = "request:before") -> None:
    """A trial that dies when this request is about to leave, or when its answer has come."""

    def reap(point: str, **facts: str) -> None:
        if point != when or facts["method"] != method or facts["path"].endswith("/search"):
            return
        if facts["path"] == path or (path.endswith("/") and facts["path"].startswith(path)):
            raise Killed

    with pytest.raises(Killed), observed_by(reap):
        run(world)


def test_a_test_that_died_in_the_middle_is_put_away_first(world: World) -> None:
    die_at(world, "DELETE", "/2.0/kb_invoice/")
    assert [i["api_reference"] for i in world.invoices()] == ["bexsync:main:test:connection"]
    seen = run(world, trial=False)
    assert check(seen, "earlier test").status is Verdict.ATTENTION
    assert seen.exit_code is Exit.OK
    world.clock.forward(seconds=30)
    assert run(world).exit_code is Exit.OK
    all_put_away(world)


WRITES = (
    ("POST", "/2.0/contact"),
    ("PATCH", "/2.0/contact/"),
    ("POST", "/2.0/kb_invoice"),
    ("DELETE", "/2.0/kb_invoice/"),
    ("DELETE", "/2.0/contact/"),
)


@pytest.mark.parametrize("point", ["request:before", "request:after"])
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_death_around_every_write(method: str, path: str, point: str, world: World) -> None:
    if method == "PATCH":
        run(world)
    die_at(world, method, path, point)
    world.clock.forward(seconds=30)
    assert run(world).exit_code is Exit.OK
    all_put_away(world)


def test_leftovers_are_put_away_even_where_no_invoice_can_be_written(world: World) -> None:
    die_at(world, "DELETE", "/2.0/kb_invoice/")
    world.set_profile(ledger={"revenue_account": "9999"})
    world.clock.forward(seconds=30)
    report = run(world)
    assert report.exit_code is Exit.CONFIGURATION
    assert len(created(world, "/2.0/kb_invoice")) == 1
    all_put_away(world)


def test_an_issued_test_invoice_belongs_to_whoever_issued_it(world: World) -> None:
    run(world)
    body = created(world, "/2.0/kb_invoice")[0]
    (contact,) = test_contacts(world, archived=True)
    world.sandbox.person.restore_contact(contact["id"])
    number = a_copy(world, body | {"contact_id": contact["id"]})
    world.sandbox.person.issue(number)
    report = run(world)
    assert report.exit_code is Exit.SOME_FAILED
    assert [left.url.rpartition("/")[2] for left in report.left] == [str(number)]
    assert "no draft any more" in wrong(report)["tidying up"]
    assert [i["kb_item_status_id"] for i in world.invoices()] == [8]
    assert test_contacts(world, archived=False) == []


def a_copy(world: World, body: dict[str, Any]) -> int:
    """The same invoice once more, as a person or another program might make it."""
    import json
    import urllib.request

    from world import TOKEN

    request = urllib.request.Request(
        f"{world.url}/2.0/kb_invoice",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return int(json.load(answer)["id"])


# what goes wrong


def scopes(*missing: str) -> set[str]:
    every = {"openid", "contact_edit", "kb_invoice_edit", "bank_account_show", "contact_show", "kb_invoice_show"}
    return every - set(missing)


@pytest.mark.parametrize(
    ("missing", "name", "scope"),
    [
        (("contact_edit",), "test contact", "contact_edit"),
        (("kb_invoice_edit",), "test invoice", "kb_invoice_edit"),
        (("contact_edit", "contact_show"), "right to contacts", "contact_show"),
    ],
)
def test_a_missing_scope_is_named(
    missing: tuple[str, ...], name: str, scope: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(scopes(*missing)))
    report = run(world)
    assert report.exit_code is Exit.CONFIGURATION
    assert f"The token lacks the scope {scope}" in wrong(report)[name]
    assert f"The scope {scope} is missing" in wrong(report)[name]  # bexio's own words
    assert test_contacts(world, archived=False) == []


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("contact_edit", "right to contacts"),
        ("kb_invoice_edit", "right to invoices"),
        ("article_edit", "right to items"),
    ],
)
def test_a_token_that_may_only_read_fails_without_a_trial(
    missing: str, name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_profile(products={"enabled": True})
    every = scopes() | {"article_show", "article_edit", "stock_edit"}
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(every))
    assert run(world, trial=False).exit_code is Exit.OK
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(every - {missing}))
    report = run(world, trial=False)
    assert report.exit_code is Exit.CONFIGURATION
    assert f"The token lacks the scope {missing}" in wrong(report)[name]


@pytest.mark.parametrize(
    ("missing", "shown", "name"),
    [
        ("kb_order_edit", "kb_order_show", "right to orders"),
        ("kb_delivery_edit", "kb_delivery_show", "right to deliveries"),
    ],
)
def test_rights_to_orders_and_deliveries_are_asked_for_where_orders_are_wanted(
    missing: str, shown: str, name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = scopes() | {"kb_order_edit", "kb_delivery_edit"}
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(every - {missing}))
    assert run(world, trial=False).exit_code is Exit.OK
    world.set_profile(orders={"enabled": True})
    assert f"The token lacks the scope {shown}" in wrong(run(world, trial=False))[name]
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token((every - {missing}) | {shown}))
    assert f"The token lacks the scope {missing}" in wrong(run(world, trial=False))[name]
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(every))
    assert run(world, trial=False).exit_code is Exit.OK
    world.sandbox.person.unbook_module("kb_delivery")
    assert "has not booked the module for deliveries" in wrong(run(world, trial=False))["right to deliveries"]


@pytest.mark.parametrize("module", ["contact", "kb_invoice"])
def test_a_user_who_may_only_read_fails_without_a_trial(module: str, world: World) -> None:
    world.sandbox.person.set_right(1, module, edit="none")
    report = run(world, trial=False)
    assert report.exit_code is Exit.CONFIGURATION
    assert len(wrong(report)) == 1


def test_a_token_is_judged_by_the_scopes_of_the_api_alone(world: World) -> None:
    def status(*names: str) -> tuple[int, list[str]]:
        ran = called(world, "auth", "status", "--json", BEXSYNC_ACCESS_TOKEN=world.sandbox.create_token(set(names)))
        return ran.returncode, [said["message"] for said in json.loads(ran.stdout)["errors"]]

    assert status("contact_edit", "kb_invoice_edit") == (0, [])
    code, errors = status("contact_show", "kb_invoice_edit")
    assert code == 77 or code == 78
    assert "lacks the scope contact_edit" in " ".join(errors)


SAID = {
    "scope": "The token lacks the scope kb_invoice_edit",
    "right": "regula.brunner@bergladen.example has no right in bexio to create and delete invoices",
    "module": "The company has not booked the module for invoices",
}


@pytest.mark.parametrize("forbidden_text", ["telling", "same"])
@pytest.mark.parametrize("reason", SAID)
def test_scope_right_and_module_are_three_sentences(
    reason: str, forbidden_text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={"forbidden_text": forbidden_text}) as world:
        match reason:
            case "scope":
                token = world.sandbox.create_token(scopes("kb_invoice_edit"))
                monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", token)
            case "right":
                world.sandbox.person.set_right(1, "kb_invoice", edit="none")
            case "module":
                world.sandbox.person.unbook_module("kb_invoice")
        report = run(world)
        assert report.exit_code is Exit.CONFIGURATION
        said = wrong(report)
        assert all(sentence in " ".join(said.values()) for name, sentence in SAID.items() if name == reason), said
        assert not any(sentence in " ".join(said.values()) for name, sentence in SAID.items() if name != reason), said
        assert "(403)" in " ".join(said.values())  # bexio's own words stand beside it
        assert test_contacts(world, archived=False) == []


def test_a_user_who_sees_only_own_records(world: World) -> None:
    world.sandbox.person.set_right(1, "contact", show="own", edit="own")
    report = run(world)
    assert check(report, "right to contacts").status is Verdict.ATTENTION
    assert report.exit_code is Exit.OK
    all_put_away(world)


def test_a_bank_account_that_may_not_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set_profile(ledger={"bank_account": "CH9300762011623852957"})
    monkeypatch.setenv("BEXSYNC_ACCESS_TOKEN", world.sandbox.create_token(scopes("bank_account_show")))
    report = run(world, trial=False)
    assert list(wrong(report)) == ["bank account"]
    assert "lacks the scope bank_account_show" in wrong(report)["bank account"]


def test_a_refused_invoice_shows_what_bexio_says(world: World) -> None:
    def change_the_switch(request: Any) -> None:
        if (request.method, request.path) == ("POST", "/2.0/kb_invoice"):
            world.sandbox.person.set_automatic_numbering(False)

    world.sandbox.hooks.before.append(change_the_switch)
    report = run(world)
    assert report.exit_code is Exit.CONFIGURATION
    assert "bexio refused it (422): document_nr: Pflichtfeld" in wrong(report)["test invoice"]
    assert "Correct [ledger] numbering" in wrong(report)["test invoice"]
    all_put_away(world)
    world.sandbox.hooks.before.remove(change_the_switch)
    world.sandbox.person.set_automatic_numbering(True)
    assert run(world).exit_code is Exit.OK  # a refusal is not remembered against the next test


def test_no_network(world: World) -> None:
    world.set_profile(ledger={"api_url": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable):
        run(world)


def test_a_token_that_ends_in_the_middle(world: World) -> None:
    def revoke(request: Any) -> None:
        if (request.method, request.path) == ("POST", "/2.0/kb_invoice"):
            world.sandbox.revoke_token("canary-token-3f9a1c7e55")

    world.sandbox.hooks.after_commit.append(revoke)
    report = run(world)
    assert isinstance(report.problem, LoginNeeded)
    assert report.exit_code is Exit.LOGIN


def test_two_at_once_is_busy(world: World) -> None:
    with world.workspace() as workspace, workspace.locks.job("test-connection"):
        report = run(world)
    assert isinstance(report.problem, Busy)
    assert report.exit_code is Exit.TRY_LATER
    assert world.writes() == 0


def test_mail_that_bexio_does_not_take_is_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from bexio_sandbox.api import contacts as door
    from bexio_sandbox.errors import form_error

    form = door._new_contact

    def strict(call: Any, body: Any) -> Any:
        if str(body.get("mail", "")).endswith(".invalid"):
            raise form_error("mail: This value is not a valid email address.")
        return form(call, body)

    monkeypatch.setattr(door, "_new_contact", strict)
    for was in ("created", "restored"):
        report = run(world)
        assert (report.exit_code, report.trial["contact"]["was"]) == (Exit.OK, was)
    assert [row["mail"] for row in test_contacts(world, archived=True)] == [""]
    assert "search:mail_ignores_case" not in report.learned
    all_put_away(world)


# answers that come late, or never


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2.0/contact"),
        ("POST", "/2.0/kb_invoice"),
        ("DELETE", "/2.0/kb_invoice/{id}"),
        ("DELETE", "/2.0/contact/{id}"),
        ("PATCH", "/2.0/contact/{id}/restore"),
    ],
)
@pytest.mark.parametrize("kind", [pytest.param("drop_before", marks=pytest.mark.slow), "drop_after"])
def test_an_answer_that_is_lost(kind: str, method: str, path: str, world: World) -> None:
    if method == "PATCH":
        run(world)
    world.sandbox.faults.plan([Fault(kind, method, path)])
    report = run(world)
    assert (report.exit_code, report.problem) == (Exit.OK, None)
    all_put_away(world)
    run(world)
    all_put_away(world)


def test_a_doubt_that_outlasts_the_run_is_settled_by_the_next(world: World) -> None:
    world.set_profile(engine={"settle_seconds": 600})
    world.sandbox.faults.plan([Fault("drop_before", "POST", "/2.0/kb_invoice")])
    report = run(world)
    assert report.exit_code is Exit.TRY_LATER
    assert report.problem is not None
    assert "nobody knows yet" in report.problem.message
    again = run(world)
    assert again.exit_code is Exit.TRY_LATER
    assert len(created(world, "/2.0/kb_invoice")) == 1  # not asked for again while it may still come
    all_put_away(world)
    world.clock.forward(seconds=700)
    assert run(world).exit_code is Exit.OK
    all_put_away(world)


def test_a_push_that_is_in_doubt_does_not_hold_it_up(world: World) -> None:
    world.set_profile(engine={"settle_seconds": 30})
    world.drop(an_invoice("1"))
    world.sandbox.faults.plan([Fault("drop_before", "POST", "/2.0/kb_invoice", repeat=9)])
    world.push()
    world.sandbox.faults.clear()
    slept = len(world.clock.slept) if hasattr(world.clock, "slept") else 0
    assert run(world).exit_code is Exit.OK
    assert not hasattr(world.clock, "slept") or len(world.clock.slept) == slept


@pytest.mark.parametrize("what", ["kb_invoice", "contact"])
def test_what_cannot_be_put_away_is_said_with_its_place(what: str, world: World) -> None:
    def take_the_right_away(request: Any) -> None:
        if request.method == "DELETE" and request.path.startswith(f"/2.0/{what}/"):
            world.sandbox.person.set_right(1, what, edit="none")

    world.sandbox.hooks.before.append(take_the_right_away)
    report = run(world)
    assert report.exit_code is Exit.SOME_FAILED
    (left, *_) = report.left
    assert f"/index.php/{what}/show/id/" in left.url
    assert "The next `bexsync test-connection` tries again" in wrong(report)["tidying up"]
    world.sandbox.hooks.before.remove(take_the_right_away)
    world.sandbox.person.set_right(1, what, edit="all")
    assert run(world).exit_code is Exit.OK
    all_put_away(world)


# what is learned


@pytest.mark.parametrize(
    ("doubt", "answer", "name", "learned"),
    [
        ("in_on_api_reference", "yes", "search:in_on_api_reference", True),
        ("in_on_api_reference", "refused", "search:in_on_api_reference", False),
        ("in_on_api_reference", "ignored", "search:in_on_api_reference", False),
        ("in_on_id", "refused", "search:in_on_id", False),
        ("in_on_id", "ignored", "search:in_on_id", False),
        ("mail_search_case", "insensitive", "search:mail_ignores_case", True),
        ("mail_search_case", "sensitive", "search:mail_ignores_case", False),
        ("negative_unit_price", "accepted", "negative_prices", True),
        ("negative_unit_price", "refused", "negative_prices", False),
    ],
)
def test_open_questions_are_answered(
    doubt: str, answer: str, name: str, learned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path, monkeypatch, behaviours={doubt: answer}) as world:
        report = run(world)
        assert report.exit_code is Exit.OK
        assert (report.learned[name], fact(world, name)) == (learned, learned)
        all_put_away(world)
        world.drop(an_invoice("1"), an_invoice("2"))
        assert world.push().exit_code is Exit.OK  # and what was learned serves


def test_order_is_learned_where_there_are_two_documents(world: World) -> None:
    world.drop(an_invoice("1"))
    world.push()
    report = run(world)
    assert report.learned["search:order_by_id"] is True


def test_a_bexio_that_rounds_otherwise_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from bexio_sandbox.state import totals

    monkeypatch.setattr(totals, "rounded_to", lambda value, step: value + Decimal(1))
    report = run(world)
    assert report.exit_code is Exit.SOME_FAILED
    assert "more than rounding explains" in wrong(report)["test invoice"]
    assert report.learned == {}
    all_put_away(world)


def test_names_are_those_of_a_site() -> None:
    assert (reference("club"), mail("club")) == ("bexsync:club:test:connection", "bexsync-test-club@example.invalid")
