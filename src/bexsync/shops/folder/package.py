"""The folder shop as a package: its settings, what `config check` finds, what `init` asks, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bexsync.errors import ConfigurationProblem
from bexsync.ports.shop_package import Finding, Question, ShopPackage, ShopSite, WaitingFiles
from bexsync.shops.folder.settings import FolderSettings

if TYPE_CHECKING:
    from bexsync.shops.folder.catalog import FolderCatalog
    from bexsync.shops.folder.layout import Owner
    from bexsync.shops.folder.shop import FolderShop
from contextlib import suppress

from bexsync.errors import BexsyncError
from bexsync.files import require_writable, usable_path
from bexsync.paths import expanded, is_path
from bexsync.shops.folder.layout import Owner, refuse_another


class FolderPackage(ShopPackage[FolderSettings]):
    """A folder that files are dropped into."""

    settings = FolderSettings

    def open_shop(self, settings: FolderSettings, site: ShopSite, now: Callable[[], datetime]) -> FolderShop:
        """The files that are dropped, and the folder out/."""
        from bexsync.shops.folder.shop import FolderShop

        return FolderShop(
            settings.folder(site.profile_file),
            now=now,
            quiet_seconds=settings.quiet_seconds,
            csv=settings.csv,
            currency=site.currency,
            owner=_owner(site),
        )

    def open_catalog(self, settings: FolderSettings, site: ShopSite, now: Callable[[], datetime]) -> FolderCatalog:
        """The lists in catalog/."""
        from bexsync.shops.folder.catalog import FolderCatalog

        return FolderCatalog(
            settings.folder(site.profile_file),
            now=now,
            quiet_seconds=settings.quiet_seconds,
            csv=settings.csv,
            owner=_owner(site),
        )

    def diagnose(self, settings: FolderSettings, site: ShopSite) -> Iterable[Finding]:
        """The folder, its rights and its owner, and the tables that wait in it."""
        from bexsync.shops.folder.diagnosis import diagnose

        return diagnose(settings, site, _owner(site))

    def questions(
        self, settings: FolderSettings, site: ShopSite, profile: str, others: Mapping[Path, FolderSettings]
    ) -> Mapping[str, Question[Any]]:
        """Where the folder is."""
        from bexsync.shops.folder.package import folder_question

        return {"path": folder_question(settings, site, _owner(site), profile, others)}

    def prepare(self, settings: FolderSettings, profile_file: Path) -> None:
        """Make the folder that files are dropped into."""
        inbox = settings.folder(profile_file) / "in"
        try:
            inbox.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise ConfigurationProblem(
                f"The folder {inbox} cannot be made: {problem.strerror}.", "Name another with --shop."
            ) from problem

    def first_step(self, settings: FolderSettings, profile_file: Path) -> str:
        """Where to drop it."""
        return f"drop an invoice into {settings.folder(profile_file) / 'in'}"

    def waiting(self, settings: FolderSettings, profile_file: Path) -> WaitingFiles:
        """The files in in/ and work/."""
        root = settings.folder(profile_file)
        changed = list(_changed(root / "in"))
        return WaitingFiles(len(changed), min(changed, default=None), sum(1 for _ in _changed(root / "work")))

    def folders(self, settings: FolderSettings, profile_file: Path) -> Sequence[Path]:
        """The folder itself."""
        return (settings.folder(profile_file),)

    def delete_old(
        self, settings: FolderSettings, profile_file: Path, before: datetime, *, kept: Collection[str], dry: bool
    ) -> Mapping[str, int]:
        """The files of whole months in done/, and those in failed/ that are older."""
        from bexsync.shops.folder.archive import delete_old_files

        root = settings.folder(profile_file)
        try:
            found = delete_old_files(root, before, kept=kept, dry=dry)
        except OSError as problem:
            raise ConfigurationProblem(
                f"Old files of {root} cannot be deleted: {problem.strerror}.",
                "Give this user the right, or say --keep-files; the state is pruned already.",
            ) from problem
        return {f"files in {name}/": count for name, count in found.items()}


def _owner(site: ShopSite) -> Owner:
    from bexsync.shops.folder.layout import Owner

    return Owner(site.site, site.companies, str(site.profile_file))


def _changed(folder: Path) -> Iterator[float]:
    """When each file was last written; a folder that cannot be read now has none."""
    try:
        for path in folder.iterdir():
            if not path.name.startswith(".") and path.is_file():
                yield path.stat().st_mtime
    except OSError:
        return


def folder_question(
    settings: FolderSettings, site: ShopSite, owner: Owner, profile: str, others: Mapping[Path, FolderSettings]
) -> Question[str]:
    """The shop's folder, as the profile has to say it; one that another shop has is refused."""

    def refuse_taken(folder: Path) -> None:
        if not owner.site:  # the site is not chosen yet
            return
        refuse_another(folder, owner)
        for other, its in others.items():
            if its.folder(other) == folder:
                raise ConfigurationProblem(
                    f"The profile {other} has its shop in {folder} already.",
                    "Every shop needs a folder of its own.",
                    code="shop_taken",
                )

    def check(said: str) -> str:
        target = Path.cwd() / expanded(Path(said))
        with usable_path(target):
            target = target.resolve()
            if target.exists() and not target.is_dir():
                raise ConfigurationProblem(f"{target} is a file.", "Name a folder; it is made where there is none.")
            require_writable(target, "Name another folder.")
            refuse_taken(target)
        if said.startswith("~"):
            return said
        beside = site.profile_file.parent
        return f"./{target.relative_to(beside)}" if target.is_relative_to(beside) else str(target)

    def free_folder() -> str:
        """The usual one, or the next that no other shop has."""
        is_said = settings.path != FolderSettings().path  # by a variable, which overrides the profile
        usual = str(settings.folder(site.profile_file)) if is_said else _usual_folder(profile, site.profile_file)
        numbers = range(0) if is_said else range(2, 99)
        for name in (usual, *(f"{usual}-{number}" for number in numbers)):
            with suppress(BexsyncError, OSError):
                refuse_taken((Path.cwd() / expanded(Path(name))).resolve())
                return name
        return usual

    words = ("Its folder: invoices are dropped into in/ below it, news comes back in out/.",)
    return Question("--shop", "Folder", free_folder(), check, words)


def _usual_folder(profile: str, profile_file: Path) -> str:
    if is_path(profile):
        return str(profile_file.parent / "shop")
    return "~/bexsync-shop" if profile == "default" else f"~/bexsync-shop-{profile}"
