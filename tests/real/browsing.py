"""A person at a real Chromium, and a login that waits for her there."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from login_kit import BEXSYNC, CLIENT_ID, LoginWorld
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOTS = "BEXSYNC_SHOTS"
PATIENCE = 20.0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Person:
    """Somebody with a browser of her own, who notes what every page asks for and complains of."""

    page: Page
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    scripts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def opens(self, address: str) -> None:
        self.page.goto(address)

    def logs_in(self, user: str, password: str = "sandbox") -> None:
        self.page.get_by_label(user).check()
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def types(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tabs_to(self, button: str) -> None:
        """Goes on with Tab until the button has the focus."""
        wanted = self.page.get_by_role("button", name=button, exact=True)
        for _ in range(10):
            if wanted.evaluate("button => button === document.activeElement"):
                return
            self.types("Tab")
        raise AssertionError(f"Tab never comes to {button}")

    def sees(self, heading: str) -> None:
        """Waits for a page with this heading, and looks for what could run there."""
        self.page.get_by_role("heading", name=heading).wait_for()
        self.scripts[self.page.title()] = self.page.evaluate(
            "document.scripts.length + [...document.querySelectorAll('*')].filter("
            "e => [...e.attributes].some(a => a.name.startsWith('on') || /^javascript:/i.test(a.value))).length"
        )

    def reads(self) -> str:
        return self.page.locator("main").inner_text()

    def hosts_asked(self) -> set[str | None]:
        return {urlsplit(address).hostname for address in self.asked_for}

    def photographs(self, name: str) -> None:
        """Keeps the page as picture, by day, by night and on a telephone, where somebody wants to look at it."""
        folder = os.environ.get(SHOTS, "")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        usual = self.page.viewport_size
        for style, width in (("light", 1280), ("dark", 1280), ("light", 360)):
            self.page.emulate_media(color_scheme=style)
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.screenshot(path=Path(folder) / f"{name}-{style}-{width}.png", full_page=True)
        self.page.emulate_media(color_scheme="null")
        if usual is not None:
            self.page.set_viewport_size(usual)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


@contextmanager
def a_login(world: LoginWorld, *options: str) -> Iterator[WaitingLogin]:
    """`bexsync auth login`, which opens its page in a browser that hands the address over to the test."""
    handed = world.folder / "handed-over"
    handed.unlink(missing_ok=True)
    browser = world.folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{handed}.part" && mv "{handed}.part" "{handed}"\n')
    browser.chmod(0o755)
    command = [BEXSYNC, "--profile", world.profile_path, "auth", "login", "--client-id", CLIENT_ID, *options]
    with subprocess.Popen(
        command,
        env=world.environment | {"BROWSER": f"{browser} %s"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield WaitingLogin(process, handed)
        finally:
            process.kill()


@dataclass
class WaitingLogin:
    """A login under way."""

    process: subprocess.Popen[str]
    handed: Path

    def address(self) -> str:
        """The page that it opened."""
        until = time.monotonic() + PATIENCE
        while not self.handed.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "no page was opened"
            time.sleep(0.02)
        return self.handed.read_text()

    def ends(self) -> tuple[int, str, str]:
        """Its exit code and what it said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err
