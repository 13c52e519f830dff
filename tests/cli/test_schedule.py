"""Lines for cron and units for systemd: that the real programs take them, and that they run from anywhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bexsync.auth.records import LoginBook, LoginRecord
from bexsync.auth.stores.port import StoreChoice
from bexsync.scheduling.systemd import calendar
from bexsync.scheduling.timetable import expression, timetable
from front_door import called, started
from world import BEXSYNC, NOW, TOKEN, World, an_invoice

CONTRIB = Path(__file__).parents[2] / "contrib" / "systemd"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
READY = ["invoices push", "payments poll", "test-connection --read-only --quiet", "vat map --check"]
EVERYTHING = [
    "invoices push",
    "payments poll",
    "products sync",
    "stock pull",
    "orders sync",
    "test-connection",
    "vat map",
]


def cron_lines(world: World, *options: str, **environment: str) -> list[str]:
    run = called(world, "schedule", "cron", *options, **environment)
    assert run.returncode == 0, run.stderr
    return [line for line in run.stdout.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("stock", "jobs"), [("ledger", {"products sync", "stock pull"}), ("shop", {"products sync"})])
def test_jobs_of_products_are_planned_where_they_have_something_to_do(world: World, stock: str, jobs: set[str]) -> None:
    world.set_profile(products={"enabled": True, "stock": stock})
    planned = {line.partition(".toml ")[2] for line in cron_lines(world)}
    assert planned - set(READY) == jobs


def by_cron(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What cron makes of a line: its environment, its shell, its folder, and what it does to %."""
    command = line.split(maxsplit=5)[5]
    assert not re.search(r"(?<!\\)%", command), "cron would end the command there"
    return subprocess.run(
        ["/bin/sh", "-c", command.replace(r"\%", "%")],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder / "home"), "LOGNAME": "somebody", "SHELL": "/bin/sh"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# when


def test_minutes_are_off_the_quarters_and_never_while_clocks_change() -> None:
    for number in range(300):
        jobs = timetable("host", f"/profiles/{number}.toml", lambda _: True)
        assert [" ".join(job.command[:2]).removesuffix(" --read-only") for job in jobs] == EVERYTHING
        assert not {job.times.minute for job in jobs} & {0, 15, 30, 45}
        assert 2 not in {hour for job in jobs for hour in job.times.hours}
        assert len({job.times.minute for job in jobs}) == len(jobs)
        assert all(0 <= hour < 24 for job in jobs for hour in job.times.hours)


def test_payments_are_polled_every_two_hours_by_night_too() -> None:
    (poll,) = [job for job in timetable("h", "/p.toml", lambda _: True) if job.command == ("payments", "poll")]
    hours = poll.times.hours
    assert {(later - hour) % 24 for hour, later in zip(hours, (*hours[1:], hours[0]), strict=True)} == {2}
    assert expression(poll.times).split()[1:] == ["1-23/2", "*", "*", "*"]
    assert f" 01..23/2:{poll.times.minute:02}:00" in f" {calendar(poll.times).split()[1]}"


def test_times_are_stable_and_differ_between_profiles_and_computers() -> None:
    def minutes(host: str, profile: str) -> tuple[int, ...]:
        return tuple(job.times.minute for job in timetable(host, profile, lambda _: True))

    assert minutes("a", "/p.toml") == minutes("a", "/p.toml")
    assert len({minutes("a", f"/{n}.toml") for n in range(40)}) > 20
    assert len({minutes(f"host-{n}", "/p.toml") for n in range(40)}) > 20


def test_a_command_that_joins_later_moves_no_other() -> None:
    now = timetable("h", "/p.toml", lambda name: name in ("invoices push", "test-connection"))
    later = timetable("h", "/p.toml", lambda _: True)
    assert set(now) < set(later)


# cron


@pytest.mark.long
def test_the_lines_run_from_anywhere_in_cron_s_bare_environment(world: World) -> None:
    folder = world.folder / "it's 50% $HOME"
    folder.mkdir()
    world.set_profile(shop={"path": str(world.shop)})
    world.profile_path = world.profile_path.rename(folder / "my shop.toml")
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    world.drop(an_invoice())
    environment = {
        "BEXSYNC_ACCESS_TOKEN_FILE": str(token),
        "BEXSYNC_STATE_DIR": str(folder / "state"),
        "BEXSYNC_ACCESS_TOKEN": "",
    }
    lines = cron_lines(world, **environment)
    assert [line.partition(".toml' ")[2] for line in lines] == READY
    for line in lines:
        run = by_cron(line, world.folder)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert world.invoice("1001")["kb_item_status_id"] == 8
    assert list((folder / "state").glob("bexio-*.db"))


@pytest.mark.skipif(not shutil.which("crontab"), reason="needs crontab")
def test_the_real_crontab_takes_what_is_printed(world: World) -> None:
    world.set_profile(ledger={"token_store": "keyring"})
    (world.folder / "lines").write_text(called(world, "schedule", "cron").stdout)
    checked = subprocess.run(["crontab", "-T", world.folder / "lines"], capture_output=True, text=True, check=False)
    if "invalid option" in checked.stderr:
        pytest.skip("this crontab cannot check without installing")
    assert checked.returncode == 0, checked.stderr


def test_a_profile_by_name_is_named_unless_it_is_the_default(world: World) -> None:
    profiles = world.folder / "config" / "profiles"
    profiles.mkdir(parents=True)
    for name in ("default", "club"):
        shutil.copy(world.profile_path, profiles / f"{name}.toml")

    def lines(*options: str) -> str:
        return started(world, *options, BEXSYNC_CONFIG_DIR="config").stdout

    assert "--profile" not in lines("schedule", "cron")
    assert f" {BEXSYNC} --profile club invoices push" in lines("--profile", "club", "schedule", "cron")
    assert f"BEXSYNC_CONFIG_DIR={world.folder}/config " in lines("schedule", "cron"), (
        "a relative folder is made absolute"
    )
    assert "bexsync-club-invoices-push.timer" in lines("--profile", "club", "schedule", "systemd")


def test_the_token_never_stands_in_a_schedule_and_the_operator_is_told(world: World) -> None:
    for command in (("cron",), ("systemd",), ("systemd", "--system"), ("cron", "--json"), ("systemd", "--json")):
        run = called(world, "schedule", *command, BEXSYNC_LEDGER__USER="a@b.ch", HTTPS_PROXY="http://me:secret@proxy")
        assert run.returncode == 0
        assert TOKEN not in run.stdout + run.stderr
        assert "secret@" not in run.stdout + run.stderr
        said = run.stderr or " ".join(json.loads(run.stdout)["data"]["notes"])
        assert "The token in BEXSYNC_ACCESS_TOKEN is not written down here" in said
        assert "BEXSYNC_LEDGER__USER will not hold for these jobs" in said
        assert "HTTPS_PROXY may hold a password" in said


def test_the_keyring_s_bus_is_named_only_where_the_login_lies_there(world: World) -> None:
    bus = f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{os.geteuid()}/bus"
    assert bus not in "\n".join(cron_lines(world))
    world.set_profile(ledger={"token_store": "keyring"})
    assert cron_lines(world)[0] == bus
    assert bus in called(world, "schedule", "systemd", "--system").stdout
    assert bus not in called(world, "schedule", "systemd", "--user").stdout


def test_what_was_chosen_at_the_login_says_whether_the_bus_is_needed(world: World) -> None:
    login = {"login_id": "1", "kind": "app", "company_id": "c", "company": "C", "user": "U", "mail": "u@example.ch"}
    record = LoginRecord(str(world.profile_path), store=StoreChoice("keyring"), since=NOW, **login)
    LoginBook(world.folder / "state").keep(record)
    world.set_profile(ledger={"token_store": "file"})
    assert cron_lines(world)[0].startswith("DBUS_SESSION_BUS_ADDRESS=")
    assert not cron_lines(world, BEXSYNC_ACCESS_TOKEN_FILE="/token")[0].startswith("DBUS")


def test_programs_that_keep_the_login_are_found(world: World) -> None:
    tools = world.folder / "tools"
    tools.mkdir()
    (tools / "my-pass").write_text("#!/bin/sh\n")
    (tools / "my-pass").chmod(0o755)
    world.set_profile(ledger={"token_store": "command", "token_command": {"get": ["my-pass", "show"]}})
    push = cron_lines(world, PATH=f"{tools}:{os.environ['PATH']}")[0]
    assert f"PATH={tools}:/usr/local/bin:/usr/bin:/bin " in push
    service = called(world, "schedule", "systemd", "--system", PATH=f"{tools}:{os.environ['PATH']}").stdout
    assert "NoNewPrivileges" not in service


def test_json_says_the_same(world: World) -> None:
    data = json.loads(called(world, "schedule", "cron", "--json").stdout)["data"]
    assert data["lines"] == cron_lines(world)
    assert [job["command"] for job in data["jobs"]] == READY
    assert data["jobs"][0]["call"] == [str(BEXSYNC), "--profile", str(world.profile_path), "invoices", "push"]
    units = json.loads(called(world, "schedule", "systemd", "--json").stdout)["data"]["units"]
    printed = called(world, "schedule", "systemd").stdout
    assert all(content in printed + "\n" for content in units.values())


def test_a_profile_that_cannot_be_read_gets_no_schedule(world: World) -> None:
    world.profile_path.write_text("[shop]\nsite = 3\n")
    run = called(world, "schedule", "cron")
    assert (run.returncode, run.stdout) == (78, "")
    assert "shop.site" in run.stderr


def test_a_path_that_cron_would_cut_or_break_is_refused(world: World) -> None:
    deep = "/nowhere" + 9 * f"/{120 * 'x'}"
    long = called(world, "schedule", "cron", BEXSYNC_STATE_DIR=deep)
    assert (long.returncode, "longer than cron can take" in long.stderr) == (78, True)
    broken = called(world, "schedule", "systemd", BEXSYNC_STATE_DIR="/tmp/a\n[Service]")
    assert (broken.returncode, "cannot be written into a schedule" in broken.stderr) == (78, True)


# systemd


def written(world: World, scope: str, *options: str, **environment: str) -> Path:
    folder = world.folder / f"units {scope}"
    run = called(world, "schedule", "systemd", f"--{scope}", "--write", str(folder), *options, **environment)
    assert run.returncode == 0, run.stderr
    return folder


@needs_systemd
@pytest.mark.parametrize("scope", ["user", "system"])
def test_systemd_finds_nothing_wrong_with_the_units(world: World, scope: str) -> None:
    world.set_profile(ledger={"token_store": "keyring"}, shop={"path": "./my 50% shop"})
    folder = written(world, scope, BEXSYNC_STATE_DIR=str(world.folder / 'the "state" 100%'), BEXSYNC_KEY_FILE="/k y")
    shutil.copy(CONTRIB / "bexsync-alert@.service", folder)
    for service in folder.glob("*.service"):
        service.write_text(service.read_text().replace("#OnFailure", "OnFailure"))
    units = sorted(folder.glob("bexsync-default-*"))
    assert [unit.suffix for unit in units] == [".service", ".timer"] * len(READY)
    runtime = world.folder / "runtime"
    runtime.mkdir()
    verified = subprocess.run(
        ["systemd-analyze", f"--{scope}", "verify", *units],
        env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in verified.stderr.splitlines() if "bexsync" in line]
    assert (verified.returncode, ours) == (0, [])


@needs_systemd
def test_systemd_and_cron_mean_the_same_times() -> None:
    for job in timetable("h", "/p.toml", lambda _: True):
        said = subprocess.run(
            ["systemd-analyze", "calendar", "--base-time=2026-11-16 00:00:00", "--iterations=14", calendar(job.times)],
            env=os.environ | {"TZ": "UTC"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        minute, hours, _, _, weekday = expression(job.times).split()
        found = re.findall(r"(?:Next elapse|Iter\. #\d+): (\w{3}) \S+ (\d\d):(\d\d):00", said)
        assert len(found) == 14
        assert {int(m) for _, _, m in found} == {int(minute)}
        assert {int(h) for _, h, _ in found} == in_cron(hours)
        if weekday != "*":
            assert {day for day, _, _ in found} == {("Mon", "Tue", "Wed", "Thu", "Fri")[int(weekday) - 1]}


def in_cron(hours: str) -> set[int]:
    first, dash, last = hours.partition("/")[0].partition("-")
    step = int(hours.partition("/")[2] or 1)
    return set(range(int(first), int(last) + 1, step)) if dash else {int(hour) for hour in hours.split(",")}


def test_a_service_runs_what_cron_runs(world: World) -> None:
    folder = written(world, "user")
    service = (folder / next(iter(sorted(p.name for p in folder.glob("*push.service"))))).read_text()
    (call,) = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    push = cron_lines(world)[0]
    assert shlex.split(push.split(maxsplit=5)[5])[-len(shlex.split(call)) :] == shlex.split(call)
    assert "SuccessExitStatus=75" in service


def test_units_are_written_once_and_replaced_only_when_told(world: World) -> None:
    folder = written(world, "user")
    again = called(world, "schedule", "systemd", "--user", "--write", str(folder))
    assert again.stdout.startswith(f"0 units written to {folder}, {2 * len(READY)} stood there already.")
    timer = next(iter(folder.glob("*poll.timer")))
    intended = timer.read_text()
    timer.write_text("[Timer]\nOnCalendar=daily\n")
    refused = called(world, "schedule", "systemd", "--user", "--write", str(folder))
    assert (refused.returncode, timer.name in refused.stderr, "--yes" in refused.stderr) == (2, True, True)
    assert timer.read_text() == "[Timer]\nOnCalendar=daily\n"
    written(world, "user", "--yes")
    assert timer.read_text() == intended


def test_a_folder_that_cannot_be_written_is_a_sentence(world: World) -> None:
    (world.folder / "file").write_text("")
    run = called(world, "schedule", "systemd", "--write", str(world.folder / "file" / "units"))
    assert run.returncode == 78
    assert "cannot be used: Not a directory. Name another folder" in run.stderr
