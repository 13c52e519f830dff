"""What is known of the login of each profile, besides its secrets: which store keeps them, whose login it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bexsync.auth.stores.port import StoreChoice
from bexsync.errors import StateProblem, TryLater
from bexsync.files import unusable, write_privately

LOCK_SECONDS = 90.0


@dataclass(frozen=True)
class LoginRecord:
    """The public side of a login; `kind` is app or personal, and its tokens go to `api_url` and `issuer` only."""

    profile: str
    login_id: str
    kind: str
    store: StoreChoice
    company_id: str
    company: str
    user: str
    mail: str
    since: datetime
    api_url: str = ""
    issuer: str = ""


class LoginBook:
    """The records of this computer's logins, one small file per profile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "logins"

    def path(self, profile: str, ending: str) -> Path:
        """Where something that belongs to the login of a profile lies."""
        name = hashlib.sha256(profile.encode(errors="surrogateescape")).hexdigest()[:16]
        return self.folder / f"{name}.{ending}"

    def get(self, profile: str) -> LoginRecord | None:
        """The record of a profile's login, None where nobody is logged in; raises StateProblem when it is damaged."""
        path = self.path(profile, "record")
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as problem:
            raise _damaged(path) if isinstance(problem, UnicodeDecodeError) else unusable(path, problem) from problem
        try:
            return _record(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            raise _damaged(path) from problem

    def keep(self, record: LoginRecord) -> None:
        """Replaces the record of a profile's login; what was left of the renewals before goes."""
        text = json.dumps(asdict(record), default=datetime.isoformat, indent=1, ensure_ascii=False)
        write_privately(self.path(record.profile, "record"), text.encode())
        self._remove(record.profile, "refreshing", "rescue")

    def drop(self, profile: str) -> None:
        """Forgets the record of a profile's login."""
        self._remove(profile, "record", "refreshing", "rescue")

    @contextmanager
    def locked(self, profile: str) -> Iterator[None]:
        """Nobody else renews or replaces the login of a profile meanwhile; raises TryLater."""
        path = self.path(profile, "lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = FileLock(path, mode=0o600).acquire(timeout=LOCK_SECONDS)
        except Timeout as problem:
            raise TryLater("Another process is renewing the login.", "Try again.", code="busy") from problem
        except OSError as problem:
            raise unusable(path, problem) from problem
        with held:
            yield

    def _remove(self, profile: str, *endings: str) -> None:
        for ending in endings:
            path = self.path(profile, ending)
            try:
                path.unlink(missing_ok=True)
            except OSError as problem:
                raise unusable(path, problem) from problem


def _record(values: Mapping[str, Any]) -> LoginRecord:
    store = values["store"]
    return LoginRecord(
        **{
            **values,
            "store": StoreChoice(store["name"], dict(store["settings"])),
            "since": datetime.fromisoformat(values["since"]),
        }
    )


def _damaged(path: Path) -> StateProblem:
    return StateProblem(f"{path} is damaged.", "Delete it and run `bexsync auth login`.")
