"""Profiles: the example against the model, variables, and a sentence for everything that can be wrong."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bexsync.config.loading import load_profile
from bexsync.config.problems import explained
from bexsync.config.profile import Profile, profile_model
from bexsync.errors import ProfileProblem
from world import World, an_invoice

FolderProfile = profile_model("folder")
EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key of the model, tables included."""
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(f"{prefix}{name}")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= keys_of(field.annotation, f"{prefix}{name}.")
    return keys


def keys_in(table: dict[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for name, value in table.items():
        keys.add(f"{prefix}{name}")
        if isinstance(value, dict):
            keys |= keys_in(value, f"{prefix}{name}.")
    return keys


def test_the_example_names_every_key_and_no_other() -> None:
    stands = keys_in(tomllib.loads(EXAMPLE.read_text()))
    assert {key for key in stands if not key.startswith("invoices.mail.")} == keys_of(FolderProfile)


def test_the_example_states_every_default() -> None:
    assert load_profile(EXAMPLE) == FolderProfile()


def test_the_example_explains_every_key() -> None:
    for line in EXAMPLE.read_text().splitlines():
        if re.match(r"\w+ = ", line):
            assert re.search(r"\S {1,}# \S", line), line


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "default.toml"


WRONG = {
    "enabled = maybe": "is not TOML: a value cannot be read; texts stand in quotes (at line 1, column 11)",
    '[ledger]\ncurency = "CHF"': "has the unknown key `ledger.curency`. Did you mean `currency`?",
    "[legder]": "has the unknown key `legder`. Did you mean `ledger`?",
    '[invoices.mail.de]\nsubjekt = "x"\nsubject = "a"\nmessage = "b"': "`invoices.mail.de.subjekt`. Did you mean",
    '[invoices.mail.de]\nsubject = "a"': "lacks the key `invoices.mail.de.message`",
    '[invoices]\nfinish = "sned"': 'says `invoices.finish = "sned"`, which must be "draft", "issue" or "send"',
    '[invoices]\ndue_days = "thirty"': 'says `invoices.due_days = "thirty"`, which must be a whole number',
    "[ledger]\nrevenue_account = 3400": 'which must be a text in quotes, like "3400"',
    '[ledger]\nca_file = ["x"]': "which must be a text in quotes. ",
    '[invoices]\nstart_date = "1.11.2026"': "which must be a date like 2026-11-20",
    "[invoices]\nstart_date = 2026-11-01T09:00:00": "which must be a date like 2026-11-20",
    '[shop]\nquiet_seconds = "x"': "which must be a number",
    "[shop]\nquiet_seconds = 99999": "which must be at most 86400",
    '[ledger]\ntoken_command.get = "pass"': 'which must be a list like ["program", "argument"]',
    "[shop]\n[shop]": "is not TOML: the table [shop] stands there twice (at line 2, column 6)",
    "[shop]\nsite = 'a'\nsite = 'b'\n": "is not TOML: a key stands there twice (at line 3, column 11)",
    "[shop]\nsite = a b": "is not TOML: a value cannot be read; texts stand in quotes (at line 2, column 8)",
    "[invoices]\ndue_days = -3": "says `invoices.due_days = -3`, which must be at least 0",
    "[invoices]\nstart_date = 12": "`invoices.start_date = 12`",
    '[shop]\nsite = "Main Shop"': "which must be of small letters, digits",
    'ledger = "bexio"': "which must be a table with keys of its own",
    '[ledger]\napi_url = "api.bexio.com"': "which must begin with https://",
    "[shop]\nround_to = 0": "which must be more than 0",
    "[errors]\nstop_after = 0": "which must be at least 1",
    '[orders.actions]\ndone = ["order", "delivery", "order"]': 'which has "order" twice',
    '[orders.actions]\ndone = ["contact", "delivery"]': (
        'says `orders.actions.done = ["contact", "delivery"]`, which has "delivery" without "order", '
        "and a delivery is made from the order"
    ),
    '[orders.actions]\ndone = ["invoice", "payment"]': '"payment" without "issue", and only an issued invoice takes',
    '[orders.actions]\ndone = ["invoice", "send"]': 'which has "send" without "issue"',
    '[orders.actions]\ndone = ["order", "issue"]': 'which has "issue" without "invoice"',
    '[orders.actions]\noff = ["cancel", "contact"]': 'which has "cancel" beside other actions',
    '[orders.actions]\noff = ["cancle"]': 'says `orders.actions.off[1] = "cancle"`, which must be "contact", "order"',
    '[orders.actions]\n"" = ["contact"]': "which has a row whose status is empty",
    '[[orders.rules]]\nstatus = "a"\nactions = ["order"]\n[[orders.rules]]\nactions = ["send"]': (
        'says `orders.rules[2].actions = ["send"]`, which has "send" without "issue"'
    ),
    '[[orders.rules]]\nstatus = "a"': "lacks the key `orders.rules[1].actions`",
    "[[orders.rules]]\nacton = []\nactions = []": "unknown key `orders.rules[1].acton`. Did you mean `actions`?",
    '[[orders.rules]]\ngoods = "digital"\nactions = []': '`orders.rules[1].goods = "digital"`, which must be ""',
    '[[orders.rules]]\ncountry = "Schweiz"\nactions = []': 'which must be a country code like "CH"',
    '[orders]\nrules = [{ country = "ch", actions = [] }, { country = "CH", status = "a", actions = [] }]': (
        "has a table [orders] that never gets to orders.rules[2], since orders.rules[1] fits all that it fits."
    ),
    "[orders]\nrules = [{ actions = [] }, { actions = [] }]": "never gets to orders.rules[2], since orders.rules[1]",
    '[orders]\ntip_account = "Trinkgeld"': 'which must be the number of an account, like "2030"',
    '[orders]\ntip_tax = "8.1 %"': 'which must be a tax code, like "UN81"',
    '[orders]\ntitle = "Order {numbr}"': "which names {numbr}, and only {number} is known",
    '[shop.csv]\ntime_zone = "Zuerich"': 'which must be a time zone like "Europe/Zurich" or "UTC"',
    '[shop.csv]\nkind = "orders"': 'which must be "", "invoice" or "order"',
    '[orders]\ntitle = "Order"': "which must hold {number}, by which order and invoice are found again",
    '[payments.accounts]\ntwint = { EURO = "CH93" }': "which must name currencies by three letters, like CHF",
    "[payments.accounts]\ntwint = 5": "must be an IBAN or the name of a bank account, or a table of them by currency",
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items())
def test_a_wrong_profile_is_one_sentence(profile: Path, text: str, sentence: str) -> None:
    profile.write_text(text)
    with pytest.raises(ProfileProblem) as caught:
        load_profile(profile)
    said = f"{caught.value.message} {caught.value.hint}"
    assert sentence in said
    assert said.startswith(f"The profile {profile} ")
    assert "\n" not in said


def test_a_wrong_rule_is_found_on_its_line(profile: Path) -> None:
    profile.write_text(
        '[[orders.rules]]\nstatus = "a"\nactions = ["order"]\n\n[[orders.rules]]\nstatus = "b"\nactions = ["send"]\n'
    )
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate(tomllib.loads(profile.read_text()))
    assert [(wrong.key, wrong.line) for wrong in explained(profile, caught.value)] == [("orders.rules[2].actions", 7)]


def test_rules_that_make_sense_are_taken(profile: Path) -> None:
    profile.write_text(
        '[orders.actions]\nprocessing = ["contact", "order"]\ncancelled = ["cancel"]\non_hold = []\n'
        'completed = ["contact", "order", "delivery", "invoice", "issue", "payment", "send"]\n'
        '[[orders.rules]]\nstatus = "processing"\npayment_method = "invoice"\ncountry = "ch"\n'
        'actions = ["contact", "order", "invoice", "issue", "send"]\n'
        '[[orders.rules]]\nstatus = "processing"\ngoods = "virtual"\nactions = ["contact", "invoice", "issue"]\n'
    )
    orders = load_profile(profile).orders
    assert [rule.country for rule in orders.rules] == ["CH", ""]
    assert orders.actions["on_hold"] == ()


def test_a_profile_that_is_no_text(profile: Path) -> None:
    profile.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileProblem, match="is not TOML"):
        load_profile(profile)


def test_no_profile_and_a_folder_for_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(ProfileProblem, match="There is no profile"):
            load_profile(path)


VARIABLES = {
    ("BEXSYNC_LEDGER__CURENCY", "EUR"): "The variable BEXSYNC_LEDGER__CURENCY has the unknown key `ledger.curency`.",
    ("BEXSYNC_LEDGER", "bexio"): "The variable BEXSYNC_LEDGER stands for a whole table and is not JSON.",
    ("BEXSYNC_ENABLED", "maybe"): 'The variable BEXSYNC_ENABLED says `enabled = "maybe"`, which must be true or false',
    ("BEXSYNC_SHOP__SITE", "A B"): 'The variable BEXSYNC_SHOP__SITE says `shop.site = "A B"`, which must be',
}


@pytest.mark.parametrize(("variable", "sentence"), VARIABLES.items())
def test_a_wrong_variable_is_named(
    profile: Path, monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str], sentence: str
) -> None:
    profile.write_text("")
    monkeypatch.setenv(*variable)
    with pytest.raises(ProfileProblem) as caught:
        load_profile(profile)
    assert caught.value.message.startswith(sentence)


def test_variables_speak_over_the_file(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile.write_text('enabled = true\n[ledger]\ncurrency = "CHF"\nlanguage = "fr"\n')
    monkeypatch.setenv("BEXSYNC_LEDGER__CURRENCY", "eur")
    monkeypatch.setenv("BEXSYNC_ENABLED", "false")
    monkeypatch.setenv("BEXSYNC_LIMITS__MAILS", "3")
    monkeypatch.setenv("BEXSYNC_PAYMENTS__ACCOUNTS", '{"twint": "CH93"}')
    monkeypatch.setenv("BEXSYNC_STATE_DIR", "/nowhere")
    loaded = load_profile(profile)
    assert (loaded.enabled, loaded.ledger.currency, loaded.ledger.language, loaded.limits.mails) == (
        False, "EUR", "fr", 3,
    )  # fmt: skip
    assert loaded.payments.accounts == {"twint": "CH93"}


def test_a_variable_moves_the_installed_program(world: World) -> None:
    world.set_profile(ledger={"api_url": "https://api.bexio.invalid"}, invoices={"finish": "draft"})
    world.drop(an_invoice())
    pushed = world.cli("invoices", "push", BEXSYNC_LEDGER__API_URL=world.url, BEXSYNC_INVOICES__FINISH="issue")
    assert (pushed.returncode, pushed.stderr) == (0, "")
    assert world.invoice("1001")["kb_item_status_id"] == 8


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_profile_nobody_may_read(profile: Path) -> None:
    profile.write_text("")
    profile.chmod(0)
    with pytest.raises(ProfileProblem, match="cannot be read: Permission denied"):
        load_profile(profile)
