"""What a job that nobody starts by hand has to be told, since it sees nothing of the shell it was set up in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bexsync.errors import ConfigurationProblem
from bexsync.paths import is_path

_FOLDERS_AND_FILES = ("BEXSYNC_CONFIG_DIR", "BEXSYNC_STATE_DIR", "BEXSYNC_ACCESS_TOKEN_FILE", "BEXSYNC_KEY_FILE")
_USUAL_HOMES = {"XDG_CONFIG_HOME": ".config", "XDG_STATE_HOME": ".local/state"}
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
_TOKEN = "BEXSYNC_ACCESS_TOKEN"  # noqa: S105  the variable's name
_OURS = frozenset({*_FOLDERS_AND_FILES, "BEXSYNC_HOST", "BEXSYNC_PROFILE", "BEXSYNC_CLIENT_SECRET", _TOKEN})


@dataclass(frozen=True)
class Surroundings:
    """How a job is started; `bus` is the address of the session's D-Bus where the login needs it, else empty."""

    program: tuple[str, ...]
    profile: str
    profile_file: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    bus: str = ""

    def call(self, command: Iterable[str]) -> tuple[str, ...]:
        """The whole command line of a job."""
        named = ("--profile", self.profile) if self.profile else ()
        return (*self.program, *named, *command)

    @property
    def label(self) -> str:
        """The profile as part of a file's name; profiles given by path may share theirs."""
        if not is_path(self.profile):
            return _tame(self.profile or "default")
        digest = hashlib.sha256(self.profile.encode(errors="replace")).hexdigest()[:4]
        return f"{_tame(Path(self.profile).stem)}-{digest}"


def _tame(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "profile"


def named_profile(name: str, file: Path) -> str:
    """How a job names its profile from anywhere; "" where it is the default."""
    if is_path(name):
        return str(file)
    return "" if name == "default" else name


def session_bus(uid: int) -> str:
    """Where the D-Bus of a user's session listens on every system with systemd."""
    return f"unix:path=/run/user/{uid}/bus"


def carried_variables(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """The variables a job needs to find the same files as now; none of them is a secret."""
    carried = {name: str(Path(environment[name]).absolute()) for name in _FOLDERS_AND_FILES if environment.get(name)}
    for name, usual in _USUAL_HOMES.items():
        if environment.get(name) and Path(environment[name]) != home / usual:
            carried[name] = environment[name]
    carried |= {name: environment[name] for name in ("BEXSYNC_HOST",) if environment.get(name)}
    carried |= {name: environment[name] for name in _PROXIES if environment.get(name) and "@" not in environment[name]}
    return carried


def left_behind(environment: Mapping[str, str], *, has_login: bool) -> list[str]:
    """A sentence for everything that holds now and will not hold for a job."""
    sentences = []
    if environment.get(_TOKEN, "").strip():
        other = "log in with `bexsync auth login`, or " if has_login else ""
        sentences.append(
            f"The token in {_TOKEN} is not written down here, where others may read it: {other}"
            f"keep it in a file that only you may read, set {_TOKEN}_FILE to its path, and ask for the schedule again."
        )
    over = sorted(
        name for name in environment if name.startswith("BEXSYNC_") and name not in _OURS and environment[name]
    )
    if over:
        sentences.append(f"{', '.join(over)} will not hold for these jobs: write what it says into the profile.")
    secret = [name for name in _PROXIES if "@" in environment.get(name, "")]
    if secret:
        sentences.append(f"{', '.join(secret)} may hold a password and is not written down here.")
    return sentences


def search_path(programs: Iterable[str | None]) -> str:
    """The PATH that finds programs which lie outside of cron's and systemd's own, "" where those do."""
    usual = ("/usr/local/bin", "/usr/bin", "/bin")
    folders = dict.fromkeys(str(Path(program).parent) for program in programs if program)
    if not set(folders) - {"/usr/bin", "/bin"}:
        return ""
    return ":".join(dict.fromkeys((*folders, *usual)))


def refuse_unwritable(texts: Iterable[str]) -> None:
    """Raises ConfigurationProblem for a text that has no place on one line."""
    for text in texts:
        if not text.isprintable():
            raise ConfigurationProblem(
                f"{text} cannot be written into a schedule.", "Move it to a path of ordinary signs.", code="schedule"
            )
