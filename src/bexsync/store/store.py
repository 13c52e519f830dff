"""The state of one ledger company, seen from one site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bexsync.errors import ConfigurationProblem, StateProblem
from bexsync.http.rate_limit import BudgetBook
from bexsync.paths import this_host
from bexsync.ports.store import Database
from bexsync.store.errors import Errors
from bexsync.store.intents import Attempts, Intents
from bexsync.store.invoice_rows import InvoiceRows
from bexsync.store.ledger_cache import ContactIndex, Facts
from bexsync.store.links import Links
from bexsync.store.records import Records
from bexsync.store.runs import Cursors, Mentions, Runs
from bexsync.store.status_list import StatusList
from bexsync.store.values import stored


class Store:
    """Every table, bound to one site; what sites share (contacts, facts, budget) is not bound."""

    def __init__(self, database: Database, site: str, budget: BudgetBook) -> None:
        self._database = database
        self.site = site
        self.budget = budget
        self.records = Records(database, site)
        self.links = Links(database, site)
        self.intents = Intents(database, site)
        self.attempts = Attempts(database)
        self.cursors = Cursors(database, site)
        self.runs = Runs(database, site)
        self.errors = Errors(database, site)
        self.mentions = Mentions(database, site)
        self.status_list = StatusList(database, site)
        self.invoice_rows = InvoiceRows(database, site)
        self.facts = Facts(database)
        self.contacts = ContactIndex(database)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored together or not at all; no request may be made inside."""
        with self._database.transaction():
            yield

    @contextmanager
    def rehearsal(self) -> Iterator[Store]:
        """The same state for a dry run, which leaves nothing behind; its requests count for real."""
        with self._database.rehearsal() as database:
            yield Store(database, self.site, self.budget)

    def is_held(self, lock: str) -> bool:
        """Whether a process still holds the lock of a run; "" is the lock of no run."""
        return self._database.is_held(lock)

    def check_site(self, profile: str) -> None:
        """Raises ConfigurationProblem when the profile used another site before."""
        before = self._database.row("SELECT site FROM sites WHERE profile = ?", profile)
        if before is not None and before["site"] != self.site:
            raise ConfigurationProblem(
                f'The site of this profile was "{before["site"]}" and is now "{self.site}"; '
                "it is part of every key and must not change.",
                f'Set [shop] site = "{before["site"]}" again. For another shop write another profile.',
                code="site_changed",
            )

    def claim_site(self, *, profile: str, shop: str, now: datetime) -> None:
        """Notes who uses this site; raises ConfigurationProblem when the profile used another site before."""
        with self._database.transaction() as db:
            self.check_site(profile)
            other = db.execute(
                "SELECT profile FROM sites WHERE site = ? AND profile <> ?", (self.site, profile)
            ).fetchone()
            if other is not None and not Path(other["profile"]).exists():  # it was moved here
                db.execute("UPDATE sites SET profile = ? WHERE site = ?", (profile, self.site))
            elif other is not None:
                raise ConfigurationProblem(
                    f'The site "{self.site}" is already used by the profile {other["profile"]}.',
                    "Give every shop its own [shop] site; two profiles must not share one.",
                    code="site_taken",
                )
            db.execute(
                "INSERT INTO sites VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (self.site, profile, shop, stored(now))
            )

    def close(self) -> None:
        """Closes the database and the budget."""
        self._database.close()
        self.budget.close()


def pin_company(database: Database, place: str, company: str) -> None:
    """Binds a new state to a company and this computer; raises StateProblem when it belongs to others."""
    _pin(
        database,
        "company",
        company,
        f"The state {place} belongs to another company.",
        "Use the state that belongs here, or `bexsync state restore` a copy of it.",
    )
    _pin(
        database,
        "host",
        this_host(),
        f"The state {place} was written on another computer; two must never work on one company.",
        "Stop bexsync there, then say `bexsync state take-over` here (containers: BEXSYNC_HOST names them).",
    )


def take_over(database: Database) -> str:
    """Lets this computer go on with a state that another one wrote; the name of the other one."""
    with database.transaction() as db:
        row = database.row("SELECT value FROM meta WHERE key = 'host'")
        db.execute(
            "INSERT INTO meta VALUES ('host', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (this_host(),)
        )
        return str(row["value"]) if row else ""


def go_on_with_copy(database: Database) -> None:
    """Lets this computer go on with a copy of a state.

    The next poll looks at everything, and finds what came since; the shops' status lists are written again.
    """
    with database.transaction() as db:
        take_over(database)
        db.execute("DELETE FROM cursors WHERE name = 'payments:changed_until'")
        db.execute("DELETE FROM status_lists")


def _pin(database: Database, key: str, value: str, sentence: str, hint: str) -> None:
    row = database.row("SELECT value FROM meta WHERE key = ?", key)
    if row is None:
        with database.transaction() as db:
            db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
        return
    if row["value"] != value:
        raise StateProblem(f'{sentence} It says {key} "{row["value"]}", here it is "{value}".', hint)
