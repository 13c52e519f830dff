"""What is wrong with a profile, its VAT map, the variables and the folders; and the profile that is in force."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import sqlite3
import ssl
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bexsync.config.loading import (
    load_profile,
    load_vat_map,
    problems_of,
    vat_map_path,
    vat_problems_of,
    what_can_be_read,
)
from bexsync.config.problems import KeyLines, Wrong, overriding_variable
from bexsync.config.profile import InvoicesSection, Profile, profile_model
from bexsync.errors import BexsyncError, ProfileProblem
from bexsync.http.address import api_hint, parse_address
from bexsync.paths import SHOP_SECRET, VARIABLES, secret_variable
from bexsync.ports.shop_package import Finding, Level, ShopSite
from bexsync.records.quoting import printable
from bexsync.registry import DEFAULT_SHOP, shop_package
from bexsync.state_reader import StateReader
from bexsync.store.folder import refuse_network

_MAIL_WORDS = ("number", "title", "total", "currency", "due_date", "customer")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_MAY_READ = _OTHERS_MAY_WRITE | stat.S_IRGRP | stat.S_IROTH


def check_configuration(profile_file: Path, state: Path, environment: Mapping[str, str], today: date) -> list[Finding]:
    """Everything that can be found in one go: the profile, what overrides it, and the places it names."""
    findings = [*_profile(profile_file)]
    profile = what_can_be_read(profile_file)
    model = profile_model(DEFAULT_SHOP) if profile is None else type(profile)
    findings += [*_variables(environment, model), *_vat_map(profile_file)]
    if profile is not None:
        lines = KeyLines(profile_file)
        findings += [*_settings(profile, profile_file, lines, today), *_shop(profile, profile_file, state, environment)]
    places = list(_state(state, environment))
    if profile is not None and all(finding.level != "wrong" for finding in places):
        findings += _site(profile, profile_file, state)
    return [*findings, *places, *_token(environment)]


def _profile(path: Path) -> Iterator[Finding]:
    wrongs = problems_of(path)
    yield from (_wrong("profile", path, wrong) for wrong in wrongs)
    if not wrongs:
        yield Finding("ok", "profile", f"{path} can be read.", file=str(path))
    if path.is_file() and path.stat().st_mode & _OTHERS_MAY_WRITE:
        yield Finding(
            "attention",
            "profile",
            f"Other users may write {path}, and so decide what is booked and where the token is sent.",
            f"chmod go-w {path}",
            file=str(path),
        )


def _wrong(subject: str, path: Path, wrong: Wrong) -> Finding:
    where = "" if wrong.variable else str(path)
    return Finding("wrong", subject, wrong.message, wrong.hint, file=where, line=wrong.line, key=wrong.key)


def _variables(environment: Mapping[str, str], model: type[Profile]) -> Iterator[Finding]:
    """pydantic-settings passes over a variable whose table it does not know, so a typo would go unnoticed."""
    tables = {name.upper() for name in model.model_fields}
    over = []
    for name in sorted(name for name in environment if name.upper().startswith("BEXSYNC_")):
        if name in VARIABLES or name.startswith(SHOP_SECRET):
            continue
        if name.upper().removeprefix("BEXSYNC_").partition("__")[0] in tables:
            over.append(name)
            continue
        close = difflib.get_close_matches(name.upper(), [*VARIABLES, *_possible_variables(model)], n=1)
        hint = f"Did you mean {close[0]}?" if close else "A key is named like BEXSYNC_LEDGER__API_URL."
        yield Finding("attention", "variable", f"{name} is no variable of bexsync and changes nothing.", hint, key=name)
    if over:
        said = "speaks" if len(over) == 1 else "speak"
        yield Finding("ok", "variable", f"{', '.join(over)} {said} over the profile.")


def _possible_variables(model: type[Profile]) -> Iterator[str]:
    for table, field in model.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            yield f"BEXSYNC_{table}__{key}".upper()


def _vat_map(profile_file: Path) -> Iterator[Finding]:
    path = vat_map_path(profile_file)
    wrongs = vat_problems_of(profile_file)
    yield from (_wrong("VAT map", path, wrong) for wrong in wrongs)
    if wrongs or not path.exists():
        return
    rows = load_vat_map(profile_file).rows
    yield Finding("ok", "VAT map", f"{path} has {len(rows)} row{'' if len(rows) == 1 else 's'}.", file=str(path))
    for number, row in enumerate(rows, 1):
        if row.tax_class is None and row.rate is None and row.use is None:
            yield Finding(
                "attention",
                "VAT map",
                f"Row {number} ({row.code}) names neither class, rate nor use, so it never applies.",
                "Say what it is for, or take it out.",
                file=str(path),
                key=f"tax.{number}",
            )


def _settings(profile: Profile, path: Path, lines: KeyLines, today: date) -> Iterator[Finding]:
    """Values that are allowed and yet cannot be meant, or that another file contradicts."""

    def finding(level: Level, key: str, message: str, hint: str) -> Finding:
        return Finding(
            level, "profile", message, hint, file=str(path), line=lines.line_of(tuple(key.split("."))), key=key
        )

    if not profile.enabled:
        yield finding("attention", "enabled", "The profile says enabled = false, so no job does anything.", "")
    for key, address in (("api_url", profile.ledger.api_url), ("issuer", profile.ledger.issuer)):
        try:
            parse_address(address, api_hint(profile.ledger.description))
        except BexsyncError as problem:
            yield finding("wrong", f"ledger.{key}", f"{key}: {problem.message}", f"Check {key} in [ledger].")
    for level, message, hint in _authority(profile.ledger.ca_file):
        yield finding(level, "ledger.ca_file", message, hint)
    start = profile.invoices.start_date
    if start is not None and start > today:
        yield finding(
            "attention",
            "invoices.start_date",
            f"start_date is {start}: invoices dated before that day are left alone.",
            "Is that day meant?",
        )
    for key, message, hint in _mails(profile.invoices):
        yield finding("attention", key, message, hint)
    for purpose, message, hint in _commands(profile):
        yield finding("wrong", f"ledger.token_command.{purpose}", message, hint)


def _authority(name: str) -> Iterator[tuple[Level, str, str]]:
    if not name:
        return
    if not Path(name).is_absolute():
        yield (
            "attention",
            f"ca_file is {name}, which is looked for in whatever folder bexsync is started from.",
            f"Name its whole path, as in {Path(name).absolute()}.",
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=name)
    except OSError as problem:  # which what is no certificate is as well
        said = "it is no certificate" if isinstance(problem, ssl.SSLError) else problem.strerror or str(problem)
        yield (
            "wrong",
            f"The certificate file {name} cannot be used: {said}.",
            "It must hold the certificate of an authority in PEM form.",
        )


def _mails(invoices: InvoicesSection) -> Iterator[tuple[str, str, str]]:
    for language, mail in invoices.mail.items():
        for name, text in (("subject", mail.subject), ("message", mail.message)):
            for word in sorted(set(re.findall(r"\{(\w+)\}", text)) - set(_MAIL_WORDS)):
                close = difflib.get_close_matches(word, _MAIL_WORDS, n=1)
                yield (
                    f"invoices.mail.{language}.{name}",
                    f"The {name} of mails in {language} holds {{{word}}}, which stays as it is.",
                    f"Did you mean {{{close[0]}}}?" if close else f"There are {', '.join(_MAIL_WORDS)}.",
                )


def _commands(profile: Profile) -> Iterator[tuple[str, str, str]]:
    named = profile.ledger.token_command
    for purpose, call in (("get", named.get), ("set", named.set), ("erase", named.erase)):
        if call and shutil.which(call[0]) is None:
            yield purpose, f"The program {call[0]} is not found or may not be run.", "Name its whole path."
        if not call and purpose != "erase" and profile.ledger.token_store == "command":  # noqa: S105  a store's name
            yield purpose, f'token_store = "command" needs `{purpose}`.', "`bexsync config example` shows how."


def _shop(profile: Profile, profile_file: Path, state: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    try:
        package = shop_package(profile.shop.type)
    except (KeyError, ProfileProblem):  # which the profile's own finding tells
        return
    for name in package.secrets:
        variable = secret_variable(name)
        if not environment.get(variable, "").strip():
            said = f"The shop needs a secret, and {variable} is not set."
            yield Finding("wrong", "shop", said, "Set the variable wherever bexsync runs.", key=variable)
    company, before = "", ""
    with suppress(BexsyncError, sqlite3.Error):  # a bad state, or a site that changed, is reported on its own
        reader = StateReader(profile_file, state)
        company, before = reader.company, reader.site()
    companies = frozenset((company,) if company else ())
    site = ShopSite(profile_file, before or profile.shop.site, companies, profile.ledger.currency)
    yield from package.diagnose(profile.shop, site)


def _site(profile: Profile, profile_file: Path, state: Path) -> Iterator[Finding]:
    try:
        before = StateReader(profile_file, state).site()
    except BexsyncError as problem:
        yield Finding("wrong", "state", problem.message, problem.hint, file=str(state))
        return
    except sqlite3.Error as problem:
        said = f"The state in {state} cannot be looked at now: {printable(str(problem))}."
        yield Finding("attention", "state", said, "If that stays so, restore a copy of it.", file=str(state))
        return
    if before and before != profile.shop.site:
        yield Finding(
            "wrong",
            "profile",
            f'The site of this profile was "{before}" and is now "{profile.shop.site}"; '
            "it is part of every key and must not change.",
            f'Set [shop] site = "{before}" again. For another shop write another profile.',
            file=str(profile_file),
            line=KeyLines(profile_file).line_of(("shop", "site")),
            key="shop.site",
        )


def _state(folder: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment.get("BEXSYNC_STATE_DIR") and not folder.is_absolute():
        yield Finding(
            "attention",
            "state",
            f"BEXSYNC_STATE_DIR is {folder}, which is another folder wherever bexsync is started.",
            f"Name its whole path, as in {folder.absolute()}.",
            key="BEXSYNC_STATE_DIR",
        )
    standing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    hint = "Give this user the right to write there, or set BEXSYNC_STATE_DIR to a folder of its own."
    if not standing.is_dir():
        yield Finding("wrong", "state", f"{standing} is no folder, so the state cannot live in {folder}.", hint)
        return
    if not os.access(standing, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        yield Finding("wrong", "state", f"This user may not read and write {standing}.", hint, file=str(standing))
        return
    try:
        refuse_network(folder)
    except BexsyncError as problem:
        yield Finding("wrong", "state", problem.message, problem.hint, file=str(folder))
        return
    if standing == folder.absolute() and folder.stat().st_mode & _OTHERS_MAY_WRITE:
        yield Finding(
            "attention", "state", f"Other users may write {folder}.", f"chmod go-w {folder}", file=str(folder)
        )
    made = "" if standing == folder.absolute() else " will be made by the first run"
    yield Finding("ok", "state", f"{folder}{made or ' can be read and written'}.", file=str(folder))


def _token(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = environment.get("BEXSYNC_ACCESS_TOKEN_FILE", "").strip()
    if environment.get("BEXSYNC_ACCESS_TOKEN", "").strip():
        passed_over = " BEXSYNC_ACCESS_TOKEN_FILE is not looked at." if name else ""
        yield Finding("ok", "token", f"BEXSYNC_ACCESS_TOKEN speaks over every login.{passed_over}")
    elif name:
        yield from _token_file(Path(name))


def _token_file(path: Path) -> Iterator[Finding]:
    hint = "Check BEXSYNC_ACCESS_TOKEN_FILE and the file's rights."
    try:
        empty = not path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError):
        yield Finding("wrong", "token", f"The token file {path} cannot be read.", hint, file=str(path))
        return
    if empty:
        yield Finding("wrong", "token", f"The token file {path} is empty.", hint, file=str(path))
    elif mode & _OTHERS_MAY_READ:
        yield Finding("attention", "token", f"Other users may read {path}.", f"chmod 600 {path}", file=str(path))
    else:
        yield Finding("ok", "token", f"The token in {path} speaks over every login.", file=str(path))


@dataclass(frozen=True)
class Setting:
    """One key; it is the default where neither a `variable` nor a `line` of the file says it."""

    key: tuple[str, ...]
    value: Any
    variable: str = ""
    line: int = 0


def settings_in_force(profile_file: Path) -> list[Setting]:
    """All keys in the order of config.example.toml; raises ProfileProblem."""
    lines = KeyLines(profile_file)
    profile, found = load_profile(profile_file), []
    defaults = dict(_flat(type(profile)().model_dump()))
    for key, value in _flat(profile.model_dump()):
        variable = overriding_variable(key)
        is_said = lines.names(key) or defaults.get(key) != value
        found.append(Setting(key, value, variable, lines.line_of(key) if is_said and not variable else 0))
    return found


def _flat(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The keys of a table before those of the tables in it, as TOML needs it."""
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield (*above, name), value
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*above, name))
