"""Processes that want the company's lock, one behind the other, and do nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Says when it waits and when it holds the lock, writes its name down while it does, and goes on when it is told to.
RUN = """
import sys
from pathlib import Path
from bexsync.store.sqlite.locks import FileLocks
folder, company, name = Path(sys.argv[1]), *sys.argv[2:]
locks = FileLocks(folder, company, name)
said = []
def waits():
    if not said:
        said.append(print("waits", flush=True))
    return False
locks.stopping = waits
with locks.company():
    with (folder / "order").open("a") as order:
        order.write(f"{name}\\n")
    print("holds", flush=True)
    sys.stdin.readline()
"""


class LockHolder:
    """Another run that wants the company's lock."""

    def __init__(self, folder: Path, company: str, name: str) -> None:
        command = [sys.executable, "-c", RUN, str(folder), company, name]
        self.running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self) -> str:
        """The next line it prints; it is waited for."""
        assert self.running.stdout is not None
        return self.running.stdout.readline().strip()

    def ends(self) -> None:
        """Lets it release the lock."""
        self.running.communicate("\n", timeout=30)
        assert self.running.returncode == 0

    def is_killed(self) -> None:
        """Ends it as a power cut would."""
        self.running.kill()
        self.running.wait(30)

    def close(self) -> None:
        """Ends it, wherever it is."""
        self.is_killed()
        for stream in (self.running.stdin, self.running.stdout):
            if stream is not None:
                stream.close()
