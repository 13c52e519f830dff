"""What the program brings along besides its code: pages, the commented profile, examples."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bexsync.errors import UsageProblem

_README = "readme"


@dataclass(frozen=True)
class Page:
    """One page of the manual."""

    topic: str
    title: str
    path: Path

    @property
    def text(self) -> str:
        """The page as it is written, in Markdown."""
        return self.path.read_text(encoding="utf-8")


def shipped_folder() -> Path:
    """Where these files are: inside the installed package, or in the source tree that it is run from."""
    installed = Path(__file__).with_name("_shipped")
    return installed if installed.is_dir() else Path(__file__).parents[2]


def pages() -> list[Page]:
    """Every page, the README first."""
    folder = shipped_folder()
    found = [(_README, folder / "README.md"), *((path.stem, path) for path in sorted(folder.glob("docs/*.md")))]
    return [Page(topic, _title(path), path) for topic, path in found if path.is_file()]


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next((line.lstrip("# ").rstrip() for line in lines if line.startswith("# ")), path.stem)


def page(name: str) -> Page:
    """The page of a topic, also by the name of its file; raises UsageProblem with the topics for another name."""
    wanted = name.casefold().removesuffix(".md").removeprefix("docs/")
    known = {found.topic: found for found in pages()}
    if wanted not in known:
        raise UsageProblem(f'There is no page "{name}".', f"The topics are {', '.join(known)}.")
    return known[wanted]


def example_profile() -> str:
    """The profile in which every key is explained."""
    return (shipped_folder() / "config.example.toml").read_text(encoding="utf-8")


def copy_examples(target: Path) -> int:
    """Copies the examples into a folder that is new or empty; how many files. Raises UsageProblem and OSError."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageProblem(f"{target} is there already.", "Name a folder that does not exist yet, or an empty one.")
    count = 0
    for source in _examples():
        copy = target / source.relative_to(shipped_folder() / "examples")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        shutil.copymode(source, copy)
        count += 1
    return count


def _examples() -> Iterator[Path]:
    for path in sorted((shipped_folder() / "examples").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
