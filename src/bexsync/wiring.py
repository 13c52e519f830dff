"""The only place that names every adapter: from a profile to a workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bexsync.auth.companies import CompanyBook, company_claim
from bexsync.auth.source import EnvironmentToken, LoginToken, TokenSource, names_token
from bexsync.config.loading import load_profile, load_vat_map
from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, ConfigurationProblem, StateProblem
from bexsync.http.address import api_hint, parse_address
from bexsync.http.clock import Clock, SystemClock
from bexsync.jobs.workspace import Workspace
from bexsync.paths import profile_path, secret_variable
from bexsync.paths import state_folder as state_folder
from bexsync.ports.shop_package import ShopSite
from bexsync.registry import ledger_package, shop_package
from bexsync.store import Store
from bexsync.store.kept import kept_beside
from bexsync.store.sqlite.locks import FileLocks
from bexsync.store.sqlite.opening import open_store

# Every command imports this module: what only some of them need, each function imports by itself.
if TYPE_CHECKING:
    from bexsync.admin.credit_list import CreditAdmin
    from bexsync.admin.errors import ErrorAdmin
    from bexsync.admin.links_desk import LinkAdmin
    from bexsync.admin.login_status import LoginStatus
    from bexsync.admin.state import StateAdmin
    from bexsync.auth.companies import Company
    from bexsync.auth.provider import IdentityProvider
    from bexsync.auth.refreshing import Renew
    from bexsync.auth.service import Identity, LoginService
    from bexsync.http.client import Client
    from bexsync.http.rate_limit import BudgetBook
    from bexsync.http.responses import RequestEffect
    from bexsync.ports.ledger import Ledger, Right
    from bexsync.ports.master_data import MasterData


class LedgerOpening(Protocol):
    """The module `opening` that the package of a ledger has beside its `DESCRIPTION`."""

    def open_ledger(self, client: Client, profile: Profile, store: Store, clock: Clock) -> Ledger:
        """The ledger of a profile, with what it learns kept in `store`."""
        ...

    def ask_identity(self, client: Client, claim: str) -> Identity:
        """Whose the client's token is; `claim` is the company's id where the token names it."""
        ...

    def ask_company(self, client: Client, claim: str) -> Company:
        """The company of the client's token."""
        ...

    def ask_master_data(self, client: Client, now: datetime) -> tuple[MasterData, Mapping[str, BexsyncError]]:
        """All lists of the company, and why one could not be read."""
        ...

    def ask_rights(self, client: Client) -> Mapping[str, Right]:
        """How the rights of the token's user stand, by scope."""
        ...


def _state_file(profile: Profile, folder: Path, company: str) -> Path:
    return folder / f"{profile.ledger.type}-{company}.db"


def _opening(profile: Profile) -> LedgerOpening:
    return cast(LedgerOpening, import_module(f"{ledger_package(profile.ledger.type).__name__}.opening"))


def is_enabled(name: str) -> bool:
    """Whether the profile wants anything done at all; needs no token."""
    return not disabled_reason(name)


def disabled_reason(name: str, of_job: Callable[[Profile], str] = lambda _: "") -> str:
    """Why the profile wants nothing done, or not this job, "" where it does; needs no token."""
    profile = load_profile(profile_path(name).absolute())
    return of_job(profile) if profile.enabled else "This profile says enabled = false."


def open_workspace(name: str, *, clock: Clock | None = None) -> Workspace:
    """The profile at work; raises ProfileProblem, LoginNeeded, WrongCompany, StateProblem or TryLater."""
    clock = clock or SystemClock()
    path = profile_path(name).resolve()
    profile = load_profile(path)
    vat_map = load_vat_map(path)
    folder = state_folder()
    tokens = token_source(profile, path, folder, clock)
    company = _company(profile, path, folder, tokens, clock)
    # A mistake is told at once, though the ledger may not be opened in this run.
    parse_address(profile.ledger.api_url, api_hint(profile.ledger.description))
    site = profile.shop.site
    state = _state_file(profile, folder, company.id)
    store = open_store(state, site, company.id)
    store.claim_site(profile=str(path), shop=profile.shop.type, now=clock.now())

    def make_ledger(on: Store, on_request: Callable[[RequestEffect], None]) -> Ledger:
        # Requests count against the company's budget even in a rehearsal.
        client = _client(profile, tokens.token, clock, store.budget, on_request)
        return _opening(profile).open_ledger(client, profile, on, clock)

    shop = shop_package(profile.shop.type)
    shop_site = _shop_site(profile, path, frozenset((company.id, company.anchor)))
    return Workspace(
        profile=profile,
        vat_map=vat_map,
        store=store,
        kept=kept_beside(state, site),
        shop=shop.open_shop(profile.shop, shop_site, clock.now),
        clock=clock,
        locks=FileLocks(folder / "locks", company.id, site),
        make_ledger=make_ledger,
        close=store.close,
        warning=tokens.warning,
        scopes=tokens.scopes,
        open_catalog=lambda: shop.open_catalog(profile.shop, shop_site, clock.now),
    )


def open_auth_desk(name: str, *, clock: Clock | None = None, profile: Profile | None = None) -> LoginService:
    """The login of a profile, for a person; `profile` stands for one that is not written yet."""
    clock = clock or SystemClock()
    path = profile_path(name).resolve()
    profile = profile or load_profile(path)
    return _login_service(profile, path, state_folder(), clock)


def _login_service(profile: Profile, path: Path, folder: Path, clock: Clock) -> LoginService:
    from bexsync.auth.service import LoginService

    return LoginService(
        profile, str(path), folder, clock, _provider(profile, folder, clock), partial(_identify, profile, clock)
    )


def look_at_company(
    name: str, profile: Profile, *, clock: Clock | None = None
) -> tuple[MasterData, Mapping[str, BexsyncError]]:
    """The ledger's lists for a profile that is not written yet, and why a list could not be read."""
    from bexsync.auth.refreshing import TokenRefresher

    clock = clock or SystemClock()
    path = profile_path(name).resolve()
    folder = state_folder()
    tokens = token_source(
        profile, path, folder, clock, TokenRefresher.renewed
    )  # another process would look for the profile
    _company(profile, path, folder, tokens, clock)
    with _unpaced(profile, clock, tokens.token) as client:
        return _opening(profile).ask_master_data(client, clock.now())


def login_status(name: str, *, offline: bool = False, clock: Clock | None = None) -> LoginStatus:
    """What there is to say of the login of a profile; `offline` asks nobody but its store."""
    from bexsync.admin.login_status import look_at_login

    desk = open_auth_desk(name, clock=clock)
    path = Path(desk.path)

    def ask_rights() -> Mapping[str, Right]:
        tokens = token_source(desk.profile, path, desk.folder, desk.clock)
        with _unpaced(desk.profile, desk.clock, tokens.token) as client:
            return _opening(desk.profile).ask_rights(client)

    return look_at_login(desk, None if offline else ask_rights)


def open_local_state(name: str) -> tuple[Profile, Store]:
    """The state of a profile without a token, for looking at it; raises StateProblem where there is none yet."""
    path = profile_path(name).resolve()
    profile = load_profile(path)
    folder = state_folder()
    company = _pinned_company(path, folder)
    store = open_store(_state_file(profile, folder, company), profile.shop.site, company)
    try:
        store.check_site(str(path))
    except BaseException:
        store.close()
        raise
    return profile, store


def _pinned_company(path: Path, folder: Path) -> str:
    """The company of a profile; raises StateProblem where none of the commands that make a state was run yet."""
    company = CompanyBook(folder).pinned(str(path))
    if company is None:
        raise StateProblem(
            f"The profile {path} was never run.",
            "Run `bexsync test-connection`, or any job: `bexsync invoices push`, `bexsync orders sync`, "
            "`bexsync products sync`.",
            code="no_state",
        )
    return company


def note_failed_start(name: str, job: str, problem: BexsyncError) -> None:
    """Adds a run that could not begin, such as without a login, to the history that `status` and `runs` show."""
    with suppress(BexsyncError):  # where there is no state to note it in, the problem itself says so
        _, store = open_local_state(name)
        try:
            store.runs.add(job, int(problem.exit_code), problem.message, SystemClock().now())
        finally:
            store.close()


def open_error_desk(name: str, *, clock: Clock | None = None) -> ErrorAdmin:
    """The errors of a profile, for a person to look at."""
    from bexsync.admin.errors import ErrorAdmin

    clock = clock or SystemClock()
    _, store = open_local_state(name)
    return ErrorAdmin(store, clock.now())


def open_links_desk(name: str) -> LinkAdmin:
    """The links of a profile, for a person to look at and mend."""
    from bexsync.admin.links_desk import LinkAdmin

    profile, store = open_local_state(name)
    folder = state_folder()
    company = CompanyBook(folder).pinned(str(profile_path(name).resolve())) or ""
    state = _state_file(profile, folder, company)
    return LinkAdmin(store, kept_beside(state, store.site), FileLocks(folder / "locks", company, store.site))


def open_credit_desk(name: str, *, clock: Clock | None = None) -> CreditAdmin:
    """The credits of a profile that a person writes by hand."""
    from bexsync.admin.credit_list import CreditAdmin

    clock = clock or SystemClock()
    _, store = open_local_state(name)
    folder = state_folder()
    company = CompanyBook(folder).pinned(str(profile_path(name).resolve())) or ""
    return CreditAdmin(store, FileLocks(folder / "locks", company, store.site), clock.now())


def open_state_desk(name: str, *, clock: Clock | None = None) -> StateAdmin:
    """The state of a profile as a file; it is not opened, since it may be what is to be replaced."""
    from bexsync.admin.state import StateAdmin
    from bexsync.store.sqlite.upkeep import SqliteUpkeep

    path = profile_path(name).resolve()
    profile = load_profile(path)
    folder = state_folder()
    company = _pinned_company(path, folder)
    locks = FileLocks(folder / "locks", company, profile.shop.site)

    def delete_files(before: datetime, kept: Collection[str], dry: bool) -> Mapping[str, int]:
        return shop_package(profile.shop.type).delete_old(profile.shop, path, before, kept=kept, dry=dry)

    return StateAdmin(
        SqliteUpkeep(_state_file(profile, folder, company), company), locks, clock or SystemClock(), delete_files
    )


def _shop_site(profile: Profile, profile_file: Path, companies: frozenset[str]) -> ShopSite:
    secrets = {name: os.environ.get(secret_variable(name), "") for name in shop_package(profile.shop.type).secrets}
    for name in (name for name, secret in secrets.items() if not secret):
        raise ConfigurationProblem(
            f"The shop needs a secret, and {secret_variable(name)} is not set.",
            "Set the variable wherever bexsync runs.",
            code="shop_secret",
        )
    return ShopSite(profile_file, profile.shop.site, companies, profile.ledger.currency, secrets)


def _client(
    profile: Profile,
    token: Callable[[], str],
    clock: Clock,
    budget: BudgetBook,
    on_request: Callable[[RequestEffect], None] | None,
) -> Client:
    from bexsync.http.client import Client
    from bexsync.http.rate_limit import RateLimiter

    return Client(
        profile.ledger.api_url,
        token,
        ledger=profile.ledger.description,
        rate_limiter=RateLimiter(budget, clock, limits=profile.ledger.description.limits),
        clock=clock,
        timeout_seconds=profile.engine.timeout_seconds,
        language=profile.ledger.language,
        ca_file=profile.ledger.ca_file or None,
        on_request=on_request,
    )


def token_source(profile: Profile, path: Path, folder: Path, clock: Clock, renew: Renew | None = None) -> TokenSource:
    """Where the profile's access token comes from; the environment speaks over a login, as over the profile.

    A login is renewed in a process of its own, unless `renew` says how.
    """
    if names_token():
        return EnvironmentToken(clock, profile.ledger.login.token_page)
    from bexsync.auth.refreshing import TokenRefresher, refresh_in_subprocess
    from bexsync.auth.service import nobody

    desk = _login_service(profile, path, folder, clock)
    record = desk.record
    if record is None:
        raise nobody()
    # A clock of its own cannot be handed to another process.
    renew = renew or refresh_in_subprocess
    return LoginToken(desk.keeper(record), renew if isinstance(clock, SystemClock) else TokenRefresher.renewed)


def _provider(profile: Profile, folder: Path, clock: Clock) -> IdentityProvider:
    from bexsync.auth.provider import IdentityProvider

    ledger = profile.ledger.description

    def connect(address: str) -> Client:
        from bexsync.http.client import Client
        from bexsync.http.rate_limit import MemoryBudget, RateLimiter

        return Client(
            address,
            lambda: "",  # what is said to a login server says itself who speaks
            ledger=ledger,
            rate_limiter=RateLimiter(MemoryBudget(), clock, limits=ledger.limits),
            clock=clock,
            timeout_seconds=profile.engine.timeout_seconds,
            language=profile.ledger.language,
            ca_file=profile.ledger.ca_file or None,
        )

    return IdentityProvider(profile.ledger.issuer, ledger, connect, clock, folder / "issuer.json")


def _identify(profile: Profile, clock: Clock, token: str) -> Identity:
    with _unpaced(profile, clock, lambda: token) as client:
        return _opening(profile).ask_identity(client, _claim(profile, token))


def _claim(profile: Profile, token: str) -> str:
    return company_claim(token, profile.ledger.login.company_claim)


@contextmanager
def _unpaced(profile: Profile, clock: Clock, token: Callable[[], str]) -> Iterator[Client]:
    """For the few requests that are made before there is a state to keep the books of requests in."""
    from bexsync.http.rate_limit import MemoryBudget

    client = _client(profile, token, clock, MemoryBudget(), None)
    try:
        yield client
    finally:
        client.close()


def _company(profile: Profile, path: Path, folder: Path, tokens: TokenSource, clock: Clock) -> Company:
    def ask() -> Company:
        token = tokens.token()
        with _unpaced(profile, clock, lambda: token) as client:
            return _opening(profile).ask_company(client, _claim(profile, token))

    return CompanyBook(folder).company(str(path), tokens.stable_id, ask)
