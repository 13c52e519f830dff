"""`auth status`: whose login it is, where it is kept, when it ends, and what it lets bexsync do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bexsync.auth.login import Login, personal_login
from bexsync.auth.service import LoginService, needed_scopes
from bexsync.auth.source import FILE_VARIABLE, VARIABLE, ending_soon, environment_token, names_token
from bexsync.config.profile import Profile
from bexsync.errors import BexsyncError, NotPermitted
from bexsync.ports.ledger import Right
from bexsync.ports.ledger_description import LedgerWords, Scope

_IDLE_END = timedelta(days=365)  # an offline session that is never renewed closes (contract 1.3)
_IDLE_WARNED = timedelta(days=60)


@dataclass(frozen=True)
class ScopeLine:
    """One scope; `granted` is None where nobody can tell, `right` says how the user's right stands."""

    scope: str
    words: str
    commands: tuple[str, ...]
    needed: bool
    granted: bool | None
    right: str


@dataclass(frozen=True)
class LoginStatus:
    """Everything about one login; `problems` keep jobs from working, `warnings` will one day.

    `trouble` is why the ledger could not be asked.
    """

    kind: str
    company: str
    company_id: str
    user: str
    mail: str
    where: str
    store: str
    since: datetime
    renewed_at: datetime
    expires_at: datetime | None
    renewable: bool
    idle_end: datetime | None
    scopes: tuple[ScopeLine, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    trouble: BexsyncError | None = None


def look_at_login(desk: LoginService, ask_rights: Callable[[], Mapping[str, Right]] | None) -> LoginStatus:
    """The status; `ask_rights` asks the ledger for the user's rights, None looks at what is kept here only."""
    ledger = desk.profile.ledger.description
    token_page = ledger.login.token_page
    record = desk.record
    now = desk.clock.now()
    if names_token():
        login, where, store, warning = personal_login(environment_token(token_page), now), _variable(), "", ""
    else:
        login = desk.login()
        kept = desk.store(record.store) if record else None
        where, warning = (kept.where, kept.warning) if kept else ("", "")
        store = record.store.name if record else ""
    rights, trouble = _rights(ask_rights)
    if ask_rights is not None and trouble is None and record is not None and not names_token():
        login = desk.login()  # asking may have renewed it
    lines = tuple(_line(scope, _is_needed(scope, desk.profile, login), login, rights) for scope in ledger.scopes)
    user = (record.user or record.mail) if record else "the token's user"
    idle_end = _idle_end(login)
    overridden = f"A login was made as well ({record.company}), but the environment speaks over it." if record else ""
    warnings = (
        warning,
        ending_soon(login, desk.clock, token_page),
        overridden if names_token() else "",
        f"The login ends on {idle_end:%Y-%m-%d} unless it is used before."
        if idle_end and idle_end - now < _IDLE_WARNED
        else "",
    )
    return LoginStatus(
        kind=login.kind,
        company=record.company if record else "",
        company_id=record.company_id if record else "",
        user=record.user if record else "",
        mail=record.mail if record else "",
        where=where,
        store=store or "environment",
        since=login.since,
        renewed_at=login.obtained_at,
        expires_at=login.expires_at,
        renewable=login.renewable,
        idle_end=idle_end,
        scopes=lines,
        problems=tuple(p for p in (_problem(line, user, ledger.words) for line in lines) if p),
        warnings=tuple(w for w in warnings if w),
        trouble=trouble,
    )


def _variable() -> str:
    return f"the variable {VARIABLE if os.environ.get(VARIABLE, '').strip() else FILE_VARIABLE}"


def _rights(ask: Callable[[], Mapping[str, Right]] | None) -> tuple[Mapping[str, Right], BexsyncError | None]:
    if ask is None:
        return {}, None
    try:
        return ask(), None
    except NotPermitted:
        return {}, None
    except BexsyncError as problem:
        return {}, problem


def _idle_end(login: Login) -> datetime | None:
    if not login.renewable:
        return None
    return login.refresh_expires_at or login.obtained_at + _IDLE_END


def _is_needed(scope: Scope, profile: Profile, login: Login) -> bool:
    """Whether the jobs of the profile would miss it; who a token belongs to is known without identity scopes."""
    is_identity = scope.is_of_login or (scope.name == "offline_access" and login.kind == "personal")
    return scope in needed_scopes(profile) and not (login.scope and is_identity)


def _line(scope: Scope, is_needed: bool, login: Login, rights: Mapping[str, Right]) -> ScopeLine:
    granted = scope.is_granted(frozenset(login.scope)) if login.scope else None
    right = rights.get(scope.name, Right.UNKNOWN) if scope.module else None
    return ScopeLine(scope.name, scope.words, scope.commands, is_needed, granted, right.value if right else "")


def _problem(line: ScopeLine, user: str, words: LedgerWords) -> str:
    """A scope, a right and a module are three different things, granted by three different people."""
    if not line.needed:
        return ""
    commands = " and ".join(f"`{name}`" for name in line.commands)
    if line.granted is False:
        return (
            f"The login lacks the scope {line.scope} ({line.words}), which {commands} need: "
            "log in again with `bexsync auth login` and allow it."
        )
    if line.right == Right.MISSING:
        return (
            f"{user} has no right in {words.name} to {line.words}, which {commands} need: "
            f"an administrator gives it under {words.rights_menu}."
        )
    if line.right == Right.NOT_BOOKED:
        return (
            f"The company has not booked the module that lets bexsync {line.words}, which {commands} need: "
            f"an administrator books it in {words.name}."
        )
    if line.right == Right.OWN_ONLY:
        return (
            f"{user} may only see own records where bexsync has to {line.words}: what others made would be made twice. "
            f"An administrator widens the right under {words.rights_menu}."
        )
    return ""
