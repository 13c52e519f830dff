"""One lock per site and job, one per run, two per site for taking in and its status list, one per company for writing.

They vanish with the process that holds them. Whoever waits for the company's lock holds a numbered place in its queue.
A place is a lock as well, so that a process that is killed leaves the queue.
"""

from __future__ import annotations

import glob
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bexsync.errors import Busy, StoppedBySignal
from bexsync.files import unusable

WAIT_FOR_COMPANY = 600.0
WAIT_FOR_SHOP = 600.0
WAIT_FOR_UPGRADE = 60.0
# Others who look whether a run is alive hold its lock for a moment.
WAIT_FOR_A_LOOK = 0.2
WAIT_FOR_LOOKS = 5.0
# Two runs that write by turns lose about half of this at every turn.
LOOK_EVERY = 0.02
_RUN = "run-"
_PLACE_DIGITS = 8


class FileLocks:
    """The locks of one site on one ledger company."""

    def __init__(self, folder: Path, company: str, site: str) -> None:
        self._folder = folder
        self._company = company
        self._site = site
        self._company_lock: FileLock | None = None
        self.stopping: Callable[[], bool] = lambda: False

    @contextmanager
    def job(self, job: str) -> Iterator[None]:
        """Held for a whole run; raises Busy at once when the same job of the same site is running."""
        lock = self._lock(f"{self._company}-{self._site}-{job.replace(' ', '-')}")
        with self._held(lock, 0, f"Another `{job}` of this site is running.", "This run changed nothing."):
            yield

    @contextmanager
    def run(self, job: str) -> Iterator[str]:
        """Held by one run from before it is noted until after its end is noted, whatever ends its process."""
        prefix = f"{self._company}-{self._site}-{_RUN}"
        self._remove_ended(prefix)
        name = f"{prefix}{job.replace(' ', '-')}-{secrets.token_hex(8)}"
        lock = self._lock(name)
        with self._held(lock, WAIT_FOR_LOOKS, f"The lock {name} is held by another process.", "Try again."):
            try:
                yield name
            finally:
                _remove(Path(lock.lock_file))

    def _remove_ended(self, prefix: str) -> None:
        """Removes the files of runs of this site that were killed."""
        for path in self._folder.glob(f"{glob.escape(prefix)}*.lock"):
            _remove_if_left(path)

    @contextmanager
    def taking_in(self) -> Iterator[None]:
        """Held while the shop's records are taken in, by one job of the site at a time; waited for."""
        with self._held(
            self._lock(f"{self._company}-{self._site}-take-in"),
            WAIT_FOR_SHOP,
            "Another run of this site has been taking in records for ten minutes.",
            "Look for a run that hangs; the next run goes on from here.",
        ):
            yield

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Held while the shop's status list is written, by one job of the site at a time; waited for."""
        with self._held(
            self._lock(f"{self._company}-{self._site}-publish"),
            WAIT_FOR_SHOP,
            "Another run of this site has been writing the status list for ten minutes.",
            "Look for a run that hangs; the next run goes on from here.",
        ):
            yield

    @contextmanager
    def company(self) -> Iterator[None]:
        """Held while writing to the ledger, by one process at a time; those that wait get it in order of arrival."""
        self._company_lock = lock = self._company_lock or self._lock(f"{self._company}-write")
        if lock.is_locked:  # taken once more by its holder, who would wait for those that wait for him
            yield
            return
        with self._place_in_queue() as earlier:
            # Each run before this one may take ten minutes: a queue that moves on is waited for.
            for place in earlier:
                with self._taken_in_turn(FileLock(place, mode=0o600)):
                    _remove(place)
            held = self._taken_in_turn(lock)
        with held:
            yield

    def is_wanted(self) -> bool:
        """Whether another process waits for the company's lock.

        One that was killed while it waited counts until the lock is taken the next time.
        """
        return bool(self._places())

    @contextmanager
    def _place_in_queue(self) -> Iterator[list[Path]]:
        """A place behind all others that wait for the company's lock, and their places in order."""
        with ExitStack() as own:
            with self._taken_in_turn(self._lock(f"{self._company}-queue")):
                earlier = [path for path in self._places() if not _remove_if_left(path)]
                number = int(earlier[-1].stem[-_PLACE_DIGITS:]) + 1 if earlier else 1
                place = self._lock(f"{self._company}-waiting-{number:0{_PLACE_DIGITS}}")
                own.enter_context(self._taken_in_turn(place))
                own.callback(_remove, Path(place.lock_file))
            yield earlier

    def _places(self) -> list[Path]:
        number = "[0-9]" * _PLACE_DIGITS
        return sorted(self._folder.glob(f"{glob.escape(self._company)}-waiting-{number}.lock"))

    def _taken_in_turn(self, lock: FileLock) -> AbstractContextManager[Any]:
        return self._held(
            lock,
            WAIT_FOR_COMPANY,
            "Another run has kept the company's lock, or its place in the queue, for ten minutes.",
            "Look for a run that hangs; the next run goes on from here.",
        )

    @contextmanager
    def everything(self) -> Iterator[None]:
        """Held while the tables are rebuilt: the locks of every job of every site, and the company's.

        Raises Busy at once when a job runs, of whatever version; another process that rebuilds is waited for.
        """
        later = "Try again when it has ended."
        with ExitStack() as held:
            rebuilding = self._lock(f"{self._company}-upgrade")
            message = "Another process has been bringing the state to a new version for a minute."
            held.enter_context(self._held(rebuilding, WAIT_FOR_UPGRADE, message, later))
            for path in sorted(self._folder.iterdir()):
                if path.name.startswith(f"{self._company}-") and path != Path(rebuilding.lock_file):
                    message = "The state must be brought to this version, and another run of this company is going on."
                    held.enter_context(self._held(FileLock(path, mode=0o600), 0, message, later))
            yield

    def _lock(self, name: str) -> FileLock:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            raise unusable(self._folder, problem) from problem
        return FileLock(self._folder / f"{name}.lock", mode=0o600)

    def _held(self, lock: FileLock, timeout: float, busy: str, hint: str) -> AbstractContextManager[Any]:
        """Take the lock at once; raises Busy when it is not free in time, and StoppedBySignal."""
        try:
            return lock.acquire(timeout=timeout, poll_interval=LOOK_EVERY, cancel_check=self.stopping)
        except Timeout as problem:
            if self.stopping():
                raise StoppedBySignal from problem
            raise Busy(busy, hint) from problem
        except OSError as problem:
            raise unusable(lock.lock_file, problem) from problem


def _remove_if_left(lock: Path) -> bool:
    """Remove the file of a lock whose holder has ended without doing so; whether that was the case."""
    with suppress(OSError, Timeout), FileLock(lock, timeout=0, mode=0o600):
        _remove(lock)
        return True
    return False


def _remove(lock: Path) -> None:
    """Remove the file of a lock that is held; what cannot be removed is left to the next who looks."""
    with suppress(OSError):
        lock.unlink()


def locks_folder(state: Path) -> Path:
    """Where the locks of a state lie."""
    return state.parent / "locks"


def is_held(folder: Path, name: str) -> bool:
    """Whether a process holds the lock of this name; the lock is never created by looking."""
    path = folder / f"{name}.lock"
    if not name or not path.exists():
        return False
    try:
        with FileLock(path, timeout=WAIT_FOR_A_LOOK, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError as problem:
        raise unusable(path, problem) from problem
