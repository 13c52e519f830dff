"""A kept world: one company with two shops, packed into a file and opened again anywhere."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from bexio_sandbox import Fault, Sandbox
from bexio_sandbox.server import serving
from bexsync.admin.links import AdoptOptions, adopt
from bexsync.engine.result import Result
from world import TOKEN, TestClock, World

KEPT = Path(__file__).parent / "kept" / "v3"
HOST = "kept"  # a state belongs to one computer; this one is in every test
SITES = ("main", "second")
_FOLDER, _API = "{folder}", "{api}"
_LEFT_AT = "left-at"
_WITH_PATHS = ("main.toml", "second.toml", "state/companies.json", "main/.bexsync", "second/.bexsync")
_NOT_KEPT = (".lock", "-wal", "-shm")


@dataclass
class Site(World):
    """One of the two shops; its folder is called as its site."""

    @property
    def name(self) -> str:
        """The name of the site."""
        return self.profile_path.stem

    @property
    def shop(self) -> Path:
        """The folder of the shop."""
        return self.folder / self.name

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process, with the name of the computer."""
        return super().environment | {"BEXSYNC_HOST": HOST}

    def adopt(self, shop_id: str, number: str) -> Result:
        """Link an invoice to a document that a person wrote."""
        with self.workspace() as workspace:
            return adopt(workspace, AdoptOptions(shop_id, number, yes=True))

    def jobs(self) -> tuple[Callable[[], Result], ...]:
        """What cron would start, in its order."""
        return self.push, self.poll, self.sync_products, self.pull_stock


@dataclass
class Gateway:
    """What stands between the program and bexio: it can answer the next requests itself, or hand one on twice."""

    sandbox: Sandbox
    status: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    reads: bool = False
    fault: str = ""
    twice: bool = False

    def rest(self) -> None:
        """Hand everything on again."""
        self.status, self.fault, self.twice, self.reads = 0, "", False, False
        self.sandbox.faults.clear()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        request = Request(environ)
        is_read = request.method == "GET" or request.path.endswith("/search")
        if is_read and not self.reads:
            return self.sandbox.app(environ, start_response)
        if self.status:
            return Response(json.dumps(self.body), self.status, mimetype="application/json")(environ, start_response)
        if self.fault:
            self.sandbox.faults.plan([Fault(self.fault, request.method, request.path)])
            self.fault = ""
        if self.twice:
            self.twice = False
            body = request.get_data()
            for _ in range(2):
                environ["wsgi.input"] = io.BytesIO(body)
                Response.from_app(self.sandbox.app, environ, buffered=True)
            return Response("<html>Bad gateway</html>", 502, mimetype="text/html")(environ, start_response)
        return self.sandbox.app(environ, start_response)


@dataclass
class Both:
    """The company in the sandbox and its two shops."""

    folder: Path
    sandbox: Sandbox
    gateway: Gateway
    clock: TestClock
    main: Site
    second: Site

    @property
    def sites(self) -> tuple[Site, Site]:
        """Both shops."""
        return self.main, self.second

    @property
    def state(self) -> Path:
        """The file of the state."""
        (path,) = (self.folder / "state").glob("bexio-*.db")
        return path


@contextmanager
def served(folder: Path, patch: pytest.MonkeyPatch, moment: datetime) -> Iterator[Both]:
    """The two shops in a folder at work, with the local bexio whose books lie there."""
    clock = TestClock(moment)
    (folder / "home").mkdir(exist_ok=True)
    sandbox = Sandbox(clock=clock.now, token=TOKEN, rate_limits=False, data=folder / "books.db")
    gateway = Gateway(sandbox)
    with serving(gateway, 0) as url:
        for name, value in {
            "BEXSYNC_STATE_DIR": str(folder / "state"),
            "BEXSYNC_ACCESS_TOKEN": TOKEN,
            "BEXSYNC_HOST": HOST,
            "HOME": str(folder / "home"),
        }.items():
            patch.setenv(name, value)
        sites = [Site(folder, sandbox, url, clock, folder / f"{name}.toml") for name in SITES]
        yield Both(folder, sandbox, gateway, clock, *sites)
    sandbox.close()


def pack(both: Both, target: Path) -> None:
    """Write everything that belongs to the two shops into one file, without the names of this computer."""
    target.parent.mkdir(exist_ok=True)
    (both.folder / _LEFT_AT).write_text(both.clock.now().isoformat())
    with tarfile.open(target, "w:xz", preset=9) as archive:
        for path in sorted(both.folder.rglob("*")):
            name = path.relative_to(both.folder).as_posix()
            if name.startswith("home") or name.endswith(_NOT_KEPT):
                continue
            info = archive.gettarinfo(path, name)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            if not path.is_file():
                archive.addfile(info)
                continue
            content = _database(path) if path.suffix == ".db" else path.read_bytes()
            if name in _WITH_PATHS:
                text = content.decode().replace(str(both.folder), _FOLDER).replace(both.main.url, _API)
                content = text.encode()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def _database(path: Path) -> bytes:
    """A database as one file."""
    copy = path.with_suffix(".copy")
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    content = copy.read_bytes()
    copy.unlink()
    return content


@contextmanager
def opened(name: str, folder: Path, patch: pytest.MonkeyPatch, kept: Path = KEPT, **later: float) -> Iterator[Both]:
    """A kept world in a folder of this computer, that much later than it was left."""
    with tarfile.open(kept / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(next((folder / "state").glob("bexio-*.db")))) as db:
        for site in SITES:
            db.execute("UPDATE sites SET profile = ? WHERE site = ?", (str(folder / f"{site}.toml"), site))
        db.commit()
    moment = datetime.fromisoformat((folder / _LEFT_AT).read_text()) + timedelta(**later)
    with served(folder, patch, moment) as both:
        for file in _WITH_PATHS:
            path = folder / file
            mode, text = path.stat().st_mode, path.read_text()
            path.write_text(text.replace(_FOLDER, str(folder)).replace(_API, both.main.url))
            path.chmod(mode)
        yield both


Rows = dict[tuple[str, str, str], tuple[str, int, str]]


def journal(both: Both) -> Rows:
    """Every effect that was ever begun: its state, how often it was tried, and the digest of what it sends."""
    with closing(sqlite3.connect(both.state)) as db:
        rows = db.execute("SELECT scope, kind, key, state, attempt, payload_hash FROM intents")
        return {(scope, kind, key): (state, attempt, digest) for scope, kind, key, state, attempt, digest in rows}
