"""The only place that names every adapter: from a profile to a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bexsync.admin.errors import ErrorAdmin
from bexsync.admin.links import LinkAdmin
from bexsync.admin.login_status import LoginStatus, look_at_login
from bexsync.admin.state import StateAdmin
from bexsync.auth.companies import Company, CompanyBook, company_claim
from bexsync.auth.provider import IdentityProvider
from bexsync.auth.refreshing import Renew, TokenRefresher, refresh_in_subprocess
from bexsync.auth.service import Identity, LoginService, nobody
from bexsync.auth.source import EnvironmentToken, LoginToken, TokenSource
from bexsync.auth.tokens import names_token
from bexsync.config.profile import Profile, load_profile, load_vat_map, shop_path
from bexsync.errors import BexsyncError, StateProblem
from bexsync.http.client import Client
from bexsync.http.clock import Clock, SystemClock
from bexsync.http.rate_limit import MemoryBudget, RateLimiter
from bexsync.http.responses import Effect
from bexsync.jobs.locks import Locks
from bexsync.jobs.workspace import Workspace
from bexsync.ledgers.bexio import BexioLedger
from bexsync.ledgers.bexio.api import Api
from bexsync.ledgers.bexio.company import ask_for_company, ask_for_user
from bexsync.ledgers.bexio.master import MasterReader, NoMemory
from bexsync.paths import profile_path
from bexsync.paths import state_folder as state_folder
from bexsync.ports.ledger import Ledger
from bexsync.ports.master_data import MasterData
from bexsync.ports.shop import Catalog, Shop
from bexsync.shops.folder import FolderCatalog, FolderShop, Owner
from bexsync.store import Store, open_store
from bexsync.store.kept import kept_beside


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
    site = profile.shop.site
    store = open_store(folder / f"bexio-{company.id}.db", site, company.id)
    store.claim_site(profile=str(path), shop=profile.shop.type, now=clock.now())

    def make_ledger(on: Store, on_request: Callable[[Effect], None]) -> Ledger:
        # Requests count against the company's budget even in a rehearsal.
        client = _client(profile, tokens.token, clock, RateLimiter(store.budget, clock), on_request)
        return BexioLedger(
            Api(client),
            on,
            clock,
            web_url=profile.ledger.web_url,
            bank_accounts=bool(profile.ledger.bank_accounts or profile.payments.accounts),
            templates=bool(profile.invoices.template),
        )

    owner = Owner(site, frozenset((company.id, company.anchor)), str(path))
    return Workspace(
        profile=profile,
        vat_map=vat_map,
        store=store,
        kept=kept_beside(folder, company.id, site),
        shop=_shop(profile, path, clock, owner),
        clock=clock,
        locks=Locks(folder / "locks", company.id, site),
        make_ledger=make_ledger,
        close=store.close,
        warning=tokens.warning,
        scopes=tokens.scopes,
        catalog=_catalog(profile, path, clock, owner),
    )


def open_auth_desk(name: str, *, clock: Clock | None = None, profile: Profile | None = None) -> LoginService:
    """The login of a profile, for a person; `profile` stands for one that is not written yet."""
    clock = clock or SystemClock()
    path = profile_path(name).resolve()
    profile = profile or load_profile(path)
    folder = state_folder()
    return LoginService(
        profile, str(path), folder, clock, _provider(profile, folder, clock), partial(_identify, profile, clock)
    )


def look_at_company(
    name: str, profile: Profile, *, clock: Clock | None = None
) -> tuple[MasterData, Mapping[str, BexsyncError]]:
    """The ledger's lists for a profile that is not written yet, and why a list could not be read."""
    clock = clock or SystemClock()
    path = profile_path(name).resolve()
    folder = state_folder()
    tokens = token_source(
        profile, path, folder, clock, TokenRefresher.renewed
    )  # another process would look for the profile
    _company(profile, path, folder, tokens, clock)
    with _unpaced_api(profile, clock, tokens.token) as api:
        return MasterReader(api, NoMemory(), bank_accounts=True, templates=False).read_anew(clock.now())


def login_status(name: str, *, offline: bool = False, clock: Clock | None = None) -> LoginStatus:
    """What there is to say of the login of a profile; `offline` asks nobody but its store."""
    desk = open_auth_desk(name, clock=clock)
    path = Path(desk.path)

    def permissions() -> Any:
        tokens = token_source(desk.profile, path, desk.folder, desk.clock)
        with _unpaced_api(desk.profile, desk.clock, tokens.token) as api:
            return api.show("/3.0/permissions")

    return look_at_login(desk, None if offline else permissions)


def open_local_state(name: str) -> tuple[Profile, Store]:
    """The state of a profile without a token, for looking at it; raises StateProblem where there is none yet."""
    path = profile_path(name).resolve()
    profile = load_profile(path)
    folder = state_folder()
    company = CompanyBook(folder).pinned(str(path))
    if company is None:
        raise StateProblem(f"The profile {path} was never run.", "Run `bexsync invoices push` first.", code="no_state")
    store = open_store(folder / f"bexio-{company}.db", profile.shop.site, company)
    try:
        store.check_site(str(path))
    except BaseException:
        store.close()
        raise
    return profile, store


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
    clock = clock or SystemClock()
    _, store = open_local_state(name)
    return ErrorAdmin(store, clock.now())


def open_links_desk(name: str) -> LinkAdmin:
    """The links of a profile, for a person to look at and mend."""
    _, store = open_local_state(name)
    folder = state_folder()
    company = CompanyBook(folder).pinned(str(profile_path(name).resolve())) or ""
    return LinkAdmin(store, kept_beside(folder, company, store.site), Locks(folder / "locks", company, store.site))


def open_state_desk(name: str, *, clock: Clock | None = None) -> StateAdmin:
    """The state of a profile as a file; it is not opened, since it may be what is to be replaced."""
    path = profile_path(name).resolve()
    profile = load_profile(path)
    folder = state_folder()
    company = CompanyBook(folder).pinned(str(path))
    if company is None:
        raise StateProblem(f"The profile {path} was never run.", "Run `bexsync invoices push` first.", code="no_state")
    locks = Locks(folder / "locks", company, profile.shop.site)
    state, shop = folder / f"bexio-{company}.db", shop_path(profile, path)
    return StateAdmin(state, company, locks, clock or SystemClock(), shop)


def _shop(profile: Profile, profile_file: Path, clock: Clock, owner: Owner) -> Shop:
    return FolderShop(
        shop_path(profile, profile_file),
        now=clock.now,
        quiet_seconds=profile.shop.quiet_seconds,
        csv=profile.shop.csv,
        currency=profile.ledger.currency,
        owner=owner,
    )


def _catalog(profile: Profile, profile_file: Path, clock: Clock, owner: Owner) -> Catalog:
    return FolderCatalog(
        shop_path(profile, profile_file),
        now=clock.now,
        quiet_seconds=profile.shop.quiet_seconds,
        csv=profile.shop.csv,
        owner=owner,
    )


def _client(
    profile: Profile,
    token: Callable[[], str],
    clock: Clock,
    pacer: RateLimiter,
    on_request: Callable[[Effect], None] | None,
) -> Client:
    return Client(
        profile.ledger.api_url,
        token,
        pacer=pacer,
        clock=clock,
        timeout_seconds=profile.engine.timeout_seconds,
        language=profile.ledger.language,
        ca_file=profile.ledger.ca_file or None,
        on_request=on_request,
    )


def token_source(
    profile: Profile, path: Path, folder: Path, clock: Clock, renew: Renew = refresh_in_subprocess
) -> TokenSource:
    """Where the profile's access token comes from; the environment speaks over a login, as over the profile."""
    if names_token():
        return EnvironmentToken(clock)
    desk = LoginService(
        profile, str(path), folder, clock, _provider(profile, folder, clock), partial(_identify, profile, clock)
    )
    record = desk.record
    if record is None:
        raise nobody()
    # A clock of its own cannot be handed to another process.
    return LoginToken(desk.keeper(record), renew if isinstance(clock, SystemClock) else TokenRefresher.renewed)


def _provider(profile: Profile, folder: Path, clock: Clock) -> IdentityProvider:
    def connect(address: str) -> Client:
        return Client(
            address,
            lambda: "",  # what is said to a login server says itself who speaks
            pacer=RateLimiter(MemoryBudget(), clock),
            clock=clock,
            timeout_seconds=profile.engine.timeout_seconds,
            language=profile.ledger.language,
            ca_file=profile.ledger.ca_file or None,
        )

    return IdentityProvider(profile.ledger.issuer, connect, clock, folder / "issuer.json")


def _identify(profile: Profile, clock: Clock, token: str) -> Identity:
    with _unpaced_api(profile, clock, lambda: token) as api:
        return Identity(ask_for_company(api, company_claim(token)), *ask_for_user(api))


@contextmanager
def _unpaced_api(profile: Profile, clock: Clock, token: Callable[[], str]) -> Iterator[Api]:
    """For the few requests that are made before there is a state to keep the books of requests in."""
    api = Api(_client(profile, token, clock, RateLimiter(MemoryBudget(), clock), None))
    try:
        yield api
    finally:
        api.close()


def _company(profile: Profile, path: Path, folder: Path, tokens: TokenSource, clock: Clock) -> Company:
    def ask() -> Company:
        token = tokens.token()
        with _unpaced_api(profile, clock, lambda: token) as api:
            return ask_for_company(api, company_claim(token))

    return CompanyBook(folder).company(str(path), tokens.stable_id, ask)
