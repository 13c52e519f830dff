"""What a person does with the state: copy it, restore a copy, move it to this computer, let it forget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bexsync.http.clock import Clock
from bexsync.store.locks import Locks
from bexsync.store.upkeep import (
    backup,
    bring_up_to_date,
    check_copy,
    files_in_question,
    old_copies,
    prune,
    restore,
    take_over,
)

DeleteFiles = Callable[[datetime, Collection[str], bool], Mapping[str, int]]


@dataclass(frozen=True)
class StateAdmin:
    """The state of one company; `delete_files` deletes old files of the shop but for those it is given."""

    path: Path
    company: str
    locks: Locks
    clock: Clock
    delete_files: DeleteFiles

    def backup(self, target: Path | None) -> Path:
        """A copy of the state; by default in a folder beside it."""
        moment = self.clock.now().strftime("%Y%m%d-%H%M%S")
        target = target or self.path.parent / "backups" / f"{self.path.stem}-{moment}.db"
        backup(self.path, target)
        return target

    def check_copy(self, source: Path) -> None:
        """Raises ConfigurationProblem where the file is no copy of this company's state."""
        check_copy(source, self.company)

    def restore(self, source: Path) -> Path:
        """The copy takes the state's place while nobody writes; where the state before is kept."""
        bring_up_to_date(self.path)
        with self.locks.company():
            return restore(self.path, source, company=self.company, now=self.clock.now())

    def take_over(self) -> str:
        """This computer goes on; the name of the one before."""
        bring_up_to_date(self.path)
        with self.locks.company():
            return take_over(self.path)

    def prune(self, days: int, *, files: bool = True, backups: bool = True, dry: bool = False) -> dict[str, int]:
        """Deletes what is older, from the state, from the shop's done/ and failed/, and copies of the state.

        How much of what; a dry run only counts.
        """
        now = self.clock.now()
        before = now - timedelta(days=days)
        bring_up_to_date(self.path)
        with self.locks.company():
            counts = asdict(prune(self.path, keep=now - before, now=now, dry=dry))
            if files:
                counts |= self.delete_files(before, files_in_question(self.path), dry)
            if backups:
                copies = old_copies(self.path, before)
                for copy in copies if not dry else ():
                    copy.unlink(missing_ok=True)
                counts["copies of the state"] = len(copies)
        return counts
