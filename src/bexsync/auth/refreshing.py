"""Renews a login under a lock, so that no refresh token is ever spent twice or lost on the way to its store.

A ledger may rotate refresh tokens and end a login whose old token is used again: so one process at a
time renews, it looks again once it has the lock, and it makes sure that it can store before it spends.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bexsync.auth.login import App, Grant, Login, login_from
from bexsync.auth.provider import GrantRefused, IdentityProvider
from bexsync.auth.records import LoginBook
from bexsync.auth.stores.port import TokenStore
from bexsync.errors import BexsyncError, LoginNeeded, NotSent, TokenStoreProblem, TryLater, Unanswered
from bexsync.files import write_privately
from bexsync.hooks import notify
from bexsync.http.clock import Clock
from bexsync.interruption import may_be_cut_off

CHILD_SECONDS = 180.0
_TRIES = 2  # a refresh that was never answered is tried once more; if it had been done, the login was lost anyway
_PAUSES = (0.025, 0.05, 0.1)
_LOG_IN = "Run `bexsync auth login`."


@dataclass(frozen=True)
class TokenRefresher:
    """Reads and renews the login of one profile."""

    profile: str
    book: LoginBook
    store: TokenStore
    provider: IdentityProvider
    clock: Clock

    def login(self) -> Login:
        """The login as it is stored; raises LoginNeeded, TokenStoreProblem or TryLater."""
        text = self.store.load()
        if text is None:
            raise LoginNeeded(f"The login has gone from {self.store.where}.", _LOG_IN)
        login = _understood(text, self.store)
        rescued = self._rescued()
        return rescued if rescued is not None and _is_later(rescued, login) else login

    def renewed(self, *, force: bool = False) -> Login:
        """A login whose access token holds for a while; with `force` a new one in any case."""
        before = self.login()
        if not before.renewable:
            raise LoginNeeded("A personal access token cannot be renewed.", f"Make a new one. {_LOG_IN}")
        with self.book.locked(self.profile):
            login = self.login()
            if login.is_fresh(self.clock.now()) and (not force or login.generation != before.generation):
                return login
            return self._renew(login)

    def _renew(self, login: Login) -> Login:
        self.store.assert_writable()
        self._save_rescued(login)
        self._note_attempt(login)
        with _signals_wait():
            try:
                notify("refresh:before")
                grant = self._ask(login)
                notify("refresh:answered")
            except GrantRefused as refused:
                return self._after_refusal(login, refused)
            new = login.renewed(grant, self.clock.now()).hide()
            self._keep(new)
            notify("refresh:stored")
        self._attempt_path.unlink(missing_ok=True)
        return new

    def _ask(self, login: Login) -> Grant:
        try:
            return self.provider.refresh(login.app or App("", ""), login.refresh_token, login.scope)
        except NotSent as problem:
            self._attempt_path.unlink(missing_ok=True)
            raise problem.cause from None
        except Unanswered as problem:
            raise TryLater(problem.message, "The login is renewed with the next run.", code="unreachable") from None

    def _after_refusal(self, login: Login, refused: GrantRefused) -> Login:
        """Somebody else may have renewed it all the same; the stored login is kept, whatever it is worth."""
        for pause in _PAUSES:
            now = self.login()
            if now.refresh_token != login.refresh_token:
                return now
            self.clock.sleep(pause)
        raise refused

    def _keep(self, new: Login) -> None:
        """The old login is dead by now, so the new one must not be lost."""
        try:
            self.store.save(new.to_text())
        except BexsyncError as problem:
            path = self.book.path(self.profile, "rescue")
            write_privately(path, new.to_text().encode())
            raise TokenStoreProblem(
                f"The renewed login could not be kept in {self.store.where}: {problem.message}",
                f"It lies in {path} for now, readable by this user only, and is put back with the next run. "
                + problem.hint,
            ) from problem
        self.book.path(self.profile, "rescue").unlink(missing_ok=True)

    def _rescued(self) -> Login | None:
        try:
            text = self.book.path(self.profile, "rescue").read_text(encoding="utf-8")
            return login_from(text)
        except (OSError, ValueError):
            return None

    def _save_rescued(self, login: Login) -> None:
        rescue = self.book.path(self.profile, "rescue")
        if rescue.exists():
            self.store.save(login.to_text())
            rescue.unlink(missing_ok=True)

    @property
    def _attempt_path(self) -> Path:
        return self.book.path(self.profile, "refreshing")

    def _note_attempt(self, login: Login) -> None:
        """Written before the token is spent, so that a refresh that was cut off is known as such."""
        spent = hashlib.sha256(login.refresh_token.encode()).hexdigest()[:16]
        tries = self._tries(spent) + 1
        if tries > _TRIES:
            raise LoginNeeded(
                "The login was being renewed when the answer got lost, twice; whether it still holds, nobody knows.",
                _LOG_IN,
            )
        write_privately(self._attempt_path, json.dumps({"token": spent, "tries": tries}).encode())

    def _tries(self, spent: str) -> int:
        try:
            noted = json.loads(self._attempt_path.read_text(encoding="utf-8"))
            return int(noted["tries"]) if noted["token"] == spent else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0


def refresh_in_subprocess(keeper: TokenRefresher) -> Login:
    """Lets a process of its own renew the login, which goes on when this one is killed; then reads it."""
    command = [sys.executable, "-m", "bexsync", "--profile", keeper.profile, "auth", "refresh", "--if-needed", "--json"]
    # Its own session: neither Ctrl-C nor the end of this process group reaches it between answer and store.
    child = subprocess.Popen(  # noqa: S603  this very program
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        with may_be_cut_off():
            said, _ = child.communicate(timeout=CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise TryLater("Renewing the login takes too long.", "The next run tries again.") from None
    if child.returncode:
        raise _problem_of(child.returncode, said)
    return keeper.login()


def _problem_of(code: int, said: bytes) -> BexsyncError:
    """What the other process ran into, as if it had happened here."""
    try:
        error = json.loads(said)["errors"][0]
        message, hint, name = str(error["message"]), str(error["hint"]), str(error["code"])
    except (ValueError, LookupError, TypeError):
        message, hint, name = "The login could not be renewed.", "Run `bexsync auth refresh` to see why.", "refresh"
    kinds: tuple[type[BexsyncError], ...] = (LoginNeeded, TryLater, TokenStoreProblem)
    kind = next((kind for kind in kinds if int(kind.exit_code) == code), TryLater)
    return kind(message, hint, code=name)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Between spending a refresh token and storing its successor nobody may be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers: tuple[int, ...] = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, lambda got, _frame: came.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            with suppress(OSError):
                os.kill(os.getpid(), number)


def _understood(text: str, store: TokenStore) -> Login:
    try:
        return login_from(text)
    except ValueError as problem:
        raise TokenStoreProblem(f"What lies in {store.where} cannot be used: {problem}.", _LOG_IN) from None


def _is_later(one: Login, other: Login) -> bool:
    return one.id == other.id and one.generation > other.generation


Renew = Callable[[TokenRefresher], Login]
