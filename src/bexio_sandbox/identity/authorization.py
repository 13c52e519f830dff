"""What an app asks for when it sends a browser to the login page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from oauthlib.common import add_params_to_uri
from werkzeug.datastructures import MultiDict

from bexio_sandbox.behaviours import Behaviours
from bexio_sandbox.identity.directory import App, Apps
from bexio_sandbox.scopes import in_order, unknown

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_METHODS = ("S256", "plain")
_RESPONSE_TYPES = ("none", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token")
_PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "response_mode",
    "request",
    "request_uri",
)


class PageError(Exception):
    """Ends a request of a browser with a page of the identity server itself: nobody can be trusted with a redirect."""


class Refusal(Exception):
    """Ends a request of a browser by sending it back to the app with an error."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        super().__init__(error)
        self.redirect_uri = redirect_uri
        self.state = state
        self.error = error
        self.description = description


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that is in order."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None
    challenge_method: str
    prompts: frozenset[str]
    login_hint: str
    parameters: Mapping[str, str]

    def query(self, *, without_prompt: bool = False, **changes: str) -> str:
        """Return the request as the query of an address."""
        kept = {name: value for name, value in self.parameters.items() if not (without_prompt and name == "prompt")}
        return urlencode({**kept, **changes})

    def refusal(self, error: str, description: str) -> Refusal:
        """Return the way back with an error."""
        return Refusal(self.redirect_uri, self.state, error, description)


def read(sent: MultiDict[str, str], apps: Apps, behaviours: Behaviours) -> AuthorizationRequest:
    """Checks what a browser brought, in the order in which an error can be told to nobody, then to the app."""
    app, redirect_uri = _app_and_redirect(sent, apps)
    state = sent.get("state")

    def refuse(error: str, description: str) -> Refusal:
        return Refusal(redirect_uri, state, error, description)

    if any(len(sent.getlist(name)) > 1 for name in _PARAMETERS):
        raise refuse("invalid_request", "duplicated parameter")
    response_type = sent.get("response_type")
    if not response_type:
        raise refuse("invalid_request", "Missing parameter: response_type")
    if response_type != "code":
        is_known = " ".join(sorted(response_type.split())) in _RESPONSE_TYPES
        raise refuse("unauthorized_client" if is_known else "unsupported_response_type", _WRONG_FLOW)
    if sent.get("response_mode", "query") != "query":
        raise refuse("invalid_request", "Invalid parameter: response_mode")
    for name in ("request", "request_uri"):
        if name in sent:
            raise refuse(f"{name}_not_supported", f"The parameter {name} is not supported here")
    asked = sent.get("scope", "").split()
    if unknown(asked):
        raise refuse("invalid_scope", f"Invalid scopes: {' '.join(asked)}")
    challenge, method = _challenge(sent, behaviours, refuse)
    prompts = frozenset(sent.get("prompt", "").split())
    if "none" in prompts and len(prompts) > 1:
        raise refuse("invalid_request", "Invalid parameter: prompt")
    parameters = {name: sent[name] for name in _PARAMETERS if name in sent}
    return AuthorizationRequest(
        app,
        redirect_uri,
        tuple(in_order(asked)),
        state,
        sent.get("nonce"),
        challenge,
        method,
        prompts,
        sent.get("login_hint", ""),
        parameters,
    )


_WRONG_FLOW = "Client is not allowed to initiate browser login with given response_type"


def _app_and_redirect(sent: MultiDict[str, str], apps: Apps) -> tuple[App, str]:
    for name in ("client_id", "redirect_uri"):
        if len(sent.getlist(name)) > 1:
            raise PageError(f"The parameter {name} came twice.")
    if not sent.get("client_id"):
        raise PageError("The app did not say who it is: the parameter client_id is missing.")
    app = apps.find(sent["client_id"])
    if app is None:
        raise PageError(f"No app is registered under the client id “{sent['client_id']}”.")
    redirect_uri = sent.get("redirect_uri")
    if not redirect_uri:
        raise PageError("The app did not say where to go back to: the parameter redirect_uri is missing.")
    if redirect_uri not in app.redirect_uris:
        raise PageError(
            f"The address “{redirect_uri}” is not registered for this app. It has to match to the letter: "
            f"{' or '.join(app.redirect_uris)}"
        )
    return app, redirect_uri


def _challenge(
    sent: MultiDict[str, str], behaviours: Behaviours, refuse: Callable[[str, str], Refusal]
) -> tuple[str | None, str]:
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if challenge is None:
        if method is not None or behaviours["pkce"] == "required":
            raise refuse("invalid_request", "Missing parameter: code_challenge")
        return None, "plain"
    if method is not None and method not in _METHODS:
        raise refuse("invalid_request", "Invalid parameter: code_challenge_method")
    if not _CHALLENGE.fullmatch(challenge):
        raise refuse("invalid_request", "Invalid parameter: code_challenge")
    return challenge, method or "plain"


def with_parameters(uri: str, **parameters: str | None) -> str:
    """Return an address with further parameters in its query."""
    return str(add_params_to_uri(uri, [(name, value) for name, value in parameters.items() if value is not None]))
