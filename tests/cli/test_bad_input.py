"""Bad input of every kind, through the installed program; docs/bad-input.md is what these runs really say.

After a change of words: BEXSYNC_WRITE_DOCS=1 pytest tests/cli/test_bad_input.py -n0
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from bexio_sandbox import Sandbox
from bexio_sandbox.server import serving
from front_door import called
from world import BEXSYNC, World, an_invoice

ROOT = Path(__file__).parent.parent.parent
CORPUS = ROOT / "examples" / "bad-input"
PAGE = ROOT / "docs" / "bad-input.md"
PUSH = ("invoices", "push")


@dataclass(frozen=True)
class Said:
    """What one run came to: its exit code and the sentence with what to do."""

    code: int
    sentence: str


def said_by(world: World, *command: str, powerless: bool = False, **environment: str) -> Said:
    """The one error of a run, free of paths that differ from run to run; `powerless` gives up what root may do."""
    arguments = (*(command or PUSH), "--json")
    run = without_privileges(world, *arguments) if powerless else called(world, *arguments, **environment)
    assert run.stderr == ""
    envelope = json.loads(run.stdout)
    assert envelope["exit_code"] == run.returncode
    (error,) = envelope["errors"]
    return Said(run.returncode, anonymous(world, f"{error['message']} {error['hint']}".strip()))


def without_privileges(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the program says to a user whom the rights of files concern, which they do not for root."""
    prefix = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    return subprocess.run(
        [*prefix, BEXSYNC, "--profile", world.profile_path, *arguments],
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def anonymous(world: World, text: str) -> str:
    for path, name in (
        (str(world.folder / "state"), "STATE"), (str(world.shop), "SHOP"), (str(world.folder), "…"), (world.url, "URL"),
    ):  # fmt: skip
        text = text.replace(path, name)
    return text


# what lies in the shop folder


@contextmanager
def dropped(world: World, name: str, content: bytes) -> Iterator[None]:
    world.drop(an_invoice("good"), name="good.json")
    world.drop_bytes(content, name)
    yield


def garbage(world: World) -> Said:
    noise = b"".join(bytes((i * 7 + j) % 256 for j in range(256)) for i in range(256)) * 160
    assert len(noise) > 10_000_000
    with dropped(world, "garbage.json", noise):
        return said_by(world)


def endless_line(world: World) -> Said:
    with dropped(world, "garbage.ndjson", b"{" * 10_000_000):
        return said_by(world)


def duplicate(world: World) -> Said:
    twins = [an_invoice("1"), an_invoice("1", title="another")]
    lines = [json.dumps({"schema": "bexsync/1", "kind": "invoice", **twin}) for twin in twins]
    with dropped(world, "twins.ndjson", "\n".join(lines).encode()):
        said = said_by(world)
    assert [i["api_reference"] for i in world.invoices()] == ["bexsync:main:invoice:good"]
    assert (world.shop / "failed" / "twins.ndjson.error.txt").exists()
    return said


def bad_line(**changes: Any) -> bytes:
    return json.dumps({"schema": "bexsync/1", "kind": "invoice", **an_invoice("bad", **changes)}).encode()


def unreadable_file(world: World) -> Said:
    world.drop(an_invoice("good"), name="good.json")
    world.drop(an_invoice("secret"), name="secret.json").chmod(0)
    return said_by(world, powerless=True)


def left_in(name: str, content: bytes = b"") -> Callable[[World], Said]:
    def dropped_beside_a_good_one(world: World) -> Said:
        with dropped(world, name, content):
            return said_by(world)

    return dropped_beside_a_good_one


def link_to_a_file(world: World) -> Said:
    world.drop(an_invoice("good"), name="good.json")
    (world.shop / "in" / "link.json").symlink_to(world.profile_path)
    return said_by(world)


def folder_of_files(world: World) -> Said:
    world.drop(an_invoice("good"), name="good.json")
    world.drop(an_invoice("inner"), name="2026-11/inner.json")
    return said_by(world)


def broken_off(world: World) -> Said:
    with dropped(world, "export.json.part", b"{"):
        os.utime(world.shop / "in" / "export.json.part", (0, 0))
        said = said_by(world)
    return Said(said.code, re.sub(r"last changed \d+ days ago", "last changed 3 days ago", said.sentence))


def another_users_folder(world: World) -> Said:
    world.push()
    (world.shop / "out").rename(world.folder / "elsewhere")
    (world.shop / "out").symlink_to(world.folder / "elsewhere")
    if os.geteuid() != 0:
        pytest.skip("only root can give a link to another user")
    os.chown(world.shop / "out", 65534, 65534, follow_symlinks=False)
    return said_by(world, powerless=True)


# folders and disks


def closed_shop(world: World) -> Said:
    world.drop(an_invoice())
    (world.shop / "in").chmod(0o555)
    try:
        return said_by(world, powerless=True)
    finally:
        (world.shop / "in").chmod(0o755)


def closed_state(world: World) -> Said:
    (world.folder / "state").mkdir(mode=0o555)
    return said_by(world, powerless=True)


def closed_state_later(world: World) -> Said:
    world.push()
    for path in (world.folder / "state", *(world.folder / "state").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    world.drop(an_invoice())
    return said_by(world, powerless=True)


@contextmanager
def full_disk(world: World, name: str) -> Iterator[Path]:
    """A tiny disk in the place of a folder, filled to the last byte."""
    folder = world.folder / name
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def full_shop(world: World) -> Said:
    with full_disk(world, "shop") as folder:
        world.push()  # the folder is this shop's already
        world.drop(an_invoice())
        fill(folder)
        said = said_by(world)
        assert len(world.invoices()) == 1
        (folder / "ballast").unlink()
        assert called(world, *PUSH).returncode == 0
        assert [e["event"] for e in world.events()] == ["sent"]
    assert len(world.sandbox.mails) == 1
    return said


def full_state(world: World) -> Said:
    world.drop(an_invoice())
    with full_disk(world, "state") as folder:
        fill(folder)
        said = said_by(world)
        assert world.invoices() == []
        (folder / "ballast").unlink()
        assert called(world, *PUSH).returncode == 0
    assert len(world.invoices()) == 1
    return said


def no_shop(world: World) -> Said:
    shutil.rmtree(world.shop)
    return said_by(world)


# profiles, tokens, the way to bexio


def profile_text(text: str) -> Callable[[World], Said]:
    def wrong(world: World) -> Said:
        world.profile_path.write_text(text)
        return said_by(world)

    return wrong


def no_profile(world: World) -> Said:
    world.profile_path.unlink()
    return said_by(world)


def closed_profile(world: World) -> Said:
    world.profile_path.chmod(0)
    return said_by(world, powerless=True)


def other_site(world: World) -> Said:
    world.push()
    world.set_profile(shop={"site": "branch"})
    return said_by(world)


def other_site_in_a_list(world: World) -> Said:
    world.push()
    world.set_profile(shop={"site": "branch"})
    return said_by(world, "invoices", "list")


def shared_site(world: World) -> Said:
    world.push()
    shutil.copy(world.profile_path, world.folder / "second.toml")
    world.profile_path = world.folder / "second.toml"
    return said_by(world)


def no_token(world: World) -> Said:
    return said_by(world, BEXSYNC_ACCESS_TOKEN="")


def no_token_file(world: World) -> Said:
    return said_by(world, BEXSYNC_ACCESS_TOKEN="", BEXSYNC_ACCESS_TOKEN_FILE=str(world.folder / "none"))


def wrong_token(world: World) -> Said:
    world.drop(an_invoice())
    return said_by(world, BEXSYNC_ACCESS_TOKEN="wrong-token")


def other_company(world: World) -> Said:
    """The answer comes after the two requests that tell companies apart, and nothing else is asked."""
    world.push()
    other = Sandbox(token="other-token", rate_limits=False)
    asked: list[str] = []

    def another(environ: Any, start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        answer = Response.from_app(other.app, environ)
        if environ["PATH_INFO"] == "/2.0/accounts":
            rows = json.loads(answer.get_data())
            answer.set_data(json.dumps([{**row, "uuid": row["uuid"][::-1]} for row in rows]))
        if environ["PATH_INFO"] == "/2.0/company_profile":
            answer.set_data(json.dumps([{**json.loads(answer.get_data())[0], "name": "Other Ltd"}]))
        return answer(environ, start_response)

    with serving(another, 0, None) as url:
        said = said_by(world, BEXSYNC_ACCESS_TOKEN="other-token", BEXSYNC_LEDGER__API_URL=url)
    other.close()
    assert set(asked) == {"/2.0/company_profile", "/2.0/accounts"}
    return said


def open_http(world: World) -> Said:
    return said_by(world, BEXSYNC_LEDGER__API_URL="http://api.bexio.com")


def no_bexio(world: World) -> Said:
    def website(environ: Any, start_response: Any) -> Any:
        return Response("<html>Welcome</html>", content_type="text/html")(environ, start_response)

    with serving(website, 0, None) as url:
        world.set_profile(ledger={"api_url": f"{url}"}, engine={"timeout_seconds": 0.2})
        return said_by(world)


@dataclass(frozen=True)
class Case:
    """Something bad, how it comes about, and what is to come of it."""

    what: str
    run: Callable[[World], Said]
    code: int
    needs_mount: bool = False
    others_go_on: bool = False


CASES = (
    Case("10 MB of garbage", garbage, 1, others_go_on=True),
    Case("a line of 10 MB", endless_line, 1, others_go_on=True),
    Case("one id twice in a file, with different content", duplicate, 1, others_go_on=True),
    Case("a file that may not be read", unreadable_file, 1, others_go_on=True),
    Case("a spreadsheet of a format that is not read", left_in("Rechnungen.ods", b"PK"), 1, others_go_on=True),
    Case("a PDF", left_in("R-1.pdf", b"%PDF"), 1, others_go_on=True),
    Case("a link in in/", link_to_a_file, 1, others_go_on=True),
    Case("a folder with files in in/", folder_of_files, 1, others_go_on=True),
    Case("an upload that was broken off", broken_off, 1, others_go_on=True),
    Case("another user's link in the place of out/", another_users_folder, 78),
    Case("no shop folder", no_shop, 78),
    Case("a shop folder that may not be written", closed_shop, 78),
    Case("a full disk under the shop folder", full_shop, 75, needs_mount=True),
    Case("a state folder that may not be written, at first", closed_state, 78),
    Case("a state that may not be written any more", closed_state_later, 78),
    Case("a full disk under the state", full_state, 75, needs_mount=True),
    Case("no profile", no_profile, 78),
    Case("a profile that may not be read", closed_profile, 78),
    Case("broken TOML", profile_text("[ledger\n"), 78),
    Case("an unknown key", profile_text('[ledger]\ncurency = "CHF"\n'), 78),
    Case("a value of the wrong type", profile_text('[invoices]\ndue_days = "thirty"\n'), 78),
    Case("another site than before", other_site, 78),
    Case("another site than before, in a list", other_site_in_a_list, 78),
    Case("two profiles with one site", shared_site, 78),
    Case("no token", no_token, 77),
    Case("no token in the file that was named", no_token_file, 77),
    Case("a token that bexio does not know", wrong_token, 77),
    Case("a token of another company", other_company, 78),
    Case("http:// to another computer", open_http, 78),
)


def good_was_pushed(world: World) -> bool:
    return any(i["api_reference"] == "bexsync:main:invoice:good" for i in world.invoices())


def in_a_row(said: Said) -> str:
    return said.sentence.replace("|", "\\|")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_one_clear_sentence_and_the_right_exit_code(world: World, case: Case) -> None:
    if case.needs_mount and os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    said = case.run(world)
    assert said.code == case.code
    assert good_was_pushed(world) == case.others_go_on
    compare_with_page(case.what, said)


def compare_with_page(what: str, said: Said) -> None:
    row = f"| {what} | {said.code} | {in_a_row(said)} |"
    if os.environ.get("BEXSYNC_WRITE_DOCS"):
        rewrite(what, row)
    assert row in PAGE.read_text().splitlines()


def rewrite(what: str, row: str) -> None:
    lines = PAGE.read_text().splitlines()
    places = [n for n, line in enumerate(lines) if line.startswith(f"| {what} |")]
    if places:
        lines[places[0]] = row
    else:  # a new case becomes the last row of its table; the first is that of single files, where others go on
        tables = "\n".join(lines).split("\n## ")
        end = len(lines) if " | 1 | " not in row else sum(part.count("\n") + 1 for part in tables[:2])
        lines.insert(max(n for n in range(end) if lines[n].startswith("| ")) + 1, row)
    PAGE.write_text("\n".join(lines) + "\n")


# the corpus, all at once


def test_every_file_of_the_corpus_is_one_sentence_and_the_good_ones_are_pushed(world: World) -> None:
    files = sorted(path for path in CORPUS.iterdir() if path.name != "README.md")
    for path in files:
        shutil.copy(path, world.shop / "in" / path.name)
    run = called(world, "invoices", "push", "--json")
    envelope = json.loads(run.stdout)
    assert (run.returncode, run.stderr) == (1, "")
    good = {o["shop_id"] for o in envelope["data"]["outcomes"] if o["status"] == "done"}
    assert {f"{path.stem}-good" for path in files if f'"{path.stem}-good"' in path.read_text(errors="replace")} <= good
    listed = json.loads(called(world, "errors", "--json").stdout)["data"]["errors"]
    for path in files:
        mine = [e for e in listed if path.name in f"{e['place']} {e['message']}"]
        assert len(mine) == 1, path.name
        compare_with_page(f"`{path.name}`", Said(1, f"{mine[0]['message']} {mine[0]['hint']}"))


def test_a_file_that_vanishes_after_it_was_claimed_harms_nobody(world: World) -> None:
    world.drop(an_invoice("blocked", currency="XXX"), name="blocked.json")
    world.push()
    (world.shop / "work" / "blocked.json").unlink()
    world.drop(an_invoice("good"), name="good.json")
    run = called(world, *PUSH)
    assert run.returncode == 1  # what it said is still known, and still blocked
    assert good_was_pushed(world)
    assert "bexio has no currency XXX." in run.stderr


def test_the_page_has_no_row_too_many() -> None:
    rows = [line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    known = {case.what for case in CASES} | {f"`{p.name}`" for p in CORPUS.iterdir() if p.name != "README.md"}
    assert sorted(set(rows) - known) == ["what"]
    assert len(rows) == len(known) + 2
