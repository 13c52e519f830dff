"""Prints the table of the fault matrix and the numbers of the other proofs, and writes them into docs/exactly-once.md.

Usage: python tests/faults/table.py FOLDER-OF-VERDICTS docs/exactly-once.md
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from faults.matrix import STEPS, TROUBLES
from faults.verdicts import recorded

BEGIN, END = "<!-- made by make faults -->", "<!-- end -->"
MATRIX = "matrix"
MARKS = {(False, False): "", (True, False): "ok", (True, True): "person"}


def main(folder: Path, page: Path) -> int:
    """Prints and writes; 1 when a cell of the matrix is missing."""
    lines = recorded(folder)
    cells = {(v["row"], v["column"]): v for v in lines if v["proof"] == MATRIX}
    missing = [
        f"{t.name} x {s.name}"
        for t in TROUBLES
        for s in STEPS
        if (not t.only or s.name in t.only) and (t.name, s.name) not in cells
    ]
    text = f"{_matrix(cells)}\n\n{_numbers(lines)}\n"
    sys.stdout.write(text)
    if missing:
        sys.stderr.write(f"missing, so the page is left as it is: {', '.join(missing)}\n")
        return 1
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")
    return 0


def _matrix(cells: dict[tuple[object, object], dict[str, object]]) -> str:
    names = [s.name for s in STEPS]
    rows = [f"| fault | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for trouble in TROUBLES:
        marks = []
        for name in names:
            verdict = cells.get((trouble.name, name))
            marks.append(MARKS[(verdict is not None, bool(verdict and verdict["person"]))])
        rows.append(f"| {trouble.name} | {' | '.join(marks)} |")
    return "\n".join(rows)


def _numbers(lines: list[dict[str, object]]) -> str:
    counts: dict[str, int] = defaultdict(int)
    for line in {(v["proof"], v["row"], v["column"]): v for v in lines}.values():  # a repeat is not another history
        counts[str(line["proof"])] += int(str(line["histories"]))
    rows = ["| proof | histories tried | duplicates | lost | second mails |", "|---|---:|---:|---:|---:|"]
    rows += [f"| {proof} | {count} | 0 | 0 | 0 |" for proof, count in sorted(counts.items())]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
