"""Where everything is: the realm's OpenID configuration."""

from __future__ import annotations

from typing import Any

from bexio_sandbox.scopes import WORDS

_CLIENT_METHODS = ["client_secret_basic", "client_secret_post"]


def configuration(issuer: str) -> dict[str, Any]:
    """Returns the configuration of what this identity server can do."""
    endpoint = f"{issuer}/protocol/openid-connect"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{endpoint}/auth",
        "token_endpoint": f"{endpoint}/token",
        "introspection_endpoint": f"{endpoint}/token/introspect",
        "userinfo_endpoint": f"{endpoint}/userinfo",
        "end_session_endpoint": f"{endpoint}/logout",
        "jwks_uri": f"{endpoint}/certs",
        "revocation_endpoint": f"{endpoint}/revoke",
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "introspection_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "revocation_endpoint_auth_methods_supported": _CLIENT_METHODS,
        "claims_supported": ["aud", "sub", "iss", "auth_time", "given_name", "family_name", "email"],
        "claim_types_supported": ["normal"],
        "scopes_supported": list(WORDS),
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
