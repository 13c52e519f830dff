"""The demo: a local bexio, an agency's invoices, a person who pays, a web shop's products and orders, all of it twice.

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
import webbrowser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = Path("demo")
MARK = FOLDER / ".made-by-bexsync-demo"
AGENCY, WEB_SHOP = FOLDER / "agency.toml", FOLDER / "web-shop.toml"
SECRET = FOLDER / "client-secret"
STOCK = FOLDER / "web-shop" / "out" / "stock.csv"
BEXSYNC = Path(sys.executable).with_name("bexsync")
USUAL_PORT = 8765
USUAL_CALLBACK_PORT = 27182
DAY_OF_ORDERS = "2026-11-27"  # in the examples; the demo writes yesterday, since old orders are mailed to nobody
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
    write_profile(AGENCY, "./shop", port, redirect_uri)
    write_profile(WEB_SHOP, "./web-shop", port, redirect_uri)
    server = start_sandbox(port)
    try:
        choose_person()
        register_app(port, redirect_uri)
        play_invoices(port)
        play_products(port)
        play_orders(port)
    finally:
        server.terminate()
        server.wait(10)
    play_on(port)


def choose_person() -> None:
    """Whoever starts the demo logs in, or a script does."""
    if BY_HAND:
        if os.environ.get("BROWSER") == "1":  # what was said to make is no browser
            del os.environ["BROWSER"]
        if has_browser():
            tell("Log in as anybody; the password is sandbox. Then allow it.")
            return
        tell("There is no browser on this computer, so a script plays the person in it.")
    else:
        tell("First the login. A script plays the person in the browser; `make demo BROWSER=1` lets you do it.")
    os.environ["BROWSER"] = f"{sys.executable} {HERE / 'visitor.py'} %s"


def has_browser() -> bool:
    """Whether a person could log in here."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def register_app(port: int, redirect_uri: str) -> None:
    """Does what a developer does in bexio's portal."""
    person(port, "register_app", client_id=CLIENT_ID, secret=CLIENT_SECRET, redirect_uris=[redirect_uri])
    SECRET.touch(mode=0o600)
    SECRET.write_text(CLIENT_SECRET)


def log_in(profile: Path) -> None:
    """The real login: browser, consent, and back."""
    arguments = ("--client-id", CLIENT_ID, "--client-secret-file", str(SECRET), "--token-store", "file")
    bexsync(profile, "auth", "login", *arguments)


def play_invoices(port: int) -> None:
    """An agency bills, and its customers pay."""
    log_in(AGENCY)
    bexsync(AGENCY, "auth", "status")
    tell("Is everything set up? One contact and one draft are created, compared to the Rappen, and put away again:")
    bexsync(AGENCY, "test-connection", "--yes")
    tell("An agency drops its approved invoices into a folder. First only look at what would happen:")
    bexsync(AGENCY, "invoices", "push", "--dry-run")
    tell("Now for good: contacts are found or made, invoices created, checked to the Rappen, and mailed by bexio.")
    bexsync(AGENCY, "invoices", "push")
    tell("The same again. Everything is there already, so nothing is asked and nothing is written:")
    writes = count_writes(port)
    bexsync(AGENCY, "invoices", "push")
    tell("Has anybody paid? Not yet:")
    bexsync(AGENCY, "payments", "poll")
    paid, partly, cancelled = (books(port)["invoices"][at] for at in (0, 2, 4))
    numbers = [invoice["document_nr"] for invoice in (paid, partly, cancelled)]
    tell("Meanwhile, in bexio: the bank pays {}, {} is paid in part, {} is cancelled.".format(*numbers))
    person(port, "pay", invoice_id=paid["id"])
    person(port, "pay", invoice_id=partly["id"], amount="500")
    person(port, "cancel", invoice_id=cancelled["id"])
    bexsync(AGENCY, "payments", "poll")
    tell("And once more. The shop has been told, so it is not told again:")
    bexsync(AGENCY, "payments", "poll")
    bexsync(AGENCY, "invoices", "list")
    refuse_writes(port, writes, "the first push")


def play_products(port: int) -> None:
    """A web shop's products become items, and bexio's stock comes back."""
    tell("Now a web shop of the same company: its products become items in bexio. It logs in for rights of its own.")
    log_in(WEB_SHOP)
    tell("Which tax stands for which rate of the shop? What has one answer is taken:")
    bexsync(WEB_SHOP, "vat", "map", "--yes")
    tell("Is anything in the way, and what would happen to the first two?")
    bexsync(WEB_SHOP, "products", "check")
    bexsync(WEB_SHOP, "products", "sync", "--dry-run", "--limit", "2")
    tell("For good, and the same again:")
    bexsync(WEB_SHOP, "products", "sync")
    writes = count_writes(port)
    bexsync(WEB_SHOP, "products", "sync")
    item = next(item for item in books(port, "items") if item["is_stock"])
    tell(f"Meanwhile, in bexio, somebody takes two of {item['intern_code']} out of the stock. The shop is told, once:")
    person(port, "book_stock", item_id=item["id"], amount="-2")
    bexsync(WEB_SHOP, "stock", "pull")
    told = STOCK.read_text(encoding="utf-8")
    bexsync(WEB_SHOP, "stock", "pull")
    bexsync(WEB_SHOP, "products", "list")
    say(f"\n{BOLD}$ cat {STOCK}{PLAIN}\n{told.rstrip()}")
    refuse_writes(port, writes, "the first sync")
    if STOCK.read_text(encoding="utf-8") != told:
        sys.exit("demo: a second run told the shop something; that must not happen.")


def play_orders(port: int) -> None:
    """The web shop's orders: one is placed, paid and shipped, one is paid at once and refunded, one is cancelled."""
    tell("The same shop's orders. What each status starts stands in the profile:")
    bexsync(WEB_SHOP, "orders", "rules")
    tell("Three were placed: goods by TWINT, a course that is paid already, gloves on account. What would be done?")
    drop_orders("placed")
    bexsync(WEB_SHOP, "orders", "sync", "--dry-run")
    bexsync(WEB_SHOP, "orders", "sync")
    tell("In the evening the first is paid and shipped, a place of the course is refunded, the gloves are cancelled.")
    drop_orders("later")
    bexsync(WEB_SHOP, "orders", "sync")
    tell("bexio lets nobody but a person write a credit note, so the refund is on a list, with what to credit where:")
    bexsync(WEB_SHOP, "orders", "refunds")
    tell("And the same again, twice:")
    writes = count_writes(port)
    bexsync(WEB_SHOP, "orders", "sync")
    drop_orders("later")
    bexsync(WEB_SHOP, "orders", "sync")
    bexsync(WEB_SHOP, "orders", "list")
    refuse_writes(port, writes, "the evening")


def drop_orders(when: str) -> None:
    """The shop writes how its orders stand."""
    folder = FOLDER / "web-shop" / "in"
    copy_files(HERE / "web-shop" / "orders" / when, folder)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    for file in folder.iterdir():
        if file.is_file():
            written = file.stat().st_mtime
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(DAY_OF_ORDERS, yesterday), encoding="utf-8")
            os.utime(file, (written, written))


def refuse_writes(port: int, before: int, since: str) -> None:
    """Ends the demo if a run that should have found nothing to do wrote something."""
    made = count_writes(port) - before
    tell(f"Requests that changed anything in bexio since {since}: {made}.")
    if made:
        sys.exit("demo: a second run wrote something; that must not happen.")


def play_on(port: int) -> None:
    """What a person can do now."""
    tell("Play on:")
    serve = f"bexsync sandbox serve --port {port} --data {FOLDER}/books.db"
    say(f"  {serve} &      then look at http://127.0.0.1:{port}/sandbox")
    say(f"  export BEXSYNC_STATE_DIR=$PWD/{FOLDER}/state")
    say(f"  cp examples/bad-input/unknown-currency.json {FOLDER}/shop/in/")
    say("  sleep 6      since files are taken five seconds after they were last written")
    say(f"  bexsync -p {AGENCY} invoices push")
    say(f"  or change a price in {FOLDER}/web-shop/catalog/products.csv, wait as long, and")
    say(f"  bexsync -p {WEB_SHOP} products sync")
    say(f"  (bexsync is {BEXSYNC}; what the shops were told lies in {FOLDER}/shop/out and {FOLDER}/web-shop/out)")


def make_folder() -> None:
    """A fresh folder; one that somebody else made is left alone."""
    if FOLDER.exists():
        if not MARK.exists():
            sys.exit(f"demo: there is a folder {FOLDER}/ that this demo did not make; move it away.")
        shutil.rmtree(FOLDER)
    MARK.parent.mkdir()
    MARK.touch()
    copy_files(HERE / "agency" / "invoices", FOLDER / "shop" / "in")
    copy_files(HERE / "web-shop" / "catalog", FOLDER / "web-shop" / "catalog")


def copy_files(source: Path, target: Path) -> None:
    """Copies what a shop has written an hour ago; younger files are left alone, since they may be half written."""
    target.mkdir(parents=True, exist_ok=True)
    an_hour_ago = time.time() - 3600
    for file in sorted(source.iterdir()):
        shutil.copyfile(file, target / file.name)
        os.utime(target / file.name, (an_hour_ago, an_hour_ago))


def write_profile(profile: Path, shop: str, port: int, redirect_uri: str) -> None:
    """A profile of the examples, with the sandbox as its bexio and the demo's folder as its shop."""
    example = HERE / profile.stem / "profile.toml"
    text = example.read_text(encoding="utf-8")
    commented, path = '# api_url = "http://127.0.0.1:8765"', 'path = "./shop"'
    if commented not in text or path not in text:
        sys.exit(f"demo: {example} has changed; the line for the sandbox or the shop is missing.")
    sandbox = f"http://127.0.0.1:{port}"
    keys = {
        "api_url": sandbox,
        "web_url": f"{sandbox}/sandbox",
        "issuer": f"{sandbox}/realms/bexio",
        "redirect_uri": redirect_uri,
    }
    text = text.replace(commented, "\n".join(f'{name} = "{value}"' for name, value in keys.items()))
    profile.write_text(text.replace(path, f'path = "{shop}"'), encoding="utf-8")


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


def bexsync(profile: Path, *arguments: str) -> None:
    """Shows a command, runs it, and ends the demo if it fails."""
    say(f"\n{BOLD}$ bexsync -p {profile} {' '.join(arguments)}{PLAIN}")
    quiet_without_terminal = arguments[1] in ("push", "poll", "sync", "pull", "check", "map") and not TERMINAL
    shown = [*arguments, "-v"] if quiet_without_terminal else list(arguments)
    done = subprocess.run([BEXSYNC, "-p", profile, *shown], check=False)
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


def books(port: int, what: str = "state") -> Any:
    """What stands in the sandbox's books now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sandbox/api/{what}", timeout=10) as answer:
        return json.load(answer)


def tell(text: str) -> None:
    """A sentence of the story."""
    say(f"\n{text}")


def say(text: str) -> None:
    """A line, shown before the next command prints its own."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
