"""A shop of somebody else: a till that keeps its sales in a SQLite file and numbers every change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bexsync.config.profile import ShopSection
from bexsync.errors import ConfigurationProblem
from bexsync.ports.shop import Batch, Capabilities, Event, IncomingRecord, InvalidInput, Shop, ShopOverview, WriteBack
from bexsync.ports.shop_package import Finding, Question, ShopPackage, ShopSite
from bexsync.records import Malformed, Reading, read_record


class TillSettings(ShopSection):
    """`database` is the till's file."""

    database: str = ""


class Till(Shop):
    """Reads the table `sales` and writes the table `events`."""

    capabilities = Capabilities(
        changes=frozenset({"invoice", "customer"}),
        write_backs=frozenset({WriteBack.EVENTS}),
        statuses=frozenset({"approved"}),
    )

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)

    def changes(self, cursor: str, *, claim: bool) -> Iterator[Batch]:
        query = "SELECT version, kind, body FROM sales WHERE version > ? ORDER BY version LIMIT 2"
        while rows := self._db.execute(query, (int(cursor or 0),)).fetchall():
            cursor = str(rows[-1][0])
            yield Batch([self._record(*row) for row in rows], cursor)

    def _record(self, version: int, kind: str, body: str) -> IncomingRecord | InvalidInput:
        value = json.loads(body, parse_float=Decimal)
        try:
            return IncomingRecord(kind, read_record(kind, value, Reading()), "sales", f"change {version}")
        except Malformed as problem:
            return InvalidInput("sales", f"change {version}", problem.message, "Correct it.", kind, value["shop_id"])

    def acknowledge(self, cursor: str) -> None:
        pass

    def examine(self) -> ShopOverview:
        return ShopOverview("the till", self._db.execute("SELECT count(*) FROM sales").fetchone()[0])

    def deliver(self, event: Event) -> None:
        told = {"event": event.name, "shop_id": event.shop_id, **event.data}
        self._db.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event.event_id, json.dumps(told)))


class TillPackage(ShopPackage[TillSettings]):
    """Opens the till with a key."""

    settings = TillSettings
    secrets = ("key",)

    def open_shop(self, settings: TillSettings, site: ShopSite, now: Callable[[], datetime]) -> Till:
        if site.secrets["key"] != "4711":
            raise ConfigurationProblem("The till does not know this key.", "Ask whoever installed it.")
        return Till(Path(settings.database))

    def diagnose(self, settings: TillSettings, site: ShopSite) -> Iterator[Finding]:
        if not Path(settings.database).is_file():
            yield Finding("wrong", "shop", f"There is no till {settings.database}.", "Name it.", key="shop.database")

    def questions(
        self, settings: TillSettings, site: ShopSite, profile: str, others: Mapping[Path, TillSettings]
    ) -> dict[str, Question[Any]]:
        return {"database": Question("", "Database of the till", settings.database, str)}
