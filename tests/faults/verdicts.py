"""What the proofs found, a line each, for the table of docs/exactly-once.md; only kept when `make faults` asks."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

FOLDER = "BEXSYNC_VERDICTS"


def record(proof: str, row: str, column: str, *, histories: int = 1, runs: int = 0, for_a_person: bool = False) -> None:
    """One history, or several of one kind, that ended well."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    line = {"proof": proof, "row": row, "column": column, "histories": histories, "runs": runs, "person": for_a_person}
    (path / f"{uuid.uuid4().hex}.json").write_text(json.dumps(line))


def recorded(folder: Path) -> list[dict[str, object]]:
    """Everything that was recorded."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
