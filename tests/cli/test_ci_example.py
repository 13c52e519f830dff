"""examples/ci.sh as a CI runs it, once for every exit code it knows."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from world import BEXSYNC, TOKEN, World, an_invoice

SCRIPT = Path(__file__).parents[2] / "examples" / "ci.sh"
SHELLS = [name for name in ("sh", "dash", "bash", "busybox") if shutil.which(name)]
TOOLS = ("sh", "cat", "mkdir")


def job(world: World, *, tools: tuple[str, ...] = ("jq",), **environment: str) -> subprocess.CompletedProcess[str]:
    """The script with nothing but these programs at hand, beside the installed bexsync."""
    programs = world.folder / "programs"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir()
    (programs / "bexsync").symlink_to(BEXSYNC)
    for name in (*TOOLS, *tools):
        found = sys.executable if name == "python3" else shutil.which(name)
        if found is None:
            pytest.skip(f"needs {name}")
        (programs / name).symlink_to(found)
    given = {"PATH": str(programs), "BEXSYNC_PROFILE": str(world.profile_path)}
    return subprocess.run(
        [SCRIPT],
        cwd=world.folder,
        env=world.environment | given | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def artefact(world: World, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((world.folder / "artefacts" / f"{name}.json").read_text())
    return found


@pytest.mark.long
def test_all_is_well_and_the_results_are_kept(world: World) -> None:
    world.drop(an_invoice())
    run = job(world)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "config check: done\ninvoices push: done\npayments poll: done\n"
    assert world.invoice("1001")["kb_item_status_id"] == 8
    assert artefact(world, "invoices-push")["data"]["counts"] == {"done": 1}  # type: ignore[index]
    assert artefact(world, "payments-poll")["status"] == "ok"
    with sqlite3.connect(next((world.folder / "state").glob("bexio-*.db"))) as state:
        host = state.execute("SELECT value FROM meta WHERE key = 'host'").fetchone()
    assert host == ("ci",), "the next job runs on another machine"
    assert TOKEN not in "".join(path.read_text() for path in (world.folder / "artefacts").iterdir())


@pytest.mark.parametrize("tool", ["jq", *(pytest.param(t, marks=pytest.mark.slow) for t in ("python3", ""))])
def test_failed_records_are_warnings_and_the_rest_goes_on(world: World, tool: str) -> None:
    world.drop(an_invoice("good"), an_invoice("bad", currency="XXX"))
    run = job(world, tools=(tool,) if tool else (), PARTIAL_EXIT_CODE="3" if tool == "jq" else "")
    assert run.returncode == (3 if tool == "jq" else 0)
    assert "payments poll: done" in run.stdout
    first, sentence = run.stderr.splitlines()
    assert first == "WARNING: invoices push: some records failed, the others are done."
    assert "bexio has no currency XXX." in sentence
    assert sentence.startswith("WARNING: bad bexio has no currency" if tool else 'WARNING: {"bexsync": ')
    assert world.invoice("good")


def test_trying_later_is_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEXSYNC_HOST", "ci")
    with world.workspace() as workspace, workspace.locks.job("invoices push"):
        run = job(world)
    assert (run.returncode, run.stderr) == (0, "")
    said = "invoices push: put off; the next job goes on from here. Another `invoices push` of this site is running."
    assert said in run.stdout
    assert "payments poll: done" in run.stdout
    assert artefact(world, "invoices-push")["exit_code"] == 75


@pytest.mark.parametrize(
    "token", [pytest.param("no-such-token", marks=pytest.mark.long), pytest.param("", marks=pytest.mark.slow)]
)
def test_a_bad_token_fails_with_what_to_do(world: World, token: str) -> None:
    run = job(world, BEXSYNC_ACCESS_TOKEN=token)
    assert run.returncode == 77
    assert run.stderr.startswith("invoices push: the token is missing or no longer good; renew the secret")
    assert not (world.folder / "artefacts" / "payments-poll.json").exists()


def test_a_wrong_profile_fails_before_anything_is_asked(world: World) -> None:
    world.set_profile(ledger={"curency": "CHF"})
    run = job(world)
    assert run.returncode == 78
    assert run.stderr.startswith("config check: a person must correct this first. The profile ")
    assert "Did you mean `currency`?" in run.stderr
    assert world.sandbox.requests == []


@pytest.mark.slow
def test_a_plan_over_its_limits_fails(world: World) -> None:
    world.set_profile(limits={"documents": 0})
    world.drop(an_invoice())
    run = job(world)
    assert run.returncode == 78
    assert run.stderr.startswith("invoices push: a person must correct this first. ")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_can_read_it(shell: str) -> None:
    call = ["busybox", "sh"] if shell == "busybox" else [shell]
    assert subprocess.run([*call, "-n", SCRIPT], capture_output=True, check=False).stderr == b""


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
def test_shellcheck_finds_nothing() -> None:
    checked = subprocess.run(["shellcheck", "--shell=sh", SCRIPT], capture_output=True, text=True, check=False)
    assert checked.stdout == ""
