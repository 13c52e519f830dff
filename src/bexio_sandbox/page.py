"""The page under /sandbox: what the company holds, and buttons for what a person would do."""

from __future__ import annotations

import hmac
import inspect
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

from bexio_sandbox import serializers
from bexio_sandbox.decimals import padded, plain
from bexio_sandbox.identity.server import Identity
from bexio_sandbox.identity.token_admin import TokenAdmin
from bexio_sandbox.moments import local_stamp
from bexio_sandbox.requests import Request, is_for_this_machine
from bexio_sandbox.rights import LEVELS, MODULES, Rights
from bexio_sandbox.state import contacts, deliveries, invoices, items, orders
from bexio_sandbox.state.tables import Row, State
from bexio_sandbox.ui_actions import UiActions

_DEEP_LINK = re.compile(r"/sandbox/index\.php/(?P<kind>kb_invoice|kb_order|kb_delivery|article)/show/id/(?P<id>\d+)")
_ANCHORS = {"kb_invoice": "invoice", "kb_order": "order", "kb_delivery": "delivery", "article": "item"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_ACTIONS = (
    "pay",
    "unpay",
    "credit",
    "issue",
    "revert",
    "cancel",
    "delete",
    "edit",
    "edit_price",
    "edit_order",
    "edit_order_price",
    "finish_order",
    "cancel_order",
    "reopen_order",
    "delete_order",
    "deliver_order",
    "invoice_order",
    "issue_delivery",
    "cancel_delivery",
    "delete_delivery",
    "archive_contact",
    "restore_contact",
    "edit_contact",
    "merge_contacts",
    "create_item",
    "edit_item",
    "delete_item",
    "book_stock",
    "reserve_stock",
    "load_items",
    "add_tax",
    "set_tax_active",
    "end_tax",
    "set_automatic_numbering",
    "set_rounding",
    "set_right",
    "book_module",
    "unbook_module",
)
_SHOWN_AT_MOST = 200
_LOGINS_AT_MOST = 20
_CUT = ("orders", "deliveries", "invoices", "mails")
_WHOLE_NUMBERS = (
    "invoice_id",
    "order_id",
    "delivery_id",
    "bank_account_id",
    "payment_id",
    "contact_id",
    "item_id",
    "count",
    "first",
    "user_id",
    "login_id",
    "position_index",
    "keep",
    "drop",
    "days",
    "seconds",
)
_SHOWN_ONCE_AT_MOST = 20
_JSON_HEADER = "Content-Type: application/json"


class Page:
    """Serves the page and its small machine interface."""

    def __init__(
        self, state: State, person: UiActions, requests: list[Request], identity: Identity, token_admin: TokenAdmin
    ) -> None:
        self._state = state
        self._identity = identity
        self._rights = Rights(state)
        self._once: dict[str, str] = {}
        self._requests = requests
        self._csrf = secrets.token_urlsafe(24)
        self._actions: dict[str, Callable[..., Any]] = {name: getattr(person, name) for name in _ACTIONS}
        self._actions |= token_admin.actions()
        self._readable: dict[str, Callable[[], Any]] = {
            "/sandbox/api": self._contents,
            "/sandbox/api/items": self._items,
            "/sandbox/api/requests": self._served,
            "/sandbox/api/state": self.state,
        }
        self._templates = Environment(loader=PackageLoader("bexio_sandbox"), autoescape=True, undefined=StrictUndefined)

    def serve(self, request: WerkzeugRequest) -> Response:
        """Answers one request of a browser or a script."""
        if not is_for_this_machine(request):
            return Response("This page is for this machine only.", 403, _HEADERS)
        path = request.path.rstrip("/")
        if request.method == "GET" and path == "/sandbox":
            return self._overview(request.args.get("said", ""), self._once.pop(request.args.get("once", ""), ""))
        if request.method == "GET" and path in self._readable:
            return _json(self._readable[path]())
        if request.method == "POST" and path == "/sandbox/do":
            return self._do_form(request)
        if request.method == "POST" and path.startswith("/sandbox/api/"):
            return self._do_json(path.removeprefix("/sandbox/api/"), request)
        deep_link = _DEEP_LINK.fullmatch(path)
        if request.method == "GET" and deep_link:
            place = f"/sandbox#{_ANCHORS[deep_link['kind']]}-{deep_link['id']}"
            return Response("", 303, {**_HEADERS, "Location": place})
        return Response("There is nothing here.", 404, _HEADERS)

    def state(self) -> dict[str, Any]:
        """Return contacts, documents, payments, mails and request counts for scripts."""
        state = self._state
        with state.lock:
            buckets = Counter(request.bucket for request in self._requests)
            statuses = Counter(str(request.status) for request in self._requests)
            writes = sum(request.method != "GET" and not request.path.endswith("/search") for request in self._requests)
            return {
                "contacts": [_contact(row) for row in _sorted(state.contacts)],
                "orders": [_order(state, row) for row in _sorted(state.orders)],
                "deliveries": [_delivery(state, row) for row in _sorted(state.deliveries)],
                "invoices": [_invoice(state, row) for row in _sorted(state.invoices)],
                "payments": [serializers.payment(row, serializers.READ) for row in _sorted(state.payments)],
                "mails": _sorted(state.mails),
                "requests": {
                    "count": len(self._requests),
                    "writes": writes,
                    "buckets": buckets,
                    "statuses": statuses,
                },
            }

    def _contents(self) -> dict[str, Any]:
        return {
            "look": [path for path in self._readable if path != "/sandbox/api"],
            "act": f"POST /sandbox/api/ACTION with the header {_JSON_HEADER} and one JSON object",
            "actions": {name: _described(action) for name, action in self._actions.items()},
        }

    def _items(self, at_most: int | None = None) -> list[Row]:
        with self._state.lock:
            rows = self._state.tables[items.ITEMS]
            return [
                serializers.item({**items.BLANK, **rows[number]}, serializers.READ) for number in sorted(rows)[:at_most]
            ]

    def _served(self) -> list[dict[str, Any]]:
        """Return every request of the API with the Unix time at which it came; a status of 0 has no answer yet."""
        names = ("number", "at", "method", "path", "bucket", "status")
        with self._state.lock:
            return [{name: getattr(request, name) for name in names} for request in self._requests]

    def _overview(self, said: str, new_token: str) -> Response:
        state = self.state()
        context = {
            **state,
            "company": self._state.tables["company_profiles"][1]["name"],
            "now": self._state.now(),
            "status_names": invoices.STATUS_NAMES,
            "currencies": {row["id"]: row["name"] for row in self._state.tables["currencies"].values()},
            "contact_names": {row["id"]: contacts.full_name(row) for row in _sorted(self._state.contacts)},
            "payments_of": _by_invoice(state["payments"]),
            **{name: state[name][-_SHOWN_AT_MOST:] for name in _CUT},
            "items": self._items(_SHOWN_AT_MOST),
            "counts": {
                **{name: len(state[name]) for name in _CUT},
                "items": len(self._state.tables[items.ITEMS]),
            },
            "money": lambda text: padded(text, 2),
            "short": lambda text: plain(Decimal(text)),
            "local": lambda text: local_stamp(datetime.fromisoformat(text)),
            "csrf": self._csrf,
            "said": said,
            "new_token": new_token,
            **self._access(),
        }
        html = self._templates.get_template("sandbox.html").render(context)
        return Response(html, 200, {**_HEADERS, "Content-Type": "text/html; charset=utf-8"})

    def _access(self) -> dict[str, Any]:
        users = _sorted(self._state.tables["users"])
        return {
            "issuer": self._identity.issuer,
            "apps": self._identity.apps.all(),
            "logins": self._identity.logins[-_LOGINS_AT_MOST:],
            "users": users,
            "modules": MODULES,
            "levels": LEVELS,
            "rights": {user["id"]: self._rights.shown(user["id"])["permissions"] for user in users},
        }

    def _do_form(self, request: WerkzeugRequest) -> Response:
        form = request.form.to_dict()
        if not hmac.compare_digest(form.pop("csrf", "").encode(), self._csrf.encode()):
            return Response("The page has expired; load it again.", 403, _HEADERS)
        action = form.pop("action", "")
        try:
            result = self._do(action, {name: value for name, value in form.items() if value != ""})
            said = "Done."
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            said = f"Not done: {error}"
        told = {"said": said[:300]}
        place = ""
        if said == "Done." and action == "create_token":
            told["once"] = self._kept_once(str(result))
            place = "#access"
        return Response("", 303, {**_HEADERS, "Location": f"/sandbox?{urlencode(told)}{place}"})

    def _kept_once(self, secret: str) -> str:
        """Keeps a secret for the one page that shows it, so that it stands in no address."""
        name = secrets.token_urlsafe(16)
        self._once[name] = secret
        for oldest in list(self._once)[:-_SHOWN_ONCE_AT_MOST]:
            del self._once[oldest]
        return name

    def _do_json(self, action: str, request: WerkzeugRequest) -> Response:
        # A page from elsewhere can send a form, but no JSON without being asked first.
        if request.mimetype != "application/json":
            return _json({"error": f"send JSON, with the header {_JSON_HEADER}"}, 415)
        if action not in self._actions:
            return _json({"error": f"there is no action {action}; GET /sandbox/api lists them"}, 404)
        try:
            return _json({"result": self._do(action, _object(request.get_data()))})
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            return _json({"error": str(error)}, 422)

    def _do(self, action: str, arguments: Mapping[str, Any]) -> Any:
        if action not in self._actions:
            raise ValueError(f"there is no action {action!r}")
        cleaned = {name: _cleaned(name, value) for name, value in arguments.items()}
        inspect.signature(self._actions[action]).bind(**cleaned)
        return self._actions[action](**cleaned)


def _object(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body or b"{}")
    except ValueError as problem:
        raise ValueError(f"this is no JSON: {problem}") from None
    if not isinstance(sent, dict):
        raise ValueError('send a JSON object, such as {"invoice_id": 1}')
    return sent


def _described(action: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(action).parameters.values()
    named = [each for each in parameters if each.kind is not each.VAR_KEYWORD]
    takes = [each.name for each in named if each.default is not each.empty]
    if len(named) < len(parameters):
        takes.append("any field by its name in the API")
    needs = [each.name for each in named if each.default is each.empty]
    return {"does": inspect.getdoc(action), "needs": needs, "takes": takes}


def _cleaned(name: str, value: Any) -> Any:
    if name in _WHOLE_NUMBERS:
        try:
            return int(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name} is a whole number, not {value!r}") from None
    return str(value) if isinstance(value, float) else value


def _sorted(rows: Mapping[int, Row]) -> list[Row]:
    return [rows[number] for number in sorted(rows)]


def _contact(row: Row) -> Row:
    return {**serializers.contact(row, serializers.READ, is_single=False), "is_archived": row["is_archived"]}


def _invoice(state: State, row: Row) -> Row:
    shown = serializers.invoice(state, row, serializers.READ, with_positions=True)
    return {**shown, "status": invoices.STATUS_NAMES[row["kb_item_status_id"]], "is_sent": row["is_sent"]}


def _order(state: State, row: Row) -> Row:
    shown = serializers.order(state, row, serializers.READ, with_positions=True)
    made = {name: [number for number in row[name] if number in state.tables[table]] for name, table in _MADE}
    return {**shown, "status": orders.STATUS_NAMES[row["kb_item_status_id"]], **made}


_MADE = (("delivery_ids", "deliveries"), ("invoice_ids", "invoices"))


def _delivery(state: State, row: Row) -> Row:
    shown = serializers.delivery(state, row, serializers.READ, with_positions=True)
    status = deliveries.STATUS_NAMES[row["kb_item_status_id"]]
    return {**shown, "status": status, "order_id": row["order_id"]}


def _by_invoice(rows: list[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["kb_invoice_id"], []).append(row)
    return grouped


def _json(body: Any, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, default=str)
    return Response(text, status, {**_HEADERS, "Content-Type": "application/json"})
