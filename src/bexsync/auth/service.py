"""What a person does with the login of a profile: log in, look at it, renew it, log out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bexsync.auth.companies import Company, CompanyBook
from bexsync.auth.login import App, Login, new_login, personal_login
from bexsync.auth.provider import Attempt, IdentityProvider
from bexsync.auth.records import LoginBook, LoginRecord
from bexsync.auth.refreshing import TokenRefresher
from bexsync.auth.stores import open_store, probe, same_place
from bexsync.auth.stores.port import StoreChoice, TokenStore
from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, LoginNeeded, WrongServer
from bexsync.http.clock import Clock
from bexsync.ports.ledger_description import LedgerDescription, Scope, ScopeUse


@dataclass(frozen=True)
class Identity:
    """Whose a token is, as the ledger itself says."""

    company: Company
    user: str
    mail: str


@dataclass(frozen=True)
class LoggedIn:
    """A login that has been made and not yet been kept."""

    login: Login
    identity: Identity


@dataclass(frozen=True)
class LoggedOut:
    """What became of a logout; `not_revoked` says why the ledger still accepts the login, "" when it does not."""

    record: LoginRecord
    not_revoked: str


@dataclass
class LoginService:
    """The login of one profile."""

    profile: Profile
    path: str
    folder: Path
    clock: Clock
    provider: IdentityProvider
    identify: Callable[[str], Identity]

    @property
    def book(self) -> LoginBook:
        """The records of logins."""
        return LoginBook(self.folder)

    @property
    def record(self) -> LoginRecord | None:
        """What is known of the login, None where there is none."""
        return self.book.get(self.path)

    def store(self, choice: StoreChoice) -> TokenStore:
        """The store of this choice."""
        return open_store(choice, self.path, self.folder, self.profile.ledger.token_command)

    def tried_out(self, choice: StoreChoice) -> StoreChoice:
        """The choice as it is to be recorded, once it is sure that a login can be kept there.

        Raises TokenStoreProblem, before anybody has logged in for nothing.
        """
        store = self.store(choice)
        probe(store)
        return store.choice

    @property
    def _ledger(self) -> LedgerDescription:
        return self.profile.ledger.description

    def keeper(self, record: LoginRecord) -> TokenRefresher:
        """Who reads and renews a recorded login; raises WrongServer where its tokens would go to somebody else."""
        for name, made_at, now in (
            ("api_url", record.api_url, self.profile.ledger.api_url),
            ("issuer", record.issuer, self.profile.ledger.issuer),
        ):
            if made_at and made_at != now:
                raise WrongServer(
                    f"The login was made for {made_at}, but the profile names {now} as {name}.",
                    "Correct the profile, or log in there: `bexsync auth login --new-app`.",
                )
        return TokenRefresher(self.path, self.book, self.store(record.store), self.provider, self.clock)

    def login(self) -> Login:
        """The login as it is stored; raises LoginNeeded."""
        record = self.record
        if record is None:
            raise nobody()
        return self.keeper(record).login()

    def known_app(self) -> App | None:
        """The app of the login before, so that nobody has to type it again."""
        record = self.record
        if record is None or record.kind != "app":
            return None
        try:
            return self.keeper(record).login().app
        except (BexsyncError, ValueError):
            return None

    def begin(self, app: App, scopes: Sequence[str]) -> Attempt:
        """Begins a login with an app; raises ConfigurationProblem when the provider does not know it."""
        attempt = self.provider.attempt(app, self.profile.ledger.redirect_uri, scopes)
        self.provider.check(attempt)
        return attempt

    def finish(self, app: App, attempt: Attempt, returned: str) -> LoggedIn:
        """Completes it with the address the browser was sent back to."""
        grant = self.provider.redeem(app, attempt, self.provider.code_of(attempt, returned))
        if not grant.id_token:
            raise LoginNeeded(
                f"{self._ledger.words.name} did not say who logged in.",
                f"Allow your app the scope openid at {self._ledger.login.portal}.",
            )
        subject = self.provider.claims(app, grant.id_token, attempt.nonce).get("sub")
        about = self.provider.userinfo(grant.access_token)
        if about and about.get("sub") != subject:
            raise LoginNeeded("The login names two different people.", "Run `bexsync auth login` again.")
        login = new_login(grant, app, self.profile.ledger.issuer, self.clock.now()).hide()
        return self._pinned(login, str(about.get(self._ledger.login.company_claim) or ""))

    def use_token(self, token: str) -> LoggedIn:
        """A login with a personal access token; raises LoginNeeded when the ledger does not accept it."""
        login = personal_login(token, self.clock.now()).hide()
        if login.expires_at is not None and login.expires_at <= self.clock.now():
            raise LoginNeeded(
                f"This token ended on {login.expires_at:%Y-%m-%d}.",
                f"Make a new one at {self._ledger.login.token_page}.",
            )
        try:
            return self._pinned(login, "")
        except LoginNeeded as problem:
            raise LoginNeeded(
                problem.message, f"Make a new one at {self._ledger.login.token_page}, and copy all of it."
            ) from problem

    def keep(self, new: LoggedIn, choice: StoreChoice) -> LoginRecord:
        """Stores the login where it was chosen to be, then records that."""
        before = self.record
        record = LoginRecord(
            profile=self.path,
            login_id=new.login.id,
            kind=new.login.kind,
            store=choice,
            company_id=new.identity.company.id,
            company=new.identity.company.name,
            user=new.identity.user,
            mail=new.identity.mail,
            since=new.login.since,
            api_url=self.profile.ledger.api_url,
            issuer=self.profile.ledger.issuer,
        )
        with self.book.locked(self.path):
            self.store(choice).save(new.login.to_text())
            self.book.keep(record)
            if before is not None and not same_place(before.store, choice):
                with suppress(BexsyncError):  # the new login counts, and the old one is worth little
                    self.store(before.store).erase()
        return record

    def log_out(self) -> LoggedOut:
        """Revokes the login, then forgets it, even where revoking failed."""
        record = self.record
        if record is None:
            raise nobody()
        not_revoked = self._revoke(record)
        self.store(record.store).erase()
        self.book.drop(self.path)
        return LoggedOut(record, not_revoked)

    def _revoke(self, record: LoginRecord) -> str:
        try:
            login = self.keeper(record).login()
            if login.app is None or not login.renewable:
                return f"A personal access token is only revoked by hand, at {self._ledger.login.token_page}."
            self.provider.revoke(login.app, login.refresh_token)
        except BexsyncError as problem:
            return problem.message
        return ""

    def _pinned(self, login: Login, company_id: str) -> LoggedIn:
        """The company is asked for and pinned before anything is kept; raises WrongCompany."""
        found: list[Identity] = []

        def ask() -> Company:
            found.append(self.identify(login.access_token))
            company = found[0].company
            return replace(company, id=company_id) if company_id else company

        company = CompanyBook(self.folder).company(self.path, login.id, ask)
        return LoggedIn(login, replace(found[0], company=company))


def nobody() -> LoginNeeded:
    """What is said where no login was made and the environment holds no token."""
    return LoginNeeded(
        "Nobody is logged in for this profile.",
        "Run `bexsync auth login`, or set BEXSYNC_ACCESS_TOKEN or BEXSYNC_ACCESS_TOKEN_FILE.",
    )


def needed_scopes(profile: Profile) -> tuple[Scope, ...]:
    """The scopes that the jobs of a profile need."""
    uses = {
        ScopeUse.ALWAYS: True,
        ScopeUse.BANK_ACCOUNTS: bool(profile.ledger.bank_accounts or profile.payments.accounts),
        ScopeUse.PRODUCTS: profile.products.enabled,
        ScopeUse.ORDERS: profile.orders.enabled,
        ScopeUse.NEVER: False,
    }
    return tuple(scope for scope in profile.ledger.description.scopes if uses[scope.use])


def scopes_to_ask_for(profile: Profile, *, everything: bool = False) -> tuple[str, ...]:
    """The names of the scopes to log in with."""
    return tuple(scope.name for scope in (profile.ledger.description.scopes if everything else needed_scopes(profile)))
