"""The demo: a local bexio, an agency's invoices, a person who pays, and everything twice.

It runs the installed `bexsync` as anybody would, and shows every command before it runs it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = Path("demo")
MARK = FOLDER / ".made-by-bexsync-demo"
BEXSYNC = Path(sys.executable).with_name("bexsync")
USUAL_PORT = 8765
TOKEN = "sandbox-token"
TERMINAL = sys.stdout.isatty()
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if TERMINAL and "NO_COLOR" not in os.environ else ("", "", "")


def main() -> None:
    """Plays the demo and leaves a folder to play on with."""
    make_folder()
    port = free_port()
    os.environ |= {
        "BEXSYNC_STATE_DIR": str((FOLDER / "state").resolve()),
        "BEXSYNC_ACCESS_TOKEN": TOKEN,
    }
    write_profile(port)
    server = start_sandbox(port)
    try:
        play(port)
    finally:
        server.terminate()
        server.wait(10)
    play_on(port)


def play(port: int) -> None:
    """The story."""
    tell("An agency drops its approved invoices into a folder. First only look at what would happen:")
    bexsync("invoices", "push", "--dry-run")
    tell("Now for good: contacts are found or made, invoices created, checked to the Rappen, and mailed by bexio.")
    bexsync("invoices", "push")
    tell("The same again. Everything is there already, so nothing is asked and nothing is written:")
    writes = count_writes(port)
    bexsync("invoices", "push")
    tell("Has anybody paid? Not yet:")
    bexsync("payments", "poll")
    tell("Meanwhile, in bexio: the bank pays RE-00001, RE-00003 is paid in part, RE-00005 is cancelled.")
    person(port, "pay", invoice_id=1)
    person(port, "pay", invoice_id=3, amount="500")
    person(port, "cancel", invoice_id=5)
    bexsync("payments", "poll")
    tell("And once more. The shop has been told, so it is not told again:")
    bexsync("payments", "poll")
    bexsync("invoices", "list")
    made = count_writes(port) - writes
    tell(f"Requests that changed anything in bexio since the first push: {made}.")
    if made:
        sys.exit("demo: a second run wrote something; that must not happen.")


def play_on(port: int) -> None:
    """What a person can do now."""
    tell("Play on:")
    serve = f"bexsync sandbox serve --port {port} --data {FOLDER}/books.db"
    say(f"  {serve} &      then look at http://127.0.0.1:{port}/sandbox")
    say(f"  export BEXSYNC_ACCESS_TOKEN={TOKEN} BEXSYNC_STATE_DIR=$PWD/{FOLDER}/state")
    say(f"  cp examples/bad-input/unknown-currency.json {FOLDER}/shop/in/")
    say(f"  bexsync -p {FOLDER}/agency.toml invoices push")
    say(f"  (bexsync is {BEXSYNC}; what the shop was told lies in {FOLDER}/shop/out)")


def make_folder() -> None:
    """A fresh folder; one that somebody else made is left alone."""
    if FOLDER.exists():
        if not MARK.exists():
            sys.exit(f"demo: there is a folder {FOLDER}/ that this demo did not make; move it away.")
        shutil.rmtree(FOLDER)
    (FOLDER / "shop" / "in").mkdir(parents=True)
    MARK.touch()
    for file in sorted((HERE / "agency" / "invoices").iterdir()):
        target = FOLDER / "shop" / "in" / file.name
        shutil.copyfile(file, target)
        an_hour_ago = time.time() - 3600  # younger files are left alone, since somebody may still be writing them
        os.utime(target, (an_hour_ago, an_hour_ago))


def write_profile(port: int) -> None:
    """The agency's profile, with the sandbox as its bexio."""
    text = (HERE / "agency" / "profile.toml").read_text(encoding="utf-8")
    commented = '# api_url = "http://127.0.0.1:8765"'
    if commented not in text:
        sys.exit("demo: examples/agency/profile.toml has changed; the line for the sandbox is missing.")
    text = text.replace(commented, f'api_url = "http://127.0.0.1:{port}"\nweb_url = "http://127.0.0.1:{port}/sandbox"')
    (FOLDER / "agency.toml").write_text(text, encoding="utf-8")


def free_port() -> int:
    """The usual port, or any other when it is taken."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(attempt.getsockname()[1])
    sys.exit("demo: there is no free port on 127.0.0.1.")


def start_sandbox(port: int) -> subprocess.Popen[str]:
    """A local bexio in a process of its own."""
    command = ["sandbox", "serve", "--port", str(port), "--data", str(FOLDER / "books.db")]
    say(f"\n{BOLD}$ bexsync {' '.join(command)} &{PLAIN}")
    server = subprocess.Popen([BEXSYNC, *command], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    first = server.stdout.readline()
    if not first:
        sys.exit("demo: the sandbox did not start.")
    say(f"{DIM}{first.strip()}{PLAIN}")
    return server


def bexsync(*arguments: str) -> None:
    """Shows a command, runs it, and ends the demo if it fails."""
    say(f"\n{BOLD}$ bexsync -p {FOLDER}/agency.toml {' '.join(arguments)}{PLAIN}")
    quiet_without_terminal = arguments[-1] in ("push", "poll") and not TERMINAL
    shown = [*arguments, "-v"] if quiet_without_terminal else list(arguments)
    done = subprocess.run([BEXSYNC, "-p", FOLDER / "agency.toml", *shown], check=False)
    if done.returncode:
        sys.exit(f"demo: that ended with {done.returncode}.")


def person(port: int, action: str, **values: Any) -> None:
    """Does in the sandbox what a person does in bexio."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/sandbox/api/{action}",
        data=json.dumps(values).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def count_writes(port: int) -> int:
    """How many requests so far could have changed the books."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sandbox/api/state", timeout=10) as answer:
        return int(json.load(answer)["requests"]["writes"])


def tell(text: str) -> None:
    """A sentence of the story."""
    say(f"\n{text}")


def say(text: str) -> None:
    """A line, shown before the next command prints its own."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
