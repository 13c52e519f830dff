"""What a person does with the state: copy it, restore a copy, move it to this computer, let it forget."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from bexsync.http.clock import Clock
from bexsync.jobs.locks import Locks
from bexsync.store.upkeep import backup, check_copy, prune, restore, take_over


@dataclass(frozen=True)
class StateDesk:
    """The state of one company."""

    path: Path
    company: str
    locks: Locks
    clock: Clock

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
        with self.locks.company():
            return restore(self.path, source, company=self.company, now=self.clock.now())

    def take_over(self) -> str:
        """This computer goes on; the name of the one before."""
        with self.locks.company():
            return take_over(self.path)

    def prune(self, days: int) -> dict[str, int]:
        """Forgets what is older; how much of what."""
        with self.locks.company():
            return asdict(prune(self.path, keep=timedelta(days=days), now=self.clock.now()))
