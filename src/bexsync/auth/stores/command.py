"""The login kept by commands of the user's choice, such as a password manager's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from bexsync.auth.stores.port import StoreChoice, round_trip
from bexsync.errors import TokenStoreProblem, TryLater
from bexsync.http.redaction import redact, register_secret

if TYPE_CHECKING:
    from bexsync.config.profile import TokenCommandSection

PATIENCE = 10.0
_TELLTALE = 12  # so many letters in a row of a secret are no accident
_LONGEST_WORDS = 200


class CommandStore:
    """Runs `get`, `set` and `erase` without a shell; the login goes through their input and output only."""

    def __init__(self, commands: TokenCommandSection) -> None:
        self._get, self._set, self._erase = commands.get, commands.set, commands.erase
        if not self._set:
            raise TokenStoreProblem(
                "The profile names no command that keeps the login: `set` in [ledger.token_command] is empty.",
                "Logins change with every use, so a store that can only be read does not do; name a command that "
                "reads the login from its input.",
            )
        if not self._get:
            raise TokenStoreProblem(
                "The profile names no command that prints the login: `get` in [ledger.token_command] is empty.",
                'Name one, as in get = ["pass", "show", "bexsync"].',
            )

    @property
    def choice(self) -> StoreChoice:
        return StoreChoice("command")

    @property
    def where(self) -> str:
        return f"`{self._get[0]}`"

    @property
    def warning(self) -> str:
        return ""

    def load(self) -> str | None:
        """What `get` prints, None when that is nothing."""
        output = _run("get", self._get)
        try:
            secret = output.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise TokenStoreProblem(
                f"`{self._get[0]}` printed something that is no text.",
                "See in a terminal what `get` of [ledger.token_command] prints.",
            ) from None
        if not secret:
            return None
        register_secret(secret)
        return secret

    def save(self, secret: str) -> None:
        """Hands the login to `set`, with a line break at its end, and reads it back: commands fail without a word."""
        register_secret(secret)
        _run("set", self._set, secret)
        if self.load() != secret:
            raise TokenStoreProblem(
                f"{self.where} does not give back what was put in.",
                "See in a terminal what `set` and `get` of [ledger.token_command] do; both must mean the same entry.",
            )

    def erase(self) -> None:
        """Runs `erase`; without one, `set` is given an empty line, which counts as no login."""
        if self._erase:
            _run("erase", self._erase)
        else:
            _run("set", self._set, "")

    def assert_writable(self) -> None:
        """Looks for the programs and reads the login, since trying `set` would touch it."""
        self._assert_programs()
        self.load()

    def try_out(self, canary: str) -> None:
        """A round trip: with the login itself when there is one, because commands know no other entry."""
        self._assert_programs()
        try:
            present = self.load()
        except TokenStoreProblem:  # many commands fail where there is no entry yet
            present = None
        if present is None:
            round_trip(self, canary)
            return
        self.save(present)
        if self.load() != present:
            raise TokenStoreProblem(f"{self.where} does not give back what was put in.")

    def _assert_programs(self) -> None:
        for purpose, argv in (("get", self._get), ("set", self._set), ("erase", self._erase)):
            if argv and shutil.which(argv[0]) is None:
                raise _not_found(purpose, argv[0])


def _run(purpose: str, argv: tuple[str, ...], secret: str | None = None) -> bytes:
    """What the command printed; raises TokenStoreProblem or TryLater."""
    value = None if secret is None else f"{secret}\n".encode(errors="surrogatepass")
    try:
        process = subprocess.Popen(  # noqa: S603  running the user's own command is what this store is for
            argv,
            stdin=subprocess.DEVNULL if value is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise _not_found(purpose, argv[0]) from None
    except (OSError, ValueError) as problem:
        said = (problem.strerror if isinstance(problem, OSError) else None) or str(problem)
        raise TokenStoreProblem(
            f"The program {argv[0]} cannot be run: {said}.", f"Correct `{purpose}` in [ledger.token_command]."
        ) from None
    try:
        output, words = process.communicate(value, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise TryLater(
            f"`{argv[0]}` did not end within {PATIENCE:.0f} seconds.",
            f"See in a terminal what `{purpose}` of [ledger.token_command] waits for; it cannot ask anything.",
            code=TokenStoreProblem.code,
        ) from None
    except BaseException:
        _kill(process)
        raise
    if process.returncode != 0:
        raise TokenStoreProblem(
            f"`{argv[0]}` failed ({_code(process.returncode)}){_last_words(words, secret or '', output)}.",
            f"Try `{purpose}` of [ledger.token_command] in a terminal; if there is no login yet, `bexsync auth login`.",
        )
    return output


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Nothing of a command outlives its time, children included, and nothing of it is waited for again."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # also after its leader has ended
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _last_words(words: bytes, secret: str, output: bytes) -> str:
    """The last line of its complaints, unless that repeats what it was to keep quiet about."""
    hidden = f"{secret}\n{output.decode(errors='replace')}".casefold()
    lines = [line.strip() for line in words.decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return ""
    line = redact(lines[-1], [secret])
    folded = line.casefold()
    if any(folded[i : i + _TELLTALE] in hidden for i in range(len(folded) - _TELLTALE + 1)):
        return "; its words hold parts of the login and are not shown"
    return f": {line[:_LONGEST_WORDS].rstrip('.')}"


def _code(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"


def _not_found(purpose: str, program: str) -> TokenStoreProblem:
    return TokenStoreProblem(
        f"There is no program {program}.",
        f"Install it, or correct `{purpose}` in [ledger.token_command]; cron has a short PATH, so name its whole path.",
    )
