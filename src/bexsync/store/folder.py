"""Where the folder of the state may lie."""

from __future__ import annotations

import re
from pathlib import Path

from bexsync.errors import StateProblem

MOUNTS = Path("/proc/self/mountinfo")
NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "lustre", "fuse.sshfs", "fuse.rclone"}
    | {"fuse.glusterfs", "fuse.davfs", "davfs", "fuse.s3fs"}
)


def refuse_network(folder: Path, mounts: Path = MOUNTS) -> None:
    """Raises StateProblem when the folder lies on a network file system; says nothing where that cannot be known."""
    kind = file_system_of(folder, mounts)
    if kind in NETWORKED:
        raise StateProblem(
            f"The state folder {folder} lies on a network file system ({kind}), where a database can be damaged.",
            "Set BEXSYNC_STATE_DIR to a folder on this computer's own disk.",
            code="network_file_system",
        )


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system a folder lies on, "" where it cannot be known (mountinfo: proc(5))."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    best, kind = "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) < 5 or not rest:
            continue
        point = _unescaped(parts[4])
        inside = place == point or place.startswith(f"{point.rstrip('/')}/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
