"""Documents in a foreign currency get a bank account of that currency, or a question."""

from __future__ import annotations

from typing import Any

import pytest

from bexsync.config.loading import load_profile
from bexsync.config.profile import Profile
from bexsync.engine.result import Status
from bexsync.errors import ProfileProblem
from bexsync.planning.document_header import method_without_account
from world import World, an_invoice

CHF, EUR = "CH93 0076 2011 6238 5295 7", "CH56 0483 5012 3456 7800 9"
SECOND_EUR = "CH1000230000A109822346"


def account_of(world: World, shop_id: str = "1001") -> str:
    number = world.invoice(shop_id)["bank_account_id"]
    return str(world.sandbox.state.tables["bank_accounts"][number]["iban_nr"])


def open_another_euro_account(world: World) -> None:
    books = world.sandbox.state
    with books.transaction():
        (euro,) = [row for row in books.tables["bank_accounts"].values() if row["currency_id"] == 2]
        books.add("bank_accounts", {**{k: v for k, v in euro.items() if k != "id"}, "iban_nr": SECOND_EUR})


@pytest.mark.parametrize(
    ("setting", "currency", "account"),
    [
        ("", "CHF", CHF),  # bexio's default
        ("", "EUR", EUR),  # the only one in euros
        (CHF, "EUR", EUR),
        (EUR, "EUR", EUR),
        ({"EUR": EUR}, "CHF", CHF),
        ({"CHF": CHF, "eur": EUR}, "EUR", EUR),
    ],
)
def test_the_account_of_the_currency(world: World, setting: Any, currency: str, account: str) -> None:
    world.set_profile(ledger={"bank_account": setting})
    world.drop(an_invoice(currency=currency))
    assert [(o.status, o.code) for o in world.push().outcomes] == [(Status.DONE, "")]
    assert account_of(world) == account.replace(" ", "")


@pytest.mark.parametrize(
    ("sections", "fields", "code"),
    [
        ({}, {"currency": "USD"}, "bank_account_missing"),
        ({"ledger": {"bank_account": {"EUR": CHF}}}, {"currency": "EUR"}, "bank_account_currency"),
        ({"ledger": {"bank_account": EUR}}, {}, "bank_account_currency"),
        ({"payments": {"accounts": {"twint": CHF}}}, {"currency": "EUR", "payment_method": "twint"},
         "bank_account_currency"),
    ],
)  # fmt: skip
def test_never_an_account_of_another_currency(
    world: World, sections: dict[str, Any], fields: dict[str, Any], code: str
) -> None:
    world.set_profile(**sections)
    world.drop(an_invoice(**fields))
    (outcome,) = world.push().outcomes
    assert (outcome.status, outcome.code) == (Status.BLOCKED, code)
    assert world.writes() == 0


def test_two_accounts_in_one_currency_are_a_question_that_the_profile_answers(world: World) -> None:
    open_another_euro_account(world)
    world.drop(an_invoice(currency="EUR"))
    (outcome,) = world.push().outcomes
    assert (outcome.code, SECOND_EUR in outcome.reason) == ("bank_account_ambiguous", True)
    assert 'bank_account = { EUR = "IBAN" }' in outcome.hint
    world.set_profile(ledger={"bank_account": {"EUR": SECOND_EUR}})
    assert world.push().outcomes[0].status is Status.DONE
    assert account_of(world) == SECOND_EUR


@pytest.mark.parametrize("setting", [5, {"EUR": 5}, {"EURO": EUR}])
def test_a_setting_that_is_no_account(world: World, setting: Any) -> None:
    world.set_profile(ledger={"bank_account": setting})
    with pytest.raises(ProfileProblem) as caught:
        load_profile(world.profile_path)
    assert "bank_account" in caught.value.message


@pytest.mark.parametrize(
    ("accounts", "currency", "account"),
    [
        ({"card": "Eurokonto"}, "EUR", EUR),
        ({"card": " geschäftskonto "}, "CHF", CHF),
        ({"card": {"CHF": "Geschäftskonto", "EUR": EUR}}, "EUR", EUR),
        ({"card": {"CHF": CHF}}, "EUR", EUR),  # the profile's own, which is the only one in euros
        ({"twint": "Nowhere"}, "CHF", CHF),
    ],
)
def test_a_payment_method_names_an_account_by_its_name_or_by_currency(
    world: World, accounts: dict[str, Any], currency: str, account: str
) -> None:
    world.set_profile(payments={"accounts": accounts})
    world.drop(an_invoice(currency=currency, payment_method="card"))
    assert [(o.status, o.code) for o in world.push().outcomes] == [(Status.DONE, "")]
    assert account_of(world) == account.replace(" ", "")


def test_a_name_that_two_accounts_have_is_a_question(world: World) -> None:
    open_another_euro_account(world)
    world.set_profile(payments={"accounts": {"card": "Eurokonto"}})
    world.drop(an_invoice(currency="EUR", payment_method="card"))
    (outcome,) = world.push().outcomes
    assert outcome.code == "bank_account_ambiguous"
    assert outcome.reason == (
        f"bexio has 2 bank accounts in EUR called Eurokonto: {EUR.replace(' ', '')}, {SECOND_EUR}."
    )
    said = {check.name: check.sentence for check in world.try_connection(trial=False).checks}
    assert said["bank account, card"].startswith("bexio has 2 bank accounts called Eurokonto: ")


def test_a_method_without_an_account_is_named() -> None:
    profile = Profile.model_validate(
        {"ledger": {"bank_account": {"CHF": CHF}}, "payments": {"accounts": {"card": {"EUR": "Eurokonto"}, "cash": ""}}}
    )
    assert method_without_account(profile, "card", "EUR") == ""
    assert method_without_account(profile, None, "CHF") == ""
    assert method_without_account(profile, "cash", "CHF") == (
        'The payment method "cash" has no bank account in CHF under [payments.accounts]; '
        f"the profile's bank account {CHF} is taken for it."
    )
    assert method_without_account(profile, "twint", "EUR").endswith("bexio's only bank account in EUR is taken for it.")
    assert method_without_account(Profile(), "twint", "CHF").endswith("bexio's default bank account is taken for it.")


def test_test_connection_looks_at_the_currency_of_each_account(world: World) -> None:
    world.set_profile(ledger={"bank_account": {"CHF": EUR, "EUR": EUR}})
    said = {check.name: check for check in world.try_connection(trial=False).checks}
    assert "is not in CHF" in said["bank account"].sentence
    assert said["bank account, EUR"].sentence == ""


def test_a_variable_of_the_environment_names_an_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEXSYNC_LEDGER__BANK_ACCOUNT", CHF)
    assert load_profile(world.profile_path).ledger.bank_accounts == {"CHF": CHF}
