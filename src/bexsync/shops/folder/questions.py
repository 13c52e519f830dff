"""What `init` asks of a folder shop: where the folder is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bexsync.errors import BexsyncError, ConfigurationProblem
from bexsync.files import require_writable, usable_path
from bexsync.paths import expanded, is_path
from bexsync.ports.shop_package import Question, ShopSite
from bexsync.shops.folder.ownership import Owner, refuse_another
from bexsync.shops.folder.settings import FolderSettings


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
