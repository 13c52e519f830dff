"""What the package of a shop offers before the shop is opened: settings, diagnosis, questions; and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:  # settings are read before the shop is opened
    from pydantic import BaseModel

    from bexsync.ports.shop import Catalog, Shop

T = TypeVar("T")
S = TypeVar("S", bound="BaseModel")

Level = Literal["ok", "attention", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked; `file`, `line` and `key` say where it stands, as far as that is known."""

    level: Level
    subject: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    key: str = ""


@dataclass(frozen=True)
class Question(Generic[T]):
    """One question; `check` makes a value of an answer and raises BexsyncError where it cannot.

    `option` answers it on the command line, `default` is taken for Enter and shown as `shown`, and `words` are
    said first.
    """

    option: str
    prompt: str
    default: str
    check: Callable[[str], T]
    words: Sequence[str] = ()
    shown: str = ""


@dataclass(frozen=True)
class ShopSite:
    """For whom a shop is looked at or opened: one site of one company, as far as that is known.

    Paths in the settings are seen from `profile_file`; `currency` is that of records that name none.
    """

    profile_file: Path
    site: str
    companies: frozenset[str] = frozenset()
    currency: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WaitingFiles:
    """The files of a shop that wait to be taken in, and how many were and are not through."""

    count: int = 0
    oldest_at: float | None = None
    claimed: int = 0


class ShopPackage(Protocol[S]):
    """One type of shop; a class that inherits this one defines what its shop has.

    `secrets` names what is read from variables like BEXSYNC_SHOP_SECRET_KEY, never from the profile.
    """

    settings: type[S]
    secrets: tuple[str, ...] = ()

    def open_shop(self, settings: S, site: ShopSite, now: Callable[[], datetime]) -> Shop:
        """The shop, ready to be read and written."""
        ...

    def open_catalog(self, settings: S, site: ShopSite, now: Callable[[], datetime]) -> Catalog | None:
        """The products side of the shop, None where it has none."""
        del settings, site, now
        return None

    def diagnose(self, settings: S, site: ShopSite) -> Iterable[Finding]:
        """What this computer alone can tell of the settings; no network, nothing changed."""
        del settings, site
        return ()

    def questions(
        self, settings: S, site: ShopSite, profile: str, others: Mapping[Path, Any]
    ) -> Mapping[str, Question[Any]]:
        """What `init` asks, by the key that the answer is for; the settings hold what is known already.

        `profile` is the name or path of the new profile, `others` holds the settings of shops of the same type in
        other profiles.
        """
        del settings, site, profile, others
        return {}

    def prepare(self, settings: S, profile_file: Path) -> None:
        """Make what the shop needs on this computer, before its first profile is written."""

    def first_step(self, settings: S, profile_file: Path) -> str:
        """How a person hands over the first invoice, "" where invoices come by themselves."""
        del settings, profile_file
        return ""

    def waiting(self, settings: S, profile_file: Path) -> WaitingFiles:
        """The files that wait on this computer."""
        del settings, profile_file
        return WaitingFiles()

    def folders(self, settings: S, profile_file: Path) -> Sequence[Path]:
        """The folders on this computer that jobs write to."""
        del settings, profile_file
        return ()

    def delete_old(
        self, settings: S, profile_file: Path, before: datetime, *, kept: Collection[str], dry: bool
    ) -> Mapping[str, int]:
        """Delete what the shop has kept of settled sources for long; how much of what.

        Sources named in `kept` stay. A dry run only counts.
        """
        del settings, profile_file, before, kept, dry
        return {}
