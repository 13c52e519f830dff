"""The sandbox as a whole: a strict bexio of one company, in this process or on a port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox import serializers
from bexio_sandbox.api.app import ApiApp
from bexio_sandbox.behaviours import Behaviours
from bexio_sandbox.faults import Faults
from bexio_sandbox.identity.keys import Keys
from bexio_sandbox.identity.logins import Logins
from bexio_sandbox.identity.server import Identity
from bexio_sandbox.identity.settings import REALM, Settings
from bexio_sandbox.identity.token_admin import TokenAdmin
from bexio_sandbox.identity.tokens import Tokens
from bexio_sandbox.latency import Latency
from bexio_sandbox.limits import RateLimits
from bexio_sandbox.moments import Clock, real_time
from bexio_sandbox.page import Page
from bexio_sandbox.requests import Hooks, Request
from bexio_sandbox.seed import complete_old_state, open_new_state
from bexio_sandbox.server import AccessLog, serving
from bexio_sandbox.state import invoices, items, payments, revenue
from bexio_sandbox.state.revenue import Account, Booking
from bexio_sandbox.state.tables import Row, State, Table
from bexio_sandbox.ui_actions import UiActions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

COMPANIES = ("vat", "no-vat")


@dataclass(frozen=True)
class Mail:
    """A mail that left for a customer."""

    to: str
    subject: str
    message: str
    invoice_id: int
    document_nr: str
    sent_at: datetime
    attach_pdf: bool


class Sandbox:
    """A local bexio."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        behaviours: Mapping[str, str] | None = None,
        data: Path | None = None,
        speed: float = 1.0,
        rate_limits: bool = True,
        company: str = "vat",
        token: str | None = None,
        latency: float = 0.0,
    ) -> None:
        if company not in COMPANIES:
            raise ValueError(f"company can be {', '.join(COMPANIES)}, not {company!r}")
        if speed <= 0:
            raise ValueError("speed has to be positive")
        if latency < 0:
            raise ValueError("latency cannot be negative")
        if latency and speed != 1:
            raise ValueError("with latency the minutes of the rate limits pass as they do: speed has to be 1")
        self._latency = Latency(latency)
        self.behaviours = Behaviours(behaviours)
        moving_clock = Clock(clock or real_time)
        self.state = State(moving_clock, self.behaviours, data)
        if self.state.is_new:
            open_new_state(self.state, company)
        complete_old_state(self.state)
        self.person = UiActions(self.state)
        settings, keys = Settings(), Keys(self.state)
        self._tokens = Tokens(self.state, keys, settings)
        logins = Logins(self.state, self._tokens)
        self._faults = Faults(self.state, self._tokens, logins, self.person, moving_clock)
        self._identity = Identity(self.state, settings, keys, self._tokens, logins, self._faults)
        limits = RateLimits(moving_clock, speed, is_enforced=rate_limits)
        self._api = ApiApp(self.state, self._tokens, limits, self._faults)
        token_admin = TokenAdmin(self._identity, self._tokens)
        self._page = Page(self.state, self.person, self.requests, self._identity, token_admin)
        if token is not None:
            self.create_token(token=token)

    @property
    def app(self) -> WSGIApplication:
        """The WSGI application: the API, and the page under /sandbox."""
        return self._app

    @property
    def identity(self) -> Identity:
        """The identity server: who logged in, whether that still works, and the knobs of it."""
        return self._identity

    @property
    def hooks(self) -> Hooks:
        """The lists `before` and `after_commit` of functions that are called with every API request."""
        return self._api.dispatcher.hooks

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose; nothing, until something is planned."""
        return self._faults

    @property
    def requests(self) -> list[Request]:
        """All API requests since the start."""
        return self._api.dispatcher.requests

    @property
    def mails(self) -> list[Mail]:
        """All mails to customers, the oldest first."""
        with self.state.lock:
            rows = [dict(row) for row in self.state.mails.values()]
        return [_mail(row) for row in rows]

    def create_token(
        self,
        scopes: Iterable[str] | None = None,
        *,
        user_id: int = 1,
        token: str | None = None,
        days: float | None = None,
        lifetime: timedelta | None = None,
    ) -> str:
        """Gives out a personal access token for some days or another time, with all scopes if none are named."""
        return self._tokens.create(scopes, user_id, token, lifetime if days is None else timedelta(days=days))

    def register_app(self, client_id: str, secret: str, redirect_uris: Iterable[str], name: str | None = None) -> None:
        """Registers an app that may ask for logins, or changes the one of this client id."""
        self._identity.apps.register(client_id, secret, redirect_uris, name)

    def revoke_token(self, token: str) -> None:
        """Makes a token worthless."""
        with self.state.transaction():
            self._tokens.revoke(token)

    @contextmanager
    def serve(self, port: int = 0, *, access_log: AccessLog | None = None) -> Iterator[str]:
        """Serves on a local port for as long as the block lasts, and gives the address."""
        with serving(self.app, port, access_log) as url:
            self._identity.settings.issuer = f"{url}{REALM}"
            yield url

    def orders(self) -> list[Row]:
        """Return all orders as a GET of each would show them."""
        return self._documents(self.state.orders, serializers.order)

    def deliveries(self) -> list[Row]:
        """Return all deliveries as a GET of each would show them."""
        return self._documents(self.state.deliveries, serializers.delivery)

    def invoices(self) -> list[Row]:
        """Return all invoices as a GET of each would show them."""
        return self._documents(self.state.invoices, serializers.invoice)

    def revenue(self) -> dict[int, dict[Account, Booking]]:
        """Return what each issued invoice, by its id, brings to which account under which tax: net, and VAT."""
        with self.state.lock:
            booked = {number: revenue.of_invoice(self.state, row) for number, row in self.state.invoices.items()}
            return {number: bookings for number, bookings in sorted(booked.items()) if bookings}

    def contacts(self, *, archived: bool = False) -> list[Row]:
        """Return the live contacts, or the archived ones, as a GET of the list would show them."""
        with self.state.lock:
            rows = sorted(self.state.contacts.values(), key=lambda row: int(row["id"]))
            found = [row for row in rows if row["is_archived"] is archived]
            return [serializers.contact(row, serializers.READ, is_single=False) for row in found]

    def items(self) -> list[Row]:
        """Return all items as a GET of the list would show them."""
        with self.state.lock:
            rows = sorted(self.state.tables[items.ITEMS].values(), key=lambda row: int(row["id"]))
            return [serializers.item({**items.BLANK, **row}, serializers.READ) for row in rows]

    def load_items(self, count: int, first: int = 1, **fields: Any) -> None:
        """Adds many items at once: `ITEM-000001`, `Item 1` and so on; `fields` are what all of them hold."""
        self.person.load_items(count, first, **fields)

    def payments(self, invoice_id: int | None = None) -> list[Row]:
        """Return the payments of an invoice, or of all, as a GET would show them."""
        with self.state.lock:
            numbers = sorted(self.state.invoices) if invoice_id is None else [invoice_id]
            paid = [payments.of_invoice(self.state, invoices.find(self.state, number)) for number in numbers]
            return [serializers.payment(row, serializers.READ) for rows in paid for row in rows]

    def _documents(self, rows: Table, show: Callable[..., Row]) -> list[Row]:
        with self.state.lock:
            ordered = [rows[number] for number in sorted(rows)]
            return [show(self.state, row, serializers.READ, with_positions=True) for row in ordered]

    def close(self) -> None:
        """Forgets late commits and closes the file of the books, if there is one."""
        self._faults.close()
        self.state.close()

    def _app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = WerkzeugRequest(environ)
        if _is_below(request.path, "/sandbox"):
            return self._page.serve(request)(environ, start_response)
        arrival = self._latency.arrival()
        response = self._response(request)
        self._latency.hold(arrival)
        return response(environ, start_response)

    def _response(self, request: WerkzeugRequest) -> Response:
        if request.path == "/" and request.method == "GET":
            return Response("", 303, {"Location": "/sandbox"})
        if _is_below(request.path, "/realms"):
            return self._identity.serve(request)
        return self._api.serve(request)


def _is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder or lies below it."""
    return path == folder or path.startswith(f"{folder}/")


def _mail(row: Row) -> Mail:
    return Mail(
        row["to"],
        row["subject"],
        row["message"],
        row["invoice_id"],
        row["document_nr"],
        datetime.fromisoformat(row["sent_at"]),
        row["attach_pdf"],
    )
