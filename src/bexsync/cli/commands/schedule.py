"""bexsync schedule ..."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bexsync.cli.runner import Command, make_sure
from bexsync.errors import ConfigurationProblem, Exit

if TYPE_CHECKING:
    from bexsync.config.profile import Profile
    from bexsync.scheduling.surroundings import Surroundings
    from bexsync.scheduling.systemd import Manager
    from bexsync.scheduling.timetable import ScheduledJob


def cron(call: Command) -> Exit:
    """Print the lines for `crontab -e`.

    Invoices and orders hourly by day, payments every two hours; at minutes that are this profile's own. A run that
    is put off says nothing, so cron mails only what a person should know.
    """
    return _said(call, *planned_crontab(call))


def planned_crontab(call: Command) -> tuple[str, dict[str, Any], list[str]]:
    """The lines for cron as text and as data, and what a person should know of them."""
    from bexsync.scheduling.timetable import crontab, expression

    jobs, around, profile = _planned(call)
    lines = crontab(jobs, around)
    notes = [*_notes(call, profile, around), "Add these lines with `crontab -e`."]
    heading = f"# bexsync, profile {around.label}: the times are of this computer's clock"
    summer = "# Hour 2 is left out: when summer time begins or ends, it is skipped or comes twice."
    data = {
        "lines": lines,
        "jobs": [{**_as_data(job, around), "cron": expression(job.times)} for job in jobs],
        "variables": dict(around.variables),
        "notes": notes,
    }
    return "\n".join((heading, summer, *lines)), data, notes


def systemd(
    call: Command,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write the units there instead of printing them.")
    ] = None,
    system: Annotated[
        bool | None,
        typer.Option(
            "--system/--user",
            help="For the system's systemd, or for your own; without either: the system's for root, else yours.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace units in DIR that say something else.")] = False,
) -> Exit:
    """Print or write systemd timers and services.

    Timers of your own reach the desktop's keyring, which cron does not; those of the system run as the user who
    asks for them here.
    """
    from bexsync.scheduling.systemd import calendar, units

    for_system = os.geteuid() == 0 if system is None else system
    jobs, around, profile = _planned(call)
    files = units(jobs, around, _manager(profile, around, for_system=for_system))
    timers = [name for name in files if name.endswith(".timer")]
    notes = [*_notes(call, profile, around), *_how_to_enable(timers, write, for_system=for_system)]
    data: dict[str, Any] = {
        "units": files,
        "jobs": [{**_as_data(job, around), "calendar": calendar(job.times)} for job in jobs],
        "variables": dict(around.variables),
        "notes": notes,
    }
    if write is None:
        text = "\n".join(f"# {name}\n{content}" for name, content in files.items())
        return _said(call, text.rstrip(), data, notes)
    data["written"] = _write(call, write, files, yes=yes)
    unchanged = len(files) - len(data["written"])
    known = f", {unchanged} stood there already" if unchanged else ""
    return _said(call, f"{len(data['written'])} units written to {write}{known}.", data, notes)


def login_in_keyring(profile: Profile, file: Path) -> bool:
    """Whether a job needs the session's D-Bus to reach its login: as chosen at the login, else as the profile says."""
    from bexsync.auth.records import LoginBook
    from bexsync.auth.source import FILE_VARIABLE
    from bexsync.paths import state_folder

    if os.environ.get(FILE_VARIABLE, "").strip():
        return False
    record = LoginBook(state_folder()).get(str(file.resolve()))
    return (record.store.name if record else profile.ledger.token_store) == "keyring"


def _ends_one_day(file: Path) -> bool:
    """Whether the jobs live by a login that cannot renew itself; a token of the environment is not kept for them."""
    from bexsync.auth.records import LoginBook
    from bexsync.auth.source import names_token
    from bexsync.paths import state_folder

    record = None if names_token() else LoginBook(state_folder()).get(str(file.resolve()))
    return record is not None and record.kind == "personal"


def _planned(call: Command) -> tuple[list[ScheduledJob], Surroundings, Profile]:
    from bexsync.config.loading import load_profile
    from bexsync.paths import expanded, profile_path, this_host
    from bexsync.scheduling.surroundings import (
        Surroundings,
        carried_variables,
        named_profile,
        search_path,
        session_bus,
    )
    from bexsync.scheduling.timetable import timetable

    file = profile_path(call.profile).absolute()
    profile = load_profile(file)
    variables = carried_variables(os.environ, expanded(Path("~")))
    programs = profile.ledger.token_command
    path = search_path(shutil.which(call[0]) for call in (programs.get, programs.set, programs.erase) if call)
    around = Surroundings(
        program=_this_program(),
        profile=named_profile(call.profile, file),
        profile_file=file,
        variables=variables | ({"PATH": path} if path else {}),
        bus=session_bus(os.geteuid()) if login_in_keyring(profile, file) else "",
    )
    return timetable(this_host(), str(file), _wanted(call, profile)), around, profile


def _this_program() -> tuple[str, ...]:
    """How to start this very bexsync from anywhere; links stay, since they outlive what they point to."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return sys.executable, "-m", "bexsync"
    found = str(started) if os.sep in sys.argv[0] else shutil.which(started.name)
    if found is None or not Path(found).exists():
        raise ConfigurationProblem("Where this bexsync is installed cannot be told.", "Start it by its full path.")
    return (str(Path(found).absolute()),)


def _wanted(call: Command, profile: Profile) -> Callable[[str], bool]:
    """The commands that exist and have something to do; where products or orders rest, their jobs would only say so."""
    products, exists = profile.products, _existing(call)

    def wanted(name: str) -> bool:
        if name in ("products sync", "stock pull") and not products.enabled:
            return False
        if name == "orders sync" and not profile.orders.enabled:
            return False
        return exists(name) and (name != "stock pull" or products.stock == "ledger")

    return wanted


def _existing(call: Command) -> Callable[[str], bool]:
    root: Any = call.context.find_root().command

    def exists(name: str) -> bool:
        found = root
        for word in name.split():
            found = getattr(found, "commands", {}).get(word)
        return found is not None

    return exists


def _manager(profile: Profile, around: Surroundings, *, for_system: bool) -> Manager:
    from bexsync.paths import state_folder
    from bexsync.registry import shop_package
    from bexsync.scheduling.systemd import Manager

    shop = shop_package(profile.shop.type)
    return Manager(
        user=_user_name() if for_system else "",
        writable=(_standing(state_folder().absolute()), *shop.folders(profile.shop, around.profile_file)),
        runs_programs=bool(profile.ledger.token_command.get),
    )


def _standing(folder: Path) -> Path:
    """The folder, or the one in which the first run will make it."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _user_name() -> str:
    """The user's name, or the number of one that nobody entered, as in containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _notes(call: Command, profile: Profile, around: Surroundings) -> list[str]:
    from bexsync.scheduling.surroundings import left_behind

    notes = left_behind(os.environ, has_login=_existing(call)("auth login"))
    if around.bus:
        notes.append(
            "The login lies in the keyring, which is locked until you log in to this computer; "
            "`loginctl enable-linger` keeps your session's D-Bus alive afterwards."
        )
    if _ends_one_day(around.profile_file):
        notes.append(
            "The login is a personal access token: it expires within months, and the jobs stop then. For cron log in "
            "with an app of your own, which renews itself: bexsync auth login"
        )
    if not profile.enabled:
        notes.append("The profile says enabled = false, so these jobs will do nothing.")
    return notes


def _how_to_enable(timers: list[str], write: Path | None, *, for_system: bool) -> list[str]:
    switch, usual = ("", "/etc/systemd/system") if for_system else (" --user", "~/.config/systemd/user")
    place = f"bexsync schedule systemd {'--system' if for_system else '--user'} --write {usual}"
    first = f"Write them with `{place}`, then: " if write is None else ""
    enable = f"{first}systemctl{switch} daemon-reload && systemctl{switch} enable --now {' '.join(timers)}"
    return [enable] if for_system else [enable, "They run while you are logged in; `loginctl enable-linger`: always."]


def _write(call: Command, folder: Path, files: Mapping[str, str], *, yes: bool) -> list[str]:
    """Writes what is not there yet as it should be; the names of what was written."""
    from bexsync.files import PUBLIC, replacement, unusable

    try:
        standing = {name: (folder / name).read_bytes() for name in files if (folder / name).exists()}
        different = [name for name, content in standing.items() if content != files[name].encode()]
        if different:
            make_sure(call, yes, f"Replace {', '.join(different)} in {folder}?")
        folder.mkdir(parents=True, exist_ok=True)
        fresh = [name for name in files if name not in standing or name in different]
        for name in fresh:
            with replacement(folder / name, mode=PUBLIC) as stream:
                stream.write(files[name].encode())
    except OSError as problem:
        found = unusable(problem.filename or folder, problem)
        raise type(found)(found.message, "Name another folder, or print the units without --write.") from problem
    return fresh


def _as_data(job: ScheduledJob, around: Surroundings) -> dict[str, Any]:
    return {"command": " ".join(job.command), "when": job.meaning, "call": list(around.call(job.command))}


def _said(call: Command, text: str, data: dict[str, Any], notes: list[str]) -> Exit:
    """What is to be used on stdout, what is to be known beside it."""
    code = call.output.said(text, data)
    if not call.output.json:
        for note in notes:
            call.output.say_error(note)
    return code
