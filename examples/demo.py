"""The demo: a local bexio, the login, an agency's invoices, a person who pays, and everything twice.

It runs the installed `bexsync` as anybody would, and shows every command before it runs it. With --browser you log in
yourself; without, a script plays you.
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
USUAL_CALLBACK_PORT = 27182
CLIENT_ID, CLIENT_SECRET = "bexsync-demo", "demo-secret"
TERMINAL = sys.stdout.isatty()
BY_HAND = "--browser" in sys.argv
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if TERMINAL and "NO_COLOR" not in os.environ else ("", "", "")


def main() -> None:
    """Plays the demo and leaves a folder to play on with."""
    make_folder()
    port, callback_port = free_port(USUAL_PORT), free_port(USUAL_CALLBACK_PORT)
    os.environ["BEXSYNC_STATE_DIR"] = str((FOLDER / "state").resolve())
    for variable in ("BEXSYNC_ACCESS_TOKEN", "BEXSYNC_ACCESS_TOKEN_FILE"):
        os.environ.pop(variable, None)  # they would speak over the login
    redirect_uri = f"http://127.0.0.1:{callback_port}/callback"
    write_profile(port, redirect_uri)
    server = start_sandbox(port)
    try:
        log_in(port, redirect_uri)
        play(port)
    finally:
        server.terminate()
        server.wait(10)
    play_on(port)


def log_in(port: int, redirect_uri: str) -> None:
    """The real login: browser, consent, and back."""
    person(port, "register_app", client_id=CLIENT_ID, secret=CLIENT_SECRET, redirect_uris=[redirect_uri])
    secret = FOLDER / "client-secret"
    secret.touch(mode=0o600)
    secret.write_text(CLIENT_SECRET)
    if BY_HAND:
        if os.environ.get("BROWSER") == "1":  # what was said to make is no browser
            del os.environ["BROWSER"]
        tell("Log in as anybody; the password is sandbox. Then allow it.")
    else:
        tell("First the login. A script plays the person in the browser; `make demo BROWSER=1` lets you do it.")
        os.environ["BROWSER"] = f"{sys.executable} {HERE / 'visitor.py'} %s"
    arguments = ("--client-id", CLIENT_ID, "--client-secret-file", str(secret), "--token-store", "file")
    bexsync("auth", "login", *arguments)
    bexsync("auth", "status")
    tell("Is everything set up? One contact and one draft are created, compared to the Rappen, and put away again:")
    bexsync("test-connection", "--yes")


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
    paid, partly, cancelled = (books(port)["invoices"][at] for at in (0, 2, 4))
    numbers = [invoice["document_nr"] for invoice in (paid, partly, cancelled)]
    tell("Meanwhile, in bexio: the bank pays {}, {} is paid in part, {} is cancelled.".format(*numbers))
    person(port, "pay", invoice_id=paid["id"])
    person(port, "pay", invoice_id=partly["id"], amount="500")
    person(port, "cancel", invoice_id=cancelled["id"])
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
    say(f"  export BEXSYNC_STATE_DIR=$PWD/{FOLDER}/state")
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


def write_profile(port: int, redirect_uri: str) -> None:
    """The agency's profile, with the sandbox as its bexio."""
    text = (HERE / "agency" / "profile.toml").read_text(encoding="utf-8")
    commented = '# api_url = "http://127.0.0.1:8765"'
    if commented not in text:
        sys.exit("demo: examples/agency/profile.toml has changed; the line for the sandbox is missing.")
    sandbox = f"http://127.0.0.1:{port}"
    keys = {
        "api_url": sandbox,
        "web_url": f"{sandbox}/sandbox",
        "issuer": f"{sandbox}/realms/bexio",
        "redirect_uri": redirect_uri,
    }
    text = text.replace(commented, "\n".join(f'{name} = "{value}"' for name, value in keys.items()))
    (FOLDER / "agency.toml").write_text(text, encoding="utf-8")


def free_port(usual: int) -> int:
    """The usual port, or any other when it is taken."""
    for port in (usual, 0):
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
    return int(books(port)["requests"]["writes"])


def books(port: int) -> dict[str, Any]:
    """What stands in the sandbox's books now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sandbox/api/state", timeout=10) as answer:
        return dict(json.load(answer))


def tell(text: str) -> None:
    """A sentence of the story."""
    say(f"\n{text}")


def say(text: str) -> None:
    """A line, shown before the next command prints its own."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
