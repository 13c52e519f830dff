"""What `config check` finds on this computer alone, and what `config show` says of the profile in force."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bexsync.admin.config import check_configuration
from bexsync.config.loading import load_profile
from bexsync.paths import VARIABLES, state_folder
from front_door import called
from world import BEXSYNC, TOKEN, World, an_invoice

SOURCE = Path(__file__).parents[2] / "src"
EXAMPLES = Path(__file__).parents[2] / "examples"


def found(world: World, level: str, **environment: str) -> list[dict[str, Any]]:
    """What is found of one level, in this process."""
    return [finding for finding in everything(world, **environment) if finding["level"] == level]


def everything(world: World, **environment: str) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        findings = check_configuration(world.profile_path, state_folder(), os.environ, date(2026, 11, 20))
    assert TOKEN not in str(findings)
    return [asdict(finding) for finding in findings]


def found_by_the_program(world: World, level: str, **environment: str) -> list[dict[str, Any]]:
    """The same of the installed program; root gives up its privileges first."""
    powerless = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    run = subprocess.run(
        [*powerless, BEXSYNC, "--profile", world.profile_path, "config", "check", "--json"],
        env=world.environment | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    envelope = json.loads(run.stdout)
    findings = envelope["data"]["findings"]
    wrong = [finding for finding in findings if finding["level"] == "wrong"]
    assert run.returncode == envelope["exit_code"] == (78 if wrong else 0)
    assert [error["message"] for error in envelope["errors"]] == [finding["message"] for finding in wrong]
    assert TOKEN not in run.stdout
    return [finding for finding in findings if finding["level"] == level]


def test_nothing_is_said_where_nothing_is_wrong(world: World) -> None:
    run = called(world, "config", "check")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert "Nothing is wrong as far as this computer can tell" in called(world, "config", "check", "-v").stdout


def test_bexio_is_not_asked_and_nothing_is_changed(world: World) -> None:
    world.drop(an_invoice())
    before = sorted(world.folder.rglob("*"))
    assert found_by_the_program(world, "wrong", BEXSYNC_ACCESS_TOKEN="") == []
    assert world.sandbox.requests == []
    assert sorted(world.folder.rglob("*")) == before


def test_everything_that_is_wrong_in_one_go_with_its_line(world: World) -> None:
    world.profile_path.write_text(
        "[ledger]\n"
        'curency = "CHF"\n'
        'api_url = "http://api.bexio.com"\n'
        'ca_file = "/nowhere.pem"\n'
        "\n"
        "[shop]\n"
        'path = """./elsewhere"""\n'
        "[invoices]\n"
        "due_days = -3\n"
        'mail.fr = { subject = "Facture {numero}", message = "x" }\n'
        "[invoices.mail.de]\n"
        'subject = "Rechnung"\n'
    )
    world.profile_path.with_suffix(".vat.toml").write_text(
        '[[tax]]\ncode = "UN81"\nrate = 8.1\n\n[[tax]]\ncode = 3\nrate = 300\n'
    )
    wrong = {
        (Path(f["file"]).name, f["line"], f["key"]): f["message"] + " " + f["hint"]
        for f in found_by_the_program(world, "wrong")
    }
    expected = {
        ("default.toml", 2, "ledger.curency"): "Did you mean `currency`?",
        ("default.toml", 3, "ledger.api_url"): "must begin with https://",
        ("default.toml", 4, "ledger.ca_file"): "/nowhere.pem cannot be used: No such file or directory",
        ("default.toml", 9, "invoices.due_days"): "`invoices.due_days = -3`, which must be at least 0",
        ("default.toml", 11, "invoices.mail.de.message"): "lacks the key `invoices.mail.de.message`",
        ("default.vat.toml", 5, "tax.2"): "rate = 300 is no percentage",
        ("elsewhere", 0, "shop.path"): "elsewhere does not exist or is no folder",
    }
    assert wrong.keys() == expected.keys()
    for place, sentence in expected.items():
        assert sentence in wrong[place]
    (attention,) = [f for f in found(world, "attention") if f["subject"] == "profile"]
    assert (attention["line"], attention["hint"]) == (10, "Did you mean {number}?")


def test_for_cron_every_problem_is_a_line(world: World) -> None:
    world.set_profile(ledger={"curency": "CHF"}, invoices={"due_days": -3})
    run = called(world, "config", "check")
    assert (run.returncode, run.stdout) == (78, "")
    lines = run.stderr.splitlines()
    assert len(lines) == 2
    assert all(re.match(r"config check: default\.toml, line \d+: The profile ", line) for line in lines)
    assert called(world, "config", "check", "-q").stderr == run.stderr


def touch(path: Path, mode: int = 0o600, text: str = "") -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def shop_without_rights(world: World) -> dict[str, str]:
    (world.shop / "in").chmod(0o500)
    return {}


def shop_with_a_file_for_a_folder(world: World) -> dict[str, str]:
    touch(world.shop / "out")
    return {}


def state_in_a_file(world: World) -> dict[str, str]:
    return {"BEXSYNC_STATE_DIR": str(touch(world.folder / "file") / "state")}


def state_without_rights(world: World) -> dict[str, str]:
    (world.folder / "closed").mkdir(mode=0o500)
    return {"BEXSYNC_STATE_DIR": str(world.folder / "closed" / "state")}


def state_that_is_damaged(world: World) -> dict[str, str]:
    (world.folder / "state").mkdir(mode=0o700)
    touch(world.folder / "state" / "companies.json", text="{")
    return {}


def another_site(world: World) -> dict[str, str]:
    world.push()
    world.set_profile(shop={"site": "other"})
    return {}


def token_file_missing(world: World) -> dict[str, str]:
    return {"BEXSYNC_ACCESS_TOKEN": "", "BEXSYNC_ACCESS_TOKEN_FILE": str(world.folder / "none")}


def token_file_empty(world: World) -> dict[str, str]:
    return {"BEXSYNC_ACCESS_TOKEN": "", "BEXSYNC_ACCESS_TOKEN_FILE": str(touch(world.folder / "token"))}


def no_toml(world: World) -> dict[str, str]:
    world.profile_path.write_text("[ledger]\n\ncurrency = CHF\n")
    return {}


def no_profile(world: World) -> dict[str, str]:
    world.profile_path.unlink()
    return {}


def no_certificate(world: World) -> dict[str, str]:
    world.set_profile(ledger={"ca_file": str(touch(world.folder / "ca.pem", text="no certificate"))})
    return {}


def vat_map_that_is_no_toml(world: World) -> dict[str, str]:
    world.profile_path.with_suffix(".vat.toml").write_text("[[tax]\n")
    return {}


def program_that_is_missing(world: World) -> dict[str, str]:
    world.set_profile(ledger={"token_store": "command", "token_command": {"get": ["no-such-program"]}})
    return {}


def unknown_key_in_a_variable(world: World) -> dict[str, str]:
    return {"BEXSYNC_SHOP__SITE": "A B"}


WRONG: dict[Callable[[World], dict[str, str]], list[str]] = {
    shop_without_rights: ["shop/in: Permission denied"],
    shop_with_a_file_for_a_folder: ["shop cannot be used: Not a directory"],
    state_in_a_file: ["file is no folder, so the state cannot live in"],
    state_without_rights: ["This user may not read and write"],
    state_that_is_damaged: ["companies.json is damaged"],
    another_site: ['The site of this profile was "main" and is now "other"'],
    token_file_missing: ["none cannot be read"],
    token_file_empty: ["token is empty"],
    no_toml: ["is not TOML: a value cannot be read; texts stand in quotes (at line 3, column 12)"],
    no_profile: ["There is no profile"],
    no_certificate: ["ca.pem cannot be used: it is no certificate"],
    vat_map_that_is_no_toml: ["The VAT map"],
    program_that_is_missing: ["The program no-such-program is not found", 'token_store = "command" needs `set`'],
    unknown_key_in_a_variable: ['The variable BEXSYNC_SHOP__SITE says `shop.site = "A B"`'],
}


@pytest.mark.parametrize("harm", WRONG, ids=lambda harm: harm.__name__)
def test_what_is_wrong(world: World, harm: Callable[[World], dict[str, str]]) -> None:
    needs_rights_to_bite = harm in (shop_without_rights, state_without_rights)
    look = found_by_the_program if needs_rights_to_bite else found
    wrong = look(world, "wrong", **harm(world))
    for finding, sentence in zip(wrong, WRONG[harm], strict=True):
        assert sentence in finding["message"]
    if harm is no_toml:
        assert wrong[0]["line"] == 3


def test_a_table_that_waits_is_shown_as_it_would_be_read(world: World) -> None:
    shutil.copy(next((EXAMPLES / "agency" / "invoices-as-csv").glob("*.csv")), world.shop / "in" / "good.csv")
    shutil.copy(EXAMPLES / "bad-input" / "csv-two-dates.csv", world.shop / "in" / "bad.csv")
    shutil.copy(EXAMPLES / "bad-input" / "csv-no-number.csv", world.shop / "in" / "worse.csv")
    tables = {Path(f["file"]).name: f for f in everything(world) if f["subject"] == "table"}
    assert {name: finding["level"] for name, finding in tables.items()} == {
        "good.csv": "ok",
        "bad.csv": "attention",
        "worse.csv": "attention",
    }
    assert tables["good.csv"]["message"].startswith("good.csv read as ")
    assert "columns" in tables["good.csv"]["message"]


def profile_for_all(world: World) -> dict[str, str]:
    world.profile_path.chmod(0o666)
    return {}


def state_for_all(world: World) -> dict[str, str]:
    (world.folder / "state").mkdir()
    (world.folder / "state").chmod(0o777)
    return {}


def token_for_all(world: World) -> dict[str, str]:
    return {"BEXSYNC_ACCESS_TOKEN": "", "BEXSYNC_ACCESS_TOKEN_FILE": str(touch(world.folder / "t", 0o644, TOKEN))}


def variable_with_a_typo(world: World) -> dict[str, str]:
    return {"BEXSYNC_LEGDER__CURRENCY": "EUR"}


def start_in_the_future(world: World) -> dict[str, str]:
    world.set_profile(invoices={"start_date": "2999-01-01"})
    return {}


def switched_off(world: World) -> dict[str, str]:
    return {"BEXSYNC_ENABLED": "false"}


def placeholder_with_a_typo(world: World) -> dict[str, str]:
    world.set_profile(invoices={"mail": {"de": {"subject": "Nr. {numbr}", "message": "x"}}})
    return {}


def vat_row_for_nothing(world: World) -> dict[str, str]:
    world.profile_path.with_suffix(".vat.toml").write_text('[[tax]]\ncode = "UN81"\ncountry = "DE"\n')
    return {}


def relative_state(world: World) -> dict[str, str]:
    return {"BEXSYNC_STATE_DIR": "state"}


ATTENTION: dict[Callable[[World], dict[str, str]], tuple[str, str]] = {
    profile_for_all: ("Other users may write", "chmod go-w"),
    state_for_all: ("Other users may write", "chmod go-w"),
    token_for_all: ("Other users may read", "chmod 600"),
    variable_with_a_typo: ("BEXSYNC_LEGDER__CURRENCY is no variable", "Did you mean BEXSYNC_LEDGER__CURRENCY?"),
    start_in_the_future: ("start_date is 2999-01-01", "Is that day meant?"),
    switched_off: ("enabled = false", ""),
    placeholder_with_a_typo: ("{numbr}", "Did you mean {number}?"),
    vat_row_for_nothing: ("names neither class, rate nor use", "take it out"),
    relative_state: ("BEXSYNC_STATE_DIR is state, which is another folder", "Name its whole path"),
}


@pytest.mark.parametrize("odd", ATTENTION, ids=lambda odd: odd.__name__)
def test_what_is_worth_a_look_is_no_failure(world: World, odd: Callable[[World], dict[str, str]]) -> None:
    environment = odd(world)
    assert found(world, "wrong", **environment) == []
    (finding,) = found(world, "attention", **environment)
    sentence, hint = ATTENTION[odd]
    assert sentence in finding["message"]
    assert hint in finding["hint"]


def test_every_variable_the_program_reads_is_known() -> None:
    named = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r'"(BEXSYNC_[A-Z]+(?:_[A-Z]+)*)"', path.read_text())
    }
    assert named == set(VARIABLES)


def test_the_profile_in_force_reads_back_the_same(world: World) -> None:
    world.set_profile(payments={"accounts": {"twint pay": "CH93"}}, ledger={"token_command": {"get": ["a", 'b "c"']}})
    shown = called(world, "config", "show")
    assert shown.returncode == 0
    again = world.folder / "again.toml"
    again.write_text(shown.stdout)
    assert load_profile(again) == load_profile(world.profile_path)


def test_every_value_says_who_says_it(world: World) -> None:
    shown = called(world, "config", "show", BEXSYNC_LEDGER__CURRENCY="eur").stdout
    assert 'currency = "EUR"  # BEXSYNC_LEDGER__CURRENCY\n' in shown
    assert 'numbering = "ledger"\n' in shown
    lines = world.profile_path.read_text().splitlines()
    for line, text in enumerate(lines, 1):
        if " = " in text:
            assert f"  # line {line}\n" in shown, text
    data = json.loads(called(world, "config", "show", "--json", BEXSYNC_LEDGER__CURRENCY="eur").stdout)["data"]
    rows = {row["key"]: row for row in data["settings"]}
    assert (rows["ledger.currency"]["value"], rows["ledger.currency"]["variable"]) == (
        "EUR",
        "BEXSYNC_LEDGER__CURRENCY",
    )
    assert tomllib.loads(shown)["ledger"]["currency"] == "EUR"


def test_a_wrong_profile_is_not_shown(world: World) -> None:
    shutil.copy(__file__, world.profile_path)
    run = called(world, "config", "show")
    assert (run.returncode, run.stdout) == (78, "")
    assert "is not TOML" in run.stderr
