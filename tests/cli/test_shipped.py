"""What the installed program brings along: pages, the commented profile, examples; and that the packages hold them."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from front_door import called, started
from world import World

ROOT = Path(__file__).parents[2]


def test_every_page_is_listed_and_printed(world: World) -> None:
    topics = [one["topic"] for one in json.loads(started(world, "docs", "--json").stdout)["data"]["topics"]]
    assert topics == ["readme", *sorted(path.stem for path in (ROOT / "docs").glob("*.md"))]
    assert started(world, "docs").stdout.count("\n") == len(topics)
    for name in ("login", "docs/login.md", "LOGIN"):
        assert started(world, "docs", name).stdout == (ROOT / "docs" / "login.md").read_text()
    unknown = started(world, "docs", "tea")
    assert (unknown.returncode, "The topics are readme, " in unknown.stderr) == (2, True)


def test_the_commented_profile(world: World) -> None:
    assert started(world, "config", "example").stdout == (ROOT / "config.example.toml").read_text()


def test_examples_are_copied_into_a_new_folder_only(world: World) -> None:
    done = started(world, "examples", "copy", "mine")
    assert done.returncode == 0
    copied = {path.relative_to(world.folder / "mine") for path in (world.folder / "mine").rglob("*") if path.is_file()}
    assert Path("agency/invoices/2026-0143.json") in copied
    assert f"{len(copied)} files are copied to mine." in done.stdout
    again = started(world, "examples", "copy", "mine")
    assert (again.returncode, "mine is there already." in again.stderr) == (2, True)
    (world.folder / "file").touch()
    assert started(world, "examples", "copy", "file/below").returncode == 78


def test_no_message_names_a_file_that_only_the_source_tree_has() -> None:
    """What stands between quotation marks and is no docstring."""
    for path in (ROOT / "src").rglob("*.py"):
        code = re.sub(r'(?s)""".*?"""', "", path.read_text())
        assert not re.search(r"docs/\w+\.md|config\.example\.toml (?!\()(\w+s )", code), path


@pytest.mark.parametrize("command", ["invoices push", "invoices list", "status", "config check"])
def test_a_user_without_a_home_folder_gets_a_sentence(
    world: World, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may run under a number that no password file knows."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    run = started(world, *command.split(), HOME="", BEXSYNC_STATE_DIR="", BEXSYNC_ACCESS_TOKEN="")
    assert run.returncode == 78
    assert "This user has no home folder" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not (world.folder / "~").exists()
    told = called(world, "invoices", "push", HOME="")
    assert told.returncode == 0


def built(target: str, folder: Path) -> Path:
    """The package that hatchling builds from the source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (package,) = folder.iterdir()
    return package


def needed() -> set[str]:
    """What the program prints and copies."""
    folders = (ROOT / "docs", ROOT / "examples")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    return {str(path.relative_to(ROOT)) for path in (*files, ROOT / "config.example.toml", ROOT / "README.md")}


@pytest.mark.slow
def test_the_wheel_holds_what_the_program_sends_people_to_and_runs_alone(tmp_path: Path) -> None:
    wheel = built("wheel", tmp_path / "wheel")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {f"bexsync/_shipped/{name}" for name in needed()} <= inside
    installed_programs_say_the_same(wheel, tmp_path)


@pytest.mark.slow
def test_the_sdist_holds_what_its_makefile_needs_and_installs(tmp_path: Path) -> None:
    sdist = built("sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    tracked = needed() | {"Makefile", "requirements-dev.lock", "pyproject.toml", "LICENSE", "CHANGELOG.md", ".ci/run"}
    tracked |= {
        str(path.relative_to(ROOT))
        for folder in ("src", "tests", "bench", "completions", "contrib")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked <= inside
    installed_programs_say_the_same(sdist, tmp_path)


def installed_programs_say_the_same(package: Path, folder: Path) -> None:
    """Installs into an empty environment; what it depends on comes from this one, so that no network is needed."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=60)
    # A plain path runs no .pth file, so that the editable bexsync of this environment stays out.
    around = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "HOME": str(folder),
        "BEXSYNC_STATE_DIR": str(folder / "state"),
    }
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--quiet", package]
    done = subprocess.run(install, env=around, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

    def said(*arguments: str) -> str:
        run = subprocess.run(
            [environment / "bin" / "bexsync", *arguments], env=around, cwd=folder, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert said("docs", "login") == (ROOT / "docs" / "login.md").read_text()
    assert said("config", "example") == (ROOT / "config.example.toml").read_text()
    said("examples", "copy", "copied")
    assert (folder / "copied" / "agency" / "profile.toml").is_file()
    where = subprocess.run(
        [python, "-c", "import bexsync; print(bexsync.__file__)"], env=around, cwd=folder, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    assert str(environment) in where
