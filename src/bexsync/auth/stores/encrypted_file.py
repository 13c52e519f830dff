"""The login in an encrypted file, its key elsewhere: for servers, where no keyring is unlocked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bexsync.auth.stores.port import StoreChoice, round_trip
from bexsync.auth.stores.private_file import PrivateFile, read_own
from bexsync.errors import BexsyncError, StateProblem, TokenStoreProblem
from bexsync.files import unusable
from bexsync.http.redaction import register_secret

CREDENTIALS = "CREDENTIALS_DIRECTORY"
CREDENTIAL = "bexsync-key"
_SHORTEST_KEY = 16
KEY_FILE = "BEXSYNC_KEY_FILE"
_ROOM = 32 * 1024  # more than any login takes
_SALT = 16
_COST = 2**15  # belongs to version 1 of the file
_LOG_IN = "Log in again: `bexsync auth login`; nothing else is lost."


@dataclass(frozen=True)
class Key:
    """What stands in the key file, and which file that was."""

    path: Path
    text: bytes = field(repr=False)


class EncryptedFile:
    """Keeps the login in a Fernet token."""

    def __init__(self, path: Path, key_file: str = "") -> None:
        self._file = PrivateFile(path)
        self._key_file = key_file
        self._salt = b""
        self._stretched: dict[tuple[bytes, bytes], bytes] = {}

    @property
    def choice(self) -> StoreChoice:
        """With the key file of the moment, so that cron finds it without a variable."""
        named = os.environ.get(KEY_FILE, "").strip()
        path = str(_absolute(named)) if named else self._key_file
        return StoreChoice("encrypted-file", {"key_file": path} if path else {})

    @property
    def where(self) -> str:
        return f"{self._file.path} (encrypted)"

    @property
    def warning(self) -> str:
        return ""

    def load(self) -> str | None:
        """The login, None when there is none."""
        content = self._file.read()
        if content is None:
            return None
        from cryptography.fernet import Fernet, InvalidToken

        salt, check, token = self._box(content)
        key = find_key(self._key_file)
        secret_key = self._fernet_key(key, salt)
        if not hmac.compare_digest(_check(secret_key), check):
            raise TokenStoreProblem(
                f"The key in {key.path} is not the one that {self._file.path} was encrypted with.",
                f"Name the right key file with {KEY_FILE}, or log in again with this one: `bexsync auth login`.",
            )
        try:
            secret = Fernet(secret_key).decrypt(token).decode(errors="surrogatepass")
        except (InvalidToken, UnicodeDecodeError):
            raise self._damaged() from None
        self._salt = salt
        register_secret(secret)
        return secret

    def save(self, secret: str) -> None:
        """Replaces the login."""
        register_secret(secret)
        from cryptography.fernet import Fernet

        salt = self._salt or os.urandom(_SALT)
        secret_key = self._fernet_key(find_key(self._key_file), salt)
        token = Fernet(secret_key).encrypt(secret.encode(errors="surrogatepass"))
        box = {
            "version": 1,
            "salt": base64.b64encode(salt).decode(),
            "key_check": _check(secret_key),
            "login": token.decode(),
        }
        self._file.write(json.dumps(box).encode())
        self._salt = salt

    def erase(self) -> None:
        """Removes the file; the key stays."""
        self._file.erase()

    def assert_writable(self) -> None:
        """Looks for the key and tries the folder with another file."""
        find_key(self._key_file)
        self._file.assert_writable(_ROOM)

    def try_out(self, canary: str) -> None:
        """A round trip with another file and the same key."""
        key = find_key(self._key_file)
        # Only at a new login: a login that is there already must be renewed with the key that it has.
        if len(key.text.strip()) < _SHORTEST_KEY:
            raise TokenStoreProblem(
                f"The key in {key.path} is shorter than {_SHORTEST_KEY} characters, which can be guessed.",
                "Name a file that does not exist yet with --key-file, and bexsync writes a key into it.",
            )
        round_trip(EncryptedFile(self._file.beside().path, self._key_file), canary)

    def _box(self, content: bytes) -> tuple[bytes, str, bytes]:
        try:
            box = json.loads(content)
            if box["version"] != 1:
                raise TokenStoreProblem(
                    f"{self._file.path} was written by a newer bexsync.", "Update bexsync, or log in again."
                )
            salt, check, token = base64.b64decode(box["salt"], validate=True), box["key_check"], box["login"]
            return salt, check.encode("ascii").decode(), token.encode("ascii")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._damaged() from None

    def _damaged(self) -> TokenStoreProblem:
        return TokenStoreProblem(f"{self._file.path} is damaged.", _LOG_IN)

    def _fernet_key(self, key: Key, salt: bytes) -> bytes:
        """Stretching a text takes a tenth of a second on purpose, so once per process is enough."""
        known = self._stretched.get((key.text, salt))
        if known is None:
            known = self._stretched[key.text, salt] = _fernet_key(key.text, salt)
        return known


def find_key(recorded: str = "") -> Key:
    """The key of a systemd credential, else of the file that the variable names, else of the recorded one."""
    credentials = os.environ.get(CREDENTIALS, "").strip()
    if credentials and _is_there(path := Path(credentials) / CREDENTIAL):
        return _read_key(path, by_systemd=True)
    named = os.environ.get(KEY_FILE, "").strip() or recorded
    if not named:
        raise TokenStoreProblem(
            "There is no key for the encrypted file.",
            f"Set {KEY_FILE} to the path of a key file that only this user may read, or give a systemd service the "
            f"credential {CREDENTIAL}.",
        )
    return _read_key(_absolute(named), by_systemd=False)


def make_key(path: Path) -> None:
    """Writes a new key file for this user only; raises TokenStoreProblem when there is a file already."""
    from cryptography.fernet import Fernet

    key = Fernet.generate_key()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise TokenStoreProblem(
            f"{path} exists already, and a key is never overwritten.",
            "Use it as it is, or name another file for the new key.",
        ) from None
    except OSError as problem:
        raise _key_unusable(path, problem) from problem
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        path.unlink(missing_ok=True)
        raise _key_unusable(path, problem) from problem


def _read_key(path: Path, *, by_systemd: bool) -> Key:
    """systemd lets a service's user in by an access list, which looks like a right of the group."""
    try:
        text = path.read_bytes() if by_systemd else read_own(path, owned=False)
    except FileNotFoundError:
        raise TokenStoreProblem(
            f"There is no key file {path}.", f"Put it back, or name another with {KEY_FILE} and log in again."
        ) from None
    except OSError as problem:
        raise _key_unusable(path, problem) from problem
    text = text.strip()
    if not text:
        raise TokenStoreProblem(f"The key file {path} is empty.", "Put the key back, or make a new one and log in.")
    register_secret(text.decode(errors="replace"))
    return Key(path, text)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        raise _key_unusable(path, problem) from problem
    return True


def _key_unusable(path: Path, problem: OSError) -> BexsyncError:
    explained = unusable(path, problem)
    if not isinstance(explained, StateProblem):
        return explained
    return TokenStoreProblem(
        f"The key file {path} cannot be used: {problem.strerror}.",
        f"Give this user, and nobody else, the right to it, or name another with {KEY_FILE}.",
    )


def _absolute(named: str) -> Path:
    path = Path(named)
    with suppress(RuntimeError):  # nobody has that name
        path = path.expanduser()
    return path.absolute()


def _fernet_key(text: bytes, salt: bytes) -> bytes:
    """A Fernet key as it is, any other text stretched."""
    with suppress(ValueError):
        if len(text) == 44 and len(base64.urlsafe_b64decode(text)) == 32:
            return text
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(text))


def _check(key: bytes) -> str:
    """Tells a wrong key from a damaged file, and says nothing else about the key."""
    return hmac.new(key, b"bexsync key check", hashlib.sha256).hexdigest()[:16]
