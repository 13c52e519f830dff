"""What a person does with the state: copy it, restore a copy, move it to this computer, let it forget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bexsync.http.clock import Clock
from bexsync.ports.store import Locks, Upkeep
from bexsync.store.pruning import files_in_question, prune
from bexsync.store.store import go_on_with_copy, take_over

DeleteFiles = Callable[[datetime, Collection[str], bool], Mapping[str, int]]


@dataclass(frozen=True)
class StateAdmin:
    """The state of one company; `delete_files` deletes old files of the shop but for those it is given."""

    upkeep: Upkeep
    locks: Locks
    clock: Clock
    delete_files: DeleteFiles

    def backup(self, target: Path | None) -> Path:
        """A copy of the state; by default in a folder beside it."""
        target = target or self.upkeep.copy_for(self.clock.now())
        self.upkeep.backup(target)
        return target

    def check_copy(self, source: Path) -> None:
        """Raises ConfigurationProblem where the file is no copy of this company's state."""
        self.upkeep.check_copy(source)

    def restore(self, source: Path) -> Path:
        """The copy takes the state's place while nobody writes; where the state before is kept."""
        self.upkeep.open().close()
        with self.locks.company():
            kept = self.upkeep.restore(source, self.clock.now())
            with closing(self.upkeep.open()) as database:
                go_on_with_copy(database)
        return kept

    def take_over(self) -> str:
        """This computer goes on; the name of the one before."""
        with closing(self.upkeep.open()) as database, self.locks.company():
            return take_over(database)

    def prune(self, days: int, *, files: bool = True, backups: bool = True, dry: bool = False) -> dict[str, int]:
        """Deletes what is older, from the state, from the shop's done/ and failed/, and copies of the state.

        How much of what; a dry run only counts.
        """
        now = self.clock.now()
        before = now - timedelta(days=days)
        with closing(self.upkeep.open()) as database, self.locks.company():
            counts = asdict(prune(database, keep=now - before, now=now, dry=dry))
            if files:
                counts |= self.delete_files(before, files_in_question(database), dry)
            if backups:
                copies = self.upkeep.old_copies(before)
                for copy in copies if not dry else ():
                    copy.unlink(missing_ok=True)
                counts["copies of the state"] = len(copies)
        return counts
