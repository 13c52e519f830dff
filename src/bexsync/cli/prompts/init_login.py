"""The way into the ledger for a profile that is not written yet: what is there already, or a new login."""

from __future__ import annotations

import sqlite3
import tomllib
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bexsync.auth.companies import CompanyBook
from bexsync.auth.records import LoginRecord
from bexsync.auth.service import LoginService
from bexsync.auth.source import FILE_VARIABLE, VARIABLE, environment_token, names_token
from bexsync.auth.stores import suggest
from bexsync.cli.prompts.asking import Asker, tell, tell_problem
from bexsync.cli.prompts.init_questions import one_of
from bexsync.cli.prompts.login_prompts import LoginOptions, make_login
from bexsync.config.profile import Profile, ShopSection, profile_model
from bexsync.errors import BexsyncError, ConfigurationProblem, LoginNeeded, TryLater, UsageProblem
from bexsync.paths import config_folder, profile_path, state_folder
from bexsync.ports.master_data import MasterData
from bexsync.ports.shop_package import ShopSite
from bexsync.state_reader import StateReader
from bexsync.wiring import look_at_company, open_auth_desk

_WAYS = {
    "token": "a personal access token: made in a minute, expires within months",
    "app": "an app of your own: made in ten minutes, renews itself; the one for cron",
}
_STORES = {
    "encrypted-file": "encrypted, its key in a file beside the profiles; cron reaches it",
    "file": "as plain text that only this user can read",
}
_NOT_YET = "Take one of these; the token or the app is asked for afterwards."
_LISTS_NEEDED = ("accounts", "taxes", "years", "currencies")


class LedgerLogin:
    """Gets in, and knows what was kept for that."""

    def __init__(self, name: str, asker: Asker, login_options: LoginOptions) -> None:
        self._name = name
        self._asker = asker
        self._login_options = login_options
        self._path = profile_path(name).resolve()

    def company_lists(self, draft: Profile) -> MasterData:
        """The company's lists; a person whose login fails is asked again."""
        self._release_if_unused()
        wants_another = self._names_a_way
        while True:
            try:
                if wants_another or not self._has_one(draft):
                    self._make_one(draft)
                return self._look(draft)
            except (LoginNeeded, ConfigurationProblem, UsageProblem) as problem:
                if not self._asker.asks or names_token():
                    raise
                tell_problem(type(problem)(problem.message) if isinstance(problem, LoginNeeded) else problem)
                self._login_options = replace(self._login_options, token_stdin=False, client_id="")
                wants_another = True
            except TryLater as problem:
                if not self._asker.asks:
                    raise
                tell_problem(problem)
                if not self._asker.agrees("Try again?"):
                    raise
            self._release_if_unused()

    def kept(self, draft: Profile) -> LoginRecord | None:
        """The login that is there for this profile, where the environment brings no token."""
        return None if names_token() else open_auth_desk(self._name, profile=draft).record

    def _release_if_unused(self) -> None:
        """A login to the wrong company must not bind a profile that was never written."""
        with suppress(OSError, sqlite3.Error):
            if not StateReader(self._path, state_folder()).site():
                CompanyBook(state_folder()).release(str(self._path))

    @property
    def _names_a_way(self) -> bool:
        return bool(self._login_options.token_stdin or self._login_options.client_id)

    def _has_one(self, draft: Profile) -> bool:
        if names_token():
            environment_token(draft.ledger.login.token_page)
            if self._asker.asks:
                tell(f"The token comes from {VARIABLE} or {FILE_VARIABLE}.")
            return True
        record = self.kept(draft)
        if record is None:
            return False
        whose = f"{record.company or record.company_id} as {record.user or record.mail or 'unknown'}"
        return self._asker.agrees(f"You are logged in to {whose} already. Go on with that?")

    def _look(self, draft: Profile) -> MasterData:
        if self._asker.asks:
            tell(f"Reading what the company has in {draft.ledger.words.name} ...")
        master, problems = look_at_company(self._name, draft)
        for part in _LISTS_NEEDED:
            if part in problems:
                raise problems[part]
        return master

    def _make_one(self, draft: Profile) -> None:
        if not self._asker.asks and not self._names_a_way:
            raise LoginNeeded(
                "Nobody is logged in for this profile, and --yes asks nothing.",
                f"Set {VARIABLE}[_FILE], or add --token-stdin or --client-id ID.",
            )
        desk = open_auth_desk(self._name, profile=draft)
        if self._asker.asks:
            self._ask_for_a_way(draft)
            self._ask_for_a_store(desk)
            self._tell_where_tokens_come_from(draft)
        _, lines = make_login(desk, self._login_options)
        if self._asker.asks:
            tell()
            for line in lines:
                tell(line)

    def _ask_for_a_way(self, draft: Profile) -> None:
        if self._names_a_way:
            return
        name = draft.ledger.words.name
        words = (f"How bexsync gets into {name}; the token itself, or your app, is asked for afterwards:",)
        way = self._asker.answer(one_of("", "Log in with", _WAYS, "token", words, _NOT_YET))
        if way == "token":
            self._login_options = replace(self._login_options, token_stdin=True)
        elif not self._login_options.no_browser and not _has_browser():
            tell("There is no browser on this computer; any other computer's will do.")
            self._login_options = replace(self._login_options, no_browser=True)

    def _tell_where_tokens_come_from(self, draft: Profile) -> None:
        if not self._login_options.token_stdin:
            return
        if draft.ledger.api_url == draft.ledger.description.api_url:
            tell(f"Make a token at https://{draft.ledger.login.token_page} and paste it here; nobody sees it.")
        else:
            tell("Paste the token that the sandbox has told you; nobody sees it.")

    def _ask_for_a_store(self, desk: LoginService) -> None:
        named = self._login_options.store or self._login_options.key_file or desk.profile.ledger.token_store
        if named or desk.record is not None or suggest().choice is not None:
            return
        words = ("No keyring is reached here. Where should the login be kept?",)
        self._login_options = replace(
            self._login_options,
            store=self._asker.answer(one_of("", "Keep it in", _STORES, "encrypted-file", words, _NOT_YET)),
        )


def site_owner(name: str, site: str) -> str:
    """The file of another profile that has this shop of the same company, "" where there is none."""
    with suppress(OSError, sqlite3.Error):
        others = StateReader(profile_path(name), state_folder()).others_with_site(site)
        return next((other for other in others if Path(other).exists()), "")
    return ""


def shop_site(name: str, site: str) -> ShopSite:
    """For whom a shop is set up, as far as this computer knows."""
    file, company = profile_path(name).resolve(), ""
    with suppress(BexsyncError):
        company = StateReader(file, state_folder()).company
    return ShopSite(file, site, frozenset((company,) if company else ()))


def shops_of_other_profiles(name: str, shop_type: str) -> Mapping[Path, ShopSection]:
    """The settings of shops of one type as the files have them: variables speak for the profile that is being made."""
    own, found = profile_path(name).resolve(), {}
    for other in sorted((config_folder() / "profiles").glob("*.toml")):
        with suppress(OSError, ValueError, RecursionError):
            shop = profile_model(shop_type).model_validate(tomllib.loads(other.read_text("utf-8"))).shop
            if other.resolve() != own and shop.type == shop_type:
                found[other] = shop
    return found


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def site_before(name: str) -> str:
    """The shop of this profile when its file was there before, "" where it never was."""
    with suppress(OSError, sqlite3.Error):
        return StateReader(profile_path(name), state_folder()).site()
    return ""
